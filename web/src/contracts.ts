// What is asked of the contracts. They have few arguments, all of fixed length: an encoder for any ABI would be most of
// this library.

import { type Hex, addressWord, fromHex, isHex, join, keccakOf, toHex, word } from './bytes.js';
import type { ScoreAnswer } from './answer.js';
import type { EscAnswer, EscBlock, EscReader } from './esc.js';
import { Trouble } from './trouble.js';

/** What the anchor keeps of a checkpoint that has landed. */
export interface Landed {
	/** Height of its block on Elapse. */
	readonly number: bigint;
	readonly epoch: bigint;
	readonly historyLeaves: bigint;
	readonly trustLeaves: bigint;
	/** When it landed, in seconds since 1970. */
	readonly landed: number;
	readonly blockHash: Hex;
	readonly stateRoot: Hex;
	readonly historyRoot: Hex;
	readonly trustRoot: Hex;
}

const selector = (signature: string): Uint8Array => keccakOf(signature).slice(0, 4);
const CALLS = {
	anchor: selector('anchor()'),
	evidence: selector('evidence()'),
	latest: selector('latest()'),
	checkpoint: selector('checkpoint(uint64)'),
	verifyAt: selector('verifyAt(uint64,bytes32,uint64,(uint64,uint64,address,bytes32[17]))'),
	isFrozen: selector('isFrozen(bytes32)'),
};
const NOT_RETAINED = toHex(selector('NotRetained()'));

/** The contracts, in the state after one block. */
export class Contracts {
	constructor(
		private readonly esc: EscReader,
		private readonly block: EscBlock,
		private readonly scores: Hex,
	) {}

	private ask(to: Hex, what: keyof typeof CALLS, ...args: Uint8Array[]): Promise<EscAnswer> {
		return this.esc.call(this.block, to, toHex(join(CALLS[what], ...args)));
	}

	/** The words that a call gives; nothing if the contract says that it does not keep the checkpoint. */
	private async words(
		to: Hex,
		what: keyof typeof CALLS,
		count: number,
		...args: Uint8Array[]
	): Promise<bigint[] | null> {
		const { reverted, data } = await this.ask(to, what, ...args);
		if (reverted) {
			// Some nodes do not say what a call was refused with. These two are refused for one reason only.
			const kept = what === 'checkpoint' || what === 'verifyAt';
			if (kept && (data === NOT_RETAINED || data === '0x')) return null;
			throw new Trouble('chain', `${to} refuses ${what}: it is not the contract`);
		}
		if (!isHex(data, 32 * count)) {
			const why = data === '0x' ? 'there is no contract' : 'it is not the contract';
			throw new Trouble('chain', `${to} on chain ${this.block.chainId} does not answer ${what}: ${why}`);
		}
		return Array.from({ length: count }, (_, i) => BigInt(`0x${data.slice(2 + 64 * i, 66 + 64 * i)}`));
	}

	/** One word that must be below 2^`bits`. */
	private async one(to: Hex, what: keyof typeof CALLS, bits: number, ...args: Uint8Array[]): Promise<bigint | null> {
		const value = (await this.words(to, what, 1, ...args))?.[0] ?? null;
		if (value !== null && value >> BigInt(bits) !== 0n)
			throw new Trouble('chain', `${to} does not answer ${what} as it must`);
		return value;
	}

	private async address(what: 'anchor' | 'evidence'): Promise<Hex> {
		const value = (await this.one(this.scores, what, 160)) ?? 0n;
		if (value === 0n) throw new Trouble('chain', `${this.scores} names no ${what}`);
		return `0x${value.toString(16).padStart(40, '0')}`;
	}

	/** Where checkpoints land. */
	anchor(): Promise<Hex> {
		return this.address('anchor');
	}

	private async landed(to: Hex, what: 'latest' | 'checkpoint', ...args: Uint8Array[]): Promise<Landed | null> {
		const words = await this.words(to, what, 9, ...args);
		if (words === null) return null;
		const number = (i: number, bits: number): bigint => {
			const value = words[i] ?? 0n;
			if (value >> BigInt(bits) !== 0n) throw new Trouble('chain', `${to} does not answer ${what} as it must`);
			return value;
		};
		const bytes = (i: number): Hex => toHex(word(words[i] ?? 0n));
		const kept = {
			number: number(0, 64),
			epoch: number(1, 64),
			historyLeaves: number(2, 64),
			trustLeaves: number(3, 24),
			landed: Number(number(4, 40)),
			blockHash: bytes(5),
			stateRoot: bytes(6),
			historyRoot: bytes(7),
			trustRoot: bytes(8),
		};
		// Before the first, all is zero.
		return kept.landed === 0 ? null : kept;
	}

	/** The checkpoint that landed last; nothing before the first. */
	latest(anchor: Hex): Promise<Landed | null> {
		return this.landed(anchor, 'latest');
	}

	/** The checkpoint of a height; nothing if it is not among those that are kept. */
	async checkpoint(anchor: Hex, number: bigint): Promise<Landed | null> {
		const kept = await this.landed(anchor, 'checkpoint', word(number));
		if (kept !== null && kept.number !== number)
			throw new Trouble(
				'contradiction',
				`asked for the checkpoint of #${number}, ${anchor} gives that of #${kept.number}`,
			);
		return kept;
	}

	/** What the contract says of an answer; nothing if it does not keep the checkpoint. */
	async verifyAt(answer: ScoreAnswer): Promise<boolean | null> {
		const { checkpoint, node, score, epoch, index, signer, siblings } = answer;
		const proof = [word(epoch), word(index), addressWord(signer), ...siblings.map(fromHex)];
		const said = await this.one(this.scores, 'verifyAt', 1, word(checkpoint), fromHex(node), word(score), ...proof);
		return said === null ? null : said === 1n;
	}

	/** Whether the verdict that let a node in was proved false. */
	async isFrozen(node: Hex): Promise<boolean> {
		return (await this.one(await this.address('evidence'), 'isFrozen', 1, fromHex(node))) === 1n;
	}
}
