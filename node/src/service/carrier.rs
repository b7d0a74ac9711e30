//! A member's duties in committees, wired.

use std::{path::PathBuf, sync::Arc};

use ec_carrier::{
	do_duties, receive_visitors, start_carrier, worker::Ask, BootLog, CarrierParams, DutyParams, HostParams, Metrics,
};
use ec_tpm::TpmHandle;
use elapse_runtime::{AccountId, Hash, OpaqueBlock as Block};
use ep_trust::anchor;
use futures::FutureExt;
use sc_network::{
	request_responses::IncomingRequest, service::traits::NetworkService, IfDisconnected, NotificationService, PeerId,
	ProtocolName,
};
use sc_service::{error::Error, TaskManager};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_blockchain::HeaderBackend;
use sp_keystore::KeystorePtr;
use substrate_prometheus_endpoint::Registry;

use super::{Client, Pool, Sync};

/// Puts the key for the Elastos Smart Chain of a development account, such as Alice, into the keystore: it is none of
/// the session keys that the SDK makes.
///
/// # Errors
/// The keystore does not take it.
pub(super) fn insert_development_key(keystore: &KeystorePtr, seed: &str) -> Result<(), Error> {
	keystore
		.ecdsa_generate_new(anchor::KEY_TYPE, Some(seed))
		.map(|_| ())
		.map_err(|error| Error::Other(format!("the keystore does not take the anchor key of {seed}: {error}")))
}

/// What visits of applicants take.
pub(super) struct Visits {
	/// The protocol's name.
	pub(super) protocol: ProtocolName,
	/// Questions to this node.
	pub(super) questions: async_channel::Receiver<IncomingRequest>,
	/// This machine's boot event log.
	pub(super) boot_log: BootLog,
}

/// Where this machine's boot event log is: in the file that was named, or where the TPM has it.
pub(super) fn boot_log(file: Option<PathBuf>, tpm: Option<TpmHandle>) -> BootLog {
	Arc::new(move || match (&file, &tpm) {
		(Some(file), _) => ec_tpm::read_event_log(file)
			.map_err(|error| error.to_string())?
			.map(Some)
			.ok_or(format!("there is no boot event log at {}", file.display())),
		(None, Some(tpm)) => tpm.event_log().map_err(|error| error.to_string()),
		(None, None) => Ok(None),
	})
}

/// Starts the task.
#[allow(clippy::too_many_arguments)]
pub(super) fn spawn(
	tasks: &TaskManager,
	client: Arc<Client>,
	pool: Arc<Pool>,
	keystore: KeystorePtr,
	network: Arc<dyn NetworkService>,
	sync: Arc<Sync>,
	(protocol, notifications): (ProtocolName, Box<dyn NotificationService>),
	visits: Visits,
	folder: PathBuf,
	registry: Option<Registry>,
	metrics: Metrics,
) {
	let genesis: Hash = client.info().genesis_hash;
	let (visitor, protocol_of_visits) = (network.clone(), visits.protocol);
	let ask: Ask = Arc::new(move |peer: PeerId, question| {
		let (network, protocol) = (visitor.clone(), protocol_of_visits.clone());
		async move {
			// Whoever is not connected is looked for: an applicant is reached if anybody can reach it.
			let replied = network.request(peer, protocol, question, None, IfDisconnected::TryConnect).await;
			replied.map(|(bytes, _)| bytes).map_err(|error| error.to_string())
		}
		.boxed()
	});
	let host = HostParams {
		client: client.clone(),
		genesis,
		keystore: keystore.clone(),
		boot_log: visits.boot_log,
		questions: visits.questions,
	};
	tasks.spawn_handle().spawn("visitors", Some("carrier"), receive_visitors::<Block, _, AccountId>(host));
	let params = CarrierParams::<Block, _, _, _> {
		client,
		network,
		sync,
		notifications,
		protocol,
		genesis,
		keystore,
		pool: OffchainTransactionPoolFactory::new(pool),
		folder,
		ask,
		registry,
		metrics,
	};
	tasks.spawn_handle().spawn("carrier", Some("carrier"), start_carrier::<_, _, _, _, AccountId>(params));
}

/// Starts the task that does what the chain draws this node's member for.
pub(super) fn spawn_duties(
	tasks: &TaskManager,
	client: Arc<Client>,
	pool: Arc<Pool>,
	keystore: KeystorePtr,
	tpm: TpmHandle,
	metrics: Metrics,
) {
	let genesis: Hash = client.info().genesis_hash;
	let params = DutyParams::<Block, _> {
		client,
		genesis,
		keystore,
		pool: OffchainTransactionPoolFactory::new(pool),
		tpm,
		metrics,
	};
	tasks.spawn_handle().spawn("duties", Some("carrier"), do_duties::<_, _, AccountId>(params));
}
