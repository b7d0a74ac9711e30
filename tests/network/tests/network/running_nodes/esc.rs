//! The Elastos Smart Chain (ESC) beside a network: an EVM as strict as that chain, the contracts, and a relayer, each as
//! people run them.

use std::{
	collections::BTreeSet,
	path::{Path, PathBuf},
	process::Command,
};

use ec_anchor::rpc::{OpenView, SignersView};
use elapse_network::{
	process::{self, Process},
	say,
	sudo::sudo,
	Network,
};
use elapse_runtime::{Runtime, RuntimeCall};
use ep_trust::Chain;
use jsonrpsee::rpc_params;
use serde_json::{json, Value};
use sp_core::{H160, H256};
use sp_crypto_hashing::keccak_256;

use super::{
	anchor::ask,
	evm::{self, Evm},
	expect, seconds, until, wrong, Error, Result, Seen,
};

/// One ELA, in its smallest unit.
const ELA: u128 = 1_000_000_000_000_000_000;
const PASSPHRASE: &str = "correct horse";

/// A checkpoint that has landed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Landing {
	pub(super) number: u32,
	pub(super) signers: u64,
	pub(super) hash: H256,
	/// Who brought it.
	pub(super) by: H160,
	/// The block of the EVM that it is in.
	block: u64,
}

/// The EVM, what is deployed on it, and who brings checkpoints there.
pub(super) struct Esc {
	pub(super) evm: Evm,
	pub(super) scores: H160,
	/// The set that the contract was deployed with.
	pub(super) first: u64,
	/// What pays for checkpoints.
	pub(super) account: H160,
	anchor: H160,
	/// Where verdicts are taken.
	verdicts: H160,
	folder: PathBuf,
	rpc_port: u16,
	relayer: Option<Process>,
	/// Of which was said that they landed.
	said: BTreeSet<(u32, u64)>,
	well: bool,
}

impl Esc {
	/// Puts the contracts there, in the order of `docs/anchor.md`.
	pub(super) async fn deploy(evm: Evm, network: &Network) -> Result<Self> {
		let folder = network.base().join("esc");
		std::fs::create_dir_all(&folder).map_err(Error::io("make", &folder))?;
		let (deployer, account) = (key(&folder, "deployer")?, key(&folder, "relayer")?);
		for account in [deployer, account] {
			evm.fund(account, ELA);
		}
		let rpc = network.rpc(0);
		let genesis = rpc.block_hash(0).await?.unwrap_or_default();
		let params = folder.join("params.json");
		let write = |signers: &SignersView| {
			let members = signers.signers.iter();
			let members = members.map(|one| json!({ "address": one.address, "weight": one.weight.to_string() }));
			let params_of = json!({
				"genesis": genesis,
				"guardian": H160::zero(),
				"signers": { "id": signers.id, "members": members.collect::<Vec<_>>() },
			});
			std::fs::write(&params, params_of.to_string()).map_err(Error::io("write", &params))
		};
		write(&ask(&rpc, "bridge_signers", rpc_params![]).await?)?;
		let script = |command: &str| {
			let mut script = process::owned(Path::new("node"));
			script.arg(evm::folder().join("deploy.mjs")).args([command, "--network", "local", "--rpc", &evm.url]);
			script.arg("--params").arg(&params).arg("--out").arg(folder.join("deployed.json"));
			script
		};

		// Its address is known before; the chain is told, so that what is signed from now on is good there.
		let predicted = process::run(script("predict").args(["--from", &format!("{deployer:?}")]))?;
		let anchor = address(&json(&predicted)?["ElapseAnchor"])?;
		let place = Chain { id: 20, contract: anchor };
		let set = pallet_admission::Call::set_anchor_chain { anchor: place };
		sudo(&rpc, RuntimeCall::Admission(set)).await?;
		let signers = until("the chain knows the place, and no handover from before is open", seconds(120), || async {
			let at = rpc.finalized().await?.hash;
			let known = rpc.storage(&pallet_admission::AnchorChain::<Runtime>::hashed_key(), Some(at)).await?;
			let signers: SignersView = ask(&rpc, "bridge_signers", rpc_params![]).await?;
			let open: Vec<OpenView> = ask(&rpc, "bridge_open", rpc_params![]).await?;
			Ok(match known == Some(place) && open.iter().all(|open| open.checkpoint.signers == signers.id) {
				true => Seen::Yes(signers),
				false => Seen::NotYet(format!("{known:?}, {open:?}")),
			})
		})
		.await?;
		write(&signers)?;
		let mut deploy = script("deploy");
		deploy.args(["--expect-anchor", &format!("{anchor:?}")]).arg("--keystore").arg(folder.join("deployer.json"));
		deploy.arg("--password-file").arg(folder.join("passphrase"));
		say(String::from_utf8_lossy(&process::run(&mut deploy)?).trim_end());
		let deployed = std::fs::read(folder.join("deployed.json")).map_err(Error::io("read", &folder))?;
		let deployed = json(&deployed)?;
		let (scores, verdicts) =
			(address(&deployed["contracts"]["TrustScores"])?, address(&deployed["contracts"]["Verdicts"])?);
		let (rpc_port, first) = (process::free_port()?, signers.id);
		let (relayer, said, well) = (None, BTreeSet::new(), false);
		Ok(Self { evm, scores, first, account, anchor, verdicts, folder, rpc_port, relayer, said, well })
	}

