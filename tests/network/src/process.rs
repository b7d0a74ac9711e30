//! Processes, signals, ports, and the swtpm below a base path.

use std::{
	ffi::OsStr,
	fs::{self, File, OpenOptions},
	io::{BufRead, BufReader, Write},
	net::{Ipv4Addr, TcpListener},
	os::unix::{ffi::OsStrExt, process::CommandExt},
	path::{Path, PathBuf},
	process::{Child, Command, ExitStatus, Stdio},
	sync::atomic::{AtomicU16, Ordering},
	thread,
	time::{Duration, Instant},
};

use rustix::process::{kill_process, Pid, Signal};

use crate::{Error, Result};

/// Ports are taken from below the range out of which Linux gives ports to outgoing connections (32768 on), so that
/// nobody sits on a node's port while the node is down.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A TCP port on the loopback address that is free now, and is not given again by this process.
pub fn free_port() -> Result<u16> {
	static NEXT: AtomicU16 = AtomicU16::new(0);
	// Two runs at once begin at different places.
	let begin = u16::try_from(std::process::id() % 300).unwrap_or_default() * 40;
	for _ in PORTS {
		let step = NEXT.fetch_add(1, Ordering::Relaxed);
		let port = PORTS.start + (begin.wrapping_add(step)) % (PORTS.end - PORTS.start);
		if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
			return Ok(port);
		}
	}
	Err(Error::NoPort { from: PORTS.start, to: PORTS.end - 1 })
}

/// The node's program: `ELAPSE_NODE`, or beside the folder that the running program is in, where Cargo puts it.
pub fn node_program() -> Result<PathBuf> {
	let path = match std::env::var_os("ELAPSE_NODE") {
		Some(path) => PathBuf::from(path),
		None => {
			let this = std::env::current_exe().map_err(Error::io("find", "the running program"))?;
			// release/elapse-network, or release/deps/network-0123456789abcdef
			let dir = this.parent().unwrap_or(Path::new("."));
			let dir = if dir.ends_with("deps") { dir.parent().unwrap_or(dir) } else { dir };
			dir.join("elapse-node")
		}
	};
	if path.is_file() {
		Ok(path)
	} else {
		Err(Error::NoProgram { path })
	}
}

/// A command that dies with the thread that spawns it, and that the terminal's Ctrl-C does not reach: whoever owns it
/// ends it in order.
pub fn owned(program: &Path) -> Command {
	// util-linux's setpriv becomes the program, once it has asked the kernel for the signal.
	let mut command = Command::new("setpriv");
	command.args(["--pdeathsig", "KILL", "--"]).arg(program).stdin(Stdio::null()).process_group(0);
	command
}

/// Run a command to its end and return what it wrote to standard output.
pub fn run(command: &mut Command) -> Result<Vec<u8>> {
	let shown = shown(command);
	let output = command.output().map_err(Error::io("run", command.get_program()))?;
	if output.status.success() {
		return Ok(output.stdout);
	}
	let text = [output.stdout, output.stderr].concat();
	Err(Error::Command { command: shown, status: output.status.to_string(), output: last_lines(&text, 12) })
}

/// A command line as one would type it.
fn shown(command: &Command) -> String {
	let words = std::iter::once(command.get_program()).chain(command.get_args());
	let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
	match words.iter().position(|word| word == "--") {
		Some(at) if words.first().is_some_and(|word| word == "setpriv") => words[at + 1..].join(" "),
		_ => words.join(" "),
	}
}

/// The last lines of a text.
pub fn last_lines(text: &[u8], count: usize) -> String {
	let text = String::from_utf8_lossy(text);
	let lines: Vec<&str> = text.trim_end().lines().collect();
	lines[lines.len().saturating_sub(count)..].join("\n")
}

/// A running process of ours, and where its output goes.
#[derive(Debug)]
pub struct Process {
	name: String,
	child: Child,
	paused: bool,
}

impl Process {
	/// Start `command`, appending what it writes to `log`, and also printing it, each line after `echo`, if given.
	///
	/// Call this from a thread that lives as long as the process may: it dies with that thread.
	pub fn start(name: &str, mut command: Command, log: &Path, echo: Option<String>) -> Result<Self> {
		let mut file = OpenOptions::new().create(true).append(true).open(log).map_err(Error::io("write", log))?;
		let again = |file: &File| file.try_clone().map_err(Error::io("write", log));
		writeln!(file, "--- {}", shown(&command)).map_err(Error::io("write", log))?;
		match &echo {
			None => command.stdout(again(&file)?).stderr(again(&file)?),
			Some(_) => command.stdout(again(&file)?).stderr(Stdio::piped()),
		};
		let mut child = command.spawn().map_err(Error::io("run", command.get_program()))?;
		if let (Some(echo), Some(stderr)) = (echo, child.stderr.take()) {
			thread::spawn(move || {
				for line in BufReader::new(stderr).split(b'\n').map_while(std::result::Result::ok) {
					let line = String::from_utf8_lossy(&line);
					// A full disk or a closed terminal must not stop the node by filling its pipe.
					let _ = writeln!(file, "{line}");
					let _ = writeln!(std::io::stdout(), "{echo}{line}");
				}
			});
		}
		Ok(Process { name: name.into(), child, paused: false })
	}

