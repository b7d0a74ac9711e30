// What proves a verdict false, and what does not, on a real EVM.

import { concat, dataLength, dataSlice, getBytes, hexlify } from 'ethers';
import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { admit, id, landRoots, lastRound, on, start, verdictOf } from './committee.mjs';
import * as r from './reference.mjs';
import { GENESIS, evidenceOf } from './vectors.mjs';
import { account, artifact, dice, refusal, send } from './world.mjs';

const NOTHING = { pieces: [], tail: '0x' };
const all = (tail) => ({ pieces: [], tail });
const FINDING = { stands: 0n, answer: 1n, key: 2n, quote: 3n, nonce: 4n, signature: 5n };

before(start);
after(() => on.stop());

test('quotes that TPMs made stand: RSA-2048, 3072, 4096 and P-256', async () => {
	for (const name of ['rsa2048', 'rsa3072-sha256', 'rsa4096-sha256', 'p256', 'author']) {
		const made = evidenceOf(name, { subject: id(name) }),
			verdict = await admit(made);
		const call = [verdict, made.opening, all(made.application)];
		assert.equal(await on.evidence.checkApplication(...call), FINDING.stands, name);
		assert.equal(await refusal(on.evidence, 'contestApplication', call), 'Stands', name);
		assert.equal(await on.evidence.isFrozen(made.subject), false);
	}
});

test('keys that cannot be judged here prove nothing', async () => {
	for (const name of ['p384', 'p256-sha512', 'p384-sha256', 'rsa3072', 'owner']) {
		const made = evidenceOf(name, { subject: id(name) }),
			verdict = await admit(made);
		const refused = await refusal(on.evidence, 'contestApplication', [
			verdict,
			made.opening,
			all(made.application),
		]);
		assert.equal(refused, name === 'owner' ? 'Stands' : 'Unsupported', name);
	}
	const { akPublic } = r.fixture('rsa2048'),
		half = hexlify(getBytes(akPublic).map((byte, i, { length }) => (i === length - 1 ? byte & 0xfe : byte)));
	const odd = {
		trailing: concat([akPublic, '0x00']),
		short: dataSlice(akPublic, 0, 100),
		none: '0x',
		even: half,
		tpm12: concat(['0x00000001', dataSlice(akPublic, 4)]),
		exponent: concat([dataSlice(akPublic, 0, 18), '0x00000003', dataSlice(akPublic, 22)]),
	};
	for (const [what, ak] of Object.entries(odd)) {
		const made = evidenceOf('rsa2048', { subject: id(what), application: { akPublic: ak } }),
			verdict = await admit(made);
		assert.equal(
			await refusal(on.evidence, 'contestApplication', [verdict, made.opening, all(made.application)]),
			'Unsupported',
			what,
		);
	}
});

/** A quote of the fixture with one byte of a part changed. */
const flip = (hex, at) =>
	hexlify(getBytes(hex).map((byte, i, bytes) => (i === (at < 0 ? bytes.length + at : at) ? byte ^ 1 : byte)));

test('signature proves a verdict over a forged quote false, and freezes the node until it is let in anew', async () => {
	for (const name of ['rsa2048', 'rsa3072-sha256', 'rsa4096-sha256', 'p256']) {
		const { quote } = r.fixture(name),
			subject = id(`forged ${name}`);
		const forged = { ...quote, attest: flip(quote.attest, -1) };
		const made = evidenceOf(name, { subject, application: { quote: forged } }),
			verdict = await admit(made);
		assert.equal(
			await on.evidence.checkApplication(verdict, made.opening, all(made.application)),
			FINDING.signature,
		);
		assert.equal(await on.evidence.isFrozen(subject), false);
		// Its score counts, until the verdict is contested.
		const tree = r.scoreTree([{ epoch: 1n, node: subject, score: 900000n, index: 0, signer: r.NOBODY }]),
			proof = r.scoreProof(tree, 0);
		const number = await landRoots({ trustRoot: tree.root, trustLeaves: 1n });
		assert.equal(await on.scores.verify(subject, 900000, proof), true);
		const receipt = await send(on.evidence, 'contestApplication', [verdict, made.opening, all(made.application)]);
		console.log(`# contest of ${name}: ${receipt.gasUsed} gas`);
		assert.equal(await on.evidence.isFrozen(subject), true);
		assert.equal(await on.scores.verify(subject, 900000, proof), false);
		assert.equal(await on.scores.verifyAt(number, subject, 900000, proof), false);
		// A refusal since changes nothing; another admission does, and the old verdict is of no use then.
		await admit({ subject, evidence: id('e') }, { judgement: 1 });
		assert.equal(await on.evidence.isFrozen(subject), true);
		await admit(evidenceOf(name, { subject }));
		assert.equal(await on.evidence.isFrozen(subject), false);
		assert.equal(
			await refusal(on.evidence, 'contestApplication', [verdict, made.opening, all(made.application)]),
			'Superseded',
		);
	}
});

