#!/usr/bin/env node
// Brings the verdict of a round to the Elastos Smart Chain: to the contract `Verdicts`, by its `record`. Anybody can; whoever
// does pays for it. Until a checkpoint has landed over the block in which the round was concluded, there is nothing to prove
// it by, and the program says so.
//
//   node record.mjs --network main --verdicts ADDRESS --node URL --round N --keystore K.json [--dry-run]
//
// `--verdicts` is the contract, `--node` any node of Elapse (HTTP), which need not be trusted: the contract checks all of it.
// The key comes from an encrypted keystore file; its password is asked for, or read from --password-file. --dry-run sends
// nothing, and needs no key. Networks are in networks.json; --rpc and --gas-price (wei) override what stands there, and with
// --rpc alone the network is the one whose chain id is found there.

import { Contract, getAddress, isAddress } from 'ethers';
import { parseArgs } from 'node:util';
import {
	artifact,
	call,
	checkKeystore,
	connect,
	fail,
	networkAt,
	networkOf,
	nextNonce,
	refuse,
	send,
	unlock,
} from './tools/esc.mjs';

/** The contract's rules, and what it means that one is broken. */
const RULES = {
	Genesis: 'genesis: the verdict is of another chain than the one that is anchored',
	Recorded: 'recorded: the round has a verdict there already',
	Concluded: 'concluded: the history under the checkpoint does not have the round under this committee',
	Committee: 'committee: the seats are not those of the committee in the verdict',
	LowS: 'low-s: a signature is not in the one form that is accepted',
	Ascending: 'ascending: the addresses of those who signed do not ascend',
	Seated: 'seated: somebody signed who does not sit in the committee, or signed something else',
	Quorum: 'quorum: those who signed have no more than two thirds of the votes expected',
};
/** What a judgement says, by its number. */
const JUDGEMENTS = ['admitted', 'unanswered', 'event log', 'platform', 'unreachable', 'forged'];

const same = (one, other) => String(one).toLowerCase() === String(other).toLowerCase();

function read() {
	const { values } = parseArgs({
		options: Object.fromEntries(
			['network', 'rpc', 'gas-price', 'verdicts', 'node', 'round', 'keystore', 'password-file']
				.map((name) => [name, { type: 'string' }])
				.concat([['dry-run', { type: 'boolean' }]]),
		),
	});
	if (!isAddress(values.verdicts)) refuse('--verdicts is no address: the contract `Verdicts`');
	if (!/^https?:/.test(values.node)) refuse('--node is no URL (http:// or https://) of a node of Elapse');
	if (!/^\d{1,10}$/.test(values.round)) refuse('--round is no number');
	if (!values['dry-run']) checkKeystore(values.keystore);
	return values;
}

/** What the node says of the round, as far as its numbers can be read. */
async function verdictOf(node, round) {
	const found = await call(node, 'bridge_verdict', [round]);
	if (!found?.verdict || !found.contract) refuse(`${node} does not answer \`bridge_verdict\` as it must`);
	// JSON has no numbers greater than that in JavaScript.
	if (!Number.isSafeInteger(found.verdict.expected)) refuse('the verdict has a number that this program cannot read');
	return found;
}

/** The proof that the round was concluded under its committee, by the checkpoint that landed last. */
async function proofOf(node, { block, verdict: { round, committee } }, landed) {
	if (landed === null || BigInt(block) >= landed.historyLeaves)
		refuse(
			`not yet: round ${round} was concluded in #${block}, and ` +
				(landed === null
					? 'no checkpoint has landed'
					: `the last checkpoint that landed is of #${landed.number}`) +
				': wait until one above has landed, and run the same command again',
		);
	const checkpoint = Number(landed.number);
	const { leaf, items, concluded } = await call(node, 'bridge_historyProof', [block, checkpoint]);
	if (concluded === null) refuse(`${node} does not know which rounds #${block} concluded: ask another node`);
	const which = concluded.findIndex((one) => one.round === round && same(one.committee, committee));
	if (which < 0)
		refuse(`concluded: #${block} did not conclude round ${round} under this committee: ask another node`);
	return { checkpoint, leaf, items, conclusions: concluded, which };
}

/** Which rule refuses a call; nothing if none does. */
async function refusal(verdicts, args) {
	try {
		await verdicts.record.staticCall(...args);
		return null;
	} catch (error) {
		if (error.code !== 'CALL_EXCEPTION') throw error;
		return RULES[error.revert?.name] ?? `the contract refuses it (${error.data ?? error.shortMessage})`;
	}
}

async function main() {
	const values = read(),
		round = Number(values.round);
	const network =
		values.network === undefined && values.rpc ? await networkAt(values.rpc) : networkOf(values.network);
	const esc = await connect(network, values),
		{ provider, chainId } = esc;
	try {
		if ((await provider.getCode(values.verdicts)) === '0x') refuse(`there is no contract at ${values.verdicts}`);
		const verdicts = new Contract(values.verdicts, artifact('Verdicts').abi, provider);
		const anchorAt = await verdicts
			.anchor()
			.catch(() => refuse(`${values.verdicts} is not the contract \`Verdicts\``));
		const found = await verdictOf(values.node, round),
			{ verdict, contract, seats, signatures } = found;
		if (verdict.round !== round) refuse(`${values.node} answers of round ${verdict.round}, not ${round}`);
		if (contract.chainId !== chainId || !same(contract.address, anchorAt))
			refuse(
				`the verdict was signed for ${getAddress(contract.address)} on chain ${contract.chainId}, and the anchor of ` +
					`these verdicts is ${anchorAt} on chain ${chainId}: it cannot be recorded here`,
			);

		const anchor = new Contract(anchorAt, artifact('ElapseAnchor').abi, provider);
		const landed = (await anchor.landedCount()) === 0n ? null : await anchor.latest();
		const args = [verdict, await proofOf(values.node, found, landed), seats, signatures];
		const rule = await refusal(verdicts, args);
		if (rule) refuse(`refused: ${rule}`);

		const what = `round ${round}: ${verdict.subject} ${JUDGEMENTS[verdict.judgement] ?? verdict.judgement}`;
		const under = `concluded in #${found.block}, under the checkpoint of #${landed.number}`;
		if (values['dry-run']) {
			console.log(`would be recorded, ${what} (${under}; ${await verdicts.record.estimateGas(...args)} gas)`);
			return;
		}
		const wallet = await unlock(values);
		const nonce = await nextNonce(provider, wallet.address);
		console.log(`${wallet.address} brings ${what} (${under})`);
		const data = verdicts.interface.encodeFunctionData('record', args);
		const receipt = await send(esc, wallet, { nonce, to: values.verdicts, data });
		// Somebody else may have brought it meanwhile.
		if (receipt.status !== 1) refuse(`${receipt.hash} failed: ${(await refusal(verdicts, args)) ?? 'try again'}`);
		console.log(`recorded, ${what} (${receipt.gasUsed} gas, ${receipt.hash})`);
	} finally {
		provider.destroy();
	}
}

main().catch(fail);
