// What programs that send to the Elastos Smart Chain have in common: where it is, whose key pays, and how a transaction is
// sent and waited for. Its transactions are legacy ones, at a price that is the chain's.

import { JsonRpcProvider, Wallet } from 'ethers';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const root = new URL('../', import.meta.url);

/** What is said to whoever started the program, without where in the program it happened. */
export class Refusal extends Error {}
export const refuse = (message) => {
	throw new Refusal(message);
};
/** The end of a program that failed. */
export function fail(error) {
	console.error(
		error instanceof Refusal ? error.message : (error.error?.message ?? error.shortMessage ?? error.stack),
	);
	process.exitCode = 1;
}

export const artifact = (name) => {
	const file = new URL(`out/${name}.sol/${name}.json`, root);
	if (!existsSync(file)) refuse('the contracts are not compiled: npm ci && npm run build');
	return JSON.parse(readFileSync(file, 'utf8'));
};

/** Asks by JSON-RPC, once. */
export async function call(url, method, params) {
	const response = await fetch(url, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
		signal: AbortSignal.timeout(60_000),
	}).catch((error) =>
		refuse(`${url} does not answer: ${error.cause?.message || error.cause?.code || error.message}`),
	);
	const answer = await response
		.json()
		.catch(() => refuse(`${url} does not speak JSON-RPC (HTTP ${response.status})`));
	if (answer.error) refuse(`${url}: ${method}: ${answer.error.message}`);
	return answer.result;
}

const networks = () => JSON.parse(readFileSync(new URL('networks.json', root), 'utf8'));
/** What `networks.json` says of a network. */
export const networkOf = (name) => networks()[name] ?? refuse('--network: main, test or local');
/** What it says of the chain that is behind a URL. */
export async function networkAt(url) {
	const chainId = Number(await call(url, 'eth_chainId', []));
	const found = Object.values(networks()).find((network) => network.chainId === chainId);
	return found ?? refuse(`the chain has id ${chainId}, which no network has: see networks.json`);
}

/** A connection to a network, once its chain has been looked at. `--rpc` and `--gas-price` go before. */
export async function connect(network, { rpc, 'gas-price': price }) {
	const provider = new JsonRpcProvider(rpc ?? network.rpc, network.chainId, {
		staticNetwork: true,
		batchMaxCount: 1,
		cacheTimeout: -1,
	});
	try {
		const chainId = Number(await provider.send('eth_chainId', []));
		if (chainId !== network.chainId) refuse(`the chain has id ${chainId}, not ${network.chainId}`);
		return { provider, chainId, gasPrice: BigInt(price ?? network.gasPrice), confirmations: network.confirmations };
	} catch (error) {
		provider.destroy();
		throw error;
	}
}

function ask(question) {
	if (!process.stdin.isTTY) refuse('there is no terminal to ask for the password: use --password-file');
	return new Promise((resolve) => {
		const lines = createInterface({ input: process.stdin, output: process.stdout, terminal: true });
		lines.question(question, (answer) => {
			lines.close();
			process.stdout.write('\n');
			resolve(answer);
		});
		lines._writeToOutput = () => {};
	});
}

export const checkKeystore = (keystore) =>
	keystore ?? refuse('--keystore is missing: an encrypted keystore file (Web3 Secret Storage)');

/** The key in an encrypted file. */
export async function unlock({ keystore, 'password-file': file }) {
	const json = readFileSync(checkKeystore(keystore), 'utf8');
	if (file === undefined) process.stdout.write(`password of ${keystore}: `);
	const password = file === undefined ? await ask('') : readFileSync(file, 'utf8').replace(/\r?\n$/, '');
	return Wallet.fromEncryptedJson(json, password).catch((error) =>
		refuse(`the keystore does not open: ${error.shortMessage ?? error.message}`),
	);
}

/** The number of an account's next transaction, if none is under way. */
export async function nextNonce(provider, address) {
	const nonce = await provider.getTransactionCount(address, 'latest');
	if (nonce !== (await provider.getTransactionCount(address, 'pending')))
		refuse('the account has transactions under way');
	return nonce;
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The receipt, `confirmations` blocks deep: blocks of ESC can be replaced. */
async function settle(provider, hash, confirmations, seconds = 900) {
	for (const end = Date.now() + seconds * 1000; Date.now() < end; await pause(confirmations ? 2000 : 50)) {
		const receipt = await provider.getTransactionReceipt(hash);
		if (receipt && (await provider.getBlockNumber()) >= receipt.blockNumber + confirmations) return receipt;
	}
	return refuse(`${hash} has not settled in ${seconds} s: run the same command again, it goes on`);
}

/** Sends a transaction, and gives its receipt. */
export async function send({ provider, chainId, gasPrice, confirmations }, wallet, { nonce, to, data }) {
	const gasLimit = ((await provider.estimateGas({ from: wallet.address, to, data })) * 11n) / 10n;
	const raw = await wallet.signTransaction({ type: 0, chainId, nonce, gasPrice, gasLimit, to, data, value: 0n });
	return settle(provider, await provider.send('eth_sendRawTransaction', [raw]), confirmations);
}
