//! Sessions, and the books of GRANDPA.

use frame_support::{assert_ok, traits::Hooks};
use pallet_grandpa::{CurrentSetId, SetIdSession, Stalled};

use crate::{mock::*, *};

#[test]
fn the_first_voters_are_weighted() {
	on_chain(|| {
		assert_eq!(voters(), [(1, 1_000), (2, 2_000), (3, 3_000)]);
		assert_eq!(Session::validators(), [1, 2, 3]);
		assert_eq!((CurrentSetId::<Test>::get(), SetIdSession::<Test>::get(0)), (0, Some(0)));
	});
}

#[test]
fn sessions_without_change_announce_none() {
	on_chain(|| {
		go_to_epoch(4);
		assert_eq!(Session::current_index(), 4);
		assert_eq!(voters(), [(1, 1_000), (2, 2_000), (3, 3_000)]);
		assert_eq!((CurrentSetId::<Test>::get(), SetIdSession::<Test>::get(0)), (0, Some(4)));
		assert!(Grandpa::pending_change().is_none());
	});
}

#[test]
fn a_weight_alone_changes_the_voters() {
	on_chain(|| {
		assert_ok!(Trust::set_weight(RuntimeOrigin::root(), 3, 3_500));
		go_to_epoch(1);
		assert_eq!(voters(), [(1, 1_000), (2, 2_000), (3, 3_000)]);
		go_to_epoch(2);
		assert_eq!(voters(), [(1, 1_000), (2, 2_000), (3, 3_500)]);
		assert_eq!((CurrentSetId::<Test>::get(), SetIdSession::<Test>::get(1)), (1, Some(2)));
		assert_eq!(SetIdSession::<Test>::get(0), Some(1));
		// A light client learns of it by the digest.
		let logs = System::digest().logs;
		assert!(logs.iter().any(|item| item.as_consensus().is_some_and(|(id, _)| id == *b"FRNK")), "{logs:?}");
	});
}

#[test]
fn a_large_change_takes_several_sessions_each_a_quarter() {
	on_chain(|| {
		assert_ok!(Trust::set_weight(RuntimeOrigin::root(), 1, 10_000));
		let mut last = 6_000;
		for epoch in 2..9 {
			go_to_epoch(epoch);
			let now: u64 = voters().iter().map(|voter| voter.1).sum();
			assert!(now - last <= last / 4);
			last = now;
		}
		assert_eq!(voters(), [(1, 10_000), (2, 2_000), (3, 3_000)]);
		// A set for each step; the oldest of the books are closed.
		let sets = CurrentSetId::<Test>::get();
		assert_eq!(sets, 5);
		assert_eq!((0..=sets).filter(|id| SetIdSession::<Test>::contains_key(id)).collect::<Vec<_>>(), [2, 3, 4, 5]);
	});
}

#[test]
fn newcomers_vote_and_leavers_do_not() {
	on_chain(|| {
		assert_ok!(Trust::add_member(RuntimeOrigin::root(), 4, MemberSpec { weight: 500, ..spec(4) }, keys(4)));
		assert_ok!(Trust::remove_member(RuntimeOrigin::root(), 1));
		go_to_epoch(1);
		assert_eq!(Session::validators(), [1, 2, 3]);
		go_to_epoch(2);
		assert_eq!(Session::validators(), [2, 3, 4]);
		// A thousand leave and 500 come: the step is 1,500.
		assert_eq!(voters(), [(2, 2_000), (3, 3_000), (4, 500)]);
	});
}

#[test]
fn who_changes_its_key_votes_with_the_new_one() {
	use pallet_session::SessionInterface;
	on_chain(|| {
		assert_ok!(<pallet_session::Pallet<Test> as SessionInterface>::set_keys(&1, keys(11)));
		go_to_epoch(1);
		assert_eq!(voters(), [(1, 1_000), (2, 2_000), (3, 3_000)]);
		// One leaves and one comes: more than a quarter of all weight, so it takes a session more.
		go_to_epoch(4);
		let mut voters = voters();
		voters.sort();
		assert_eq!(voters, [(2, 2_000), (3, 3_000), (11, 1_000)]);
	});
}

#[test]
fn the_suspended_lose_their_vote() {
	use ep_poet::OnEquivocation;
	on_chain(|| {
		assert!(Trust::on_equivocation(&spec(1).author));
		go_to_epoch(2);
		assert_eq!(voters(), [(2, 2_000), (3, 3_000)]);
	});
}

#[test]
fn there_is_a_voter_whatever_happens() {
	on_chain(|| {
		// All but one, the lightest, in one epoch.
		assert_ok!(Trust::remove_member(RuntimeOrigin::root(), 2));
		assert_ok!(Trust::remove_member(RuntimeOrigin::root(), 3));
		for epoch in 2..40 {
			go_to_epoch(epoch);
			assert!(!voters().is_empty());
		}
		assert_eq!(voters(), [(1, 1_000)]);
	});
}

#[test]
fn stalled_voters_are_replaced_whole_and_by_force() {
	on_chain(|| {
		assert_ok!(Trust::set_weight(RuntimeOrigin::root(), 1, 500_000));
		go_to_block(EPOCH + 1);
		assert_ok!(Grandpa::note_stalled(RuntimeOrigin::root(), 3, 0));
		go_to_epoch(2);
		assert!(Stalled::<Test>::get().is_none());
		assert_eq!(CurrentSetId::<Test>::get(), 1);
		// Forced changes have a delay.
		assert_eq!(voters()[0], (1, 1_000));
		go_to_block(2 * EPOCH + 3);
		assert_eq!(voters(), [(1, 500_000), (2, 2_000), (3, 3_000)]);
	});
}

#[test]
fn no_change_is_announced_while_a_forced_one_is_pending() {
	on_chain(|| {
		assert_ok!(Grandpa::note_stalled(RuntimeOrigin::root(), 3 * EPOCH, 0));
		go_to_epoch(1);
		assert_ok!(Trust::set_weight(RuntimeOrigin::root(), 1, 1_100));
		go_to_epoch(3);
		assert_eq!(CurrentSetId::<Test>::get(), 1);
		assert_eq!(SetIdSession::<Test>::get(1), Some(3));
		go_to_epoch(5);
		assert_eq!(voters()[0], (1, 1_100));
		assert_eq!(CurrentSetId::<Test>::get(), 2);
	});
}

#[test]
fn many_members_have_few_voters() {
	MaxVoters::set(4);
	MaxMembers::set(64);
	chain_of(12).execute_with(|| {
		System::set_block_number(1);
		assert_eq!(voters().len(), 4);
		for epoch in 1..20 {
			go_to_epoch(epoch);
			assert_eq!(Session::validators().len(), 4);
			let voters = voters();
			assert!((1..=4).contains(&voters.len()), "{voters:?}");
		}
		Trust::do_try_state().unwrap();
	});
}

#[test]
fn grandpas_own_genesis_voters_are_left_alone() {
	use frame_support::traits::OneSessionHandler;
	on_chain(|| {
		let before = Grandpa::grandpa_authorities();
		let validators = [(1u64, grandpa(9))];
		WeightedGrandpa::<Test>::on_genesis_session(validators.iter().map(|(account, key)| (account, key.clone())));
		assert_eq!(Grandpa::grandpa_authorities(), before);
	});
}

#[test]
fn a_disabled_validator_changes_nothing() {
	use frame_support::traits::OneSessionHandler;
	on_chain(|| {
		let before = voters();
		WeightedGrandpa::<Test>::on_disabled(0);
		Grandpa::on_finalize(1);
		assert_eq!(voters(), before);
	});
}
