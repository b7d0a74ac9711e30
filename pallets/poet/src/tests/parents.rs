//! The inherent that brings the parent's seal.

use frame_support::{
	assert_noop, assert_ok,
	dispatch::{DispatchClass, GetDispatchInfo},
	inherent::{InherentData, ProvideInherent},
};
use sp_inherents::InherentDataProvider as _;
use sp_runtime::{traits::Header as _, DispatchError};

use crate::{
	inherent::{InherentDataProvider, InherentError},
	mock::*,
	*,
};

fn data(parent: &ep_poet::testing::Header) -> InherentData {
	let mut data = InherentData::new();
	data.put_data(INHERENT_IDENTIFIER, parent).unwrap();
	data
}

#[test]
fn a_wait_is_recorded_in_the_child() {
	on_chain(|mut chain| {
		chain.import(chain.draft(&members()[1]), &members()[1]);
		let member = &members()[0];
		let draft = chain.draft(member);
		let wait = draft.pre_digest.claim.wait;
		let before = Records::<Test>::get(member.id());
		chain.import(draft, member);
		assert_eq!(Records::<Test>::get(member.id()), before);
		let sealed = ep_poet::verify_sealed(chain.best.clone(), chain.genesis).unwrap();
		chain.run(1);
		let after = Records::<Test>::get(member.id());
		assert_eq!(after.last, Some(sealed.interval));
		assert_eq!(after.claims.wins, before.claims.wins + 1);
		let mut expected = before;
		expected.rate.push(wait, ep_poet::rate::ONE, wait);
		assert_eq!(after.rate, expected.rate);
		assert_eq!(TotalClaims::<Test>::get().wins, 2);
		assert_eq!(Poet::contestant(member.id()).unwrap().last, Some(sealed.interval));
	});
}

#[test]
fn whoever_is_told_of_parents_gets_each_sealed_header_once() {
	on_chain(|mut chain| {
		let mut sealed = Vec::new();
		for _ in 0..4 {
			chain.run(1);
			sealed.push(chain.best.clone());
		}
		sealed.pop();
		// None of genesis, and none of the last block yet.
		assert_eq!(Register::parents(), sealed);
		assert_eq!(sealed.len(), 3);
	});
}

#[test]
fn block_one_says_nothing_of_a_rate() {
	on_chain(|mut chain| {
		let member = &members()[0];
		let mut draft = chain.draft(member);
		draft.end.time += 1_000_000;
		chain.import(draft, member);
		chain.run(1);
		let record = Records::<Test>::get(member.id());
		assert_eq!(record.rate, Default::default());
		assert_eq!((record.claims.wins, record.last.is_some()), (1, true));
	});
}

#[test]
fn a_fast_chip_shows_in_its_rate() {
	on_chain(|mut chain| {
		chain.run(1);
		let member = &members()[2];
		for _ in 0..40 {
			let mut draft = chain.draft(member);
			// Its chip has counted enough when the world's clock shows ten elevenths of that.
			let claim = &draft.pre_digest.claim;
			let counted = ep_poet::rate::chip_wait(claim.wait, claim.rate);
			draft.pre_digest.timestamp = LastTimestamp::<Test>::get() + counted * 10 / 11;
			chain.import(draft, member);
		}
		let rate = Poet::contestant(member.id()).unwrap().rate;
		assert!((1_095_000..=1_105_000).contains(&rate), "{rate}");
	});
}

#[test]
fn a_machine_that_stalls_before_it_seals_keeps_its_rate() {
	on_chain(|mut chain| {
		chain.run(1);
		let member = &members()[2];
		for _ in 0..3 {
			let mut draft = chain.draft(member);
			draft.end.time += Poet::parameters().max_slack;
			chain.import(draft, member);
		}
		assert_eq!(Poet::contestant(member.id()).unwrap().rate, ep_poet::rate::ONE);
	});
}

#[test]
fn a_header_that_is_not_the_parents_is_refused() {
	on_chain(|mut chain| {
		chain.run(2);
		let draft = chain.draft(&members()[0]);
		chain.begin(&draft);
		let mut other = chain.best.clone();
		other.set_state_root(Default::default());
		assert_noop!(Poet::note_parent(RuntimeOrigin::none(), Box::new(other)), Error::<Test>::NotTheParent);
		// Neither is the parent before it was sealed.
		let unsealed = ep_poet::rules::digests(chain.best.clone()).unwrap().header;
		assert_noop!(Poet::note_parent(RuntimeOrigin::none(), Box::new(unsealed)), Error::<Test>::NotTheParent);
		Timestamp::set(RuntimeOrigin::none(), draft.pre_digest.timestamp).unwrap();
		chain.note_parent();
		chain.finish(draft, &members()[0]);
	});
}

#[test]
fn genesis_is_not_noted() {
	on_chain(|mut chain| {
		let draft = chain.draft(&members()[0]);
		chain.begin(&draft);
		assert_noop!(
			Poet::note_parent(RuntimeOrigin::none(), Box::new(chain.best.clone())),
			Error::<Test>::NotTheParent
		);
		assert_eq!(Poet::create_inherent(&data(&chain.best)), None);
		Timestamp::set(RuntimeOrigin::none(), draft.pre_digest.timestamp).unwrap();
		chain.finish(draft, &members()[0]);
		assert_eq!(Genesis::<Test>::get(), chain.genesis);
	});
}

