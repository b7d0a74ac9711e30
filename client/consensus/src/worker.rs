//! The authoring worker: waits by the chip's clock, and seals.
//!
//! # Overview
//! One task for the life of the node ([`start_poet`]). Upon each new best block it draws its wait, has the chip attest
//! the start (A1), waits, proposes so that the block is ready when the wait is over, has the chip attest the block
//! (A2), signs, records the block and imports it. What to do at any moment is decided by
//! [`schedule::decide`](crate::schedule::decide); this module does it.
//!
//! # Properties
//! * *One timer*: at most one wait is under way. A dropped A1 is never used again.
//! * *One block a parent*: at most one sealed block exists for a parent, across crashes and failed imports
//!   ([`record`](crate::record)). What is retried is that block.
//! * *Recorded first*: nobody sees a block before it is safely on disk.
//! * *Not early*: nothing is released before this machine's clock has reached the block's timestamp.
//! * *Nothing bad*: a block that does not pass every rule here is not released.
//! * *Says why*: whenever it does not author, [`StatusHandle`] holds the reason, and the log says it once.
//! * *Comes back*: no failure of chip, disk, keystore or database ends the worker; it tries again.

#[cfg(test)]
pub(crate) mod bench;
mod draw;
mod seal;
#[cfg(test)]
mod tests;
mod watch;

use std::{path::PathBuf, sync::Arc, time::Duration};

use ep_poet::{Attestation, Hash, Millis, PoetApi};
use futures_timer::Delay;
use log::debug;
use sc_client_api::BlockchainEvents;
use sc_consensus::{BlockImport, JustificationSyncLink};
use sc_telemetry::TelemetryHandle;
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_consensus::{Environment, SelectChain, SyncOracle};
use sp_inherents::CreateInherentDataProviders;
use sp_keystore::KeystorePtr;
use sp_runtime::traits::{Block as BlockT, Header as HeaderT, UniqueSaturatedInto};
use std::time::Instant;

use self::{
	draw::Wait,
	seal::Sealed,
	watch::{Stop, Watch},
};
use crate::{
	record::Record,
	schedule::{decide, Cause, ChipClock, Decision, Pace, Situation},
	status::{unix_millis, State, StatusHandle},
};

const LOG: &str = "poet";

/// How long a state is looked at again without a notification: synchronisation ends without one.
const TICK: Duration = Duration::from_secs(1);
/// Pause after something failed that another block may mend.
const RETRY: Duration = Duration::from_secs(2);
/// Pause after something failed that only time or a person mends.
const LONG_RETRY: Duration = if cfg!(test) { Duration::from_millis(200) } else { Duration::from_secs(5) };
/// First and longest pause between two questions to a chip that does not answer.
const CHIP_RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));
/// Pause after a damaged record: our last block, if it was announced, comes back from the network meanwhile.
const RECOVERY: Duration = Duration::from_secs(60);

/// A clock that attests its time: the chip.
#[async_trait::async_trait]
pub trait Timer: Send + Sync + 'static {
	/// `TPM2_GetTime` over `nonce`, or why there is no answer, as a sentence.
	async fn get_time(&self, nonce: Vec<u8>) -> Result<Attestation, String>;
	/// What there is to say about it.
	fn status(&self) -> String;
}

#[async_trait::async_trait]
impl Timer for ec_tpm::TpmHandle {
	async fn get_time(&self, nonce: Vec<u8>) -> Result<Attestation, String> {
		let answer = ec_tpm::TpmHandle::get_time(self, nonce).await.map_err(|error| error.to_string())?;
		Attestation::new(answer.attest, answer.signature)
			.ok_or_else(|| String::from("its attestation is longer than any TPM's may be"))
	}

	fn status(&self) -> String {
		ec_tpm::TpmHandle::status(self).to_string()
	}
}

