//! Networks of real nodes, each with a real software TPM.
//!
//! Nodes wait most of their time, so several networks run at once (`--test-threads`); the lines of each begin
//! with its name. Where something cannot be tried on this machine, the test is skipped,
//! and says so ([`skipped`]), which `scripts/test.sh` counts.
//!
//! * [`one_node`]: the development chain, killed and ended.
//! * [`four_nodes`]: everything that happens to nodes of a network, and to their chips.
//! * [`blackout`]: half of the weight away, then all of it; both network backends in one network.
//! * [`faults`]: what a node says when it cannot start, or cannot write.
//! * [`power_cuts`]: a node killed again and again around the moment of sealing.
//! * [`late`]: nodes that come late and take a state for the blocks before it.
//! * [`fast_chips`]: a chip whose owner has turned its clock up.
//! * [`joins`]: a machine that nobody knows becomes a member.
//! * [`anchor`]: checkpoints get their certificates, and what is pinned under them is proven.
//! * [`anchored`]: the same to its end, on an EVM with the contracts ([`esc`]): a stranger who trusts that alone can trust
//!   a newcomer.
//! * [`carrier`]: five members and three newcomers, of whom not all stay.
//! * [`commands`]: what the node's other commands say and do.
//! * [`duties`]: members attest without end; who is silent sinks.
//! * [`legacy`]: a member with a TPM 1.2.
//! * [`imports`]: forged blocks at a node's door.
//! * [`forgers`]: a chip in two machines, and reports that prove nothing.

mod anchor;
mod anchored;
mod blackout;
mod carrier;
mod commands;
mod duties;
mod esc;
#[path = "../../../../../client/relayer/tests/relay_esc/evm.rs"]
mod evm;
mod fast_chips;
mod faults;
mod forgers;
mod four_nodes;
mod imports;
mod joins;
mod late;
mod legacy;
mod one_node;
mod power_cuts;
#[path = "../../../../../primitives/tpm/tests/common/skipped.rs"]
mod skipped;

use std::{
	ffi::OsStr,
	future::Future,
	net::Ipv4Addr,
	path::{Path, PathBuf},
	process::{Command, ExitStatus, Output},
	sync::{Mutex, PoisonError},
	time::{Duration, Instant},
};

use elapse_network::{
	name_this_thread,
	process::{self, Process},
	say, until, Error, Network, Result, Rpc, Seen,
};
use skipped::skipped;
use sp_core::crypto::{ByteArray, KeyTypeId};
use tempfile::TempDir;

/// A duration, where tests give many.
const fn seconds(n: u64) -> Duration {
	Duration::from_secs(n)
}

/// Run a test, and say how long it took.
fn run(name: &str, test: impl Future<Output = Result<()>>) {
	name_this_thread(name);
	say("begins");
	let begin = Instant::now();
	let runtime =
		tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
	// Nodes die with the thread that starts them: this one, which lives as long as the test.
	let result = runtime.block_on(test);
	say(format_args!("took {:.0} s", begin.elapsed().as_secs_f64()));
	if let Err(error) = result {
		panic!("{name}: {error}");
	}
}

/// Fails with these words.
fn wrong<T>(what: impl Into<String>) -> Result<T> {
	Err(Error::Node { node: "the test".into(), why: what.into() })
}

/// Fails unless `holds`.
fn expect(holds: bool, what: impl FnOnce() -> String) -> Result<()> {
	if holds {
		Ok(())
	} else {
		wrong(what())
	}
}

/// A member's key of this type, from its node's keystore.
fn key_of<P: sp_core::Pair>(network: &Network, i: usize, kind: KeyTypeId) -> Result<P> {
	// A file is named after type and public key.
	let (prefix, length) = (hex::encode(kind.0), 2 * (kind.0.len() + P::Public::LEN));
	let mut folders = vec![network.nodes()[i].base().to_path_buf()];
	while let Some(folder) = folders.pop() {
		for entry in std::fs::read_dir(&folder).map_err(Error::io("read", &folder))?.flatten() {
			let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
			if path.is_dir() {
				folders.push(path);
			} else if name.starts_with(&prefix) && name.len() == length {
				let text = std::fs::read_to_string(&path).map_err(Error::io("read", &path))?;
				let secret: String = serde_json::from_str(&text).unwrap_or_default();
				return P::from_string(&secret, None).or_else(|error| wrong(format!("{name}: {error:?}")));
			}
		}
	}
	wrong(format!("its keystore has no key of type {prefix}"))
}

/// No node of the network saw anybody equivocate, neither in the lottery nor in finality.
fn nobody_equivocated(network: &Network) -> Result<()> {
	for node in network.nodes() {
		let log = node.log_text();
		let found = log.lines().find(|line| line.to_lowercase().contains("equivocat"));
		if let Some(line) = found {
			return wrong(format!("{} reports an equivocation of honest nodes: {line}", node.name()));
		}
	}
	Ok(())
}

/// Wait until the node says by this name why it does not wait.
async fn says_why(rpc: &Rpc, state: &str, limit: Duration) -> Result<()> {
	until(&format!("it says '{state}'"), limit, || async {
		let lottery = rpc.lottery().await?;
		Ok(match lottery["whyNotWaiting"].is_null() {
			false if lottery["state"] == state => Seen::Yes(()),
			_ => Seen::NotYet(lottery["description"].to_string()),
		})
	})
	.await
}

/// A development chain on one node, outside any network.
struct Dev {
	base: PathBuf,
	log: PathBuf,
	rpc: Rpc,
	rpc_port: u16,
	p2p_port: u16,
	/// More options of `elapse-node`.
	options: Vec<String>,
	_temporary: TempDir,
}

