//! Duties from being drawn to their ends, and forgers.

use ep_poet::OnEquivocation;
use frame_support::{assert_noop, assert_ok, traits::Hooks};
use sp_runtime::Permill;

use crate::{mock::*, *};

mod legacy;
mod pause;
mod scale;

const ALICE: u64 = 1;
const BOB: u64 = 2;

#[test]
fn a_duty_done_in_time_keeps_a_score_at_its_cap() {
	on_chain_of(4, || {
		let duty = oblige(ALICE);
		assert_eq!((duty.until, duty.lapses), (duty.block + 5, duty.block + 8));
		assert_eq!(Draft::of(ALICE).attest(), Ok(()));
		assert_eq!(score(ALICE), (WEIGHT, WEIGHT));
		assert!(Duties::<Test>::get(soft(ALICE).id()).is_none());
		let author = soft(ALICE).id();
		assert_eq!(
			events(),
			[
				Event::Due { author: author.clone(), until: duty.until },
				Event::Done { author, late: false, score: WEIGHT }
			]
		);
		assert_eq!(Firmware::get(), [(soft(ALICE).id(), 7)]);
		// Once is enough.
		assert_eq!(attest(ALICE, 0, Draft { attempt: 0, ..again() }.testimony()), Err(Error::NoDuty));
	});
}

/// A statement of a member that owes nothing.
fn again() -> Draft {
	let statement = ep_poet::testing::Statement { time: 1, clock: 1, reset_count: 1, restart_count: 1, nonce: vec![1] };
	Draft { n: ALICE, statement, quoted: None, attempt: 0 }
}

#[test]
fn late_costs_a_little_and_missed_a_share() {
	on_chain_of(4, || {
		let duty = oblige(ALICE);
		go_to(u64::from(duty.lapses));
		assert_eq!(Draft::of(ALICE).attest(), Ok(()));
		assert_eq!(score(ALICE), (198_000, 198_000));

		let duty = oblige(BOB);
		go_to(u64::from(duty.lapses));
		assert_eq!(score(BOB), (WEIGHT, WEIGHT));
		go_to(u64::from(duty.lapses) + 1);
		assert_eq!(score(BOB), (160_000, 160_000));
		assert!(Duties::<Test>::iter().next().is_none() && Lapsing::<Test>::iter().next().is_none());
		assert!(events().contains(&Event::Missed { author: soft(BOB).id(), score: 160_000 }));
	});
}

#[test]
fn whoever_is_told_of_scores_knows_each_from_the_first_draw_on() {
	on_chain_of(4, || {
		assert!(Told::get().is_empty());
		let duty = oblige(ALICE);
		assert_eq!(Told::take(), [(soft(ALICE).id(), WEIGHT)]);
		go_to(u64::from(duty.lapses) + 1);
		assert_eq!(Told::take(), [(soft(ALICE).id(), 160_000)]);
		// What governance gives is told with the next draw.
		assert_ok!(Trust::set_weight(RuntimeOrigin::root(), ALICE, 70_000));
		assert!(Told::get().is_empty());
		go_to(30);
		oblige(ALICE);
		assert_eq!(Told::take(), [(soft(ALICE).id(), 70_000)]);
		assert_eq!(Draft::of(ALICE).attest(), Ok(()));
		assert_eq!(Told::take(), [(soft(ALICE).id(), 70_000)]);
		// A member that was never drawn, and failed in a committee.
		<Attestation as ep_trust::score::OnFault>::on_fault(&soft(BOB).id());
		assert_eq!(Told::take(), [(soft(BOB).id(), 160_000)]);
	});
}

/// Draws a member, and lets the duty lapse.
fn miss(n: u64) {
	let drawn = Standings::<Test>::get(soft(n).id()).and_then(|standing| standing.drawn);
	go_to(drawn.map_or(0, |drawn| u64::from(drawn) + 20));
	let duty = oblige(n);
	go_to(u64::from(duty.lapses) + 1);
}

/// Draws a member, who does its duty.
fn do_duty(n: u64) {
	let drawn = Standings::<Test>::get(soft(n).id()).and_then(|standing| standing.drawn);
	go_to(drawn.map_or(0, |drawn| u64::from(drawn) + 20));
	oblige(n);
	assert_eq!(Draft::of(n).attest(), Ok(()));
}

