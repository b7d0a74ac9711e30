//! The path from a certificate up to a trusted root (RFC 5280, section 6), searched upwards and within bounds.

use alloc::{borrow::Cow, vec::Vec};

use super::{
	key::CertifiedKey,
	list::RevocationList,
	name::name_hash,
	store::{Role, Store},
	Certificate, Error, Fingerprint,
};

/// Most certificates in a path, the EK's and the root's included. Intel's on-die path has seven.
pub const MAX_PATH_CERTIFICATES: usize = 10;
/// Most certificates that may come with one EK certificate.
pub const MAX_CANDIDATES: usize = 16;
/// Most signatures that are verified for one EK certificate, those of revocation lists included. A path whose every
/// issuer was reissued once needs fewer.
pub const MAX_SIGNATURE_CHECKS: usize = 24;

/// What certificates are judged by, beside the trust store.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
	/// Now, in seconds since 1970. On chain this is the block's timestamp.
	pub at: u64,
	/// When the EK certificate's own validity is judged, if not `at`: a policy may keep members whose EK certificate
	/// has expired since they were admitted, and then gives the time of admission.
	pub ek_at: Option<u64>,
	/// Revocation lists. Those of other issuers are not looked at; an issuer without a list revokes nothing.
	pub lists: &'a [RevocationList<'a>],
	/// For how many seconds after `nextUpdate` a list still will do, or `None` for ever. A revocation in it counts
	/// however old it is; this only decides whether the *absence* of a fresh list refuses. Manufacturers are late at
	/// times, and a whole fleet is theirs.
	pub list_grace: Option<u64>,
}

impl Policy<'_> {
	/// Everything is judged at this time, without revocation lists.
	pub const fn at(at: u64) -> Self {
		Self { at, ek_at: None, lists: &[], list_grace: None }
	}
}

/// The rules of a path, in the order in which they are looked at for one certificate.
pub(super) const PATH_RULES: &[Error] = &[
	Error::TrustedRoot,
	Error::PathDepth,
	Error::Version,
	Error::NotCa,
	Error::CaKeyUsage,
	Error::CaExtendedKeyUsage,
	Error::CriticalExtension,
	Error::PathLength,
	Error::KeyIdentifier,
	Error::NotYetValid,
	Error::Expired,
	Error::WeakHash,
	Error::SignatureAlgorithm,
	Error::PublicKeyAlgorithm,
	Error::PublicKeyForm,
	Error::RsaSize,
	Error::Roca,
	Error::RsaExponent,
	Error::PathWork,
	Error::SignatureForm,
	Error::Signature,
	Error::ListSigner,
	Error::ListNotYetValid,
	Error::ListStale,
	Error::Revoked,
];

/// One certificate of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
	pub(super) fingerprint: Fingerprint,
	pub(super) not_after: i64,
}

impl Link {
	fn of(certificate: &Certificate<'_>) -> Self {
		Self { fingerprint: certificate.fingerprint(), not_after: certificate.not_after() }
	}
}

/// The path of this certificate up to a root of `store`, itself first, by way of `candidates` and of the store's
/// intermediates, in whatever order they come. Of several paths the first that is found; if there is none, the rule
/// that the most advanced attempt broke.
pub(super) fn find(
	certificate: &Certificate<'_>,
	candidates: &[&[u8]],
	store: &impl Store,
	policy: &Policy<'_>,
) -> Result<Vec<Link>, Error> {
	if candidates.len() > MAX_CANDIDATES {
		return Err(Error::PathWork);
	}
	let mut search = Search {
		candidates,
		store,
		policy,
		checks: 0,
		path: Vec::from([Link::of(certificate)]),
		refusal: (0, 0, Error::TrustedRoot),
	};
	match search.climb(certificate, 0) {
		true => Ok(search.path),
		false => Err(search.refusal.2),
	}
}

struct Search<'a, S> {
	candidates: &'a [&'a [u8]],
	store: &'a S,
	policy: &'a Policy<'a>,
	/// Signatures verified so far.
	checks: usize,
	/// From the EK's certificate up to where the search is.
	path: Vec<Link>,
	/// How high and by which rule the most advanced attempt failed.
	refusal: (usize, usize, Error),
}

