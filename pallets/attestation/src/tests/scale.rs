//! Property *constant work*: what a block touches does not grow with the register.

#[path = "../../../trust/src/tests/touched.rs"]
mod touched;

use ep_poet::AuthorityId;
use frame_support::traits::Hooks;
use pallet_trust::{Member, Schedule, Slot};
use sp_core::sr25519;
use sp_runtime::BuildStorage;
use touched::{touched, Touched};

use super::*;

/// A network of some size, and one of the size that people may think of.
const SIZES: [u32; 2] = [100, 10_000];
/// The block that is looked at.
const NOW: u32 = 50;

fn author(n: u32) -> AuthorityId {
	let mut bytes = [0x6d; 32];
	bytes[..4].copy_from_slice(&n.to_le_bytes());
	sr25519::Public::from_raw(bytes).into()
}

/// A register of so many members, written straight into storage: nobody looks at their chips here.
fn register(size: u32) -> sp_io::TestExternalities {
	let mut ext: sp_io::TestExternalities =
		frame_system::GenesisConfig::<Test>::default().build_storage().unwrap().into();
	let name = spec(1).ek_name;
	ext.execute_with(|| {
		for index in 0..size {
			let author = author(index);
			let weight = Schedule::from_genesis(WEIGHT);
			pallet_trust::Slots::<Test>::insert(index, Slot { author: author.clone(), weight });
			let member = Member {
				account: index.into(),
				ak_public: Default::default(),
				ak_name: name,
				ek_name: name,
				index,
				suspended: false,
				leaves: None,
			};
			pallet_trust::Members::<Test>::insert(author, member);
		}
		pallet_trust::MemberCount::<Test>::put(size);
		pallet_trust::TotalWeight::<Test>::put(Schedule::from_genesis(WEIGHT * u64::from(size)));
		Settings::<Test>::put(Parameters { picks: 4, ..parameters() });
	});
	ext
}

/// An output that draws four members, none of them twice and none of the first four.
fn four_others(size: u32) -> [u8; 32] {
	let draws = |output: &[u8; 32]| {
		let drawn: std::collections::BTreeSet<_> =
			(0..4).filter_map(|number| Attestation::drawn(output, number, size)).filter(|index| *index >= 4).collect();
		drawn.len() == 4
	};
	(0u32..).map(|number| sp_io::hashing::blake2_256(&number.to_le_bytes())).find(draws).expect("one of so many")
}

/// The work of a block in which four duties lapse, each of which changes a weight, and four members are drawn.
fn busy_block(size: u32) -> Touched {
	let mut ext = register(size);
	ext.execute_with(|| {
		// As long as a duty lasts before.
		System::set_block_number(u64::from(NOW) - 1 - 8);
		(0..4).for_each(|index| Attestation::oblige(author(index), &Settings::<Test>::get()));
		System::set_block_number(u64::from(NOW));
		System::reset_events();
	});
	Draw::set(Some((author(0), four_others(size))));
	let (_, found) = touched(&mut ext, || Attestation::on_initialize(u64::from(NOW)));
	Draw::set(None);
	ext.execute_with(|| {
		let (missed, due): (Vec<_>, Vec<_>) =
			events().into_iter().partition(|event| matches!(event, Event::Missed { .. }));
		assert_eq!((missed.len(), due.len()), (4, 4), "{missed:?} {due:?}");
	});
	found
}

#[test]
fn a_block_is_as_much_work_with_ten_thousand_members() {
	let [few, many] = SIZES.map(busy_block);
	assert_eq!(few, many);
	// Of eight members some records each, and of the pallets some values.
	assert!((30..=80).contains(&many.read) && (20..=60).contains(&many.written), "{many:?}");
}

#[test]
fn a_block_in_a_pause_is_as_much_work_with_ten_thousand_members() {
	let quiet = |size| {
		let mut ext = register(size);
		ext.execute_with(|| {
			System::set_block_number(u64::from(NOW));
			Settings::<Test>::mutate(|settings| settings.picks = 0);
		});
		touched(&mut ext, || Attestation::on_initialize(u64::from(NOW))).1
	};
	let [few, many] = SIZES.map(quiet);
	assert_eq!(few, many);
	assert!(many.read <= 4, "{many:?}");
}
