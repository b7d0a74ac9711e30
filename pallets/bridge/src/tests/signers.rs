//! One set of signers after the other.

use frame_support::{assert_noop, assert_ok};

use crate::{mock::*, *};

const FIRST: [(u8, u64); 4] = [(1, 100), (2, 100), (3, 100), (4, 100)];

#[test]
fn the_first_signers_are_the_first_validators() {
	on_chain(|| {
		assert_eq!(signers(), FIRST);
		assert_eq!(Bridge::signers(None), Bridge::signers(Some(0)));
		assert!(Bridge::signers(Some(1)).is_none());
	});
}

#[test]
fn a_session_of_the_same_validators_changes_nothing() {
	on_chain(|| {
		new_session(&FIRST);
		next_block();
		assert_eq!(CurrentSet::<Test>::get(), 0);
		assert!(!Handover::<Test>::exists() && OpenNumbers::<Test>::get().is_empty());
	});
}

#[test]
fn a_handover_is_signed_by_the_old_set_and_names_the_new_one() {
	on_chain(|| {
		go_to(4);
		new_session(&[(1, 100), (2, 100), (3, 100), (4, 150)]);
		assert_eq!((System::block_number(), CurrentSet::<Test>::get()), (5, 0));
		let next = Sets::<Test>::get(1).unwrap().signers;
		next_block();
		let checkpoint = open(5);
		assert_eq!((checkpoint.signers, checkpoint.next_signers), (0, next.hash()));
		assert_eq!(CurrentSet::<Test>::get(), 1);
		assert_eq!(signers(), [(1, 100), (2, 100), (3, 100), (4, 150)]);
		let changed = Event::SignersChanged { id: 1, hash: next.hash() };
		assert_eq!(events(), [changed, Event::Opened { number: 5, signers: 0, handover: true }]);
		// The next one is by the new set.
		go_to(11);
		assert_eq!((open(10).signers, open(10).next_signers), (1, next.hash()));
		for n in [1, 2, 3] {
			assert_eq!(sign(n, 5), Ok(()));
		}
		let certified = Bridge::certified(Some(5)).unwrap();
		assert!(certified.hands_over());
		assert_eq!(certified.signers.id(), 0);
		assert_eq!(Handovers::<Test>::get(1), Some(5));
		assert!(!Handover::<Test>::exists());
	});
}

#[test]
fn a_quarter_of_the_weight_changes_a_session() {
	on_chain(|| {
		Settings::<Test>::put(Parameters { interval: 1_000_000 });
		let target = [(5, 200), (6, 200)];
		let mut steps = 0;
		while signers() != target {
			let before: u64 = signers().iter().map(|(_, weight)| weight).sum();
			let was = signers();
			new_session(&target);
			next_block();
			let weight = |set: &[(u8, u64)], n| set.iter().find(|(m, _)| *m == n).map_or(0, |(_, weight)| *weight);
			let moved: u64 = (1..=6).map(|n| weight(&was, n).abs_diff(weight(&signers(), n))).sum();
			assert!(moved <= before / 4, "{moved} of {before}");
			let number = Handover::<Test>::get().unwrap();
			for (n, _) in was {
				// Enough have signed at some point.
				let _ = sign(n, number);
			}
			assert!(Bridge::certified(Some(number)).is_some());
			steps += 1;
			assert!(steps < 40, "{:?}", signers());
		}
		assert!(steps > 6, "{steps}");
	});
}

#[test]
fn the_signers_stay_until_the_last_handover_is_certified() {
	on_chain(|| {
		new_session(&[(1, 100), (2, 100), (3, 100), (4, 110)]);
		next_block();
		assert_eq!(CurrentSet::<Test>::get(), 1);
		for weight in [120, 130] {
			new_session(&[(1, 100), (2, 100), (3, 100), (4, weight)]);
			next_block();
			assert_eq!(CurrentSet::<Test>::get(), 1);
			assert_eq!(signers()[3], (4, 110));
		}
		let handover = Handover::<Test>::get().unwrap();
		for n in [1, 2, 3] {
			assert_eq!(sign(n, handover), Ok(()));
		}
		// Not before the next session.
		next_block();
		assert_eq!(CurrentSet::<Test>::get(), 1);
		new_session(&[(1, 100), (2, 100), (3, 100), (4, 130)]);
		next_block();
		assert_eq!((CurrentSet::<Test>::get(), signers()[3]), (2, (4, 130)));
	});
}

