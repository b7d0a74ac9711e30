//! The tree of scores, kept as it changes.

use ep_bridge::{tree, ScoreProof};
use ep_poet::AuthorityId;
use frame_support::traits::Get;
use sp_core::{H160, H256};

use crate::*;

/// The row of the root.
const TOP: u8 = tree::DEPTH as u8;

impl<T: Config> Pallet<T> {
	/// A node of the tree.
	fn node(row: u8, place: u32) -> H256 {
		Nodes::<T>::get((row, place)).unwrap_or_else(|| tree::empty(row.into()))
	}

	fn put_node(row: u8, place: u32, hash: H256) {
		if hash == tree::empty(row.into()) {
			Nodes::<T>::remove((row, place));
		} else {
			Nodes::<T>::insert((row, place), hash);
		}
	}

	/// The root as it stands.
	pub fn trust_root() -> H256 {
		Self::node(TOP, 0)
	}

	/// Writes what stands at `place`, and hashes the path to the root again.
	fn climb(mut place: u32, mut hash: H256) {
		Self::put_node(0, place, hash);
		for row in 0..TOP {
			hash = tree::above(place.into(), &hash, &Self::node(row, place ^ 1));
			place /= 2;
			Self::put_node(row + 1, place, hash);
		}
	}

	fn put_leaf(place: u32, leaf: Leaf) {
		Self::climb(place, leaf.hash(place));
		LeafOf::<T>::insert(&leaf.author, place);
		Leaves::<T>::insert(place, leaf);
	}

	/// Gives a member this score, and a leaf if it has none.
	pub(crate) fn set_score(author: &AuthorityId, score: u64) {
		if let Some(place) = LeafOf::<T>::get(author) {
			Self::change_leaf(place, |leaf| {
				if leaf.score != score {
					(leaf.score, leaf.epoch) = (score, T::CurrentEpoch::get());
				}
			});
			return;
		}
		let place = LeafCount::<T>::get();
		if place >= tree::CAPACITY {
			log::error!(target: LOG_TARGET, "there is no room for the score of {author:?}");
			return;
		}
		LeafCount::<T>::put(place.saturating_add(1));
		let signer = T::Register::address(author).unwrap_or_default();
		let leaf = Leaf { author: author.clone(), score, epoch: T::CurrentEpoch::get(), signer };
		Self::put_leaf(place, leaf);
	}

	/// A member's address is another, if it has a leaf.
	pub(crate) fn set_signer(author: &AuthorityId, signer: H160) {
		if let Some(place) = LeafOf::<T>::get(author) {
			Self::change_leaf(place, |leaf| leaf.signer = signer);
		}
	}

	/// Changes a leaf. What stays as it is, is not hashed again.
	fn change_leaf(place: u32, change: impl FnOnce(&mut Leaf)) {
		let Some(before) = Leaves::<T>::get(place) else { return };
		let mut leaf = before.clone();
		change(&mut leaf);
		if leaf != before {
			Self::put_leaf(place, leaf);
		}
	}

	/// Takes a member's score away at once, if it has one.
	pub(crate) fn void_score(author: &AuthorityId) {
		if LeafOf::<T>::contains_key(author) {
			Self::set_score(author, 0);
		}
	}

	/// Takes a member's leaf out. The last leaf moves to its place.
	pub(crate) fn remove_leaf(author: &AuthorityId) {
		let Some(place) = LeafOf::<T>::take(author) else { return };
		let last = LeafCount::<T>::get().saturating_sub(1);
		LeafCount::<T>::put(last);
		let moved = Leaves::<T>::take(last);
		Self::climb(last, tree::empty(0));
		if let Some(moved) = moved.filter(|_| last != place) {
			Self::put_leaf(place, moved);
		}
	}

	/// A member's score, and the proof of it under [`Self::trust_root`].
	pub fn proven_score(author: &AuthorityId) -> Option<(u64, ScoreProof)> {
		let index = LeafOf::<T>::get(author)?;
		let leaf = Leaves::<T>::get(index)?;
		let mut siblings = [H256::zero(); tree::DEPTH as usize];
		for (row, sibling) in (0..).zip(&mut siblings) {
			*sibling = Self::node(row, (index >> row) ^ 1);
		}
		let Leaf { score, epoch, signer, .. } = leaf;
		Some((score, ScoreProof { epoch, index: index.into(), signer, siblings }))
	}
}
