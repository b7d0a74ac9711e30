//! Checkpoints from being stated to their certificates, and forgers.

use ep_bridge::{archive, Certified};
use ep_trust::Chain;
use frame_support::{assert_noop, assert_ok};
use sp_core::{offchain::StorageKind, H160, H256};
use sp_runtime::{traits::Header as _, DispatchError};

use crate::{mock::*, *};

const CONTRACT: Chain = Chain { id: 20, contract: H160::repeat_byte(7) };

#[test]
fn a_checkpoint_says_what_its_block_is() {
	on_chain(|| {
		CurrentEpoch::set(3);
		let headers = go_to(11);
		let (header, set) = (headers.last().unwrap(), Sets::<Test>::get(0).unwrap().signers);
		let checkpoint = open(10);
		assert_eq!(checkpoint.genesis, GENESIS);
		assert_eq!((checkpoint.number, checkpoint.epoch), (10, 3));
		assert_eq!((checkpoint.block_hash, checkpoint.state_root), (header.hash(), *header.state_root()));
		assert_eq!(checkpoint.history_leaves, 10);
		assert_eq!((checkpoint.trust_root, checkpoint.trust_leaves), (BlockEnd::default().trust_root, 0));
		assert_eq!((checkpoint.signers, checkpoint.next_signers), (0, set.hash()));
		assert_eq!(events(), [Event::Opened { number: 10, signers: 0, handover: false }]);
		assert_eq!(OpenNumbers::<Test>::get()[..], [10]);
	});
}

#[test]
fn a_checkpoint_comes_every_interval_and_the_interval_is_governed() {
	on_chain(|| {
		go_to(31);
		assert_eq!(OpenNumbers::<Test>::get()[..], [10, 20, 30]);
		let parameters = Parameters { interval: 4 };
		assert_noop!(Bridge::set_parameters(RuntimeOrigin::signed(1), parameters), DispatchError::BadOrigin);
		let never = Parameters { interval: 0 };
		assert_noop!(Bridge::set_parameters(RuntimeOrigin::root(), never), Error::<Test>::BadSettings);
		assert_ok!(Bridge::set_parameters(RuntimeOrigin::root(), parameters));
		assert!(events().contains(&Event::ParametersSet));
		go_to(42);
		assert_eq!(OpenNumbers::<Test>::get()[..], [10, 20, 30, 32, 36, 40]);
	});
}

#[test]
fn more_than_two_thirds_of_the_weight_certify_it() {
	on_chain(|| {
		go_to(11);
		let checkpoint = open(10);
		events();
		assert_eq!(sign(1, 10), Ok(()));
		assert_eq!(sign(3, 10), Ok(()));
		assert!(Bridge::certified(None).is_none());
		let [waits] = &Bridge::open_checkpoints()[..] else { panic!("one is open") };
		assert_eq!((waits.votes, waits.signed.len()), (200, 2));
		let awaited: Vec<u8> = (1..=5).filter(|n| waits.awaits(&address(*n))).collect();
		assert_eq!(awaited, [2, 4]);

		assert_eq!(sign(4, 10), Ok(()));
		let certified = Bridge::certified(None).unwrap();
		assert_eq!(Bridge::certified(Some(10)), Some(certified.clone()));
		assert_eq!(certified.checkpoint, checkpoint);
		assert_eq!(certified.verify(&certified.signers.hash()), Ok(300));
		let signed = |number, n| Event::Signed { number, address: address(n) };
		let done = Event::Certified { number: 10, signers: 0, votes: 300, total: 400 };
		assert_eq!(events(), [signed(10, 1), signed(10, 3), signed(10, 4), done]);
		// The fourth is not needed.
		assert_eq!(sign(2, 10), Err(Error::NotOpen));
		assert!(Bridge::open_checkpoints().is_empty());
	});
}

