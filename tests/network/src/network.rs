//! The network and its nodes.

use std::{
	ffi::OsString,
	fs,
	io::{Read, Seek, SeekFrom},
	path::{Path, PathBuf},
	process::{Command, ExitStatus},
	time::Duration,
};

use futures::future::try_join_all;
use rustix::process::Signal;
use sp_core::H256;
use tempfile::TempDir;

use crate::{
	process::{self, Process},
	rpc::{BlockId, Rpc},
	spec::{self, Member},
	until, Error, Result, Seen,
};

/// How long a node may take to end when asked.
pub const STOP: Duration = Duration::from_secs(15);
/// How long it may take to answer its first question.
pub const START: Duration = Duration::from_secs(30);

/// Which of the SDK's network backends a node uses. Both speak the same protocols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Backend {
	/// rust-libp2p.
	Libp2p,
	/// litep2p, the SDK's default.
	#[default]
	Litep2p,
}

impl Backend {
	fn name(self) -> &'static str {
		match self {
			Backend::Libp2p => "libp2p",
			Backend::Litep2p => "litep2p",
		}
	}
}

/// How a node catches up when it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sync {
	/// Downloads and executes every block.
	#[default]
	Full,
	/// Follows GRANDPA's justifications to the last finalised state.
	Warp,
}

/// What a node is to the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
	/// In the genesis with this weight; authors and votes.
	Member(u64),
	/// Follows.
	Follower,
}

/// A node to be.
#[derive(Clone, Debug)]
pub struct NodeOptions {
	/// Its name: that of its folder, and before its lines in a shared log.
	pub name: String,
	/// What it is to the chain.
	pub role: Role,
	/// Its network backend.
	pub backend: Backend,
	/// How it catches up.
	pub sync: Sync,
	/// Where its RPC listens; `None` for a free port.
	pub rpc_port: Option<u16>,
	/// Where it listens for other nodes; `None` for a free port.
	pub p2p_port: Option<u16>,
	/// More options of `elapse-node`.
	pub args: Vec<OsString>,
}

impl NodeOptions {
	/// A node of this name and role; everything else as usual.
	pub fn new(name: impl Into<String>, role: Role) -> Self {
		NodeOptions {
			name: name.into(),
			role,
			backend: Backend::default(),
			sync: Sync::default(),
			rpc_port: None,
			p2p_port: None,
			args: Vec::new(),
		}
	}
}

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

/// A node, running or not.
#[derive(Debug)]
pub struct Node {
	options: NodeOptions,
	base: PathBuf,
	log: PathBuf,
	rpc: Rpc,
	rpc_port: u16,
	p2p_port: u16,
	member: Option<Member>,
	process: Option<Process>,
}

impl Node {
	/// Its name.
	pub fn name(&self) -> &str {
		&self.options.name
	}

	/// What it was asked to be.
	pub fn options(&self) -> &NodeOptions {
		&self.options
	}

	/// Its base path.
	pub fn base(&self) -> &Path {
		&self.base
	}

	/// What it is asked through.
	pub fn rpc(&self) -> &Rpc {
		&self.rpc
	}

	/// Its member's file; only members have one.
	pub fn member(&self) -> Result<&Member> {
		self.member.as_ref().ok_or_else(|| Error::node(self.name(), "it is no member"))
	}

	/// The file that its log is appended to.
	pub fn log(&self) -> &Path {
		&self.log
	}

	/// The network address at which other nodes reach it; only members have a known one.
	fn address(&self) -> Option<String> {
		self.member.as_ref().map(|member| format!("/ip4/127.0.0.1/tcp/{}/p2p/{}", self.p2p_port, member.peer_id))
	}

	/// Whether its process is there. Paused is there.
	pub fn is_running(&self) -> bool {
		self.process.is_some()
	}

	/// Fails if it ended without being asked to.
	pub fn check(&mut self) -> Result<()> {
		match self.process.as_mut().and_then(Process::ended) {
			None => Ok(()),
			Some(status) => {
				self.process = None;
				Err(Error::node(self.name(), format!("it ended by itself ({status}); its log: {}", self.log.display())))
			}
		}
	}

	fn running(&mut self) -> Result<&mut Process> {
		let name = &self.options.name;
		self.process.as_mut().ok_or_else(|| Error::node(name, "it is not running"))
	}

