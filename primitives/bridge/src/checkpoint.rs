//! What the chain states of itself.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use ep_trust::{
	eip712::{self, number, word, Word},
	Chain,
};
use scale_info::TypeInfo;
use sp_core::H256;

/// A block, and what can be proven under it. All of it follows from the block's state, so that there is one checkpoint of
/// a block.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct Checkpoint {
	/// Genesis hash of the chain.
	pub genesis: H256,
	/// The lottery's epoch of the block.
	pub epoch: u64,
	/// The block's height.
	pub number: u64,
	/// Its sealed hash.
	pub block_hash: H256,
	/// The state root in its header.
	pub state_root: H256,
	/// Root of the mountain range of all blocks before it ([`crate::history`]).
	pub history_root: H256,
	/// How many these are: as many as its height.
	pub history_leaves: u64,
	/// Root of the tree of scores ([`crate::tree`]).
	pub trust_root: H256,
	/// How many leaves that has.
	pub trust_leaves: u64,
	/// Number of the set that signs this checkpoint.
	pub signers: u64,
	/// Hash of the set that signs the next one: the same set's unless it hands over.
	pub next_signers: H256,
}

const TYPE: &[u8] = b"Checkpoint(bytes32 genesis,uint64 epoch,uint64 number,bytes32 blockHash,bytes32 stateRoot,\
bytes32 historyRoot,uint64 historyLeaves,bytes32 trustRoot,uint64 trustLeaves,uint64 signers,bytes32 nextSigners)";

impl Checkpoint {
	/// `hashStruct` of EIP-712.
	pub fn hash_struct(&self) -> Word {
		let members = [
			word(&self.genesis.0),
			number(self.epoch),
			number(self.number),
			word(&self.block_hash.0),
			word(&self.state_root.0),
			word(&self.history_root.0),
			number(self.history_leaves),
			word(&self.trust_root.0),
			number(self.trust_leaves),
			number(self.signers),
			word(&self.next_signers.0),
		];
		eip712::hash_struct(TYPE, &members)
	}

	/// What signers sign, for the contract at `chain`.
	pub fn digest(&self, chain: &Chain) -> [u8; 32] {
		eip712::digest(chain, &self.hash_struct())
	}
}

/// One that differs from `checkpoint` in each of its members.
#[cfg(test)]
pub(crate) fn others(checkpoint: &Checkpoint) -> Vec<Checkpoint> {
	let hash = H256::repeat_byte(0x99);
	vec![
		Checkpoint { genesis: hash, ..checkpoint.clone() },
		Checkpoint { epoch: checkpoint.epoch + 1, ..checkpoint.clone() },
		Checkpoint { number: checkpoint.number + 1, ..checkpoint.clone() },
		Checkpoint { block_hash: hash, ..checkpoint.clone() },
		Checkpoint { state_root: hash, ..checkpoint.clone() },
		Checkpoint { history_root: hash, ..checkpoint.clone() },
		Checkpoint { history_leaves: checkpoint.history_leaves + 1, ..checkpoint.clone() },
		Checkpoint { trust_root: hash, ..checkpoint.clone() },
		Checkpoint { trust_leaves: checkpoint.trust_leaves + 1, ..checkpoint.clone() },
		Checkpoint { signers: checkpoint.signers + 1, ..checkpoint.clone() },
		Checkpoint { next_signers: hash, ..checkpoint.clone() },
	]
}

#[cfg(test)]
mod tests {
	use super::*;
	use sp_core::H160;

	#[test]
	fn every_member_is_signed_and_where_it_is_read() {
		let checkpoint = Checkpoint { number: 5, ..Default::default() };
		let chain = Chain { id: 20, contract: H160::repeat_byte(7) };
		let own = checkpoint.digest(&chain);
		assert_eq!(others(&checkpoint).len(), 11);
		for other in others(&checkpoint) {
			assert_ne!(other.digest(&chain), own, "{other:?}");
		}
		for other in [Chain { id: 21, ..chain }, Chain { contract: H160::zero(), ..chain }] {
			assert_ne!(checkpoint.digest(&other), own, "{other:?}");
		}
	}
}
