//! The development chain.

use elapse_network::say;
use rustix::process::Signal;
use serde_json::Value;

use super::{expect, run, seconds, until, wrong, Dev, Result, Seen};

#[test]
fn a_development_chain_goes_on_after_a_kill_and_ends_when_asked() {
	run("one node: kill, second start, Ctrl-C", async {
		let dev = Dev::new()?;
		let mut node = dev.start(&[])?;
		dev.finalized(&mut node, 10, seconds(90)).await?;
		expect(dev.chips() == 1, || format!("it has {} swtpm", dev.chips()))?;
		every_block_proves_its_wait(&dev, 1..=10).await?;

		// Timestamp and the parent's header; and the second start will find the runtime compiled.
		let before = dev.rpc.finalized().await?;
		let transactions = dev.rpc.transactions(before.hash).await?;
		expect(transactions.len() == 2, || format!("{before} has {} transactions", transactions.len()))?;
		let kept = std::fs::read_dir(dev.base.join("cache")).is_ok_and(|mut entries| entries.next().is_some());
		expect(kept && !dev.log_text().contains("wasmtime cache"), || "the compiled runtime is not kept".into())?;
		node.kill();
		until("the killed node's chip is gone", seconds(5), || async {
			Ok(match dev.chips() {
				0 => Seen::Yes(()),
				n => Seen::NotYet(format!("{n} swtpm")),
			})
		})
		.await?;

		let mut node = dev.start(&[])?;
		dev.finalized(&mut node, before.number + 3, seconds(60)).await?;
		let kept = dev.rpc.block_hash(before.number).await?;
		expect(kept == Some(before.hash), || format!("{before} was final and is now {kept:?}"))?;
		expect(!dev.log_text().to_lowercase().contains("equivocat"), || "the node reports an equivocation".into())?;

		node.signal(Signal::INT)?;
		match node.wait(seconds(10)) {
			Some(status) if status.success() => {}
			Some(status) => return wrong(format!("Ctrl-C ends it with {status}")),
			None => return wrong("Ctrl-C does not end it within 10 s"),
		}
		expect(dev.chips() == 0, || "it ended and left its swtpm behind".into())?;
		commands_on_its_data_answer(&dev)
	});
}

/// The commands for a node that is down; those for blocks in files are in [`imports`](super::imports).
fn commands_on_its_data_answer(dev: &Dev) -> Result<()> {
	for (arguments, succeeds, says) in [
		(["check-block", "3"], true, ["Imported 1 blocks"; 2]),
		(["check-block", "1000000"], false, ["Unknown block"; 2]),
		(["check-block", "three"], false, ["Expected block number"; 2]),
		// Its last block may not have been final when it was asked to end.
		(["revert", "2"], true, ["aren't any non-finalized blocks to revert", "Reverted "]),
	] {
		let output = dev.offline(&arguments)?;
		let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
		say(format_args!("{}: {}", arguments.join(" "), output.status));
		let says_so = says.iter().any(|words| said.contains(words));
		expect(output.status.success() == succeeds && says_so, || format!("{arguments:?} says: {said}"))?;
	}
	Ok(())
}

/// The node's own verdict on the certificates of these blocks: every rule holds.
async fn every_block_proves_its_wait(dev: &Dev, heights: std::ops::RangeInclusive<u32>) -> Result<()> {
	for height in heights {
		let Some(hash) = dev.rpc.block_hash(height).await? else { return wrong(format!("there is no #{height}")) };
		let certificate = dev.rpc.wait_certificate(hash).await?;
		let rules = certificate["rules"].as_array().map(Vec::as_slice).unwrap_or_default();
		let broken: Vec<&Value> = rules.iter().filter(|rule| rule["verdict"] != "pass").collect();
		if certificate["valid"] != true || rules.is_empty() || !broken.is_empty() {
			return wrong(format!("#{height} does not prove its wait: {broken:?}"));
		}
	}
	Ok(())
}
