//! `elapse trust verify`.

use std::{
	path::{Path, PathBuf},
	time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::{ArgGroup, Args};
use serde_json::{json, Value};
use sp_core::H160;

use super::{
	answer::{hexadecimal, Answer, Node},
	esc::{Esc, Landed, Place},
	http::{Failure, Http},
	judge::{judge, nothing_landed, Judgement, Question, Word},
};
use crate::{
	input::{self, describe_time, Error},
	report::{Report, Verdict},
};

/// How often those who contradict each other are asked: one may be a few blocks behind the other.
const ROUNDS: usize = 4;
/// How long they are given to come to one mind.
const BREATH: Duration = Duration::from_secs(2);

/// Check how much a node is trusted, against the Elastos Smart Chain (ESC) alone.
///
/// The proof comes from a gateway: any node of Elapse, which need not be trusted, since a proof
/// is right or is none. It is checked here, under the checkpoint that ESC has, and by the
/// contract TrustScores there. Both must say yes.
///
/// Each rule is printed with its outcome, then `true`, or `false` and why:
///   shape   the answer is a proof of a score, with all its parts
///   node    it is about the node that was asked for
///   landed  its checkpoint is one that ESC keeps; if a gateway is asked, the newest
///   index   its leaf is one of those that the checkpoint counts
///   root    node, score, signer and siblings have the root that landed
///   frozen  the contract takes it, too: no verdict that let the node in was proved false
///   least   the score is as great as --least asks
///   fresh   the checkpoint landed as recently as --max-age asks
///
/// Exit status: 0 if it is true, 1 if it is false, 2 if there is no telling: ESC or the gateway
/// does not answer, those who were asked contradict each other, or the arguments make no sense.
/// The message says what to do.
///
/// ESC is believed as the nodes tell it that are given with --esc. Give several, by different
/// people: all of them are asked, and if they do not say the same, nothing is true. A gateway
/// that gives no proof shows nothing about the node: ask another. A file can be old, since ESC
/// keeps 256 checkpoints: --max-age says how old it may be.
///
/// Examples:
///   elapse trust verify --node 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY \
///     --esc https://api.elastos.io/esc --esc https://another.example/esc \
///     --scores 0x5fbdb2315678afecb367f032d93f642f64180aa3 \
///     --gateway http://127.0.0.1:9944 --least 500000 --max-age 86400
///
///   curl -s -H 'Content-Type: application/json' http://127.0.0.1:9944 -d '{"jsonrpc":"2.0",
///     "id":1,"method":"bridge_scoreProof","params":["5Grw..."]}' > proof.json
///   elapse trust verify --node 5Grw... --esc https://api.elastos.io/esc --scores 0x5fbd... \
///     --answer proof.json
#[derive(Debug, Args)]
#[command(
	verbatim_doc_comment,
	override_usage = "elapse trust verify --node <NODE> --esc <URL>... --scores <ADDRESS> \
		(--gateway <URL> | --answer <FILE>) [OPTIONS]",
	group = ArgGroup::new("proof").required(true).args(["gateway", "answer"])
)]
pub(crate) struct Verify {
	/// The node: its key for lottery and seals, as an SS58 address or as 0x and 64 hexadecimal digits.
	#[arg(long, value_name = "NODE", value_parser = Node::parse)]
	node: Node,
	/// A node of ESC, http:// or https://. Given more than once, all of them are asked, and must agree.
	#[arg(long, value_name = "URL", required = true)]
	esc: Vec<String>,
	/// The contract TrustScores on ESC.
	#[arg(long, value_name = "ADDRESS", value_parser = address)]
	scores: H160,
	/// Whom to ask for the proof: a node of Elapse, http:// or https://.
	#[arg(long, value_name = "URL")]
	gateway: Option<String>,
	/// The proof: what bridge_scoreProof has answered, as JSON (- for standard input).
	#[arg(long, value_name = "FILE")]
	answer: Option<PathBuf>,
	/// The least score that will do, of 1000000. Without it any will, and 0 too, which is that of who is suspended.
	#[arg(long, value_name = "SCORE")]
	least: Option<u64>,
	/// The most seconds since the checkpoint landed, by this machine's clock. How old its block was by then, ESC does not
	/// say.
	#[arg(long, value_name = "SECONDS")]
	max_age: Option<u64>,
	/// Print one JSON object: verdict (true or false), reason (if false), facts, checks.
	#[arg(long)]
	json: bool,
}

