//! Forgers of the rules that need the parent's state.

use super::*;

// member

#[test]
fn member_refuses_a_stranger() {
	let world = world();
	let verdict = world.sealed(world.draft().seal(&world.member)).unwrap();
	assert_eq!(verify_with_state(&verdict, &world.lottery, None), Err(Refusal::Member));
}

// 9. to 12.

#[test]
fn claim_epoch_refuses_another_epoch() {
	let mut world = world();
	let draft = world.draft();
	world.lottery.epoch += 1;
	assert_eq!(world.judge(&draft), Err(Refusal::ClaimEpoch { claimed: 4, actual: 5 }));
}

#[test]
fn claim_mean_refuses_a_mean_that_is_not_the_chains() {
	let mut world = world();
	let draft = world.draft();
	world.lottery.mean += 1;
	assert_eq!(world.judge(&draft), Err(Refusal::ClaimMean { claimed: 1_500_000, actual: 1_500_001 }));
}

#[test]
fn claim_weight_refuses_a_heavier_author() {
	let mut world = world();
	world.contestant.weight = 2_000;
	let draft = world.draft();
	world.contestant.weight = 1_000;
	assert_eq!(world.judge(&draft), Err(Refusal::ClaimWeight { claimed: 2_000, actual: 1_000 }));
}

#[test]
fn claim_rate_refuses_a_fast_chip_that_hides_it() {
	let mut world = world();
	let draft = world.draft();
	world.contestant.rate = 1_100_000;
	assert_eq!(world.judge(&draft), Err(Refusal::ClaimRate { claimed: 1_000_000, actual: 1_100_000 }));
}

// 13. rate-bound

#[test]
fn rate_bound_refuses_a_clock_above_the_bound() {
	let mut world = world();
	world.contestant.rate = rate::BOUND;
	assert_eq!(world.judge(&world.draft()), Ok(()));
	world.contestant.rate = rate::BOUND + 1;
	assert_eq!(world.judge(&world.draft()), Err(Refusal::RateBound(1_180_001)));
}

// 14. draw

#[test]
fn draw_refuses_another_epochs_randomness() {
	let mut world = world();
	let draft = world.draft();
	world.lottery.randomness = [1; 32];
	assert_eq!(world.judge(&draft), Err(Refusal::Draw));
}

#[test]
fn draw_refuses_a_vrf_by_another_key() {
	let mut world = world();
	let honest = world.member.clone();
	world.member.pair = SoftMember::new(2, 1).pair;
	let mut draft = world.draft();
	world.member = honest;
	draft.pre_digest.author = world.member.id();
	world.restart(&mut draft, &world.member.chip, |_| ());
	assert_eq!(world.judge(&draft), Err(Refusal::Draw));
}

// 15. claim-wait

#[test]
fn claim_wait_refuses_a_shorter_wait_than_drawn() {
	let world = world();
	let mut draft = world.draft();
	let actual = draft.pre_digest.claim.wait;
	draft.pre_digest.claim.wait -= 1;
	assert_eq!(world.judge(&draft), Err(Refusal::ClaimWait { claimed: actual - 1, actual }));
}

// 16. fresh-start

#[test]
fn fresh_start_refuses_a_hoarded_start() {
	let world = world();
	let mut draft = world.draft();
	draft.end.time += 20_000;
	assert_eq!(world.judge(&draft), Ok(()));
	draft.end.time += 1;
	let allowed = draft.pre_digest.claim.wait + 20_000;
	assert_eq!(world.judge(&draft), Err(Refusal::FreshStart { counted: allowed + 1, allowed }));
}

// 17. chip

#[test]
fn chip_refuses_attestations_signed_by_another_key() {
	// Another chip's key signs what names the member's chip as signer.
	let world = world();
	let other = SoftChip::new(9);
	let mut draft = world.draft();
	let attest = draft.pre_digest.start.attest.to_vec();
	draft.pre_digest.start = Attestation::new(attest.clone(), other.sign(&attest)).unwrap();
	assert_eq!(world.judge(&draft), Err(Refusal::StartChip(ep_tpm::Error::BadSignature)));

	let draft = world.draft();
	let attest = draft.attest_end(&world.member.chip).attest.to_vec();
	let header = draft.seal_with(&world.member, Attestation::new(attest.clone(), other.sign(&attest)).unwrap());
	let verdict = world.sealed(header).unwrap();
	let refusal = verify_with_state(&verdict, &world.lottery, Some(&world.contestant));
	assert_eq!(refusal, Err(Refusal::EndChip(ep_tpm::Error::BadSignature)));
}

