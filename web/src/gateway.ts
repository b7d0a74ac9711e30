// An Elapse node, asked over HTTP. Any will do: what it answers is checked, and all that it can do is not to answer.

import { type HttpOptions, Said, isHttp, plain, reasonOf, request } from './rpc.js';
import { nodeOf, toSs58 } from './ss58.js';
import { Trouble } from './trouble.js';
import { type Against, type Verdict, onEsc, readTerms, readU64, verifyScore } from './verify.js';

/**
 * Asks a node for a score's proof (`bridge_scoreProof`): under the newest certified checkpoint, or that of a height. That
 * of ESC may be an older one (`provenScore`). Gives what it answers, as it is and without a type: it is for `verifyScore`,
 * and to nobody else of use.
 *
 * @param url The node, `http://` or `https://`.
 * @param node The node that is asked about: 32 bytes in hexadecimal, or its SS58 address.
 * @throws {Trouble} *gateway*: it does not answer, or answers that it does not.
 */
export async function askScore(
	url: string,
	node: string,
	checkpoint?: bigint | number,
	options: HttpOptions = {},
): Promise<unknown> {
	if (!isHttp(url)) throw new Trouble('usage', `'${String(url)}' is no URL of HTTP`);
	const params: unknown[] = [toSs58(nodeOf(node))];
	if (checkpoint !== undefined) {
		const height = readU64('checkpoint', checkpoint);
		// The chain's heights have 32 bits.
		if (height > 0xffff_ffffn) throw new Trouble('usage', `#${height} is no height of Elapse`);
		params.push(Number(height));
	}
	const { host } = new URL(url);
	try {
		return await request(url, 'bridge_scoreProof', params, options);
	} catch (error) {
		const missing = error instanceof Said && error.code === -32601;
		const why = missing ? 'it is no Elapse node, or does not prove scores (bridge_scoreProof)' : reasonOf(error);
		throw new Trouble('gateway', `${host} gives no proof of ${plain(node)}: ${why}`, { cause: error });
	}
}

export interface ProvenScore extends Against {
	/** An Elapse node, `http://` or `https://`. */
	readonly gateway: string;
	/** The node that is asked about: 32 bytes in hexadecimal, or its SS58 address. */
	readonly node: string;
	/** How the gateway is asked. */
	readonly http?: HttpOptions;
}

/**
 * A node's score, by any Elapse node and ESC: looks which checkpoint landed last, asks the gateway for the proof under that
 * one, and checks what it answers.
 *
 * @throws {Trouble} if there is no verdict.
 */
export async function provenScore(options: ProvenScore): Promise<Verdict> {
	const terms = readTerms(options);
	nodeOf(options.node);
	const latest = await onEsc(terms, async (contracts) => contracts.latest(await contracts.anchor()));
	if (latest === null) return { valid: false, rule: 'landed', reason: 'no checkpoint has landed yet' };
	const answer = await askScore(options.gateway, options.node, latest.number, options.http);
	return verifyScore({ ...options, esc: terms.esc, answer, checkpoint: latest.number });
}
