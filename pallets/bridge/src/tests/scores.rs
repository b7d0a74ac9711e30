//! The tree of scores as it changes.

use ep_bridge::tree;
use ep_poet::OnMemberGone;
use ep_trust::{anchor::OnAnchor, score::OnScore};
use sp_core::{H160, H256};

use crate::{mock::*, *};

fn score(n: u8, score: u64) {
	Bridge::on_score(&author(n), score);
	Bridge::do_try_state().unwrap();
}

/// Whether the chain proves this score of member `n` in this epoch.
fn shows(n: u8, score: u64, epoch: u64) -> bool {
	let Some(proven) = Bridge::score_proof(&author(n)) else { return false };
	let (root, leaves) = (Bridge::trust_root(), LeafCount::<Test>::get().into());
	assert_eq!(proven.proof.verify(&[n; 32], proven.score, &root, leaves), Ok(()));
	(proven.score, proven.proof.epoch) == (score, epoch)
}

#[test]
fn a_member_has_a_leaf_from_its_first_score_on() {
	on_chain(|| {
		assert_eq!(Bridge::trust_root(), tree::empty(tree::DEPTH));
		assert!(Bridge::score_proof(&author(1)).is_none());
		for n in 1..=9 {
			score(n, 100 * u64::from(n));
		}
		assert_eq!(LeafCount::<Test>::get(), 9);
		assert!((1..=9).all(|n| shows(n, 100 * u64::from(n), 0)));
	});
}

#[test]
fn a_leaf_has_the_epoch_in_which_its_score_changed() {
	on_chain(|| {
		score(1, 100);
		CurrentEpoch::set(5);
		let root = Bridge::trust_root();
		score(1, 100);
		assert_eq!(Bridge::trust_root(), root);
		assert!(shows(1, 100, 0));
		score(1, 101);
		assert!(shows(1, 101, 5));
	});
}

#[test]
fn a_leaf_has_the_address_of_its_member_whatever_its_score() {
	on_chain(|| {
		let signer = |n| Bridge::score_proof(&author(n)).map(|proven| proven.proof.signer);
		Bridge::on_anchor(&author(1), H160::repeat_byte(7));
		assert_eq!((signer(1), LeafCount::<Test>::get()), (None, 0));
		score(1, 100);
		// Nobody knows the address of this one.
		score(50, 100);
		assert_eq!((signer(1), signer(50)), (Some(address(1)), Some(H160::zero())));
		CurrentEpoch::set(5);
		Bridge::on_anchor(&author(1), H160::repeat_byte(7));
		Bridge::do_try_state().unwrap();
		// It is the score's epoch.
		assert!(shows(1, 100, 0) && signer(1) == Some(H160::repeat_byte(7)));
		score(1, 101);
		assert!(shows(1, 101, 5) && signer(1) == Some(H160::repeat_byte(7)));
	});
}

#[test]
fn who_is_suspended_or_removed_has_no_score_at_once_and_no_leaf_once_it_is_gone() {
	on_chain(|| {
		(1..=5).for_each(|n| score(n, 100));
		CurrentEpoch::set(2);
		Bridge::on_member_out(&author(2));
		Bridge::do_try_state().unwrap();
		assert!(shows(2, 0, 2) && shows(3, 100, 0));
		assert_eq!(LeafCount::<Test>::get(), 5);
		Bridge::on_member_gone(&author(2));
		Bridge::do_try_state().unwrap();
		assert!(Bridge::score_proof(&author(2)).is_none());
		// The last leaf has moved into the gap, and says so.
		assert_eq!(LeafOf::<Test>::get(author(5)), Some(1));
		assert!(shows(5, 100, 0));
		// The last one goes, and then all.
		for n in [4, 1, 5, 3] {
			Bridge::on_member_gone(&author(n));
			Bridge::do_try_state().unwrap();
		}
		assert_eq!((LeafCount::<Test>::get(), Nodes::<Test>::iter().count()), (0, 0));
		assert_eq!(Bridge::trust_root(), tree::empty(tree::DEPTH));
	});
}

#[test]
fn who_has_no_leaf_loses_none() {
	on_chain(|| {
		score(1, 100);
		let root = Bridge::trust_root();
		Bridge::on_member_out(&author(2));
		Bridge::on_member_gone(&author(2));
		assert_eq!((Bridge::trust_root(), LeafCount::<Test>::get()), (root, 1));
	});
}

#[test]
fn any_changes_leave_the_tree_that_the_leaves_make() {
	on_chain(|| {
		// A small generator of pseudo-random numbers, so that a failure can be repeated.
		let mut state = 1u64;
		let mut random = move |below: u64| {
			state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
			(state >> 33) % below
		};
		for step in 0..400 {
			let n = random(30) as u8 + 1;
			match random(5) {
				0 => Bridge::on_member_gone(&author(n)),
				1 => Bridge::on_member_out(&author(n)),
				_ => Bridge::on_score(&author(n), random(1_000)),
			}
			if step % 20 == 0 {
				Bridge::do_try_state().unwrap();
			}
		}
		for n in 1..=30 {
			if let Some(proven) = Bridge::score_proof(&author(n)) {
				assert!(shows(n, proven.score, 0));
			}
		}
	});
}

#[test]
fn a_checkpoint_pins_the_scores_at_its_blocks_end() {
	on_chain(|| {
		go_to(10);
		score(1, 100);
		score(2, 200);
		let root = Bridge::trust_root();
		next_block();
		score(1, 300);
		let checkpoint = open(10);
		assert_eq!((checkpoint.trust_root, checkpoint.trust_leaves), (root, 2));
		assert_ne!(Bridge::trust_root(), root);
		assert_ne!(root, H256::zero());
	});
}

#[test]
fn a_full_tree_takes_nobody_else() {
	on_chain(|| {
		score(1, 100);
		LeafCount::<Test>::put(tree::CAPACITY);
		Bridge::on_score(&author(2), 100);
		assert!(Bridge::score_proof(&author(2)).is_none());
		LeafCount::<Test>::put(1);
	});
}
