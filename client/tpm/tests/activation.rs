//! The challenge that a node must meet to join: opened by the right chip, refused by every other, without a trace.

mod common;

use common::*;
use ec_tpm::{ErrorKind, Identity, TpmError, TpmHandle, TpmStatus};
use ep_tpm::{Challenge, Credential, EndorsementKey, Name};
use futures::executor::block_on;
use std::thread;

fn challenge(ek: &Identity, ak: &Identity, seed: u8) -> Challenge {
	let name = Name::from_bytes(&ak.ak_name).unwrap();
	EndorsementKey::parse(&ek.ek_public).unwrap().challenge(&name, &[seed; 32]).unwrap()
}

fn activate(tpm: &TpmHandle, credential: &Credential) -> Result<Vec<u8>, TpmError> {
	block_on(tpm.activate(credential.clone()))
}

fn flipped(credential: &Credential, bit: usize) -> Credential {
	let mut flipped = credential.clone();
	let blob = flipped.id_object.len() * 8;
	match bit.checked_sub(blob) {
		None => flipped.id_object.as_mut()[bit / 8] ^= 1 << (bit % 8),
		Some(bit) => flipped.encrypted_secret.as_mut()[bit / 8] ^= 1 << (bit % 8),
	}
	flipped
}

/// One object of ours, no session, and no failed authorisation.
fn assert_clean(chip: &Foreign) {
	assert_eq!(chip.tool(&["tpm2_getcap", "handles-transient"]).lines().count(), 1);
	assert_eq!(chip.tool(&["tpm2_getcap", "handles-loaded-session"]), "");
	assert_eq!(chip.tool(&["tpm2_getcap", "handles-saved-session"]), "");
	assert_eq!(lockout_counter(chip), 0);
}

#[test]
fn a_managed_chip_opens_its_challenges() {
	let base = tempfile::tempdir().unwrap();
	let tpm = start(base.path());
	let identity = tpm.identity();
	for seed in 0..5 {
		let asked = challenge(&identity, &identity, seed);
		assert_eq!(activate(&tpm, &asked.credential).unwrap(), asked.secret);
		// Through the file that other tools write, and once more.
		let filed = Credential::from_file(&asked.credential.to_file()).unwrap();
		assert_eq!(activate(&tpm, &filed).unwrap(), asked.secret);
	}
	let ek = EndorsementKey::parse(&identity.ek_public).unwrap();
	let name = Name::from_bytes(&identity.ak_name).unwrap();
	let short = ek.make_credential(&name, b"x", &[3; 32]).unwrap();
	assert_eq!(activate(&tpm, &short).unwrap(), b"x");
	get_time(&tpm, 1).unwrap();
	assert_eq!(tpm.resets(), 0);
}

/// Everything that may come to a chip wrongly, many times, and the right challenge in between.
fn refuses_what_is_not_for_it(chip: &Foreign, algorithm: [u8; 2]) {
	let (base, other_base) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
	let tpm = TpmHandle::start(chip.config(), base.path()).unwrap();
	let identity = tpm.identity();
	assert!(identity.ek_public.starts_with(&algorithm));
	let other_chip = Foreign::start_like(chip);
	let other = TpmHandle::start(other_chip.config(), other_base.path()).unwrap().identity();
	assert!(other.ek_public.starts_with(&algorithm));
	for round in 0..20 {
		let good = challenge(&identity, &identity, round);
		let bits = (good.credential.id_object.len() + good.credential.encrypted_secret.len()) * 8;
		let wrong = [
			("another EK", challenge(&other, &identity, round).credential),
			("another AK", challenge(&identity, &other, round).credential),
			("another chip", challenge(&other, &other, round).credential),
			("a flipped bit", flipped(&good.credential, usize::from(round) * bits / 20)),
			("a flipped last bit", flipped(&good.credential, bits - 1)),
		];
		for (what, credential) in &wrong {
			let error = activate(&tpm, credential).unwrap_err();
			assert!(matches!(error, TpmError::NotForThisChip { .. }), "{what}, round {round}: {error}");
			assert_eq!(error.kind(), ErrorKind::Refusal);
			let text = error.to_string();
			assert!(text.starts_with("this challenge is not for this chip: "), "{text}");
			assert!(text.contains(&hex::encode(&identity.ek_name)) && text.contains("tpm show"), "{text}");
			// The chip is not lost by it.
			assert!(matches!(tpm.status(), TpmStatus::Ready { .. }), "{what}: {}", tpm.status());
		}
		assert_clean(chip);
		assert_eq!(activate(&tpm, &good.credential).unwrap(), good.secret);
		assert_clean(chip);
	}
	get_time(&tpm, 1).unwrap();
	assert_eq!(tpm.resets(), 0);
}

#[test]
fn a_chip_with_an_rsa_ek_refuses_what_is_not_for_it_and_is_as_before() {
	refuses_what_is_not_for_it(&Foreign::start(), [0x00, 0x01]);
}

#[test]
fn a_chip_with_an_ecc_ek_refuses_what_is_not_for_it_and_is_as_before() {
	let chip = Foreign::start();
	chip.has_an_ecc_certificate();
	refuses_what_is_not_for_it(&chip, [0x00, 0x23]);
}

