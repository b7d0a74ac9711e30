// A node's score, checked against the Elastos Smart Chain alone.
//
// Whoever hands in the answer is not trusted, and can do no more than refuse to answer. What is trusted: that the ESC
// endpoints, or one of those that must agree, tell the truth; the address of `TrustScores`; and what that contract rests on
// (`docs/anchor.md`).
//
// # Rules
// An answer is refused in this order, each rule by its name:
// - *shape*: all members are there, of their lengths, and numbers have 64 bits.
// - *node*: it answers for the node that was asked about, and its two names of it are one.
// - *height*: it answers under the checkpoint that was asked for, if one was.
// - *landed*: the anchor keeps a checkpoint of that height.
// - *index*: the leaf's place is one of the tree's leaves.
// - *root*: leaf and siblings have the root that landed, and the root and the number of leaves in the answer are those.
// - *frozen*: the node was not let in by a verdict that was since proved false.
// - *least*: the score is at least what is asked for.
// - *stale*: the checkpoint landed not too long ago.
//
// What is proved is computed here, and asked of the contract as well (*twice*): a bug or a lie in one of them is trouble,
// never a verdict.

import { Malformed, type ScoreAnswer, readAnswer } from './answer.js';
import { type Hex, MAX_U64, isHex, lower } from './bytes.js';
import { Contracts, type Landed } from './contracts.js';
import { type EscBlock, type EscReader, escReader } from './esc.js';
import { refusedBy } from './proof.js';
import { pause, plain, reasonOf } from './rpc.js';
import { fromSs58, nodeOf, toSs58 } from './ss58.js';
import { Trouble } from './trouble.js';

/** The main network of ESC. */
export const ESC_CHAIN_ID = 20;
/** A day. A gateway could else show the best of the last 256 checkpoints. */
export const MAX_AGE_SECONDS = 86_400;
/** Two minutes would do for a chain of a block in five seconds; clocks are worse. */
export const MAX_LAG_SECONDS = 600;

/** The rules by which an answer is refused. */
export type Rule = 'shape' | 'node' | 'height' | 'landed' | 'index' | 'root' | 'frozen' | 'least' | 'stale';

/** A score that ESC vouches for. All of it is proved, or read from ESC. */
export interface Valid {
	readonly valid: true;
	/** The node: its key for lottery and seals. */
	readonly node: Hex;
	/** The same as an SS58 address. */
	readonly author: string;
	readonly score: bigint;
	/** The epoch of Elapse in which the score last changed. */
	readonly epoch: bigint;
	/** The leaf's place. */
	readonly index: bigint;
	/** The address that signs for the node on ESC, in lower case; null if it has none. */
	readonly signer: Hex | null;
	/** Height of the checkpoint, on Elapse. */
	readonly checkpoint: bigint;
	/** Hash of its block. */
	readonly blockHash: Hex;
	/** When it landed on ESC, in seconds since 1970. */
	readonly landed: number;
	/** How long ago that is. */
	readonly ageSeconds: number;
	/** Whether no other has landed since. */
	readonly newest: boolean;
	/** The block of ESC that all of this was asked about. */
	readonly esc: EscBlock;
}

/** An answer that does not hold. */
export interface Refused {
	readonly valid: false;
	readonly rule: Rule;
	/** The same in words, for people. */
	readonly reason: string;
}

export type Verdict = Valid | Refused;

/** What scores are checked against. */
export interface Against {
	/** ESC: a reader, or URLs of endpoints, all of which must answer and agree. */
	readonly esc: EscReader | string | readonly string[];
	/** Address of the contract `TrustScores`. */
	readonly scores: string;
	/** Id of the chain that it is on: 20, the main network of ESC, if not given. */
	readonly chainId?: number;
	/** The least score that is good enough: 0, if not given. */
	readonly least?: bigint | number;
	/** How long ago the checkpoint may have landed: a day, if not given; `Infinity` for whatever the anchor keeps. */
	readonly maxAgeSeconds?: number;
	/** How far the newest block of ESC may be from `now`: 600, if not given; `Infinity` for any. */
	readonly maxLagSeconds?: number;
	/** The time, in seconds since 1970: that of the clock here, if not given. */
	readonly now?: number;
}

