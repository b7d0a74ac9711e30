//! Certificate revocation lists (RFC 5280, section 5).
//!
//! Anybody may bring one: what vouches for it is its issuer's signature, and that it is newer than the last one. Accepted
//! are complete lists of one issuer's own certificates. Delta lists say nothing without their base, indirect lists
//! speak about other issuers' certificates (Intel's on-die CAs have one), and a list of some reasons is silent about
//! others: all three are refused rather than half understood.

use super::{
	der::{self, Der, Signed, ENUMERATED, GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME},
	extension::{each_extension, issuer_key, Extension},
	key::CertifiedKey,
	name, oid, parse, signature, time, Certificate, Error,
};

/// Longest revocation list that is looked at, in bytes: some 25,000 entries.
pub const MAX_LIST_LEN: usize = 1 << 20;

/// Longest `cRLNumber` in bytes (RFC 5280, section 5.2.3).
const MAX_NUMBER_LEN: usize = 20;

/// A revocation list. That it has the form of one says nothing about who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationList<'a> {
	signed: &'a [u8],
	algorithm: &'a [u8],
	signature: &'a [u8],
	issuer: &'a [u8],
	this_update: i64,
	next_update: Option<i64>,
	/// The contents of `revokedCertificates`, every entry of which has its form.
	entries: &'a [u8],
	len: usize,
	extensions: ListExtensions<'a>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct ListExtensions<'a> {
	issuer_key: Option<&'a [u8]>,
	/// Without leading zeros.
	number: Option<&'a [u8]>,
	only_users: bool,
	only_cas: bool,
}

