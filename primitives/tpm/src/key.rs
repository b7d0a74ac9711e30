//! The attestation key: a signing key that, by its attributes, can only have signed what its TPM itself made.
//!
//! That the key lives in a genuine TPM is not decided here. It follows from the endorsement key above it: whoever
//! holds the EK's certificate, and sees the Qualified Name of this key under that EK in an attestation, knows.

use alloc::vec::Vec;
use rsa::{BigUint, RsaPublicKey};

use crate::{
	algorithm::*,
	public::{ObjectAttributes, PublicArea, PublicKey},
	signature::{fit, marshal, verify_ecdsa, verify_rsassa, EcdsaKey, Signature},
	Error, HashAlgorithm, Name, RH_ENDORSEMENT,
};

/// Attributes without which no key is an attestation key (rules K1, K2, K4-K6), each with its refusal.
const REQUIRED: [(u32, Error); 5] = [
	(ObjectAttributes::RESTRICTED, Error::NotRestricted),
	(ObjectAttributes::SIGN, Error::NotSigning),
	(ObjectAttributes::FIXED_TPM, Error::NotFixedTpm),
	(ObjectAttributes::FIXED_PARENT, Error::NotFixedParent),
	(ObjectAttributes::SENSITIVE_DATA_ORIGIN, Error::NotMadeInTpm),
];

/// Attributes that say nothing about what the key can sign, so that they are free.
const FREE: u32 = ObjectAttributes::ST_CLEAR
	| ObjectAttributes::USER_WITH_AUTH
	| ObjectAttributes::ADMIN_WITH_POLICY
	| ObjectAttributes::NO_DA;

/// The default RSA exponent, written as zero in a public area (Part 2, section 12.2.3.5).
const RSA_EXPONENT: u32 = 65537;

/// The key proper, ready to verify.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verifier {
	Rsa { key: RsaPublicKey, modulus_len: usize },
	P256(p256::ecdsa::VerifyingKey),
	P384(p384::ecdsa::VerifyingKey),
}

/// An attestation key, parsed and checked from its `TPMT_PUBLIC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestationKey {
	name: Name,
	attributes: ObjectAttributes,
	hash: HashAlgorithm,
	verifier: Verifier,
}

impl AttestationKey {
	/// The attestation key with this public area (`TPMT_PUBLIC`, without the size prefix of a `TPM2B_PUBLIC`).
	///
	/// Rules E1-E3, P1-P6, K1-K7 and K9-K17: an exact parse; restricted, sign, fixedTPM, fixedParent and
	/// sensitiveDataOrigin set, decrypt clear; RSASSA over RSA-2048, 3072 or 4096 with exponent 65537 (written as 0 or
	/// as itself), or ECDSA over P-256 or P-384; SHA-256, SHA-384 or SHA-512.
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse(public_area: &[u8]) -> Result<Self, Error> {
		let public = PublicArea::parse(public_area)?;
		check_attributes(public.attributes)?;
		if public.symmetric.is_some() {
			return Err(Error::KeySymmetric);
		}
		let expected = match public.key {
			PublicKey::Rsa { .. } => TPM_ALG_RSASSA,
			PublicKey::Ecc { .. } => TPM_ALG_ECDSA,
		};
		if public.scheme.algorithm != expected {
			return Err(Error::KeyScheme);
		}
		let hash = public.scheme.hash.and_then(HashAlgorithm::from_id).ok_or(Error::KeyHash)?;
		let verifier = match public.key {
			PublicKey::Rsa { key_bits, exponent, modulus } => rsa_verifier(key_bits, exponent, modulus)?,
			PublicKey::Ecc { curve, kdf, x, y } => {
				if !kdf.is_null() {
					return Err(Error::KeyKdf);
				}
				ecc_verifier(curve, x, y)?
			}
		};
		Ok(Self { name: Name::of_public(public_area)?, attributes: public.attributes, hash, verifier })
	}

	/// The key of a block author: as [`Self::parse`], and noDA must be set (rule K8), since otherwise anybody with
	/// access to the chip could lock its author out by failing to authorise a few times.
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse_author(public_area: &[u8]) -> Result<Self, Error> {
		let key = Self::parse(public_area)?;
		if key.no_da() {
			Ok(key)
		} else {
			Err(Error::SubjectToLockout)
		}
	}

	/// The key's Name.
	pub fn name(&self) -> &Name {
		&self.name
	}

	/// The signing hash, which is also the one that a quote's PCR digest is made with.
	pub fn hash_algorithm(&self) -> HashAlgorithm {
		self.hash
	}

	/// The curve, or `None` for an RSA key.
	pub fn curve(&self) -> Option<Curve> {
		match self.verifier {
			Verifier::Rsa { .. } => None,
			Verifier::P256(_) => Some(Curve::P256),
			Verifier::P384(_) => Some(Curve::P384),
		}
	}

	/// Whether the key is exempt from dictionary-attack protection (noDA), and so from its lockout.
	pub fn no_da(&self) -> bool {
		self.attributes.has(ObjectAttributes::NO_DA)
	}

