//! Public areas: no input panics, and what is accepted is accepted in one form, whole, under one name.
#![no_main]

use ep_tpm::{public::strip_tpm2b, AttestationKey, Name, PublicArea};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
	let _ = strip_tpm2b(data);
	let area = PublicArea::parse(data);
	let name = Name::of_public(data);
	assert_eq!(area.is_ok(), name.is_ok());
	let Ok(key) = AttestationKey::parse(data) else { return };
	assert_eq!(Ok(*key.name()), name);
	assert_eq!(Name::from_bytes(key.name().as_bytes()), name);
	assert_eq!(key.name().to_string().parse(), name);
	assert_eq!(AttestationKey::parse_author(data).is_ok(), key.no_da());
	assert!(AttestationKey::parse(&[data, &[0]].concat()).is_err());
	assert!(AttestationKey::parse(&data[..data.len() - 1]).is_err());
});
