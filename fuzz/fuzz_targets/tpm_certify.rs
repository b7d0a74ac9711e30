//! Attestations about objects, and creation data: no input panics, none is of two kinds, and none has room for another
//! byte or one less.
#![no_main]

use ep_tpm::{CertifyAttestation, CreationAttestation, CreationData, QuoteAttestation, TimeAttestation};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
	let kinds = |data: &[u8]| {
		[
			CertifyAttestation::parse(data).is_ok(),
			CreationAttestation::parse(data).is_ok(),
			TimeAttestation::parse(data).is_ok(),
			QuoteAttestation::parse(data).is_ok(),
			CreationData::parse(data).is_ok(),
		]
	};
	let count = kinds(data).into_iter().filter(|is| *is).count();
	assert!(count <= 1);
	if count == 1 {
		assert_eq!(kinds(&[data, &[0]].concat()), [false; 5]);
		assert_eq!(kinds(&data[..data.len() - 1]), [false; 5]);
	}
});
