// Endpoints that do not answer, answer nonsense, or contradict each other; and gateways that do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '../../contracts/test/world.mjs';
import { askScore, escReader, toSs58 } from '../dist/index.js';
import { NOW, id, serve, trouble } from './world.mjs';

const TO = `0x${'5c'.repeat(20)}`;
const QUICK = { tries: 1, timeoutMs: 2000 };
const NODE = id('node/1');

/** An endpoint with a head, and what its contracts answer. */
const honest = (more = {}) => {
	const { chainId = 20, number = 500, time = NOW, call = () => '0x01' } = more;
	return (method, params) => {
		if (method === 'eth_chainId') return `0x${chainId.toString(16)}`;
		if (method === 'eth_blockNumber') return `0x${number.toString(16)}`;
		if (method === 'eth_getBlockByNumber')
			return Number(params[0]) > number ? null : { timestamp: `0x${time.toString(16)}` };
		return call(params);
	};
};
/** Runs `use` with servers that answer so. */
async function having(answers, use, options = QUICK) {
	const servers = await Promise.all(answers.map(serve));
	try {
		return await use(
			escReader(
				servers.map(({ url }) => url),
				options,
			),
			servers,
		);
	} finally {
		await Promise.all(servers.map((server) => server.stop()));
	}
}
const BLOCK = { chainId: 20, number: 500n, time: NOW };

test('one endpoint: head and calls are those of its block', async () => {
	await having(
		[
			honest({
				call: ([call, block]) => (call.to === TO && call.data === '0xab' && block === '0x1f4' ? '0xCD' : '0x'),
			}),
		],
		async (esc) => {
			assert.deepEqual(await esc.head(), BLOCK);
			assert.deepEqual(await esc.call(BLOCK, TO, '0xab'), { reverted: false, data: '0xcd' });
		},
	);
});

test('several endpoints: the newest block that all of them have', async () => {
	await having([honest({ number: 502 }), honest(), honest({ number: 501 })], async (esc, servers) => {
		assert.deepEqual(await esc.head(), BLOCK);
		for (const { asked } of servers) assert.deepEqual(asked.at(-1), ['eth_getBlockByNumber', ['0x1f4', false]]);
	});
});

test('contradiction: endpoints of several chains, with other times, with other answers', async () => {
	const other = [{ chainId: 21 }, { time: NOW + 1 }];
	for (const more of other)
		await having([honest(), honest(more)], (esc) => assert.rejects(esc.head(), trouble('contradiction')));
	const refuses = { error: { code: 3, message: 'execution reverted', data: '0x12345678' } };
	for (const answer of ['0x02', '0x', '0x0100', refuses]) {
		await having([honest(), honest(), honest({ call: () => answer })], (esc) =>
			assert.rejects(esc.call(BLOCK, TO, '0x'), trouble('contradiction', /contradict each other/)),
		);
	}
	// To refuse without a word is not to answer nothing.
	const silent = { error: { code: 3, message: 'execution reverted' } };
	await having([honest({ call: () => '0x' }), honest({ call: () => silent })], (esc) =>
		assert.rejects(esc.call(BLOCK, TO, '0x'), trouble('contradiction')),
	);
	await having([honest({ call: () => refuses }), honest({ call: () => silent })], async (esc) =>
		assert.equal((await esc.call(BLOCK, TO, '0x')).reverted, true),
	);
});

test('contradiction: a quorum that agrees does not outvote who disagrees', async () => {
	const answers = [honest(), honest(), honest({ call: () => '0x02' })];
	await having(answers, (esc) => assert.rejects(esc.call(BLOCK, TO, '0x'), trouble('contradiction')), {
		...QUICK,
		quorum: 2,
	});
});

const NONSENSE = {
	'HTTP 503': { raw: '', status: 503 },
	'HTTP 503 with an answer': { raw: '{"jsonrpc":"2.0","id":1,"result":"0x14"}', status: 503 },
	'no JSON': { raw: '<html>' },
	nothing: { raw: '' },
	'JSON of another kind': { raw: '5' },
	null: { raw: 'null' },
	'no result': { raw: '{"jsonrpc":"2.0","id":1}' },
	'an answer that is too long': { raw: `{"jsonrpc":"2.0","id":1,"result":"0x14"}${' '.repeat(1 << 20)}` },
	'an error': { error: { code: -32000, message: 'header not found' } },
	'an error without words': { error: 5 },
	'an object': {},
	'half a byte': '0x1',
	'no bytes': 'text',
};
test('unreachable: whatever is not an answer', async () => {
	for (const [what, answer] of Object.entries(NONSENSE)) {
		await having([() => answer], async (esc) => {
			if (what !== 'half a byte') await assert.rejects(esc.head(), trouble('unreachable', /0 of 1/), what);
			await assert.rejects(
				esc.call(BLOCK, TO, '0x'),
				trouble('unreachable', /127\.0\.0\.1:\d+ \(eth_call\)/),
				what,
			);
		});
	}
});

test('unreachable: nobody there, and nobody who answers in time', async () => {
	await assert.rejects(
		escReader(`http://127.0.0.1:${await freePort()}`, QUICK).head(),
		trouble('unreachable', /0 of 1 ESC endpoints answer, 1 must: .*ECONNREFUSED/),
	);
	const never = () => new Promise((resolve) => setTimeout(resolve, 1000).unref());
	await having([never], (esc) => assert.rejects(esc.head(), trouble('unreachable', /time/)), {
		tries: 1,
		timeoutMs: 100,
	});
});

