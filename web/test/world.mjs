// What tests begin with: trees and answers by the contracts' own reference, an ESC that is made up, servers that lie.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import * as r from '../../contracts/test/reference.mjs';
import { leafOf } from '../../contracts/test/vectors.mjs';
import { artifact } from '../../contracts/test/world.mjs';
import { toSs58 } from '../dist/index.js';

export const { Interface, keccak256, toUtf8Bytes } = createRequire(new URL('../../contracts/', import.meta.url))(
	'ethers',
);
export const id = (text) => keccak256(toUtf8Bytes(text));

export const SCORES = `0x${'5c'.repeat(20)}`;
export const ANCHOR = `0x${'a0'.repeat(20)}`;
export const EVIDENCE = `0x${'e1'.repeat(20)}`;
/** A time, long ago: all that is made up happens then. */
export const NOW = 1_700_000_000;

/** A tree of so many scores. */
export const treeOf = (count, change = {}) =>
	r.scoreTree(Array.from({ length: count }, (_, index) => ({ ...leafOf(index), ...change[index] })));

/** What a node answers of a leaf, as JSON has it. */
export function answerOf(tree, index, checkpoint) {
	const { node, score } = tree.leaves[index];
	const { epoch, signer, siblings } = r.scoreProof(tree, index);
	return {
		checkpoint: Number(checkpoint),
		trustRoot: tree.root,
		trustLeaves: tree.leaves.length,
		author: toSs58(node),
		node,
		score: Number(score),
		epoch: Number(epoch),
		index,
		signer,
		siblings,
	};
}

/** What the anchor keeps of a checkpoint over a tree. */
export const landedOf = (number, tree, landed = NOW - 100) => ({
	number,
	epoch: Math.floor(number / 100),
	historyLeaves: number,
	trustLeaves: tree.leaves.length,
	landed,
	blockHash: id(`block/${number}`),
	stateRoot: id(`state/${number}`),
	historyRoot: id(`history/${number}`),
	trustRoot: tree.root,
});
const NONE = landedOf(0, { leaves: [], root: r.ZERO }, 0);
Object.assign(NONE, { blockHash: r.ZERO, stateRoot: r.ZERO, historyRoot: r.ZERO });

/**
 * An ESC in which these checkpoints have landed: a reader, without any network. The contracts are written once more here,
 * behind the encoding that the compiler's ABI has.
 */
export function fakeEsc({ landed = [], frozen = [], head = {}, change = {} } = {}) {
	const abi = Object.fromEntries(
		['TrustScores', 'ElapseAnchor', 'EvidenceCheck'].map((name) => [name, new Interface(artifact(name).abi)]),
	);
	const kept = (number) => landed.find((one) => BigInt(one.number) === number);
	const proves = ({ trustRoot, trustLeaves }, node, score, { epoch, index, signer, siblings }) => {
		if (index >= BigInt(trustLeaves)) return false;
		const up = (hash, sibling, level) =>
			(index >> BigInt(level)) & 1n ? r.join(sibling, hash) : r.join(hash, sibling);
		return siblings.reduce(up, r.scoreLeaf({ epoch, node, score, index, signer })) === trustRoot;
	};
	const contracts = {
		[SCORES]: {
			anchor: () => ANCHOR,
			evidence: () => EVIDENCE,
			verifyAt: (number, node, score, proof) => {
				const under = kept(number);
				return under && proves(under, node, score, proof) && !frozen.includes(node);
			},
		},
		[ANCHOR]: { latest: () => landed.at(-1) ?? NONE, checkpoint: kept },
		[EVIDENCE]: { isFrozen: (node) => frozen.includes(node) },
	};
	const calls = [];
	const reader = {
		calls,
		head: async () => ({ chainId: 20, number: 1000n, time: NOW - 5, ...head }),
		call: async (block, to, data) => {
			const found = { [SCORES]: 'TrustScores', [ANCHOR]: 'ElapseAnchor', [EVIDENCE]: 'EvidenceCheck' }[to];
			if (found === undefined) return { reverted: false, data: '0x' };
			const call = abi[found].parseTransaction({ data });
			calls.push(call.name);
			const result = (change[call.name] ?? contracts[to][call.name])(...call.args);
			if (typeof result === 'object' && 'reverted' in result) return result;
			if (result === undefined) return { reverted: true, data: id('NotRetained()').slice(0, 10) };
			return { reverted: false, data: abi[found].encodeFunctionResult(call.name, [result]) };
		},
	};
	return reader;
}

/** A server of JSON-RPC: `answer(method, params)` gives a result, or `{ error }`, or `{ raw }`: text and status. */
export async function serve(answer) {
	const asked = [];
	const server = createServer(async (request, response) => {
		const chunks = [];
		for await (const chunk of request) chunks.push(chunk);
		const { id: number, method, params } = JSON.parse(Buffer.concat(chunks).toString());
		asked.push([method, params]);
		const given = await answer(method, params);
		if (given?.raw !== undefined) return response.writeHead(given.status ?? 200, given.headers).end(given.raw);
		const body = given?.error ? { error: given.error } : { result: given };
		response.writeHead(200, { 'content-type': 'application/json' });
		response.end(JSON.stringify({ jsonrpc: '2.0', id: number, ...body }));
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	// A test that fails leaves its servers behind: they keep nobody waiting.
	server.unref();
	return {
		url: `http://127.0.0.1:${server.address().port}`,
		asked,
		stop: () => {
			server.closeAllConnections();
			return new Promise((resolve) => server.close(resolve));
		},
	};
}

/** Forwards what is asked to a real node. */
export async function forward(url, method, params) {
	const response = await fetch(url, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
	});
	const { result, error } = await response.json();
	return error ? { error } : result;
}

/** For `assert.rejects`: trouble of this kind, in words like these. */
export const trouble =
	(kind, words = /./) =>
	(error) => {
		if (error.name !== 'Trouble' || error.kind !== kind || !words.test(error.message))
			throw new Error(`not ${kind} ${words}: ${error.kind} ${error.message}`, { cause: error });
		return true;
	};
