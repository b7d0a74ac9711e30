//! Property *constant work*: what an application and a seat touch does not grow with the register.

#[path = "../../../trust/src/tests/touched.rs"]
mod touched;

use std::sync::Arc;

use ep_poet::AuthorityId;
use ep_tpm::{model::EkKind, Name};
use pallet_trust::{Member, MemberSpec, Schedule, Slot};
use sp_core::sr25519;
use sp_keystore::{testing::MemoryKeystore, Keystore, KeystoreExt};
use sp_runtime::BuildStorage;
use touched::{touched, Touched};

use crate::{mock::*, *};

/// A network in which seats are drawn, and one of the size that people may think of.
const SIZES: [u32; 2] = [100, 10_000];

/// A chain of so many members. The first four are real ones and have nearly all of the weight, so that they get seats; the
/// others are written straight into storage.
fn chain(size: u32) -> sp_io::TestExternalities {
	MaxRounds::set(4);
	let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
	let balances = vec![(ALICE, 10 * DEPOSIT)];
	pallet_balances::GenesisConfig::<Test> { balances, ..Default::default() }.assimilate_storage(&mut storage).unwrap();
	let spec = |n: u64| MemberSpec {
		author: soft(n).id(),
		ak_public: soft(n).chip.ak_public().try_into().unwrap(),
		ek_name: soft(n).chip.ek_name(),
		weight: soft(n).weight,
	};
	pallet_trust::GenesisConfig::<Test> { members: (1..=MEMBERS).map(|n| (n, spec(n))).collect() }
		.assimilate_storage(&mut storage)
		.unwrap();
	GenesisConfig::<Test> {
		parameters: Some(parameters()),
		roots: vec![file("root.der"), file("ca.der")],
		policies: vec![policy()],
		anchors: (1..=MEMBERS).map(|n| (soft(n).id(), anchor(n))).collect(),
		anchor: Anchor::default(),
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	let mut ext = sp_io::TestExternalities::new(storage);
	ext.register_extension(KeystoreExt(Arc::new(MemoryKeystore::new()) as Arc<dyn Keystore>));
	ext.execute_with(|| {
		(MEMBERS as u32..size).for_each(enter);
		let total = MEMBERS * 250_000 + u64::from(size) - MEMBERS;
		pallet_trust::MemberCount::<Test>::put(size);
		pallet_trust::TotalWeight::<Test>::put(Schedule::from_genesis(total));
		go_to(5);
		// The fixtures' keys are on curves.
		Tiers::<Test>::mutate(|tiers| tiers.0.iter_mut().for_each(|rule| rule.ek = EkKind::Ecc));
	});
	ext
}

/// A member that is only there, at this place of the list.
fn enter(index: u32) {
	let mut bytes = [0x6d; 32];
	bytes[..4].copy_from_slice(&index.to_le_bytes());
	let author = AuthorityId::from(sr25519::Public::from_raw(bytes));
	let name = Name::from_bytes(&[&[0, 0x0b][..], &bytes].concat()).unwrap();
	let account = 1_000_000 + u64::from(index);
	pallet_trust::Slots::<Test>::insert(index, Slot { author: author.clone(), weight: Schedule::from_genesis(1) });
	pallet_trust::Accounts::<Test>::insert(account, author.clone());
	pallet_trust::AttestationKeys::<Test>::insert(name, author.clone());
	pallet_trust::EndorsementKeys::<Test>::insert(name, author.clone());
	let member = Member {
		account,
		ak_public: Default::default(),
		ak_name: name,
		ek_name: name,
		index,
		suspended: false,
		leaves: None,
	};
	pallet_trust::Members::<Test>::insert(author, member);
}

/// What an application touches, and then a seat in its round.
fn apply_and_sit(size: u32) -> (Touched, Touched) {
	let mut ext = chain(size);
	let applicant = ext.execute_with(|| Applicant::new(ALICE, "ecc"));
	let (applied, application) = touched(&mut ext, || applicant.apply());
	assert_eq!(applied, Ok(()));
	ext.execute_with(|| {
		assert!(!Rounds::<Test>::get(0).unwrap().all_sit, "seats are drawn");
		go_to(14);
	});
	// One of them has drawn a seat, all but surely.
	let seated = (1..=MEMBERS).find_map(|n| {
		let claim = ext.execute_with(|| claim(&applicant, 0, n));
		let (seated, seat) = touched(&mut ext, || sit_with(n, 0, claim));
		seated.ok().map(|()| seat)
	});
	(application, seated.expect("four members with nearly all of the weight have ten seats"))
}

#[test]
fn applications_and_seats_are_as_much_work_with_ten_thousand_members() {
	let [few, many] = SIZES.map(apply_and_sit);
	assert_eq!(few, many);
	let (application, seat) = many;
	assert!((15..=80).contains(&application.read) && application.written > 5, "{application:?}");
	assert!((8..=60).contains(&seat.read) && seat.written > 1, "{seat:?}");
}
