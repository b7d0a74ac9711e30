// What the contracts cost: whole transactions, measured on anvil as the Elastos Smart Chain is (Shanghai, chain id 20, 8M
// gas a block), beside the arithmetic floor. Prints tables in Markdown; `--write` puts them into README.md.
// Fails if a submission has more than 32 KB or 8M gas.

import { Transaction, concat, dataLength, getBytes, keccak256, toBeHex, toUtf8Bytes, zeroPadValue } from 'ethers';
import { readFileSync, writeFileSync } from 'node:fs';
import * as r from './test/reference.mjs';
import { GENESIS, blockOf, checkpointOf, committeeOf, evidenceOf, leafOf, seatsOf, setOf } from './test/vectors.mjs';
import { LEGACY, account, deploy, send, world } from './test/world.mjs';

const id = (text) => keccak256(toUtf8Bytes(text));
const MOST_BYTES = 32 * 1024,
	MOST_GAS = 8_000_000n;
const grouped = (gas) => gas.toLocaleString('en-US');

/** What a transaction's data costs: 4 gas a zero byte, 16 any other (EIP-2028). */
const dataGas = (data) => getBytes(data).reduce((gas, byte) => gas + (byte === 0 ? 4n : 16n), 0n);

/** The bytes of a transaction as a pool gets it. */
async function sizeOf(to, data) {
	const { type, gasPrice } = LEGACY;
	return dataLength(
		await account(0).signTransaction(
			Transaction.from({ type, gasPrice, to, data, nonce: 1000, gasLimit: 8_000_000, chainId: 20 }),
		),
	);
}

/** Fills the place of the next checkpoint, as if 256 had landed: from then on places are written over. */
async function fill(on, anchor) {
	const place = 5n + 5n * ((await anchor.landedCount()) % 256n);
	for (let i = 0n; i < 5n; i++) {
		await on.provider.send('anvil_setStorageAt', [
			anchor.target,
			zeroPadValue(toBeHex(place + i), 32),
			'0x' + '11'.repeat(32),
		]);
	}
	return place;
}

async function submissions(on) {
	const rows = [];
	for (const [count, layouts] of [
		[4, 2],
		[12, 2],
		[36, 2],
		[100, 2],
		[300, 2],
		[700, 1],
	]) {
		for (const layout of layouts === 2 ? ['calldata', 'code'] : ['code']) {
			const set = setOf(count),
				anchor = await deploy(on.signer, 'ElapseAnchor', [
					GENESIS,
					set.id,
					r.wordsOf(set),
					'0x' + '00'.repeat(20),
				]);
			const chain = { chainId: 20, contract: anchor.target.toLowerCase() };
			let publish = null;
			if (layout === 'code')
				publish = (await send(anchor, 'publishSigners', [set.id, r.totalOf(set), r.wordsOf(set)])).gasUsed;
			const land = async (number, next) => {
				const cp = checkpointOf(set, number, next ? { nextSigners: r.hashOf(next) } : {});
				const { signers, bitmap, signatures } = r.certify(set, r.digestOf(chain, r.CHECKPOINT, cp));
				const args = [cp, layout === 'code' ? '0x' : signers, bitmap, signatures];
				const data = anchor.interface.encodeFunctionData('submit', args),
					size = await sizeOf(anchor.target, data);
				const { gasUsed } = await send(anchor, 'submit', args);
				if (size > MOST_BYTES || gasUsed > MOST_GAS)
					throw new Error(`${count} signers, ${layout}: ${size} bytes, ${gasUsed} gas`);
				return { gasUsed, size, data, recoveries: BigInt(dataLength(signatures) / 64) };
			};
			const first = await land(1);
			const place = await fill(on, anchor);
			const steady = await land(2);
			const blockHash = await on.provider.getStorage(anchor.target, place + 1n);
			if (blockHash !== checkpointOf(set, 2).blockHash)
				throw new Error('the checkpoint is not where it was expected');
			await fill(on, anchor);
			const handover = await land(3, setOf(count, 4, 1000));
			// 21,000, the data, the recoveries; 5 places and the head written over, the set's hash (and, in code, where it is) read.
			const floor = (data, recoveries, writes) =>
				21_000n +
				dataGas(data) +
				3_000n * recoveries +
				5_000n * writes +
				2_100n +
				(layout === 'code' ? 2_100n + 2_600n : 0n);
			rows.push([
				count,
				layout,
				Number(steady.recoveries),
				grouped(steady.size),
				grouped(first.gasUsed),
				grouped(steady.gasUsed),
				grouped(floor(steady.data, steady.recoveries, 6n)),
				grouped(handover.gasUsed),
				publish === null ? '' : grouped(publish),
			]);
		}
	}
	return table(
		[
			'signers',
			'layout',
			'signatures',
			'bytes',
			'gas, first 256',
			'gas, then',
			'floor',
			'gas, handover',
			'gas to publish',
		],
		rows,
	);
}

