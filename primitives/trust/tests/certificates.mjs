#!/usr/bin/env node
// Vectors of committees and verdict certificates, made without any code of this repository: addresses, signatures and
// EIP-712 by ethers; the Merkle tree and the SCALE bytes by hand, from what the documentation says of them.
//
//   npm ci && npm run certificates        (writes certificates.json, which certificates.rs reads)
//
// Signatures are deterministic (RFC 6979), so that a second run writes the same file.

import { AbiCoder, Signature, SigningKey, TypedDataEncoder, concat, dataSlice, getBytes, hexlify, id, keccak256, toBeHex,
	toUtf8Bytes, zeroPadValue, computeAddress } from 'ethers';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const TYPES = { Verdict: [
	{ name: 'genesis', type: 'bytes32' }, { name: 'round', type: 'uint32' }, { name: 'subject', type: 'bytes32' },
	{ name: 'evidence', type: 'bytes32' }, { name: 'judgement', type: 'uint8' }, { name: 'committee', type: 'bytes32' },
	{ name: 'expected', type: 'uint64' },
] };

// A committee's root. The leaf at `index` is keccak256(abi.encode(keccak256("elapse/committee"), round, index, address,
// votes)); an inner node keccak256(left || right); the last node of an odd row goes up as it is; no seats, no hash.
function root(round, seats) {
	const leaf = ({ anchor, votes }, index) => keccak256(AbiCoder.defaultAbiCoder().encode(
		['bytes32', 'uint256', 'uint256', 'address', 'uint256'], [id('elapse/committee'), round, index, anchor, votes]));
	if (seats.length === 0) return `0x${'00'.repeat(32)}`;
	let row = [...seats].sort((a, b) => (BigInt(a.anchor) < BigInt(b.anchor) ? -1 : 1)).map(leaf);
	while (row.length > 1) {
		const above = [];
		for (let at = 0; at < row.length; at += 2) {
			above.push(at + 1 < row.length ? keccak256(concat([row[at], row[at + 1]])) : row[at]);
		}
		row = above;
	}
	return row[0];
}

// SCALE: numbers little-endian in their width, arrays as they are, a list behind its length as a compact number.
const little = (value, bytes) => hexlify(getBytes(toBeHex(value, bytes)).reverse());
function compact(length) {
	if (length < 1 << 6) return little(length << 2, 1);
	return little((length << 2) | 1, 2); // Below 2^14; no list here is longer.
}
// An enum's variant is a byte: 0 admits; 1 refuses, and the reason's own number follows.
const judgementBytes = (code) => (code === 0 ? '0x00' : concat(['0x01', little(code, 1)]));
const verdictBytes = (v) => concat([v.genesis, little(v.round, 4), v.subject, v.evidence, judgementBytes(v.judgement),
	v.committee, little(v.expected, 8)]);
const certificateBytes = (signatures) => concat([compact(signatures.length), ...signatures]);

// A signature here is r, s and the recovery id, 0 or 1.
const flat = (signature) => concat([signature.r, signature.s, little(signature.yParity, 1)]);
// The other form of the same signature: (r, n - s), with the other recovery id.
function twin(bytes) {
	const s = toBeHex(ORDER - BigInt(dataSlice(bytes, 32, 64)), 32);
	return concat([dataSlice(bytes, 0, 32), s, little(1 - getBytes(bytes)[64], 1)]);
}

const key = (n) => new SigningKey(keccak256(toUtf8Bytes(`elapse committee ${n}`)));
const signerOf = (n) => ({ key: key(n), anchor: computeAddress(key(n).publicKey).toLowerCase() });
const ascending = (a, b) => (BigInt(a.anchor) < BigInt(b.anchor) ? -1 : 1);
const bytes32 = (text) => keccak256(toUtf8Bytes(text));

// Committees of every shape of tree that is worth a look: complete ones, odd rows at the bottom and above, the largest.
const committees = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 30, 64, 127, 128].map((size) => {
	const round = size === 0 ? 0 : 4294967295 - size;
	const seats = [];
	for (let n = 0; n < size; n++) {
		seats.push({ anchor: zeroPadValue(dataSlice(bytes32(`seat ${size} ${n}`), 12), 20), votes: String(1 + ((n * 7919) % 1000)) });
	}
	if (size === 13) seats[5].votes = '18446744073709551615';
	return { round, seats, root: root(round, seats) };
});

