//! Admission, weights, removal, suspension.

use ep_poet::{Members as _, OnEquivocation};
use frame_support::{assert_noop, assert_ok, traits::Hooks};
use sp_runtime::{BoundedVec, DispatchError};

use crate::{mock::*, *};

fn add(n: u64) {
	assert_ok!(Trust::add_member(RuntimeOrigin::root(), n, spec(n), keys(n)));
}

fn weights(account: u64) -> [u64; 4] {
	let now = Poet::current_epoch();
	[now, now + 1, now + 2, now + 3].map(|epoch| Trust::weight_of(&account, epoch))
}

#[test]
fn a_new_member_counts_from_the_epoch_after_next() {
	on_chain(|| {
		add(4);
		assert_eq!(weights(4), [0, 0, 4_000, 4_000]);
		assert_eq!([0, 1, 2].map(Trust::total_weight), [6_000, 6_000, 10_000]);
		System::assert_last_event(
			Event::MemberAdded { account: 4, author: spec(4).author, weight: 4_000, from: 2 }.into(),
		);
		assert_eq!(Trust::contestant(&spec(4).author, 1), None);
		let identity = Trust::contestant(&spec(4).author, 2).unwrap();
		assert_eq!((identity.account, identity.weight), (4, 4_000));
		assert_eq!((identity.ak_public, identity.ek_name), (spec(4).ak_public, spec(4).ek_name));
		assert_eq!(Trust::identity(&spec(4).author, 1).map(|m| m.weight), Some(0));
	});
}

#[test]
fn members_with_real_chips_are_admitted() {
	for folder in ["author", "p256", "p384", "p384-sha256", "p256-sha512", "rsa2048", "rsa3072"] {
		on_chain(|| {
			let mut spec = real_spec(folder);
			// But for the author's, the fixtures' keys lack noDA.
			spec.ak_public[6] |= 0x04;
			assert_ok!(Trust::add_member(RuntimeOrigin::root(), 40, spec, keys(40)));
			assert_eq!(weights(40)[2], 40_000);
		});
	}
}

#[test]
fn only_the_admin_decides_on_members() {
	on_chain(|| {
		for origin in [RuntimeOrigin::signed(1), RuntimeOrigin::none()] {
			assert_noop!(Trust::add_member(origin.clone(), 4, spec(4), keys(4)), DispatchError::BadOrigin);
			assert_noop!(Trust::remove_member(origin.clone(), 1), DispatchError::BadOrigin);
			assert_noop!(Trust::set_weight(origin, 1, 1), DispatchError::BadOrigin);
		}
	});
}

#[track_caller]
fn refused(account: u64, spec: MemberSpec, error: Error<Test>) {
	assert_noop!(Trust::add_member(RuntimeOrigin::root(), account, spec, keys(50)), error);
}

#[test]
fn a_weight_above_the_highest_is_refused() {
	on_chain(|| {
		refused(4, MemberSpec { weight: MAX_WEIGHT + 1, ..spec(4) }, Error::WeightTooHigh);
		assert_noop!(Trust::set_weight(RuntimeOrigin::root(), 1, MAX_WEIGHT + 1), Error::<Test>::WeightTooHigh);
		assert_ok!(Trust::set_weight(RuntimeOrigin::root(), 1, MAX_WEIGHT));
	});
}

#[test]
fn a_key_that_is_no_attestation_key_is_refused() {
	on_chain(|| {
		for bytes in [vec![], vec![0; 100], real_key("author", "ek.tpmt_public")] {
			refused(4, MemberSpec { ak_public: bytes.try_into().unwrap(), ..spec(4) }, Error::BadAttestationKey);
		}
		let mut trailing = spec(4).ak_public.to_vec();
		trailing.push(0);
		refused(4, MemberSpec { ak_public: BoundedVec::truncate_from(trailing), ..spec(4) }, Error::BadAttestationKey);
	});
}

#[test]
fn an_attestation_key_that_a_lockout_stops_is_refused() {
	on_chain(|| {
		let mut public = spec(4).ak_public;
		// Bit 10 of the attributes, which follow type and name algorithm: noDA.
		public[6] &= !0x04;
		refused(4, MemberSpec { ak_public: public, ..spec(4) }, Error::BadAttestationKey);
	});
}

#[test]
fn an_account_is_one_member() {
	on_chain(|| refused(1, spec(4), Error::AccountIsMember));
}

#[test]
fn an_author_key_is_one_members() {
	on_chain(|| refused(4, MemberSpec { author: spec(1).author, ..spec(4) }, Error::AuthorIsMember));
}

