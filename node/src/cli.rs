//! The command line.

use std::path::{Path, PathBuf};

use ec_tpm::TpmConfig;
use sc_cli::{RunCmd, SharedParams, SubstrateCli};

use crate::{
	chain_spec::{self, BuildSpecCmd},
	tpm::TpmCmd,
};

/// What to run.
#[derive(Debug, clap::Parser)]
pub(crate) struct Cli {
	#[command(subcommand)]
	pub(crate) subcommand: Option<Subcommand>,

	#[command(flatten)]
	pub(crate) run: Run,
}

/// Options of a running node.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
	#[command(flatten)]
	pub(crate) sdk: RunCmd,

	#[command(flatten)]
	pub(crate) tpm: TpmArgs,

	#[command(flatten)]
	pub(crate) relay: RelayArgs,

	#[command(flatten)]
	pub(crate) disk: sc_storage_monitor::StorageMonitorParams,

	/// Run in little memory, for machines with 256 MB or less to spare.
	///
	/// Small caches, two runtime instances, few peers and connections, a small transaction pool, and only the last
	/// 4,096 blocks kept unless `--blocks-pruning` asks for a longer archive. It holds for limits: options that ask
	/// for less than it does stay as they are.
	#[arg(long)]
	pub(crate) iot: bool,
}

/// Which TPM.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TpmArgs {
	/// The TPM that this node authors with, as a TCTI: `device:/dev/tpmrm0`, `tabrmd`,
	/// `swtpm:host=127.0.0.1,port=2321`. A TPM 1.2 has `tpm1.2:` before it: `tpm1.2:device:/dev/tpm0`. It can be a
	/// member's where governance lets such chips in, and never authors.
	///
	/// Without it the node makes, starts and stops a software TPM (swtpm) of its own below the base path. Such a TPM
	/// proves nothing about the machine: it is for development and tests.
	#[arg(long, value_name = "TCTI")]
	pub(crate) tpm: Option<String>,
}

impl TpmArgs {
	/// The TPM of the node with this base path.
	pub(crate) fn config(&self, base: &Path) -> TpmConfig {
		match &self.tpm {
			Some(name) => TpmConfig::named(name),
			None => TpmConfig::managed(base),
		}
	}
}

/// Bringing checkpoints to the Elastos Smart Chain, and telling which of them landed there.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RelayArgs {
	/// Bring certified checkpoints to the Elastos Smart Chain, as `elapse-relayer` does, whose other options have their
	/// defaults here. `relayer_status` says how it goes.
	#[arg(long, requires_all = ["relay_esc", "relay_contract", "relay_keystore", "relay_passphrase_file"])]
	pub(crate) relay: bool,

	/// Look at the Elastos Smart Chain through this node of it, http:// or https://, and tell the chain where checkpoints
	/// landed, whoever brought them. It is what relayers are paid for. For signers of checkpoints; it needs no `--relay`.
	///
	/// May be given more than once: several must agree, so that no one of them can lie. Best is one's own.
	#[arg(long, value_name = "URL")]
	pub(crate) esc: Vec<String>,

	/// URL of a node of the Elastos Smart Chain, http:// or https://.
	#[arg(long, value_name = "URL", requires = "relay")]
	pub(crate) relay_esc: Option<String>,

	/// Address of ElapseAnchor.
	#[arg(long, value_name = "ADDRESS", requires = "relay", value_parser = ec_relayer::cli::parse_address)]
	pub(crate) relay_contract: Option<sp_core::H160>,

	/// Id of the chain that the contract is on: 20 is the Elastos Smart Chain, 21 its test network.
	#[arg(long, value_name = "ID", requires = "relay", default_value_t = 20)]
	pub(crate) relay_chain_id: u64,

	/// The key that pays, encrypted: `elapse-relayer key new` makes one.
	#[arg(long, value_name = "FILE", requires = "relay")]
	pub(crate) relay_keystore: Option<PathBuf>,

	/// A file whose first line is the key's passphrase.
	#[arg(long, value_name = "FILE", requires = "relay")]
	pub(crate) relay_passphrase_file: Option<PathBuf>,

	/// The most to pay for a unit of gas, in gwei. While the chain asks more, nothing is sent.
	#[arg(long, value_name = "GWEI", requires = "relay", default_value = "200",
		value_parser = ec_relayer::cli::parse_gwei)]
	pub(crate) relay_max_gas_price: u128,
}

/// `join`.
#[derive(Debug, clap::Args)]
pub(crate) struct JoinCmd {
	#[command(flatten)]
	pub(crate) run: Run,

	#[command(flatten)]
	pub(crate) join: JoinArgs,
}

/// How to join.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct JoinArgs {
	/// The account that answers for the member and puts up the deposit. Its sr25519 key must be in the keystore, of type
	/// `acco` (`elapse-node key insert --key-type acco --scheme sr25519`). By default the account of the PoET key, which
	/// is fit for tests.
	#[arg(long, value_name = "ADDRESS")]
	pub(crate) account: Option<elapse_runtime::AccountId>,

	/// The chain's platform policy that this machine is to be judged by.
	#[arg(long, value_name = "NUMBER", default_value_t = 0)]
	pub(crate) policy: u32,

	/// The boot event log of this machine, for policies that ask for it, where the kernel does not show it for the TPM
	/// (`/sys/kernel/security/tpm0/binary_bios_measurements`).
	#[arg(long, value_name = "FILE")]
	pub(crate) event_log: Option<std::path::PathBuf>,

	/// The certificate of the TPM's endorsement key, DER or PEM, where the TPM does not have it itself: its manufacturer
	/// gives it out. May be given more than once: the endorsement key's first, then those of who issued it, below the root.
	#[arg(long, value_name = "FILE")]
	pub(crate) ek_certificate: Vec<std::path::PathBuf>,
}

