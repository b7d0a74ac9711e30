//! X.509 certificates (RFC 5280, section 4.1), parsed to the last byte without being encoded anew.

use super::{
	der::{self, Der, Signed, Tlv, INTEGER, SEQUENCE},
	extension::{Extensions, CRL_SIGN, KEY_CERT_SIGN},
	key::CertifiedKey,
	name, signature, time, Error,
};
use crate::HashAlgorithm;

/// Longest certificate that is looked at, in bytes. Those of TPMs and their manufacturers are up to 1,900 bytes long;
/// an NV index holds 2,048 at most on every chip that is known.
pub const MAX_CERTIFICATE_LEN: usize = 4096;

/// Longest serial number in bytes (RFC 5280, section 4.1.2.2).
const MAX_SERIAL_LEN: usize = 20;

/// The SHA-256 of a whole certificate.
pub type Fingerprint = [u8; 32];

/// A certificate. That it has the form of one says nothing about who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate<'a> {
	bytes: &'a [u8],
	signed: &'a [u8],
	version: u32,
	serial: &'a [u8],
	algorithm: &'a [u8],
	issuer: &'a [u8],
	not_before: i64,
	not_after: i64,
	subject: &'a [u8],
	key: &'a [u8],
	signature: &'a [u8],
	pub(super) extensions: Extensions<'a>,
}

impl<'a> Certificate<'a> {
	/// Parses a DER certificate (rules CF1-CF4 and CF6-CF11; CF5 is the path's).
	///
	/// What real certificates of TPMs do against RFC 5280 without changing what they say is accepted: serial numbers
	/// that are zero, negative or padded, sets that are not sorted, defaults that are written out, GeneralizedTime
	/// before 2050, unique identifiers (which nothing here uses).
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
		if bytes.len() > MAX_CERTIFICATE_LEN {
			return Err(Error::CertificateSize);
		}
		let form = Error::CertificateForm;
		let Signed { to_be_signed, algorithm, signature } = der::signed(bytes, form)?;
		let mut fields = Der::new(to_be_signed.contents);
		let version = match fields.optional(der::constructed(0))? {
			Some(version) => {
				let number = only_inside(version, INTEGER)?;
				der::small(number.contents).ok_or(form)?
			}
			None => 0,
		};
		let serial = serial(fields.element(INTEGER, form)?.contents)?;
		if fields.element(SEQUENCE, form)?.whole != algorithm {
			return Err(Error::AlgorithmsAgree);
		}
		let issuer = fields.element(SEQUENCE, form)?.whole;
		let mut validity = fields.inside(SEQUENCE, form)?;
		let not_before = time::seconds(validity.any()?)?;
		let not_after = time::seconds(validity.any()?)?;
		validity.finish(form)?;
		let subject = fields.element(SEQUENCE, form)?.whole;
		let key = fields.element(SEQUENCE, form)?.whole;
		// issuerUniqueID and subjectUniqueID: RFC 5280 wants them parsed and not made.
		fields.optional(der::context(1))?;
		fields.optional(der::context(2))?;
		let extensions = match fields.optional(der::constructed(3))? {
			Some(wrapper) => Extensions::parse(wrapper.contents)?,
			None => Extensions::default(),
		};
		fields.finish(form)?;

