//! Seats.

use crate::{mock::*, *};
use frame_support::assert_ok;
use sp_core::{crypto::VrfSecret, Pair};

fn applied() -> Applicant {
	let applicant = Applicant::new(ALICE, "ecc");
	assert_ok!(applicant.apply());
	applicant
}

#[test]
fn while_members_are_few_all_sit_and_votes_are_weights() {
	on_chain(|| {
		let applicant = applied();
		go_to(14);
		assert_eq!(sit(&applicant, 0, 3), Ok(()));
		let seating = Seats::<Test>::get(0, soft(3).id()).unwrap();
		assert_eq!((seating.votes, seating.anchor, seating.outcome), (250_000, anchor(3), None));
		let state = Rounds::<Test>::get(0).unwrap();
		assert_eq!((state.seated, state.votes, state.expected), (1, 250_000, 1_000_000));
	});
}

#[test]
fn once_all_sit_nothing_waits() {
	on_chain(|| {
		let applicant = applied();
		go_to(14);
		for n in 1..=3 {
			assert_eq!(sit(&applicant, 0, n), Ok(()));
		}
		assert_eq!(Rounds::<Test>::get(0).unwrap().until.sit, 23);
		go_to(16);
		assert_eq!(sit(&applicant, 0, 4), Ok(()));
		let until = Rounds::<Test>::get(0).unwrap().until;
		assert_eq!(until, Deadlines { sit: 16, answer: 26, reveal: 36, judge: 46 });
		go_to(17);
		assert_ok!(applicant.answer(0, &[1, 2, 3]));
	});
}

#[test]
fn many_members_sit_by_lot() {
	on_chain_of(40, || {
		let applicant = applied();
		let state = Rounds::<Test>::get(0).unwrap();
		assert_eq!((state.all_sit, state.expected), (false, 10));
		go_to(14);
		let mut without = 0;
		for n in 1..=40 {
			match sit(&applicant, 0, n) {
				Ok(()) => {}
				Err(Error::NoSeat) => without += 1,
				Err(other) => panic!("{other:?}"),
			}
		}
		let state = Rounds::<Test>::get(0).unwrap();
		assert_eq!(state.seated, 40 - without);
		// Ten are expected, Poisson distributed; the seed is fixed.
		assert!((4..=18).contains(&state.votes), "{}", state.votes);
	});
}

#[test]
fn nobody_sits_before_the_seed_is_there() {
	on_chain(|| {
		let applicant = applied();
		let state = Rounds::<Test>::get(0).unwrap();
		go_to(13);
		assert_eq!(Admission::seed_of(0, &state), None);
		go_to(14);
		let seed = Admission::seed_of(0, &state);
		assert!(seed.is_some());
		// More blocks do not change it.
		let honest = claim(&applicant, 0, 1);
		go_to(20);
		assert_eq!(Admission::seed_of(0, &state), seed);
		assert_eq!(sit_with(1, 0, honest), Ok(()));
	});
}

#[test]
fn a_claim_without_a_seed_is_refused() {
	on_chain(|| {
		let applicant = applied();
		// Nobody can have drawn over a seed that is not there: the member's own VRF, over a guess.
		let guess = || {
			let author = soft(1).id();
			let credential = applicant.ek.challenge(&applicant.ak(), &secret(1)).unwrap().credential;
			let commitment = ep_trust::nonce::commitment(0, &author, &secret(1));
			let vrf = soft(1).pair.vrf_sign(&ep_trust::sortition::transcript(&[0; 32]).into());
			ep_trust::SeatClaim {
				vrf: ep_trust::SeatClaim::encode_vrf(&vrf),
				challenge: ep_trust::Challenge { commitment, credential },
				author,
			}
		};
		go_to(13);
		assert_eq!(sit_with(1, 0, guess()), Err(Error::NoSeed));
		// A block later it is there, and the guess is what is wrong.
		go_to(14);
		assert_eq!(sit_with(1, 0, guess()), Err(Error::BadVrf));
		// Forgotten: only where periods have grown longer than what is remembered.
		let mut state = Rounds::<Test>::get(0).unwrap();
		state.until.sit = 2 * REMEMBERED;
		Rounds::<Test>::insert(0, state);
		go_to(u64::from(6 + REMEMBERED));
		assert_eq!(sit_with(1, 0, guess()), Err(Error::NoSeed));
	});
}

#[test]
fn a_seed_needs_three_authors() {
	on_chain(|| {
		applied();
		let state = Rounds::<Test>::get(0).unwrap();
		go_to(14);
		assert!(Admission::seed_of(0, &state).is_some());
		// As if all those blocks but the last had been one member's.
		for block in 6..14u32 {
			Contributions::<Test>::mutate(block % REMEMBERED, |found| {
				found.as_mut().unwrap().author = soft(1).id();
			});
		}
		assert_eq!(Admission::seed_of(0, &state), None);
		go_to(18);
		assert!(Admission::seed_of(0, &state).is_some());
	});
}

