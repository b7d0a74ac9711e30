//! TPM 1.2: let in only where governance gives the tier a cap, and never to weigh anything.

use super::life::{conclude, opened, questioned};
use crate::{mock::*, *};
use ep_tpm::{model::Tier, policy::PlatformPolicy};
use ep_trust::Judgement;
use frame_support::{assert_noop, assert_ok};

/// Governance lets TPM 1.2 in, up to this score.
fn let_in(legacy: u64) {
	let mut parameters = parameters();
	parameters.caps.legacy = legacy;
	assert_ok!(Admission::set_parameters(RuntimeOrigin::root(), parameters));
}

/// An application with a TPM 1.2 after `change`, quoted anew.
fn changed(change: impl FnOnce(&mut Applicant)) -> Applicant {
	let mut applicant = Applicant::new(ALICE, "tpm12");
	change(&mut applicant);
	applicant.quote();
	applicant
}

#[test]
fn it_is_not_let_in_until_governance_says_so() {
	on_chain(|| {
		assert_noop!(Applicant::new(ALICE, "tpm12").apply(), Error::<Test>::ModelNotLetIn);
		let_in(50_000);
		assert_ok!(Applicant::new(ALICE, "tpm12").apply());
		assert_eq!(Rounds::<Test>::get(0).unwrap().tier, Tier::Legacy12);
	});
}

#[test]
fn it_joins_and_weighs_nothing() {
	on_chain(|| {
		let_in(50_000);
		let applicant = Applicant::new(ALICE, "tpm12");
		let author = applicant.application.author.clone();
		let round = opened(&applicant);
		assert_eq!(conclude(round, Judgement::Admit, &[1, 2, 3]), Ok(()));
		assert_eq!(Trust::weight_of(&ALICE, 2), 0);
		assert_eq!((Admission::cap_of(&author), Admission::policy_of(&author)), (Some(50_000), Some(1)));
		let grounds = GroundsOf::<Test>::get(&author).unwrap();
		assert_eq!((grounds.tier, grounds.firmware), (Tier::Legacy12, None));
		assert_eq!((Admission::held(&ALICE), Balances::free_balance(ALICE)), (0, 10 * DEPOSIT));

		// It sits in no committee, though all do who weigh anything.
		CurrentEpoch::set(2);
		let next = Applicant::new(BOB, "good");
		let round = questioned(&next);
		let claim = claim_of(&applicant, &next, round);
		let statement = ep_trust::nonce::statement(&GENESIS, &author, "sit", round, &(&claim.vrf, &claim.challenge));
		let signature = sp_application_crypto::RuntimeAppPublic::sign(&author, &statement).unwrap();
		let call = Call::sit { round, claim: Box::new(claim), signature: signature.into() };
		assert_eq!(dispatch(call), Err(Error::NotAMember));
	});
}

/// What the new member would claim in the round of `next`.
fn claim_of(member: &Applicant, next: &Applicant, round: u32) -> ep_trust::SeatClaim {
	ep_trust::SeatClaim { author: member.application.author.clone(), ..claim(next, round, 1) }
}

#[test]
fn its_answers_are_what_its_chip_opens() {
	on_chain(|| {
		let_in(50_000);
		let applicant = Applicant::new(ALICE, "tpm12");
		let round = questioned(&applicant);
		go_to(u64::from(Rounds::<Test>::get(round).unwrap().until.sit) + 1);
		let (mut answers, _) = applicant.answers(round, &[1, 2, 3, 4]);
		// One is made up.
		answers[0].1[0] ^= 1;
		let quote = applicant.answer_quote(round, &answers);
		let origin = RuntimeOrigin::signed(ALICE);
		assert_ok!(Admission::answer(origin, round, answers.clone(), Box::new(quote)));
		for n in 1..=MEMBERS {
			assert_eq!(reveal(round, n), Ok(()));
			let asked = soft(n).id();
			let outcome = Seats::<Test>::get(round, &asked).unwrap().outcome;
			let expected = if asked == answers[0].0 { Opening::MadeUp } else { Opening::Answered };
			assert_eq!(outcome, Some(expected));
		}
	});
}

