// The program that brings verdicts, between a node that says what tests tell it and a real EVM.

import { Wallet, encryptKeystoreJsonSync } from 'ethers';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import {
	certificate,
	committee,
	conclude,
	concludedOf,
	id,
	landRoots,
	nextRound,
	on,
	start,
	verdictOf,
} from './committee.mjs';
import * as r from './reference.mjs';
import { committeeOf, seatsOf } from './vectors.mjs';
import { account } from './world.mjs';

const SCRIPT = new URL('../record.mjs', import.meta.url).pathname;
let folder, node, payer;
const file = (name) => join(folder, name);

/** A node of Elapse, as far as it is asked. `answers` has a function for each method; what it throws is an error. */
async function fakeNode() {
	const answers = {},
		asked = [];
	const server = createServer(async (request, response) => {
		let body = '';
		for await (const part of request) body += part;
		const { id, method, params } = JSON.parse(body);
		asked.push([method, ...params]);
		let said;
		try {
			said = { result: answers[method](...params) };
		} catch (error) {
			said = { error: { code: 9300, message: error.message } };
		}
		// Words of 8 bytes are numbers there.
		const json = JSON.stringify({ jsonrpc: '2.0', id, ...said }, (_, value) =>
			typeof value === 'bigint' ? Number(value) : value,
		);
		response.setHeader('content-type', 'application/json').end(json);
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	return { answers, asked, url: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}

before(async () => {
	await start();
	node = await fakeNode();
	folder = mkdtempSync(join(tmpdir(), 'elapse-record-'));
	payer = account(5, on.provider);
	writeFileSync(
		file('key.json'),
		encryptKeystoreJsonSync({ address: payer.address, privateKey: payer.privateKey }, 'a password', {
			scrypt: { N: 1024, r: 8, p: 1 },
		}),
	);
	writeFileSync(file('password'), 'a password\n');
});
beforeEach(() => (node.asked.length = 0));
after(async () => {
	node.stop();
	rmSync(folder, { recursive: true });
	await on.stop();
});

/** Runs the program as its user would. */
function run(round, { more = [], verdicts = on.verdicts.target, at = ['--network', 'local'], key = true } = {}) {
	const options = [...at, '--rpc', on.url, '--verdicts', verdicts, '--node', node.url, '--round', String(round)];
	if (key) options.push('--keystore', file('key.json'), '--password-file', file('password'));
	return new Promise((resolve) => {
		const child = spawn(process.execPath, [SCRIPT, ...options, ...more]);
		let text = '';
		for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += data));
		child.once('close', (code) => resolve({ code, text }));
	});
}
async function refused(pattern, round, options) {
	const sent = await on.provider.getTransactionCount(payer.address);
	const { code, text } = await run(round, options);
	assert.equal(code, 1, text);
	assert.match(text, pattern);
	assert.doesNotMatch(text, /\n\s+at /, 'where it happened is no answer');
	assert.equal(await on.provider.getTransactionCount(payer.address), sent, 'something was sent');
}

/** A round that was concluded, among others in its block, and a node that says so, with what is to be changed in it. */
async function concluded({ land = true, change = () => ({}), proved = {} } = {}) {
	const round = nextRound();
	const verdict = verdictOf({ round });
	const { checkpoint, leaf, items, conclusions } = await conclude(
		[{ round: 900 + round, committee: id('x') }, concludedOf(verdict), { round: 901 + round, committee: id('y') }],
		{ land },
	);
	const { chainId, contract } = on.chain;
	node.answers.bridge_verdict = (asked) => {
		if (asked !== round) throw new Error(`this node has none of round ${asked}: no committee has concluded it`);
		return {
			round,
			block: leaf.number,
			contract: { chainId, address: contract },
			verdict,
			seats: seatsOf(committee),
			signatures: certificate(verdict),
			...change(verdict),
		};
	};
	node.answers.bridge_historyProof = (block, under) => {
		assert.deepEqual([BigInt(block), under], [BigInt(leaf.number), checkpoint]);
		return { checkpoint, leaf, items, concluded: conclusions, leafIndex: block, ...proved };
	};
	return { round, verdict, checkpoint, block: Number(leaf.number) };
}

test('a verdict is brought, and its node is in', async () => {
	const { round, verdict, checkpoint, block } = await concluded();
	const dry = await run(round, { more: ['--dry-run'], key: false });
	assert.equal(dry.code, 0, dry.text);
	assert.match(dry.text, new RegExp(`would be recorded, round ${round}: ${verdict.subject} admitted`));
	assert.equal(BigInt(await on.verdicts.verdictOf(round)), 0n);

	const { code, text } = await run(round);
	assert.equal(code, 0, text);
	assert.match(text, new RegExp(`concluded in #${block}, under the checkpoint of #${checkpoint}`));
	assert.match(text, new RegExp(`\nrecorded, round ${round}: .* gas, 0x`));
	assert.equal(await on.verdicts.verdictOf(round), await on.verdicts.hashOf(verdict));
	assert.deepEqual([...(await on.verdicts.admission(verdict.subject))], [true, BigInt(round)]);
	const { hash } = /, (?<hash>0x[0-9a-f]{64})\)/.exec(text).groups;
	const sent = await on.provider.getTransaction(hash);
	assert.deepEqual([sent.type, sent.from, sent.gasPrice], [0, payer.address, 1_000_000_000n]);
	assert.ok(!text.includes(payer.privateKey.slice(2)));

	await refused(/^refused: recorded:/, round);
});