#[test]
fn a_forgotten_seed_is_no_seed() {
	on_chain(|| {
		applied();
		let state = Rounds::<Test>::get(0).unwrap();
		go_to(14);
		assert!(Admission::seed_of(0, &state).is_some());
		go_to(u64::from(6 + REMEMBERED));
		assert_eq!(Admission::seed_of(0, &state), None);
	});
}

#[test]
fn a_claim_is_refused_for_what_is_wrong_with_it() {
	on_chain(|| {
		let applicant = applied();
		go_to(14);
		let honest = claim(&applicant, 0, 1);
		assert_eq!(sit_with(1, 9, honest.clone()), Err(Error::NoSuchRound));
		// Signed by another member, and by the member for another round.
		assert_eq!(sit_with(2, 0, honest.clone()), Err(Error::BadSignature));
		let signature = sign(1, "sit", 1, &(&honest.vrf, &honest.challenge));
		let call = Call::sit { round: 0, claim: Box::new(honest.clone()), signature };
		assert_eq!(dispatch(call), Err(Error::BadSignature));
		// A question of somebody else's choice.
		let signature = sign(1, "sit", 0, &(&honest.vrf, &honest.challenge));
		let mut other = honest.clone();
		other.challenge.commitment[0] ^= 1;
		assert_eq!(dispatch(Call::sit { round: 0, claim: Box::new(other), signature }), Err(Error::BadSignature));
		// A lot drawn over another seed, and another member's lot.
		let mut chosen = honest.clone();
		let over_another = soft(1).pair.vrf_sign(&ep_trust::sortition::transcript(&[0; 32]).into());
		chosen.vrf = ep_trust::SeatClaim::encode_vrf(&over_another);
		assert_eq!(sit_with(1, 0, chosen), Err(Error::BadVrf));
		let mut lent = honest.clone();
		lent.vrf = claim(&applicant, 0, 2).vrf;
		assert_eq!(sit_with(1, 0, lent), Err(Error::BadVrf));
		// A stranger.
		assert_eq!(sit(&applicant, 0, 30), Err(Error::NoAnchor));
		Admission::set_anchor(&soft(30).id(), anchor(30)).unwrap();
		assert_eq!(sit(&applicant, 0, 30), Err(Error::NotAMember));
		// And it was good.
		assert_eq!(sit_with(1, 0, honest.clone()), Ok(()));
		assert_eq!(sit_with(1, 0, honest), Err(Error::AlreadySeated));
	});
}

#[test]
fn nobody_sits_too_late() {
	on_chain(|| {
		let applicant = applied();
		go_to(23);
		assert_eq!(sit(&applicant, 0, 1), Ok(()));
		go_to(24);
		let late = claim(&applicant, 0, 2);
		assert_eq!(sit_with(2, 0, late), Err(Error::OtherPhase));
	});
}

#[test]
fn who_weighed_nothing_in_the_rounds_epoch_does_not_sit() {
	on_chain(|| {
		let applicant = applied();
		go_to(14);
		// As if the weights had been forgotten.
		pallet_trust::Slots::<Test>::mutate(0, |slot| slot.as_mut().unwrap().weight = Default::default());
		assert_eq!(sit(&applicant, 0, 1), Err(Error::NotAMember));
		pallet_trust::Slots::<Test>::mutate(0, |slot| {
			slot.as_mut().unwrap().weight = pallet_trust::Schedule::from_genesis(250_000)
		});
	});
}

#[test]
fn a_full_committee_takes_nobody() {
	on_chain(|| {
		let applicant = applied();
		go_to(14);
		let honest = claim(&applicant, 0, 1);
		Rounds::<Test>::mutate(0, |state| state.as_mut().unwrap().seated = ep_trust::MAX_SEATS);
		assert_eq!(sit_with(1, 0, honest), Err(Error::CommitteeFull));
		Rounds::<Test>::mutate(0, |state| state.as_mut().unwrap().seated = 0);
	});
}

#[test]
fn the_same_claim_is_one_transaction_in_a_pool() {
	use frame_support::traits::Authorize;
	on_chain(|| {
		let applicant = applied();
		go_to(14);
		let tags = |n: u64| {
			let claim = claim(&applicant, 0, n);
			let signature = soft(n).pair.sign(&ep_trust::nonce::statement(
				&GENESIS,
				&claim.author,
				"sit",
				0,
				&(&claim.vrf, &claim.challenge),
			));
			let call = Call::<Test>::sit { round: 0, claim: Box::new(claim), signature };
			let source = sp_runtime::transaction_validity::TransactionSource::External;
			call.authorize(source).unwrap().unwrap().0.provides
		};
		// VRF proofs and signatures are different every time; the tag is not.
		assert_eq!(tags(1), tags(1));
		assert_ne!(tags(1), tags(2));
	});
}