#[test]
fn the_parent_is_noted_once() {
	on_chain(|mut chain| {
		chain.run(2);
		let draft = chain.draft(&members()[0]);
		chain.begin(&draft);
		Timestamp::set(RuntimeOrigin::none(), draft.pre_digest.timestamp).unwrap();
		chain.note_parent();
		assert_noop!(
			Poet::note_parent(RuntimeOrigin::none(), Box::new(chain.best.clone())),
			Error::<Test>::ParentAlreadyNoted
		);
		chain.finish(draft, &members()[0]);
	});
}

#[test]
fn only_the_block_itself_notes_its_parent() {
	on_chain(|mut chain| {
		chain.run(1);
		for origin in [RuntimeOrigin::signed(1), RuntimeOrigin::root()] {
			assert_noop!(Poet::note_parent(origin, Box::new(chain.best.clone())), DispatchError::BadOrigin);
		}
	});
}

#[test]
#[should_panic(expected = "a block above height 1 must note its parent")]
fn a_block_that_does_not_note_its_parent_panics() {
	on_chain(|mut chain| {
		chain.run(1);
		let draft = chain.draft(&members()[0]);
		chain.begin(&draft);
		Timestamp::set(RuntimeOrigin::none(), draft.pre_digest.timestamp).unwrap();
		chain.finish(draft, &members()[0]);
	});
}

#[test]
fn a_failed_note_makes_the_block_invalid() {
	// A mandatory extrinsic that fails is a bad block to the executive.
	on_chain(|chain| {
		let call = Call::<Test>::note_parent { header: Box::new(chain.best.clone()) };
		assert_eq!(call.get_dispatch_info().class, DispatchClass::Mandatory);
		assert!(Poet::is_inherent(&call));
	});
}

#[test]
fn a_parent_without_a_valid_seal_does_not_stop_the_chain() {
	on_chain(|mut chain| {
		chain.run(3);
		chain.best.digest_mut().pop();
		chain.run(2);
		assert_eq!(TotalClaims::<Test>::get().wins, 3);
	});
}

#[test]
fn the_inherent_is_made_of_the_parents_header_only() {
	on_chain(|mut chain| {
		chain.run(2);
		let stale = chain.best.clone();
		let draft = chain.draft(&members()[0]);
		chain.import(draft, &members()[0]);
		chain.begin(&chain.draft(&members()[0]));
		let header = Box::new(chain.best.clone());
		assert_eq!(Poet::create_inherent(&data(&chain.best)), Some(Call::note_parent { header }));
		assert_eq!(Poet::create_inherent(&data(&stale)), None);
		assert_eq!(Poet::create_inherent(&InherentData::new()), None);
		// Leave the state as that of a finished block.
		CurrentBlock::<Test>::kill();
	});
}

#[test]
fn the_inherent_is_required_above_height_one_and_must_be_the_verifiers() {
	on_chain(|mut chain| {
		assert_eq!(Poet::is_inherent_required(&data(&chain.best)), Ok(None));
		assert_eq!(Poet::is_inherent_required(&InherentData::new()), Ok(None));
		chain.run(2);
		assert_eq!(Poet::is_inherent_required(&data(&chain.best)), Ok(Some(InherentError::Missing)));
		let call = Call::note_parent { header: Box::new(chain.best.clone()) };
		assert_ok!(Poet::check_inherent(&call, &data(&chain.best)));
		assert_ok!(Poet::check_inherent(&call, &InherentData::new()));
		let mut other = chain.best.clone();
		other.set_state_root(Default::default());
		assert_eq!(Poet::check_inherent(&call, &data(&other)), Err(InherentError::NotTheParent));
	});
}

#[test]
fn the_provider_gives_what_the_pallet_takes_and_explains_its_errors() {
	use codec::Encode;
	let parent = Chain::genesis().best;
	let provider = InherentDataProvider { parent: parent.clone() };
	// There is nothing in it to wait for, so one poll is enough.
	let mut context = core::task::Context::from_waker(core::task::Waker::noop());
	let mut inherents = InherentData::new();
	{
		let mut providing = provider.provide_inherent_data(&mut inherents);
		assert!(matches!(providing.as_mut().poll(&mut context), core::task::Poll::Ready(Ok(()))));
	}
	assert_eq!(inherents.get_data(&INHERENT_IDENTIFIER).unwrap(), Some(parent));
	let mut handle =
		|identifier, error: &[u8]| match provider.try_handle_error(identifier, error).as_mut().poll(&mut context) {
			core::task::Poll::Ready(answer) => answer.map(|result| result.unwrap_err().to_string()),
			core::task::Poll::Pending => panic!("nothing to wait for"),
		};
	assert_eq!(
		handle(&INHERENT_IDENTIFIER, &InherentError::Missing.encode()),
		Some("the block does not bring its parent's sealed header".into())
	);
	assert_eq!(handle(&INHERENT_IDENTIFIER, &[9]), None);
	assert_eq!(handle(b"timstap0", &InherentError::Missing.encode()), None);
}
