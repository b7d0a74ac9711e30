//! The node's other commands: specifications, keys, the TPM, the database.

use std::{
	fs,
	path::{Path, PathBuf},
};

use elapse_network::process;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::{expect, run, seconds, wrong, Dev, Error, Result};

/// The public key of `//Alice`.
const ALICE: &str = "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";
/// Said of a chain whose members can never change.
const NO_ORIGIN: &str = "no other origin can add, remove or re-weight members";
/// Said of a chain that stands still.
const NO_MEMBERS: &str = "has no members, hence never a block";

/// Where commands are tried.
struct Desk {
	node: PathBuf,
	dir: TempDir,
}

/// What a command came to.
struct Said {
	succeeded: bool,
	out: String,
	err: String,
}

impl Said {
	/// Fails unless it succeeded and said all of this on standard error.
	fn well(self, words: &[&str]) -> Result<String> {
		expect(self.succeeded, || format!("it fails: {}", self.err))?;
		contains(&self.err, words)?;
		Ok(self.out)
	}

	/// Fails unless it failed, naming all of this.
	fn badly(self, words: &[&str]) -> Result<()> {
		expect(!self.succeeded, || format!("it is to refuse, and says: {}", self.out))?;
		contains(&self.err, words)
	}
}

fn contains(text: &str, words: &[&str]) -> Result<()> {
	match words.iter().find(|word| !text.contains(**word)) {
		None => Ok(()),
		Some(word) => wrong(format!("it does not say '{word}', but: {text}")),
	}
}

impl Desk {
	fn new() -> Result<Self> {
		let dir = tempfile::Builder::new().prefix("elapse-commands-").tempdir();
		Ok(Desk { node: process::node_program()?, dir: dir.map_err(Error::io("make", "a temporary folder"))? })
	}

	fn path(&self, name: &str) -> String {
		self.dir.path().join(name).display().to_string()
	}

	fn ask(&self, line: &str) -> Result<Said> {
		let words: Vec<&str> = line.split_whitespace().collect();
		let output = process::owned(&self.node).args(words).output().map_err(Error::io("run", &self.node))?;
		let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
		Ok(Said { succeeded: output.status.success(), out: text(&output.stdout), err: text(&output.stderr) })
	}
}

#[test]
fn build_spec_warns_of_chains_that_cannot_go_on_and_refuses_what_makes_none() {
	run("build-spec", async {
		let desk = Desk::new()?;
		let (base, member) = (desk.path("base"), desk.path("base/member.json"));
		desk.ask(&format!("tpm provision --base-path {base}"))?.well(&[])?;
		let build = |arguments: &str| desk.ask(&format!("build-spec --base-path {base} {arguments}"));

		let good = build(&format!("--member {member}:300000 --id mine --name Mine --target 6000"))?;
		expect(!good.err.contains(NO_ORIGIN) && !good.err.contains(NO_MEMBERS), || good.err.clone())?;
		let spec: Value = serde_json::from_str(&good.out)
			.map_err(|error| Error::Node { node: "build-spec".into(), why: format!("no specification: {error}") })?;
		let genesis = &spec["genesis"]["runtimeGenesis"]["patch"];
		expect(spec["id"] == "mine" && spec["name"] == "Mine", || format!("{} {}", spec["id"], spec["name"]))?;
		expect(genesis["trust"]["members"][0][1]["weight"] == 300_000, || genesis["trust"].to_string())?;
		expect(genesis["poet"]["parameters"]["target"] == 6_000, || genesis["poet"].to_string())?;

		build(&format!("--member {member} --bare"))?.well(&[NO_ORIGIN])?;
		build("--bare")?.well(&[NO_ORIGIN, NO_MEMBERS])?;
		let owned =
			build(&format!("--member {member} --bare --sudo 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"))?;
		expect(!owned.err.contains(NO_ORIGIN), || owned.err.clone())?;
		owned.well(&[])?;

		build(&format!("--member {}", desk.path("none.json")))?.badly(&["none.json", "tpm provision"])?;
		build(&format!("--member {member} --member {member}:7"))?.badly(&["the same account as a file before it"])?;
		build(&format!("--member {member}:0"))?.badly(&["a weight is between 1 and 1000000"])?;
		build(&format!("--member {member} --root {member}"))?.badly(&["no certificate for manufacturers"])?;
		build(&format!("--member {member} --target 10"))?.badly(&["the lottery would not work"])?;
		let written = desk.path("spec.json");
		fs::write(&written, spec.to_string()).map_err(Error::io("write", &written))?;
		build(&format!("--chain {written} --bare"))?.badly(&["a specification in a file cannot be changed"])?;
		// Nothing but another form is asked of that one.
		let raw = build(&format!("--chain {written} --raw"))?.well(&[])?;
		expect(raw.contains("\"raw\"") && !raw.contains("\"patch\""), || "the specification is not raw".into())
	});
}

