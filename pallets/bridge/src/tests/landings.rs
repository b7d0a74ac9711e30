//! Where checkpoints landed, what relayers get, and forgers.

use ep_bridge::{landing, Landing};
use ep_trust::Chain;
use frame_support::{assert_noop, assert_ok, traits::fungible::Mutate};
use sp_core::{H160, H256};
use sp_runtime::DispatchError;

use crate::{mock::*, *};

const CONTRACT: Chain = Chain { id: 20, contract: H160::repeat_byte(7) };
/// The member whose key relays.
const RELAYER: u8 = 9;
const REWARD: u64 = 50;

fn landing(number: u64) -> Landing {
	Landing { number, transaction: H256::repeat_byte(3), log: 2, relayer: address(RELAYER) }
}

fn attest(n: u8, said: Landing) -> Result<(), Error<Test>> {
	attest_for(n, said, said.digest(&CONTRACT, &GENESIS))
}

fn attest_for(n: u8, landing: Landing, digest: [u8; 32]) -> Result<(), Error<Test>> {
	dispatch(Call::attest_landing { landing, address: address(n), signature: pair(n).sign_prehashed(&digest).0 })
}

/// A chain whose checkpoint of #10 is certified for [`CONTRACT`].
fn certified(test: impl FnOnce()) {
	on_chain(|| {
		Contract::set(CONTRACT);
		certify(10);
		test();
	});
}

fn certify(number: u32) {
	go_to(u64::from(number) + 1);
	for n in 1..=3 {
		assert_eq!(sign(n, number), Ok(()));
	}
	events();
}

fn fund(amount: u64) {
	assert_ok!(Balances::mint_into(&Bridge::pot(), amount));
	assert_ok!(Bridge::set_reward(RuntimeOrigin::root(), REWARD));
	events();
}

fn claim(account: u64, of: u8) -> frame_support::dispatch::DispatchResult {
	let proof = landing::claim(&Contract::get(), &GENESIS, &codec::Encode::encode(&account));
	Bridge::claim_rewards(RuntimeOrigin::signed(account), address(RELAYER), pair(of).sign_prehashed(&proof).0)
}

#[test]
fn more_than_two_thirds_of_the_weight_make_a_landing_known() {
	certified(|| {
		fund(1_000);
		let awaited = |n| Bridge::awaited_landings(&address(n)).len();
		assert_eq!((awaited(1), awaited(4), awaited(5)), (1, 1, 0));
		assert_eq!(attest(1, landing(10)), Ok(()));
		assert_eq!(attest(2, landing(10)), Ok(()));
		assert_eq!((awaited(1), awaited(4)), (0, 1));
		assert_eq!(LastLanded::<Test>::get(), None);
		assert_eq!(attest(3, landing(10)), Ok(()));
		assert_eq!(LastLanded::<Test>::get(), Some(landing(10)));
		let said = |n| Event::LandingAttested { number: 10, address: address(n) };
		let landed = Event::Landed { number: 10, relayer: address(RELAYER), reward: REWARD };
		assert_eq!(events(), [said(1), said(2), said(3), landed]);
		assert_eq!(awaited(4), 0);
		assert_eq!(attest(4, landing(10)), Err(Error::AlreadyLanded));
	});
}

#[test]
fn words_that_differ_are_not_added_up() {
	certified(|| {
		let other = Landing { log: 3, ..landing(10) };
		assert_eq!(attest(1, landing(10)), Ok(()));
		assert_eq!(attest(2, other), Ok(()));
		assert_eq!(attest(3, landing(10)), Ok(()));
		assert_eq!(LastLanded::<Test>::get(), None);
		// Nobody has a second word.
		assert_eq!(attest(2, landing(10)), Err(Error::AlreadySigned));
		assert_eq!(attest(4, landing(10)), Ok(()));
		assert_eq!(LastLanded::<Test>::get(), Some(landing(10)));
	});
}

#[test]
fn only_signers_of_a_certified_checkpoint_have_a_word_and_each_its_own() {
	certified(|| {
		assert_eq!(attest(5, landing(10)), Err(Error::NotASigner));
		assert_eq!(attest(1, landing(11)), Err(Error::NotCertified));
		assert_eq!(attest(1, landing(10 + (1 << 32))), Err(Error::NotCertified));
		let good = landing(10).digest(&CONTRACT, &GENESIS);
		let call = |signature| dispatch(Call::attest_landing { landing: landing(10), address: address(1), signature });
		assert_eq!(call(pair(2).sign_prehashed(&good).0), Err(Error::BadSignature));
		let forged = [
			landing(11).digest(&CONTRACT, &GENESIS),
			landing(10).digest(&Chain { id: 21, ..CONTRACT }, &GENESIS),
			landing(10).digest(&CONTRACT, &H256::zero()),
			// Its signature under the checkpoint.
			CertifiedCheckpoints::<Test>::get(10).unwrap().checkpoint.digest(&CONTRACT),
		];
		for digest in forged {
			assert_eq!(attest_for(1, landing(10), digest), Err(Error::BadSignature));
		}
		assert!(!Landings::<Test>::contains_key(10));
	});
}

