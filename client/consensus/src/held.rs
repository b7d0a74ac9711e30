//! Blocks that have been verified but must not be imported yet.
//!
//! Two kinds wait, in two bounded buffers outside the import queue, which is serial and must go on:
//! * *held*: blocks from the future. They are imported when they are due ([`run_held`]). Importing them early would
//!   give their author's next wait a head start; refusing them would drop the peer that only relayed them.
//! * *parked*: a third and further block of one author on one parent. It is imported only as an ancestor of a chain
//!   that is heavier than ours: the state database takes 32 blocks a height, and one equivocating author must not fill
//!   it.
//!
//! A child of a waiting block waits with it. Its parent has no state yet, so only part of it can be verified
//! (see [`plausible`]); the rest follows when both are imported. For sync all of them count as imported: had it been
//! told of an unknown parent, it would start over and fetch the same blocks again, round after round, until they are
//! due. A block lost from a buffer is fetched again once a descendant of it arrives.
//!
//! # Bounds
//! * Each buffer holds at most [`BLOCKS`] blocks and [`BYTES`] bytes of bodies.
//! * One block an (author, parent) is held; the first to come stays.
//! * When the held are too many, the farthest in the future goes first: whoever dates blocks into next week loses
//!   to everybody who is off by seconds.
//! * When the parked are too many, the oldest goes first: the newest is the one whose child sync is about to bring.

use ep_poet::{rate, rules, AuthorityId, Contestant, Hash, Lottery, Mean, Millis, Refusal, Verdict};
use futures::{
	channel::mpsc,
	future::{select, FutureExt},
	StreamExt,
};
use sc_consensus::{BlockImport, BlockImportParams as SdkParams, ImportResult, JustificationSyncLink};
use sp_runtime::traits::{Block as BlockT, Header as HeaderT};
use std::time::Duration;

use crate::{PoetLink, LOG_TARGET};

/// How far ahead of this machine's clock a block's timestamp may be, with a block every `target` milliseconds.
///
/// Clocks differ, so it cannot be nothing; what it is, a fast chip gains on top of the tenth that rule *clock* leaves it.
/// A twelfth of the interval, at most half a second, is what machines on NTP keep to with ease.
pub fn early(target: Millis) -> Millis {
	(target / 12).min(500)
}

/// Most blocks in each buffer.
pub const BLOCKS: usize = 64;
/// Most bytes of blocks in each buffer. One block always fits.
pub const BYTES: usize = 16 << 20;

/// A block that waits. `P` is the block itself, of no interest here.
#[derive(Debug)]
pub(crate) struct Entry<P> {
	pub(crate) hash: Hash,
	pub(crate) parent: Hash,
	pub(crate) author: AuthorityId,
	pub(crate) number: u64,
	pub(crate) timestamp: Millis,
	/// When it may be imported.
	pub(crate) due: Millis,
	/// What the block adds to its chain's weight.
	pub(crate) mean: Mean,
	pub(crate) bytes: usize,
	pub(crate) payload: P,
}

/// What became of a block that was to be held.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
	/// It is held; these went for it.
	Held(Vec<Hash>),
	/// Its author has another one held on that parent.
	Occupied,
	/// All others are due sooner.
	TooFar,
}

/// The two buffers.
#[derive(Debug)]
pub(crate) struct WaitingRoom<P> {
	/// Ordered by when they are due.
	held: Vec<Entry<P>>,
	/// Ordered by when they came.
	parked: Vec<Entry<P>>,
}

/// A waiting ancestor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ancestor {
	pub(crate) hash: Hash,
	pub(crate) parent: Hash,
	pub(crate) timestamp: Millis,
	pub(crate) mean: Mean,
	pub(crate) held: bool,
}

impl<P> Default for WaitingRoom<P> {
	fn default() -> Self {
		Self { held: Vec::new(), parked: Vec::new() }
	}
}

fn too_many<P>(entries: &[Entry<P>]) -> bool {
	entries.len() > BLOCKS || entries.iter().map(|e| e.bytes).sum::<usize>() > BYTES
}

