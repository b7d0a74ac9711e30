//! The worker over a chain, a chip and a disk that misbehave. Import checks every block against all rules, that its
//! record was on disk before, and that it was not early (`bench`).

#[path = "../../../../primitives/tpm/tests/common/skipped.rs"]
mod skipped;

use std::{collections::HashSet, sync::atomic::Ordering};

use super::{bench::Bench, *};
use ep_poet::{evidence::Claims, testing::SoftChip, MemberInfo};

/// What was ever handed to import is one block a parent.
fn assert_one_block_a_parent(bench: &Bench) {
	let attempts = bench.world.attempts.lock();
	let parents: HashSet<_> = attempts.iter().map(|entry| entry.parent).collect();
	let hashes: HashSet<_> = attempts.iter().map(|entry| entry.hash).collect();
	assert_eq!(parents.len(), hashes.len(), "two blocks on one parent: {attempts:?}");
}

#[test]
fn blocks_follow_each_other_and_pass_every_rule() {
	let mut bench = Bench::new().start();
	bench.until_height(10);
	bench.stop();
	assert_one_block_a_parent(&bench);
	let status = bench.status.read();
	assert!(status.sealed >= 10 && status.taken == 0, "{status:?}");
	assert_eq!(status.author, Some(bench.author.clone()));
	// A1, A2, and now and then a second A2 because the chip was a millisecond short.
	let (asked, sealed) = (bench.world.chip.lock().nonces.len(), bench.world.attempts.lock().len());
	assert!(asked < 3 * sealed, "{asked} questions for {sealed} blocks");
}

#[test]
fn a_block_by_another_drops_the_wait() {
	let bench = Bench::new();
	bench.world.parameters.lock().minimum_wait = 400;
	let mut bench = bench.start();
	let genesis = bench.world.genesis;
	bench.until_state("waiting");
	let other = bench.world.foreign(genesis, 9);
	bench.until_height(2);
	bench.stop();
	let attempts = bench.world.attempts.lock();
	assert!(attempts.iter().all(|entry| entry.parent != genesis), "nothing was sealed on the old parent");
	assert_eq!(attempts.first().map(|entry| entry.parent), Some(other));
	assert_eq!(bench.status.read().taken, 1);
	// A1 on genesis, A1 and A2 on the other's block.
	assert!(bench.world.chip.lock().nonces.len() >= 3);
}

#[test]
fn a_block_by_another_ends_proposing_and_sealing() {
	let bench = Bench::new();
	*bench.world.proposing.lock() = Duration::from_millis(500);
	let mut bench = bench.start();
	let genesis = bench.world.genesis;
	bench.until_state("proposing");
	let other = bench.world.foreign(genesis, 9);
	*bench.world.proposing.lock() = Duration::ZERO;
	bench.until_height(2);
	// While the chip is at work on A2.
	bench.world.chip.lock().slow = Duration::from_millis(300);
	bench.until_state("beginning");
	bench.until_state("sealing");
	let best = bench.world.best().hash();
	bench.world.foreign(best, 10);
	bench.world.chip.lock().slow = Duration::ZERO;
	let height = *bench.world.best().number();
	bench.until_height(height + 1);
	bench.stop();
	let attempts = bench.world.attempts.lock();
	assert_eq!(attempts.first().map(|entry| entry.parent), Some(other));
	assert!(attempts.iter().all(|entry| entry.parent != genesis && entry.parent != best), "{attempts:?}");
	assert_eq!(bench.status.read().taken, 2);
}

#[test]
fn a_block_dated_ahead_is_held_until_this_clock_is_there() {
	let bench = Bench::new();
	// The chain is a little ahead of us: the earliest timestamp lies 1.5 s in the future. Import checks the rest.
	*bench.world.ahead.lock() = unix_millis() + 1_500;
	let mut bench = bench.start();
	bench.until_state("clockBehind");
	bench.until_height(1);
	bench.stop();
}

#[test]
fn a_failed_import_is_tried_again_with_the_same_block() {
	let bench = Bench::new();
	bench.world.failures.store(2, Ordering::SeqCst);
	let mut bench = bench.start();
	bench.until_state("importFailed");
	bench.until_height(2);
	bench.stop();
	let attempts = bench.world.attempts.lock();
	assert!(attempts.len() >= 4 && attempts[0] == attempts[1] && attempts[1] == attempts[2], "{attempts:?}");
	drop(attempts);
	assert_one_block_a_parent(&bench);
}