#[test]
fn weight_counts_and_not_heads() {
	on_chain_of(&[(1, 201), (2, 50), (3, 49)], || {
		go_to(11);
		assert_eq!(sign(2, 10), Ok(()));
		assert_eq!(sign(3, 10), Ok(()));
		assert!(Bridge::certified(None).is_none());
		assert_eq!(sign(1, 10), Ok(()));
		go_to(21);
		// One who has more than two thirds is enough.
		assert_eq!(sign(1, 20), Ok(()));
		assert_eq!(Newest::<Test>::get(), Some(20));
	});
}

#[test]
fn strangers_do_not_sign() {
	on_chain(|| {
		go_to(11);
		assert_eq!(sign(5, 10), Err(Error::NotASigner));
		let own = signature(5, &open(10), &Chain::default());
		assert_eq!(hand_in(10, H160::zero(), own), Err(Error::NotASigner));
		// In another's name.
		assert_eq!(hand_in(10, address(1), own), Err(Error::BadSignature));
	});
}

#[test]
fn nobody_signs_twice() {
	on_chain(|| {
		go_to(11);
		assert_eq!(sign(1, 10), Ok(()));
		assert_eq!(sign(1, 10), Err(Error::AlreadySigned));
		assert_eq!(Open::<Test>::get(10).unwrap().votes, 100);
	});
}

#[test]
fn what_is_not_open_is_not_signed() {
	on_chain(|| {
		go_to(10);
		// Stated, and not sealed yet.
		next_block();
		let checkpoint = open(10);
		assert_eq!(hand_in(9, address(1), signature(1, &checkpoint, &Chain::default())), Err(Error::NotOpen));
		assert_eq!(hand_in(20, address(1), signature(1, &checkpoint, &Chain::default())), Err(Error::NotOpen));
	});
}

#[test]
fn a_signature_is_over_this_checkpoint_for_this_contract_in_its_one_form() {
	on_chain(|| {
		Contract::set(CONTRACT);
		go_to(21);
		let (own, other) = (open(10), open(20));
		let refused = |signature: [u8; 65]| {
			assert_eq!(hand_in(10, address(1), signature), Err(Error::BadSignature));
		};
		refused(signature(1, &other, &CONTRACT));
		refused(signature(1, &own, &Chain::default()));
		refused(signature(1, &own, &Chain { id: 21, ..CONTRACT }));
		refused([0; 65]);
		refused([0xff; 65]);
		let elsewhere = ep_bridge::Checkpoint { genesis: H256::repeat_byte(1), ..own.clone() };
		refused(signature(1, &elsewhere, &CONTRACT));
		let mut ethereum = signature(1, &own, &CONTRACT);
		ethereum[64] += 27;
		refused(ethereum);
		refused(twin(signature(1, &own, &CONTRACT)));
		assert_eq!(hand_in(10, address(1), signature(1, &own, &CONTRACT)), Ok(()));
	});
}

/// (r, n - s, the other recovery id): the same signer to a careless verifier.
fn twin(mut signature: [u8; 65]) -> [u8; 65] {
	const ORDER: [u8; 32] = [
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae,
		0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
	];
	let mut borrow = 0i16;
	for (byte, order) in signature[32..64].iter_mut().zip(ORDER).rev() {
		let difference = i16::from(order) - i16::from(*byte) - borrow;
		borrow = i16::from(difference < 0);
		*byte = difference.rem_euclid(256) as u8;
	}
	signature[64] ^= 1;
	signature
}

#[test]
fn a_thousand_mutations_of_a_good_signature_are_refused() {
	on_chain(|| {
		go_to(11);
		let good = signature(1, &open(10), &Chain::default());
		// A small generator of pseudo-random numbers, so that a failure can be repeated.
		let mut state = 1u64;
		let mut random = move |below: usize| {
			state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
			(state >> 33) as usize % below
		};
		for _ in 0..1_000 {
			let mut signature = good;
			signature[random(65)] ^= 1 << random(8);
			assert_eq!(hand_in(10, address(1), signature), Err(Error::BadSignature));
		}
	});
}

