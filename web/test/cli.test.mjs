// The command, as people and scripts run it, against contracts on a real EVM.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { GENESIS, checkpointOf, setOf } from '../../contracts/test/vectors.mjs';
import { world } from '../../contracts/test/world.mjs';
import { toSs58 } from '../dist/index.js';
import { answerOf, serve, treeOf } from './world.mjs';

const COMMAND = fileURLToPath(new URL('../bin/elapse-verify-score.mjs', import.meta.url));
const TREE = treeOf(20);
const GOOD = answerOf(TREE, 7, 1000);
let [on, esc, gateway, answers, folder] = [];
before(async () => {
	const set = setOf(4);
	on = await world({ set, genesis: GENESIS });
	await on.land(set, checkpointOf(set, 1000, { trustRoot: TREE.root, trustLeaves: 20n }));
	({ url: esc } = on.provider._getConnection());
	gateway = await serve(() => answers);
	folder = mkdtempSync(join(tmpdir(), 'elapse-'));
});
after(async () => {
	rmSync(folder, { recursive: true });
	await gateway.stop();
	await on.stop();
});

function run(args, { stdin = '', command = COMMAND } = {}) {
	return new Promise((resolve) => {
		const child = spawn(process.execPath, [command, ...args]);
		const said = { out: '', err: '' };
		child.stdout.on('data', (data) => (said.out += data));
		child.stderr.on('data', (data) => (said.err += data));
		child.on('close', (code) => resolve({ code, ...said }));
		child.stdin.on('error', () => {}).end(stdin);
	});
}
const common = () => ['--esc', esc, '--scores', on.scores.target, '--node', toSs58(GOOD.node)];
const file = (content) => {
	const path = join(folder, 'answer.json');
	writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
	return ['--answer', path];
};

test('0: a score that is proved, by a gateway', async () => {
	answers = GOOD;
	const { code, out, err } = await run([...common(), '--gateway', gateway.url, '--least', String(GOOD.score)]);
	assert.deepEqual([code, err], [0, '']);
	assert.match(out, new RegExp(`^valid: ${toSs58(GOOD.node)} has the score ${GOOD.score}\n`));
	assert.match(out, /checkpoint {2}#1000, landed 20\d\d-.*, \d+ s ago, the newest\n$/);
	assert.ok(out.includes(GOOD.signer));
});

test('0: by an answer in a file, in its envelope, or on standard input', async () => {
	const envelope = { jsonrpc: '2.0', id: 1, result: GOOD };
	for (const content of [GOOD, envelope]) assert.equal((await run([...common(), ...file(content)])).code, 0);
	assert.equal((await run([...common(), '--answer', '-'], { stdin: JSON.stringify(envelope) })).code, 0);
});

test('0: as JSON', async () => {
	const { code, out } = await run([...common(), ...file(GOOD), '--json']);
	assert.equal(code, 0);
	const verdict = JSON.parse(out);
	assert.deepEqual(
		[verdict.valid, verdict.node, verdict.score, verdict.signer, verdict.checkpoint, verdict.newest],
		[true, GOOD.node, GOOD.score, GOOD.signer, 1000, true],
	);
	assert.equal(out.trim().split('\n').length, 1);
});

test('1: a score that is not, with the rule', async () => {
	answers = { ...GOOD, score: 1_000_000 };
	const forged = await run([...common(), '--gateway', gateway.url]);
	assert.equal(forged.code, 1);
	assert.match(forged.out, /^not valid, by the rule root: /);
	const low = await run([...common(), ...file(GOOD), '--least', String(GOOD.score + 1), '--json']);
	assert.equal(low.code, 1);
	const { valid, rule, reason } = JSON.parse(low.out);
	assert.deepEqual([valid, rule, reason.length > 10], [false, 'least', true]);
	assert.equal((await run([...common(), ...file({})])).code, 1);
	await new Promise((resolve) => setTimeout(resolve, 1100));
	assert.match((await run([...common(), ...file(GOOD), '--max-age', '0'])).out, /by the rule stale/);
	assert.equal((await run([...common(), ...file(GOOD), '--max-age', 'any', '--max-lag', 'any'])).code, 0);
});

test('2: trouble, on standard error or as JSON', async () => {
	answers = { error: { code: 9300, message: 'it has no leaf in the tree of scores of #1000' } };
	const none = await run([...common(), '--gateway', gateway.url]);
	assert.deepEqual([none.code, none.out], [2, '']);
	assert.match(none.err, /^no verdict \(gateway\): .*no leaf/);
	const chain = await run([...common(), ...file(GOOD), '--chain-id', '21', '--json']);
	assert.deepEqual([chain.code, JSON.parse(chain.out).trouble], [2, 'chain']);
	const down = await run([...common(), ...file(GOOD), '--esc', 'http://127.0.0.1:1']);
	assert.equal(down.code, 2);
	assert.match(down.err, /1 of 2 ESC endpoints answer, 2 must/);
	const enough = await run([...common(), ...file(GOOD), '--esc', 'http://127.0.0.1:1', '--quorum', '1']);
	assert.equal(enough.code, 0);
	const twice = await run([...common().slice(2), ...file(GOOD), '--esc', `${esc},${esc}`]);
	assert.match(twice.err, /given twice/);
});

test('2: a command that is wrong', async () => {
	const wrong = [
		[],
		common(),
		[...common(), '--gateway', gateway.url, ...file(GOOD)],
		[...common().slice(2), ...file(GOOD)],
		[...common(), ...file(GOOD), '--least', '-1'],
		[...common(), ...file(GOOD), '--least', 'many'],
		[...common(), ...file(GOOD), '--least', '99999999999999999999'],
		[...common(), ...file(GOOD), '--max-age', ''],
		[...common(), ...file(GOOD), '--max-age', '1.5'],
		[...common(), ...file(GOOD), '--quorum', '2'],
		[...common(), ...file(GOOD), '--scores', '0x12'],
		[...common(), ...file(GOOD), '--node', 'alice'],
		[...common(), ...file(GOOD), '--unknown'],
		[...common(), ...file(GOOD), 'more'],
		[...common(), '--answer', join(folder, 'absent')],
		[...common(), ...file('no JSON')],
	];
	for (const args of wrong) {
		const { code, out, err } = await run(args);
		assert.deepEqual([code, out], [2, ''], args.join(' '));
		assert.match(err, /^no verdict \(usage\): /, args.join(' '));
	}
});

test('2: a library that is not built is no verdict', async () => {
	cpSync(COMMAND, join(folder, 'bin', 'command.mjs'));
	const { code, err } = await run([...common(), ...file(GOOD)], { command: join(folder, 'bin', 'command.mjs') });
	assert.equal(code, 2);
	assert.match(err, /not built/);
});

test('--help says what there is', async () => {
	const { code, out } = await run(['--help']);
	assert.equal(code, 0);
	for (const option of [
		'esc',
		'scores',
		'gateway',
		'answer',
		'node',
		'least',
		'max-age',
		'max-lag',
		'quorum',
		'chain-id',
		'json',
	])
		assert.ok(out.includes(`--${option}`), option);
	assert.ok(out.split('\n').every((line) => line.length <= 120));
});
