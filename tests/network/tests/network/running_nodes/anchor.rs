//! What is anchored on the Elastos Smart Chain, as far as this chain goes: checkpoints, certificates, proofs.

use codec::Encode;
use ec_anchor::rpc::{CheckpointView, HistoryProofView, ScoreProofView, SignersView};
use elapse_network::{say, sudo::sudo, Network, NetworkOptions, Rpc};
use elapse_runtime::{Runtime, RuntimeCall, UncheckedExtrinsic};
use ep_bridge::{history, Certificate, Checkpoint, EquivocationProof, HistoryLeaf, ScoreProof, SignerSet, Statement};
use ep_trust::{anchor, Chain};
use frame_system::offchain::CreateAuthorizedTransaction;
use jsonrpsee::{core::params::ArrayParams, rpc_params};
use pallet_bridge::{Call, Parameters};
use serde::de::DeserializeOwned;
use sp_core::{ecdsa, Pair, H160, H256};

use super::{
	duties::{examine, short, stands},
	expect, key_of, nobody_equivocated, run, seconds, until, wrong, Error, Result, Seen,
};

const ALL: [usize; 4] = [0, 1, 2, 3];
const LIAR: usize = 3;
/// Blocks from one checkpoint to the next.
const INTERVAL: u32 = 5;

/// Scores, and with them the signers' weights, change all the time; so do the signers, one set after the other.
#[test]
fn checkpoints_are_certified_one_set_after_the_other_and_scores_and_history_are_proven_under_them() {
	run("checkpoints", async {
		let mut options = NetworkOptions::members(&[500_000; 4]);
		options.epoch_length = Some(6);
		let mut network = Network::start(options).await?;
		network.finalized(&ALL, 2, seconds(60)).await?;
		let first: SignersView = ask(&network.rpc(0), "bridge_signers", rpc_params![0]).await?;
		expect(first.signers.len() == 4 && first.total == 2_000_000, || format!("the first signers are {first:?}"))?;
		let set = pallet_bridge::Call::set_parameters { parameters: Parameters { interval: INTERVAL } };
		sudo(&network.rpc(0), RuntimeCall::Bridge(set)).await?;
		network.finalized(&ALL, 5, seconds(60)).await?;
		examine(&network, short()).await?;
		for i in ALL {
			stands(&network, i, "was examined", |node| node["done"].as_u64() >= Some(1)).await?;
		}
		let from = network.rpc(0).finalized().await?.number;
		newer_than(&network, from).await?;
		everybodys_score_is_proven(&network).await?;
		the_past_is_proven(&network).await?;

		// One of four is not needed. It sinks, comes back and rises, and the signers follow.
		network.node(LIAR).kill()?;
		set_number(&network, 1).await?;
		network.restart(LIAR).await?;
		set_number(&network, 3).await?;
		the_contract_could_follow(&network, first.hash).await?;
		nobody_signs_in_anothers_name(&network).await?;
		who_signs_two_checkpoints_of_one_height_is_out(&network).await?;
		network.check()?;
		nobody_equivocated(&network)?;
		network.one_chain(&ALL).await?;
		network.finish()
	});
}

/// A typed answer.
pub(super) async fn ask<T: DeserializeOwned>(rpc: &Rpc, method: &str, params: ArrayParams) -> Result<T> {
	let answer = rpc.ask(method, params).await?;
	let text = answer.to_string();
	serde_json::from_value(answer).or_else(|error| wrong(format!("{method} gives {text}: {error}")))
}

/// A certified checkpoint, verified against the hash of its signers.
fn verified(view: &CheckpointView, expected: &H256) -> Result<Checkpoint> {
	let checkpoint = Checkpoint::from(view.checkpoint.clone());
	let chain = Chain { id: view.contract.chain_id, contract: view.contract.address };
	let set = SignerSet::from_words(checkpoint.signers, &view.signers);
	let set = set.or_else(|error| wrong(format!("the words of {view:?} are no set: {error}")))?;
	let certificate = Certificate::from_bytes(&view.bitmap, &view.signatures);
	let Some(certificate) = certificate else { return wrong(format!("{view:?} has no signatures")) };
	match certificate.verify(&checkpoint, &chain, &set, expected) {
		Ok(votes) if votes == view.votes => Ok(checkpoint),
		other => wrong(format!("the certificate of {view:?} proves nothing: {other:?}")),
	}
}

