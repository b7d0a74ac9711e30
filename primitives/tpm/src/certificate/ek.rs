//! The certificate of an endorsement key, whole: profile, path, revocation.

use alloc::vec::Vec;

use super::{
	extension::{KEY_AGREEMENT, KEY_ENCIPHERMENT},
	identity::TpmIdentity,
	key::CertifiedKey,
	path::{self, Policy, PATH_RULES},
	store::Store,
	Certificate, Error, Fingerprint,
};
use crate::PublicArea;

/// What a good certificate of an endorsement key says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndorsementKey {
	/// The key.
	pub key: CertifiedKey,
	/// Its hash, under which the chip is known: see [`CertifiedKey::hash`].
	pub key_hash: [u8; 32],
	/// The TPM, as its manufacturer says.
	pub tpm: TpmIdentity,
	/// SHA-256 of every certificate of the path, the EK's first and the root's last.
	pub path: Vec<Fingerprint>,
	/// Last second of the EK certificate's own validity, since 1970.
	pub not_after: i64,
	/// Last second at which all of the path is valid.
	pub earliest_not_after: i64,
}

impl EndorsementKey {
	/// Rule EK5: this public area is of the certified key, and so of the chip. What else the public area must be (its
	/// attributes, its policy) is no matter of the certificate's.
	///
	/// # Errors
	/// [`Error::SameKey`], or a rule about keys that the public area's breaks.
	pub fn check_public_area(&self, public: &PublicArea<'_>) -> Result<(), Error> {
		match CertifiedKey::of_public_area(public)? == self.key {
			true => Ok(()),
			false => Err(Error::SameKey),
		}
	}
}

/// Whose rule a [`Finding`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum Scope {
	/// The EK's own certificate.
	Certificate,
	/// The path above it.
	Path,
}

/// How a rule came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
	/// It holds.
	Pass,
	/// It does not.
	Fail,
	/// It was not looked at, or not for all of the path, because of a rule before it.
	Skipped,
}

/// One rule, looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
	/// Whose.
	pub scope: Scope,
	/// Which.
	pub rule: Error,
	/// How it came out.
	pub outcome: Outcome,
}

/// The form of a certificate.
const FORM_RULES: &[Error] = &[
	Error::CertificateSize,
	Error::Der,
	Error::CertificateTrailingBytes,
	Error::CertificateForm,
	Error::SerialNumber,
	Error::AlgorithmsAgree,
	Error::TimeForm,
	Error::ExtensionForm,
	Error::DuplicateExtension,
	Error::NameForm,
];

/// A key's rules, in the order in which [`CertifiedKey::parse`] looks at them.
const KEY_RULES: &[Error] =
	&[Error::PublicKeyAlgorithm, Error::PublicKeyForm, Error::RsaSize, Error::Roca, Error::RsaExponent];

/// What was found, and whether to go on after the first refusal.
struct Ledger {
	findings: Vec<Finding>,
	refusal: Option<Error>,
	strict: bool,
}

impl Ledger {
	/// Looks at these rules together: `check` answers with the first of them that is broken.
	fn look<T>(&mut self, scope: Scope, rules: &[Error], check: impl FnOnce() -> Result<T, Error>) -> Option<T> {
		if self.strict && self.refusal.is_some() {
			self.skip(scope, rules);
			return None;
		}
		let result = check();
		// The rule that is broken, if it is of this stage and not, say, of a candidate's form.
		let broken = result.as_ref().err().map(|error| rules.iter().position(|rule| rule == error));
		for (index, rule) in rules.iter().copied().enumerate() {
			let outcome = match broken {
				None => Outcome::Pass,
				Some(Some(broken)) if index < broken => Outcome::Pass,
				Some(Some(broken)) if index == broken => Outcome::Fail,
				Some(_) => Outcome::Skipped,
			};
			self.findings.push(Finding { scope, rule, outcome });
		}
		match result {
			Ok(value) => Some(value),
			Err(rule) => {
				if broken == Some(None) {
					self.findings.push(Finding { scope, rule, outcome: Outcome::Fail });
				}
				self.refusal.get_or_insert(rule);
				None
			}
		}
	}

	fn skip(&mut self, scope: Scope, rules: &[Error]) {
		let skipped = rules.iter().map(|rule| Finding { scope, rule: *rule, outcome: Outcome::Skipped });
		self.findings.extend(skipped);
	}
}

/// Verifies the certificate of an endorsement key: rules CF, CK, CS, EK1-EK4, CP, and RL8-RL12 for every list of the
/// policy that concerns the path.
///
/// `certificate` is DER, exact (a node trims what its chip has stored: [`super::trim_nv`]); `candidates` are
/// intermediates in any order, beside those of the store.
///
/// # Errors
/// The first rule that is broken; for a path, the one that the most advanced attempt broke.
pub fn verify_ek(
	certificate: &[u8],
	candidates: &[&[u8]],
	store: &impl Store,
	policy: &Policy<'_>,
) -> Result<EndorsementKey, Error> {
	let mut ledger = Ledger { findings: Vec::new(), refusal: None, strict: true };
	judge(certificate, candidates, store, policy, &mut ledger)
}

