//! The duty itself: looks every so often, and hands in what it has seen.

use std::{
	collections::{BTreeMap, BTreeSet},
	sync::Arc,
	time::Duration,
};

use ec_anchor::sign::keys;
use ep_bridge::{api::BridgeApi, Certified, Landing};
use ep_poet::Hash;
use ep_trust::anchor;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_api::{ApiExt, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use sp_core::{ecdsa, H160, H256};
use sp_keystore::KeystorePtr;
use sp_runtime::traits::{Block as BlockT, UniqueSaturatedInto};

use super::{decide, look, Metrics, Sight};
use crate::{esc::Esc, LOG_TARGET};

/// The time from look to look: three blocks of the Elastos Smart Chain. What has to be ten deep is in no hurry, and its
/// nodes are not all one's own.
const ROUND: Duration = Duration::from_secs(15);
/// The longest pause while one of its nodes does not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// How many blocks to wait for a word to be in a block before it is handed in again.
const PATIENCE: u32 = 8;

/// The chain whose checkpoints land.
pub trait Elapse: Send {
	/// Height of its best block.
	fn height(&self) -> u32;

	/// Certified checkpoints of which the signer with this address has still to say where they landed.
	///
	/// # Errors
	/// The runtime does not tell.
	fn awaited(&self, address: H160) -> Result<Vec<Certified>, String>;

	/// Hands in what a signer says.
	///
	/// # Errors
	/// The chain does not take it.
	fn attest(&self, landing: Landing, address: H160, signature: [u8; 65]) -> Result<(), String>;

	/// The newest checkpoint that is known to have landed.
	fn landed(&self) -> Option<Landing>;
}

/// The chain, as the node has it that this runs in.
pub struct Within<B: BlockT, C> {
	/// The client.
	pub client: Arc<C>,
	/// The pool that words go to.
	pub pool: OffchainTransactionPoolFactory<B>,
}

impl<B, C> Elapse for Within<B, C>
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B> + Send + Sync,
	C::Api: BridgeApi<B>,
{
	fn height(&self) -> u32 {
		self.client.info().best_number.unique_saturated_into()
	}

	fn awaited(&self, address: H160) -> Result<Vec<Certified>, String> {
		let info = self.client.info();
		// An instance of the runtime's API is for one block.
		let ask = |at| self.client.runtime_api().awaited_landings(at, address).map_err(|error| error.to_string());
		// In the finalised state, so that they stay certified; and in the best one, which the pool judges by: it may have the
		// word already.
		let (settled, waiting) = (ask(info.finalized_hash)?, ask(info.best_hash)?);
		Ok(settled.into_iter().filter(|certified| waiting.iter().any(|waits| is_same(waits, certified))).collect())
	}

	fn attest(&self, landing: Landing, address: H160, signature: [u8; 65]) -> Result<(), String> {
		let best = self.client.info().best_hash;
		let mut api = self.client.runtime_api();
		// The runtime submits to the pool through this extension.
		api.register_extension(self.pool.offchain_transaction_pool(best));
		match api.attest_landing(best, landing, address, signature).map_err(|error| error.to_string())? {
			Ok(()) => Ok(()),
			Err(index) => Err(format!("the chain does not take it (error {index} of pallet-bridge)")),
		}
	}

	fn landed(&self) -> Option<Landing> {
		self.client.runtime_api().landed(self.client.info().finalized_hash).ok().flatten()
	}
}

/// Signatures may differ, and do not matter here.
fn is_same(one: &Certified, other: &Certified) -> bool {
	one.checkpoint == other.checkpoint && one.chain == other.chain
}

/// What the task works with.
pub struct WitnessParams<E, C> {
	/// Nodes of the Elastos Smart Chain, by what to call them.
	pub esc: Vec<(String, E)>,
	/// The chain whose checkpoints land.
	pub elapse: C,
	/// Its genesis hash.
	pub genesis: H256,
	/// The keys.
	pub keystore: KeystorePtr,
	/// Metrics.
	pub metrics: Metrics,
}

/// Looks and attests, for ever.
pub async fn attest_landings<E: Esc, C: Elapse>(params: WitnessParams<E, C>) {
	let mut witness = Witness::new(params);
	loop {
		let pause = witness.round().await;
		tokio::time::sleep(pause).await;
	}
}

/// Who looks, and what it remembers.
pub struct Witness<E, C> {
	params: WitnessParams<E, C>,
	/// At which height of the best chain what was handed in last, by height of the checkpoint and key.
	sent: BTreeMap<(u64, H160), u32>,
	/// What was complained of, by height of the checkpoint.
	refused: BTreeMap<u64, String>,
	/// Nodes that do not answer.
	blind: BTreeSet<String>,
	/// For how many rounds one did not.
	rounds: u32,
	/// The newest checkpoint that is known to have landed.
	landed: Option<u64>,
	/// Whether it was said that there is no key.
	keyless: bool,
}

/// A word that is due: of which checkpoint, by which key.
type Due = (Certified, ecdsa::Public, H160);

impl<E: Esc, C: Elapse> Witness<E, C> {
	/// Makes one. It does nothing yet.
	pub fn new(params: WitnessParams<E, C>) -> Self {
		let (sent, refused, blind) = Default::default();
		Self { params, sent, refused, blind, rounds: 0, landed: None, keyless: false }
	}

	/// One look. Gives the time until the next.
	pub async fn round(&mut self) -> Duration {
		self.note_landed();
		let (now, due) = (self.params.elapse.height(), self.due());
		let mut wanted: Vec<Certified> = Vec::new();
		for (certified, ..) in &due {
			if !wanted.iter().any(|other| is_same(other, certified)) {
				wanted.push(certified.clone());
			}
		}
		self.params.metrics.awaited(wanted.len());
		self.refused.retain(|number, _| wanted.iter().any(|certified| certified.checkpoint.number == *number));
		if wanted.is_empty() {
			return ROUND;
		}
		let Some(sights) = self.ask(&wanted).await else {
			self.rounds = self.rounds.saturating_add(1);
			return (ROUND * 2u32.pow(self.rounds.min(6) - 1)).min(LONGEST_PAUSE);
		};
		self.rounds = 0;
		for certified in &wanted {
			let number = certified.checkpoint.number;
			match decide(certified, &sights) {
				Ok(landing) => {
					for (_, key, address) in due.iter().filter(|(other, ..)| is_same(other, certified)) {
						self.say(certified, landing, key, *address, now);
					}
				}
				Err(refusal) if refusal.passes() => log::trace!(target: LOG_TARGET, "#{number}: {refusal}"),
				Err(refusal) => self.complain(number, refusal.to_string()),
			}
		}
		ROUND
	}

	/// What this node's keys have still to say, and have not handed in just now.
	fn due(&mut self) -> Vec<Due> {
		let now = self.params.elapse.height();
		let keys = keys(&self.params.keystore);
		if keys.is_empty() && !self.keyless {
			log::warn!(
				target: LOG_TARGET,
				"⚓ --esc is of use to signers of checkpoints only, and this node has no anchor key yet"
			);
		}
		self.keyless = keys.is_empty();
		let (mut due, mut awaited) = (Vec::new(), BTreeSet::new());
		for (key, address) in keys {
			let checkpoints = match self.params.elapse.awaited(address) {
				Ok(checkpoints) => checkpoints,
				Err(error) => {
					log::debug!(target: LOG_TARGET, "the runtime does not tell of landings: {error}");
					return Vec::new();
				}
			};
			awaited.extend(checkpoints.iter().map(|certified| (certified.checkpoint.number, address)));
			due.extend(checkpoints.into_iter().map(|certified| (certified, key, address)));
		}
		self.sent.retain(|word, _| awaited.contains(word));
		due.retain(|(certified, _, address)| {
			let sent = self.sent.get(&(certified.checkpoint.number, *address));
			sent.is_none_or(|at| now >= at.saturating_add(PATIENCE))
		});
		due
	}

	/// Asks all nodes. `None` if one does not answer.
	async fn ask(&mut self, wanted: &[Certified]) -> Option<Vec<Sight>> {
		let looks = self.params.esc.iter().map(|(_, esc)| look(esc, wanted));
		let answers = futures::future::join_all(looks).await;
		let mut sights = Vec::new();
		for ((name, _), answer) in self.params.esc.iter().zip(answers) {
			match answer {
				Ok(sight) => {
					if self.blind.remove(name) {
						log::info!(target: LOG_TARGET, "⚓ {name} answers again");
					}
					sights.push(sight);
				}
				Err(error) => {
					if self.blind.insert(name.clone()) {
						log::warn!(
							target: LOG_TARGET,
							"⚓ this node says of no checkpoint that it landed, since {name} does not answer: {error}"
						);
					}
				}
			}
		}
		self.params.metrics.blind(self.blind.len());
		self.blind.is_empty().then_some(sights)
	}

	fn say(&mut self, certified: &Certified, landing: Landing, key: &ecdsa::Public, address: H160, now: u32) {
		let Landing { number, transaction, log, relayer } = landing;
		match self.attest(certified, landing, key, address) {
			Ok(()) => {
				self.sent.insert((number, address), now);
				self.refused.remove(&number);
				self.params.metrics.says(true);
				log::info!(
					target: LOG_TARGET,
					"⚓ Said that the checkpoint of #{number} landed: transaction {transaction:?}, event {log}, brought by \
					 {relayer:?}"
				);
			}
			Err(why) => self.complain(number, why),
		}
	}

	/// Signs what was seen and hands it in.
	fn attest(
		&self,
		certified: &Certified,
		landing: Landing,
		key: &ecdsa::Public,
		address: H160,
	) -> Result<(), String> {
		let WitnessParams { genesis, keystore, elapse, .. } = &self.params;
		let digest = landing.digest(&certified.chain, genesis);
		let signed = keystore.ecdsa_sign_prehashed(anchor::KEY_TYPE, key, &digest);
		let signature = signed.map_err(|error| error.to_string())?.ok_or("the keystore has lost its key")?;
		elapse.attest(landing, address, signature.0)
	}

	fn complain(&mut self, number: u64, why: String) {
		self.params.metrics.says(false);
		if self.refused.get(&number) != Some(&why) {
			log::warn!(target: LOG_TARGET, "⚓ this node does not say where the checkpoint of #{number} landed: {why}");
			self.refused.insert(number, why);
		}
	}

	/// Says once that a checkpoint is known to have landed.
	fn note_landed(&mut self) {
		let Some(Landing { number, relayer, .. }) = self.params.elapse.landed() else { return };
		self.params.metrics.landed(number);
		if self.landed.replace(number) != Some(number) {
			log::info!(target: LOG_TARGET, "⚓ The checkpoint of #{number} is known to have landed, brought by {relayer:?}");
		}
	}
}
