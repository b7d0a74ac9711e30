//! `elapse-network`: a network of nodes on this machine, for people.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use elapse_network::{Backend, Network, NetworkOptions, NodeOptions, Result, Role};

/// Runs a network of nodes on this machine, each with its own software TPM.
///
/// The node is the `elapse-node` beside this program, or the one named in ELAPSE_NODE. Ctrl-C ends all nodes.
#[derive(Debug, Parser)]
#[command(name = "elapse-network", version)]
struct Arguments {
	/// How many members the chain begins with.
	#[arg(value_name = "N", value_parser = clap::value_parser!(u8).range(1..=50))]
	members: u8,

	/// Their weights, separated by commas, 1 to 1,000,000 each. If none is above 10 they are proportions: 4,3,2,1 means
	/// 400,000, 300,000, 200,000 and 100,000. Without this option all weigh 500,000.
	#[arg(long, value_delimiter = ',', value_name = "W,W,...")]
	weights: Vec<u64>,

	/// Keep the network in this folder, and go on with the one that is there. Without it, all is forgotten.
	#[arg(long, value_name = "DIR")]
	base: Option<PathBuf>,

	/// Block interval aimed at, in milliseconds. Only for a new network.
	#[arg(long, value_name = "MS", default_value_t = 2_000)]
	target_ms: u64,

	/// Blocks in an epoch. Only for a new network.
	#[arg(long, value_name = "BLOCKS")]
	epoch_length: Option<u32>,

	/// The first node's RPC port; the others' follow.
	#[arg(long, value_name = "PORT", default_value_t = 9_944)]
	rpc_port: u16,

	/// The first node's network port; the others' follow.
	#[arg(long, value_name = "PORT", default_value_t = 30_333)]
	port: u16,

	/// The network backend, or `mixed` for both in turn.
	#[arg(long, value_enum, default_value_t = Backends::Litep2p)]
	backend: Backends,

	/// Only make the chips and the specification, and say where they are.
	#[arg(long)]
	provision_only: bool,

	/// Further options for every node, after `--`.
	#[arg(last = true, value_name = "NODE OPTIONS")]
	node_options: Vec<std::ffi::OsString>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Backends {
	Litep2p,
	Libp2p,
	Mixed,
}

impl Arguments {
	fn weights(&self) -> std::result::Result<Vec<u64>, String> {
		let count = usize::from(self.members);
		if self.weights.is_empty() {
			return Ok(vec![500_000; count]);
		}
		if self.weights.len() != count {
			return Err(format!("{} weights were given for {count} nodes: give one for each", self.weights.len()));
		}
		let most = self.weights.iter().copied().max().unwrap_or_default();
		if self.weights.contains(&0) || most > 1_000_000 {
			return Err("a weight is between 1 and 1,000,000".into());
		}
		// Small numbers are proportions. Scaled up, they can be changed in small steps later.
		let scale = if most <= 10 { 100_000 } else { 1 };
		Ok(self.weights.iter().map(|weight| weight * scale).collect())
	}

	fn options(&self) -> std::result::Result<NetworkOptions, String> {
		let port = |first: u16, i: usize| {
			u16::try_from(i)
				.ok()
				.and_then(|i| first.checked_add(i))
				.ok_or(format!("there are no {i} ports from {first}"))
		};
		let mut options = NetworkOptions::members(&self.weights()?);
		options.base = self.base.clone();
		options.target = Duration::from_millis(self.target_ms);
		options.epoch_length = self.epoch_length;
		options.echo = true;
		for (i, node) in options.nodes.iter_mut().enumerate() {
			node.rpc_port = Some(port(self.rpc_port, i)?);
			node.p2p_port = Some(port(self.port, i)?);
			node.args.clone_from(&self.node_options);
			node.backend = match self.backend {
				Backends::Litep2p => Backend::Litep2p,
				Backends::Libp2p => Backend::Libp2p,
				Backends::Mixed if i % 2 == 0 => Backend::Litep2p,
				Backends::Mixed => Backend::Libp2p,
			};
		}
		Ok(options)
	}
}

fn table(network: &Network) {
	println!("chain specification  {}", network.spec().display());
	for node in network.nodes() {
		let NodeOptions { name, role, .. } = node.options();
		let weight = match role {
			Role::Member(weight) => format!("weight {weight}"),
			Role::Newcomer => "newcomer".into(),
			Role::Follower => "follower".into(),
		};
		println!("{name}  {weight:<16} RPC {}  base path {}", node.rpc().url(), node.base().display());
	}
}

async fn run(arguments: Arguments) -> Result<std::result::Result<(), String>> {
	let options = match arguments.options() {
		Ok(options) => options,
		Err(why) => return Ok(Err(why)),
	};
	if arguments.provision_only {
		if arguments.base.is_none() {
			return Ok(Err("--provision-only leaves nothing behind without --base".into()));
		}
		let network = Network::provision(options).await?;
		table(&network);
		return network.finish().map(Ok);
	}
	// Asked for before anything is started, so that nothing started can miss it.
	let interrupted = tokio::signal::ctrl_c();
	tokio::pin!(interrupted);
	let mut network = tokio::select! {
		network = Network::start(options) => network?,
		_ = &mut interrupted => return Ok(Ok(())),
	};
	table(&network);
	let mut look = tokio::time::interval(Duration::from_secs(1));
	loop {
		tokio::select! {
			_ = &mut interrupted => break,
			_ = look.tick() => network.check()?,
		}
	}
	println!("ending {} nodes", network.running().len());
	network.finish().map(Ok)
}

fn main() -> ExitCode {
	let arguments = Arguments::parse();
	let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
		Ok(runtime) => runtime,
		Err(error) => {
			eprintln!("error: {error}");
			return ExitCode::FAILURE;
		}
	};
	match runtime.block_on(run(arguments)) {
		Ok(Ok(())) => ExitCode::SUCCESS,
		Ok(Err(why)) => {
			eprintln!("error: {why}");
			ExitCode::from(2)
		}
		Err(error) => {
			eprintln!("error: {error}");
			ExitCode::FAILURE
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn weights(arguments: &[&str]) -> std::result::Result<Vec<u64>, String> {
		Arguments::parse_from(["elapse-network"].iter().chain(arguments)).weights()
	}

	#[test]
	fn small_weights_are_proportions() {
		assert_eq!(weights(&["2", "--weights", "4,1"]), Ok(vec![400_000, 100_000]));
		assert_eq!(weights(&["2", "--weights", "40,1"]), Ok(vec![40, 1]));
		assert_eq!(weights(&["3"]), Ok(vec![500_000; 3]));
	}

	#[test]
	fn weights_must_fit_the_nodes_and_the_chain() {
		assert!(weights(&["3", "--weights", "4,1"]).is_err());
		assert!(weights(&["1", "--weights", "0"]).is_err());
		assert!(weights(&["1", "--weights", "1000001"]).is_err());
	}
}
