//! Whom a verifier trusts: manufacturers' roots, and the intermediates that go with them.

use alloc::vec::Vec;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use super::{name::name_hash, Certificate, Error, Fingerprint, MAX_CERTIFICATE_LEN};

/// What a certificate of the store is there for.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Role {
	/// A path ends here: the key is trusted because the store says so, whoever signed the certificate.
	Root,
	/// A link that saves applicants from bringing it. It is trusted as far as its own issuers are.
	Intermediate,
}

/// A certificate of the store, bounded so that a pallet can keep it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct StoredCertificate {
	/// What it is there for.
	pub role: Role,
	/// DER.
	pub certificate: BoundedVec<u8, ConstU32<{ MAX_CERTIFICATE_LEN as u32 }>>,
}

impl StoredCertificate {
	/// A certificate for the store: it must be a CA's (rules CF1-CF11, CK1-CK5, CP4-CP6, CP8).
	///
	/// A root that names itself as its issuer must have signed itself (CS1-CS4), except that the hash of that signature is
	/// free: nothing rests on it, and the fingerprint by which the root is chosen covers it. A root that names another
	/// issuer is a choice of whoever keeps the store (AMD publishes no root above the CA of its Pluton chips); that
	/// issuer's signature is not looked at, here or in a path. An intermediate's signature must be of an accepted
	/// algorithm; who made it is found out when a path is.
	///
	/// # Errors
	/// The rule that is broken.
	pub fn new(role: Role, certificate: &[u8]) -> Result<Self, Error> {
		let parsed = Certificate::parse(certificate)?;
		parsed.check_ca()?;
		let key = parsed.public_key()?;
		match role {
			Role::Root if parsed.is_self_issued() => match parsed.verify_signature(&key) {
				Ok(()) | Err(Error::WeakHash) => {}
				Err(error) => return Err(error),
			},
			Role::Root => {}
			Role::Intermediate => parsed.check_signature_algorithm()?,
		}
		let certificate = BoundedVec::try_from(certificate.to_vec()).map_err(|_| Error::CertificateSize)?;
		Ok(Self { role, certificate })
	}

	/// As [`Self::new`], in the role that the certificate has by itself: a root if it is its own issuer.
	///
	/// # Errors
	/// The rule that is broken.
	pub fn of(certificate: &[u8]) -> Result<Self, Error> {
		let role = if Certificate::parse(certificate)?.is_self_issued() { Role::Root } else { Role::Intermediate };
		Self::new(role, certificate)
	}

	/// The certificate, parsed.
	///
	/// # Errors
	/// None for one that [`Self::new`] made.
	pub fn parse(&self) -> Result<Certificate<'_>, Error> {
		Certificate::parse(&self.certificate)
	}

	/// Under which it is found: the hash of its subject.
	///
	/// # Errors
	/// None for one that [`Self::new`] made.
	pub fn subject_hash(&self) -> Result<[u8; 32], Error> {
		name_hash(self.parse()?.subject())
	}

	/// The SHA-256 by which it is known.
	pub fn fingerprint(&self) -> Fingerprint {
		let mut hash = [0; 32];
		hash.copy_from_slice(&crate::HashAlgorithm::Sha256.digest(&[&self.certificate]));
		hash
	}
}

/// Where a path finds issuers. A pallet implements it over a map from subject hashes, so that a check reads the few
/// certificates that it needs and not the whole store.
pub trait Store {
	/// Every certificate of the store whose subject has this [`name_hash`], in any order.
	fn of_subject(&self, subject: &[u8; 32]) -> Vec<StoredCertificate>;
}

/// Most certificates that a [`TrustStore`] holds.
pub const MAX_STORE_LEN: u32 = 1024;

/// A store in memory, or in one storage value of a small chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct TrustStore {
	certificates: BoundedVec<StoredCertificate, ConstU32<MAX_STORE_LEN>>,
}

/// Why [`TrustStore::insert`] did not take a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotInserted {
	/// It is there already.
	#[error("it is in the store already")]
	Known,
	/// No room.
	#[error("the store is full ({MAX_STORE_LEN} certificates)")]
	Full,
}

impl TrustStore {
	/// Adds a certificate.
	///
	/// # Errors
	/// [`NotInserted`], with which nothing has changed.
	pub fn insert(&mut self, certificate: StoredCertificate) -> Result<(), NotInserted> {
		if self.certificates.iter().any(|known| known.certificate == certificate.certificate) {
			return Err(NotInserted::Known);
		}
		self.certificates.try_push(certificate).map_err(|_| NotInserted::Full)
	}

	/// Removes a certificate, and says whether it was there.
	pub fn remove(&mut self, fingerprint: &Fingerprint) -> bool {
		let before = self.certificates.len();
		self.certificates.retain(|certificate| certificate.fingerprint() != *fingerprint);
		self.certificates.len() < before
	}

	/// Everything in it.
	pub fn iter(&self) -> impl Iterator<Item = &StoredCertificate> {
		self.certificates.iter()
	}
}

impl Store for TrustStore {
	fn of_subject(&self, subject: &[u8; 32]) -> Vec<StoredCertificate> {
		self.certificates.iter().filter(|stored| stored.subject_hash().as_ref() == Ok(subject)).cloned().collect()
	}
}
