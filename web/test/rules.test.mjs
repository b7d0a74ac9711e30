// Each rule with its forger, on an ESC that is made up; and trouble, which is no verdict.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Malformed, provenScore, readAnswer, toSs58, verifyScore } from '../dist/index.js';
import { ANCHOR, NOW, SCORES, answerOf, fakeEsc, id, landedOf, serve, treeOf, trouble } from './world.mjs';

const OLD = treeOf(50);
/** Since then the score of 7 has fallen, and 3 was put out. */
const NEW = treeOf(60, { 7: { score: 5n, epoch: 200n }, 3: { score: 0n, epoch: 200n } });
const LANDED = [landedOf(900, OLD, NOW - 5000), landedOf(1000, NEW, NOW - 100)];
const INDEX = 10;
const GOOD = answerOf(NEW, INDEX, 1000);
const NODE = GOOD.node;
/** Checks an answer on the ESC above, or a changed one. */
const check = (answer, more = {}, esc = fakeEsc({ landed: LANDED })) =>
	verifyScore({ esc, scores: SCORES, node: NODE, answer, now: NOW, ...more });
const refused = async (rule, answer, more, esc) => {
	const verdict = await check(answer, more, esc);
	assert.equal(verdict.valid, false, `not refused: ${rule}`);
	assert.equal(verdict.rule, rule, verdict.reason);
	assert.ok(verdict.reason.length > 10);
};
const flip = (hex, at) => hex.slice(0, at) + (hex[at] === '0' ? '1' : '0') + hex.slice(at + 1);

test('a good answer is valid, and says what is proved', async () => {
	assert.deepEqual(await check(GOOD), {
		valid: true,
		node: NODE,
		author: toSs58(NODE),
		score: NEW.leaves[INDEX].score,
		epoch: NEW.leaves[INDEX].epoch,
		index: BigInt(INDEX),
		signer: NEW.leaves[INDEX].signer,
		checkpoint: 1000n,
		blockHash: LANDED[1].blockHash,
		landed: NOW - 100,
		ageSeconds: 100,
		newest: true,
		esc: { chainId: 20, number: 1000n, time: NOW - 5 },
	});
});

test('a node without an address has no signer', async () => {
	const answer = answerOf(NEW, 2, 1000);
	assert.equal(BigInt(answer.signer), 0n);
	assert.equal((await check(answer, { node: answer.node })).signer, null);
});

test('names, letters and kinds of numbers do not matter', async () => {
	assert.equal((await check(GOOD, { node: toSs58(NODE) })).valid, true);
	const upper = (hex) => `0x${hex.slice(2).toUpperCase()}`;
	const loud = {
		...GOOD,
		node: upper(GOOD.node),
		signer: upper(GOOD.signer),
		siblings: GOOD.siblings.map(upper),
		more: 1,
	};
	const verdict = await check({ ...loud, score: BigInt(GOOD.score) }, { scores: upper(SCORES) });
	assert.deepEqual([verdict.valid, verdict.node, verdict.signer], [true, NODE, GOOD.signer]);
});

test('an older checkpoint that is kept is good, and said to be older', async () => {
	const verdict = await check(answerOf(OLD, INDEX, 900));
	assert.deepEqual([verdict.valid, verdict.newest, verdict.ageSeconds], [true, false, 5000]);
});

test('shape: whatever is not an answer', async () => {
	for (const answer of [null, undefined, 5, 'x', [], [GOOD], {}, () => {}]) await refused('shape', answer);
	for (const name of Object.keys(GOOD)) {
		const { [name]: _, ...without } = GOOD;
		await refused('shape', without);
		for (const value of [null, {}, [], true, '', '0x']) await refused('shape', { ...GOOD, [name]: value });
	}
});

test('shape: bytes that are too long, too short, or none', async () => {
	for (const [name, length] of [
		['node', 64],
		['trustRoot', 64],
		['signer', 40],
	]) {
		const hex = GOOD[name];
		const bad = [
			hex.slice(0, -2),
			`${hex}00`,
			hex.slice(2),
			`${hex.slice(0, -1)}g`,
			`0X${hex.slice(2)}`,
			` ${hex.slice(1)}`,
			5,
			5n,
		];
		for (const value of [...bad, `0x${'0'.repeat(length - 1)}`, `0x${'0'.repeat(length - 1)}\n`])
			await refused('shape', { ...GOOD, [name]: value });
	}
});

test('shape: numbers that are none of 64 bits', async () => {
	for (const name of ['checkpoint', 'trustLeaves', 'score', 'epoch', 'index']) {
		for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53, 2 ** 64, -1n, 1n << 64n, '5', '0x5', [5]])
			await refused('shape', { ...GOOD, [name]: value });
		assert.equal(readAnswer({ ...GOOD, [name]: (1n << 64n) - 1n })[name], (1n << 64n) - 1n);
	}
});

