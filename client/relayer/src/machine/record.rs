//! What must not be forgotten: what was sent, what became of it, what it cost.

use ep_trust::Chain;
use serde::{Deserialize, Serialize};
use sp_core::{Bytes, H160, H256};

/// How many of those that are over are remembered.
const KEPT: usize = 32;

/// For which account at which contract a record is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
	/// Id of the EVM chain.
	pub chain_id: u64,
	/// The contract.
	pub contract: H160,
	/// The account that pays.
	pub account: H160,
}

impl Place {
	/// The contract as it is signed for.
	pub fn chain(&self) -> Chain {
		Chain { id: self.chain_id, contract: self.contract }
	}
}

/// What a transaction does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Act {
	/// Brings a checkpoint.
	Submit {
		/// Its height.
		number: u64,
		/// The set that signed it.
		signers: u64,
		/// Whether it hands over to another.
		hands_over: bool,
		/// Whether it has the words of the set with it.
		with_words: bool,
	},
	/// Has the contract keep the words of a set.
	Publish {
		/// The set.
		signers: u64,
	},
	/// Nothing: it takes the place of one that would be paid for and refused.
	Void,
}

impl std::fmt::Display for Act {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		match self {
			Self::Submit { number, signers, hands_over: true, .. } => {
				write!(f, "checkpoint #{number}, which hands over from set {signers}")
			}
			Self::Submit { number, .. } => write!(f, "checkpoint #{number}"),
			Self::Publish { signers } => write!(f, "words of set {signers}"),
			Self::Void => write!(f, "nothing, in place of what would be refused"),
		}
	}
}

/// A transaction that was signed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
	/// What it does.
	pub act: Act,
	/// Its hash.
	pub hash: H256,
	/// Its bytes. Forgotten once it was replaced.
	pub raw: Bytes,
	/// What it pays for a unit of gas, in wei.
	#[serde(with = "wei")]
	pub gas_price: u128,
	/// The block of the chain when it was signed.
	pub block: u64,
	/// The block when it was last sent.
	pub sent: Option<u64>,
	/// Whether the chain's pool has ever taken it.
	pub taken: bool,
	/// The pool wants more for it.
	pub too_cheap: bool,
}

/// An attempt that is in a block.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mined {
	/// Which one.
	pub hash: H256,
	/// What it does.
	pub act: Act,
	/// The block.
	pub block: u64,
	/// Place of its event among the block's; nothing if it did nothing.
	pub log_index: Option<u64>,
	/// Whether it did what it was to do.
	pub good: bool,
	/// What it cost, in wei.
	#[serde(with = "wei")]
	pub paid: u128,
	/// The gas that it used.
	pub gas: u64,
}

/// A place in the account's order. Whatever was tried in it, one attempt at most is ever paid for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Slot {
	/// The place.
	pub nonce: u64,
	/// What was tried, the last one last.
	pub attempts: Vec<Attempt>,
	/// The block of the chain when the first was signed.
	pub since: u64,
	/// The one that is in a block.
	pub mined: Option<Mined>,
	/// Since which block the place is used by none of these.
	pub unclear_since: Option<u64>,
}

/// A slot that is over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
	/// The place.
	pub nonce: u64,
	/// What became of it.
	#[serde(flatten)]
	pub mined: Mined,
}

/// Sums of all that is over.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Totals {
	/// Checkpoints brought.
	pub landed: u64,
	/// Of these, handovers.
	pub handovers: u64,
	/// Sets whose words were published.
	pub published: u64,
	/// Transactions that were paid for and refused, mostly since somebody else was faster.
	pub refused: u64,
	/// Places that were filled with nothing.
	pub voided: u64,
	/// What all of it cost, in wei.
	#[serde(with = "wei")]
	pub paid: u128,
}

/// How many checkpoints a set signs, as observed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Pace {
	/// The set.
	pub signers: u64,
	/// The last checkpoint seen to have landed.
	pub number: u64,
	/// How many of this set have.
	pub count: u64,
	/// Sixteen times as many as a set had on average.
	pub average_x16: Option<u64>,
}

/// Everything.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
	/// The format.
	pub version: u32,
	/// For whom.
	pub place: Place,
	/// What is not over, by nonce.
	pub slots: Vec<Slot>,
	/// What is, the last one last.
	pub done: Vec<Done>,
	/// Sums.
	pub totals: Totals,
	/// Gas that the last checkpoint used.
	pub last_gas: Option<u64>,
	/// How many checkpoints a set signs.
	pub pace: Pace,
}

impl Record {
	/// The format that this program writes.
	pub const VERSION: u32 = 1;

	/// Nothing was sent yet.
	pub fn new(place: Place) -> Self {
		Self {
			version: Self::VERSION,
			place,
			slots: Vec::new(),
			done: Vec::new(),
			totals: Totals::default(),
			last_gas: None,
			pace: Pace::default(),
		}
	}

	/// A slot is over.
	pub(super) fn finish(&mut self, nonce: u64, mined: Mined) {
		let totals = &mut self.totals;
		totals.paid = totals.paid.saturating_add(mined.paid);
		match mined.act {
			_ if !mined.good => totals.refused += 1,
			Act::Submit { hands_over, .. } => {
				totals.landed += 1;
				totals.handovers += u64::from(hands_over);
				self.last_gas = Some(mined.gas);
			}
			Act::Publish { .. } => totals.published += 1,
			Act::Void => totals.voided += 1,
		}
		self.done.push(Done { nonce, mined });
		let beyond = self.done.len().saturating_sub(KEPT);
		self.done.drain(..beyond);
	}

	/// The slot of a nonce, made if there is none.
	pub(super) fn slot(&mut self, nonce: u64, head: u64) -> &mut Slot {
		let at = self.slots.partition_point(|slot| slot.nonce < nonce);
		if self.slots.get(at).is_none_or(|slot| slot.nonce != nonce) {
			let slot = Slot { nonce, attempts: Vec::new(), since: head, mined: None, unclear_since: None };
			self.slots.insert(at, slot);
		}
		&mut self.slots[at]
	}
}

/// Amounts, as text: other programs read numbers as doubles.
mod wei {
	use serde::{de::Error, Deserialize, Deserializer, Serializer};

	pub(super) fn serialize<S: Serializer>(amount: &u128, serializer: S) -> Result<S::Ok, S::Error> {
		serializer.collect_str(amount)
	}

	pub(super) fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<u128, D::Error> {
		String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
	}
}
