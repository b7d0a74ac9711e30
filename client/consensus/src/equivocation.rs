//! Catching members that seal two blocks on one parent or run two timers on one chip.
//!
//! Only certificates that were verified against the state are remembered, so only members' own blocks count, under
//! their own chip's signatures: nobody else can make us remember, or report, anything about a member. What is kept is
//! bounded: [`REMEMBERED`] certificates of each of [`AUTHORS`] authors, those heard of last.

use ep_poet::{
	equivocation::{offence, Offence},
	AuthorityId, EquivocationProof, Hash, PoetApi, Verdict,
};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_api::{ApiError, ApiExt, ProvideRuntimeApi};
use sp_runtime::traits::{Block as BlockT, Header as HeaderT};
use std::{
	collections::{HashMap, VecDeque},
	sync::Arc,
};

/// Certificates remembered of one author.
pub const REMEMBERED: usize = 8;
/// Authors remembered.
pub const AUTHORS: usize = 256;

/// Recent certificates by author.
#[derive(Debug)]
pub(crate) struct Memory<H> {
	seen: HashMap<AuthorityId, VecDeque<Verdict<H>>>,
	/// Authors in `seen`, the one heard of last at the end.
	order: VecDeque<AuthorityId>,
	/// The epoch that each was last reported for: the chain punishes once an epoch.
	reported: HashMap<AuthorityId, u64>,
}

impl<H> Default for Memory<H> {
	fn default() -> Self {
		Self { seen: HashMap::new(), order: VecDeque::new(), reported: HashMap::new() }
	}
}

fn sealed<H: HeaderT<Hash = Hash>>(verdict: &Verdict<H>) -> H {
	let mut header = verdict.unsealed.header.clone();
	header.digest_mut().push(verdict.unsealed.seal_item.clone());
	header
}

impl<H: HeaderT<Hash = Hash>> Memory<H> {
	/// Remembers a certificate that holds. Gives the proof if its author is caught by it, until it is
	/// [reported](Self::reported) in that epoch.
	pub(crate) fn note(&mut self, verdict: &Verdict<H>) -> Option<(Offence, EquivocationProof<H>)> {
		let author = &verdict.unsealed.pre_digest.author;
		if self.order.back() != Some(author) {
			self.order.retain(|known| known != author);
			self.order.push_back(author.clone());
			if self.order.len() > AUTHORS {
				if let Some(forgotten) = self.order.pop_front() {
					self.seen.remove(&forgotten);
					self.reported.remove(&forgotten);
				}
			}
		}
		let seen = self.seen.entry(author.clone()).or_default();
		// Another seal of a block that we know is no second block.
		if seen.iter().any(|other| other.unsealed.pre_seal == verdict.unsealed.pre_seal) {
			return None;
		}
		let caught = (self.reported.get(author) != Some(&verdict.unsealed.pre_digest.claim.epoch))
			.then(|| seen.iter().find_map(|other| offence(other, verdict).map(|offence| (offence, other))))
			.flatten()
			.map(|(offence, other)| {
				let proof = EquivocationProof { author: author.clone(), first: sealed(other), second: sealed(verdict) };
				(offence, proof)
			});
		seen.push_back(verdict.clone());
		if seen.len() > REMEMBERED {
			seen.pop_front();
		}
		caught
	}

	/// No more proofs about `author` in `epoch`: one is enough.
	pub(crate) fn reported(&mut self, author: &AuthorityId, epoch: u64) {
		self.reported.insert(author.clone(), epoch);
	}
}

/// Takes a proof to the chain as of a block. `false` where it proves nothing there, or nothing new.
pub(crate) type Reporter<B> =
	Arc<dyn Fn(Hash, EquivocationProof<<B as BlockT>::Header>) -> Result<bool, ApiError> + Send + Sync>;

/// Puts a proof into the transaction pool by the runtime API, at block `at`. `false` where the runtime finds that it
/// proves nothing, or nothing new.
///
/// # Errors
/// The runtime does not answer.
pub fn report<B, C>(
	client: &C,
	pool: &OffchainTransactionPoolFactory<B>,
	at: Hash,
	proof: EquivocationProof<B::Header>,
) -> Result<bool, ApiError>
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B>,
	C::Api: PoetApi<B>,
{
	let mut api = client.runtime_api();
	// The runtime submits to the pool through this extension.
	api.register_extension(pool.offchain_transaction_pool(at));
	Ok(api.submit_equivocation_report(at, proof)?.is_some())
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::testing::{verdict, Header};

	fn interval(start: u64, end: u64) -> ep_poet::Interval {
		ep_poet::Interval { reset_count: 1, restart_count: 0, start, end }
	}

	fn parent(n: u8) -> Hash {
		Hash::repeat_byte(n)
	}

	#[test]
	fn two_blocks_on_one_parent_are_caught_once() {
		let mut memory = Memory::<Header>::default();
		let (one, two) = (verdict(1, parent(1), 1, interval(0, 10)), verdict(1, parent(1), 2, interval(10, 20)));
		assert!(memory.note(&one).is_none());
		let (offence, proof) = memory.note(&two).unwrap();
		assert_eq!(offence, Offence::TwoBlocks);
		assert_eq!((proof.first.hash(), proof.second.hash()), (one.hash, two.hash));
		memory.reported(&proof.author, 0);
		assert!(memory.note(&verdict(1, parent(1), 3, interval(20, 30))).is_none());
	}

	#[test]
	fn a_report_that_failed_is_tried_again_at_the_next_offence() {
		let mut memory = Memory::<Header>::default();
		memory.note(&verdict(1, parent(1), 1, interval(0, 10)));
		assert!(memory.note(&verdict(1, parent(1), 2, interval(10, 20))).is_some());
		assert!(memory.note(&verdict(1, parent(1), 3, interval(20, 30))).is_some());
	}

	#[test]
	fn overlapping_waits_on_two_parents_are_caught() {
		let mut memory = Memory::<Header>::default();
		memory.note(&verdict(1, parent(1), 1, interval(0, 10)));
		let caught = memory.note(&verdict(1, parent(2), 2, interval(9, 20)));
		assert_eq!(caught.unwrap().0, Offence::TwoTimers);
	}

	#[test]
	fn an_honest_reorganisation_is_no_offence() {
		let mut memory = Memory::<Header>::default();
		assert!(memory.note(&verdict(1, parent(1), 1, interval(0, 10))).is_none());
		assert!(memory.note(&verdict(1, parent(2), 2, interval(10, 20))).is_none());
		assert!(memory.note(&verdict(2, parent(1), 3, interval(0, 10))).is_none(), "another author");
	}

	#[test]
	fn the_same_block_twice_is_no_offence() {
		let mut memory = Memory::<Header>::default();
		let one = verdict(1, parent(1), 1, interval(0, 10));
		assert!(memory.note(&one).is_none());
		assert!(memory.note(&one).is_none());
	}

	#[test]
	fn memory_is_bounded() {
		let mut memory = Memory::<Header>::default();
		for n in 0..50u64 {
			memory.note(&verdict(1, Hash::from_low_u64_be(n), n as u8, interval(n * 10, n * 10 + 10)));
		}
		assert_eq!(memory.seen.values().map(VecDeque::len).sum::<usize>(), REMEMBERED);
		for n in 0..=255u8 {
			memory.note(&verdict(n, parent(1), n, interval(0, 10)));
		}
		assert!(memory.seen.len() <= AUTHORS && memory.order.len() == memory.seen.len());
	}
}
