#!/usr/bin/env node
// The Elastos Smart Chain for tests: anvil behind a proxy that refuses what ESC refuses, and can be as unkind as a network.
//
// anvil alone is laxer than ESC, so what works on it may not work there. In front of it:
// - *typed*: a transaction of another type than legacy is refused (no EIP-2930, no EIP-1559);
// - *oversized*: so is one of more than 32 KB;
// - *underpriced*: or below the minimum price, which is the chain's, not a market's;
// - *method*: `eth_feeHistory`, `eth_maxPriorityFeePerGas`, blob and engine methods, unlocked accounts (`eth_sendTransaction`)
//   and anvil's own methods do not exist;
// - *tag*: `safe` and `finalized` are no block tags;
// - blocks have no base fee, no withdrawals, and a `mixHash` of zero.
//
// By methods `esc_*`, which ESC has not:
//   esc_status []                              what is set, and how much was refused and dropped
//   esc_minimumPrice [price]                   sets the minimum price (wei, number or hex)
//   esc_drop [count]                           the next `count` transactions are taken, and lost
//   esc_delay [milliseconds]                   every answer comes so much later
//   esc_hold [on]                              transactions are taken and kept back; `false` lets them go, in order
//   esc_down [on]                              nobody answers (HTTP 503), but for esc_*
//   esc_freeze [address, on, silent]           an account's transactions are refused; if `silent`, taken and lost
//   esc_reorganise [depth, keep]               the last `depth` blocks are replaced by empty ones; their transactions are
//                                              handed in again unless `keep` is false
//   esc_mine [count]                           mines blocks
//   esc_pass [seconds]                         time passes, and a block is mined
//   esc_anvil [method, params]                 anything of anvil's
//
// As a command: `node esc/proxy.mjs --port 8545` starts an anvil of its own and stays until it is ended.
//   --port N  --host H  --chain-id N  --minimum-price WEI  --block-time SECONDS (none: a block a transaction)

import { Transaction, keccak256 } from 'ethers';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { realpathSync } from 'node:fs';
import { startAnvil } from '../test/world.mjs';

/** The most bytes of a transaction. */
export const MOST_BYTES = 32 * 1024;
const ABSENT =
	/^(anvil_|evm_|hardhat_|engine_|debug_|trace_|ots_|erigon_|admin_|miner_|personal_|wallet_|tenderly_)|^eth_(feeHistory|maxPriorityFeePerGas|blobBaseFee|sendTransaction|sendUnsignedTransaction|sign|signTransaction|signTypedData.*|accounts|getAccountInfo|fillTransaction|simulateV1|sendRawTransactionSync|sendTransactionSync)$/;
const BLOCKS = new Set(['eth_getBlockByNumber', 'eth_getBlockByHash']);
const GONE = [
	'baseFeePerGas',
	'withdrawals',
	'withdrawalsRoot',
	'blobGasUsed',
	'excessBlobGas',
	'parentBeaconBlockRoot',
	'requestsHash',
];

class Refusal extends Error {
	constructor(code, message, rule) {
		super(message);
		Object.assign(this, { code, rule });
	}
}

/** Whether `safe` or `finalized` is among these parameters, at any depth. */
const hasTag = (value) =>
	typeof value === 'string'
		? value === 'safe' || value === 'finalized'
		: value !== null && typeof value === 'object' && Object.values(value).some(hasTag);

/**
 * Starts the proxy before anvil: before one of its own, unless `upstream` is the URL of another.
 * Gives `{ url, port, stop, rpc }`.
 */