impl<'a> RevocationList<'a> {
	/// Parses a DER list to its last byte (rules CF2, CF3, CF7-CF11, RL1-RL6).
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
		if bytes.len() > MAX_LIST_LEN {
			return Err(Error::ListSize);
		}
		let form = Error::ListForm;
		let Signed { to_be_signed, algorithm, signature } = der::signed(bytes, form)?;
		let mut fields = Der::new(to_be_signed.contents);
		// Version 1 has none, and then no extensions either.
		let version = fields.optional(INTEGER)?;
		if version.is_some_and(|version| version.contents != [1]) {
			return Err(form);
		}
		if fields.element(SEQUENCE, form)?.whole != algorithm {
			return Err(Error::AlgorithmsAgree);
		}
		let issuer = fields.element(SEQUENCE, form)?.whole;
		name::attributes(issuer, |_, _| ())?;
		if name::is_empty(issuer) {
			return Err(Error::NameForm);
		}
		let this_update = time::seconds(fields.any()?)?;
		let next_update = match fields.optional(UTC_TIME)? {
			Some(time) => Some(time),
			None => fields.optional(GENERALIZED_TIME)?,
		};
		let next_update = next_update.map(time::seconds).transpose()?;
		// RFC 5280 leaves the field out if there are no entries; an empty sequence says the same.
		let entries = fields.optional(SEQUENCE)?.map_or(&[][..], |entries| entries.contents);
		let extensions = match fields.optional(der::constructed(0))? {
			Some(_) if version.is_none() => return Err(form),
			Some(wrapper) => ListExtensions::parse(wrapper.contents)?,
			None => ListExtensions::default(),
		};
		fields.finish(form)?;
		let mut len = 0;
		for entry in (Entries { rest: Der::new(entries) }) {
			entry?;
			len += 1;
		}
		Ok(Self {
			signed: to_be_signed.whole,
			algorithm,
			signature,
			issuer,
			this_update,
			next_update,
			entries,
			len,
			extensions,
		})
	}

	/// The issuer's `Name`, as it came.
	pub const fn issuer(&self) -> &'a [u8] {
		self.issuer
	}

	/// When it was made, in seconds since 1970.
	pub const fn this_update(&self) -> i64 {
		self.this_update
	}

	/// When the next one is due at the latest, if it says so.
	pub const fn next_update(&self) -> Option<i64> {
		self.next_update
	}

	/// Its number, big-endian without leading zeros, if it has one.
	pub const fn number(&self) -> Option<&'a [u8]> {
		self.extensions.number
	}

	/// How many certificates it revokes.
	pub const fn len(&self) -> usize {
		self.len
	}

	/// Whether it revokes nothing.
	pub const fn is_empty(&self) -> bool {
		self.len == 0
	}

	/// Whether the certificate with this serial number (as [`Certificate::serial`] has it) is revoked, for whatever
	/// reason and since whenever: a certificate on hold is as little good, and a thief chooses the date.
	pub fn revokes(&self, serial: &[u8]) -> bool {
		(Entries { rest: Der::new(self.entries) }).any(|entry| entry == Ok(serial))
	}

	/// Rules RL7 and RL8 and CS1-CS4: the holder of `issuer` made it. Whether `issuer` is to be trusted is for its own
	/// path to say.
	///
	/// # Errors
	/// The rule that is broken.
	pub fn check_issuer(&self, issuer: &Certificate<'_>) -> Result<(), Error> {
		if !self.is_of(issuer) {
			return Err(Error::ListIssuer);
		}
		self.verify(issuer, &issuer.public_key()?)
	}

	/// Whether the list is of this issuer by name and, where both say which, by key.
	fn is_of(&self, issuer: &Certificate<'_>) -> bool {
		let same_key = match (self.extensions.issuer_key, issuer.extensions.subject_key) {
			(Some(wanted), Some(found)) => wanted == found,
			_ => true,
		};
		same_key && name::name_hash(self.issuer) == name::name_hash(issuer.subject())
	}

	/// Whether the list is `issuer`'s, and speaks about certificates such as `child`.
	pub(super) fn concerns(&self, child: &Certificate<'_>, issuer: &Certificate<'_>) -> bool {
		let is_ca = child.extensions.basic_constraints.is_some_and(|constraints| constraints.ca);
		let in_scope = if is_ca { !self.extensions.only_users } else { !self.extensions.only_cas };
		in_scope && self.is_of(issuer)
	}

	/// Rules RL8 and CS1-CS4.
	pub(super) fn verify(&self, issuer: &Certificate<'_>, key: &CertifiedKey) -> Result<(), Error> {
		if !issuer.may_sign_lists() {
			return Err(Error::ListSigner);
		}
		signature::verify(key, self.algorithm, self.signed, self.signature)
	}

	/// Rules RL9 and RL10: made before `at`, and the next one is at most `grace` seconds overdue (`None`: however long).
	///
	/// # Errors
	/// [`Error::ListNotYetValid`], [`Error::ListStale`]. A list that does not say when the next one is due is stale at once
	/// where a grace is set: RFC 5280 wants the field.
	pub fn check_time(&self, at: u64, grace: Option<u64>) -> Result<(), Error> {
		let at = i64::try_from(at).unwrap_or(i64::MAX);
		if at < self.this_update {
			return Err(Error::ListNotYetValid);
		}
		let Some(grace) = grace else { return Ok(()) };
		let grace = i64::try_from(grace).unwrap_or(i64::MAX);
		match self.next_update {
			Some(next) if at <= next.saturating_add(grace) => Ok(()),
			_ => Err(Error::ListStale),
		}
	}

	/// Rule RL11: it may take the place of `old`, a list of the same issuer and scope.
	///
	/// Its number must be greater and its date no earlier; where `old` had no number, its date must be later. Otherwise
	/// whoever was revoked yesterday could bring the list of the day before.
	///
	/// # Errors
	/// [`Error::ListIssuer`] for another issuer or scope, [`Error::ListRollback`].
	pub fn check_newer(&self, old: &RevocationList<'_>) -> Result<(), Error> {
		let same_scope = self.extensions.only_users == old.extensions.only_users
			&& self.extensions.only_cas == old.extensions.only_cas
			&& self.extensions.issuer_key == old.extensions.issuer_key;
		if !same_scope || name::name_hash(self.issuer) != name::name_hash(old.issuer) {
			return Err(Error::ListIssuer);
		}
		let newer = match (self.number(), old.number()) {
			(Some(new), Some(old_number)) => {
				(new.len(), new) > (old_number.len(), old_number) && self.this_update >= old.this_update
			}
			(None, Some(_)) => false,
			(_, None) => self.this_update > old.this_update,
		};
		match newer {
			true => Ok(()),
			false => Err(Error::ListRollback),
		}
	}
}

