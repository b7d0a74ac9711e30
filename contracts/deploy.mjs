#!/usr/bin/env node
// Puts the contracts on the Elastos Smart Chain, and checks what is there.
//
//   node deploy.mjs predict --network main --params P.json --from ADDRESS
//       says which addresses the contracts will have if ADDRESS deploys them next: Elapse signs for the anchor's, so its
//       chain can be told before.
//   node deploy.mjs deploy --network main --params P.json --keystore K.json [--expect-anchor ADDRESS] [--dry-run]
//       deploys what is missing, in order, and writes down where. Begun before and not ended, it goes on. Checks at the end.
//   node deploy.mjs verify --network main --params P.json
//       checks that the code at those addresses is what these sources compile to, with these parameters.
//
// P.json is as deployments/example.json. The key comes from an encrypted keystore file; its password is asked for, or read
// from --password-file. Networks are in networks.json; --rpc, --gas-price (wei) and --out override what stands there.
// Addresses go to deployments/<network>.<anchor's first 8 digits>.json, or to --out.

import {
	Contract,
	ContractFactory,
	concat,
	getAddress,
	getBytes,
	getCreateAddress,
	hexlify,
	isAddress,
	isHexString,
} from 'ethers';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { hashOf, word } from './test/reference.mjs';
import { artifact, connect, fail, networkOf, nextNonce, refuse, send, unlock } from './tools/esc.mjs';

const here = new URL('./', import.meta.url);
const ORDER = ['ElapseAnchor', 'Verdicts', 'EvidenceCheck', 'TrustScores'];

/** Parameters, checked. */
function readParams(file) {
	const { genesis, guardian, signers } = JSON.parse(readFileSync(file, 'utf8'));
	if (!isHexString(genesis, 32) || BigInt(genesis) === 0n) refuse('params: `genesis` is not 32 bytes, or zero');
	if (!isAddress(guardian)) refuse('params: `guardian` is no address (zero for nobody)');
	if (!Array.isArray(signers?.members) || signers.members.length === 0 || signers.members.length > 700)
		refuse('params: `signers.members` are not 1 to 700');
	const members = signers.members
		.map(({ address, weight }) => {
			if (!isAddress(address) || BigInt(address) === 0n) refuse(`params: ${address} is no address of a signer`);
			const number = BigInt(weight);
			if (number < 1n || number >= 1n << 64n) refuse(`params: ${weight} is no weight`);
			return { address: address.toLowerCase(), weight: number };
		})
		.sort((a, b) => (a.address < b.address ? -1 : 1));
	members.forEach(({ address }, i) => {
		if (i > 0 && members[i - 1].address === address) refuse(`params: ${address} is there twice`);
	});
	const set = { id: BigInt(signers.id), signers: members };
	return {
		genesis,
		guardian: getAddress(guardian),
		set,
		words: concat(members.map(({ address, weight }) => word(address, weight))),
	};
}

/** Constructor arguments, given the addresses of those before. */
const argumentsOf = (name, params, at) =>
	({
		ElapseAnchor: () => [params.genesis, params.set.id, params.words, params.guardian],
		Verdicts: () => [at.ElapseAnchor],
		EvidenceCheck: () => [at.Verdicts],
		TrustScores: () => [at.EvidenceCheck],
	})[name]();

const predict = (from, nonce) =>
	Object.fromEntries(ORDER.map((name, i) => [name, getCreateAddress({ from, nonce: nonce + i })]));

/** Code with what the constructor filled in blanked out. */
function blank(code, references) {
	const bytes = getBytes(code);
	for (const { start, length } of Object.values(references).flat()) bytes.fill(0, start, start + length);
	return hexlify(bytes);
}