/// Everything but running a node.
// One is parsed a run.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Subcommand {
	/// Run a node, make it a member, and go on running it as one.
	///
	/// It applies with the evidence of this machine's TPM and a deposit, answers what the members ask the TPM, and waits
	/// for their verdict, saying at each step what is awaited and until when. Once let in, it seals blocks and votes. It
	/// may be stopped and started again at any time; on a node that is a member it does what `--validator` does.
	Join(JoinCmd),

	/// Build a chain specification, from members' files and parameters.
	BuildSpec(BuildSpecCmd),

	/// Write a chain specification to a file, plain or raw.
	ExportChainSpec(sc_cli::ExportChainSpecCmd),

	/// Provision, show and measure this node's TPM.
	#[command(subcommand)]
	Tpm(TpmCmd),

	/// Generate, inspect and insert keys.
	#[command(subcommand)]
	Key(sc_cli::KeySubcommand),

	/// Verify and execute again blocks that the database has.
	CheckBlock(sc_cli::CheckBlockCmd),

	/// Write blocks to a file.
	ExportBlocks(sc_cli::ExportBlocksCmd),

	/// Write the state of a block as a raw chain specification.
	ExportState(sc_cli::ExportStateCmd),

	/// Read blocks from a file, verify and import them.
	ImportBlocks(sc_cli::ImportBlocksCmd),

	/// Take back the last blocks, down to the last finalised one.
	///
	/// A member never seals twice on one block, so it waits for another member's block where it sealed one that was taken
	/// back. On a chain of one member write the blocks to a file first (export-blocks) and read them again afterwards.
	Revert(sc_cli::RevertCmd),

	/// Remove a chain's database. Keys, TPM, the record of what was sealed and the development chain's specification stay.
	///
	/// A member never seals twice on one block, so it waits for another member's block where it sealed one before. On a
	/// chain of one member write the blocks to a file first (export-blocks) and read them again afterwards.
	PurgeChain(sc_cli::PurgeChainCmd),

	/// Show what the database has.
	ChainInfo(sc_cli::ChainInfoCmd),
}

impl Cli {
	fn shared_params(&self) -> Option<&SharedParams> {
		match self.subcommand.as_ref() {
			None => Some(&self.run.sdk.shared_params),
			Some(Subcommand::Join(cmd)) => Some(&cmd.run.sdk.shared_params),
			Some(Subcommand::BuildSpec(cmd)) => Some(&cmd.sdk.shared_params),
			Some(Subcommand::CheckBlock(cmd)) => Some(&cmd.shared_params),
			Some(Subcommand::ExportBlocks(cmd)) => Some(&cmd.shared_params),
			Some(Subcommand::ExportState(cmd)) => Some(&cmd.shared_params),
			Some(Subcommand::ImportBlocks(cmd)) => Some(&cmd.shared_params),
			Some(Subcommand::Revert(cmd)) => Some(&cmd.shared_params),
			Some(Subcommand::PurgeChain(cmd)) => Some(&cmd.shared_params),
			Some(Subcommand::ChainInfo(cmd)) => Some(&cmd.shared_params),
			Some(Subcommand::ExportChainSpec(_) | Subcommand::Tpm(_) | Subcommand::Key(_)) => None,
		}
	}

	/// The base path of the command given: where a chain's specification may be kept.
	fn base_path(&self) -> Result<PathBuf, String> {
		use sc_cli::CliConfiguration;
		let base = match &self.subcommand {
			None => self.run.sdk.base_path(),
			Some(Subcommand::Join(cmd)) => cmd.run.sdk.base_path(),
			Some(_) => self.shared_params().map_or(Ok(None), SharedParams::base_path),
		};
		Ok(base_path_or_default(base.map_err(|error| error.to_string())?))
	}
}

/// `base`, or the folder of this program below the user's data folder.
pub(crate) fn base_path_or_default(base: Option<sc_service::BasePath>) -> PathBuf {
	base.unwrap_or_else(|| sc_service::BasePath::from_project("", "", &Cli::executable_name())).path().to_path_buf()
}

impl SubstrateCli for Cli {
	fn impl_name() -> String {
		"Elapse node".into()
	}

	fn impl_version() -> String {
		env!("SUBSTRATE_CLI_IMPL_VERSION").into()
	}

	fn description() -> String {
		"A node of Elapse, a chain whose blocks are sealed after a random wait that the author's TPM attests.\n\n\
		 To try it:            elapse-node --dev\n\
		 To keep its data:     elapse-node --dev --base-path DIR\n\
		 To join a network:    elapse-node --chain SPEC.json --base-path DIR\n\
		 To become a member:   elapse-node join --chain SPEC.json --base-path DIR\n\
		 To author in one that you are a member of: the command before with --validator"
			.into()
	}

	fn author() -> String {
		env!("CARGO_PKG_AUTHORS").into()
	}

	fn support_url() -> String {
		"the issue tracker of the repository that this program was built from".into()
	}

	fn copyright_start_year() -> i32 {
		2026
	}

	fn load_spec(&self, id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
		chain_spec::load(id, &self.base_path()?)
	}
}
