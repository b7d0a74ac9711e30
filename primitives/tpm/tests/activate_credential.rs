//! Credentials made here, opened by a TPM: swtpm runs the TCG's reference code through libtpms. Where swtpm or tpm2-tools
//! are missing, this says so and passes.

use std::{
	fs,
	path::Path,
	process::{Child, Command, Stdio},
	thread::sleep,
	time::Duration,
};

use ep_tpm::{public::strip_tpm2b, AttestationKey, EndorsementKey};

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
struct Tpm {
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
	fn start(test: &str) -> Option<Self> {
		for tool in TOOLS {
			if Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
				println!("skipped: {test}: {tool} is not installed");
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

	fn path(&self) -> &Path {
		self.folder.path()
	}

	fn run(&self, tool: &str, arguments: &str) -> Result<(), String> {
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

	fn flush(&self) {
		self.run("tpm2_flushcontext", "-t").unwrap();
	}

	/// What the TPM answers to this credential file for the AK under the EK.
	fn activate(&self, ek_has_password: bool, credential: &[u8]) -> Result<Vec<u8>, String> {
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

/// Asks a TPM with this EK, and checks that it answers to nothing but the untouched credential.
fn opens(test: &str, make_ek: &[(&str, &str)], make_ak: &str, ek_has_password: bool) {
	let Some(tpm) = Tpm::start(test) else { return };
	for (tool, arguments) in make_ek {
		tpm.run(tool, arguments).unwrap();
		tpm.flush();
	}
	tpm.run("tpm2_createak", &format!("-C ek.ctx -c ak.ctx -u ak.pub {make_ak}")).unwrap();
	tpm.flush();
	let read = |file| fs::read(tpm.path().join(file)).unwrap();
	let ek = EndorsementKey::parse(strip_tpm2b(&read("ek.pub")).unwrap()).unwrap();
	let ak = AttestationKey::parse(strip_tpm2b(&read("ak.pub")).unwrap()).unwrap();

	for seed in 0..3 {
		let challenge = ek.challenge(ak.name(), &[seed; 32]).unwrap();
		assert_eq!(tpm.activate(ek_has_password, &challenge.credential.to_file()).unwrap(), challenge.secret);
	}
	let short = ek.make_credential(ak.name(), b"x", &[3; 32]).unwrap();
	assert_eq!(tpm.activate(ek_has_password, &short.to_file()).unwrap(), b"x");

	// Another object's credential, and one whose last bit was turned, open to nobody.
	let other = ek.challenge(ek.name(), &[0; 32]).unwrap();
	assert!(tpm.activate(ek_has_password, &other.credential.to_file()).is_err());
	let mut forged = ek.challenge(ak.name(), &[0; 32]).unwrap().credential;
	let last = forged.id_object.len() - 1;
	forged.id_object.as_mut()[last] ^= 1;
	assert!(tpm.activate(ek_has_password, &forged.to_file()).is_err());
	println!("{test}: a TPM opened 4 credentials and refused 2");
}

#[test]
fn an_rsa_2048_ek_opens_its_credentials() {
	let make = [("tpm2_createek", "-G rsa -c ek.ctx -u ek.pub")];
	opens("an_rsa_2048_ek_opens_its_credentials", &make, "-G rsa2048 -s rsassa -g sha256", false);
}

#[test]
fn a_p256_ek_opens_its_credentials() {
	let make = [("tpm2_createek", "-G ecc -c ek.ctx -u ek.pub")];
	opens("a_p256_ek_opens_its_credentials", &make, "-G ecc256 -s ecdsa -g sha256", false);
}

#[test]
fn a_p384_ek_opens_its_credentials() {
	let make = [("tpm2_readpublic", "-c 0x81010016 -o ek.pub -t ek.ctx")];
	opens("a_p384_ek_opens_its_credentials", &make, "-G ecc384 -s ecdsa -g sha384", true);
}