async function proofs(on) {
	const set = setOf(4),
		rows = [];
	let number = 100;
	for (const count of [1000, 10000]) {
		const leaves = Array.from({ length: count }, (_, i) => leafOf(i));
		const tree = r.scoreTree(leaves),
			range = r.history(Array.from({ length: count }, (_, i) => keccak256(r.historyLeaf(blockOf(i)))));
		await on.land(
			set,
			checkpointOf(set, ++number, {
				trustRoot: tree.root,
				trustLeaves: BigInt(count),
				historyRoot: range.root,
				historyLeaves: BigInt(count),
			}),
		);
		const index = Math.floor(count / 3),
			{ node, score } = leaves[index],
			proof = r.scoreProof(tree, index);
		const overhead = (data) => 21_000n + dataGas(data);
		const row = (what, contract, method, args) => async () => {
			const data = contract.interface.encodeFunctionData(method, args);
			if (!(await contract[method].staticCall(...args))) throw new Error(`${what}: not proved`);
			const gas = await on.provider.estimateGas({ to: contract.target, data, from: account(0).address });
			rows.push([
				`${what}, ${grouped(count)}`,
				grouped(dataLength(data)),
				grouped(gas),
				grouped(gas - overhead(data)),
			]);
		};
		await row('score proof, members', on.scores, 'verify', [node, score, proof])();
		await row('history proof, blocks', on.anchor, 'verifyHistory', [
			number,
			blockOf(index),
			index,
			range.prove(index),
		])();
	}
	const range = (leaves, more) => r.history([...leaves, ...more].map((leaf) => keccak256(r.historyLeaf(leaf))));
	let round = 0;
	const admit = async (seats, evidence, measure) => {
		round += 1;
		const committee = committeeOf(seats),
			root = r.committeeRoot(round, committee);
		const verdict = {
			genesis: GENESIS,
			round,
			subject: evidence.subject,
			evidence: evidence.evidence,
			judgement: 0,
			committee: root,
			expected: committee.reduce((sum, seat) => sum + seat.votes, 0n),
		};
		const conclusions = [{ round, committee: root }];
		const blocks = Array.from({ length: 1000 }, (_, i) =>
				blockOf(i, i === 700 ? r.committeesOf(conclusions) : r.ZERO),
			),
			made = range(blocks, []);
		await on.land(set, checkpointOf(set, ++number, { historyRoot: made.root, historyLeaves: 1000n }));
		const digest = r.digestOf(on.chain, r.VERDICT, verdict);
		let votes = 0n;
		const signers = committee.filter((seat) => !r.isQuorum(votes, verdict.expected) && (votes += seat.votes));
		const args = [
			verdict,
			{ checkpoint: number, leaf: blocks[700], items: made.prove(700), conclusions, which: 0 },
			seatsOf(committee),
			concat(signers.map(({ secret }) => r.full(r.sign(secret, digest)))),
		];
		const data = on.verdicts.interface.encodeFunctionData('record', args),
			{ gasUsed } = await send(on.verdicts, 'record', args);
		if (measure)
			rows.push([
				`verdict, ${seats} seats, ${signers.length} signatures`,
				grouped(dataLength(data)),
				grouped(gasUsed),
				grouped(gasUsed - 21_000n - dataGas(data)),
			]);
		return verdict;
	};
	for (const seats of [4, 36, 128]) await admit(seats, { subject: id(`s${seats}`), evidence: id('e') }, true);
	for (const [what, name] of [
		['RSA-2048', 'rsa2048'],
		['RSA-3072', 'rsa3072-sha256'],
		['RSA-4096', 'rsa4096-sha256'],
		['P-256', 'p256'],
	]) {
		const { quote } = r.fixture(name);
		// The last byte of what was signed is another.
		const attest = getBytes(quote.attest);
		attest[attest.length - 1] ^= 1;
		const forged = evidenceOf(name, { subject: id(name), application: { quote: { ...quote, attest } } }),
			verdict = await admit(4, forged, false);
		const args = [verdict, forged.opening, { pieces: [], tail: forged.application }];
		const data = on.evidence.interface.encodeFunctionData('contestApplication', args),
			{ gasUsed } = await send(on.evidence, 'contestApplication', args);
		rows.push([
			`evidence contested, ${what}`,
			grouped(dataLength(data)),
			grouped(gasUsed),
			grouped(gasUsed - 21_000n - dataGas(data)),
		]);
	}
	return table(['what', 'bytes of data', 'gas', 'of that, execution'], rows);
}

function table(head, rows) {
	const line = (cells) => `| ${cells.join(' | ')} |`;
	return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

const on = await world({ set: setOf(4), genesis: GENESIS });
try {
	const text = `${await submissions(on)}\n\n${await proofs(on)}`;
	console.log(text);
	if (process.argv.includes('--write')) {
		const file = new URL('README.md', import.meta.url),
			readme = readFileSync(file, 'utf8');
		const marks = /(<!-- gas -->\n)[\s\S]*?(<!-- \/gas -->)/;
		if (!marks.test(readme)) throw new Error('README.md has no place for the tables');
		writeFileSync(
			file,
			readme.replace(marks, (_, from, to) => `${from}\n${text}\n\n${to}`),
		);
	}
} finally {
	await on.stop();
}
