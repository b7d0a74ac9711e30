//! A software TPM that the node makes, starts, owns and stops: [swtpm](https://github.com/stefanberger/swtpm).
//!
//! # Properties
//! - *One owner.* A lock beside the state folder is held for as long as the TPM is used.
//! - *Nothing half-made.* A TPM is manufactured in a new folder, which becomes the state folder by one rename. No two
//!   attempts share one: what a killed attempt leaves running (swtpm_setup's children are not ended with it) goes on in
//!   a folder that is no more.
//! - *It dies with its owner.* The kernel ends swtpm when the thread that started it ends (PR_SET_PDEATHSIG), however
//!   that comes about. Hence [`Swtpm::start`] must be called from a thread that lives as long as the TPM is wanted.
//! - *Only its own.* A swtpm left over all the same is found by the state folder in its command line, and ended.
//! - *Nothing in system folders.* Configuration and the local CA that signs the EK certificate are in the state folder.
//!
//! swtpm listens on two neighbouring TCP ports of 127.0.0.1, since tss-esapi 7.7 passes on no UNIX socket to tpm2-tss,
//! which opens a connection for every command. Other users of the machine can therefore use this TPM too, and stop it
//! through its control channel. A software TPM proves nothing about its machine anyway: it is for development and tests.

use crate::{
	error::TpmError,
	identity::{make_private_dir, sync_dir, Lock},
	localca,
	programs::Programs,
};
use parking_lot::Mutex;
use rustix::process::{getpid, getppid, kill_process, pidfd_open, pidfd_send_signal, set_parent_process_death_signal};
use rustix::process::{Pid, PidfdFlags, Signal};
use std::{
	ffi::{OsStr, OsString},
	fs,
	io::ErrorKind,
	net::{Ipv4Addr, TcpListener},
	os::unix::{ffi::OsStrExt, fs::PermissionsExt, process::CommandExt},
	path::{Path, PathBuf},
	process::{Child, Command, Stdio},
	sync::Arc,
	thread::sleep,
	time::{Duration, Instant},
};

/// swtpm's file of permanent state.
const PERMANENT: &str = "tpm2-00.permall";
/// Another program may take a port between our choice and swtpm's start.
const PORT_ATTEMPTS: usize = 20;
const START_TIMEOUT: Duration = Duration::from_secs(10);
const MANUFACTURE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a swtpm may take to end when asked, before it is made to.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// Ends the swtpm from another thread, should the one that owns it be stuck waiting for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct KillSwitch(Arc<Mutex<Option<Pid>>>);

impl KillSwitch {
	/// Safe against a number that was given to another process: it is forgotten before the process is reaped.
	pub(crate) fn kill(&self) {
		if let Some(pid) = *self.0.lock() {
			let _ = kill_process(pid, Signal::KILL);
		}
	}
}

/// The state folder of a managed software TPM, locked.
#[derive(Debug)]
pub(crate) struct State {
	dir: PathBuf,
	_lock: Lock,
}

impl State {
	/// Lock the folder and end a swtpm left over in it. `None` if no TPM was made there yet.
	pub(crate) fn open(dir: &Path) -> Result<(Self, bool), TpmError> {
		let dir = std::path::absolute(dir).map_err(|e| TpmError::io("resolve", dir, e))?;
		if dir.as_os_str().as_bytes().iter().any(|byte| matches!(byte, b',' | b'\n')) {
			return Err(TpmError::BadPath { path: dir, why: "swtpm takes no path with a comma or a line break" });
		}
		if let Some(parent) = dir.parent() {
			make_private_dir(parent)?;
		}
		let lock = Lock::take(&with_suffix(&dir, ".lock"), &dir)?;
		// From here on a swtpm in this folder has no owner.
		end_leftovers(&dir)?;
		remove_half_made(&dir)?;
		let made = match fs::read_dir(&dir) {
			Ok(_) if dir.join(PERMANENT).is_file() => true,
			Ok(mut entries) => {
				if entries.next().is_some() {
					let missing = dir.join(PERMANENT);
					return Err(TpmError::Incomplete { present: dir, missing });
				}
				false
			}
			Err(e) if e.kind() == ErrorKind::NotFound => false,
			Err(e) => return Err(TpmError::io("read", dir, e)),
		};
		Ok((State { dir, _lock: lock }, made))
	}

	/// The certificate of whoever certified its EK, if that is there.
	pub(crate) fn issuer(&self) -> Option<Vec<u8>> {
		localca::issuer(&self.dir)
	}

