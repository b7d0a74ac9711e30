// Names of nodes, against addresses that others made.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { fromSs58, nodeOf, toSs58 } from '../dist/index.js';
import { id, trouble } from './world.mjs';

/** Substrate's well-known keys (`sp_keyring`), sr25519. */
const ALICE = '0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d';
const KNOWN = [
	['5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY', ALICE],
	[
		'5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty',
		'0x8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48',
	],
	[
		'5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y',
		'0x90b5ab205c6974c9ea841be688864633dc9ca8a357843eeacf2314649965fe22',
	],
	// A key that is all zero: base58 of zero bytes.
	['5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM', `0x${'00'.repeat(32)}`],
];
/** The same key on other networks. The number 0 is a zero byte in front; from 64 on there are two. */
const ELSEWHERE = {
	0: '15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5',
	2: 'HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F',
	64: 'cEaNSpz4PxFcZ7nT1VEKrKewH67rfx6MfcM6yKojyyPz7qaqp',
	255: 'yGHXkYLYqxijLKKfd9Q2CB9shRVu8rPNBS53wvwGTutYg4zTg',
	256: 'VByeGLMtP8r8BYQpNX1sb2VtAW8GYCbtFAeXJwsA2ur3MNRdq',
	16383: 'yNa8JpqfFB3q8A29rCwSgxvdU94ufJw2yKKxDgznS5m1PoFvn',
};

test('known addresses are read and written', () => {
	for (const [address, key] of KNOWN) {
		assert.equal(fromSs58(address), key);
		assert.equal(toSs58(key), address);
	}
	for (const [network, address] of Object.entries(ELSEWHERE)) assert.equal(fromSs58(address), ALICE, network);
});

test('a number that fits into one byte is not read from two', () => {
	for (const network of [64, 255, 256, 16383]) assert.equal(twoBytes(network, ALICE), ELSEWHERE[network]);
	// 42 fits into one byte: that it is written in two makes another name of the same.
	assert.equal(fromSs58(twoBytes(42, ALICE)), null);
});

test('what is no address of a key is none', () => {
	const [[good]] = KNOWN;
	for (let at = 0; at < good.length; at++) {
		const other = good[at] === '3' ? '4' : '3';
		assert.equal(fromSs58(good.slice(0, at) + other + good.slice(at + 1)), null, `changed at ${at}`);
	}
	const bad = [
		'',
		'1',
		good.slice(1),
		good.slice(0, -1),
		`${good}1`,
		`1${good}`,
		` ${good}`,
		good.replace('5', '0'),
		'5'.repeat(10_000),
	];
	for (const address of bad) assert.equal(fromSs58(address), null, address.slice(0, 60));
	assert.equal(addressOf([42], ALICE), good);
	for (const address of [
		addressOf([42], ALICE, [0]),
		addressOf([42], `${ALICE}00`),
		addressOf([42], ALICE.slice(0, -2)),
		addressOf([128], ALICE),
		addressOf([0xd0, 0x40], ALICE),
	])
		assert.equal(fromSs58(address), null, address);
	// An account index of Substrate: an address, but of one byte.
	assert.equal(fromSs58('F7L6'), null);
});

test('a node is named by its bytes or by its address', () => {
	assert.equal(nodeOf(ALICE), ALICE);
	assert.equal(nodeOf(`0x${ALICE.slice(2).toUpperCase()}`), ALICE);
	assert.equal(nodeOf(KNOWN[0][0]), ALICE);
	for (const name of ['', 'alice', ALICE.slice(2), ALICE.slice(0, -2), `${ALICE}00`, undefined, null, 5, {}])
		assert.throws(() => nodeOf(name), trouble('usage', /names no node/));
});

test('an address that is written is read again', () => {
	for (let i = 0; i < 200; i++) assert.equal(fromSs58(toSs58(id(`key/${i}`))), id(`key/${i}`));
});

/** An address with its number in two bytes, by the specification. */
function twoBytes(network, key) {
	return addressOf([((network & 0xfc) >> 2) | 0x40, (network >> 8) | ((network & 3) << 6)], key);
}
function addressOf(prefix, key, more = []) {
	const bytes = Buffer.from([...prefix, ...Buffer.from(key.slice(2), 'hex')]);
	const sum = createHash('blake2b512').update('SS58PRE').update(bytes).digest().subarray(0, 2);
	const digits = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
	let text = '';
	for (
		let left = BigInt(`0x${Buffer.concat([bytes, sum, Buffer.from(more)]).toString('hex')}`);
		left > 0n;
		left /= 58n
	)
		text = digits[Number(left % 58n)] + text;
	return text;
}
