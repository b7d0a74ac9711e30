//! The tree of scores: a binary Merkle tree over Keccak-256, of one depth for ever.
//!
//! A leaf is `keccak256(abi.encode(keccak256("elapse/score"), epoch, node, score, index, signer))`, where `epoch` is that in
//! which the score last changed, and `signer` the address that signs for the node on the Elastos Smart Chain: whoever shows a
//! score there can show with it who may speak for its owner. A place without a leaf is zero. An inner node is the hash of the two below it, those of empty
//! subtrees too. Leaves are dense: those below the number of leaves are taken, the others are not.
//!
//! # Rules
//! A proof shows a score under a root and a number of leaves if and only if all of these hold.
//! 1. *index*: its index is below the number of leaves.
//! 2. *root*: the leaf with all that it contains, and as many siblings as the tree is deep, have that root.
//!
//! Neither an index nor a depth can be another: the leaf contains the index, the index says on which side each sibling
//! stands, and there is no tree of another depth.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use ep_trust::eip712::{address, number};
use scale_info::TypeInfo;
use sp_core::{H160, H256};
use sp_crypto_hashing::keccak_256;

use crate::inner;

/// How deep the tree is.
pub const DEPTH: u32 = 17;
/// How many leaves it has room for.
pub const CAPACITY: u32 = 1 << DEPTH;

const DOMAIN: &[u8] = b"elapse/score";

/// A member's score, as a leaf.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct ScoreLeaf {
	/// The epoch in which the score last changed.
	pub epoch: u64,
	/// The member's key for lottery and seals.
	pub node: [u8; 32],
	/// The score.
	pub score: u64,
	/// The leaf's place.
	pub index: u64,
	/// The member's address on the Elastos Smart Chain; zero if it has none.
	pub signer: H160,
}

impl ScoreLeaf {
	/// What stands in the tree for it.
	pub fn hash(&self) -> H256 {
		let (epoch, score, index) = (number(self.epoch), number(self.score), number(self.index));
		let words = [keccak_256(DOMAIN), epoch, self.node, score, index, address(&self.signer)];
		H256(keccak_256(&words.concat()))
	}
}

/// The root of an empty subtree of this height; of the whole tree's, where it is higher than that.
pub fn empty(height: u32) -> H256 {
	let top = EMPTY[DEPTH as usize];
	EMPTY.get(height as usize).copied().unwrap_or(top)
}

/// The node above `node`, which stands at `place` in its row, and `sibling`.
pub fn above(place: u64, node: &H256, sibling: &H256) -> H256 {
	match place % 2 {
		0 => inner(node, sibling),
		_ => inner(sibling, node),
	}
}

/// The root of a tree with these hashes of leaves, made anew: for tests, and for whoever checks a tree that is kept.
pub fn root(leaves: impl IntoIterator<Item = H256>) -> H256 {
	let mut row: alloc::vec::Vec<H256> = leaves.into_iter().collect();
	for height in 0..DEPTH {
		let next = row.chunks(2).map(|pair| match pair {
			[left, right] => inner(left, right),
			[left] => inner(left, &empty(height)),
			_ => empty(height + 1),
		});
		row = next.collect();
	}
	row.first().copied().unwrap_or(empty(DEPTH))
}

/// Why a proof shows nothing, by rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
	/// Rule *index*.
	#[error("index: there is no such leaf")]
	Index,
	/// Rule *root*.
	#[error("root: leaf and siblings do not have that root")]
	Root,
}

/// What shows a member's score under the root of a checkpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct ScoreProof {
	/// The epoch in which the score last changed.
	pub epoch: u64,
	/// The leaf's place.
	pub index: u64,
	/// The member's address on the Elastos Smart Chain; zero if it has none.
	pub signer: H160,
	/// The siblings, from the leaf's up.
	pub siblings: [H256; DEPTH as usize],
}

