//! Anchoring on the Elastos Smart Chain, wired.

use std::{path::PathBuf, sync::Arc};

use ec_anchor::{sign_checkpoints, Metrics, SignParams};
use elapse_runtime::OpaqueBlock as Block;
use mmr_gadget::MmrGadget;
use pallet_mmr::primitives::INDEXING_PREFIX;
use sc_service::TaskManager;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_blockchain::HeaderBackend;
use sp_keystore::KeystorePtr;
use substrate_prometheus_endpoint::Registry;

use super::{Backend, Client, Pool};

/// Starts the task that puts what the history's blocks wrote in order as they become final, so that proofs find it.
pub(super) fn spawn_history(tasks: &TaskManager, client: Arc<Client>, backend: Arc<Backend>) {
	let gadget = MmrGadget::<Block, _, _>::start(client, backend, INDEXING_PREFIX.to_vec());
	tasks.spawn_handle().spawn_blocking("history", Some("anchor"), gadget);
}

/// Starts the task that signs checkpoints, while this node's key is among the signers.
pub(super) fn spawn_signer(
	tasks: &TaskManager,
	client: Arc<Client>,
	pool: Arc<Pool>,
	keystore: KeystorePtr,
	folder: PathBuf,
	registry: Option<&Registry>,
) {
	let params = SignParams::<Block, _> {
		genesis: client.info().genesis_hash,
		client,
		keystore,
		pool: OffchainTransactionPoolFactory::new(pool),
		folder,
		metrics: Metrics::new(registry),
	};
	tasks.spawn_handle().spawn("signer", Some("anchor"), sign_checkpoints(params));
}