export interface VerifyScore extends Against {
	/** The node that was asked about: 32 bytes in hexadecimal, or its SS58 address. */
	readonly node: string;
	/** What a node answered to `bridge_scoreProof`: JSON, as it is. */
	readonly answer: unknown;
	/** The height that was asked for; any, if not given. */
	readonly checkpoint?: bigint | number;
}

/** `Against`, read. */
export interface Terms {
	readonly esc: EscReader;
	readonly scores: Hex;
	readonly chainId: number;
	readonly least: bigint;
	readonly maxAgeSeconds: number;
	readonly maxLagSeconds: number;
	readonly now: () => number;
}

/** @throws {Trouble} *usage*. What is no number compares as false with everything: it must not get to a rule. */
export function readTerms(against: Against): Terms {
	const seconds = (name: string, value: unknown): number => {
		if (typeof value !== 'number' || !(value >= 0)) throw new Trouble('usage', `${name} is no number of seconds`);
		return value;
	};
	const { esc, scores, chainId = ESC_CHAIN_ID, least = 0, now } = against;
	const reader = typeof esc === 'string' || Array.isArray(esc) ? escReader(esc) : (esc as EscReader | undefined);
	if (typeof reader?.head !== 'function' || typeof reader.call !== 'function')
		throw new Trouble('usage', 'esc is neither a reader nor URLs');
	if (!isHex(scores, 20)) throw new Trouble('usage', `scores: '${String(scores)}' is no address: 0x and 40 digits`);
	if (!Number.isSafeInteger(chainId) || chainId < 1) throw new Trouble('usage', 'chainId is no whole number');
	if (now !== undefined && !Number.isFinite(seconds('now', now))) throw new Trouble('usage', 'now is no time');
	return {
		esc: reader,
		scores: lower(scores),
		chainId,
		least: readU64('least', least),
		maxAgeSeconds: seconds('maxAgeSeconds', against.maxAgeSeconds ?? MAX_AGE_SECONDS),
		maxLagSeconds: seconds('maxLagSeconds', against.maxLagSeconds ?? MAX_LAG_SECONDS),
		now: () => now ?? Math.floor(Date.now() / 1000),
	};
}

export function readU64(name: string, value: unknown): bigint {
	const whole = typeof value === 'bigint' || Number.isSafeInteger(value);
	const number = whole ? BigInt(value as bigint | number) : -1n;
	if (number < 0n || number > MAX_U64) throw new Trouble('usage', `${name} is no whole number of 64 bits`);
	return number;
}

const refuse = (rule: Rule, reason: string): Refused => ({ valid: false, rule, reason });

/**
 * Says whether a node's score is what an answer says, and why not.
 *
 * @throws {Trouble} if that cannot be said. It is never a verdict that somebody could not be asked.
 */
export async function verifyScore(options: VerifyScore): Promise<Verdict> {
	const terms = readTerms(options);
	const asked = options.checkpoint === undefined ? null : readU64('checkpoint', options.checkpoint);
	const node = nodeOf(options.node);

	// What needs nobody comes first.
	let answer: ScoreAnswer;
	try {
		answer = readAnswer(options.answer);
	} catch (error) {
		if (error instanceof Malformed) return refuse('shape', error.message);
		throw error;
	}
	if (answer.node !== node) return refuse('node', `asked about ${node}, it answers for ${answer.node}`);
	if (fromSs58(answer.author) !== node)
		return refuse('node', `its author ${plain(answer.author)} is not its node ${node}`);
	if (asked !== null && answer.checkpoint !== asked)
		return refuse(
			'height',
			`asked for a proof under the checkpoint of #${asked}, it answers under that of #${answer.checkpoint}`,
		);

	return onEsc(terms, (contracts, block) => judge(terms, contracts, block, answer));
}

/**
 * Asks ESC about its newest block. What contradicts itself may be a reorganisation: it is asked once more. Whatever a reader
 * fails with is trouble.
 */