test('shape: siblings are 17, and of 32 bytes', async () => {
	const { siblings } = GOOD;
	const wrong = [
		siblings.slice(1),
		[...siblings, siblings[0]],
		[...siblings.slice(1), '0x00'],
		[...siblings.slice(1), 5],
		siblings.join(),
	];
	for (const other of [...wrong, { ...siblings, length: 17 }, new Array(17)])
		await refused('shape', { ...GOOD, siblings: other });
});

test('shape: an author that is no address', async () => {
	for (const author of ['', NODE, GOOD.author.slice(1), flip(GOOD.author, 20), 5])
		await refused('shape', { ...GOOD, author });
	assert.throws(() => readAnswer({ ...GOOD, author: 'x' }), Malformed);
});

test('an answer is read once: it cannot be another for the next rule', async () => {
	let reads = 0;
	const answer = { ...GOOD };
	Object.defineProperty(answer, 'score', { get: () => (reads++ === 0 ? GOOD.score : 1_000_000) });
	assert.equal((await check(answer)).score, BigInt(GOOD.score));
	assert.equal(reads, 1);
});

test('node: a good answer for another node', async () => {
	await refused('node', answerOf(NEW, 11, 1000));
	await refused('node', GOOD, { node: NEW.leaves[11].node });
	await refused('node', { ...answerOf(NEW, 11, 1000), author: GOOD.author });
});

test('node: an author that is another node', async () => {
	await refused('node', { ...GOOD, author: toSs58(NEW.leaves[11].node) });
});

test('height: a good answer under another checkpoint than was asked for', async () => {
	await refused('height', answerOf(OLD, 7, 900), { node: OLD.leaves[7].node, checkpoint: 1000 });
	assert.equal((await check(GOOD, { checkpoint: 1000n })).valid, true);
});

test('landed: a checkpoint that has not, or not yet, or not any more', async () => {
	for (const checkpoint of [0, 1, 899, 950, 1001, 2 ** 40]) await refused('landed', { ...GOOD, checkpoint });
	await refused('landed', GOOD, {}, fakeEsc());
	// Nodes that do not say why a call is refused.
	const silent = () => ({ reverted: true, data: '0x' });
	await refused('landed', GOOD, {}, fakeEsc({ change: { checkpoint: silent, verifyAt: silent } }));
});

test('index: a place beyond the leaves', async () => {
	for (const index of [60, 61, INDEX + (1 << 17), 2 ** 53 - 1]) await refused('index', { ...GOOD, index });
});

test('root: every member that is proved, changed by a little', async () => {
	await refused('root', { ...GOOD, score: GOOD.score + 1 });
	await refused('root', { ...GOOD, score: 1_000_000 });
	await refused('root', { ...GOOD, score: (1n << 64n) - 1n });
	await refused('root', { ...GOOD, epoch: GOOD.epoch + 1 });
	await refused('root', { ...GOOD, index: INDEX ^ 1 });
	await refused('root', { ...GOOD, signer: flip(GOOD.signer, 41) });
	await refused('root', { ...GOOD, signer: `0x${'00'.repeat(20)}` });
	for (let level = 0; level < 17; level++) {
		const siblings = [...GOOD.siblings];
		siblings[level] = flip(siblings[level], 33);
		await refused('root', { ...GOOD, siblings });
	}
	const swapped = [...GOOD.siblings];
	[swapped[0], swapped[1]] = [swapped[1], swapped[0]];
	await refused('root', { ...GOOD, siblings: swapped });
});

test('root: the score of another node, under its own name', async () => {
	const other = answerOf(NEW, 11, 1000);
	await refused('root', { ...other, node: NODE, author: GOOD.author });
});

test('root: an older score under a newer checkpoint', async () => {
	const node = OLD.leaves[7].node;
	await refused('root', { ...answerOf(OLD, 7, 900), checkpoint: 1000 }, { node });
	await refused(
		'root',
		{ ...answerOf(OLD, 7, 900), checkpoint: 1000, trustRoot: NEW.root, trustLeaves: 60 },
		{ node },
	);
});

test('root: a tree of its own, which never landed', async () => {
	const forged = treeOf(60, { [INDEX]: { score: 1_000_000n } });
	await refused('root', answerOf(forged, INDEX, 1000));
	await refused('root', { ...answerOf(forged, INDEX, 1000), trustRoot: NEW.root });
});

test('root: a good proof, with words about the checkpoint that are not true', async () => {
	await refused('root', { ...GOOD, trustRoot: id('another') });
	await refused('root', { ...GOOD, trustLeaves: 61 });
});