#[test]
fn what_was_certified_for_no_contract_lands_nowhere() {
	on_chain(|| {
		certify(10);
		assert!(Bridge::awaited_landings(&address(1)).is_empty());
		let digest = landing(10).digest(&Chain::default(), &GENESIS);
		assert_eq!(attest_for(1, landing(10), digest), Err(Error::NotAnchored));
	});
}

#[test]
fn a_relayer_is_paid_once_to_the_account_that_its_key_names() {
	certified(|| {
		fund(1_000);
		(1..=3).for_each(|n| assert_eq!(attest(n, landing(10)), Ok(())));
		certify(20);
		(1..=3).for_each(|n| assert_eq!(attest(n, landing(20)), Ok(())));
		assert_eq!((Owed::<Test>::get(address(RELAYER)), Bridge::owed()), (2 * REWARD, 2 * REWARD));
		events();
		assert_noop!(claim(77, 1), Error::<Test>::BadSignature);
		// The proof is for another account.
		let proof = landing::claim(&CONTRACT, &GENESIS, &codec::Encode::encode(&78u64));
		let signature = pair(RELAYER).sign_prehashed(&proof).0;
		assert_noop!(
			Bridge::claim_rewards(RuntimeOrigin::signed(77), address(RELAYER), signature),
			Error::<Test>::BadSignature
		);
		assert_ok!(claim(77, RELAYER));
		let paid = Event::RewardPaid { relayer: address(RELAYER), account: 77, amount: 2 * REWARD };
		assert_eq!(events(), [paid]);
		assert_eq!((Balances::free_balance(77), Bridge::owed()), (2 * REWARD, 0));
		assert_eq!(Balances::free_balance(Bridge::pot()), 1_000 - 2 * REWARD);
		assert_noop!(claim(77, RELAYER), Error::<Test>::NothingOwed);
	});
}

#[test]
fn a_pot_that_does_not_have_the_reward_owes_nothing_and_what_it_owes_stays() {
	certified(|| {
		fund(REWARD + 1);
		(1..=3).for_each(|n| assert_eq!(attest(n, landing(10)), Ok(())));
		certify(20);
		(1..=3).for_each(|n| assert_eq!(attest(n, landing(20)), Ok(())));
		assert!(events().contains(&Event::Landed { number: 20, relayer: address(RELAYER), reward: 0 }));
		assert_eq!(Owed::<Test>::get(address(RELAYER)), REWARD);
		assert_ok!(claim(77, RELAYER));
	});
}

#[test]
fn the_reward_is_governed() {
	on_chain(|| {
		assert_noop!(Bridge::set_reward(RuntimeOrigin::signed(1), 5), DispatchError::BadOrigin);
		assert_ok!(Bridge::set_reward(RuntimeOrigin::root(), 5));
		assert_eq!((Reward::<Test>::get(), events()), (5, vec![Event::RewardSet]));
	});
}

#[test]
fn what_was_said_of_a_checkpoint_is_forgotten_with_it() {
	certified(|| {
		assert_eq!(attest(1, landing(10)), Ok(()));
		for k in 2..=u64::from(RETAINED) + 1 {
			certify(k as u32 * 10);
		}
		assert!(!CertifiedCheckpoints::<Test>::contains_key(10) && !Landings::<Test>::contains_key(10));
		assert_eq!(attest(2, landing(10)), Err(Error::NotCertified));
	});
}

#[test]
fn an_older_checkpoint_that_is_known_later_is_not_the_last() {
	certified(|| {
		certify(20);
		(1..=3).for_each(|n| assert_eq!(attest(n, landing(20)), Ok(())));
		(1..=3).for_each(|n| assert_eq!(attest(n, landing(10)), Ok(())));
		assert_eq!(LastLanded::<Test>::get(), Some(landing(20)));
		assert_eq!(Landings::<Test>::get(10), Some(Receipt::Landed(landing(10))));
	});
}
