//! A chip whose owner has turned its clock up, as TPM2_ClockRateAdjust lets it.

use std::{
	fs,
	path::Path,
	process::Command,
	time::{Duration, Instant},
};

use elapse_network::{
	process::{self, Process},
	say, until, Network, NetworkOptions,
};
use serde_json::Value;

use super::{expect, nobody_equivocated, run, seconds, skipped, wrong, Error, Result, Seen};

/// A rate of 1, in parts per million.
const ONE: u64 = 1_000_000;
/// Above this rate nobody authors.
const BOUND: u64 = 1_180_000;
/// A rate that no true clock is measured at.
const FAST: u64 = 1_010_000;
/// The member whose chip runs fast.
const CHEAT: usize = 2;
/// By how many of `tpm2_clockrateadjust`'s coarse steps. libtpms counts a millisecond every 30,000 of its ticks, takes
/// 300 off a step, and stops at 25,000: this is as far as it goes, 1.2 times too fast.
const STEPS: usize = 17;

#[test]
fn a_chip_turned_up_is_measured_waits_longer_and_is_no_equivocation() {
	run("fast chips", async {
		if Command::new("tpm2_clockrateadjust").arg("--version").output().is_err() {
			skipped("tpm2_clockrateadjust is missing (apt-get install tpm2-tools)");
			return Ok(());
		}
		// It has half of the weight, so that there is something to see soon.
		let mut options = NetworkOptions::members(&[250_000, 250_000, 500_000]);
		let port = two_free_ports()?;
		options.nodes[CHEAT].args = vec!["--tpm".into(), tcti(port).into()];
		let mut network = Network::provision(options).await?;
		let chip = Chip::start(&network.nodes()[CHEAT].base().join("tpm/swtpm"), &network.base().join("chip"), port)?;
		chip.faster(STEPS)?;
		network.run().await?;
		it_waits_longer(&network).await?;

		let last = network.rpc(0).best().await?.number;
		network.finalized(&[0, 1, 2], last, seconds(60)).await?;
		network.one_chain(&[0, 1, 2]).await?;
		every_wait_is_proven(&network, last).await?;
		nobody_equivocated(&network)?;
		network.finish()
	});
}

/// The chain measures its chip, and has it wait that much longer.
async fn it_waits_longer(network: &Network) -> Result<()> {
	let author = &network.nodes()[CHEAT].member()?.author;
	let rpc = network.rpc(0);
	let certificate = until("it waits by its measured rate", seconds(150), || async {
		let best = rpc.best().await?.number;
		for height in (1..=best).rev() {
			let Some(hash) = rpc.block_hash(height).await? else { continue };
			let certificate = rpc.wait_certificate(hash).await?;
			if certificate["author"] == author.as_str() && certificate["claim"]["rate"].as_u64() > Some(FAST) {
				return Ok(Seen::Yes(certificate));
			}
		}
		Ok(Seen::NotYet(format!("not up to #{best}")))
	})
	.await?;
	say(format_args!("#{} claims {}, counted {}", certificate["height"], certificate["claim"], certificate["counted"]));

	let stats = rpc.stats().await?;
	let authors = stats["authors"].as_array().map(Vec::as_slice).unwrap_or_default();
	let measured = authors.iter().find(|one| one["author"] == author.as_str()).and_then(|one| one["rate"].as_u64());
	say(format_args!("its rate now: {measured:?}"));
	expect(measured.is_some_and(|rate| rate > FAST && rate <= BOUND), || format!("its rate is {measured:?}"))?;
	// An honest node dates its blocks so that its chip's rate stays below the bound: see `ec_consensus::schedule`.
	let lottery = network.rpc(CHEAT).lottery().await?;
	expect(lottery["whyNotWaiting"].is_null(), || format!("it does not take part: {}", lottery["description"]))
}

/// Every block's chip counted what its author's rate demands.
async fn every_wait_is_proven(network: &Network, last: u32) -> Result<()> {
	let rpc = network.rpc(0);
	for height in 1..=last {
		let Some(hash) = rpc.block_hash(height).await? else { return wrong(format!("there is no #{height}")) };
		let certificate = rpc.wait_certificate(hash).await?;
		let number = |field: &Value| field.as_u64().unwrap_or_default();
		let (rate, wait) = (number(&certificate["claim"]["rate"]), number(&certificate["claim"]["wait"]));
		let (needed, counted) = (number(&certificate["needed"]), number(&certificate["counted"]));
		let holds = rate >= ONE && needed == (wait * rate).div_ceil(ONE) && counted >= needed;
		expect(wait > 0 && holds && certificate["valid"] == true, || format!("#{height}: {certificate}"))?;
	}
	Ok(())
}

fn tcti(port: u16) -> String {
	format!("swtpm:host=127.0.0.1,port={port}")
}

/// Two neighbouring free ports, the first of them: swtpm's control channel is looked for at the second.
fn two_free_ports() -> Result<u16> {
	let mut first = process::free_port()?;
	loop {
		let second = process::free_port()?;
		if second == first + 1 {
			return Ok(first);
		}
		first = second;
	}
}

/// A member's software TPM, run by the test in the node's place, so that its clock can be turned up beforehand.
struct Chip {
	_process: Process,
	tcti: String,
}

impl Chip {
	/// Move the TPM's state away from the node to `dir`, and run it there.
	fn start(state: &Path, dir: &Path, port: u16) -> Result<Self> {
		fs::rename(state, dir).map_err(Error::io("move", state))?;
		let pid = dir.join("test.pid");
		let mut command = process::owned(Path::new("swtpm"));
		command.args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"]);
		command.arg("--tpmstate").arg(format!("dir={}", dir.display()));
		command.arg("--server").arg(format!("type=tcp,bindaddr=127.0.0.1,port={port}"));
		command.arg("--ctrl").arg(format!("type=tcp,bindaddr=127.0.0.1,port={}", port + 1));
		command.arg("--pid").arg(format!("file={}", pid.display()));
		let log = dir.join("test.log");
		let mut process = Process::start("swtpm", command, &log, None)?;
		// It writes its number once it listens.
		let begin = Instant::now();
		while !pid.exists() {
			if begin.elapsed() > seconds(10) || process.ended().is_some() {
				let log = fs::read(&log).unwrap_or_default();
				return wrong(format!("swtpm does not start: {}", process::last_lines(&log, 12)));
			}
			std::thread::sleep(Duration::from_millis(10));
		}
		Ok(Chip { _process: process, tcti: tcti(port) })
	}

	/// Turn its clock up by so many coarse steps.
	fn faster(&self, steps: usize) -> Result<()> {
		for _ in 0..steps {
			process::run(Command::new("tpm2_clockrateadjust").arg("--tcti").arg(&self.tcti).arg("fff"))?;
		}
		Ok(())
	}
}
