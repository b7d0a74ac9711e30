//! Verdicts.

use super::life::{certificate, conclude, opened, questioned};
use crate::{mock::*, *};
use ep_trust::{Chain, Committee, Judgement, Reason, VerdictCertificate};
use frame_support::assert_ok;

const ADMIT: Judgement = Judgement::Admit;

fn judged() -> (Applicant, u32) {
	let applicant = Applicant::new(ALICE, "ecc");
	let round = opened(&applicant);
	(applicant, round)
}

#[test]
fn half_of_the_votes_are_no_verdict() {
	on_chain(|| {
		let (_, round) = judged();
		assert_eq!(conclude(round, ADMIT, &[]), Err(Error::BadVerdict));
		assert_eq!(conclude(round, ADMIT, &[1, 2]), Err(Error::BadVerdict));
		assert_eq!(conclude(round, ADMIT, &[1, 2, 4]), Ok(()));
	});
}

#[test]
fn whoever_is_told_of_verdicts_gets_the_committee_that_signed_them() {
	on_chain(|| {
		let chain = Chain { id: 20, contract: anchor(9) };
		AnchorChain::<Test>::put(chain);
		let (_, round) = judged();
		let state = Rounds::<Test>::get(round).unwrap();
		let (verdict, committee) = Admission::verdict(round, &state, ADMIT).unwrap();
		assert_eq!(conclude(round, ADMIT, &[1, 2]), Err(Error::BadVerdict));
		assert!(Concluded::get().is_empty());
		assert_eq!(conclude(round, ADMIT, &[1, 2, 4]), Ok(()));
		let told = Concluded::get();
		assert_eq!(told.len(), 1);
		assert_eq!((&told[0].chain, &told[0].verdict, &told[0].seats[..]), (&chain, &verdict, committee.seats()));
		// It is all that anybody needs.
		let again = Committee::new(told[0].seats.clone(), verdict.expected).unwrap();
		assert_eq!(again.root(round), verdict.committee);
		let votes = told[0].certificate.verify(&verdict, &chain, &again).unwrap();
		assert!(again.is_quorum(votes));
	});
}

#[test]
fn strangers_and_members_who_did_not_sit_have_no_voice() {
	on_chain(|| {
		let (_, round) = judged();
		assert_eq!(conclude(round, ADMIT, &[1, 2, 3, 30]), Err(Error::BadVerdict));
	});
}

#[test]
fn a_verdict_says_what_was_signed() {
	on_chain(|| {
		let (_, round) = judged();
		let refuse = Judgement::Refuse(Reason::Platform);
		let signed = certificate(round, refuse, &[1, 2, 3, 4]);
		let brought = |judgement, certificate: &VerdictCertificate| {
			dispatch(Call::conclude { round, judgement, certificate: certificate.clone() })
		};
		assert_eq!(brought(ADMIT, &signed), Err(Error::BadVerdict));
		// Signed for a contract, and then for none.
		AnchorChain::<Test>::put(Chain { id: 20, contract: anchor(1) });
		assert_eq!(brought(refuse, &signed), Err(Error::BadVerdict));
		let signed = certificate(round, refuse, &[1, 2, 3, 4]);
		AnchorChain::<Test>::put(Chain { id: 21, contract: anchor(1) });
		assert_eq!(brought(refuse, &signed), Err(Error::BadVerdict));
	});
}

#[test]
fn a_verdict_of_one_round_is_none_in_another() {
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
		assert_ok!(alice.answer(0, &[1, 2, 3, 4]));
		assert_ok!(bob.answer(1, &[1, 2, 3, 4]));
		for n in 1..=MEMBERS {
			assert_eq!(reveal(0, n), Ok(()));
			assert_eq!(reveal(1, n), Ok(()));
		}
		let signed = certificate(0, ADMIT, &[1, 2, 3, 4]);
		let replayed = dispatch(Call::conclude { round: 1, judgement: ADMIT, certificate: signed });
		assert_eq!(replayed, Err(Error::BadVerdict));
	});
}

#[test]
fn a_verdict_has_its_time() {
	on_chain(|| {
		let applicant = Applicant::new(ALICE, "ecc");
		let round = questioned(&applicant);
		assert_eq!(conclude(round, Judgement::Refuse(Reason::Platform), &[1, 2, 3]), Err(Error::OtherPhase));
		let until = Rounds::<Test>::get(round).unwrap().until;
		go_to(u64::from(until.sit) + 1);
		assert_ok!(applicant.answer(round, &[1, 2, 3, 4]));
		for n in 1..=3 {
			assert_eq!(reveal(round, n), Ok(()));
		}
		// Somebody may still reveal.
		assert_eq!(conclude(round, ADMIT, &[1, 2, 3]), Err(Error::OtherPhase));
		go_to(u64::from(until.reveal) + 1);
		let signed = certificate(round, ADMIT, &[1, 2, 3]);
		go_to(u64::from(until.judge) + 1);
		let late = dispatch(Call::conclude { round, judgement: ADMIT, certificate: signed });
		assert_eq!(late, Err(Error::OtherPhase));
	});
}

#[test]
fn nobody_is_admitted_whose_questions_were_not_answered() {
	on_chain(|| {
		let applicant = Applicant::new(ALICE, "ecc");
		let round = questioned(&applicant);
		let until = Rounds::<Test>::get(round).unwrap().until;
		go_to(u64::from(until.sit) + 1);
		assert_ok!(applicant.answer(round, &[1, 2, 3, 4]));
		assert_eq!(reveal(round, 1), Ok(()));
		assert_eq!(reveal(round, 2), Ok(()));
		go_to(u64::from(until.reveal) + 1);
		// All four sign, and yet: only two questions are known to have been answered.
		assert_eq!(conclude(round, ADMIT, &[1, 2, 3, 4]), Err(Error::NotOpened));
		assert_eq!(conclude(round, Judgement::Refuse(Reason::Unanswered), &[1, 2, 3, 4]), Ok(()));
	});
}

#[test]
fn a_verdict_is_worth_nothing_once_the_round_is_over() {
	on_chain(|| {
		let (_, round) = judged();
		let signed = certificate(round, ADMIT, &[1, 2, 3]);
		assert_eq!(conclude(round, ADMIT, &[1, 2, 3]), Ok(()));
		let again = dispatch(Call::conclude { round, judgement: ADMIT, certificate: signed });
		assert_eq!(again, Err(Error::NoSuchRound));
	});
}

#[test]
fn who_became_a_member_meanwhile_is_not_admitted_again() {
	on_chain(|| {
		let (applicant, round) = judged();
		let spec = pallet_trust::MemberSpec {
			author: soft(50).id(),
			ak_public: soft(50).chip.ak_public().try_into().unwrap(),
			ek_name: *applicant.ek.name(),
			weight: 1,
		};
		assert_ok!(Trust::admit(&BOB, &spec, Applicant::new(BOB, "good").keys));
		assert_eq!(conclude(round, ADMIT, &[1, 2, 3]), Err(Error::CannotJoin));
		// Its deposit is not stuck.
		assert_ok!(Admission::withdraw(RuntimeOrigin::signed(ALICE), round));
		assert_eq!(Admission::held(&ALICE), 0);
	});
}
