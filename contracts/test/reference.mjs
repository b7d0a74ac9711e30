// The encodings of the anchor, a second time: in JavaScript, from the words of docs and on top of ethers, without a look
// at the contracts. `vectors.mjs` makes files of them, which the contracts and the Rust verifier are tested with.

import {
	AbiCoder,
	SigningKey,
	TypedDataEncoder,
	concat,
	computeAddress,
	dataLength,
	dataSlice,
	getBytes,
	hexlify,
	keccak256,
	solidityPacked,
	toBeHex,
	toUtf8Bytes,
	zeroPadValue,
} from 'ethers';
import { blake2b } from '@noble/hashes/blake2b';
import { existsSync, readFileSync } from 'node:fs';

const coder = AbiCoder.defaultAbiCoder();
const id = (text) => keccak256(toUtf8Bytes(text));
export const ZERO = '0x' + '00'.repeat(32);
export const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

// ---- Keys and signatures

/** The `i`-th key that tests know. */
export const key = (i) => id(`elapse/vector/key/${i}`);
export const addressOf = (secret) => computeAddress(secret).toLowerCase();

/** r, s and the recovery id of a signature with the lower s. */
export function sign(secret, digest) {
	const { r, s, yParity } = new SigningKey(secret).sign(digest);
	return { r, s, yParity };
}
/** 64 bytes: r, and s with the recovery id as its highest bit. */
export const compact = ({ r, s, yParity }) =>
	concat([r, zeroPadValue(toBeHex(BigInt(s) | (BigInt(yParity) << 255n)), 32)]);
/** 65 bytes: r, s, and the recovery id 0 or 1. */
export const full = ({ r, s, yParity }) => concat([r, s, toBeHex(yParity)]);
/** The other signature of the same key over the same digest. */
export const twin = ({ r, s, yParity }) => ({
	r,
	s: zeroPadValue(toBeHex(ORDER - BigInt(s)), 32),
	yParity: 1 - yParity,
});

// ---- Typed data

export const domain = ({ chainId, contract }) => ({
	name: 'Elapse',
	version: '1',
	chainId,
	verifyingContract: contract,
});
export const CHECKPOINT = {
	Checkpoint: [
		['bytes32', 'genesis'],
		['uint64', 'epoch'],
		['uint64', 'number'],
		['bytes32', 'blockHash'],
		['bytes32', 'stateRoot'],
		['bytes32', 'historyRoot'],
		['uint64', 'historyLeaves'],
		['bytes32', 'trustRoot'],
		['uint64', 'trustLeaves'],
		['uint64', 'signers'],
		['bytes32', 'nextSigners'],
	].map(([type, name]) => ({ name, type })),
};
export const VERDICT = {
	Verdict: [
		['bytes32', 'genesis'],
		['uint32', 'round'],
		['bytes32', 'subject'],
		['bytes32', 'evidence'],
		['uint8', 'judgement'],
		['bytes32', 'committee'],
		['uint64', 'expected'],
	].map(([type, name]) => ({ name, type })),
};
export const digestOf = (chain, types, message) => TypedDataEncoder.hash(domain(chain), types, message);

// ---- Signer sets

/** A set of the keys `from` to `from + weights.length`, by ascending addresses. */
export function signerSet(setId, weights, from = 0) {
	const signers = weights.map((weight, i) => ({
		secret: key(from + i),
		address: addressOf(key(from + i)),
		weight: BigInt(weight),
	}));
	signers.sort((a, b) => (a.address < b.address ? -1 : 1));
	return { id: BigInt(setId), signers };
}
export const word = (address, weight) => zeroPadValue(toBeHex((BigInt(address) << 96n) | BigInt(weight)), 32);
export const wordsOf = ({ signers }) => concat(signers.map(({ address, weight }) => word(address, weight)));
export const totalOf = ({ signers }) => signers.reduce((sum, { weight }) => sum + weight, 0n);
export const hashOf = (set) =>
	keccak256(
		concat([
			coder.encode(['bytes32', 'uint256', 'uint256'], [id('elapse/signers'), set.id, totalOf(set)]),
			wordsOf(set),
		]),
	);
export const isQuorum = (votes, total) => votes * 3n > total * 2n;

/** The first signers that are a quorum. */
export function quorumOf(set) {
	const chosen = [];
	for (let votes = 0n, i = 0; !isQuorum(votes, totalOf(set)); i++) {
		votes += set.signers[i].weight;
		chosen.push(i);
	}
	return chosen;
}

