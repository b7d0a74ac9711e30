//! Members with a TPM 1.2: they attest what booted and no time, have a score and no weight.

use frame_support::{assert_noop, assert_ok};

use crate::{mock::*, *};

const CAROL: u64 = 5;
const CAP: u64 = 40_000;

fn hand(attempt: u8, testimony: ep_trust::Testimony) -> Result<(), Error<Test>> {
	attest(CAROL, attempt, testimony)
}

#[test]
fn it_rises_to_its_cap_by_its_duties_and_never_weighs_anything() {
	on_chain_of(4, || {
		let chip = admit_legacy(CAROL, CAP);
		assert_eq!(score(CAROL), (0, 0));
		for duties in 1..=21u64 {
			go_to(30 * duties);
			oblige(CAROL);
			assert_eq!(hand(0, legacy_testimony(CAROL, &chip, [7; 20])), Ok(()));
			assert_eq!(score(CAROL), ((2_000 * duties).min(CAP), 0));
		}
		let node = Attestation::node(&soft(CAROL).id()).unwrap();
		assert_eq!((node.done, node.score, node.cap, node.weight), (21, CAP, CAP, 0));
		assert_eq!(Firmware::get(), [], "it does not say what it runs");
		assert_eq!(Standings::<Test>::get(soft(CAROL).id()).unwrap().chip, None);
		// Nobody can give it any.
		assert_noop!(Trust::set_weight(RuntimeOrigin::root(), CAROL, 1), pallet_trust::Error::<Test>::AttestsNoTime);
		assert!(!Trust::reweigh(&soft(CAROL).id(), CAP));
		assert_ok!(Trust::set_weight(RuntimeOrigin::root(), CAROL, 0));
	});
}

#[test]
fn a_duty_missed_lowers_its_score() {
	on_chain_of(4, || {
		let chip = admit_legacy(CAROL, CAP);
		oblige(CAROL);
		assert_eq!(hand(0, legacy_testimony(CAROL, &chip, [7; 20])), Ok(()));
		go_to(100);
		let duty = oblige(CAROL);
		go_to(u64::from(duty.lapses) + 1);
		assert_eq!(score(CAROL), (1_600, 0));
	});
}

#[test]
fn a_platform_that_changed_counts_as_missed() {
	on_chain_of(4, || {
		let chip = admit_legacy(CAROL, CAP);
		oblige(CAROL);
		for attempt in 0..2 {
			assert_eq!(hand(attempt, legacy_testimony(CAROL, &chip, [8; 20])), Ok(()));
		}
		let author = soft(CAROL).id();
		let refused = Event::Refused { author: author.clone(), fault: Fault::Platform };
		assert_eq!(events()[1..], [refused.clone(), refused, Event::Missed { author, score: 0 }]);
	});
}

#[test]
fn forged_evidence_costs_it_its_place() {
	type Forge = fn(&mut ep_trust::Testimony);
	let forgeries: [(&str, Forge); 4] = [
		("by another chip", |testimony| *testimony = legacy_testimony(CAROL, &chip_of(CAROL + 1), [7; 20])),
		("under another nonce", |testimony| {
			let (attest, signature) = chip_of(CAROL).quote([1, 0, 0], &[[7; 20]], b"another");
			let quote = testimony.quote.as_mut().unwrap();
			(quote.attest, quote.signature) = (attest.try_into().unwrap(), signature.try_into().unwrap());
		}),
		("of something else than a quote", |testimony| {
			let quote = testimony.quote.as_mut().unwrap();
			quote.attest[4..8].copy_from_slice(b"CERT");
			quote.signature = chip_of(CAROL).sign(&quote.attest).try_into().unwrap();
		}),
		("with a time, which it cannot attest", |testimony| testimony.time = Draft::of(CAROL).testimony().time),
	];
	for (what, forge) in forgeries {
		on_chain_of(4, || {
			let chip = admit_legacy(CAROL, CAP);
			oblige(CAROL);
			for attempt in 0..2 {
				let mut testimony = legacy_testimony(CAROL, &chip, [7; 20]);
				forge(&mut testimony);
				assert_eq!(hand(attempt, testimony), Ok(()), "{what}");
			}
			let author = soft(CAROL).id();
			assert!(events().contains(&Event::Forged { author: author.clone() }), "{what}");
			assert!(pallet_trust::Members::<Test>::get(author).unwrap().suspended, "{what}");
		});
	}
}

fn chip_of(n: u64) -> ep_tpm::testing::SoftLegacyChip {
	ep_tpm::testing::SoftLegacyChip::new(n)
}

#[test]
fn who_was_let_in_by_governance_alone_has_nothing_to_show() {
	on_chain_of(4, || {
		let chip = admit_legacy(CAROL, CAP);
		UnderPolicy::set(None);
		oblige(CAROL);
		assert_eq!(hand(0, legacy_testimony(CAROL, &chip, [7; 20])), Ok(()));
		assert!(events().contains(&Event::Refused { author: soft(CAROL).id(), fault: Fault::Platform }));
	});
}

#[test]
fn a_tpm_2_that_leaves_out_its_time_has_forged() {
	on_chain_of(4, || {
		UnderPolicy::set(Some((soft(1).id(), WEIGHT)));
		oblige(1);
		let testimony = ep_trust::Testimony { time: None, ..Draft::of(1).testimony() };
		assert_eq!(attest(1, 0, testimony), Ok(()));
		assert!(events().contains(&Event::Refused { author: soft(1).id(), fault: Fault::Forged }));
	});
}

/// A policy that was changed to one which no TPM 1.2 can meet is no forgery of its member's.
#[test]
fn what_such_a_chip_cannot_meet_is_not_held_against_it_as_forged() {
	for rule in [ep_tpm::Error::LegacyPolicy, ep_tpm::Error::LegacyStaticPcrs] {
		assert_eq!(Fault::from(rule), Fault::Platform);
	}
}