	/// The name that a TPM writes into `qualifiedSigner` when this key is a child of the endorsement key named
	/// `ek_name`, itself a primary of the endorsement hierarchy.
	///
	/// # Errors
	/// None today; a `Result` as for every function that computes a name.
	pub fn qualified_name_under_ek(&self, ek_name: &Name) -> Result<Name, Error> {
		self.name.qualified_under(&ek_name.qualified_in_hierarchy(RH_ENDORSEMENT)?)
	}

	/// Verifies a signature (`TPMT_SIGNATURE`, exact) of this key over `message` (rules E1-E3, S1-S6).
	///
	/// # Errors
	/// The rule that is broken. [`Error::HighS`] for a signature that only lacks [`Self::normalise_signature`].
	pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
		match (&self.verifier, self.own(signature)?) {
			(Verifier::Rsa { key, modulus_len }, Signature::Rsassa { signature, .. }) => {
				verify_rsassa(key, *modulus_len, self.hash, message, signature)
			}
			(Verifier::P256(key), Signature::Ecdsa { r, s, .. }) => {
				verify_ecdsa(key, Curve::P256, self.hash, message, r, s)
			}
			(Verifier::P384(key), Signature::Ecdsa { r, s, .. }) => {
				verify_ecdsa(key, Curve::P384, self.hash, message, r, s)
			}
			_ => Err(Error::SignatureScheme),
		}
	}

	/// The one form of a signature that [`Self::verify`] accepts: each part padded with leading zeros (or stripped of
	/// them) to the length that the key demands, and `s` brought into the lower half.
	///
	/// A node applies this to what its chip returns, since chips differ in padding and take either `s`. It does not
	/// verify; it is idempotent.
	///
	/// # Errors
	/// Rules E1-E3 and S1-S4.
	pub fn normalise_signature(&self, signature: &[u8]) -> Result<Vec<u8>, Error> {
		match (&self.verifier, self.own(signature)?) {
			(Verifier::Rsa { modulus_len, .. }, Signature::Rsassa { hash, signature }) => {
				marshal(TPM_ALG_RSASSA, hash, &[&fit(signature, *modulus_len)?])
			}
			(Verifier::P256(_), Signature::Ecdsa { hash, r, s }) => {
				normalise_ecdsa::<p256::ecdsa::VerifyingKey>(Curve::P256, hash, r, s)
			}
			(Verifier::P384(_), Signature::Ecdsa { hash, r, s }) => {
				normalise_ecdsa::<p384::ecdsa::VerifyingKey>(Curve::P384, hash, r, s)
			}
			_ => Err(Error::SignatureScheme),
		}
	}

	/// Parses a signature whose scheme and hash must be this key's own.
	fn own<'a>(&self, signature: &'a [u8]) -> Result<Signature<'a>, Error> {
		let signature = Signature::parse(signature)?;
		let (is_rsa, hash) = match signature {
			Signature::Rsassa { hash, .. } => (true, hash),
			Signature::Ecdsa { hash, .. } => (false, hash),
		};
		if is_rsa != matches!(self.verifier, Verifier::Rsa { .. }) {
			return Err(Error::SignatureScheme);
		}
		if hash != self.hash {
			return Err(Error::SignatureHash);
		}
		Ok(signature)
	}
}

fn check_attributes(attributes: ObjectAttributes) -> Result<(), Error> {
	let mut known = FREE;
	for (bit, missing) in REQUIRED {
		if !attributes.has(bit) {
			return Err(missing);
		}
		known |= bit;
	}
	if attributes.has(ObjectAttributes::DECRYPT) {
		return Err(Error::CanDecrypt);
	}
	if attributes.0 & !known != 0 {
		return Err(Error::ForbiddenAttribute);
	}
	Ok(())
}

fn rsa_verifier(key_bits: u16, exponent: u32, modulus: &[u8]) -> Result<Verifier, Error> {
	if !matches!(key_bits, 2048 | 3072 | 4096) {
		return Err(Error::RsaKeySize);
	}
	if exponent != 0 && exponent != RSA_EXPONENT {
		return Err(Error::RsaExponent);
	}
	let key = RsaPublicKey::new(BigUint::from_bytes_be(modulus), BigUint::from(RSA_EXPONENT))
		.map_err(|_| Error::RsaModulus)?;
	Ok(Verifier::Rsa { key, modulus_len: modulus.len() })
}

fn ecc_verifier(curve: u16, x: &[u8], y: &[u8]) -> Result<Verifier, Error> {
	let curve = Curve::from_id(curve).ok_or(Error::KeyCurve)?;
	if x.len() != curve.field_len() || y.len() != curve.field_len() {
		return Err(Error::CoordinateSize);
	}
	// SEC 1, section 2.3.3: 4 announces an uncompressed point.
	let point = [&[4], x, y].concat();
	match curve {
		Curve::P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).map(Verifier::P256),
		Curve::P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(&point).map(Verifier::P384),
	}
	.map_err(|_| Error::PointNotOnCurve)
}

fn normalise_ecdsa<K: EcdsaKey>(curve: Curve, hash: HashAlgorithm, r: &[u8], s: &[u8]) -> Result<Vec<u8>, Error> {
	let len = curve.field_len();
	let r_and_s = K::lower(&[fit(r, len)?, fit(s, len)?].concat())?;
	let (r, s) = r_and_s.split_at_checked(len).ok_or(Error::SignatureSize)?;
	marshal(TPM_ALG_ECDSA, hash, &[r, s])
}
