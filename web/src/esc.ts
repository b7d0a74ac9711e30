// The Elastos Smart Chain, read through one endpoint or several.
//
// A reader is what all trust is in: who answers for ESC can say what lands. So several endpoints are asked, run by people
// who have nothing to do with each other, and all that answer must say the same.
//
// All questions of a check are about one block. It is known by its number: hashes of ESC's blocks are not unique. Several
// nodes may be behind one URL, and one that has not yet the block is asked again.

import { type Hex, isBytes, lower } from './bytes.js';
import { type HttpOptions, Said, isHttp, pause, reasonOf, request } from './rpc.js';
import { Trouble } from './trouble.js';

/** A block that questions are about. */
export interface EscBlock {
	/** Id of the chain that it is of. */
	readonly chainId: number;
	readonly number: bigint;
	/** When it was made, in seconds since 1970. */
	readonly time: number;
}

/** What a call gives. */
export interface EscAnswer {
	/** Whether the contract refused. */
	readonly reverted: boolean;
	/** What it gave, or what it refused with, as far as the node says that. */
	readonly data: Hex;
}

/** Reads ESC. Whoever has a light client or a node of their own can put it in place of `escReader`. */
export interface EscReader {
	/** The newest block that can be asked about. */
	head(): Promise<EscBlock>;
	/** What a contract answers in the state after a block. */
	call(block: EscBlock, to: Hex, data: Hex): Promise<EscAnswer>;
}

export interface EscOptions extends HttpOptions {
	/** How many endpoints must answer, and all that do say the same: all, if not given. */
	readonly quorum?: number;
	/** How often an endpoint that does not answer is asked: 3 times, if not given. */
	readonly tries?: number;
	/** How long is waited before that, in milliseconds: 500, if not given. */
	readonly pauseMs?: number;
}

function quantity(value: unknown): bigint {
	if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{1,16}$/.test(value)) throw new Error('the answer is no number');
	return BigInt(value);
}

/** What a reverted call gave, which nodes put in several places. */
function revertData(data: unknown): Hex {
	const inner = typeof data === 'object' && data !== null ? (data as { data?: unknown; result?: unknown }) : {};
	for (const place of [data, inner.data, inner.result]) {
		const text = typeof place === 'string' ? place.replace(/^Reverted /, '') : place;
		if (isBytes(text)) return lower(text);
	}
	return '0x';
}

/** Asks one endpoint. */
class Endpoint {
	constructor(
		readonly url: string,
		private readonly options: EscOptions,
	) {}

	/** An endpoint's URL may have a key in it: it is known by its host alone where it is named. */
	get name(): string {
		return new URL(this.url).host;
	}

	private async ask<T>(
		method: string,
		params: unknown[],
		read: (result: unknown) => T,
		refused?: (said: Said) => T,
	): Promise<T> {
		const { tries = 3, pauseMs = 500 } = this.options;
		for (let left = tries; ; left--) {
			try {
				return read(await request(this.url, method, params, this.options));
			} catch (error) {
				if (refused !== undefined && error instanceof Said && /revert/i.test(error.message))
					return refused(error);
				if (left <= 1) throw new Error(`${this.name} (${method}): ${reasonOf(error)}`, { cause: error });
				await pause(pauseMs);
			}
		}
	}

	async head(): Promise<{ chainId: number; number: bigint }> {
		const chainId = await this.ask('eth_chainId', [], quantity);
		return { chainId: Number(chainId), number: await this.ask('eth_blockNumber', [], quantity) };
	}

	time(number: bigint): Promise<number> {
		return this.ask('eth_getBlockByNumber', [`0x${number.toString(16)}`, false], (block) => {
			if (typeof block !== 'object' || block === null) throw new Error('it does not have the block');
			return Number(quantity((block as { timestamp?: unknown }).timestamp));
		});
	}