	/// Starts the relayer, or starts it again.
	pub(super) fn relay(&mut self, network: &Network) -> Result<()> {
		let mut command = process::owned(&relayer()?);
		command.args(["run", "--verbose", "--node", network.rpc(0).url(), "--esc", &self.evm.url]);
		command.args(["--every", "1", "--stagger", "0", "--contract", &format!("{:?}", self.anchor)]);
		command.args(["--rpc", &format!("127.0.0.1:{}", self.rpc_port)]);
		for (option, file) in [("--keystore", "relayer.json"), ("--passphrase-file", "passphrase"), ("--data", "data")]
		{
			command.arg(option).arg(self.folder.join(file));
		}
		self.relayer = Some(Process::start("the relayer", command, &self.log(), None)?);
		Ok(())
	}

	/// Starts a node again that relays by itself, with a key of its own. Gives what pays for it.
	pub(super) async fn relay_within(&self, network: &mut Network, i: usize) -> Result<H160> {
		let account = key(&self.folder, "node")?;
		self.evm.fund(account, ELA);
		network.node(i).kill()?;
		let node = network.node(i);
		node.add_args(["--relay", "--relay-esc", &self.evm.url, "--relay-contract", &format!("{:?}", self.anchor)]);
		for (option, file) in [("--relay-keystore", "node.json"), ("--relay-passphrase-file", "passphrase")] {
			node.add_args([option.into(), self.folder.join(file).into_os_string()]);
		}
		network.restart(i).await?;
		Ok(account)
	}

	/// What a relayer within a node says of itself, and whether all is well with it.
	pub(super) fn status_within(&self, network: &Network, i: usize) -> Result<(bool, String)> {
		let mut command = Command::new(relayer()?);
		command.args(["status", "--rpc", network.rpc(i).url()]);
		let output = command.output().map_err(Error::io("run", "elapse-relayer"))?;
		Ok((output.status.success(), String::from_utf8_lossy(&output.stdout).trim_end().into()))
	}

	/// Brings the verdict of a round, or tries to. What the program says.
	pub(super) fn record_verdict(&self, network: &Network, round: u32) -> Result<(bool, String)> {
		let mut command = Command::new("node");
		command.arg(evm::folder().join("record.mjs")).args(["--network", "local", "--rpc", &self.evm.url]);
		command.args(["--verdicts", &format!("{:?}", self.verdicts), "--round", &round.to_string()]);
		command.args(["--node", &network.rpc(1).url().replace("ws://", "http://")]);
		command.arg("--keystore").arg(self.folder.join("deployer.json"));
		command.arg("--password-file").arg(self.folder.join("passphrase"));
		let output = command.output().map_err(Error::io("run", "record.mjs"))?;
		let text = [output.stdout, output.stderr].concat();
		Ok((output.status.success(), String::from_utf8_lossy(&text).trim_end().into()))
	}

	/// Ends the relayer with SIGKILL.
	pub(super) fn kill_relayer(&mut self) -> Result<()> {
		match self.relayer.take() {
			Some(relayer) => relayer.kill(),
			None => return wrong("there is no relayer to kill"),
		}
		say("the relayer is killed");
		Ok(())
	}

	/// The EVM's last blocks are replaced by empty ones, at once. Their transactions are lost, or wait to be mined again.
	pub(super) fn reorganise(&self, depth: u64, keep: bool) -> Result<()> {
		let answer = self.evm.ask("esc_reorganise", json!([depth, keep]));
		let lost = answer["lost"].as_array().map_or(0, Vec::len);
		let fate = if keep { "wait again" } else { "are lost" };
		say(format_args!("ESC's last {depth} blocks are taken back; {lost} transactions that were in them {fate}"));
		expect(lost > 0, || format!("nothing was in the {depth} blocks: {answer}"))
	}

	/// What has landed in the chain as it stands, oldest first. Says what is new.
	pub(super) fn landed(&mut self) -> Result<Vec<Landing>> {
		let logs = self.evm.logs(self.anchor, keccak_256(b"CheckpointLanded(uint64,uint64,bytes32,address)"));
		let landed = logs.iter().map(|log| {
			let (data, number) = (evm::bytes(&log["data"]), evm::number(&log["topics"][1]));
			if data.len() != 64 {
				return wrong(format!("{log} is no checkpoint"));
			}
			Ok(Landing {
				number: u32::try_from(number).unwrap_or(u32::MAX),
				signers: evm::number(&log["topics"][2]),
				hash: H256::from_slice(&data[..32]),
				by: H160::from_slice(&data[44..]),
				block: evm::number(&log["blockNumber"]),
			})
		});
		let landed = landed.collect::<Result<Vec<_>>>()?;
		for Landing { number, signers, block, .. } in &landed {
			if self.said.insert((*number, *block)) {
				say(format_args!("#{number} has landed in block {block} of ESC, signed by set {signers}"));
			}
		}
		Ok(landed)
	}