/** Checks code, what the constructors filled in, and the first signers. Gives what is wrong. */
async function check(provider, params, at) {
	const wrong = [];
	const expect = (what, found, wanted) => {
		if (String(found).toLowerCase() !== String(wanted).toLowerCase())
			wrong.push(`${what} is ${found}, not ${wanted}`);
	};
	for (const name of ORDER) {
		const { deployedBytecode } = artifact(name),
			code = at[name] ? await provider.getCode(at[name]) : '0x',
			references = deployedBytecode.immutableReferences ?? {};
		if (code === '0x') wrong.push(`${name} is not there`);
		else if (
			code.length !== deployedBytecode.object.length ||
			blank(code, references) !== blank(deployedBytecode.object, references)
		)
			wrong.push(`${name} at ${at[name]} is other code`);
	}
	if (wrong.length) return wrong;
	const get = (name) => new Contract(at[name], artifact(name).abi, provider);
	const anchor = get('ElapseAnchor');
	expect('genesis', await anchor.genesis(), params.genesis);
	expect('guardian', await anchor.guardian(), params.guardian);
	expect('the anchor of Verdicts', await get('Verdicts').anchor(), at.ElapseAnchor);
	expect('the verdicts of EvidenceCheck', await get('EvidenceCheck').verdicts(), at.Verdicts);
	expect('the evidence of TrustScores', await get('TrustScores').evidence(), at.EvidenceCheck);
	expect('the anchor of TrustScores', await get('TrustScores').anchor(), at.ElapseAnchor);
	// Later sets were named by those before; the first one is what the parameters say, as long as it signs.
	if ((await anchor.signersId()) === params.set.id)
		expect("the first signers' hash", await anchor.signersHash(), hashOf(params.set));
	else if ((await anchor.signersId()) < params.set.id) wrong.push("the signers' id is lower than the first");
	return wrong;
}

async function main() {
	const {
		positionals: [command],
		values,
	} = parseArgs({
		allowPositionals: true,
		options: Object.fromEntries(
			['network', 'params', 'from', 'keystore', 'password-file', 'expect-anchor', 'rpc', 'gas-price', 'out']
				.map((name) => [name, { type: 'string' }])
				.concat([['dry-run', { type: 'boolean' }]]),
		),
	});
	if (!['predict', 'deploy', 'verify'].includes(command))
		refuse('predict, deploy or verify? (see the head of this file)');
	const network = networkOf(values.network);
	if (!values.params) refuse('--params is missing');
	const params = readParams(values.params);
	const esc = await connect(network, values),
		{ provider, chainId } = esc;
	try {
		if (command === 'predict') {
			if (!isAddress(values.from)) refuse('--from is no address');
			console.log(
				JSON.stringify(
					predict(values.from, await provider.getTransactionCount(values.from, 'latest')),
					null,
					'\t',
				),
			);
			return;
		}
		const record =
			values.out ?? new URL(`deployments/${values.network}.${params.genesis.slice(2, 10)}.json`, here).pathname;
		const done = existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : { chainId, contracts: {} };
		if (done.chainId !== chainId) refuse(`${record} is about chain ${done.chainId}`);

		if (command === 'deploy') {
			const wallet = await unlock(values),
				at = { ...done.contracts };
			for (const name of ORDER) if (at[name] && (await provider.getCode(at[name])) === '0x') delete at[name];
			const missing = ORDER.slice(ORDER.findIndex((name) => !at[name])),
				begun = ORDER.length - missing.length;
			if (ORDER.every((name) => at[name])) console.log('all are there');
			else {
				if (begun === 0) for (const name of ORDER) delete at[name];
				let nonce = await nextNonce(provider, wallet.address);
				const anchor = at.ElapseAnchor ?? getCreateAddress({ from: wallet.address, nonce });
				console.log(`${wallet.address} deploys ${missing.join(', ')}; the anchor is ${anchor}`);
				if (values['expect-anchor'] && getAddress(values['expect-anchor']) !== getAddress(anchor))
					refuse(`the anchor would not be ${values['expect-anchor']}`);
				if (values['dry-run']) return;
				for (const name of missing) {
					const { abi, bytecode } = artifact(name),
						expected = getCreateAddress({ from: wallet.address, nonce });
					const { data } = await new ContractFactory(abi, bytecode.object).getDeployTransaction(
						...argumentsOf(name, params, at),
					);
					const receipt = await send(esc, wallet, { nonce, data });
					if (receipt.status !== 1 || receipt.contractAddress !== expected)
						refuse(`${name}: ${receipt.hash} failed`);
					at[name] = expected;
					writeFileSync(
						record,
						JSON.stringify(
							{ chainId, genesis: params.genesis, deployer: wallet.address, contracts: at },
							null,
							'\t',
						) + '\n',
					);
					console.log(`${name} ${expected} (${receipt.gasUsed} gas, ${receipt.hash})`);
					nonce += 1;
				}
			}
			done.contracts = at;
		}
		const wrong = await check(provider, params, done.contracts);
		if (wrong.length) refuse(wrong.join('\n'));
		console.log(`verified: ${ORDER.map((name) => `${name} ${done.contracts[name]}`).join(', ')}`);
	} finally {
		provider.destroy();
	}
}

main().catch(fail);
