//! The network: its nodes, the chain that they make, and the folder that they live in.

use std::{
	fs,
	path::{Path, PathBuf},
	process::Command,
	time::Duration,
};

use futures::future::try_join_all;
use sp_core::H256;
use tempfile::TempDir;

use crate::{
	node::{Node, NodeOptions, Role, START},
	process,
	rpc::{BlockId, Rpc},
	spec,
	wait::{say, until},
	Error, Result, Seen,
};

/// A network to be.
#[derive(Clone, Debug)]
pub struct NetworkOptions {
	/// Where everything is kept; `None` for a temporary folder.
	pub base: Option<PathBuf>,
	/// Block interval aimed at.
	pub target: Duration,
	/// Blocks in an epoch; `None` for the node's default.
	pub epoch_length: Option<u32>,
	/// Whether the nodes' logs are also printed, with the node's name before each line.
	pub echo: bool,
	/// The nodes that are there from the beginning.
	pub nodes: Vec<NodeOptions>,
}

impl NetworkOptions {
	/// Members of these weights, named `node-1`, `node-2` and so on, with blocks every 2 s.
	pub fn members(weights: &[u64]) -> Self {
		let nodes = weights
			.iter()
			.enumerate()
			.map(|(i, weight)| NodeOptions::new(format!("node-{}", i + 1), Role::Member(*weight)));
		NetworkOptions {
			base: None,
			target: Duration::from_secs(2),
			epoch_length: None,
			echo: false,
			nodes: nodes.collect(),
		}
	}
}

/// Nodes, the chain that they make, and the folder that they live in.
#[derive(Debug)]
pub struct Network {
	nodes: Vec<Node>,
	spec: PathBuf,
	base: PathBuf,
	program: PathBuf,
	compiled: PathBuf,
	echo: bool,
	finished: bool,
	_temporary: Option<TempDir>,
}

impl Network {
	/// Make chips and specification, start every node, and wait until each answers.
	///
	/// Where the folder holds a network already, its chain goes on.
	pub async fn start(options: NetworkOptions) -> Result<Self> {
		let mut network = Self::provision(options).await?;
		network.run().await?;
		Ok(network)
	}

	/// Start every node but newcomers, none of which is running, and wait until each answers.
	///
	/// The first is waited for before the others start, which then find the runtime compiled.
	pub async fn run(&mut self) -> Result<()> {
		let mut members = (0..self.nodes.len())
			.filter(|i| self.nodes[*i].options().role != Role::Newcomer)
			.collect::<Vec<_>>()
			.into_iter();
		if let Some(first) = members.next() {
			self.restart(first).await?;
		}
		for i in members.as_slice() {
			self.spawn(*i)?;
		}
		for i in members {
			self.answers(i).await?;
		}
		Ok(())
	}

	/// Make chips and specification, and start nothing.
	pub async fn provision(options: NetworkOptions) -> Result<Self> {
		let program = process::node_program()?;
		// All nodes share what wasmtime compiles; networks that are gone when they end leave it beside the program.
		let compiled = options.base.as_deref().or(program.parent()).unwrap_or(Path::new(".")).join("compiled-runtime");
		let (base, temporary) = match options.base {
			Some(base) => (base, None),
			None => {
				let dir = tempfile::Builder::new()
					.prefix("elapse-network-")
					.tempdir()
					.map_err(Error::io("make", "a temporary folder"))?;
				(dir.path().to_path_buf(), Some(dir))
			}
		};
		fs::create_dir_all(&base).map_err(Error::io("make", &base))?;
		let base = fs::canonicalize(&base).map_err(Error::io("find", &base))?;
		fs::create_dir_all(&compiled).map_err(Error::io("make", &compiled))?;
		let compiled = fs::canonicalize(&compiled).map_err(Error::io("find", &compiled))?;
		let spec = base.join("spec.json");
		let mut network = Network {
			nodes: Vec::new(),
			spec,
			base,
			program,
			compiled,
			echo: options.echo,
			finished: false,
			_temporary: temporary,
		};
		for node in options.nodes {
			network.add(node)?;
		}
		let program = &network.program;
		let made = std::mem::take(&mut network.nodes).into_iter().map(|mut node| {
			let (program, name) = (program.clone(), node.name().to_string());
			async move {
				let task = tokio::task::spawn_blocking(move || node.provision(&program).map(|()| node));
				task.await.map_err(|e| Error::node(&name, e.to_string()))?
			}
		});
		network.nodes = try_join_all(made).await?;
		if !network.spec.exists() {
			let members: Vec<_> = network.nodes.iter().filter_map(Node::in_genesis).collect();
			let newcomers: Vec<_> = network.nodes.iter().filter_map(Node::newcomer).collect();
			spec::build(&network.program, &members, &newcomers, options.target, options.epoch_length, &network.spec)?;
		}
		Ok(network)
	}

