//! The history: a Merkle mountain range over Keccak-256 with a leaf for every block, as `pallet_mmr` keeps it.
//!
//! The leaf of block `i` has index `i` and is added by block `i + 1`; at block `n` there are `n` leaves. Its bytes are
//! those of its members, one behind the other, numbers big-endian, 112 in all. An inner node is the hash of the two below
//! it. The peaks are bagged from the right: `hash(bag of those to the right || peak)`.
//!
//! # Rules
//! A proof shows a leaf under a root and a number of leaves if and only if all of these hold.
//! 1. *index*: its index is below the number of leaves.
//! 2. *length*: it has as many items as index and number of leaves ask for: a peak for each mountain to the left, a
//!    sibling for each row of the leaf's own, and one bag of the mountains to the right if there are any.
//! 3. *root*: leaf and items have that root.
//!
//! Nothing of the structure is taken from the proof, so there is no other index that it fits. The number of leaves is part
//! of the rules: it comes with the root, from the checkpoint, and never with the proof.

use codec::{Decode, Encode, Error, Input, MaxEncodedLen, Output};
use ep_trust::{
	eip712::{number, word},
	Round,
};
use sp_core::H256;
use sp_crypto_hashing::keccak_256;

use crate::{inner, tree::above};

/// Bytes of a leaf.
pub const LEAF: usize = 112;

/// A block of the past, and what holds of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HistoryLeaf {
	/// Its height.
	pub number: u64,
	/// Its sealed hash.
	pub block_hash: H256,
	/// Root of the tree of scores after it ([`crate::tree`]).
	pub trust_root: H256,
	/// How many leaves that has.
	pub trust_leaves: u64,
	/// The committees that concluded their rounds in it ([`committees`]).
	pub committees: H256,
}

impl HistoryLeaf {
	/// The bytes that are hashed.
	pub fn bytes(&self) -> [u8; LEAF] {
		let mut bytes = [0; LEAF];
		bytes[..8].copy_from_slice(&self.number.to_be_bytes());
		bytes[8..40].copy_from_slice(self.block_hash.as_bytes());
		bytes[40..72].copy_from_slice(self.trust_root.as_bytes());
		bytes[72..80].copy_from_slice(&self.trust_leaves.to_be_bytes());
		bytes[80..].copy_from_slice(self.committees.as_bytes());
		bytes
	}

	/// What stands in the mountain range for it.
	pub fn hash(&self) -> H256 {
		H256(keccak_256(&self.bytes()))
	}
}

/// So that `pallet_mmr` hashes [`HistoryLeaf::bytes`].
impl Encode for HistoryLeaf {
	fn size_hint(&self) -> usize {
		LEAF
	}

	fn encode_to<T: Output + ?Sized>(&self, dest: &mut T) {
		dest.write(&self.bytes());
	}
}

impl Decode for HistoryLeaf {
	fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
		Ok(Self {
			number: u64::from_be_bytes(Decode::decode(input)?),
			block_hash: Decode::decode(input)?,
			trust_root: Decode::decode(input)?,
			trust_leaves: u64::from_be_bytes(Decode::decode(input)?),
			committees: Decode::decode(input)?,
		})
	}
}

impl MaxEncodedLen for HistoryLeaf {
	fn max_encoded_len() -> usize {
		LEAF
	}
}

/// What stands in a leaf for the rounds that were concluded in its block, in that order, and the roots of their
/// committees: `keccak256(abi.encode(round, root) || ...)`, or zero where there were none.
pub fn committees(concluded: &[(Round, H256)]) -> H256 {
	if concluded.is_empty() {
		return H256::zero();
	}
	let words = concluded.iter().flat_map(|(round, root)| [number((*round).into()), word(&root.0)]);
	H256(keccak_256(&words.flatten().collect::<alloc::vec::Vec<u8>>()))
}

/// Why a proof shows nothing, by rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
	/// Rule *index*.
	#[error("index: there is no such leaf")]
	Index,
	/// Rule *length*.
	#[error("length: there are too many items, or too few")]
	Length,
	/// Rule *root*.
	#[error("root: leaf and items do not have that root")]
	Root,
}

