//! Chain specifications: where they come from, and how new ones are built.
//!
//! | `--chain`            | what                                                                              |
//! |----------------------|-----------------------------------------------------------------------------------|
//! | `dev` (from `--dev`) | one member, this node; made at the first start and kept below the base path       |
//! | `local`              | the one kept below the base path, else one without members, for `build-spec`      |
//! | a file               | that file                                                                         |

use std::path::{Path, PathBuf};

use ec_tpm::{commands::provision, TpmConfig, TpmOptions};
use elapse_runtime::{
	configs::money::DECIMALS,
	genesis_config_presets::{parameters, sudo_key_location, Genesis, EPOCH_LENGTH, TARGET},
	AccountId, WASM_BINARY,
};
use ep_poet::Millis;
use ep_tpm::certificate::StoredCertificate;
use sc_chain_spec::{ChainType, Properties};
use sp_core::{ecdsa, storage::well_known_keys::CODE, Pair};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

use crate::member::{self, MemberArg, MemberFile};

/// A specification: nothing but what the SDK knows.
pub(crate) type ChainSpec = sc_service::GenericChainSpec;

/// Id of the development chain.
pub(crate) const DEV_ID: &str = "elapse_dev";
/// Id of a local network, unless `build-spec --id` gives another.
pub(crate) const LOCAL_ID: &str = "elapse_local";
/// GRANDPA's voters at genesis are the members; this is the most that vote at a time.
const MAX_GENESIS_MEMBERS: usize = 100;

/// The specification that `--chain id` stands for.
pub(crate) fn load(id: &str, base: &Path) -> Result<Box<dyn sc_service::ChainSpec>, String> {
	let (kept, name, chain) = match id {
		"" => {
			return Err("no chain is given. `--dev` starts a development chain of its own; `--chain FILE` joins the \
				network that the specification in FILE describes; `build-spec --member FILE...` makes one"
				.into())
		}
		"dev" => (kept(base, DEV_ID), "Elapse development", DEV_ID),
		"local" => (kept(base, LOCAL_ID), "Elapse local", LOCAL_ID),
		file => return from_file(Path::new(file)),
	};
	if kept.exists() {
		return from_file(&kept);
	}
	let chain_type = if chain == DEV_ID { ChainType::Development } else { ChainType::Local };
	Ok(Box::new(build(name, chain, chain_type, Genesis::well_known())?))
}

/// Where a node keeps the specification of chain `id`.
pub(crate) fn kept(base: &Path, id: &str) -> PathBuf {
	chain_dir(base, id).join("spec.json")
}

/// Where a node keeps everything that is one chain's.
pub(crate) fn chain_dir(base: &Path, id: &str) -> PathBuf {
	sc_service::BasePath::new(base).config_dir(id)
}

fn from_file(path: &Path) -> Result<Box<dyn sc_service::ChainSpec>, String> {
	if !path.is_file() {
		return Err(format!(
			"there is no chain specification {}: `--chain` takes dev, local or a file that `build-spec` wrote",
			path.display()
		));
	}
	let spec = ChainSpec::from_json_file(path.to_path_buf()).map_err(|error| {
		format!("{} is no chain specification of this node: {error}. `build-spec` writes one", path.display())
	})?;
	Ok(Box::new(spec))
}

