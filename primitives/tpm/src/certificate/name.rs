//! Distinguished names (RFC 5280, section 4.1.2.4), as they came.

use alloc::{
	string::{String, ToString},
	vec::Vec,
};

use super::{
	der::{self, Der, Tlv, IA5_STRING, OID, PRINTABLE_STRING, SEQUENCE, SET, UTF8_STRING},
	Error,
};
use crate::HashAlgorithm;

/// One attribute of a name: its type and its value.
pub(super) type Attribute<'a> = (&'a [u8], Tlv<'a>);

/// Calls `each` with every attribute of this `Name` (the whole element), and with whether it begins an RDN (rule CF8).
pub(super) fn attributes<'a>(name: &'a [u8], mut each: impl FnMut(bool, Attribute<'a>)) -> Result<(), Error> {
	let name = der::only(name, SEQUENCE, Error::NameForm)?;
	let mut name = Der::new(name.contents);
	while !name.is_empty() {
		let mut set = name.inside(SET, Error::NameForm)?;
		let mut first = true;
		// An empty set is none (X.501), and how the elements of a set are sorted is of no interest here.
		while first || !set.is_empty() {
			let mut attribute = set.inside(SEQUENCE, Error::NameForm)?;
			let kind = attribute.element(OID, Error::NameForm)?.contents;
			let value = attribute.any()?;
			attribute.finish(Error::NameForm)?;
			each(first, (kind, value));
			first = false;
		}
	}
	Ok(())
}

/// Whether a name has no attributes. It must be a name.
pub(super) fn is_empty(name: &[u8]) -> bool {
	name == [SEQUENCE, 0]
}

/// The text of a string of a type that names of TPMs use, or `None` for other types and for what is not UTF-8.
pub(super) fn text(value: Tlv<'_>) -> Option<&str> {
	match value.tag {
		UTF8_STRING | PRINTABLE_STRING | IA5_STRING => core::str::from_utf8(value.contents).ok(),
		_ => None,
	}
}

/// The SHA-256 under which names that are the same have the same place.
///
/// Names are the same if they have the same attributes with the same bytes in the same order; only whether a string is
/// a PrintableString or a UTF8String makes no difference. (RFC 5280, section 7.1, demands that of every
/// implementation, and AMD reissued a root whose older twin differs in nothing else.) No folding of case or spaces:
/// what names the issuer must be able to copy a name.
pub fn name_hash(name: &[u8]) -> Result<[u8; 32], Error> {
	let mut normal = Vec::with_capacity(name.len());
	attributes(name, |first, (kind, value)| {
		let tag = if value.tag == PRINTABLE_STRING { UTF8_STRING } else { value.tag };
		normal.extend([u8::from(first), tag]);
		for part in [kind, value.contents] {
			normal.extend((part.len() as u32).to_be_bytes());
			normal.extend(part);
		}
	})?;
	let mut hash = [0; 32];
	hash.copy_from_slice(&HashAlgorithm::Sha256.digest(&[&normal]));
	Ok(hash)
}

/// A name for people, in the order of its bytes: `C=CH, O=STMicroelectronics NV`. Not for comparisons.
pub fn describe_name(name: &[u8]) -> String {
	let mut out = String::new();
	let whole = attributes(name, |first, (kind, value)| {
		if !out.is_empty() {
			out.push_str(if first { ", " } else { " + " });
		}
		out.push_str(&match kind {
			[0x55, 0x04, 0x03] => "CN".into(),
			[0x55, 0x04, 0x05] => "serialNumber".into(),
			[0x55, 0x04, 0x06] => "C".into(),
			[0x55, 0x04, 0x07] => "L".into(),
			[0x55, 0x04, 0x08] => "ST".into(),
			[0x55, 0x04, 0x0a] => "O".into(),
			[0x55, 0x04, 0x0b] => "OU".into(),
			_ => hex(kind),
		});
		out.push('=');
		match text(value) {
			// Nothing that a terminal would obey.
			Some(text) => out.extend(text.chars().map(|c| if c.is_control() { '?' } else { c })),
			None => out.push_str(&hex(value.contents)),
		}
	});
	match whole {
		Ok(()) if out.is_empty() => "(empty)".to_string(),
		Ok(()) => out,
		Err(_) => "(no name)".to_string(),
	}
}

fn hex(bytes: &[u8]) -> String {
	bytes.iter().map(|byte| alloc::format!("{byte:02x}")).collect()
}