#[test]
fn signatures_for_another_contract_are_given_again() {
	on_chain(|| {
		go_to(11);
		assert_eq!(sign(1, 10), Ok(()));
		assert_eq!(sign(2, 10), Ok(()));
		Contract::set(CONTRACT);
		let [waits] = &Bridge::open_checkpoints()[..] else { panic!("one is open") };
		assert_eq!((waits.chain, waits.votes, waits.signed.len()), (CONTRACT, 0, 0));
		assert_eq!(sign(3, 10), Ok(()));
		assert_eq!(Open::<Test>::get(10).unwrap().votes, 100);
		assert_eq!(sign(1, 10), Ok(()));
		assert_eq!(sign(2, 10), Ok(()));
		let certified = Bridge::certified(None).unwrap();
		assert_eq!(certified.chain, CONTRACT);
		assert_eq!(certified.verify(&certified.signers.hash()), Ok(300));
	});
}

#[test]
fn what_a_newer_certificate_supersedes_is_dropped() {
	on_chain(|| {
		go_to(31);
		assert_eq!(sign(1, 10), Ok(()));
		events();
		for n in [1, 2, 3] {
			assert_eq!(sign(n, 20), Ok(()));
		}
		assert_eq!(OpenNumbers::<Test>::get()[..], [30]);
		assert!(events().contains(&Event::Dropped { number: 10 }));
		assert_eq!(sign(2, 10), Err(Error::NotOpen));
	});
}

#[test]
fn the_newest_wait_while_nobody_signs() {
	on_chain(|| {
		go_to(u64::from(MAX_OPEN + 3) * INTERVAL + 1);
		let open = OpenNumbers::<Test>::get();
		assert_eq!((open.len() as u32, open[0]), (MAX_OPEN, 40));
		assert!(events().contains(&Event::Dropped { number: 30 }));
	});
}

#[test]
fn the_last_certified_are_remembered_and_all_are_kept_beside_the_state() {
	let mut ext = ext_of(&[(1, 100)]);
	let last = (RETAINED + 3) * INTERVAL as u32;
	ext.execute_with(|| {
		for number in (10..=last).step_by(10) {
			go_to(u64::from(number) + 1);
			assert_eq!(sign(1, number), Ok(()));
		}
		assert_eq!(CertifiedNumbers::<Test>::get().len() as u32, RETAINED);
		assert!(Bridge::certified(Some(30)).is_none() && Bridge::certified(Some(40)).is_some());
		assert_eq!(Bridge::certified(None).unwrap().checkpoint.number, u64::from(last));
		Bridge::do_try_state().unwrap();
	});
	ext.persist_offchain_overlay();
	ext.execute_with(|| {
		for number in (10..=last).step_by(10) {
			let key = archive::certified(number.into());
			let bytes = sp_io::offchain::local_storage_get(StorageKind::PERSISTENT, &key).unwrap();
			let certified: Certified = codec::Decode::decode(&mut &bytes[..]).unwrap();
			assert_eq!(certified.checkpoint.number, u64::from(number));
			assert_eq!(certified.verify(&certified.signers.hash()), Ok(100));
		}
	});
}

#[test]
fn calls_need_their_origins() {
	on_chain(|| {
		go_to(11);
		let good = signature(1, &open(10), &Chain::default());
		for origin in [RuntimeOrigin::signed(1), RuntimeOrigin::root(), RuntimeOrigin::none()] {
			assert_noop!(Bridge::sign(origin.clone(), 10, address(1), good), DispatchError::BadOrigin);
		}
		assert_noop!(Bridge::reset_signers(RuntimeOrigin::signed(1)), DispatchError::BadOrigin);
	});
}

#[test]
fn without_signers_there_are_no_checkpoints() {
	on_chain_of(&[], || {
		go_to(21);
		assert!(OpenNumbers::<Test>::get().is_empty());
	});
}

#[test]
fn a_header_of_another_block_completes_nothing() {
	on_chain(|| {
		go_to(10);
		let mut header = end_block();
		assert!(Unsealed::<Test>::exists());
		header.number = 9;
		<Bridge as ep_poet::OnParent<_>>::on_parent(&header);
		assert!(OpenNumbers::<Test>::get().is_empty());
	});
}
