//! Nodes that come late and take a state for the blocks before it.

use elapse_network::{say, Network, NetworkOptions, NodeOptions, Role, Sync};
use std::time::Duration;

use super::{expect, nobody_equivocated, run, seconds, until, Result, Seen};

/// More than sync would rather execute than take a state for.
const BLOCKS: u32 = 14;

#[test]
fn followers_that_take_a_state_end_on_the_same_chain_and_follow_it() {
	run("state sync", async {
		let mut options = NetworkOptions::members(&[500_000]);
		options.target = Duration::from_secs(1);
		let mut network = Network::start(options).await?;
		network.finalized(&[0], BLOCKS, seconds(60)).await?;
		let mut all = vec![0];
		for (name, sync) in [("late-fast", Sync::Fast), ("late-fast-unsafe", Sync::FastUnsafe)] {
			all.push(joins(&mut network, name, sync).await?);
		}
		let at = network.rpc(0).finalized().await?.number;
		network.finalized(&all, at + 4, seconds(60)).await?;
		let end = network.one_chain(&all).await?;
		for i in &all {
			// From the best block's state: they execute what comes, and do not only follow headers.
			network.rpc(*i).stats().await?;
		}
		say(format_args!("all are on one chain up to {end}"));
		nobody_equivocated(&network)?;
		network.finish()
	});
}

/// It takes the state, not the way of executing every block, and has the chain's blocks from the first one on.
async fn joins(network: &mut Network, name: &str, sync: Sync) -> Result<usize> {
	let mut options = NodeOptions::new(name, Role::Follower);
	options.sync = sync;
	let at = network.rpc(0).finalized().await?.number;
	let i = network.join(options).await?;
	network.finalized(&[i], at, seconds(90)).await?;
	for height in [1, at] {
		let (theirs, ours) = (network.rpc(0).block_hash(height).await?, network.rpc(i).block_hash(height).await?);
		expect(ours.is_some() && ours == theirs, || {
			format!("{name} has {ours:?} at #{height}, the member {theirs:?}")
		})?;
	}
	// Headers are final before the state is there.
	let node = &network.nodes()[i];
	until(&format!("{name} has the state"), seconds(90), || async {
		Ok(match node.log_text().contains("State sync is complete") {
			true => Seen::Yes(()),
			false => Seen::NotYet("its log does not say so".into()),
		})
	})
	.await?;
	Ok(i)
}
