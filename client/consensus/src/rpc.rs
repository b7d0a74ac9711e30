//! `poet_*` over JSON-RPC: the lottery, a block's wait certificate, the figures by author.
//!
//! | method | gives |
//! |---|---|
//! | `poet_lottery` | the lottery of the next height, this node's wait in it, and why there is none if there is none |
//! | `poet_waitCertificate` | a block's certificate, every field, and the verdict of every rule by its name |
//! | `poet_stats` | stale blocks; weight, wins, waits, rate and frequency evidence by author |
//!
//! Rates and shares are in parts per million, times in milliseconds, points in time in Unix milliseconds, bytes in
//! hexadecimal.

mod certificate;
mod stats;
#[cfg(test)]
mod tests;

pub use certificate::{AttestationView, CertificateView, ClaimView, Outcome, RuleView, TimeView, VrfView};
pub use stats::{AuthorStats, RecentView, StaleView, StatsView};

use std::{marker::PhantomData, sync::Arc};

use ep_poet::{rate::chip_wait, AuthorityId, Hash, Mean, Millis, Parameters, PoetApi, Weight};
use futures::executor::block_on;
use jsonrpsee::{
	proc_macros::rpc,
	types::{ErrorObject, ErrorObjectOwned},
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_consensus::SelectChain;
use sp_core::Bytes;
use sp_runtime::traits::{Block as BlockT, Header as HeaderT, Zero};

use crate::status::{State, Stats, StatusHandle};

/// Why a request is not answered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
	/// There is no such block here.
	#[error("block {0:?} is not known to this node")]
	UnknownBlock(Hash),
	/// Genesis has no author, hence no certificate.
	#[error("block {0:?} is genesis: nobody waited for it")]
	Genesis(Hash),
	/// The block's digests are not those of this engine.
	#[error("block {hash:?} has no wait certificate: {reason}")]
	NoCertificate {
		/// The block.
		hash: Hash,
		/// What is wrong with its digests.
		reason: String,
	},
	/// The state of the best block is not here (pruned, or a synchronisation is not that far).
	#[error("the state of block {hash:?} cannot be read: {reason}")]
	NoState {
		/// The block.
		hash: Hash,
		/// The client's words.
		reason: String,
	},
	/// The database failed.
	#[error("the database failed: {0}")]
	Database(String),
}

impl Error {
	/// The JSON-RPC error code.
	pub fn code(&self) -> i32 {
		match self {
			Self::UnknownBlock(_) => 33_001,
			Self::Genesis(_) => 33_002,
			Self::NoCertificate { .. } => 33_003,
			Self::NoState { .. } => 33_004,
			Self::Database(_) => 33_005,
		}
	}
}

impl From<Error> for ErrorObjectOwned {
	fn from(error: Error) -> Self {
		ErrorObject::owned(error.code(), error.to_string(), None::<()>)
	}
}

/// The `poet` namespace.
#[rpc(server, client, namespace = "poet")]
pub trait PoetRpc {
	/// The lottery of the next height, this node's wait in it, and why there is none if there is none.
	#[method(name = "lottery", blocking)]
	fn lottery(&self) -> Result<LotteryView, Error>;

	/// The wait certificate of block `hash`, decoded, with the verdict of every rule.
	#[method(name = "waitCertificate", blocking)]
	fn wait_certificate(&self, hash: Hash) -> Result<CertificateView, Error>;

	/// Stale blocks, and figures by author: at most 256 members from index `from` on (default 0), with what the last
	/// `recent` blocks show of them (default 256, at most 4,096).
	#[method(name = "stats", blocking)]
	fn stats(&self, from: Option<u32>, recent: Option<u32>) -> Result<StatsView, Error>;
}

/// The lottery as this node takes part in it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LotteryView {
	/// The best block by fork choice.
	pub parent: Hash,
	/// Its timestamp.
	pub parent_timestamp: Millis,
	/// The height drawn for.
	pub height: u64,
	/// Its epoch.
	pub epoch: u64,
	/// The epoch's randomness.
	pub randomness: Bytes,
	/// The local mean `M`, milliseconds times weight.
	pub mean: Mean,
	/// The chain's parameters.
	pub parameters: Parameters,
	/// The member that this node authors for, if it is one in this epoch.
	pub author: Option<AuthorityId>,
	/// Its weight.
	pub weight: Option<Weight>,
	/// Its clock rate.
	pub rate: Option<u32>,
	/// Its wait, if one is under way on this parent.
	pub wait: Option<WaitView>,
	/// What the worker is doing, by name.
	pub state: String,
	/// Since when.
	pub since: Millis,
	/// The same as a sentence.
	pub description: String,
	/// Why this node does not take part, if so.
	pub why_not_waiting: Option<String>,
	/// What the chip's driver says of it.
	pub chip: String,
	/// How long the chip took for its last attestation, in milliseconds.
	pub chip_latency: Option<f64>,
	/// Blocks sealed since the start.
	pub sealed: u64,
	/// Waits dropped since the start because another block came first.
	pub taken: u64,
	/// The last block sealed since the start.
	pub last_sealed: Option<SealedView>,
}