/// Parameters of [`start_poet`].
pub struct StartPoetParams<C, SC, I, PF, SO, L, T, CIDP> {
	/// The client.
	pub client: Arc<C>,
	/// Which block is best.
	pub select_chain: SC,
	/// Where own blocks go: the engine's block import, around GRANDPA's.
	pub block_import: I,
	/// Makes proposers. Its own limit on the size of a block holds where `block_size_limit` is `None`.
	pub env: PF,
	/// Whether the node is catching up, or has no peers.
	pub sync_oracle: SO,
	/// Asks peers for justifications where import wants them.
	pub justification_sync_link: L,
	/// Keys of type [`ep_poet::KEY_TYPE`]: the first that is a member's is used.
	pub keystore: KeystorePtr,
	/// The chip.
	pub timer: T,
	/// Inherents besides the timestamp, which the worker sets itself: asked with the parent's hash and the block's
	/// timestamp.
	pub create_inherent_data_providers: CIDP,
	/// The file of the record of sealed blocks. It must outlive the database: keep it beside the node's keys.
	pub record_path: PathBuf,
	/// Where the worker says what it is doing.
	pub status: StatusHandle,
	/// Author without peers although there are other members.
	pub force_authoring: bool,
	/// The part of the block interval `T` that a proposer may take for a full block.
	pub max_proposal_portion: f32,
	/// Longest block in bytes; `None` for the proposer's own limit.
	pub block_size_limit: Option<usize>,
	/// Telemetry.
	pub telemetry: Option<TelemetryHandle>,
}

/// The part of `T` that a full block may take to be put together, unless told otherwise.
pub const MAX_PROPOSAL_PORTION: f32 = 2.0 / 3.0;

/// Authors blocks until the client ends. To be spawned as a blocking essential task: it writes files and signs.
pub async fn start_poet<B, C, SC, I, PF, SO, L, T, CIDP>(params: StartPoetParams<C, SC, I, PF, SO, L, T, CIDP>)
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B> + BlockchainEvents<B> + Send + Sync + 'static,
	C::Api: PoetApi<B>,
	SC: SelectChain<B> + 'static,
	I: BlockImport<B> + Send + Sync + 'static,
	PF: Environment<B> + Send + 'static,
	SO: SyncOracle + Send + Sync + 'static,
	L: JustificationSyncLink<B> + 'static,
	T: Timer,
	CIDP: CreateInherentDataProviders<B, Millis> + 'static,
{
	let watch = Watch::new(&*params.client, params.select_chain.clone());
	let record = loop {
		match Record::open(&params.record_path) {
			Ok(record) => break record,
			Err(error) => {
				params.status.set(State::RecordUnwritable { reason: error.to_string() });
				Delay::new(LONG_RETRY).await;
			}
		}
	};
	let worker = Worker {
		genesis: params.client.info().genesis_hash,
		client: params.client,
		block_import: params.block_import,
		env: params.env,
		sync_oracle: Box::new(params.sync_oracle),
		justification_sync_link: Box::new(params.justification_sync_link),
		keystore: params.keystore,
		timer: Box::new(params.timer),
		inherents: params.create_inherent_data_providers,
		record,
		status: params.status,
		force_authoring: params.force_authoring,
		max_proposal_portion: params.max_proposal_portion,
		block_size_limit: params.block_size_limit,
		telemetry: params.telemetry,
		wait: None,
		unrecorded: None,
		not_before: None,
		import_not_before: None,
		chip_failures: 0,
		clock: ChipClock::default(),
		pace: Pace::default(),
		longest_lead: Duration::from_secs(1),
		absent: None,
	};
	worker.run(watch).await;
}

struct Worker<B: BlockT, C, I, PF, CIDP> {
	genesis: Hash,
	client: Arc<C>,
	block_import: I,
	env: PF,
	sync_oracle: Box<dyn SyncOracle + Send + Sync>,
	justification_sync_link: Box<dyn JustificationSyncLink<B>>,
	keystore: KeystorePtr,
	timer: Box<dyn Timer>,
	inherents: CIDP,
	record: Record,
	status: StatusHandle,
	force_authoring: bool,
	max_proposal_portion: f32,
	block_size_limit: Option<usize>,
	telemetry: Option<TelemetryHandle>,
	/// The wait under way.
	wait: Option<Wait<B>>,
	/// A sealed block that the record did not take yet. It is the only one that may be published on its parent.
	unrecorded: Option<Sealed<B>>,
	/// Until when no wait begins, after a failure.
	not_before: Option<Instant>,
	/// Until when a recorded block is not imported again, after a failure.
	import_not_before: Option<Instant>,
	chip_failures: u32,
	clock: ChipClock,
	pace: Pace,
	longest_lead: Duration,
	/// For which epoch and keys it is known that none takes part, and why.
	absent: Option<draw::Absent>,
}

/// `instant` and `duration` later, or as good as never.
fn after(instant: Instant, duration: Duration) -> Instant {
	const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);
	instant + duration.min(NEVER)
}

fn height_of<H: HeaderT>(header: &H) -> u64 {
	(*header.number()).unique_saturated_into()
}