impl<P> WaitingRoom<P> {
	/// Blocks held and parked.
	pub(crate) fn sizes(&self) -> (usize, usize) {
		(self.held.len(), self.parked.len())
	}

	pub(crate) fn contains(&self, hash: &Hash) -> bool {
		self.held.iter().chain(&self.parked).any(|e| e.hash == *hash)
	}

	/// Holds a block until it is due.
	pub(crate) fn hold(&mut self, entry: Entry<P>) -> Admission {
		if self.held.iter().any(|e| e.author == entry.author && e.parent == entry.parent) {
			return Admission::Occupied;
		}
		let hash = entry.hash;
		// A child is never due before its parent: its timestamp is later. See `plausible`.
		let at = self.held.partition_point(|e| e.timestamp <= entry.timestamp);
		self.held.insert(at, entry);
		let mut evicted = Vec::new();
		while too_many(&self.held) {
			evicted.extend(self.held.pop().map(|e| e.hash));
		}
		if evicted.contains(&hash) {
			Admission::TooFar
		} else {
			Admission::Held(evicted)
		}
	}

	/// Parks a surplus block. Gives the blocks that went for it.
	pub(crate) fn park(&mut self, entry: Entry<P>) -> Vec<Hash> {
		self.parked.push(entry);
		let mut evicted = Vec::new();
		while too_many(&self.parked) && self.parked.len() > 1 {
			evicted.push(self.parked.remove(0).hash);
		}
		evicted
	}

	/// When the next held block is due.
	pub(crate) fn next_due(&self) -> Option<Millis> {
		self.held.first().map(|e| e.due)
	}

	/// Takes out the next held block if it is due at `now`. Parents come before their children.
	pub(crate) fn take_due(&mut self, now: Millis) -> Option<Entry<P>> {
		let due = self.next_due().is_some_and(|due| due <= now);
		due.then(|| self.held.remove(0))
	}

	/// Takes out a parked block.
	pub(crate) fn unpark(&mut self, hash: &Hash) -> Option<Entry<P>> {
		let at = self.parked.iter().position(|e| e.hash == *hash)?;
		Some(self.parked.remove(at))
	}

	/// The waiting blocks from `hash` down to the last whose parent does not wait, that one first.
	pub(crate) fn ancestry(&self, hash: Hash) -> Vec<Ancestor> {
		let find = |hash: Hash| {
			let held = self.held.iter().map(|e| (e, true));
			let parked = self.parked.iter().map(|e| (e, false));
			held.chain(parked).find(|(e, _)| e.hash == hash).map(|(e, held)| Ancestor {
				hash,
				parent: e.parent,
				timestamp: e.timestamp,
				mean: e.mean,
				held,
			})
		};
		// Parents are hashed into their children, so there is no circle to run in.
		let mut path: Vec<_> = std::iter::successors(find(hash), |ancestor| find(ancestor.parent)).collect();
		path.reverse();
		path
	}
}

/// What can be said of a child of a waiting block from the state of its last imported ancestor.
///
/// Its lottery is known in all but the mean, which moves by at most two within a window, and the author's rate and last
/// interval, which may be a few blocks old. So what passes cost a wait of at least half the length, by a member's own
/// chip, on this very parent: nobody can fill the buffers with children out of thin air, nor make us import a parked
/// block with them. Across an epoch boundary the draw is not known yet and only the chip's signatures are checked; a
/// member that burns its membership there can unpark what it parked, once an epoch.
pub(crate) fn plausible<H: HeaderT<Hash = Hash>>(
	verdict: &Verdict<H>,
	parent_timestamp: Millis,
	height: u64,
	lottery: &Lottery,
	contestant: Option<&Contestant>,
) -> Result<(), Refusal> {
	let contestant = contestant.ok_or(Refusal::Member)?;
	let pre = &verdict.unsealed.pre_digest;
	let claim = &pre.claim;
	if claim.rate > rate::BOUND {
		return Err(Refusal::RateBound(claim.rate));
	}
	rules::clock(pre.timestamp, parent_timestamp, claim.wait)?;
	rules::fresh_start(&verdict.interval, claim.wait, claim.rate, lottery.parameters.max_slack)?;
	rules::one_timer(&verdict.interval, contestant.last.as_ref())?;
	if lottery.parameters.epoch_of(height) == lottery.epoch {
		if claim.weight != contestant.weight {
			return Err(Refusal::ClaimWeight { claimed: claim.weight, actual: contestant.weight });
		}
		if claim.mean < lottery.mean / 2 || claim.mean > lottery.mean.saturating_mul(2) {
			return Err(Refusal::ClaimMean { claimed: claim.mean, actual: lottery.mean });
		}
		let lottery = Lottery { height, mean: claim.mean, ..lottery.clone() };
		rules::draw(verdict, &lottery, contestant)?;
	}
	rules::chip(verdict, &contestant.ak_public, &contestant.ek_name)
}

