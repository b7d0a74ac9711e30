//! The whole check of a time attestation: no input panics, and nothing is accepted but what the TPM said. The first byte
//! is the length of the attestation, which follows; the rest is the signature.
#![no_main]

use std::sync::OnceLock;

use ep_tpm::{verify_quote, verify_time, AttestationKey};
use libfuzzer_sys::fuzz_target;

const PUBLIC: &[u8] = include_bytes!("../../primitives/tpm/tests/fixtures/p256/ak.tpmt_public");
const TIME: &[u8] = include_bytes!("../../primitives/tpm/tests/fixtures/p256/time.attest");
const QUOTE: &[u8] = include_bytes!("../../primitives/tpm/tests/fixtures/p256/quote.attest");
const NONCE: &[u8] = b"Elapse fixture 1234567890abcdefgh";

fn key() -> &'static AttestationKey {
	static KEY: OnceLock<AttestationKey> = OnceLock::new();
	KEY.get_or_init(|| AttestationKey::parse(PUBLIC).unwrap())
}

fuzz_target!(|data: &[u8]| {
	let Some((len, rest)) = data.split_first() else { return };
	let Some((attest, signature)) = rest.split_at_checked(usize::from(*len)) else { return };
	let normal = key().normalise_signature(signature);
	for signature in [Some(signature), normal.as_deref().ok()].into_iter().flatten() {
		assert!(verify_time(key(), attest, signature, NONCE).is_err() || attest == TIME);
		assert!(verify_quote(key(), attest, signature, NONCE).is_err() || attest == QUOTE);
	}
});