	/// End it as Ctrl-C does.
	pub fn stop(&mut self) -> Result<ExitStatus> {
		self.running()?;
		match self.process.take() {
			Some(process) => process.stop(STOP),
			None => Err(Error::node(self.name(), "it is not running")),
		}
	}

	/// End it with SIGKILL.
	pub fn kill(&mut self) -> Result<()> {
		self.running()?;
		if let Some(process) = self.process.take() {
			process.kill();
		}
		Ok(())
	}

	/// Stop it in its tracks (SIGSTOP), as a suspended machine; [`Node::resume`] lets it go on.
	pub fn pause(&mut self) -> Result<()> {
		self.running()?.signal(Signal::STOP)
	}

	/// Let it go on.
	pub fn resume(&mut self) -> Result<()> {
		self.running()?.signal(Signal::CONT)
	}

	/// Kill the chip under it, which loses everything that a chip loses with its power.
	pub fn kill_chip(&self) -> Result<()> {
		match process::kill_chips_below(&self.base) {
			0 => Err(Error::node(self.name(), "it has no swtpm to kill")),
			_ => Ok(()),
		}
	}

	/// How many swtpm processes it has, or has left behind.
	pub fn chips(&self) -> usize {
		process::chips_below(&self.base).len()
	}

	/// What it has logged so far.
	pub fn log_text(&self) -> String {
		fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
	}
}

