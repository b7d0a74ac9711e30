//! `TPMT_PUBLIC`, the public area of an RSA or ECC object (TPM 2.0 Library, Part 2, section 12.2.4).
//!
//! Any such object is parsed, an endorsement key for example; what an *attestation* key must be is decided in
//! [`crate::AttestationKey`].

use crate::{algorithm::*, reader::Reader, Error, HashAlgorithm};

/// Longest modulus in bytes (4096 bits).
const MAX_RSA_LEN: usize = 512;
/// Longest coordinate in bytes (P-521).
const MAX_COORDINATE_LEN: usize = 66;
/// Longest digest in bytes.
const MAX_DIGEST_LEN: usize = 64;

/// Longest `TPMT_PUBLIC` that [`crate::AttestationKey::parse`] accepts, in bytes: RSA-4096 with a SHA-512 policy.
/// type, nameAlg, attributes, policy, symmetric, scheme and hash, key size, exponent, modulus.
pub const MAX_AK_PUBLIC_LEN: usize = 2 + 2 + 4 + (2 + MAX_DIGEST_LEN) + 2 + 4 + 2 + 4 + (2 + MAX_RSA_LEN);

/// `TPMA_OBJECT`: the attributes of an object (Part 2, section 8.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectAttributes(
	/// The raw bits.
	pub u32,
);

impl ObjectAttributes {
	/// The object cannot leave its TPM.
	pub const FIXED_TPM: u32 = 1 << 1;
	/// Saved contexts of the object do not survive a restart.
	pub const ST_CLEAR: u32 = 1 << 2;
	/// The object cannot be given another parent.
	pub const FIXED_PARENT: u32 = 1 << 4;
	/// The TPM made the secret itself.
	pub const SENSITIVE_DATA_ORIGIN: u32 = 1 << 5;
	/// The object may be used with its password or by HMAC.
	pub const USER_WITH_AUTH: u32 = 1 << 6;
	/// Administration of the object needs its policy.
	pub const ADMIN_WITH_POLICY: u32 = 1 << 7;
	/// Failed authorisations do not count against the TPM's dictionary-attack limit, and its lockout does not stop the
	/// object.
	pub const NO_DA: u32 = 1 << 10;
	/// The object handles only structures of known form: a signing key with it signs nothing that merely looks as if a
	/// TPM had made it.
	pub const RESTRICTED: u32 = 1 << 16;
	/// The private key may decrypt.
	pub const DECRYPT: u32 = 1 << 17;
	/// The private key may sign.
	pub const SIGN: u32 = 1 << 18;

	/// Whether every bit of `mask` is set.
	pub const fn has(self, mask: u32) -> bool {
		self.0 & mask == mask
	}
}

/// A scheme with its hash (`TPMT_RSA_SCHEME`, `TPMT_ECC_SCHEME`, `TPMT_KDF_SCHEME`), raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme {
	/// Its `TPM_ALG_ID`; [`TPM_ALG_NULL`] for none.
	pub algorithm: u16,
	/// The `TPM_ALG_ID` of its hash, for the schemes that have one.
	pub hash: Option<u16>,
}

impl Scheme {
	/// Whether there is no scheme.
	pub const fn is_null(&self) -> bool {
		self.algorithm == TPM_ALG_NULL
	}
}

/// The block cipher with which a storage key protects its children (`TPMT_SYM_DEF_OBJECT`), raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symmetric {
	/// Its `TPM_ALG_ID`.
	pub algorithm: u16,
	/// Key length in bits.
	pub key_bits: u16,
	/// The `TPM_ALG_ID` of the mode.
	pub mode: u16,
}

/// What depends on the type of object: parameters and the public key itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicKey<'a> {
	/// An RSA object (`TPMS_RSA_PARMS` and `TPM2B_PUBLIC_KEY_RSA`).
	Rsa {
		/// Modulus length in bits.
		key_bits: u16,
		/// Public exponent; zero stands for 65537.
		exponent: u32,
		/// The modulus, big-endian, exactly as long as `key_bits` says, odd.
		modulus: &'a [u8],
	},
	/// An ECC object (`TPMS_ECC_PARMS` and `TPMS_ECC_POINT`).
	Ecc {
		/// The `TPM_ECC_CURVE`.
		curve: u16,
		/// Key derivation scheme.
		kdf: Scheme,
		/// Coordinate, big-endian. Not checked here: an object may be on a curve that this crate does not know.
		x: &'a [u8],
		/// Coordinate, big-endian.
		y: &'a [u8],
	},
}

/// The public area of an RSA or ECC object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicArea<'a> {
	/// The hash of the object's Name.
	pub name_hash: HashAlgorithm,
	/// The attributes.
	pub attributes: ObjectAttributes,
	/// The digest of the policy under which the object may be used, or empty.
	pub auth_policy: &'a [u8],
	/// The block cipher, for a storage key.
	pub symmetric: Option<Symmetric>,
	/// The signing or decryption scheme.
	pub scheme: Scheme,
	/// The key.
	pub key: PublicKey<'a>,
}