#[test]
fn after_a_crash_the_recorded_block_is_imported_and_no_other_sealed() {
	let bench = Bench::new();
	bench.world.failures.store(1, Ordering::SeqCst);
	let mut bench = bench.start();
	bench.until_state("importFailed");
	bench.stop();
	assert_eq!(*bench.world.best().number(), 0);
	let sealed = bench.world.attempts.lock()[0];
	let mut bench = bench.start();
	bench.until_height(2);
	bench.stop();
	assert_eq!(bench.world.attempts.lock()[1], sealed);
	assert_one_block_a_parent(&bench);
}

#[test]
fn after_a_crash_the_recorded_block_is_imported_even_if_the_chain_went_on() {
	let bench = Bench::new();
	bench.world.failures.store(1, Ordering::SeqCst);
	let mut bench = bench.start();
	bench.until_state("importFailed");
	bench.stop();
	let sealed = bench.world.attempts.lock()[0];
	bench.world.foreign(bench.world.genesis, 9);
	let mut bench = bench.start();
	bench.until("the recorded block", |world| world.attempts.lock().len() > 1);
	bench.stop();
	assert_eq!(bench.world.attempts.lock()[1], sealed);
}

#[test]
fn after_a_crash_all_recorded_blocks_that_the_database_lost_are_imported_in_order() {
	let mut bench = Bench::new().start();
	bench.until_height(4);
	bench.stop();
	let sealed = bench.world.attempts.lock().clone();
	bench.loses_its_database();
	assert_eq!(*bench.world.best().number(), 0);
	let mut bench = bench.start();
	bench.until_height(sealed.len() as u32 + 1);
	bench.stop();
	assert_eq!(bench.world.attempts.lock()[sealed.len()..][..sealed.len()], sealed);
	assert_one_block_a_parent(&bench);
}

