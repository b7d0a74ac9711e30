//! Signs checkpoints: at every block that becomes final, those that are open and whose signers this node's key is among.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use ep_bridge::{
	api::{BridgeApi, OpenCheckpoint},
	Checkpoint,
};
use ep_poet::Hash;
use ep_trust::anchor;
use futures::StreamExt;
use sc_client_api::BlockchainEvents;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_api::{ApiExt, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use sp_core::{ecdsa, H160};
use sp_keystore::KeystorePtr;
use sp_runtime::traits::{Block as BlockT, Header as _, UniqueSaturatedInto};

use crate::{record::Record, Metrics, LOG_TARGET};

/// How many blocks to wait for a signature to be in a block before it is handed in again. It is the same one.
const PATIENCE: u32 = 8;

/// What the task works with.
pub struct SignParams<B: BlockT, C> {
	/// The client.
	pub client: Arc<C>,
	/// Genesis hash.
	pub genesis: Hash,
	/// The keys.
	pub keystore: KeystorePtr,
	/// The pool that signatures go to.
	pub pool: OffchainTransactionPoolFactory<B>,
	/// Where signatures are remembered. Beside the keys and outside the database: it must outlive that.
	pub folder: PathBuf,
	/// Metrics.
	pub metrics: Metrics,
}

/// Why a checkpoint is not signed, by rule.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
	/// Rule *genesis*.
	#[error("genesis: it is of another chain")]
	Genesis,
	/// Rule *final*.
	#[error("final: #{0} is not final here, or is another block")]
	Final(u64),
	/// Rule *state*.
	#[error("state: the header of #{0} has another state root")]
	State(u64),
}

/// Signs, for ever.
pub async fn sign_checkpoints<B, C>(params: SignParams<B, C>)
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B> + BlockchainEvents<B> + Send + Sync + 'static,
	C::Api: BridgeApi<B>,
{
	let record = match Record::new(&params.folder) {
		Ok(record) => record,
		Err(error) => {
			log::error!(target: LOG_TARGET, "{error}. This node signs no checkpoints");
			return;
		}
	};
	let mut finality = params.client.finality_notification_stream();
	let mut signer = Signer { params, record, sent: BTreeMap::new(), refused: None, certified: None };
	while let Some(notification) = finality.next().await {
		// It holds the block's state, which is not needed for longer.
		drop(notification);
		signer.look();
	}
}

struct Signer<B: BlockT, C> {
	params: SignParams<B, C>,
	record: Record,
	/// At which height of the best chain what was handed in last, by height and key.
	sent: BTreeMap<(u64, H160), u32>,
	/// What was complained of last.
	refused: Option<(u64, String)>,
	/// The newest checkpoint that is known to be certified.
	certified: Option<u64>,
}

