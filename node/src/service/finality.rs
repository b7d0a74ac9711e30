//! How GRANDPA is set.

use std::{sync::Arc, time::Duration};

use ec_consensus::Justified;
use elapse_runtime::{BlockNumber, Hash, OpaqueBlock as Block};
use sc_consensus_grandpa::{GrandpaJustification, SharedAuthoritySet};
use sp_consensus_grandpa::GRANDPA_ENGINE_ID;

/// A justification is kept for every so many blocks, and for each that changes voters. Those that sync later, and who
/// bridge, need them; each has a signature of every voter.
pub(crate) const JUSTIFICATION_PERIOD: u32 = 512;

/// Vote for the best block itself.
///
/// The SDK's default stays two blocks behind the best and takes three quarters of the way to it: on chains with slots
/// the last block or two are often forks, and finality is in no hurry. Here forks are rare (the wait spreads authors
/// out), a vote for a block that loses costs one round in which its parent is finalised instead, and being two blocks
/// behind would by itself cost 2 T of the 1.7 T that finality may take. GRANDPA is safe under any rule.
pub(crate) const VOTING_RULE: () = ();

/// What GRANDPA is told that a message takes to reach everybody. A round lasts at least four times as long.
///
/// A twentieth of the block interval: a round then fits twice into the time between two blocks, so a block waits half a
/// round on average for the next to begin. Never below 50 ms, which is a message around the world through two peers in
/// between, and never above the SDK's 333 ms.
pub(crate) fn gossip_duration(target: Duration) -> Duration {
	(target / 20).clamp(Duration::from_millis(50), Duration::from_millis(333))
}

/// Says of a block's justifications whether the current voters prove it final.
pub(crate) fn justified(voters: SharedAuthoritySet<Hash, BlockNumber>) -> Justified<Block> {
	Arc::new(move |hash, number, proofs| {
		proofs.get(GRANDPA_ENGINE_ID).is_some_and(|proof| {
			GrandpaJustification::<Block>::decode_and_verify_finalizes(
				proof,
				(hash, number),
				voters.set_id(),
				&voters.current_authorities(),
			)
			.is_ok()
		})
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn rounds_fit_between_blocks() {
		for seconds in [1, 2, 3, 6, 12] {
			let target = Duration::from_secs(seconds);
			assert!(gossip_duration(target) * 8 <= target);
		}
	}
}