export function bitmapOf(set, chosen) {
	const bytes = new Uint8Array(Math.ceil(set.signers.length / 8));
	for (const i of chosen) bytes[i >> 3] |= 1 << (i & 7);
	return hexlify(bytes);
}

/** The certificate of the signers `chosen`. */
export const certify = (set, digest, chosen = quorumOf(set)) => ({
	signers: wordsOf(set),
	bitmap: bitmapOf(set, chosen),
	signatures: concat(chosen.map((i) => compact(sign(set.signers[i].secret, digest)))),
});

// ---- Trees

export const join = (left, right) => keccak256(concat([left, right]));

export const DEPTH = 17;
export const NOBODY = '0x' + '00'.repeat(20);
export const scoreLeaf = ({ epoch, node, score, index, signer }) =>
	keccak256(
		coder.encode(
			['bytes32', 'uint256', 'bytes32', 'uint256', 'uint256', 'address'],
			[id('elapse/score'), epoch, node, score, index, signer],
		),
	);

/** The rows of a tree of scores, from the leaves to the root, each without its empty end; and the empty nodes. */
export function scoreTree(leaves) {
	const rows = [leaves.map(scoreLeaf)],
		empty = [ZERO];
	for (let level = 0; level < DEPTH; level++) {
		const below = rows[level],
			row = [];
		for (let i = 0; i < Math.max(below.length, 1); i += 2)
			row.push(join(below[i] ?? empty[level], below[i + 1] ?? empty[level]));
		rows.push(row);
		empty.push(join(empty[level], empty[level]));
	}
	return { rows, empty, root: rows[DEPTH][0], leaves };
}
export const scoreProof = ({ rows, empty, leaves }, index) => ({
	epoch: leaves[index].epoch,
	index,
	signer: leaves[index].signer,
	siblings: Array.from({ length: DEPTH }, (_, level) => rows[level][(index >> level) ^ 1] ?? empty[level]),
});

export const historyLeaf = ({ number, blockHash, trustRoot, trustLeaves, committees }) =>
	solidityPacked(
		['uint64', 'bytes32', 'bytes32', 'uint64', 'bytes32'],
		[number, blockHash, trustRoot, trustLeaves, committees],
	);

/** A Merkle mountain range over leaves' hashes: root, and the proof of a leaf as `pallet-mmr` gives it. */
export function history(hashes) {
	// Perfect trees from left to right: `rows[0]` has the leaves, the last row the peak.
	const trees = [];
	for (let from = 0, left = hashes.length; left > 0;) {
		const size = 2 ** Math.floor(Math.log2(left)),
			rows = [hashes.slice(from, from + size)];
		while (rows.at(-1).length > 1) {
			const below = rows.at(-1);
			rows.push(Array.from({ length: below.length / 2 }, (_, i) => join(below[2 * i], below[2 * i + 1])));
		}
		trees.push({ from, size, rows, peak: rows.at(-1)[0] });
		from += size;
		left -= size;
	}
	// From the right: what is bagged already comes before the peak to its left.
	const bag = (peaks) => peaks.reduceRight((bagged, peak) => (bagged === null ? peak : join(bagged, peak)), null);
	return {
		root: bag(trees.map(({ peak }) => peak)),
		leaves: hashes.length,
		prove(index) {
			const own = trees.findIndex(({ from, size }) => index < from + size),
				{ from, rows } = trees[own];
			const right = trees.slice(own + 1).map(({ peak }) => peak);
			return [
				...trees.slice(0, own).map(({ peak }) => peak),
				...rows.slice(0, -1).map((row, level) => row[((index - from) >> level) ^ 1]),
				...(right.length ? [bag(right)] : []),
			];
		},
	};
}

/** The root of a committee's seats, by ascending addresses: who has no neighbour goes up as it is. */
export function committeeRoot(round, seats) {
	let row = seats.map(({ address, votes }, i) =>
		keccak256(
			coder.encode(
				['bytes32', 'uint256', 'uint256', 'address', 'uint256'],
				[id('elapse/committee'), round, i, address, votes],
			),
		),
	);
	if (row.length === 0) return ZERO;
	while (row.length > 1) {
		row = Array.from({ length: Math.ceil(row.length / 2) }, (_, i) =>
			2 * i + 1 < row.length ? join(row[2 * i], row[2 * i + 1]) : row[2 * i],
		);
	}
	return row[0];
}
/** A leaf's `committees`: over the rounds concluded in its block, in order. */
export const committeesOf = (concluded) =>
	concluded.length === 0
		? ZERO
		: keccak256(
				concat(
					concluded.map(({ round, committee }) => coder.encode(['uint256', 'bytes32'], [round, committee])),
				),
			);

