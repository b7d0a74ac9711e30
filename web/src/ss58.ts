// Names of nodes: SS58, as Substrate writes public keys.
//
// Base58 of the network's number (one byte, or two from 64 on), the key, and the first two bytes of
// BLAKE2b-512("SS58PRE" | all before) as a checksum.

import { blake2b } from '@noble/hashes/blake2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { type Hex, fromHex, isHex, join, lower, toHex } from './bytes.js';
import { Trouble } from './trouble.js';

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const KEY = 32;
/** The number in Elapse's addresses: that of no network in particular. */
const PREFIX = 42;

const checksum = (bytes: Uint8Array): Uint8Array => blake2b(join(utf8ToBytes('SS58PRE'), bytes)).slice(0, 2);

/** Nothing if there is a character that is not of the alphabet. */
function fromBase58(text: string): Uint8Array | null {
	let number = 0n;
	for (const character of text) {
		const digit = ALPHABET.indexOf(character);
		if (digit < 0) return null;
		number = number * 58n + BigInt(digit);
	}
	// Zero bytes in front are no part of the number: each is written as the first digit.
	const zeros = /^1*/.exec(text)?.[0].length ?? 0;
	const digits = number === 0n ? '' : number.toString(16);
	return join(new Uint8Array(zeros), fromHex(`0x${digits.length % 2 === 0 ? digits : `0${digits}`}`));
}

function toBase58(bytes: Uint8Array): string {
	let text = '';
	for (let number = BigInt(toHex(bytes)); number > 0n; number /= 58n)
		text = ALPHABET.charAt(Number(number % 58n)) + text;
	for (const byte of bytes) {
		if (byte !== 0) break;
		text = `1${text}`;
	}
	return text;
}

/** The key in an SS58 address of any network; nothing if it is none of 32 bytes. */
export function fromSs58(address: string): Hex | null {
	// The longest has 49 characters. What is longer is not worth its arithmetic.
	const bytes = address.length <= 64 ? fromBase58(address) : null;
	const first = bytes?.[0];
	if (bytes === null || first === undefined || first >= 128) return null;
	const skip = first < 64 ? 1 : 2;
	if (bytes.length !== skip + KEY + 2) return null;
	const [sum, expected] = [bytes.subarray(skip + KEY), checksum(bytes.subarray(0, skip + KEY))];
	if (sum[0] !== expected[0] || sum[1] !== expected[1]) return null;
	if (skip === 2) {
		// The number's bits are 2 to 7 of it, then 0 and 1 above 8 to 13. What fits into one byte is not written in two.
		const second = bytes[1] ?? 0;
		const network = ((first & 0x3f) << 2) | (second >> 6) | ((second & 0x3f) << 8);
		if (network < 64) return null;
	}
	return toHex(bytes.subarray(skip, skip + KEY));
}

/** The SS58 address of a key, as Elapse's nodes write it. */
export function toSs58(key: Hex): string {
	const bytes = join(Uint8Array.of(PREFIX), fromHex(key));
	return toBase58(join(bytes, checksum(bytes)));
}

/**
 * A node's 32 bytes, by either of its names: these bytes in hexadecimal, or its SS58 address.
 *
 * @throws {Trouble} *usage*: it is neither.
 */
export function nodeOf(name: string): Hex {
	if (isHex(name, KEY)) return lower(name);
	const key = typeof name === 'string' ? fromSs58(name) : null;
	if (key === null)
		throw new Trouble('usage', `'${String(name)}' names no node: neither 0x and 64 digits, nor an SS58 address`);
	return key;
}
