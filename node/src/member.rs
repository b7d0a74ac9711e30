//! Members' files: everything that a chain has to know of a node to make it a member.
//!
//! `tpm provision` writes one on the node, `build-spec --member` reads them where a chain is made. There is nothing
//! secret in one.

use std::{
	collections::BTreeSet,
	fs,
	path::{Path, PathBuf},
	str::FromStr,
};

use ec_tpm::Identity;
use elapse_runtime::{genesis_config_presets::Member, AccountId};
use ep_poet::{AuthorityId, Weight};
use sc_network::PeerId;
use serde::{Deserialize, Serialize};
use sp_consensus_grandpa::AuthorityId as GrandpaId;
use sp_core::H160;

/// Weight of a member for which `--member` gives none: half of the most, so that it may rise and fall.
pub(crate) const DEFAULT_WEIGHT: Weight = 500_000;
/// The most that a member may weigh.
const MAX_WEIGHT: Weight = 1_000_000;

/// What a member's file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberFile {
	/// The account that answers for the member and owns its deposit.
	pub(crate) account: AccountId,
	/// Its key for lottery and seals.
	pub(crate) poet: AuthorityId,
	/// Its key for finality votes.
	pub(crate) grandpa: GrandpaId,
	/// Address of its key for the Elastos Smart Chain.
	pub(crate) anchor: H160,
	/// Its name on the network. Not part of the chain; for whoever writes boot nodes.
	pub(crate) peer_id: String,
	/// Its TPM.
	pub(crate) tpm: Identity,
}

impl MemberFile {
	/// Reads and checks a file.
	pub(crate) fn read(path: &Path) -> Result<Self, String> {
		let bytes = fs::read(path).map_err(|error| {
			format!(
				"cannot read the member's file {}: {error}. `elapse-node tpm provision` on the member's node writes it",
				path.display()
			)
		})?;
		let file: Self = serde_json::from_slice(&bytes).map_err(|error| {
			format!(
				"{} is no member's file: {error}. It must be as `elapse-node tpm provision` wrote it",
				path.display()
			)
		})?;
		file.check().map_err(|why| format!("{}: {why}", path.display()))?;
		Ok(file)
	}

	/// Writes it, as a whole or not at all.
	pub(crate) fn write(&self, path: &Path) -> Result<(), String> {
		let json = serde_json::to_vec_pretty(self).map_err(|error| error.to_string())?;
		write_atomically(path, &json)
	}

	fn check(&self) -> Result<(), String> {
		let key = self.tpm.ak().map_err(|error| format!("its attestation key is refused: {error}"))?;
		if key.name().as_bytes() != self.tpm.ak_name {
			return Err("its attestation key does not have the name that the file gives".into());
		}
		self.tpm.ek_name().map_err(|error| format!("its endorsement key's name is refused: {error}"))?;
		PeerId::from_str(&self.peer_id).map_err(|error| format!("its peer id is refused: {error}"))?;
		Ok(())
	}

	/// As genesis takes it.
	pub(crate) fn member(&self, weight: Weight) -> Result<Member, String> {
		if ep_tpm::chip::is_legacy(&self.tpm.ak_public) {
			return Err(
				"its TPM is one of version 1.2, which attests no time: it cannot author, and joins a chain that \
			            runs (`elapse-node join`)"
					.into(),
			);
		}
		Ok(Member {
			account: self.account.clone(),
			author: self.poet.clone(),
			grandpa: self.grandpa.clone(),
			ak_public: self
				.tpm
				.ak_public
				.clone()
				.try_into()
				.map_err(|_| "its attestation key is longer than any chip's may be".to_string())?,
			ek_name: self.tpm.ek_name().map_err(|error| error.to_string())?,
			anchor: self.anchor,
			weight,
		})
	}
}

/// A value of `--member`: `FILE` or `FILE:WEIGHT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemberArg {
	path: PathBuf,
	weight: Weight,
}

impl FromStr for MemberArg {
	type Err = String;

	fn from_str(arg: &str) -> Result<Self, String> {
		let (path, weight) = match arg.rsplit_once(':') {
			Some((path, digits)) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
				(path, digits.parse().map_err(|_| format!("the weight {digits} is out of range"))?)
			}
			_ => (arg, DEFAULT_WEIGHT),
		};
		if weight == 0 || weight > MAX_WEIGHT {
			return Err(format!("a weight is between 1 and {MAX_WEIGHT}"));
		}
		Ok(Self { path: path.into(), weight })
	}
}

/// Reads all of `args`, and refuses two members that share what only one may have.
pub(crate) fn read_all(args: &[MemberArg]) -> Result<Vec<Member>, String> {
	let members =
		args.iter().map(|arg| MemberFile::read(&arg.path)?.member(arg.weight)).collect::<Result<Vec<_>, _>>()?;
	let unique = |what: &str, of: &dyn Fn(&Member) -> Vec<u8>| {
		let mut seen = BTreeSet::new();
		for (member, arg) in members.iter().zip(args) {
			if !seen.insert(of(member)) {
				return Err(format!(
					"{} names the same {what} as a file before it: every member needs its own",
					arg.path.display()
				));
			}
		}
		Ok(())
	};
	unique("account", &|member| AsRef::<[u8]>::as_ref(&member.account).to_vec())?;
	unique("PoET key", &|member| AsRef::<[u8]>::as_ref(&member.author).to_vec())?;
	unique("GRANDPA key", &|member| AsRef::<[u8]>::as_ref(&member.grandpa).to_vec())?;
	unique("anchor key", &|member| member.anchor.as_bytes().to_vec())?;
	unique("TPM", &|member| member.ek_name.as_bytes().to_vec())?;
	Ok(members)
}

/// Writes beside `path`, flushes, renames: a crash leaves the old file or the new one.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), String> {
	let failed = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
	let folder = match path.parent() {
		Some(folder) if !folder.as_os_str().is_empty() => folder,
		_ => Path::new("."),
	};
	fs::create_dir_all(folder).map_err(failed)?;
	let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
	std::io::Write::write_all(&mut file, bytes).map_err(failed)?;
	file.as_file().sync_all().map_err(failed)?;
	let file = file.persist(path).map_err(|error| failed(error.error))?;
	// Temporary files are for their owner only; what is written here is for everybody.
	use std::os::unix::fs::PermissionsExt;
	file.set_permissions(fs::Permissions::from_mode(0o644)).map_err(failed)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_weight_may_follow_the_file() {
		assert_eq!("a.json".parse(), Ok(MemberArg { path: "a.json".into(), weight: DEFAULT_WEIGHT }));
		assert_eq!("a.json:7".parse(), Ok(MemberArg { path: "a.json".into(), weight: 7 }));
		assert_eq!("c:a.json".parse(), Ok(MemberArg { path: "c:a.json".into(), weight: DEFAULT_WEIGHT }));
	}

	#[test]
	fn weights_out_of_range_are_refused() {
		assert!("a.json:0".parse::<MemberArg>().is_err());
		assert!("a.json:1000001".parse::<MemberArg>().is_err());
		assert!("a.json:99999999999999999999".parse::<MemberArg>().is_err());
	}

	#[test]
	fn a_missing_file_says_who_writes_it() {
		let error = MemberFile::read(Path::new("/nowhere/member.json")).expect_err("there is no such file");
		assert!(error.contains("tpm provision"), "{error}");
	}
}
