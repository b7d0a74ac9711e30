//! What one wait certificate costs, beside the sum of the cryptography that it cannot do without.
//!
//! `cd benches && cargo bench`

use criterion::{black_box, criterion_group, criterion_main, Criterion};
use ep_poet::{
	lottery, rules,
	testing::{lottery as test_lottery, SoftMember},
	verify_sealed, verify_with_state,
};
use ep_tpm::{AttestationKey, TimeAttestation};
use sp_application_crypto::Wraps;
use sp_core::{crypto::VrfPublic, H256};

fn certificate(c: &mut Criterion) {
	let member = SoftMember::new(1, 1_000);
	let (lottery, contestant) = (test_lottery(), member.contestant());
	let header = member.draft(&lottery, H256::repeat_byte(0xaa), &contestant, 100_000).seal(&member);
	let verdict = verify_sealed(header.clone(), lottery.genesis).expect("honest");
	let (pre, seal) = (&verdict.unsealed.pre_digest, &verdict.unsealed.seal);
	let key = AttestationKey::parse(&contestant.ak_public).expect("well made");

	let mut group = c.benchmark_group("certificate");
	group.bench_function("without state (rules 1 to 8)", |b| {
		b.iter(|| verify_sealed(black_box(header.clone()), lottery.genesis))
	});
	group.bench_function("with state (rules 9 to 21)", |b| {
		b.iter(|| verify_with_state(black_box(&verdict), &lottery, Some(&contestant)))
	});
	group.bench_function("whole", |b| {
		b.iter(|| {
			let verdict = verify_sealed(black_box(header.clone()), lottery.genesis)?;
			verify_with_state(&verdict, &lottery, Some(&contestant))
		})
	});
	group.bench_function("floor: two TPM signatures, one VRF, one sr25519", |b| {
		b.iter(|| {
			let first = key.verify(black_box(&pre.start.attest), &pre.start.signature);
			let second = key.verify(black_box(&seal.end.attest), &seal.end.signature);
			let vrf = pre.author.as_inner_ref().vrf_verify(&lottery::sign_data(&lottery), &pre.vrf);
			let signed = rules::author_signed(&verdict.unsealed, lottery.genesis);
			(first, second, vrf, signed)
		})
	});
	group.finish();

	let mut group = c.benchmark_group("parts");
	group.bench_function("one attestation parsed", |b| b.iter(|| TimeAttestation::parse(black_box(&seal.end.attest))));
	group.bench_function("attestation key parsed", |b| {
		b.iter(|| AttestationKey::parse(black_box(&contestant.ak_public)))
	});
	group.bench_function("one TPM signature (P-256)", |b| {
		b.iter(|| key.verify(black_box(&seal.end.attest), &seal.end.signature))
	});
	group.bench_function("one VRF", |b| {
		b.iter(|| pre.author.as_inner_ref().vrf_verify(&lottery::sign_data(black_box(&lottery)), &pre.vrf))
	});
	group.bench_function("wait from VRF output", |b| {
		b.iter(|| {
			let x = lottery::uniform(black_box(&lottery), &pre.author, &pre.vrf.pre_output)?;
			Some(lottery::wait(x, lottery.mean, contestant.weight, 200))
		})
	});
	group.bench_function("one draw in integers (-ln u)", |b| {
		b.iter(|| lottery::wait(black_box(0x1234_5678_9abc_def0), lottery.mean, contestant.weight, 200))
	});
	group.finish();
}

criterion_group!(benches, certificate);
criterion_main!(benches);
