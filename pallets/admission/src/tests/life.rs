//! Whole rounds, and their ends.

use crate::{mock::*, *};
use ep_trust::{Judgement, Reason, VerdictCertificate};
use frame_support::{assert_noop, assert_ok};

/// A round up to where all of its questions are asked.
pub(super) fn questioned(applicant: &Applicant) -> u32 {
	let round = NextRound::<Test>::get();
	assert_ok!(applicant.apply());
	go_to(System::block_number() + 9);
	for n in 1..=MEMBERS {
		assert_eq!(sit(applicant, round, n), Ok(()));
	}
	round
}

/// A round up to where the committee can judge.
pub(super) fn opened(applicant: &Applicant) -> u32 {
	let round = questioned(applicant);
	go_to(u64::from(Rounds::<Test>::get(round).unwrap().until.sit) + 1);
	assert_ok!(applicant.answer(round, &[1, 2, 3, 4]));
	for n in 1..=MEMBERS {
		assert_eq!(reveal(round, n), Ok(()));
	}
	round
}

/// What `members` sign.
pub(super) fn certificate(round: u32, judgement: Judgement, members: &[u64]) -> VerdictCertificate {
	let state = Rounds::<Test>::get(round).unwrap();
	let (verdict, _) = Admission::verdict(round, &state, judgement).unwrap();
	let digest = verdict.digest(&AnchorChain::<Test>::get());
	VerdictCertificate::collect(&digest, members.iter().map(|n| anchor_pair(*n).sign_prehashed(&digest).0))
}

pub(super) fn conclude(round: u32, judgement: Judgement, members: &[u64]) -> Result<(), Error<Test>> {
	let certificate = certificate(round, judgement, members);
	dispatch(Call::conclude { round, judgement, certificate })
}

#[test]
fn a_machine_joins() {
	on_chain(|| {
		let applicant = Applicant::new(ALICE, "ecc");
		let round = opened(&applicant);
		assert_eq!(Admission::held(&ALICE), DEPOSIT);
		assert_eq!(conclude(round, Judgement::Admit, &[1, 2, 3]), Ok(()));

		let member = pallet_trust::Members::<Test>::get(&applicant.application.author).unwrap();
		assert_eq!((member.account, member.ek_name), (ALICE, *applicant.ek.name()));
		// The tier's cap is below what parameters give a newcomer.
		assert_eq!(Trust::weight_of(&ALICE, 2), 200_000);
		assert_eq!(Anchors::<Test>::get(&applicant.application.author), Some(anchor(ALICE)));
		let dossier = Dossiers::<Test>::get(&applicant.application.author).unwrap();
		assert_eq!((&dossier.application, dossier.nonce), (&applicant.application, applicant.nonce()));
		// Anybody can look at both quotes again.
		let key = ep_tpm::AttestationKey::parse_author(&dossier.application.evidence.ak_public).unwrap();
		for (quote, nonce) in
			[(&dossier.application.evidence.quote, dossier.nonce), (&dossier.answer, dossier.answer_nonce)]
		{
			assert!(ep_tpm::verify_quote(&key, &quote.attest, &quote.signature, &nonce).is_ok());
		}
		assert_eq!((Admission::held(&ALICE), RoundCount::<Test>::get()), (0, 0));
		assert_eq!(Balances::free_balance(ALICE), 10 * DEPOSIT);
		let closed = Event::Closed { round, account: ALICE, outcome: Outcome::Judged(Judgement::Admit), kept: None };
		System::assert_last_event(closed.into());
	});
}

#[test]
fn a_refused_applicant_gets_its_deposit_back_and_waits() {
	on_chain(|| {
		let applicant = Applicant::new(ALICE, "ecc");
		let round = opened(&applicant);
		assert_eq!(conclude(round, Judgement::Refuse(Reason::Unreachable), &[2, 3, 4]), Ok(()));
		assert_eq!((Admission::held(&ALICE), Balances::free_balance(ALICE)), (0, 10 * DEPOSIT));
		assert!(pallet_trust::Members::<Test>::get(&applicant.application.author).is_none());
		let again = Applicant::new(ALICE, "ecc");
		assert_noop!(again.apply(), Error::<Test>::CoolingDown);
		go_to(System::block_number() + 101);
		assert_ok!(Applicant::new(ALICE, "ecc").apply());
	});
}

#[test]
fn a_forger_loses_its_deposit() {
	on_chain(|| {
		let applicant = Applicant::new(ALICE, "ecc");
		let round = opened(&applicant);
		assert_eq!(conclude(round, Judgement::Refuse(Reason::Forged), &[1, 2, 3, 4]), Ok(()));
		assert_eq!((Admission::held(&ALICE), Balances::free_balance(ALICE)), (0, 9 * DEPOSIT));
		assert_eq!(Balances::free_balance(TREASURY), DEPOSIT);
	});
}

