//! What a TPM is, as its certificate says: manufacturer, model, version (TCG EK Credential Profile, "Subject Alternative
//! Name" and "Subject Directory Attributes").

use alloc::string::String;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

use super::{
	der::{self, Der, Tlv, INTEGER, OID, SEQUENCE, SET},
	name, oid, Certificate, Error,
};

/// A manufacturer in the TCG Vendor ID Registry: four bytes, most of them letters.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Manufacturer(
	/// The four bytes, padded on the right with zeros (or spaces: the registry has `STM `).
	pub [u8; 4],
);

impl Manufacturer {
	/// `id:` and eight hexadecimal digits.
	fn parse(text: &str) -> Option<Self> {
		let digits = text.strip_prefix("id:")?;
		let is_hex = digits.len() == 8 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
		let number = is_hex.then(|| u32::from_str_radix(digits, 16).ok())??;
		Some(Self(number.to_be_bytes()))
	}
}

impl fmt::Display for Manufacturer {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let len = self.0.iter().rposition(|byte| !matches!(byte, 0 | b' ')).map_or(0, |last| last + 1);
		match self.0.get(..len) {
			Some(letters) if len > 0 && letters.iter().all(u8::is_ascii_graphic) => {
				letters.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
			}
			_ => self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
		}
	}
}

#[cfg(feature = "serde")]
impl serde::Serialize for Manufacturer {
	fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
		serializer.collect_str(self)
	}
}

/// Longest text of a model or a version, in bytes.
pub const MAX_ATTRIBUTE_LEN: u32 = 64;

/// A text of a certificate: UTF-8 without control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct AttributeText(BoundedVec<u8, ConstU32<MAX_ATTRIBUTE_LEN>>);

impl AttributeText {
	/// The text, or `None` if it is too long or holds a control character.
	pub fn new(text: &str) -> Option<Self> {
		if text.chars().any(char::is_control) {
			return None;
		}
		BoundedVec::try_from(text.as_bytes().to_vec()).ok().map(Self)
	}

	/// The text.
	pub fn as_str(&self) -> &str {
		core::str::from_utf8(&self.0).unwrap_or_default()
	}
}

impl fmt::Display for AttributeText {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(self.as_str())
	}
}

#[cfg(feature = "serde")]
impl serde::Serialize for AttributeText {
	fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
		serializer.serialize_str(self.as_str())
	}
}

/// The specification that a TPM implements (`tPMSpecification`).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Specification {
	/// `2.0` or `1.2`.
	pub family: AttributeText,
	/// Level.
	pub level: u32,
	/// Revision, times a hundred.
	pub revision: u32,
}

/// What a TPM is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TpmIdentity {
	/// Who made it.
	pub manufacturer: Manufacturer,
	/// The manufacturer's name for it.
	pub model: AttributeText,
	/// The firmware that it left the factory with: `id:` and hexadecimal digits, mostly.
	pub version: AttributeText,
	/// The specification that it implements, if the certificate says so in a form that can be read.
	pub specification: Option<Specification>,
}

impl TpmIdentity {
	/// The identity in a certificate (rule EK4).
	///
	/// The three attributes must stand in one or several directoryNames of the alternative name, each once, in one RDN
	/// or in three. Other names beside them are of no interest.
	///
	/// # Errors
	/// [`Error::TpmAttributes`], or the form that is broken.
	pub fn of(certificate: &Certificate<'_>) -> Result<Self, Error> {
		let wrong = Error::TpmAttributes;
		let names = certificate.extensions.alternative_name.ok_or(wrong)?;
		let names = der::only(names, SEQUENCE, Error::ExtensionForm)?;
		let mut names = Der::new(names.contents);
		let (mut manufacturer, mut model, mut version) = (None, None, None);
		let mut twice = false;
		while !names.is_empty() {
			let general = names.any()?;
			if general.tag != der::constructed(4) {
				continue;
			}
			name::attributes(general.contents, |_, (kind, value)| {
				let slot = match kind {
					oid::TPM_MANUFACTURER => &mut manufacturer,
					oid::TPM_MODEL => &mut model,
					oid::TPM_VERSION => &mut version,
					_ => return,
				};
				twice |= slot.replace(value).is_some();
			})?;
		}
		if twice {
			return Err(wrong);
		}
		let text = |value: Option<Tlv<'_>>| value.and_then(name::text).and_then(AttributeText::new).ok_or(wrong);
		Ok(Self {
			manufacturer: Manufacturer::parse(text(manufacturer)?.as_str()).ok_or(wrong)?,
			model: text(model)?,
			version: text(version)?,
			specification: certificate.extensions.directory_attributes.and_then(specification),
		})
	}

	/// The firmware version in the form of `TPMS_ATTEST.firmwareVersion`, whose upper half is
	/// `TPM_PT_FIRMWARE_VERSION_1`: up to eight digits are that half, up to sixteen both. `None` if the text is neither.
	///
	/// It is the factory's. An attestation says what the chip runs today.
	pub fn firmware(&self) -> Option<u64> {
		let digits = self.version.as_str().strip_prefix("id:")?;
		if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
			return None;
		}
		let number = u64::from_str_radix(digits, 16).ok()?;
		Some(if digits.len() <= 8 { number << 32 } else { number })
	}

	/// One line for people.
	pub fn describe(&self) -> String {
		alloc::format!("{} {} {}", self.manufacturer, self.model, self.version)
	}
}

/// The `tPMSpecification` among the directory attributes. No rule rests on it (it may be missing), so a form that cannot
/// be read counts as none.
fn specification(attributes: &[u8]) -> Option<Specification> {
	let wrong = Error::ExtensionForm;
	let list = der::only(attributes, SEQUENCE, wrong).ok()?;
	let mut list = Der::new(list.contents);
	while !list.is_empty() {
		let mut attribute = list.inside(SEQUENCE, wrong).ok()?;
		if attribute.element(OID, wrong).ok()?.contents != oid::TPM_SPECIFICATION {
			continue;
		}
		let mut values = attribute.inside(SET, wrong).ok()?;
		let mut value = values.inside(SEQUENCE, wrong).ok()?;
		let family = AttributeText::new(name::text(value.any().ok()?)?)?;
		let level = der::small(value.element(INTEGER, wrong).ok()?.contents)?;
		let revision = der::small(value.element(INTEGER, wrong).ok()?.contents)?;
		return Some(Specification { family, level, revision });
	}
	None
}