export async function startProxy({
	port = 0,
	host = '127.0.0.1',
	upstream,
	minimumPrice = 1_000_000_000n,
	more = [],
} = {}) {
	const anvil = upstream ? { url: upstream, stop: async () => {} } : await startAnvil({ more });
	const state = {
		minimumPrice: BigInt(minimumPrice),
		drop: 0,
		delay: 0,
		hold: false,
		down: false,
		frozen: new Map(),
	};
	const counts = { refused: {}, dropped: 0, reorganisations: 0 };
	/** Raw transactions that anvil has, by hash: to be handed in again after a reorganisation. */
	const sent = new Map(),
		held = [];

	async function forward(body) {
		const answer = await fetch(anvil.url, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify(body),
		});
		return answer.json();
	}
	async function rpc(method, params = []) {
		const { result, error } = await forward({ jsonrpc: '2.0', id: 1, method, params });
		if (error) throw new Refusal(error.code, error.message, 'anvil');
		return result;
	}

	/** The rules of the pool. Gives the hash. */
	async function take(raw) {
		const size = (raw.length - 2) / 2;
		if (parseInt(raw.slice(2, 4), 16) < 0xc0) throw new Refusal(-32000, 'transaction type not supported', 'typed');
		if (size > MOST_BYTES) throw new Refusal(-32000, 'oversized data', 'oversized');
		let transaction;
		try {
			transaction = Transaction.from(raw);
		} catch {
			throw new Refusal(-32000, 'rlp: the transaction cannot be decoded', 'malformed');
		}
		if (transaction.from === null) throw new Refusal(-32000, 'invalid sender', 'malformed');
		if ((transaction.gasPrice ?? 0n) < state.minimumPrice)
			throw new Refusal(-32000, 'transaction underpriced', 'underpriced');
		const hash = keccak256(raw),
			frozen = state.frozen.get(transaction.from.toLowerCase());
		if (frozen === 'refuse') throw new Refusal(-32000, 'the account is frozen', 'frozen');
		if (frozen === 'silent' || state.drop > 0) {
			if (frozen === undefined) state.drop -= 1;
			counts.dropped += 1;
			return hash;
		}
		if (state.hold) {
			held.push(raw);
			return hash;
		}
		await rpc('eth_sendRawTransaction', [raw]);
		sent.set(hash, raw);
		return hash;
	}

	const admin = {
		esc_status: () => ({
			...state,
			minimumPrice: String(state.minimumPrice),
			frozen: Object.fromEntries(state.frozen),
			held: held.length,
			...counts,
		}),
		esc_minimumPrice: (price) => {
			state.minimumPrice = BigInt(price);
			return true;
		},
		esc_drop: (count = 1) => {
			state.drop = Number(count);
			return true;
		},
		esc_delay: (milliseconds = 0) => {
			state.delay = Number(milliseconds);
			return true;
		},
		esc_down: (on = true) => {
			state.down = Boolean(on);
			return true;
		},
		esc_freeze: (address, on = true, silent = false) => {
			if (on) state.frozen.set(address.toLowerCase(), silent ? 'silent' : 'refuse');
			else state.frozen.delete(address.toLowerCase());
			return true;
		},
		esc_hold: async (on = true) => {
			state.hold = Boolean(on);
			if (state.hold) return [];
			const gone = [];
			for (const raw of held.splice(0)) gone.push(await take(raw).catch((error) => error.message));
			return gone;
		},
		esc_reorganise: async (depth, keep = true) => {
			const head = BigInt(await rpc('eth_blockNumber')),
				from = head - BigInt(depth) + 1n;
			if (from < 1n) throw new Refusal(-32602, 'there are not so many blocks', 'admin');
			const lost = [];
			for (let number = from; number <= head; number++) {
				const { transactions } = await rpc('eth_getBlockByNumber', ['0x' + number.toString(16), false]);
				lost.push(...transactions);
			}
			await rpc('anvil_reorg', [Number(depth), []]);
			counts.reorganisations += 1;
			const again = [];
			for (const hash of lost) {
				const raw = sent.get(hash);
				if (!keep || raw === undefined) sent.delete(hash);
				else again.push(await rpc('eth_sendRawTransaction', [raw]).catch((error) => error.message));
			}
			return { from: String(from), lost, again };
		},
		esc_mine: async (count = 1) => {
			await rpc('anvil_mine', ['0x' + Number(count).toString(16)]);
			return true;
		},
		esc_pass: async (seconds) => {
			await rpc('evm_increaseTime', [Number(seconds)]);
			await rpc('evm_mine');
			return true;
		},
		esc_anvil: (method, params = []) => rpc(method, params),
	};

	async function handle({ id = null, method, params = [] } = {}) {
		try {
			if (typeof method !== 'string' || !Array.isArray(params))
				throw new Refusal(-32600, 'invalid request', 'malformed');
			if (method in admin) return { jsonrpc: '2.0', id, result: await admin[method](...params) };
			if (ABSENT.test(method))
				throw new Refusal(-32601, `the method ${method} does not exist/is not available`, 'method');
			if (hasTag(params)) throw new Refusal(-32602, 'invalid argument: hex string without 0x prefix', 'tag');
			if (method === 'eth_gasPrice')
				return { jsonrpc: '2.0', id, result: '0x' + state.minimumPrice.toString(16) };
			if (method === 'eth_sendRawTransaction') {
				if (typeof params[0] !== 'string' || !/^0x([0-9a-f]{2})+$/i.test(params[0]))
					throw new Refusal(-32602, 'invalid argument 0', 'malformed');
				return { jsonrpc: '2.0', id, result: await take(params[0]) };
			}
			const answer = await forward({ jsonrpc: '2.0', id, method, params });
			if (BLOCKS.has(method) && answer.result) {
				for (const field of GONE) delete answer.result[field];
				answer.result.mixHash = '0x' + '00'.repeat(32);
			}
			return answer;
		} catch (error) {
			const rule = error.rule ?? 'proxy';
			counts.refused[rule] = (counts.refused[rule] ?? 0) + 1;
			return { jsonrpc: '2.0', id, error: { code: error.code ?? -32603, message: error.message } };
		}
	}

	const server = createServer(async (request, response) => {
		const chunks = [];
		try {
			for await (const chunk of request) chunks.push(chunk);
			const body = JSON.parse(Buffer.concat(chunks).toString('utf8')),
				calls = Array.isArray(body) ? body : [body];
			const isAdmin = calls.every((call) => call?.method in admin);
			if (state.down && !isAdmin) return response.writeHead(503).end();
			const answers = [];
			for (const call of calls) answers.push(await handle(call ?? {}));
			if (state.delay && !isAdmin) await new Promise((resolve) => setTimeout(resolve, state.delay));
			response
				.writeHead(200, { 'content-type': 'application/json' })
				.end(JSON.stringify(Array.isArray(body) ? answers : answers[0]));
		} catch (error) {
			response
				.writeHead(400)
				.end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32700, message: error.message } }));
		}
	});
	await new Promise((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
	const url = `http://${host}:${server.address().port}`;
	const call = async (method, params = []) => {
		const answer = await fetch(url, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
		});
		if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
		const { result, error } = await answer.json();
		if (error) throw Object.assign(new Error(error.message), { code: error.code });
		return result;
	};
	return {
		url,
		port: server.address().port,
		rpc: call,
		stop: async () => {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
			await anvil.stop();
		},
	};
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
	const { values } = parseArgs({
		options: {
			port: { type: 'string', default: '8545' },
			host: { type: 'string', default: '127.0.0.1' },
			'chain-id': { type: 'string', default: '20' },
			'minimum-price': { type: 'string', default: '1000000000' },
			'block-time': { type: 'string' },
		},
	});
	const more = [
		'--chain-id',
		values['chain-id'],
		...(values['block-time'] ? ['--block-time', values['block-time']] : []),
	];
	const proxy = await startProxy({
		port: Number(values.port),
		host: values.host,
		minimumPrice: BigInt(values['minimum-price']),
		more,
	});
	console.log(`listening on ${proxy.url}`);
	for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => proxy.stop().then(() => process.exit(0)));
}
