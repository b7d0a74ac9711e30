// What `vectors/*.json` are made of; run by itself, this writes them. Every case has a name; `rule` is null if it is good, else the rule that refuses it, by
// the name that it has in the contracts' errors.

import { concat, dataSlice, getBytes, hexlify, keccak256, toBeHex, toUtf8Bytes, zeroPadValue } from 'ethers';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as r from './reference.mjs';

const id = (text) => keccak256(toUtf8Bytes(text));
const folder = new URL('vectors/', import.meta.url);
/** The contract is where anvil's first account puts its first contract. */
export const CHAIN = { chainId: 20, contract: '0x5fbdb2315678afecb367f032d93f642f64180aa3' };
export const GENESIS = id('elapse/vector/genesis');

export const setOf = (count, setId = 3, from = 0) =>
	r.signerSet(
		setId,
		Array.from({ length: count }, (_, i) => 1000 + ((i * 7919) % 9973)),
		from,
	);

export const checkpointOf = (set, number, more = {}) => ({
	genesis: GENESIS,
	epoch: BigInt(Math.floor(number / 100)),
	number: BigInt(number),
	blockHash: id(`block/${number}`),
	stateRoot: id(`state/${number}`),
	historyRoot: id(`history/${number}`),
	historyLeaves: BigInt(number),
	trustRoot: id(`trust/${number}`),
	trustLeaves: 5n,
	signers: set.id,
	nextSigners: r.hashOf(set),
	...more,
});

const describe = (set) => ({
	id: set.id,
	hash: r.hashOf(set),
	total: r.totalOf(set),
	words: r.wordsOf(set),
	signers: set.signers.map(({ address, weight, secret }) => ({ address, weight, secret })),
});

function signers() {
	const sets = [1, 4, 7, 8, 9, 12, 36, 100].map((count) => describe(setOf(count, count)));
	sets.push(describe(r.signerSet(2n ** 64n - 1n, [2n ** 64n - 1n, 1n, 2n ** 64n - 1n])));
	return { sets };
}

