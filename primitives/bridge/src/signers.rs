//! Who signs checkpoints: addresses on the Elastos Smart Chain, with weights.
//!
//! # Rules
//! A set is one if and only if all of these hold.
//! 1. *ascending*: its addresses ascend, so that none stands there twice.
//! 2. *address*: none of them is zero, which is what a contract's recovery gives for a signature that nobody made.
//! 3. *weight*: nobody has no weight.
//! 4. *total*: the sum of the weights is a `u64`.
//!
//! The contract knows a set by its hash alone, which contains its number, its total and its order: none of these can be
//! another when the set is shown.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use ep_trust::{
	committee::is_quorum,
	eip712::{number, Word},
};
use scale_info::TypeInfo;
use sp_core::{ConstU32, H160, H256};
use sp_crypto_hashing::keccak_256;
use sp_runtime::BoundedVec;

/// Most signers in a set: the code of a contract on the Elastos Smart Chain has room for their words. `pallet_bridge`
/// has fewer.
pub const MAX_SIGNERS: u32 = 700;

const DOMAIN: &[u8] = b"elapse/signers";

/// A signer.
#[derive(
	Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct Signer {
	/// The address of its anchor key.
	pub address: H160,
	/// Its weight.
	pub weight: u64,
}

impl Signer {
	/// The word that stands for it: the address, four zero bytes, the weight.
	pub fn word(&self) -> Word {
		let mut word = [0; 32];
		word[..20].copy_from_slice(self.address.as_bytes());
		word[24..].copy_from_slice(&self.weight.to_be_bytes());
		word
	}
}

/// Why that is no set of signers, by rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoSet {
	/// Rule *ascending*.
	#[error("ascending: the signers' addresses do not ascend")]
	Ascending,
	/// Rule *address*.
	#[error("address: a signer's address is zero")]
	Address,
	/// Rule *weight*.
	#[error("weight: a signer has no weight")]
	Weight,
	/// Rule *total*.
	#[error("total: the sum of the weights is no 64-bit number")]
	Total,
	/// Words are not of 32 bytes, or not zero between address and weight.
	#[error("words: that is not the words of signers")]
	Words,
	/// There are more than [`MAX_SIGNERS`].
	#[error("there are more signers than a set may have")]
	TooMany,
}

/// A numbered set of signers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct SignerSet {
	id: u64,
	signers: BoundedVec<Signer, ConstU32<MAX_SIGNERS>>,
}

impl SignerSet {
	/// The set number `id`, of these signers in any order.
	///
	/// # Errors
	/// The rule that is broken.
	pub fn new(id: u64, mut signers: Vec<Signer>) -> Result<Self, NoSet> {
		signers.sort();
		let set = Self { id, signers: signers.try_into().map_err(|_| NoSet::TooMany)? };
		set.check()?;
		Ok(set)
	}

	/// The set number `id` whose words these are.
	///
	/// # Errors
	/// The rule that is broken. Their order is not mended.
	pub fn from_words(id: u64, words: &[u8]) -> Result<Self, NoSet> {
		let read = |word: &[u8]| -> Option<Signer> {
			let (address, rest) = word.split_first_chunk::<20>()?;
			let (between, weight) = rest.split_first_chunk::<4>()?;
			let weight = u64::from_be_bytes(weight.try_into().ok()?);
			(*between == [0; 4]).then_some(Signer { address: H160(*address), weight })
		};
		let signers: Option<Vec<Signer>> = words.chunks(32).map(read).collect();
		let signers = signers.ok_or(NoSet::Words)?.try_into().map_err(|_| NoSet::TooMany)?;
		let set = Self { id, signers };
		set.check()?;
		Ok(set)
	}

