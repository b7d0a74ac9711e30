// The proxy refuses what the Elastos Smart Chain refuses, and is unkind when it is told to be.

import { Transaction, Wallet } from 'ethers';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { MOST_BYTES, startProxy } from '../esc/proxy.mjs';
import { account, freePort } from './world.mjs';

const PRICE = 1_000_000_000n;
let esc;
before(async () => {
	esc = await startProxy();
});
after(() => esc.stop());

const nonces = new Map();
/** A raw transaction of anvil's account `i`. */
async function raw(i, more = {}) {
	const wallet = account(i),
		nonce = more.nonce ?? nonces.get(i) ?? 0;
	if (more.nonce === undefined) nonces.set(i, nonce + 1);
	return wallet.signTransaction(
		Transaction.from({
			type: 0,
			chainId: 20,
			to: '0x' + '11'.repeat(20),
			value: 1n,
			gasLimit: 100_000n,
			gasPrice: PRICE,
			nonce,
			...more,
		}),
	);
}
const hand = (bytes) => esc.rpc('eth_sendRawTransaction', [bytes]);
async function receipt(hash, wanted = true) {
	for (let tries = 0; tries < (wanted ? 200 : 15); tries++) {
		const found = await esc.rpc('eth_getTransactionReceipt', [hash]);
		if (found) return found;
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
	return null;
}
const head = async () => Number(await esc.rpc('eth_blockNumber'));

test('a legacy transaction at the minimum price is mined', async () => {
	assert.equal(await esc.rpc('eth_chainId'), '0x14');
	assert.equal(BigInt(await esc.rpc('eth_gasPrice')), PRICE);
	assert.equal((await receipt(await hand(await raw(0)))).status, '0x1');
});

test('typed transactions are refused', async () => {
	const wallet = account(0),
		base = { chainId: 20, to: '0x' + '11'.repeat(20), gasLimit: 100_000n, nonce: 50 };
	for (const typed of [
		{ type: 1, gasPrice: PRICE },
		{ type: 2, maxFeePerGas: PRICE, maxPriorityFeePerGas: 0n },
	]) {
		await assert.rejects(
			hand(await wallet.signTransaction(Transaction.from({ ...base, ...typed }))),
			/type not supported/,
		);
	}
});

test('oversized transactions are refused, and the largest is not', async () => {
	// Data of zeros is cheap enough for the block; what is around it has 112 to 116 bytes.
	const of = (length) => raw(1, { nonce: 0, data: '0x' + '00'.repeat(length), gasLimit: 1_000_000n });
	const around = ((await of(32_600)).length - 2) / 2 - 32_600;
	await assert.rejects(hand(await of(MOST_BYTES - around + 1)), /oversized/);
	await hand(await of(MOST_BYTES - around));
	nonces.set(1, 1);
});

test('underpriced transactions are refused, and when the price rises those that were enough', async () => {
	await assert.rejects(hand(await raw(2, { nonce: 0, gasPrice: PRICE - 1n })), /underpriced/);
	await esc.rpc('esc_minimumPrice', [String(PRICE * 10n)]);
	await assert.rejects(hand(await raw(2, { nonce: 0 })), /underpriced/);
	assert.equal(BigInt(await esc.rpc('eth_gasPrice')), PRICE * 10n);
	await hand(await raw(2, { gasPrice: PRICE * 10n }));
	await esc.rpc('esc_minimumPrice', [String(PRICE)]);
});

test('bytes that are no transaction are refused', async () => {
	for (const bytes of ['0x', '0xc0', '0xf8', 'nothing', 5, '0xc', '0x' + 'ff'.repeat(100)])
		await assert.rejects(hand(bytes));
	const good = await raw(0, { nonce: 60 });
	await assert.rejects(hand(good.slice(0, -2)));
});

test('methods that ESC does not have do not exist', async () => {
	for (const method of [
		'eth_feeHistory',
		'eth_maxPriorityFeePerGas',
		'eth_blobBaseFee',
		'eth_sendTransaction',
		'eth_accounts',
		'anvil_mine',
		'evm_snapshot',
		'hardhat_setBalance',
		'debug_traceTransaction',
		'engine_newPayloadV1',
	]) {
		await assert.rejects(esc.rpc(method, []), ({ code }) => code === -32601, method);
	}
});

test('safe and finalized are no tags', async () => {
	for (const tag of ['safe', 'finalized']) {
		await assert.rejects(esc.rpc('eth_getBlockByNumber', [tag, false]), ({ code }) => code === -32602);
		await assert.rejects(esc.rpc('eth_call', [{ to: '0x' + '11'.repeat(20) }, tag]), ({ code }) => code === -32602);
		await assert.rejects(
			esc.rpc('eth_getLogs', [{ fromBlock: 'earliest', toBlock: tag }]),
			({ code }) => code === -32602,
		);
	}
	for (const tag of ['latest', 'earliest', 'pending']) assert.ok(await esc.rpc('eth_getBlockByNumber', [tag, false]));
});

test('blocks have no base fee, no withdrawals, no randomness', async () => {
	const block = await esc.rpc('eth_getBlockByNumber', ['latest', false]);
	for (const field of ['baseFeePerGas', 'withdrawals', 'withdrawalsRoot']) assert.ok(!(field in block), field);
	assert.equal(block.mixHash, '0x' + '00'.repeat(32));
	const { number } = await receipt(await hand(await raw(0))).then(({ blockHash }) =>
		esc.rpc('eth_getBlockByHash', [blockHash, false]),
	);
	assert.equal(Number(number), await head());
});

test('batches are answered in order', async () => {
	const answer = await fetch(esc.url, {
		method: 'POST',
		body: JSON.stringify([
			{ jsonrpc: '2.0', id: 7, method: 'eth_chainId', params: [] },
			{ jsonrpc: '2.0', id: 8, method: 'eth_feeHistory', params: [] },
		]),
	});
	const [chain, history] = await answer.json();
	assert.deepEqual([chain.id, chain.result, history.id, history.error.code], [7, '0x14', 8, -32601]);
	assert.equal((await fetch(esc.url, { method: 'POST', body: '{' })).status, 400);
});

test('a dropped transaction has a hash and no receipt, and the same can be handed in again', async () => {
	await esc.rpc('esc_drop', [1]);
	const bytes = await raw(3),
		hash = await hand(bytes);
	assert.equal(await receipt(hash, false), null);
	assert.equal(await hand(bytes), hash);
	assert.equal((await receipt(hash)).status, '0x1');
});

test('transactions are held, and let go in order', async () => {
	await esc.rpc('esc_hold', [true]);
	const [a, b] = [await hand(await raw(3)), await hand(await raw(3))];
	assert.equal(await receipt(a, false), null);
	assert.deepEqual(await esc.rpc('esc_hold', [false]), [a, b]);
	assert.ok(await receipt(b));
});

test('answers come late, or not at all', async () => {
	await esc.rpc('esc_delay', [300]);
	const begun = Date.now();
	await head();
	assert.ok(Date.now() - begun >= 295);
	await esc.rpc('esc_delay', [0]);
	await esc.rpc('esc_down', [true]);
	await assert.rejects(head(), /503/);
	await esc.rpc('esc_down', [false]);
	await head();
});

test('a frozen account is refused, or taken and lost; others are not', async () => {
	const { address } = account(4);
	await esc.rpc('esc_freeze', [address]);
	await assert.rejects(hand(await raw(4, { nonce: 0 })), /frozen/);
	await hand(await raw(5));
	await esc.rpc('esc_freeze', [address, true, true]);
	const bytes = await raw(4),
		hash = await hand(bytes);
	assert.equal(await receipt(hash, false), null);
	await esc.rpc('esc_freeze', [address, false]);
	await hand(bytes);
	assert.ok(await receipt(hash));
});

test('a reorganisation replaces blocks; transactions come back, or are lost', async () => {
	await esc.rpc('esc_mine', [10]);
	const hash = await hand(await raw(6)),
		before_ = await receipt(hash),
		top = await head();
	await esc.rpc('esc_mine', [3]);
	const { lost, again } = await esc.rpc('esc_reorganise', [9, true]);
	assert.deepEqual([lost, again], [[hash], [hash]]);
	const after_ = await receipt(hash);
	assert.notEqual(after_.blockHash, before_.blockHash);
	assert.ok((await head()) >= top);
	const { lost: second } = await esc.rpc('esc_reorganise', [(await head()) - Number(after_.blockNumber) + 1, false]);
	assert.deepEqual(second, [hash]);
	assert.equal(await receipt(hash, false), null);
	assert.equal(await esc.rpc('eth_getTransactionCount', [account(6).address, 'latest']), '0x0');
	await assert.rejects(esc.rpc('esc_reorganise', [100_000]), /not so many/);
	nonces.set(6, 0);
});

test('time passes, blocks are mined, and the status says what was refused', async () => {
	const { timestamp } = await esc.rpc('eth_getBlockByNumber', ['latest', false]);
	await esc.rpc('esc_pass', [86_400]);
	assert.ok(
		Number((await esc.rpc('eth_getBlockByNumber', ['latest', false])).timestamp) >= Number(timestamp) + 86_400,
	);
	const { refused, dropped, reorganisations } = await esc.rpc('esc_status');
	for (const rule of ['typed', 'oversized', 'underpriced', 'method', 'tag', 'frozen', 'malformed'])
		assert.ok(refused[rule] > 0, rule);
	assert.deepEqual([dropped, reorganisations], [2, 2]);
	assert.equal(await esc.rpc('esc_anvil', ['eth_getBalance', [Wallet.createRandom().address, 'latest']]), '0x0');
});

test('the command starts all by itself and ends when it is told', async () => {
	const port = await freePort();
	const child = spawn(process.execPath, [
		new URL('../esc/proxy.mjs', import.meta.url).pathname,
		'--port',
		String(port),
		'--chain-id',
		'21',
		'--minimum-price',
		'5',
	]);
	await new Promise((resolve, reject) => {
		child.stdout.once('data', resolve);
		child.once('exit', () => reject(new Error('it ended')));
	});
	const answer = await (
		await fetch(`http://127.0.0.1:${port}`, {
			method: 'POST',
			body: '[{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]},{"jsonrpc":"2.0","id":2,"method":"eth_gasPrice","params":[]}]',
		})
	).json();
	assert.deepEqual(
		answer.map(({ result }) => result),
		['0x15', '0x5'],
	);
	const ended = new Promise((resolve) => child.once('exit', resolve));
	child.kill('SIGTERM');
	assert.equal(await ended, 0);
});
