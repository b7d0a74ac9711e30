//! What each command does.

use sc_cli::{CliConfiguration, SubstrateCli};
use sc_network::{config::NetworkBackendType, Litep2pNetworkBackend, NetworkWorker};
use sc_service::PartialComponents;

use crate::{
	chain_spec,
	cli::{base_path_or_default, Cli, JoinArgs, Subcommand},
	memory, profile, service,
};

/// Parses the command line and does what it says.
pub(crate) fn run() -> sc_cli::Result<()> {
	let mut cli = Cli::from_args();
	if let Some(Subcommand::BuildSpec(cmd)) = &mut cli.subcommand {
		cmd.set_defaults();
	}
	if let Some(Subcommand::Join(_)) = &cli.subcommand {
		return run_joining(cli);
	}
	match &cli.subcommand {
		None | Some(Subcommand::Join(_)) => run_node(cli, None),
		Some(Subcommand::BuildSpec(cmd)) => cli.create_runner(&cmd.sdk)?.sync_run(|config| cmd.run(config)),
		Some(Subcommand::ExportChainSpec(cmd)) => cmd.run(cli.load_spec(&cmd.chain)?),
		Some(Subcommand::Tpm(cmd)) => cmd.run(),
		Some(Subcommand::Key(cmd)) => cmd.run(&cli),
		Some(Subcommand::CheckBlock(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, import_queue, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, import_queue), task_manager))
		}),
		Some(Subcommand::ExportBlocks(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, config.database), task_manager))
		}),
		Some(Subcommand::ExportState(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, config.chain_spec), task_manager))
		}),
		Some(Subcommand::ImportBlocks(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, import_queue, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, import_queue), task_manager))
		}),
		Some(Subcommand::Revert(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, backend, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, backend, Some(Box::new(service::revert_aux))), task_manager))
		}),
		Some(Subcommand::PurgeChain(cmd)) => cli.create_runner(cmd)?.sync_run(|config| cmd.run(config.database)),
		Some(Subcommand::ChainInfo(cmd)) => {
			cli.create_runner(cmd)?.sync_run(|config| cmd.run::<elapse_runtime::OpaqueBlock>(&config))
		}
	}
}

/// Runs a node that becomes a member, unless it is one.
fn run_joining(mut cli: Cli) -> sc_cli::Result<()> {
	let join = match cli.subcommand.take() {
		Some(Subcommand::Join(cmd)) => {
			cli.run = cmd.run;
			Some(cmd.join)
		}
		other => {
			cli.subcommand = other;
			None
		}
	};
	cli.run.sdk.validator = true;
	// Nobody knows a newcomer by its network key yet: it may be made now. It is kept for the next start.
	cli.run.sdk.network_params.node_key_params.unsafe_force_node_key_generation = true;
	run_node(cli, join)
}

fn run_node(mut cli: Cli, join: Option<JoinArgs>) -> sc_cli::Result<()> {
	memory::configure(cli.run.iot);
	if cli.run.iot {
		profile::apply_iot(&mut cli.run.sdk);
	}
	profile::rest_offchain(&mut cli.run.sdk);
	profile::keep_history(&mut cli.run.sdk);
	let base = base_path_or_default(cli.run.sdk.base_path()?);
	let tpm = cli.run.tpm.config(&base);
	let is_dev = cli.run.sdk.is_dev()?;
	if cli.run.sdk.chain_id(is_dev)? == "dev" {
		chain_spec::ensure_development(&base, tpm.clone())?;
	}
	let (disk, relay) = (cli.run.disk.clone(), cli.run.relay.clone());
	let runner = cli.create_runner(&cli.run.sdk)?;
	runner.run_node_until_exit(|config| async move {
		match config.network.network_backend {
			NetworkBackendType::Libp2p => service::new_full::<NetworkWorker<_, _>>(config, tpm, disk, join, relay),
			NetworkBackendType::Litep2p => service::new_full::<Litep2pNetworkBackend>(config, tpm, disk, join, relay),
		}
		.map_err(sc_cli::Error::Service)
	})
}