/// The newest checkpoint, once it is of a higher block than `number`: verified, and of this chain.
async fn newer_than(network: &Network, number: u32) -> Result<Checkpoint> {
	let rpc = network.rpc(0);
	let view = until(&format!("a checkpoint above #{number} is certified"), seconds(120), || async {
		match ask::<CheckpointView>(&rpc, "bridge_checkpoint", rpc_params![]).await {
			Ok(view) if view.checkpoint.number > u64::from(number) => Ok(Seen::Yes(view)),
			Ok(view) => Ok(Seen::NotYet(format!("#{}", view.checkpoint.number))),
			Err(Error::Rpc { why, .. }) if why.contains("no checkpoint is certified yet") => Ok(Seen::NotYet(why)),
			Err(error) => Err(error),
		}
	})
	.await?;
	let signers: SignersView = ask(&rpc, "bridge_signers", rpc_params![view.checkpoint.signers]).await?;
	let checkpoint = verified(&view, &signers.hash)?;
	let number = u32::try_from(checkpoint.number).unwrap_or(u32::MAX);
	let hash = rpc.block_hash(number).await?.unwrap_or_default();
	let header = rpc.header(hash).await?;
	let genesis = rpc.block_hash(0).await?;
	expect(
		checkpoint.block_hash == hash
			&& checkpoint.state_root == header.state_root
			&& Some(checkpoint.genesis) == genesis,
		|| format!("#{number} is {hash}, and its checkpoint {checkpoint:?}"),
	)?;
	say(format_args!("#{number} is certified by {} of {}", view.votes, view.total));
	Ok(checkpoint)
}

/// Of every member, with `ep-bridge` alone.
async fn everybodys_score_is_proven(network: &Network) -> Result<()> {
	for i in ALL {
		let author = network.nodes()[i].member()?.author.clone();
		let (checkpoint, view) = proven_score(network, &author).await?;
		expect(view.score > 0 && checkpoint.trust_leaves == 4, || format!("{view:?} under {checkpoint:?}"))?;
		// And another score is not.
		let proof = proof(&view)?;
		let more = proof.verify(&view.node.0, view.score + 1, &checkpoint.trust_root, checkpoint.trust_leaves);
		expect(more == Err(ep_bridge::tree::Refusal::Root), || format!("{view:?} proves any score"))?;
	}
	Ok(())
}

fn proof(view: &ScoreProofView) -> Result<ScoreProof> {
	match view.siblings.clone().try_into() {
		Ok(siblings) => Ok(ScoreProof { epoch: view.epoch, index: view.index, signer: view.signer, siblings }),
		Err(_) => wrong(format!("{view:?} has not as many siblings as the tree is deep")),
	}
}

/// A member's score, verified under the newest checkpoint.
async fn proven_score(network: &Network, author: &str) -> Result<(Checkpoint, ScoreProofView)> {
	let rpc = network.rpc(0);
	let checkpoint = newer_than(network, 0).await?;
	let view: ScoreProofView = ask(&rpc, "bridge_scoreProof", rpc_params![author, checkpoint.number]).await?;
	let verified = proof(&view)?.verify(&view.node.0, view.score, &checkpoint.trust_root, checkpoint.trust_leaves);
	expect(verified.is_ok(), || format!("{view:?} is not proven under {checkpoint:?}: {verified:?}"))?;
	Ok((checkpoint, view))
}

/// Old blocks, from genesis on, under the newest checkpoint and under an older one.
async fn the_past_is_proven(network: &Network) -> Result<()> {
	let rpc = network.rpc(1);
	let newest = newer_than(network, 2 * INTERVAL).await?;
	let last = u32::try_from(newest.number).unwrap_or(u32::MAX);
	for block in [0, 1, 2, last / 2, last - 1] {
		let view: HistoryProofView = ask(&rpc, "bridge_historyProof", rpc_params![block, last]).await?;
		let leaf = HistoryLeaf::from(view.leaf.clone());
		let shown = history::verify(&leaf, block.into(), &view.items, &newest.history_root, newest.history_leaves);
		expect(shown.is_ok(), || format!("{view:?} is not proven under {newest:?}: {shown:?}"))?;
		let hash = rpc.block_hash(block).await?;
		expect(leaf.number == u64::from(block) && Some(leaf.block_hash) == hash, || {
			format!("{view:?} is not #{block}")
		})?;
	}
	let beyond = rpc.ask("bridge_historyProof", rpc_params![last, last]).await;
	expect(matches!(&beyond, Err(Error::Rpc { why, .. }) if why.contains("is not before the checkpoint")), || {
		format!("#{last} under its own checkpoint: {beyond:?}")
	})
}

