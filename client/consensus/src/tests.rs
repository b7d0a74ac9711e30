//! The import side as a whole: honest blocks and forgers against verifier, block import, buffers and fork choice.

mod chain;

use self::chain::{timestamp, wait, Bench, BEGIN};
use crate::{
	held,
	testing::{Block, Header},
};
use ep_poet::{equivocation::Offence, testing::SoftMember};
use sc_client_api::Backend;
use sc_consensus::{
	BlockImport, BlockImportParams as SdkParams, ImportResult, ImportedState, StateAction, StorageChanges,
};
use sp_blockchain::HeaderBackend;
use sp_consensus::BlockOrigin;
use sp_runtime::traits::Header as _;
use std::sync::atomic::Ordering;

fn imported(best: bool) -> ImportResult {
	ImportResult::imported(best)
}

fn two() -> (SoftMember, SoftMember) {
	(SoftMember::new(1, 1_000), SoftMember::new(2, 1_000))
}

#[test]
fn honest_blocks_are_imported_and_weighed() {
	let (alice, bob) = two();
	let bench = Bench::new(&[&alice, &bob]);
	let one = bench.block(&bench.genesis(), &alice, 1_000);
	assert_eq!(bench.receive_in_time(&one), imported(true));
	let next = bench.block(&one, &bob, 1_000);
	assert_eq!(bench.receive_in_time(&next), imported(true));
	let third = bench.block(&next, &alice, 900_000);
	assert_eq!(bench.receive_in_time(&third), imported(true));
	assert_eq!(bench.best(), third.hash());
	assert_eq!(bench.record(&third).unwrap().weight, 3 * 1_500_000);
	assert_eq!(bench.record(&third).unwrap().lateness, Some(0));
	assert_eq!(bench.receive(&third), ImportResult::AlreadyInChain);
	assert!(bench.chain.reports.lock().is_empty());
}

#[test]
fn one_timer_refuses_a_second_wait_begun_before_the_parents_own_ended() {
	let (alice, bob) = two();
	let bench = Bench::new(&[&alice, &bob]);
	let one = bench.block(&bench.genesis(), &alice, 1_000);
	bench.receive_in_time(&one);
	// State does not know yet when alice's wait ended; the parent's seal does.
	let ended = 1_000 + wait(&one);
	let overlapping = bench.block(&one, &alice, ended - 1);
	assert_eq!(bench.receive_in_time(&overlapping), ImportResult::KnownBad);
	assert!(!bench.is_in_chain(&overlapping));
	let honest = bench.block(&one, &alice, ended);
	assert_eq!(bench.receive_in_time(&honest), imported(true));
}

#[test]
fn counters_forward_refuses_a_chip_that_was_cleared_since_the_parent() {
	let (alice, bob) = two();
	let bench = Bench::new(&[&alice, &bob]);
	let one = bench.block(&bench.genesis(), &alice, 1_000);
	bench.receive_in_time(&one);
	let lottery = bench.chain.lottery(&one);
	let cleared = bench.forge(&one, &alice, 900_000, |draft| {
		let nonce = ep_poet::digest::start_nonce(
			lottery.genesis,
			one.hash(),
			lottery.height,
			&draft.pre_digest.author,
			lottery.mean,
			&draft.pre_digest.vrf,
		);
		draft.end.reset_count = 2;
		let start = ep_poet::testing::Statement { time: 900_000, nonce: nonce.to_vec(), ..draft.end.clone() };
		draft.pre_digest.start = alice.chip.get_time(&start);
	});
	assert_eq!(bench.receive_in_time(&cleared), ImportResult::KnownBad);
}

#[test]
fn member_refuses_a_stranger_and_forgets_it() {
	let (alice, bob) = two();
	let bench = Bench::new(&[&alice]);
	let stranger = bench.block(&bench.genesis(), &bob, 1_000);
	assert_eq!(bench.receive_in_time(&stranger), ImportResult::KnownBad);
	// Nor may a stranger's blocks from the future take up room.
	bench.set_clock(BEGIN - 60_000);
	assert_eq!(bench.receive(&stranger), ImportResult::KnownBad);
	assert_eq!(bench.link.waiting(), (0, 0));
}

