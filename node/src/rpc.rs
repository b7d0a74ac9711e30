//! The RPC that not every SDK node has.
//!
//! | methods                                                      | from           |
//! |--------------------------------------------------------------|----------------|
//! | `system_accountNextIndex`, `system_dryRun`                   | the SDK        |
//! | `payment_queryInfo`, `payment_queryFeeDetails`               | the SDK        |
//! | `grandpa_roundState`, `grandpa_proveFinality`, subscriptions | the SDK        |
//! | `poet_lottery`, `poet_waitCertificate`, `poet_stats`         | `ec_consensus` |
//! | `trust_rounds`, `trust_application`, `trust_evidence`        | `ec_carrier`   |
//! | `trust_node`, `trust_nodes`, `trust_score`                   | `ec_carrier`   |
//! | `bridge_checkpoint`, `bridge_open`, `bridge_signers`         | `ec_anchor`    |
//! | `bridge_landed`, `bridge_scoreProof`, `bridge_historyProof`  | `ec_anchor`    |
//! | `relayer_status`, with `--relay`                             | `ec_relayer`   |
//!
//! The SDK's `sync_state` is missing: what it writes is for light clients that know BABE.

use std::sync::Arc;

use ec_anchor::{BridgeRpc, BridgeServer};
use ec_carrier::rpc::{TrustRpc, TrustServer};
use ec_consensus::{
	rpc::{Poet, PoetRpcServer},
	status::{Stats, StatusHandle},
};
use elapse_runtime::{AccountId, BlockNumber, Hash, OpaqueBlock as Block};
use jsonrpsee::RpcModule;
use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
use sc_client_api::Backend as _;
use sc_consensus_grandpa::{FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState};
use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
use sc_rpc::SubscriptionTaskExecutor;
use sc_service::error::Error;
use substrate_frame_rpc_system::{System, SystemApiServer};

use crate::service::{Backend, Client, Pool, SelectChain};

/// What the RPC answers from.
pub(crate) struct Deps {
	/// The client.
	pub(crate) client: Arc<Client>,
	/// The database.
	pub(crate) backend: Arc<Backend>,
	/// Fork choice.
	pub(crate) select_chain: SelectChain,
	/// The transaction pool.
	pub(crate) pool: Arc<Pool>,
	/// What the worker is doing.
	pub(crate) status: StatusHandle,
	/// Stale blocks seen.
	pub(crate) stats: Stats,
	/// GRANDPA's voters.
	pub(crate) authority_set: SharedAuthoritySet<Hash, BlockNumber>,
	/// GRANDPA's votes.
	pub(crate) voter_state: SharedVoterState,
	/// GRANDPA's justifications.
	pub(crate) justifications: GrandpaJustificationStream<Block>,
	/// What the relayer is doing, if there is one.
	pub(crate) relaying: Option<ec_relayer::StatusHandle>,
}

/// Makes the module, once for the server and once for calls from within.
pub(crate) fn builder(deps: Deps) -> Box<dyn Fn(SubscriptionTaskExecutor) -> Result<RpcModule<()>, Error>> {
	Box::new(move |executor| module(&deps, executor).map_err(|error| Error::Application(error.into())))
}

fn module(
	deps: &Deps,
	executor: SubscriptionTaskExecutor,
) -> Result<RpcModule<()>, jsonrpsee::core::RegisterMethodError> {
	let Deps {
		client,
		backend,
		select_chain,
		pool,
		status,
		stats,
		authority_set,
		voter_state,
		justifications,
		relaying,
	} = deps;
	let finality_proofs = FinalityProofProvider::new_for_service(backend.clone(), Some(authority_set.clone()));
	let mut module = RpcModule::new(());
	module.merge(System::new(client.clone(), pool.clone()).into_rpc())?;
	module.merge(TransactionPayment::new(client.clone()).into_rpc())?;
	module.merge(
		Grandpa::new(executor, authority_set.clone(), voter_state.clone(), justifications.clone(), finality_proofs)
			.into_rpc(),
	)?;
	module.merge(
		Poet::<_, Block, _>::new(client.clone(), select_chain.clone(), status.clone(), stats.clone()).into_rpc(),
	)?;
	module.merge(TrustRpc::<Block, _, AccountId>::new(client.clone()).into_rpc())?;
	module.merge(BridgeRpc::<Block, _, _>::new(client.clone(), backend.offchain_storage()).into_rpc())?;
	if let Some(relaying) = relaying {
		module.merge(relaying.clone().into_rpc()?)?;
	}
	Ok(module)
}