#[test]
fn who_is_silent_for_long_weighs_nothing_and_comes_back_by_its_duties() {
	on_chain_of(4, || {
		let mut misses = 0;
		while score(BOB).1 > 0 {
			miss(BOB);
			misses += 1;
		}
		// 200,000 * 0.8^7 is the first below 50,000.
		assert_eq!((misses, score(BOB).0), (7, 41_942));
		assert_eq!(Attestation::node(&soft(BOB).id()).unwrap().missed, 7);
		let mut duties = 0;
		while score(BOB).1 < WEIGHT {
			do_duty(BOB);
			duties += 1;
			assert!(score(BOB).1 == 0 || score(BOB).1 == score(BOB).0);
		}
		assert_eq!(duties, 16);
		let node = Attestation::node(&soft(BOB).id()).unwrap();
		assert_eq!((node.done, node.missed, node.score, node.cap), (16, 0, WEIGHT, WEIGHT));
	});
}

#[test]
fn the_last_weight_of_all_does_not_go() {
	on_chain_of(1, || {
		(0..12).for_each(|_| miss(ALICE));
		let (credit, weight) = score(ALICE);
		assert!(credit < 50_000 && weight > 0, "{credit} {weight}");
	});
}

#[test]
fn an_admitted_member_rises_to_what_its_chip_allows() {
	on_chain_of(4, || {
		UnderPolicy::set(Some((soft(ALICE).id(), 300_000)));
		(0..7).for_each(|_| do_duty(ALICE));
		assert_eq!(score(ALICE), (300_000, 300_000));
		// Governance lowers the cap of its tier.
		UnderPolicy::set(Some((soft(ALICE).id(), 100_000)));
		do_duty(ALICE);
		assert_eq!(score(ALICE), (100_000, 100_000));
	});
}

#[test]
fn a_weight_by_governance_is_the_most_that_an_admitted_member_gets_from_then_on() {
	on_chain_of(4, || {
		UnderPolicy::set(Some((soft(ALICE).id(), 300_000)));
		do_duty(ALICE);
		assert_ok!(Trust::set_weight(RuntimeOrigin::root(), ALICE, 0));
		(0..3).for_each(|_| do_duty(ALICE));
		assert_eq!(score(ALICE), (0, 0));
		// And never more than what its chip allows.
		assert_ok!(Trust::set_weight(RuntimeOrigin::root(), ALICE, 900_000));
		do_duty(ALICE);
		assert_eq!(score(ALICE), (300_000, 300_000));
	});
}

#[test]
fn who_was_given_less_than_the_threshold_keeps_it_by_doing_its_duties() {
	on_chain_of(4, || {
		assert_ok!(Trust::set_weight(RuntimeOrigin::root(), ALICE, 7));
		do_duty(ALICE);
		assert_eq!(score(ALICE), (7, 7));
		miss(ALICE);
		assert_eq!(score(ALICE), (5, 0));
		(0..2).for_each(|_| do_duty(ALICE));
		assert_eq!(score(ALICE), (7, 7));
	});
}

#[test]
fn a_weight_by_governance_is_where_the_score_goes_on_from() {
	on_chain_of(4, || {
		do_duty(ALICE);
		assert_ok!(Trust::set_weight(RuntimeOrigin::root(), ALICE, 500_000));
		assert_eq!(score(ALICE), (500_000, 500_000));
		miss(ALICE);
		assert_eq!(score(ALICE), (400_000, 400_000));
		(0..5).for_each(|_| do_duty(ALICE));
		assert_eq!(score(ALICE), (500_000, 500_000));
	});
}

#[test]
fn a_platform_that_changed_counts_as_missed_after_two_attempts() {
	on_chain_of(4, || {
		UnderPolicy::set(Some((soft(ALICE).id(), WEIGHT)));
		oblige(ALICE);
		let changed = |attempt| Draft { quoted: Some([8; 32]), attempt, ..Draft::of(ALICE) }.attest();
		assert_eq!(changed(0), Ok(()));
		assert_eq!(score(ALICE).0, WEIGHT);
		assert_eq!(changed(1), Ok(()));
		assert_eq!(score(ALICE), (160_000, 160_000));
		let author = soft(ALICE).id();
		let refused = Event::Refused { author: author.clone(), fault: Fault::Platform };
		assert_eq!(events()[1..], [refused.clone(), refused, Event::Missed { author, score: 160_000 }]);
		// Without a quote it is the same.
		go_to(100);
		oblige(ALICE);
		assert_eq!(Draft { quoted: None, ..Draft::of(ALICE) }.attest(), Ok(()));
		assert!(events().contains(&Event::Refused { author: soft(ALICE).id(), fault: Fault::Platform }));
		// And the second attempt may be better.
		assert_eq!(Draft::of(ALICE).attest(), Ok(()));
		assert_eq!(score(ALICE).0, 170_000);
	});
}