test('unreachable: who sends the question on to somebody else', async () => {
	const other = await serve(honest());
	await having([() => ({ raw: '', status: 307, headers: { location: other.url } })], (esc) =>
		assert.rejects(esc.head(), trouble('unreachable')),
	);
	assert.deepEqual(other.asked, []);
	await other.stop();
});

test('unreachable: one of several, unless fewer are enough', async () => {
	const down = () => NONSENSE['HTTP 503'];
	await having([honest(), down, honest()], async (esc, servers) => {
		await assert.rejects(esc.head(), trouble('unreachable', /2 of 3 ESC endpoints answer, 3 must/));
		const urls = servers.map(({ url }) => url);
		const two = escReader(urls, { ...QUICK, quorum: 2 });
		assert.deepEqual(await two.head(), BLOCK);
		assert.equal((await two.call(BLOCK, TO, '0x')).data, '0x01');
	});
});

test('who does not answer is asked again: behind one URL there may be several nodes', async () => {
	let asked = 0;
	const lagging = honest({
		call: () => (++asked < 3 ? { error: { code: -32000, message: 'header not found' } } : '0x07'),
	});
	await having([lagging], async (esc) => assert.equal((await esc.call(BLOCK, TO, '0x')).data, '0x07'), {
		tries: 3,
		pauseMs: 1,
	});
	assert.equal(asked, 3);
});

test('what a call was refused with is found wherever nodes put it', async () => {
	const data = '0xDEADBEEF';
	for (const [error, found] of [
		[{ code: 3, message: 'execution reverted', data }, '0xdeadbeef'],
		[{ code: -32000, message: 'VM Exception: revert', data: { data } }, '0xdeadbeef'],
		[{ code: -32015, message: 'VM execution error: reverted', data: `Reverted ${data}` }, '0xdeadbeef'],
		[{ code: -32000, message: 'execution reverted', data: { result: data } }, '0xdeadbeef'],
		[{ code: -32000, message: 'execution reverted' }, '0x'],
		[{ code: -32000, message: 'execution reverted', data: 'text' }, '0x'],
	]) {
		await having([honest({ call: () => ({ error }) })], async (esc) =>
			assert.deepEqual(await esc.call(BLOCK, TO, '0x'), { reverted: true, data: found }),
		);
	}
	// To run out of gas is not to refuse.
	const error = { code: -32000, message: 'out of gas' };
	await having([honest({ call: () => ({ error }) })], (esc) =>
		assert.rejects(esc.call(BLOCK, TO, '0x'), trouble('unreachable', /out of gas/)),
	);
});

test("an endpoint's key, which is in its URL, is in no error", async () => {
	const { url, stop } = await serve(() => NONSENSE['HTTP 503']);
	await assert.rejects(
		escReader(`${url}/secret?key=secret`, QUICK).head(),
		(error) => !JSON.stringify([error.message, error.cause?.message]).includes('secret'),
	);
	await stop();
});

test('usage: no endpoint, one twice, one of another kind, more than there are', () => {
	const bad = [
		[[]],
		[['http://a', 'http://a']],
		[['http://a', 'http://A/']],
		['ws://a'],
		[''],
		[[undefined]],
		['http://a', { quorum: 2 }],
		['http://a', { quorum: 0 }],
		['http://a', { quorum: 0.5 }],
	];
	for (const [urls, options] of bad)
		assert.throws(() => escReader(urls, options), trouble('usage'), JSON.stringify(urls));
});

test('a gateway is asked by the address, and its answer is given as it is', async () => {
	const gateway = await serve(() => ({ whatever: 5 }));
	assert.deepEqual(await askScore(gateway.url, NODE), { whatever: 5 });
	assert.deepEqual(await askScore(gateway.url, toSs58(NODE), 1200n), { whatever: 5 });
	assert.deepEqual(gateway.asked, [
		['bridge_scoreProof', [toSs58(NODE)]],
		['bridge_scoreProof', [toSs58(NODE), 1200]],
	]);
	await gateway.stop();
});

test('gateway: it does not answer, or answers that it does not', async () => {
	for (const [what, answer] of Object.entries(NONSENSE)) {
		if (['an object', 'half a byte', 'no bytes'].includes(what)) continue;
		const { url, stop } = await serve(() => answer);
		await assert.rejects(askScore(url, NODE), trouble('gateway', /gives no proof/), what);
		await stop();
	}
	await assert.rejects(askScore(`http://127.0.0.1:${await freePort()}`, NODE), trouble('gateway', /ECONNREFUSED/));
	const said = async (error, words) => {
		const { url, stop } = await serve(() => ({ error }));
		await assert.rejects(askScore(url, NODE), trouble('gateway', words));
		await stop();
	};
	await said(
		{ code: 9300, message: '5F… has no leaf in the tree of scores of #1200' },
		/has no leaf in the tree of scores/,
	);
	await said({ code: -32601, message: 'Method not found' }, /it is no Elapse node/);
});

test("a gateway's words cannot move the cursor, or fill the screen", async () => {
	const { url, stop } = await serve(() => ({
		error: { code: 1, message: `\u001b[2Jvalid\u202e\n${'x'.repeat(5000)}` },
	}));
	await assert.rejects(
		askScore(url, NODE),
		(error) => trouble('gateway')(error) && /^[\x20-\x7e…]{1,600}$/.test(error.message),
	);
	await stop();
});

test('usage: no gateway, no node, no height', async () => {
	for (const args of [
		['ws://a', NODE],
		['', NODE],
		['http://a', 'alice'],
		['http://a', NODE, -1],
		['http://a', NODE, 2 ** 32],
	])
		await assert.rejects(askScore(...args), trouble('usage'));
});