test('frozen: a good proof of a node whose verdict was proved false', async () => {
	await refused('frozen', GOOD, {}, fakeEsc({ landed: LANDED, frozen: [NODE] }));
	assert.equal((await check(GOOD, {}, fakeEsc({ landed: LANDED, frozen: [NEW.leaves[11].node] }))).valid, true);
	// A forger is found out first.
	await refused('root', { ...GOOD, score: 1 }, {}, fakeEsc({ landed: LANDED, frozen: [NODE] }));
});

test('least: a score that is proved, and too low', async () => {
	await refused('least', GOOD, { least: GOOD.score + 1 });
	await refused('least', GOOD, { least: BigInt(GOOD.score) + 1n });
	await refused('least', answerOf(NEW, 3, 1000), { node: NEW.leaves[3].node, least: 1 });
	assert.equal((await check(GOOD, { least: GOOD.score })).valid, true);
	// A score that is claimed and not proved is not too low or high enough, but forged.
	await refused('root', { ...GOOD, score: 1_000_000 }, { least: 999_999 });
});

test('stale: a checkpoint that landed too long ago', async () => {
	await refused('stale', GOOD, { maxAgeSeconds: 99 });
	assert.equal((await check(GOOD, { maxAgeSeconds: 100 })).valid, true);
	// Its own age counts, not that of the last.
	const past = answerOf(OLD, 7, 900);
	await refused('stale', past, { node: past.node, maxAgeSeconds: 1000 });
});

test('stale: a day, if nobody says anything', async () => {
	const at = (age) => fakeEsc({ landed: [landedOf(1000, NEW, NOW - age)] });
	assert.equal((await check(GOOD, {}, at(86_400))).valid, true);
	await refused('stale', GOOD, {}, at(86_401));
	assert.equal((await check(GOOD, { maxAgeSeconds: Infinity }, at(1_000_000_000))).valid, true);
});

test('trouble, contradiction: a contract that takes what is wrong, or refuses what is right', async () => {
	const lie = (verifyAt, answer, more = {}) =>
		check(answer, {}, fakeEsc({ landed: LANDED, change: { verifyAt: () => verifyAt, ...more } }));
	await assert.rejects(
		lie(true, { ...GOOD, score: 1_000_000 }),
		trouble('contradiction', /takes a proof that is wrong/),
	);
	await assert.rejects(lie(true, { ...GOOD, index: 60 }), trouble('contradiction', /takes a proof that is wrong/));
	await assert.rejects(lie(false, GOOD), trouble('contradiction', /refuses a proof that is right/));
});