#[test]
fn forged_evidence_costs_credit_and_place_at_the_second_attempt() {
	type Forge = fn(&mut Draft);
	let forgeries: [(&str, Forge); 3] = [
		("another nonce", |draft| draft.statement.nonce[0] ^= 1),
		("another's nonce", |draft| {
			let duty = Duties::<Test>::get(soft(ALICE).id()).unwrap();
			let hash = System::block_hash(u64::from(duty.block));
			draft.statement.nonce = ep_trust::nonce::duty(&GENESIS, &hash, &soft(BOB).id()).to_vec();
		}),
		("another block's nonce", |draft| {
			let duty = Duties::<Test>::get(soft(ALICE).id()).unwrap();
			let hash = System::block_hash(u64::from(duty.block) - 1);
			draft.statement.nonce = ep_trust::nonce::duty(&GENESIS, &hash, &soft(ALICE).id()).to_vec();
		}),
	];
	for (what, forge) in forgeries {
		on_chain_of(4, || {
			oblige(ALICE);
			for attempt in 0..ATTEMPTS {
				let mut draft = Draft::of(ALICE);
				forge(&mut draft);
				assert_eq!(draft.attempt, attempt, "{what}");
				assert_eq!(draft.attest(), Ok(()), "{what}");
			}
			assert!(events().contains(&Event::Forged { author: soft(ALICE).id() }), "{what}");
			assert_eq!(Trust::scheduled_weight(&soft(ALICE).id()), 0, "{what}");
			let node = Attestation::node(&soft(ALICE).id()).unwrap();
			assert!(node.suspended && node.score == 0 && node.duty.is_none(), "{what}");
			// It is not drawn again.
			Attestation::oblige(soft(ALICE).id(), &parameters());
			assert!(Duties::<Test>::get(soft(ALICE).id()).is_none(), "{what}");
		});
	}
}

#[test]
fn one_forgery_beside_another_fault_is_a_miss() {
	for forged_first in [true, false] {
		on_chain_of(4, || {
			UnderPolicy::set(Some((soft(ALICE).id(), WEIGHT)));
			oblige(ALICE);
			for attempt in 0..ATTEMPTS {
				let mut draft = Draft::of(ALICE);
				match (attempt == 0) == forged_first {
					true => draft.statement.nonce[0] ^= 1,
					false => draft.quoted = Some([8; 32]),
				}
				assert_eq!(draft.attest(), Ok(()));
			}
			assert_eq!(score(ALICE), (160_000, 160_000));
		});
	}
}

#[test]
fn what_a_member_said_on_another_fork_counts_for_nothing() {
	on_chain_of(4, || {
		let duty = oblige(ALICE);
		let elsewhere = sp_core::H256::repeat_byte(0xf0);
		let mut draft = Draft::of(ALICE);
		draft.statement.nonce = ep_trust::nonce::duty(&GENESIS, &elsewhere, &soft(ALICE).id()).to_vec();
		let testimony = draft.testimony();
		let signature = sign_on(ALICE, duty.block, elsewhere, 0, &testimony);
		assert_eq!(hand_in(soft(ALICE).id(), testimony, signature), Err(Error::BadSignature));
		assert_eq!(Duties::<Test>::get(soft(ALICE).id()).unwrap().attempts, 0);
	});
}

#[test]
fn broken_rules_that_honest_members_break_are_no_forgery() {
	use ep_tpm::Error as Rule;
	for rule in [Rule::PcrSelection, Rule::PcrValues, Rule::PcrDigest, Rule::FirmwareFloor, Rule::PcrNotAllowed] {
		assert_eq!(Fault::from(rule), Fault::Platform, "{rule}");
	}
	for rule in [Rule::Nonce, Rule::BadSignature, Rule::QualifiedSigner, Rule::Magic, Rule::Truncated] {
		assert_eq!(Fault::from(rule), Fault::Forged, "{rule}");
	}
}

