//! A member's duties: whenever the chain draws it, its chip attests.
//!
//! At every new best block the task asks the runtime what this node's member owes. It lets its chip speak under the nonce
//! of that duty, signs, and hands the testimony to the pool. A testimony that is in no block after a while is made again:
//! it costs nothing, and its duty may have been another's on a fork.
//!
//! # Rules
//! 1. *jitter*: the chip is asked after a random while, so that it is not asked while it seals, time after time.
//! 2. *look-first*: what the chain would refuse is not shown to it: another chip than the member was admitted with, a
//!    platform that does not meet its policy. That would cost an attempt, or the member's place, and the operator is told
//!    here what is wrong.
//! 3. *one-at-a-time*: a member has one chip and one duty.

use std::{sync::Arc, time::Duration};

use codec::Codec;
use ec_tpm::TpmHandle;
use ep_poet::{AuthorityId, Hash};
use ep_tpm::{chip::Ak, verify_time};
use ep_trust::{
	api::{AttestationApi, DutyInfo, TrustApi},
	nonce, Testimony,
};
use futures::StreamExt;
use futures_timer::Delay;
use sc_client_api::BlockchainEvents;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_api::{ApiExt, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use sp_core::sr25519;
use sp_keystore::KeystorePtr;
use sp_runtime::traits::{Block as BlockT, UniqueSaturatedInto};

use crate::{platform, Metrics, LOG_TARGET};

/// How many blocks to wait for a testimony to be in a block before it is made again.
const PATIENCE: u32 = 8;
/// How long the chip is left alone, at most, after its member was drawn.
const JITTER: Duration = Duration::from_millis(800);

/// What the task works with.
pub struct DutyParams<B: BlockT, C> {
	/// The client.
	pub client: Arc<C>,
	/// Genesis hash.
	pub genesis: Hash,
	/// The keys.
	pub keystore: KeystorePtr,
	/// The pool that testimonies go to.
	pub pool: OffchainTransactionPoolFactory<B>,
	/// The chip.
	pub tpm: TpmHandle,
	/// Metrics.
	pub metrics: Metrics,
}

/// Which testimony: of whom, the block that it was drawn in, and the attempt.
type Key = (AuthorityId, Hash, u8);

/// Does a member's duties, for ever.
pub async fn do_duties<B, C, AccountId>(params: DutyParams<B, C>)
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B> + BlockchainEvents<B> + Send + Sync + 'static,
	C::Api: AttestationApi<B, AccountId> + TrustApi<B, AccountId>,
	AccountId: Codec + Send + 'static,
{
	let mut imports = params.client.import_notification_stream();
	// What was sent last, and at which height.
	let mut sent: Option<(Key, u32)> = None;
	// What was complained of last.
	let mut complained: Option<(Key, String)> = None;
	while let Some(block) = imports.next().await {
		if !block.is_new_best {
			continue;
		}
		let Some((author, duty)) = params.owed::<AccountId>() else { continue };
		let now: u32 = params.client.info().best_number.unique_saturated_into();
		// Its own block's hash is known to the chain from the next one on.
		if duty.block >= now {
			continue;
		}
		let Some(drawn_in) = params.client.hash(duty.block.into()).ok().flatten() else { continue };
		let key = (author.clone(), drawn_in, duty.attempt);
		if sent.as_ref().is_some_and(|(last, at)| *last == key && now < at.saturating_add(PATIENCE)) {
			continue;
		}
		Delay::new(JITTER.mul_f32(rand::random::<f32>())).await;
		let attested = params.attest::<AccountId>(&author, &duty, &drawn_in).await;
		params.metrics.attests(attested.is_ok());
		match attested {
			Ok(()) => {
				log::info!(
					target: LOG_TARGET,
					"attested: this member was drawn in #{} and has until #{}",
					duty.block,
					duty.until
				);
				sent = Some((key, now));
			}
			Err(why) => {
				if complained.as_ref() != Some(&(key.clone(), why.clone())) {
					log::warn!(
						target: LOG_TARGET,
						"this member was drawn in #{} and does not attest: {why}. After #{} its duty is missed, which \
						 lowers its score",
						duty.block,
						duty.lapses
					);
				}
				complained = Some((key, why));
			}
		}
	}
}

impl<B, C> DutyParams<B, C>
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B>,
{
	/// What the member whose key this node has owes at the best block.
	fn owed<AccountId>(&self) -> Option<(AuthorityId, DutyInfo)>
	where
		C::Api: AttestationApi<B, AccountId>,
		AccountId: Codec,
	{
		let at = self.client.info().best_hash;
		let api = self.client.runtime_api();
		let keys = self.keystore.sr25519_public_keys(ep_poet::KEY_TYPE);
		keys.into_iter().map(AuthorityId::from).find_map(|author| {
			let duty = api.duty(at, author.clone()).ok()??;
			Some((author, duty))
		})
	}

	async fn attest<AccountId>(&self, author: &AuthorityId, duty: &DutyInfo, drawn_in: &Hash) -> Result<(), String>
	where
		C::Api: AttestationApi<B, AccountId> + TrustApi<B, AccountId>,
		AccountId: Codec,
	{
		let nonce = nonce::duty(&self.genesis, drawn_in, author);
		let unreadable =
			|error: ep_tpm::Error| format!("the member's attestation key on chain cannot be read: {error}");
		let key = Ak::parse(&duty.ak_public).map_err(unreadable)?;
		let time = match &key {
			Ak::Tpm12(_) => None,
			Ak::Tpm20(key) => {
				let time = platform::time(&self.tpm, &nonce).await.map_err(|error| error.to_string())?;
				// Rule *look-first*.
				verify_time(key, &time.attest, &time.signature, &nonce)
					.and_then(|attested| attested.signed_under_ek(key, &duty.ek_name))
					.map_err(|rule| format!("this chip is not the one that the member was admitted with: {rule}"))?;
				Some(time)
			}
		};
		let quote = match duty.policy {
			None => None,
			Some(number) => {
				let at = self.client.info().best_hash;
				let policy = self.client.runtime_api().policy(at, number).map_err(|error| error.to_string())?;
				let policy = policy.ok_or(format!(
					"platform policy {number}, which this member's platform has to meet, is gone: choose another \
					 (`admission.choosePolicy`)"
				))?;
				let quoted = platform::quote(&self.tpm, &policy, &nonce, |_, _, quote| {
					key.verify_platform(&policy, &duty.ek_name, quote).map(|_| ())
				})
				.await;
				Some(quoted.map_err(|error| error.to_string())?)
			}
		};
		let testimony = Testimony { time, quote };
		let call = (drawn_in, duty.attempt, &testimony);
		let statement = nonce::statement(&self.genesis, author, "attest", duty.block, &call);
		let signature = self.sign(author, &statement)?;
		// Another block may have come meanwhile: the pool judges by the best.
		let at = self.client.info().best_hash;
		let mut api = self.client.runtime_api();
		api.register_extension(self.pool.offchain_transaction_pool(at));
		match api.attest(at, author.clone(), testimony, signature).map_err(|error| error.to_string())? {
			Ok(()) => Ok(()),
			Err(index) => Err(format!("the chain does not take it (error {index} of pallet-attestation)")),
		}
	}

	fn sign(&self, author: &AuthorityId, statement: &[u8; 32]) -> Result<sr25519::Signature, String> {
		let signed = self.keystore.sr25519_sign(ep_poet::KEY_TYPE, author.as_ref(), statement);
		signed.map_err(|error| error.to_string())?.ok_or("the keystore has lost its key".into())
	}
}
