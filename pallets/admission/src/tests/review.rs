//! Members whom the rules of today would not let in.

use super::life::{conclude, opened};
use crate::{mock::*, *};
use ep_poet::AuthorityId;
use ep_tpm::{
	certificate::StoredCertificate,
	model::{DenyRule, Denylist, Tier},
	policy::{AllowedPcrs, PcrRule, PlatformPolicy},
};
use ep_trust::Judgement;
use frame_support::{assert_noop, assert_ok};

/// A member that a committee let in, with a chip of this kind.
fn member(account: u64, kind: &str) -> AuthorityId {
	let applicant = Applicant::new(account, kind);
	let round = opened(&applicant);
	assert_eq!(conclude(round, Judgement::Admit, &[1, 2, 3]), Ok(()));
	applicant.application.author
}

fn review(author: &AuthorityId) -> Result<(), Error<Test>> {
	dispatch(Call::review { author: author.clone() })
}

fn grounds(author: &AuthorityId) -> Grounds {
	GroundsOf::<Test>::get(author).unwrap()
}

/// That a review finds this, and the last block in which the member may stay.
fn finds(author: &AuthorityId, lapse: Lapse) -> u32 {
	assert_eq!(review(author), Ok(()));
	let stays = grounds(author).stays;
	System::assert_last_event(Event::Reviewed { author: author.clone(), lapse: Some(lapse), stays }.into());
	stays.expect("its days are counted")
}

fn leaves(author: &AuthorityId) -> bool {
	pallet_trust::Members::<Test>::get(author).unwrap().leaves.is_some()
}

fn add_root() {
	let root = StoredCertificate::of(&file("root.der")).unwrap();
	assert_ok!(Admission::add_root(RuntimeOrigin::root(), root.role, root.certificate));
}

fn remove_root() {
	let root = StoredCertificate::of(&file("root.der")).unwrap();
	let (subject, fingerprint) = (root.subject_hash().unwrap(), root.fingerprint());
	assert_ok!(Admission::remove_root(RuntimeOrigin::root(), subject, fingerprint));
}

#[test]
fn who_rests_on_a_root_that_goes_is_out_after_the_overlap() {
	on_chain(|| {
		let author = member(ALICE, "ecc");
		assert_eq!(review(&author), Err(Error::NotDue));
		remove_root();
		let stays = finds(&author, Lapse::Certificate);
		assert_eq!(stays, System::block_number() as u32 + parameters().overlap);
		// Until then nothing happens, however often somebody asks.
		assert_eq!(review(&author), Err(Error::NotDue));
		go_to(u64::from(stays));
		assert_eq!(review(&author), Err(Error::NotDue));
		assert!(!leaves(&author));
		go_to(u64::from(stays) + 1);
		finds(&author, Lapse::Certificate);
		assert!(leaves(&author));
		assert_eq!(review(&author), Err(Error::NotAMember));
	});
}

#[test]
fn who_rests_on_a_root_that_comes_back_in_time_stays() {
	on_chain(|| {
		let author = member(ALICE, "ecc");
		remove_root();
		let stays = finds(&author, Lapse::Certificate);
		add_root();
		assert_eq!(review(&author), Ok(()));
		assert_eq!(grounds(&author).stays, None);
		System::assert_last_event(Event::Reviewed { author: author.clone(), lapse: None, stays: None }.into());
		go_to(u64::from(stays) + 1);
		assert_eq!(review(&author), Err(Error::NotDue));
	});
}

#[test]
fn a_further_change_of_the_rules_grants_no_further_time() {
	on_chain(|| {
		let author = member(ALICE, "ecc");
		remove_root();
		let stays = finds(&author, Lapse::Certificate);
		go_to(System::block_number() + 10);
		assert_ok!(Admission::set_policy(RuntimeOrigin::root(), 9, Some(GovernedPolicy::always(policy()))));
		assert_eq!(finds(&author, Lapse::Certificate), stays);
	});
}

#[test]
fn whose_certificate_is_revoked_is_found_and_nobody_else() {
	on_chain(|| {
		let (good, revoked) = (member(ALICE, "good"), member(BOB, "revoked"));
		let list: List = fixture("list/list.der").try_into().unwrap();
		assert_ok!(Admission::submit_list(RuntimeOrigin::signed(77), list));
		finds(&revoked, Lapse::Certificate);
		assert_eq!(review(&good), Ok(()));
		assert_eq!(grounds(&good).stays, None);
	});
}