test('signature: each way in which a signature can be none is found', async () => {
	const { quote: rsa } = r.fixture('rsa2048'),
		{ quote: ecc } = r.fixture('p256');
	const bad = [
		['rsa2048', flip(rsa.signature, -1)],
		['rsa2048', flip(rsa.signature, 10)],
		['rsa2048', '0x'],
		['rsa2048', ecc.signature],
		['rsa2048', concat([rsa.signature, '0x00'])],
		['rsa2048', dataSlice(rsa.signature, 0, 261)],
		['rsa2048', concat(['0x0016', dataSlice(rsa.signature, 2)])],
		['rsa2048', concat(['0x0014000c', dataSlice(rsa.signature, 4)])],
		['rsa2048', concat(['0x0014000b0100', '0x' + '00'.repeat(256)])],
		['rsa2048', concat(['0x0014000b0100', '0x' + 'ff'.repeat(256)])],
		['rsa2048', concat(['0x0014000b0101', '0x00', dataSlice(rsa.signature, 6)])],
		['p256', flip(ecc.signature, -1)],
		['p256', flip(ecc.signature, 20)],
		['p256', rsa.signature],
		['p256', '0x'],
		['p256', concat([ecc.signature, '0x00'])],
		['p256', r.flipS(ecc.signature)],
		['p256', concat([dataSlice(ecc.signature, 0, 40), r.ZERO])],
		['p256', concat([dataSlice(ecc.signature, 0, 6), r.ZERO, dataSlice(ecc.signature, 38)])],
	];
	for (const [index, [name, signature]] of bad.entries()) {
		const { quote } = r.fixture(name);
		const made = evidenceOf(name, { subject: id(`bad ${index}`), application: { quote: { ...quote, signature } } }),
			verdict = await admit(made);
		assert.equal(
			await on.evidence.checkApplication(verdict, made.opening, all(made.application)),
			FINDING.signature,
			`${index}`,
		);
	}
});

test('key and quote: an unrestricted key, and what is no quote', async () => {
	const { akPublic, quote } = r.fixture('p256');
	const attributes = (value) => concat([dataSlice(akPublic, 0, 4), value, dataSlice(akPublic, 8)]);
	// Restricted, sign, fixedTPM, fixedParent, sensitiveDataOrigin missing; decrypt there.
	for (const value of ['0x00040072', '0x00010072', '0x00050070', '0x00050062', '0x00050052', '0x00070072']) {
		const made = evidenceOf('p256', { subject: id(value), application: { akPublic: attributes(value) } }),
			verdict = await admit(made);
		assert.equal(
			await on.evidence.checkApplication(verdict, made.opening, all(made.application)),
			FINDING.key,
			value,
		);
	}
	for (const attest of [flip(quote.attest, 0), flip(quote.attest, 5), '0x', dataSlice(quote.attest, 0, 40)]) {
		const made = evidenceOf('p256', { subject: id(attest), application: { quote: { ...quote, attest } } }),
			verdict = await admit(made);
		assert.equal(await on.evidence.checkApplication(verdict, made.opening, all(made.application)), FINDING.quote);
	}
});

/** A TPM of node's own: a key with its public area, and quotes under it. */
function chip(kind) {
	const { publicKey, privateKey } =
		kind === 'rsa'
			? generateKeyPairSync('rsa', { modulusLength: 2048 })
			: generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const jwk = publicKey.export({ format: 'jwk' }),
		number = (text) => hexlify(Buffer.from(text, 'base64url'));
	const akPublic =
		kind === 'rsa'
			? concat(['0x0001000b00050472000000100014000b0800000000000100', number(jwk.n)])
			: concat(['0x0023000b00050472000000100018000b000300100020', number(jwk.x), '0x0020', number(jwk.y)]);
	const quote = (nonce) => {
		const rest = getBytes(r.fixture('p256').quote.attest);
		const attest = concat([rest.slice(0, 42), '0x0020', nonce, rest.slice(42 + 2 + 33)]);
		if (kind === 'rsa') {
			const made = createSign('sha256').update(getBytes(attest)).sign(privateKey);
			return { attest, signature: concat(['0x0014000b0100', made]), values: [] };
		}
		const made = createSign('sha256').update(getBytes(attest)).sign({ key: privateKey, dsaEncoding: 'ieee-p1363' });
		return {
			attest,
			signature: r.lower(concat(['0x0018000b0020', made.subarray(0, 32), '0x0020', made.subarray(32)])),
			values: [],
		};
	};
	return { akPublic, quote };
}

