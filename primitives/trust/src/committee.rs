//! A round's committee: who has how many votes, and the one hash that stands for it.

use alloc::vec::Vec;
use binary_merkle_tree::merkle_root;
use codec::{Decode, Encode};
use sp_core::{H160, H256};
use sp_runtime::traits::Keccak256;

use crate::{
	eip712::{address, number, word, Word},
	SignedVerdict,
};

/// A committee member as a verdict sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub struct Seat {
	/// Address of its anchor key.
	pub anchor: H160,
	/// Its votes, not 0.
	pub votes: u64,
}

impl Seat {
	/// The word that stands for it: the address, four zero bytes, the votes. Contracts take seats so.
	pub fn word(&self) -> Word {
		let mut word = [0; 32];
		word[..20].copy_from_slice(self.anchor.as_bytes());
		word[24..].copy_from_slice(&self.votes.to_be_bytes());
		word
	}
}

/// The committee of a round, by ascending addresses.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Committee {
	seats: Vec<Seat>,
	expected: u64,
}

/// Why there is no such committee.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoCommittee {
	/// An address is there twice, or is zero.
	#[error("an address is zero or stands there twice")]
	Address,
	/// Somebody has no votes.
	#[error("a member has no votes")]
	Votes,
}

impl Committee {
	/// A committee that was expected to have `expected` votes. If it has more, what it has counts.
	///
	/// # Errors
	/// [`NoCommittee`].
	pub fn new(mut seats: Vec<Seat>, expected: u64) -> Result<Self, NoCommittee> {
		seats.sort();
		let twice = seats.windows(2).any(|pair| matches!(pair, [left, right] if left.anchor == right.anchor));
		if twice || seats.iter().any(|seat| seat.anchor.is_zero()) {
			return Err(NoCommittee::Address);
		}
		if seats.iter().any(|seat| seat.votes == 0) {
			return Err(NoCommittee::Votes);
		}
		let sum = seats.iter().fold(0u64, |sum, seat| sum.saturating_add(seat.votes));
		Ok(Self { seats, expected: expected.max(sum) })
	}

	/// The votes that there should be. More than two thirds of them decide, whoever has come.
	pub fn expected(&self) -> u64 {
		self.expected
	}

	/// Its members.
	pub fn seats(&self) -> &[Seat] {
		&self.seats
	}

	/// Whether `votes` are more than two thirds of what is expected.
	pub fn is_quorum(&self, votes: u64) -> bool {
		is_quorum(votes, self.expected)
	}

	/// The votes of the member with this address; 0 if there is none.
	pub fn votes_of(&self, anchor: &H160) -> u64 {
		let found = self.seats.binary_search_by_key(anchor, |seat| seat.anchor).ok();
		found.and_then(|index| self.seats.get(index)).map_or(0, |seat| seat.votes)
	}

	/// The root of the members' binary Merkle tree (Keccak-256). A leaf is
	/// `abi.encode(keccak256("elapse/committee"), round, index, address, votes)`, so that neither a leaf of another round
	/// nor one at another place is one of this.
	pub fn root(&self, round: u32) -> H256 {
		let domain = sp_crypto_hashing::keccak_256(b"elapse/committee");
		let leaf = |(index, seat): (usize, &Seat)| {
			let words =
				[word(&domain), number(round.into()), number(index as u64), address(&seat.anchor), number(seat.votes)];
			words.concat()
		};
		merkle_root::<Keccak256, _>(self.seats.iter().enumerate().map(leaf))
	}
}

/// Told of every round that a committee concludes, so that its verdict can be checked elsewhere.
pub trait OnConclude {
	/// A committee has concluded a round with this verdict, which was verified.
	fn on_conclude(signed: SignedVerdict);
}

impl OnConclude for () {
	fn on_conclude(_: SignedVerdict) {}
}

/// Whether `votes` are more than two thirds of `expected`.
pub fn is_quorum(votes: u64, expected: u64) -> bool {
	u128::from(votes) * 3 > u128::from(expected) * 2
}

#[cfg(test)]
mod tests {
	use super::*;

	fn seat(byte: u8, votes: u64) -> Seat {
		Seat { anchor: H160::repeat_byte(byte), votes }
	}

	#[test]
	fn two_thirds_are_no_quorum_and_one_more_is() {
		assert!(!is_quorum(0, 0));
		assert!(!is_quorum(2, 3) && is_quorum(3, 3));
		assert!(!is_quorum(20, 30) && is_quorum(21, 30));
		assert!(!is_quorum(u64::MAX / 3 * 2, u64::MAX) && is_quorum(u64::MAX, u64::MAX));
	}

	#[test]
	fn addresses_are_unique_and_not_zero() {
		assert_eq!(Committee::new(vec![seat(1, 1), seat(1, 2)], 9), Err(NoCommittee::Address));
		assert_eq!(Committee::new(vec![seat(0, 1)], 9), Err(NoCommittee::Address));
		assert_eq!(Committee::new(vec![seat(1, 0)], 9), Err(NoCommittee::Votes));
	}

	#[test]
	fn more_votes_than_expected_count_as_expected() {
		assert_eq!(Committee::new(vec![seat(1, 7), seat(2, 8)], 9).unwrap().expected(), 15);
		assert_eq!(Committee::new(vec![seat(1, 7)], 9).unwrap().expected(), 9);
	}

	#[test]
	fn the_root_depends_on_members_votes_and_round_and_not_on_their_order() {
		let root = |seats: &[Seat], round| Committee::new(seats.to_vec(), 9).unwrap().root(round);
		let (a, b) = (seat(1, 1), seat(2, 2));
		assert_eq!(root(&[a, b], 1), root(&[b, a], 1));
		let others = [root(&[a], 1), root(&[a, b], 2), root(&[a, seat(2, 3)], 1), root(&[a, seat(3, 2)], 1)];
		assert!(others.iter().all(|other| *other != root(&[a, b], 1)));
	}

	#[test]
	fn a_word_has_the_address_first_and_the_votes_last() {
		let expected = [[7; 20].as_slice(), &[0; 4], &[0, 0, 0, 0, 0, 0, 1, 2]].concat();
		assert_eq!(seat(7, 0x102).word()[..], expected);
	}

	#[test]
	fn votes_are_found_by_address() {
		let committee = Committee::new(vec![seat(2, 5), seat(1, 3)], 9).unwrap();
		assert_eq!([1, 2, 3].map(|byte| committee.votes_of(&H160::repeat_byte(byte))), [3, 5, 0]);
	}
}
