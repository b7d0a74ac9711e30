//! Signatures: no input panics, the normal form is a fixed point, and a message has no second valid signature but those
//! that its TPM made. The first byte picks the key, the rest is the signature.
#![no_main]

use std::sync::OnceLock;

use ep_tpm::{AttestationKey, Signature};
use libfuzzer_sys::fuzz_target;

struct Case {
	key: AttestationKey,
	message: &'static [u8],
	signature: Vec<u8>,
}

macro_rules! cases {
	($($folder:literal),*) => {
		[$((
			&include_bytes!(concat!("../../primitives/tpm/tests/fixtures/", $folder, "/ak.tpmt_public"))[..],
			&include_bytes!(concat!("../../primitives/tpm/tests/fixtures/", $folder, "/time.attest"))[..],
			&include_bytes!(concat!("../../primitives/tpm/tests/fixtures/", $folder, "/time.signature"))[..],
		)),*]
	};
}

fn cases() -> &'static [Case] {
	static CASES: OnceLock<Vec<Case>> = OnceLock::new();
	CASES.get_or_init(|| {
		cases!["p256", "p384", "rsa2048", "p256-sha512", "p384-sha256", "rsa3072"]
			.into_iter()
			.map(|(public, message, raw)| {
				let key = AttestationKey::parse(public).unwrap();
				let signature = key.normalise_signature(raw).unwrap();
				key.verify(message, &signature).unwrap();
				Case { key, message, signature }
			})
			.collect()
	})
}

fuzz_target!(|data: &[u8]| {
	let Some((pick, signature)) = data.split_first() else { return };
	let case = &cases()[usize::from(*pick) % cases().len()];
	let parsed = Signature::parse(signature);
	if case.key.verify(case.message, signature).is_ok() {
		assert!(parsed.is_ok());
		assert_eq!(signature, case.signature, "a second form of a signature");
	}
	if let Ok(normal) = case.key.normalise_signature(signature) {
		assert!(parsed.is_ok());
		assert_eq!(case.key.normalise_signature(&normal).as_ref(), Ok(&normal));
	}
});