#[test]
fn who_left_and_came_back_does_not_answer_for_what_it_owed_before() {
	on_chain_of(4, || {
		let before = oblige(ALICE);
		<Attestation as ep_poet::OnMemberGone>::on_member_gone(&soft(ALICE).id());
		go_to(u64::from(before.lapses));
		oblige(ALICE);
		// The old duty's time is over now, the new one's is not.
		assert_eq!((score(ALICE), Duties::<Test>::iter().count()), ((WEIGHT, WEIGHT), 1));
		assert_eq!(Draft::of(ALICE).attest(), Ok(()));
	});
}

#[test]
fn a_testimony_by_another_chip_or_cut_short_is_forged() {
	on_chain_of(4, || {
		oblige(ALICE);
		let honest = Draft::of(ALICE).testimony();
		let by_bobs = Draft { n: BOB, ..Draft::of(ALICE) }.testimony();
		assert_eq!(attest(ALICE, 0, by_bobs), Ok(()));
		let author = soft(ALICE).id();
		assert!(events().contains(&Event::Refused { author: author.clone(), fault: Fault::Forged }));
		let mut cut = honest;
		cut.time.as_mut().unwrap().attest.pop();
		assert_eq!(attest(ALICE, 1, cut), Ok(()));
		assert!(events().contains(&Event::Forged { author }));
	});
}

#[test]
fn a_chip_that_was_cleared_is_noticed() {
	on_chain_of(4, || {
		do_duty(ALICE);
		go_to(40);
		oblige(ALICE);
		let mut draft = Draft::of(ALICE);
		draft.statement.reset_count = 0;
		assert_eq!(draft.attest(), Ok(()));
		let mut draft = Draft::of(ALICE);
		draft.statement.clock = 1;
		assert_eq!(draft.attest(), Ok(()));
		let refused = Event::Refused { author: soft(ALICE).id(), fault: Fault::Cleared };
		assert_eq!(events().iter().filter(|event| **event == refused).count(), 2);
		assert_eq!(score(ALICE).0, 160_000);
		// An honest reboot is none.
		go_to(80);
		oblige(ALICE);
		let mut draft = Draft::of(ALICE);
		(draft.statement.reset_count, draft.statement.restart_count) = (6, 0);
		assert_eq!(draft.attest(), Ok(()));
		assert_eq!(score(ALICE).0, 170_000);
	});
}

#[test]
fn nobody_speaks_in_anothers_name() {
	on_chain_of(4, || {
		let duty = oblige(ALICE);
		let testimony = Draft::of(ALICE).testimony();
		let by_bob = sign(BOB, duty.block, 0, &testimony);
		assert_eq!(hand_in(soft(ALICE).id(), testimony.clone(), by_bob), Err(Error::BadSignature));
		let other_duty = sign(ALICE, duty.block - 1, 0, &testimony);
		assert_eq!(hand_in(soft(ALICE).id(), testimony.clone(), other_duty), Err(Error::BadSignature));
		let mut garbage = testimony.clone();
		garbage.time.as_mut().unwrap().signature[10] ^= 1;
		let of_the_honest_one = sign(ALICE, duty.block, 0, &testimony);
		assert_eq!(hand_in(soft(ALICE).id(), garbage, of_the_honest_one), Err(Error::BadSignature));
		assert_eq!(
			hand_in(soft(BOB).id(), testimony.clone(), sign(BOB, duty.block, 0, &testimony)),
			Err(Error::NoDuty)
		);
		assert_eq!((Duties::<Test>::get(soft(ALICE).id()).unwrap().attempts, score(ALICE).0), (0, WEIGHT));
	});
}

#[test]
fn a_bad_testimony_that_is_repeated_by_others_uses_up_no_attempt() {
	on_chain_of(4, || {
		let duty = oblige(ALICE);
		let mut draft = Draft::of(ALICE);
		draft.statement.nonce[0] ^= 1;
		let (bad, signature) = (draft.testimony(), sign(ALICE, duty.block, 0, &draft.testimony()));
		assert_eq!(hand_in(soft(ALICE).id(), bad.clone(), signature), Ok(()));
		assert_eq!(hand_in(soft(ALICE).id(), bad, signature), Err(Error::BadSignature));
		assert_eq!(Draft::of(ALICE).attest(), Ok(()));
		assert_eq!(score(ALICE).0, WEIGHT);
	});
}

