// The example: a door that asks for a score, on a real EVM.

import { Contract } from 'ethers';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admit, id, landRoots, on, start } from './committee.mjs';
import * as r from './reference.mjs';
import { applicationOf, evidenceOf } from './vectors.mjs';
import { account, deploy, refusal, send } from './world.mjs';

const all = (tail) => ({ pieces: [], tail });

before(start);
after(() => on.stop());

test('the gate lets in whom a trusted node vouches for, and nobody else', async () => {
	const gate = await deploy(on.signer, 'TrustGate', [on.scores.target, 500_000n, 3600n]);
	const made = evidenceOf('p256', { subject: id('voucher') }),
		verdict = await admit(made);
	const node = made.subject,
		score = 600_000n;
	const leaves = [
		{ epoch: 1n, node: id('other'), score: 1n, index: 0 },
		{ epoch: 2n, node, score, index: 1 },
	];
	const tree = r.scoreTree(leaves),
		proof = r.scoreProof(tree, 1);
	await landRoots({ trustRoot: tree.root, trustLeaves: 2n });
	const caller = account(3, on.provider),
		until = 4_000_000_000n;
	const door = new Contract(gate.target, gate.interface, caller);
	const vouch = async (who, secret = r.key(777), time = until) => {
		const { r: x, s, yParity } = r.sign(secret, await gate.voucher(node, who, time));
		return [27 + yParity, x, s];
	};
	const enter = async (change = {}) => {
		const call = { node, score, proof, until, vouched: await vouch(caller.address), ...change };
		return [call.node, call.score, call.proof, call.until, ...call.vouched];
	};
	assert.equal(await refusal(door, 'enter', await enter()), 'Unknown');
	assert.equal(
		await refusal(gate, 'introduce', [{ ...verdict, subject: id('x') }, made.opening, all(made.application)]),
		'NotRecorded',
	);
	await send(gate, 'introduce', [verdict, made.opening, all(made.application)]);
	assert.equal((await gate.keyOf(node)).toLowerCase(), applicationOf('p256', node).anchor);
	assert.equal(await refusal(door, 'enter', await enter({ score: 499_999n })), 'TooLittleTrust');
	assert.equal(await refusal(door, 'enter', await enter({ score: 600_001n })), 'NotProved');
	assert.equal(await refusal(door, 'enter', await enter({ until: 5n })), 'Expired');
	assert.equal(await refusal(door, 'enter', await enter({ until: until + 1n })), 'NotVouchedFor');
	assert.equal(
		await refusal(door, 'enter', await enter({ vouched: await vouch(account(4).address) })),
		'NotVouchedFor',
	);
	assert.equal(
		await refusal(door, 'enter', await enter({ vouched: await vouch(caller.address, r.key(778)) })),
		'NotVouchedFor',
	);
	assert.equal(await refusal(door, 'enter', await enter({ proof: { ...proof, index: 0 } })), 'NotProved');
	assert.equal(await refusal(door, 'enter', await enter()), null);
	await send(door, 'enter', await enter());
	assert.equal(await gate.admittedUntil(caller.address), until);
	await on.provider.send('evm_increaseTime', [3700]);
	await on.provider.send('evm_mine', []);
	assert.equal(await refusal(door, 'enter', await enter()), 'Stale');
	await landRoots({ trustRoot: tree.root, trustLeaves: 2n });
	assert.equal(await refusal(door, 'enter', await enter()), null);
	// The node is let in once more: the verdict of before introduces nobody.
	await admit(evidenceOf('p256', { subject: node }));
	assert.equal(await refusal(gate, 'introduce', [verdict, made.opening, all(made.application)]), 'NotItsAdmission');
});