/// Waits until the signers have changed so often.
async fn set_number(network: &Network, id: u64) -> Result<()> {
	let rpc = network.rpc(0);
	until(&format!("set {id} signs"), seconds(240), || async {
		let signers: SignersView = ask(&rpc, "bridge_signers", rpc_params![]).await?;
		// And the checkpoint that handed over to it has its certificate.
		Ok(match signers.id >= id && signers.handover.is_some() {
			true => Seen::Yes(()),
			false => Seen::NotYet(format!("set {}, {:?}", signers.id, signers.handover)),
		})
	})
	.await
}

/// From the first set's hash alone to the newest checkpoint, one certified handover after the other.
async fn the_contract_could_follow(network: &Network, first: H256) -> Result<()> {
	let rpc = network.rpc(2);
	let newest: CheckpointView = ask(&rpc, "bridge_checkpoint", rpc_params![]).await?;
	let (mut known, mut above) = (first, 0);
	for id in 0..newest.checkpoint.signers {
		let next: SignersView = ask(&rpc, "bridge_signers", rpc_params![id + 1]).await?;
		let view: CheckpointView = ask(&rpc, "bridge_checkpoint", rpc_params![next.handover]).await?;
		let checkpoint = verified(&view, &known)?;
		expect(checkpoint.signers == id && view.hands_over && checkpoint.number > above, || {
			format!("{view:?} does not hand over from set {id}")
		})?;
		expect(checkpoint.next_signers == next.hash, || format!("{view:?} hands over to others than {next:?}"))?;
		(known, above) = (checkpoint.next_signers, checkpoint.number);
	}
	verified(&newest, &known)?;
	say(format_args!("{} handovers from the first set on", newest.checkpoint.signers));
	Ok(())
}

fn transaction(call: Call<Runtime>) -> UncheckedExtrinsic {
	<Runtime as CreateAuthorizedTransaction<Call<Runtime>>>::create_authorized_transaction(call.into())
}

/// Signatures by a stranger, in the name of every signer, for whatever is open or not.
async fn nobody_signs_in_anothers_name(network: &Network) -> Result<()> {
	let rpc = network.rpc(0);
	let signers: SignersView = ask(&rpc, "bridge_signers", rpc_params![]).await?;
	let at = rpc.finalized().await?.number;
	let stranger = ecdsa::Pair::from_seed(&[0x5a; 32]).sign_prehashed(&[1; 32]).0;
	for address in signers.signers.iter().map(|signer| signer.address).chain([H160::zero()]) {
		for number in at.saturating_sub(INTERVAL)..at {
			let signed = transaction(Call::sign { number, address, signature: stranger });
			let refused = rpc.submit(&signed).await;
			expect(matches!(&refused, Err(Error::Rpc { why, .. }) if why.contains("Custom error")), || {
				format!("{} bytes in the name of {address:?} are not refused: {refused:?}", signed.encoded_size())
			})?;
		}
	}
	Ok(())
}

/// Its owner signs what its node never would. The proof is enough, and its score is gone from the next checkpoint on.
async fn who_signs_two_checkpoints_of_one_height_is_out(network: &Network) -> Result<()> {
	let (pair, rpc) = (key_of::<ecdsa::Pair>(network, LIAR, anchor::KEY_TYPE)?, network.rpc(0));
	let genesis = rpc.block_hash(0).await?.unwrap_or_default();
	let state = |checkpoint: Checkpoint| {
		let chain = Chain::default();
		Statement { signature: pair.sign_prehashed(&checkpoint.digest(&chain)).0, checkpoint, chain }
	};
	let one = Checkpoint { genesis, number: 1_000_000, ..Default::default() };
	let other = Checkpoint { state_root: H256::repeat_byte(1), ..one.clone() };
	let report = |first: Statement, second: Statement| {
		transaction(Call::report_equivocation { proof: Box::new(EquivocationProof { first, second }) })
	};
	let nothing = rpc.submit(&report(state(one.clone()), state(one.clone()))).await;
	expect(nothing.is_err(), || "one checkpoint convicts its signer".into())?;
	rpc.submit(&report(state(one.clone()), state(other.clone()))).await?;
	stands(network, LIAR, "is suspended", |node| node["suspended"] == true && node["score"] == 0).await?;
	let from = rpc.best().await?.number;
	newer_than(network, from).await?;
	let author = network.nodes()[LIAR].member()?.author.clone();
	let (_, view) = proven_score(network, &author).await?;
	expect(view.score == 0, || format!("{view:?} is the score of a suspended member"))?;
	let again = rpc.submit(&report(state(other), state(one))).await;
	expect(again.is_err(), || "a member is convicted twice".into())
}