#[test]
fn an_attestation_key_is_one_members() {
	on_chain(|| refused(4, MemberSpec { ak_public: spec(1).ak_public, ..spec(4) }, Error::AttestationKeyIsMember));
}

#[test]
fn a_chip_is_one_member_whatever_its_keys() {
	on_chain(|| refused(4, MemberSpec { ek_name: spec(1).ek_name, ..spec(4) }, Error::EndorsementKeyIsMember));
}

#[test]
fn there_is_a_highest_number_of_members() {
	on_chain(|| {
		MaxMembers::set(3);
		refused(4, spec(4), Error::TooManyMembers);
	});
}

#[test]
fn session_keys_of_another_member_are_refused() {
	on_chain(|| {
		assert_noop!(
			Trust::add_member(RuntimeOrigin::root(), 4, spec(4), keys(1)),
			pallet_session::Error::<Test>::DuplicatedKey
		);
	});
}

#[test]
fn an_account_needs_no_balance_to_be_a_member() {
	on_chain(|| {
		add(4);
		assert_eq!(System::providers(&4), 0);
		assert_eq!(pallet_session::NextKeys::<Test>::get(4), Some(keys(4)));
		assert_ok!(Trust::remove_member(RuntimeOrigin::root(), 4));
		assert_eq!(System::consumers(&4), 0);
		assert_eq!(pallet_session::NextKeys::<Test>::get(4), None);
	});
}

#[test]
fn a_weight_changes_in_the_epoch_after_next() {
	on_chain(|| {
		assert_ok!(Trust::set_weight(RuntimeOrigin::root(), 1, 5_000));
		System::assert_last_event(Event::WeightChanged { account: 1, weight: 5_000, from: 2 }.into());
		assert_eq!(weights(1), [1_000, 1_000, 5_000, 5_000]);
		go_to_epoch(1);
		assert_ok!(Trust::set_weight(RuntimeOrigin::root(), 1, 7_000));
		assert_eq!(weights(1), [1_000, 5_000, 7_000, 7_000]);
		assert_eq!([1, 2, 3].map(Trust::total_weight), [6_000, 10_000, 12_000]);
		go_to_epoch(2);
		assert_ok!(Trust::set_weight(RuntimeOrigin::root(), 1, 0));
		assert_eq!(weights(1), [5_000, 7_000, 0, 0]);
		go_to_epoch(4);
		assert_eq!(Trust::contestant(&spec(1).author, 4), None);
		assert_eq!(Trust::total_weight(4), 5_000);
	});
}

#[test]
fn a_weight_changed_twice_in_an_epoch_is_the_later() {
	on_chain(|| {
		assert_ok!(Trust::set_weight(RuntimeOrigin::root(), 1, 5_000));
		assert_ok!(Trust::set_weight(RuntimeOrigin::root(), 1, 2_000));
		assert_eq!(weights(1), [1_000, 1_000, 2_000, 2_000]);
		assert_eq!(Trust::total_weight(2), 7_000);
	});
}

#[test]
fn who_is_no_member_has_no_weight_and_cannot_leave() {
	on_chain(|| {
		assert_noop!(Trust::set_weight(RuntimeOrigin::root(), 4, 1), Error::<Test>::NotAMember);
		assert_noop!(Trust::remove_member(RuntimeOrigin::root(), 4), Error::<Test>::NotAMember);
		assert_eq!(Trust::weight_of(&4, 0), 0);
	});
}

#[test]
fn who_was_removed_stays_until_the_next_epoch_is_over() {
	on_chain(|| {
		assert_ok!(Trust::remove_member(RuntimeOrigin::root(), 1));
		System::assert_last_event(Event::MemberRemoved { account: 1, author: spec(1).author, from: 2 }.into());
		assert_eq!(weights(1), [1_000, 1_000, 0, 0]);
		assert_noop!(Trust::remove_member(RuntimeOrigin::root(), 1), Error::<Test>::AlreadyRemoved);
		assert_noop!(Trust::set_weight(RuntimeOrigin::root(), 1, 1), Error::<Test>::AlreadyRemoved);
		// Until then its account, keys and chip are taken.
		refused(1, spec(4), Error::StillLeaving);
		refused(4, MemberSpec { author: spec(1).author, ..spec(4) }, Error::StillLeaving);
		refused(4, MemberSpec { ak_public: spec(1).ak_public, ..spec(4) }, Error::StillLeaving);
		refused(4, MemberSpec { ek_name: spec(1).ek_name, ..spec(4) }, Error::StillLeaving);
		go_to_block(3 * EPOCH - 1);
		assert!(Trust::identity(&spec(1).author, 2).is_some());
		go_to_block(3 * EPOCH);
		assert!(Trust::identity(&spec(1).author, 2).is_none());
		assert_ok!(Trust::add_member(RuntimeOrigin::root(), 1, spec(1), keys(1)));
		assert_eq!(weights(1), [0, 0, 1_000, 1_000]);
	});
}

