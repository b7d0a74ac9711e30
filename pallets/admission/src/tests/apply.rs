//! Applications, and what is wrong with them.

use super::life::questioned;
use crate::{mock::*, *};
use frame_support::{assert_noop, assert_ok};
use sp_core::H160;

/// An application after `change`, quoted anew if its nonce is another.
fn changed(change: impl FnOnce(&mut Applicant)) -> Applicant {
	let mut applicant = Applicant::new(ALICE, "ecc");
	change(&mut applicant);
	applicant
}

#[test]
fn a_good_application_opens_a_round() {
	on_chain(|| {
		let applicant = Applicant::new(ALICE, "ecc");
		assert_ok!(applicant.apply());
		let state = Rounds::<Test>::get(0).unwrap();
		assert_eq!((state.account, state.deposit, state.applied), (ALICE, DEPOSIT, 5));
		assert_eq!((state.all_sit, state.expected), (true, 1_000_000));
		assert_eq!(state.until, Deadlines { sit: 23, answer: 33, reveal: 43, judge: 53 });
		assert_eq!(Admission::held(&ALICE), DEPOSIT);
	});
}

/// A chip has an RSA key and one on a curve, and two certificates that do not know of each other.
#[test]
fn one_chip_has_one_key() {
	use ep_tpm::model::EkKind;
	on_chain(|| {
		assert_noop!(Applicant::new(BOB, "rsa").apply(), Error::<Test>::OtherEndorsementKey);
		Tiers::<Test>::mutate(|tiers| tiers.0.iter_mut().for_each(|rule| rule.ek = EkKind::Rsa));
		assert_noop!(Applicant::new(ALICE, "ecc").apply(), Error::<Test>::OtherEndorsementKey);
		assert_ok!(Applicant::new(BOB, "rsa").apply());
	});
}

#[test]
fn a_revoked_chip_does_not_apply() {
	on_chain(|| {
		assert_ok!(Applicant::new(ALICE, "good").apply());
		assert_ok!(Applicant::new(BOB, "revoked").apply());
		for (round, account) in [(0, ALICE), (1, BOB)] {
			assert_ok!(Admission::withdraw(RuntimeOrigin::signed(account), round));
		}
		go_to(System::block_number() + 101);
		let list: List = fixture("list/list.der").try_into().unwrap();
		assert_ok!(Admission::submit_list(RuntimeOrigin::signed(77), list));
		assert_noop!(Applicant::new(BOB, "revoked").apply(), Error::<Test>::BadCertificate);
		assert_ok!(Applicant::new(ALICE, "good").apply());
	});
}

#[test]
fn who_has_no_deposit_cannot_apply() {
	on_chain(|| {
		let applicant = Applicant::new(77, "ecc");
		assert!(applicant.apply().is_err());
	});
}

#[test]
fn an_account_and_an_attestation_key_are_in_one_round() {
	on_chain(|| {
		let alice = Applicant::new(ALICE, "ecc");
		assert_ok!(alice.apply());
		assert_noop!(Applicant::new(ALICE, "good").apply(), Error::<Test>::InARound);
		// The same chip and attestation key under another account.
		let mut bob = Applicant::new(BOB, "ecc");
		bob.application.evidence.ak_public = alice.application.evidence.ak_public.clone();
		bob.chip = alice.chip;
		bob.quote();
		assert_noop!(bob.apply(), Error::<Test>::InARound);
	});
}

#[test]
fn rounds_are_bounded() {
	on_chain(|| {
		MaxRounds::set(1);
		assert_ok!(Applicant::new(ALICE, "ecc").apply());
		assert_noop!(Applicant::new(BOB, "good").apply(), Error::<Test>::TooManyRounds);
	});
}

#[test]
fn nobody_applies_before_there_are_parameters() {
	on_chain(|| {
		Settings::<Test>::kill();
		assert_noop!(Applicant::new(ALICE, "ecc").apply(), Error::<Test>::Closed);
	});
}

#[test]
fn keys_must_be_proven_to_be_held_and_be_those_of_the_application() {
	on_chain(|| {
		let other = Applicant::new(BOB, "good");
		let stolen = changed(|this| this.keys = other.keys.clone());
		assert_noop!(stolen.apply(), Error::<Test>::BadKeys);
		let replayed = changed(|this| this.proof = other.proof.clone());
		assert_noop!(replayed.apply(), Error::<Test>::BadKeys);
		let foreign = changed(|this| {
			this.application.author = other.application.author.clone();
			this.quote();
		});
		assert_noop!(foreign.apply(), Error::<Test>::BadKeys);
	});
}

