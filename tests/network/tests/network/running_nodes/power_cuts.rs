//! A node killed again and again around the moment of sealing.

use std::{
	collections::HashMap,
	env,
	fs::{self, File},
	io::{Read, Seek, SeekFrom},
	path::{Path, PathBuf},
	process::Command,
	time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use elapse_network::{process, say, BlockId, Network, NetworkOptions, NodeOptions, Role};

use super::{expect, nobody_equivocated, run, seconds, wrong, Error, Result};

/// How often the power fails.
const CUTS: usize = 14;
/// Every how many cuts the database also loses what it wrote since the cut before: unlike the record of sealed blocks, it
/// does not wait for the disk.
const LOSS: usize = 3;
/// What the worker logs on its way to a block, and how long after that, at most, the power fails. Most cuts fall between
/// the second attestation and what follows import, where a block is announced and the database may not have it yet.
const PHASES: [(&str, Duration); 6] = [
	("poet: sealing #", Duration::from_millis(40)),
	("poet: sealed #", Duration::from_millis(5)),
	("poet: sealing #", Duration::from_millis(15)),
	("poet: waiting ", Duration::from_millis(300)),
	("poet: sealed #", Duration::from_millis(60)),
	("poet: putting #", Duration::from_millis(60)),
];

#[test]
fn power_cuts_around_sealing_cost_no_finalised_block_and_make_nobody_equivocate() {
	run("power cuts", async {
		let mut dice = Dice::new();
		let mut options = NetworkOptions::members(&[500_000]);
		options.target = Duration::from_millis(500);
		options.nodes[0].args = vec!["-l".into(), "poet=debug".into()];
		// The member forgets what it announced; this one does not.
		options.nodes.push(NodeOptions::new("witness", Role::Follower));
		let mut network = Network::start(options).await?;
		network.finalized(&[0, 1], 2, seconds(30)).await?;

		let mut finalised = Vec::new();
		let disk = Disk::of(&network)?;
		for cut in 0..CUTS {
			let (phase, most) = PHASES[cut % PHASES.len()];
			let mut log = NewLines::of(network.nodes()[0].log())?;
			log.until(phase, seconds(30))?;
			let delay = most.mul_f64(dice.throw());
			std::thread::sleep(delay);
			network.node(0).kill()?;
			let lost = cut % LOSS == LOSS - 1;
			if lost {
				disk.lose()?;
			} else {
				disk.flush()?;
			}
			let what = if lost { ", and the database's last writes are lost" } else { "" };
			say(format_args!("cut {cut}: {:.1} ms after '{phase}'{what}", delay.as_secs_f64() * 1e3));
			finalised.push(network.rpc(1).finalized().await?);
			network.restart(0).await?;
		}

		let at = network.rpc(1).finalized().await?.number;
		network.finalized(&[0, 1], at + 5, seconds(60)).await?;
		network.one_chain(&[0, 1]).await?;
		all_are_kept(&network, &finalised).await?;
		nobody_equivocated(&network)?;
		one_block_a_height(&network)?;
		network.finish()
	});
}

/// The member's disk, as far as its database goes.
struct Disk {
	database: PathBuf,
	flushed: PathBuf,
}

impl Disk {
	fn of(network: &Network) -> Result<Self> {
		let base = network.nodes()[0].base();
		let database = base.join("chains/elapse_local/paritydb");
		expect(database.is_dir(), || format!("{} is no database", database.display()))?;
		Ok(Disk { database, flushed: base.join("flushed") })
	}

	/// All that was written is safe. The node must not run.
	fn flush(&self) -> Result<()> {
		replace(&self.flushed, &self.database)
	}

	/// What was written since then is gone.
	fn lose(&self) -> Result<()> {
		replace(&self.database, &self.flushed)
	}
}

fn replace(to: &Path, from: &Path) -> Result<()> {
	if to.exists() {
		fs::remove_dir_all(to).map_err(Error::io("remove", to))?;
	}
	process::run(Command::new("cp").arg("-a").arg(from).arg(to)).map(drop)
}

/// What was final before a cut is on both nodes' chains.
async fn all_are_kept(network: &Network, finalised: &[BlockId]) -> Result<()> {
	for block in finalised {
		for i in [0, 1] {
			let kept = network.rpc(i).block_hash(block.number).await?;
			expect(kept == Some(block.hash), || format!("{block} was final and is now {kept:?}"))?;
		}
	}
	Ok(())
}

/// Who seals alone seals one block a height: another one would stand on the same parent.
fn one_block_a_height(network: &Network) -> Result<()> {
	let log = network.nodes()[0].log_text();
	let mut sealed = HashMap::new();
	for line in log.lines() {
		let Some((_, words)) = line.split_once("poet: sealed #") else { continue };
		let mut words = words.split(' ');
		let (Some(height), Some(hash)) = (words.next(), words.next()) else { continue };
		if let Some(other) = sealed.insert(height, hash).filter(|other| *other != hash) {
			return wrong(format!("#{height} was sealed twice: {other} and {hash}"));
		}
	}
	expect(!sealed.is_empty(), || "the log has no sealed block".into())
}

/// Numbers that look random, and are the same again for the same seed.
struct Dice(u64);

impl Dice {
	fn new() -> Self {
		let given = env::var("ELAPSE_SEED").ok().and_then(|seed| seed.parse().ok());
		let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
		let seed = given.unwrap_or_else(now);
		say(format_args!("seed {seed}: ELAPSE_SEED={seed} throws the same dice again"));
		Dice(seed)
	}

	/// Between 0 and 1: SplitMix64.
	fn throw(&mut self) -> f64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut z = self.0;
		z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
	}
}

/// What is appended to a file from now on.
struct NewLines {
	file: File,
	text: String,
}

impl NewLines {
	fn of(path: &Path) -> Result<Self> {
		let mut file = File::open(path).map_err(Error::io("read", path))?;
		file.seek(SeekFrom::End(0)).map_err(Error::io("read", path))?;
		Ok(NewLines { file, text: String::new() })
	}

	/// Look every millisecond until these words are there: delays are to be counted from when they were written.
	fn until(&mut self, words: &str, limit: Duration) -> Result<()> {
		let begin = Instant::now();
		while !self.text.contains(words) {
			if begin.elapsed() > limit {
				return wrong(format!("it does not log '{words}' within {} s", limit.as_secs()));
			}
			std::thread::sleep(Duration::from_millis(1));
			self.file.read_to_string(&mut self.text).map_err(Error::io("read", "the node's log"))?;
		}
		Ok(())
	}
}
