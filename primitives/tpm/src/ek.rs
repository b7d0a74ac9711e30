//! The endorsement key: a storage key that never leaves its TPM, to which a credential is encrypted.
//!
//! That its TPM is genuine is not decided here: the certificate over this public key says so. What is decided here is
//! that the key is used as the TCG's templates make it (TCG EK Credential Profile 2.5, annex B), so that a secret
//! encrypted to it comes out of nothing but `TPM2_ActivateCredential`, which gives it only to whoever has the named
//! object loaded in that same TPM.

use alloc::vec::Vec;
use rsa::{traits::PublicKeyParts, BigUint, RsaPublicKey};

use crate::{
	algorithm::*,
	public::{ObjectAttributes, PublicArea, PublicKey},
	Error, HashAlgorithm, Name,
};

/// Attributes of every template (rules T1, T2, T4-T7), each with its refusal.
const REQUIRED: [(u32, Error); 6] = [
	(ObjectAttributes::RESTRICTED, Error::EkNotRestricted),
	(ObjectAttributes::DECRYPT, Error::EkNotDecrypting),
	(ObjectAttributes::FIXED_TPM, Error::EkNotFixedTpm),
	(ObjectAttributes::FIXED_PARENT, Error::EkNotFixedParent),
	(ObjectAttributes::SENSITIVE_DATA_ORIGIN, Error::EkNotMadeInTpm),
	(ObjectAttributes::ADMIN_WITH_POLICY, Error::EkNotAdminWithPolicy),
];

/// What the templates of the high range set beside those, and noDA: neither lets anybody decrypt who could not before.
const FREE: u32 = ObjectAttributes::USER_WITH_AUTH | ObjectAttributes::NO_DA;

/// The default RSA exponent.
const RSA_EXPONENT: u32 = 65537;

/// The key proper, ready to encrypt to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Encrypter {
	Rsa(RsaPublicKey),
	P256(p256::PublicKey),
	P384(p384::PublicKey),
}

/// An endorsement key, parsed and checked from its `TPMT_PUBLIC`.
///
/// Rules, for [`Self::parse`] (of the template; others are those of every public area and key):
/// - T1 *ek-restricted*, T2 *ek-decrypt*, T3 *ek-no-sign*: it decrypts structures of known form and nothing else, so
///   that no other command than `TPM2_ActivateCredential` can be made to open a credential.
/// - T4 *ek-fixed-tpm*, T5 *ek-fixed-parent*, T6 *ek-made-in-tpm*: it is in one TPM, and never was elsewhere.
/// - T7 *ek-admin-policy*: activation, an administrative command, needs the policy, and there is one.
/// - T8 *ek-known-attributes*: of the others only userWithAuth (high range) and noDA may be set.
/// - T9 *ek-symmetric*: AES-128 or AES-256 in CFB mode, the cipher of the credential.
/// - T10 *ek-scheme*: no scheme and no key derivation scheme.
/// - K13-K17: size, exponent, curve and point as of attestation keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndorsementKey {
	name: Name,
	symmetric_len: u16,
	encrypter: Encrypter,
}

impl EndorsementKey {
	/// The endorsement key with this public area (`TPMT_PUBLIC`, without the size prefix of a `TPM2B_PUBLIC`).
	///
	/// Rules E1-E3, P1-P6, T1-T10 and K13-K17.
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse(public_area: &[u8]) -> Result<Self, Error> {
		let public = PublicArea::parse(public_area)?;
		check_attributes(&public)?;
		let symmetric_len = match public.symmetric {
			Some(symmetric)
				if symmetric.algorithm == TPM_ALG_AES
					&& symmetric.mode == TPM_ALG_CFB
					&& matches!(symmetric.key_bits, 128 | 256) =>
			{
				symmetric.key_bits / 8
			}
			_ => return Err(Error::EkSymmetric),
		};
		let kdf_is_null = match public.key {
			PublicKey::Rsa { .. } => true,
			PublicKey::Ecc { kdf, .. } => kdf.is_null(),
		};
		if !public.scheme.is_null() || !kdf_is_null {
			return Err(Error::EkScheme);
		}
		let encrypter = match public.key {
			PublicKey::Rsa { key_bits, exponent, modulus } => rsa_encrypter(key_bits, exponent, modulus)?,
			PublicKey::Ecc { curve, x, y, .. } => ecc_encrypter(curve, x, y)?,
		};
		Ok(Self { name: Name::of_public(public_area)?, symmetric_len, encrypter })
	}

	/// The key's Name, whose hash is also that of every derivation to this key.
	pub fn name(&self) -> &Name {
		&self.name
	}

	/// The hash of the Name.
	pub fn hash_algorithm(&self) -> HashAlgorithm {
		self.name.hash_algorithm()
	}

	/// The curve, or `None` for an RSA key.
	pub fn curve(&self) -> Option<Curve> {
		match self.encrypter {
			Encrypter::Rsa(_) => None,
			Encrypter::P256(_) => Some(Curve::P256),
			Encrypter::P384(_) => Some(Curve::P384),
		}
	}

	/// Length of an RSA modulus in bytes, or `None` for an ECC key.
	pub fn modulus_len(&self) -> Option<usize> {
		match &self.encrypter {
			Encrypter::Rsa(key) => Some(key.size()),
			_ => None,
		}
	}

	pub(crate) fn symmetric_len(&self) -> u16 {
		self.symmetric_len
	}

	pub(crate) fn encrypter(&self) -> &Encrypter {
		&self.encrypter
	}
}

fn check_attributes(public: &PublicArea<'_>) -> Result<(), Error> {
	let mut known = FREE;
	for (bit, missing) in REQUIRED {
		if !public.attributes.has(bit) {
			return Err(missing);
		}
		known |= bit;
	}
	if public.attributes.has(ObjectAttributes::SIGN) {
		return Err(Error::EkCanSign);
	}
	if public.attributes.0 & !known != 0 {
		return Err(Error::EkForbiddenAttribute);
	}
	if public.auth_policy.is_empty() {
		return Err(Error::EkNotAdminWithPolicy);
	}
	Ok(())
}

fn rsa_encrypter(key_bits: u16, exponent: u32, modulus: &[u8]) -> Result<Encrypter, Error> {
	if !matches!(key_bits, 2048 | 3072 | 4096) {
		return Err(Error::RsaKeySize);
	}
	if exponent != 0 && exponent != RSA_EXPONENT {
		return Err(Error::RsaExponent);
	}
	RsaPublicKey::new(BigUint::from_bytes_be(modulus), BigUint::from(RSA_EXPONENT))
		.map(Encrypter::Rsa)
		.map_err(|_| Error::RsaModulus)
}

fn ecc_encrypter(curve: u16, x: &[u8], y: &[u8]) -> Result<Encrypter, Error> {
	let curve = Curve::from_id(curve).ok_or(Error::KeyCurve)?;
	if x.len() != curve.field_len() || y.len() != curve.field_len() {
		return Err(Error::CoordinateSize);
	}
	// SEC 1, section 2.3.3: 4 announces an uncompressed point.
	let point: Vec<u8> = [&[4], x, y].concat();
	match curve {
		Curve::P256 => p256::PublicKey::from_sec1_bytes(&point).map(Encrypter::P256).ok(),
		Curve::P384 => p384::PublicKey::from_sec1_bytes(&point).map(Encrypter::P384).ok(),
	}
	.ok_or(Error::PointNotOnCurve)
}
