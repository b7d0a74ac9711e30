// On a real EVM, behind the proxy that is as strict as ESC: the contracts themselves, and what they take and refuse.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startProxy } from '../../contracts/esc/proxy.mjs';
import { admit, landRoots, on, start } from '../../contracts/test/committee.mjs';
import * as r from '../../contracts/test/reference.mjs';
import { evidenceOf } from '../../contracts/test/vectors.mjs';
import { send } from '../../contracts/test/world.mjs';
import { escReader, provenScore, toSs58, verifyScore } from '../dist/index.js';
import { answerOf, forward, id, serve, treeOf, trouble } from './world.mjs';

const TREE = treeOf(100);
let [proxy, anvil, gateway, height, nodeAnswers] = [];
before(async () => {
	await start();
	({ url: anvil } = on.provider._getConnection());
	proxy = await startProxy({ upstream: anvil });
	height = await land(TREE);
	gateway = await serve((method, params) => nodeAnswers(method, params));
});
after(async () => {
	await gateway.stop();
	await proxy.stop();
	await on.stop();
});

const land = (tree) => landRoots({ trustRoot: tree.root, trustLeaves: BigInt(tree.leaves.length) });
/** The time of the newest block: what the clock shows, as far as tests are concerned. */
const now = async () => (await on.provider.getBlock('latest')).timestamp;
const check = async (answer, more = {}) =>
	verifyScore({ esc: proxy.url, scores: on.scores.target, node: answer.node, answer, now: await now(), ...more });
const ruleOf = (verdict) => (verdict.valid ? 'valid' : verdict.rule);

test('scores are proved, each leaf of a tree', async () => {
	for (const index of [0, 1, 2, 50, 98, 99]) {
		const verdict = await check(answerOf(TREE, index, height));
		assert.equal(verdict.valid, true, verdict.reason);
		const { node, score, signer } = TREE.leaves[index];
		assert.deepEqual([verdict.node, verdict.score, verdict.signer ?? r.NOBODY], [node, score, signer]);
		assert.equal(verdict.checkpoint, BigInt(height));
		assert.equal(verdict.blockHash, id(`block/${height}`));
	}
});

test('each tampering is refused, and the contract agrees', async () => {
	const good = answerOf(TREE, 10, height);
	const tampered = [
		['root', { score: good.score + 1 }],
		['root', { score: 1_000_000 }],
		['root', { score: (1n << 64n) - 1n }],
		['root', { epoch: good.epoch + 1 }],
		['root', { index: 11 }],
		['root', { signer: r.NOBODY }],
		['root', { signer: TREE.leaves[11].signer }],
		['root', { siblings: good.siblings.toReversed() }],
		['root', { siblings: [id('x'), ...good.siblings.slice(1)] }],
		['root', { siblings: [...good.siblings.slice(0, 16), id('x')] }],
		['root', { trustRoot: id('x') }],
		['root', { trustLeaves: 101 }],
		['root', { node: TREE.leaves[11].node, author: toSs58(TREE.leaves[11].node) }],
		['index', { index: 100 }],
		['index', { index: 10 + (1 << 17) }],
		['index', { index: (1n << 64n) - 1n }],
		['landed', { checkpoint: height + 1 }],
		['landed', { checkpoint: height - 1 }],
		['landed', { checkpoint: 0 }],
		['landed', { checkpoint: (1n << 64n) - 1n }],
		['shape', { score: '5' }],
		['shape', { siblings: good.siblings.slice(1) }],
	];
	for (const [rule, change] of tampered)
		assert.equal(ruleOf(await check({ ...good, ...change })), rule, Object.keys(change).join());
	assert.equal(ruleOf(await check(good, { node: id('another') })), 'node');
	assert.equal(ruleOf(await check(good, { least: good.score + 1 })), 'least');
	assert.equal(ruleOf(await check(good, { least: good.score })), 'valid');
	console.log(`# ${tampered.length} answers tampered with`);
});

test('any gateway: the proof is asked for under what landed last', async () => {
	const asked = [];
	nodeAnswers = (method, params) => {
		asked.push([method, ...params]);
		return answerOf(TREE, 4, params[1]);
	};
	const { node } = TREE.leaves[4];
	const ask = async () =>
		provenScore({ esc: proxy.url, scores: on.scores.target, gateway: gateway.url, node, now: await now() });
	assert.equal((await ask()).valid, true);
	const before = asked.length;
	height = await land(TREE);
	assert.equal((await ask()).checkpoint, BigInt(height));
	assert.deepEqual(asked.slice(before), [['bridge_scoreProof', toSs58(node), height]]);
	nodeAnswers = () => answerOf(TREE, 4, height - 10);
	assert.equal(ruleOf(await ask()), 'height');
});

test('a node whose verdict was proved false has no score, until it is let in anew', async () => {
	const subject = id('forged');
	const { quote } = r.fixture('p256');
	const attest = quote.attest.slice(0, -1) + (quote.attest.endsWith('0') ? '1' : '0');
	const made = evidenceOf('p256', { subject, application: { quote: { ...quote, attest } } });
	const verdict = await admit(made);
	const tree = treeOf(3, { 1: { node: subject, score: 900_000n } });
	const answer = answerOf(tree, 1, await land(tree));
	assert.equal(ruleOf(await check(answer)), 'valid');
	await send(on.evidence, 'contestApplication', [verdict, made.opening, { pieces: [], tail: made.application }]);
	assert.equal(ruleOf(await check(answer)), 'frozen');
	assert.equal(ruleOf(await check({ ...answer, score: 1 })), 'root');
	assert.equal(ruleOf(await check(answerOf(tree, 0, answer.checkpoint))), 'valid');
	await admit(evidenceOf('p256', { subject }));
	assert.equal(ruleOf(await check(answer)), 'valid');
});