#[test]
fn keys_that_another_account_has_registered_are_refused_and_never_repeated_for_free() {
	use pallet_session::SessionInterface;
	on_chain(|| {
		let applicant = Applicant::new(ALICE, "ecc");
		let register = || <pallet_session::Pallet<Test> as SessionInterface>::set_keys(&BOB, applicant.keys.clone());
		let round = super::life::opened(&applicant);
		assert_ok!(register());
		assert_eq!(super::life::conclude(round, ep_trust::Judgement::Admit, &[1, 2, 3]), Err(Error::KeysTaken));
		assert_noop!(Applicant { account: ALICE, ..applicant }.apply(), Error::<Test>::InARound);
		let good = Applicant::new(BOB, "good");
		assert_ok!(<pallet_session::Pallet<Test> as SessionInterface>::set_keys(&ALICE, good.keys.clone()));
		assert_noop!(good.apply(), Error::<Test>::KeysTaken);
	});
}

#[test]
fn an_address_is_one_members_and_not_zero() {
	on_chain(|| {
		for anchor in [H160::zero(), anchor(2)] {
			let applicant = changed(|this| {
				this.application.anchor = anchor;
				this.quote();
			});
			assert_noop!(applicant.apply(), Error::<Test>::BadAnchor);
		}
	});
}

#[test]
fn an_address_is_claimed_by_who_holds_its_key() {
	on_chain(|| {
		for proof in [anchor_proof(&soft(1).id(), ALICE), [0; 65]] {
			let applicant = changed(|this| this.application.anchor_proof = proof);
			assert_noop!(applicant.apply(), Error::<Test>::BadAnchor);
		}
		let applicant = changed(|this| this.application.anchor_proof = anchor_proof(&this.keys.poet, BOB));
		assert_noop!(applicant.apply(), Error::<Test>::BadAnchor);
	});
}

#[test]
fn the_nonce_names_a_recent_block() {
	on_chain(|| {
		let applicant = Applicant::new(ALICE, "ecc");
		go_to(25);
		// Twenty-one blocks ago; then this block, and one to come.
		assert_noop!(applicant.apply(), Error::<Test>::NotRecent);
		for recent in [25, 26, u32::MAX] {
			let applicant = changed(|this| this.application.recent = recent);
			assert_noop!(applicant.apply(), Error::<Test>::NotRecent);
		}
	});
}

#[test]
fn an_application_is_worth_nothing_to_another_account() {
	on_chain(|| {
		let mut applicant = Applicant::new(ALICE, "ecc");
		let bobs = Applicant::new(BOB, "good");
		applicant.account = BOB;
		applicant.proof = bobs.proof.clone();
		assert_noop!(applicant.apply(), Error::<Test>::BadKeys);
		applicant.keys = bobs.keys.clone();
		applicant.application.author = bobs.application.author.clone();
		applicant.application.anchor_proof = anchor_proof(&applicant.application.author, ALICE);
		assert_noop!(applicant.apply(), Error::<Test>::BadQuote);
	});
}

#[test]
fn a_certificate_by_nobody_known_is_refused() {
	on_chain(|| {
		let _ = Roots::<Test>::clear(u32::MAX, None);
		assert_noop!(Applicant::new(ALICE, "ecc").apply(), Error::<Test>::BadCertificate);
	});
}

#[test]
fn a_certificate_that_was_tampered_with_is_refused() {
	on_chain(|| {
		let applicant = changed(|this| {
			let last = this.application.evidence.ek_certificate.len() - 1;
			this.application.evidence.ek_certificate[last] ^= 1;
		});
		assert_noop!(applicant.apply(), Error::<Test>::BadCertificate);
	});
}

#[test]
fn a_certificate_is_judged_at_the_blocks_time() {
	on_chain(|| {
		let applicant = Applicant::new(ALICE, "ecc");
		Timestamp::set_timestamp(1_000);
		assert_noop!(applicant.apply(), Error::<Test>::BadCertificate);
	});
}

#[test]
fn the_certificate_of_another_chip_is_refused() {
	on_chain(|| {
		let applicant = changed(|this| {
			this.application.evidence.ek_certificate = fixture("list/good.der").try_into().unwrap();
		});
		assert_noop!(applicant.apply(), Error::<Test>::BadEndorsementKey);
	});
}

