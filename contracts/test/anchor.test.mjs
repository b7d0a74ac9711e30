// The anchor on a real EVM, against the reference's vectors, mutations and trees.

import { concat, dataSlice, getBytes, hexlify, keccak256 } from 'ethers';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import * as r from './reference.mjs';
import { ALL, CHAIN, GENESIS, blockOf, checkpointOf, checkpoints, render, setOf } from './vectors.mjs';
import { dice, refusal, send, world } from './world.mjs';

const set = setOf(12);
let on;
before(async () => {
	on = await world({ set, genesis: GENESIS });
	assert.equal(on.chain.contract, CHAIN.contract, 'the vectors are made for this address');
	await on.land(set, checkpointOf(set, 100));
});
after(() => on.stop());

for (const [name, make] of Object.entries(ALL)) {
	test(`vectors/${name}.json is what the reference makes`, () => {
		assert.equal(readFileSync(new URL(`vectors/${name}.json`, import.meta.url), 'utf8'), render(make));
	});
}

test('each submission of the vectors lands or is refused by its rule', async () => {
	const { cases } = checkpoints();
	for (const { name, rule, checkpoint, signers, bitmap, signatures } of cases) {
		assert.equal(await refusal(on.anchor, 'submit', [checkpoint, signers, bitmap, signatures]), rule, name);
	}
	console.log(`# ${cases.length} submissions, ${cases.filter(({ rule }) => rule).length} of them refused`);
});

test('none of 1,000 random mutations of a good submission lands', async () => {
	const roll = dice('submissions');
	const cp = checkpointOf(set, 200),
		good = r.certify(set, r.digestOf(CHAIN, r.CHECKPOINT, cp));
	assert.equal(await refusal(on.anchor, 'submit', [cp, good.signers, good.bitmap, good.signatures]), null);
	const fields = Object.keys(cp),
		count = 1000,
		by = {};
	const change = (hex) => {
		const bytes = getBytes(hex),
			at = roll(bytes.length);
		switch (roll(5)) {
			case 0:
				bytes[at] ^= 1 << roll(8);
				return hexlify(bytes);
			case 1:
				bytes[at] = (bytes[at] + 1 + roll(255)) & 255;
				return hexlify(bytes);
			case 2:
				return hexlify(concat([bytes.slice(0, at), bytes.slice(at + 1 + roll(64))]));
			case 3:
				return hexlify(concat([bytes.slice(0, at), Uint8Array.of(roll(256)), bytes.slice(at)]));
			default: {
				// Two pieces of 32 bytes change places.
				const a = roll(Math.max(1, bytes.length >> 5)) * 32,
					b = roll(Math.max(1, bytes.length >> 5)) * 32;
				const [x, y] = [bytes.slice(a, a + 32), bytes.slice(b, b + 32)];
				bytes.set(y.slice(0, bytes.length - a), a);
				bytes.set(x.slice(0, bytes.length - b), b);
				return hexlify(bytes);
			}
		}
	};
	for (let done = 0; done < count;) {
		const [checkpoint, certificate] = [{ ...cp }, { ...good }];
		if (roll(2)) {
			const field = fields[roll(fields.length)];
			checkpoint[field] =
				typeof cp[field] === 'bigint'
					? cp[field] ^ (1n << BigInt(roll(64)))
					: hexlify(
							getBytes(cp[field]).map((byte, i, all) =>
								i === all.length >> 1 ? byte ^ (1 << roll(8)) : byte,
							),
						);
			if (checkpoint[field] === cp[field]) continue;
		} else {
			const part = ['signers', 'bitmap', 'signatures'][roll(3)];
			certificate[part] = change(good[part]);
			if (certificate[part] === good[part]) continue;
		}
		const rule = await refusal(on.anchor, 'submit', [
			checkpoint,
			certificate.signers,
			certificate.bitmap,
			certificate.signatures,
		]);
		assert.notEqual(
			rule,
			null,
			JSON.stringify({ checkpoint, certificate }, (_, v) => (typeof v === 'bigint' ? String(v) : v)),
		);
		by[rule] = (by[rule] ?? 0) + 1;
		done++;
	}
	console.log(
		`# ${count} mutations, none landed: ${Object.entries(by)
			.map(([rule, n]) => `${rule} ${n}`)
			.join(', ')}`,
	);
});

