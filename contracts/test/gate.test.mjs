// The example: a door that asks for a score, on a real EVM.

import { Contract, TypedDataEncoder } from 'ethers';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { id, landRoots, on, start } from './committee.mjs';
import * as r from './reference.mjs';
import { account, deploy, refusal, send } from './world.mjs';

const VOUCHER = {
	Voucher: [
		{ name: 'node', type: 'bytes32' },
		{ name: 'who', type: 'address' },
		{ name: 'until', type: 'uint256' },
	],
};
const until = 4_000_000_000n,
	score = 600_000n,
	node = id('voucher'),
	silent = id('silent');
const signer = r.key(777),
	forger = r.key(778);
let gate, door, caller;

/** Nodes with their scores, as the checkpoint that lands last has them; `node` is signed for by `secret`. */
async function landScores(secret = signer) {
	const leaves = [
		{ epoch: 1n, node: id('other'), score: 1n, index: 0, signer: r.addressOf(r.key(776)) },
		{ epoch: 2n, node, score, index: 1, signer: r.addressOf(secret) },
		{ epoch: 3n, node: silent, score, index: 2, signer: r.NOBODY },
	];
	const tree = r.scoreTree(leaves);
	await landRoots({ trustRoot: tree.root, trustLeaves: 3n });
	return tree;
}

/** `v`, `r` and `s` of a voucher. */
function vouch(secret = signer, change = {}, at = {}) {
	const domain = { name: 'Elapse gate', version: '1', chainId: 20, verifyingContract: gate.target, ...at };
	const voucher = { node, who: caller.address, until, ...change };
	const { r: x, s, yParity } = r.sign(secret, TypedDataEncoder.hash(domain, VOUCHER, voucher));
	return [27 + yParity, x, s];
}

const enter = (tree, change = {}) => {
	const call = { node, score, proof: r.scoreProof(tree, 1), until, vouched: vouch(), ...change };
	return [call.node, call.score, call.proof, call.until, ...call.vouched];
};
const refused = (...call) => refusal(door, 'enter', enter(...call));

before(async () => {
	await start();
	gate = await deploy(on.signer, 'TrustGate', [on.scores.target, 500_000n, 3600n]);
	caller = account(3, on.provider);
	door = new Contract(gate.target, gate.interface, caller);
});
after(() => on.stop());

test('the gate lets in whom a trusted node vouches for, and nobody else', async () => {
	const tree = await landScores(),
		proof = r.scoreProof(tree, 1);
	assert.equal(await refused(tree, { score: 499_999n }), 'TooLittleTrust');
	assert.equal(await refused(tree, { score: 600_001n }), 'NotProved');
	assert.equal(await refused(tree, { until: 5n, vouched: vouch(signer, { until: 5n }) }), 'Expired');
	assert.equal(await refused(tree, { until: until + 1n }), 'NotVouchedFor');
	assert.equal(await refused(tree, { vouched: vouch(signer, { who: account(4).address }) }), 'NotVouchedFor');
	assert.equal(await refused(tree, { vouched: vouch(signer, { node: silent }) }), 'NotVouchedFor');
	assert.equal(await refused(tree, { vouched: vouch(signer, {}, { chainId: 21 }) }), 'NotVouchedFor');
	const elsewhere = { verifyingContract: on.scores.target };
	assert.equal(await refused(tree, { vouched: vouch(signer, {}, elsewhere) }), 'NotVouchedFor');
	assert.equal(await refused(tree, { vouched: vouch(forger) }), 'NotVouchedFor');
	assert.equal(await refused(tree, { proof: { ...proof, index: 0 } }), 'NotProved');
	assert.equal(await refused(tree), null);
	await send(door, 'enter', enter(tree));
	assert.equal(await gate.admittedUntil(caller.address), until);
	await on.provider.send('evm_increaseTime', [3700]);
	await on.provider.send('evm_mine', []);
	assert.equal(await refused(tree), 'Stale');
	await landScores();
	assert.equal(await refused(tree), null);
});

test('the gate refuses a forger who says that he signs for a node', async () => {
	const tree = await landScores();
	const proof = { ...r.scoreProof(tree, 1), signer: r.addressOf(forger) };
	// The voucher is good, and by the address in the proof; but that is not the node's.
	assert.equal(await refused(tree, { proof, vouched: vouch(forger) }), 'NotProved');
});

test('a node without an address vouches for nobody', async () => {
	const tree = await landScores(),
		proof = r.scoreProof(tree, 2);
	assert.equal(await on.scores.verify(silent, score, proof), true);
	// A signature that nobody made is one by the address zero, as far as ecrecover goes.
	for (const vouched of [
		[27, r.ZERO, r.ZERO],
		[0, id('r'), id('s')],
		vouch(signer, { node: silent }),
	])
		assert.equal(await refused(tree, { node: silent, proof, vouched }), 'NotVouchedFor');
	const claimed = { ...proof, signer: r.addressOf(signer) };
	const vouched = vouch(signer, { node: silent });
	assert.equal(await refused(tree, { node: silent, proof: claimed, vouched }), 'NotProved');
});

test('a node that changes its key vouches by the new one from the next checkpoint on', async () => {
	const before = await landScores();
	assert.equal(await refused(before), null);
	const next = r.key(779),
		now = await landScores(next);
	assert.equal(await refused(before), 'NotProved');
	assert.equal(await refused(now), 'NotVouchedFor');
	assert.equal(await refused(now, { vouched: vouch(next) }), null);
});

test("a voucher's twin opens what the voucher opens, and nothing else", async () => {
	const tree = await landScores(),
		[v, x, s] = vouch();
	const twin = r.twin({ r: x, s, yParity: v - 27 });
	const vouched = [27 + twin.yParity, twin.r, twin.s];
	await send(door, 'enter', enter(tree, { vouched }));
	assert.equal(await gate.admittedUntil(caller.address), until);
	assert.equal(await refused(tree, { vouched, until: until + 1n }), 'NotVouchedFor');
	const other = new Contract(gate.target, gate.interface, account(4, on.provider));
	assert.equal(await refusal(other, 'enter', enter(tree, { vouched })), 'NotVouchedFor');
});