impl<B, C> Signer<B, C>
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B>,
	C::Api: BridgeApi<B>,
{
	/// Looks at what is open, and signs what is due.
	fn look(&mut self) {
		let info = self.params.client.info();
		let (best, now): (_, u32) = (info.best_hash, info.best_number.unique_saturated_into());
		// An instance of the runtime's API is for one block.
		let open = |at| self.params.client.runtime_api().open(at);
		let (settled, waiting) = match (open(info.finalized_hash), open(best)) {
			(Ok(settled), Ok(waiting)) => (settled, waiting),
			(Err(error), _) | (_, Err(error)) => {
				log::debug!(target: LOG_TARGET, "the runtime does not tell of checkpoints: {error}");
				return;
			}
		};
		self.params.metrics.waiting(waiting.len());
		self.note_certified(info.finalized_hash);
		self.sent.retain(|(number, _), _| settled.iter().any(|open| open.checkpoint.number == *number));
		for open in settled {
			// As the best chain has it, which the pool judges by: it may have the signature already, or the quorum.
			let Some(waits) =
				waiting.iter().find(|waits| waits.checkpoint == open.checkpoint && waits.chain == open.chain)
			else {
				continue;
			};
			for (key, address) in keys(&self.params.keystore) {
				let number = open.checkpoint.number;
				let sent = self.sent.get(&(number, address));
				if !waits.awaits(&address) || sent.is_some_and(|at| now < at.saturating_add(PATIENCE)) {
					continue;
				}
				match self.sign(&open, &key, address, best) {
					Ok(()) => {
						self.sent.insert((number, address), now);
						self.params.metrics.signs(true);
						log::info!(
							target: LOG_TARGET,
							"⚓ Signed the checkpoint of #{number} ({:?}); {} of {} by weight have before",
							open.checkpoint.block_hash,
							waits.votes,
							waits.signers.total(),
						);
					}
					Err(why) => self.complain(number, why),
				}
			}
		}
	}

	fn complain(&mut self, number: u64, why: String) {
		self.params.metrics.signs(false);
		let complaint = Some((number, why));
		if self.refused != complaint {
			if let Some((number, why)) = &complaint {
				log::warn!(target: LOG_TARGET, "this node does not sign the checkpoint of #{number}: {why}");
			}
			self.refused = complaint;
		}
	}

	/// Says once that a checkpoint has its certificate.
	fn note_certified(&mut self, at: Hash) {
		let Ok(Some(newest)) = self.params.client.runtime_api().certified(at, None) else { return };
		let number = newest.checkpoint.number;
		self.params.metrics.certified(number);
		if self.certified != Some(number) {
			self.certified = Some(number);
			log::info!(
				target: LOG_TARGET,
				"⚓ The checkpoint of #{number} is certified by {} of {} signers of set {}",
				newest.certificate.signatures.len(),
				newest.signers.len(),
				newest.checkpoint.signers,
			);
		}
	}

	/// Signs a checkpoint and hands the signature in.
	fn sign(&mut self, open: &OpenCheckpoint, key: &ecdsa::Public, address: H160, best: Hash) -> Result<(), String> {
		let checkpoint = &open.checkpoint;
		check::<B, C>(&self.params.client, &self.params.genesis, checkpoint).map_err(|rule| rule.to_string())?;
		self.record.give_word(address, checkpoint)?;
		let digest = checkpoint.digest(&open.chain);
		let signed = self.params.keystore.ecdsa_sign_prehashed(anchor::KEY_TYPE, key, &digest);
		let signature = signed.map_err(|error| error.to_string())?.ok_or("the keystore has lost its key")?;
		let number = checkpoint.number.unique_saturated_into();
		let mut api = self.params.client.runtime_api();
		// The runtime submits to the pool through this extension.
		api.register_extension(self.params.pool.offchain_transaction_pool(best));
		match api.sign(best, number, address, signature.0).map_err(|error| error.to_string())? {
			Ok(()) => Ok(()),
			Err(index) => Err(format!("the chain does not take the signature (error {index} of pallet-bridge)")),
		}
	}
}

/// The keys for the Elastos Smart Chain that a node has, with their addresses.
pub fn keys(keystore: &KeystorePtr) -> Vec<(ecdsa::Public, H160)> {
	let keys = keystore.ecdsa_public_keys(anchor::KEY_TYPE);
	keys.into_iter().filter_map(|key| Some((key, anchor::address(&key)?))).collect()
}

/// Checks a checkpoint against what is final here.
///
/// # Errors
/// The first rule that is broken.
pub fn check<B, C>(client: &C, genesis: &Hash, checkpoint: &Checkpoint) -> Result<(), Refusal>
where
	B: BlockT<Hash = Hash>,
	C: HeaderBackend<B>,
{
	if checkpoint.genesis != *genesis {
		return Err(Refusal::Genesis);
	}
	let refused = Refusal::Final(checkpoint.number);
	let finalized: u64 = client.info().finalized_number.unique_saturated_into();
	if checkpoint.number > finalized {
		return Err(refused);
	}
	let number: u32 = checkpoint.number.unique_saturated_into();
	let hash = client.hash(number.into()).ok().flatten().filter(|hash| *hash == checkpoint.block_hash);
	let header = hash.and_then(|hash| client.header(hash).ok().flatten()).ok_or(refused)?;
	if *header.state_root() != checkpoint.state_root {
		return Err(Refusal::State(checkpoint.number));
	}
	Ok(())
}

#[cfg(test)]
mod tests;