/// Nodes, the chain that they make, and the folder that they live in.
#[derive(Debug)]
pub struct Network {
	nodes: Vec<Node>,
	spec: PathBuf,
	base: PathBuf,
	program: PathBuf,
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
		for i in 0..network.nodes.len() {
			network.spawn(i)?;
		}
		for i in 0..network.nodes.len() {
			network.answers(i).await?;
		}
		Ok(network)
	}

	/// Make chips and specification, and start nothing.
	pub async fn provision(options: NetworkOptions) -> Result<Self> {
		let program = process::node_program()?;
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
		let spec = base.join("spec.json");
		let mut network = Network {
			nodes: Vec::new(),
			spec,
			base,
			program,
			echo: options.echo,
			finished: false,
			_temporary: temporary,
		};
		for node in options.nodes {
			network.add(node)?;
		}
		let program = &network.program;
		let made = network.nodes.iter().map(|node| {
			let (program, base, options) = (program.clone(), node.base.clone(), node.options.clone());
			async move {
				match options.role {
					Role::Follower => Ok(None),
					Role::Member(_) => {
						let task = tokio::task::spawn_blocking(move || provision(&program, &base));
						task.await.map_err(|e| Error::node(&options.name, e.to_string()))?.map(Some)
					}
				}
			}
		});
		let made = try_join_all(made).await?;
		for (node, member) in network.nodes.iter_mut().zip(made) {
			node.member = member;
		}
		if !network.spec.exists() {
			let weights = network.nodes.iter().filter_map(|node| match (&node.member, node.options.role) {
				(Some(member), Role::Member(weight)) => Some((member.clone(), weight)),
				_ => None,
			});
			let weights: Vec<_> = weights.collect();
			spec::build(&network.program, &weights, options.target, options.epoch_length, &network.spec)?;
		}
		Ok(network)
	}

	fn add(&mut self, options: NodeOptions) -> Result<usize> {
		let base = self.base.join(&options.name);
		fs::create_dir_all(&base).map_err(Error::io("make", &base))?;
		let rpc_port = options.rpc_port.map_or_else(process::free_port, Ok)?;
		let p2p_port = options.p2p_port.map_or_else(process::free_port, Ok)?;
		self.nodes.push(Node {
			log: base.join("node.log"),
			rpc: Rpc::new(&options.name, rpc_port),
			rpc_port,
			p2p_port,
			member: None,
			process: None,
			base,
			options,
		});
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

	/// The command that starts a node.
	pub fn command(&self, i: usize) -> Command {
		let node = &self.nodes[i];
		let mut command = process::owned(&self.program);
		command.arg("--chain").arg(&self.spec).arg("--base-path").arg(&node.base);
		command.args(["--name", node.name()]);
		command.args(["--rpc-port", &node.rpc_port.to_string()]);
		command.args(["--listen-addr", &format!("/ip4/127.0.0.1/tcp/{}", node.p2p_port)]);
		command.args(["--network-backend", node.options.backend.name()]);
		// Nodes know each other; nothing is announced, nothing else listens.
		command.args(["--no-mdns", "--no-prometheus", "--no-telemetry", "--rpc-cors", "all"]);
		match node.options.role {
			Role::Member(_) => command.arg("--validator"),
			Role::Follower => &mut command,
		};
		match node.options.sync {
			Sync::Full => &mut command,
			Sync::Warp => command.args(["--sync", "warp"]),
		};
		let others = self.nodes.iter().enumerate().filter(|(other, _)| *other != i);
		let addresses: Vec<String> = others.filter_map(|(_, other)| other.address()).collect();
		if !addresses.is_empty() {
			command.arg("--bootnodes").args(addresses);
		}
		command.args(&node.options.args);
		command
	}

	/// Start a node's process. Not from a thread that ends before the node may.
	fn spawn(&mut self, i: usize) -> Result<()> {
		let command = self.command(i);
		let width = self.nodes.iter().map(|node| node.name().len()).max().unwrap_or_default();
		let node = &mut self.nodes[i];
		if node.is_running() {
			return Err(Error::node(node.name(), "it is running already"));
		}
		let echo = self.echo.then(|| format!("{:<width$} | ", node.options.name));
		node.process = Some(Process::start(&node.options.name, command, &node.log, echo)?);
		Ok(())
	}

	async fn answers(&mut self, i: usize) -> Result<()> {
		let what = format!("{} answers", self.nodes[i].name());
		let rpc = self.nodes[i].rpc.clone();
		let begin = std::time::Instant::now();
		loop {
			self.nodes[i].check()?;
			if rpc.best().await.is_ok() {
				println!("    {what}: after {:.1} s", begin.elapsed().as_secs_f64());
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
		self.nodes[i].rpc.clone()
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
				println!("    {dead}");
			}
		})
	}

	/// Fails unless all of these nodes have the same blocks up to the least height that all have finalised. Returns
	/// that block.
	pub async fn one_chain(&self, nodes: &[usize]) -> Result<BlockId> {
		let heights = try_join_all(nodes.iter().map(|i| self.nodes[*i].rpc.finalized())).await?;
		let number = heights.iter().map(|block| block.number).min().unwrap_or_default();
		let mut first: Option<(usize, H256)> = None;
		for i in nodes {
			let node = &self.nodes[*i];
			let hash = node.rpc.block_hash(number).await?;
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
		for node in &mut self.nodes {
			if let Some(process) = node.process.as_mut() {
				// A paused one could not hear.
				let _ = process.signal(Signal::CONT);
				let _ = process.signal(Signal::INT);
			}
		}
		let mut result = Ok(());
		for node in &mut self.nodes {
			let Some(mut process) = node.process.take() else { continue };
			let status = process.wait(STOP);
			drop(process);
			let failed = match status {
				Some(status) if status.success() => match node.chips() {
					0 => continue,
					n => format!("it ended and left {n} swtpm behind"),
				},
				Some(status) => format!("it ended with {status} when asked to"),
				None => format!("it did not end within {} s of being asked to", STOP.as_secs()),
			};
			result = result.and(Err(Error::node(&node.options.name, failed)));
		}
		result
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
			node.process = None;
		}
		if self.finished || self.echo {
			return;
		}
		for node in &self.nodes {
			println!("--- the end of {}'s log:\n{}", node.name(), tail(&node.log, 40));
		}
	}
}

/// Make a node's chip and keys; a second time nothing changes.
fn provision(program: &Path, base: &Path) -> Result<Member> {
	let file = base.join("member.json");
	if !file.exists() {
		process::run(
			Command::new(program)
				.args(["tpm", "provision", "--chain", "local"])
				.arg("--base-path")
				.arg(base)
				.arg("--output")
				.arg(&file),
		)?;
	}
	Member::read(&file)
}

/// The last lines of a file that may be long.
fn tail(path: &Path, lines: usize) -> String {
	let read = || -> std::io::Result<Vec<u8>> {
		let mut file = fs::File::open(path)?;
		let length = file.metadata()?.len();
		file.seek(SeekFrom::Start(length.saturating_sub(64 * 1024)))?;
		let mut text = Vec::new();
		file.read_to_end(&mut text)?;
		Ok(text)
	};
	match read() {
		Ok(text) => process::last_lines(&text, lines),
		Err(error) => format!("({}: {error})", path.display()),
	}
}
