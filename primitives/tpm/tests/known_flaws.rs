//! Flaws that other verifiers of TPM evidence had, one test each: the forgery that went through there is refused here.

mod common;

use std::sync::LazyLock;

use common::*;
use ep_tpm::{
	verify_quote, verify_time, AllowedPcrs, AttestationKey, EndorsementKey, Error, EventLog, HashAlgorithm, Name,
	PcrRule, PcrSelection, PlatformEvidence, PlatformPolicy,
};

fn key() -> AttestationKey {
	AttestationKey::parse(&Public::p256().bytes()).unwrap()
}

fn ek() -> EndorsementKey {
	EndorsementKey::parse(&Public::rsa().into_ek().bytes()).unwrap()
}

static EK_NAME: LazyLock<Name> = LazyLock::new(|| *ek().name());

/// Any value in PCR 0, zeros in PCR 9.
fn policy() -> PlatformPolicy {
	let zeros = PcrRule::OneOf(vec![vec![0; 32].try_into().unwrap()].try_into().unwrap());
	PlatformPolicy {
		bank: 0x000B,
		bitmap: vec![1, 2, 0].try_into().unwrap(),
		allowed: AllowedPcrs::Each(vec![PcrRule::Any, zeros].try_into().unwrap()),
		min_firmware: 0,
		may_reset: true,
		may_resume: true,
	}
}

/// A quote that only its forger signed, under the right names.
fn forged(change: impl FnOnce(&mut Attest)) -> Vec<u8> {
	let signer = key().qualified_name_under_ek(ek().name()).unwrap().as_bytes().to_vec();
	Attest { signer, ..Attest::quote() }.with(change)
}

fn judge(attest: &[u8], nonce: &[u8], values: &[&[u8]]) -> Option<Error> {
	let evidence = PlatformEvidence {
		key: &key(),
		ek_name: &EK_NAME,
		attest,
		signature: &p256_sign(attest),
		nonce,
		pcr_values: values,
		previous: None,
	};
	policy().verify(&evidence).err()
}

fn select(bitmap: [u8; 3], values: &[&[u8]]) -> impl FnOnce(&mut Attest) {
	let digest = HashAlgorithm::Sha256.digest(values);
	move |attest| attest.body = Body::Quote { banks: vec![(0x000B, bitmap.to_vec())], digest }
}

const ZEROS: [&[u8]; 2] = [&[0; 32], &[0; 32]];

#[test]
fn the_honest_quote_is_accepted() {
	assert_eq!(judge(&forged(|_| ()), NONCE, &ZEROS), None);
}

/// CVE-2024-29038, tpm2-tools before 5.7: `tpm2_checkquote` did not compare the magic with TPM_GENERATED_VALUE. Bytes
/// laid out like a quote, signed by TPM2_Sign or by any key in software, passed for what a TPM had attested.
#[test]
fn cve_2024_29038_a_quote_without_the_tpms_magic_is_refused() {
	for magic in [0, 1, 0xff54_4346, 0xff54_4300, 0x4743_54ff, u32::MAX] {
		let attest = forged(|attest| attest.magic = magic);
		assert_eq!(judge(&attest, NONCE, &ZEROS), Some(Error::Magic));
		assert_eq!(verify_quote(&key(), &attest, &p256_sign(&attest), NONCE), Err(Error::Magic));
	}
}

/// CVE-2024-29039, tpm2-tools before 5.7: `tpm2_checkquote` hashed the values of the PCR file and compared the digest, but
/// never compared the file's PCR selection with the quoted one. Good values of harmless PCRs passed for those of PCRs that
/// had never been quoted.
#[test]
fn cve_2024_29039_values_of_other_pcrs_than_the_quoted_ones_are_refused() {
	// The quote is of PCR 16 and 23, which anybody can reset; the values are said to be those of PCR 0 and 9.
	let attest = forged(select([0, 0, 0x81], &ZEROS));
	assert_eq!(judge(&attest, NONCE, &ZEROS), Some(Error::PcrSelection));
	// And the same PCRs of another bank with digests of the same length, or of a second bank beside it.
	let attest = forged(|attest| {
		if let Body::Quote { banks, .. } = &mut attest.body {
			banks[0].0 = 0x0012;
		}
	});
	assert_eq!(judge(&attest, NONCE, &ZEROS), Some(Error::PcrSelection));
}