/// Makes the development chain of the node with this base path, unless it has one.
///
/// Its only member is this node's TPM, so the TPM is provisioned first. The specification is kept raw: a second start
/// then finds the same chain whatever runtime this program carries by then, and need not build genesis again.
pub(crate) fn ensure_development(base: &Path, tpm: TpmConfig) -> Result<(), String> {
	let path = kept(base, DEV_ID);
	if path.exists() {
		return Ok(());
	}
	let identity = provision(tpm.clone(), base, TpmOptions::default(), None).map_err(|error| error.to_string())?;
	// Its own software TPM's maker, as far as it has one.
	let root = matches!(tpm, TpmConfig::Managed { .. }).then(|| TpmConfig::managed_root(base)).flatten();
	let roots = root.into_iter().chain(identity.ek_chain.iter().cloned()).collect();
	let file = MemberFile {
		account: Sr25519Keyring::Alice.to_account_id(),
		poet: Sr25519Keyring::Alice.public().into(),
		grandpa: Ed25519Keyring::Alice.public().into(),
		anchor: crate::tpm::anchor_address(&alice_anchor()),
		peer_id: String::new(),
		tpm: identity,
	};
	let genesis = Genesis { roots, members: vec![file.member(member::DEFAULT_WEIGHT)?], ..Genesis::well_known() };
	let spec = build("Elapse development", DEV_ID, ChainType::Development, genesis)?;
	member::write_atomically(&path, spec.as_json(true)?.as_bytes())
}

/// The development chain's key for the Elastos Smart Chain, as `--alice` would have it.
pub(crate) fn alice_anchor() -> ecdsa::Public {
	ecdsa::Pair::from_string("//Alice", None).expect("//Alice is a secret").public()
}

fn build(name: &str, id: &str, chain_type: ChainType, genesis: Genesis) -> Result<ChainSpec, String> {
	let code = WASM_BINARY.ok_or(
		"this program was built without the runtime (SKIP_WASM_BUILD was set): it runs chains whose specification is \
		 in a file, and makes none",
	)?;
	let mut properties = Properties::new();
	properties.insert("tokenSymbol".into(), "ELT".into());
	properties.insert("tokenDecimals".into(), DECIMALS.into());
	properties.insert("ss58Format".into(), elapse_runtime::configs::system::SS58_PREFIX.into());
	Ok(ChainSpec::builder(code, None)
		.with_name(name)
		.with_id(id)
		.with_chain_type(chain_type)
		.with_protocol_id("elapse")
		.with_properties(properties)
		.with_genesis_config_patch(genesis.patch())
		.build())
}

/// `build-spec`.
#[derive(Debug, clap::Parser)]
pub(crate) struct BuildSpecCmd {
	#[command(flatten)]
	pub(crate) sdk: sc_cli::BuildSpecCmd,

	/// A member of genesis: the file that `tpm provision` wrote on its node, and its weight (1 to 1,000,000; 500,000 if
	/// none is given). May be given up to a hundred times.
	#[arg(long = "member", value_name = "FILE[:WEIGHT]")]
	members: Vec<MemberArg>,

	/// The block interval aimed at, in milliseconds; least wait, overhead and slack follow from it.
	///
	/// 2,000 suits software TPMs and fast chips on one network, 6,000 discrete TPMs.
	#[arg(long, value_name = "MS")]
	target: Option<Millis>,

	/// Blocks in an epoch. Changes of members and weights take effect within three epochs.
	#[arg(long, value_name = "BLOCKS")]
	epoch_length: Option<u32>,

	/// Leave out what `local` and `dev` have for convenience: the sudo key (Alice) and the well-known accounts' money.
	#[arg(long)]
	bare: bool,

	/// The account that may do everything, such as changing members, in place of Alice.
	#[arg(long, value_name = "ADDRESS")]
	sudo: Option<AccountId>,

	/// A manufacturer's root or intermediate certificate, DER or PEM: chips below it may join. May be given repeatedly.
	#[arg(long = "root", value_name = "FILE")]
	roots: Vec<PathBuf>,

	/// Further accounts that own money at genesis.
	#[arg(long = "endow", value_name = "ADDRESS")]
	endowed: Vec<AccountId>,

	/// The chain's name.
	#[arg(long)]
	name: Option<String>,

	/// The chain's id: where nodes keep its data.
	#[arg(long)]
	id: Option<String>,

	/// Mark the chain as live: nodes then look for others on public addresses only.
	#[arg(long)]
	live: bool,
}