	/// Manufacture a TPM with EK and platform certificates (swtpm_setup), all or nothing.
	pub(crate) fn manufacture(&self, programs: &Programs) -> Result<(), TpmError> {
		let (parent, prefix) = making(&self.dir)?;
		let folder = tempfile::Builder::new()
			.prefix(&prefix)
			.permissions(fs::Permissions::from_mode(0o700))
			.tempdir_in(parent)
			.map_err(|e| TpmError::io("make a folder in", parent, e))?;
		let result = manufacture(folder.path(), programs).and_then(|()| {
			// rename(2) replaces an empty folder.
			fs::rename(folder.path(), &self.dir).map_err(|e| TpmError::io("make", &self.dir, e))
		});
		match result {
			Err(error) => {
				// swtpm_setup starts a swtpm of its own, which outlives it if it is killed.
				let _ = end_leftovers(&self.dir);
				Err(error)
			}
			Ok(()) => {
				let _ = folder.keep();
				sync_dir(parent)
			}
		}
	}
}

fn manufacture(dir: &Path, programs: &Programs) -> Result<(), TpmError> {
	// swtpm_setup runs it, and finds it as we do.
	programs.swtpm()?;
	let setup = programs.swtpm_setup()?;
	let localca = programs.swtpm_localca()?;
	let ca = localca::folder(dir);
	make_private_dir(&ca)?;
	let write = |name: &str, text: String| {
		let path = ca.join(name);
		fs::write(&path, text).map_err(|e| TpmError::io("write", &path, e)).map(|()| path)
	};
	let at = |name: &str| ca.join(name).display().to_string();
	let ca_config = write(
		"localca.conf",
		format!(
			"statedir = {}\nsigningkey = {}\nissuercert = {}\ncertserial = {}\n",
			ca.display(),
			at(localca::SIGNING_KEY),
			at(localca::ISSUER),
			at(localca::SERIAL)
		),
	)?;
	let ca_options = write(
		"localca.options",
		"--platform-manufacturer Elapse\n--platform-version 1.0\n--platform-model swtpm\n".into(),
	)?;
	let config = write(
		"setup.conf",
		format!(
			"create_certs_tool = {}\ncreate_certs_tool_config = {}\ncreate_certs_tool_options = {}\n\
			 active_pcr_banks = sha256\n",
			localca.display(),
			ca_config.display(),
			ca_options.display()
		),
	)?;
	let log = dir.join("setup.log");
	let mut command = programs.command(&setup);
	command
		.args(["--tpm2", "--create-ek-cert", "--create-platform-cert", "--lock-nvram", "--not-overwrite"])
		.arg("--tpm-state")
		.arg(dir)
		.arg("--config")
		.arg(&config)
		.arg("--logfile")
		.arg(&log)
		.stdin(Stdio::null())
		.stdout(Stdio::null())
		.stderr(Stdio::null());
	die_with_this_thread(&mut command);
	log::info!("manufacturing a software TPM with {}", setup.display());
	let mut child = command.spawn().map_err(|e| TpmError::io("run", &setup, e))?;
	let deadline = Instant::now() + MANUFACTURE_TIMEOUT;
	let failed = |what: String| TpmError::SwtpmFailed { what, log: tail(&log) };
	let status = loop {
		match child.try_wait() {
			Ok(Some(status)) => break status,
			Ok(None) if Instant::now() < deadline => sleep(Duration::from_millis(10)),
			Ok(None) => {
				let _ = child.kill();
				let _ = child.wait();
				return Err(failed(format!("swtpm_setup took longer than {} s", MANUFACTURE_TIMEOUT.as_secs())));
			}
			Err(e) => return Err(TpmError::io("wait for", &setup, e)),
		}
	};
	if !status.success() || !dir.join(PERMANENT).is_file() {
		return Err(failed(format!("swtpm_setup could not make a TPM ({status})")));
	}
	let permanent = dir.join(PERMANENT);
	fs::File::open(&permanent).and_then(|f| f.sync_all()).map_err(|e| TpmError::io("flush", &permanent, e))?;
	sync_dir(dir)
}

/// A running swtpm. Ends with this value, at the latest.
#[derive(Debug)]
pub(crate) struct Swtpm {
	child: Child,
	port: u16,
	kill: KillSwitch,
}

impl Swtpm {
	/// Start swtpm on a manufactured state. See the module's properties for which thread may call this.
	pub(crate) fn start(state: &State, programs: &Programs, kill: &KillSwitch) -> Result<Self, TpmError> {
		let program = programs.swtpm()?;
		let log = state.dir.join("swtpm.log");
		for _ in 0..PORT_ATTEMPTS {
			let port = free_port_pair()?;
			if let Some(swtpm) = Self::start_at(state, programs, &program, port, kill)? {
				log::debug!("swtpm {} listens on ports {port} and {}", swtpm.child.id(), port + 1);
				return Ok(swtpm);
			}
			let log = tail(&log);
			if !log.contains("in use") {
				return Err(TpmError::SwtpmFailed { what: "swtpm ended at once".into(), log });
			}
		}
		Err(TpmError::SwtpmFailed { what: "swtpm found no free port".into(), log: tail(&log) })
	}

