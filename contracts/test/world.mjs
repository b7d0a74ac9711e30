// A real EVM for tests and measurements: anvil, as the Elastos Smart Chain is, and what is deployed on it.

import {
	Contract,
	ContractFactory,
	ErrorFragment,
	HDNodeWallet,
	JsonRpcProvider,
	NonceManager,
	Wallet,
	keccak256,
	toUtf8Bytes,
} from 'ethers';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import * as r from './reference.mjs';

const here = new URL('../', import.meta.url);
/** What anvil is told. Its gas price is 0 at the base fee; ours is paid all the same. */
export const ANVIL = ['--hardfork', 'shanghai', '--gas-limit', '8000000', '--base-fee', '0', '--silent'];

export function freePort() {
	return new Promise((resolve, reject) => {
		const server = createServer()
			.once('error', reject)
			.listen(0, '127.0.0.1', () => {
				const { port } = server.address();
				server.close(() => resolve(port));
			});
	});
}

/** Starts anvil. It ends with this process, or by `stop`. */
export async function startAnvil({ port, more = [] } = {}) {
	port ??= await freePort();
	const child = spawn(
		new URL('node_modules/.bin/anvil', here).pathname,
		['--port', String(port), ...ANVIL, ...(more.includes('--chain-id') ? [] : ['--chain-id', '20']), ...more],
		{ stdio: 'ignore' },
	);
	const end = () => child.kill('SIGKILL');
	process.once('exit', end);
	const url = `http://127.0.0.1:${port}`;
	for (let tries = 0; ; tries++) {
		try {
			await (
				await fetch(url, {
					method: 'POST',
					headers: { 'content-type': 'application/json' },
					body: '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}',
				})
			).json();
			break;
		} catch (error) {
			if (child.exitCode !== null || tries > 200)
				throw new Error(`anvil does not answer on ${port}`, { cause: error });
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}
	const stop = () =>
		new Promise((resolve) => {
			process.off('exit', end);
			if (child.exitCode !== null) return resolve();
			child.once('exit', resolve);
			child.kill('SIGTERM');
		});
	return { url, port, stop };
}

export function connect(url) {
	const provider = new JsonRpcProvider(url, 20, { staticNetwork: true, cacheTimeout: -1, batchMaxCount: 1 });
	return provider;
}
/** anvil's account `i`. It has money there, and nowhere else. */
export const account = (i, provider) =>
	new Wallet(
		HDNodeWallet.fromPhrase(
			'test test test test test test test test test test test junk',
			'',
			`m/44'/60'/0'/0/${i}`,
		).privateKey,
		provider,
	);

export const artifact = (name) => {
	const { abi, bytecode, deployedBytecode } = JSON.parse(
		readFileSync(new URL(`out/${name}.sol/${name}.json`, here), 'utf8'),
	);
	return { abi, bytecode: bytecode.object, deployed: deployedBytecode.object };
};
/** Prices as on the Elastos Smart Chain: legacy transactions only. */
export const LEGACY = { type: 0, gasPrice: 1_000_000_000n };

/** The receipt of a transaction, once it is mined. ethers' own `wait` can miss the one block that there is. */
export async function mined(provider, hash, seconds = 60) {
	for (const end = Date.now() + seconds * 1000; ;) {
		const receipt = await provider.getTransactionReceipt(hash);
		if (receipt !== null) return receipt;
		if (Date.now() > end) throw new Error(`${hash} was not mined in ${seconds} s`);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}

async function sendAndCheck(signer, transaction) {
	const { hash } = await signer.sendTransaction({ gasLimit: 7_900_000n, ...LEGACY, ...transaction });
	const receipt = await mined(signer.provider, hash);
	if (receipt.status !== 1) throw new Error(`${hash} failed`);
	return receipt;
}

export async function deploy(signer, name, args) {
	const { abi, bytecode } = artifact(name);
	const { data } = await new ContractFactory(abi, bytecode, signer).getDeployTransaction(...args);
	const receipt = await sendAndCheck(signer, { data });
	return new Contract(receipt.contractAddress, abi, signer);
}

/** Sends a call, and gives the receipt. */
export const send = (contract, method, args, more = {}) =>
	sendAndCheck(contract.runner, {
		to: contract.target,
		data: contract.interface.encodeFunctionData(method, args),
		...more,
	});

let known;
const errors = () =>
	(known ??= Object.fromEntries(
		['ElapseAnchor', 'Verdicts', 'EvidenceCheck', 'TrustGate'].flatMap((name) =>
			artifact(name)
				.abi.filter(({ type }) => type === 'error')
				.map((error) => [ErrorFragment.from(error).selector, error.name]),
		),
	));

/** The name of the error with which a call is refused, or null if it is not. */
export async function refusal(contract, method, args) {
	try {
		await contract[method].staticCall(...args, { gasLimit: 7_900_000n });
		return null;
	} catch (error) {
		const data = error.data ?? error.info?.error?.data;
		if (data === undefined || data === null) throw error;
		if (data === '0x') return 'empty';
		// It may be another contract's, which this one called.
		return errors()[data.slice(0, 10)] ?? data;
	}
}

/** An EVM with the whole set of contracts, the anchor first: it has the address that the vectors are made for. */
export async function world({ set, genesis, guardian = '0x' + '00'.repeat(20), url } = {}) {
	const anvil = url ? { url, stop: async () => {} } : await startAnvil();
	const provider = connect(anvil.url);
	const signer = new NonceManager(account(0, provider));
	const anchor = await deploy(signer, 'ElapseAnchor', [genesis, set.id, r.wordsOf(set), guardian]);
	const verdicts = await deploy(signer, 'Verdicts', [anchor.target]);
	const evidence = await deploy(signer, 'EvidenceCheck', [verdicts.target]);
	const scores = await deploy(signer, 'TrustScores', [evidence.target]);
	const chain = { chainId: 20, contract: anchor.target.toLowerCase() };
	return {
		url: anvil.url,
		provider,
		signer,
		anchor,
		verdicts,
		evidence,
		scores,
		chain,
		land: (by, checkpoint, chosen) => {
			const { signers, bitmap, signatures } = r.certify(by, r.digestOf(chain, r.CHECKPOINT, checkpoint), chosen);
			return send(anchor, 'submit', [checkpoint, signers, bitmap, signatures]);
		},
		stop: async () => {
			provider.destroy();
			await anvil.stop();
		},
	};
}

/** Numbers that look random, the same each time (xorshift). */
export function dice(seed) {
	let state = BigInt(keccak256(toUtf8Bytes(`dice/${seed}`))) & ((1n << 64n) - 1n);
	return (below) => {
		state ^= (state << 13n) & ((1n << 64n) - 1n);
		state ^= state >> 7n;
		state ^= (state << 17n) & ((1n << 64n) - 1n);
		return Number(state % BigInt(below));
	};
}