impl<'a> ListExtensions<'a> {
	fn parse(extensions: &'a [u8]) -> Result<Self, Error> {
		let mut all = Self::default();
		each_extension(extensions, |Extension { kind, critical, value }| {
			match kind {
				oid::AUTHORITY_KEY_IDENTIFIER => all.issuer_key = issuer_key(value)?,
				oid::CRL_NUMBER => {
					let number = der::only(value, INTEGER, Error::ExtensionForm)?;
					let number = der::unsigned(number.contents).ok_or(Error::ExtensionForm)?;
					if number.len() > MAX_NUMBER_LEN {
						return Err(Error::ExtensionForm);
					}
					all.number = Some(number);
				}
				oid::DELTA_CRL_INDICATOR => return Err(Error::DeltaList),
				oid::ISSUING_DISTRIBUTION_POINT => all.distribution_point(value)?,
				_ if critical => return Err(Error::ListCriticalExtension),
				_ => {}
			}
			Ok(())
		})?;
		Ok(all)
	}

	/// `IssuingDistributionPoint` (RFC 5280, section 5.2.5). Where the list is published is of no interest: an entry in it
	/// counts, and that something is *not* in it is never taken for more than that.
	fn distribution_point(&mut self, value: &[u8]) -> Result<(), Error> {
		let form = Error::ExtensionForm;
		let point = der::only(value, SEQUENCE, form)?;
		let mut point = Der::new(point.contents);
		let flag = |point: &mut Der<'_>, number| match point.optional(der::context(number))? {
			Some(flag) => der::boolean(flag.contents).ok_or(form),
			None => Ok(false),
		};
		point.optional(der::constructed(0))?;
		self.only_users = flag(&mut point, 1)?;
		self.only_cas = flag(&mut point, 2)?;
		let some_reasons = point.optional(der::context(3))?.is_some();
		let indirect = flag(&mut point, 4)?;
		let only_attributes = flag(&mut point, 5)?;
		point.finish(form)?;
		if indirect {
			return Err(Error::IndirectList);
		}
		if some_reasons || only_attributes || self.only_users && self.only_cas {
			return Err(Error::PartialList);
		}
		Ok(())
	}
}

/// The serial numbers of the entries.
struct Entries<'a> {
	rest: Der<'a>,
}

impl<'a> Iterator for Entries<'a> {
	type Item = Result<&'a [u8], Error>;

	fn next(&mut self) -> Option<Self::Item> {
		if self.rest.is_empty() {
			return None;
		}
		let entry = self.entry();
		if entry.is_err() {
			self.rest = Der::new(&[]);
		}
		Some(entry)
	}
}

impl<'a> Entries<'a> {
	fn entry(&mut self) -> Result<&'a [u8], Error> {
		let mut entry = self.rest.inside(SEQUENCE, Error::ListForm)?;
		let serial = parse::serial(entry.element(INTEGER, Error::ListForm)?.contents)?;
		time::seconds(entry.any()?)?;
		if let Some(extensions) = entry.optional(SEQUENCE)? {
			each_extension(extensions.whole, |Extension { kind, critical, value }| match kind {
				// removeFromCRL (8) has a meaning in delta lists only.
				oid::REASON_CODE => match der::only(value, ENUMERATED, Error::ExtensionForm)?.contents {
					[8] => Err(Error::DeltaList),
					[_] => Ok(()),
					_ => Err(Error::ExtensionForm),
				},
				oid::INVALIDITY_DATE => Ok(()),
				oid::CERTIFICATE_ISSUER => Err(Error::IndirectList),
				_ if critical => Err(Error::ListCriticalExtension),
				_ => Ok(()),
			})?;
		}
		entry.finish(Error::ListForm)?;
		Ok(serial)
	}
}