	/// `None` if it ended, because another program took the port or for another reason.
	fn start_at(
		state: &State,
		programs: &Programs,
		program: &Path,
		port: u16,
		kill: &KillSwitch,
	) -> Result<Option<Self>, TpmError> {
		let pid_file = state.dir.join("swtpm.pid");
		match fs::remove_file(&pid_file) {
			Err(e) if e.kind() != ErrorKind::NotFound => return Err(TpmError::io("remove", &pid_file, e)),
			_ => {}
		}
		let option = |key: &str, path: &Path, more: &str| concat(&[key.as_ref(), path.as_os_str(), more.as_ref()]);
		let mut command = programs.command(program);
		command
			.args(["socket", "--tpm2", "--tpmstate"])
			.arg(state_argument(&state.dir))
			.arg("--server")
			.arg(format!("type=tcp,bindaddr=127.0.0.1,port={port}"))
			.arg("--ctrl")
			.arg(format!("type=tcp,bindaddr=127.0.0.1,port={}", port + 1))
			.args(["--flags", "not-need-init,startup-clear", "--pid"])
			.arg(option("file=", &pid_file, ""))
			.arg("--log")
			.arg(option("file=", &state.dir.join("swtpm.log"), ",level=1,truncate"))
			.stdin(Stdio::null())
			.stdout(Stdio::null())
			.stderr(Stdio::null());
		die_with_this_thread(&mut command);
		let child = command.spawn().map_err(|e| TpmError::io("run", program, e))?;
		let mut swtpm = Swtpm { child, port, kill: kill.clone() };
		*kill.0.lock() = i32::try_from(swtpm.child.id()).ok().and_then(Pid::from_raw);

		// It writes its number once it listens on both ports; connecting earlier could reach another program's socket.
		let deadline = Instant::now() + START_TIMEOUT;
		loop {
			if !swtpm.is_alive() {
				return Ok(None);
			}
			if fs::read_to_string(&pid_file).is_ok_and(|text| text.trim() == swtpm.child.id().to_string()) {
				return Ok(Some(swtpm));
			}
			if Instant::now() > deadline {
				let what = format!("swtpm did not start within {} s", START_TIMEOUT.as_secs());
				return Err(TpmError::SwtpmFailed { what, log: tail(&state.dir.join("swtpm.log")) });
			}
			sleep(Duration::from_millis(2));
		}
	}

	/// How to connect to it.
	pub(crate) fn tcti(&self) -> String {
		format!("swtpm:host=127.0.0.1,port={}", self.port)
	}

	/// Its process.
	pub(crate) fn process(&self) -> u32 {
		self.child.id()
	}

	pub(crate) fn is_alive(&mut self) -> bool {
		// Reaping and forgetting its number are one step for the kill switch.
		let mut pid = self.kill.0.lock();
		let alive = matches!(self.child.try_wait(), Ok(None));
		if !alive {
			*pid = None;
		}
		alive
	}
}

impl Drop for Swtpm {
	fn drop(&mut self) {
		if !self.is_alive() {
			return;
		}
		if let Some(pid) = *self.kill.0.lock() {
			let _ = kill_process(pid, Signal::TERM);
		}
		let deadline = Instant::now() + STOP_TIMEOUT;
		while self.is_alive() {
			if Instant::now() > deadline {
				self.kill.kill();
			}
			sleep(Duration::from_millis(2));
		}
	}
}

/// Let the kernel end the command's process when this thread ends, and keep the terminal's Ctrl-C from it: the node
/// stops it in its own time.
#[allow(unsafe_code)]
fn die_with_this_thread(command: &mut Command) {
	let parent = getpid();
	command.process_group(0);
	// SAFETY: between fork and exec only async-signal-safe calls may be made. The closure makes two system calls
	// (prctl, getppid), allocates nothing, takes no lock, and captures a number.
	unsafe {
		command.pre_exec(move || {
			set_parent_process_death_signal(Some(Signal::TERM))?;
			// We may have died before the line above took effect.
			match getppid() {
				Some(pid) if pid == parent => Ok(()),
				_ => Err(rustix::io::Errno::SRCH.into()),
			}
		});
	}
}

