//! Names and Qualified Names (TPM 2.0 Library, Part 1, section 16, and Part 2, section 10.5).
//!
//! A Name identifies an object by its whole public area; a Qualified Name also by every ancestor up to its hierarchy.
//! Both are computed here from bytes that are checked: a Name that somebody reports proves nothing.

use alloc::vec::Vec;
use codec::{Compact, Decode, DecodeWithMemTracking, Encode, EncodeLike, Input, MaxEncodedLen, Output};
use core::fmt;
use scale_info::{build::Fields, Path, Type, TypeInfo};

use crate::{reader::Reader, Error, HashAlgorithm, PublicArea};

/// `TPM_RH_ENDORSEMENT`: the handle of the endorsement hierarchy (Part 2, section 7.4).
pub const RH_ENDORSEMENT: u32 = 0x4000_000B;
/// `TPM_RH_OWNER`: the handle of the storage hierarchy.
pub const RH_OWNER: u32 = 0x4000_0001;

/// Longest name: two bytes of algorithm and a SHA-512 digest.
pub const MAX_NAME_LEN: usize = 2 + 64;

/// The name of a TPM object: its name algorithm, big-endian, followed by one digest. 34, 50 or 66 bytes.
///
/// Encoded (SCALE) as a byte vector, shown and (with the feature `serde`) serialised as lower-case hexadecimal.
/// Every way to make one checks rule N1, decoding included.
#[derive(Clone, Copy)]
pub struct Name {
	/// The name, then zeros.
	bytes: [u8; MAX_NAME_LEN],
	/// Kept beside the bytes so that the length needs no second table.
	hash: HashAlgorithm,
}

impl Name {
	/// `hash.id() || H(parts)`.
	fn digest_of(hash: HashAlgorithm, parts: &[&[u8]]) -> Self {
		let mut bytes = [0; MAX_NAME_LEN];
		let digest = hash.digest(parts);
		for (to, from) in bytes.iter_mut().zip(hash.id().to_be_bytes().iter().chain(&digest)) {
			*to = *from;
		}
		Self { bytes, hash }
	}

	/// The name of the object with this `TPMT_PUBLIC`: `nameAlg || H(public area)`, for any RSA or ECC object, an
	/// endorsement key for example.
	///
	/// # Errors
	/// Those of [`PublicArea::parse`]: the bytes must be one public area, whole.
	pub fn of_public(public_area: &[u8]) -> Result<Self, Error> {
		let name_hash = PublicArea::parse(public_area)?.name_hash;
		Ok(Self::digest_of(name_hash, &[public_area]))
	}

	/// The name here of a key of a TPM 1.2, which has none of its own: SHA-256 and its identifier over the whole
	/// `TPM_PUBKEY`.
	pub(crate) fn of_legacy(pubkey: &[u8]) -> Self {
		Self::digest_of(HashAlgorithm::Sha256, &[pubkey])
	}

	/// The name as the TPM writes it.
	pub fn as_bytes(&self) -> &[u8] {
		self.bytes.get(..2 + self.hash.digest_len()).unwrap_or(&self.bytes)
	}