#[test]
fn waited_drops_the_peer_before_any_state_is_looked_at() {
	let (alice, _) = two();
	let bench = Bench::new(&[&alice]);
	let early = bench.forge(&bench.genesis(), &alice, 1_000, |draft| draft.end.time -= 1);
	bench.set_clock(timestamp(&early));
	let refused = bench.receive_as(&early, BlockOrigin::NetworkBroadcast).unwrap_err();
	assert!(refused.contains("waited"), "{refused}");
}

#[test]
fn inherents_that_the_runtime_refuses_drop_the_peer() {
	let (alice, _) = two();
	let bench = Bench::new(&[&alice]);
	bench.chain.inherents_right.store(false, Ordering::SeqCst);
	let one = bench.block(&bench.genesis(), &alice, 1_000);
	assert_eq!(bench.receive_in_time(&one), ImportResult::KnownBad);
	// Where the block may only be too early for the runtime, it is nobody's fault.
	bench.set_clock(timestamp(&one) - 1);
	assert!(bench.receive_as(&one, BlockOrigin::NetworkInitialSync).is_err());
}

#[test]
fn a_block_from_the_future_is_held_and_imported_when_due() {
	let (alice, bob) = two();
	let bench = Bench::new(&[&alice, &bob]);
	let one = bench.block(&bench.genesis(), &alice, 1_000);
	bench.set_clock(timestamp(&one) - held::early(2_000) - 1);
	assert_eq!(bench.receive(&one), ImportResult::AlreadyInChain);
	assert_eq!(bench.link.waiting(), (1, 0));
	assert!(!bench.is_in_chain(&one));
	// Its child comes before it is due: sync is not sent in circles, and nothing is lost.
	let child = bench.block(&one, &bob, 1_000);
	assert_eq!(bench.receive(&child), ImportResult::AlreadyInChain);
	assert_eq!(bench.link.waiting(), (2, 0));
	assert_eq!(bench.receive(&child), ImportResult::AlreadyInChain);
	assert_eq!(bench.link.waiting(), (2, 0));

	bench.set_clock(timestamp(&child));
	bench.run_held_until(|| bench.is_in_chain(&child));
	assert_eq!(*bench.chain.imported.lock(), [one.hash(), child.hash()]);
	assert_eq!(bench.best(), child.hash());
	assert_eq!(bench.link.waiting(), (0, 0));
	assert!(bench.chain.reports.lock().is_empty());
}

#[test]
fn a_little_ahead_is_not_the_future() {
	let (alice, _) = two();
	let bench = Bench::new(&[&alice]);
	let one = bench.block(&bench.genesis(), &alice, 1_000);
	bench.set_clock(timestamp(&one) - held::early(2_000));
	assert_eq!(bench.receive(&one), imported(true));
}

#[test]
fn our_own_and_synchronised_blocks_are_never_held() {
	let (alice, bob) = two();
	let bench = Bench::new(&[&alice, &bob]);
	let one = bench.block(&bench.genesis(), &alice, 1_000);
	let next = bench.block(&one, &bob, 1_000);
	assert_eq!(bench.receive_as(&one, BlockOrigin::Own), Ok(imported(true)));
	assert_eq!(bench.receive_as(&next, BlockOrigin::NetworkInitialSync), Ok(imported(true)));
}

#[test]
fn a_forged_child_of_a_held_block_takes_no_room() {
	let (alice, bob) = two();
	let stranger = SoftMember::new(3, 1_000);
	let bench = Bench::new(&[&alice, &bob]);
	let one = bench.block(&bench.genesis(), &alice, 1_000);
	bench.set_clock(timestamp(&one) - 60_000);
	bench.receive(&one);
	assert_eq!(bench.receive(&bench.block(&one, &stranger, 1_000)), ImportResult::KnownBad);
	let mean = bench.chain.mean.swap(700_000, Ordering::SeqCst);
	let cheap = bench.block(&one, &bob, 1_000);
	bench.chain.mean.store(mean, Ordering::SeqCst);
	assert_eq!(bench.receive(&cheap), ImportResult::KnownBad, "a mean below half of the chain's");
	assert_eq!(bench.link.waiting(), (1, 0));
}

