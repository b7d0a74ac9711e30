//! Wires the node together.
//!
//! ```text
//! network ─ sync ─ import queue ─┐                         ┌─ client, database
//!                                ├─ PoET ─ GRANDPA ────────┤
//! TPM ─ worker ──────────────────┘  (block imports)        └─ fork choice (by weight)
//! ```
//! A block from anywhere passes the same imports: PoET's, which verifies its certificate and weighs it, then GRANDPA's,
//! which looks for changes of voters, then the client's.
//!
//! Offchain workers run only where they are asked for: no pallet has one, and theirs is a thread pool and an HTTP client
//! in memory. Offchain *storage* is written everywhere: the chain keeps there what proofs of its history take.

mod anchor;
mod aux_revert;
mod carrier;
mod client;
mod finality;
mod inherents;
mod joining;
mod offchain;
mod ports;
mod relaying;

use std::{path::Path, sync::Arc, time::Duration};

use ec_consensus::{
	status::{Stats, StatusHandle},
	worker::{start_poet, StartPoetParams, MAX_PROPOSAL_PORTION},
	BlockImportParams, ImportQueueParams, Metrics, PoetBlockImport, PoetLink, PoetSelectChain,
};
use ec_tpm::{TpmConfig, TpmHandle};
use elapse_runtime::{apis::RuntimeApi, configs::system::MAX_BLOCK_LENGTH, Hash, OpaqueBlock as Block};
use ep_poet::api::PoetApi;
use sc_chain_spec::ChainType;
use sc_consensus_grandpa::{GrandpaBlockImport, LinkHalf, SharedVoterState};
use sc_executor::WasmExecutor;
use sc_network::NetworkBackend;
use sc_service::{
	error::Error, Configuration, PartialComponents, SpawnTasksParams, TFullBackend, TFullClient, TaskManager,
	WarpSyncConfig,
};
use sc_storage_monitor::{StorageMonitorParams, StorageMonitorService};
use sc_telemetry::{Telemetry, TelemetryWorker};
use sc_transaction_pool::TransactionPoolHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_consensus_grandpa::GrandpaApi;

use self::{inherents::Inherents, relaying::Relaying};
use crate::cli::{JoinArgs, RelayArgs};
pub(crate) use aux_revert::revert_aux;

/// What the runtime may call of the node.
type HostFunctions = sp_io::SubstrateHostFunctions;
/// The client.
pub(crate) type Client = TFullClient<Block, RuntimeApi, WasmExecutor<HostFunctions>>;
/// The database.
pub(crate) type Backend = TFullBackend<Block>;
/// Fork choice.
pub(crate) type SelectChain = PoetSelectChain<Block, Backend>;
/// The transaction pool.
pub(crate) type Pool = TransactionPoolHandle<Block, Client>;
/// What knows the peers.
type Sync = sc_network_sync::SyncingService<Block>;
type Grandpa = GrandpaBlockImport<Backend, Block, Client, SelectChain>;
type Poet = PoetBlockImport<Block, Client, Backend, Grandpa, Inherents>;

/// What [`new_partial`] makes beside the SDK's own components.
pub(crate) struct Parts {
	block_import: Poet,
	link: PoetLink<Block>,
	grandpa: LinkHalf<Block, Client, SelectChain>,
	telemetry: Option<Telemetry>,
}

type Partial =
	PartialComponents<Client, Backend, SelectChain, sc_consensus::import_queue::DefaultImportQueue<Block>, Pool, Parts>;