#[test]
fn keys_are_made_shown_and_kept() {
	run("key", async {
		let desk = Desk::new()?;
		let json =
			|text: String| serde_json::from_str::<Value>(&text).or_else(|error| wrong(format!("{error}: {text}")));
		let made = json(desk.ask("key generate --scheme sr25519 --output-type json")?.well(&[])?)?;
		let again = json(desk.ask("key generate --scheme sr25519 --output-type json")?.well(&[])?)?;
		expect(made["publicKey"].is_string() && made["publicKey"] != again["publicKey"], || made.to_string())?;
		let alice = json(desk.ask("key inspect //Alice --output-type json")?.well(&[])?)?;
		expect(alice["publicKey"] == ALICE, || alice.to_string())?;
		// The SDK's command says so, and ends as if all were well.
		contains(&desk.ask("key inspect nonsense")?.well(&[])?, &["Invalid phrase/URI given"])?;

		// The account that applies, as the documentation of joining has it.
		let base = desk.path("base");
		let insert = |more: &str| {
			desk.ask(&format!("key insert --base-path {base} --chain local --key-type acco --scheme sr25519 {more}"))
		};
		insert("--suri //Alice")?.well(&[])?;
		let keystore = Path::new(&base).join("chains/elapse_local/keystore");
		// Four bytes of type, and the key.
		let name = format!("6163636f{}", ALICE.trim_start_matches("0x"));
		expect(keystore.join(&name).is_file(), || format!("there is no {name} in {}", keystore.display()))?;
		insert("--suri nonsense")?.badly(&[])?;
		let kept = fs::read_dir(&keystore).map_err(Error::io("read", &keystore))?.count();
		expect(kept == 1, || format!("{kept} keys are kept"))?;

		let file = desk.path("node-key");
		desk.ask(&format!("key generate-node-key --chain local --file {file}"))?.well(&["12D3KooW"])?;
		let shown = desk.ask(&format!("key inspect-node-key --file {file}"))?.well(&[])?;
		expect(shown.trim().starts_with("12D3KooW"), || shown.clone())
	});
}

#[test]
fn the_tpm_is_shown_and_measured_and_answers_while_a_node_uses_it() {
	run("tpm", async {
		let desk = Desk::new()?;
		let mut dev = Dev::new()?;
		dev.options.push("--force-authoring".into());
		let base = dev.base.display().to_string();
		let tpm = |command: &str, more: &str| desk.ask(&format!("tpm {command} --base-path {base} {more}"));

		tpm("show", "")?.badly(&["identity.json does not exist", "tpm provision"])?;
		tpm("bench", "--count 5 --tpm nonsense")?.badly(&["'nonsense' is not a TPM connection"])?;
		tpm("provision", "--tpm device:/dev/none")?.badly(&["there is no TPM at /dev/none"])?;

		let first = tpm("provision", "--dev")?.well(&[])?;
		for line in
			["chip ", "specification    TPM 2.0 ", "EK certificate ", "EK name ", "AK name ", "account ", "PoET key "]
		{
			expect(first.contains(line), || format!("no line '{line}' in: {first}"))?;
		}
		let second = tpm("provision", "--dev")?.well(&[])?;
		expect(first == second, || format!("the second time it is another: {second}"))?;

		let shown = tpm("show", "")?.well(&[])?;
		let (identity, user) = shown.rsplit_once("in use by").unwrap_or_default();
		expect(first.starts_with(identity.trim_end()) && user.trim() == "nobody", || shown.clone())?;
		let measured = tpm("bench", "--count 5")?.well(&[])?;
		for line in ["TPM2_GetTime, 5 calls each", "bare command ", "through our service ", "our share "] {
			expect(measured.contains(line), || format!("no line '{line}' in: {measured}"))?;
		}

		let mut node = dev.start(&[])?;
		dev.finalized(&mut node, 1, seconds(90)).await?;
		let used = tpm("show", "")?.well(&[])?;
		let process = format!("process {}", node.id());
		expect(used.trim_end().ends_with(&process), || format!("not by {process}: {used}"))?;
		tpm("bench", "--count 5")?.badly(&["is in use by", &process])?;
		let third = tpm("provision", "--dev")?.well(&[])?;
		expect(third == first, || format!("while it is in use it is another: {third}"))?;
		node.signal(Signal::INT)?;
		expect(node.wait(seconds(10)).is_some(), || "it does not end".into())
	});
}

#[test]
fn a_purged_chain_is_gone_but_for_what_cannot_be_made_again() {
	run("purge-chain", async {
		let dev = Dev::new()?;
		let mut node = dev.start(&[])?;
		dev.finalized(&mut node, 4, seconds(90)).await?;
		let before = dev.rpc.finalized().await?;
		node.signal(Signal::INT)?;
		expect(node.wait(seconds(10)).is_some(), || "it does not end".into())?;
		let offline = |arguments: &[&str], words: &str| {
			let output = dev.offline(arguments)?;
			let said = [&output.stdout[..], &output.stderr].concat();
			let said = String::from_utf8_lossy(&said).into_owned();
			expect(output.status.success() && said.contains(words), || format!("{arguments:?} says: {said}"))
		};
		let blocks = dev.base.join("blocks").display().to_string();
		offline(&["export-blocks", "--binary", &blocks], "")?;

		let chain = dev.base.join("chains/elapse_dev");
		let database = chain.join("paritydb");
		expect(database.is_dir(), || format!("there is no {}", database.display()))?;
		// Nobody answers the question: nothing is done.
		offline(&["purge-chain"], "Aborted")?;
		expect(database.is_dir(), || "it did not wait for an answer".into())?;
		offline(&["purge-chain", "-y"], "removed")?;
		expect(!database.exists(), || format!("{} is still there", database.display()))?;
		for kept in [chain.join("spec.json"), chain.join("keystore"), chain.join("poet"), dev.base.join("tpm")] {
			expect(kept.exists(), || format!("{} is gone", kept.display()))?;
		}
		offline(&["purge-chain", "-y"], "did not exist")?;

		// It never seals twice on one block. So it goes on from its own blocks, as the command's help says.
		offline(&["import-blocks", "--binary", &blocks], "")?;
		let mut node = dev.start(&[])?;
		dev.finalized(&mut node, before.number + 2, seconds(60)).await?;
		let kept = dev.rpc.block_hash(before.number).await?;
		expect(kept == Some(before.hash), || format!("{before} was final and is now {kept:?}"))?;
		node.signal(Signal::INT)?;
		expect(node.wait(seconds(10)).is_some(), || "it does not end".into())
	});
}