/// Imports held blocks when they are due. Runs as long as the node; spawn it as an essential task.
///
/// `block_import` is the one that [`block_import`](crate::block_import) gave, or a wrapper of it.
pub async fn run_held<B, BI, L>(link: PoetLink<B>, block_import: BI, justification_sync_link: L)
where
	B: BlockT<Hash = Hash>,
	BI: BlockImport<B, Error = sp_consensus::Error>,
	L: JustificationSyncLink<B>,
{
	let Some(mut woken) = link.take_wake() else {
		log::error!(target: LOG_TARGET, "held blocks are imported by another task already");
		return;
	};
	loop {
		while let Some(entry) = link.take_due() {
			import_due(&block_import, &justification_sync_link, entry).await;
		}
		match link.until_due() {
			// The wall clock may be set while we sleep: look at it once a second.
			Some(wait) => {
				let sleep = futures_timer::Delay::new(wait.clamp(Duration::from_millis(1), Duration::from_secs(1)));
				select(sleep, woken.next()).map(drop).await;
			}
			None => {
				if woken.next().await.is_none() {
					return;
				}
			}
		}
	}
}

/// Wakes [`run_held`].
pub(crate) type Wake = mpsc::Receiver<()>;

async fn import_due<B, BI, L>(block_import: &BI, sync: &L, entry: Entry<SdkParams<B>>)
where
	B: BlockT<Hash = Hash>,
	BI: BlockImport<B, Error = sp_consensus::Error>,
	L: JustificationSyncLink<B>,
{
	let Entry { hash, number, payload, .. } = entry;
	let block_number = *payload.header.number();
	match block_import.import_block(payload).await {
		Ok(result @ ImportResult::Imported(_)) => {
			log::debug!(target: LOG_TARGET, "imported #{number} {hash:?}, which came before its time");
			result.handle_justification::<B>(&hash, block_number, sync);
		}
		Ok(other) => log::debug!(target: LOG_TARGET, "held #{number} {hash:?} came to nothing: {other:?}"),
		Err(e) => log::warn!(target: LOG_TARGET, "held #{number} {hash:?} failed: {e}"),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use sp_core::crypto::ByteArray;

	fn author(n: u8) -> AuthorityId {
		AuthorityId::from_slice(&[n; 32]).unwrap()
	}

	fn entry(tag: u8, parent: u8, by: u8, timestamp: Millis) -> Entry<()> {
		Entry {
			hash: Hash::repeat_byte(tag),
			parent: Hash::repeat_byte(parent),
			author: author(by),
			number: 1,
			timestamp,
			due: timestamp - early(6_000),
			mean: 10,
			bytes: 100,
			payload: (),
		}
	}

	#[test]
	fn a_block_may_be_a_twelfth_of_the_interval_ahead_and_half_a_second_at_most() {
		assert_eq!([1_200, 2_000, 6_000, 60_000].map(early), [100, 166, 500, 500]);
	}

	#[test]
	fn a_block_from_the_future_is_held_until_it_is_due() {
		let mut room = WaitingRoom::default();
		assert_eq!(room.hold(entry(1, 0, 1, 10_000)), Admission::Held(vec![]));
		assert!(room.contains(&Hash::repeat_byte(1)));
		assert!(room.take_due(9_499).is_none());
		assert_eq!(room.take_due(9_500).unwrap().hash, Hash::repeat_byte(1));
		assert!(room.take_due(99_999).is_none());
		assert_eq!(room.sizes(), (0, 0));
	}

	#[test]
	fn one_author_has_one_block_held_on_one_parent() {
		let mut room = WaitingRoom::default();
		room.hold(entry(1, 0, 1, 10_000));
		assert_eq!(room.hold(entry(2, 0, 1, 9_000)), Admission::Occupied);
		assert_eq!(room.hold(entry(3, 9, 1, 9_000)), Admission::Held(vec![]));
		assert_eq!(room.hold(entry(4, 0, 2, 9_000)), Admission::Held(vec![]));
	}

	#[test]
	fn the_farthest_in_the_future_goes_first() {
		let mut room = WaitingRoom::default();
		for n in 0..BLOCKS as u8 {
			assert_eq!(room.hold(entry(n, 0, n, 10_000 + u64::from(n))), Admission::Held(vec![]));
		}
		assert_eq!(room.hold(entry(200, 0, 200, 99_000)), Admission::TooFar);
		let last = Hash::repeat_byte(BLOCKS as u8 - 1);
		assert_eq!(room.hold(entry(201, 0, 201, 5_000)), Admission::Held(vec![last]));
		assert_eq!(room.sizes().0, BLOCKS);
		assert_eq!(room.take_due(5_000).unwrap().hash, Hash::repeat_byte(201));
	}

	#[test]
	fn bodies_are_bounded_in_bytes_too() {
		let mut room = WaitingRoom::default();
		let big = |tag, at| Entry { bytes: BYTES / 2 + 1, ..entry(tag, 0, tag, at) };
		assert_eq!(room.hold(big(1, 10)), Admission::Held(vec![]));
		assert_eq!(room.hold(big(2, 20)), Admission::TooFar);
		assert_eq!(room.park(big(3, 0)), vec![]);
		assert_eq!(room.park(big(4, 0)), vec![Hash::repeat_byte(3)]);
	}

	#[test]
	fn parents_are_imported_before_children() {
		let mut room = WaitingRoom::default();
		room.hold(entry(2, 1, 1, 11_000));
		room.hold(entry(1, 0, 2, 10_000));
		assert_eq!(room.take_due(20_000).unwrap().hash, Hash::repeat_byte(1));
		assert_eq!(room.take_due(20_000).unwrap().hash, Hash::repeat_byte(2));
	}

	#[test]
	fn forty_siblings_never_hold_more_than_the_buffer_and_the_newest_stays() {
		let mut room = WaitingRoom::default();
		for n in 0..200u8 {
			room.park(entry(n, 255, 1, 0));
			assert!(room.sizes().1 <= BLOCKS);
			assert!(room.contains(&Hash::repeat_byte(n)));
		}
		assert!(room.unpark(&Hash::repeat_byte(0)).is_none());
		assert_eq!(room.unpark(&Hash::repeat_byte(199)).unwrap().author, author(1));
		assert!(!room.contains(&Hash::repeat_byte(199)));
	}

	#[test]
	fn ancestry_ends_at_the_first_block_whose_parent_is_imported() {
		let mut room = WaitingRoom::default();
		room.park(entry(1, 0, 1, 5));
		room.hold(entry(2, 1, 2, 6));
		room.hold(entry(3, 2, 3, 7));
		let path = room.ancestry(Hash::repeat_byte(3));
		let tags: Vec<_> = path.iter().map(|a| (a.hash.0[0], a.held)).collect();
		assert_eq!(tags, [(1, false), (2, true), (3, true)]);
		assert_eq!(path[0].parent, Hash::repeat_byte(0));
		assert!(room.ancestry(Hash::repeat_byte(0)).is_empty());
	}
}
