//! A machine with a TPM 1.2: it is let in where governance says so, attests what booted, and never authors.

use std::{
	os::unix::net::UnixStream,
	path::{Path, PathBuf},
	process::Command,
	time::Instant,
};

use base64::{engine::general_purpose::STANDARD, Engine};
use elapse_network::{
	process::{self, Process},
	sudo::sudo,
	Network, NetworkOptions, NodeOptions, Role,
};
use elapse_runtime::{genesis_config_presets as presets, Runtime, RuntimeCall};
use ep_tpm::{
	certificate::Role as CertificateRole,
	policy::{AllowedPcrs, PcrRule, PlatformPolicy},
};
use pallet_admission::{Call, Caps, GovernedPolicy};

use super::{
	duties::{examine, short, stands},
	expect,
	joins::{admitted, author, its_evidence_is_on_chain, Watch},
	nobody_equivocated, run, seconds, skipped, wrong, Error, Result,
};

/// The chain's policy for such machines.
const POLICY: u32 = 1;
const CAP: u64 = 40_000;
/// What the chip's certificate says of it.
const ABOUT: [&str; 6] = ["--tpm-manufacturer", "id:00001014", "--tpm-model", "swtpm", "--tpm-version", "id:00740001"];
const NEWCOMER: usize = 1;

#[test]
fn a_machine_with_a_tpm12_is_let_in_attests_and_never_authors() {
	run("a TPM 1.2", async {
		if !has_tpm12()? {
			skipped("this swtpm has no TPM 1.2");
			return Ok(());
		}
		let dir = tempfile::tempdir().map_err(Error::io("make", "a temporary folder"))?;
		let chip = Chip::make(dir.path())?;
		let mut options = NetworkOptions::members(&[500_000]);
		options.epoch_length = Some(6);
		let mut newcomer = NodeOptions::new("older", Role::Newcomer);
		newcomer.tpm = Some(chip.tcti());
		newcomer.args = vec!["--policy".into(), POLICY.to_string().into()];
		options.nodes.push(newcomer);
		let mut network = Network::provision(options).await?;
		let certificates = chip.certified(&network.nodes()[NEWCOMER].base().join("tpm/identity.json"))?;
		for file in [&certificates.own, &certificates.issuer] {
			network.node(NEWCOMER).add_args(["--ek-certificate".as_ref(), file.as_os_str()]);
		}
		network.run().await?;
		network.finalized(&[0], 2, seconds(60)).await?;
		govern(&network, &certificates.root).await?;

		network.restart(NEWCOMER).await?;
		let mut watch = Watch::new(&network);
		watch.until("the machine is let in", admitted(0)).await?;
		let author = author(&network, NEWCOMER)?;
		its_evidence_is_on_chain(&network, &author).await?;
		stands(&network, NEWCOMER, "has risen to its cap by its duties", |node| {
			node["score"] == CAP && node["done"].as_u64() >= Some(4)
		})
		.await?;
		stands(&network, NEWCOMER, "weighs nothing all the same", |node| node["weight"] == 0 && node["missed"] == 0)
			.await?;
		let at = network.rpc(0).finalized().await?.hash;
		let record: Option<pallet_poet::Record> =
			network.rpc(0).storage(&pallet_poet::Records::<Runtime>::hashed_key_for(&author), Some(at)).await?;
		expect(record.is_none(), || format!("it has authored: {record:?}"))?;
		network.check()?;
		nobody_equivocated(&network)?;
		network.one_chain(&[0, NEWCOMER]).await?;
		network.finish()
	});
}

/// Lets TPM 1.2 in, trusts the maker of this one, and asks what PCR 0 holds.
async fn govern(network: &Network, root: &[u8]) -> Result<()> {
	let rpc = network.rpc(0);
	examine(network, short()).await?;
	let caps = Caps { legacy: CAP, software: 500_000, ..presets::CAPS };
	let certificate = root.to_vec().try_into().or_else(|_| wrong("the root is longer than a certificate may be"))?;
	for call in [
		Call::set_parameters { parameters: presets::admission(2_000, caps) },
		Call::add_root { role: CertificateRole::Root, certificate },
		Call::set_policy { number: POLICY, policy: Some(GovernedPolicy::always(nothing_measured())) },
	] {
		sudo(&rpc, RuntimeCall::Admission(call)).await?;
	}
	Ok(())
}

/// PCR 0 of the SHA-1 bank holds zeros: nobody has measured anything into it.
fn nothing_measured() -> PlatformPolicy {
	let zeros =
		PcrRule::OneOf(sp_runtime::BoundedVec::truncate_from(vec![sp_runtime::BoundedVec::truncate_from(vec![0; 20])]));
	PlatformPolicy {
		bank: 0x0004,
		bitmap: sp_runtime::BoundedVec::truncate_from(vec![1, 0, 0]),
		allowed: AllowedPcrs::Each(sp_runtime::BoundedVec::truncate_from(vec![zeros])),
		min_firmware: 0,
		may_reset: true,
		may_resume: true,
	}
}

