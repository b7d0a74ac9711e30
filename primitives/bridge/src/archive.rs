//! What nodes keep beside the chain's state: certificates of every checkpoint and of every verdict, and what concluded in each
//! block.
//!
//! The chain writes it to nodes' offchain storage as it executes blocks, where it costs no state; whoever took a state
//! instead of executing the blocks before it has none of it of before. None of it is believed for being there: it
//! verifies like everything else.

use alloc::vec::Vec;
use ep_trust::Round;
use sp_core::H256;

/// Where the certified checkpoint of a height is: [`crate::Certified`], encoded.
pub fn certified(number: u64) -> Vec<u8> {
	key(b"elapse/bridge/certified/", &number.to_be_bytes())
}

/// Where the height of the checkpoint is that handed over to set `id`: a `u64`, encoded.
pub fn handover(id: u64) -> Vec<u8> {
	key(b"elapse/bridge/handover/", &id.to_be_bytes())
}

/// Where the rounds are that concluded in the block upon `parent`, with the roots of their committees, in order:
/// `Vec<(Round, H256)>`, encoded. A block in which none did has no entry.
pub fn concluded(parent: &H256) -> Vec<u8> {
	key(b"elapse/bridge/concluded/", parent.as_bytes())
}

/// Where the verdict is with which a round was concluded: the height of the block in which it was, and
/// [`ep_trust::SignedVerdict`], as a pair `(u64, SignedVerdict)`, encoded.
///
/// A round that was concluded on two branches has what was executed last: whoever reads this compares it with what
/// [`concluded`] says of that block.
pub fn verdict(round: Round) -> Vec<u8> {
	key(b"elapse/bridge/verdict/", &round.to_be_bytes())
}

fn key(prefix: &[u8], rest: &[u8]) -> Vec<u8> {
	[prefix, rest].concat()
}