test('a checkpoint that landed long ago is stale, and one that is kept is not', async () => {
	const answer = answerOf(TREE, 20, await land(TREE));
	await proxy.rpc('esc_pass', [3600]);
	assert.equal(ruleOf(await check(answer, { maxAgeSeconds: 3599 })), 'stale');
	assert.equal(ruleOf(await check(answer)), 'valid');
	await proxy.rpc('esc_pass', [83_000]);
	assert.equal(ruleOf(await check(answer)), 'stale');
	assert.equal(ruleOf(await check(answer, { maxAgeSeconds: Infinity })), 'valid');
	// Another that lands makes it no younger.
	const fresh = await land(TREE);
	assert.equal(ruleOf(await check(answer)), 'stale');
	assert.equal((await check(answerOf(TREE, 20, fresh))).newest, true);
});

test('an endpoint that stands still is found out by the clock', async () => {
	const answer = answerOf(TREE, 20, await land(TREE));
	await assert.rejects(check(answer, { now: (await now()) + 601 }), trouble('clock', /601 s old/));
});

test('an endpoint that is down, or slow, is no verdict', async () => {
	const answer = answerOf(TREE, 20, await land(TREE));
	const quick = (urls) => escReader(urls, { tries: 1, timeoutMs: 500 });
	await proxy.rpc('esc_down', [true]);
	await assert.rejects(check(answer, { esc: quick(proxy.url) }), trouble('unreachable', /HTTP 503/));
	await assert.rejects(check(answer, { esc: quick([proxy.url, anvil]) }), trouble('unreachable', /1 of 2/));
	await proxy.rpc('esc_down', [false]);
	await proxy.rpc('esc_delay', [1500]);
	await assert.rejects(check(answer, { esc: quick(proxy.url) }), trouble('unreachable', /time/));
	await proxy.rpc('esc_delay', [0]);
	assert.equal(ruleOf(await check(answer, { esc: [proxy.url, anvil] })), 'valid');
	await assert.rejects(check(answer, { esc: quick('http://127.0.0.1:1') }), trouble('unreachable'));
});

test('endpoints that contradict each other are no verdict, whoever lies', async () => {
	const good = answerOf(TREE, 20, await land(TREE));
	const forged = treeOf(100, { 20: { score: 1_000_000n } });
	const lies = answerOf(forged, 20, good.checkpoint);
	const { interface: anchor } = on.anchor;
	// Says that another root landed, and that whatever is shown is right.
	const liar = await serve(async (method, params) => {
		const result = await forward(anvil, method, params);
		const data = params[0]?.data ?? '';
		if (data.startsWith(anchor.getFunction('checkpoint').selector))
			return result.replace(TREE.root.slice(2), forged.root.slice(2));
		if (data.startsWith(on.scores.interface.getFunction('verifyAt').selector)) return `0x${'00'.repeat(31)}01`;
		return result;
	});
	// Who trusts one endpoint trusts it with everything.
	assert.equal(ruleOf(await check(lies, { esc: liar.url })), 'valid');
	assert.equal(ruleOf(await check(lies)), 'root');
	for (const answer of [lies, good]) {
		for (const esc of [
			[proxy.url, liar.url],
			[liar.url, proxy.url],
		])
			await assert.rejects(check(answer, { esc }), trouble('contradiction', /contradict each other/));
		await assert.rejects(
			check(answer, { esc: escReader([anvil, proxy.url, liar.url], { quorum: 2 }) }),
			trouble('contradiction'),
		);
	}
	await liar.stop();
});

test('another chain, another contract, and no contract are no verdict', async () => {
	const answer = answerOf(TREE, 20, await land(TREE));
	await assert.rejects(check(answer, { chainId: 21 }), trouble('chain', /of chain 20, not of 21/));
	await assert.rejects(check(answer, { scores: on.anchor.target }), trouble('chain', /not the contract/));
	await assert.rejects(check(answer, { scores: `0x${'99'.repeat(20)}` }), trouble('chain', /no contract/));
});

test('a reorganisation takes back what landed', async () => {
	const answer = answerOf(TREE, 20, await land(TREE));
	assert.equal(ruleOf(await check(answer)), 'valid');
	await proxy.rpc('esc_reorganise', [1, false]);
	assert.equal(ruleOf(await check(answer)), 'landed');
	on.signer.reset();
});

test('of 257 checkpoints the anchor keeps the last 256', async () => {
	const heights = [];
	for (let i = 0; i < 257; i++) heights.push(await land(TREE));
	const first = await check(answerOf(TREE, 5, heights[0]));
	assert.deepEqual([ruleOf(first), /keeps no checkpoint/.test(first.reason)], ['landed', true]);
	assert.equal(ruleOf(await check(answerOf(TREE, 5, heights[1]))), 'valid');
	assert.equal((await check(answerOf(TREE, 5, heights[256]))).newest, true);
});