/// As [`verify_ek`], the same checks in the same order, but every rule is looked at that can be, and how each came out is
/// told. For people.
pub fn examine_ek(
	certificate: &[u8],
	candidates: &[&[u8]],
	store: &impl Store,
	policy: &Policy<'_>,
) -> (Vec<Finding>, Result<EndorsementKey, Error>) {
	let mut ledger = Ledger { findings: Vec::new(), refusal: None, strict: false };
	let result = judge(certificate, candidates, store, policy, &mut ledger);
	(ledger.findings, result)
}

fn judge(
	certificate: &[u8],
	candidates: &[&[u8]],
	store: &impl Store,
	policy: &Policy<'_>,
	ledger: &mut Ledger,
) -> Result<EndorsementKey, Error> {
	use Scope::{Certificate as Own, Path};
	let Some(parsed) = ledger.look(Own, FORM_RULES, || Certificate::parse(certificate)) else {
		for rules in [&[Error::Version], KEY_RULES, PROFILE_RULES] {
			ledger.skip(Own, rules);
		}
		ledger.skip(Path, PATH_RULES);
		return Err(ledger.refusal.unwrap_or(Error::CertificateForm));
	};
	ledger.look(Own, &[Error::Version], || parsed.check_version());
	let key = ledger.look(Own, KEY_RULES, || {
		let key = parsed.public_key()?;
		key.check_ek().map(|()| key)
	});
	ledger.look(Own, &[Error::EkNotCa], || check_not_ca(&parsed));
	ledger.look(Own, &[Error::EkKeyUsage], || check_key_usage(&parsed, key.as_ref()));
	ledger.look(Own, &[Error::EkExtendedKeyUsage], || check_purpose(&parsed));
	let tpm = ledger.look(Own, &[Error::TpmAttributes], || TpmIdentity::of(&parsed));
	ledger.look(Own, &[Error::CriticalExtension], || parsed.check_critical());
	ledger
		.look(Own, &[Error::NotYetValid, Error::Expired], || parsed.check_validity(policy.ek_at.unwrap_or(policy.at)));
	ledger.look(Own, &[Error::WeakHash, Error::SignatureAlgorithm], || parsed.check_signature_algorithm());
	let path = ledger.look(Path, PATH_RULES, || path::find(&parsed, candidates, store, policy));
	match (ledger.refusal, key, tpm, path) {
		(None, Some(key), Some(tpm), Some(path)) => Ok(EndorsementKey {
			key_hash: key.hash(),
			key,
			tpm,
			not_after: parsed.not_after(),
			earliest_not_after: path.iter().map(|link| link.not_after).min().unwrap_or(i64::MIN),
			path: path.into_iter().map(|link| link.fingerprint).collect(),
		}),
		(refusal, ..) => Err(refusal.unwrap_or(Error::CertificateForm)),
	}
}

/// The rules of the profile that follow those of the key.
const PROFILE_RULES: &[Error] = &[
	Error::EkNotCa,
	Error::EkKeyUsage,
	Error::EkExtendedKeyUsage,
	Error::TpmAttributes,
	Error::CriticalExtension,
	Error::NotYetValid,
	Error::Expired,
	Error::WeakHash,
	Error::SignatureAlgorithm,
];

/// Rule EK1. A certificate without basicConstraints is no CA's (RFC 5280, section 4.2.1.9).
fn check_not_ca(certificate: &Certificate<'_>) -> Result<(), Error> {
	match certificate.extensions.basic_constraints {
		Some(constraints) if constraints.ca => Err(Error::EkNotCa),
		_ => Ok(()),
	}
}

/// Rule EK2. An EK decrypts: RSA by keyEncipherment, ECC by keyAgreement (RFC 8813 forbids ECC the former), and the RSA
/// keys of Microsoft's Pluton are certified for the latter. Without any keyUsage it might as well sign, and so be a key
/// of another kind: Google certifies its AKs under the EK's purpose, and tells them apart by this extension alone.
fn check_key_usage(certificate: &Certificate<'_>, key: Option<&CertifiedKey>) -> Result<(), Error> {
	let accepted = match key {
		Some(CertifiedKey::Ecc { .. }) => KEY_AGREEMENT,
		_ => KEY_ENCIPHERMENT | KEY_AGREEMENT,
	};
	match certificate.extensions.key_usage {
		Some(usage) if usage & accepted != 0 => Ok(()),
		_ => Err(Error::EkKeyUsage),
	}
}

/// Rule EK3. The purpose must be named; anyExtendedKeyUsage does not name it.
fn check_purpose(certificate: &Certificate<'_>) -> Result<(), Error> {
	match certificate.extensions.purposes {
		Some(purposes) if purposes.endorsement_key => Ok(()),
		_ => Err(Error::EkExtendedKeyUsage),
	}
}