#[test]
fn who_withdraws_waits_for_its_deposit() {
	on_chain(|| {
		// Before anybody sits: the seed may be known already, and with it some of the committee.
		assert_ok!(Applicant::new(BOB, "good").apply());
		assert_noop!(Admission::withdraw(RuntimeOrigin::signed(ALICE), 0), Error::<Test>::NotTheApplicant);
		assert_ok!(Admission::withdraw(RuntimeOrigin::signed(BOB), 0));
		assert_noop!(Admission::withdraw(RuntimeOrigin::signed(BOB), 0), Error::<Test>::NoSuchRound);
		assert_eq!(Admission::held(&BOB), DEPOSIT);
		go_to(u64::from(Kept::<Test>::get(BOB).unwrap().1) + 1);

		let round = questioned(&Applicant::new(ALICE, "ecc"));
		assert_ok!(Admission::withdraw(RuntimeOrigin::signed(ALICE), round));
		assert_eq!((Admission::held(&ALICE), Seats::<Test>::iter().count()), (DEPOSIT, 0));
		assert_noop!(Applicant::new(ALICE, "ecc").apply(), Error::<Test>::CoolingDown);
		// Its chip has not shown itself: nobody knows whether it was there at all.
		assert_ok!(Applicant::new(BOB, "ecc").apply());

		let until = Kept::<Test>::get(ALICE).unwrap().1;
		let reclaim = || Admission::reclaim(RuntimeOrigin::signed(BOB), ALICE);
		go_to(until.into());
		assert_noop!(reclaim(), Error::<Test>::CoolingDown);
		go_to(u64::from(until) + 1);
		assert_ok!(reclaim());
		assert_eq!((Admission::held(&ALICE), Balances::free_balance(ALICE)), (0, 10 * DEPOSIT));
		// There is nothing more, and no harm in asking.
		assert_ok!(reclaim());
		assert_eq!(Balances::free_balance(ALICE), 10 * DEPOSIT);
	});
}

#[test]
fn who_withdraws_after_its_chip_has_answered_loses_nothing_and_waits() {
	on_chain(|| {
		let round = opened(&Applicant::new(ALICE, "ecc"));
		assert_ok!(Admission::withdraw(RuntimeOrigin::signed(ALICE), round));
		assert_eq!((Admission::held(&ALICE), Balances::free_balance(ALICE)), (0, 10 * DEPOSIT));
		assert_noop!(Applicant::new(ALICE, "ecc").apply(), Error::<Test>::CoolingDown);
		// Under another account it is the same chip.
		assert_noop!(Applicant::new(BOB, "ecc").apply(), Error::<Test>::CoolingDown);
	});
}

#[test]
fn a_copy_of_a_certificate_keeps_its_chip_out_of_nothing() {
	on_chain(|| {
		// Bob has read Alice's application in the pool, has a key in software, and is first.
		let (copy, own) = (Applicant::new(BOB, "ecc"), Applicant::new(ALICE, "ecc"));
		let copied = questioned(&copy);
		let round = questioned(&own);
		go_to(u64::from(Rounds::<Test>::get(copied).unwrap().until.sit) + 1);
		// He cannot open what he is asked.
		let (mut answers, _) = copy.answers(copied, &[1, 2, 3, 4]);
		answers.iter_mut().for_each(|(_, answer)| *answer = [0; 32]);
		let quote = copy.answer_quote(copied, &answers);
		assert_ok!(Admission::answer(RuntimeOrigin::signed(BOB), copied, answers, Box::new(quote)));
		for n in 1..=MEMBERS {
			assert_eq!(reveal(copied, n), Ok(()));
		}
		assert_eq!(conclude(copied, Judgement::Admit, &[1, 2, 3]), Err(Error::NotOpened));
		assert_eq!(conclude(copied, Judgement::Refuse(Reason::Unanswered), &[1, 2, 3]), Ok(()));
		assert_eq!((Admission::held(&BOB), CoolingDown::<Test>::iter().count()), (DEPOSIT, 0));

		go_to(u64::from(Rounds::<Test>::get(round).unwrap().until.sit) + 1);
		assert_ok!(own.answer(round, &[1, 2, 3, 4]));
		for n in 1..=MEMBERS {
			assert_eq!(reveal(round, n), Ok(()));
		}
		assert_eq!(conclude(round, Judgement::Admit, &[1, 2, 3]), Ok(()));
		assert_eq!(Balances::free_balance(ALICE), 10 * DEPOSIT);
		go_to(System::block_number() + 101);
		assert_noop!(Applicant::new(BOB, "ecc").apply(), pallet_trust::Error::<Test>::EndorsementKeyIsMember);
	});
}