	/// Checks the rules. A set that was decoded may break them.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn check(&self) -> Result<(), NoSet> {
		let mut total = 0u64;
		let mut last: Option<H160> = None;
		for signer in &self.signers {
			if signer.address.is_zero() {
				return Err(NoSet::Address);
			}
			if last.is_some_and(|last| signer.address <= last) {
				return Err(NoSet::Ascending);
			}
			if signer.weight == 0 {
				return Err(NoSet::Weight);
			}
			total = total.checked_add(signer.weight).ok_or(NoSet::Total)?;
			last = Some(signer.address);
		}
		Ok(())
	}

	/// Its number. The set of genesis has 0.
	pub fn id(&self) -> u64 {
		self.id
	}

	/// The signers, by ascending addresses.
	pub fn signers(&self) -> &[Signer] {
		&self.signers
	}

	/// How many there are.
	pub fn len(&self) -> usize {
		self.signers.len()
	}

	/// Whether there are none. Nobody can sign for such a set.
	pub fn is_empty(&self) -> bool {
		self.signers.is_empty()
	}

	/// The sum of their weights.
	pub fn total(&self) -> u64 {
		self.signers.iter().fold(0, |sum, signer| sum.saturating_add(signer.weight))
	}

	/// Whether `votes` are more than two thirds of the total.
	pub fn is_quorum(&self, votes: u64) -> bool {
		is_quorum(votes, self.total())
	}

	/// The place of an address.
	pub fn position(&self, address: &H160) -> Option<usize> {
		self.signers.binary_search_by_key(address, |signer| signer.address).ok()
	}

	/// Their words, one behind the other: `signers` of the contract's `submit`.
	pub fn words(&self) -> Vec<u8> {
		self.signers.iter().flat_map(Signer::word).collect()
	}

	/// The one hash that stands for the set:
	/// `keccak256(abi.encode(keccak256("elapse/signers"), id, total) || words)`.
	pub fn hash(&self) -> H256 {
		let mut bytes = [keccak_256(DOMAIN), number(self.id), number(self.total())].concat();
		bytes.extend(self.words());
		H256(keccak_256(&bytes))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn signer(byte: u8, weight: u64) -> Signer {
		Signer { address: H160::repeat_byte(byte), weight }
	}

	/// As whoever encodes a set may have it.
	fn raw(signers: &[Signer]) -> SignerSet {
		SignerSet { id: 1, signers: signers.to_vec().try_into().unwrap() }
	}

	#[test]
	fn signers_stand_in_order_whatever_order_they_came_in() {
		let set = SignerSet::new(3, vec![signer(2, 5), signer(1, 7)]).unwrap();
		assert_eq!((set.id(), set.total(), set.len()), (3, 12, 2));
		assert_eq!(set.signers(), [signer(1, 7), signer(2, 5)]);
		assert_eq!([1, 2, 3].map(|byte| set.position(&H160::repeat_byte(byte))), [Some(0), Some(1), None]);
		assert!(!set.is_quorum(8) && set.is_quorum(9));
		let none = SignerSet::new(0, vec![]).unwrap();
		assert!(none.is_empty() && !none.is_quorum(0));
	}

	#[test]
	fn ascending_refuses_disorder_and_an_address_that_stands_there_twice() {
		assert_eq!(SignerSet::new(1, vec![signer(1, 1), signer(1, 2)]), Err(NoSet::Ascending));
		assert_eq!(raw(&[signer(2, 1), signer(1, 1)]).check(), Err(NoSet::Ascending));
	}

	#[test]
	fn address_refuses_zero() {
		assert_eq!(SignerSet::new(1, vec![signer(0, 1), signer(1, 2)]), Err(NoSet::Address));
	}

	#[test]
	fn weight_refuses_nothing() {
		assert_eq!(SignerSet::new(1, vec![signer(1, 0)]), Err(NoSet::Weight));
	}

	#[test]
	fn total_refuses_what_a_contract_would_count_round() {
		assert_eq!(SignerSet::new(1, vec![signer(1, u64::MAX), signer(2, 1)]), Err(NoSet::Total));
		assert!(SignerSet::new(1, vec![signer(1, u64::MAX - 1), signer(2, 1)]).is_ok());
	}

	#[test]
	fn words_are_read_as_they_are_written() {
		let set = SignerSet::new(3, vec![signer(2, 5), signer(1, u64::MAX - 5)]).unwrap();
		let words = set.words();
		assert_eq!(SignerSet::from_words(3, &words), Ok(set));
		assert_eq!(SignerSet::from_words(3, &[]), SignerSet::new(3, vec![]));
		assert_eq!(SignerSet::from_words(3, &words[..63]), Err(NoSet::Words));
		let mut dirty = words.clone();
		dirty[20] = 1;
		assert_eq!(SignerSet::from_words(3, &dirty), Err(NoSet::Words));
		let swapped = [&words[32..], &words[..32]].concat();
		assert_eq!(SignerSet::from_words(3, &swapped), Err(NoSet::Ascending));
	}

	#[test]
	fn a_set_has_an_end() {
		let many = |count: u32| {
			let address = |n: u32| H160::from_low_u64_be(u64::from(n) + 1);
			SignerSet::new(1, (0..count).map(|n| Signer { address: address(n), weight: 1 }).collect())
		};
		assert!(many(MAX_SIGNERS).is_ok());
		assert_eq!(many(MAX_SIGNERS + 1), Err(NoSet::TooMany));
	}

	#[test]
	fn the_hash_depends_on_number_addresses_and_weights() {
		let hash = |id, signers: &[Signer]| SignerSet::new(id, signers.to_vec()).unwrap().hash();
		let (a, b) = (signer(1, 1), signer(2, 2));
		let own = hash(1, &[a, b]);
		for other in [hash(2, &[a, b]), hash(1, &[a]), hash(1, &[a, signer(2, 3)]), hash(1, &[a, signer(3, 2)])] {
			assert_ne!(own, other);
		}
	}
}
