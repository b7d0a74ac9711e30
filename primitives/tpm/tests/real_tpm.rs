//! The evidence of a real TPM (swtpm, the reference code): what it emits is accepted, and nothing beside it.

mod common;

use common::{fixture, FIXTURES, NONCE};
use ep_tpm::{
	verify_quote, verify_time, AttestationKey, Error, HashAlgorithm, Name, PcrSelection, PublicArea, QuoteAttestation,
	Signature, TimeAttestation, RH_OWNER,
};

fn key(folder: &str) -> AttestationKey {
	AttestationKey::parse(&fixture(&format!("{folder}/ak.tpmt_public"))).unwrap()
}

fn ek_name(folder: &str) -> Name {
	Name::of_public(&fixture(&format!("{folder}/ek.tpmt_public"))).unwrap()
}

/// A fixture's signature as a node would publish it.
fn signature(folder: &str, kind: &str) -> Vec<u8> {
	key(folder).normalise_signature(&fixture(&format!("{folder}/{kind}.signature"))).unwrap()
}

#[test]
fn every_real_time_attestation_verifies() {
	for folder in FIXTURES {
		let attest = fixture(&format!("{folder}/time.attest"));
		let time = verify_time(&key(folder), &attest, &signature(folder, "time"), NONCE).expect(folder);
		assert_eq!(time.extra_data, NONCE, "{folder}");
		assert!(time.time > 0 && time.time < 60_000, "{folder}: the TPM ran for some seconds: {}", time.time);
		assert!(time.clock_info.clock >= time.time, "{folder}: clock went on over the manufacturing run");
	}
}

#[test]
fn every_real_quote_verifies_with_its_pcr_values() {
	let selection = |bank, bitmap: &[u8]| PcrSelection { bank, bitmap: bitmap.to_vec() };
	for folder in FIXTURES {
		let policy = match folder {
			"p256" | "rsa2048" => vec![selection(0x000B, &[0x81, 0, 1])],
			"p384" => vec![selection(0x000B, &[0, 0, 1]), selection(0x000C, &[1, 0, 1])],
			"p256-sha512" => vec![selection(0x0004, &[1, 0, 1])],
			"p384-sha256" => vec![selection(0x000B, &[0xff; 3])],
			_ => vec![selection(0x000B, &[0, 0, 1])],
		};
		let bytes = fixture(&format!("{folder}/quote.values"));
		let mut rest = bytes.as_slice();
		let mut values = Vec::new();
		for bank in &policy {
			let len = HashAlgorithm::from_id(bank.bank).map_or(20, HashAlgorithm::digest_len);
			for _ in bank.pcrs() {
				let (value, tail) = rest.split_at(len);
				values.push(value);
				rest = tail;
			}
		}
		assert!(rest.is_empty());

		let key = key(folder);
		let attest = fixture(&format!("{folder}/quote.attest"));
		let quote = verify_quote(&key, &attest, &signature(folder, "quote"), NONCE).expect(folder);
		assert_eq!(quote.verify_pcrs(key.hash_algorithm(), &policy, &values), Ok(()), "{folder}");
	}
}

#[test]
fn names_and_qualified_names_are_those_that_the_tpm_computes() {
	for folder in FIXTURES.into_iter().filter(|folder| *folder != "owner") {
		let key = key(folder);
		let ours = key.qualified_name_under_ek(&ek_name(folder)).unwrap();
		assert_eq!(ours.as_bytes(), fixture(&format!("{folder}/ak.qualified_name")), "{folder}");
		let time = TimeAttestation::parse(&fixture(&format!("{folder}/time.attest"))).unwrap();
		assert_eq!(time.qualified_signer, ours, "{folder}");
		assert_eq!(time.signed_under_ek(&key, &ek_name(folder)), Ok(()), "{folder}");
		let quote = QuoteAttestation::parse(&fixture(&format!("{folder}/quote.attest"))).unwrap();
		assert_eq!(quote.signed_under_ek(&key, &ek_name(folder)), Ok(()), "{folder}");
	}
}