#[test]
fn a_chip_that_is_refused_in_one_round_is_not_let_in_by_another() {
	on_chain(|| {
		// One chip, two attestation keys, two committees to choose from.
		let (alice, bob) = (Applicant::new(ALICE, "ecc"), Applicant::new(BOB, "ecc"));
		assert_ok!(alice.apply());
		assert_ok!(bob.apply());
		go_to(14);
		for n in 1..=MEMBERS {
			assert_eq!(sit(&alice, 0, n), Ok(()));
			assert_eq!(sit(&bob, 1, n), Ok(()));
		}
		go_to(24);
		assert_ok!(alice.answer(0, &[1, 2, 3]));
		assert_ok!(bob.answer(1, &[1, 2, 3]));
		for n in 1..=MEMBERS {
			assert_eq!(reveal(0, n), Ok(()));
			assert_eq!(reveal(1, n), Ok(()));
		}
		assert_eq!(conclude(0, Judgement::Refuse(Reason::Unreachable), &[1, 2, 3]), Ok(()));
		assert_eq!(conclude(1, Judgement::Admit, &[1, 2, 3]), Err(Error::CoolingDown));
		assert_eq!(conclude(1, Judgement::Refuse(Reason::Unreachable), &[1, 2, 3]), Ok(()));
	});
}

fn expire(round: u32) -> Result<(), Error<Test>> {
	dispatch(Call::expire { round })
}

#[test]
fn a_round_that_too_few_sit_in_expires() {
	on_chain(|| {
		let applicant = Applicant::new(ALICE, "ecc");
		assert_ok!(applicant.apply());
		go_to(14);
		// Two of four: half of the votes.
		assert_eq!(sit(&applicant, 0, 1), Ok(()));
		assert_eq!(sit(&applicant, 0, 2), Ok(()));
		let until = Rounds::<Test>::get(0).unwrap().until;
		go_to(until.sit.into());
		assert_eq!(expire(0), Err(Error::NotExpired));
		go_to(u64::from(until.sit) + 1);
		assert_eq!(expire(0), Ok(()));
		// Friends of the applicant may have stayed away.
		assert_eq!(Admission::held(&ALICE), DEPOSIT);
		// There was nothing to reveal.
		assert!(!System::events().iter().any(|e| matches!(e.event, RuntimeEvent::Admission(Event::Failed { .. }))));
	});
}

#[test]
fn a_round_whose_applicant_is_silent_expires() {
	on_chain(|| {
		let applicant = Applicant::new(ALICE, "ecc");
		let round = questioned(&applicant);
		let until = Rounds::<Test>::get(round).unwrap().until;
		go_to(until.answer.into());
		assert_eq!(expire(round), Err(Error::NotExpired));
		go_to(u64::from(until.answer) + 1);
		assert_eq!(expire(round), Ok(()));
		assert_eq!((Admission::held(&ALICE), Seats::<Test>::iter().count()), (DEPOSIT, 0));
		// The next application gives it back, when it is time.
		let until = Kept::<Test>::get(ALICE).unwrap().1;
		go_to(u64::from(until) + 1);
		assert_ok!(Applicant::new(ALICE, "ecc").apply());
		assert_eq!((Admission::held(&ALICE), Kept::<Test>::iter().count()), (DEPOSIT, 0));
	});
}

#[test]
fn a_round_that_nobody_judges_expires_and_names_the_silent() {
	on_chain(|| {
		let applicant = Applicant::new(ALICE, "ecc");
		let round = questioned(&applicant);
		let until = Rounds::<Test>::get(round).unwrap().until;
		go_to(u64::from(until.sit) + 1);
		assert_ok!(applicant.answer(round, &[1, 2, 3, 4]));
		assert_eq!(reveal(round, 1), Ok(()));
		assert_eq!(reveal(round, 2), Ok(()));
		assert_eq!(reveal(round, 4), Ok(()));
		go_to(until.judge.into());
		assert_eq!(expire(round), Err(Error::NotExpired));
		go_to(u64::from(until.judge) + 1);
		assert_eq!(expire(round), Ok(()));
		let failed: Vec<_> = System::events()
			.into_iter()
			.filter_map(|e| match e.event {
				RuntimeEvent::Admission(Event::Failed { author, fault, .. }) => Some((author, fault)),
				_ => None,
			})
			.collect();
		assert_eq!(failed, [(soft(3).id(), Fault::Silent)]);
		assert_eq!(Faults::get(), [soft(3).id()]);
		assert_eq!(expire(round), Err(Error::NoSuchRound));
	});
}

