//! The program, as a process: what people type.

use std::{
	path::{Path, PathBuf},
	process::{Child, Command, Output, Stdio},
	time::{Duration, Instant},
};

use codec::Encode;
use ec_relayer::{
	claim::{contract_key, parse_account},
	policy::ELA,
	testing::{CHAIN, GENESIS},
};
use ep_bridge::landing;
use ep_trust::anchor;
use jsonrpsee::{server::Server, types::ErrorObjectOwned, RpcModule};
use sp_core::{Bytes, H160};

use crate::{chain::Elapse, chains, Evm};

fn program() -> Command {
	Command::new(env!("CARGO_BIN_EXE_elapse-relayer"))
}

fn text(output: &Output) -> String {
	format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn keys(folder: &Path) -> (PathBuf, PathBuf, H160) {
	let (key, passphrase) = (folder.join("key.json"), folder.join("passphrase"));
	std::fs::write(&passphrase, "correct horse\n").unwrap();
	let made = program().args(["key", "new"]).arg(&key).arg("--passphrase-file").arg(&passphrase).output().unwrap();
	assert!(made.status.success(), "{}", text(&made));
	let address = String::from_utf8(made.stdout).unwrap().trim().parse().unwrap();
	(key, passphrase, address)
}

#[test]
fn a_key_is_made_shown_and_not_made_again() {
	let folder = tempfile::tempdir().unwrap();
	let (key, passphrase, address) = keys(folder.path());
	let show = |passphrase: &Path| {
		program().args(["key", "show"]).arg(&key).arg("--passphrase-file").arg(passphrase).output().unwrap()
	};
	assert_eq!(text(&show(&passphrase)).trim(), format!("{address:?}"));
	let wrong = folder.path().join("wrong");
	std::fs::write(&wrong, "incorrect horse").unwrap();
	assert!(text(&show(&wrong)).contains("the passphrase is not that of"));
	let again = program().args(["key", "new"]).arg(&key).arg("--passphrase-file").arg(&passphrase).output().unwrap();
	assert_eq!(again.status.code(), Some(2), "{}", text(&again));
}

#[test]
fn its_help_is_worth_reading() {
	let help = text(&program().arg("--help").output().unwrap());
	assert!(help.contains("elapse-relayer key new") && help.contains("--dry-run"), "{help}");
	let run = text(&program().args(["run", "--help"]).output().unwrap());
	for option in ["--node", "--esc", "--contract", "--keystore", "--passphrase-file", "--dry-run", "--max-gas-price"] {
		assert!(run.contains(option), "{run}");
	}
	// A passphrase is no argument.
	let refused = program().args(["run", "--passphrase", "x"]).output().unwrap();
	assert_eq!(refused.status.code(), Some(2));
}

/// Good for the account that it was made for, and by the key in the file.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_signed_for_what_the_node_says_and_sends_nothing() {
	const ACCOUNT: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
	let mut node = RpcModule::new(());
	node.register_method("chain_getBlockHash", |_, _, _| Ok::<_, ErrorObjectOwned>(GENESIS)).unwrap();
	node.register_method("state_getStorage", |params, _, _| {
		assert_eq!(params.one::<Bytes>().unwrap().0, contract_key());
		Ok::<_, ErrorObjectOwned>(Bytes(CHAIN.encode()))
	})
	.unwrap();
	let server = Server::builder().build("127.0.0.1:0").await.unwrap();
	let url = format!("ws://{}", server.local_addr().unwrap());
	let _serving = server.start(node);
	let folder = tempfile::tempdir().unwrap();
	let (key, passphrase, address) = keys(folder.path());
	let claim = |account: &str, url: &str| {
		let mut claim = program();
		claim.arg("claim").arg(&key).arg("--passphrase-file").arg(&passphrase);
		claim.args(["--account", account, "--node", url]).output().unwrap()
	};
	let claimed = claim(ACCOUNT, &url);
	let shown = text(&claimed);
	assert!(claimed.status.success(), "{shown}");
	let proof = shown.lines().find_map(|line| line.strip_prefix("proof    0x")).expect("there is a proof");
	assert!(shown.contains(&format!("bridge.claimRewards({address:?}, 0x{proof})")), "{shown}");
	let proof: [u8; 65] = hex::decode(proof).unwrap().try_into().unwrap();
	let digest = landing::claim(&CHAIN, &GENESIS, &parse_account(ACCOUNT).unwrap().encode());
	assert_eq!(anchor::recover(&proof, &digest), Some(address));
	assert_eq!(claim("5Grw", &url).status.code(), Some(2));
	assert!(text(&claim(ACCOUNT, "ws://127.0.0.1:1")).contains("no node answers"));
}