/// Everything that does not need a network: what commands on the database use too.
pub(crate) fn new_partial(config: &Configuration) -> Result<Partial, Error> {
	let telemetry = config
		.telemetry_endpoints
		.clone()
		.filter(|endpoints| !endpoints.is_empty())
		.map(|endpoints| -> Result<_, sc_telemetry::Error> {
			let worker = TelemetryWorker::new(16)?;
			let telemetry = worker.handle().new_telemetry(endpoints);
			Ok((worker, telemetry))
		})
		.transpose()?;
	let (client, backend, keystore_container, task_manager) =
		client::new_parts(config, telemetry.as_ref().map(|(_, telemetry)| telemetry.handle()))?;
	let client = Arc::new(client);
	let telemetry = telemetry.map(|(worker, telemetry)| {
		task_manager.spawn_handle().spawn("telemetry", None, worker.run());
		telemetry
	});
	check_members(&client, config.chain_spec.name())?;

	let registry = config.prometheus_registry();
	let select_chain = SelectChain::new(backend.clone());
	let pool = Arc::new(
		sc_transaction_pool::Builder::new(
			task_manager.spawn_essential_handle(),
			client.clone(),
			config.role.is_authority().into(),
		)
		.with_options(config.transaction_pool.clone())
		.with_prometheus(registry)
		.build(),
	);
	let (grandpa_import, grandpa) = sc_consensus_grandpa::block_import(
		client.clone(),
		finality::JUSTIFICATION_PERIOD,
		&client,
		select_chain.clone(),
		telemetry.as_ref().map(|telemetry| telemetry.handle()),
	)?;
	let (block_import, link) = ec_consensus::block_import(BlockImportParams {
		inner: grandpa_import.clone(),
		client: client.clone(),
		select_chain: select_chain.clone(),
		create_inherent_data_providers: Inherents::new(client.clone()),
		offchain_tx_pool_factory: Some(OffchainTransactionPoolFactory::new(pool.clone())),
		justified: Some(finality::justified(grandpa.shared_authority_set().clone())),
		metrics: registry.map(Metrics::register).transpose()?,
	});
	let import_queue = ec_consensus::import_queue(ImportQueueParams {
		link: link.clone(),
		block_import: block_import.clone(),
		justification_import: Some(Box::new(grandpa_import)),
		spawner: &task_manager.spawn_essential_handle(),
		registry,
	})?;
	Ok(PartialComponents {
		client,
		backend,
		task_manager,
		keystore_container,
		select_chain,
		import_queue,
		transaction_pool: pool,
		other: Parts { block_import, link, grandpa, telemetry },
	})
}

/// What to do about a disk without room.
fn full_disk(error: &sc_storage_monitor::Error, database: &Path) -> String {
	format!(
		"{error} at the database {}. Make room there, choose another place with --base-path, or ask for less with \
		 --db-storage-threshold",
		database.display()
	)
}

/// GRANDPA panics over a chain without voters; and nobody could ever author there.
fn check_members(client: &Arc<Client>, chain: &str) -> Result<(), Error> {
	let info = client.info();
	let voters = || client.runtime_api().grandpa_authorities(info.genesis_hash).map_err(sp_blockchain::Error::from);
	if info.best_number == 0 && voters()?.is_empty() {
		return Err(format!(
			"the chain '{chain}' has no members, so it can have no blocks. Make a specification with members: \
			 `elapse-node tpm provision --base-path DIR` on each member's node, then `elapse-node build-spec --member \
			 FILE...`, then start with `--chain SPEC.json`. Or start a development chain with `--dev`"
		)
		.into());
	}
	Ok(())
}

