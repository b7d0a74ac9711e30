//! Four members of equal weight, each with its own chip, and all that happens to such nodes.

use elapse_network::{say, sudo::sudo, BlockId, Network, NetworkOptions, NodeOptions, Role, Sync};
use elapse_runtime::RuntimeCall;
use sp_core::crypto::Ss58Codec;
use sp_runtime::AccountId32;

use super::{expect, nobody_equivocated, run, seconds, until, wrong, Result, Seen};

/// Blocks that all of it has to end on.
const BLOCKS: u32 = 60;
/// Blocks in an epoch: short, since a change of weight takes three.
const EPOCH: u32 = 6;

#[test]
fn four_nodes_stay_on_one_finalised_chain_whatever_happens_to_one() {
	run("four nodes", async {
		let mut options = NetworkOptions::members(&[500_000; 4]);
		options.epoch_length = Some(EPOCH);
		let mut network = Network::start(options).await?;
		let all = [0, 1, 2, 3];
		network.finalized(&all, 5, seconds(60)).await?;

		one_is_killed(&mut network).await?;
		one_is_paused(&mut network).await?;
		one_loses_its_chip(&mut network).await?;
		let full = network.join(NodeOptions::new("late-full", Role::Follower)).await?;
		weights_change_three_times(&mut network).await?;
		let warp = joins_by_warp_sync(&mut network).await?;

		let everybody = [0, 1, 2, 3, full, warp];
		network.finalized(&everybody, BLOCKS, seconds(90)).await?;
		let end = network.one_chain(&everybody).await?;
		say(format_args!("all six nodes are on one chain up to {end}"));
		nobody_equivocated(&network)?;
		network.finish()
	});
}

/// Three quarters of the weight go on without the fourth, which comes back to the same chain.
async fn one_is_killed(network: &mut Network) -> Result<()> {
	network.node(3).kill()?;
	let at = network.rpc(0).finalized().await?.number;
	network.finalized(&[0, 1, 2], at + 4, seconds(60)).await?;
	network.restart(3).await?;
	network.finalized(&[3], at + 4, seconds(30)).await
}

/// A machine that sleeps for 20 s: the others go on, and it catches up.
async fn one_is_paused(network: &mut Network) -> Result<()> {
	let at = network.rpc(0).finalized().await?.number;
	network.node(2).pause()?;
	tokio::time::sleep(seconds(20)).await;
	let now = network.rpc(0).finalized().await?.number;
	network.node(2).resume()?;
	expect(now > at, || format!("finality stood at #{at} while one of four slept"))?;
	// What it had asked its peers for when it fell asleep it waits for: the SDK's requests for blocks time out after 20 s.
	network.finalized(&[2], now, seconds(90)).await
}

/// The chip under a node is killed: the node says so, gets it back, and seals again.
async fn one_loses_its_chip(network: &mut Network) -> Result<()> {
	let author = network.nodes()[1].member()?.author.clone();
	let wins = |stats: &serde_json::Value| {
		let authors = stats["authors"].as_array().map(Vec::as_slice).unwrap_or_default();
		authors.iter().find(|one| one["author"] == author.as_str()).and_then(|one| one["wins"].as_u64())
	};
	let rpc = network.rpc(0);
	let Some(before) = wins(&rpc.stats().await?) else { return wrong(format!("{author} is not among the authors")) };
	network.node(1).kill_chip()?;
	let node = &network.nodes()[1];
	until("its chip is back", seconds(20), || async {
		Ok(match node.chips() {
			1 => Seen::Yes(()),
			n => Seen::NotYet(format!("{n} swtpm")),
		})
	})
	.await?;
	// The wait that the chip lost counts for nothing; with a quarter of the weight a win comes every 8 s.
	until("it seals again", seconds(90), || async {
		Ok(match wins(&rpc.stats().await?) {
			Some(now) if now > before + 1 => Seen::Yes(()),
			now => Seen::NotYet(format!("{now:?} wins, {before} before")),
		})
	})
	.await
}

/// Root changes weights only, three times; every change makes a new set of voters.
async fn weights_change_three_times(network: &mut Network) -> Result<()> {
	let rpc = network.rpc(0);
	for weight in [450_000, 480_000, 500_000] {
		let before = rpc.set_id().await?;
		let account = &network.nodes()[0].member()?.account;
		let account = match AccountId32::from_ss58check(account) {
			Ok(account) => account,
			Err(error) => return wrong(format!("{account} is no address: {error}")),
		};
		sudo(&rpc, RuntimeCall::Trust(pallet_trust::Call::set_weight { account, weight })).await?;
		let what = format!("a set of voters with weight {weight} is in force");
		until(&what, seconds(120), || async {
			let now = rpc.set_id().await?;
			Ok(if now > before { Seen::Yes(()) } else { Seen::NotYet(format!("set {now}")) })
		})
		.await?;
		network.check()?;
	}
	Ok(())
}

/// A node that trusts nothing but genesis and GRANDPA's justifications reaches the others' state without their blocks.
async fn joins_by_warp_sync(network: &mut Network) -> Result<usize> {
	// At once, so that the state's block may follow right on the last change of voters: then its parent's header is in
	// the proof, and the header before that is not.
	let rpc = network.rpc(0);
	let at = rpc.finalized().await?;
	let mut options = NodeOptions::new("late-warp", Role::Follower);
	options.sync = Sync::Warp;
	let i = network.join(options).await?;
	network.finalized(&[i], at.number, seconds(60)).await?;
	let rpc = network.rpc(i);
	// The blocks below that state come afterwards.
	for height in [1, at.number] {
		let hash = network.rpc(0).block_hash(height).await?;
		until(&format!("gap sync brings #{height}"), seconds(60), || async {
			match rpc.block_hash(height).await? {
				None => Ok(Seen::NotYet("it is not there".into())),
				Some(found) if Some(found) == hash => Ok(Seen::Yes(())),
				Some(found) => wrong(format!("#{height} is {hash:?}, and warp sync led to {found}")),
			}
		})
		.await?;
	}
	let log = network.nodes()[i].log_text();
	expect(log.contains("Warp sync is complete"), || "it did not come by warp sync".into())?;
	let BlockId { number, .. } = rpc.finalized().await?;
	say(format_args!("late-warp is at #{number}"));
	Ok(i)
}