/// A wait under way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitView {
	/// The wait drawn, `d`.
	pub wait: Millis,
	/// What the chip has to count, `rho * d`.
	pub needed: Millis,
	/// When it began.
	pub since: Millis,
	/// When it will be over.
	pub until: Millis,
}

/// A block that this node sealed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealedView {
	/// Its height.
	pub height: u64,
	/// Its hash.
	pub hash: Hash,
	/// Milliseconds that the chip counted.
	pub counted: Millis,
	/// When.
	pub at: Millis,
}

/// Answers the `poet` namespace.
pub struct Poet<C, B, SC> {
	client: Arc<C>,
	select_chain: SC,
	status: StatusHandle,
	stats: Stats,
	totals: Mutex<Option<stats::Totals>>,
	block: PhantomData<fn() -> B>,
}

impl<C, B, SC> Poet<C, B, SC> {
	/// Over the client, fork choice, the worker's status and the counts of blocks.
	pub fn new(client: Arc<C>, select_chain: SC, status: StatusHandle, stats: Stats) -> Self {
		Self { client, select_chain, status, stats, totals: Mutex::new(None), block: PhantomData }
	}
}

impl<C, B: BlockT<Hash = Hash>, SC: SelectChain<B>> Poet<C, B, SC> {
	/// The block that the worker builds on. The client's own best block is another one for a while after finality went
	/// to a side fork.
	fn best(&self) -> Result<B::Header, Error> {
		block_on(self.select_chain.best_chain()).map_err(|error| Error::Database(error.to_string()))
	}
}

fn database(error: sp_blockchain::Error) -> Error {
	Error::Database(error.to_string())
}

fn no_state(hash: Hash) -> impl Fn(sp_api::ApiError) -> Error {
	move |error| Error::NoState { hash, reason: error.to_string() }
}

impl<C, B, SC> PoetRpcServer for Poet<C, B, SC>
where
	B: BlockT<Hash = Hash>,
	SC: SelectChain<B> + 'static,
	C: ProvideRuntimeApi<B> + HeaderBackend<B> + Send + Sync + 'static,
	C::Api: PoetApi<B>,
{
	fn lottery(&self) -> Result<LotteryView, Error> {
		let parent = self.best()?.hash();
		let status = self.status.read();
		let api = self.client.runtime_api();
		let lottery = api.lottery(parent).map_err(no_state(parent))?;
		let contestant = match &status.author {
			Some(author) => api.contestant(parent, author.clone()).map_err(no_state(parent))?,
			None => None,
		};
		let wait = match status.state {
			State::Waiting { parent: on, wait, needed, since, until, .. } if on == parent => {
				Some(WaitView { wait, needed, since, until })
			}
			_ => None,
		};
		Ok(LotteryView {
			parent,
			parent_timestamp: lottery.parent_timestamp,
			height: lottery.height,
			epoch: lottery.epoch,
			randomness: Bytes(lottery.randomness.to_vec()),
			mean: lottery.mean,
			parameters: lottery.parameters,
			weight: contestant.as_ref().map(|contestant| contestant.weight),
			rate: contestant.as_ref().map(|contestant| contestant.rate),
			author: contestant.and(status.author),
			wait,
			state: status.state.name().into(),
			since: status.since,
			description: status.state.to_string(),
			why_not_waiting: (!status.state.takes_part()).then(|| status.state.to_string()),
			chip: status.chip,
			chip_latency: status.chip_latency.map(|latency| latency.as_secs_f64() * 1e3),
			sealed: status.sealed,
			taken: status.taken,
			last_sealed: status.last_sealed.map(|sealed| SealedView {
				height: sealed.height,
				hash: sealed.hash,
				counted: sealed.counted,
				at: sealed.at,
			}),
		})
	}

	fn wait_certificate(&self, hash: Hash) -> Result<CertificateView, Error> {
		let header = self.client.header(hash).map_err(database)?.ok_or(Error::UnknownBlock(hash))?;
		if header.number().is_zero() {
			return Err(Error::Genesis(hash));
		}
		let parent = *header.parent_hash();
		certificate::judge(header, self.client.info().genesis_hash, |author| {
			let api = self.client.runtime_api();
			let read = || Ok((api.lottery(parent)?, api.contestant(parent, author.clone())?));
			read().map_err(|error: sp_api::ApiError| {
				format!("the parent's state cannot be read here, probably it is pruned: {error}")
			})
		})
		.map_err(|refusal| Error::NoCertificate { hash, reason: refusal.to_string() })
	}

	fn stats(&self, from: Option<u32>, recent: Option<u32>) -> Result<StatsView, Error> {
		self.collect(from.unwrap_or_default(), recent)
	}
}

/// `rho * d` of a claim.
pub(crate) fn needed(claim: &ep_poet::Claim) -> Millis {
	chip_wait(claim.wait, claim.rate)
}