fn has_tpm12() -> Result<bool> {
	let said = process::run(Command::new("swtpm").args(["socket", "--print-capabilities"]))?;
	Ok(String::from_utf8_lossy(&said).contains("tpm-1.2"))
}

/// A software TPM 1.2 that runs, and an authority that certifies it.
struct Chip {
	dir: PathBuf,
	_process: Process,
}

/// What [`Chip::certified`] makes.
struct Certificates {
	own: PathBuf,
	issuer: PathBuf,
	/// DER.
	root: Vec<u8>,
}

impl Chip {
	fn make(dir: &Path) -> Result<Self> {
		let dir = dir.to_path_buf();
		for folder in ["ca", "state"] {
			std::fs::create_dir(dir.join(folder)).map_err(Error::io("make", folder))?;
		}
		let at = dir.display();
		let authority = format!(
			"statedir = {at}/ca\nsigningkey = {at}/ca/signkey.pem\nissuercert = {at}/ca/issuercert.pem\n\
			 certserial = {at}/ca/serial\n"
		);
		let tools = format!(
			"create_certs_tool = swtpm_localca\ncreate_certs_tool_config = {at}/localca.conf\n\
			 create_certs_tool_options = {at}/localca.options\n"
		);
		let about = ABOUT.join(" ").replace(" --", "\n--");
		for (name, text) in [("localca.conf", authority), ("localca.options", about), ("setup.conf", tools)] {
			let path = dir.join(name);
			std::fs::write(&path, text).map_err(Error::io("write", path))?;
		}
		// The endorsement key is made for the sake of its certificate, which is not the one that is used.
		let mut setup = Command::new("swtpm_setup");
		setup.arg("--tpmstate").arg(dir.join("state")).arg("--config").arg(dir.join("setup.conf"));
		process::run(setup.arg("--create-ek-cert").arg("--logfile").arg(dir.join("setup.log")))?;
		let socket = dir.join("socket");
		let mut command = process::owned(Path::new("swtpm"));
		command.args(["socket", "--flags", "not-need-init", "--tpmstate"]);
		command.arg(format!("dir={}", dir.join("state").display()));
		command.arg("--server").arg(format!("type=unixio,path={}", socket.display()));
		let chip = Self { _process: Process::start("swtpm", command, &dir.join("swtpm.log"), None)?, dir };
		let begin = Instant::now();
		while UnixStream::connect(&socket).is_err() {
			if begin.elapsed() > seconds(20) {
				return wrong("swtpm does not listen");
			}
			std::thread::sleep(std::time::Duration::from_millis(20));
		}
		Ok(chip)
	}

	/// As `elapse-node --tpm` takes it.
	fn tcti(&self) -> String {
		format!("tpm1.2:swtpm:path={}", self.dir.join("socket").display())
	}

	/// Certificates for the endorsement key in an identity file: its own, signed with SHA-256 (swtpm's authority signs those
	/// of TPM 1.2 with SHA-1 unless it is told that this is a TPM 2.0), its issuer's, and the root's.
	fn certified(&self, identity: &Path) -> Result<Certificates> {
		let text = std::fs::read(identity).map_err(Error::io("read", identity))?;
		let identity: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
		let ek = identity["ek_public"].as_str().unwrap_or_default();
		let Some(modulus) = ek.len().checked_sub(512).and_then(|at| ek.get(at..)) else {
			return wrong("the identity file has no endorsement key");
		};
		let ca = self.dir.join("ca");
		let mut localca = Command::new("swtpm_localca");
		localca.args(["--type", "ek", "--ek", modulus, "--dir"]).arg(&ca).arg("--logfile").arg(self.dir.join("ca.log"));
		localca.arg("--configfile").arg(self.dir.join("localca.conf"));
		localca.arg("--optsfile").arg(self.dir.join("localca.options"));
		localca.args(["--tpm2", "--tpm-spec-family", "1.2", "--tpm-spec-level", "2", "--tpm-spec-revision", "116"]);
		process::run(localca.args(ABOUT))?;
		let root = ca.join("swtpm-localca-rootca-cert.pem");
		let pem = std::fs::read_to_string(&root).map_err(Error::io("read", &root))?;
		let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
		let root = STANDARD.decode(base64).or_else(|error| wrong(format!("the root is no PEM: {error}")))?;
		Ok(Certificates { own: ca.join("ek.cert"), issuer: ca.join("issuercert.pem"), root })
	}
}