/// CVE-2024-29040, tpm2-tss before 4.1: `Fapi_VerifyQuote` read the attestation from JSON without a look at its magic (the
/// field could hold anything), so that a structure that no TPM had generated verified under a signing key. Its type belongs
/// to the same head: another statement of the TPM must not pass for a quote.
#[test]
fn cve_2024_29040_a_structure_of_another_head_is_refused() {
	assert_eq!(judge(&forged(|attest| attest.magic = 0x5443_4721), NONCE, &ZEROS), Some(Error::Magic));
	for kind in (0x8014..=0x801D).filter(|kind| *kind != 0x8018) {
		let attest = forged(|attest| attest.kind = kind);
		assert_eq!(judge(&attest, NONCE, &ZEROS), Some(Error::AttestationType), "{kind:#x}");
	}
}

/// CVE-2022-0317, go-attestation before 0.3.3: `AKPublic.Verify` accepted a quote over none or only some of the PCRs whose
/// values were handed in with it. The others were then taken as verified, and an event log was replayed against them.
#[test]
fn cve_2022_0317_values_that_were_not_quoted_are_never_taken_as_verified() {
	let nothing = forged(select([0, 0, 0], &[]));
	let first_only = forged(select([1, 0, 0], &ZEROS[..1]));
	let no_banks = forged(|attest| {
		attest.body = Body::Quote { banks: vec![], digest: HashAlgorithm::Sha256.digest(&[]) };
	});
	for attest in [&nothing, &first_only, &no_banks] {
		assert_eq!(judge(attest, NONCE, &ZEROS), Some(Error::PcrSelection));
		// Nor if whoever verifies takes the quote's own selection for granted.
		let quote = verify_quote(&key(), attest, &p256_sign(attest), NONCE).unwrap();
		let own = quote.pcr_selection.clone();
		assert_eq!(quote.verify_pcrs(HashAlgorithm::Sha256, &own, &ZEROS), Err(Error::PcrValues));
	}
	// And a log is replayed against all that was selected, no less.
	let mut separator = vec![0, 0, 0, 0, 4, 0, 0, 0];
	separator.extend([7; 20]);
	separator.extend([0; 4]);
	let replayed = EventLog::parse(&separator).unwrap().replay(0x0004).unwrap();
	let selection = PcrSelection { bank: 0x0004, bitmap: vec![3, 0, 0] };
	assert_eq!(replayed.check(&selection, &[&replayed.value(0)]), Err(Error::LogReplay));
}

/// CVE-2021-3406, Keylime before 6.0: agents sent their attestation key and its name, and the registrar made the
/// credential for the name that it was told. The chip opened it for its own key, and a key in software took its place in
/// every later quote. Here a name is computed from the public area, and a credential is bound to it.
#[test]
fn cve_2021_3406_a_credential_for_one_key_vouches_for_no_other() {
	let chips_key = fixture("p256/ak.tpmt_public");
	let (chips_name, software_name) = (Name::of_public(&chips_key).unwrap(), *key().name());
	assert_ne!(chips_name, software_name, "whatever is reported, the name is the key's own");

	// The question about the key in software cannot be made into one about the chip's key, which the chip would answer.
	let challenge = ek().challenge(&software_name, &[7; 32]).unwrap();
	let swapped = ek().challenge(&chips_name, &[7; 32]).unwrap();
	assert_ne!(challenge.secret, swapped.secret);
	assert_eq!(ek().check_challenge(&software_name, &[7; 32], &swapped.credential), Err(Error::CredentialRecomputed));
	// And the statements of the key in software under the chip's names are those of no key.
	let attest = forged(|attest| {
		let chips_signer = chips_name.qualified_under(&ek().name().qualified_in_hierarchy(0x4000_000B).unwrap());
		attest.signer = chips_signer.unwrap().as_bytes().to_vec();
	});
	assert_eq!(judge(&attest, NONCE, &ZEROS), Some(Error::QualifiedSigner));
}

/// CVE-2026-6420, Keylime 7.14.0 and 7.14.1: in push attestation the verifier's challenge was a constant. Quotes taken
/// while a machine was good, as many as were wanted, were good answers for ever after it no longer was. What is fresh is the
/// caller's to choose; here nothing passes but the whole of what it chose.
#[test]
fn cve_2026_6420_a_stockpiled_quote_under_an_old_nonce_is_refused() {
	let stockpile: Vec<_> =
		(0..4).map(|number| forged(|attest| attest.extra = vec![number; 32])).chain([forged(|_| ())]).collect();
	for attest in &stockpile {
		assert_eq!(judge(attest, b"today's challenge", &ZEROS), Some(Error::Nonce));
		assert_eq!(judge(attest, b"", &ZEROS), Some(Error::Nonce), "no challenge is none that matches");
	}
	let time = Attest::time().bytes();
	assert_eq!(verify_time(&key(), &time, &p256_sign(&time), b"today's challenge"), Err(Error::Nonce));
}