#[test]
fn without_a_record_sealing_on_the_same_parent_is_allowed() {
	let mut bench = Bench::new().start();
	bench.until_state("waiting");
	bench.stop();
	let mut bench = bench.start();
	bench.until_height(1);
	bench.stop();
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_recorded_is_not_published_until_it_can() {
	let bench = Bench::new();
	bench.world.parameters.lock().minimum_wait = 300;
	let mut bench = bench.start();
	bench.until_state("waiting");
	let mut temporary = bench.world.record.clone().into_os_string();
	temporary.push(".tmp");
	std::os::unix::fs::symlink("/dev/full", temporary).expect("a link");
	bench.until_state("recordUnwritable");
	assert!(bench.world.attempts.lock().is_empty());
	assert!(bench.status.read().state.to_string().contains("No space left on device"));
	let asked = bench.world.chip.lock().nonces.len();
	bench.until_height(1);
	// The sealed block was kept: at most the next wait has begun.
	assert!(bench.world.chip.lock().nonces.len() <= asked + 1);
	bench.stop();
	assert_one_block_a_parent(&bench);
}

#[test]
fn a_chip_that_vanishes_is_said_once_and_used_again_when_it_is_back() {
	let mut bench = Bench::new().start();
	bench.until_height(1);
	bench.world.chip.lock().gone = true;
	bench.until_state("chipGone");
	let height = *bench.world.best().number();
	std::thread::sleep(Duration::from_millis(200));
	assert_eq!(*bench.world.best().number(), height);
	bench.world.chip.lock().gone = false;
	bench.until_height(height + 1);
	bench.stop();
}

#[test]
fn a_chip_reset_during_the_wait_begins_a_new_one() {
	let bench = Bench::new();
	bench.world.parameters.lock().minimum_wait = 300;
	let mut bench = bench.start();
	bench.until_state("waiting");
	bench.world.chip.lock().resets += 1;
	bench.until_state("waitSpoiled");
	assert!(bench.status.read().state.to_string().contains("reset"));
	bench.until_height(1);
	bench.stop();
}

#[test]
fn a_slow_chip_waits_longer_and_still_seals() {
	let bench = Bench::new();
	bench.world.chip.lock().speed = 850;
	let mut bench = bench.start();
	bench.until_height(15);
	bench.stop();
	// The speed is learnt, so that A2 is not asked for again and again: two questions a block, and a few.
	let (asked, sealed) = (bench.world.chip.lock().nonces.len(), bench.world.attempts.lock().len());
	assert!(asked < 4 * sealed, "{asked} questions for {sealed} blocks");
}

#[test]
fn another_chip_than_the_members_is_noticed_before_the_wait() {
	let bench = Bench::new();
	bench.world.chip.lock().soft = SoftChip::new(2);
	let mut bench = bench.start();
	bench.until_state("wrongChip");
	bench.stop();
	assert!(bench.world.attempts.lock().is_empty());
}

#[test]
fn catching_up_rests_and_ends_without_a_notification() {
	let bench = Bench::new();
	bench.world.syncing.store(true, Ordering::SeqCst);
	let mut bench = bench.start();
	bench.until_state("syncing");
	std::thread::sleep(Duration::from_millis(200));
	assert!(bench.world.chip.lock().nonces.is_empty());
	bench.world.syncing.store(false, Ordering::SeqCst);
	bench.until_height(1);
	bench.stop();
}

#[test]
fn without_peers_only_a_sole_member_goes_on() {
	let bench = Bench::new();
	bench.world.offline.store(true, Ordering::SeqCst);
	let mut bench = bench.start();
	bench.until_state("offline");
	let me = MemberInfo { author: bench.author.clone(), weight: 1_000, rate: 1_000_000, claims: Claims::default() };
	bench.world.members.lock().push(me);
	bench.until_height(1);
	bench.stop();
}

#[test]
fn who_does_not_take_part_is_told_why() {
	let bench = Bench::new();
	let contestant = bench.world.contestant.lock().take();
	let mut bench = bench.start();
	bench.until_state("notAMember");
	bench.stop();

	let me = MemberInfo { author: bench.author.clone(), weight: 0, rate: 1_000_000, claims: Claims::default() };
	bench.world.members.lock().push(me);
	let mut bench = bench.start();
	bench.until_state("notInThisEpoch");
	bench.stop();

	*bench.world.contestant.lock() = contestant.map(|c| ep_poet::Contestant { rate: 1_180_001, ..c });
	let mut bench = bench.start();
	bench.until_state("rateTooHigh");
	bench.stop();

	bench.keystore = Default::default();
	let mut bench = bench.start();
	bench.until_state("noKey");
	bench.stop();
	assert!(bench.world.chip.lock().nonces.is_empty());
}

#[test]
fn a_clock_far_behind_the_chains_is_said() {
	let bench = Bench::new();
	*bench.world.ahead.lock() = unix_millis() + 60_000;
	let mut bench = bench.start();
	bench.until_state("clockBehind");
	bench.stop();
	assert!(bench.world.attempts.lock().is_empty());
}

#[test]
fn an_outlived_start_is_replaced_by_a_fresh_one() {
	let bench = Bench::new();
	bench.world.parameters.lock().minimum_wait = 300;
	let mut bench = bench.start();
	bench.until_state("waiting");
	// The chip counts on while the node stands still: as after SIGSTOP.
	bench.world.chip.lock().speed = 1_000_000;
	bench.until_state("waitSpoiled");
	assert!(bench.status.read().state.to_string().contains("more than a start is good for"));
	let asked = bench.world.chip.lock().nonces.len();
	{
		let mut chip = bench.world.chip.lock();
		(chip.speed, chip.resets) = (1_000, 9);
	}
	bench.until_height(1);
	bench.stop();
	assert!(bench.world.chip.lock().nonces.len() >= asked + 2);
}

/// With a real TPM 2.0 in software, where there is one to be had.
#[test]
fn a_swtpm_seals_blocks_and_is_waited_for_when_it_is_killed() {
	if std::process::Command::new("swtpm").arg("--version").output().is_err() {
		skipped::skipped("swtpm is not installed");
		return;
	}
	let folder = tempfile::tempdir().expect("a folder");
	let config = ec_tpm::TpmConfig::managed(folder.path());
	let tpm = ec_tpm::TpmHandle::start(config, folder.path()).expect("swtpm starts");
	let bench = Bench::new();
	if let Some(contestant) = bench.world.contestant.lock().as_mut() {
		contestant.ak_public = tpm.identity().ak_public.clone().try_into().expect("within the bounds");
		contestant.ek_name = ep_tpm::Name::from_bytes(&tpm.identity().ek_name).expect("a name");
	}
	let mut bench = bench.start_with(tpm.clone());
	bench.until_height(5);
	// Killed in the middle of it; its owner starts it again, with a reset count of one more.
	let process = tpm.process().expect("it is managed");
	let killed = std::process::Command::new("kill").args(["-9", &process.to_string()]).status();
	assert!(killed.is_ok_and(|status| status.success()));
	let height = *bench.world.best().number();
	bench.until_height(height + 5);
	bench.stop();
	assert_one_block_a_parent(&bench);
}
