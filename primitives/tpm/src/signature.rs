//! `TPMT_SIGNATURE` (TPM 2.0 Library, Part 2, section 11.3.4), and the checks of each scheme.
//!
//! A signature has exactly one accepted form: every part as long as the key demands, every part in range, and `s` in
//! the lower half. Otherwise a stranger could change a byte of padding, or take `n - s` for `s`, and turn an honest
//! block into a second block with another hash.

use alloc::vec::Vec;
use core::iter::repeat_n;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::{Pkcs1v15Sign, RsaPublicKey};
use sha2::{Sha256, Sha384, Sha512};

use crate::{algorithm::*, reader::Reader, Error, HashAlgorithm};

/// Longest part of a signature in bytes: RSA-4096.
const MAX_PART_LEN: usize = 512;

/// Longest `TPMT_SIGNATURE` that is accepted, in bytes: scheme, hash and an RSA-4096 signature.
pub const MAX_SIGNATURE_LEN: usize = 2 + 2 + 2 + MAX_PART_LEN;

/// A `TPMT_SIGNATURE`, parsed to its last byte. The parts are as they came: sizes and ranges are the key's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature<'a> {
	/// RSASSA-PKCS1-v1_5 (`TPMS_SIGNATURE_RSA`).
	Rsassa {
		/// The signing hash.
		hash: HashAlgorithm,
		/// The signature, big-endian.
		signature: &'a [u8],
	},
	/// ECDSA (`TPMS_SIGNATURE_ECC`).
	Ecdsa {
		/// The signing hash.
		hash: HashAlgorithm,
		/// The x coordinate of the ephemeral point modulo the order, big-endian.
		r: &'a [u8],
		/// The proof, big-endian.
		s: &'a [u8],
	},
}

impl<'a> Signature<'a> {
	/// Parses a `TPMT_SIGNATURE` (rules E1-E3, S1, S2).
	///
	/// # Errors
	/// The rule that is broken; the null signature and SHA-1 are among what is refused.
	pub fn parse(signature: &'a [u8]) -> Result<Self, Error> {
		let mut reader = Reader::new(signature);
		let scheme = reader.u16()?;
		if scheme != TPM_ALG_RSASSA && scheme != TPM_ALG_ECDSA {
			return Err(Error::SignatureScheme);
		}
		let hash = HashAlgorithm::from_id(reader.u16()?).ok_or(Error::SignatureHash)?;
		let first = reader.sized(MAX_PART_LEN)?;
		let parsed = if scheme == TPM_ALG_RSASSA {
			Self::Rsassa { hash, signature: first }
		} else {
			Self::Ecdsa { hash, r: first, s: reader.sized(MAX_PART_LEN)? }
		};
		reader.finish()?;
		Ok(parsed)
	}
}

/// A `TPMT_SIGNATURE` of these parts.
pub(crate) fn marshal(scheme: u16, hash: HashAlgorithm, parts: &[&[u8]]) -> Result<Vec<u8>, Error> {
	let mut bytes = Vec::with_capacity(MAX_SIGNATURE_LEN);
	bytes.extend(scheme.to_be_bytes());
	bytes.extend(hash.id().to_be_bytes());
	for part in parts {
		bytes.extend(u16::try_from(part.len()).map_err(|_| Error::OversizedField)?.to_be_bytes());
		bytes.extend(*part);
	}
	Ok(bytes)
}

/// The same number in exactly `len` bytes, or [`Error::SignatureSize`] if it does not fit.
pub(crate) fn fit(part: &[u8], len: usize) -> Result<Vec<u8>, Error> {
	let zeros = part.iter().take_while(|byte| **byte == 0).count();
	let number = part.get(zeros..).unwrap_or_default();
	let padding = len.checked_sub(number.len()).ok_or(Error::SignatureSize)?;
	Ok(repeat_n(0, padding).chain(number.iter().copied()).collect())
}

/// Rules S3-S6 for RSASSA. `key` is a key of `modulus_len` bytes.
pub(crate) fn verify_rsassa(
	key: &RsaPublicKey,
	modulus_len: usize,
	hash: HashAlgorithm,
	message: &[u8],
	signature: &[u8],
) -> Result<(), Error> {
	let scheme = match hash {
		HashAlgorithm::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
		HashAlgorithm::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
		HashAlgorithm::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
	};
	verify_rsassa_digest(key, modulus_len, scheme, &hash.digest(&[message]), signature)
}

/// The same, for whatever hash `digest` was made with. `scheme` is that of this hash.
pub(crate) fn verify_rsassa_digest(
	key: &RsaPublicKey,
	modulus_len: usize,
	scheme: Pkcs1v15Sign,
	digest: &[u8],
	signature: &[u8],
) -> Result<(), Error> {
	if signature.len() != modulus_len {
		return Err(Error::SignatureSize);
	}
	let number = rsa::BigUint::from_bytes_be(signature);
	if number == rsa::BigUint::default() || &number >= rsa::traits::PublicKeyParts::n(key) {
		return Err(Error::SignatureRange);
	}
	key.verify(scheme, digest, signature).map_err(|_| Error::BadSignature)
}

/// What the two curves differ in, so that the rules are written once.
pub(crate) trait EcdsaKey {
	/// Rules S4 and S5 are this function's, S6 is too; S3 is its caller's.
	fn verify(&self, digest: &[u8], r_and_s: &[u8]) -> Result<(), Error>;

	/// `r || s` with `s` in the lower half (S4 applies).
	fn lower(r_and_s: &[u8]) -> Result<Vec<u8>, Error>;
}

macro_rules! ecdsa_key {
	($curve:ident) => {
		impl EcdsaKey for $curve::ecdsa::VerifyingKey {
			fn verify(&self, digest: &[u8], r_and_s: &[u8]) -> Result<(), Error> {
				let signature = $curve::ecdsa::Signature::from_slice(r_and_s).map_err(|_| Error::SignatureRange)?;
				if signature.normalize_s().is_some() {
					return Err(Error::HighS);
				}
				// A digest longer than the order is cut on the right, a shorter one padded on the left, as a TPM does.
				self.verify_prehash(digest, &signature).map_err(|_| Error::BadSignature)
			}

			fn lower(r_and_s: &[u8]) -> Result<Vec<u8>, Error> {
				let signature = $curve::ecdsa::Signature::from_slice(r_and_s).map_err(|_| Error::SignatureRange)?;
				Ok(signature.normalize_s().unwrap_or(signature).to_bytes().to_vec())
			}
		}
	};
}

ecdsa_key!(p256);
ecdsa_key!(p384);

/// Rules S3-S6 for ECDSA.
pub(crate) fn verify_ecdsa<K: EcdsaKey>(
	key: &K,
	curve: Curve,
	hash: HashAlgorithm,
	message: &[u8],
	r: &[u8],
	s: &[u8],
) -> Result<(), Error> {
	if r.len() != curve.field_len() || s.len() != curve.field_len() {
		return Err(Error::SignatureSize);
	}
	key.verify(&hash.digest(&[message]), &[r, s].concat())
}