	/// Its number.
	pub fn id(&self) -> u32 {
		self.child.id()
	}

	/// How it ended, if it did.
	pub fn ended(&mut self) -> Option<ExitStatus> {
		self.child.try_wait().ok().flatten()
	}

	/// Send it a signal.
	pub fn signal(&mut self, signal: Signal) -> Result<()> {
		if let Some(status) = self.ended() {
			return Err(Error::node(&self.name, format!("it is to get {signal:?} but ended before ({status})")));
		}
		let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
		let pid = pid.ok_or_else(|| Error::node(&self.name, "it has no process number"))?;
		kill_process(pid, signal).map_err(|errno| Error::node(&self.name, format!("{signal:?}: {errno}")))?;
		self.paused = match signal {
			Signal::STOP => true,
			Signal::CONT => false,
			_ => self.paused,
		};
		Ok(())
	}

	/// Ask it to end as Ctrl-C does, and wait for that.
	pub fn stop(mut self, limit: Duration) -> Result<ExitStatus> {
		if self.paused {
			self.signal(Signal::CONT)?;
		}
		if self.ended().is_none() {
			self.signal(Signal::INT)?;
		}
		let begin = Instant::now();
		while begin.elapsed() < limit {
			if let Some(status) = self.ended() {
				return Ok(status);
			}
			thread::sleep(Duration::from_millis(20));
		}
		Err(Error::node(&self.name, format!("it did not end within {} s of SIGINT", limit.as_secs())))
	}

	/// Wait for it to end by itself.
	pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
		let begin = Instant::now();
		loop {
			match self.ended() {
				None if begin.elapsed() < limit => thread::sleep(Duration::from_millis(20)),
				ended => return ended,
			}
		}
	}

	/// End it with SIGKILL: it gets no chance to put anything in order.
	pub fn kill(mut self) {
		self.kill_now();
	}

	fn kill_now(&mut self) {
		let _ = self.child.kill();
		let _ = self.child.wait();
	}
}

impl Drop for Process {
	fn drop(&mut self) {
		self.kill_now();
	}
}

/// The running swtpm processes whose state lies below this folder.
pub fn chips_below(base: &Path) -> Vec<Pid> {
	let mut found = Vec::new();
	for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
		let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw) else {
			continue;
		};
		let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
		let mut words = line.split(|byte| *byte == 0);
		let program = words.next().unwrap_or_default();
		let is_swtpm = Path::new(OsStr::from_bytes(program)).file_name() == Some(OsStr::new("swtpm"));
		if is_swtpm && words.any(|word| contains(word, base.as_os_str().as_bytes())) {
			found.push(pid);
		}
	}
	found
}

fn contains(text: &[u8], part: &[u8]) -> bool {
	text.windows(part.len()).any(|window| window == part)
}

/// Kill the chips below this folder as a power cut would. Returns how many there were.
pub fn kill_chips_below(base: &Path) -> usize {
	chips_below(base).into_iter().filter(|pid| kill_process(*pid, Signal::KILL).is_ok()).count()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn ports_are_not_given_twice() {
		assert_ne!(free_port().unwrap(), free_port().unwrap());
	}

	#[test]
	fn a_command_that_fails_is_quoted_with_its_words() {
		let error = run(owned(Path::new("/bin/sh")).args(["-c", "echo why >&2; exit 3"])).unwrap_err().to_string();
		assert!(error.starts_with("`/bin/sh -c"), "{error}");
		assert!(error.contains("exit status: 3") && error.ends_with("why"), "{error}");
	}

	#[test]
	fn a_process_is_stopped_paused_and_killed() {
		let dir = tempfile::tempdir().unwrap();
		let log = dir.path().join("log");
		let start = |script: &str| {
			// A shell cannot trap what was ignored when it started, as SIGINT is in the background of another shell.
			let mut command = owned(Path::new("/usr/bin/env"));
			command.args(["--default-signal=INT", "/bin/sh", "-c", script]);
			Process::start("sh", command, &log, None).unwrap()
		};
		let mut patient = start("trap 'echo asked; exit 7' INT; while :; do sleep 0.05; done");
		thread::sleep(Duration::from_millis(200));
		patient.signal(Signal::STOP).unwrap();
		assert_eq!(patient.stop(Duration::from_secs(5)).unwrap().code(), Some(7));
		assert!(fs::read_to_string(&log).unwrap().ends_with("asked\n"));

		let id = start("sleep 60").id();
		assert!(!Path::new(&format!("/proc/{id}")).exists(), "dropped and yet alive");
	}
}