impl<'a> PublicArea<'a> {
	/// Parses a `TPMT_PUBLIC` to its last byte (rules E1-E3, P1-P6).
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse(public_area: &'a [u8]) -> Result<Self, Error> {
		let mut reader = Reader::new(public_area);
		let object_type = reader.u16()?;
		if object_type != TPM_ALG_RSA && object_type != TPM_ALG_ECC {
			return Err(Error::ObjectType);
		}
		let name_hash = HashAlgorithm::from_id(reader.u16()?).ok_or(Error::NameHash)?;
		let attributes = ObjectAttributes(reader.u32()?);
		let auth_policy = reader.sized(MAX_DIGEST_LEN)?;
		if !auth_policy.is_empty() && auth_policy.len() != name_hash.digest_len() {
			return Err(Error::AuthPolicySize);
		}
		let symmetric = symmetric(&mut reader)?;
		let (scheme, key) = if object_type == TPM_ALG_RSA { rsa(&mut reader)? } else { ecc(&mut reader)? };
		reader.finish()?;
		Ok(Self { name_hash, attributes, auth_policy, symmetric, scheme, key })
	}
}

/// The `TPMT_PUBLIC` inside a `TPM2B_PUBLIC`, the form in which most tools save public areas: it must be there, whole,
/// and nothing after it.
///
/// # Errors
/// [`Error::Truncated`] or [`Error::TrailingBytes`] if the size prefix is not that of what follows. The contents are
/// not judged.
pub fn strip_tpm2b(tpm2b: &[u8]) -> Result<&[u8], Error> {
	let mut reader = Reader::new(tpm2b);
	let contents = reader.sized(usize::from(u16::MAX))?;
	reader.finish()?;
	Ok(contents)
}

fn symmetric(reader: &mut Reader<'_>) -> Result<Option<Symmetric>, Error> {
	match reader.u16()? {
		TPM_ALG_NULL => Ok(None),
		algorithm @ (TPM_ALG_TDES | TPM_ALG_AES | TPM_ALG_SM4 | TPM_ALG_CAMELLIA) => {
			Ok(Some(Symmetric { algorithm, key_bits: reader.u16()?, mode: reader.u16()? }))
		}
		_ => Err(Error::SymmetricForm),
	}
}

fn rsa<'a>(reader: &mut Reader<'a>) -> Result<(Scheme, PublicKey<'a>), Error> {
	let algorithm = reader.u16()?;
	let hash = match algorithm {
		TPM_ALG_NULL | TPM_ALG_RSAES => None,
		TPM_ALG_RSASSA | TPM_ALG_RSAPSS | TPM_ALG_OAEP => Some(reader.u16()?),
		_ => return Err(Error::SchemeForm),
	};
	let key_bits = reader.u16()?;
	let exponent = reader.u32()?;
	let modulus = reader.sized(MAX_RSA_LEN)?;
	// The top bit decides the real length of the key; an even modulus is none.
	let exact = modulus.len() * 8 == usize::from(key_bits);
	let top = modulus.first().is_some_and(|byte| byte & 0x80 != 0);
	let odd = modulus.last().is_some_and(|byte| byte & 1 != 0);
	if !(exact && top && odd) {
		return Err(Error::RsaModulus);
	}
	Ok((Scheme { algorithm, hash }, PublicKey::Rsa { key_bits, exponent, modulus }))
}

fn ecc<'a>(reader: &mut Reader<'a>) -> Result<(Scheme, PublicKey<'a>), Error> {
	let algorithm = reader.u16()?;
	let hash = match algorithm {
		TPM_ALG_NULL => None,
		TPM_ALG_ECDSA | TPM_ALG_SM2 | TPM_ALG_ECSCHNORR | TPM_ALG_ECDH | TPM_ALG_ECMQV => Some(reader.u16()?),
		TPM_ALG_ECDAA => {
			let hash = reader.u16()?;
			// `TPMS_SIG_SCHEME_ECDAA` also has a counter. No rule needs it, and the Name covers it.
			reader.u16()?;
			Some(hash)
		}
		_ => return Err(Error::SchemeForm),
	};
	let curve = reader.u16()?;
	let kdf = match reader.u16()? {
		TPM_ALG_NULL => Scheme { algorithm: TPM_ALG_NULL, hash: None },
		// Every KDF has a hash. Which KDFs exist is left open: an attestation key has none.
		algorithm => Scheme { algorithm, hash: Some(reader.u16()?) },
	};
	let x = reader.sized(MAX_COORDINATE_LEN)?;
	let y = reader.sized(MAX_COORDINATE_LEN)?;
	Ok((Scheme { algorithm, hash }, PublicKey::Ecc { curve, kdf, x, y }))
}
