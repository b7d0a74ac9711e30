//! `elapse-node tpm`: provision, show and measure this node's TPM.

use std::path::{Path, PathBuf};

use ec_tpm::{commands, TpmOptions};
use elapse_runtime::AccountId;
use ep_poet::AuthorityId;
use sc_cli::{CliConfiguration, KeystoreParams, SharedParams, SubstrateCli};
use sc_keystore::LocalKeystore;
use sc_network::config::{NodeKeyConfig, Secret};
use sc_service::config::KeystoreConfig;
use sp_consensus_grandpa::AuthorityId as GrandpaId;
use sp_core::{
	crypto::{ByteArray, KeyTypeId},
	ecdsa, ed25519, sr25519, Pair, H160,
};
use sp_keystore::Keystore;

use crate::{
	chain_spec,
	cli::{base_path_or_default, Cli, TpmArgs},
	member::MemberFile,
};

/// Type of the keys that vote on finality.
const GRANDPA: KeyTypeId = sp_consensus_grandpa::KEY_TYPE;
/// Type of the keys that sign for the Elastos Smart Chain.
const ANCHOR: KeyTypeId = ep_trust::anchor::KEY_TYPE;
/// The node key's file, as the SDK names it.
const NODE_KEY_FILE: &str = "secret_ed25519";
/// Where `provision` writes the member's file, below the base path.
pub(crate) const MEMBER_FILE: &str = "member.json";

/// What to do with the TPM.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum TpmCmd {
	/// Make TPM and keys ready, and write the file that a chain needs to make this node a member.
	///
	/// It makes the attestation key (below the TPM's endorsement key), the PoET, GRANDPA and network keys, each unless
	/// it is there, and checks that the TPM has every command that a node needs. It may be run again at any time.
	Provision(ProvisionCmd),
	/// Show this node's TPM as it was provisioned, and who uses it.
	Show(ShowCmd),
	/// Measure how long the TPM takes for an attestation, and how much of that is ours.
	Bench(BenchCmd),
}

/// `tpm provision`.
#[derive(Debug, clap::Parser)]
pub(crate) struct ProvisionCmd {
	#[command(flatten)]
	shared: SharedParams,

	#[command(flatten)]
	keystore: KeystoreParams,

	#[command(flatten)]
	tpm: TpmArgs,

	/// The account that answers for the member: its SS58 address. By default the account of the PoET key, which is fit
	/// for tests: on a chain with money, give one whose secret is not on the node.
	#[arg(long, value_name = "ADDRESS")]
	account: Option<AccountId>,

	/// Derive the PoET and GRANDPA keys from this secret, such as //Bob, in place of making them. For tests: everybody
	/// who knows the secret can sign for the node.
	#[arg(long, value_name = "SECRET")]
	suri: Option<String>,

	/// Where to write the member's file. By default `member.json` below the base path.
	#[arg(long, value_name = "FILE")]
	output: Option<PathBuf>,
}

/// `tpm show`.
#[derive(Debug, clap::Parser)]
pub(crate) struct ShowCmd {
	#[command(flatten)]
	shared: SharedParams,
}

/// `tpm bench`.
#[derive(Debug, clap::Parser)]
pub(crate) struct BenchCmd {
	#[command(flatten)]
	shared: SharedParams,

	#[command(flatten)]
	tpm: TpmArgs,

	/// Attestations to make each way.
	#[arg(long, default_value_t = 200)]
	count: usize,
}

impl CliConfiguration for ProvisionCmd {
	fn shared_params(&self) -> &SharedParams {
		&self.shared
	}

	fn keystore_params(&self) -> Option<&KeystoreParams> {
		Some(&self.keystore)
	}
}

impl CliConfiguration for ShowCmd {
	fn shared_params(&self) -> &SharedParams {
		&self.shared
	}
}

impl CliConfiguration for BenchCmd {
	fn shared_params(&self) -> &SharedParams {
		&self.shared
	}
}

impl TpmCmd {
	/// Does it.
	pub(crate) fn run(&self) -> sc_cli::Result<()> {
		match self {
			Self::Provision(cmd) => cmd.run(),
			Self::Show(cmd) => {
				let base = prepare(cmd)?;
				println!("{}", commands::show(&base).map_err(|error| error.to_string())?);
				Ok(())
			}
			Self::Bench(cmd) => {
				let base = prepare(cmd)?;
				let bench = commands::bench(cmd.tpm.config(&base), &base, TpmOptions::default(), cmd.count)
					.map_err(|error| error.to_string())?;
				println!("{bench}");
				Ok(())
			}
		}
	}
}