/// Where a leaf stands.
struct Place {
	/// Mountains to the left of its own.
	left: usize,
	/// Rows of its own mountain above it.
	height: u32,
	/// Its place in the lowest row of its mountain.
	offset: u64,
	/// Whether there are mountains to the right.
	right: bool,
}

/// Where leaf `index` stands among so many. `None` if there is no such leaf.
fn place(index: u64, leaves: u64) -> Option<Place> {
	if index >= leaves {
		return None;
	}
	let (mut left, mut begin) = (0, 0u64);
	for height in (0..u64::BITS).rev() {
		let size = 1u64 << height;
		if leaves & size == 0 {
			continue;
		}
		if index - begin < size {
			return Some(Place { left, height, offset: index - begin, right: leaves & (size - 1) != 0 });
		}
		left += 1;
		begin += size;
	}
	None
}

/// How many items the proof of a leaf has. `None` if there is no such leaf.
pub fn items(index: u64, leaves: u64) -> Option<usize> {
	let Place { left, height, right, .. } = place(index, leaves)?;
	Some(left + height as usize + usize::from(right))
}

/// Checks the rules.
///
/// # Errors
/// The first rule that is broken.
pub fn verify(leaf: &HistoryLeaf, index: u64, proof: &[H256], root: &H256, leaves: u64) -> Result<(), Refusal> {
	verify_hash(leaf.hash(), index, proof, root, leaves)
}

