//! What was checked, and how it came out: for people, or as JSON.

use std::process::ExitCode;

use serde::Serialize;

/// Whether evidence is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
	/// Every rule holds.
	Good,
	/// At least one does not.
	Refused,
}

impl From<Verdict> for ExitCode {
	fn from(verdict: Verdict) -> Self {
		match verdict {
			Verdict::Good => ExitCode::SUCCESS,
			Verdict::Refused => ExitCode::FAILURE,
		}
	}
}

/// How one rule came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
	/// It holds.
	Pass,
	/// It does not.
	Fail,
	/// It could not be looked at, because of a rule before it.
	Skipped,
}

/// One rule.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
	/// Its name, as in the documentation of `ep-tpm`.
	pub(crate) rule: String,
	/// How it came out.
	pub(crate) outcome: Outcome,
	/// Why, or what was found.
	#[serde(skip_serializing_if = "String::is_empty")]
	pub(crate) detail: String,
}

/// All of them, and facts about what was looked at.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Report {
	/// Facts, in the order in which they are shown.
	pub(crate) facts: serde_json::Map<String, serde_json::Value>,
	/// Rules, in the order in which they were looked at.
	pub(crate) checks: Vec<Check>,
}

impl Report {
	/// Shows it: JSON on one line, or facts and rules for people.
	pub(crate) fn print(&self, json: bool) {
		let good = self.verdict() == Verdict::Good;
		if json {
			let all = serde_json::json!({ "good": good, "facts": self.facts, "checks": self.checks });
			println!("{all}");
			return;
		}
		for (name, value) in &self.facts {
			match value {
				serde_json::Value::String(text) => println!("{name}: {text}"),
				other => println!("{name}: {other}"),
			}
		}
		for Check { rule, outcome, detail } in &self.checks {
			let outcome = match outcome {
				Outcome::Pass => "pass",
				Outcome::Fail => "FAIL",
				Outcome::Skipped => "skipped",
			};
			println!("{outcome:<8}{rule:<28}{detail}");
		}
		println!("{}", if good { "good" } else { "refused" });
	}

	/// Good if there were checks, and none failed or was skipped.
	pub(crate) fn verdict(&self) -> Verdict {
		match !self.checks.is_empty() && self.checks.iter().all(|check| check.outcome == Outcome::Pass) {
			true => Verdict::Good,
			false => Verdict::Refused,
		}
	}
}
