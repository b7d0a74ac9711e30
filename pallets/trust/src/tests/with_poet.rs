//! Both pallets together: real blocks, sealed by chips in software.

use ep_poet::{
	digest::{seal_message, seal_nonce},
	equivocation::Offence,
	testing::{Draft, Header, SoftMember, Statement},
	verify_sealed, verify_with_state, EquivocationProof, Lottery, Members as _, Seal,
};
use frame_support::{
	assert_ok,
	traits::{Authorize, Hooks},
};
use sp_core::Pair;
use sp_runtime::{traits::Header as _, transaction_validity::TransactionSource, Digest, DigestItem};

use crate::{mock::*, *};

struct Chain {
	best: Header,
	genesis: sp_core::H256,
}

impl Chain {
	fn new() -> Self {
		let best = Header::new(0, Default::default(), Default::default(), Default::default(), Digest::default());
		Self { genesis: best.hash(), best }
	}

	fn draft(&self, member: &SoftMember) -> Option<Draft> {
		let contestant = Poet::contestant(member.id())?;
		let lottery = Lottery { genesis: self.genesis, ..Poet::lottery() };
		Some(member.draft(&lottery, self.best.hash(), &contestant, lottery.parent_timestamp + 1_000))
	}

	/// One block by the first of `candidates` whose wait is over; `extra` runs inside.
	fn import(&mut self, candidates: &[SoftMember], extra: impl FnOnce()) -> u64 {
		let drafts = candidates.iter().filter_map(|member| Some((member, self.draft(member)?)));
		let (member, draft) = drafts.min_by_key(|(_, draft)| draft.pre_digest.claim.wait).unwrap();
		let lottery = Lottery { genesis: self.genesis, ..Poet::lottery() };
		let contestant = Poet::contestant(member.id());

		let number = self.best.number + 1;
		System::reset_events();
		let digest = Digest { logs: vec![DigestItem::from(&draft.pre_digest)] };
		System::initialize(&number, &self.best.hash(), &digest);
		Poet::on_initialize(number);
		Trust::on_initialize(number);
		Session::on_initialize(number);
		assert_ok!(Timestamp::set(RuntimeOrigin::none(), draft.pre_digest.timestamp));
		if number > 1 {
			assert_ok!(Poet::note_parent(RuntimeOrigin::none(), Box::new(self.best.clone())));
		}
		extra();
		Timestamp::on_finalize(number);
		Poet::on_finalize(number);
		Grandpa::on_finalize(number);
		let mut header = System::finalize();
		let pre_seal = header.hash();
		let nonce = seal_nonce(pre_seal).to_vec();
		let end = member.chip.get_time(&Statement { nonce, ..draft.end });
		let signature = member.pair.sign(&seal_message(self.genesis, pre_seal, &end)).into();
		header.digest_mut().push(DigestItem::from(&Seal { end, signature }));
		self.best = header;

		let verdict = verify_sealed(self.best.clone(), self.genesis).unwrap();
		assert_eq!(verify_with_state(&verdict, &lottery, contestant.as_ref()), Ok(()));
		Trust::do_try_state().unwrap();
		Trust::identity(&member.id(), 0).map_or(0, |member| member.account)
	}
}

#[test]
fn members_join_win_equivocate_and_go() {
	new_test_ext().execute_with(|| {
		let candidates: Vec<_> = (1..=4).map(soft).collect();
		let mut chain = Chain::new();
		let join = || {
			let spec = MemberSpec { weight: 50_000, ..spec(4) };
			assert_ok!(Trust::add_member(RuntimeOrigin::root(), 4, spec, keys(4)));
		};
		let mut winners = vec![chain.import(&candidates, join)];
		for _ in 2..2 * EPOCH {
			winners.push(chain.import(&candidates, || ()));
		}
		assert!(!winners.contains(&4), "{winners:?}");
		let first = chain.best.number;
		while !winners.contains(&4) {
			assert!(chain.best.number < first + 60, "so heavy a member wins");
			winners.push(chain.import(&candidates, || ()));
		}

		// It seals two blocks on one parent; somebody tells.
		let draft = chain.draft(&candidates[3]).unwrap();
		let mut other = draft.clone();
		other.header.set_state_root(sp_core::H256::repeat_byte(9));
		let proof = EquivocationProof {
			author: candidates[3].id(),
			first: draft.seal(&candidates[3]),
			second: other.seal(&candidates[3]),
		};
		let others = &candidates[..3];
		chain.import(others, || {
			assert!(matches!(Poet::check_report(&proof), Ok(Offence::TwoBlocks)));
			let call = pallet_poet::Call::<Test>::report_equivocation { proof: Box::new(proof.clone()) };
			assert!(call.authorize(TransactionSource::External).is_some_and(|valid| valid.is_ok()));
			let origin = frame_system::RawOrigin::Authorized;
			assert_ok!(Poet::report_equivocation(origin.into(), Box::new(proof.clone())));
			assert!(matches!(Poet::check_report(&proof), Err(pallet_poet::Error::AlreadyReported)));
			System::assert_has_event(Event::MemberSuspended { account: 4, from: Poet::current_epoch() + 2 }.into());
		});
		let suspended = Poet::current_epoch() + 2;
		while Poet::epoch_of_next() < suspended {
			assert!(Poet::contestant(candidates[3].id()).is_some());
			chain.import(others, || ());
		}
		assert!(Poet::contestant(candidates[3].id()).is_none());

		// It is removed, and its record of the lottery follows unless it is evidence: it stays.
		chain.import(others, || {
			assert_ok!(Trust::remove_member(RuntimeOrigin::root(), 4));
		});
		for _ in 0..5 * EPOCH {
			chain.import(others, || ());
		}
		assert!(Trust::identity(&candidates[3].id(), 0).is_none());
		let record = pallet_poet::Records::<Test>::get(candidates[3].id());
		assert!(record.reported.is_some());
		assert_eq!(record, pallet_poet::Record { reported: record.reported, ..Default::default() });
		assert_eq!(Poet::members(0).len(), 3);
		// Its votes go by quarters.
		for _ in 0..12 * EPOCH {
			chain.import(others, || ());
		}
		let votes: u64 = Grandpa::grandpa_authorities().iter().map(|voter| voter.1).sum();
		assert_eq!((Grandpa::grandpa_authorities().len(), votes), (3, 6_000));
	});
}
