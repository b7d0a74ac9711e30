//! `TPMS_ATTEST` about objects (TPM 2.0 Library, Part 2, sections 10.12.3 and 10.12.7): that an object is loaded in the
//! TPM of an attestation key (`TPM2_Certify`), or that the TPM made it, where and when (`TPM2_CertifyCreation`).
//!
//! Either says what an object *is* only through its Name: what it may do is in its public area, which the caller has and
//! whose Name is computed here.
//!
//! # Rules
//!
//! Beside those of every attestation (E, N1, A1-A4, S):
//! - O1 *certified-name*: the Name is that of the public area that was handed over. Otherwise somebody would certify a
//!   good object and hand over another.
//! - O2 *certified-qualified-name*: the Qualified Name is that of this object under the parent that the caller expects.
//! - O3 *created-name*: as O1, of a creation.
//! - O4 *creation-hash*: the creation data is what the TPM hashed, under the object's name algorithm.
//! - O5 *creation-data-form*: one locality or an extended one, a parent's name of the algorithm that is said, a PCR digest
//!   of one accepted hash.
//! - O6 *creation-parent*: the object was made under the parent that the caller expects.

use alloc::vec::Vec;

use crate::{
	algorithm::TPM_ALG_NULL,
	attest::{signed_under_ek, Header, MAX_DIGEST_LEN, MAX_EXTRA_DATA_LEN},
	name::MAX_NAME_LEN,
	reader::Reader,
	AttestationKey, ClockInfo, Error, HashAlgorithm, Name, PcrSelection,
};

/// `TPM_ST_ATTEST_CERTIFY` (Part 2, section 6.9).
pub const TPM_ST_ATTEST_CERTIFY: u16 = 0x8017;
/// `TPM_ST_ATTEST_CREATION` (Part 2, section 6.9).
pub const TPM_ST_ATTEST_CREATION: u16 = 0x801A;

/// That an object is loaded (`TPMS_CERTIFY_INFO`, Part 2, section 10.12.3).
///
/// Parsing alone proves nothing: see [`verify_certify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifyAttestation {
	/// The Qualified Name of the key that signed.
	pub qualified_signer: Name,
	/// The nonce that the caller gave to the TPM.
	pub extra_data: Vec<u8>,
	/// The clock information, plain for keys in the endorsement hierarchy.
	pub clock_info: ClockInfo,
	/// The firmware version, plain for the same keys.
	pub firmware_version: u64,
	/// The Name of the object.
	pub name: Name,
	/// Its Qualified Name.
	pub qualified_name: Name,
}

impl CertifyAttestation {
	/// Parses a `TPMS_ATTEST` of the kind `certify` to its last byte (rules E1-E3, N1, A1, A2, A4).
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse(attest: &[u8]) -> Result<Self, Error> {
		let mut reader = Reader::new(attest);
		let header = Header::read(&mut reader, TPM_ST_ATTEST_CERTIFY)?;
		let name = Name::from_bytes(reader.sized(MAX_NAME_LEN)?)?;
		let qualified_name = Name::from_bytes(reader.sized(MAX_NAME_LEN)?)?;
		reader.finish()?;
		Ok(Self {
			qualified_signer: header.qualified_signer,
			extra_data: header.extra_data.to_vec(),
			clock_info: header.clock_info,
			firmware_version: header.firmware_version,
			name,
			qualified_name,
		})
	}

	/// Rule N2 *qualified-signer*, as [`crate::TimeAttestation::signed_under_ek`].
	///
	/// # Errors
	/// [`Error::QualifiedSigner`].
	pub fn signed_under_ek(&self, key: &AttestationKey, ek_name: &Name) -> Result<(), Error> {
		signed_under_ek(&self.qualified_signer, key, ek_name)
	}

	/// Rule O2 *certified-qualified-name*: the object is a child of the parent with this Qualified Name.
	///
	/// # Errors
	/// [`Error::CertifiedQualifiedName`].
	pub fn is_under(&self, parent_qualified: &Name) -> Result<(), Error> {
		if self.qualified_name == self.name.qualified_under(parent_qualified)? {
			Ok(())
		} else {
			Err(Error::CertifiedQualifiedName)
		}
	}
}

/// That the TPM made an object (`TPMS_CREATION_INFO`, Part 2, section 10.12.7).
///
/// Parsing alone proves nothing: see [`verify_creation`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreationAttestation {
	/// The Qualified Name of the key that signed.
	pub qualified_signer: Name,
	/// The nonce that the caller gave to the TPM.
	pub extra_data: Vec<u8>,
	/// The clock information, plain for keys in the endorsement hierarchy.
	pub clock_info: ClockInfo,
	/// The firmware version, plain for the same keys.
	pub firmware_version: u64,
	/// The Name of the object.
	pub name: Name,
	/// The digest of its creation data.
	pub creation_hash: Vec<u8>,
}

impl CreationAttestation {
	/// Parses a `TPMS_ATTEST` of the kind `creation` to its last byte (rules E1-E3, N1, A1, A2, A4).
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse(attest: &[u8]) -> Result<Self, Error> {
		let mut reader = Reader::new(attest);
		let header = Header::read(&mut reader, TPM_ST_ATTEST_CREATION)?;
		let name = Name::from_bytes(reader.sized(MAX_NAME_LEN)?)?;
		let creation_hash = reader.sized(MAX_DIGEST_LEN)?.to_vec();
		reader.finish()?;
		Ok(Self {
			qualified_signer: header.qualified_signer,
			extra_data: header.extra_data.to_vec(),
			clock_info: header.clock_info,
			firmware_version: header.firmware_version,
			name,
			creation_hash,
		})
	}

