//! A machine that nobody knows becomes a member.

use elapse_network::{Network, NetworkOptions, NodeOptions, Role};
use elapse_runtime::{Runtime, RuntimeEvent};
use ep_poet::AuthorityId;
use ep_trust::Judgement;
use pallet_admission::{Event, Outcome};
use sp_core::crypto::Ss58Codec;

use super::{alone, expect, nobody_equivocated, seconds, until, wrong, Result, Seen};

/// Blocks in an epoch: short, since weights take effect within three.
const EPOCH: u32 = 6;
const MEMBERS: [usize; 3] = [0, 1, 2];
const NEWCOMER: usize = 3;

#[test]
fn a_newcomer_is_questioned_judged_let_in_and_authors() {
	alone("a newcomer", async {
		let mut options = NetworkOptions::members(&[500_000; 3]);
		options.epoch_length = Some(EPOCH);
		options.nodes.push(NodeOptions::new("newcomer", Role::Newcomer));
		let mut network = Network::start(options).await?;
		network.finalized(&MEMBERS, 2, seconds(60)).await?;
		network.restart(NEWCOMER).await?;

		let author = author(&network, NEWCOMER)?;
		let round = it_is_let_in(&network).await?;
		its_evidence_is_on_chain(&network, &author).await?;
		it_authors(&network, &author).await?;

		network.check()?;
		nobody_equivocated(&network)?;
		let end = network.one_chain(&[0, 1, 2, NEWCOMER]).await?;
		println!("    round {round} let it in, all are on one chain up to {end}");
		network.finish()
	});
}

fn author(network: &Network, i: usize) -> Result<AuthorityId> {
	let text = &network.nodes()[i].member()?.author;
	AuthorityId::from_ss58check(text).or_else(|error| wrong(format!("{text} is no key: {error}")))
}

/// The committee of all three members lets it in, and its deposit comes back. Returns the round.
async fn it_is_let_in(network: &Network) -> Result<u32> {
	let rpc = network.rpc(0);
	let mut looked = 0;
	for _ in 0..180 {
		let at = rpc.finalized().await?.number;
		for height in looked + 1..=at {
			let Some(hash) = rpc.block_hash(height).await? else { return wrong(format!("there is no #{height}")) };
			for event in rpc.events(hash).await? {
				let RuntimeEvent::Admission(event) = event else { continue };
				println!("    #{height}: {event:?}");
				match event {
					Event::Closed { round, outcome: Outcome::Judged(Judgement::Admit), .. } => return Ok(round),
					Event::Closed { outcome, .. } => return wrong(format!("the round ended otherwise: {outcome:?}")),
					Event::Failed { author, fault, .. } => return wrong(format!("{author} failed: {fault:?}")),
					_ => {}
				}
			}
		}
		looked = at;
		tokio::time::sleep(seconds(1)).await;
	}
	wrong(format!("no verdict came; the newcomer says:\n{}", network.nodes()[NEWCOMER].log_text()))
}

/// What it was admitted on stays, and its deposit does not.
async fn its_evidence_is_on_chain(network: &Network, author: &AuthorityId) -> Result<()> {
	let rpc = network.rpc(0);
	let at = rpc.finalized().await?.hash;
	let dossier = rpc.storage(&pallet_admission::Dossiers::<Runtime>::hashed_key_for(author), Some(at)).await?;
	let dossier: ep_trust::Application = match dossier {
		Some(dossier) => dossier,
		None => return wrong("there is no evidence of it on chain"),
	};
	expect(dossier.author == *author, || "the evidence is another's".into())?;
	let rounds: Option<u32> = rpc.storage(&pallet_admission::RoundCount::<Runtime>::hashed_key(), Some(at)).await?;
	expect(rounds == Some(0), || format!("{rounds:?} rounds live on"))
}

/// Within three epochs its blocks are in the finalised chain.
async fn it_authors(network: &Network, author: &AuthorityId) -> Result<()> {
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
