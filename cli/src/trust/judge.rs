//! The rules: a pure function of the question, the answer, and what the Elastos Smart Chain has and says.

use ep_bridge::tree::Refusal;

use super::{
	answer::{Answer, Node},
	esc::Landed,
};
use crate::report::{Check, Outcome};

/// How far the chain's clock may be ahead of this machine's, in seconds.
const SKEW: u64 = 900;

const NOT_SIGNED: &str = "node, score, signer and siblings do not have the root that landed: one of them is not what \
	Elapse has signed";
const NOT_TAKEN: &str =
	"the proof is right, and the contract says no: the verdict that let the node in was proved false";
const CONTRADICTED: &str =
	"the contract takes a proof that is none by this program's reckoning. Either who answers for the \
	chain lies, or program and contract are not of one version: ask another node with --esc, and compare the version with \
	the published one";
const CLOCK: &str =
	"the checkpoint landed in the future by this machine's clock: set the clock, or leave --max-age out";

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
	/// About whom.
	pub(super) node: Node,
	/// The height of the checkpoint that a gateway was asked for. Whoever gives a file gives it with its height.
	pub(super) asked: Option<u64>,
	/// The least score that will do.
	pub(super) least: Option<u64>,
	/// How long ago the checkpoint may have landed, in seconds.
	pub(super) max_age: Option<u64>,
	/// Now, in seconds since 1970.
	pub(super) now: u64,
}

/// What the chain has and says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Word {
	/// What it keeps of the checkpoint in question.
	pub(super) kept: Option<Landed>,
	/// Whether `TrustScores` takes the proof. False if it was not asked.
	pub(super) takes: bool,
}

/// What comes of it.
#[derive(Clone, Debug)]
pub(super) struct Judgement {
	/// The rules, in order.
	pub(super) checks: Vec<Check>,
	/// Whether the score is shown, enough or not, fresh or not.
	pub(super) shown: bool,
}

/// Judges.
///
/// # Errors
/// There is no telling: the chain takes what is no proof, or its clock is not this machine's.
pub(super) fn judge(
	question: &Question,
	answer: &Result<Answer, String>,
	newest: u64,
	word: &Word,
) -> Result<Judgement, String> {
	let proven = answer.as_ref().ok().zip(word.kept.as_ref()).map(|(answer, landed)| {
		answer.proof.verify(&question.node.0, answer.score, &landed.trust_root, landed.trust_leaves)
	});
	if proven.is_none_or(|proven| proven.is_err()) && word.takes {
		return Err(CONTRADICTED.into());
	}
	let mut rules = Rules::default();
	rules.check("shape", || {
		answer.as_ref().map(drop).map_err(|why| format!("the answer is no proof of a score: {why}"))
	});
	let answer = answer.as_ref().ok();
	rules.check("node", || node(question, answer));
	rules.check("landed", || landed(question, answer, newest, word));
	let refused = |rule: Refusal| proven == Some(Err(rule));
	rules.check("index", || match refused(Refusal::Index) {
		true => Err("there is no such leaf under that checkpoint".into()),
		false => Ok(()),
	});
	rules.check("root", || match proven {
		Some(Ok(())) => Ok(()),
		_ => Err(NOT_SIGNED.into()),
	});
	rules.check("frozen", || match word.takes {
		true => Ok(()),
		false => Err(NOT_TAKEN.into()),
	});
	let shown = rules.broken.is_none();
	if let Some(least) = question.least {
		let score = answer.map_or(0, |answer| answer.score);
		rules.look("least", || match score >= least {
			true => Ok(()),
			false => Err(format!("the score is {score}, and not {least} or more")),
		});
	}
	if let Some(max_age) = question.max_age {
		let landed = word.kept.map_or(0, |landed| landed.landed);
		// A clock that is behind takes everything for fresh.
		if shown && landed > question.now.saturating_add(SKEW) {
			return Err(CLOCK.into());
		}
		let age = question.now.saturating_sub(landed);
		rules.look("fresh", || match age <= max_age {
			true => Ok(()),
			false => Err(format!("the checkpoint landed {age} seconds ago, and not {max_age} or fewer")),
		});
	}
	Ok(Judgement { checks: rules.checks, shown })
}

/// What comes of it where no checkpoint has landed: there is nothing to ask for.
pub(super) fn nothing_landed() -> Judgement {
	let mut rules = Rules::default();
	rules.check("landed", || Err("no checkpoint has landed there yet".into()));
	for rule in ["shape", "node", "index", "root", "frozen"] {
		rules.check(rule, || Ok(()));
	}
	Judgement { checks: rules.checks, shown: false }
}

fn node(question: &Question, answer: Option<&Answer>) -> Result<(), String> {
	match answer.map(|answer| answer.node) {
		Some(node) if node == question.node => Ok(()),
		Some(other) => Err(format!("the answer is about {} ({})", other.author(), other.hexadecimal())),
		None => Err("no answer".into()),
	}
}

fn landed(question: &Question, answer: Option<&Answer>, newest: u64, word: &Word) -> Result<(), String> {
	let height = answer.map_or(0, |answer| answer.checkpoint);
	// An older proof may show a score that the node has lost since.
	if let Some(asked) = question.asked.filter(|asked| *asked != height) {
		return Err(format!("the gateway was asked for a proof under #{asked}, and answers with one under #{height}"));
	}
	match word.kept {
		Some(kept) if kept.number == height => Ok(()),
		_ if height > newest => {
			Err(format!("the checkpoint of #{height} has not landed: #{newest} is the newest that has"))
		}
		_ => Err(format!(
			"#{height} is not among the checkpoints that the anchor keeps, of which #{newest} is the newest"
		)),
	}
}

/// Rules as they are looked at.
#[derive(Default)]
struct Rules {
	checks: Vec<Check>,
	broken: Option<&'static str>,
}

impl Rules {
	/// Looks at a rule, unless one before it is broken.
	fn look(&mut self, rule: &'static str, holds: impl FnOnce() -> Result<(), String>) -> bool {
		let (outcome, detail) = match self.broken {
			Some(broken) => (Outcome::Skipped, format!("after {broken}")),
			None => match holds() {
				Ok(()) => (Outcome::Pass, String::new()),
				Err(why) => (Outcome::Fail, why),
			},
		};
		self.checks.push(Check { rule: rule.into(), outcome, detail });
		outcome != Outcome::Fail
	}

	/// The same of a rule without which those after it mean nothing.
	fn check(&mut self, rule: &'static str, holds: impl FnOnce() -> Result<(), String>) {
		if !self.look(rule, holds) {
			self.broken = Some(rule);
		}
	}
}

#[cfg(test)]
mod tests;
