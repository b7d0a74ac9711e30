// JSON-RPC over HTTP, by `fetch`. Whoever answers may be anybody: answers have a most length and a time, and what they say
// is shown without what a terminal would obey.

/** How long an answer is waited for. */
const PATIENCE = 10_000;
/** The longest answer that is read. One of 17 hashes has 2 KB. */
const LONGEST = 1 << 20;

/** It answers that it does not. */
export class Said extends Error {
	readonly code: number;
	readonly data: unknown;

	constructor(code: number, message: string, data: unknown) {
		super(message);
		this.name = 'Said';
		this.code = code;
		this.data = data;
	}
}

/** What both ESC endpoints and gateways may be told. */
export interface HttpOptions {
	/** How long an answer is waited for, in milliseconds: 10,000 if not given. */
	readonly timeoutMs?: number;
	/** What takes the place of `fetch`. */
	readonly fetch?: typeof fetch;
}

/** A stranger's words, fit to be shown. */
export const plain = (text: string): string => {
	const clean = text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+/g, ' ').trim();
	return clean.length > 400 ? `${clean.slice(0, 400)}…` : clean;
};

/** Whether a URL is one of HTTP. */
export function isHttp(url: unknown): url is string {
	try {
		return typeof url === 'string' && ['http:', 'https:'].includes(new URL(url).protocol);
	} catch {
		return false;
	}
}

async function textOf(response: Response): Promise<string> {
	const reader = response.body?.getReader();
	if (reader === undefined) return '';
	const decoder = new TextDecoder();
	let text = '';
	for (let length = 0; ;) {
		const { done, value } = await reader.read();
		if (done) return text + decoder.decode();
		length += value.length;
		if (length > LONGEST) {
			await reader.cancel().catch(() => {});
			throw new Error(`the answer has more than ${LONGEST} bytes`);
		}
		text += decoder.decode(value, { stream: true });
	}
}

/**
 * Asks once.
 *
 * @throws {Said} if it answers with an error; another error if it does not answer, or not in JSON-RPC.
 */
export async function request(
	url: string,
	method: string,
	params: unknown[],
	options: HttpOptions = {},
): Promise<unknown> {
	const send = options.fetch ?? fetch;
	const response = await send(url, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
		signal: AbortSignal.timeout(options.timeoutMs ?? PATIENCE),
		credentials: 'omit',
		// Where it is sent on to, nobody chose.
		redirect: 'error',
	});
	if (!response.ok) throw new Error(`HTTP ${response.status}`);
	const text = await textOf(response);
	let answer: unknown;
	try {
		answer = JSON.parse(text);
	} catch {
		throw new Error('the answer is no JSON');
	}
	if (typeof answer !== 'object' || answer === null) throw new Error('the answer is not one of JSON-RPC');
	const { error, result } = answer as { error?: unknown; result?: unknown };
	if (error !== undefined && error !== null) {
		const { code, message, data } = error as { code?: unknown; message?: unknown; data?: unknown };
		throw new Said(
			typeof code === 'number' ? code : 0,
			plain(typeof message === 'string' ? message : 'an error without words'),
			data,
		);
	}
	if (result === undefined) throw new Error('the answer has no result');
	return result;
}

/** An error's words, with those of its cause: that of `fetch` alone says nothing. */
export function reasonOf(error: unknown): string {
	if (!(error instanceof Error)) return plain(String(error));
	// Where several addresses were tried, the cause has no words but those of each.
	const { cause } = error;
	const inner = cause instanceof AggregateError && cause.message === '' ? cause.errors[0] : cause;
	return plain(inner instanceof Error ? `${error.message}: ${inner.message}` : error.message);
}

export const pause = (milliseconds: number): Promise<void> =>
	new Promise((resolve) => setTimeout(resolve, milliseconds));
