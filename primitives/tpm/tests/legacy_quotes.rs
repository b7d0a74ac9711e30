//! TPM 1.2: quotes and policies. Rules H6-H9, and those that TPM 2.0 shares, each with its forger; and the quotes of real
//! chips, whole, cut, longer and with every byte changed.

mod common;

use common::{
	legacy::{key, pcrs, read, selection, sha1, sign},
	rsa_signer, NONCE,
};
use ep_tpm::{
	legacy::{
		check_policy, composite, verify_platform, verify_quote, EndorsementKey, IdentityKey, PcrComposite,
		PlatformEvidence, QuoteInfo, QUOTE_INFO_LEN,
	},
	AllowedPcrs, Error, PcrRule, PcrSelection, PlatformPolicy,
};
use rsa::{traits::PublicKeyParts, BigUint, Pkcs1v15Sign};
use sha1::{Digest, Sha1};

const VALUES: [&[u8]; 2] = [&[0x11; 20], &[0x22; 20]];

fn info() -> Vec<u8> {
	QuoteInfo::of(&composite(&pcrs(), &VALUES).unwrap(), NONCE).to_bytes().to_vec()
}

fn forged(change: impl FnOnce(&mut Vec<u8>)) -> Option<Error> {
	let mut info = info();
	change(&mut info);
	verify_quote(&key(), &info, &sign(&info), NONCE).err()
}

#[test]
fn the_forgers_untouched_quote_is_accepted() {
	assert_eq!(forged(|_| ()), None);
}

#[test]
fn real_keys_and_quotes_are_accepted() {
	for chip in ["", "other/"] {
		let pubkey = read(&format!("{chip}aik.pubkey"));
		let aik = IdentityKey::parse(&pubkey).unwrap();
		assert_eq!(*aik.digest(), sha1(&pubkey));
		assert_eq!(aik.name().as_bytes()[..2], [0, 0x0B]);
		let (info, signature) = (read(&format!("{chip}quote.info")), read(&format!("{chip}quote.signature")));
		let quote = verify_quote(&aik, &info, &signature, NONCE).unwrap();
		let composite = read(&format!("{chip}quote.composite"));
		let parsed = PcrComposite::parse(&composite).unwrap();
		assert_eq!((parsed.selection.clone(), parsed.values.len()), (pcrs(), 2));
		assert_eq!(quote, QuoteInfo::of(&composite, NONCE));
		assert_eq!(quote.to_bytes(), *info);
		quote.verify_pcrs(&pcrs(), &parsed.values).unwrap();
		assert_eq!(ep_tpm::legacy::composite(&parsed.selection, &parsed.values).unwrap(), composite);
		EndorsementKey::parse(&read(&format!("{chip}ek.pubkey"))).unwrap();
	}
}

#[test]
fn truncated_refuses_every_prefix_of_a_quote_and_trailing_bytes_one_more() {
	let info = read("quote.info");
	assert_eq!(info.len(), QUOTE_INFO_LEN);
	for len in 0..info.len() {
		assert_eq!(QuoteInfo::parse(&info[..len]), Err(Error::Truncated), "cut at {len}");
	}
	assert_eq!(QuoteInfo::parse(&[&info[..], &[0]].concat()), Err(Error::TrailingBytes));
	let composite = read("quote.composite");
	for len in 0..composite.len() {
		assert_eq!(PcrComposite::parse(&composite[..len]), Err(Error::Truncated), "cut at {len}");
	}
	assert_eq!(PcrComposite::parse(&[&composite[..], &[0]].concat()), Err(Error::TrailingBytes));
}

#[test]
fn legacy_quote_version_refuses_another_version() {
	for index in 0..4 {
		assert_eq!(forged(|info| info[index] ^= 1), Some(Error::LegacyQuoteVersion));
	}
	// TPM_QUOTE_INFO2, which begins with its tag.
	assert_eq!(forged(|info| info[..6].copy_from_slice(b"\0\x36QUT2")), Some(Error::LegacyQuoteVersion));
}

#[test]
fn legacy_quote_fixed_refuses_other_structures_that_an_identity_key_signs() {
	for index in 4..8 {
		assert_eq!(forged(|info| info[index] ^= 1), Some(Error::LegacyQuoteFixed));
	}
	// TPM_CERTIFY_INFO of a signing key, and TPM_IDENTITY_CONTENTS of TPM_MakeIdentity.
	for other in [[0, 0x10, 0, 0], [0, 0, 0, 0x79]] {
		assert_eq!(forged(|info| info[4..8].copy_from_slice(&other)), Some(Error::LegacyQuoteFixed));
	}
}

#[test]
fn nonce_refuses_every_other_and_the_digest_itself() {
	let (info, signature) = (info(), sign(&info()));
	for nonce in [&b""[..], &NONCE[1..], &[NONCE, b"\0"].concat(), &sha1(NONCE)] {
		assert_eq!(verify_quote(&key(), &info, &signature, nonce), Err(Error::Nonce));
	}
	for index in 28..48 {
		assert_eq!(forged(|info| info[index] ^= 1), Some(Error::Nonce));
	}
}

