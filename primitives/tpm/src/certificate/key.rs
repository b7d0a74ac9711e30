//! Subject public keys (RFC 3279, 4055, 5480), and the one encoding under which a chip is known.

use alloc::{string::String, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use p256::elliptic_curve::sec1::FromEncodedPoint;
use rsa::{BigUint, RsaPublicKey};
use scale_info::TypeInfo;

use super::{
	der::{self, Der, BIT_STRING, INTEGER, NULL, OID, SEQUENCE},
	oid,
	roca::is_roca,
	Error,
};
use crate::{
	algorithm::{TPM_ALG_ECC, TPM_ALG_RSA},
	HashAlgorithm, PublicArea,
};

/// Bits of the shortest and of the longest RSA key that is accepted.
const RSA_BITS: core::ops::RangeInclusive<usize> = 2048..=4096;
/// The exponent of every EK template (TCG EK Credential Profile, annex B), written as zero in a public area.
const EK_EXPONENT: u32 = 65537;

/// A curve that is accepted in certificates. The numbers are those of `TPM_ECC_CURVE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum NistCurve {
	/// NIST P-256.
	P256,
	/// NIST P-384.
	P384,
	/// NIST P-521.
	P521,
}

impl NistCurve {
	/// The `TPM_ECC_CURVE`.
	pub const fn id(self) -> u16 {
		match self {
			Self::P256 => 0x0003,
			Self::P384 => 0x0004,
			Self::P521 => 0x0005,
		}
	}

	/// Length in bytes of a coordinate.
	pub const fn field_len(self) -> usize {
		match self {
			Self::P256 => 32,
			Self::P384 => 48,
			Self::P521 => 66,
		}
	}

	fn from_oid(oid: &[u8]) -> Option<Self> {
		match oid {
			oid::SECP256R1 => Some(Self::P256),
			oid::SECP384R1 => Some(Self::P384),
			oid::SECP521R1 => Some(Self::P521),
			_ => None,
		}
	}

	fn has_point(self, x: &[u8], y: &[u8]) -> bool {
		// SEC 1, section 2.3.3: 4 announces an uncompressed point.
		let point = [&[4], x, y].concat();
		macro_rules! on {
			($curve:ident) => {
				$curve::EncodedPoint::from_bytes(&point)
					.is_ok_and(|point| bool::from($curve::AffinePoint::from_encoded_point(&point).is_some()))
			};
		}
		match self {
			Self::P256 => on!(p256),
			Self::P384 => on!(p384),
			Self::P521 => on!(p521),
		}
	}
}

/// A public key, checked: see rules CK1-CK5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertifiedKey {
	/// RSA.
	Rsa {
		/// The modulus, big-endian, without leading zeros.
		modulus: Vec<u8>,
		/// The public exponent.
		exponent: u32,
	},
	/// A point on a curve.
	Ecc {
		/// Which curve.
		curve: NistCurve,
		/// Coordinate, big-endian, as long as the field.
		x: Vec<u8>,
		/// Coordinate, big-endian, as long as the field.
		y: Vec<u8>,
	},
}

impl CertifiedKey {
	/// Its kind, for rule TM3 of [`crate::model`].
	pub fn kind(&self) -> crate::model::EkKind {
		match self {
			Self::Rsa { .. } => crate::model::EkKind::Rsa,
			Self::Ecc { .. } => crate::model::EkKind::Ecc,
		}
	}

	/// The key of a `SubjectPublicKeyInfo` (rules CF2-CF3, CK1-CK5), of a CA or of anybody.
	///
	/// RSA keys of 2048 to 4096 bits with an odd exponent from 3 up to 32 bits, points on P-256, P-384 or P-521. Keys
	/// that are bound to RSASSA-PSS or RSAES-OAEP by their identifier are [`Error::PublicKeyAlgorithm`]: TPM 1.2 has
	/// the latter, no TPM 2.0 manufacturer's path that is known has either.
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse(subject_public_key_info: &[u8]) -> Result<Self, Error> {
		let info = der::only(subject_public_key_info, SEQUENCE, Error::PublicKeyForm)?;
		let mut info = Der::new(info.contents);
		let mut algorithm = info.inside(SEQUENCE, Error::PublicKeyForm)?;
		let name = algorithm.element(OID, Error::PublicKeyForm)?.contents;
		let bits = info.element(BIT_STRING, Error::PublicKeyForm)?.contents;
		info.finish(Error::PublicKeyForm)?;
		let bits = der::bytes(bits).ok_or(Error::PublicKeyForm)?;
		match name {
			oid::RSA_ENCRYPTION => {
				// RFC 3279 wants NULL; that it is left out changes nothing.
				if let Some(null) = algorithm.optional(NULL)? {
					Der::new(null.contents).finish(Error::PublicKeyForm)?;
				}
				algorithm.finish(Error::PublicKeyForm)?;
				Self::rsa(bits)
			}
			oid::EC_PUBLIC_KEY => {
				// RFC 5480: a named curve. Explicit parameters are how CVE-2020-0601 forged roots.
				let curve = algorithm.optional(OID)?.ok_or(Error::PublicKeyAlgorithm)?;
				algorithm.finish(Error::PublicKeyForm)?;
				let curve = NistCurve::from_oid(curve.contents).ok_or(Error::PublicKeyAlgorithm)?;
				let coordinates = bits.strip_prefix(&[4]).ok_or(Error::PublicKeyForm)?;
				if coordinates.len() != 2 * curve.field_len() {
					return Err(Error::PublicKeyForm);
				}
				let (x, y) = coordinates.split_at(curve.field_len());
				Self::ecc(curve, x, y)
			}
			_ => Err(Error::PublicKeyAlgorithm),
		}
	}

