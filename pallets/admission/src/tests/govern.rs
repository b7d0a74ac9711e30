//! Roots, lists, policies, parameters.

use crate::{mock::*, *};
use ep_tpm::certificate::{Role, StoredCertificate};
use frame_support::{assert_noop, assert_ok, BoundedVec};
use sp_runtime::DispatchError::BadOrigin;

#[test]
fn only_governance_governs() {
	on_chain(|| {
		let origin = || RuntimeOrigin::signed(1);
		let certificate = file("root.der");
		assert_noop!(Admission::add_root(origin(), Role::Root, certificate.try_into().unwrap()), BadOrigin);
		assert_noop!(Admission::remove_root(origin(), [0; 32], [0; 32]), BadOrigin);
		assert_noop!(Admission::set_policy(origin(), 0, None), BadOrigin);
		assert_noop!(Admission::set_parameters(origin(), parameters()), BadOrigin);
		assert_noop!(Admission::set_models(origin(), Default::default(), Default::default()), BadOrigin);
		assert_noop!(Admission::set_anchor_of(origin(), soft(1).id(), anchor(50)), BadOrigin);
		assert_noop!(Admission::set_anchor_chain(origin(), Anchor::default()), BadOrigin);
	});
}

#[test]
fn a_root_is_added_once_and_removed_once() {
	on_chain(|| {
		let root = StoredCertificate::of(&file("root.der")).unwrap();
		let (subject, fingerprint) = (root.subject_hash().unwrap(), root.fingerprint());
		let add = || Admission::add_root(RuntimeOrigin::root(), Role::Root, file("root.der").try_into().unwrap());
		let remove = || Admission::remove_root(RuntimeOrigin::root(), subject, fingerprint);
		assert_noop!(add(), Error::<Test>::KnownRoot);
		assert_ok!(remove());
		assert_noop!(remove(), Error::<Test>::UnknownRoot);
		assert_noop!(Applicant::new(ALICE, "ecc").apply(), Error::<Test>::BadCertificate);
		assert_ok!(add());
		assert_ok!(Applicant::new(ALICE, "ecc").apply());
	});
}

#[test]
fn what_is_no_ca_is_no_root() {
	on_chain(|| {
		let add =
			|bytes: Vec<u8>| Admission::add_root(RuntimeOrigin::root(), Role::Intermediate, bytes.try_into().unwrap());
		assert_noop!(add(file("ek-rsa.der")), Error::<Test>::BadRoot);
		assert_noop!(add(vec![1, 2, 3]), Error::<Test>::BadRoot);
	});
}

#[test]
fn there_are_at_most_four_certificates_with_one_subject() {
	on_chain(|| {
		let add = |file: Vec<u8>| Admission::add_root(RuntimeOrigin::root(), Role::Root, file.try_into().unwrap());
		let root = StoredCertificate::of(&file("root.der")).unwrap();
		let (subject, fingerprint) = (root.subject_hash().unwrap(), root.fingerprint());
		assert_ok!(Admission::remove_root(RuntimeOrigin::root(), subject, fingerprint));
		// As if a maker had renewed it that often: in the store they are told apart by their bytes alone.
		let renewed = |n: u8| {
			let mut renewed = root.clone();
			*renewed.certificate.last_mut().unwrap() ^= n;
			renewed
		};
		Roots::<Test>::insert(subject, BoundedVec::truncate_from((1..=4).map(renewed).collect()));
		assert_noop!(add(file("root.der")), Error::<Test>::TooManyRoots);
		// Another subject has room of its own, and so has this one when one of them goes.
		assert_ok!(Admission::remove_root(RuntimeOrigin::root(), subject, renewed(4).fingerprint()));
		assert_ok!(add(file("root.der")));
		assert_eq!(Roots::<Test>::get(subject).len(), 4);
	});
}

#[test]
fn models_are_what_governance_says_if_it_can_be_meant() {
	use ep_tpm::model::{DenyRule, Denylist, Tier, TierTable};
	on_chain(|| {
		let set = |tiers: TierTable, denied| Admission::set_models(RuntimeOrigin::root(), tiers, Denylist(denied));
		let known = Tiers::<Test>::get();
		let software = known.0.iter().find(|rule| rule.tier == Tier::Software).cloned().unwrap();
		// The quotes of the mock say that firmware 7 runs.
		let deny = |from, to| {
			let (manufacturer, model) = (software.manufacturer, software.model.clone());
			BoundedVec::truncate_from(vec![DenyRule { manufacturer, model, from, to, advisory: Default::default() }])
		};
		assert_noop!(set(TierTable::default(), Default::default()), Error::<Test>::BadSettings);
		assert_noop!(set(known.clone(), deny(8, 7)), Error::<Test>::BadSettings);

		let before = Revision::<Test>::get();
		assert_ok!(set(known.clone(), deny(7, 7)));
		assert_eq!(Revision::<Test>::get(), before + 1, "members are due for a review");
		assert_noop!(Applicant::new(ALICE, "ecc").apply(), Error::<Test>::ModelDenied);
		let mut others = known.clone();
		others.0.retain(|rule| rule.manufacturer != software.manufacturer);
		assert_ok!(set(others, Default::default()));
		assert_noop!(Applicant::new(ALICE, "ecc").apply(), Error::<Test>::ModelNotLetIn);
		assert_ok!(set(known, deny(8, u64::MAX)));
		assert_ok!(Applicant::new(ALICE, "ecc").apply());
	});
}