#[test]
fn blocks_draw_members_who_are_free_and_everybody_in_the_end() {
	on_chain_of(4, || {
		let mut drawn = std::collections::BTreeSet::new();
		for block in 2..60u64 {
			let mut output = [0x5e; 32];
			output[..8].copy_from_slice(&block.to_le_bytes());
			Draw::set(Some((soft(1).id(), output)));
			go_to(block);
			for event in events() {
				if let Event::Due { author, .. } = event {
					drawn.insert(author);
				}
			}
			for n in 1..=4 {
				if Duties::<Test>::get(soft(n).id()).is_some_and(|duty| u64::from(duty.block) < block) {
					assert_eq!(Draft::of(n).attest(), Ok(()));
				}
			}
		}
		assert_eq!(drawn.len(), 4);
		for n in 1..=4 {
			// One in 20 blocks at most.
			assert!((1..=3).contains(&Attestation::node(&soft(n).id()).unwrap().done), "{n}");
		}
	});
}

#[test]
fn more_duties_than_a_block_can_end_are_not_given() {
	on_chain_of(8, || {
		for n in 1..=8 {
			Attestation::oblige(soft(n).id(), &parameters());
		}
		assert_eq!(Duties::<Test>::iter().count(), 4);
		let lapses = Duties::<Test>::iter_values().next().unwrap().lapses;
		assert_eq!(Attestation::on_initialize(2), <() as WeightInfo>::on_initialize(0, 0));
		System::set_block_number(u64::from(lapses) + 1);
		assert_eq!(Attestation::on_initialize(u64::from(lapses) + 1), <() as WeightInfo>::on_initialize(4, 0));
		assert_eq!(Duties::<Test>::iter().count(), 0);
	});
}

#[test]
fn who_equivocated_or_left_owes_nothing() {
	on_chain_of(4, || {
		oblige(ALICE);
		oblige(BOB);
		let (alice, bob) = (Draft::of(ALICE), Draft::of(BOB));
		assert!(Trust::on_equivocation(&soft(ALICE).id()));
		assert_ok!(Trust::leave(RuntimeOrigin::signed(BOB)));
		// What they say is taken, and changes nothing.
		assert_eq!((alice.attest(), bob.attest()), (Ok(()), Ok(())));
		assert_eq!(Duties::<Test>::iter().count(), 0);
		for n in [ALICE, BOB] {
			assert_eq!(Trust::scheduled_weight(&soft(n).id()), 0);
			Attestation::oblige(soft(n).id(), &parameters());
		}
		assert_eq!(Duties::<Test>::iter().count(), 0);
		<Attestation as ep_poet::OnMemberGone>::on_member_gone(&soft(BOB).id());
		assert!(Standings::<Test>::get(soft(BOB).id()).is_none());
	});
}

#[test]
fn a_fault_in_a_committee_is_a_missed_duty() {
	use ep_trust::score::OnFault;
	on_chain_of(4, || {
		Attestation::on_fault(&soft(BOB).id());
		assert_eq!(score(BOB), (160_000, 160_000));
		// More rounds end while it is down: that is one outage, until it could have been back.
		Attestation::on_fault(&soft(BOB).id());
		go_to(20);
		Attestation::on_fault(&soft(BOB).id());
		assert_eq!(score(BOB).0, 160_000);
		// A stranger has nothing to lose.
		Attestation::on_fault(&soft(77).id());
		assert_eq!(events(), [Event::Missed { author: soft(BOB).id(), score: 160_000 }]);
		go_to(21);
		Attestation::on_fault(&soft(BOB).id());
		assert_eq!(score(BOB).0, 128_000);
	});
}

#[test]
fn parameters_that_cannot_be_are_refused() {
	on_chain_of(4, || {
		let bad = [
			Parameters { picks: 5, ..parameters() },
			Parameters { deadline: 0, ..parameters() },
			Parameters { deadline: 200, grace: 50, rest: 300, ..parameters() },
			Parameters { rest: 8, ..parameters() },
			Parameters { threshold: 1_000_001, ..parameters() },
		];
		for parameters in bad {
			assert_noop!(Attestation::set_parameters(RuntimeOrigin::root(), parameters), Error::<Test>::BadSettings);
		}
		let good = Parameters { rest: 9, loss: Permill::one(), ..parameters() };
		assert_noop!(Attestation::set_parameters(RuntimeOrigin::signed(1), good), sp_runtime::DispatchError::BadOrigin);
		assert_ok!(Attestation::set_parameters(RuntimeOrigin::root(), good));
	});
}
