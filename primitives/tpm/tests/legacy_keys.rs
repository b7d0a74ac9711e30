//! TPM 1.2: keys and their certificates. Rules H1-H5 and H10, and those that TPM 2.0 shares, each with its forger; and the
//! keys of real chips, whole, cut, longer and with every byte changed.

mod common;

use common::{
	legacy::{read, Pubkey},
	NONCE,
};
use ep_tpm::{
	certificate::{verify_ek, CertifiedKey, Error as CertificateError, Policy, Role, StoredCertificate, TrustStore},
	legacy::{verify_quote, EndorsementKey, IdentityKey, MAX_PUBKEY_LEN, TIER},
	model::{Tier, TierTable},
	Error,
};
use rsa::BigUint;

fn identity(change: impl FnOnce(&mut Pubkey)) -> Option<Error> {
	IdentityKey::parse(&Pubkey::identity().with(change)).err()
}

fn endorsement(change: impl FnOnce(&mut Pubkey)) -> Option<Error> {
	EndorsementKey::parse(&Pubkey::endorsement().with(change)).err()
}

#[test]
fn the_forgers_untouched_keys_are_accepted() {
	assert_eq!(identity(|_| ()), None);
	assert_eq!(endorsement(|_| ()), None);
	assert_eq!(TIER, Tier::Legacy12);
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