/// Starts logging, and finds the base path.
fn prepare<C: CliConfiguration>(cmd: &C) -> sc_cli::Result<PathBuf> {
	cmd.init(&Cli::support_url(), &Cli::impl_version(), |_| {})?;
	Ok(base_path_or_default(cmd.base_path()?))
}

impl ProvisionCmd {
	fn run(&self) -> sc_cli::Result<()> {
		let base = prepare(self)?;
		let chain = self.chain_dir(&base)?;
		let (keystore, protected) = match self.keystore_config(&chain)? {
			KeystoreConfig::Path { path, password } => {
				let protected = password.is_some();
				(LocalKeystore::open(path, password)?, protected)
			}
			KeystoreConfig::InMemory => return Err("keys that are kept in memory only would be lost".into()),
		};
		let output = self.output.clone().unwrap_or_else(|| base.join(MEMBER_FILE));
		let before = output.exists().then(|| MemberFile::read(&output)).transpose()?;

		let tpm = commands::provision(self.tpm.config(&base), &base, TpmOptions::default(), None)
			.map_err(|error| error.to_string())?;
		let Keys { poet, grandpa, anchor } = match &self.suri {
			Some(suri) => derived_keys(&keystore, suri)?,
			None => made_keys(&keystore, protected, before.as_ref())?,
		};
		let account = self.account.clone().or_else(|| before.map(|before| before.account));
		let file = MemberFile {
			account: account.unwrap_or_else(|| sr25519::Public::from(poet.clone()).into()),
			poet,
			grandpa,
			anchor: anchor_address(&anchor),
			peer_id: node_key(&chain)?,
			tpm,
		};
		file.write(&output)?;

		println!("{}", file.tpm);
		println!("account          {}", file.account);
		println!("PoET key         {}", file.poet);
		println!("GRANDPA key      {}", file.grandpa);
		println!("anchor address   {:?}", file.anchor);
		println!("peer id          {}", file.peer_id);
		println!("member's file    {}", output.display());
		Ok(())
	}

	/// The folder of the chain that the keys are for. The chain need not exist yet.
	fn chain_dir(&self, base: &Path) -> sc_cli::Result<PathBuf> {
		let id = match self.shared.chain.as_deref() {
			_ if self.shared.dev => chain_spec::DEV_ID.to_string(),
			None | Some("local") => chain_spec::LOCAL_ID.to_string(),
			Some("dev") => chain_spec::DEV_ID.to_string(),
			Some(file) if Path::new(file).is_file() => chain_spec::load(file, base)?.id().to_string(),
			Some(id) if id.contains(['/', '.']) => {
				return Err(format!(
					"there is no chain specification {id}: `--chain` takes local, dev, a file, or the id that `build-spec \
					 --id` is going to give the chain"
				)
				.into())
			}
			Some(id) => id.to_string(),
		};
		Ok(chain_spec::chain_dir(base, &id))
	}
}

/// The keys in the keystore: those of the file written before if they are still there, else the first, else new ones.
fn made_keys(keystore: &LocalKeystore, protected: bool, before: Option<&MemberFile>) -> sc_cli::Result<Keys> {
	let failed = |error: sp_keystore::Error| format!("the keystore cannot make a key: {error}");
	let poet = keystore.sr25519_public_keys(ep_poet::KEY_TYPE);
	let poet = match before.map(|file| file.poet.clone().into()).filter(|key| poet.contains(key)) {
		Some(key) => key,
		None => match poet.first() {
			Some(key) => *key,
			// A password protects phrases only.
			None if protected => keystore.sr25519_generate_new(ep_poet::KEY_TYPE, None).map_err(failed)?,
			None => generate::<sr25519::Pair>(keystore, ep_poet::KEY_TYPE)?,
		},
	};
	let grandpa = keystore.ed25519_public_keys(GRANDPA);
	let grandpa = match before.map(|file| file.grandpa.clone().into()).filter(|key| grandpa.contains(key)) {
		Some(key) => key,
		None => match grandpa.first() {
			Some(key) => *key,
			None if protected => keystore.ed25519_generate_new(GRANDPA, None).map_err(failed)?,
			None => generate::<ed25519::Pair>(keystore, GRANDPA)?,
		},
	};
	let anchor = keystore.ecdsa_public_keys(ANCHOR);
	let is_kept = |key: &&ecdsa::Public| before.is_some_and(|file| file.anchor == anchor_address(key));
	let anchor = match anchor.iter().find(is_kept).or(anchor.first()) {
		Some(key) => *key,
		None if protected => keystore.ecdsa_generate_new(ANCHOR, None).map_err(failed)?,
		None => generate::<ecdsa::Pair>(keystore, ANCHOR)?,
	};
	Ok(Keys { poet: poet.into(), grandpa: grandpa.into(), anchor })
}