test('an answer stands under the nonce of its round, seed and answers, and under no other', async () => {
	for (const kind of ['rsa', 'ecc']) {
		for (const count of [0, 1, 63, 64, 100]) {
			const { akPublic, quote } = chip(kind),
				subject = id(`${kind} ${count}`),
				seed = id('seed');
			const answers = Array.from({ length: count }, (_, i) => ({ author: id(`a${i}`), answer: id(`b${i}`) }));
			const next = lastRound() + 1;
			const made = (nonce, more = {}) =>
				evidenceOf('p256', {
					subject,
					seed,
					answers,
					quote: quote(nonce),
					application: { akPublic, quote: quote(id('apply')) },
					...more,
				});
			const check = async (evidence) => {
				const verdict = await admit(evidence);
				return on.evidence.checkAnswer(
					verdict,
					evidence.opening,
					all(evidence.application),
					all(evidence.answer),
				);
			};
			assert.equal(await check(made(r.answerNonce(GENESIS, next, seed, answers))), FINDING.stands);
			if (count !== 1) continue;
			assert.equal(
				await check(made(r.answerNonce(GENESIS, next, seed, answers))),
				FINDING.nonce,
				'of the round before',
			);
			assert.equal(
				await check(made(r.answerNonce(GENESIS, next + 2, id('x'), answers))),
				FINDING.nonce,
				'another seed',
			);
			assert.equal(
				await check(made(r.answerNonce(id('x'), next + 3, seed, answers))),
				FINDING.nonce,
				'another chain',
			);
			assert.equal(await check(made(r.answerNonce(GENESIS, next + 4, seed, []))), FINDING.nonce, 'other answers');
			const other = chip(kind);
			assert.equal(
				await check(made('0x', { quote: other.quote(r.answerNonce(GENESIS, next + 5, seed, answers)) })),
				FINDING.signature,
				'another key',
			);
		}
	}
});

test('nonce proves false an answer replayed from elsewhere, and freezes', async () => {
	const made = evidenceOf('rsa2048', { subject: id('replay'), answers: [{ author: id('a'), answer: id('b') }] }),
		verdict = await admit(made);
	const call = [verdict, made.opening, all(made.application), all(made.answer)];
	assert.equal(await on.evidence.checkAnswer(...call), FINDING.nonce);
	await send(on.evidence, 'contestAnswer', call);
	assert.equal(await on.evidence.isFrozen(made.subject), true);
});

test('answer proves false a verdict that rests on none', async () => {
	const made = evidenceOf('rsa2048', { subject: id('silent'), answer: null }),
		verdict = await admit(made);
	assert.equal(await on.evidence.checkApplication(verdict, made.opening, all(made.application)), FINDING.answer);
	assert.equal(await on.evidence.checkAnswer(verdict, made.opening, all(made.application), NOTHING), FINDING.answer);
});

test('evidence refuses bytes that are not those that were judged', async () => {
	const roll = dice('evidence');
	const made = evidenceOf('p256', { subject: id('honest'), answers: [{ author: id('a'), answer: id('b') }] }),
		verdict = await admit(made);
	const mutate = (hex) => flip(hex, roll(dataLength(hex)));
	const check = (opening, application) =>
		refusal(on.evidence, 'contestApplication', [verdict, opening, all(application)]);
	for (let i = 0; i < 100; i++) assert.equal(await check(made.opening, mutate(made.application)), 'Evidence');
	assert.equal(await check(made.opening, '0x'), 'Evidence');
	assert.equal(await check(made.opening, concat([made.application, '0x00'])), 'Evidence');
	for (const change of [
		{ application: id('x') },
		{ seed: id('x') },
		{ answer: id('x') },
		{ hasSeed: false },
		{ hasAnswer: false },
	]) {
		assert.equal(await check({ ...made.opening, ...change }, made.application), 'Evidence');
	}
	// Bytes of one's own with an opening of one's own.
	const forged = evidenceOf('p256', {
		subject: id('honest'),
		application: { quote: { ...r.fixture('p256').quote, signature: '0x' } },
	});
	assert.equal(await check(forged.opening, forged.application), 'Evidence');
	for (let i = 0; i < 30; i++) {
		assert.equal(
			await refusal(on.evidence, 'contestAnswer', [
				verdict,
				made.opening,
				all(made.application),
				all(mutate(made.answer)),
			]),
			'Evidence',
		);
	}
	assert.equal(await on.evidence.isFrozen(made.subject), false);
});

test('evidence refuses an application of another node', async () => {
	const made = evidenceOf('p256', { subject: id('another') }),
		verdict = await admit({ subject: id('this'), evidence: made.evidence });
	assert.equal(
		await refusal(on.evidence, 'contestApplication', [verdict, made.opening, all(made.application)]),
		'Evidence',
	);
});