test('bytes of the call itself, changed at random, land nothing but the same submission', async () => {
	const roll = dice('calls');
	const cp = checkpointOf(set, 200),
		good = r.certify(set, r.digestOf(CHAIN, r.CHECKPOINT, cp));
	const call = getBytes(
		on.anchor.interface.encodeFunctionData('submit', [cp, good.signers, good.bitmap, good.signatures]),
	);
	let same = 0;
	for (let done = 0; done < 300; done++) {
		const changed = call.slice();
		changed[4 + roll(changed.length - 4)] ^= 1 << roll(8);
		try {
			await on.provider.call({ to: on.anchor.target, data: hexlify(changed), gasLimit: 7_900_000n });
		} catch {
			continue;
		}
		// The encoding has bytes that nobody reads: behind the bitmap, for example.
		const [landed, ...rest] = on.anchor.interface.decodeFunctionData('submit', hexlify(changed));
		assert.equal(r.digestOf(CHAIN, r.CHECKPOINT, landed.toObject()), r.digestOf(CHAIN, r.CHECKPOINT, cp));
		assert.deepEqual([...rest], [good.signers, good.bitmap, good.signatures]);
		same++;
	}
	console.log(`# 300 changed calls, ${same} of them the same submission`);
});

/** Lands a checkpoint with these roots, on top of all that has landed. */
let number = 1000;
async function landRoots(more) {
	number += 1;
	await on.land(set, checkpointOf(set, number, more));
	return number;
}

test('each history proof of the vectors is taken or refused', async () => {
	const { ranges } = ALL.history();
	let count = 0;
	for (const { leaves, root, cases } of ranges) {
		const checkpoint = await landRoots({ historyRoot: root, historyLeaves: BigInt(leaves) });
		for (const { name, good, leaf, index, items } of cases) {
			assert.equal(
				await on.anchor.verifyHistory(checkpoint, leaf, index, items),
				good,
				`${name}: ${index} of ${leaves}`,
			);
			count++;
		}
	}
	console.log(`# ${count} history proofs`);
});

test('no history proof holds at another place or in another history', async () => {
	const counts = [1, 2, 3, 4, 5, 6, 7, 8, 11, 13, 16],
		made = new Map();
	const hashes = (count) => Array.from({ length: count }, (_, i) => keccak256(r.historyLeaf(blockOf(i))));
	for (const count of counts) {
		const range = r.history(hashes(count));
		made.set(count, {
			range,
			checkpoint: await landRoots({ historyRoot: range.root, historyLeaves: BigInt(count) }),
		});
	}
	let tried = 0;
	for (const [count, { range }] of made) {
		for (let index = 0; index < count; index++) {
			const items = range.prove(index);
			for (const [other, { checkpoint }] of made) {
				const place = index < other ? index : other - 1;
				assert.equal(
					await on.anchor.verifyHistory(checkpoint, blockOf(index), index, items),
					other === count,
					`${index}: ${count} in ${other}`,
				);
				if (place !== index)
					assert.equal(
						await on.anchor.verifyHistory(checkpoint, { ...blockOf(index), number: place }, place, items),
						false,
					);
				tried++;
			}
		}
	}
	console.log(`# ${tried} pairs of proof and history`);
});

test('each score proof of the vectors is taken or refused', async () => {
	const { trees } = ALL.scores();
	let count = 0;
	for (const { root, cases } of trees) {
		const landed = new Map();
		for (const { leaves } of cases) {
			if (!landed.has(leaves))
				landed.set(leaves, await landRoots({ trustRoot: root, trustLeaves: BigInt(leaves) }));
		}
		for (const { name, good, leaves, node, score, epoch, index, signer, siblings } of cases) {
			const proof = { epoch, index, signer, siblings };
			assert.equal(
				await on.scores.verifyAt(landed.get(leaves), node, score, proof),
				good,
				`${name}: ${index} of ${leaves}`,
			);
			if (landed.get(leaves) === number) assert.equal(await on.scores.verify(node, score, proof), good, name);
			count++;
		}
	}
	console.log(`# ${count} score proofs`);
});

test('a signer set of the vectors has the hash that a contract computes', async () => {
	const { sets } = ALL.signers();
	for (const { id, hash, words } of sets) {
		const { deploy } = await import('./world.mjs');
		const anchor = await deploy(on.signer, 'ElapseAnchor', [GENESIS, id, words, '0x' + '00'.repeat(20)]);
		assert.equal(await anchor.signersHash(), hash);
		const { total } = sets.find((one) => one.id === id);
		if (total < 1n << 64n) {
			await send(anchor, 'publishSigners', [id, total, words]);
			assert.equal(dataSlice(await on.provider.getCode(await anchor.published()), 1), words);
		}
	}
});
