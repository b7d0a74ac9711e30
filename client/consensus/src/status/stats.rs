//! How many blocks were sealed in vain.
//!
//! At every height one block stays; the others are stale. What a node counts is what reached it: blocks that it saw
//! arrive or sealed, not those that it fetched while catching up, among which the stale ones are missing.

use std::{collections::BTreeMap, sync::Arc};

use futures::StreamExt;
use parking_lot::Mutex;
use sc_client_api::BlockchainEvents;
use sp_consensus::BlockOrigin;
use sp_runtime::traits::{Block as BlockT, Header as HeaderT, UniqueSaturatedInto};

/// Heights that are counted over.
const HEIGHTS: usize = 4_096;

/// Blocks seen at the last heights.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stale {
	/// Heights at which blocks arrived.
	pub heights: u64,
	/// Blocks that arrived at them.
	pub blocks: u64,
}

impl Stale {
	/// Blocks that are not, or will not be, in the chain.
	pub fn stale(&self) -> u64 {
		self.blocks.saturating_sub(self.heights)
	}

	/// The share of stale blocks in parts per million; `None` before the first block.
	pub fn rate(&self) -> Option<u64> {
		self.stale().saturating_mul(1_000_000).checked_div(self.blocks)
	}
}

/// Counts blocks and heights, shared.
#[derive(Clone, Default, Debug)]
pub struct Stats(Arc<Mutex<BTreeMap<u64, u64>>>);

impl Stats {
	/// Has seen nothing.
	pub fn new() -> Self {
		Self::default()
	}

	/// Takes in a block at `height`.
	pub fn observe(&self, height: u64) {
		let mut heights = self.0.lock();
		*heights.entry(height).or_default() += 1;
		while heights.len() > HEIGHTS {
			heights.pop_first();
		}
	}

	/// What was counted.
	pub fn stale(&self) -> Stale {
		let heights = self.0.lock();
		Stale { heights: heights.len() as u64, blocks: heights.values().sum() }
	}

	/// Counts the blocks that `client` imports, until it ends. To be spawned.
	pub async fn follow<B: BlockT, C: BlockchainEvents<B>>(self, client: Arc<C>) {
		let mut imports = client.every_import_notification_stream();
		drop(client);
		while let Some(block) = imports.next().await {
			if matches!(
				block.origin,
				BlockOrigin::Own | BlockOrigin::NetworkBroadcast | BlockOrigin::ConsensusBroadcast
			) {
				self.observe((*block.header.number()).unique_saturated_into());
			}
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn siblings_are_stale() {
		let stats = Stats::new();
		assert_eq!(stats.stale().rate(), None);
		for height in [1, 2, 2, 3, 3, 3, 4, 5] {
			stats.observe(height);
		}
		assert_eq!(stats.stale(), Stale { heights: 5, blocks: 8 });
		assert_eq!(stats.stale().rate(), Some(375_000));
	}

	#[test]
	fn old_heights_are_forgotten() {
		let stats = Stats::new();
		for height in 0..HEIGHTS as u64 + 10 {
			stats.observe(height);
		}
		stats.observe(0);
		assert_eq!(stats.stale(), Stale { heights: HEIGHTS as u64, blocks: HEIGHTS as u64 });
	}
}
