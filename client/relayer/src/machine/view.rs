//! What the machine is shown of the world, once a round.

use std::collections::BTreeMap;

use ep_bridge::Certified;
use sp_core::{H160, H256};

/// The contract, as it was read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Contract {
	/// Height of the last checkpoint that landed; 0 before the first.
	pub number: u64,
	/// Number of the set that signs.
	pub signers: u64,
	/// Its hash.
	pub signers_hash: H256,
	/// Whether the contract keeps its words.
	pub published: bool,
	/// Until when submissions are stopped, in seconds since 1970.
	pub paused_until: u64,
	/// The chain that is anchored there.
	pub genesis: H256,
}

/// An event in a receipt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Log {
	/// Its place among the block's events.
	pub index: u64,
	/// The contract that it is of.
	pub address: H160,
	/// What it is, and what it is of.
	pub topics: Vec<H256>,
}

/// A transaction in a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
	/// The block.
	pub block: u64,
	/// Whether it was carried out.
	pub good: bool,
	/// The gas that it used.
	pub gas: u64,
	/// Its events.
	pub logs: Vec<Log>,
}

/// The world.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct View {
	/// Seconds since 1970.
	pub now: u64,
	/// The newest block of the Elastos Smart Chain.
	pub head: u64,
	/// How many transactions of the account are in blocks.
	pub nonce: u64,
	/// What it has, in wei.
	pub balance: u128,
	/// What the chain asks for a unit of gas, in wei.
	pub gas_price: u128,
	/// The contract after the newest block.
	pub contract: Contract,
	/// The contract as it will be if what is pending is mined. As it is, where the chain does not tell.
	pub pending: Contract,
	/// Receipts of what [`super::Machine::asks`] named, as far as there are some.
	pub receipts: BTreeMap<H256, Receipt>,
	/// The newest certified checkpoint.
	pub newest: Option<Certified>,
	/// The one that hands over from the contract's set.
	pub handover: Option<Certified>,
	/// Why that is not there, where it should be.
	pub missing: Option<String>,
	/// Since when the node does not answer, and why. Then the three before say nothing.
	pub node_down: Option<(u64, String)>,
}
