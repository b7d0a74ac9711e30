//! The chain specification of a network: made by the node itself, from its members' files.

use std::{
	fs,
	path::{Path, PathBuf},
	process::Command,
	time::Duration,
};

use crate::{process, Error, Result};

/// A member's file, as far as a network needs it.
#[derive(Clone, Debug)]
pub struct Member {
	/// The file.
	pub path: PathBuf,
	/// The member's account, as an SS58 address.
	pub account: String,
	/// Its key for lottery and seals, as an SS58 address.
	pub author: String,
	/// Its name on the network.
	pub peer_id: String,
}

impl Member {
	/// Read what `elapse-node tpm provision` wrote.
	pub fn read(path: &Path) -> Result<Self> {
		let wrong = |why: String| Error::Spec { path: path.into(), why };
		let text = fs::read(path).map_err(Error::io("read", path))?;
		let file: serde_json::Value = serde_json::from_slice(&text).map_err(|e| wrong(e.to_string()))?;
		let field = |name: &str| {
			file[name].as_str().map(String::from).ok_or_else(|| wrong(format!("the member's file has no {name}")))
		};
		Ok(Member { path: path.into(), account: field("account")?, author: field("poet")?, peer_id: field("peer_id")? })
	}
}

/// Build the specification of a chain with these members and weights, and write it to `to`. Newcomers' accounts have
/// money, and their chips' makers are trusted.
pub fn build(
	program: &Path,
	members: &[(Member, u64)],
	newcomers: &[(Member, Option<PathBuf>)],
	target: Duration,
	epoch_length: Option<u32>,
	to: &Path,
) -> Result<()> {
	let mut command = Command::new(program);
	// Raw: otherwise every node would make genesis for itself, with the runtime, at every start.
	command.args(["build-spec", "--chain", "local", "--raw"]);
	// It would name the node that builds the specification, which is none of the network's.
	command.arg("--disable-default-bootnode");
	command.arg("--target").arg(target.as_millis().to_string());
	if let Some(blocks) = epoch_length {
		command.arg("--epoch-length").arg(blocks.to_string());
	}
	for (member, weight) in members {
		command.arg("--member").arg(format!("{}:{weight}", member.path.display()));
	}
	for (newcomer, maker) in newcomers {
		command.arg("--endow").arg(&newcomer.account);
		if let Some(maker) = maker {
			command.arg("--root").arg(maker);
		}
	}
	let spec = process::run(&mut command)?;
	serde_json::from_slice::<serde_json::Value>(&spec)
		.map_err(|e| Error::Spec { path: to.into(), why: format!("`build-spec` wrote no JSON: {e}") })?;
	fs::write(to, spec).map_err(Error::io("write", to))
}
