//! TPM 1.2: keys, quotes and policies. Rules H1-H10, and those that TPM 2.0 shares, each with its forger; what real chips
//! (swtpm, by `scripts/fixture-tpm12.py`) said, whole, cut, longer and with every byte changed.

mod common;

use common::{fixture, rsa_signer, NONCE};
use ep_tpm::{
	certificate::{verify_ek, CertifiedKey, Error as CertificateError, Policy, Role, StoredCertificate, TrustStore},
	legacy::{
		check_policy, composite, verify_platform, verify_quote, EndorsementKey, IdentityKey, PcrComposite,
		PlatformEvidence, QuoteInfo, MAX_PUBKEY_LEN, QUOTE_INFO_LEN, TIER,
	},
	model::{Tier, TierTable},
	AllowedPcrs, Error, PcrRule, PcrSelection, PlatformPolicy,
};
use rsa::{traits::PublicKeyParts, BigUint, Pkcs1v15Sign};
use sha1::{Digest, Sha1};

fn read(file: &str) -> Vec<u8> {
	fixture(&format!("legacy/{file}"))
}

fn sha1(bytes: &[u8]) -> [u8; 20] {
	Sha1::digest(bytes).into()
}

/// A `TPM_PUBKEY` with every field open.
struct Pubkey {
	algorithm: u32,
	enc_scheme: u16,
	sig_scheme: u16,
	bits: u32,
	primes: u32,
	exponent: Vec<u8>,
	more: Vec<u8>,
	modulus: Vec<u8>,
}

impl Pubkey {
	/// An identity key in software, correct in every field.
	fn identity() -> Self {
		let modulus = rsa_signer().n().to_bytes_be();
		let (exponent, more) = (vec![], vec![]);
		Self { algorithm: 1, enc_scheme: 1, sig_scheme: 2, bits: 2048, primes: 2, exponent, more, modulus }
	}

	fn endorsement() -> Self {
		Self { enc_scheme: 3, sig_scheme: 1, ..Self::identity() }
	}

	fn with(mut self, change: impl FnOnce(&mut Self)) -> Vec<u8> {
		change(&mut self);
		let word = |number: usize| (number as u32).to_be_bytes().to_vec();
		[
			self.algorithm.to_be_bytes().to_vec(),
			self.enc_scheme.to_be_bytes().to_vec(),
			self.sig_scheme.to_be_bytes().to_vec(),
			word(12 + self.exponent.len() + self.more.len()),
			self.bits.to_be_bytes().to_vec(),
			self.primes.to_be_bytes().to_vec(),
			word(self.exponent.len()),
			self.exponent,
			self.more,
			word(self.modulus.len()),
			self.modulus,
		]
		.concat()
	}
}

fn identity(change: impl FnOnce(&mut Pubkey)) -> Option<Error> {
	IdentityKey::parse(&Pubkey::identity().with(change)).err()
}

fn endorsement(change: impl FnOnce(&mut Pubkey)) -> Option<Error> {
	EndorsementKey::parse(&Pubkey::endorsement().with(change)).err()
}

fn key() -> IdentityKey {
	IdentityKey::parse(&Pubkey::identity().with(|_| ())).unwrap()
}

/// The signature of an identity key that is no TPM's.
fn sign(info: &[u8]) -> Vec<u8> {
	rsa_signer().sign(Pkcs1v15Sign::new::<Sha1>(), &sha1(info)).unwrap()
}

fn selection(bitmap: [u8; 3]) -> PcrSelection {
	PcrSelection { bank: 4, bitmap: bitmap.to_vec() }
}