	fn rsa(key: &[u8]) -> Result<Self, Error> {
		let key = der::only(key, SEQUENCE, Error::PublicKeyForm)?;
		let mut key = Der::new(key.contents);
		let modulus = key.element(INTEGER, Error::PublicKeyForm)?.contents;
		let exponent = key.element(INTEGER, Error::PublicKeyForm)?.contents;
		key.finish(Error::PublicKeyForm)?;
		let modulus = der::unsigned(modulus).ok_or(Error::PublicKeyForm)?;
		let bits = modulus.len() * 8 - modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
		if !RSA_BITS.contains(&bits) {
			return Err(Error::RsaSize);
		}
		if modulus.last().is_none_or(|byte| byte & 1 == 0) {
			return Err(Error::PublicKeyForm);
		}
		if is_roca(modulus) {
			return Err(Error::Roca);
		}
		match der::small(exponent) {
			Some(exponent) if exponent >= 3 && exponent & 1 == 1 => {
				Ok(Self::Rsa { modulus: modulus.to_vec(), exponent })
			}
			_ => Err(Error::RsaExponent),
		}
	}

	fn ecc(curve: NistCurve, x: &[u8], y: &[u8]) -> Result<Self, Error> {
		if curve.has_point(x, y) {
			Ok(Self::Ecc { curve, x: x.to_vec(), y: y.to_vec() })
		} else {
			Err(Error::PublicKeyForm)
		}
	}

	/// Rules CK3 and CK4 as they are for endorsement keys: a TPM has RSA keys of 2048, 3072 or 4096 bits, and every EK
	/// template has exponent 65537.
	pub(super) fn check_ek(&self) -> Result<(), Error> {
		match self {
			Self::Rsa { modulus, .. } if !matches!(bits_of(modulus), 2048 | 3072 | 4096) => Err(Error::RsaSize),
			Self::Rsa { exponent, .. } if *exponent != EK_EXPONENT => Err(Error::RsaExponent),
			_ => Ok(()),
		}
	}

	/// The key in a public area.
	///
	/// # Errors
	/// [`Error::PublicKeyAlgorithm`] for another curve, and CK2-CK5 as for a certificate.
	pub fn of_public_area(public: &PublicArea<'_>) -> Result<Self, Error> {
		match public.key {
			crate::public::PublicKey::Rsa { exponent, modulus, .. } => {
				// The public area was parsed, so the modulus is odd and as long as it says.
				if is_roca(modulus) {
					return Err(Error::Roca);
				}
				let exponent = if exponent == 0 { EK_EXPONENT } else { exponent };
				let key = Self::Rsa { modulus: modulus.to_vec(), exponent };
				key.check_ek().map(|()| key)
			}
			crate::public::PublicKey::Ecc { curve, x, y, .. } => {
				let curve = [NistCurve::P256, NistCurve::P384, NistCurve::P521]
					.into_iter()
					.find(|known| known.id() == curve)
					.ok_or(Error::PublicKeyAlgorithm)?;
				if x.len() != curve.field_len() || y.len() != curve.field_len() {
					return Err(Error::PublicKeyForm);
				}
				Self::ecc(curve, x, y)
			}
		}
	}

	/// The Sybil key: the SHA-256 under which this key, and so its chip, is known.
	///
	/// Over, in this order and with big-endian integers: the bytes `elapse/tpm/ek`, a zero byte, `TPM_ALG_RSA` (16
	/// bits), the exponent (32 bits) and the modulus; or `TPM_ALG_ECC` (16 bits), the `TPM_ECC_CURVE` (16 bits) and both
	/// coordinates, each as long as the field. The certificate is not in it: a chip that is certified twice is one chip.
	pub fn hash(&self) -> [u8; 32] {
		let digest = match self {
			Self::Rsa { modulus, exponent } => HashAlgorithm::Sha256.digest(&[
				b"elapse/tpm/ek\0",
				&TPM_ALG_RSA.to_be_bytes(),
				&exponent.to_be_bytes(),
				modulus,
			]),
			Self::Ecc { curve, x, y } => HashAlgorithm::Sha256.digest(&[
				b"elapse/tpm/ek\0",
				&TPM_ALG_ECC.to_be_bytes(),
				&curve.id().to_be_bytes(),
				x,
				y,
			]),
		};
		let mut hash = [0; 32];
		hash.copy_from_slice(&digest);
		hash
	}

	/// What people call it: `RSA-2048`, `P-256`.
	pub fn describe(&self) -> String {
		match self {
			Self::Rsa { modulus, .. } => alloc::format!("RSA-{}", bits_of(modulus)),
			Self::Ecc { curve: NistCurve::P256, .. } => "P-256".into(),
			Self::Ecc { curve: NistCurve::P384, .. } => "P-384".into(),
			Self::Ecc { curve: NistCurve::P521, .. } => "P-521".into(),
		}
	}

	/// The key as the `rsa` crate has it.
	pub(super) fn rsa_key(modulus: &[u8], exponent: u32) -> Result<RsaPublicKey, Error> {
		RsaPublicKey::new(BigUint::from_bytes_be(modulus), BigUint::from(exponent)).map_err(|_| Error::PublicKeyForm)
	}
}

fn bits_of(modulus: &[u8]) -> usize {
	modulus.len() * 8 - modulus.first().map_or(0, |byte| byte.leading_zeros() as usize)
}
