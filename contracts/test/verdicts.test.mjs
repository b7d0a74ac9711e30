// Verdicts on a real EVM: what is recorded, and what each rule refuses.

import { concat, dataSlice, getBytes } from 'ethers';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import * as r from './reference.mjs';
import {
	admit,
	certificate,
	committee,
	conclude,
	concludedOf,
	id,
	nextRound,
	on,
	start,
	verdictOf,
} from './committee.mjs';
import { committeeOf, seatsOf } from './vectors.mjs';
import { refusal, send } from './world.mjs';

before(start);
after(() => on.stop());

/** A good call, for forgers to change. */
async function goodRecord() {
	const round = nextRound();
	const verdict = verdictOf({ round });
	const proof = await conclude([
		{ round: 900 + round, committee: id('x') },
		concludedOf(verdict),
		{ round: 901 + round, committee: id('y') },
	]);
	return [verdict, { ...proof, which: 1 }, seatsOf(committee), certificate(verdict)];
}

test('digests are those that the Rust code is tested with', () => {
	const rows = JSON.parse(readFileSync(new URL('../../primitives/trust/tests/eip712.json', import.meta.url), 'utf8'));
	assert.ok(rows.length > 0);
	const word = (byte) => '0x' + byte.repeat(32);
	for (const { chainId, contract, round, judgement, expected, digest } of rows) {
		const verdict = {
			genesis: word('01'),
			round,
			subject: word('02'),
			evidence: word('03'),
			judgement,
			committee: word('04'),
			expected,
		};
		assert.equal(r.digestOf({ chainId, contract }, r.VERDICT, verdict), digest);
	}
});

test('a verdict is recorded with its committee under a landed checkpoint, once', async () => {
	const call = await goodRecord();
	assert.equal(await refusal(on.verdicts, 'record', call), null);
	await send(on.verdicts, 'record', call);
	assert.equal(await on.verdicts.verdictOf(call[0].round), await on.verdicts.hashOf(call[0]));
	assert.deepEqual([...(await on.verdicts.admission(call[0].subject))], [true, BigInt(call[0].round)]);
	assert.equal(await refusal(on.verdicts, 'record', call), 'Recorded');
});

test('a refusal is recorded, and lets nobody in', async () => {
	const verdict = await admit({ subject: id('refused'), evidence: id('e') }, { judgement: 5 });
	assert.equal(await on.verdicts.verdictOf(verdict.round), await on.verdicts.hashOf(verdict));
	assert.deepEqual([...(await on.verdicts.admission(verdict.subject))], [false, 0n]);
});

test('committees of many sizes record, as the vectors have them', async () => {
	for (const count of [1, 2, 3, 8, 36, 128]) {
		const round = nextRound();
		const many = committeeOf(count),
			verdict = verdictOf({
				round,
				committee: r.committeeRoot(round, many),
				expected: many.reduce((sum, seat) => sum + seat.votes, 0n),
			});
		const proof = await conclude([concludedOf(verdict)]);
		assert.equal(
			await refusal(on.verdicts, 'record', [verdict, proof, seatsOf(many), certificate(verdict, many)]),
			null,
			`${count}`,
		);
	}
});

test('genesis refuses a verdict of another chain', async () => {
	const [verdict, ...rest] = await goodRecord();
	assert.equal(await refusal(on.verdicts, 'record', [{ ...verdict, genesis: id('x') }, ...rest]), 'Genesis');
});

test('concluded refuses another round, committee, block, place, order, checkpoint, and one that never landed', async () => {
	const [verdict, proof, seats, signatures] = await goodRecord();
	const bad = (change, v = verdict) =>
		refusal(on.verdicts, 'record', [v, { ...proof, ...change }, seats, signatures]);
	assert.equal(await bad({}), null);
	assert.equal(await bad({ which: 0 }), 'Concluded');
	assert.equal(await bad({ which: 3 }), 'Concluded');
	assert.equal(await bad({}, { ...verdict, round: verdict.round + 500 }), 'Concluded');
	assert.equal(await bad({}, { ...verdict, committee: id('x') }), 'Concluded');
	assert.equal(await bad({ conclusions: proof.conclusions.slice(0, 2) }), 'Concluded');
	assert.equal(await bad({ conclusions: [...proof.conclusions].reverse() }), 'Concluded');
	assert.equal(await bad({ conclusions: [], which: 0 }), 'Concluded');
	assert.equal(await bad({ checkpoint: proof.checkpoint - 10 }), 'Concluded');
	assert.equal(await bad({ checkpoint: proof.checkpoint + 1 }), 'Concluded');
	assert.equal(await bad({ leaf: { ...proof.leaf, number: proof.leaf.number - 1n } }), 'Concluded');
	assert.equal(await bad({ items: proof.items.slice(1) }), 'Concluded');
	const never = await conclude([concludedOf(verdict)], { land: false });
	assert.equal(await bad(never), 'Concluded');
});