#[test]
fn signature_rules_refuse_other_lengths_other_numbers_and_other_keys() {
	let (info, good) = (info(), sign(&info()));
	let refused = |signature: &[u8]| verify_quote(&key(), &info, signature, NONCE).unwrap_err();
	for len in 0..256 {
		assert_eq!(refused(&good[..len]), Error::SignatureSize);
	}
	assert_eq!(refused(&[&good[..], &[0]].concat()), Error::SignatureSize);
	assert_eq!(refused(&[&[0], &good[..]].concat()), Error::SignatureSize);
	let n = rsa_signer().n();
	assert_eq!(refused(&[0; 256]), Error::SignatureRange);
	assert_eq!(refused(&n.to_bytes_be()), Error::SignatureRange);
	// The same residue, where it fits.
	let (number, mut lifted) = (BigUint::from_bytes_be(&good), None);
	if (&number + n).to_bytes_be().len() == 256 {
		lifted = Some((&number + n).to_bytes_be());
	}
	assert!(lifted.is_none_or(|lifted| refused(&lifted) == Error::SignatureRange));
	// SHA-256 in place of SHA-1, and another key.
	let sha256 = ep_tpm::HashAlgorithm::Sha256.digest(&[&info]);
	assert_eq!(refused(&rsa_signer().sign(Pkcs1v15Sign::new::<sha2::Sha256>(), &sha256).unwrap()), Error::BadSignature);
	let unprefixed = rsa_signer().sign(Pkcs1v15Sign::new_unprefixed(), &sha1(&info)).unwrap();
	assert_eq!(refused(&unprefixed), Error::BadSignature, "the digest without its algorithm");
	let other = IdentityKey::parse(&read("other/aik.pubkey")).unwrap();
	let refusal = verify_quote(&other, &read("quote.info"), &read("quote.signature"), NONCE);
	assert!(matches!(refusal, Err(Error::BadSignature | Error::SignatureRange)), "{refusal:?}");
}

#[test]
fn every_changed_byte_of_a_real_quote_is_refused() {
	let aik = IdentityKey::parse(&read("aik.pubkey")).unwrap();
	let (info, signature, composite) = (read("quote.info"), read("quote.signature"), read("quote.composite"));
	let judge = |info: &[u8], signature: &[u8], composite: &[u8]| {
		let quote = verify_quote(&aik, info, signature, NONCE)?;
		let composite = PcrComposite::parse(composite)?;
		quote.verify_pcrs(&composite.selection, &composite.values)
	};
	assert_eq!(judge(&info, &signature, &composite), Ok(()));
	for bit in 0..8 {
		let flipped = |bytes: &[u8], index: usize| {
			let mut bytes = bytes.to_vec();
			bytes[index] ^= 1 << bit;
			bytes
		};
		for index in 0..info.len() {
			let expected = match index {
				0..4 => Error::LegacyQuoteVersion,
				4..8 => Error::LegacyQuoteFixed,
				8..28 => Error::BadSignature,
				_ => Error::Nonce,
			};
			assert_eq!(judge(&flipped(&info, index), &signature, &composite), Err(expected), "byte {index}");
		}
		for index in 0..signature.len() {
			let refusal = judge(&info, &flipped(&signature, index), &composite);
			assert!(matches!(refusal, Err(Error::BadSignature | Error::SignatureRange)), "byte {index}: {refusal:?}");
		}
		for index in 0..composite.len() {
			assert!(judge(&info, &signature, &flipped(&composite, index)).is_err(), "byte {index}");
		}
	}
}

#[test]
fn pcr_selection_form_refuses_other_lengths() {
	for len in [0u8, 1, 2, 4, 32] {
		let composite = [vec![0, len], vec![0; usize::from(len)], vec![0; 4]].concat();
		assert_eq!(PcrComposite::parse(&composite), Err(Error::PcrSelectionForm));
	}
}

#[test]
fn pcr_selection_refuses_another_bank_or_length() {
	let quote = QuoteInfo::parse(&info()).unwrap();
	for wrong in [
		PcrSelection { bank: 0x000B, ..pcrs() },
		PcrSelection { bitmap: vec![1, 4], ..pcrs() },
		PcrSelection { bitmap: vec![1, 4, 0, 0], ..pcrs() },
	] {
		assert_eq!(quote.verify_pcrs(&wrong, &VALUES), Err(Error::PcrSelection));
	}
}

#[test]
fn pcr_values_refuses_other_numbers_and_shifted_boundaries() {
	let quote = QuoteInfo::parse(&info()).unwrap();
	assert_eq!(quote.verify_pcrs(&pcrs(), &VALUES), Ok(()));
	for wrong in [
		&[][..],
		&[VALUES[0]],
		&[VALUES[0], VALUES[1], &[]],
		&[&[0x11; 19], &[[0x11].as_slice(), VALUES[1]].concat()],
		&[&[VALUES[0], VALUES[1]].concat()],
	] {
		assert_eq!(quote.verify_pcrs(&pcrs(), wrong), Err(Error::PcrValues));
	}
	let mut bytes = composite(&pcrs(), &VALUES).unwrap();
	bytes[8] = 39;
	assert_eq!(PcrComposite::parse(&bytes), Err(Error::PcrValues));
	bytes[5..9].copy_from_slice(&u32::MAX.to_be_bytes());
	assert_eq!(PcrComposite::parse(&bytes), Err(Error::PcrValues));
}