	call(block: EscBlock, to: Hex, data: Hex): Promise<EscAnswer> {
		const read = (result: unknown): EscAnswer => {
			if (!isBytes(result)) throw new Error('the answer is not bytes');
			return { reverted: false, data: lower(result) };
		};
		return this.ask('eth_call', [{ to, data }, `0x${block.number.toString(16)}`], read, (said) => ({
			reverted: true,
			data: revertData(said.data),
		}));
	}
}

class Endpoints implements EscReader {
	constructor(
		private readonly endpoints: readonly Endpoint[],
		private readonly quorum: number,
	) {}

	/** What those answer that do. */
	private async all<T>(ask: (endpoint: Endpoint) => Promise<T>): Promise<{ name: string; value: T }[]> {
		const settled = await Promise.allSettled(
			this.endpoints.map(async (endpoint) => ({ name: endpoint.name, value: await ask(endpoint) })),
		);
		const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
		if (answers.length < this.quorum) {
			const why = settled.flatMap((one) => (one.status === 'rejected' ? [reasonOf(one.reason)] : []));
			const count = `${answers.length} of ${this.endpoints.length} ESC endpoints answer, ${this.quorum} must`;
			throw new Trouble('unreachable', `${count}: ${why.join('; ')}`);
		}
		return answers;
	}

	/** What all of those answer alike. */
	private async agreed<T>(
		what: string,
		ask: (endpoint: Endpoint) => Promise<T>,
		key: (value: T) => string,
	): Promise<T> {
		const answers = await this.all(ask);
		const [first, ...others] = answers;
		if (first === undefined) throw new Trouble('unreachable', 'no ESC endpoint answers');
		for (const other of others) {
			if (key(other.value) === key(first.value)) continue;
			const [one, two] = [first, other].map(({ name, value }) => `${name} says ${key(value)}`.slice(0, 200));
			throw new Trouble('contradiction', `ESC endpoints contradict each other about ${what}: ${one}, ${two}`);
		}
		return first.value;
	}

	async head(): Promise<EscBlock> {
		const heads = await this.all((endpoint) => endpoint.head());
		const chains = [...new Set(heads.map(({ value }) => value.chainId))];
		const [chainId] = chains;
		if (chainId === undefined) throw new Trouble('unreachable', 'no ESC endpoint answers');
		if (chains.length > 1)
			throw new Trouble('contradiction', `ESC endpoints are of several chains: ${chains.join(', ')}`);
		// The newest that all of them have. Who says a low number to have the past looked at, is found out by its time.
		const number = heads.map(({ value }) => value.number).reduce((least, one) => (one < least ? one : least));
		const time = await this.agreed(`the time of block ${number}`, (endpoint) => endpoint.time(number), String);
		return { chainId, number, time };
	}

	call(block: EscBlock, to: Hex, data: Hex): Promise<EscAnswer> {
		return this.agreed(
			`${to} at block ${block.number}`,
			(endpoint) => endpoint.call(block, to, data),
			(answer) => (answer.reverted ? 'that it refuses' : answer.data),
		);
	}
}

/**
 * Reads ESC through these endpoints.
 *
 * @throws {Trouble} *usage*: no endpoint, one twice, or one that is no URL of HTTP.
 */
export function escReader(urls: string | readonly string[], options: EscOptions = {}): EscReader {
	const list = typeof urls === 'string' ? [urls] : [...urls];
	if (list.length === 0) throw new Trouble('usage', 'no ESC endpoint was given');
	for (const url of list) if (!isHttp(url)) throw new Trouble('usage', `'${String(url)}' is no URL of HTTP`);
	// One that counts twice agrees with itself.
	if (new Set(list.map((url) => new URL(url).href)).size < list.length)
		throw new Trouble('usage', 'an ESC endpoint was given twice');
	const { quorum = list.length } = options;
	if (!Number.isInteger(quorum) || quorum < 1 || quorum > list.length)
		throw new Trouble('usage', `of ${list.length} ESC endpoints ${String(quorum)} cannot be asked for`);
	return new Endpoints(
		list.map((url) => new Endpoint(url, options)),
		quorum,
	);
}