		// Only a subject may be empty (RFC 5280, sections 4.1.2.4 and 4.1.2.6), and that of an EK mostly is.
		name::attributes(issuer, |_, _| ())?;
		name::attributes(subject, |_, _| ())?;
		if name::is_empty(issuer) {
			return Err(Error::NameForm);
		}
		Ok(Self {
			bytes,
			signed: to_be_signed.whole,
			version,
			serial,
			algorithm,
			issuer,
			not_before,
			not_after,
			subject,
			key,
			signature,
			extensions,
		})
	}

	/// The whole certificate, as it came.
	pub const fn bytes(&self) -> &'a [u8] {
		self.bytes
	}

	/// SHA-256 of the whole certificate.
	pub fn fingerprint(&self) -> Fingerprint {
		let mut hash = [0; 32];
		hash.copy_from_slice(&HashAlgorithm::Sha256.digest(&[self.bytes]));
		hash
	}

	/// The serial number: a two's complement number without redundant leading bytes.
	pub const fn serial(&self) -> &'a [u8] {
		self.serial
	}

	/// The issuer's `Name`, as it came.
	pub const fn issuer(&self) -> &'a [u8] {
		self.issuer
	}

	/// The subject's `Name`, as it came.
	pub const fn subject(&self) -> &'a [u8] {
		self.subject
	}

	/// The `SubjectPublicKeyInfo`, as it came.
	pub const fn public_key_info(&self) -> &'a [u8] {
		self.key
	}

	/// First second of its validity, since 1970.
	pub const fn not_before(&self) -> i64 {
		self.not_before
	}

	/// Last second of its validity, since 1970.
	pub const fn not_after(&self) -> i64 {
		self.not_after
	}

	/// The subject's key (rules CK1-CK5).
	///
	/// # Errors
	/// The rule that is broken.
	pub fn public_key(&self) -> Result<CertifiedKey, Error> {
		CertifiedKey::parse(self.key)
	}

	/// Whether it is its own issuer, by name.
	pub fn is_self_issued(&self) -> bool {
		matches!((name::name_hash(self.issuer), name::name_hash(self.subject)), (Ok(issuer), Ok(subject)) if issuer == subject)
	}

	/// Rule CF5: version 3, which every extension needs.
	///
	/// # Errors
	/// [`Error::Version`].
	pub const fn check_version(&self) -> Result<(), Error> {
		match self.version {
			2 => Ok(()),
			_ => Err(Error::Version),
		}
	}

	/// Rules CP10 and CP11: `at`, in seconds since 1970, lies in its validity, both ends included.
	///
	/// # Errors
	/// [`Error::NotYetValid`] or [`Error::Expired`].
	pub fn check_validity(&self, at: u64) -> Result<(), Error> {
		let at = i64::try_from(at).unwrap_or(i64::MAX);
		if at < self.not_before {
			Err(Error::NotYetValid)
		} else if at > self.not_after {
			Err(Error::Expired)
		} else {
			Ok(())
		}
	}

	/// Rules CF5, CP4-CP6 and CP8: it is a CA that may issue certificates of endorsement keys.
	///
	/// A CA without keyUsage may sign (RFC 5280, section 6.1.4 (n)). One that has extKeyUsage is limited by it: the
	/// purpose of endorsement keys, or any.
	///
	/// # Errors
	/// The rule that is broken.
	pub fn check_ca(&self) -> Result<(), Error> {
		self.check_version()?;
		if !self.extensions.basic_constraints.is_some_and(|constraints| constraints.ca) {
			return Err(Error::NotCa);
		}
		if self.extensions.key_usage.is_some_and(|usage| usage & KEY_CERT_SIGN == 0) {
			return Err(Error::CaKeyUsage);
		}
		if self.extensions.purposes.is_some_and(|purposes| !purposes.endorsement_key && !purposes.any) {
			return Err(Error::CaExtendedKeyUsage);
		}
		self.check_critical()
	}

	/// Rule CP8: there is no critical extension that is not understood.
	pub(super) const fn check_critical(&self) -> Result<(), Error> {
		match self.extensions.unknown_critical {
			true => Err(Error::CriticalExtension),
			false => Ok(()),
		}
	}

	/// Rule CP9: if this certificate names its issuer's key, and the issuer says which its key is, it is the same.
	pub(super) fn check_key_identifier(&self, issuer: &Certificate<'_>) -> Result<(), Error> {
		match (self.extensions.issuer_key, issuer.extensions.subject_key) {
			(Some(wanted), Some(found)) if wanted != found => Err(Error::KeyIdentifier),
			_ => Ok(()),
		}
	}

	/// Whether the key may sign revocation lists (RFC 5280, section 6.3.3 (f)).
	pub(super) fn may_sign_lists(&self) -> bool {
		self.extensions.key_usage.is_none_or(|usage| usage & CRL_SIGN != 0)
	}

	/// Rules CS1 and CS2: its signature algorithm is one that is accepted. Needs no key.
	///
	/// # Errors
	/// [`Error::WeakHash`] or [`Error::SignatureAlgorithm`].
	pub fn check_signature_algorithm(&self) -> Result<(), Error> {
		signature::check_algorithm(self.algorithm)
	}

	/// Rules CS1-CS4: its signature is `key`'s, over the bytes as they came.
	///
	/// # Errors
	/// The rule that is broken.
	pub fn verify_signature(&self, key: &CertifiedKey) -> Result<(), Error> {
		signature::verify(key, self.algorithm, self.signed, self.signature)
	}
}

fn only_inside(wrapper: Tlv<'_>, tag: u8) -> Result<Tlv<'_>, Error> {
	let mut inside = Der::new(wrapper.contents);
	let tlv = inside.element(tag, Error::CertificateForm)?;
	inside.finish(Error::CertificateForm)?;
	Ok(tlv)
}

/// Rule CF6: a serial number without redundant leading bytes. STMicroelectronics issued some with them.
pub(super) fn serial(mut contents: &[u8]) -> Result<&[u8], Error> {
	while let [0x00, 0x00..=0x7f, ..] | [0xff, 0x80..=0xff, ..] = contents {
		contents = contents.get(1..).unwrap_or_default();
	}
	let magnitude = contents.strip_prefix(&[0]).unwrap_or(contents);
	if contents.is_empty() || magnitude.len() > MAX_SERIAL_LEN {
		return Err(Error::SerialNumber);
	}
	Ok(contents)
}
