// Bytes, words and numbers, as contracts and nodes write them.

import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

/** Bytes, in hexadecimal. What this library gives is in lower case. */
export type Hex = `0x${string}`;

export const MAX_U64 = (1n << 64n) - 1n;

/** Whether a value is the hexadecimal form of so many bytes. */
export const isHex = (value: unknown, length: number): value is Hex =>
	typeof value === 'string' && value.length === 2 + 2 * length && /^0x[0-9a-fA-F]*$/.test(value);

/** Whether a value is the hexadecimal form of any bytes. */
export const isBytes = (value: unknown): value is Hex =>
	typeof value === 'string' && /^0x([0-9a-fA-F]{2})*$/.test(value);

export const lower = (hex: Hex): Hex => hex.toLowerCase() as Hex;
export const fromHex = (hex: Hex): Uint8Array => hexToBytes(hex.slice(2));
export const toHex = (bytes: Uint8Array): Hex => `0x${bytesToHex(bytes)}`;
export const join = (...parts: Uint8Array[]): Uint8Array => concatBytes(...parts);
export const keccak = (bytes: Uint8Array): Uint8Array => keccak_256(bytes);
/** Keccak-256 of a name: what selectors and the marks of leaves are made of. */
export const keccakOf = (name: string): Uint8Array => keccak(utf8ToBytes(name));

/** A number as the 32 bytes that the EVM has of it. */
export const word = (value: bigint): Uint8Array => hexToBytes(value.toString(16).padStart(64, '0'));
/** An address as the same. */
export const addressWord = (address: Hex): Uint8Array => word(BigInt(address));
