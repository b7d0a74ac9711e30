//! Answers, and what challengers reveal.

use super::life::questioned;
use crate::{mock::*, *};
use frame_support::{assert_noop, assert_ok};

fn asked() -> (Applicant, u32) {
	let applicant = Applicant::new(ALICE, "ecc");
	let round = questioned(&applicant);
	go_to(u64::from(Rounds::<Test>::get(round).unwrap().until.sit) + 1);
	(applicant, round)
}

fn answer_with(round: u32, answers: Answers, quote: ep_trust::Quote) -> sp_runtime::DispatchResult {
	Admission::answer(RuntimeOrigin::signed(ALICE), round, answers, Box::new(quote))
}

#[test]
fn three_of_four_answers_are_enough_and_two_are_not() {
	on_chain(|| {
		let (applicant, round) = asked();
		assert_noop!(applicant.answer(round, &[1, 2]), Error::<Test>::TooFewAnswers);
		assert_noop!(applicant.answer(round, &[]), Error::<Test>::TooFewAnswers);
		assert_ok!(applicant.answer(round, &[1, 2, 4]));
		assert_noop!(applicant.answer(round, &[1, 2, 4]), Error::<Test>::OtherPhase);
	});
}

#[test]
fn an_answer_has_its_time() {
	on_chain(|| {
		let applicant = Applicant::new(ALICE, "ecc");
		let round = questioned(&applicant);
		let until = Rounds::<Test>::get(round).unwrap().until;
		assert_noop!(applicant.answer(round, &[1, 2, 3]), Error::<Test>::OtherPhase);
		go_to(u64::from(until.answer) + 1);
		assert_noop!(applicant.answer(round, &[1, 2, 3]), Error::<Test>::OtherPhase);
	});
}

#[test]
fn nobody_answers_for_another() {
	on_chain(|| {
		let (applicant, round) = asked();
		let (answers, quote) = applicant.answers(round, &[1, 2, 3]);
		let origin = RuntimeOrigin::signed(BOB);
		assert_noop!(Admission::answer(origin, round, answers, Box::new(quote)), Error::<Test>::NotTheApplicant);
	});
}

#[test]
fn an_answer_is_to_who_asked_and_once() {
	on_chain(|| {
		let (applicant, round) = asked();
		let (answers, _) = applicant.answers(round, &[1, 2, 3]);
		let mut twice = answers.clone().into_inner();
		twice[1] = twice[0].clone();
		let mut stranger = answers.clone().into_inner();
		stranger.push((soft(30).id(), [0; 32]));
		stranger.sort();
		let mut disorder = answers.into_inner();
		disorder.reverse();
		for bad in [twice, stranger, disorder] {
			let bad: Answers = bad.try_into().unwrap();
			let quote = applicant.answer_quote(round, &bad);
			assert_noop!(answer_with(round, bad, quote), Error::<Test>::NotAsked);
		}
	});
}

#[test]
fn the_quote_is_over_the_answers() {
	on_chain(|| {
		let (applicant, round) = asked();
		let (answers, _) = applicant.answers(round, &[1, 2, 3]);
		// The first quote again; one over other answers.
		let first = applicant.application.evidence.quote.clone();
		assert_noop!(answer_with(round, answers.clone(), first), Error::<Test>::BadQuote);
		let (_, other) = applicant.answers(round, &[2, 3, 4]);
		assert_noop!(answer_with(round, answers, other), Error::<Test>::BadQuote);
	});
}

#[test]
fn a_chip_that_was_reset_meanwhile_starts_again() {
	on_chain(|| {
		let (applicant, round) = asked();
		let (answers, _) = applicant.answers(round, &[1, 2, 3]);
		let seed = Rounds::<Test>::get(round).unwrap().seed.unwrap();
		let nonce = ep_trust::nonce::answer(&GENESIS, round, &seed, &answers);
		let mut rebooted = statement(&nonce);
		rebooted.reset_count += 1;
		let quote = quote_of(&applicant.chip, &rebooted);
		assert_noop!(answer_with(round, answers, quote), Error::<Test>::PolicyNotMet);
	});
}

#[test]
fn what_was_answered_is_seen_when_it_is_revealed() {
	on_chain(|| {
		let (applicant, round) = asked();
		// Member 2 gets a wrong answer, member 4 none.
		let (answers, _) = applicant.answers(round, &[1, 2, 3]);
		let mut answers = answers.into_inner();
		let second = answers.iter_mut().find(|(author, _)| *author == soft(2).id()).unwrap();
		second.1[0] ^= 1;
		let answers: Answers = answers.try_into().unwrap();
		let quote = applicant.answer_quote(round, &answers);
		assert_ok!(answer_with(round, answers, quote));
		for n in 1..=4 {
			assert_eq!(reveal(round, n), Ok(()));
		}
		let outcome = |n| Seats::<Test>::get(round, soft(n).id()).unwrap().outcome.unwrap();
		assert_eq!(
			[1, 2, 3, 4].map(outcome),
			[Opening::Answered, Opening::MadeUp, Opening::Answered, Opening::NotAnswered]
		);
		let state = Rounds::<Test>::get(round).unwrap();
		assert_eq!((state.revealed, state.opened, state.made_up), (4, 500_000, 250_000));
	});
}

#[test]
fn who_asks_what_nobody_can_answer_is_named() {
	on_chain(|| {
		let applicant = Applicant::new(ALICE, "ecc");
		assert_ok!(applicant.apply());
		go_to(14);
		for n in 1..=3 {
			assert_eq!(sit(&applicant, 0, n), Ok(()));
		}
		let mut broken = claim(&applicant, 0, 4);
		broken.challenge.credential.id_object[5] ^= 1;
		assert_eq!(sit_with(4, 0, broken), Ok(()));
		go_to(24);
		assert_ok!(applicant.answer(0, &[1, 2, 3]));
		for n in 1..=4 {
			assert_eq!(reveal(0, n), Ok(()));
		}
		assert_eq!(Seats::<Test>::get(0, soft(4).id()).unwrap().outcome, Some(Opening::Broken));
		// It costs the applicant nothing.
		assert_eq!(super::life::conclude(0, ep_trust::Judgement::Admit, &[1, 2, 3]), Ok(()));
		System::assert_has_event(
			Event::Failed { round: 0, author: soft(4).id(), fault: Fault::BrokenChallenge }.into(),
		);
	});
}

#[test]
fn a_reveal_is_refused_for_what_is_wrong_with_it() {
	on_chain(|| {
		let (applicant, round) = asked();
		assert_eq!(reveal(round, 1), Err(Error::OtherPhase));
		assert_ok!(applicant.answer(round, &[1, 2, 3]));
		let call = |author: u64, signer: u64, secret: [u8; 32]| {
			let signature = sign(signer, "reveal", round, &secret);
			dispatch(Call::reveal { round, author: soft(author).id(), secret, signature })
		};
		assert_eq!(call(1, 2, secret(1)), Err(Error::BadSignature));
		assert_eq!(call(1, 1, secret(2)), Err(Error::NotCommitted));
		assert_eq!(call(30, 30, secret(1)), Err(Error::NotAMember));
		assert_eq!(call(1, 1, secret(1)), Ok(()));
		assert_eq!(call(1, 1, secret(1)), Err(Error::AlreadyRevealed));
		go_to(u64::from(Rounds::<Test>::get(round).unwrap().until.reveal) + 1);
		assert_eq!(call(2, 2, secret(2)), Err(Error::OtherPhase));
	});
}