#[test]
fn forty_siblings_from_one_author_leave_two_and_one_report() {
	let (alice, bob) = two();
	let bench = Bench::new(&[&alice, &bob]);
	let genesis = bench.genesis();
	let siblings: Vec<_> = (0..40u8)
		.map(|n| bench.forge(&genesis, &alice, 1_000, |draft| draft.header.set_extrinsics_root([n; 32].into())))
		.collect();
	for (n, sibling) in siblings.iter().enumerate() {
		let result = bench.receive_in_time(sibling);
		assert_eq!(result == ImportResult::AlreadyInChain, n >= 2, "sibling {n}: {result:?}");
	}
	assert_eq!(siblings.iter().filter(|sibling| bench.is_in_chain(sibling)).count(), 2);
	assert_eq!(bench.link.waiting(), (0, 38));
	let reports = bench.chain.reports.lock();
	assert_eq!(reports.len(), 1);
	let proven =
		ep_poet::equivocation::check(&reports[0], bench.link.genesis(), &alice.chip.ak_public(), &alice.chip.ek_name());
	assert_eq!(proven, Ok(Offence::TwoBlocks));
	drop(reports);

	// Somebody waited on the thirtieth: it is part of a heavier chain now, and comes in with its child.
	let child = bench.block(&siblings[30], &bob, 1_000);
	assert_eq!(bench.receive_in_time(&child), imported(true));
	assert!(bench.is_in_chain(&siblings[30]));
	assert_eq!(bench.best(), child.hash());
	assert_eq!(bench.link.waiting(), (0, 37));
	// On the thirty-first too, but that chain is no heavier: both wait.
	let other = bench.forge(&siblings[31], &bob, 900_000, |_| {});
	assert_eq!(bench.receive_in_time(&other), ImportResult::AlreadyInChain);
	assert!(!bench.is_in_chain(&siblings[31]));
	assert_eq!(bench.link.waiting(), (0, 38));
}

#[test]
fn at_equal_weight_the_smaller_timely_wait_wins_and_a_withheld_one_loses() {
	let (alice, bob) = two();
	let bench = Bench::new(&[&alice, &bob]);
	let genesis = bench.genesis();
	let mut both = [bench.block(&genesis, &alice, 1_000), bench.block(&genesis, &bob, 1_000)];
	both.sort_by_key(wait);
	let [short, long] = both;

	// Each comes when it is due; the later one was withheld from us by the network only for a moment.
	bench.set_clock(BEGIN + wait(&short) + 2_000 / 8);
	assert_eq!(bench.receive(&short), imported(true));
	assert_eq!(bench.receive_in_time(&long), imported(false));

	let bench = Bench::new(&[&alice, &bob]);
	assert_eq!(bench.receive_in_time(&long), imported(true));
	bench.set_clock(BEGIN + wait(&short) + 2_000 / 8 + 1);
	assert_eq!(bench.receive(&short), imported(false), "released too late");

	let bench = Bench::new(&[&alice, &bob]);
	assert_eq!(bench.receive_in_time(&long), imported(true));
	bench.set_clock(BEGIN + wait(&short) + 2_000 / 8);
	assert_eq!(bench.receive(&short), imported(true), "late, but in time");
}

#[test]
fn a_heavier_chain_wins_however_late() {
	let (alice, bob) = two();
	let bench = Bench::new(&[&alice, &bob]);
	let genesis = bench.genesis();
	let (left, right) = (bench.block(&genesis, &alice, 1_000), bench.block(&genesis, &bob, 1_000));
	bench.receive_in_time(&left);
	let child = bench.block(&right, &alice, 900_000);
	bench.set_clock(timestamp(&child) + 3_600_000);
	assert_eq!(bench.receive(&right), imported(false));
	assert_eq!(bench.receive(&child), imported(true));
	assert_eq!(bench.best(), child.hash());
}

#[test]
fn after_finality_on_a_side_fork_blocks_on_it_are_best() {
	let (alice, bob) = two();
	let bench = Bench::new(&[&alice, &bob]);
	let genesis = bench.genesis();
	let (left, right) = (bench.block(&genesis, &alice, 1_000), bench.block(&genesis, &bob, 1_000));
	assert_eq!(bench.receive_in_time(&left), imported(true));
	let on_left = bench.block(&left, &bob, 900_000);
	assert_eq!(bench.receive_in_time(&on_left), imported(true));
	bench.receive_in_time(&right);
	bench.chain.backend.finalize_block(right.hash(), None).unwrap();
	assert_eq!(bench.best(), right.hash());
	let on_right = bench.block(&right, &alice, 900_000);
	let params = bench.receive_in_time(&on_right);
	assert_eq!(params, imported(true));
	assert_eq!(bench.best(), on_right.hash());
}

