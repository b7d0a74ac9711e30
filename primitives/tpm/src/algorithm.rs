//! TPM algorithm identifiers and the few algorithms that Elapse accepts.
//!
//! Identifiers are those of `TPM_ALG_ID` (TPM 2.0 Library, Part 2, section 6.3, and the TCG Algorithm Registry) and of
//! `TPM_ECC_CURVE` (Part 2, section 6.4). The raw numbers are kept where a structure may hold any of them; the enums
//! hold only what is accepted, so that "is it accepted?" is answered once, on conversion.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// `TPM_ALG_RSA`: an RSA object.
pub const TPM_ALG_RSA: u16 = 0x0001;
/// `TPM_ALG_TDES`: triple DES, seen only as the cipher of a storage key.
pub const TPM_ALG_TDES: u16 = 0x0003;
/// `TPM_ALG_SHA1`: known so that a PCR bank can be named. Never accepted in a signature or a name.
pub const TPM_ALG_SHA1: u16 = 0x0004;
/// `TPM_ALG_AES`: the cipher of a storage key, such as an EK.
pub const TPM_ALG_AES: u16 = 0x0006;
/// `TPM_ALG_SHA256`.
pub const TPM_ALG_SHA256: u16 = 0x000B;
/// `TPM_ALG_SHA384`.
pub const TPM_ALG_SHA384: u16 = 0x000C;
/// `TPM_ALG_SHA512`.
pub const TPM_ALG_SHA512: u16 = 0x000D;
/// `TPM_ALG_NULL`: no algorithm.
pub const TPM_ALG_NULL: u16 = 0x0010;
/// `TPM_ALG_SM4`: a block cipher.
pub const TPM_ALG_SM4: u16 = 0x0013;
/// `TPM_ALG_SM3_256`: known so that its digests can be skipped in an event log.
pub const TPM_ALG_SM3_256: u16 = 0x0012;
/// `TPM_ALG_RSASSA`: RSASSA-PKCS1-v1_5 signatures.
pub const TPM_ALG_RSASSA: u16 = 0x0014;
/// `TPM_ALG_RSAES`: RSAES-PKCS1-v1_5 encryption.
pub const TPM_ALG_RSAES: u16 = 0x0015;
/// `TPM_ALG_RSAPSS`: RSASSA-PSS signatures. Not accepted for an attestation key.
pub const TPM_ALG_RSAPSS: u16 = 0x0016;
/// `TPM_ALG_OAEP`: RSAES-OAEP encryption.
pub const TPM_ALG_OAEP: u16 = 0x0017;
/// `TPM_ALG_ECDSA`: ECDSA signatures.
pub const TPM_ALG_ECDSA: u16 = 0x0018;
/// `TPM_ALG_ECDH`: key agreement.
pub const TPM_ALG_ECDH: u16 = 0x0019;
/// `TPM_ALG_ECDAA`: anonymous signatures. Not accepted for an attestation key.
pub const TPM_ALG_ECDAA: u16 = 0x001A;
/// `TPM_ALG_SM2`.
pub const TPM_ALG_SM2: u16 = 0x001B;
/// `TPM_ALG_ECSCHNORR`.
pub const TPM_ALG_ECSCHNORR: u16 = 0x001C;
/// `TPM_ALG_ECMQV`.
pub const TPM_ALG_ECMQV: u16 = 0x001D;
/// `TPM_ALG_ECC`: an elliptic-curve object.
pub const TPM_ALG_ECC: u16 = 0x0023;
/// `TPM_ALG_CAMELLIA`: a block cipher.
pub const TPM_ALG_CAMELLIA: u16 = 0x0026;

/// `TPM_ALG_CFB`: cipher feedback, the mode in which storage keys protect their children.
pub const TPM_ALG_CFB: u16 = 0x0043;

