//! What the pallet stores, and what it asks of others.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use ep_bridge::{tree, Checkpoint, CompactSignature, NoSet, ScoreLeaf, Signer, SignerSet, MAX_SIGNERS};
use ep_poet::AuthorityId;
use ep_trust::Chain;
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::{ConstU32, H160, H256};
use sp_runtime::BoundedVec;

/// How often; governed.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	TypeInfo,
	MaxEncodedLen,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameters {
	/// Blocks from one checkpoint to the next, but for handovers.
	pub interval: u32,
}

/// Ten minutes at a block every 6 s: what a checkpoint costs on the Elastos Smart Chain is worth that.
impl Default for Parameters {
	fn default() -> Self {
		Self { interval: 100 }
	}
}

impl Parameters {
	/// Whether they can work at all.
	///
	/// # Errors
	/// What cannot.
	pub fn check(&self) -> Result<(), &'static str> {
		match self.interval {
			0 => Err("there is a block at least between two checkpoints"),
			_ => Ok(()),
		}
	}
}

/// A validator who can sign.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Validator {
	/// The member.
	pub author: AuthorityId,
	/// The address of its anchor key.
	pub address: H160,
	/// Its weight in this epoch, not 0.
	pub weight: u64,
}

/// Who validates, and where the contract is.
pub trait Register {
	/// The session's validators who have an address and weight, in any order, at most as many as sign.
	fn validators() -> Vec<Validator>;

	/// A member's address.
	fn address(author: &AuthorityId) -> Option<H160>;

	/// Whose address it is.
	fn owner(address: &H160) -> Option<AuthorityId>;

	/// The contract that checkpoints are signed for.
	fn contract() -> Chain;
}

/// The history, as `pallet_mmr` keeps it.
pub trait History {
	/// Its root.
	fn root() -> H256;

	/// How many leaves it has.
	fn leaves() -> u64;
}

/// A set of signers, and who they are.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Set {
	/// The signers.
	pub signers: SignerSet,
	/// The members, in the order of the signers.
	pub authors: BoundedVec<AuthorityId, ConstU32<MAX_SIGNERS>>,
}

impl Set {
	/// Set number `id` of these validators.
	///
	/// # Errors
	/// They are no set.
	pub fn new(id: u64, mut validators: Vec<Validator>) -> Result<Self, NoSet> {
		validators.sort_by_key(|validator| validator.address);
		let signer = |validator: &Validator| Signer { address: validator.address, weight: validator.weight };
		let signers = SignerSet::new(id, validators.iter().map(signer).collect())?;
		let authors = validators.into_iter().map(|validator| validator.author).collect::<Vec<_>>();
		Ok(Self { signers, authors: authors.try_into().map_err(|_| NoSet::TooMany)? })
	}

	/// Whose address it is.
	pub fn author(&self, address: &H160) -> Option<&AuthorityId> {
		self.authors.get(self.signers.position(address)?)
	}
}

/// A checkpoint whose block is not sealed yet.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct UnsealedCheckpoint {
	/// Height of its block.
	pub number: u32,
	/// All but the block's hash and state root.
	pub checkpoint: Checkpoint,
	/// Whether it hands over.
	pub handover: bool,
}

/// An open checkpoint.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Opened {
	/// The checkpoint.
	pub checkpoint: Checkpoint,
	/// Whether it hands over.
	pub handover: bool,
	/// The contract that the signatures are for.
	pub chain: Chain,
	/// The weight of those who signed.
	pub votes: u64,
	/// Their places and signatures, in any order.
	pub signatures: BoundedVec<(u16, CompactSignature), ConstU32<MAX_SIGNERS>>,
}

/// What the history says of a block, beside its hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct BlockEnd {
	/// Root of the tree of scores.
	pub trust_root: H256,
	/// How many leaves it has.
	pub trust_leaves: u64,
	/// The committees that concluded their rounds in it.
	pub committees: H256,
}

/// Of a chain without members.
impl Default for BlockEnd {
	fn default() -> Self {
		Self { trust_root: tree::empty(tree::DEPTH), trust_leaves: 0, committees: H256::zero() }
	}
}

/// A member's leaf in the tree of scores.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Leaf {
	/// The member.
	pub author: AuthorityId,
	/// Its score.
	pub score: u64,
	/// The epoch in which that last changed.
	pub epoch: u64,
	/// Its address; zero if it has none.
	pub signer: H160,
}

impl Leaf {
	/// What stands in the tree for it.
	pub fn hash(&self, place: u32) -> H256 {
		let mut node = [0; 32];
		node.copy_from_slice(self.author.as_ref());
		let Self { epoch, score, signer, .. } = *self;
		ScoreLeaf { epoch, node, score, index: place.into(), signer }.hash()
	}
}