/// PCRs 0 and 10, as in the fixtures.
fn pcrs() -> PcrSelection {
	selection([1, 4, 0])
}

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
fn the_forgers_untouched_evidence_is_accepted() {
	assert_eq!(identity(|_| ()), None);
	assert_eq!(endorsement(|_| ()), None);
	assert_eq!(forged(|_| ()), None);
	assert_eq!(TIER, Tier::Legacy12);
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
fn truncated_refuses_every_prefix_and_trailing_bytes_one_more() {
	let long = Pubkey::identity().with(|key| key.exponent = vec![1, 0, 1]);
	assert_eq!(long.len(), MAX_PUBKEY_LEN);
	for pubkey in [read("aik.pubkey"), long] {
		for len in 0..pubkey.len() {
			assert_eq!(IdentityKey::parse(&pubkey[..len]), Err(Error::Truncated), "cut at {len}");
		}
		assert_eq!(IdentityKey::parse(&[&pubkey[..], &[0]].concat()), Err(Error::TrailingBytes));
	}
	let ek = read("ek.pubkey");
	for len in 0..ek.len() {
		assert_eq!(EndorsementKey::parse(&ek[..len]), Err(Error::Truncated), "cut at {len}");
	}
	assert_eq!(EndorsementKey::parse(&[&ek[..], &[0]].concat()), Err(Error::TrailingBytes));
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
	// Within the parameters of the key.
	assert_eq!(identity(|key| key.more = vec![0]), Some(Error::TrailingBytes));
}

#[test]
fn oversized_field_refuses_what_no_key_has() {
	assert_eq!(identity(|key| key.more = vec![0; 4]), Some(Error::OversizedField), "parameters");
	assert_eq!(identity(|key| key.modulus = vec![0xff; 257]), Some(Error::OversizedField), "modulus");
	let mut pubkey = Pubkey::identity().with(|_| ());
	pubkey[20..24].copy_from_slice(&4u32.to_be_bytes());
	assert_eq!(IdentityKey::parse(&pubkey), Err(Error::OversizedField), "exponent");
	pubkey[20..24].copy_from_slice(&u32::MAX.to_be_bytes());
	assert_eq!(IdentityKey::parse(&pubkey), Err(Error::OversizedField), "a size that overflows");
}

#[test]
fn legacy_algorithm_refuses_anything_but_rsa() {
	for algorithm in [0, 2, 6, 1 << 16] {
		assert_eq!(identity(|key| key.algorithm = algorithm), Some(Error::LegacyAlgorithm));
		assert_eq!(endorsement(|key| key.algorithm = algorithm), Some(Error::LegacyAlgorithm));
	}
}

#[test]
fn legacy_identity_scheme_refuses_keys_of_other_uses() {
	// A binding key, and those that sign DER or what they are given (TPM_SS_RSASSAPKCS1v15_DER, _INFO).
	assert_eq!(identity(|key| key.enc_scheme = 3), Some(Error::LegacyIdentityScheme));
	for scheme in [0, 1, 3, 4] {
		assert_eq!(identity(|key| key.sig_scheme = scheme), Some(Error::LegacyIdentityScheme), "{scheme}");
	}
	assert_eq!(IdentityKey::parse(&read("ek.pubkey")), Err(Error::LegacyIdentityScheme));
}

#[test]
fn legacy_ek_scheme_refuses_keys_that_sign_or_pad_otherwise() {
	for scheme in [1, 2, 4] {
		assert_eq!(endorsement(|key| key.enc_scheme = scheme), Some(Error::LegacyEkScheme), "{scheme}");
	}
	assert_eq!(endorsement(|key| key.sig_scheme = 2), Some(Error::LegacyEkScheme));
	assert_eq!(EndorsementKey::parse(&read("aik.pubkey")), Err(Error::LegacyEkScheme));
}

#[test]
fn legacy_key_size_refuses_small_keys_and_more_primes() {
	for bits in [0, 512, 1024, 2047, 3072] {
		assert_eq!(identity(|key| key.bits = bits), Some(Error::LegacyKeySize), "{bits}");
	}
	assert_eq!(endorsement(|key| key.bits = 1024), Some(Error::LegacyKeySize));
	assert_eq!(identity(|key| key.primes = 3), Some(Error::LegacyKeySize));
}

#[test]
fn rsa_exponent_refuses_any_but_the_default() {
	assert_eq!(identity(|key| key.exponent = vec![1, 0, 1]), None);
	for exponent in [vec![3], vec![0, 1, 1], vec![1, 0, 3], vec![1, 0]] {
		assert_eq!(identity(|key| key.exponent = exponent.clone()), Some(Error::RsaExponent), "{exponent:?}");
	}
}

#[test]
fn rsa_modulus_refuses_even_short_and_leading_zeros() {
	assert_eq!(identity(|key| key.modulus[255] ^= 1), Some(Error::RsaModulus));
	assert_eq!(identity(|key| key.modulus[0] = 0x7f), Some(Error::RsaModulus));
	assert_eq!(identity(|key| key.modulus.truncate(255)), Some(Error::RsaModulus));
	assert_eq!(identity(|key| key.modulus.clear()), Some(Error::RsaModulus));
	assert_eq!(endorsement(|key| key.modulus[255] ^= 1), Some(Error::RsaModulus));
}

/// A modulus with the fingerprint: a power of 65537 modulo every small prime.
fn weak_modulus() -> Vec<u8> {
	let primes = (3..=167_u32).filter(|number| (2..*number).all(|divisor| number % divisor != 0));
	let product = primes.fold(BigUint::from(2_u32), |product, prime| product * prime);
	let power = BigUint::from(65537_u32).modpow(&BigUint::from(123_u32), &product);
	(((BigUint::from(1_u32) << 2047) / &product + 1_u32) * &product + power).to_bytes_be()
}

#[test]
fn legacy_roca_refuses_keys_that_can_be_factored() {
	assert_eq!(identity(|key| key.modulus = weak_modulus()), Some(Error::LegacyRoca));
	assert_eq!(endorsement(|key| key.modulus = weak_modulus()), Some(Error::LegacyRoca));
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
fn every_changed_byte_of_a_key_is_refused_or_another_key() {
	let pubkey = read("aik.pubkey");
	let good = IdentityKey::parse(&pubkey).unwrap();
	for index in 0..pubkey.len() {
		for bit in 0..8 {
			let mut changed = pubkey.clone();
			changed[index] ^= 1 << bit;
			if let Ok(key) = IdentityKey::parse(&changed) {
				assert!(index >= 28, "byte {index}");
				assert_ne!((key.name(), key.digest()), (good.name(), good.digest()));
				assert!(verify_quote(&key, &read("quote.info"), &read("quote.signature"), NONCE).is_err());
			}
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

fn store() -> TrustStore {
	let mut store = TrustStore::default();
	store.insert(StoredCertificate::new(Role::Root, &read("root.der")).unwrap()).unwrap();
	store
}

/// 2026-12-01, and 2056 for whoever makes the fixtures anew.
const LATER: [u64; 2] = [1_796_083_200, 2_713_910_400];

#[test]
fn legacy_same_key_ties_the_key_to_its_certificate() {
	let ca = read("ca.der");
	let chip = LATER
		.iter()
		.find_map(|at| verify_ek(&read("ek.der"), &[&ca], &store(), &Policy::at(*at)).ok())
		.expect("the certificate is good");
	assert_eq!(TierTable::defaults().tier(&chip.tpm), Ok(Tier::Legacy12));
	let (ek, other) = (read("ek.pubkey"), read("other/ek.pubkey"));
	let (ek, other) = (EndorsementKey::parse(&ek).unwrap(), EndorsementKey::parse(&other).unwrap());
	assert_eq!(ek.check_certified(&chip.key), Ok(()));
	assert_eq!(other.check_certified(&chip.key), Err(Error::LegacySameKey));
	let made = EndorsementKey::of_certified(&chip.key).unwrap();
	assert_eq!((&made, made.name()), (&ek, ek.name()));
	let curve = CertifiedKey::Ecc { curve: ep_tpm::certificate::NistCurve::P256, x: vec![1; 32], y: vec![1; 32] };
	assert_eq!(EndorsementKey::of_certified(&curve), Err(Error::LegacyAlgorithm));
	let CertifiedKey::Rsa { modulus, .. } = &chip.key else { panic!("RSA") };
	let small = |exponent| CertifiedKey::Rsa { modulus: modulus.clone(), exponent };
	assert_eq!(EndorsementKey::of_certified(&small(3)), Err(Error::RsaExponent));
	let long = CertifiedKey::Rsa { modulus: [&modulus[..], &[1]].concat(), exponent: 65537 };
	assert_eq!(EndorsementKey::of_certified(&long), Err(Error::LegacyKeySize));
	assert_eq!(ek.check_certified(&long), Err(Error::LegacySameKey));
}

#[test]
fn a_certificate_that_is_signed_with_sha1_is_refused_for_these_chips_too() {
	let stored = read("ek.nv");
	let certificate = ep_tpm::certificate::trim_nv(&stored).unwrap();
	assert_eq!(certificate, read("ek-sha1.der"));
	let ca = read("ca.der");
	for at in LATER {
		let refusal = verify_ek(certificate, &[&ca], &store(), &Policy::at(at)).unwrap_err();
		assert!(matches!(refusal, CertificateError::WeakHash | CertificateError::NotYetValid), "{refusal}");
	}
}

#[test]
fn an_exponent_written_out_is_the_same_endorsement_key_and_another_identity_key() {
	let endorsement =
		|exponent: Vec<u8>| EndorsementKey::parse(&Pubkey::endorsement().with(|key| key.exponent = exponent)).unwrap();
	assert_eq!(endorsement(vec![]), endorsement(vec![1, 0, 1]));
	let identity =
		|exponent: Vec<u8>| IdentityKey::parse(&Pubkey::identity().with(|key| key.exponent = exponent)).unwrap();
	// The chip compares the digest of the form that it writes.
	assert_ne!(identity(vec![]).name(), identity(vec![1, 0, 1]).name());
}