test('malformed evidence proves nothing', async () => {
	const good = evidenceOf('p256', { subject: id('m') });
	for (const [what, application] of Object.entries({
		trailing: concat([good.application, '0x00']),
		cut: dataSlice(good.application, 0, 1000),
		// A length in a longer form than need be: "0" as two bytes.
		form: concat(['0x0100', dataSlice(good.application, 2)]),
	})) {
		const opening = { ...good.opening, application: r.blake2(application) };
		const evidence = r.evidenceOf({ application: opening.application, seed: opening.seed, answer: opening.answer });
		const verdict = await admit({ subject: id('m'), evidence });
		assert.equal(
			await refusal(on.evidence, 'contestApplication', [verdict, opening, all(application)]),
			'Malformed',
			what,
		);
	}
});

test('only a recorded, admitting verdict can be contested', async () => {
	const made = evidenceOf('p256', {
		subject: id('n'),
		application: { quote: { ...r.fixture('p256').quote, signature: '0x' } },
	});
	const never = verdictOf({ round: 5000, subject: id('n'), evidence: made.evidence });
	assert.equal(
		await refusal(on.evidence, 'contestApplication', [never, made.opening, all(made.application)]),
		'NotRecorded',
	);
	const verdict = await admit(made, { judgement: 3 });
	assert.equal(
		await refusal(on.evidence, 'contestApplication', [verdict, made.opening, all(made.application)]),
		'NotAdmitting',
	);
	assert.equal(
		await refusal(on.evidence, 'contestApplication', [
			{ ...verdict, judgement: 0 },
			made.opening,
			all(made.application),
		]),
		'NotRecorded',
	);
});

test('evidence longer than a transaction is contested from pieces', async () => {
	const made = evidenceOf('rsa2048', {
		subject: id('long'),
		application: {
			intermediates: Array.from({ length: 6 }, (_, i) => '0x' + `0${i}`.repeat(4096)),
			quote: { ...r.fixture('rsa2048').quote, signature: '0x' },
		},
	});
	assert.ok(dataLength(made.application) > 24576);
	const verdict = await admit(made),
		pieces = [];
	for (const [from, to] of [
		[0, 24000],
		[24000, 25000],
	]) {
		const part = dataSlice(made.application, from, to);
		pieces.push(await on.evidence.store.staticCall(part, { gasLimit: 7_900_000n }));
		await send(on.evidence, 'store', [part]);
	}
	const call = [verdict, made.opening, { pieces, tail: dataSlice(made.application, 25000) }];
	assert.equal(
		await refusal(on.evidence, 'contestApplication', [
			...call.slice(0, 2),
			{ ...call[2], pieces: [...pieces].reverse() },
		]),
		'Evidence',
	);
	assert.equal(
		await refusal(on.evidence, 'contestApplication', [
			...call.slice(0, 2),
			{ ...call[2], pieces: ['0x' + '99'.repeat(20), ...pieces] },
		]),
		'Evidence',
	);
	const { gasUsed } = await send(on.evidence, 'contestApplication', call);
	console.log(`# ${dataLength(made.application)} bytes from two pieces: ${gasUsed} gas`);
	assert.equal(await on.evidence.isFrozen(made.subject), true);
});

test('too little gas freezes nobody', async () => {
	const made = evidenceOf('rsa2048', { subject: id('gas') }),
		verdict = await admit(made);
	const data = on.evidence.interface.encodeFunctionData('contestApplication', [
		verdict,
		made.opening,
		all(made.application),
	]);
	const stands = on.evidence.interface.getError('Stands').selector;
	for (let gas = 60_000; gas < 400_000; gas += 1_500) {
		await assert.rejects(
			on.provider.call({ to: on.evidence.target, data, gasLimit: gas }),
			(error) => {
				const why = error.data ?? error.info?.error?.data;
				return why === stands || why === null || why === undefined || why === '0x';
			},
			`${gas}`,
		);
	}
});

test('a chain that computes something differently gets no such contract', async () => {
	const { abi, bytecode } = artifact('EvidenceCheck');
	// The known answer of BLAKE2b, as it stands in the creation, with a bit turned over.
	const known = 'bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319';
	assert.ok(bytecode.includes(known));
	const { ContractFactory } = await import('ethers');
	const { data } = await new ContractFactory(
		abi,
		bytecode.replace(known, 'cddd' + known.slice(4)),
	).getDeployTransaction(on.verdicts.target);
	await assert.rejects(
		on.provider.call({ data, gasLimit: 7_900_000n, from: account(1).address }),
		(error) => (error.data ?? error.info?.error?.data) === on.evidence.interface.getError('WrongChain').selector,
	);
});
