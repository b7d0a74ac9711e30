//! What was checked, and how it came out: for people, or as JSON.

use std::{
	io::{self, Write},
	process::ExitCode,
};

use serde::Serialize;
use serde_json::Value;

/// Whether evidence is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
	/// Every rule holds.
	Good,
	/// At least one does not.
	Refused,
}

impl Verdict {
	/// As it is printed.
	const fn word(self) -> &'static str {
		match self {
			Self::Good => "good",
			Self::Refused => "refused",
		}
	}
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

impl Outcome {
	const fn word(self) -> &'static str {
		match self {
			Self::Pass => "pass",
			Self::Fail => "FAIL",
			Self::Skipped => "skipped",
		}
	}
}

/// One rule.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
	/// Its name, as in the documentation of what is checked: of `ep-tpm`, or of the command.
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
	/// Good if there were checks, and none failed or was skipped.
	pub(crate) fn verdict(&self) -> Verdict {
		match !self.checks.is_empty() && self.checks.iter().all(|check| check.outcome == Outcome::Pass) {
			true => Verdict::Good,
			false => Verdict::Refused,
		}
	}

	/// Prints all of it on standard output: facts, then a line for every rule, then the verdict; or one JSON object with
	/// `verdict`, `facts` and `checks`.
	pub(crate) fn print(&self, json: bool) {
		// A reader that has seen enough closes the pipe; that is no error of ours.
		let _ = self.write(&mut std::io::stdout().lock(), json);
	}

	/// Prints the same for a question whose answer is true or false: the last line is the answer, and why not; in JSON
	/// `verdict` is a Boolean, and `reason` says why it is false.
	pub(crate) fn print_answer(&self, json: bool) {
		let _ = self.write_answer(&mut std::io::stdout().lock(), json);
	}

	fn write(&self, out: &mut impl Write, json: bool) -> io::Result<()> {
		if json {
			let object = serde_json::json!({
				"verdict": self.verdict().word(), "facts": self.facts, "checks": self.checks,
			});
			return writeln!(out, "{object}");
		}
		self.write_lines(out)?;
		writeln!(out, "\n{}", self.verdict().word())
	}

	fn write_answer(&self, out: &mut impl Write, json: bool) -> io::Result<()> {
		let answer = self.verdict() == Verdict::Good;
		let reason = self.reason().filter(|_| !answer);
		if json {
			let mut object = serde_json::json!({ "verdict": answer, "facts": self.facts, "checks": self.checks });
			if let Some(reason) = reason {
				object["reason"] = reason.into();
			}
			return writeln!(out, "{object}");
		}
		self.write_lines(out)?;
		match reason {
			Some(reason) => writeln!(out, "\n{answer}: {reason}"),
			None => writeln!(out, "\n{answer}"),
		}
	}

	/// The first rule that does not hold, and why.
	fn reason(&self) -> Option<String> {
		let Check { rule, detail, .. } = self.checks.iter().find(|check| check.outcome == Outcome::Fail)?;
		Some(format!("{rule}: {detail}"))
	}

	/// Facts and rules, for people.
	fn write_lines(&self, out: &mut impl Write) -> io::Result<()> {
		let width = self.facts.keys().map(String::len).max().unwrap_or_default();
		for (name, value) in &self.facts {
			match value {
				Value::Array(lines) => {
					for (index, line) in lines.iter().enumerate() {
						writeln!(out, "{:width$}  {}", if index == 0 { name } else { "" }, plain(line))?;
					}
				}
				value => writeln!(out, "{name:width$}  {}", plain(value))?,
			}
		}
		if !self.facts.is_empty() {
			writeln!(out)?;
		}
		let width = self.checks.iter().map(|check| check.rule.len()).max().unwrap_or_default();
		for Check { rule, outcome, detail } in &self.checks {
			writeln!(out, "{}", format!("{:8} {rule:width$}  {detail}", outcome.word()).trim_end())?;
		}
		Ok(())
	}
}

/// A value without the quotation marks of JSON.
fn plain(value: &Value) -> String {
	value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

#[cfg(test)]
mod tests {
	use super::*;

	fn report(outcomes: &[Outcome]) -> Report {
		let check = |outcome: &Outcome| Check { rule: "a-rule".into(), outcome: *outcome, detail: String::new() };
		Report { facts: Default::default(), checks: outcomes.iter().map(check).collect() }
	}

	#[test]
	fn good_is_only_what_was_looked_at_whole() {
		assert_eq!(report(&[]).verdict(), Verdict::Refused);
		assert_eq!(report(&[Outcome::Pass]).verdict(), Verdict::Good);
		assert_eq!(report(&[Outcome::Pass, Outcome::Fail]).verdict(), Verdict::Refused);
		assert_eq!(report(&[Outcome::Pass, Outcome::Skipped]).verdict(), Verdict::Refused);
	}

	#[test]
	fn a_report_is_one_line_a_rule_or_one_json_object() {
		let mut report = report(&[Outcome::Pass, Outcome::Fail]);
		report.facts.insert("key".into(), "P-256".into());
		report.facts.insert("path".into(), vec!["leaf", "root"].into());
		let written = |json| {
			let mut out = Vec::new();
			report.write(&mut out, json).unwrap();
			String::from_utf8(out).unwrap()
		};
		let expected = "key   P-256\npath  leaf\n      root\n\npass     a-rule\nFAIL     a-rule\n\nrefused\n";
		assert_eq!(written(false), expected);
		let json: Value = serde_json::from_str(&written(true)).unwrap();
		assert_eq!(json["verdict"], "refused");
		assert_eq!(json["checks"][1]["outcome"], "fail");
		assert_eq!(json["facts"]["path"][1], "root");
	}

	#[test]
	fn an_answer_is_true_or_false_and_the_first_rule_that_does_not_hold_says_why() {
		let written = |report: &Report, json| {
			let mut out = Vec::new();
			report.write_answer(&mut out, json).unwrap();
			String::from_utf8(out).unwrap()
		};
		let good = report(&[Outcome::Pass]);
		assert_eq!(written(&good, false), "pass     a-rule\n\ntrue\n");
		let json: Value = serde_json::from_str(&written(&good, true)).unwrap();
		assert_eq!((&json["verdict"], json.get("reason")), (&Value::Bool(true), None));
		let mut bad = report(&[Outcome::Pass, Outcome::Fail, Outcome::Skipped]);
		bad.checks[1].detail = "too late".into();
		assert!(written(&bad, false).ends_with("\nfalse: a-rule: too late\n"));
		let json: Value = serde_json::from_str(&written(&bad, true)).unwrap();
		// A Boolean: the word "false" would be taken for true by half of all languages.
		assert_eq!((&json["verdict"], &json["reason"]), (&Value::Bool(false), &Value::from("a-rule: too late")));
	}
}
