//! Machines that nobody knows become members.

use std::process::Command;

use elapse_network::{process, say, Network, NetworkOptions, NodeOptions, Role, Rpc};
use elapse_runtime::{Runtime, RuntimeEvent};
use ep_poet::AuthorityId;
use ep_trust::{Judgement, Round};
use jsonrpsee::rpc_params;
use pallet_admission::{Event, Outcome};
use serde_json::Value;
use sp_core::crypto::Ss58Codec;

use super::{duties::stands, expect, nobody_equivocated, run, seconds, until, wrong, Error, Result, Seen};

/// Blocks in an epoch: short, since weights take effect within three.
const EPOCH: u32 = 6;

pub(super) fn network_of(members: usize, newcomers: &[&str]) -> NetworkOptions {
	let mut options = NetworkOptions::members(&vec![500_000; members]);
	options.epoch_length = Some(EPOCH);
	options.nodes.extend(newcomers.iter().map(|name| NodeOptions::new(*name, Role::Newcomer)));
	options
}

#[test]
fn a_newcomer_is_questioned_judged_let_in_and_authors() {
	run("a newcomer", async {
		let mut network = Network::start(network_of(3, &["newcomer"])).await?;
		network.finalized(&[0, 1, 2], 2, seconds(60)).await?;
		network.restart(3).await?;
		let author = author(&network, 3)?;
		let mut watch = Watch::new(&network);
		watch.until("the newcomer is let in", admitted(0)).await?;
		its_evidence_is_on_chain(&network, &author).await?;
		anybody_looks_at_it_again(&network, &author).await?;
		it_authors(&network, &author).await?;
		// With a quote that meets the policy it was admitted under.
		stands(&network, 3, "attests as a member", |node| node["done"].as_u64() >= Some(1)).await?;
		network.check()?;
		nobody_equivocated(&network)?;
		network.one_chain(&[0, 1, 2, 3]).await?;
		network.finish()
	});
}

/// One newcomer is killed after it applied, a member after it sat down; both are started again.
#[test]
fn two_newcomers_are_let_in_although_nodes_die_meanwhile() {
	run("two newcomers", async {
		let mut network = Network::start(network_of(4, &["newcomer-1", "newcomer-2"])).await?;
		network.finalized(&[0, 1, 2, 3], 2, seconds(60)).await?;
		for i in [4, 5] {
			network.restart(i).await?;
		}
		let authors = [author(&network, 4)?, author(&network, 5)?];
		let mut watch = Watch::new(&network);
		for round in [0, 1] {
			watch
				.until(
					"both have applied",
					move |event| matches!(event, Event::Applied { round: r, .. } if *r == round),
				)
				.await?;
		}
		network.node(4).kill()?;
		network.restart(4).await?;
		let dying = author(&network, 3)?;
		watch
			.until(
				"the last member sits",
				move |event| matches!(event, Event::Seated { author, .. } if *author == dying),
			)
			.await?;
		network.node(3).kill()?;
		network.restart(3).await?;
		for round in [0, 1] {
			watch.until("both are let in", admitted(round)).await?;
		}
		for author in &authors {
			its_evidence_is_on_chain(&network, author).await?;
			it_authors(&network, author).await?;
		}
		network.check()?;
		nobody_equivocated(&network)?;
		network.one_chain(&[0, 1, 2, 3, 4, 5]).await?;
		network.finish()
	});
}

pub(super) fn author(network: &Network, i: usize) -> Result<AuthorityId> {
	let text = &network.nodes()[i].member()?.author;
	AuthorityId::from_ss58check(text).or_else(|error| wrong(format!("{text} is no key: {error}")))
}

pub(super) fn admitted(round: Round) -> impl Fn(&Event<Runtime>) -> bool {
	move |event| matches!(event, Event::Closed { round: r, outcome: Outcome::Judged(Judgement::Admit), .. } if *r == round)
}

/// The events of admission in the finalised chain, in their order.
pub(super) struct Watch {
	rpc: Rpc,
	/// How else than well a round may end.
	expected: Option<Outcome>,
	looked: u32,
	seen: Vec<Event<Runtime>>,
}

impl Watch {
	pub(super) fn new(network: &Network) -> Self {
		Self { rpc: network.rpc(0), expected: None, looked: 0, seen: Vec::new() }
	}

	/// Rounds may end like this, too.
	pub(super) fn expects(&mut self, outcome: Outcome) {
		self.expected = Some(outcome);
	}