	fn add(&mut self, options: NodeOptions) -> Result<usize> {
		self.nodes.push(Node::new(options, &self.base, &self.compiled)?);
		Ok(self.nodes.len() - 1)
	}

	/// Let another node join, and wait until it answers. Returns its index.
	pub async fn join(&mut self, options: NodeOptions) -> Result<usize> {
		let i = self.add(options)?;
		self.restart(i).await?;
		Ok(i)
	}

	/// Start a node that is not running, and wait until it answers.
	pub async fn restart(&mut self, i: usize) -> Result<()> {
		self.spawn(i)?;
		self.answers(i).await
	}

	/// A node that has a copy of all that node `i`, which is not running, has on its disk: keys, chip and chain. Only its
	/// name on the network is its own. Starts nothing. Returns its index.
	pub fn copy(&mut self, i: usize, name: &str) -> Result<usize> {
		let original = &self.nodes[i];
		if original.is_running() {
			return Err(Error::node(original.name(), "it is running: what is on its disk is not all there is of it"));
		}
		let mut options =
			NodeOptions { name: name.into(), rpc_port: None, p2p_port: None, ..original.options().clone() };
		let key = sp_crypto_hashing::blake2_256(self.base.join(name).as_os_str().as_encoded_bytes());
		options.args.extend(["--node-key".into(), hex::encode(key).into()]);
		let copy = self.add(options)?;
		let (from, to) = (self.nodes[i].base().join("."), &self.nodes[copy]);
		process::run(Command::new("cp").arg("-a").arg(from).arg(to.base()))?;
		fs::remove_file(to.log()).map_err(Error::io("remove", to.log()))?;
		Ok(copy)
	}

	/// The command that starts a node.
	pub fn command(&self, i: usize) -> Command {
		let others = self.nodes.iter().enumerate().filter(|(other, _)| *other != i);
		let addresses: Vec<String> = others.filter_map(|(_, other)| other.address()).collect();
		self.nodes[i].command(&self.program, &self.spec, &addresses)
	}

	/// Start a node's process. Not from a thread that ends before the node may.
	fn spawn(&mut self, i: usize) -> Result<()> {
		let command = self.command(i);
		let width = self.nodes.iter().map(|node| node.name().len()).max().unwrap_or_default();
		let node = &mut self.nodes[i];
		let echo = self.echo.then(|| format!("{:<width$} | ", node.name()));
		node.start(command, echo)
	}

	async fn answers(&mut self, i: usize) -> Result<()> {
		let what = format!("{} answers", self.nodes[i].name());
		let rpc = self.nodes[i].rpc().clone();
		let begin = std::time::Instant::now();
		loop {
			self.nodes[i].check()?;
			if rpc.best().await.is_ok() {
				say(format_args!("{what}: after {:.1} s", begin.elapsed().as_secs_f64()));
				return Ok(());
			}
			if begin.elapsed() > START {
				return Err(Error::Deadline { what, after: START, last: "no answer".into() });
			}
			tokio::time::sleep(Duration::from_millis(100)).await;
		}
	}

	/// The folder of the network.
	pub fn base(&self) -> &Path {
		&self.base
	}

	/// The file of the chain specification.
	pub fn spec(&self) -> &Path {
		&self.spec
	}

	/// Its nodes, in the order in which they came.
	pub fn nodes(&self) -> &[Node] {
		&self.nodes
	}

	/// The same, to do something to them.
	pub fn nodes_mut(&mut self) -> &mut [Node] {
		&mut self.nodes
	}

	/// A node.
	pub fn node(&mut self, i: usize) -> &mut Node {
		&mut self.nodes[i]
	}