#[test]
fn a_member_leaves_of_its_own_accord() {
	on_chain(|| {
		assert_noop!(Trust::leave(RuntimeOrigin::signed(4)), Error::<Test>::NotAMember);
		assert_noop!(Trust::leave(RuntimeOrigin::root()), DispatchError::BadOrigin);
		Members::<Test>::mutate(soft(1).id(), |member| member.as_mut().unwrap().suspended = true);
		assert_noop!(Trust::leave(RuntimeOrigin::signed(1)), Error::<Test>::Suspended);
		Members::<Test>::mutate(soft(1).id(), |member| member.as_mut().unwrap().suspended = false);
		assert_ok!(Trust::leave(RuntimeOrigin::signed(1)));
		System::assert_last_event(Event::MemberRemoved { account: 1, author: soft(1).id(), from: 2 }.into());
		assert_noop!(Trust::leave(RuntimeOrigin::signed(1)), Error::<Test>::AlreadyRemoved);
		assert_ok!(Trust::leave(RuntimeOrigin::signed(2)));
		assert_noop!(Trust::leave(RuntimeOrigin::signed(3)), Error::<Test>::LastWeight);
		go_to_epoch(3);
		go_to_block(3 * EPOCH + 2);
		assert_eq!([1, 2, 3].map(Accounts::<Test>::contains_key::<u64>), [false, false, true]);
	});
}

#[test]
fn records_go_one_a_block_in_the_order_of_removal() {
	on_chain(|| {
		(4..=9).for_each(add);
		for n in [5, 1, 9, 6] {
			assert_ok!(Trust::remove_member(RuntimeOrigin::root(), n));
		}
		let left = || (1..=9).filter(|n| Accounts::<Test>::contains_key(n)).collect::<Vec<u64>>();
		go_to_block(3 * EPOCH - 1);
		assert_eq!(left().len(), 9);
		for gone in [5, 1, 9, 6] {
			go_to_block(System::block_number() + 1);
			assert!(!left().contains(&gone));
			System::assert_has_event(Event::MemberGone { account: gone }.into());
			Trust::do_try_state().unwrap();
		}
		assert_eq!(left(), [2, 3, 4, 7, 8]);
		let page: Vec<_> = Trust::page(0, 100, 5).into_iter().map(|(_, weight)| weight).collect();
		assert_eq!(page.iter().sum::<u64>(), Trust::total_weight(5));
		assert_eq!(Trust::page(3, 100, 5).len(), 2);
		assert_eq!(Trust::page(1, 3, 5).len(), 3);
		assert!(Trust::page(9, 3, 5).is_empty() && Trust::page(u32::MAX, u32::MAX, 5).is_empty());
	});
}

#[test]
fn the_last_weight_cannot_be_taken() {
	on_chain(|| {
		assert_ok!(Trust::remove_member(RuntimeOrigin::root(), 1));
		assert_ok!(Trust::set_weight(RuntimeOrigin::root(), 2, 0));
		assert_noop!(Trust::remove_member(RuntimeOrigin::root(), 3), Error::<Test>::LastWeight);
		assert_noop!(Trust::set_weight(RuntimeOrigin::root(), 3, 0), Error::<Test>::LastWeight);
		// It is not the last any more once another is to come.
		add(4);
		assert_ok!(Trust::remove_member(RuntimeOrigin::root(), 3));
	});
}

#[test]
fn an_equivocation_suspends_once() {
	on_chain(|| {
		let author = spec(2).author;
		assert!(Trust::on_equivocation(&author));
		System::assert_last_event(Event::MemberSuspended { account: 2, from: 2 }.into());
		assert_eq!(weights(2), [2_000, 2_000, 0, 0]);
		assert_eq!(Trust::total_weight(2), 4_000);
		assert!(!Trust::on_equivocation(&author));
		assert_noop!(Trust::set_weight(RuntimeOrigin::root(), 2, 1), Error::<Test>::Suspended);
		// It can be reported still: its identity is known.
		go_to_epoch(9);
		assert!(Trust::identity(&author, 9).is_some() && Trust::contestant(&author, 9).is_none());
		assert_ok!(Trust::remove_member(RuntimeOrigin::root(), 2));
	});
}