impl<S: Store> Search<'_, S> {
	/// Extends the path from `child`, its last certificate, to a root. `below` is the number of CAs in it that are not
	/// self-issued, which is what pathLenConstraint counts.
	fn climb(&mut self, child: &Certificate<'_>, below: u32) -> bool {
		if let Err(error) = child.check_signature_algorithm() {
			self.refuse(error);
			return false;
		}
		let Ok(wanted) = name_hash(child.issuer()) else {
			self.refuse(Error::NameForm);
			return false;
		};
		for (role, issuer) in self.issuers(&wanted) {
			let issuer = match Certificate::parse(&issuer) {
				Ok(issuer) if name_hash(issuer.subject()) == Ok(wanted) && !self.is_in_path(&issuer) => issuer,
				// Of another name, or in the path already: a root that is not trusted, or a loop of cross-signed CAs.
				Ok(_) => continue,
				Err(error) => {
					// Whether it is of this name cannot be known.
					self.refuse(error);
					continue;
				}
			};
			match self.check(child, &issuer, below) {
				Ok(()) => self.path.push(Link::of(&issuer)),
				Err(Error::PathWork) => {
					self.refuse_as(usize::MAX, Error::PathWork);
					return false;
				}
				Err(error) => {
					self.refuse(error);
					continue;
				}
			}
			if role == Role::Root || self.climb(&issuer, below + u32::from(!issuer.is_self_issued())) {
				return true;
			}
			self.path.pop();
			if self.refusal.2 == Error::PathWork {
				return false;
			}
		}
		// That there is nobody to go on with is the least that can be said of this height.
		self.refuse(Error::TrustedRoot);
		false
	}

	/// Who may have issued a certificate whose issuer has this name: of the store, roots first, then the candidates.
	fn issuers(&self, name: &[u8; 32]) -> Vec<(Role, Cow<'static, [u8]>)> {
		let mut stored = self.store.of_subject(name);
		stored.sort_by_key(|certificate| certificate.role);
		let stored = stored.into_iter().map(|stored| (stored.role, Cow::Owned(stored.certificate.into_inner())));
		let given = self.candidates.iter().map(|given| (Role::Intermediate, Cow::Owned(given.to_vec())));
		stored.chain(given).collect()
	}

	fn is_in_path(&self, certificate: &Certificate<'_>) -> bool {
		let fingerprint = certificate.fingerprint();
		self.path.iter().any(|link| link.fingerprint == fingerprint)
	}

	/// Whether `issuer`, whose name fits, issued `child` and was allowed to.
	fn check(&mut self, child: &Certificate<'_>, issuer: &Certificate<'_>, below: u32) -> Result<(), Error> {
		if self.path.len() >= MAX_PATH_CERTIFICATES {
			return Err(Error::PathDepth);
		}
		issuer.check_ca()?;
		let constraints = issuer.extensions.basic_constraints.unwrap_or_default();
		if constraints.path_len.is_some_and(|most| below > most) {
			return Err(Error::PathLength);
		}
		child.check_key_identifier(issuer)?;
		issuer.check_validity(self.policy.at)?;
		let key = issuer.public_key()?;
		self.count()?;
		child.verify_signature(&key)?;
		self.check_revocation(child, issuer, &key)
	}

	fn check_revocation(
		&mut self,
		child: &Certificate<'_>,
		issuer: &Certificate<'_>,
		key: &CertifiedKey,
	) -> Result<(), Error> {
		let policy = self.policy;
		for list in policy.lists.iter().filter(|list| list.concerns(child, issuer)) {
			self.count()?;
			list.verify(issuer, key)?;
			list.check_time(policy.at, policy.list_grace)?;
			if list.revokes(child.serial()) {
				return Err(Error::Revoked);
			}
		}
		Ok(())
	}

	fn count(&mut self) -> Result<(), Error> {
		self.checks += 1;
		match self.checks > MAX_SIGNATURE_CHECKS {
			true => Err(Error::PathWork),
			false => Ok(()),
		}
	}

	fn refuse(&mut self, error: Error) {
		self.refuse_as(self.path.len(), error);
	}

	/// Keeps the most advanced refusal: higher up in the path, or later in the order of the rules. The form of a
	/// candidate comes between there being no issuer and what one that has its form breaks.
	fn refuse_as(&mut self, height: usize, error: Error) {
		let order = match PATH_RULES.iter().position(|rule| *rule == error) {
			Some(0) => 0,
			Some(index) => index + 1,
			None => 1,
		};
		if (height, order) > (self.refusal.0, self.refusal.1) {
			self.refusal = (height, order, error);
		}
	}
}