/// A member's keys, beside those in its TPM.
pub(crate) struct Keys {
	/// For lottery and seals.
	pub(crate) poet: AuthorityId,
	/// For finality votes.
	pub(crate) grandpa: GrandpaId,
	/// For the Elastos Smart Chain.
	pub(crate) anchor: ecdsa::Public,
}

/// The address of a key on the Elastos Smart Chain.
pub(crate) fn anchor_address(key: &ecdsa::Public) -> H160 {
	// A key of a keystore is a point of the curve.
	ep_trust::anchor::address(key).unwrap_or_default()
}

/// Puts a key into the keystore, as its seed.
///
/// The keystore reads a key's file each time it signs. What it would write by itself is a phrase, and turning that into
/// the key takes 4,096 compressions of SHA-512: nearly half of what an idle node computed. Derivations such as `//Bob`
/// stand for such a phrase too.
fn keep<P: Pair>(keystore: &dyn Keystore, kind: KeyTypeId, pair: &P, seed: &P::Seed) -> sc_cli::Result<P::Public> {
	let seed = format!("0x{}", hex::encode(seed));
	put(keystore, kind, &seed, &pair.public())?;
	Ok(pair.public())
}

fn put(keystore: &dyn Keystore, kind: KeyTypeId, secret: &str, public: &impl ByteArray) -> Result<(), &'static str> {
	keystore
		.insert(kind, secret, public.as_slice())
		.map_err(|()| "the keystore does not take the key: is the disk full?")
}

/// A new key.
pub(crate) fn generate<P: Pair>(keystore: &dyn Keystore, kind: KeyTypeId) -> sc_cli::Result<P::Public> {
	let (pair, seed) = P::generate();
	keep(keystore, kind, &pair, &seed)
}

/// The key that `suri` stands for.
fn derive<P: Pair>(keystore: &LocalKeystore, kind: KeyTypeId, suri: &str) -> sc_cli::Result<P::Public> {
	let (pair, seed) = P::from_string_with_seed(suri, None)
		.map_err(|error| format!("{suri} is no secret: {error:?}. Give one such as //Bob, a phrase or a hex seed"))?;
	match seed {
		Some(seed) => keep(keystore, kind, &pair, &seed),
		// Soft derivations have no seed.
		None => {
			put(keystore, kind, suri, &pair.public())?;
			Ok(pair.public())
		}
	}
}

/// The keys that `suri` stands for, put into the keystore.
fn derived_keys(keystore: &LocalKeystore, suri: &str) -> sc_cli::Result<Keys> {
	let poet = derive::<sr25519::Pair>(keystore, ep_poet::KEY_TYPE, suri)?;
	let grandpa = derive::<ed25519::Pair>(keystore, GRANDPA, suri)?;
	let anchor = derive::<ecdsa::Pair>(keystore, ANCHOR, suri)?;
	Ok(Keys { poet: poet.into(), grandpa: grandpa.into(), anchor })
}

/// The node's name on the network; its key is made if there is none.
fn node_key(chain: &Path) -> sc_cli::Result<String> {
	let file = chain.join("network").join(NODE_KEY_FILE);
	let key = NodeKeyConfig::Ed25519(Secret::File(file.clone()))
		.into_keypair()
		.map_err(|error| format!("the network key {} cannot be read or made: {error}", file.display()))?;
	Ok(key.public().to_peer_id().to_string())
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn what_is_kept_signs_and_is_a_seed() {
		let dir = tempfile::tempdir().unwrap();
		let keystore = LocalKeystore::open(dir.path(), None).unwrap();
		let Keys { poet, grandpa, anchor } = made_keys(&keystore, false, None).unwrap();
		let Keys { poet: alice, anchor: alices, .. } = derived_keys(&keystore, "//Alice").unwrap();
		assert_eq!(alices, chain_spec::alice_anchor());
		assert!(keystore.ecdsa_sign_prehashed(ANCHOR, &anchor, &[7; 32]).unwrap().is_some());
		let soft = derive::<sr25519::Pair>(&keystore, ep_poet::KEY_TYPE, "//Alice/soft").unwrap();
		for key in [poet.into(), alice.clone().into(), soft] {
			assert!(keystore.sr25519_sign(ep_poet::KEY_TYPE, &key, b"any").unwrap().is_some());
		}
		assert!(keystore.ed25519_sign(GRANDPA, &grandpa.into(), b"any").unwrap().is_some());
		assert_eq!(sr25519::Public::from(alice), sp_keyring::Sr25519Keyring::Alice.public());
		let files = std::fs::read_dir(dir.path()).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()));
		assert_eq!(files.filter(|text| text.as_ref().unwrap().starts_with("\"0x")).count(), 6);
	}
}