#[test]
fn a_tier_without_a_cap_is_not_let_in() {
	on_chain(|| {
		Settings::<Test>::put(Parameters { caps: Caps::default(), ..parameters() });
		assert_noop!(Applicant::new(ALICE, "ecc").apply(), Error::<Test>::ModelNotLetIn);
	});
}

#[test]
fn an_unknown_model_is_not_let_in_and_a_denied_one_neither() {
	use ep_tpm::model::{DenyRule, Denylist, TierTable};
	on_chain(|| {
		let known = Tiers::<Test>::get();
		Tiers::<Test>::put(TierTable::default());
		assert_noop!(Applicant::new(ALICE, "ecc").apply(), Error::<Test>::ModelNotLetIn);
		Tiers::<Test>::put(known);
		let rule = TierTable::defaults().0.iter().find(|rule| rule.tier == ep_tpm::model::Tier::Software).cloned();
		// The quotes of the mock say that firmware 7 runs.
		let deny = |to| DenyRule {
			manufacturer: rule.clone().unwrap().manufacturer,
			model: Default::default(),
			from: 0,
			to,
			advisory: Default::default(),
		};
		Denied::<Test>::put(Denylist(vec![deny(7)].try_into().unwrap()));
		assert_noop!(Applicant::new(ALICE, "ecc").apply(), Error::<Test>::ModelDenied);
		Denied::<Test>::put(Denylist(vec![deny(6)].try_into().unwrap()));
		assert_ok!(Applicant::new(ALICE, "ecc").apply());
	});
}

#[test]
fn an_attestation_key_that_can_do_more_is_refused() {
	on_chain(|| {
		let applicant = changed(|this| {
			// The attributes follow type and name algorithm: clear `restricted`.
			this.application.evidence.ak_public[5] ^= 1;
		});
		assert_noop!(applicant.apply(), Error::<Test>::BadAttestationKey);
	});
}

#[test]
fn an_attestation_key_of_another_chip_is_refused() {
	on_chain(|| {
		let rsa = ep_tpm::EndorsementKey::parse(&file("ek-rsa.tpmt_public")).unwrap();
		let applicant = changed(|this| {
			this.chip = this.chip.clone().under(*rsa.name());
			this.quote();
		});
		assert_noop!(applicant.apply(), Error::<Test>::BadQuote);
	});
}

#[test]
fn a_quote_under_another_nonce_is_refused() {
	on_chain(|| {
		let applicant = changed(|this| {
			let mut nonce = this.nonce();
			nonce[0] ^= 1;
			this.application.evidence.quote = quote_of(&this.chip, &statement(&nonce));
		});
		assert_noop!(applicant.apply(), Error::<Test>::BadQuote);
	});
}

#[test]
fn a_quote_of_a_platform_that_the_policy_does_not_allow_is_refused() {
	on_chain(|| {
		let mut policy = policy();
		policy.min_firmware = 8;
		Policies::<Test>::insert(0, GovernedPolicy::always(policy));
		assert_noop!(Applicant::new(ALICE, "ecc").apply(), Error::<Test>::PolicyNotMet);
		Policies::<Test>::remove(0);
		assert_noop!(Applicant::new(ALICE, "ecc").apply(), Error::<Test>::NoSuchPolicy);
	});
}

#[test]
fn what_the_pcrs_are_said_to_hold_must_be_what_was_quoted() {
	on_chain(|| {
		let applicant = changed(|this| {
			this.application.evidence.quote.pcr_values[1] = vec![1; 32].try_into().unwrap();
		});
		assert_noop!(applicant.apply(), Error::<Test>::BadQuote);
	});
}

#[test]
fn a_member_does_not_apply() {
	on_chain(|| {
		// Alice is a member's account already.
		let spec = pallet_trust::MemberSpec {
			author: soft(50).id(),
			ak_public: soft(50).chip.ak_public().try_into().unwrap(),
			ek_name: soft(50).chip.ek_name(),
			weight: 1,
		};
		let applicant = Applicant::new(ALICE, "ecc");
		assert_ok!(Trust::admit(&ALICE, &spec, Applicant::new(BOB, "good").keys));
		assert_noop!(applicant.apply(), pallet_trust::Error::<Test>::AccountIsMember);
	});
}

#[test]
fn a_second_application_is_another_round_with_another_seed() {
	on_chain(|| {
		let first = questioned(&Applicant::new(ALICE, "ecc"));
		let second = questioned(&Applicant::new(BOB, "good"));
		let seed = |round| Rounds::<Test>::get(round).unwrap().seed;
		assert!(first != second && seed(first) != seed(second));
	});
}