test('the price is the one that is asked for, and the network that of the chain', async () => {
	const { round } = await concluded();
	// That network wants ten blocks above: nobody waits for them here.
	const dry = await run(round, { at: [], more: ['--dry-run'] });
	assert.equal(dry.code, 0, dry.text);
	const { code, text } = await run(round, { more: ['--gas-price', '2000000000'] });
	assert.equal(code, 0, text);
	const { hash } = /, (?<hash>0x[0-9a-f]{64})\)/.exec(text).groups;
	assert.equal((await on.provider.getTransaction(hash)).gasPrice, 2_000_000_000n);
});

test('a block that no landed checkpoint has above it is waited for, and proved by any later one', async () => {
	const { round, block, checkpoint } = await concluded({ land: false });
	await refused(new RegExp(`not yet: .*#${block}, .*wait until one above has landed`), round);
	assert.deepEqual(
		node.asked.map(([method]) => method),
		['bridge_verdict'],
	);
	// One that landed has the block above it, and another history.
	const higher = await landRoots({});
	assert.ok(higher >= checkpoint);
	node.answers.bridge_historyProof = () => {
		throw new Error(`the checkpoint of #${higher} is not certified`);
	};
	await refused(/bridge_historyProof: the checkpoint of #\d+ is not certified/, round);
});

test('a verdict that was signed for another contract or chain is refused', async () => {
	const elsewhere = (contract) => concluded({ change: () => ({ contract }) });
	const contract = { chainId: 20, address: on.chain.contract };
	const other = await elsewhere({ ...contract, address: '0x' + '11'.repeat(20) });
	await refused(/signed for 0x1{40} on chain 20, and the anchor .* cannot be recorded here/, other.round);
	const chain = await elsewhere({ ...contract, chainId: 21 });
	await refused(/on chain 21, and the anchor .* cannot be recorded here/, chain.round);
});

test('each rule of the contract is named', async () => {
	const bad = async (pattern, change, proved) => {
		const { round } = await concluded({ change, proved });
		await refused(pattern, round);
	};
	const [first, second] = committee;
	const signedBy = (who) => (verdict) => ({ signatures: certificate(verdict, who) });
	await bad(/^refused: genesis:/, (verdict) => ({ verdict: { ...verdict, genesis: id('x') } }));
	await bad(/^refused: committee:/, () => ({ seats: seatsOf(committeeOf(5, 600)) }));
	await bad(/^refused: low-s:/, () => ({ signatures: '0x' + '00'.repeat(65) }));
	await bad(/^refused: ascending:/, signedBy([second, first]));
	await bad(/^refused: seated:/, signedBy([{ secret: r.key(900) }]));
	await bad(/^refused: quorum:/, signedBy([first]));
	await bad(/^refused: concluded:/, undefined, { items: [] });
});

test('what is not of this branch, not known, or not of this round is not brought', async () => {
	const here = await concluded({ proved: { concluded: null } });
	await refused(/does not know which rounds/, here.round);
	const other = await concluded();
	const proof = node.answers.bridge_historyProof;
	node.answers.bridge_historyProof = (...params) => {
		const given = proof(...params);
		return { ...given, concluded: [{ round: other.round, committee: id('x') }] };
	};
	await refused(/^concluded: #\d+ did not conclude round \d+ under this committee/, other.round);
	await refused(/this node has none of round 4000: /, 4000);
	const said = node.answers.bridge_verdict;
	node.answers.bridge_verdict = () => said(other.round);
	await refused(/answers of round/, 4000);
	node.answers.bridge_verdict = () => null;
	await refused(/does not answer `bridge_verdict` as it must/, 4000);
});

test('what is wrong with the command is said before anybody is asked', async () => {
	const { round } = await concluded();
	await refused(/--verdicts is no address/, round, { verdicts: 'there' });
	await refused(/--round is no number/, 'one');
	await refused(/--keystore is missing/, round, { key: false });
	await refused(/--network/, round, { at: ['--network', 'another'] });
	await refused(/id 20, not 21/, round, { at: ['--network', 'test'] });
	await refused(/there is no contract/, round, { verdicts: '0x' + '11'.repeat(20) });
	await refused(/is not the contract `Verdicts`/, round, { verdicts: on.anchor.target });
	await refused(/--node is no URL/, round, { more: ['--node', 'ws://127.0.0.1'] });
	assert.deepEqual(node.asked, []);
	await refused(/127.0.0.1:1 does not answer/, round, { more: ['--node', 'http://127.0.0.1:1'] });
	writeFileSync(file('wrong'), 'another');
	await refused(/does not open/, round, { more: ['--password-file', file('wrong')] });
});

test('who has no money pays for nothing', async () => {
	const { round } = await concluded();
	const poor = Wallet.createRandom();
	writeFileSync(
		file('poor.json'),
		encryptKeystoreJsonSync({ address: poor.address, privateKey: poor.privateKey }, 'a password', {
			scrypt: { N: 1024, r: 8, p: 1 },
		}),
	);
	await refused(/insufficient funds/i, round, { more: ['--keystore', file('poor.json')] });
});
