//! Extensions of a certificate (RFC 5280, section 4.2): those that decide something here, and whether there is a
//! critical one that is not understood.

use super::{
	der::{self, Der, BIT_STRING, BOOLEAN, INTEGER, OCTET_STRING, OID, SEQUENCE},
	oid, Error,
};

/// More extensions than any certificate has, so that looking for duplicates stays cheap.
pub(super) const MAX_EXTENSIONS: usize = 32;

/// `keyUsage` bits (RFC 5280, section 4.2.1.3).
pub(super) const KEY_ENCIPHERMENT: u16 = 1 << 2;
pub(super) const KEY_AGREEMENT: u16 = 1 << 4;
pub(super) const KEY_CERT_SIGN: u16 = 1 << 5;
pub(super) const CRL_SIGN: u16 = 1 << 6;

/// `basicConstraints`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct BasicConstraints {
	pub(super) ca: bool,
	pub(super) path_len: Option<u32>,
}

/// `extKeyUsage`: what of it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Purposes {
	pub(super) endorsement_key: bool,
	pub(super) any: bool,
}

/// What the extensions say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extensions<'a> {
	pub(super) basic_constraints: Option<BasicConstraints>,
	pub(super) key_usage: Option<u16>,
	pub(super) purposes: Option<Purposes>,
	/// The `GeneralNames` of the subject, not parsed.
	pub(super) alternative_name: Option<&'a [u8]>,
	/// The `SubjectDirectoryAttributes`, not parsed.
	pub(super) directory_attributes: Option<&'a [u8]>,
	pub(super) subject_key: Option<&'a [u8]>,
	pub(super) issuer_key: Option<&'a [u8]>,
	/// Whether a critical extension is not understood.
	pub(super) unknown_critical: bool,
}

/// One extension.
#[derive(Clone, Copy)]
pub(super) struct Extension<'a> {
	pub(super) kind: &'a [u8],
	pub(super) critical: bool,
	pub(super) value: &'a [u8],
}

/// The extensions of a certificate, a list or an entry, one after the other (rules CF9 and CF10). `extensions` is the
/// whole `Extensions` element.
pub(super) fn each_extension<'a>(
	extensions: &'a [u8],
	mut each: impl FnMut(Extension<'a>) -> Result<(), Error>,
) -> Result<(), Error> {
	let list = der::only(extensions, SEQUENCE, Error::ExtensionForm)?;
	let mut list = Der::new(list.contents);
	let mut seen = [&[][..]; MAX_EXTENSIONS];
	let mut free = seen.iter_mut();
	let mut count = 0;
	// `Extensions` has at least one element.
	while count == 0 || !list.is_empty() {
		let mut extension = list.inside(SEQUENCE, Error::ExtensionForm)?;
		let kind = extension.element(OID, Error::ExtensionForm)?.contents;
		let critical = match extension.optional(BOOLEAN)? {
			// DER leaves out the default; Intel's on-die certificates write it.
			Some(critical) => der::boolean(critical.contents).ok_or(Error::ExtensionForm)?,
			None => false,
		};
		let value = extension.element(OCTET_STRING, Error::ExtensionForm)?.contents;
		extension.finish(Error::ExtensionForm)?;
		*free.next().ok_or(Error::ExtensionForm)? = kind;
		each(Extension { kind, critical, value })?;
		count += 1;
	}
	drop(free);
	let seen = seen.get(..count).ok_or(Error::ExtensionForm)?;
	for (index, kind) in seen.iter().enumerate() {
		if seen.iter().skip(index + 1).any(|other| other == kind) {
			return Err(Error::DuplicateExtension);
		}
	}
	Ok(())
}

impl<'a> Extensions<'a> {
	/// Parses an `Extensions` element (rules CF9 and CF10).
	pub(super) fn parse(extensions: &'a [u8]) -> Result<Self, Error> {
		let mut all = Self::default();
		each_extension(extensions, |Extension { kind, critical, value }| {
			match kind {
				oid::BASIC_CONSTRAINTS => all.basic_constraints = Some(basic_constraints(value)?),
				oid::KEY_USAGE => all.key_usage = Some(key_usage(value)?),
				oid::EXTENDED_KEY_USAGE => all.purposes = Some(purposes(value)?),
				oid::SUBJECT_ALTERNATIVE_NAME => all.alternative_name = Some(value),
				oid::SUBJECT_DIRECTORY_ATTRIBUTES => all.directory_attributes = Some(value),
				oid::SUBJECT_KEY_IDENTIFIER => {
					all.subject_key = Some(der::only(value, OCTET_STRING, Error::ExtensionForm)?.contents)
				}
				oid::AUTHORITY_KEY_IDENTIFIER => all.issuer_key = issuer_key(value)?,
				// Understood in that they restrict nothing here: no policy is asked for, so any will do (RFC 5280, section
				// 6.1: user-initial-policy-set is any-policy); where a list is to be found is not looked up; the others
				// only inform.
				oid::CERTIFICATE_POLICIES
				| oid::CRL_DISTRIBUTION_POINTS
				| oid::ISSUER_ALTERNATIVE_NAME
				| oid::AUTHORITY_INFORMATION_ACCESS => {}
				// Name constraints, policy constraints, inhibit-any-policy and whatever else restricts.
				_ => all.unknown_critical |= critical,
			}
			Ok(())
		})?;
		Ok(all)
	}
}

fn basic_constraints(value: &[u8]) -> Result<BasicConstraints, Error> {
	let form = Error::ExtensionForm;
	let constraints = der::only(value, SEQUENCE, form)?;
	let mut constraints = Der::new(constraints.contents);
	let ca = match constraints.optional(BOOLEAN)? {
		Some(ca) => der::boolean(ca.contents).ok_or(form)?,
		None => false,
	};
	let path_len = match constraints.optional(INTEGER)? {
		Some(len) => Some(der::small(len.contents).ok_or(form)?),
		None => None,
	};
	constraints.finish(form)?;
	Ok(BasicConstraints { ca, path_len })
}

fn key_usage(value: &[u8]) -> Result<u16, Error> {
	let bits = der::only(value, BIT_STRING, Error::ExtensionForm)?;
	der::bits(bits.contents).ok_or(Error::ExtensionForm)
}

fn purposes(value: &[u8]) -> Result<Purposes, Error> {
	let list = der::only(value, SEQUENCE, Error::ExtensionForm)?;
	let mut list = Der::new(list.contents);
	let mut purposes = Purposes::default();
	let mut first = true;
	while first || !list.is_empty() {
		match list.element(OID, Error::ExtensionForm)?.contents {
			oid::EK_CERTIFICATE => purposes.endorsement_key = true,
			oid::ANY_EXTENDED_KEY_USAGE => purposes.any = true,
			_ => {}
		}
		first = false;
	}
	Ok(purposes)
}

/// The `keyIdentifier` of an `AuthorityKeyIdentifier`, if it has one.
pub(super) fn issuer_key(value: &[u8]) -> Result<Option<&[u8]>, Error> {
	let identifier = der::only(value, SEQUENCE, Error::ExtensionForm)?;
	let mut identifier = Der::new(identifier.contents);
	let key = identifier.optional(der::context(0))?.map(|key| key.contents);
	// The issuer's own issuer and serial number: another way to say the same, which no path needs.
	identifier.optional(der::constructed(1))?;
	identifier.optional(der::context(2))?;
	identifier.finish(Error::ExtensionForm)?;
	Ok(key)
}