#[test]
fn a_sha384_name_is_50_bytes() {
	assert_eq!(key("p384").name().as_bytes().len(), 50);
	assert_eq!(ek_name("p384").hash_algorithm(), HashAlgorithm::Sha384);
}

#[test]
fn qualified_signer_refuses_a_key_that_is_no_child_of_the_ek() {
	// The storage key in the place of the EK: the same key, the same parent, but another hierarchy.
	let stray = key("owner");
	let time = TimeAttestation::parse(&fixture("owner/time.attest")).unwrap();
	assert_eq!(time.signed_under_ek(&stray, &ek_name("owner")), Err(Error::QualifiedSigner));
	// It is what a TPM computes for the owner's hierarchy, so nothing but the hierarchy was wrong.
	let parent = ek_name("owner").qualified_in_hierarchy(RH_OWNER).unwrap();
	assert_eq!(stray.name().qualified_under(&parent).unwrap(), time.qualified_signer);
}

#[test]
fn qualified_signer_refuses_another_ek_of_the_same_chip() {
	let author = key("author");
	let time = TimeAttestation::parse(&fixture("author/time.attest")).unwrap();
	assert_eq!(time.signed_under_ek(&author, &ek_name("rsa2048")), Err(Error::QualifiedSigner));
	let quote = QuoteAttestation::parse(&fixture("author/quote.attest")).unwrap();
	assert_eq!(quote.signed_under_ek(&author, &ek_name("rsa2048")), Err(Error::QualifiedSigner));
}

#[test]
fn the_inner_clock_info_is_plain_where_the_outer_one_is_obfuscated() {
	let inside = TimeAttestation::parse(&fixture("author/time.attest")).unwrap();
	let outside = TimeAttestation::parse(&fixture("owner/time.attest")).unwrap();
	assert_eq!(outside.clock_info.reset_count, inside.clock_info.reset_count);
	assert_eq!(outside.clock_info.restart_count, inside.clock_info.restart_count);
	assert_eq!(outside.firmware_version, inside.firmware_version);
	// A quote only has the outer one.
	let inside = QuoteAttestation::parse(&fixture("author/quote.attest")).unwrap();
	let outside = QuoteAttestation::parse(&fixture("owner/quote.attest")).unwrap();
	assert_ne!(outside.firmware_version, inside.firmware_version);
}

#[test]
fn an_owner_who_sets_clock_forwards_by_a_day_does_not_move_time() {
	let before = TimeAttestation::parse(&fixture("author/high_s.attest")).unwrap();
	let attest = fixture("author/clock_set.attest");
	let after = verify_time(&key("author"), &attest, &signature("author", "clock_set"), NONCE).unwrap();
	assert!(after.clock_info.clock - before.clock_info.clock >= 86_400_000);
	assert!(after.time >= before.time && after.time - before.time < 10_000, "{} {}", before.time, after.time);
	assert_eq!(after.clock_info.reset_count, before.clock_info.reset_count);
	assert_eq!(after.clock_info.restart_count, before.clock_info.restart_count);
}

#[test]
fn low_s_refuses_what_the_chip_returned_until_it_is_normalised() {
	let key = key("author");
	let attest = fixture("author/high_s.attest");
	let raw = fixture("author/high_s.signature");
	assert_eq!(verify_time(&key, &attest, &raw, NONCE), Err(Error::HighS));
	let normal = key.normalise_signature(&raw).unwrap();
	assert!(verify_time(&key, &attest, &normal, NONCE).is_ok());
	assert_eq!(key.normalise_signature(&normal).unwrap(), normal, "idempotent");
}

#[test]
fn only_the_authors_key_is_free_from_lockout() {
	assert!(AttestationKey::parse_author(&fixture("author/ak.tpmt_public")).unwrap().no_da());
	assert!(!key("p256").no_da());
	assert_eq!(AttestationKey::parse_author(&fixture("p256/ak.tpmt_public")), Err(Error::SubjectToLockout));
}