fn concat(parts: &[&OsStr]) -> OsString {
	parts.iter().copied().collect()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
	PathBuf::from(concat(&[path.as_os_str(), suffix.as_ref()]))
}

/// Where a TPM is manufactured: the folder that its folder is made in, and how that one's name begins.
fn making(dir: &Path) -> Result<(&Path, OsString), TpmError> {
	match (dir.parent(), dir.file_name()) {
		(Some(parent), Some(name)) => Ok((parent, concat(&[name, ".making".as_ref()]))),
		_ => Err(TpmError::BadPath { path: dir.into(), why: "this is no place for a software TPM" }),
	}
}

/// Remove what attempts to make a TPM left behind. The caller holds the folder's lock.
fn remove_half_made(dir: &Path) -> Result<(), TpmError> {
	let (parent, prefix) = making(dir)?;
	let entries = fs::read_dir(parent).map_err(|e| TpmError::io("read", parent, e))?;
	for entry in entries.flatten().filter(|e| e.file_name().as_bytes().starts_with(prefix.as_bytes())) {
		// What still writes there may make this fail. It is tried again next time.
		if let Err(error) = fs::remove_dir_all(entry.path()) {
			log::debug!("{} stays for now: {error}", entry.path().display());
		}
	}
	Ok(())
}

/// The value of swtpm's `--tpmstate`, which also marks a swtpm as ours.
fn state_argument(dir: &Path) -> OsString {
	concat(&["dir=".as_ref(), dir.as_os_str(), ",mode=0600".as_ref()])
}

/// A port that is free now, and so is the next one, where tpm2-tss looks for the control channel.
fn free_port_pair() -> Result<u16, TpmError> {
	for _ in 0..100 {
		let listen = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
		let first = listen(0).map_err(|e| TpmError::io("listen on", "127.0.0.1", e))?;
		let port = first.local_addr().map_err(|e| TpmError::io("listen on", "127.0.0.1", e))?.port();
		if port.checked_add(1).is_some_and(|next| listen(next).is_ok()) {
			return Ok(port);
		}
	}
	Err(TpmError::io("listen on", "127.0.0.1", "no two neighbouring ports are free"))
}

/// End every program of swtpm whose command line names this state folder, or one that it was to be made in. The caller
/// holds the folder's lock.
fn end_leftovers(dir: &Path) -> Result<(), TpmError> {
	let (parent, prefix) = making(dir)?;
	let (run, made) = (state_argument(dir), parent.join(prefix));
	let is_ours = |pid| {
		is_swtpm_with(pid, |argument| {
			let path = argument.splitn(2, |byte| *byte == b'=').last().unwrap_or(argument);
			argument == run.as_bytes() || path.starts_with(made.as_os_str().as_bytes())
		})
	};
	let proc = fs::read_dir("/proc").map_err(|e| TpmError::io("read", "/proc", e))?;
	for entry in proc.flatten() {
		let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()).and_then(Pid::from_raw) else {
			continue;
		};
		if !is_ours(pid) {
			continue;
		}
		// Hold on to the process, then look again: its number may have passed to another in between.
		let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
		if !is_ours(pid) {
			continue;
		}
		log::info!("ending swtpm {}, left over in {}", pid.as_raw_nonzero(), dir.display());
		let deadline = Instant::now() + STOP_TIMEOUT;
		let mut signal = Signal::TERM;
		while is_ours(pid) {
			match pidfd_send_signal(&process, signal) {
				Ok(()) => {}
				Err(rustix::io::Errno::SRCH) => break,
				Err(e) => return Err(TpmError::io("end the swtpm that still uses", dir, e)),
			}
			if Instant::now() > deadline + STOP_TIMEOUT {
				return Err(TpmError::io("end the swtpm that still uses", dir, "it does not end"));
			}
			if Instant::now() > deadline {
				signal = Signal::KILL;
			}
			sleep(Duration::from_millis(10));
		}
	}
	Ok(())
}

/// Is this process one of swtpm's programs, with an argument like that? A zombie has none.
fn is_swtpm_with(pid: Pid, wanted: impl Fn(&[u8]) -> bool) -> bool {
	let line = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
	let mut arguments = line.split(|byte| *byte == 0);
	let program = arguments.next().map(|program| Path::new(OsStr::from_bytes(program)));
	program.and_then(Path::file_name).is_some_and(|name| name.as_bytes().starts_with(b"swtpm")) && arguments.any(wanted)
}

/// The end of a log, on one line.
fn tail(log: &Path) -> String {
	let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
	let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
	match lines.len() {
		0 => "(nothing)".into(),
		n => lines[n.saturating_sub(5)..].join(" | "),
	}
}