	/// Rule N2 *qualified-signer*, as [`crate::TimeAttestation::signed_under_ek`].
	///
	/// # Errors
	/// [`Error::QualifiedSigner`].
	pub fn signed_under_ek(&self, key: &AttestationKey, ek_name: &Name) -> Result<(), Error> {
		signed_under_ek(&self.qualified_signer, key, ek_name)
	}
}

/// The circumstances of a creation (`TPMS_CREATION_DATA`, Part 2, section 15.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreationData {
	/// The PCRs that the caller had noted.
	pub pcr_selection: Vec<PcrSelection>,
	/// The digest of their values, under the object's name algorithm.
	pub pcr_digest: Vec<u8>,
	/// The locality, as `TPMA_LOCALITY`.
	pub locality: u8,
	/// The Name of the parent, or `None` for a primary object.
	pub parent: Option<Parent>,
	/// What the caller had noted.
	pub outside_info: Vec<u8>,
}

/// A parent in [`CreationData`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
	/// Its Name.
	pub name: Name,
	/// Its Qualified Name.
	pub qualified_name: Name,
}

impl CreationData {
	/// Parses a `TPMS_CREATION_DATA`, without the size prefix of a `TPM2B_CREATION_DATA`, to its last byte (rules E1-E3, N1,
	/// Q2, O5).
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse(data: &[u8]) -> Result<Self, Error> {
		let mut reader = Reader::new(data);
		let pcr_selection = PcrSelection::read_list(&mut reader)?;
		let pcr_digest = reader.sized(MAX_DIGEST_LEN)?;
		let locality = reader.u8()?;
		let parent_hash = reader.u16()?;
		let parent_name = reader.sized(MAX_NAME_LEN)?;
		let parent_qualified = reader.sized(MAX_NAME_LEN)?;
		let outside_info = reader.sized(MAX_EXTRA_DATA_LEN)?;
		reader.finish()?;
		// `TPMA_LOCALITY`: one bit of 0 to 4, or a number of 32 or more.
		let locality_fits = matches!(locality, 1 | 2 | 4 | 8 | 16 | 32..);
		let hashes = [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512];
		if !locality_fits || !hashes.iter().any(|hash| hash.digest_len() == pcr_digest.len()) {
			return Err(Error::CreationDataForm);
		}
		let parent = if parent_hash == TPM_ALG_NULL {
			// A primary object's parent is a hierarchy, whose name is its handle, twice.
			if parent_name.len() != 4 || parent_name != parent_qualified {
				return Err(Error::CreationDataForm);
			}
			None
		} else {
			let parent =
				Parent { name: Name::from_bytes(parent_name)?, qualified_name: Name::from_bytes(parent_qualified)? };
			if parent.name.hash_algorithm().id() != parent_hash {
				return Err(Error::CreationDataForm);
			}
			Some(parent)
		};
		Ok(Self {
			pcr_selection,
			pcr_digest: pcr_digest.to_vec(),
			locality,
			parent,
			outside_info: outside_info.to_vec(),
		})
	}

	/// Rule O6 *creation-parent*: the object was made under the parent with this Qualified Name.
	///
	/// # Errors
	/// [`Error::CreationParent`] if it was another, or a hierarchy.
	pub fn made_under(&self, parent_qualified: &Name) -> Result<(), Error> {
		match self.parent {
			Some(parent) if parent.qualified_name == *parent_qualified => Ok(()),
			_ => Err(Error::CreationParent),
		}
	}
}

/// That the object with this public area (`TPMT_PUBLIC`) is loaded in the TPM of `key`: rules E1-E3, N1, A1-A4, O1 over
/// `attest`, S1-S6 over `signature`.
///
/// What is left to the caller beside what [`crate::verify_time`] leaves: the object's attributes, and its parent
/// ([`CertifyAttestation::is_under`]).
///
/// # Errors
/// The rule that is broken; those of [`crate::PublicArea::parse`] if the public area is none.
pub fn verify_certify(
	key: &AttestationKey,
	attest: &[u8],
	signature: &[u8],
	nonce: &[u8],
	object_public: &[u8],
) -> Result<CertifyAttestation, Error> {
	let parsed = CertifyAttestation::parse(attest)?;
	if parsed.extra_data != nonce {
		return Err(Error::Nonce);
	}
	if parsed.name != Name::of_public(object_public)? {
		return Err(Error::CertifiedName);
	}
	key.verify(attest, signature)?;
	Ok(parsed)
}

/// That the TPM of `key` made the object with this public area (`TPMT_PUBLIC`) under the circumstances of this creation
/// data (`TPMS_CREATION_DATA`): rules E1-E3, N1, Q2, A1-A4, O3-O5, S1-S6.
///
/// What is left to the caller beside what [`crate::verify_time`] leaves: the object's attributes, and its parent
/// ([`CreationData::made_under`]).
///
/// # Errors
/// The rule that is broken; those of [`crate::PublicArea::parse`] if the public area is none.
pub fn verify_creation(
	key: &AttestationKey,
	attest: &[u8],
	signature: &[u8],
	nonce: &[u8],
	object_public: &[u8],
	creation_data: &[u8],
) -> Result<(CreationAttestation, CreationData), Error> {
	let parsed = CreationAttestation::parse(attest)?;
	if parsed.extra_data != nonce {
		return Err(Error::Nonce);
	}
	let name = Name::of_public(object_public)?;
	if parsed.name != name {
		return Err(Error::CreatedName);
	}
	if parsed.creation_hash != name.hash_algorithm().digest(&[creation_data]) {
		return Err(Error::CreationHash);
	}
	let data = CreationData::parse(creation_data)?;
	key.verify(attest, signature)?;
	Ok((parsed, data))
}