struct Runs(Child);

impl Drop for Runs {
	fn drop(&mut self) {
		let _ = self.0.kill();
		let _ = self.0.wait();
	}
}

/// A port that nobody listens on.
fn port() -> u16 {
	std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

struct Scene {
	evm: Evm,
	elapse: Elapse,
	url: String,
	folder: tempfile::TempDir,
	key: PathBuf,
	passphrase: PathBuf,
	rpc: u16,
}

impl Scene {
	fn run(&self, more: &[&str]) -> Runs {
		let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
		let child = program()
			.args(["run", "--node", &self.url, "--esc", &self.evm.url, "--every", "1", "--stagger", "0"])
			.args(["--contract", &format!("{:?}", self.evm.chain.contract)])
			.arg("--keystore")
			.arg(&self.key)
			.arg("--data")
			.arg(self.folder.path().join("data"))
			.args(["--rpc", &format!("127.0.0.1:{}", self.rpc)])
			.args(more)
			.stdin(Stdio::null())
			.stderr(log)
			.spawn();
		Runs(child.unwrap())
	}

	fn log(&self) -> String {
		std::fs::read_to_string(self.folder.path().join("log")).unwrap()
	}

	fn status(&self) -> Output {
		program().args(["status", "--rpc", &format!("ws://127.0.0.1:{}", self.rpc)]).output().unwrap()
	}

	fn until(&self, what: &str, seconds: u64, is: impl Fn() -> bool) {
		let begun = Instant::now();
		while !is() {
			let late = begun.elapsed() > Duration::from_secs(seconds);
			assert!(!late, "{what}: not in {seconds} s\n{}\n{}", text(&self.status()), self.log());
			std::thread::sleep(Duration::from_millis(200));
		}
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_runs_dry_then_for_money_is_killed_and_goes_on() {
	let Some((evm, elapse)) = chains(4, Some(1)) else { return };
	let (_server, url) = elapse.serve().await;
	let folder = tempfile::tempdir().unwrap();
	let (key, passphrase, account) = keys(folder.path());
	evm.fund(account, ELA);
	let scene = Scene { evm, elapse, url, folder, key, passphrase, rpc: port() };
	let chain = scene.evm.chain;
	scene.elapse.certify(&chain);

	let dry = scene.run(&["--dry-run"]);
	scene.until("it says what it would send", 120, || scene.log().contains("Would send checkpoint #20"));
	assert!(text(&scene.status()).contains("dry run"));
	drop(dry);
	assert!(scene.evm.landed().is_empty());

	let passphrase = scene.passphrase.to_str().unwrap().to_owned();
	let for_money = ["--passphrase-file", &passphrase];
	for round in 0..3 {
		let _runs = scene.run(&for_money);
		let height = if round == 1 { scene.elapse.hand_over(&chain, 5) } else { scene.elapse.certify(&chain) };
		scene.until("it lands", 120, || scene.evm.landed().last().map(|landed| landed.0) == Some(height));
		// Killed without warning, before it is deep enough.
	}
	let _runs = scene.run(&for_money);
	scene.until("it answers", 120, || text(&scene.status()).contains("account "));
	let refused = scene.run(&for_money).0.wait().unwrap();
	assert_eq!(refused.code(), Some(2), "two with one key");
	assert!(scene.log().contains("another relayer with this key"));
	scene.until("all of it is ten deep", 180, || {
		text(&scene.status()).contains("all is well\n") && {
			let json = program().args(["status", "--json", "--rpc", &format!("ws://127.0.0.1:{}", scene.rpc)]).output();
			serde_json::from_slice::<ec_relayer::Status>(&json.unwrap().stdout)
				.is_ok_and(|status| status.waiting.is_empty())
		}
	});
	let status = text(&scene.status());
	assert!(status.contains("0 refused"), "{status}");
	assert_eq!(scene.status().status.code(), Some(0));
	let landed = scene.evm.landed().len() as u64;
	assert_eq!(scene.evm.nonce(account), landed, "every transaction has landed one");
	println!("{status}");
}
