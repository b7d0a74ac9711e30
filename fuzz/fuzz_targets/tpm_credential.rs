//! Endorsement keys and credential files: no input panics, an attestation key is no endorsement key, what parses as a key
//! gives the same challenge twice, and a file is written as it was read.
#![no_main]

use ep_tpm::{AttestationKey, Credential, EndorsementKey, Name};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
	if let Ok(credential) = Credential::from_file(data) {
		assert_eq!(credential.to_file(), data);
	}
	let Ok(ek) = EndorsementKey::parse(data) else { return };
	assert!(AttestationKey::parse(data).is_err());
	assert_eq!(*ek.name(), Name::of_public(data).unwrap());
	let object = *ek.name();
	let challenge = ek.challenge(&object, &[7; 32]).unwrap();
	assert_eq!(ek.check_challenge(&object, &[7; 32], &challenge.credential).as_ref(), Ok(&challenge.secret));
	assert!(ek.check_challenge(&object, &[8; 32], &challenge.credential).is_err());
	let file = challenge.credential.to_file();
	assert_eq!(Credential::from_file(&file), Ok(challenge.credential));
});
