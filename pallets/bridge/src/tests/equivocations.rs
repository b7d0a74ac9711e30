//! Signers who sign two checkpoints of one height, and people who say that they did.

use ep_bridge::Checkpoint;
use ep_trust::Chain;
use frame_support::assert_noop;
use sp_core::{H160, H256};
use sp_runtime::DispatchError;

use crate::{mock::*, *};

const CONTRACT: Chain = Chain { id: 20, contract: H160::repeat_byte(7) };

/// A checkpoint of this chain, and another of its height.
fn two(number: u64) -> (Checkpoint, Checkpoint) {
	let one = Checkpoint { genesis: GENESIS, number, ..Default::default() };
	(one.clone(), Checkpoint { state_root: H256::repeat_byte(1), ..one })
}

#[test]
fn a_signer_of_two_checkpoints_of_one_height_is_suspended() {
	on_chain(|| {
		let (one, other) = two(10);
		assert_eq!(report(statement(2, one, CONTRACT), statement(2, other, Chain::default())), Ok(()));
		assert_eq!(Punished::get(), [author(2)]);
		assert_eq!(events(), [Event::EquivocationReported { author: author(2), number: 10 }]);
	});
}

#[test]
fn once_is_enough_and_an_older_offence_brings_nothing() {
	on_chain(|| {
		let convict = |number| {
			let (one, other) = two(number);
			report(statement(2, one, CONTRACT), statement(2, other, CONTRACT))
		};
		assert_eq!(convict(10), Ok(()));
		assert_eq!(convict(10), Err(Error::AlreadyReported));
		assert_eq!(convict(9), Err(Error::AlreadyReported));
		assert_eq!(convict(11), Ok(()));
		assert_eq!(Punished::get().len(), 2);
	});
}

#[test]
fn honest_statements_are_no_offence() {
	on_chain(|| {
		let ((one, other), (later, _)) = (two(10), two(20));
		let elsewhere = Checkpoint { genesis: H256::repeat_byte(1), ..other.clone() };
		let own = || statement(2, one.clone(), CONTRACT);
		assert_eq!(report(own(), statement(2, elsewhere, CONTRACT)), Err(Error::OtherGenesis));
		assert_eq!(report(own(), statement(2, later, CONTRACT)), Err(Error::OtherHeight));
		assert_eq!(report(own(), statement(2, one.clone(), Chain::default())), Err(Error::SameCheckpoint));
		assert!(Punished::get().is_empty());
	});
}

#[test]
fn nobody_is_framed() {
	on_chain(|| {
		let (one, other) = two(10);
		let own = statement(2, one.clone(), CONTRACT);
		assert_eq!(report(own.clone(), statement(3, other.clone(), CONTRACT)), Err(Error::OtherSigner));
		let mut forged = own.clone();
		forged.checkpoint = other.clone();
		assert_eq!(report(own, forged), Err(Error::OtherSigner));
		// A stranger convicts only itself.
		let strange = report(statement(77, one.clone(), CONTRACT), statement(77, other.clone(), CONTRACT));
		assert_eq!(strange, Err(Error::UnknownSigner));
		let call = Bridge::report_equivocation(
			RuntimeOrigin::signed(1),
			Box::new(ep_bridge::EquivocationProof {
				first: statement(2, one, CONTRACT),
				second: statement(2, other, CONTRACT),
			}),
		);
		assert_noop!(call, DispatchError::BadOrigin);
	});
}

#[test]
fn a_signer_answers_for_the_address_that_it_signed_with() {
	// Address 50 is nobody's any more, but its signer is in the set.
	on_chain_of(&[(1, 100), (50, 100)], || {
		let (one, other) = two(10);
		assert_eq!(<Members as Register>::owner(&address(50)), None);
		assert_eq!(report(statement(50, one, CONTRACT), statement(50, other, CONTRACT)), Ok(()));
		assert_eq!(Punished::get(), [author(50)]);
	});
}
