//! Forged blocks at the door of a real node: its import queue, its verifier, its database.

use std::{fs, path::Path, process::Command};

use codec::{Decode, Encode};
use elapse_network::{process, say, Network, NetworkOptions};
use elapse_runtime::{Block, Header};
use ep_poet::{
	digest::{PreDigest, MAX_HEADER},
	POET_ENGINE_ID,
};
use sp_runtime::{generic::SignedBlock, DigestItem};

use super::{expect, run, seconds, wrong, Error, Result};

/// How many honest blocks are exported.
const BLOCKS: u32 = 4;

/// One change of a header, and what a node has to say of it.
type Forgery = (&'static str, fn(&mut Header), &'static str);

/// Whoever changes a header has no chip to attest it again. What a member with a chip can forge meets the same import
/// in `ec-consensus`'s tests.
const FORGERIES: [Forgery; 5] = [
	("another state root", |header| header.state_root.0[0] ^= 1, "sealed-this-block"),
	("dated a millisecond later", |header| change(header, |pre| pre.timestamp += 1), "sealed-this-block"),
	("a wait a millisecond shorter", |header| change(header, |pre| pre.claim.wait -= 1), "sealed-this-block"),
	("a changed seal", flip_the_last_byte, "author-signed"),
	("a padded header", |header| pad(header, MAX_HEADER as usize), "digests"),
];

#[test]
fn forged_blocks_are_refused_by_name_and_the_honest_ones_then_imported() {
	run("forged blocks at a node's door", async {
		let mut network = Network::start(NetworkOptions::members(&[500_000])).await?;
		network.finalized(&[0], BLOCKS, seconds(90)).await?;
		network.node(0).stop()?;

		let (spec, dir) = (network.spec().to_path_buf(), network.base().to_path_buf());
		let exported = dir.join("blocks");
		let member = network.nodes()[0].base().to_path_buf();
		process::run(
			node("export-blocks", &spec, &member)?
				.args(["--binary", "--from", "1", "--to", &BLOCKS.to_string()])
				.arg(&exported),
		)?;
		let honest = read(&exported)?;

		let base = dir.join("importer");
		for (what, forge, rule) in FORGERIES {
			let mut blocks = honest.clone();
			forge(&mut blocks[1].block.header);
			let file = dir.join("forged");
			write(&file, &blocks)?;
			let text = import(&spec, &base, &file)?;
			expect(text.contains(rule), || format!("of {what} it does not say '{rule}', but: {text}"))?;
			say(format_args!("{what}: {}", text.lines().find(|line| line.contains(rule)).unwrap_or_default()));
			height_is(&spec, &base, 1)?;
		}
		import(&spec, &base, &exported)?;
		height_is(&spec, &base, BLOCKS)?;
		network.finish()
	});
}

fn node(command: &str, spec: &Path, base: &Path) -> Result<Command> {
	let mut node = Command::new(process::node_program()?);
	node.arg(command).arg("--chain").arg(spec).arg("--base-path").arg(base);
	Ok(node)
}

/// What the node says while it imports a file, whether or not it is content with it.
fn import(spec: &Path, base: &Path, file: &Path) -> Result<String> {
	let mut command = node("import-blocks", spec, base)?;
	let output = command.arg("--binary").arg(file).output().map_err(Error::io("run", "import-blocks"))?;
	Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// Fails unless the database's best block is at this height.
fn height_is(spec: &Path, base: &Path, height: u32) -> Result<()> {
	let file = base.join("exported");
	let export = |to: u32| -> Result<usize> {
		process::run(
			node("export-blocks", spec, base)?.args(["--binary", "--from", "1", "--to", &to.to_string()]).arg(&file),
		)?;
		Ok(read(&file)?.len())
	};
	// Asked for more than there is, the export ends with what there is.
	let has = export(height + 1)?;
	expect(has == height as usize, || format!("it has {has} blocks instead of {height}"))
}

/// The file begins with the number of blocks asked for.
fn read(file: &Path) -> Result<Vec<SignedBlock<Block>>> {
	let bytes = fs::read(file).map_err(Error::io("read", file))?;
	let Some(mut rest) = bytes.get(8..) else { return wrong("the export is empty") };
	let mut blocks = Vec::new();
	while !rest.is_empty() {
		let Ok(block) = SignedBlock::<Block>::decode(&mut rest) else { return wrong("the export does not decode") };
		blocks.push(block);
	}
	Ok(blocks)
}

fn write(file: &Path, blocks: &[SignedBlock<Block>]) -> Result<()> {
	let mut bytes = (blocks.len() as u64).encode();
	for block in blocks {
		// A justification is for the block that it names.
		SignedBlock { block: block.block.clone(), justifications: None }.encode_to(&mut bytes);
	}
	fs::write(file, bytes).map_err(Error::io("write", file))
}

fn change(header: &mut Header, change: impl FnOnce(&mut PreDigest)) {
	for item in &mut header.digest.logs {
		if let DigestItem::PreRuntime(POET_ENGINE_ID, bytes) = item {
			let mut pre = PreDigest::decode(&mut &bytes[..]).expect("the node sealed it");
			change(&mut pre);
			*bytes = pre.encode();
			return;
		}
	}
}

fn flip_the_last_byte(header: &mut Header) {
	if let Some(DigestItem::Seal(POET_ENGINE_ID, bytes)) = header.digest.logs.last_mut() {
		if let Some(last) = bytes.last_mut() {
			*last ^= 1;
		}
	}
}

fn pad(header: &mut Header, bytes: usize) {
	header.digest.logs.insert(0, DigestItem::Other(vec![0; bytes]));
}
