//! Signatures of certificates and revocation lists.
//!
//! Other than in attestations, either `s` is accepted: a CA's signature is never hashed into anything, and the chip is
//! known by its key, not by its certificate.

use alloc::vec::Vec;
use core::iter::repeat_n;
use p256::ecdsa::signature::hazmat::PrehashVerifier;

use super::{
	der::{self, Der, INTEGER, NULL, OID, SEQUENCE},
	key::{CertifiedKey, NistCurve},
	oid, Error,
};
use crate::{algorithm::HashAlgorithm, signature::verify_rsassa};

/// An accepted signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Algorithm {
	rsa: bool,
	hash: HashAlgorithm,
}

impl Algorithm {
	/// From the whole `AlgorithmIdentifier`.
	fn parse(identifier: &[u8]) -> Result<Self, Error> {
		let identifier = der::only(identifier, SEQUENCE, Error::SignatureAlgorithm)?;
		let mut identifier = Der::new(identifier.contents);
		let name = identifier.element(OID, Error::SignatureAlgorithm)?.contents;
		let (rsa, hash) = match name {
			oid::SHA256_WITH_RSA => (true, HashAlgorithm::Sha256),
			oid::SHA384_WITH_RSA => (true, HashAlgorithm::Sha384),
			oid::SHA512_WITH_RSA => (true, HashAlgorithm::Sha512),
			oid::ECDSA_WITH_SHA256 => (false, HashAlgorithm::Sha256),
			oid::ECDSA_WITH_SHA384 => (false, HashAlgorithm::Sha384),
			oid::ECDSA_WITH_SHA512 => (false, HashAlgorithm::Sha512),
			oid::MD5_WITH_RSA | oid::SHA1_WITH_RSA | oid::ECDSA_WITH_SHA1 => return Err(Error::WeakHash),
			_ => return Err(Error::SignatureAlgorithm),
		};
		// RFC 4055, section 5: NULL, and its absence must be accepted too. RFC 5758, section 3.2: absent, but the root of
		// Intel's on-die CAs has NULL. Either says nothing.
		if let Some(null) = identifier.optional(NULL)? {
			Der::new(null.contents).finish(Error::SignatureAlgorithm)?;
		}
		identifier.finish(Error::SignatureAlgorithm)?;
		Ok(Self { rsa, hash })
	}
}

/// Rules CS1 and CS2 alone, which need no key.
pub(super) fn check_algorithm(identifier: &[u8]) -> Result<(), Error> {
	Algorithm::parse(identifier).map(|_| ())
}

/// Rules CS1-CS4: `signature` is `key`'s over `message`, under the algorithm with this `AlgorithmIdentifier`.
pub(super) fn verify(key: &CertifiedKey, identifier: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
	let Algorithm { rsa, hash } = Algorithm::parse(identifier)?;
	match key {
		CertifiedKey::Rsa { modulus, exponent } if rsa => {
			let key = CertifiedKey::rsa_key(modulus, *exponent)?;
			verify_rsassa(&key, modulus.len(), hash, message, signature).map_err(|error| match error {
				crate::Error::SignatureSize | crate::Error::SignatureRange => Error::SignatureForm,
				_ => Error::Signature,
			})
		}
		CertifiedKey::Ecc { curve, x, y } if !rsa => {
			let r_and_s = r_and_s(*curve, signature)?;
			let digest = hash.digest(&[message]);
			// The library refuses digests of less than half the order's length, which SHA-256 is for P-521. Zeros on the
			// left are what the standard puts there (FIPS 186-5, section 6.4.2).
			let padding = curve.field_len().saturating_sub(digest.len());
			let digest: Vec<u8> = repeat_n(0, padding).chain(digest).collect();
			let point = [&[4], x.as_slice(), y].concat();
			macro_rules! check {
				($curve:ident) => {{
					let key = $curve::ecdsa::VerifyingKey::from_sec1_bytes(&point).map_err(|_| Error::PublicKeyForm)?;
					let signature = $curve::ecdsa::Signature::from_slice(&r_and_s).map_err(|_| Error::SignatureForm)?;
					key.verify_prehash(&digest, &signature).map_err(|_| Error::Signature)
				}};
			}
			match curve {
				NistCurve::P256 => check!(p256),
				NistCurve::P384 => check!(p384),
				NistCurve::P521 => check!(p521),
			}
		}
		_ => Err(Error::SignatureForm),
	}
}

/// The two halves of an `Ecdsa-Sig-Value` (RFC 3279, section 2.2.3), each as long as the field.
fn r_and_s(curve: NistCurve, signature: &[u8]) -> Result<Vec<u8>, Error> {
	let value = der::only(signature, SEQUENCE, Error::SignatureForm).map_err(|_| Error::SignatureForm)?;
	let mut value = Der::new(value.contents);
	let mut both = Vec::with_capacity(2 * curve.field_len());
	for _ in 0..2 {
		let half = value.element(INTEGER, Error::SignatureForm)?.contents;
		let half = der::unsigned(half).ok_or(Error::SignatureForm)?;
		let padding = curve.field_len().checked_sub(half.len()).ok_or(Error::SignatureForm)?;
		both.extend(repeat_n(0, padding));
		both.extend(half);
	}
	value.finish(Error::SignatureForm)?;
	Ok(both)
}