/// Where the proof comes from.
enum Source<'a> {
	Gateway(Box<Http>),
	File(&'a Path, Box<Result<Answer, String>>),
}

impl Verify {
	/// Does it.
	pub(super) fn run(self) -> Result<Verdict, Error> {
		let since = SystemTime::now().duration_since(UNIX_EPOCH);
		let now = since.map_err(|_| Error::Usage("the clock of this machine is before 1970: set it".into()))?.as_secs();
		let chain = self.esc.iter().map(|url| Esc::new(url, self.scores)).collect::<Result<Vec<_>, _>>()?;
		let source = match (&self.gateway, &self.answer) {
			(Some(url), _) => {
				Source::Gateway(Box::new(Http::new(url).map_err(|error| Error::Usage(format!("--gateway: {error}")))?))
			}
			(None, Some(path)) => Source::File(path, Box::new(Answer::read(&input::read(path)?))),
			// The arguments' group has one of them.
			(None, None) => return Err(Error::Usage("give --gateway or --answer".into())),
		};
		let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
		let runtime = runtime.map_err(|error| Error::Usage(format!("this machine does not let us wait: {error}")))?;
		let report = runtime.block_on(self.look(&chain, &source, now))?;
		report.print_answer(self.json);
		Ok(report.verdict())
	}

	async fn look(&self, chain: &[Esc], source: &Source<'_>, now: u64) -> Result<Report, Error> {
		let place = place(chain).await?;
		let mut report = Report::default();
		self.name_who_was_asked(&mut report, chain, source, &place);
		let Some(newest) = newest(chain, &place).await? else {
			report.checks = nothing_landed().checks;
			return Ok(report);
		};
		let (asked, answer) = match source {
			Source::Gateway(gateway) => (Some(newest), ask(gateway, &self.node, newest).await?),
			Source::File(_, answer) => (None, answer.as_ref().clone()),
		};
		let Self { node, least, max_age, .. } = *self;
		let question = Question { node, asked, least, max_age, now };
		let word = word(chain, &place, &question, answer.as_ref().ok()).await?;
		let judgement = judge(&question, &answer, newest, &word).map_err(Error::Remote)?;
		add_facts(&mut report, answer.as_ref().ok(), newest, word.kept.as_ref(), now, &judgement);
		report.checks = judgement.checks;
		Ok(report)
	}

	fn name_who_was_asked(&self, report: &mut Report, chain: &[Esc], source: &Source<'_>, place: &Place) {
		let mut fact = |name: &str, value: Value| report.facts.insert(name.into(), value);
		fact("node", self.node.hexadecimal().into());
		fact("author", self.node.author().into());
		fact("esc", chain.iter().map(Esc::name).collect());
		fact("chainId", place.chain.into());
		fact("scores", hexadecimal(self.scores.as_bytes()).into());
		fact("anchor", hexadecimal(place.anchor.as_bytes()).into());
		match source {
			Source::Gateway(gateway) => fact("gateway", gateway.name().into()),
			Source::File(path, _) => fact("answer", path.display().to_string().into()),
		};
	}
}

/// Reads an address.
fn address(text: &str) -> Result<H160, String> {
	let bytes = text.strip_prefix("0x").and_then(|digits| hex::decode(digits).ok());
	let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
	bytes.map(H160).ok_or_else(|| "an address has 40 hexadecimal digits after 0x".into())
}

/// What is found out about the answer. A score that is not shown is not called one.
fn add_facts(
	report: &mut Report,
	answer: Option<&Answer>,
	newest: u64,
	kept: Option<&Landed>,
	now: u64,
	judgement: &Judgement,
) {
	let mut fact = |name: &str, value: Value| report.facts.insert(name.into(), value);
	if let Some(answer) = answer {
		if judgement.shown {
			fact("score", answer.score.into());
			fact("signer", hexadecimal(answer.proof.signer.as_bytes()).into());
		} else {
			fact("claimedScore", answer.score.into());
		}
	}
	fact("newestCheckpoint", newest.into());
	if let Some(kept) = kept {
		fact("checkpoint", kept.number.into());
		fact("landed", describe_time(kept.landed.try_into().unwrap_or(i64::MAX)).into());
		fact("age", now.saturating_sub(kept.landed).into());
	}
}

