// The deployment script, against the proxy: as it would be on the Elastos Smart Chain.

import { Wallet, encryptKeystoreJsonSync, getCreateAddress, parseEther, toBeHex } from 'ethers';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startProxy } from '../esc/proxy.mjs';
import { addressOf, key } from './reference.mjs';

const SCRIPT = new URL('../deploy.mjs', import.meta.url).pathname;
let esc, folder, wallet;
const file = (name) => join(folder, name);
const params = {
	genesis: '0x' + '12'.repeat(32),
	guardian: '0x' + '00'.repeat(20),
	signers: { id: 2, members: [0, 1, 2].map((i) => ({ address: addressOf(key(i)), weight: String(100 + i) })) },
};

before(async () => {
	esc = await startProxy();
	folder = mkdtempSync(join(tmpdir(), 'elapse-deploy-'));
	wallet = Wallet.createRandom();
	await esc.rpc('esc_anvil', ['anvil_setBalance', [wallet.address, toBeHex(parseEther('1'))]]);
	writeFileSync(
		file('key.json'),
		encryptKeystoreJsonSync({ address: wallet.address, privateKey: wallet.privateKey }, 'a password', {
			scrypt: { N: 1024, r: 8, p: 1 },
		}),
	);
	writeFileSync(file('password'), 'a password\n');
	writeFileSync(file('params.json'), JSON.stringify(params));
});
after(async () => {
	rmSync(folder, { recursive: true });
	await esc.stop();
});

function run(command, more = [], { network = 'local', rpc = esc.url } = {}) {
	return new Promise((resolve) => {
		const child = spawn(process.execPath, [
			SCRIPT,
			command,
			'--network',
			network,
			'--rpc',
			rpc,
			'--out',
			file('out.json'),
			...more,
		]);
		let text = '';
		for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += data));
		child.once('close', (code) => resolve({ code, text }));
	});
}
const withKey = () => [
	'--params',
	file('params.json'),
	'--keystore',
	file('key.json'),
	'--password-file',
	file('password'),
];

test('what is wrong is said before anything is sent', async () => {
	const bad = async (pattern, command, more, options) => {
		const { code, text } = await run(command, more, options);
		assert.equal(code, 1, text);
		assert.match(text, pattern);
	};
	await bad(/predict, deploy or verify/, 'forge', []);
	await bad(/--network/, 'deploy', withKey(), { network: 'another' });
	await bad(/id 20, not 21/, 'deploy', withKey(), { network: 'test' });
	await bad(/--params/, 'deploy', []);
	await bad(/--keystore/, 'deploy', ['--params', file('params.json')]);
	writeFileSync(file('wrong'), 'another password');
	await bad(/does not open/, 'deploy', [
		'--params',
		file('params.json'),
		'--keystore',
		file('key.json'),
		'--password-file',
		file('wrong'),
	]);
	await bad(/no terminal/, 'deploy', ['--params', file('params.json'), '--keystore', file('key.json')]);
	await bad(/would not be/, 'deploy', [...withKey(), '--expect-anchor', '0x' + '11'.repeat(20)]);
	await bad(/underpriced/, 'deploy', [...withKey(), '--gas-price', '1']);
	await bad(/is not there/, 'verify', ['--params', file('params.json')]);
	for (const [change, pattern] of [
		[{ genesis: '0x12' }, /genesis/],
		[{ guardian: 'me' }, /guardian/],
		[{ signers: { id: 0, members: [] } }, /1 to 700/],
		[{ signers: { id: 0, members: [params.signers.members[0], params.signers.members[0]] } }, /twice/],
		[{ signers: { id: 0, members: [{ address: '0x' + '00'.repeat(20), weight: '1' }] } }, /no address/],
		[{ signers: { id: 0, members: [{ ...params.signers.members[0], weight: '0' }] } }, /no weight/],
	]) {
		writeFileSync(file('bad.json'), JSON.stringify({ ...params, ...change }));
		await bad(pattern, 'deploy', [
			'--params',
			file('bad.json'),
			'--keystore',
			file('key.json'),
			'--password-file',
			file('password'),
		]);
	}
	assert.equal(await esc.rpc('eth_getTransactionCount', [wallet.address, 'latest']), '0x0');
});

test('addresses are known before, a deployment that was cut short goes on, and is verified', async () => {
	const { text } = await run('predict', ['--params', file('params.json'), '--from', wallet.address]),
		predicted = JSON.parse(text);
	assert.equal(predicted.ElapseAnchor, getCreateAddress({ from: wallet.address, nonce: 0 }));
	const dry = await run('deploy', [...withKey(), '--dry-run']);
	assert.equal(dry.code, 0);
	assert.match(dry.text, new RegExp(predicted.ElapseAnchor));
	assert.equal(await esc.rpc('eth_getTransactionCount', [wallet.address, 'latest']), '0x0');

	// After two contracts there is no more money.
	await esc.rpc('esc_anvil', ['anvil_setBalance', [wallet.address, toBeHex(parseEther('0.0045'))]]);
	const first = await run('deploy', [...withKey(), '--expect-anchor', predicted.ElapseAnchor]);
	assert.equal(first.code, 1, first.text);
	const begun = Object.keys(JSON.parse(readFileSync(file('out.json'))).contracts);
	assert.ok(begun.length > 0 && begun.length < 4, begun.join());
	await esc.rpc('esc_anvil', ['anvil_setBalance', [wallet.address, toBeHex(parseEther('1'))]]);
	const second = await run('deploy', [...withKey(), '--expect-anchor', predicted.ElapseAnchor]);
	assert.equal(second.code, 0, second.text);
	assert.match(second.text, /verified/);
	assert.deepEqual(JSON.parse(readFileSync(file('out.json'))).contracts, predicted);
	assert.match((await run('deploy', withKey())).text, /all are there/);
	assert.equal((await run('verify', ['--params', file('params.json')])).code, 0);
	assert.ok(!(first.text + second.text).includes(wallet.privateKey.slice(2)));
});

test('verification refuses other parameters and other code', async () => {
	for (const [change, pattern] of [
		[{ genesis: '0x' + '13'.repeat(32) }, /genesis is/],
		[{ guardian: '0x' + '01'.repeat(20) }, /guardian is/],
		[{ signers: { ...params.signers, members: params.signers.members.slice(1) } }, /hash is/],
		[{ signers: { ...params.signers, id: 3 } }, /lower/],
	]) {
		writeFileSync(file('other.json'), JSON.stringify({ ...params, ...change }));
		const { code, text } = await run('verify', ['--params', file('other.json')]);
		assert.equal(code, 1);
		assert.match(text, pattern);
	}
	const { contracts } = JSON.parse(readFileSync(file('out.json')));
	const code = await esc.rpc('eth_getCode', [contracts.Verdicts, 'latest']);
	await esc.rpc('esc_anvil', [
		'anvil_setCode',
		[contracts.Verdicts, code.slice(0, -2) + (code.endsWith('00') ? '01' : '00')],
	]);
	const { text } = await run('verify', ['--params', file('params.json')]);
	assert.match(text, /Verdicts at .* is other code/);
});