	/// Sets of signers that the contract has had in the chain as it stands, with their hashes.
	pub(super) fn sets(&self) -> Vec<(u64, H256)> {
		let logs = self.evm.logs(self.anchor, keccak_256(b"SignersChanged(uint64,bytes32)"));
		let set = |log: &Value| (evm::number(&log["topics"][1]), H256::from_slice(&evm::bytes(&log["data"])));
		logs.iter().map(set).collect()
	}

	/// Number of the set that the contract takes checkpoints of.
	pub(super) fn set(&self) -> u64 {
		self.sets().last().map_or(0, |(id, _)| *id)
	}

	/// The relayer is well, and has paid for nothing twice: every transaction of its account has landed a checkpoint.
	pub(super) fn nothing_was_paid_in_vain(&mut self) -> Result<()> {
		let mut status = Command::new(relayer()?);
		status.args(["status", "--json", "--rpc", &format!("ws://127.0.0.1:{}", self.rpc_port)]);
		let status = json(&process::run(&mut status)?)?;
		// It lands more meanwhile.
		let (before, nonce) = (self.landed()?.len(), self.evm.nonce(self.account));
		let landed = self.landed()?;
		let counted = before as u64..=landed.len() as u64;
		expect(
			status["totals"]["refused"] == 0
				&& landed.iter().all(|landing| landing.by == self.account)
				&& counted.contains(&nonce),
			|| format!("{nonce} transactions for {} checkpoints: {status:#}", landed.len()),
		)?;
		let text = Command::new(relayer()?)
			.args(["status", "--rpc", &format!("ws://127.0.0.1:{}", self.rpc_port)])
			.output()
			.map_err(Error::io("run", "elapse-relayer"))?;
		say(format_args!("the relayer says:\n{}", String::from_utf8_lossy(&text.stdout).trim_end()));
		Ok(())
	}

	/// What `account` shows to the chain to be paid for what the relayer has brought.
	pub(super) fn claim(&self, network: &Network, account: &str) -> Result<[u8; 65]> {
		let mut command = Command::new(relayer()?);
		command.arg("claim").arg(self.folder.join("relayer.json"));
		command.arg("--passphrase-file").arg(self.folder.join("passphrase"));
		let shown = process::run(command.args(["--account", account, "--node", network.rpc(0).url()]))?;
		let shown = String::from_utf8_lossy(&shown).into_owned();
		let proof = shown.lines().find_map(|line| line.strip_prefix("proof")?.trim().strip_prefix("0x"));
		match proof.and_then(|proof| hex::decode(proof).ok()?.try_into().ok()) {
			Some(proof) => Ok(proof),
			None => wrong(format!("there is no proof in '{shown}'")),
		}
	}

	/// All was well: no log is shown.
	pub(super) fn finish(mut self) -> Result<()> {
		self.well = true;
		match self.relayer.take() {
			Some(relayer) => {
				let status = relayer.stop(seconds(15))?;
				expect(status.success(), || format!("the relayer ended with {status}"))
			}
			None => Ok(()),
		}
	}

	fn log(&self) -> PathBuf {
		self.folder.join("relayer.log")
	}
}

impl Drop for Esc {
	fn drop(&mut self) {
		if !self.well {
			let log = std::fs::read(self.log()).unwrap_or_default();
			println!("--- the end of the relayer's log:\n{}", process::last_lines(&log, 60));
		}
	}
}

/// The relayer's program, beside the node's.
fn relayer() -> Result<PathBuf> {
	process::node_program().map(|node| node.with_file_name("elapse-relayer"))
}

/// Makes a key in a file that wallets read, too. Gives its address.
fn key(folder: &Path, name: &str) -> Result<H160> {
	let passphrase = folder.join("passphrase");
	std::fs::write(&passphrase, PASSPHRASE).map_err(Error::io("write", &passphrase))?;
	let mut command = Command::new(relayer()?);
	command.args(["key", "new"]).arg(folder.join(name).with_extension("json"));
	let made = process::run(command.arg("--passphrase-file").arg(&passphrase))?;
	address(&String::from_utf8_lossy(&made).trim().into())
}

fn json(text: &[u8]) -> Result<Value> {
	serde_json::from_slice(text)
		.or_else(|error| wrong(format!("{} is no JSON: {error}", String::from_utf8_lossy(text))))
}

fn address(text: &Value) -> Result<H160> {
	match evm::bytes(text) {
		bytes if bytes.len() == 20 => Ok(H160::from_slice(&bytes)),
		_ => wrong(format!("{text} is no address")),
	}
}