#[test]
fn a_block_whose_parents_state_is_gone_is_not_imported_and_drops_nobody() {
	let (alice, bob) = two();
	let bench = Bench::new(&[&alice, &bob]);
	let one = bench.block(&bench.genesis(), &alice, 1_000);
	bench.receive_in_time(&one);
	bench.chain.pruned.lock().push(one.hash());
	assert_eq!(bench.receive_in_time(&bench.block(&one, &bob, 1_000)), ImportResult::MissingState);
}

#[test]
fn headers_ahead_of_a_state_weigh_next_to_nothing_and_are_marked() {
	let (alice, bob) = two();
	let bench = Bench::new(&[&alice]);
	let one = bench.block(&bench.genesis(), &alice, 1_000);
	// Nobody can say whether bob is a member.
	let next = bench.block(&one, &bob, 1_000);
	for (header, weight) in [(&one, 1), (&next, 2)] {
		let mut params = SdkParams::new(BlockOrigin::NetworkInitialSync, header.clone());
		params.state_action = StateAction::Skip;
		let params = crate::PoetVerifier::new(bench.link.clone()).prepare(params).unwrap();
		let result = futures::executor::block_on(bench.import.import_block(params)).unwrap();
		assert_eq!(result, imported(true));
		let record = bench.record(header).unwrap();
		assert_eq!((record.weight, record.executed), (weight, false));
	}
	// One verified block outweighs them.
	let verified = bench.forge(&bench.genesis(), &alice, 1_000, |draft| {
		draft.header.set_extrinsics_root([7; 32].into());
	});
	assert_eq!(bench.receive_in_time(&verified), imported(true));
}

#[test]
fn headers_of_a_warp_proof_pass_and_never_compete() {
	let (alice, bob) = two();
	let bench = Bench::new(&[]);
	let one = bench.block(&bench.genesis(), &alice, 1_000);
	let other = bench.forge(&bench.genesis(), &alice, 1_000, |draft| draft.header.set_extrinsics_root([7; 32].into()));
	// The last header of a proof is kept back: it may be the parent of the block that comes with a state.
	for (header, one_is_in) in [(&one, false), (&other, true)] {
		let params = SdkParams::new(BlockOrigin::WarpSync, header.clone());
		let result = futures::executor::block_on(bench.import.import_block(params)).unwrap();
		assert_eq!(result, imported(false));
		assert_eq!(bench.is_in_chain(&one), one_is_in);
		assert!(!bench.is_in_chain(&other));
	}
	assert_eq!(bench.record(&one), None);
	assert_eq!(bench.best(), bench.link.genesis());
	// Weights above it count from what its header claims, since it is not final.
	bench.chain.members.lock().insert(bob.id(), bob.contestant());
	let next = bench.block(&one, &bob, 1_000);
	assert_eq!(bench.receive_in_time(&next), imported(true));
	assert_eq!(bench.record(&next).unwrap().weight, 2 * 1_500_000);
}

/// A block that comes with its state, above headers of a warp proof.
fn receive_with_state(bench: &Bench, proof: &[&Header], header: &Header) -> ImportResult {
	let import = |params| futures::executor::block_on(bench.import.import_block(params)).unwrap();
	for header in proof {
		assert_eq!(import(SdkParams::new(BlockOrigin::WarpSync, (*header).clone())), imported(false));
	}
	let mut params = SdkParams::new(BlockOrigin::NetworkInitialSync, header.clone());
	let state = ImportedState { block: header.hash(), state: sp_state_machine::KeyValueStates(Vec::new()) };
	params.state_action = StateAction::ApplyChanges(StorageChanges::Import(state));
	let params = crate::PoetVerifier::new(bench.link.clone()).prepare(params).unwrap();
	import(params)
}