/// The whole node.
pub(crate) fn new_full<N: NetworkBackend<Block, Hash>>(
	mut config: Configuration,
	tpm: TpmConfig,
	disk: StorageMonitorParams,
	join: Option<JoinArgs>,
	relay: RelayArgs,
) -> Result<TaskManager, Error> {
	ports::check(&config)?;
	// The chip first: an authority without one is of no use, and whoever started it should know at once.
	let role = config.role;
	let tpm = role
		.is_authority()
		.then(|| TpmHandle::start(tpm, config.base_path.path()))
		.transpose()
		.map_err(|error| Error::Other(error.to_string()))?;
	if config.chain_spec.chain_type() != ChainType::Live {
		// Three, the default, are more than many a local network has.
		config.network.min_peers_to_start_warp_sync = Some(1);
	}

	let PartialComponents {
		client,
		backend,
		mut task_manager,
		import_queue,
		keystore_container,
		select_chain,
		transaction_pool,
		other: Parts { block_import, link, grandpa, mut telemetry },
	} = new_partial(&config)?;
	// ParityDB stops writing when the disk is full, and does not begin again. Before that happens the node ends.
	if let Some(database) = config.database.path() {
		StorageMonitorService::try_spawn(disk, database.to_path_buf(), &task_manager.spawn_essential_handle())
			.map_err(|error| Error::Other(full_disk(&error, database)))?;
	}
	let registry = config.prometheus_registry().cloned();
	let info = client.info();
	let lottery = client.runtime_api().lottery(info.best_hash).map_err(sp_blockchain::Error::from)?;

	let metrics = N::register_notification_metrics(registry.as_ref());
	let mut net_config =
		sc_network::config::FullNetworkConfiguration::<_, _, N>::new(&config.network, registry.clone());
	let grandpa_protocol = sc_consensus_grandpa::protocol_standard_name(&info.genesis_hash, &config.chain_spec);
	let (grandpa_config, grandpa_notifications) = sc_consensus_grandpa::grandpa_peers_set_config::<_, N>(
		grandpa_protocol.clone(),
		metrics.clone(),
		net_config.peer_store_handle(),
	);
	net_config.add_notification_protocol(grandpa_config);
	let carrier_protocol = ec_carrier::gossip::protocol_name(&info.genesis_hash);
	let (carrier_config, carrier_notifications) = ec_carrier::gossip::peers_set_config::<_, N>(
		carrier_protocol.clone(),
		metrics.clone(),
		net_config.peer_store_handle(),
	);
	net_config.add_notification_protocol(carrier_config);
	let visit_protocol = ec_carrier::visit::protocol_name(&info.genesis_hash);
	let (visit_config, visit_questions) = ec_carrier::visit::protocol_config::<_, N>(visit_protocol.clone());
	net_config.add_request_response_protocol(visit_config);
	let warp_sync = Arc::new(sc_consensus_grandpa::warp_proof::NetworkProvider::new(
		backend.clone(),
		grandpa.shared_authority_set().clone(),
		Vec::new(),
	));
	let (network, system_rpc_tx, tx_handler_controller, sync_service, _bitswap) =
		sc_service::build_network(sc_service::BuildNetworkParams {
			config: &config,
			net_config,
			client: client.clone(),
			transaction_pool: transaction_pool.clone(),
			spawn_handle: task_manager.spawn_handle(),
			spawn_essential_handle: task_manager.spawn_essential_handle(),
			import_queue,
			block_announce_validator_builder: None,
			warp_sync_config: Some(WarpSyncConfig::WithProvider(warp_sync)),
			block_relay: None,
			metrics,
			gap_sync_body_policy: None,
		})?;

	task_manager.spawn_essential_handle().spawn(
		"poet-held",
		Some("block-import"),
		ec_consensus::run_held(link.clone(), block_import.clone(), sync_service.clone()),
	);
	task_manager.spawn_handle().spawn("memory", None, crate::memory::give_back());
	let stats = Stats::new();
	task_manager.spawn_handle().spawn("poet-stats", None, stats.clone().follow(client.clone()));

	let status = StatusHandle::new();
	let voter_state = SharedVoterState::empty();
	let esc = relay.esc.clone();
	let relaying = Relaying::new(relay, &config.data_path);
	let rpc_builder = crate::rpc::builder(crate::rpc::Deps {
		client: client.clone(),
		backend: backend.clone(),
		select_chain: select_chain.clone(),
		pool: transaction_pool.clone(),
		status: status.clone(),
		stats,
		authority_set: grandpa.shared_authority_set().clone(),
		voter_state: voter_state.clone(),
		justifications: grandpa.justification_stream(),
		relaying: relaying.as_ref().map(Relaying::status),
	});
	let name = config.network.node_name.clone();
	let (force_authoring, disable_grandpa) = (config.force_authoring, config.disable_grandpa);
	if config.offchain_worker.enabled {
		offchain::spawn(
			&task_manager,
			client.clone(),
			&backend,
			transaction_pool.clone(),
			keystore_container.keystore(),
			network.clone(),
			role.is_authority(),
		)?;
	}
	// Beside the keys and outside the database: it must outlive that, see `ec_consensus::record`.
	let record_path = config.data_path.join("poet").join("sealed");
	let carrier_folder = config.data_path.join("carrier");
	let anchor_folder = config.data_path.join("anchor");
	if let Some(seed) = &config.dev_key_seed {
		carrier::insert_development_key(&keystore_container.keystore(), seed)?;
	}
	let boot_log = carrier::boot_log(join.as_ref().and_then(|join| join.event_log.clone()), tpm.clone());
	let joining = match (join, &tpm) {
		(Some(args), Some(tpm)) => Some(joining::prepare(&config, args, tpm.clone(), boot_log.clone())?),
		_ => None,
	};
	let history = backend.clone();
	sc_service::spawn_tasks(SpawnTasksParams {
		config,
		client: client.clone(),
		backend,
		task_manager: &mut task_manager,
		keystore: keystore_container.keystore(),
		transaction_pool: transaction_pool.clone(),
		rpc_builder,
		network: network.clone(),
		system_rpc_tx,
		tx_handler_controller,
		sync_service: sync_service.clone(),
		telemetry: telemetry.as_mut(),
		tracing_execute_block: None,
	})?;

	if let Some(relaying) = relaying {
		relaying.spawn(&task_manager, client.clone(), &history, registry.as_ref())?;
	}
	anchor::spawn_history(&task_manager, client.clone(), history);
	anchor::spawn_witness(
		&task_manager,
		&esc,
		client.clone(),
		transaction_pool.clone(),
		keystore_container.keystore(),
		registry.as_ref(),
	)?;
	if role.is_authority() {
		anchor::spawn_signer(
			&task_manager,
			client.clone(),
			transaction_pool.clone(),
			keystore_container.keystore(),
			anchor_folder,
			registry.as_ref(),
		);
	}
	let carrier_metrics = ec_carrier::Metrics::new(registry.as_ref());
	// On every node: others pass on what members say, and a protocol that nobody serves would cost all connections.
	carrier::spawn(
		&task_manager,
		client.clone(),
		transaction_pool.clone(),
		keystore_container.keystore(),
		network.clone(),
		sync_service.clone(),
		(carrier_protocol, carrier_notifications),
		carrier::Visits { protocol: visit_protocol, questions: visit_questions, boot_log },
		carrier_folder,
		registry.clone(),
		carrier_metrics.clone(),
	);
	if let Some(joining) = joining {
		let task = joining.run(
			client.clone(),
			transaction_pool.clone(),
			keystore_container.keystore(),
			sync_service.clone(),
			network.local_peer_id().to_bytes(),
		);
		task_manager.spawn_handle().spawn("joining", None, task);
	}
	if let Some(tpm) = &tpm {
		carrier::spawn_duties(
			&task_manager,
			client.clone(),
			transaction_pool.clone(),
			keystore_container.keystore(),
			tpm.clone(),
			carrier_metrics,
		);
	}
	if let Some(timer) = tpm {
		let worker = start_poet(StartPoetParams {
			client: client.clone(),
			select_chain,
			block_import,
			env: sc_basic_authorship::ProposerFactory::new(
				task_manager.spawn_handle(),
				client.clone(),
				transaction_pool.clone(),
				registry.as_ref(),
				telemetry.as_ref().map(|telemetry| telemetry.handle()),
			),
			sync_oracle: sync_service.clone(),
			justification_sync_link: sync_service.clone(),
			keystore: keystore_container.keystore(),
			timer,
			create_inherent_data_providers: Inherents::new(client),
			record_path,
			status,
			force_authoring,
			max_proposal_portion: MAX_PROPOSAL_PORTION,
			block_size_limit: Some(MAX_BLOCK_LENGTH as usize),
			telemetry: telemetry.as_ref().map(|telemetry| telemetry.handle()),
		});
		task_manager.spawn_essential_handle().spawn_blocking("poet", Some("block-authoring"), worker);
	}

	if !disable_grandpa {
		let voter = sc_consensus_grandpa::run_grandpa_voter(sc_consensus_grandpa::GrandpaParams {
			config: sc_consensus_grandpa::Config {
				gossip_duration: finality::gossip_duration(Duration::from_millis(lottery.parameters.target)),
				justification_generation_period: finality::JUSTIFICATION_PERIOD,
				observer_enabled: false,
				local_role: role,
				name: Some(name),
				keystore: role.is_authority().then(|| keystore_container.keystore()),
				telemetry: telemetry.as_ref().map(|telemetry| telemetry.handle()),
				protocol_name: grandpa_protocol,
			},
			link: grandpa,
			network,
			sync: sync_service,
			notification_service: grandpa_notifications,
			voting_rule: finality::VOTING_RULE,
			prometheus_registry: registry,
			shared_voter_state: voter_state,
			telemetry: telemetry.as_ref().map(|telemetry| telemetry.handle()),
			offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(transaction_pool),
		})?;
		task_manager.spawn_essential_handle().spawn_blocking("grandpa-voter", None, voter);
	}
	Ok(task_manager)
}