test('trouble, contradiction: an anchor that gives another checkpoint, or another root than the contract has', async () => {
	const change = (changed) => check(GOOD, {}, fakeEsc({ landed: LANDED, change: changed }));
	await assert.rejects(change({ checkpoint: () => LANDED[0] }), trouble('contradiction', /that of #900/));
	await assert.rejects(change({ checkpoint: () => undefined }), trouble('contradiction', /same checkpoints/));
	await assert.rejects(change({ verifyAt: () => undefined }), trouble('contradiction', /same checkpoints/));
	await assert.rejects(change({ latest: () => LANDED[0] }), trouble('contradiction', /older/));
	await assert.rejects(
		change({ checkpoint: () => ({ ...LANDED[1], trustRoot: id('x') }) }),
		trouble('contradiction', /takes/),
	);
});

test('a contradiction that passes is none: blocks were replaced meanwhile', async () => {
	let asked = 0;
	const esc = fakeEsc({ landed: LANDED, change: { latest: () => LANDED[asked++ === 0 ? 0 : 1] } });
	assert.equal((await check(GOOD, {}, esc)).valid, true);
	assert.equal(asked, 2);
});

test('trouble, chain: another chain, no contract, another contract', async () => {
	await assert.rejects(check(GOOD, { chainId: 21 }), trouble('chain', /of chain 20, not of 21/));
	await assert.rejects(check(GOOD, {}, fakeEsc({ head: { chainId: 1 } })), trouble('chain', /of chain 1, not of 20/));
	await assert.rejects(check(GOOD, { scores: `0x${'99'.repeat(20)}` }), trouble('chain', /there is no contract/));
	const answers = (call, data) => {
		const esc = fakeEsc({ landed: LANDED });
		return check(
			GOOD,
			{},
			{ ...esc, call: (block, to, asked) => (to === call ? data : esc.call(block, to, asked)) },
		);
	};
	const refuses = { reverted: true, data: '0x' };
	await assert.rejects(answers(SCORES, refuses), trouble('chain', /refuses anchor: it is not the contract/));
	await assert.rejects(answers(ANCHOR, refuses), trouble('chain', /refuses latest/));
	await assert.rejects(answers(ANCHOR, { reverted: false, data: '0x00' }), trouble('chain', /not the contract/));
	await assert.rejects(
		answers(SCORES, { reverted: false, data: `0x${'00'.repeat(32)}` }),
		trouble('chain', /names no anchor/),
	);
	await assert.rejects(
		answers(SCORES, { reverted: false, data: `0x${'ff'.repeat(32)}` }),
		trouble('chain', /as it must/),
	);
	await assert.rejects(
		answers(ANCHOR, { reverted: false, data: `0x${'ff'.repeat(288)}` }),
		trouble('chain', /as it must/),
	);
	const other = { reverted: true, data: '0x12345678' };
	await assert.rejects(
		check(GOOD, {}, fakeEsc({ landed: LANDED, change: { checkpoint: () => other } })),
		trouble('chain', /refuses checkpoint/),
	);
	const two = { reverted: false, data: `0x${'00'.repeat(31)}02` };
	await assert.rejects(
		check(GOOD, {}, fakeEsc({ landed: LANDED, change: { verifyAt: () => two } })),
		trouble('chain', /as it must/),
	);
});

test('trouble, clock: an endpoint that shows the past, or a clock that is wrong', async () => {
	const at = (time, more) => check(GOOD, more, fakeEsc({ landed: LANDED, head: { time } }));
	await assert.rejects(at(NOW - 601), trouble('clock', /601 s old/));
	await assert.rejects(at(NOW + 601), trouble('clock', /ahead/));
	await assert.rejects(check(GOOD, { now: undefined }), trouble('clock'));
	await assert.rejects(at(NOW - 11, { maxLagSeconds: 10 }), trouble('clock'));
	assert.equal((await at(NOW - 600)).valid, true);
	assert.equal((await at(NOW - 10_000, { maxLagSeconds: Infinity })).valid, true);
});

test('trouble, usage: what no rule may compare with', async () => {
	const bad = {
		scores: [undefined, '', SCORES.slice(2), `${SCORES}00`, 5],
		node: [undefined, '', 'alice', `${NODE}00`],
		least: [-1, 0.5, NaN, '5', null, 1n << 64n, -1n],
		maxAgeSeconds: [-1, NaN, '5'],
		maxLagSeconds: [-1, NaN, '600'],
		now: [NaN, -1, Infinity, '5', null],
		chainId: [0, NaN, '20', 0.5],
		checkpoint: [-1, NaN, '5', null],
		esc: [undefined, null, {}, [], 'x', 'ftp://x', ['http://a', 'http://a/']],
	};
	for (const [name, values] of Object.entries(bad))
		for (const value of values)
			await assert.rejects(check(GOOD, { [name]: value }), trouble('usage'), `${name}: ${String(value)}`);
});

test('what needs nobody is said without asking anybody', async () => {
	const esc = { head: () => assert.fail('asked'), call: () => assert.fail('asked') };
	await refused('shape', {}, {}, esc);
	await refused('node', answerOf(NEW, 11, 1000), {}, esc);
	await refused('height', GOOD, { checkpoint: 5 }, esc);
});

test('a reader that fails is no verdict', async () => {
	const esc = { ...fakeEsc({ landed: LANDED }), call: () => Promise.reject(new Error('lost')) };
	await assert.rejects(check(GOOD, {}, esc), trouble('unreachable', /lost/));
	await assert.rejects(check(GOOD, {}, { ...esc, head: async () => undefined }), trouble('unreachable'));
});

test('the proof is asked for under the checkpoint that landed last, and no other is taken', async () => {
	let answer = GOOD;
	const gateway = await serve((method) =>
		method === 'bridge_scoreProof' ? answer : { error: { code: -32601, message: '?' } },
	);
	try {
		const ask = (more = {}) =>
			provenScore({
				esc: fakeEsc({ landed: LANDED }),
				scores: SCORES,
				gateway: gateway.url,
				node: NODE,
				now: NOW,
				...more,
			});
		assert.equal((await ask()).valid, true);
		assert.deepEqual(gateway.asked, [['bridge_scoreProof', [toSs58(NODE), 1000]]]);
		answer = answerOf(OLD, INDEX, 900);
		assert.equal((await ask()).rule, 'height');
		answer = { ...GOOD, score: GOOD.score + 1 };
		assert.equal((await ask()).rule, 'root');
		answer = 'no';
		assert.equal((await ask()).rule, 'shape');
		answer = GOOD;
		assert.equal((await ask({ least: 1_000_000 })).rule, 'least');
		const before = gateway.asked.length;
		assert.equal((await ask({ esc: fakeEsc() })).rule, 'landed');
		await assert.rejects(ask({ chainId: 21 }), trouble('chain'));
		await assert.rejects(ask({ node: 'alice' }), trouble('usage'));
		assert.equal(gateway.asked.length, before, 'a gateway is not asked for nothing');
	} finally {
		await gateway.stop();
	}
});