// One verdict of five members, and what may be brought as its certificate.
const CHAIN = { id: 20, contract: '0x52908400098527886e0f7030069857d2e4169ee7' };
const VOTES = [9, 5, 7, 3, 6]; // 30 expected: more than 20 decide.
const members = [1, 2, 3, 4, 5].map(signerOf).sort(ascending).map((member, at) => ({ ...member, votes: VOTES[at] }));
const seats = members.map(({ anchor, votes }) => ({ anchor, votes: String(votes) }));
const verdict = (judgement, more = {}) => ({
	genesis: bytes32('genesis'), round: 77, subject: bytes32('subject'), evidence: bytes32('evidence'), judgement,
	committee: root(77, seats), expected: '30', ...more,
});
const digest = (v, chain = CHAIN) => TypedDataEncoder.hash(
	{ name: 'Elapse', version: '1', chainId: chain.id, verifyingContract: chain.contract }, TYPES, v);
const sign = (who, v, chain) => who.map((member) => flat(Signature.from(member.key.sign(digest(v, chain)))));

const admit = verdict(0);
const [a, b, c, d, e] = members;
const stranger = signerOf(6);
const all = [...members, stranger].sort(ascending);
const row = (what, outcome, signatures, v = admit, seated = seats) => ({
	what, verdict: { ...v, scale: verdictBytes(v) }, digest: digest(v), seats: seated, signatures,
	scale: certificateBytes(signatures), outcome,
});
const good = sign([a, b, c], admit); // 21 of 30
const certificates = [
	row('all five', '30', sign(members, admit)),
	row('21 of 30', '21', good),
	row('21 of 30 without the heaviest, who refuse', '21', sign([b, c, d, e], verdict(5)), verdict(5)),
	...[1, 2, 3, 4].map((code) => row(`refused for reason ${code}`, '30', sign(members, verdict(code)), verdict(code))),
	row('a committee of which one came: its votes are not more than two thirds of what was expected', 'quorum',
		sign([a], verdict(0, { committee: root(77, seats.slice(0, 1)) })),
		verdict(0, { committee: root(77, seats.slice(0, 1)) }), seats.slice(0, 1)),
	row('nobody', 'quorum', []),
	row('20 of 30: no more than two thirds', 'quorum', sign([a, b, e], admit)),
	row('one of them twice', 'ascending', [good[0], good[1], good[1], good[2]]),
	row('in another order', 'ascending', [good[1], good[0], good[2]]),
	row('a stranger among all', 'seated', sign(all, admit)),
	row('a twin in place of a signature', 'low-s', [twin(good[0]), good[1], good[2]]),
	row('a recovery id as Ethereum counts it', 'low-s', [concat([dataSlice(good[0], 0, 64), '0x1b']), good[1], good[2]]),
	row('r of zero', 'low-s', [concat([`0x${'00'.repeat(32)}`, dataSlice(good[0], 32)]), good[1], good[2]]),
	// A signature over something else recovers to somebody who does not sit, or stands in no order: never to votes.
	row('signed for another chain', 'refused', sign(members, admit, { ...CHAIN, id: 21 })),
	row('signed for another contract', 'refused', sign(members, admit, { ...CHAIN, contract: `0x${'07'.repeat(20)}` })),
	row('signed in another round', 'refused', sign(members, verdict(0, { round: 78 }))),
	row('signed for another judgement', 'refused', sign(members, verdict(5))),
];

// As many as there may be, so that the length takes two bytes; and one more, which no list may have.
const crowd = Array.from({ length: 128 }, (_, n) => ({ ...signerOf(100 + n), votes: 1 })).sort(ascending);
const crowdSeats = crowd.map(({ anchor, votes }) => ({ anchor, votes: String(votes) }));
const crowded = verdict(0, { committee: root(77, crowdSeats), expected: '128' });
const signed = sign(crowd, crowded);
certificates.push({ ...row('128 of 128', '128', signed, crowded, crowdSeats), signatures: null });
certificates.push({ ...row('129 signatures', 'undecodable', [...signed, signed[127]], crowded, crowdSeats), signatures: null });

console.log(JSON.stringify({ chain: CHAIN, committees, certificates }, null, '\t'));
