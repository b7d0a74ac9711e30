//! Half of the weight away, then all of it, in a network of both backends.

use elapse_network::{Backend, Network, NetworkOptions};

use super::{expect, nobody_equivocated, run, seconds};

#[test]
fn a_network_of_both_backends_outlives_the_loss_of_half_its_weight_and_of_all() {
	run("outage", async {
		let mut options = NetworkOptions::members(&[500_000; 4]);
		for node in options.nodes.iter_mut().skip(2) {
			node.backend = Backend::Libp2p;
		}
		let mut network = Network::start(options).await?;
		let all = [0, 1, 2, 3];
		network.finalized(&all, 5, seconds(60)).await?;

		// One of each backend goes. Two quarters of the weight are not more than two thirds: blocks go on, finality
		// does not.
		network.node(1).kill()?;
		network.node(3).kill()?;
		let at = network.rpc(0).best().await?.number;
		network.best(&[0, 2], at + 6, seconds(90)).await?;
		let (best, last) = (network.rpc(0).best().await?.number, network.rpc(0).finalized().await?.number);
		expect(last + 3 < best, || format!("half of the weight finalised #{last} of #{best}"))?;

		network.restart(1).await?;
		network.restart(3).await?;
		network.finalized(&all, best, seconds(60)).await?;
		network.one_chain(&all).await?;

		// Everybody at once, as when the power fails.
		let (best, last) = (network.rpc(0).best().await?, network.rpc(0).finalized().await?);
		for i in all {
			network.node(i).kill()?;
		}
		for i in all {
			network.restart(i).await?;
		}
		network.finalized(&all, best.number + 4, seconds(90)).await?;
		let kept = network.rpc(0).block_hash(last.number).await?;
		expect(kept == Some(last.hash), || format!("{last} was final and is now {kept:?}"))?;
		network.one_chain(&all).await?;
		nobody_equivocated(&network)?;
		network.finish()
	});
}
