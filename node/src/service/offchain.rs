//! Offchain workers, for whoever asks for them.

use std::sync::Arc;

use elapse_runtime::{Hash, OpaqueBlock as Block};
use futures::FutureExt;
use sc_client_api::Backend as _;
use sc_network::service::traits::NetworkService;
use sc_offchain::{OffchainWorkerOptions, OffchainWorkers};
use sc_service::{error::Error, TaskManager};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_keystore::KeystorePtr;

use super::{Backend, Client, Pool};

/// Runs the runtime's offchain workers at every block.
///
/// # Errors
/// What they fetch from the web with cannot be started.
pub(super) fn spawn(
	tasks: &TaskManager,
	client: Arc<Client>,
	backend: &Backend,
	pool: Arc<Pool>,
	keystore: KeystorePtr,
	network: Arc<dyn NetworkService>,
	is_validator: bool,
) -> Result<(), Error> {
	let workers = OffchainWorkers::<_, Block, _>::new(OffchainWorkerOptions {
		runtime_api_provider: client.clone(),
		is_validator,
		keystore: Some(keystore),
		offchain_db: backend.offchain_storage(),
		transaction_pool: Some(OffchainTransactionPoolFactory::new(pool)),
		network_provider: Arc::new(network),
		enable_http_requests: true,
		custom_extensions: |_: Hash| Vec::new(),
	})
	.map_err(|error| Error::Other(format!("offchain workers cannot be started: {error}")))?;
	tasks.spawn_handle().spawn("offchain-workers", Some("offchain"), workers.run(client, tasks.spawn_handle()).boxed());
	Ok(())
}
