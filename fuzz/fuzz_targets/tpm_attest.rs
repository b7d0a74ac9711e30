//! Attestations: no input panics, none is of two kinds, and none has room for another byte or one less.
#![no_main]

use ep_tpm::{HashAlgorithm, QuoteAttestation, TimeAttestation, MAX_TIME_ATTEST_LEN};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
	let time = TimeAttestation::parse(data);
	let quote = QuoteAttestation::parse(data);
	assert!(time.is_err() || quote.is_err());
	if time.is_ok() {
		assert!(data.len() <= MAX_TIME_ATTEST_LEN);
		assert!(TimeAttestation::parse(&[data, &[0]].concat()).is_err());
		assert!(TimeAttestation::parse(&data[..data.len() - 1]).is_err());
	}
	if let Ok(quote) = quote {
		assert!(QuoteAttestation::parse(&[data, &[0]].concat()).is_err());
		assert!(QuoteAttestation::parse(&data[..data.len() - 1]).is_err());
		for bank in &quote.pcr_selection {
			let pcrs: Vec<_> = bank.pcrs().collect();
			assert!(pcrs.is_sorted() && pcrs.iter().all(|pcr| *pcr < bank.bitmap.len() * 8));
		}
		let values = [&data[..data.len().min(32)], &[0; 32]];
		let _ = quote.verify_pcrs(HashAlgorithm::Sha256, &quote.pcr_selection, &values);
	}
});
