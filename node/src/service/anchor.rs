//! Anchoring on the Elastos Smart Chain, wired.

use std::{path::PathBuf, sync::Arc};

use ec_anchor::{sign_checkpoints, Metrics, SignParams};
use ec_relayer::{
	attest_landings,
	esc::Http,
	witness::{self, Within},
	WitnessParams,
};
use elapse_runtime::OpaqueBlock as Block;
use mmr_gadget::MmrGadget;
use pallet_mmr::primitives::INDEXING_PREFIX;
use sc_service::{error::Error, TaskManager};
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

/// Starts the task that tells the chain where checkpoints landed, if there is a node of the Elastos Smart Chain to look
/// through.
pub(super) fn spawn_witness(
	tasks: &TaskManager,
	urls: &[String],
	client: Arc<Client>,
	pool: Arc<Pool>,
	keystore: KeystorePtr,
	registry: Option<&Registry>,
) -> Result<(), Error> {
	if urls.is_empty() {
		return Ok(());
	}
	let esc = urls.iter().map(|url| Ok((url.clone(), Http::new(url)?)));
	let esc = esc.collect::<Result<Vec<_>, String>>().map_err(|error| Error::Other(format!("--esc: {error}")))?;
	let params = WitnessParams {
		esc,
		genesis: client.info().genesis_hash,
		elapse: Within::<Block, _> { client, pool: OffchainTransactionPoolFactory::new(pool) },
		keystore,
		metrics: witness::Metrics::new(registry),
	};
	tasks.spawn_handle().spawn("witness", Some("anchor"), attest_landings(params));
	Ok(())
}

#[cfg(test)]
mod tests {
	use codec::Encode;
	use ec_relayer::claim::{contract_key, Claim};
	use elapse_runtime::{AccountId, Balances, Bridge, Hash, Runtime, RuntimeOrigin};
	use ep_trust::Chain;
	use frame_support::traits::fungible::{Inspect, Mutate, MutateHold};
	use pallet_bridge::{Error, HoldReason, Owed};
	use sp_core::{ecdsa, Pair, H160};

	/// `elapse-relayer claim` looks for the contract where the runtime has it, and signs what the runtime takes.
	#[test]
	fn what_a_relayer_claims_is_paid_to_the_account_that_its_key_named() {
		sp_io::TestExternalities::default().execute_with(|| {
			let (place, genesis) = (Chain { id: 20, contract: H160::repeat_byte(7) }, Hash::repeat_byte(9));
			pallet_admission::AnchorChain::<Runtime>::put(place);
			pallet_poet::Genesis::<Runtime>::put(genesis);
			assert_eq!(sp_io::storage::get(&contract_key()).map(|bytes| bytes.to_vec()), Some(place.encode()));

			let (pair, account) = (ecdsa::Pair::from_seed(&[1; 32]), AccountId::new([2; 32]));
			let Claim { relayer, proof, .. } = Claim::new(&pair, &place, &genesis, account.clone());
			let (pot, reward) = (Bridge::pot(), 1_000_000_000_000_000_000);
			Balances::mint_into(&pot, 3 * reward).unwrap();
			Balances::hold(&HoldReason::Reward.into(), &pot, reward).unwrap();
			Owed::<Runtime>::insert(relayer, reward);
			let thief = AccountId::new([3; 32]);
			let stolen = Bridge::claim_rewards(RuntimeOrigin::signed(thief), relayer, proof);
			assert_eq!(stolen, Err(Error::<Runtime>::BadSignature.into()));
			assert_eq!(Bridge::claim_rewards(RuntimeOrigin::signed(account.clone()), relayer, proof), Ok(()));
			assert_eq!(Balances::balance(&account), reward);
		});
	}
}