#[test]
fn an_ek_that_the_chip_keeps_is_used_and_kept() {
	let base = tempfile::tempdir().unwrap();
	let chip = Foreign::start();
	let tpm = TpmHandle::start(chip.config(), base.path()).unwrap();
	chip.tool(&["tpm2_createek", "-G", "rsa", "-c", "0x81010001"]);
	chip.tool(&["tpm2_flushcontext", "-s"]);
	let identity = tpm.identity();
	for seed in 0..20 {
		let asked = challenge(&identity, &identity, seed);
		assert_eq!(activate(&tpm, &asked.credential).unwrap(), asked.secret);
		let wrong = flipped(&asked.credential, 99);
		assert!(matches!(activate(&tpm, &wrong), Err(TpmError::NotForThisChip { .. })));
	}
	assert!(chip.tool(&["tpm2_getcap", "handles-persistent"]).contains("81010001"));
	assert_clean(&chip);
}

#[test]
fn attestations_go_on_while_challenges_are_met() {
	let base = tempfile::tempdir().unwrap();
	let tpm = start(base.path());
	let identity = tpm.identity();
	let key = identity.attestation_key().unwrap();
	thread::scope(|scope| {
		for nonce in 0..4 {
			let (tpm, key) = (tpm.clone(), &key);
			scope.spawn(move || {
				for _ in 0..20 {
					let time = get_time(&tpm, nonce).unwrap();
					ep_tpm::verify_time(key, &time.attest, &time.signature, &[nonce; 32]).unwrap();
				}
			});
		}
		for caller in 0..2 {
			let (tpm, identity) = (tpm.clone(), &identity);
			scope.spawn(move || {
				for seed in 0..5 {
					let asked = challenge(identity, identity, 10 * caller + seed);
					assert_eq!(activate(&tpm, &asked.credential).unwrap(), asked.secret);
					activate(&tpm, &flipped(&asked.credential, 20)).unwrap_err();
				}
			});
		}
	});
	assert_eq!(tpm.resets(), 0);
}

#[test]
fn a_protected_endorsement_hierarchy_is_no_wrong_challenge() {
	for keeps_its_ek in [false, true] {
		let base = tempfile::tempdir().unwrap();
		let chip = Foreign::start();
		let tpm = TpmHandle::start(chip.config(), base.path()).unwrap();
		if keeps_its_ek {
			chip.tool(&["tpm2_createek", "-G", "rsa", "-c", "0x81010001"]);
			chip.tool(&["tpm2_flushcontext", "-s"]);
		}
		chip.tool(&["tpm2_changeauth", "-c", "endorsement", "secret"]);
		let identity = tpm.identity();
		let asked = challenge(&identity, &identity, 1);
		let error = activate(&tpm, &asked.credential).unwrap_err();
		assert!(matches!(error, TpmError::AuthRefused { .. }), "{error}");
		assert!(!is_gone(&tpm));
		assert_clean(&chip);
		chip.tool(&["tpm2_changeauth", "-c", "endorsement", "-p", "secret"]);
		assert_eq!(activate(&tpm, &asked.credential).unwrap(), asked.secret);
	}
}

#[test]
fn a_chip_in_lockout_meets_its_challenges_all_the_same() {
	let base = tempfile::tempdir().unwrap();
	let chip = Foreign::start();
	let tpm = TpmHandle::start(chip.config(), base.path()).unwrap();
	chip.tool(&["tpm2_dictionarylockout", "-s", "-n", "1", "-t", "1000", "-l", "1000"]);
	chip.tool(&["tpm2_nvdefine", "0x1500000", "-C", "o", "-s", "3", "-p", "secret", "-a", "authread|authwrite"]);
	chip.tool(&["tpm2_nvwrite", "0x1500000", "-P", "secret", "-i", chip.file(b"abc")]);
	chip.tool_fails(&["tpm2_nvread", "0x1500000", "-P", "wrong", "-s", "3"]);
	assert!(chip.tool(&["tpm2_getcap", "properties-variable"]).contains("inLockout:                 1"));
	let identity = tpm.identity();
	let asked = challenge(&identity, &identity, 1);
	assert_eq!(activate(&tpm, &asked.credential).unwrap(), asked.secret);
	let error = activate(&tpm, &flipped(&asked.credential, 20)).unwrap_err();
	assert!(matches!(error, TpmError::NotForThisChip { .. }), "{error}");
}

#[test]
fn a_chip_that_is_gone_is_no_wrong_challenge() {
	let base = tempfile::tempdir().unwrap();
	let mut chip = Foreign::start();
	let tpm = TpmHandle::start(chip.config(), base.path()).unwrap();
	let identity = tpm.identity();
	let asked = challenge(&identity, &identity, 1);
	chip.power_off();
	for _ in 0..2 {
		let error = activate(&tpm, &asked.credential).unwrap_err();
		assert!(matches!(error, TpmError::Gone { .. }), "{error}");
		assert_eq!(error.kind(), ErrorKind::Wiring);
	}
	chip.power_on();
	eventually("it is back", || activate(&tpm, &asked.credential).is_ok_and(|secret| secret == asked.secret));
}

#[test]
fn another_chip_at_the_same_address_is_no_wrong_challenge() {
	let base = tempfile::tempdir().unwrap();
	let mut chip = Foreign::start();
	let tpm = TpmHandle::start(chip.config(), base.path()).unwrap();
	let identity = tpm.identity();
	chip.power_off();
	let _impostor = Foreign::start_at(chip.port);
	let error = activate(&tpm, &challenge(&identity, &identity, 1).credential).unwrap_err();
	assert!(matches!(error, TpmError::Gone { .. }), "{error}");
}