#[test]
fn real_keys_of_other_kinds_are_no_attestation_keys() {
	for (path, refusal) in [
		("refused/unrestricted.tpmt_public", Error::NotRestricted),
		("refused/sign_and_decrypt.tpmt_public", Error::NotRestricted),
		("p256/ek.tpmt_public", Error::NotSigning),
		("rsa2048/ek.tpmt_public", Error::NotSigning),
	] {
		let public = fixture(path);
		assert!(PublicArea::parse(&public).is_ok(), "{path}");
		assert!(Name::of_public(&public).is_ok(), "{path}");
		assert_eq!(AttestationKey::parse(&public), Err(refusal), "{path}");
	}
}

#[test]
fn one_keys_signature_is_nothing_under_another_key() {
	let attest = fixture("p256/time.attest");
	assert_eq!(
		verify_time(&key("author"), &attest, &signature("p256", "time"), NONCE),
		Err(Error::BadSignature),
		"same curve and hash"
	);
	assert_eq!(
		verify_time(&key("p256-sha512"), &attest, &signature("p256", "time"), NONCE),
		Err(Error::SignatureHash),
		"same curve, other hash"
	);
	assert_eq!(
		verify_time(&key("p384-sha256"), &attest, &signature("p256", "time"), NONCE),
		Err(Error::SignatureSize),
		"same hash, other curve"
	);
}

#[test]
fn truncated_at_any_length_is_refused_everywhere() {
	for folder in FIXTURES {
		for (file, parse) in [
			("ak.tpmt_public", (|bytes| AttestationKey::parse(bytes).err()) as fn(&[u8]) -> Option<Error>),
			("ek.tpmt_public", |bytes| Name::of_public(bytes).err()),
			("time.attest", |bytes| TimeAttestation::parse(bytes).err()),
			("quote.attest", |bytes| QuoteAttestation::parse(bytes).err()),
			("time.signature", |bytes| Signature::parse(bytes).err()),
		] {
			let whole = fixture(&format!("{folder}/{file}"));
			assert_eq!(parse(&whole), None, "{folder}/{file}");
			for len in 0..whole.len() {
				assert_eq!(parse(&whole[..len]), Some(Error::Truncated), "{folder}/{file} cut at {len}");
			}
			assert_eq!(parse(&[whole, vec![0]].concat()), Some(Error::TrailingBytes), "{folder}/{file}");
		}
	}
}

#[test]
fn no_single_flipped_bit_in_attestation_or_signature_verifies() {
	for folder in ["p256", "rsa2048"] {
		let key = key(folder);
		let attest = fixture(&format!("{folder}/time.attest"));
		let signature = signature(folder, "time");
		for bit in 0..attest.len() * 8 {
			let mut forged = attest.clone();
			forged[bit / 8] ^= 1 << (bit % 8);
			assert!(verify_time(&key, &forged, &signature, NONCE).is_err(), "{folder}: attestation bit {bit}");
		}
		for bit in 0..signature.len() * 8 {
			let mut forged = signature.clone();
			forged[bit / 8] ^= 1 << (bit % 8);
			assert!(verify_time(&key, &attest, &forged, NONCE).is_err(), "{folder}: signature bit {bit}");
		}
	}
}

#[test]
fn no_single_flipped_bit_in_a_public_area_keeps_its_name() {
	for folder in FIXTURES {
		let public = fixture(&format!("{folder}/ak.tpmt_public"));
		let name = *key(folder).name();
		for bit in 0..public.len() * 8 {
			let mut forged = public.clone();
			forged[bit / 8] ^= 1 << (bit % 8);
			if let Ok(forged) = AttestationKey::parse(&forged) {
				assert_ne!(*forged.name(), name, "{folder}: bit {bit}");
			}
		}
	}
}
