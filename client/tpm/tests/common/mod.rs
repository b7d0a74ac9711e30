//! What the tests against a real swtpm share.
#![allow(dead_code, unreachable_pub)]

use ec_tpm::{Programs, TpmConfig, TpmError, TpmHandle, TpmOptions, TpmStatus};
use futures::executor::block_on;
use std::{
	net::{Ipv4Addr, TcpListener, TcpStream},
	path::{Path, PathBuf},
	process::{Child, Command, Stdio},
	thread::sleep,
	time::{Duration, Instant},
};

pub fn start(base: &Path) -> TpmHandle {
	TpmHandle::start(TpmConfig::managed(base), base).expect("a managed software TPM starts")
}

pub fn start_error(base: &Path) -> TpmError {
	TpmHandle::start(TpmConfig::managed(base), base).expect_err("it must not start")
}

/// Options under which no program is found.
pub fn without_programs() -> TpmOptions {
	TpmOptions { programs: Programs { search: Some("/nonexistent".into()) }, ..Default::default() }
}

/// Wait until `done`, or fail.
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
	let deadline = Instant::now() + Duration::from_secs(20);
	while !done() {
		assert!(Instant::now() < deadline, "{what}: not within 20 s");
		sleep(Duration::from_millis(5));
	}
}

pub fn is_gone(tpm: &TpmHandle) -> bool {
	matches!(tpm.status(), TpmStatus::Gone { .. })
}

pub fn get_time(tpm: &TpmHandle, nonce: u8) -> Result<ec_tpm::Attested, TpmError> {
	block_on(tpm.get_time(vec![nonce; 32]))
}

pub fn kill(pid: u32, signal: &str) {
	let status = Command::new("kill").arg(format!("-{signal}")).arg(pid.to_string()).status().unwrap();
	assert!(status.success(), "kill -{signal} {pid}");
}

/// The processes whose command line names this folder, zombies apart.
pub fn processes_of(dir: &Path) -> Vec<u32> {
	let name = dir.to_str().unwrap();
	std::fs::read_dir("/proc")
		.unwrap()
		.flatten()
		.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
		.filter(|pid| {
			std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
				let line = String::from_utf8_lossy(&line).into_owned();
				line.starts_with("swtpm") || line.contains("/swtpm\0")
			} && std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains(name)))
		})
		.collect()
}

/// A swtpm that somebody else runs, to be used as a device.
pub struct Foreign {
	child: Option<Child>,
	dir: tempfile::TempDir,
	input: PathBuf,
	pub port: u16,
}

/// Attributes that makers give to the NV indices of certificates.
pub const MAKERS: &str = "ppwrite|ppread|ownerread|authread|no_da|platformcreate";

/// How many failed authorisations a chip has counted.
pub fn lockout_counter(chip: &Foreign) -> u32 {
	let properties = chip.tool(&["tpm2_getcap", "properties-variable"]);
	let line = properties.lines().find(|line| line.contains("TPM2_PT_LOCKOUT_COUNTER")).unwrap();
	let value = line.rsplit("0x").next().unwrap();
	u32::from_str_radix(value, 16).unwrap()
}

impl Foreign {
	/// Without EK certificates.
	pub fn start() -> Self {
		let port = loop {
			let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
			let port = first.local_addr().unwrap().port();
			if TcpListener::bind((Ipv4Addr::LOCALHOST, port + 1)).is_ok() {
				break port;
			}
		};
		Self::start_at(port)
	}

	pub fn start_at(port: u16) -> Self {
		let dir = tempfile::tempdir().unwrap();
		let input = dir.path().join("input");
		let mut foreign = Foreign { child: None, dir, input, port };
		foreign.power_on();
		foreign
	}

	/// Another one with an EK of the same kind.
	pub fn start_like(other: &Foreign) -> Self {
		let foreign = Self::start();
		if other.tool(&["tpm2_getcap", "handles-nv-index"]).to_lowercase().contains("1c0000a") {
			foreign.has_an_ecc_certificate();
		}
		foreign
	}

	/// Let it have what looks like a certificate for its ECC EK, so that this is the one that is used.
	pub fn has_an_ecc_certificate(&self) {
		self.nv(0x01c0_000a, &[0x30, 3, 1, 2, 3], MAKERS);
	}

	/// Define an NV index that holds these bytes.
	pub fn nv(&self, index: u32, bytes: &[u8], attributes: &str) {
		let (index, size) = (format!("{index:#x}"), bytes.len().to_string());
		self.tool(&["tpm2_nvdefine", &index, "-C", "p", "-s", &size, "-a", attributes]);
		self.tool(&["tpm2_nvwrite", &index, "-C", "p", "-i", self.file(bytes)]);
	}

	/// A file with these bytes, for a tool; the same one each time.
	pub fn file(&self, bytes: &[u8]) -> &str {
		std::fs::write(&self.input, bytes).unwrap();
		self.input.to_str().unwrap()
	}

	pub fn power_on(&mut self) {
		let child = Command::new("swtpm")
			.args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear", "--tpmstate"])
			.arg(format!("dir={}", self.dir.path().display()))
			.arg("--server")
			.arg(format!("type=tcp,port={}", self.port))
			.arg("--ctrl")
			.arg(format!("type=tcp,port={}", self.port + 1))
			.stdout(Stdio::null())
			.stderr(Stdio::null())
			.spawn()
			.unwrap();
		self.child = Some(child);
		let port = self.port + 1;
		eventually("swtpm listens", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
	}

	pub fn power_off(&mut self) {
		if let Some(mut child) = self.child.take() {
			child.kill().unwrap();
			child.wait().unwrap();
		}
	}

	pub fn tcti(&self) -> String {
		format!("swtpm:host=127.0.0.1,port={}", self.port)
	}

	pub fn config(&self) -> TpmConfig {
		TpmConfig::Device { tcti: self.tcti() }
	}

	/// Run a tpm2_* tool that must fail.
	pub fn tool_fails(&self, line: &[&str]) {
		let output = Command::new(line[0]).args(&line[1..]).env("TPM2TOOLS_TCTI", self.tcti()).output().unwrap();
		assert!(!output.status.success(), "{line:?}");
	}

	/// Run a tpm2_* tool on it; what it prints.
	pub fn tool(&self, line: &[&str]) -> String {
		let output = Command::new(line[0]).args(&line[1..]).env("TPM2TOOLS_TCTI", self.tcti()).output().unwrap();
		assert!(output.status.success(), "{line:?}: {}", String::from_utf8_lossy(&output.stderr));
		String::from_utf8(output.stdout).unwrap()
	}
}

impl Drop for Foreign {
	fn drop(&mut self) {
		self.power_off();
	}
}
