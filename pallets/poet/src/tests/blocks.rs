//! What a block does to lottery, randomness and retarget.

use ep_poet::{lottery, testing::SoftMember, verify_sealed, verify_with_state};
use frame_support::traits::{EstimateNextSessionRotation, FindAuthor, Hooks};
use pallet_session::ShouldEndSession;
use sp_runtime::{Digest, DigestItem};

use crate::{mock::*, *};

#[test]
fn the_lottery_of_block_one_is_known_at_genesis() {
	on_chain(|_| {
		let lottery = Poet::lottery();
		assert_eq!((lottery.height, lottery.epoch, lottery.parent_timestamp), (1, 0, 0));
		assert_eq!(lottery.genesis, Default::default());
		// 6,000 of weight, T - m - overhead = 1,500 ms.
		assert_eq!(lottery.mean, 6_000 * 1_500);
		assert_eq!(lottery.parameters, parameters());
		assert_eq!(Poet::contestant(members()[0].id()), Some(members()[0].contestant()));
	});
}

#[test]
fn honest_blocks_pass_the_rules_with_this_state() {
	on_chain(|mut chain| {
		let mut last_author = None;
		for _ in 0..45 {
			let (lottery, member) = (chain.lottery(), chain.winner());
			let mut contestant = Poet::contestant(member.id());
			let parent = chain.best.clone();
			chain.run(1);
			let verdict = verify_sealed(chain.best.clone(), chain.genesis).unwrap();
			assert_eq!(verify_with_state(&verdict, &lottery, contestant.as_ref()), Ok(()));

			// Property 3: the state does not hold the parent's own interval, which its certificate gives.
			if last_author == Some(member.id()) {
				let parent = verify_sealed(parent, chain.genesis).unwrap();
				let contestant = contestant.as_mut().unwrap();
				assert_ne!(contestant.last, Some(parent.interval));
				contestant.last = Some(parent.interval);
				assert_eq!(verify_with_state(&verdict, &lottery, Some(contestant)), Ok(()));
			}
			last_author = Some(member.id());
		}
		assert_eq!(Poet::current_epoch(), 4);
	});
}

#[test]
fn the_lottery_answers_for_the_next_height_over_an_epochs_end() {
	on_chain(|mut chain| {
		chain.run(8);
		assert_eq!(Poet::lottery().epoch, 0);
		let randomness = Poet::randomness();
		assert_eq!(Poet::lottery().randomness, randomness);
		chain.run(1);
		let next = Poet::lottery();
		assert_eq!((Poet::current_epoch(), Poet::epoch_of_next(), next.epoch, next.height), (0, 1, 1, 10));
		assert_ne!(next.randomness, randomness);
		assert_eq!(next.randomness, lottery::next_randomness(&randomness, &Accumulator::<Test>::get()));
		chain.run(1);
		assert_eq!(Poet::randomness(), next.randomness);
		assert_eq!(Poet::current_epoch(), 1);
	});
}

#[test]
fn every_draw_enters_the_next_epochs_randomness() {
	let randomness_after = |odd_one: u32| {
		let mut randomness = [0; 32];
		on_chain(|mut chain| {
			for height in 1..=10 {
				let member = &members()[usize::from(height == odd_one)];
				chain.import(chain.draft(member), member);
			}
			randomness = Poet::randomness();
		});
		randomness
	};
	let all: std::collections::BTreeSet<_> = (0..10).map(randomness_after).collect();
	assert_eq!(all.len(), 10);
	// The first block of the next epoch belongs to that.
	assert_eq!(randomness_after(10), randomness_after(0));
}

#[test]
fn the_accumulator_begins_anew_with_an_epoch() {
	on_chain(|mut chain| {
		chain.run(9);
		let before = Accumulator::<Test>::get();
		let drawn = chain.lottery();
		let member = chain.winner();
		let draft = chain.draft(&member);
		let contribution = lottery::contribution(&drawn, &member.id(), &draft.pre_digest.vrf.pre_output).unwrap();
		chain.import(draft, &member);
		assert_ne!(Accumulator::<Test>::get(), lottery::accumulate(&before, &contribution));
		assert_eq!(Accumulator::<Test>::get(), lottery::accumulate(&[0; 32], &contribution));
	});
}

#[test]
fn the_window_takes_in_every_draw() {
	on_chain(|mut chain| {
		let mut expected = Poet::window();
		for _ in 0..20 {
			let (mean, member) = (Poet::mean(), chain.winner());
			let draft = chain.draft(&member);
			expected.push(mean, draft.pre_digest.claim.wait - parameters().minimum_wait);
			chain.import(draft, &member);
			assert_eq!(RetargetWindow::<Test>::get(), Some(expected.clone()));
			assert_eq!(Poet::mean(), expected.mean(1_500));
			assert_eq!(Poet::lottery().mean, Poet::mean());
		}
	});
}

