//! A member's duties in committees, wired.

use std::{path::PathBuf, sync::Arc};

use ec_carrier::{do_duties, start_carrier, worker::Reaches, CarrierParams, DutyParams};
use ec_tpm::TpmHandle;
use elapse_runtime::{AccountId, Hash, OpaqueBlock as Block};
use ep_trust::anchor;
use futures::FutureExt;
use sc_network::{service::traits::NetworkService, NotificationService, PeerId, ProtocolName};
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
	folder: PathBuf,
	registry: Option<Registry>,
) {
	let genesis: Hash = client.info().genesis_hash;
	let peers = sync.clone();
	let reaches: Reaches = Arc::new(move |peer: PeerId| {
		let peers = peers.clone();
		async move { peers.peers_info().await.is_ok_and(|peers| peers.iter().any(|(id, _)| *id == peer)) }.boxed()
	});
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
		reaches,
		registry,
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
) {
	let genesis: Hash = client.info().genesis_hash;
	let params =
		DutyParams::<Block, _> { client, genesis, keystore, pool: OffchainTransactionPoolFactory::new(pool), tpm };
	tasks.spawn_handle().spawn("duties", Some("carrier"), do_duties::<_, _, AccountId>(params));
}
