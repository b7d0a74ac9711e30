//! Reports of equivocations.

use codec::Encode;
use ep_poet::{
	equivocation::Offence,
	testing::{Header, SoftMember},
	EquivocationProof,
};
use frame_support::{
	assert_noop, assert_ok,
	dispatch::GetDispatchInfo,
	pallet_prelude::{InvalidTransaction, TransactionSource, TransactionValidityError, ValidTransaction},
	traits::Authorize,
};
use sp_runtime::{
	traits::{Applyable, Checkable, Header as _},
	BoundedVec, DigestItem, DispatchError,
};

use crate::{mock::*, *};

type Proof = EquivocationProof<Header>;

/// Two blocks of the first member on the best block.
fn two_blocks(chain: &Chain) -> Proof {
	let member = &members()[0];
	let draft = chain.draft(member);
	let mut other = draft.clone();
	other.header.set_state_root(Default::default());
	EquivocationProof { author: member.id(), first: draft.seal(member), second: other.seal(member) }
}

/// Two waits of the first member's chip at once, on two parents.
fn two_timers(chain: &Chain) -> Proof {
	let member = &members()[0];
	let elsewhere = Chain {
		best: SoftMember::new(50, 1)
			.draft(&chain.lottery(), chain.genesis, &members()[1].contestant(), 1)
			.seal(&SoftMember::new(50, 1)),
		..chain.clone()
	};
	EquivocationProof {
		author: member.id(),
		first: chain.draft(member).seal(member),
		second: elsewhere.draft(member).seal(member),
	}
}

fn call(proof: &Proof) -> Call<Test> {
	Call::report_equivocation { proof: Box::new(proof.clone()) }
}

fn authorize(proof: &Proof) -> Result<ValidTransaction, TransactionValidityError> {
	call(proof).authorize(TransactionSource::External).expect("the call authorises itself").map(|(valid, _)| valid)
}

/// Sends `proof` as anybody would: a transaction without signature, validated and applied.
fn send(proof: &Proof) -> Result<(), TransactionValidityError> {
	let extension = (frame_system::AuthorizeCall::<Test>::new(),);
	let transaction = UncheckedExtrinsic::new_transaction(call(proof).into(), extension);
	let (info, len) = (transaction.get_dispatch_info(), transaction.encoded_size());
	let checked = transaction.check(&frame_system::ChainContext::<Test>::default())?;
	checked.validate::<Test>(TransactionSource::External, &info, len)?;
	assert_ok!(checked.apply::<Test>(&info, len)?);
	Ok(())
}

#[track_caller]
fn refused(proof: &Proof, error: Error<Test>) {
	let code = error.encode()[0];
	let check = Poet::check_report(proof);
	assert_eq!(check.map_err(|e| e.encode()[0]), Err(code));
	assert_noop!(send(proof), TransactionValidityError::Invalid(InvalidTransaction::Custom(code)));
	assert!(Register::told().is_empty());
}

#[test]
fn two_blocks_on_one_parent_are_reported_without_a_fee() {
	on_chain(|mut chain| {
		chain.run(3);
		let proof = two_blocks(&chain);
		assert_ok!(send(&proof));
		assert_eq!(Register::told(), vec![proof.author.clone()]);
		System::assert_last_event(
			Event::EquivocationReported { author: proof.author, offence: Offence::TwoBlocks }.into(),
		);
	});
}

#[test]
fn two_waits_of_one_chip_at_once_are_reported() {
	on_chain(|mut chain| {
		chain.run(3);
		let proof = two_timers(&chain);
		assert_ok!(send(&proof));
		System::assert_last_event(
			Event::EquivocationReported { author: proof.author, offence: Offence::TwoTimers }.into(),
		);
	});
}

#[test]
fn a_report_travels_once_per_author_and_not_for_ever() {
	on_chain(|mut chain| {
		chain.run(3);
		let (blocks, timers) = (authorize(&two_blocks(&chain)).unwrap(), authorize(&two_timers(&chain)).unwrap());
		assert_eq!(blocks.provides, timers.provides);
		assert!(blocks.propagate && blocks.requires.is_empty());
		assert!(blocks.longevity <= 256);
	});
}

#[test]
fn nobody_reports_outside_of_authorisation() {
	on_chain(|mut chain| {
		chain.run(3);
		let proof = Box::new(two_blocks(&chain));
		for origin in [RuntimeOrigin::signed(1), RuntimeOrigin::none(), RuntimeOrigin::root()] {
			assert_noop!(Poet::report_equivocation(origin, proof.clone()), DispatchError::BadOrigin);
		}
	});
}

#[test]
fn a_report_that_is_too_long_is_refused_first() {
	on_chain(|mut chain| {
		chain.run(3);
		let mut proof = two_blocks(&chain);
		proof.first.digest_mut().push(DigestItem::Other(vec![0; MAX_REPORT as usize]));
		refused(&proof, Error::ReportTooLong);
	});
}

#[test]
fn a_header_without_its_seal_is_refused() {
	on_chain(|mut chain| {
		chain.run(3);
		let mut proof = two_blocks(&chain);
		proof.second.digest_mut().pop();
		refused(&proof, Error::BadHeader);
		proof.second.digest_mut().logs.clear();
		refused(&proof, Error::BadHeader);
	});
}

