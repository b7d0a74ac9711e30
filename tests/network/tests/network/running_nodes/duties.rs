//! Members attest without end, and their weight is what that is worth.

use codec::Encode;
use elapse_network::{say, sudo::sudo, Network, NetworkOptions, Rpc};
use elapse_runtime::{Runtime, RuntimeCall, UncheckedExtrinsic};
use ep_poet::AuthorityId;
use ep_trust::{nonce, Attested, Testimony};
use frame_system::offchain::CreateAuthorizedTransaction;
use jsonrpsee::rpc_params;
use pallet_attestation::{Call, Parameters};
use serde_json::Value;
use sp_core::{crypto::Ss58Codec, sr25519, Pair};
use sp_runtime::{BoundedVec, Permill};

use super::{expect, key_of, nobody_equivocated, run, seconds, until, wrong, Error, Result, Seen};

const ALL: [usize; 4] = [0, 1, 2, 3];
const FORGER: usize = 2;
const LAZY: usize = 3;

/// Duties every half a minute, of which two that are missed take a member's weight away.
pub(super) fn short() -> Parameters {
	Parameters {
		picks: 2,
		deadline: 5,
		grace: 2,
		rest: 8,
		gain: Permill::from_percent(25),
		loss: Permill::from_percent(70),
		late: Permill::from_percent(1),
		threshold: 100_000,
	}
}

/// The same with enough grace for an outage of all nodes: their pools forget what is in them.
fn lenient() -> Parameters {
	Parameters { grace: 12, rest: 18, ..short() }
}

#[test]
fn who_is_silent_sinks_until_it_weighs_nothing_and_comes_back() {
	run("staying", async {
		let mut network = examined(short()).await?;
		for i in ALL {
			stands(&network, i, "has attested twice", |node| node["done"].as_u64() >= Some(2)).await?;
		}
		nobody_speaks_in_anothers_name(&network).await?;

		network.node(LAZY).kill()?;
		stands(&network, LAZY, "sinks below the threshold", |node| {
			node["score"].as_u64().is_some_and(|score| score < 100_000)
		})
		.await?;
		stands(&network, LAZY, "weighs nothing", |node| node["weight"] == 0).await?;

		for i in [0, 1, 2] {
			let node = ask(&network, i).await?;
			expect(node["missed"] == 0, || format!("node {i} suffered: {node}"))?;
		}
		let stats: Value = network.rpc(0).ask("trust_nodes", rpc_params![]).await?;
		let listed = stats["nodes"].as_array().map(Vec::len);
		expect(listed == Some(4) && stats["next"].is_null(), || format!("the list is {stats}"))?;

		network.restart(LAZY).await?;
		stands(&network, LAZY, "has a weight again", |node| node["weight"].as_u64() > Some(0)).await?;
		network.check()?;
		nobody_equivocated(&network)?;
		network.one_chain(&ALL).await?;
		network.finish()
	});
}

#[test]
fn a_halt_of_the_whole_chain_sinks_nobody() {
	run("a halt", async {
		let mut network = examined(lenient()).await?;
		// Duties are always open: with this rest, two of four are drawn at a time.
		for i in ALL {
			stands(&network, i, "has attested", |node| node["done"].as_u64() >= Some(1)).await?;
		}
		for i in ALL {
			network.node(i).kill()?;
		}
		// Longer than deadline and grace of an open duty would take.
		tokio::time::sleep(seconds(40)).await;
		network.run().await?;
		let mut before = Vec::new();
		for i in ALL {
			before.push(ask(&network, i).await?["done"].as_u64());
		}
		for i in ALL {
			stands(&network, i, "has attested again", |node| node["done"].as_u64() > before[i]).await?;
		}
		for i in ALL {
			let node = ask(&network, i).await?;
			expect(node["missed"] == 0, || format!("node {i} suffered from the halt: {node}"))?;
		}
		network.check()?;
		nobody_equivocated(&network)?;
		network.one_chain(&ALL).await?;
		network.finish()
	});
}

#[test]
fn who_forges_evidence_twice_is_out() {
	run("forged evidence", async {
		let mut network = examined(short()).await?;
		it_forges_and_is_out(&mut network, FORGER).await?;
		network.check()?;
		nobody_equivocated(&network)?;
		network.one_chain(&[0, 1, LAZY]).await?;
		network.finish()
	});
}