#[test]
fn chip_refuses_a_high_s_even_from_the_author() {
	let world = world();
	let draft = world.draft();
	let mut end = draft.attest_end(&world.member.chip);
	end.signature = malleate(&end.signature).try_into().unwrap();
	let verdict = world.sealed(draft.seal_with(&world.member, end)).unwrap();
	let refusal = verify_with_state(&verdict, &world.lottery, Some(&world.contestant));
	assert_eq!(refusal, Err(Refusal::EndChip(ep_tpm::Error::HighS)));
}

#[test]
fn chip_refuses_another_scheme_or_hash_than_the_keys() {
	let world = world();
	// RSASSA over an ECC key; SHA-384 over a SHA-256 key.
	for (at, bytes, why) in
		[(0, [0x00, 0x14], ep_tpm::Error::SignatureScheme), (2, [0x00, 0x0c], ep_tpm::Error::SignatureHash)]
	{
		let mut draft = world.draft();
		draft.pre_digest.start.signature[at..at + 2].copy_from_slice(&bytes);
		match world.judge(&draft) {
			Err(Refusal::StartChip(error)) => assert!(
				error == why || error == ep_tpm::Error::Truncated || error == ep_tpm::Error::TrailingBytes,
				"{error:?}"
			),
			other => panic!("{other:?}"),
		}
	}
}

// 18. chip-of-member

#[test]
fn chip_of_member_refuses_a_key_under_another_endorsement_key() {
	let mut world = world();
	let draft = world.draft();
	world.contestant.ek_name = SoftChip::new(9).ek_name();
	assert_eq!(world.judge(&draft), Err(Refusal::ChipOfMember));
}

#[test]
fn a_bad_record_is_the_chains_fault() {
	let mut world = world();
	let draft = world.draft();
	world.contestant.ak_public = vec![1, 2, 3].try_into().unwrap();
	assert!(matches!(world.judge(&draft), Err(Refusal::BadRecord(_))));
}

// 19. and 20.

#[test]
fn one_timer_refuses_a_wait_that_begins_before_the_last_one_ended() {
	let mut world = world();
	let draft = world.draft();
	world.contestant.last = Some(Interval { reset_count: 3, restart_count: 1, start: 1, end: START });
	assert_eq!(world.judge(&draft), Ok(()));
	world.contestant.last = Some(Interval { reset_count: 3, restart_count: 1, start: 1, end: START + 1 });
	assert_eq!(world.judge(&draft), Err(Refusal::OneTimer));
}

#[test]
fn one_timer_takes_an_honest_reboot() {
	let mut world = world();
	let draft = world.draft();
	world.contestant.last = Some(Interval { reset_count: 2, restart_count: 7, start: 1, end: START * 100 });
	assert_eq!(world.judge(&draft), Ok(()));
}

#[test]
fn counters_forward_refuses_a_cleared_chip() {
	let mut world = world();
	let draft = world.draft();
	world.contestant.last = Some(Interval { reset_count: 4, restart_count: 0, start: 1, end: 2 });
	assert_eq!(world.judge(&draft), Err(Refusal::CountersForward));
}

// 21. clock

#[test]
fn clock_refuses_a_timestamp_before_nine_tenths_of_the_wait() {
	let world = world();
	let mut draft = world.draft();
	let earliest = earliest_timestamp(world.lottery.parent_timestamp, draft.pre_digest.claim.wait);
	draft.pre_digest.timestamp = earliest;
	assert_eq!(world.judge(&draft), Ok(()));
	draft.pre_digest.timestamp = earliest - 1;
	assert_eq!(world.judge(&draft), Err(Refusal::Clock { timestamp: earliest - 1, earliest }));
}