impl ScoreProof {
	/// The root that the proof has for a member and its score.
	pub fn root(&self, node: &[u8; 32], score: u64) -> H256 {
		let leaf = ScoreLeaf { epoch: self.epoch, node: *node, score, index: self.index, signer: self.signer };
		let climb = |(place, node): (u64, H256), sibling: &H256| (place / 2, above(place, &node, sibling));
		self.siblings.iter().fold((self.index, leaf.hash()), climb).1
	}

	/// Checks the rules.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn verify(&self, node: &[u8; 32], score: u64, root: &H256, leaves: u64) -> Result<(), Refusal> {
		if self.index >= leaves.min(u64::from(CAPACITY)) {
			return Err(Refusal::Index);
		}
		if self.root(node, score) != *root {
			return Err(Refusal::Root);
		}
		Ok(())
	}
}

/// Reads a constant.
const fn hash(text: &[u8; 64]) -> H256 {
	const fn digit(byte: u8) -> u8 {
		match byte {
			b'0'..=b'9' => byte - b'0',
			_ => byte - b'a' + 10,
		}
	}
	let mut bytes = [0; 32];
	let mut at = 0;
	while at < 32 {
		bytes[at] = digit(text[2 * at]) << 4 | digit(text[2 * at + 1]);
		at += 1;
	}
	H256(bytes)
}

/// The roots of empty subtrees by height. A test makes them again.
const EMPTY: [H256; DEPTH as usize + 1] = [
	hash(b"0000000000000000000000000000000000000000000000000000000000000000"),
	hash(b"ad3228b676f7d3cd4284a5443f17f1962b36e491b30a40b2405849e597ba5fb5"),
	hash(b"b4c11951957c6f8f642c4af61cd6b24640fec6dc7fc607ee8206a99e92410d30"),
	hash(b"21ddb9a356815c3fac1026b6dec5df3124afbadb485c9ba5a3e3398a04b7ba85"),
	hash(b"e58769b32a1beaf1ea27375a44095a0d1fb664ce2dd358e7fcbfb78c26a19344"),
	hash(b"0eb01ebfc9ed27500cd4dfc979272d1f0913cc9f66540d7e8005811109e1cf2d"),
	hash(b"887c22bd8750d34016ac3c66b5ff102dacdd73f6b014e710b51e8022af9a1968"),
	hash(b"ffd70157e48063fc33c97a050f7f640233bf646cc98d9524c6b92bcf3ab56f83"),
	hash(b"9867cc5f7f196b93bae1e27e6320742445d290f2263827498b54fec539f756af"),
	hash(b"cefad4e508c098b9a7e1d8feb19955fb02ba9675585078710969d3440f5054e0"),
	hash(b"f9dc3e7fe016e050eff260334f18a5d4fe391d82092319f5964f2e2eb7c1c3a5"),
	hash(b"f8b13a49e282f609c317a833fb8d976d11517c571d1221a265d25af778ecf892"),
	hash(b"3490c6ceeb450aecdc82e28293031d10c7d73bf85e57bf041a97360aa2c5d99c"),
	hash(b"c1df82d9c4b87413eae2ef048f94b4d3554cea73d92b0f7af96e0271c691e2bb"),
	hash(b"5c67add7c6caf302256adedf7ab114da0acfe870d449a3a489f781d659e8becc"),
	hash(b"da7bce9f4e8618b6bd2f4132ce798cdc7a60e7e1460a7299e3c6342a579626d2"),
	hash(b"2733e50f526ec2fa19a22b31e8ed50f23cd1fdf94c9154ed3a7609a2f1ff981f"),
	hash(b"e1d3b5c807b281e4683cc6d6315cf95b9ade8641defcb32372f1c126e398ef7a"),
];

#[cfg(test)]
mod tests {
	use super::*;

	fn leaf(index: u64) -> ScoreLeaf {
		let signer = H160::repeat_byte(index as u8 + 0x41);
		ScoreLeaf { epoch: 7, node: [index as u8 + 1; 32], score: 1_000 + index, index, signer }
	}