/** Submissions to an anchor whose current set is `set`, and to which `landed` was the last to land. */
export function checkpoints() {
	const set = setOf(12),
		next = setOf(9, 4, 100),
		landed = 100;
	const cases = [];
	const add = (name, rule, checkpoint, certificate) =>
		cases.push({ name, rule, checkpoint, digest: r.digestOf(CHAIN, r.CHECKPOINT, checkpoint), ...certificate });
	const cp = checkpointOf(set, 200),
		digest = r.digestOf(CHAIN, r.CHECKPOINT, cp),
		good = r.certify(set, digest);
	const everybody = [...set.signers.keys()],
		chosen = r.quorumOf(set);
	const signature = (i) => r.sign(set.signers[i].secret, digest);
	const certified = (checkpoint, chain = CHAIN) => r.certify(set, r.digestOf(chain, r.CHECKPOINT, checkpoint));
	const first = (bytes) => concat([bytes, dataSlice(good.signatures, 64)]);

	add('quorum', null, cp, good);
	add('everybody', null, cp, r.certify(set, digest, everybody));
	add('the last ones', null, cp, r.certify(set, digest, everybody.slice(2)));
	add(
		'handover',
		null,
		checkpointOf(set, 201, { nextSigners: r.hashOf(next) }),
		certified(checkpointOf(set, 201, { nextSigners: r.hashOf(next) })),
	);
	const room = checkpointOf(set, 200, { trustLeaves: 1n << 17n });
	add('as many leaves as there is room for', null, room, certified(room));

	const foreign = checkpointOf(set, 200, { genesis: id('another') });
	add('another genesis', 'Genesis', foreign, certified(foreign));
	for (const number of [100, 99, 0])
		add(`number ${number} after 100`, 'Newer', checkpointOf(set, number), certified(checkpointOf(set, number)));
	for (const signers of [2n, 4n]) {
		const other = checkpointOf(set, 200, { signers });
		add(`signed as set ${signers}`, 'Handover', other, certified(other));
	}
	const last = checkpointOf(set, 200, { nextSigners: r.ZERO });
	add('nobody signs next', 'Handover', last, certified(last));
	const skipped = checkpointOf(next, 200);
	add('a handover left out', 'Handover', skipped, r.certify(next, r.digestOf(CHAIN, r.CHECKPOINT, skipped)));
	const many = checkpointOf(set, 200, { trustLeaves: (1n << 17n) + 1n });
	add('more leaves than there is room for', 'Leaves', many, certified(many));

	const forged = setOf(12, 3, 500),
		forgedCp = checkpointOf(forged, 200);
	add('a forged set', 'Set', forgedCp, r.certify(forged, r.digestOf(CHAIN, r.CHECKPOINT, forgedCp)));
	const words = getBytes(good.signers);
	add('no set', 'Set', cp, { ...good, signers: '0x' });
	add('a set without its last', 'Set', cp, { ...good, signers: hexlify(words.slice(0, -32)) });
	add('a set with half a signer', 'Set', cp, { ...good, signers: hexlify(words.slice(0, -16)) });
	add('a set in disorder', 'Set', cp, {
		...good,
		signers: concat([words.slice(32, 64), words.slice(0, 32), words.slice(64)]),
	});
	add('a signer twice in the set', 'Set', cp, { ...good, signers: concat([words.slice(0, 32), words]) });
	add('a greater weight', 'Set', cp, {
		...good,
		signers: concat([words.slice(0, 31), Uint8Array.of(words[31] ^ 1), words.slice(32)]),
	});
	add('the address zero in the set', 'Set', cp, { ...good, signers: concat([r.word('0x00', 1), words.slice(32)]) });

	add('no bitmap', 'Bitmap', cp, { ...good, bitmap: '0x' });
	add('a longer bitmap', 'Bitmap', cp, { ...good, bitmap: concat([good.bitmap, '0x00']) });
	const stray = getBytes(good.bitmap);
	stray[1] |= 0x10;
	add('a bit for nobody', 'Bitmap', cp, {
		...good,
		bitmap: hexlify(stray),
		signatures: concat([good.signatures, r.compact(signature(0))]),
	});
	add('a signature too many', 'Bitmap', cp, {
		...good,
		signatures: concat([good.signatures, r.compact(signature(0))]),
	});
	add('a signature too few', 'Bitmap', cp, { ...good, signatures: dataSlice(good.signatures, 64) });
	add('a byte too many', 'Bitmap', cp, { ...good, signatures: concat([good.signatures, '0x00']) });

	const high = r.twin(signature(0));
	const lowBits = BigInt(high.s) & ((1n << 255n) - 1n);
	const masked = concat([high.r, zeroPadValue(toBeHex(lowBits | (BigInt(high.yParity) << 255n)), 32)]);
	add('the twin of a good signature', BigInt(high.s) >> 255n ? 'Signer' : 'LowS', cp, {
		...good,
		signatures: first(masked),
	});
	add('s just above the half', 'LowS', cp, {
		...good,
		signatures: first(concat([high.r, zeroPadValue(toBeHex(r.ORDER / 2n + 1n), 32)])),
	});
	add('the greatest s', 'LowS', cp, { ...good, signatures: first('0x' + 'ff'.repeat(64)) });
	add("nobody's signature", 'Signer', cp, { ...good, signatures: first('0x' + '00'.repeat(64)) });
	add('s is zero', 'Signer', cp, { ...good, signatures: first(concat([high.r, r.ZERO])) });
	add('the other recovery id', 'Signer', cp, {
		...good,
		signatures: first(r.compact({ ...signature(0), yParity: 1 - signature(0).yParity })),
	});
	add('one signer twice', 'Signer', cp, { ...good, signatures: concat(chosen.map(() => r.compact(signature(0)))) });
	add('signatures in disorder', 'Signer', cp, {
		...good,
		signatures: concat([...chosen].reverse().map((i) => r.compact(signature(i)))),
	});
	add('a stranger', 'Signer', cp, { ...good, signatures: first(r.compact(r.sign(r.key(999), digest))) });
	add('a member whose bit is not set', 'Signer', cp, { ...good, signatures: first(r.compact(signature(11))) });
	add('another chain id', 'Signer', cp, certified(cp, { ...CHAIN, chainId: 21 }));
	add('another contract', 'Signer', cp, certified(cp, { ...CHAIN, contract: '0x' + '07'.repeat(20) }));
	add('no contract yet', 'Signer', cp, certified(cp, { chainId: 0, contract: '0x' + '00'.repeat(20) }));
	for (const [what, change] of Object.entries({
		epoch: { epoch: 3n },
		number: { number: 201n },
		block: { blockHash: id('x') },
		state: { stateRoot: id('x') },
		history: { historyRoot: id('x') },
		"history's leaves": { historyLeaves: 201n },
		trust: { trustRoot: id('x') },
		"trust's leaves": { trustLeaves: 6n },
		'a forged handover': { nextSigners: r.hashOf(forged) },
	}))
		add(`signed with another value: ${what}`, 'Signer', { ...cp, ...change }, good);

	add('a signer fewer than a quorum', 'Quorum', cp, r.certify(set, digest, chosen.slice(1)));
	add('nobody', 'Quorum', cp, r.certify(set, digest, []));
	return { chain: CHAIN, genesis: GENESIS, set: describe(set), landed, cases };
}