#[test]
fn keys_of_two_generations_are_refused() {
	on_chain(|| {
		let_in(50_000);
		// The endorsement key of a TPM 1.2, the attestation key of a TPM 2.0.
		let newer = Applicant::new(BOB, "ecc");
		let mixed = changed(|this| {
			this.chip = newer.chip.clone();
			this.application.evidence.ak_public = newer.application.evidence.ak_public.clone();
		});
		assert_noop!(mixed.apply(), Error::<Test>::BadAttestationKey);
		// And the other way.
		let older = Applicant::new(ALICE, "tpm12");
		let mut mixed = Applicant::new(BOB, "ecc");
		mixed.chip = older.chip.clone();
		mixed.application.evidence.ak_public = older.application.evidence.ak_public.clone();
		mixed.quote();
		assert_noop!(mixed.apply(), Error::<Test>::BadAttestationKey);
		// The certified key written as a TPM 2.0's has it.
		let der = legacy_file("ek.der");
		let certified = ep_tpm::certificate::Certificate::parse(&der).unwrap();
		let ep_tpm::certificate::CertifiedKey::Rsa { modulus, .. } = certified.public_key().unwrap() else { panic!() };
		let mut public = file("ek-rsa.tpmt_public");
		let at = public.len() - modulus.len();
		public[at..].copy_from_slice(&modulus);
		let disguised = changed(|this| this.application.evidence.ek_public = public.try_into().unwrap());
		assert!(disguised.apply().is_err());
	});
}

#[test]
fn another_chips_endorsement_key_is_refused() {
	on_chain(|| {
		let_in(50_000);
		let other = changed(|this| {
			this.application.evidence.ek_public = legacy_file("other/ek.pubkey").try_into().unwrap();
		});
		assert_noop!(other.apply(), Error::<Test>::BadEndorsementKey);
	});
}

#[test]
fn a_quote_of_another_key_or_under_another_nonce_is_refused() {
	on_chain(|| {
		let_in(50_000);
		let mut other = Applicant::new(ALICE, "tpm12");
		other.chip = Chip::Tpm12(ep_tpm::testing::SoftLegacyChip::new(77));
		other.quote();
		assert_noop!(other.apply(), Error::<Test>::BadQuote);
		let mut replayed = Applicant::new(ALICE, "tpm12");
		replayed.application.evidence.quote = quote_of(&replayed.chip, &statement(b"another"));
		assert_noop!(replayed.apply(), Error::<Test>::BadQuote);
	});
}

/// No quote of such a chip tells of a reboot or a firmware version, and PCRs of another bank it does not have.
#[test]
fn a_policy_that_it_cannot_meet_is_not_met() {
	on_chain(|| {
		let_in(50_000);
		let cannot: [fn(&mut PlatformPolicy); 4] = [
			|policy| policy.may_reset = false,
			|policy| policy.may_resume = false,
			|policy| policy.min_firmware = 1,
			// PCR 16 can be set back at any time.
			|policy| policy.bitmap = vec![1, 0, 1].try_into().unwrap(),
		];
		for change in cannot {
			let mut policy = legacy_policy();
			change(&mut policy);
			Policies::<Test>::insert(1, GovernedPolicy::always(policy));
			assert_noop!(Applicant::new(ALICE, "tpm12").apply(), Error::<Test>::PolicyNotMet);
		}
		let newer = changed(|this| this.application.policy = 0);
		assert_noop!(newer.apply(), Error::<Test>::PolicyNotMet);
	});
}

#[test]
fn who_was_let_in_is_out_after_the_overlap_when_the_tier_is_let_in_no_more() {
	on_chain(|| {
		let_in(50_000);
		let applicant = Applicant::new(ALICE, "tpm12");
		let author = applicant.application.author.clone();
		let round = opened(&applicant);
		assert_eq!(conclude(round, Judgement::Admit, &[1, 2, 3]), Ok(()));
		let review = || dispatch(Call::review { author: author.clone() });
		let_in(60_000);
		assert_eq!(review(), Ok(()));
		assert_eq!(GroundsOf::<Test>::get(&author).unwrap().stays, None);
		let_in(0);
		assert_eq!(review(), Ok(()));
		let stays = GroundsOf::<Test>::get(&author).unwrap().stays.expect("its days are counted");
		go_to(u64::from(stays) + 1);
		assert_eq!(review(), Ok(()));
		assert!(pallet_trust::Members::<Test>::get(&author).unwrap().leaves.is_some());
	});
}

#[test]
fn a_model_that_is_denied_is_denied_whatever_its_firmware() {
	use ep_tpm::model::{DenyRule, Denylist};
	on_chain(|| {
		let_in(50_000);
		let software = Tiers::<Test>::get().0.iter().find(|rule| rule.tier == Tier::Software).unwrap().clone();
		let deny = DenyRule {
			manufacturer: software.manufacturer,
			model: Default::default(),
			from: 3,
			to: 3,
			advisory: Default::default(),
		};
		Denied::<Test>::put(Denylist(vec![deny].try_into().unwrap()));
		assert_noop!(Applicant::new(ALICE, "tpm12").apply(), Error::<Test>::ModelDenied);
	});
}
