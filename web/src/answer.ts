// What a node answers to `bridge_scoreProof`. Whoever answers is a stranger: nothing is taken for what it should be.

import { type Hex, MAX_U64, isHex, lower } from './bytes.js';
import { DEPTH, type ScoreLeaf } from './proof.js';
import { fromSs58 } from './ss58.js';

/** An answer of the right shape. Nothing in it is proved by that. */
export interface ScoreAnswer extends ScoreLeaf {
	/** Height of the checkpoint that the score is proven under. */
	readonly checkpoint: bigint;
	/** The root there, as the node says. */
	readonly trustRoot: Hex;
	/** The number of leaves there, as the node says. */
	readonly trustLeaves: bigint;
	/** The node's SS58 address, as the node says. */
	readonly author: string;
	/** From the leaf's neighbour up to the root's child. */
	readonly siblings: readonly Hex[];
}

/** The answer is not of the shape. */
export class Malformed extends Error {
	constructor(message: string) {
		super(message);
		this.name = 'Malformed';
	}
}

function u64(name: string, value: unknown): bigint {
	// A larger number than 2^53 - 1 was rounded when the JSON was read: what it was is lost.
	if (typeof value === 'number' && !Number.isSafeInteger(value))
		throw new Malformed(`${name} is no whole number below 2^53`);
	if (typeof value !== 'number' && typeof value !== 'bigint') throw new Malformed(`${name} is no number`);
	const number = BigInt(value);
	if (number < 0n || number > MAX_U64) throw new Malformed(`${name} is no number of 64 bits`);
	return number;
}

function bytes(name: string, value: unknown, length: number): Hex {
	if (!isHex(value, length)) throw new Malformed(`${name} is not ${length} bytes, as 0x and ${2 * length} digits`);
	return lower(value);
}

/**
 * Reads an answer, as JSON gives it: each member once, so that it is the same for all rules. Numbers may be `bigint`.
 *
 * @throws {Malformed} Rule *shape*.
 */
export function readAnswer(answer: unknown): ScoreAnswer {
	if (typeof answer !== 'object' || answer === null || Array.isArray(answer))
		throw new Malformed('the answer is no object');
	const { checkpoint, trustRoot, trustLeaves, author, node, score, epoch, index, signer, siblings } =
		answer as Record<keyof ScoreAnswer, unknown>;
	if (typeof author !== 'string' || fromSs58(author) === null) throw new Malformed('author is no SS58 address');
	if (!Array.isArray(siblings) || siblings.length !== DEPTH) throw new Malformed(`siblings are not ${DEPTH}`);
	return {
		checkpoint: u64('checkpoint', checkpoint),
		trustRoot: bytes('trustRoot', trustRoot, 32),
		trustLeaves: u64('trustLeaves', trustLeaves),
		author,
		node: bytes('node', node, 32),
		score: u64('score', score),
		epoch: u64('epoch', epoch),
		index: u64('index', index),
		signer: bytes('signer', signer, 20),
		siblings: Array.from(siblings, (sibling: unknown, level) => bytes(`siblings[${level}]`, sibling, 32)),
	};
}