export const leafOf = (index) => ({
	epoch: BigInt(index % 97),
	node: id(`node/${index}`),
	score: BigInt((index * 7919 + 13) % 1000001),
	index,
	signer: index % 3 === 2 ? r.NOBODY : dataSlice(id(`signer/${index}`), 12),
});

function scores() {
	const trees = [1, 2, 3, 1000, 10000].map((count) => {
		const tree = r.scoreTree(Array.from({ length: count }, (_, i) => leafOf(i)));
		const places = [
			...new Set([0, 1, 2, Math.floor(count / 2), count - 2, count - 1].filter((i) => i >= 0 && i < count)),
		];
		const cases = [];
		for (const index of places) {
			const { node, score, signer } = leafOf(index),
				proof = r.scoreProof(tree, index);
			const add = (name, good, change = {}) =>
				cases.push({ name, good, leaves: count, node, score, ...proof, ...change });
			add('good', true);
			add('another score', false, { score: score + 1n });
			add('another node', false, { node: id('stranger') });
			add('another epoch', false, { epoch: proof.epoch + 1n });
			add('another signer', false, { signer: dataSlice(id('stranger'), 12) });
			add('a signer with another last bit', false, {
				signer: zeroPadValue(toBeHex(BigInt(signer) ^ 1n), 20),
			});
			if (signer !== r.NOBODY) add('no signer', false, { signer: r.NOBODY });
			add('another place', false, { index: index ^ 1 });
			add('the same place, once around', false, { index: index + (1 << 17) });
			add('past the leaf count', false, { leaves: index });
			add('another sibling', false, { siblings: proof.siblings.map((s, i) => (i === 5 ? id('x') : s)) });
		}
		return { leaves: count, root: tree.root, cases };
	});
	return {
		formula:
			'epoch = index % 97, node = keccak256("node/" + index), score = (index * 7919 + 13) % 1000001, signer = index % 3 == 2 ? 0 : last 20 bytes of keccak256("signer/" + index)',
		trees,
	};
}

export const blockOf = (number, committees = r.ZERO) => ({
	number: BigInt(number),
	blockHash: id(`block/${number}`),
	trustRoot: id(`trust/${number}`),
	trustLeaves: BigInt(number % 11),
	committees,
});

function histories() {
	const counts = [...Array.from({ length: 17 }, (_, i) => i + 1), 31, 32, 33, 100, 255, 256, 257, 1000, 10000];
	const ranges = counts.map((count) => {
		const range = r.history(Array.from({ length: count }, (_, i) => keccak256(r.historyLeaf(blockOf(i)))));
		const near = [0, 1, Math.floor(count / 2), count - 3, count - 2, count - 1];
		const places = count <= 17 ? [...Array(count).keys()] : [...new Set(near)];
		const cases = [];
		for (const index of places) {
			const items = range.prove(index),
				leaf = blockOf(index);
			cases.push({ name: 'good', good: true, leaf, index, items });
			if (index % 5 !== count % 5) continue;
			cases.push({ name: 'short', good: items.length === 0, leaf, index, items: items.slice(1) });
			cases.push({ name: 'long', good: false, leaf, index, items: [...items, r.ZERO] });
			cases.push({
				name: 'another place',
				good: false,
				leaf: { ...leaf, number: BigInt(index ^ 1) },
				index: index ^ 1,
				items,
			});
			cases.push({
				name: 'past the leaf count',
				good: false,
				leaf: { ...leaf, number: BigInt(count) },
				index: count,
				items,
			});
			cases.push({
				name: 'another number',
				good: false,
				leaf: { ...leaf, number: leaf.number + 1n },
				index,
				items,
			});
			cases.push({
				name: 'another trust root',
				good: false,
				leaf: { ...leaf, trustRoot: id('x') },
				index,
				items,
			});
		}
		return { leaves: count, root: range.root, cases };
	});
	return {
		formula:
			'blockHash = keccak256("block/" + number), trustRoot = keccak256("trust/" + number), trustLeaves = number % 11, committees = 0',
		ranges,
	};
}