/// `TPM_ECC_NIST_P256`.
pub const TPM_ECC_NIST_P256: u16 = 0x0003;
/// `TPM_ECC_NIST_P384`.
pub const TPM_ECC_NIST_P384: u16 = 0x0004;

/// A hash that Elapse accepts in names and signatures.
///
/// SHA-1 is missing on purpose (collisions are practical), and so is everything that no attestation key in the field
/// uses.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum HashAlgorithm {
	/// SHA-256, 32 bytes.
	Sha256,
	/// SHA-384, 48 bytes.
	Sha384,
	/// SHA-512, 64 bytes.
	Sha512,
}

impl HashAlgorithm {
	/// The accepted hash with this `TPM_ALG_ID`, or `None` for any other.
	pub const fn from_id(id: u16) -> Option<Self> {
		match id {
			TPM_ALG_SHA256 => Some(Self::Sha256),
			TPM_ALG_SHA384 => Some(Self::Sha384),
			TPM_ALG_SHA512 => Some(Self::Sha512),
			_ => None,
		}
	}

	/// The `TPM_ALG_ID`.
	pub const fn id(self) -> u16 {
		match self {
			Self::Sha256 => TPM_ALG_SHA256,
			Self::Sha384 => TPM_ALG_SHA384,
			Self::Sha512 => TPM_ALG_SHA512,
		}
	}

	/// Length of a digest in bytes.
	pub const fn digest_len(self) -> usize {
		match self {
			Self::Sha256 => 32,
			Self::Sha384 => 48,
			Self::Sha512 => 64,
		}
	}

	/// Length in bytes of the block that the hash works on, which HMAC pads its key to.
	pub(crate) const fn block_len(self) -> usize {
		match self {
			Self::Sha256 => 64,
			Self::Sha384 | Self::Sha512 => 128,
		}
	}

	/// The digest of the concatenation of `parts`.
	pub fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
		fn run<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
			parts.iter().fold(D::new(), |hasher, part| hasher.chain_update(part)).finalize().to_vec()
		}
		match self {
			Self::Sha256 => run::<Sha256>(parts),
			Self::Sha384 => run::<Sha384>(parts),
			Self::Sha512 => run::<Sha512>(parts),
		}
	}
}

/// A curve that Elapse accepts for an attestation key.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Curve {
	/// NIST P-256.
	P256,
	/// NIST P-384.
	P384,
}

impl Curve {
	/// The accepted curve with this `TPM_ECC_CURVE`, or `None` for any other.
	pub const fn from_id(id: u16) -> Option<Self> {
		match id {
			TPM_ECC_NIST_P256 => Some(Self::P256),
			TPM_ECC_NIST_P384 => Some(Self::P384),
			_ => None,
		}
	}

	/// Length in bytes of a coordinate, and of each half of a signature.
	pub const fn field_len(self) -> usize {
		match self {
			Self::P256 => 32,
			Self::P384 => 48,
		}
	}
}

/// The digest length of a PCR bank, or `None` for a bank whose algorithm is unknown here. SHA-1 banks exist on every
/// older machine and may be named by a policy; what vouches for them is the quote's signature, not SHA-1.
pub const fn bank_digest_len(id: u16) -> Option<usize> {
	match id {
		TPM_ALG_SHA1 => Some(20),
		_ => match HashAlgorithm::from_id(id) {
			Some(hash) => Some(hash.digest_len()),
			None => None,
		},
	}
}

/// The digest of the concatenation of `parts` under the hash of a PCR bank, or `None` if its algorithm is unknown here.
pub(crate) fn bank_digest(id: u16, parts: &[&[u8]]) -> Option<Vec<u8>> {
	if id == TPM_ALG_SHA1 {
		let hasher = parts.iter().fold(sha1::Sha1::new(), |hasher, part| hasher.chain_update(part));
		return Some(hasher.finalize().to_vec());
	}
	HashAlgorithm::from_id(id).map(|hash| hash.digest(parts))
}
