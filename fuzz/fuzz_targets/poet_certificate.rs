//! A member that lies about everything it signs: whatever its chip and its key put under a block, what the rules accept
//! obeys them.
#![no_main]

use arbitrary::Arbitrary;
use ep_poet::{
	digest::Attestation,
	interval::Interval,
	rate,
	rules::earliest_timestamp,
	testing::{lottery, SoftChip, SoftMember, Statement},
	verify_sealed, verify_with_state,
};
use libfuzzer_sys::fuzz_target;
use sp_core::H256;

/// What the forger changes, each by what it adds.
#[derive(Arbitrary, Debug)]
struct Forgery {
	start: u32,
	epoch: u8,
	mean: i8,
	weight: i8,
	rate: i16,
	wait: i16,
	timestamp: i32,
	end: i32,
	clock: u64,
	reset: u8,
	restart: u8,
	other_parent: bool,
	other_chip: bool,
	state_rate: u32,
	last: Option<(u8, u8, u32, u32)>,
	/// Bytes of A1 and A2 that are flipped after signing: (position, mask).
	flips: Vec<(u16, u8)>,
}

fn add(value: &mut u64, by: i64) {
	*value = value.saturating_add_signed(by);
}

fuzz_target!(|forgery: Forgery| {
	let member = SoftMember::new(1, 1_000);
	let lottery = lottery();
	let mut contestant = member.contestant();
	contestant.rate = rate::ONE + forgery.state_rate % 300_000;
	contestant.last = forgery.last.map(|(reset, restart, start, length)| Interval {
		reset_count: reset.into(),
		restart_count: restart.into(),
		start: start.into(),
		end: u64::from(start) + u64::from(length),
	});
	let parent = H256::repeat_byte(0xaa);
	let mut draft = member.draft(&lottery, parent, &contestant, forgery.start.into());
	let honest_wait = draft.pre_digest.claim.wait;

	let claim = &mut draft.pre_digest.claim;
	claim.epoch = claim.epoch.wrapping_add(forgery.epoch.into());
	add(&mut claim.mean, forgery.mean.into());
	add(&mut claim.weight, forgery.weight.into());
	claim.rate = claim.rate.saturating_add_signed(forgery.rate.into());
	add(&mut claim.wait, forgery.wait.into());
	add(&mut draft.pre_digest.timestamp, forgery.timestamp.into());
	if forgery.other_parent {
		draft.header.parent_hash = H256::repeat_byte(0xbb);
	}
	add(&mut draft.end.time, forgery.end.into());
	draft.end.clock = forgery.clock;
	draft.end.reset_count += u32::from(forgery.reset);
	draft.end.restart_count += u32::from(forgery.restart);

	let chip = if forgery.other_chip { SoftChip::new(9) } else { member.chip.clone() };
	let mut end = draft.attest_end(&chip);
	let mut flipped = false;
	for (at, mask) in &forgery.flips {
		let at = usize::from(*at) % (end.attest.len() + end.signature.len());
		let byte = match at.checked_sub(end.attest.len()) {
			Some(at) => &mut end.signature[at],
			None => &mut end.attest[at],
		};
		*byte ^= mask;
		flipped |= *mask != 0;
	}
	let end: Attestation = end;
	let Ok(verdict) = verify_sealed(draft.seal_with(&member, end), lottery.genesis) else { return };
	let Ok(()) = verify_with_state(&verdict, &lottery, Some(&contestant)) else { return };

	let claim = &verdict.unsealed.pre_digest.claim;
	assert_eq!((claim.epoch, claim.mean, claim.weight), (lottery.epoch, lottery.mean, contestant.weight));
	assert_eq!((claim.rate, claim.wait), (contestant.rate, honest_wait));
	assert!(contestant.rate <= rate::BOUND);
	let needed = rate::chip_wait(honest_wait, contestant.rate);
	assert!(verdict.interval.length() >= needed);
	assert!(verdict.interval.length() <= needed + lottery.parameters.max_slack);
	assert!(verdict.unsealed.pre_digest.timestamp >= earliest_timestamp(lottery.parent_timestamp, honest_wait));
	assert!((forgery.reset, forgery.restart) == (0, 0) && !forgery.other_parent && !forgery.other_chip);
	if let Some(last) = contestant.last {
		assert!(!verdict.interval.overlaps(&last));
		assert!(verdict.interval.cycle() >= last.cycle());
	}
	// Flips may cancel out; otherwise a signature would have to hold over other bytes.
	if flipped {
		let honest: Statement = draft.end.clone();
		assert_eq!(verdict.end.time, honest.time);
	}
});