#[test]
fn the_wait_in_the_window_is_the_draws_whatever_the_digest_claims() {
	on_chain(|mut chain| {
		let (mut expected, member) = (Poet::window(), chain.winner());
		let mut draft = chain.draft(&member);
		expected.push(Poet::mean(), draft.pre_digest.claim.wait - parameters().minimum_wait);
		draft.pre_digest.claim.wait = 1;
		chain.import(draft, &member);
		assert_eq!(RetargetWindow::<Test>::get(), Some(expected));
	});
}

#[test]
#[should_panic(expected = "the header has no PoET pre-runtime digest")]
fn a_block_without_a_pre_digest_panics() {
	on_chain(|chain| chain.begin_with(Digest::default()));
}

#[test]
#[should_panic(expected = "more than one PoET pre-runtime digest")]
fn a_block_with_two_pre_digests_panics() {
	on_chain(|chain| {
		let item = DigestItem::from(&chain.draft(&members()[0]).pre_digest);
		chain.begin_with(Digest { logs: vec![item.clone(), item] });
	});
}

#[test]
#[should_panic(expected = "not in its one encoding")]
fn a_block_with_a_pre_digest_that_does_not_decode_panics() {
	on_chain(|chain| {
		let logs = vec![DigestItem::PreRuntime(ep_poet::POET_ENGINE_ID, vec![1, 2, 3])];
		chain.begin_with(Digest { logs });
	});
}

#[test]
#[should_panic(expected = "Timestamp must equal that of the wait certificate")]
fn a_timestamp_unlike_the_digests_panics() {
	on_chain(|chain| {
		let draft = chain.draft(&members()[0]);
		chain.begin(&draft);
		let _ = Timestamp::set(RuntimeOrigin::none(), draft.pre_digest.timestamp + 1);
	});
}

#[test]
fn a_block_by_nobody_leaves_the_window_alone() {
	on_chain(|mut chain| {
		chain.run(3);
		let window = Poet::window();
		let stranger = SoftMember::new(99, 1_000);
		let lottery = chain.lottery();
		let draft = stranger.draft(&lottery, chain.best.hash(), &stranger.contestant(), 50_000);
		chain.import(draft, &stranger);
		assert_eq!(Poet::window(), window);
		chain.run(3);
	});
}

#[test]
fn weights_count_from_their_epoch_on() {
	on_chain(|mut chain| {
		let late = SoftMember::new(9, 500);
		Register::set(&late, 9, 1..3);
		chain.run(8);
		assert_eq!(Poet::contestant(late.id()), None);
		chain.run(1);
		assert_eq!(Poet::contestant(late.id()).map(|c| c.weight), Some(500));
		chain.run(20);
		assert_eq!(Poet::epoch_of_next(), 3);
		assert_eq!(Poet::contestant(late.id()), None);
		let info = Poet::members(0);
		assert_eq!(info.len(), 4);
		assert_eq!(info.iter().find(|m| m.author == late.id()).map(|m| m.weight), Some(0));
		assert_eq!(info.iter().map(|m| m.claims.wins).sum::<u64>(), 28);
		assert_eq!(Poet::members(3).len(), 1);
	});
}

#[test]
fn a_session_is_an_epoch() {
	on_chain(|_| {
		let ends: Vec<u32> = (0..35).filter(|n| Poet::should_end_session(*n)).collect();
		assert_eq!(ends, [10, 20, 30]);
		assert_eq!(Poet::average_session_length(), 10);
		assert_eq!(Poet::estimate_next_session_rotation(9).0, Some(10));
		assert_eq!(Poet::estimate_next_session_rotation(10).0, Some(20));
		let progress = |n| Poet::estimate_current_session_progress(n).0.unwrap().deconstruct();
		assert_eq!((progress(0), progress(19)), (100_000, 1_000_000));
	});
}

#[test]
fn the_author_is_known_while_its_block_is_executed() {
	on_chain(|mut chain| {
		let member = &members()[1];
		let draft = chain.draft(member);
		chain.begin(&draft);
		assert_eq!(Poet::author(), Some(member.id()));
		let digest = System::digest();
		assert_eq!(Poet::find_author(digest.logs.iter().filter_map(|item| item.as_pre_runtime())), Some(2));
		assert_eq!(Poet::find_author(core::iter::empty()), None);
		Timestamp::set(RuntimeOrigin::none(), draft.pre_digest.timestamp).unwrap();
		chain.finish(draft, member);
		assert_eq!(Poet::author(), None);
	});
}

#[test]
fn nothing_of_the_chip_outlives_its_member_but_a_report() {
	on_chain(|mut chain| {
		chain.run(20);
		let (honest, reported) = (members()[0].id(), members()[1].id());
		Records::<Test>::mutate(&reported, |record| record.reported = Some(1));
		assert!(Records::<Test>::get(&honest).last.is_some() && Records::<Test>::get(&reported).last.is_some());
		for id in [&honest, &reported] {
			<Poet as ep_poet::OnMemberGone>::on_member_gone(id);
		}
		assert!(!Records::<Test>::contains_key(&honest));
		assert_eq!(Records::<Test>::get(&reported), Record { reported: Some(1), ..Default::default() });
	});
}

#[test]
fn what_every_block_does_fits_a_block() {
	new_test_ext().execute_with(Poet::integrity_test);
}
