//! PCR values and quotes that belong together, and what explains them.

mod common;

use common::*;
use ec_tpm::{PcrBank, PcrSelection, Quoted, TpmError, TpmHandle};
use ep_tpm::{AllowedPcrs, PcrRule, PlatformEvidence, PlatformPolicy};
use futures::executor::block_on;

const NONCE: [u8; 32] = [9; 32];

fn sha256(pcrs: impl IntoIterator<Item = u8>) -> PcrSelection {
	PcrSelection { bank: PcrBank::Sha256, pcrs: pcrs.into_iter().collect() }
}

fn quote(tpm: &TpmHandle, pcrs: impl IntoIterator<Item = u8>) -> Result<Quoted, TpmError> {
	block_on(tpm.quote_with_pcrs(NONCE.to_vec(), sha256(pcrs)))
}

/// Under a policy that allows these values in this order and no others.
fn verify(tpm: &TpmHandle, quoted: &Quoted, pcrs: impl IntoIterator<Item = u8>, allowed: &[Vec<u8>]) {
	let identity = tpm.identity();
	let mut bitmap = vec![0u8; 3];
	pcrs.into_iter().for_each(|pcr| bitmap[usize::from(pcr / 8)] |= 1 << (pcr % 8));
	let rule = |value: &Vec<u8>| PcrRule::OneOf(vec![value.clone().try_into().unwrap()].try_into().unwrap());
	let policy = PlatformPolicy {
		bank: 0x000b,
		bitmap: bitmap.try_into().unwrap(),
		allowed: AllowedPcrs::Each(allowed.iter().map(rule).collect::<Vec<_>>().try_into().unwrap()),
		min_firmware: 0,
		may_reset: false,
		may_resume: false,
	};
	let values: Vec<&[u8]> = quoted.pcr_values.iter().map(Vec::as_slice).collect();
	let evidence = PlatformEvidence {
		key: &identity.attestation_key().unwrap(),
		ek_name: &identity.ek_name().unwrap(),
		attest: &quoted.attested.attest,
		signature: &quoted.attested.signature,
		nonce: &NONCE,
		pcr_values: &values,
		previous: None,
	};
	policy.verify(&evidence).unwrap();
}

#[test]
fn a_quote_comes_with_the_values_that_it_is_about() {
	let base = tempfile::tempdir().unwrap();
	let tpm = start(base.path());
	// More than a chip reads at once, in any order, and one of them twice.
	for pcrs in [vec![0], vec![23, 0, 7], vec![16, 16, 3], (0..24).rev().collect(), (0..9).collect()] {
		let quoted = quote(&tpm, pcrs.clone()).unwrap();
		let mut distinct = pcrs.clone();
		distinct.sort();
		distinct.dedup();
		assert_eq!(quoted.pcr_values.len(), distinct.len());
		verify(&tpm, &quoted, pcrs, &quoted.pcr_values);
	}
}

#[test]
fn values_come_ascending_by_pcr() {
	let base = tempfile::tempdir().unwrap();
	let chip = Foreign::start();
	let tpm = TpmHandle::start(chip.config(), base.path()).unwrap();
	// Each PCR gets a value of its own: that of an extension of zeros by its number.
	let mut expected = Vec::new();
	for pcr in 0..16u8 {
		let digest = [pcr + 1; 32];
		chip.tool(&["tpm2_pcrextend", &format!("{pcr}:sha256={}", hex::encode(digest))]);
		expected.push(ep_tpm::HashAlgorithm::Sha256.digest(&[&[0; 32], &digest]));
	}
	let quoted = quote(&tpm, (0..16).rev()).unwrap();
	assert_eq!(quoted.pcr_values, expected);
	verify(&tpm, &quoted, 0..16, &expected);
}

#[test]
fn an_extended_pcr_shows_in_the_next_quote() {
	let base = tempfile::tempdir().unwrap();
	let chip = Foreign::start();
	let tpm = TpmHandle::start(chip.config(), base.path()).unwrap();
	let mut expected = quote(&tpm, [3, 16]).unwrap().pcr_values;
	for round in 1..6u8 {
		let digest = [round; 32];
		chip.tool(&["tpm2_pcrextend", &format!("16:sha256={}", hex::encode(digest))]);
		expected[1] = ep_tpm::HashAlgorithm::Sha256.digest(&[&expected[1], &digest]);
		let quoted = quote(&tpm, [16, 3]).unwrap();
		assert_eq!(quoted.pcr_values, expected);
		verify(&tpm, &quoted, [3, 16], &expected);
	}
}

#[test]
fn what_cannot_be_quoted_is_said_and_does_no_harm() {
	let base = tempfile::tempdir().unwrap();
	let tpm = start(base.path());
	assert!(matches!(quote(&tpm, [24]), Err(TpmError::BadRequest { .. })));
	assert!(matches!(quote(&tpm, []), Err(TpmError::BadRequest { .. })));
	// A managed chip has one bank.
	let selection = PcrSelection { bank: PcrBank::Sha512, pcrs: vec![0] };
	let error = block_on(tpm.quote_with_pcrs(NONCE.to_vec(), selection)).unwrap_err();
	assert!(matches!(error, TpmError::BadRequest { .. }), "{error}");
	assert!(error.to_string().contains("tpm2_getcap pcrs"), "{error}");
	quote(&tpm, [0]).unwrap();
}

#[test]
fn a_software_tpm_has_no_boot_event_log() {
	let base = tempfile::tempdir().unwrap();
	assert_eq!(start(base.path()).event_log().unwrap(), None);
	let base = tempfile::tempdir().unwrap();
	let chip = Foreign::start();
	assert_eq!(TpmHandle::start(chip.config(), base.path()).unwrap().event_log().unwrap(), None);
}