#[test]
fn firmware_that_is_denied_can_be_updated() {
	on_chain(|| {
		let author = member(ALICE, "ecc");
		let software = Tiers::<Test>::get().0.iter().find(|rule| rule.tier == Tier::Software).unwrap().clone();
		let deny = DenyRule {
			manufacturer: software.manufacturer,
			model: Default::default(),
			from: 0,
			to: 7,
			advisory: Default::default(),
		};
		let denied = Denylist(vec![deny].try_into().unwrap());
		assert_ok!(Admission::set_models(RuntimeOrigin::root(), Tiers::<Test>::get(), denied));
		finds(&author, Lapse::Denied);
		// The same firmware again is no news.
		Admission::note_firmware(&author, 7);
		assert_eq!(review(&author), Err(Error::NotDue));
		Admission::note_firmware(&author, 8);
		assert_eq!(review(&author), Ok(()));
		assert_eq!((grounds(&author).stays, grounds(&author).firmware), (None, Some(8)));
		// And back.
		Admission::note_firmware(&author, 6);
		finds(&author, Lapse::Denied);
	});
}

#[test]
fn a_model_that_is_let_in_no_more_lapses_and_one_that_changes_tier_has_another_cap() {
	on_chain(|| {
		let author = member(ALICE, "ecc");
		let mut tiers = Tiers::<Test>::get();
		tiers.0.iter_mut().for_each(|rule| rule.tier = Tier::Firmware);
		assert_ok!(Admission::set_models(RuntimeOrigin::root(), tiers, Default::default()));
		finds(&author, Lapse::Model);
		let caps = Caps { firmware: 50_000, ..Caps::default() };
		assert_ok!(Admission::set_parameters(RuntimeOrigin::root(), Parameters { caps, ..parameters() }));
		assert_eq!(review(&author), Ok(()));
		assert_eq!(Admission::cap_of(&author), Some(50_000));
		// One maker is left in the table, which is another.
		let mut others = Tiers::<Test>::get();
		others.0.truncate(1);
		assert_ok!(Admission::set_models(RuntimeOrigin::root(), others, Default::default()));
		finds(&author, Lapse::Model);
	});
}

#[test]
fn whose_policy_goes_chooses_another() {
	on_chain(|| {
		let author = member(ALICE, "ecc");
		let set = |number, policy: Option<PlatformPolicy>| {
			let policy = policy.map(GovernedPolicy::always);
			assert_ok!(Admission::set_policy(RuntimeOrigin::root(), number, policy));
		};
		let choose = |account, number| Admission::choose_policy(RuntimeOrigin::signed(account), number);
		assert_eq!(Admission::policy_of(&author), Some(0));
		set(0, None);
		finds(&author, Lapse::Policy);
		assert_eq!(Admission::policy_of(&author), None, "its duties go on, of time alone");
		let mut open = policy();
		let AllowedPcrs::Each(rules) = &mut open.allowed else { panic!("it lists them") };
		rules[0] = PcrRule::Any;
		set(1, Some(policy()));
		set(2, Some(open));
		assert_noop!(choose(ALICE, 0), Error::<Test>::NoSuchPolicy);
		assert_noop!(choose(ALICE, 2), Error::<Test>::NeedsCommittee);
		assert_noop!(choose(BOB, 1), Error::<Test>::NotAMember);
		assert_noop!(choose(1, 1), Error::<Test>::NotAMember);
		assert_ok!(choose(ALICE, 1));
		assert_eq!(Admission::policy_of(&author), Some(1));
		assert_eq!(review(&author), Ok(()));
		assert_eq!(grounds(&author).stays, None);
	});
}

#[test]
fn whose_certificate_expires_stays_if_parameters_say_so() {
	on_chain(|| {
		let author = member(ALICE, "good");
		// The chip's certificate ends in June 2125, its maker's in October 2126.
		Timestamp::set_timestamp(4_923_000_000_000);
		let expired_stay = |expired_stay| {
			let parameters = Parameters { expired_stay, ..parameters() };
			assert_ok!(Admission::set_parameters(RuntimeOrigin::root(), parameters));
		};
		expired_stay(true);
		assert_eq!(review(&author), Ok(()));
		assert_eq!(grounds(&author).stays, None);
		expired_stay(false);
		finds(&author, Lapse::Certificate);
	});
}

#[test]
fn who_was_let_in_by_no_committee_is_not_reviewed() {
	on_chain(|| {
		remove_root();
		assert_eq!(review(&soft(1).id()), Err(Error::NotAMember));
		assert_eq!(review(&soft(30).id()), Err(Error::NotAMember));
	});
}

