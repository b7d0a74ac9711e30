//! A TPM for one test: swtpm runs the TCG's reference code through libtpms. Where swtpm or tpm2-tools are missing, a test
//! is skipped, and says so.
#![allow(dead_code, missing_docs, unreachable_pub)]

#[path = "skipped.rs"]
mod skipped;

use std::{
	fs,
	path::Path,
	process::{Child, Command, Stdio},
	thread::sleep,
	time::Duration,
};

const TOOLS: [&str; 8] = [
	"swtpm",
	"swtpm_setup",
	"tpm2_createek",
	"tpm2_createak",
	"tpm2_activatecredential",
	"tpm2_startauthsession",
	"tpm2_policysecret",
	"tpm2_flushcontext",
];

/// A TPM of this test's own, gone when it is dropped.
pub struct Tpm {
	process: Child,
	folder: tempfile::TempDir,
	port: u16,
}

impl Drop for Tpm {
	fn drop(&mut self) {
		let _ = self.process.kill();
		let _ = self.process.wait();
	}
}

impl Tpm {
	/// A fresh TPM. Where a program for it is missing, the test that asks is skipped.
	pub fn start() -> Option<Self> {
		for tool in TOOLS {
			if Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
				skipped::skipped(&format!("{tool} is not installed"));
				return None;
			}
		}
		let folder = tempfile::tempdir().unwrap();
		let state = folder.path().join("state");
		fs::create_dir(&state).unwrap();
		// --createek makes the P-384 EK of the high range and persists it.
		let made = Command::new("swtpm_setup")
			.args(["--tpm2", "--createek", "--pcr-banks", "sha256", "--tpmstate"])
			.arg(&state)
			.output()
			.unwrap();
		assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
		// Any port may be taken by somebody else: try some. The control port must be the one after.
		for attempt in 0..20 {
			let port = 20_000 + (std::process::id() as u16).wrapping_add(attempt * 997) % 20_000;
			let mut process = Command::new("swtpm")
				.args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear", "--tpmstate"])
				.arg(format!("dir={}", state.display()))
				.args(["--server", &format!("type=tcp,port={port},bindaddr=127.0.0.1")])
				.args(["--ctrl", &format!("type=tcp,port={},bindaddr=127.0.0.1", port + 1)])
				.stdout(Stdio::null())
				.stderr(Stdio::null())
				.spawn()
				.unwrap();
			sleep(Duration::from_millis(500));
			if process.try_wait().unwrap().is_none() {
				return Some(Self { process, folder, port });
			}
		}
		panic!("no free port for swtpm");
	}

	/// Where the tools run.
	pub fn path(&self) -> &Path {
		self.folder.path()
	}

	/// Runs one of tpm2-tools.
	pub fn run(&self, tool: &str, arguments: &str) -> Result<(), String> {
		let output = Command::new(tool)
			.args(arguments.split_whitespace())
			.current_dir(self.path())
			.env("TPM2TOOLS_TCTI", format!("swtpm:host=127.0.0.1,port={}", self.port))
			.output()
			.unwrap();
		if output.status.success() {
			Ok(())
		} else {
			Err(format!("{tool} {arguments}: {}", String::from_utf8_lossy(&output.stderr)))
		}
	}

	/// Removes the transient objects that the tools leave.
	pub fn flush(&self) {
		self.run("tpm2_flushcontext", "-t").unwrap();
	}

	/// What the TPM answers to this credential file for the AK under the EK.
	pub fn activate(&self, ek_has_password: bool, credential: &[u8]) -> Result<Vec<u8>, String> {
		fs::write(self.path().join("credential"), credential).unwrap();
		let _ = fs::remove_file(self.path().join("answer"));
		let files = "-C ek.ctx -c ak.ctx -i credential -o answer";
		let result = if ek_has_password {
			self.run("tpm2_activatecredential", files)
		} else {
			self.run("tpm2_startauthsession", "--policy-session -S session")?;
			self.run("tpm2_policysecret", "-S session -c e")?;
			let result = self.run("tpm2_activatecredential", &format!("{files} -P session:session"));
			self.run("tpm2_flushcontext", "session")?;
			result
		};
		self.flush();
		result.map(|()| fs::read(self.path().join("answer")).unwrap())
	}
}