	/// What a node is asked through.
	pub fn rpc(&self, i: usize) -> Rpc {
		self.nodes[i].rpc().clone()
	}

	/// Fails if a node ended without being asked to.
	pub fn check(&mut self) -> Result<()> {
		self.nodes.iter_mut().try_for_each(Node::check)
	}

	/// Indices of the nodes whose processes are there.
	pub fn running(&self) -> Vec<usize> {
		(0..self.nodes.len()).filter(|i| self.nodes[*i].is_running()).collect()
	}

	/// Wait until each of these nodes has finalised this height.
	pub async fn finalized(&mut self, nodes: &[usize], height: u32, limit: Duration) -> Result<()> {
		self.reaches(nodes, height, limit, true).await
	}

	/// Wait until the best chain of each of these nodes has this height.
	pub async fn best(&mut self, nodes: &[usize], height: u32, limit: Duration) -> Result<()> {
		self.reaches(nodes, height, limit, false).await
	}

	async fn reaches(&mut self, nodes: &[usize], height: u32, limit: Duration, finalized: bool) -> Result<()> {
		self.check()?;
		let rpcs: Vec<(String, Rpc)> =
			nodes.iter().map(|i| (self.nodes[*i].name().to_string(), self.rpc(*i))).collect();
		let verb = if finalized { "finalise" } else { "reach" };
		let names: Vec<&str> = rpcs.iter().map(|(name, _)| name.as_str()).collect();
		until(&format!("{} {verb} #{height}", names.join(", ")), limit, || async {
			let mut heights = Vec::new();
			for (name, rpc) in &rpcs {
				let at = if finalized { rpc.finalized().await } else { rpc.best().await };
				heights.push((name, at.map(|block| block.number)));
			}
			if heights.iter().all(|(_, at)| matches!(at, Ok(at) if *at >= height)) {
				return Ok(Seen::Yes(()));
			}
			let seen = heights.iter().map(|(name, at)| match at {
				Ok(at) => format!("{name} #{at}"),
				Err(_) => format!("{name} silent"),
			});
			Ok(Seen::NotYet(seen.collect::<Vec<_>>().join(", ")))
		})
		.await
		.inspect_err(|_| {
			if let Err(dead) = self.check() {
				say(dead);
			}
		})
	}

	/// Fails unless all of these nodes have the same blocks up to the least height that all have finalised. Returns
	/// that block.
	pub async fn one_chain(&self, nodes: &[usize]) -> Result<BlockId> {
		let heights = try_join_all(nodes.iter().map(|i| self.nodes[*i].rpc().finalized())).await?;
		let number = heights.iter().map(|block| block.number).min().unwrap_or_default();
		let mut first: Option<(usize, H256)> = None;
		for i in nodes {
			let node = &self.nodes[*i];
			let hash = node.rpc().block_hash(number).await?;
			let hash = hash.ok_or_else(|| Error::node(node.name(), format!("it has no block #{number}")))?;
			match first {
				None => first = Some((*i, hash)),
				Some((_, other)) if other == hash => {}
				Some((j, other)) => {
					let why = format!("its #{number} is {hash}, that of {} is {other}", self.nodes[j].name());
					return Err(Error::node(node.name(), why));
				}
			}
		}
		match first {
			Some((_, hash)) => Ok(BlockId { number, hash }),
			None => Err(Error::node("the network", "no node was asked")),
		}
	}

	/// Ask every running node to end, all at once, and fail if one does not, or leaves its chip behind.
	pub fn stop(&mut self) -> Result<()> {
		self.nodes.iter_mut().for_each(Node::ask_to_end);
		self.nodes.iter_mut().map(Node::ended).fold(Ok(()), Result::and)
	}

	/// [`Network::stop`], and all was well: no log is shown.
	pub fn finish(mut self) -> Result<()> {
		let result = self.stop();
		self.finished = result.is_ok();
		result
	}
}

impl Drop for Network {
	fn drop(&mut self) {
		for node in &mut self.nodes {
			let _ = node.kill();
		}
		if self.finished || self.echo {
			return;
		}
		for node in &self.nodes {
			println!("--- the end of {}'s log:\n{}", node.name(), node.log_end(40));
		}
	}
}
