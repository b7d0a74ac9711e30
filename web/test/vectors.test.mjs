// The tree of scores, against the vectors that the contracts and the chain are tested with.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { leafHash, refusedBy, rootOf } from '../dist/index.js';
import { id, treeOf } from './world.mjs';

const read = (path) => JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));
const { trees } = read('contracts/test/vectors/scores.json');
const leafOf = ({ epoch, node, score, index, signer }) => ({
	epoch: BigInt(epoch),
	node,
	score: BigInt(score),
	index: BigInt(index),
	signer,
});

test('each score proof of the vectors is taken or refused', () => {
	let [count, good] = [0, 0];
	for (const { root, cases } of trees) {
		for (const one of cases) {
			const refused = refusedBy(root, BigInt(one.leaves), leafOf(one), one.siblings);
			assert.equal(refused === null, one.good, `${one.name}: ${one.index} of ${one.leaves}`);
			if (BigInt(one.index) >= BigInt(one.leaves)) assert.equal(refused, 'index', one.name);
			count++;
			good += one.good ? 1 : 0;
		}
	}
	assert.ok(good > 10 && count > 5 * good, 'the vectors have good cases and bad ones');
	console.log(`# ${count} score proofs, ${good} of them good`);
});

test('each leaf of the reference has its hash', () => {
	const { leaves, rows } = treeOf(200);
	for (const [index, leaf] of leaves.entries()) assert.equal(leafHash(leafOf(leaf)), rows[0][index]);
});

test('a place beyond the leaves is refused, though its turns are right', () => {
	const [{ root, cases }] = trees.filter(({ leaves }) => leaves === 1000);
	const one = cases.find(({ name }) => name === 'good');
	const around = { ...leafOf(one), index: BigInt(one.index) + (1n << 17n) };
	assert.equal(refusedBy(root, 1n << 64n, around, one.siblings), 'index');
	assert.equal(refusedBy(rootOf(around, one.siblings), 1000n, around, one.siblings), 'index');
});

test('a proof to an inner node, or through a node too many, is none', () => {
	const [{ root, cases }] = trees.filter(({ leaves }) => leaves === 1000);
	const one = cases.find(({ name }) => name === 'good');
	assert.equal(refusedBy(id('another'), 1000n, leafOf(one), one.siblings), 'root');
	for (const siblings of [[], one.siblings.slice(0, 5), one.siblings.slice(0, 16), [...one.siblings, id('more')]]) {
		assert.equal(refusedBy(root, 1000n, leafOf(one), siblings), 'root');
		assert.equal(refusedBy(rootOf(leafOf(one), siblings), 1000n, leafOf(one), siblings), 'root');
	}
});