	/// Waits for an event, unless it was seen already. Fails if a round ends otherwise than it should, or a member fails.
	pub(super) async fn until(&mut self, what: &str, wanted: impl Fn(&Event<Runtime>) -> bool) -> Result<()> {
		for _ in 0..240 {
			if self.seen.iter().any(&wanted) {
				return Ok(());
			}
			self.look().await?;
			tokio::time::sleep(seconds(1)).await;
		}
		Err(Error::Deadline { what: what.into(), after: seconds(240), last: format!("#{}", self.looked) })
	}

	async fn look(&mut self) -> Result<()> {
		let at = self.rpc.finalized().await?.number;
		for height in self.looked + 1..=at {
			let Some(hash) = self.rpc.block_hash(height).await? else { return wrong(format!("there is no #{height}")) };
			for event in self.rpc.events(hash).await? {
				let RuntimeEvent::Admission(event) = event else { continue };
				say(format_args!("#{height}: {event:?}"));
				match &event {
					Event::Closed { outcome: Outcome::Judged(Judgement::Admit), .. } => {}
					Event::Closed { outcome, .. } if self.expected == Some(*outcome) => {}
					Event::Closed { outcome, .. } => return wrong(format!("a round ended otherwise: {outcome:?}")),
					Event::Failed { author, fault, .. } => return wrong(format!("{author} failed: {fault:?}")),
					_ => {}
				}
				self.seen.push(event);
			}
			self.looked = height;
		}
		Ok(())
	}
}

/// What it was admitted on stays, and no round does.
pub(super) async fn its_evidence_is_on_chain(network: &Network, author: &AuthorityId) -> Result<()> {
	let rpc = network.rpc(0);
	let at = rpc.finalized().await?.hash;
	let dossier = rpc.storage(&pallet_admission::Dossiers::<Runtime>::hashed_key_for(author), Some(at)).await?;
	let dossier: ep_trust::Dossier = match dossier {
		Some(dossier) => dossier,
		None => return wrong("there is no evidence of it on chain"),
	};
	expect(dossier.application.author == *author, || "the evidence is another's".into())?;
	let rounds: Option<u32> = rpc.storage(&pallet_admission::RoundCount::<Runtime>::hashed_key(), Some(at)).await?;
	expect(rounds == Some(0), || format!("{rounds:?} rounds live on"))
}

/// `trust_evidence` gives all that `elapse tpm verify-quote` asks for, of both of its quotes.
async fn anybody_looks_at_it_again(network: &Network, author: &AuthorityId) -> Result<()> {
	let evidence: Value = network.rpc(0).ask("trust_evidence", rpc_params![author.to_ss58check()]).await?;
	let dir = tempfile::tempdir().map_err(Error::io("make", "a temporary folder"))?;
	let text = |value: &Value| value.as_str().unwrap_or_default().trim_start_matches("0x").to_string();
	let file = |name: &str, value: &Value| {
		let path = dir.path().join(name);
		let bytes = hex::decode(text(value)).or_else(|error| wrong(format!("{name} is no bytes: {error}")))?;
		std::fs::write(&path, bytes).map_err(Error::io("write", &path)).map(|()| path)
	};
	let (ek, ak) = (file("ek", &evidence["ekPublic"])?, file("ak", &evidence["akPublic"])?);
	let program = process::node_program()?.with_file_name("elapse");
	for which in ["application", "answer"] {
		let quote = &evidence[which];
		let (attest, signature) = (file("quote", &quote["attest"])?, file("signature", &quote["signature"])?);
		let verify = |nonce: &str| {
			let mut command = Command::new(&program);
			command.args(["tpm", "verify-quote", "--nonce", nonce]);
			for (option, file) in [("--ak", &ak), ("--ek", &ek), ("--quote", &attest), ("--signature", &signature)] {
				command.arg(option).arg(file);
			}
			process::run(&mut command)
		};
		verify(&text(&quote["nonce"]))?;
		let other = verify(&"00".repeat(32));
		expect(other.is_err(), || format!("the quote of its {which} is good under any nonce"))?;
	}
	Ok(())
}

/// Within three epochs its blocks are in the finalised chain.
pub(super) async fn it_authors(network: &Network, author: &AuthorityId) -> Result<()> {
	let rpc = network.rpc(0);
	until("a block of the newcomer is final", seconds(240), || async {
		let at = rpc.finalized().await?;
		let record: Option<pallet_poet::Record> =
			rpc.storage(&pallet_poet::Records::<Runtime>::hashed_key_for(author), Some(at.hash)).await?;
		Ok(match record {
			Some(record) if record.claims.wins > 0 => Seen::Yes(()),
			_ => Seen::NotYet(format!("#{}", at.number)),
		})
	})
	.await
}