/** A committee of the keys `from` and on. */
export const committeeOf = (count, from = 200) =>
	Array.from({ length: count }, (_, i) => ({
		secret: r.key(from + i),
		address: r.addressOf(r.key(from + i)),
		votes: BigInt(10 + ((i * 31) % 17)),
	})).sort((a, b) => (a.address < b.address ? -1 : 1));
export const seatsOf = (committee) => concat(committee.map(({ address, votes }) => r.word(address, votes)));

function verdicts() {
	const cases = [1, 2, 3, 5, 8, 13, 36, 128].map((count, round) => {
		const committee = committeeOf(count),
			votes = committee.reduce((sum, seat) => sum + seat.votes, 0n);
		const verdict = {
			genesis: GENESIS,
			round,
			subject: id(`node/${round}`),
			evidence: id('evidence'),
			judgement: round % 6,
			committee: r.committeeRoot(round, committee),
			expected: votes + BigInt(round),
		};
		const digest = r.digestOf(CHAIN, r.VERDICT, verdict);
		return {
			verdict,
			seats: seatsOf(committee),
			digest,
			signatures: concat(committee.map(({ secret }) => r.full(r.sign(secret, digest)))),
		};
	});
	return { chain: CHAIN, cases };
}

/** An application around a quote that a TPM made. */
export function applicationOf(name, subject, more = {}) {
	const { akPublic, ekPublic, quote } = r.fixture(name);
	const certificate = (which) =>
		hexlify(readFileSync(new URL(`../../primitives/tpm/tests/certificates/swtpm/${which}.der`, import.meta.url)));
	return {
		ekCertificate: certificate('ek-rsa'),
		intermediates: [certificate('ca')],
		ekPublic,
		akPublic,
		quote,
		eventLog: r.ZERO,
		author: subject,
		anchor: r.addressOf(r.key(777)),
		anchorProof: '0x' + '11'.repeat(65),
		policy: 1,
		recent: 70000,
		peer: '0x0024080112' + '22'.repeat(33),
		...more,
	};
}

/** Evidence as a committee judges it: an application, and an answer by the same key. */
export function evidenceOf(
	name,
	{ subject = id('node/0'), application = {}, answers = [], quote, seed = id('seed'), answer } = {},
) {
	const encoded = r.scaleApplication(applicationOf(name, subject, application));
	const answered = answer === null ? null : r.scaleAnswer(answers, quote ?? r.fixture(name).quote);
	const opening = {
		application: r.blake2(encoded),
		hasSeed: seed !== null,
		seed: seed ?? r.ZERO,
		hasAnswer: answered !== null,
		answer: answered === null ? r.ZERO : r.blake2(answered),
	};
	const evidence = r.evidenceOf({
		application: opening.application,
		seed,
		answer: answered === null ? null : opening.answer,
	});
	return { subject, evidence, opening, application: encoded, answer: answered ?? '0x' };
}

function evidence() {
	const answers = [
		{ author: id('a'), answer: id('1') },
		{ author: id('b'), answer: id('2') },
	];
	const cases = ['rsa2048', 'rsa3072-sha256', 'rsa4096-sha256', 'p256', 'author', 'p384'].map((name) => ({
		name,
		...evidenceOf(name, { answers }),
	}));
	return {
		genesis: GENESIS,
		round: 7,
		seed: id('seed'),
		answers,
		nonce: r.answerNonce(GENESIS, 7, id('seed'), answers),
		cases,
	};
}

/** BLAKE2b-256 of bytes 0, 1, 2, ... of each length up to 400. */
function digests() {
	return {
		digests: Array.from({ length: 401 }, (_, length) => r.blake2(Uint8Array.from({ length }, (_, i) => i & 255))),
	};
}

export const ALL = { signers, checkpoints, scores, history: histories, verdicts, evidence, blake2: digests };
export const render = (make) =>
	JSON.stringify(make(), (_, value) => (typeof value === 'bigint' ? value.toString() : value), '\t') + '\n';

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	for (const [name, make] of Object.entries(ALL)) writeFileSync(new URL(`${name}.json`, folder), render(make));
}
