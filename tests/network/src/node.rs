//! A node: what it is to be, and the process that it is.

use std::{
	ffi::OsString,
	fs,
	io::{ErrorKind, Read, Seek, SeekFrom},
	path::{Path, PathBuf},
	process::{Command, ExitStatus},
	time::Duration,
};

use rustix::process::Signal;

use crate::{
	process::{self, Process},
	spec::Member,
	Error, Result, Rpc,
};

/// How long a node may take to end when asked.
pub const STOP: Duration = Duration::from_secs(15);
/// How long it may take to answer its first question. The first start compiles the runtime.
pub const START: Duration = Duration::from_secs(90);

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
	/// Downloads every block, executes none, and takes the last finalised state with a proof of it.
	Fast,
	/// The same without the proof: the state is believed if its root is right.
	FastUnsafe,
}

impl Sync {
	fn name(self) -> &'static str {
		match self {
			Sync::Full => "full",
			Sync::Warp => "warp",
			Sync::Fast => "fast",
			Sync::FastUnsafe => "fast-unsafe",
		}
	}
}

/// What a node is to the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
	/// In the genesis with this weight; authors and votes.
	Member(u64),
	/// Becomes a member by `elapse-node join`. Its chip and keys are made with the network, its account has money at
	/// genesis, and its chip's maker is trusted.
	Newcomer,
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
	/// Its chip, as `elapse-node --tpm` takes it; `None` for a software TPM that the node manages.
	pub tpm: Option<String>,
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
			tpm: None,
			backend: Backend::default(),
			sync: Sync::default(),
			rpc_port: None,
			p2p_port: None,
			args: Vec::new(),
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
	/// A node in the network's folder, for which ports are found and nothing else is made. It keeps its compiled runtime
	/// in `compiled`.
	pub(crate) fn new(options: NodeOptions, folder: &Path, compiled: &Path) -> Result<Self> {
		let base = folder.join(&options.name);
		fs::create_dir_all(&base).map_err(Error::io("make", &base))?;
		let cache = base.join("cache");
		match std::os::unix::fs::symlink(compiled, &cache) {
			Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(Error::io("make", &cache)(error))?,
			_ => {}
		}
		let rpc_port = options.rpc_port.map_or_else(process::free_port, Ok)?;
		let p2p_port = options.p2p_port.map_or_else(process::free_port, Ok)?;
		Ok(Node {
			log: base.join("node.log"),
			rpc: Rpc::new(&options.name, rpc_port),
			rpc_port,
			p2p_port,
			member: None,
			process: None,
			base,
			options,
		})
	}

	/// Its name.
	pub fn name(&self) -> &str {
		&self.options.name
	}

	/// What it was asked to be.
	pub fn options(&self) -> &NodeOptions {
		&self.options
	}

	/// More options of `elapse-node`, from its next start on.
	pub fn add_args(&mut self, args: impl IntoIterator<Item = impl Into<OsString>>) {
		self.options.args.extend(args.into_iter().map(Into::into));
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

	/// Make its chip and keys if it is a member; a second time nothing changes.
	pub(crate) fn provision(&mut self, program: &Path) -> Result<()> {
		if let Role::Member(_) | Role::Newcomer = self.options.role {
			self.member = Some(provision(program, &self.base, self.options.tpm.as_deref())?);
		}
		Ok(())
	}

	/// Its member's file and weight, if it is a member of the genesis.
	pub(crate) fn in_genesis(&self) -> Option<(Member, u64)> {
		match (&self.member, self.options.role) {
			(Some(member), Role::Member(weight)) => Some((member.clone(), weight)),
			_ => None,
		}
	}

	/// Its member's file and the certificate of its software TPM's maker, if it is to join. A chip that it does not manage
	/// has a maker elsewhere.
	pub(crate) fn newcomer(&self) -> Option<(Member, Option<PathBuf>)> {
		let maker = self.base.join("tpm/swtpm/ca/swtpm-localca-rootca-cert.pem");
		let maker = self.options.tpm.is_none().then_some(maker);
		self.member.clone().filter(|_| self.options.role == Role::Newcomer).map(|member| (member, maker))
	}

	/// The network address at which other nodes reach it; only members of the genesis have a known one.
	pub(crate) fn address(&self) -> Option<String> {
		self.member.as_ref().map(|member| format!("/ip4/127.0.0.1/tcp/{}/p2p/{}", self.p2p_port, member.peer_id))
	}

	/// The command that starts it on this chain, told of those others.
	pub(crate) fn command(&self, program: &Path, spec: &Path, others: &[String]) -> Command {
		let mut command = process::owned(program);
		if self.options.role == Role::Newcomer {
			command.arg("join");
		}
		command.arg("--chain").arg(spec).arg("--base-path").arg(&self.base);
		command.args(["--name", self.name()]);
		command.args(["--rpc-port", &self.rpc_port.to_string()]);
		command.args(["--listen-addr", &format!("/ip4/127.0.0.1/tcp/{}", self.p2p_port)]);
		if let Some(tpm) = &self.options.tpm {
			command.args(["--tpm", tpm]);
		}
		command.args(["--network-backend", self.options.backend.name()]);
		command.args(["--sync", self.options.sync.name()]);
		// Nodes know each other; nothing is announced, nothing else listens.
		command.args(["--no-mdns", "--no-prometheus", "--no-telemetry", "--rpc-cors", "all"]);
		if let Role::Member(_) = self.options.role {
			command.arg("--validator");
		}
		if !others.is_empty() {
			command.arg("--bootnodes").args(others);
		}
		command.args(&self.options.args);
		command
	}

	/// Start its process; what it logs is also printed, each line after `echo`, if given. Not from a thread that ends
	/// before the node may.
	pub(crate) fn start(&mut self, command: Command, echo: Option<String>) -> Result<()> {
		if self.is_running() {
			return Err(Error::node(self.name(), "it is running already"));
		}
		self.process = Some(Process::start(self.name(), command, &self.log, echo)?);
		Ok(())
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

	/// Ask it to end as Ctrl-C does, and do not wait for that.
	pub(crate) fn ask_to_end(&mut self) {
		if let Some(process) = self.process.as_mut() {
			// A paused one could not hear.
			let _ = process.signal(Signal::CONT);
			let _ = process.signal(Signal::INT);
		}
	}

	/// After [`Node::ask_to_end`]: fails if it does not end, ends with an error, or leaves its chip behind.
	pub(crate) fn ended(&mut self) -> Result<()> {
		let Some(mut process) = self.process.take() else { return Ok(()) };
		let status = process.wait(STOP);
		drop(process);
		let failed = match status {
			Some(status) if status.success() => match self.chips() {
				0 => return Ok(()),
				n => format!("it ended and left {n} swtpm behind"),
			},
			Some(status) => format!("it ended with {status} when asked to"),
			None => format!("it did not end within {} s of being asked to", STOP.as_secs()),
		};
		Err(Error::node(self.name(), failed))
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

	/// The last lines of its log.
	pub(crate) fn log_end(&self, lines: usize) -> String {
		tail(&self.log, lines)
	}

	/// What it has logged so far.
	pub fn log_text(&self) -> String {
		fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
	}
}

/// Make a node's chip and keys; a second time nothing changes.
fn provision(program: &Path, base: &Path, tpm: Option<&str>) -> Result<Member> {
	let file = base.join("member.json");
	if !file.exists() {
		let mut command = Command::new(program);
		command.args(["tpm", "provision", "--chain", "local"]);
		command.arg("--base-path").arg(base).arg("--output").arg(&file);
		if let Some(tpm) = tpm {
			command.args(["--tpm", tpm]);
		}
		process::run(&mut command)?;
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
