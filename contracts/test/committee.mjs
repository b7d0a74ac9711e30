// A committee that speaks, and an anchor that has its root: what tests of verdicts and of evidence begin with.

import { concat, keccak256, toUtf8Bytes } from 'ethers';
import * as r from './reference.mjs';
import { GENESIS, blockOf, checkpointOf, committeeOf, seatsOf, setOf } from './vectors.mjs';
import { send, world } from './world.mjs';

export const id = (text) => keccak256(toUtf8Bytes(text));
const set = setOf(4);
export const committee = committeeOf(5);
const votes = committee.reduce((sum, seat) => sum + seat.votes, 0n);
/** The EVM and its contracts, once `start` is done. */
export let on;
let number = 10;
let round = 0;

export async function start() {
	on = await world({ set, genesis: GENESIS });
}
/** A round that was not there yet. */
export const nextRound = () => (round += 1);
/** The last one. */
export const lastRound = () => round;

/** Lands a checkpoint with these roots, and gives its number. */
export async function landRoots(more) {
	number += 10;
	await on.land(set, checkpointOf(set, number, more));
	return number;
}

/** The signatures of `who`. */
export const certificate = (verdict, who = committee) =>
	concat(who.map(({ secret }) => r.full(r.sign(secret, r.digestOf(on.chain, r.VERDICT, verdict)))));
export const verdictOf = (more = {}) => ({
	genesis: GENESIS,
	round,
	subject: id(`node/${round}`),
	evidence: id('evidence'),
	judgement: 0,
	committee: r.committeeRoot(more.round ?? round, committee),
	expected: votes,
	...more,
});

/** Lands a checkpoint over a history in which these rounds were concluded in one block, and proves it. */
export async function conclude(concluded, { land = true } = {}) {
	number += 10;
	const place = number - 3;
	const blocks = Array.from({ length: number }, (_, i) =>
		blockOf(i, i === place ? r.committeesOf(concluded) : r.ZERO),
	);
	const range = r.history(blocks.map((leaf) => keccak256(r.historyLeaf(leaf))));
	if (land) await on.land(set, checkpointOf(set, number, { historyRoot: range.root }));
	return { checkpoint: number, leaf: blocks[place], items: range.prove(place), conclusions: concluded, which: 0 };
}
export const concludedOf = ({ round, committee }) => ({ round, committee });

/** Has a verdict over this evidence recorded. */
export async function admit({ subject, evidence }, more = {}) {
	nextRound();
	const verdict = verdictOf({ round, subject, evidence, ...more });
	const proof = await conclude([concludedOf(verdict)]);
	await send(on.verdicts, 'record', [verdict, proof, seatsOf(committee), certificate(verdict)]);
	return verdict;
}