#[test]
fn pcr_digest_refuses_other_values_and_the_same_of_other_pcrs() {
	let quote = QuoteInfo::parse(&info()).unwrap();
	assert_eq!(quote.verify_pcrs(&pcrs(), &[VALUES[1], VALUES[0]]), Err(Error::PcrDigest));
	assert_eq!(quote.verify_pcrs(&selection([3, 0, 0]), &VALUES), Err(Error::PcrDigest));
	// What the chip said before and after a program extended PCR 10.
	let before = QuoteInfo::parse(&read("quote.info")).unwrap();
	let after = QuoteInfo::parse(&read("extended.info")).unwrap();
	let (composite, extended) = (read("quote.composite"), read("extended.composite"));
	let (values, extended) = (PcrComposite::parse(&composite).unwrap(), PcrComposite::parse(&extended).unwrap());
	assert_eq!(before.verify_pcrs(&pcrs(), &values.values), Ok(()));
	assert_eq!(after.verify_pcrs(&pcrs(), &extended.values), Ok(()));
	assert_eq!(after.verify_pcrs(&pcrs(), &values.values), Err(Error::PcrDigest));
	assert_eq!(values.values[0], extended.values[0]);
	let expected: [u8; 20] =
		Sha1::new().chain_update(values.values[1]).chain_update(sha1(b"another program")).finalize().into();
	assert_eq!(extended.values[1], expected);
}

fn policy() -> PlatformPolicy {
	let composite = read("quote.composite");
	let zero = PcrComposite::parse(&composite).unwrap().values[1].to_vec();
	let one_of = PcrRule::OneOf(vec![zero.try_into().unwrap()].try_into().unwrap());
	PlatformPolicy {
		bank: 4,
		bitmap: vec![1, 4, 0].try_into().unwrap(),
		allowed: AllowedPcrs::Each(vec![PcrRule::Any, one_of].try_into().unwrap()),
		min_firmware: 0,
		may_reset: true,
		may_resume: true,
	}
}

fn judge(quote: &str, change: impl FnOnce(&mut PlatformPolicy)) -> Result<QuoteInfo, Error> {
	let mut policy = policy();
	change(&mut policy);
	let key = IdentityKey::parse(&read("aik.pubkey")).unwrap();
	let part = |name: &str| read(&format!("{quote}.{name}"));
	let (quote_info, signature, composite) = (part("info"), part("signature"), part("composite"));
	let values = PcrComposite::parse(&composite).unwrap().values;
	verify_platform(
		&policy,
		&PlatformEvidence {
			key: &key,
			quote_info: &quote_info,
			signature: &signature,
			nonce: NONCE,
			pcr_values: &values,
		},
	)
}

#[test]
fn a_policy_is_met_and_pcr_allowed_refuses_an_extended_pcr() {
	assert!(judge("quote", |_| ()).is_ok());
	assert_eq!(judge("extended", |_| ()), Err(Error::PcrNotAllowed));
}

#[test]
fn policy_form_refuses_what_would_allow_everything() {
	let all = AllowedPcrs::Each(vec![PcrRule::Any, PcrRule::Any].try_into().unwrap());
	assert_eq!(judge("quote", |policy| policy.allowed = all), Err(Error::PolicyForm));
	assert_eq!(judge("quote", |policy| policy.bitmap = vec![1, 12, 0].try_into().unwrap()), Err(Error::PolicyForm));
}

#[test]
fn legacy_policy_refuses_what_no_such_quote_can_tell() {
	let refused = |change: fn(&mut PlatformPolicy)| assert_eq!(judge("quote", change), Err(Error::LegacyPolicy));
	refused(|policy| policy.min_firmware = 1);
	refused(|policy| policy.may_reset = false);
	refused(|policy| policy.may_resume = false);
	refused(|policy| {
		let digest = vec![0; 32].try_into().unwrap();
		policy.allowed = AllowedPcrs::Composite(vec![digest].try_into().unwrap());
	});
	refused(|policy| {
		policy.bank = 0x000B;
		let one_of = PcrRule::OneOf(vec![vec![0; 32].try_into().unwrap()].try_into().unwrap());
		policy.allowed = AllowedPcrs::Each(vec![PcrRule::Any, one_of].try_into().unwrap());
	});
}

#[test]
fn legacy_static_pcrs_refuses_pcrs_that_programs_set_back() {
	for bitmap in [vec![1, 0, 1], vec![1, 0, 0x80], vec![1, 4, 0, 0]] {
		let mut policy = policy();
		policy.bitmap = bitmap.try_into().unwrap();
		assert_eq!(check_policy(&policy), Err(Error::LegacyStaticPcrs));
	}
	assert_eq!(check_policy(&policy()).map(<[_]>::len), Ok(2));
}
