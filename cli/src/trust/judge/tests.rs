//! Each rule, and who breaks it.

#[path = "../../../tests/common/tree.rs"]
mod tree;

use tree::{leaf, proof, LEAVES};

use super::*;

const HEIGHT: u64 = 40;
const NOW: u64 = 1_800_000_000;

/// What is judged.
#[derive(Clone)]
struct Case {
	question: Question,
	answer: Answer,
	newest: u64,
	word: Word,
}

impl Case {
	/// A good one.
	fn new() -> Self {
		let (trust_root, proof) = proof(3);
		let node = Node(leaf(3).node);
		let kept = Landed { number: HEIGHT, trust_leaves: LEAVES, landed: NOW - 600, trust_root };
		Self {
			question: Question { node, asked: Some(HEIGHT), least: Some(500_003), max_age: Some(600), now: NOW },
			answer: Answer { checkpoint: HEIGHT, node, score: 500_003, proof },
			newest: HEIGHT,
			word: Word { kept: Some(kept), takes: true },
		}
	}

	fn kept(&mut self) -> &mut Landed {
		self.word.kept.as_mut().unwrap()
	}

	fn judge(&self) -> Result<Judgement, String> {
		judge(&self.question, &Ok(self.answer), self.newest, &self.word)
	}
}

/// How a case comes out that was changed.
fn after(change: impl FnOnce(&mut Case)) -> Judgement {
	let mut case = Case::new();
	change(&mut case);
	case.judge().unwrap()
}

/// The rules that failed.
fn failed(judgement: &Judgement) -> Vec<&str> {
	let failed = judgement.checks.iter().filter(|check| check.outcome == Outcome::Fail);
	failed.map(|check| check.rule.as_str()).collect()
}

/// What breaks one rule alone, and makes those after it mean nothing.
fn breaks(rule: &str, change: impl FnOnce(&mut Case)) {
	let judgement = after(change);
	assert_eq!(failed(&judgement), [rule]);
	assert!(!judgement.shown, "{rule}");
	let rest = judgement.checks.iter().skip_while(|check| check.rule != rule).skip(1);
	assert!(rest.into_iter().all(|check| check.outcome == Outcome::Skipped), "{rule}: {:?}", judgement.checks);
}

#[test]
fn what_is_right_is_shown_by_every_rule() {
	let judgement = after(|_| {});
	let rules: Vec<_> = judgement.checks.iter().map(|check| check.rule.as_str()).collect();
	assert_eq!(rules, ["shape", "node", "landed", "index", "root", "frozen", "least", "fresh"]);
	assert!(judgement.shown && failed(&judgement).is_empty());
	// What is not asked for is no rule.
	let fewer = after(|case| (case.question.least, case.question.max_age) = (None, None));
	assert_eq!((fewer.shown, fewer.checks.len()), (true, 6));
}

#[test]
fn shape_refuses_what_is_no_answer() {
	let case = Case::new();
	let word = Word { takes: false, ..case.word };
	let judgement = judge(&case.question, &Err("16 siblings".into()), HEIGHT, &word).unwrap();
	assert_eq!(failed(&judgement), ["shape"]);
	assert!(judgement.checks[0].detail.contains("16 siblings"));
	assert!(judgement.checks[1..].iter().all(|check| check.outcome == Outcome::Skipped));
}

#[test]
fn node_refuses_the_proof_of_another_node() {
	breaks("node", |case| {
		let (_, proof) = proof(2);
		case.answer = Answer { node: Node(leaf(2).node), score: leaf(2).score, proof, ..case.answer };
		case.word.takes = false;
	});
	// Under the name that was asked for it has another root.
	breaks("root", |case| {
		let (_, proof) = proof(2);
		case.answer = Answer { score: leaf(2).score, proof, ..case.answer };
		case.word.takes = false;
	});
}

#[test]
fn landed_refuses_a_checkpoint_that_esc_does_not_keep() {
	breaks("landed", |case| {
		case.word = Word { kept: None, takes: false };
	});
	let judgement = after(|case| {
		case.question.asked = None;
		case.answer.checkpoint = HEIGHT + 10;
		case.word = Word { kept: None, takes: false };
	});
	assert!(judgement.checks[2].detail.contains("has not landed"), "{:?}", judgement.checks);
}

#[test]
fn landed_refuses_a_gateway_that_answers_with_a_better_past() {
	breaks("landed", |case| {
		case.question.asked = Some(HEIGHT + 10);
		case.newest = HEIGHT + 10;
		case.kept().number = HEIGHT + 10;
		case.word.takes = false;
	});
	// From a file it is for --max-age to say.
	let judgement = after(|case| {
		case.question.asked = None;
		case.newest = HEIGHT + 10;
	});
	assert!(judgement.shown);
	// What is kept of another height does not stand for it.
	breaks("landed", |case| case.kept().number = HEIGHT - 10);
}

#[test]
fn index_refuses_a_leaf_that_is_not_counted() {
	breaks("index", |case| {
		case.kept().trust_leaves = 3;
		case.word.takes = false;
	});
	breaks("index", |case| {
		case.answer.proof.index += 1 << 17;
		case.word.takes = false;
	});
}

#[test]
fn root_refuses_another_score_epoch_signer_sibling_place_and_root() {
	let forgers: [fn(&mut Case); 6] = [
		|case| case.answer.score += 1,
		|case| case.answer.proof.epoch += 1,
		|case| case.answer.proof.signer.0[0] ^= 1,
		|case| case.answer.proof.siblings[16].0[31] ^= 1,
		|case| case.answer.proof.index -= 1,
		|case| case.kept().trust_root.0[0] ^= 1,
	];
	for forger in forgers {
		breaks("root", |case| {
			forger(case);
			case.word.takes = false;
		});
	}
}

#[test]
fn frozen_refuses_what_is_right_and_not_taken() {
	breaks("frozen", |case| case.word.takes = false);
}

#[test]
fn least_refuses_less() {
	let judgement = after(|case| case.question.least = Some(500_004));
	assert_eq!(failed(&judgement), ["least"]);
	assert!(judgement.shown, "it is a score all the same");
}

#[test]
fn fresh_refuses_what_landed_before() {
	let judgement = after(|case| case.question.max_age = Some(599));
	assert_eq!(failed(&judgement), ["fresh"]);
	assert!(judgement.shown);
	// A clock that is a little behind is no matter.
	assert!(failed(&after(|case| case.kept().landed = NOW + SKEW)).is_empty());
}

#[test]
fn a_clock_that_is_behind_tells_nothing() {
	let mut case = Case::new();
	case.kept().landed = NOW + SKEW + 1;
	assert!(case.judge().unwrap_err().contains("clock"));
	case.question.max_age = None;
	assert!(case.judge().is_ok());
}

#[test]
fn a_chain_that_takes_what_is_no_proof_tells_nothing() {
	let mut case = Case::new();
	case.answer.score += 1;
	assert!(case.judge().unwrap_err().contains("takes a proof that is none"));
	let case = Case { word: Word { kept: None, takes: true }, ..Case::new() };
	assert!(case.judge().is_err());
	let Case { question, newest, word, .. } = Case::new();
	assert!(judge(&question, &Err("nothing".into()), newest, &word).is_err());
}

#[test]
fn before_the_first_checkpoint_nothing_is_shown() {
	let judgement = nothing_landed();
	assert_eq!(failed(&judgement), ["landed"]);
	assert!(!judgement.shown);
	assert!(judgement.checks[1..].iter().all(|check| check.outcome == Outcome::Skipped));
}
