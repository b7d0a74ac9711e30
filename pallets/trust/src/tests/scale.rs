//! Property *constant work*: what an epoch and a block touch does not grow with the register.

use ep_poet::Weight;
use frame_support::traits::Hooks;
use pallet_session::SessionManager;

use super::{
	draw::list,
	touched::{touched, Touched},
};
use crate::{mock::*, *};

/// Of a network that is just large enough to be drawn from, and of one of the size that people may think of.
const SIZES: [usize; 2] = [100, 10_000];
const SEATS: u32 = 20;

fn at_each_size(weight: Weight, work: impl Fn()) -> [Touched; 2] {
	MaxVoters::set(SEATS);
	let found = SIZES.map(|size| touched(&mut list(&vec![weight; size]), &work).1);
	MaxVoters::set(8);
	found
}

#[test]
fn the_voters_of_a_session_are_as_much_work_with_ten_thousand_members() {
	let draw = || assert_eq!(<Trust as SessionManager<u64>>::new_session(1).map(|voters| voters.len()), Some(20));
	// Who has the highest weight is taken at the first try.
	let [few, many] = at_each_size(MAX_WEIGHT, draw);
	assert_eq!(few, many);
	// The length of the list, and of each voter its place and its record; and what the mock's epoch is read from.
	assert!((41..=44).contains(&many.read) && many.written == 0, "{many:?}");
}

#[test]
fn voters_of_the_least_weight_are_bounded_work() {
	let draw = || assert_eq!(<Trust as SessionManager<u64>>::new_session(1).map(|voters| voters.len()), Some(20));
	let [_, many] = at_each_size(1, draw);
	// Every try fails, and places are gone through instead: at most two for each seat.
	let most = SEATS * (TRIES_PER_SEAT + 2) + SEATS + 4;
	assert!(many.read <= most as usize, "{many:?}, at most {most}");
}

#[test]
fn a_block_is_as_much_work_with_ten_thousand_members() {
	let [few, many] = at_each_size(5, || {
		Trust::on_initialize(7);
	});
	assert_eq!(few, many);
	assert!(many.read <= 4, "{many:?}");
}

#[test]
fn a_change_of_weight_is_as_much_work_with_ten_thousand_members() {
	let author = |n: u64| {
		let mut seed = [0; 32];
		seed[..8].copy_from_slice(&n.to_le_bytes());
		ep_poet::AuthorityId::from(sp_core::sr25519::Public::from_raw(seed))
	};
	let [few, many] = at_each_size(5, || assert!(Trust::reweigh(&author(70), 9)));
	assert_eq!(few, many);
	assert!(many.written > 0, "{many:?}");
}