	/// A tree of so many leaves, and the proof of one of them.
	fn proof(leaves: u64, index: u64) -> (H256, ScoreProof) {
		let mut siblings = [H256::zero(); DEPTH as usize];
		let mut row: Vec<H256> = (0..leaves).map(|index| leaf(index).hash()).collect();
		let mut place = index as usize;
		for (height, sibling) in (0..).zip(&mut siblings) {
			*sibling = row.get(place ^ 1).copied().unwrap_or(empty(height));
			row = row.chunks(2).map(|pair| inner(&pair[0], pair.get(1).unwrap_or(&empty(height)))).collect();
			place /= 2;
		}
		(row[0], ScoreProof { epoch: 7, index, signer: leaf(index).signer, siblings })
	}

	#[test]
	fn empty_subtrees_are_hashed_like_all_others() {
		let mut hash = H256::zero();
		for height in 0..=DEPTH {
			assert_eq!(empty(height), hash, "{height}");
			hash = inner(&hash, &hash);
		}
		assert_eq!(root([]), empty(DEPTH));
		assert_eq!(empty(DEPTH + 1), empty(DEPTH));
	}

	#[test]
	fn every_leaf_of_every_tree_is_shown() {
		for leaves in 1..20 {
			for index in 0..leaves {
				let (top, proof) = proof(leaves, index);
				assert_eq!(top, root((0..leaves).map(|index| leaf(index).hash())));
				let leaf = leaf(index);
				assert_eq!(proof.verify(&leaf.node, leaf.score, &top, leaves), Ok(()), "{index} of {leaves}");
			}
		}
	}

	#[test]
	fn index_refuses_a_leaf_beyond_the_last_whatever_else_it_shows() {
		let (top, proof) = proof(5, 4);
		let leaf = leaf(4);
		assert_eq!(proof.verify(&leaf.node, leaf.score, &top, 4), Err(Refusal::Index));
		assert_eq!(proof.verify(&leaf.node, leaf.score, &top, 0), Err(Refusal::Index));
		// The same place one turn of the tree later.
		let alias = ScoreProof { index: 4 + u64::from(CAPACITY), ..proof };
		assert_eq!(alias.verify(&leaf.node, leaf.score, &top, u64::MAX), Err(Refusal::Index));
	}

	#[test]
	fn root_refuses_another_score_member_epoch_place_signer_root_and_siblings() {
		let (top, proof) = proof(6, 3);
		let leaf = leaf(3);
		let refused = |proof: ScoreProof, node, score, top| {
			assert_eq!(proof.verify(&node, score, &top, 6), Err(Refusal::Root));
		};
		refused(proof, leaf.node, leaf.score + 1, top);
		refused(proof, [9; 32], leaf.score, top);
		refused(proof, leaf.node, leaf.score, H256::repeat_byte(1));
		refused(ScoreProof { epoch: 8, ..proof }, leaf.node, leaf.score, top);
		refused(ScoreProof { signer: H160::zero(), ..proof }, leaf.node, leaf.score, top);
		for index in [0, 1, 2, 4, 5] {
			refused(ScoreProof { index, ..proof }, leaf.node, leaf.score, top);
		}
		for at in 0..DEPTH as usize {
			let mut other = proof;
			other.siblings[at].0[31] ^= 1;
			refused(other, leaf.node, leaf.score, top);
		}
	}

	#[test]
	fn an_inner_node_is_no_leaf_and_an_empty_place_is_nobodys() {
		// A shorter proof, by a node of the second row: there is no such proof, and as a leaf it has another hash.
		let (top, proof) = proof(4, 0);
		let mut short = proof;
		short.siblings.rotate_left(1);
		short.siblings[DEPTH as usize - 1] = empty(DEPTH - 1);
		assert_ne!(short.root(&leaf(0).node, leaf(0).score), top);
		assert_ne!(ScoreLeaf::default().hash(), H256::zero());
	}
}
