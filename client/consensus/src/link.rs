//! What verifier, block import, held blocks and worker share.

use codec::Encode;
use ep_poet::{AuthorityId, Hash, Millis, Verdict};
use futures::channel::mpsc;
use parking_lot::Mutex;
use sc_consensus::BlockImportParams as SdkParams;
use sp_runtime::traits::{Block as BlockT, Header as HeaderT, UniqueSaturatedInto};
use std::{
	sync::Arc,
	time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
	equivocation::Memory,
	held::{Admission, Entry, WaitingRoom, Wake},
	metrics::Metrics,
	verifier::{Arrivals, INTERMEDIATE_KEY},
	LOG_TARGET,
};

/// Where the engine reads the wall clock, in Unix milliseconds.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// Unix milliseconds by this machine's clock; 0 where it stands before 1970.
pub fn wall_clock() -> Millis {
	let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
	u64::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

pub(crate) struct Shared<B: BlockT> {
	genesis: Hash,
	metrics: Option<Metrics>,
	clock: Clock,
	pub(crate) arrivals: Mutex<Arrivals>,
	pub(crate) room: Mutex<WaitingRoom<SdkParams<B>>>,
	pub(crate) equivocations: Mutex<Memory<B::Header>>,
	/// One import at a time: fork choice compares with the best chain and must not be overtaken between the comparison
	/// and the import. The queue, the worker and [`run_held`](crate::held::run_held) all import.
	pub(crate) importing: futures::lock::Mutex<()>,
	/// The last header of a warp proof, not imported yet. See [`block_import`](crate::block_import).
	pub(crate) proof_header: Mutex<Option<SdkParams<B>>>,
	waker: Mutex<mpsc::Sender<()>>,
	wake: Mutex<Option<Wake>>,
}

/// The state that the parts of the engine share. Cheap to clone; clones are the same.
pub struct PoetLink<B: BlockT>(pub(crate) Arc<Shared<B>>);

impl<B: BlockT> Clone for PoetLink<B> {
	fn clone(&self) -> Self {
		Self(self.0.clone())
	}
}

impl<B: BlockT<Hash = Hash>> PoetLink<B> {
	/// For the chain with this genesis.
	pub fn new(genesis: Hash, metrics: Option<Metrics>) -> Self {
		Self::with_clock(genesis, metrics, Arc::new(wall_clock))
	}

	/// The same under another clock, for tests.
	pub fn with_clock(genesis: Hash, metrics: Option<Metrics>, clock: Clock) -> Self {
		let (waker, wake) = mpsc::channel(1);
		Self(Arc::new(Shared {
			genesis,
			metrics,
			clock,
			arrivals: Default::default(),
			room: Default::default(),
			equivocations: Default::default(),
			importing: Default::default(),
			proof_header: Mutex::new(None),
			waker: Mutex::new(waker),
			wake: Mutex::new(Some(wake)),
		}))
	}

	/// Genesis hash of the chain.
	pub fn genesis(&self) -> Hash {
		self.0.genesis
	}

	/// The engine's metrics, if the node has a registry.
	pub fn metrics(&self) -> Option<&Metrics> {
		self.0.metrics.as_ref()
	}

	/// Unix milliseconds now.
	pub fn now(&self) -> Millis {
		(self.0.clock)()
	}

	/// When block `hash` was first seen here, in Unix milliseconds; `None` if it was not news when it came.
	pub fn arrival(&self, hash: &Hash) -> Option<Millis> {
		self.0.arrivals.lock().of(hash)
	}

	/// How many blocks are held and how many are parked.
	pub fn waiting(&self) -> (usize, usize) {
		self.0.room.lock().sizes()
	}

	pub(crate) fn note_arrival(&self, hash: Hash) {
		let now = self.now();
		self.0.arrivals.lock().note(hash, now);
	}

	/// Whether `hash` is held or parked.
	pub(crate) fn waits(&self, hash: &Hash) -> bool {
		self.0.room.lock().contains(hash)
	}

	/// Holds `block` until its timestamp is `early` ahead.
	pub(crate) fn hold(&self, block: SdkParams<B>, verdict: Verdict<B::Header>, early: Millis) {
		let entry = entry(block, verdict, early);
		let (hash, number, author) = (entry.hash, entry.number, entry.author.clone());
		let ahead = entry.timestamp.saturating_sub(self.now());
		if let Some(metrics) = self.metrics() {
			metrics.came_early();
		}
		match self.0.room.lock().hold(entry) {
			Admission::Held(evicted) => {
				log::info!(target: LOG_TARGET, "held #{number} {hash:?}: dated {ahead} ms ahead of our clock");
				for hash in evicted {
					log::debug!(target: LOG_TARGET, "dropped {hash:?}: blocks due sooner are held in its place");
				}
				// A full channel means that the task is being woken anyway.
				let _ = self.0.waker.lock().try_send(());
			}
			Admission::Occupied => {
				log::debug!(target: LOG_TARGET, "dropped #{number} {hash:?}: another early block by {author:?} is held");
			}
			Admission::TooFar => {
				log::debug!(target: LOG_TARGET, "dropped #{number} {hash:?}: {ahead} ms ahead, all held are due sooner");
			}
		}
		self.count_waiting();
	}

	/// Parks `block` until it has a descendant that makes it matter.
	pub(crate) fn park(&self, block: SdkParams<B>, verdict: Verdict<B::Header>) {
		let entry = entry(block, verdict, 0);
		log::debug!(
			target: LOG_TARGET,
			"parked #{} {:?}: its author {:?} has blocks enough on that parent",
			entry.number,
			entry.hash,
			entry.author,
		);
		for hash in self.0.room.lock().park(entry) {
			log::debug!(target: LOG_TARGET, "dropped {hash:?}: newer surplus blocks are parked in its place");
		}
		self.count_waiting();
	}

	/// Takes out a parked block.
	pub(crate) fn unpark(&self, hash: &Hash) -> Option<SdkParams<B>> {
		let entry = self.0.room.lock().unpark(hash);
		self.count_waiting();
		entry.map(|entry| entry.payload)
	}

	/// Takes out the next held block that is due.
	pub(crate) fn take_due(&self) -> Option<Entry<SdkParams<B>>> {
		let now = self.now();
		let entry = self.0.room.lock().take_due(now);
		if entry.is_some() {
			self.count_waiting();
		}
		entry
	}

	/// How long until the next held block is due.
	pub(crate) fn until_due(&self) -> Option<Duration> {
		let due = self.0.room.lock().next_due()?;
		Some(Duration::from_millis(due.saturating_sub(self.now())))
	}

	/// The one receiver of wake-ups; `None` if it was taken before.
	pub(crate) fn take_wake(&self) -> Option<Wake> {
		self.0.wake.lock().take()
	}

	/// The author was reported in `epoch`.
	pub(crate) fn reported(&self, author: &AuthorityId, epoch: u64) {
		self.0.equivocations.lock().reported(author, epoch);
		if let Some(metrics) = self.metrics() {
			metrics.equivocation();
		}
	}

	fn count_waiting(&self) {
		if let Some(metrics) = self.metrics() {
			let (held, parked) = self.waiting();
			metrics.waiting(held, parked);
		}
	}
}

/// `block` with its certificate put back, as it will be imported later.
fn entry<B: BlockT<Hash = Hash>>(
	mut block: SdkParams<B>,
	verdict: Verdict<B::Header>,
	early: Millis,
) -> Entry<SdkParams<B>> {
	let body: usize = block.body.iter().flatten().map(Encode::encoded_size).sum();
	let bytes = body.saturating_add(block.header.encoded_size());
	block.insert_intermediate(INTERMEDIATE_KEY, verdict.clone());
	let pre = verdict.unsealed.pre_digest;
	Entry {
		hash: verdict.hash,
		parent: *verdict.unsealed.header.parent_hash(),
		author: pre.author,
		number: (*verdict.unsealed.header.number()).unique_saturated_into(),
		timestamp: pre.timestamp,
		due: pre.timestamp.saturating_sub(early),
		mean: pre.claim.mean,
		bytes,
		payload: block,
	}
}