#[test]
fn a_list_is_taken_from_anybody_and_never_an_older_one() {
	on_chain(|| {
		let list: List = fixture("list/list.der").try_into().unwrap();
		let submit = |list: &List| Admission::submit_list(RuntimeOrigin::signed(77), list.clone());
		// Its issuer is not known.
		let ca = StoredCertificate::of(&fixture("list/ca.der")).unwrap();
		assert_ok!(Admission::remove_root(RuntimeOrigin::root(), ca.subject_hash().unwrap(), ca.fingerprint()));
		assert_noop!(submit(&list), Error::<Test>::BadList);
		assert_ok!(Admission::add_root(RuntimeOrigin::root(), Role::Root, ca.certificate));
		let mut forged = list.clone();
		let last = forged.len() - 1;
		forged[last] ^= 1;
		assert_noop!(submit(&forged), Error::<Test>::BadList);
		let parsed = ep_tpm::certificate::RevocationList::parse(&list).unwrap();
		if parsed.check_time(Admission::now(), None).is_err() {
			// The fixture's list is of a year of its own.
			Timestamp::set_timestamp(NOW - 10 * 365 * 86_400_000);
		}
		assert_ok!(submit(&list));
		// The same again is not newer.
		assert_noop!(submit(&list), Error::<Test>::BadList);
	});
}

#[test]
fn impossible_settings_are_refused() {
	on_chain(|| {
		let bad = [
			Parameters { seats: 0, ..parameters() },
			Parameters { seats: ep_trust::MAX_SEATS, ..parameters() },
			Parameters { sit: 0, ..parameters() },
			Parameters { sit: REMEMBERED, ..parameters() },
			Parameters { answer: 0, ..parameters() },
			Parameters { reveal: 0, ..parameters() },
			Parameters { judge: 0, ..parameters() },
			Parameters { recent: 0, ..parameters() },
			Parameters { cooldown: MAX_PERIOD + 1, ..parameters() },
			Parameters { overlap: MAX_PERIOD + 1, ..parameters() },
			Parameters { first_weight: 0, ..parameters() },
		];
		for bad in bad {
			assert_noop!(Admission::set_parameters(RuntimeOrigin::root(), bad), Error::<Test>::BadSettings);
		}
		assert_ok!(Admission::set_parameters(RuntimeOrigin::root(), parameters()));
		let mut policy = policy();
		policy.bitmap = vec![0, 0, 0].try_into().unwrap();
		assert_noop!(
			Admission::set_policy(RuntimeOrigin::root(), 3, Some(GovernedPolicy::always(policy))),
			Error::<Test>::BadSettings
		);
	});
}

#[test]
fn a_policy_comes_and_goes() {
	on_chain(|| {
		assert_ok!(Admission::set_policy(RuntimeOrigin::root(), 3, Some(GovernedPolicy::always(policy()))));
		assert!(Policies::<Test>::contains_key(3));
		let backwards = GovernedPolicy { platform: policy(), from: 2, until: 1 };
		assert_noop!(Admission::set_policy(RuntimeOrigin::root(), 3, Some(backwards)), Error::<Test>::BadSettings);
		assert_ok!(Admission::set_policy(RuntimeOrigin::root(), 3, None));
		assert!(!Policies::<Test>::contains_key(3));
	});
}

#[test]
fn a_members_address_is_set_by_governance_and_is_its_alone() {
	on_chain(|| {
		let set = |author: u64, n: u64| Admission::set_anchor_of(RuntimeOrigin::root(), soft(author).id(), anchor(n));
		assert_noop!(set(30, 50), Error::<Test>::NotAMember);
		assert_noop!(set(1, 2), Error::<Test>::BadAnchor);
		assert_ok!(set(1, 50));
		assert_eq!(AnchorOwners::<Test>::get(anchor(1)), None);
		assert_ok!(set(2, 1));
		assert_ok!(Admission::set_anchor_chain(RuntimeOrigin::root(), Anchor { id: 20, contract: anchor(1) }));
		assert_eq!(AnchorChain::<Test>::get().id, 20);
	});
}
