//! Who is drawn to vote.

use std::collections::{BTreeMap, BTreeSet};

use ep_poet::Weight;
use ep_tpm::Name;

use crate::{mock::*, *};

/// A list of members with these weights, their accounts counted from 0, written straight into storage.
pub(super) fn list(weights: &[Weight]) -> sp_io::TestExternalities {
	let mut ext = sp_io::TestExternalities::default();
	ext.execute_with(|| {
		for (n, weight) in weights.iter().enumerate() {
			let mut seed = [0; 32];
			seed[..8].copy_from_slice(&(n as u64).to_le_bytes());
			let author = ep_poet::AuthorityId::from(sp_core::sr25519::Public::from_raw(seed));
			let name = Name::from_bytes(&[&[0, 0x0b][..], &seed].concat()).unwrap();
			let spec = MemberSpec { author, ak_public: Default::default(), ek_name: name, weight: *weight };
			Trust::insert(&(n as u64), &spec, name, Schedule::from_genesis(*weight));
		}
	});
	ext
}

fn draw(ext: &mut sp_io::TestExternalities, seed: u64) -> Vec<u64> {
	let mut randomness = [0; 32];
	randomness[..8].copy_from_slice(&seed.to_le_bytes());
	ext.execute_with(|| Trust::draw_voters(1, randomness))
}

#[test]
fn few_members_all_vote_but_those_without_weight() {
	MaxVoters::set(8);
	assert_eq!(draw(&mut list(&[5, 0, 1, 1_000_000]), 1), [0, 2, 3]);
}

#[test]
fn of_many_members_as_many_are_drawn_as_there_are_seats_none_twice() {
	MaxVoters::set(10);
	let mut ext = list(&[500_000; 60]);
	for seed in 0..50 {
		let voters = draw(&mut ext, seed);
		assert_eq!(voters.iter().collect::<BTreeSet<_>>().len(), 10);
	}
	assert_ne!(draw(&mut ext, 1), draw(&mut ext, 2));
	assert_eq!(draw(&mut ext, 1), draw(&mut ext, 1));
}

#[test]
fn the_draw_is_in_proportion_to_weight() {
	MaxVoters::set(4);
	// Two hundred members, half of them three times as heavy as the others.
	let weights: Vec<_> = (0..200).map(|n| if n % 2 == 0 { 300_000 } else { 900_000 }).collect();
	let mut ext = list(&weights);
	let mut drawn: BTreeMap<bool, u32> = BTreeMap::new();
	for seed in 0..1_500 {
		for voter in draw(&mut ext, seed) {
			*drawn.entry(voter % 2 == 1).or_default() += 1;
		}
	}
	let total = drawn[&true] + drawn[&false];
	assert_eq!(total, 6_000);
	// Expected: 4,500 of 6,000, a little less since nobody is drawn twice. The deviation is 34.
	assert!((4_350..=4_620).contains(&drawn[&true]), "{drawn:?}");
}

#[test]
fn very_low_weights_leave_no_seat_open() {
	MaxVoters::set(8);
	let mut ext = list(&[1; 50]);
	assert_eq!(draw(&mut ext, 3).len(), 8);
}

#[test]
fn the_work_is_bounded_where_hardly_anybody_has_weight() {
	MaxVoters::set(4);
	let mut weights = vec![0; 1_000];
	weights[17] = 1_000_000;
	let mut ext = list(&weights);
	// It may or may not be found within the bound, and nobody else is.
	for seed in 0..20 {
		assert!(draw(&mut ext, seed).iter().all(|voter| *voter == 17));
	}
}
