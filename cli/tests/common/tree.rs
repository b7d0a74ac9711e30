//! A small tree of scores, and proofs of its leaves.

use ep_bridge::{inner, tree, ScoreLeaf, ScoreProof};
use sp_core::{H160, H256};

/// How many leaves it has.
pub(super) const LEAVES: u64 = 5;

/// One of them.
pub(super) fn leaf(index: u64) -> ScoreLeaf {
	let signer = H160::repeat_byte(index as u8 + 1);
	ScoreLeaf { epoch: 7, node: [index as u8 + 1; 32], score: 500_000 + index, index, signer }
}

/// The root, and the proof of one of them.
pub(super) fn proof(index: u64) -> (H256, ScoreProof) {
	let mut row: Vec<H256> = (0..LEAVES).map(|index| leaf(index).hash()).collect();
	let mut place = index as usize;
	let siblings = std::array::from_fn(|height| {
		let empty = tree::empty(height as u32);
		let sibling = row.get(place ^ 1).copied().unwrap_or(empty);
		row = row.chunks(2).map(|pair| inner(&pair[0], pair.get(1).unwrap_or(&empty))).collect();
		place /= 2;
		sibling
	});
	let ScoreLeaf { epoch, signer, .. } = leaf(index);
	(row[0], ScoreProof { epoch, index, signer, siblings })
}