export async function onEsc<T>(terms: Terms, ask: (contracts: Contracts, block: EscBlock) => Promise<T>): Promise<T> {
	const once = async (): Promise<T> => {
		const block = await terms.esc.head();
		if (block.chainId !== terms.chainId)
			throw new Trouble('chain', `the ESC endpoint is of chain ${block.chainId}, not of ${terms.chainId}`);
		const lag = terms.now() - block.time;
		if (!(Math.abs(lag) <= terms.maxLagSeconds))
			throw new Trouble(
				'clock',
				`the newest block of ESC (${block.number}) is ${Math.abs(lag)} s ${lag > 0 ? 'old' : 'ahead of the clock here'}: ` +
					'the endpoint or the clock is wrong',
			);
		return ask(new Contracts(terms.esc, block, terms.scores), block);
	};
	for (let again = true; ; again = false) {
		try {
			return await once();
		} catch (error) {
			if (!(error instanceof Trouble))
				throw new Trouble('unreachable', `ESC cannot be read: ${reasonOf(error)}`, { cause: error });
			if (error.kind !== 'contradiction' || !again) throw error;
			await pause(1000);
		}
	}
}

async function judge(terms: Terms, contracts: Contracts, block: EscBlock, answer: ScoreAnswer): Promise<Verdict> {
	const anchor = await contracts.anchor();
	const [latest, kept, said] = await Promise.all([
		contracts.latest(anchor),
		contracts.checkpoint(anchor, answer.checkpoint),
		contracts.verifyAt(answer),
	]);
	const against = (what: string) => new Trouble('contradiction', `ESC contradicts itself: ${what}`);
	if ((kept === null) !== (said === null))
		throw against('TrustScores and the anchor do not keep the same checkpoints');
	if (kept === null) return refuse('landed', notLanded(answer.checkpoint, latest));
	if (latest === null || latest.number < kept.number) throw against('the last checkpoint is older than another');

	const refusal = refusedBy(kept.trustRoot, kept.trustLeaves, answer, answer.siblings);
	const frozen = refusal === null && said === false && (await contracts.isFrozen(answer.node));
	// *twice*
	if (refusal !== null && said === true) throw against(`TrustScores takes a proof that is wrong (${refusal})`);
	if (refusal === null && said === false && !frozen) throw against('TrustScores refuses a proof that is right');

	if (refusal === 'index') return refuse('index', `place ${answer.index} of a tree with ${kept.trustLeaves} leaves`);
	if (refusal === 'root')
		return refuse(
			'root',
			`node, score, epoch, index, signer and siblings do not have the root that landed in #${kept.number}`,
		);
	if (answer.trustRoot !== kept.trustRoot || answer.trustLeaves !== kept.trustLeaves)
		return refuse('root', `its trustRoot and trustLeaves are not those that landed in #${kept.number}`);
	if (frozen)
		return refuse(
			'frozen',
			'the verdict that let the node in was proved false: it has no score until it is let in anew',
		);
	if (answer.score < terms.least) return refuse('least', `the score is ${answer.score}, less than ${terms.least}`);
	// A clock that is a little behind does not make a checkpoint of the future.
	const ageSeconds = Math.max(0, terms.now() - kept.landed);
	if (!(ageSeconds <= terms.maxAgeSeconds))
		return refuse(
			'stale',
			`the checkpoint of #${kept.number} landed ${ageSeconds} s ago, more than ${terms.maxAgeSeconds}`,
		);

	return {
		valid: true,
		node: answer.node,
		author: toSs58(answer.node),
		score: answer.score,
		epoch: answer.epoch,
		index: answer.index,
		signer: BigInt(answer.signer) === 0n ? null : answer.signer,
		checkpoint: kept.number,
		blockHash: kept.blockHash,
		landed: kept.landed,
		ageSeconds,
		newest: kept.number === latest.number,
		esc: block,
	};
}

function notLanded(number: bigint, latest: Landed | null): string {
	const last = latest === null ? 'none has landed yet' : `the last that landed is that of #${latest.number}`;
	return `the anchor keeps no checkpoint of #${number}: ${last}`;
}