#[test]
fn a_seal_that_the_author_did_not_sign_frames_nobody() {
	on_chain(|mut chain| {
		chain.run(3);
		let (member, forger) = (&members()[0], &members()[1]);
		let mut draft = chain.draft(member);
		let first = draft.seal(member);
		draft.header.set_state_root(Default::default());
		let forger = SoftMember { pair: forger.pair.clone(), ..member.clone() };
		let proof = EquivocationProof { author: member.id(), first, second: draft.seal(&forger) };
		refused(&proof, Error::BadHeader);
	});
}

#[test]
fn headers_of_another_chain_are_refused() {
	on_chain(|mut chain| {
		chain.run(3);
		let elsewhere = Chain { genesis: sp_core::H256::repeat_byte(0xaa), ..chain.clone() };
		refused(&two_blocks(&elsewhere), Error::BadHeader);
	});
}

#[test]
fn a_header_by_another_author_is_refused() {
	on_chain(|mut chain| {
		chain.run(3);
		let mut proof = two_blocks(&chain);
		proof.second = chain.draft(&members()[1]).seal(&members()[1]);
		refused(&proof, Error::OtherAuthor);
		let mut proof = two_blocks(&chain);
		proof.author = members()[1].id();
		refused(&proof, Error::OtherAuthor);
	});
}

#[test]
fn a_header_of_an_epoch_to_come_is_refused() {
	on_chain(|mut chain| {
		chain.run(8);
		let member = &members()[0];
		let mut draft = chain.draft(member);
		let first = draft.seal(member);
		draft.pre_digest.claim.epoch = 1;
		let proof = EquivocationProof { author: member.id(), first, second: draft.seal(member) };
		refused(&proof, Error::FutureEpoch);
		// The next block begins epoch 1, and reports are judged for it.
		chain.run(1);
		assert_ok!(Poet::check_report(&proof));
	});
}

#[test]
fn an_offence_is_reported_once() {
	on_chain(|mut chain| {
		chain.run(12);
		let proof = two_blocks(&chain);
		assert_ok!(send(&proof));
		let code = Error::<Test>::AlreadyReported.encode()[0];
		let again = TransactionValidityError::Invalid(InvalidTransaction::Custom(code));
		assert_noop!(send(&proof), again);
		// Neither are others of before the first had consequences, epoch 3.
		chain.run(16);
		assert_eq!(Poet::epoch_of_next(), 2);
		assert_noop!(send(&two_timers(&chain)), again);
		chain.run(1);
		assert_eq!(Poet::epoch_of_next(), 3);
		assert_noop!(send(&proof), again);
		// A member that is in again and does it again is.
		assert_ok!(send(&two_timers(&chain)));
		assert_eq!(Register::told().len(), 2);
	});
}

#[test]
fn a_stranger_cannot_be_reported() {
	on_chain(|mut chain| {
		chain.run(3);
		let proof = two_blocks(&chain);
		Register::remove(&members()[0]);
		refused(&proof, Error::UnknownMember);
	});
}

#[test]
fn a_member_without_weight_can_be_reported() {
	on_chain(|mut chain| {
		chain.run(3);
		let proof = two_blocks(&chain);
		Register::set(&members()[0], 1, 0..0);
		assert_ok!(send(&proof));
	});
}

#[test]
fn two_blocks_on_different_parents_are_honest() {
	on_chain(|mut chain| {
		chain.run(2);
		let member = &members()[0];
		let first = chain.draft(member);
		chain.run(2);
		// After a reorganisation, the same height again: the second wait begins when the first is over.
		let contestant = Poet::contestant(member.id()).unwrap();
		let second = member.draft(&chain.lottery(), chain.best.hash(), &contestant, first.end.time);
		let (first, second) = (first.seal(member), second.seal(member));
		refused(&EquivocationProof { author: member.id(), first, second }, Error::BothHonest);
	});
}

#[test]
fn a_block_sealed_twice_is_honest() {
	on_chain(|mut chain| {
		chain.run(2);
		let member = &members()[0];
		let mut draft = chain.draft(member);
		let first = draft.seal(member);
		draft.end.time += 1;
		let second = draft.seal(member);
		assert_ne!(first.hash(), second.hash());
		refused(&EquivocationProof { author: member.id(), first, second }, Error::BothHonest);
	});
}

#[test]
fn overlapping_waits_of_another_chip_frame_nobody() {
	on_chain(|mut chain| {
		chain.run(3);
		let proof = two_timers(&chain);
		// The chain knows this member with another attestation key.
		let other = SoftMember { chip: SoftMember::new(77, 1).chip, ..members()[0].clone() };
		Register::set(&other, 1, 0..9);
		refused(&proof, Error::OtherChip);
	});
}

#[test]
fn a_tpm_signature_that_is_not_the_chips_frames_nobody() {
	on_chain(|mut chain| {
		chain.run(3);
		let (member, mut proof) = (&members()[0], two_timers(&chain));
		let draft = chain.draft(member);
		let mut end = draft.attest_end(&member.chip);
		let mut signature = end.signature.to_vec();
		*signature.last_mut().unwrap() ^= 1;
		end.signature = BoundedVec::truncate_from(signature);
		proof.first = draft.seal_with(member, end);
		refused(&proof, Error::OtherChip);
	});
}