#[test]
fn two_machines_join_at_a_time() {
	on_chain(|| {
		let (alice, bob) = (Applicant::new(ALICE, "ecc"), Applicant::new(BOB, "good"));
		assert_ok!(alice.apply());
		assert_ok!(bob.apply());
		go_to(14);
		for n in 1..=MEMBERS {
			assert_eq!(sit(&alice, 0, n), Ok(()));
			assert_eq!(sit(&bob, 1, n), Ok(()));
		}
		go_to(24);
		assert_ok!(alice.answer(0, &[1, 2, 3]));
		assert_ok!(bob.answer(1, &[2, 3, 4]));
		for n in 1..=MEMBERS {
			assert_eq!(reveal(0, n), Ok(()));
			assert_eq!(reveal(1, n), Ok(()));
		}
		assert_eq!(conclude(0, Judgement::Admit, &[1, 2, 3]), Ok(()));
		assert_eq!(conclude(1, Judgement::Admit, &[1, 2, 3]), Ok(()));
		assert_eq!(pallet_trust::MemberCount::<Test>::get(), 6);
	});
}

#[test]
fn what_a_member_was_admitted_on_goes_with_it() {
	on_chain(|| {
		let applicant = Applicant::new(ALICE, "ecc");
		let round = opened(&applicant);
		assert_eq!(conclude(round, Judgement::Admit, &[1, 2, 3]), Ok(()));
		let author = applicant.application.author;
		assert!(Dossiers::<Test>::contains_key(&author));
		<Admission as ep_poet::OnMemberGone>::on_member_gone(&author);
		assert!(!Dossiers::<Test>::contains_key(&author) && !Anchors::<Test>::contains_key(&author));
		assert!(!AnchorOwners::<Test>::contains_key(anchor(ALICE)));
	});
}

/// `TPM2_Clear` ends every attestation key of a chip. The machine joins again with a new one: not beside its old self, and
/// as soon as that is gone.
#[test]
fn a_chip_that_was_cleared_joins_again_under_a_new_key_once_its_old_self_is_gone() {
	on_chain(|| {
		let before = Applicant::new(ALICE, "ecc");
		let round = opened(&before);
		assert_eq!(conclude(round, Judgement::Admit, &[1, 2, 3]), Ok(()));
		// The same endorsement key, another attestation key, account and keys.
		let after = || Applicant::new(BOB, "ecc");
		assert_ne!(after().ak().name(), before.ak().name());
		assert_noop!(after().apply(), pallet_trust::Error::<Test>::EndorsementKeyIsMember);
		assert_ok!(Trust::leave(RuntimeOrigin::signed(ALICE)));
		assert_noop!(after().apply(), pallet_trust::Error::<Test>::StillLeaving);
		CurrentEpoch::set(3);
		<Trust as frame_support::traits::Hooks<u64>>::on_initialize(System::block_number());
		let round = opened(&after());
		assert_eq!(conclude(round, Judgement::Admit, &[1, 2, 3]), Ok(()));
		assert!(pallet_trust::Accounts::<Test>::get(ALICE).is_none());
		assert!(pallet_trust::Accounts::<Test>::get(BOB).is_some());
	});
}

/// An honest node answers zeros where its chip opens nothing; whoever makes answers up forges.
#[test]
fn answers_that_are_made_up_are_told_from_those_that_are_not_known() {
	on_chain(|| {
		let applicant = Applicant::new(ALICE, "ecc");
		let round = questioned(&applicant);
		go_to(u64::from(Rounds::<Test>::get(round).unwrap().until.sit) + 1);
		let (answers, _) = applicant.answers(round, &[1, 2, 3, 4]);
		let mut answers = answers.into_inner();
		for (place, (_, answer)) in answers.iter_mut().enumerate() {
			*answer = if place == 0 { [0; 32] } else { [0xee; 32] };
		}
		let answers: Answers = answers.try_into().unwrap();
		let quote = applicant.answer_quote(round, &answers);
		assert_ok!(Admission::answer(RuntimeOrigin::signed(ALICE), round, answers, Box::new(quote)));
		for n in 1..=MEMBERS {
			assert_eq!(reveal(round, n), Ok(()));
		}
		let info = Admission::round_info(round).unwrap();
		assert_eq!((info.opened, info.made_up, info.expected), (0, 750_000, 1_000_000));
		assert_eq!(conclude(round, Judgement::Admit, &[1, 2, 3]), Err(Error::NotOpened));
	});
}