test('committee refuses other seats', async () => {
	const [verdict, proof, seats, signatures] = await goodRecord();
	const bad = (other) => refusal(on.verdicts, 'record', [verdict, proof, other, signatures]);
	const bytes = getBytes(seats);
	assert.equal(await bad('0x'), 'Committee');
	assert.equal(await bad(dataSlice(seats, 32)), 'Committee');
	assert.equal(await bad(dataSlice(seats, 1)), 'Committee');
	assert.equal(await bad(concat([bytes.slice(32, 64), bytes.slice(0, 32), bytes.slice(64)])), 'Committee');
	assert.equal(await bad(concat([bytes.slice(0, 32), bytes])), 'Committee');
	assert.equal(await bad(concat([bytes.slice(0, 31), Uint8Array.of(bytes[31] ^ 1), bytes.slice(32)])), 'Committee');
	// Another committee of the same size, whose root the verdict does not have.
	assert.equal(await bad(seatsOf(committeeOf(5, 600))), 'Committee');
});

test("low-s refuses twins, a recovery id above 1, a short signature and nobody's", async () => {
	const [verdict, proof, seats, signatures] = await goodRecord();
	const digest = r.digestOf(on.chain, r.VERDICT, verdict),
		first = r.sign(committee[0].secret, digest);
	const bad = (other) =>
		refusal(on.verdicts, 'record', [verdict, proof, seats, concat([other, dataSlice(signatures, 65)])]);
	assert.equal(await bad(r.full(r.twin(first))), 'LowS');
	for (const v of [2, 27, 28, 255]) assert.equal(await bad(concat([first.r, first.s, Uint8Array.of(v)])), 'LowS');
	assert.equal(await bad(concat([first.r, first.s])), 'LowS');
	assert.equal(await bad('0x' + '00'.repeat(65)), 'LowS');
});

test('ascending refuses one counted twice and disorder', async () => {
	const [verdict, proof, seats] = await goodRecord();
	const bad = (who) => refusal(on.verdicts, 'record', [verdict, proof, seats, certificate(verdict, who)]);
	assert.equal(await bad([committee[0], committee[0], ...committee.slice(1)]), 'Ascending');
	assert.equal(await bad([...committee].reverse()), 'Ascending');
});

test('seated refuses a stranger, wherever its address falls', async () => {
	const [verdict, proof, seats] = await goodRecord();
	for (const { secret, address } of committeeOf(12, 400)) {
		const who = [...committee, { secret, address }].sort((a, b) => (a.address < b.address ? -1 : 1));
		assert.equal(
			await refusal(on.verdicts, 'record', [verdict, proof, seats, certificate(verdict, who)]),
			'Seated',
		);
	}
	const [, , , elsewhere] = [
		verdict,
		proof,
		seats,
		concat(
			committee.map(({ secret }) =>
				r.full(r.sign(secret, r.digestOf({ ...on.chain, chainId: 21 }, r.VERDICT, verdict))),
			),
		),
	];
	assert.match(await refusal(on.verdicts, 'record', [verdict, proof, seats, elsewhere]), /Seated|Ascending/);
});

test('quorum refuses two thirds, nobody, and who alone has come of those expected', async () => {
	const equal = committee.slice(0, 3).map((seat) => ({ ...seat, votes: 10n }));
	const with_ = async (expected) => {
		const round = nextRound();
		const verdict = verdictOf({ round, committee: r.committeeRoot(round, equal), expected });
		return [verdict, await conclude([concludedOf(verdict)]), seatsOf(equal)];
	};
	const call = await with_(30n);
	assert.equal(await refusal(on.verdicts, 'record', [...call, certificate(call[0], equal.slice(1))]), 'Quorum');
	assert.equal(await refusal(on.verdicts, 'record', [...call, '0x']), 'Quorum');
	assert.equal(await refusal(on.verdicts, 'record', [...call, certificate(call[0], equal)]), null);
	const few = await with_(45n);
	assert.equal(await refusal(on.verdicts, 'record', [...few, certificate(few[0], equal)]), 'Quorum');
	// If more came than were expected, they count.
	const more = await with_(1n);
	assert.equal(await refusal(on.verdicts, 'record', [...more, certificate(more[0], equal.slice(1))]), 'Quorum');
});