/// The same of a leaf that only its hash is known of.
///
/// # Errors
/// The first rule that is broken.
pub fn verify_hash(leaf: H256, index: u64, proof: &[H256], root: &H256, leaves: u64) -> Result<(), Refusal> {
	let Place { left, height, offset, right } = place(index, leaves).ok_or(Refusal::Index)?;
	if items(index, leaves) != Some(proof.len()) {
		return Err(Refusal::Length);
	}
	let (peaks, rest) = proof.split_at(left);
	let (siblings, bag) = rest.split_at(height as usize);
	let climb = |(place, node): (u64, H256), sibling: &H256| (place / 2, above(place, &node, sibling));
	let peak = siblings.iter().fold((offset, leaf), climb).1;
	let bagged = match bag.first() {
		Some(bag) if right => inner(bag, &peak),
		_ => peak,
	};
	// From the right to the left, the bag first.
	if peaks.iter().rev().fold(bagged, |bag, peak| inner(&bag, peak)) != *root {
		return Err(Refusal::Root);
	}
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;
	use sp_mmr_primitives::mmr_lib::{leaf_index_to_pos, util::MemStore, Merge, Result as MmrResult, MMR};

	/// The hashing of `pallet_mmr`.
	struct Keccak;

	impl Merge for Keccak {
		type Item = H256;

		fn merge(left: &H256, right: &H256) -> MmrResult<H256> {
			Ok(inner(left, right))
		}
	}

	const MOST: u64 = 70;

	fn leaf(index: u64) -> HistoryLeaf {
		let block_hash = H256::from_low_u64_be(index + 1_000);
		HistoryLeaf { number: index, block_hash, trust_leaves: index, ..Default::default() }
	}

	/// Root and proof as the library makes them that `pallet_mmr` uses.
	fn made(index: u64, leaves: u64) -> (H256, Vec<H256>) {
		let store = MemStore::default();
		let mut mmr = MMR::<H256, Keccak, _>::new(0, &store);
		for index in 0..leaves {
			mmr.push(leaf(index).hash()).unwrap();
		}
		let (root, proof) = (mmr.get_root().unwrap(), mmr.gen_proof(vec![leaf_index_to_pos(index)]).unwrap());
		(root, proof.proof_items().to_vec())
	}

	#[test]
	fn every_leaf_is_shown_as_the_library_proves_it() {
		for leaves in 1..=MOST {
			for index in 0..leaves {
				let (root, proof) = made(index, leaves);
				assert_eq!(verify(&leaf(index), index, &proof, &root, leaves), Ok(()), "{index} of {leaves}");
			}
		}
	}

	#[test]
	fn index_refuses_a_leaf_beyond_the_last() {
		let (root, proof) = made(4, 5);
		for (index, leaves) in [(5, 5), (u64::MAX, 5), (0, 0), (4, 4)] {
			assert_eq!(verify(&leaf(4), index, &proof, &root, leaves), Err(Refusal::Index));
			assert_eq!(items(index, leaves), None);
		}
		assert_eq!(items(u64::MAX - 1, u64::MAX), Some(63));
	}

	#[test]
	fn length_refuses_short_and_long_proofs() {
		for (index, leaves) in [(0, 1), (0, 2), (2, 3), (3, 7), (6, 7), (20, 31), (41, 42)] {
			let (root, proof) = made(index, leaves);
			let long = [proof.clone(), vec![root]].concat();
			assert_eq!(verify(&leaf(index), index, &long, &root, leaves), Err(Refusal::Length));
			if let Some((_, short)) = proof.split_last() {
				assert_eq!(verify(&leaf(index), index, short, &root, leaves), Err(Refusal::Length));
			}
		}
	}

	#[test]
	fn root_refuses_another_leaf_root_or_item() {
		for (index, leaves) in [(0, 1), (0, 2), (2, 3), (3, 7), (6, 7), (20, 31), (41, 42)] {
			let (root, proof) = made(index, leaves);
			let refused = |leaf: HistoryLeaf, proof: &[H256], root: H256| {
				assert_eq!(verify(&leaf, index, proof, &root, leaves), Err(Refusal::Root));
			};
			refused(leaf(index + 1), &proof, root);
			refused(leaf(index), &proof, H256::repeat_byte(1));
			for at in 0..proof.len() {
				let mut other = proof.clone();
				other[at].0[0] ^= 1;
				refused(leaf(index), &other, root);
			}
		}
	}

	#[test]
	fn a_proof_fits_one_index() {
		for leaves in 1..=40 {
			for index in 0..leaves {
				let (root, proof) = made(index, leaves);
				for other in 0..leaves {
					let shown = verify(&leaf(index), other, &proof, &root, leaves).is_ok();
					assert_eq!(shown, other == index, "{index} of {leaves} as {other}");
				}
			}
		}
	}

	/// So the number of leaves has to come from the checkpoint, and never with the proof.
	#[test]
	fn a_root_of_two_leaves_could_be_one_of_three() {
		let (root, proof) = made(0, 2);
		assert_eq!(verify(&leaf(0), 2, &proof, &root, 3), Ok(()));
	}

	#[test]
	fn an_inner_node_is_no_leaf() {
		let (root, proof) = made(0, 4);
		let node = inner(&leaf(0).hash(), &leaf(1).hash());
		assert_eq!(verify_hash(node, 0, &proof[1..], &root, 4), Err(Refusal::Length));
		// As the leaf of a smaller history with the same root: a leaf has 112 bytes and a node 64, so nobody has the leaf.
		assert_eq!(verify_hash(node, 0, &proof[1..], &root, 2), Ok(()));
		assert_ne!(leaf(0).bytes().len(), 64);
	}

	#[test]
	fn the_bytes_of_a_leaf_are_what_is_encoded() {
		let leaf = HistoryLeaf { trust_root: H256::repeat_byte(2), committees: H256::repeat_byte(3), ..leaf(258) };
		let bytes = leaf.encode();
		assert_eq!(bytes, leaf.bytes());
		assert_eq!(bytes[..8], [0, 0, 0, 0, 0, 0, 1, 2]);
		assert_eq!(HistoryLeaf::decode(&mut &bytes[..]), Ok(leaf));
		assert_eq!(HistoryLeaf::max_encoded_len(), bytes.len());
	}

	#[test]
	fn committees_depend_on_rounds_roots_and_order() {
		let (a, b) = ((1, H256::repeat_byte(1)), (2, H256::repeat_byte(2)));
		assert_eq!(committees(&[]), H256::zero());
		let all =
			[committees(&[a]), committees(&[b]), committees(&[a, b]), committees(&[b, a]), committees(&[(2, a.1)])];
		for (i, one) in all.iter().enumerate() {
			assert!(all[i + 1..].iter().all(|other| other != one));
		}
	}
}