#[test]
fn who_is_suspended_keeps_its_mark() {
	on_chain(|| {
		let author = member(ALICE, "ecc");
		remove_root();
		pallet_trust::Pallet::<Test>::suspend(&author);
		assert_eq!(review(&author), Err(Error::NotAMember));
	});
}

#[test]
fn the_last_weight_of_all_stays() {
	on_chain(|| {
		let author = member(ALICE, "ecc");
		for n in 1..=MEMBERS {
			assert_ok!(Trust::remove_member(RuntimeOrigin::root(), n));
		}
		remove_root();
		let stays = finds(&author, Lapse::Certificate);
		go_to(u64::from(stays) + 1);
		assert!(finds(&author, Lapse::Certificate) > stays);
		assert!(!leaves(&author));
	});
}

#[test]
fn rules_that_change_during_a_round_count() {
	on_chain(|| {
		let applicant = Applicant::new(ALICE, "ecc");
		let round = opened(&applicant);
		remove_root();
		assert_eq!(conclude(round, Judgement::Admit, &[1, 2, 3]), Ok(()));
		finds(&applicant.application.author, Lapse::Certificate);
	});
}

#[test]
fn a_member_changes_its_address_with_the_new_keys_leave() {
	on_chain(|| {
		let author = member(ALICE, "ecc");
		let rotate = |account, n, proof| Admission::rotate_anchor(RuntimeOrigin::signed(account), anchor(n), proof);
		assert_noop!(rotate(ALICE, 60, anchor_proof(&author, 61)), Error::<Test>::BadAnchor);
		assert_noop!(rotate(ALICE, 60, anchor_proof(&soft(1).id(), 60)), Error::<Test>::BadAnchor);
		assert_noop!(rotate(ALICE, 2, anchor_proof(&author, 2)), Error::<Test>::BadAnchor);
		assert_noop!(rotate(BOB, 60, anchor_proof(&author, 60)), Error::<Test>::NotAMember);
		assert_ok!(rotate(ALICE, 60, anchor_proof(&author, 60)));
		assert_eq!(Anchors::<Test>::get(&author), Some(anchor(60)));
		assert_eq!(AnchorOwners::<Test>::get(anchor(ALICE)), None);
		let told = Addressed::get().into_iter().filter(|(who, _)| *who == author).map(|(_, address)| address);
		assert_eq!(told.collect::<Vec<_>>(), [anchor(ALICE), anchor(60)]);
		// A member of genesis as well.
		assert_ok!(rotate(1, 61, anchor_proof(&soft(1).id(), 61)));
	});
}

#[test]
fn a_policy_lets_in_while_it_holds_and_its_members_move_on_when_it_ends() {
	on_chain(|| {
		let set = |number, from, until| {
			let policy = GovernedPolicy { platform: policy(), from, until };
			assert_ok!(Admission::set_policy(RuntimeOrigin::root(), number, Some(policy)));
		};
		set(0, 6, 100);
		assert_noop!(Applicant::new(ALICE, "ecc").apply(), Error::<Test>::PolicyNotInForce);
		go_to(6);
		let author = member(ALICE, "ecc");
		go_to(100);
		assert_eq!(review(&author), Err(Error::NotDue));
		go_to(101);
		assert_noop!(Applicant::new(BOB, "good").apply(), Error::<Test>::PolicyNotInForce);
		let stays = finds(&author, Lapse::Policy);
		assert_eq!(stays, 101 + parameters().overlap);
		// Its duties go on as before, and it may move to one that holds, not to one that does not yet.
		assert_eq!(Admission::policy_of(&author), Some(0));
		set(1, 500, u32::MAX);
		let choose = |number| Admission::choose_policy(RuntimeOrigin::signed(ALICE), number);
		assert_noop!(choose(1), Error::<Test>::PolicyNotInForce);
		set(2, 0, u32::MAX);
		assert_ok!(choose(2));
		assert_eq!(review(&author), Ok(()));
		assert_eq!(grounds(&author).stays, None);
	});
}

#[test]
fn who_does_not_move_on_is_out() {
	on_chain(|| {
		let policy = GovernedPolicy { platform: policy(), from: 0, until: 60 };
		assert_ok!(Admission::set_policy(RuntimeOrigin::root(), 0, Some(policy)));
		let author = member(ALICE, "ecc");
		go_to(61);
		let stays = finds(&author, Lapse::Policy);
		go_to(u64::from(stays) + 1);
		finds(&author, Lapse::Policy);
		assert!(leaves(&author));
	});
}