/// A network with short duties.
async fn examined(parameters: Parameters) -> Result<Network> {
	let mut options = NetworkOptions::members(&[500_000; 4]);
	options.epoch_length = Some(6);
	let mut network = Network::start(options).await?;
	network.finalized(&ALL, 2, seconds(60)).await?;
	examine(&network, parameters).await?;
	Ok(network)
}

/// Has governance examine members like this.
pub(super) async fn examine(network: &Network, parameters: Parameters) -> Result<()> {
	let set = pallet_attestation::Call::set_parameters { parameters };
	sudo(&network.rpc(0), RuntimeCall::Attestation(set)).await.map(|_| ())
}

/// A member whose owner signs what its chip never said: refused once, and at the second time it is out.
pub(super) async fn it_forges_and_is_out(network: &mut Network, i: usize) -> Result<()> {
	// Its node is honest. The forger has its key.
	network.node(i).kill()?;
	let pair = key_of::<sr25519::Pair>(network, i, ep_poet::KEY_TYPE)?;
	let (rpc, author) = (network.rpc(0), AuthorityId::from(pair.public()));
	let genesis = rpc.block_hash(0).await?.unwrap_or_default();
	for attempt in 0..pallet_attestation::ATTEMPTS {
		let owes = |node: &Value| node["duty"]["refused"] == attempt;
		stands(network, i, &format!("owes a testimony, {attempt} refused"), owes).await?;
		let block = ask(network, i).await?["duty"]["block"].as_u64().and_then(|block| u32::try_from(block).ok());
		let Some(block) = block else { return wrong("its duty is over") };
		// On this node's chain; the pool judges by the same.
		let hash = rpc.block_hash(block).await?.unwrap_or_default();
		let testimony = garbage();
		let call = (hash, attempt, &testimony);
		let statement = nonce::statement(&genesis, &author, "attest", block, &call);
		rpc.submit(&attest(author.clone(), testimony, pair.sign(&statement))).await?;
	}
	stands(network, i, "is suspended", |node| node["suspended"] == true && node["score"] == 0).await?;
	stands(network, i, "weighs nothing", |node| node["weight"] == 0).await
}

/// What no chip says.
fn garbage() -> Testimony {
	let time = Attested {
		attest: BoundedVec::truncate_from(vec![0xa5; 150]),
		signature: BoundedVec::truncate_from(vec![0xa5; 72]),
	};
	Testimony { time: Some(time), quote: None }
}

fn attest(author: AuthorityId, testimony: Testimony, signature: sr25519::Signature) -> UncheckedExtrinsic {
	let call = Call::attest { author, testimony: Box::new(testimony), signature };
	<Runtime as CreateAuthorizedTransaction<Call<Runtime>>>::create_authorized_transaction(call.into())
}

/// What is known of a node's member. Asked of the first node that runs.
async fn ask(network: &Network, i: usize) -> Result<Value> {
	network.rpc(0).ask("trust_node", rpc_params![&network.nodes()[i].member()?.author]).await
}

/// Waits until a node's member stands as it should.
pub(super) async fn stands(network: &Network, i: usize, what: &str, holds: impl Fn(&Value) -> bool) -> Result<()> {
	let what = format!("{} {what}", network.nodes()[i].name());
	until(&what, seconds(240), || async {
		let node = ask(network, i).await?;
		Ok(match holds(&node) {
			true => Seen::Yes(()),
			false => Seen::NotYet(node.to_string()),
		})
	})
	.await
}

/// Testimonies by a stranger, in the name of every member: whoever owes one (`BadSignature`) and whoever does not
/// (`NoDuty`), none is taken.
async fn nobody_speaks_in_anothers_name(network: &Network) -> Result<()> {
	let rpc: Rpc = network.rpc(0);
	for i in ALL {
		let text = &network.nodes()[i].member()?.author;
		let author = AuthorityId::from_ss58check(text).or_else(|error| wrong(format!("{text} is no key: {error}")))?;
		let transaction = attest(author, garbage(), sr25519::Signature::from_raw([0xa5; 64]));
		match rpc.submit(&transaction).await {
			Err(Error::Rpc { why, .. }) if why.contains("Custom error: 0") || why.contains("Custom error: 1") => {
				say(format_args!("refused: {} bytes in {text}'s name: {why}", transaction.encoded_size()));
			}
			other => return wrong(format!("garbage in {text}'s name is not refused: {other:?}")),
		}
	}
	Ok(())
}