#[test]
fn a_handover_waits_whatever_is_certified_and_opened_after_it() {
	on_chain(|| {
		new_session(&[(1, 100), (2, 100), (3, 100), (4, 110)]);
		let handover = System::block_number() as u32;
		go_to(11);
		for n in [1, 2, 3] {
			assert_eq!(sign(n, 10), Ok(()));
		}
		assert_eq!(OpenNumbers::<Test>::get()[..], [handover]);
		go_to(u64::from(MAX_OPEN + 5) * INTERVAL + 1);
		assert_eq!(OpenNumbers::<Test>::get()[0], handover);
		assert_eq!(OpenNumbers::<Test>::get().len() as u32, MAX_OPEN);
		for n in [1, 2, 4] {
			assert_eq!(sign(n, handover), Ok(()));
		}
		// The newest is the newest, whenever another is certified.
		assert_eq!(Newest::<Test>::get(), Some(10));
		assert_eq!(Bridge::certified(None).unwrap().checkpoint.number, 10);
	});
}

#[test]
fn who_is_new_does_not_sign_its_own_handover() {
	on_chain(|| {
		new_session(&[(1, 100), (2, 100), (3, 100), (4, 100), (5, 50)]);
		next_block();
		let handover = Handover::<Test>::get().unwrap();
		assert_eq!(sign(5, handover), Err(Error::NotASigner));
		go_to(11);
		assert_eq!(sign(5, 10), Ok(()));
	});
}

#[test]
fn there_are_no_more_signers_than_that() {
	let many: Vec<(u8, u64)> = (1..=9).map(|n| (n, 100)).collect();
	on_chain_of(&many, || assert_eq!(signers().len() as u32, MAX_SIGNERS));
}

#[test]
fn signers_come_to_a_chain_that_began_without_any() {
	on_chain_of(&[], || {
		new_session(&FIRST);
		assert_eq!((CurrentSet::<Test>::get(), signers()), (1, FIRST.to_vec()));
		go_to(11);
		assert_eq!(open(10).signers, 1);
		assert!(!Handover::<Test>::exists());
	});
}

#[test]
fn a_set_without_successors_stays() {
	on_chain(|| {
		new_session(&[]);
		next_block();
		assert_eq!((CurrentSet::<Test>::get(), signers()), (0, FIRST.to_vec()));
	});
}

#[test]
fn governance_gives_lost_signers_up() {
	on_chain(|| {
		go_to(11);
		new_session(&[(1, 100), (2, 100), (3, 100), (4, 110)]);
		next_block();
		assert_eq!(OpenNumbers::<Test>::get().len(), 2);
		Validating::set(vec![]);
		assert_noop!(Bridge::reset_signers(RuntimeOrigin::root()), Error::<Test>::NoSigners);
		Validating::set(vec![(5, 10), (6, 20)]);
		events();
		assert_ok!(Bridge::reset_signers(RuntimeOrigin::root()));
		assert_eq!((CurrentSet::<Test>::get(), signers()), (2, vec![(5, 10), (6, 20)]));
		assert!(OpenNumbers::<Test>::get().is_empty() && !Handover::<Test>::exists());
		let hash = Bridge::signers(None).unwrap().hash();
		assert_eq!(events().last(), Some(&Event::SignersReset { id: 2, hash }));
		go_to(21);
		assert_eq!(sign(1, 20), Err(Error::NotASigner));
		assert_eq!(sign(5, 20), Ok(()));
		assert_eq!(sign(6, 20), Ok(()));
	});
}

#[test]
fn giving_up_in_the_block_of_a_handover_takes_a_number_of_its_own() {
	on_chain(|| {
		new_session(&[(1, 100), (2, 100), (3, 100), (4, 110)]);
		assert_ok!(Bridge::reset_signers(RuntimeOrigin::root()));
		next_block();
		assert_eq!(CurrentSet::<Test>::get(), 2);
		assert!(OpenNumbers::<Test>::get().is_empty() && !Sets::<Test>::contains_key(1));
	});
}