#[test]
fn the_proof_header_kept_back_is_dropped_when_the_state_is_its_childs() {
	let (alice, bob) = two();
	let bench = Bench::new(&[]);
	let one = bench.block(&bench.genesis(), &alice, 1_000);
	let two = bench.block(&one, &bob, 1_000);
	let three = bench.block(&two, &alice, 900_000);
	// In the database it would be a parent without ancestors, and the way from genesis to the state's block is looked
	// for: its import would fail, now and for ever.
	assert_eq!(receive_with_state(&bench, &[&two], &three), imported(true));
	assert!(!bench.is_in_chain(&two));
	assert_eq!(*bench.chain.imported.lock(), [three.hash()]);
	assert_eq!((bench.best(), bench.record(&three).unwrap().weight), (three.hash(), 0));
	assert!(bench.link.0.proof_header.lock().is_none());
	// What comes next is built on the state, and weighed from it.
	bench.chain.members.lock().insert(bob.id(), bob.contestant());
	let four = bench.block(&three, &bob, 900_000);
	assert_eq!(bench.receive_in_time(&four), imported(true));
	assert_eq!(bench.record(&four).unwrap().weight, 1_500_000);
}

#[test]
fn the_proof_header_kept_back_is_imported_when_the_state_is_not_its_childs() {
	let (alice, bob) = two();
	let bench = Bench::new(&[]);
	let one = bench.block(&bench.genesis(), &alice, 1_000);
	let two = bench.block(&one, &bob, 1_000);
	let three = bench.block(&two, &alice, 900_000);
	assert_eq!(receive_with_state(&bench, &[&one], &three), imported(true));
	assert_eq!(*bench.chain.imported.lock(), [one.hash(), three.hash()]);
	assert_eq!((bench.best(), bench.record(&one)), (three.hash(), None));
	assert!(bench.link.0.proof_header.lock().is_none());
}

#[test]
fn two_timers_on_two_forks_are_reported_and_an_honest_reorganisation_is_not() {
	let (alice, bob) = two();
	let bench = Bench::new(&[&alice, &bob]);
	let genesis = bench.genesis();
	let left = bench.block(&genesis, &alice, 1_000);
	bench.receive_in_time(&left);
	let right = bench.block(&genesis, &bob, 1_000);
	bench.receive_in_time(&right);
	let on_left = bench.block(&left, &bob, 100_000);
	bench.receive_in_time(&on_left);
	// Bob waits on the other chain afterwards: honest.
	let after = 100_000 + wait(&on_left);
	let on_right = bench.block(&right, &bob, after);
	bench.receive_in_time(&on_right);
	assert!(bench.chain.reports.lock().is_empty());
	// Alice waits on both at once.
	let two_at_once = [bench.block(&on_left, &alice, 200_000), bench.block(&on_right, &alice, 200_001)];
	for block in &two_at_once {
		assert!(matches!(bench.receive_in_time(block), ImportResult::Imported(_)));
	}
	let reports = bench.chain.reports.lock();
	assert_eq!(reports.len(), 1);
	assert_eq!(reports[0].author, alice.id());
}

#[test]
fn a_block_handed_in_without_the_verifier_is_verified_all_the_same() {
	let (alice, _) = two();
	let bench = Bench::new(&[&alice]);
	let mut forged = bench.forge(&bench.genesis(), &alice, 1_000, |draft| draft.end.time -= 1);
	let seal = forged.digest_mut().pop().unwrap();
	let mut params = SdkParams::<Block>::new(BlockOrigin::Own, forged);
	params.post_digests.push(seal);
	let result = futures::executor::block_on(bench.import.import_block(params)).unwrap();
	assert_eq!(result, ImportResult::KnownBad);
}

#[test]
fn a_restart_keeps_weights_and_tip() {
	let (alice, bob) = two();
	let bench = Bench::new(&[&alice, &bob]);
	let one = bench.block(&bench.genesis(), &alice, 1_000);
	bench.receive_in_time(&one);
	// All that the engine knows of forks is in the database: another select chain over it answers the same.
	let again = crate::PoetSelectChain::<Block, _>::new(bench.chain.backend.clone());
	assert_eq!(again.best_hash().unwrap(), one.hash());
	assert_eq!(bench.chain.backend.blockchain().info().best_hash, one.hash());
}