/// Chain and anchor, of which all must say the same.
async fn place(chain: &[Esc]) -> Result<Place, Error> {
	let mut first: Option<(String, Place)> = None;
	for esc in chain {
		let place = esc.place().await?;
		match &first {
			None => first = Some((esc.name(), place)),
			Some((_, same)) if *same == place => {}
			Some((name, other)) => {
				let describe = |place: &Place| {
					format!("has chain {} and the anchor {}", place.chain, hexadecimal(place.anchor.as_bytes()))
				};
				return Err(Error::Remote(format!(
					"{name} {}, {} {}: they are of two chains, or one of them lies. Give nodes of one chain with --esc",
					describe(other),
					esc.name(),
					describe(&place),
				)));
			}
		}
	}
	first.map(|(_, place)| place).ok_or_else(|| Error::Usage("give --esc".into()))
}

/// The newest height that anyone has. Whoever has it not yet is waited for.
async fn newest(chain: &[Esc], place: &Place) -> Result<Option<u64>, Error> {
	let mut newest = None;
	for esc in chain {
		newest = newest.max(esc.latest(&place.anchor).await?.map(|landed| landed.number));
	}
	Ok(newest)
}

/// Asks the gateway.
async fn ask(gateway: &Http, node: &Node, height: u64) -> Result<Result<Answer, String>, Error> {
	match gateway.ask("bridge_scoreProof", json!([node.author(), height])).await {
		Ok(value) => Ok(Answer::parse(value)),
		Err(Failure::Down(why)) => Err(Error::Remote(format!(
			"the gateway {} does not answer ({why}). Try again, or ask another node of Elapse with --gateway",
			gateway.name(),
		))),
		Err(Failure::Said { message, .. }) => Err(Error::Remote(format!(
			"the gateway {} gives no proof: {message}. That shows nothing about the node: ask another node of Elapse with \
			 --gateway",
			gateway.name(),
		))),
	}
}

/// What the chain has and says, which is one word if all of those asked say the same.
async fn word(chain: &[Esc], place: &Place, question: &Question, answer: Option<&Answer>) -> Result<Word, Error> {
	let Some(height) = question.asked.or(answer.map(|answer| answer.checkpoint)) else {
		return Ok(Word { kept: None, takes: false });
	};
	let mut words = Vec::new();
	for round in 0..ROUNDS {
		if round > 0 {
			tokio::time::sleep(BREATH).await;
		}
		words.clear();
		for esc in chain {
			let kept = esc.checkpoint(&place.anchor, height).await?;
			let takes = match answer.filter(|answer| kept.is_some() && answer.checkpoint == height) {
				Some(answer) => esc.verify_at(height, &question.node, answer.score, &answer.proof).await?,
				None => false,
			};
			words.push(Word { kept, takes });
		}
		// What a gateway is asked for is there: someone has just said so.
		let same = words.windows(2).all(|pair| pair[0] == pair[1]);
		match words.first() {
			Some(word) if same && (word.kept.is_some() || question.asked.is_none()) => return Ok(*word),
			_ => {}
		}
	}
	let said: Vec<_> = chain.iter().zip(&words).map(|(esc, word)| describe(esc, height, word)).collect();
	Err(Error::Remote(format!(
		"there is no telling what the chain says of #{height}. {}. Someone lies, or is behind: ask again in a minute, and \
		 then others with --esc",
		said.join("; "),
	)))
}

fn describe(esc: &Esc, height: u64, word: &Word) -> String {
	let name = esc.name();
	match word.kept {
		None => format!("{name} does not have #{height}"),
		Some(Landed { trust_root, trust_leaves, landed, .. }) => {
			let landed = describe_time(landed.try_into().unwrap_or(i64::MAX));
			let root = hexadecimal(trust_root.as_bytes());
			format!("{name} has root {root} of {trust_leaves} leaves, landed {landed}, and says {}", word.takes)
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn an_address_is_0x_and_40_digits() {
		let text = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
		assert_eq!(hexadecimal(address(text).unwrap().as_bytes()), text.to_lowercase());
		for text in ["", "0x", &text[2..], &text[..40], &format!("{text}00"), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHp"] {
			assert!(address(text).is_err(), "{text}");
		}
	}
}