impl Dev {
	fn new() -> Result<Self> {
		let temporary = tempfile::Builder::new()
			.prefix("elapse-dev-")
			.tempdir()
			.map_err(Error::io("make", "a temporary folder"))?;
		let (rpc_port, p2p_port) = (process::free_port()?, process::free_port()?);
		Ok(Dev {
			base: temporary.path().join("base"),
			log: temporary.path().join("node.log"),
			rpc: Rpc::new("the node", rpc_port),
			rpc_port,
			p2p_port,
			options: Vec::new(),
			_temporary: temporary,
		})
	}

	/// The node's command, behind `before`, if that is a command which starts others.
	fn command(&self, before: &[String]) -> Result<Command> {
		let program = process::node_program()?;
		let mut command = match before.split_first() {
			None => process::owned(&program),
			Some((first, rest)) => {
				let mut command = process::owned(Path::new(first));
				command.args(rest).arg(&program);
				command
			}
		};
		command.arg("--dev").arg("--base-path").arg(&self.base);
		command.args(["--rpc-port", &self.rpc_port.to_string()]);
		command.args(["--listen-addr", &format!("/ip4/{}/tcp/{}", Ipv4Addr::LOCALHOST, self.p2p_port)]);
		command.args(["--no-prometheus", "--no-mdns"]).args(&self.options);
		Ok(command)
	}

	fn start(&self, before: &[String]) -> Result<Process> {
		Process::start("the node", self.command(before)?, &self.log, None)
	}

	/// Run one of the commands that work on a node's data while it is down.
	fn offline(&self, arguments: &[&str]) -> Result<Output> {
		let mut command = process::owned(&process::node_program()?);
		command.args(arguments).arg("--dev").arg("--base-path").arg(&self.base);
		command.output().map_err(Error::io("run", "the node"))
	}

	fn log_text(&self) -> String {
		std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
	}

	/// Wait until `process` has finalised this height.
	async fn finalized(&self, process: &mut Process, height: u32, limit: Duration) -> Result<()> {
		let rpc = &self.rpc;
		let process = Mutex::new(process);
		let what = format!("#{height} is final");
		let result = until(&what, limit, || async {
			if let Some(status) = process.lock().unwrap_or_else(PoisonError::into_inner).ended() {
				return wrong(format!("the node ended by itself ({status})"));
			}
			let at = rpc.finalized().await?.number;
			Ok(if at >= height { Seen::Yes(()) } else { Seen::NotYet(format!("#{at}")) })
		})
		.await;
		if result.is_err() {
			println!("{}", process::last_lines(self.log_text().as_bytes(), 40));
		}
		result
	}

	fn chips(&self) -> usize {
		process::chips_below(&self.base).len()
	}
}

/// Run a command that is to refuse its work soon. Returns its exit status and all that it said.
fn refused(mut command: Command) -> Result<(ExitStatus, String)> {
	let dir = tempfile::tempdir().map_err(Error::io("make", "a temporary folder"))?;
	let log = dir.path().join("log");
	command.env("RUST_BACKTRACE", "0");
	let mut process = Process::start("the node", command, &log, None)?;
	// Where many nodes start at a time, each compiles the runtime first.
	let status = process.wait(seconds(90));
	let text = std::fs::read_to_string(&log).map_err(Error::io("read", &log))?;
	match status {
		Some(status) if !status.success() => Ok((status, text)),
		Some(_) => wrong(format!("it is to refuse, and succeeds: {text}")),
		None => wrong(format!("it is to refuse, and runs on: {}", process::last_lines(text.as_bytes(), 20))),
	}
}

/// A mount namespace of the test's own, kept by a process that sleeps: what is mounted in it, nobody else sees.
struct Mounts {
	keeper: Process,
	user: bool,
	_temporary: TempDir,
}

impl Mounts {
	/// Make one and run `script` in it. `None` where this machine does not allow that.
	fn new(script: &str, arguments: &[&OsStr]) -> Result<Option<Self>> {
		let temporary = tempfile::tempdir().map_err(Error::io("make", "a temporary folder"))?;
		let allowed = |flags: &str| {
			Command::new("unshare").args([flags, "true"]).output().is_ok_and(|output| output.status.success())
		};
		let user = match (allowed("-m"), allowed("-rm")) {
			(true, _) => false,
			(false, true) => true,
			(false, false) => return Ok(None),
		};
		let ready = temporary.path().join("ready");
		let mut command = process::owned(Path::new("unshare"));
		command.args([if user { "-rm" } else { "-m" }, "sh", "-euc"]);
		command.arg(format!("ready=$1; shift; {script}\n: > \"$ready\"; exec sleep 600")).arg("sh").arg(&ready);
		command.args(arguments);
		let mut keeper = Process::start("the namespace", command, &temporary.path().join("log"), None)?;
		let begin = Instant::now();
		while !ready.exists() {
			if keeper.ended().is_some() || begin.elapsed() > seconds(10) {
				return Ok(None);
			}
			std::thread::sleep(Duration::from_millis(20));
		}
		Ok(Some(Mounts { keeper, user, _temporary: temporary }))
	}

	/// What a command is put behind to run in it.
	fn inside(&self) -> Vec<String> {
		let keeper = self.keeper.id().to_string();
		let mut words = vec!["nsenter", "-t", &keeper, "-m"];
		if self.user {
			words.extend(["-U", "--preserve-credentials"]);
		}
		words.push("--");
		words.into_iter().map(String::from).collect()
	}

	/// Where a path of it is found from outside.
	fn outside(&self, path: &Path) -> PathBuf {
		let root = format!("/proc/{}/root", self.keeper.id());
		Path::new(&root).join(path.strip_prefix("/").unwrap_or(path))
	}
}