impl BuildSpecCmd {
	/// `--chain local` is what this command is mostly for.
	pub(crate) fn set_defaults(&mut self) {
		let shared = &mut self.sdk.shared_params;
		if shared.chain.is_none() && !shared.dev {
			shared.chain = Some("local".into());
		}
	}

	/// Writes the specification to standard output.
	pub(crate) fn run(&self, config: sc_service::Configuration) -> sc_cli::Result<()> {
		let spec = if self.changes_nothing() { config.chain_spec } else { self.build(&*config.chain_spec)? };
		let storage = spec.as_storage_builder().build_storage()?;
		let has = |key: &[u8]| storage.top.get(key).is_some_and(|value| !value.is_empty());
		if !has(CODE) {
			return Err("the specification carries no runtime".into());
		}
		if !has(&sudo_key_location()) {
			log::warn!(
				"this chain has no sudo key, and no other origin can add, remove or re-weight members: what genesis says of \
				 them holds for ever, and if more than a third of the weight is lost, so is finality"
			);
		}
		self.sdk.run(spec, config.network)
	}

	fn changes_nothing(&self) -> bool {
		self.members.is_empty()
			&& self.target.is_none()
			&& self.epoch_length.is_none()
			&& !self.bare
			&& self.sudo.is_none()
			&& self.endowed.is_empty()
			&& self.roots.is_empty()
			&& self.name.is_none()
			&& self.id.is_none()
			&& !self.live
	}

	fn build(&self, template: &dyn sc_service::ChainSpec) -> Result<Box<dyn sc_service::ChainSpec>, String> {
		if !matches!(self.sdk.shared_params.chain.as_deref(), None | Some("dev" | "local")) {
			return Err(
				"a specification in a file cannot be changed: give `--chain local` and all that it shall have, or \
				edit the file"
					.into(),
			);
		}
		if self.members.is_empty() {
			log::warn!("this chain has no members, hence never a block: give their files by --member");
		}
		if self.members.len() > MAX_GENESIS_MEMBERS {
			return Err(format!("a chain begins with at most {MAX_GENESIS_MEMBERS} members; add the others later"));
		}
		let mut genesis = if self.bare { Genesis::bare() } else { Genesis::well_known() };
		genesis.parameters = parameters(self.target.unwrap_or(TARGET), self.epoch_length.unwrap_or(EPOCH_LENGTH));
		genesis.parameters.check().map_err(|why| format!("the lottery would not work: {why}"))?;
		genesis.members = member::read_all(&self.members)?;
		genesis.endowed.extend(self.endowed.iter().cloned());
		genesis.sudo = self.sudo.clone().or(genesis.sudo);
		genesis.roots = self.roots.iter().map(|file| read_root(file)).collect::<Result<_, _>>()?;
		let chain_type = if self.live { ChainType::Live } else { template.chain_type() };
		let name = self.name.as_deref().unwrap_or(template.name());
		let id = self.id.as_deref().unwrap_or(template.id());
		Ok(Box::new(build(name, id, chain_type, genesis)?))
	}
}

/// A certificate in a file, DER or PEM, that may stand in a store.
fn read_root(file: &Path) -> Result<Vec<u8>, String> {
	let bytes = std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
	let bytes = match std::str::from_utf8(&bytes) {
		Ok(text) if text.contains("-----BEGIN") => {
			pem(text).ok_or_else(|| format!("{} is no PEM certificate", file.display()))?
		}
		_ => bytes,
	};
	StoredCertificate::of(&bytes)
		.map_err(|error| format!("{} is no certificate for manufacturers: {error}", file.display()))?;
	Ok(bytes)
}

/// The first certificate in a PEM file.
fn pem(text: &str) -> Option<Vec<u8>> {
	let body = text.split_once("-----BEGIN CERTIFICATE-----")?.1.split_once("-----END CERTIFICATE-----")?.0;
	let body: String = body.split_whitespace().collect();
	base64::Engine::decode(&base64::engine::general_purpose::STANDARD, body).ok()
}
