//! TPM 1.2: no input panics, no key is of two kinds, what parses is written as it was read and has no room for another
//! byte or one less, and what parses as an endorsement key gives the same challenge twice.
#![no_main]

use ep_tpm::legacy::{composite, open_credential, verify_quote, EndorsementKey, IdentityKey, PcrComposite, QuoteInfo};
use ep_tpm::{AttestationKey, Credential, QuoteAttestation};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
	let kinds = |data: &[u8]| {
		[
			IdentityKey::parse(data).is_ok(),
			EndorsementKey::parse(data).is_ok(),
			QuoteInfo::parse(data).is_ok(),
			PcrComposite::parse(data).is_ok(),
			AttestationKey::parse(data).is_ok(),
			QuoteAttestation::parse(data).is_ok(),
		]
	};
	let all = kinds(data);
	let count = all.into_iter().filter(|is| *is).count();
	assert!(count <= 1);
	if count == 1 && !all[4] && !all[5] {
		assert_eq!(kinds(&[data, &[0]].concat()), [false; 6]);
		assert_eq!(kinds(&data[..data.len() - 1]), [false; 6]);
	}
	if let Ok(quote) = QuoteInfo::parse(data) {
		assert_eq!(quote.to_bytes(), data);
	}
	if let Ok(parsed) = PcrComposite::parse(data) {
		let bytes = composite(&parsed.selection, &parsed.values).unwrap();
		assert_eq!(bytes, data);
		QuoteInfo::of(&bytes, b"nonce").verify_pcrs(&parsed.selection, &parsed.values).unwrap();
	}
	if let Ok(key) = IdentityKey::parse(data) {
		let info = QuoteInfo::of(&[], b"nonce").to_bytes();
		assert!(verify_quote(&key, &info, &[1; 256], b"nonce").is_err());
	}
	if let Ok(ek) = EndorsementKey::parse(data) {
		// The same modulus under the schemes of an identity key.
		let mut pubkey = data.to_vec();
		pubkey[4..8].copy_from_slice(&[0, 1, 0, 2]);
		let object = IdentityKey::parse(&pubkey).unwrap();
		let asked = ek.challenge(&object, &[7; 32]).unwrap();
		assert_eq!(ek.check_challenge(&object, &[7; 32], &asked.credential).as_ref(), Ok(&asked.secret));
		assert!(ek.check_challenge(&object, &[8; 32], &asked.credential).is_err());
	}
	// A session key of 24 bytes and a TPM_SYM_CA_ATTESTATION.
	if let Some((key, rest)) = data.split_at_checked(24) {
		if let Ok(id_object) = rest.to_vec().try_into() {
			let credential = Credential { id_object, encrypted_secret: Default::default() };
			if let Ok(secret) = open_credential(&credential, key) {
				assert!(secret.len() <= 32 && rest.len() == 44 + secret.len());
			}
		}
	}
});