	/// A name from the bytes that the TPM writes.
	///
	/// # Errors
	/// [`Error::NameForm`] unless they are an accepted hash algorithm and exactly one digest of its length. So the
	/// empty name, and a handle in place of a name (four bytes), are refused.
	pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
		let mut reader = Reader::new(bytes);
		let hash = reader.u16().ok().and_then(HashAlgorithm::from_id).ok_or(Error::NameForm)?;
		let digest = reader.take(hash.digest_len()).map_err(|_| Error::NameForm)?;
		reader.finish().map_err(|_| Error::NameForm)?;
		let mut name = [0; MAX_NAME_LEN];
		for (to, from) in name.iter_mut().zip(hash.id().to_be_bytes().iter().chain(digest)) {
			*to = *from;
		}
		Ok(Self { bytes: name, hash })
	}

	/// The hash that this name is made with.
	pub fn hash_algorithm(&self) -> HashAlgorithm {
		self.hash
	}

	/// The Qualified Name of a primary object with this name: `nameAlg || H(hierarchy handle || name)`.
	///
	/// # Errors
	/// None today; a `Result` as for every function that computes a name.
	pub fn qualified_in_hierarchy(&self, hierarchy: u32) -> Result<Self, Error> {
		Ok(Self::digest_of(self.hash, &[&hierarchy.to_be_bytes(), self.as_bytes()]))
	}

	/// The Qualified Name of an object with this name under a parent with that Qualified Name:
	/// `nameAlg(child) || H(QN(parent) || name(child))`.
	///
	/// # Errors
	/// None today; a `Result` as for every function that computes a name.
	pub fn qualified_under(&self, parent_qualified: &Self) -> Result<Self, Error> {
		Ok(Self::digest_of(self.hash, &[parent_qualified.as_bytes(), self.as_bytes()]))
	}
}

impl PartialEq for Name {
	fn eq(&self, other: &Self) -> bool {
		self.as_bytes() == other.as_bytes()
	}
}

impl Eq for Name {}

impl PartialOrd for Name {
	fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
		Some(self.cmp(other))
	}
}

impl Ord for Name {
	fn cmp(&self, other: &Self) -> core::cmp::Ordering {
		self.as_bytes().cmp(other.as_bytes())
	}
}

impl core::hash::Hash for Name {
	fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
		self.as_bytes().hash(state)
	}
}

impl AsRef<[u8]> for Name {
	fn as_ref(&self) -> &[u8] {
		self.as_bytes()
	}
}

impl fmt::Display for Name {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
	}
}

impl fmt::Debug for Name {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "Name({self})")
	}
}

impl Encode for Name {
	fn size_hint(&self) -> usize {
		self.as_bytes().size_hint()
	}

	fn encode_to<T: Output + ?Sized>(&self, dest: &mut T) {
		self.as_bytes().encode_to(dest)
	}
}

impl EncodeLike for Name {}

impl Decode for Name {
	fn decode<I: Input>(input: &mut I) -> Result<Self, codec::Error> {
		// The length is read apart from the bytes, so that a lying one costs no allocation.
		let Compact(len) = Compact::<u32>::decode(input)?;
		let mut buffer = [0; MAX_NAME_LEN];
		let bytes = usize::try_from(len).ok().and_then(|len| buffer.get_mut(..len)).ok_or("name is too long")?;
		input.read(bytes)?;
		Self::from_bytes(bytes).map_err(|_| "not a name".into())
	}
}

impl DecodeWithMemTracking for Name {}

impl MaxEncodedLen for Name {
	fn max_encoded_len() -> usize {
		// A compact length of 64 or more takes two bytes.
		2 + MAX_NAME_LEN
	}
}

impl TypeInfo for Name {
	type Identity = Self;

	fn type_info() -> Type {
		Type::builder()
			.path(Path::new("Name", module_path!()))
			.composite(Fields::unnamed().field(|field| field.ty::<Vec<u8>>()))
	}
}

#[cfg(feature = "serde")]
impl serde::Serialize for Name {
	fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
		serializer.collect_str(self)
	}
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Name {
	fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
		use serde::de::Error as _;
		let text = alloc::string::String::deserialize(deserializer)?;
		text.parse().map_err(|_| D::Error::custom("a TPM name is 34, 50 or 66 bytes of hexadecimal"))
	}
}

impl core::str::FromStr for Name {
	type Err = Error;

	/// The name with this hexadecimal form, with or without `0x`.
	fn from_str(text: &str) -> Result<Self, Error> {
		let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
		let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
		let bytes: Option<Vec<u8>> = digits
			.chunks(2)
			.map(|pair| match pair {
				[high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
				_ => None,
			})
			.collect();
		Self::from_bytes(&bytes.ok_or(Error::NameForm)?)
	}
}
