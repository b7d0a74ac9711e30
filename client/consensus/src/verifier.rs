//! The stateless stage: what a header says about itself.
//!
//! Upon a block from sync, before anything is looked up:
//! 1. verify rules 1 to 8 of a wait certificate ([`ep_poet::verify_sealed`]); refuse the block, and the peer, if one is
//!    broken;
//! 2. take the seal off into the post digests, so that the runtime sees the header that it made;
//! 3. note when the block was first seen, if it is news: fork choice looks at that in a tie;
//! 4. hand the certificate, parsed, to the block import under [`INTERMEDIATE_KEY`].
//!
//! Unlike the SDK's engines this stage is skipped for nothing that passes through it: it needs no state, so blocks that
//! come with their state and blocks that fill a gap are verified as all others are. (Headers of a warp proof do not
//! pass through it.)
//!
//! # Attacks
//! A sealed header that breaks no rule here costs its forger a key pair and no chip, for who is a member is a matter of
//! state. So nothing here is remembered that such a forger could use to push out what matters: arrival times are
//! bounded, and one that is lost only makes its block untimely.

use ep_poet::{Hash, Refusal, Verdict};
use sc_consensus::{BlockImportParams as SdkParams, Verifier};
use sp_consensus::BlockOrigin;
use sp_runtime::traits::{Block as BlockT, Header as HeaderT, UniqueSaturatedInto};
use std::collections::{HashMap, VecDeque};

use crate::{error::VerifyError, PoetLink, LOG_TARGET};

/// Where the block import finds the [`Verdict`].
pub const INTERMEDIATE_KEY: &[u8] = b"poet1";

/// Verifies what needs no state.
pub struct PoetVerifier<B: BlockT> {
	link: PoetLink<B>,
}

impl<B: BlockT<Hash = Hash>> PoetVerifier<B> {
	/// For the chain of `link`.
	pub fn new(link: PoetLink<B>) -> Self {
		Self { link }
	}

	/// Verifies `block` and prepares it for the block import.
	///
	/// # Errors
	/// [`VerifyError::Refused`] with the rule that is broken.
	pub fn prepare(&self, mut block: SdkParams<B>) -> Result<SdkParams<B>, VerifyError> {
		let verdict = self.link.verify(block.header.clone())?;
		if matches!(block.origin, BlockOrigin::NetworkBroadcast | BlockOrigin::ConsensusBroadcast) {
			self.link.note_arrival(verdict.hash);
		}
		block.header = verdict.unsealed.header.clone();
		block.post_digests.push(verdict.unsealed.seal_item.clone());
		block.post_hash = Some(verdict.hash);
		block.insert_intermediate(INTERMEDIATE_KEY, verdict);
		Ok(block)
	}
}

#[async_trait::async_trait]
impl<B: BlockT<Hash = Hash>> Verifier<B> for PoetVerifier<B> {
	async fn verify(&self, block: SdkParams<B>) -> Result<SdkParams<B>, String> {
		self.prepare(block).map_err(|e| e.to_string())
	}
}

impl<B: BlockT<Hash = Hash>> PoetLink<B> {
	/// Rules 1 to 8, for a sealed header of this chain. A refusal is logged and counted.
	///
	/// # Errors
	/// As [`PoetVerifier::prepare`].
	pub fn verify(&self, sealed: B::Header) -> Result<Verdict<B::Header>, VerifyError> {
		let (hash, number) = (sealed.hash(), (*sealed.number()).unique_saturated_into());
		ep_poet::verify_sealed(sealed, self.genesis()).map_err(|refusal| {
			self.refused(hash, number, &refusal);
			VerifyError::Refused { hash, number, refusal }
		})
	}

	/// Logs and counts a refusal.
	pub(crate) fn refused(&self, hash: Hash, number: u64, refusal: &Refusal) {
		log::warn!(target: LOG_TARGET, "refused #{number} {hash:?}: {refusal}");
		if let Some(metrics) = self.metrics() {
			metrics.refused(refusal);
		}
	}
}

/// When blocks were first seen, in Unix milliseconds. Bounded: the oldest are forgotten.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
	at: HashMap<Hash, u64>,
	order: VecDeque<Hash>,
}

impl Arrivals {
	/// Arrivals remembered.
	pub(crate) const BOUND: usize = 1_024;

	/// Notes that `hash` is here at `now`, unless it was before.
	pub(crate) fn note(&mut self, hash: Hash, now: u64) {
		if self.at.contains_key(&hash) {
			return;
		}
		self.at.insert(hash, now);
		self.order.push_back(hash);
		if self.order.len() > Self::BOUND {
			if let Some(oldest) = self.order.pop_front() {
				self.at.remove(&oldest);
			}
		}
	}

	/// When `hash` was first seen.
	pub(crate) fn of(&self, hash: &Hash) -> Option<u64> {
		self.at.get(hash).copied()
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::testing::{header, Block};
	use ep_poet::digest::DigestError;

	#[test]
	fn the_first_sight_counts() {
		let mut arrivals = Arrivals::default();
		arrivals.note(Hash::zero(), 5);
		arrivals.note(Hash::zero(), 9);
		assert_eq!(arrivals.of(&Hash::zero()), Some(5));
	}

	#[test]
	fn arrivals_are_bounded_and_the_oldest_is_forgotten() {
		let mut arrivals = Arrivals::default();
		for n in 0..=Arrivals::BOUND as u64 {
			arrivals.note(Hash::from_low_u64_be(n), n);
		}
		assert_eq!(arrivals.at.len(), Arrivals::BOUND);
		assert_eq!(arrivals.of(&Hash::from_low_u64_be(0)), None);
		assert_eq!(arrivals.of(&Hash::from_low_u64_be(1)), Some(1));
	}

	#[test]
	fn digests_refuses_a_header_without_a_seal_whatever_its_origin() {
		let verifier = PoetVerifier::<Block>::new(PoetLink::new(Hash::zero(), None));
		for origin in [BlockOrigin::NetworkBroadcast, BlockOrigin::NetworkInitialSync, BlockOrigin::GapSync] {
			let header = header(1, Hash::zero(), 1);
			let refused = verifier.prepare(SdkParams::new(origin, header.clone())).err();
			let refusal = Refusal::Digests(DigestError::NoSeal);
			assert_eq!(refused, Some(VerifyError::Refused { hash: header.hash(), number: 1, refusal }));
			assert_eq!(verifier.link.arrival(&header.hash()), None);
		}
	}
}