impl<B, C, I, PF, CIDP> Worker<B, C, I, PF, CIDP>
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B> + Send + Sync + 'static,
	C::Api: PoetApi<B>,
	I: BlockImport<B> + Send + Sync + 'static,
	PF: Environment<B> + Send + 'static,
	CIDP: CreateInherentDataProviders<B, Millis> + 'static,
{
	async fn run<SC: SelectChain<B>>(mut self, mut watch: Watch<B, SC>) {
		self.chip_status();
		if self.record.was_damaged() {
			self.status.set(State::Recovering { until: unix_millis() + RECOVERY.as_millis() as Millis });
			Delay::new(RECOVERY).await;
		}
		self.import_what_a_crash_left().await;
		while let Ok(()) | Err(Stop::Moved) = self.step(&mut watch).await {}
		debug!(target: LOG, "the client ended, and with it the author");
	}

	/// Decides what to do, and does it.
	async fn step<SC: SelectChain<B>>(&mut self, watch: &mut Watch<B, SC>) -> Result<(), Stop> {
		let now = Instant::now();
		let best = match watch.best().await {
			Ok(best) => best,
			Err(error) => {
				self.status.set(State::ChainUnreadable { reason: error.to_string() });
				return watch.until(now + RETRY).await;
			}
		};
		let hash = best.hash();
		if self.unrecorded.as_ref().is_some_and(|sealed| sealed.entry.parent != hash) {
			// Nobody ever saw it.
			self.unrecorded = None;
		}
		let hindrance = self.hindrance(&best);
		let decision = decide(&Situation {
			now,
			best: hash,
			hindered: hindrance.is_some(),
			sealed_on_best: self.unrecorded.is_some() || self.record.sealed_on(&hash).is_some(),
			not_before: self.not_before,
			plan: self.wait.as_ref().map(|wait| &wait.plan),
			lead: self.pace.lead(self.longest_lead),
		});
		match decision {
			Decision::Rest => {
				match hindrance {
					Some(state) => self.status.set(state),
					None => self.see_to_the_sealed_block(&hash).await,
				}
				watch.until(now + TICK).await
			}
			Decision::WaitUntil(instant) => watch.until(instant.min(now + TICK)).await,
			Decision::Drop(why) => {
				self.drop_wait(why);
				Ok(())
			}
			Decision::Begin => {
				self.not_before = None;
				if let Err(state) = self.begin(watch, best).await? {
					self.rest(state);
				}
				Ok(())
			}
			Decision::Propose => {
				let Some(wait) = self.wait.take() else { return Ok(()) };
				let height = wait.height;
				match self.author(watch, wait).await {
					Ok(Ok(sealed)) => {
						self.publish(sealed).await;
						Ok(())
					}
					Ok(Err(state)) => {
						self.rest(state);
						Ok(())
					}
					Err(stop) => {
						if stop == Stop::Moved {
							self.taken(height);
						}
						Err(stop)
					}
				}
			}
		}
	}

	/// Why the node must not author at all, if so.
	fn hindrance(&self, best: &B::Header) -> Option<State> {
		if self.sync_oracle.is_major_syncing() {
			Some(State::Syncing)
		} else if self.sync_oracle.is_offline() && !self.force_authoring && !self.is_alone(best.hash()) {
			Some(State::Offline)
		} else {
			None
		}
	}

	fn drop_wait(&mut self, why: Cause) {
		let Some(wait) = self.wait.take() else { return };
		match why {
			Cause::Taken => self.taken(wait.height),
			why => debug!(target: LOG, "wait for #{} dropped: {why:?}", wait.height),
		}
	}

	fn taken(&self, height: u64) {
		debug!(target: LOG, "#{height} was taken by another, wait dropped");
		self.status.update(|status| status.taken += 1);
	}

	/// Something stands in the way: says what, and tries again later.
	fn rest(&mut self, state: State) {
		let pause = match state {
			State::ChipGone { .. } | State::WaitSpoiled { .. } => {
				let (first, longest) = CHIP_RETRY;
				let pause = first.saturating_mul(1 << self.chip_failures.min(8)).min(longest);
				self.chip_failures += 1;
				pause
			}
			State::WrongChip { .. } | State::ProposalFailed { .. } => LONG_RETRY,
			_ => RETRY,
		};
		self.chip_status();
		self.wait = None;
		self.not_before = Some(after(Instant::now(), pause));
		self.status.set(state);
	}

	fn chip_status(&self) {
		let chip = self.timer.status();
		self.status.update(|status| status.chip = chip);
	}
}
