//! From verdicts of `ep-tpm` to lines of a report.

use ep_tpm::Error as Rule;

use crate::report::{Check, Outcome, Report};

/// The rules of a public area.
pub(super) const PUBLIC_AREA: &[Rule] = &[
	Rule::Truncated,
	Rule::TrailingBytes,
	Rule::OversizedField,
	Rule::ObjectType,
	Rule::NameHash,
	Rule::AuthPolicySize,
	Rule::SymmetricForm,
	Rule::SchemeForm,
	Rule::RsaModulus,
];
/// Of an attestation key beyond those: what it may do.
pub(super) const KEY_ATTRIBUTES: &[Rule] = &[
	Rule::NotRestricted,
	Rule::NotSigning,
	Rule::CanDecrypt,
	Rule::NotFixedTpm,
	Rule::NotFixedParent,
	Rule::NotMadeInTpm,
	Rule::ForbiddenAttribute,
	Rule::KeySymmetric,
	Rule::KeyScheme,
	Rule::KeyHash,
	Rule::KeyKdf,
];
/// And what it is, if it is RSA.
pub(super) const RSA_KEY: &[Rule] = &[Rule::RsaKeySize, Rule::RsaExponent];
/// Or ECC.
pub(super) const ECC_KEY: &[Rule] = &[Rule::KeyCurve, Rule::CoordinateSize, Rule::PointNotOnCurve];
/// Of an endorsement key beyond those of a public area.
pub(super) const EK_TEMPLATE: &[Rule] = &[
	Rule::EkNotRestricted,
	Rule::EkNotDecrypting,
	Rule::EkCanSign,
	Rule::EkNotFixedTpm,
	Rule::EkNotFixedParent,
	Rule::EkNotMadeInTpm,
	Rule::EkNotAdminWithPolicy,
	Rule::EkForbiddenAttribute,
	Rule::EkSymmetric,
	Rule::EkScheme,
];
/// Of an attestation, as far as its form goes.
pub(super) const ATTESTATION: &[Rule] = &[
	Rule::Magic,
	Rule::AttestationType,
	Rule::Truncated,
	Rule::TrailingBytes,
	Rule::OversizedField,
	Rule::NameForm,
	Rule::SafeFlag,
];
/// Of a signature.
pub(super) const SIGNATURE: &[Rule] =
	&[Rule::SignatureScheme, Rule::SignatureHash, Rule::SignatureSize, Rule::SignatureRange, Rule::BadSignature];

/// A rule's name, as the documentation of `ep-tpm` has it: the part of its message before the colon.
pub(super) fn name(rule: Rule) -> String {
	let message = rule.to_string();
	message.split(':').next().unwrap_or(&message).to_lowercase().replace(' ', "-")
}

impl Report {
	/// A fact.
	pub(super) fn fact(&mut self, name: &str, value: impl Into<serde_json::Value>) {
		self.facts.insert(name.to_owned(), value.into());
	}

	/// One line.
	pub(super) fn line(&mut self, rule: Rule, outcome: Outcome, detail: impl Into<String>) {
		self.checks.push(Check { rule: name(rule), outcome, detail: detail.into() });
	}

	/// Notes how `rules`, which were looked at together over `subject`, came out. When one of them fails nothing is known
	/// about the others, so these are skipped.
	pub(super) fn stage<T>(&mut self, subject: &str, rules: &[Rule], result: Result<T, Rule>) -> Option<T> {
		match result {
			Ok(value) => {
				rules.iter().for_each(|rule| self.line(*rule, Outcome::Pass, subject));
				Some(value)
			}
			Err(broken) => {
				self.line(broken, Outcome::Fail, format!("{subject}: {broken}"));
				let others = rules.iter().filter(|rule| **rule != broken);
				others
					.for_each(|rule| self.line(*rule, Outcome::Skipped, format!("{subject}: after {}", name(broken))));
				None
			}
		}
	}

	/// Notes rules that could not be looked at.
	pub(super) fn skip(&mut self, rules: &[Rule], why: &str) {
		rules.iter().for_each(|rule| self.line(*rule, Outcome::Skipped, why));
	}
}
