//! What the chip attests is what the verifier takes.

mod common;

use common::*;
use ec_tpm::{Identity, PcrBank, PcrSelection, TpmStatus};
use ep_tpm::{verify_quote, verify_time};
use futures::executor::block_on;
use std::{
	thread::sleep,
	time::{Duration, Instant},
};

#[test]
fn a_time_attestation_verifies_and_names_its_parentage() {
	let base = tempfile::tempdir().unwrap();
	let tpm = start(base.path());
	let identity = tpm.identity();
	let key = identity.attestation_key().unwrap();
	assert!(key.no_da());
	assert_eq!(key.name().as_bytes(), identity.ak_name);
	let ek_name = identity.ek_name().unwrap();
	for nonce in 0..20 {
		let attested = get_time(&tpm, nonce).unwrap();
		let time = verify_time(&key, &attested.attest, &attested.signature, &[nonce; 32]).unwrap();
		assert_eq!(time.qualified_signer, key.qualified_name_under_ek(&ek_name).unwrap());
		verify_time(&key, &attested.attest, &attested.signature, &[nonce + 1; 32]).unwrap_err();
	}
}

#[test]
fn a_quote_verifies() {
	let base = tempfile::tempdir().unwrap();
	let tpm = start(base.path());
	let key = tpm.identity().attestation_key().unwrap();
	let selection = PcrSelection { bank: PcrBank::Sha256, pcrs: vec![0, 7, 23] };
	let attested = block_on(tpm.quote(vec![9; 32], selection)).unwrap();
	let quote = verify_quote(&key, &attested.attest, &attested.signature, &[9; 32]).unwrap();
	assert_eq!(quote.pcr_selection.len(), 1);
	assert_eq!(quote.pcr_selection[0].pcrs().collect::<Vec<_>>(), [0, 7, 23]);
	// A bank that is not active is refused or empty, and does no harm.
	let _ = block_on(tpm.quote(vec![9; 32], PcrSelection { bank: PcrBank::Sha512, pcrs: vec![0] }));
	get_time(&tpm, 1).unwrap();
}

#[test]
fn time_advances_in_milliseconds() {
	let base = tempfile::tempdir().unwrap();
	let tpm = start(base.path());
	let clock = || block_on(tpm.read_clock()).unwrap().expect("it attests time");
	let (before, begin) = (clock(), Instant::now());
	sleep(Duration::from_millis(300));
	let (after, took) = (clock(), begin.elapsed());
	assert_eq!((before.reset_count, before.restart_count), (after.reset_count, after.restart_count));
	let passed = Duration::from_millis(after.time - before.time);
	assert!(passed >= Duration::from_millis(298) && passed <= took + Duration::from_millis(10), "{passed:?}");
	assert!(matches!(tpm.status(), TpmStatus::Ready { latency } if latency > Duration::ZERO));
	assert_eq!(tpm.resets(), 0);
}

#[test]
fn a_chip_made_here_has_a_certificate_for_its_key() {
	let base = tempfile::tempdir().unwrap();
	let identity = start(base.path()).identity();
	let der = identity.ek_certificate.as_deref().unwrap();
	assert_eq!(usize::from(der[2]) << 8 | usize::from(der[3]), der.len() - 4, "trimmed at its outer length");
	let modulus = &identity.ek_public[identity.ek_public.len() - 256..];
	assert!(der.windows(256).any(|window| window == modulus), "the certificate is about this key");
	assert_eq!(identity.manufacturer, "IBM");
	// Through the file and back.
	let path = base.path().join("copy.json");
	identity.write(&path).unwrap();
	assert_eq!(Identity::read(&path).unwrap(), identity);
	let text = std::fs::read_to_string(&path).unwrap();
	let name = hex::encode(&identity.ak_name);
	std::fs::write(&path, text.replace(&name, &name.replace(&name[10..12], "00"))).unwrap();
	assert!(Identity::read(&path).is_err());
}

#[test]
fn requests_of_many_callers_are_all_answered() {
	let base = tempfile::tempdir().unwrap();
	let tpm = start(base.path());
	let callers: Vec<_> = (0..8u8)
		.map(|nonce| {
			let tpm = tpm.clone();
			std::thread::spawn(move || (0..10).for_each(|_| drop(get_time(&tpm, nonce).unwrap())))
		})
		.collect();
	callers.into_iter().for_each(|caller| caller.join().unwrap());
}