#[test]
fn whoever_is_told_of_members_knows_at_once_that_one_is_suspended_or_removed() {
	on_chain(|| {
		assert!(Trust::on_equivocation(&soft(2).id()));
		assert!(!Trust::on_equivocation(&soft(2).id()));
		assert_eq!(Out::get(), [soft(2).id()]);
		assert_ok!(Trust::remove_member(RuntimeOrigin::root(), 3));
		assert_eq!(Out::get(), [soft(2).id(), soft(3).id()]);
		assert_noop!(Trust::remove_member(RuntimeOrigin::root(), 1), Error::<Test>::LastWeight);
		assert_eq!(Out::get().len(), 2);
	});
}

#[test]
fn nobody_is_suspended_for_a_strangers_equivocation() {
	on_chain(|| assert!(!Trust::on_equivocation(&spec(9).author)));
}

#[test]
fn the_last_member_is_marked_but_goes_on() {
	on_chain(|| {
		assert!(Trust::on_equivocation(&spec(1).author));
		assert!(Trust::on_equivocation(&spec(2).author));
		assert!(Trust::on_equivocation(&spec(3).author));
		assert!(!Trust::on_equivocation(&spec(3).author));
		assert_eq!(Trust::total_weight(2), 3_000);
		assert!(Members::<Test>::get(spec(3).author).unwrap().suspended);
	});
}

#[test]
fn a_member_who_is_leaving_can_be_reported() {
	on_chain(|| {
		assert_ok!(Trust::remove_member(RuntimeOrigin::root(), 2));
		assert!(Trust::on_equivocation(&spec(2).author));
		go_to_epoch(3);
		assert!(!Trust::on_equivocation(&spec(2).author));
	});
}

#[test]
fn the_total_is_the_sum_whatever_happens() {
	on_chain(|| {
		let mut state = 3u64;
		let mut random = move |below: u64| {
			state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
			(state >> 33) % below
		};
		for _ in 0..400 {
			let n = 1 + random(12);
			// Each may be refused; what matters is that the books stay right.
			let _ = match random(5) {
				0 => Trust::add_member(RuntimeOrigin::root(), n, spec(n), keys(n)),
				1 => Trust::remove_member(RuntimeOrigin::root(), n),
				2 => Trust::set_weight(RuntimeOrigin::root(), n, random(3) * 10_000),
				3 => {
					if random(4) == 0 {
						Trust::on_equivocation(&spec(n).author);
					}
					Ok(())
				}
				_ => {
					go_to_block(System::block_number() + 1 + random(4) as u32);
					Ok(())
				}
			};
			Trust::do_try_state().unwrap();
		}
		assert!(Poet::current_epoch() > 10);
	});
}

#[test]
fn the_runtime_is_possible() {
	new_test_ext().execute_with(Trust::integrity_test);
}

#[test]
#[should_panic(expected = "GRANDPA must have room for all voters")]
fn more_voters_than_grandpa_has_room_for_are_no_configuration() {
	new_test_ext().execute_with(|| {
		MaxVoters::set(33);
		Trust::integrity_test();
	});
}

/// A TPM 1.2 attests no time.
#[test]
fn a_chip_that_attests_no_time_weighs_nothing() {
	on_chain(|| {
		let chip = ep_tpm::testing::SoftLegacyChip::new(4);
		let spec = |weight| MemberSpec { ak_public: chip.ak_public().try_into().unwrap(), weight, ..spec(4) };
		refused(4, spec(1), Error::AttestsNoTime);
		assert_ok!(Trust::add_member(RuntimeOrigin::root(), 4, spec(0), keys(4)));
		assert_noop!(Trust::set_weight(RuntimeOrigin::root(), 4, 1), Error::<Test>::AttestsNoTime);
		assert_ok!(Trust::set_weight(RuntimeOrigin::root(), 4, 0));
		assert!(!Trust::reweigh(&spec(0).author, 1));
		assert_eq!(weights(4), [0; 4]);
		assert_eq!(Trust::contestant(&spec(0).author, 2), None, "it never authors, and never judges");
		// It is a member like any other: its chip is here, and it may leave.
		refused(5, spec(0), Error::AuthorIsMember);
		assert_ok!(Trust::leave(RuntimeOrigin::signed(4)));
	});
}