// ---- SCALE, as far as evidence needs it

export const blake2 = (bytes) => hexlify(blake2b(getBytes(bytes), { dkLen: 32 }));
const little = (value, length) => hexlify(getBytes(zeroPadValue(toBeHex(value), length)).reverse());
export function compactNumber(value) {
	if (value < 1 << 6) return little(value << 2, 1);
	if (value < 1 << 14) return little((value << 2) | 1, 2);
	return little((BigInt(value) << 2n) | 2n, 4);
}
export const scaleBytes = (bytes) => concat([compactNumber(getBytes(bytes).length), bytes]);
export const scaleList = (items) => concat([compactNumber(items.length), ...items]);
const option = (value) => (value === null ? '0x00' : concat(['0x01', value]));

/** `ep_trust::Quote`. */
export const scaleQuote = ({ attest, signature, values }) =>
	concat([scaleBytes(attest), scaleBytes(signature), scaleList(values.map(scaleBytes))]);
/** `ep_trust::Application`. */
export const scaleApplication = (a) =>
	concat([
		scaleBytes(a.ekCertificate),
		scaleList(a.intermediates.map(scaleBytes)),
		scaleBytes(a.ekPublic),
		scaleBytes(a.akPublic),
		scaleQuote(a.quote),
		a.eventLog,
		a.author,
		a.anchor,
		a.anchorProof,
		little(a.policy, 4),
		little(a.recent, 4),
		scaleBytes(a.peer),
	]);
export const scaleAnswers = (answers) => scaleList(answers.map(({ author, answer }) => concat([author, answer])));
/** `(Answers, Quote)`. */
export const scaleAnswer = (answers, quote) => concat([scaleAnswers(answers), scaleQuote(quote)]);
/** A verdict's `evidence`. */
export const evidenceOf = ({ application, seed, answer }) =>
	blake2(concat([application, option(seed), option(answer)]));
/** `ep_trust::nonce::answer`. */
export const answerNonce = (genesis, round, seed, answers) =>
	blake2(
		concat([
			scaleBytes(toUtf8Bytes('elapse/trust/answer')),
			genesis,
			little(round, 4),
			seed,
			scaleAnswers(answers),
		]),
	);

/**
 * A key and a quote, from the fixtures of `primitives/tpm`: a TPM made them. Those of `benches` were made by openssl, which
 * signed what a TPM attested. A node brings `s` of P-256 into its lower half before it hands a signature in.
 */
export function fixture(name, { raw = false } = {}) {
	const [tests, benches] = ['primitives/tpm/tests/fixtures', 'benches/fixtures'].map(
		(folder) => new URL(`../../${folder}/`, import.meta.url),
	);
	const own = existsSync(new URL(`${name}/ak.tpmt_public`, tests));
	const file = (folder, of, what) => hexlify(readFileSync(new URL(`${of}/${what}`, folder)));
	const attested = own ? name : 'rsa2048',
		values = getBytes(file(tests, attested, 'quote.values')),
		list = [];
	for (let from = 0; from < values.length; from += 32) list.push(hexlify(values.slice(from, from + 32)));
	let signature = file(own ? tests : benches, name, 'quote.signature');
	if (!raw && signature.startsWith('0x0018') && dataLength(signature) === 72) signature = lower(signature);
	return {
		akPublic: file(own ? tests : benches, name, 'ak.tpmt_public'),
		ekPublic: file(tests, attested, 'ek.tpmt_public'),
		quote: { attest: file(tests, attested, 'quote.attest'), signature, values: list },
	};
}

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
/** A P-256 `TPMT_SIGNATURE` with the other `s`. */
export const flipS = (signature) =>
	concat([dataSlice(signature, 0, 40), zeroPadValue(toBeHex(P256_ORDER - BigInt(dataSlice(signature, 40))), 32)]);
/** The same with the lower `s`. */
export const lower = (signature) => (BigInt(dataSlice(signature, 40)) > P256_ORDER / 2n ? flipS(signature) : signature);
