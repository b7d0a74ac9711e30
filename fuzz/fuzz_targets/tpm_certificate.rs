//! Certificates: no input panics, what is accepted is accepted whole, and both ways to judge come to one verdict.
#![no_main]

use ep_tpm::certificate::{
	examine_ek, name_hash, trim_nv, verify_ek, Certificate, Outcome, Policy, StoredCertificate, TpmIdentity, TrustStore,
};
use libfuzzer_sys::fuzz_target;

const POLICY: Policy<'_> = Policy::at(1_700_000_000);

fuzz_target!(|data: &[u8]| {
	if let Ok(certificate) = trim_nv(data) {
		assert_eq!(trim_nv(certificate), Ok(certificate));
	}
	let (findings, examined) = examine_ek(data, &[], &TrustStore::default(), &POLICY);
	assert_eq!(verify_ek(data, &[], &TrustStore::default(), &POLICY), examined);
	assert!(examined.is_err(), "nobody is trusted");
	assert!(findings.iter().any(|finding| finding.outcome == Outcome::Fail));
	let Ok(certificate) = Certificate::parse(data) else { return };
	assert!(name_hash(certificate.issuer()).is_ok() && name_hash(certificate.subject()).is_ok());
	assert!(Certificate::parse(&[data, &[0]].concat()).is_err());
	assert!(Certificate::parse(&data[..data.len() - 1]).is_err());
	let _ = TpmIdentity::of(&certificate).map(|tpm| tpm.firmware());
	// Signatures cost a thousand times as much as all of the above: of one input in 16, by a byte of its signature.
	if data.last().is_some_and(|last| last & 15 != 0) {
		return;
	}
	if let Ok(key) = certificate.public_key() {
		let _ = certificate.verify_signature(&key);
	}
	let _ = verify_ek(data, &[data], &TrustStore::default(), &POLICY);
	// With itself as the root, if it can be one.
	let Ok(stored) = StoredCertificate::of(data) else { return };
	let mut store = TrustStore::default();
	let _ = store.insert(stored);
	let _ = verify_ek(data, &[], &store, &POLICY);
});
