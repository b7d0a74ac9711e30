//! What a signer looks at before it signs, on a chain of headers.

use std::collections::BTreeMap;

use sp_blockchain::{BlockStatus, Info, Result};
use sp_core::H256;
use sp_runtime::{
	generic::{Block, Header},
	traits::{BlakeTwo256, Header as _},
	OpaqueExtrinsic,
};

use super::*;

type TestHeader = Header<u32, BlakeTwo256>;
type TestBlock = Block<TestHeader, OpaqueExtrinsic>;

/// A chain of headers, some of which are final.
struct Chain {
	headers: Vec<TestHeader>,
	by_hash: BTreeMap<H256, TestHeader>,
	finalized: u32,
}

impl Chain {
	fn new(length: u32, finalized: u32) -> Self {
		let mut headers: Vec<TestHeader> = Vec::new();
		for number in 0..=length {
			let parent = headers.last().map(|header| header.hash()).unwrap_or_default();
			let state_root = H256::from_low_u64_be(u64::from(number) + 7);
			headers.push(Header::new(number, H256::zero(), state_root, parent, Default::default()));
		}
		let by_hash = headers.iter().map(|header| (header.hash(), header.clone())).collect();
		Self { headers, by_hash, finalized }
	}

	fn genesis(&self) -> H256 {
		self.headers[0].hash()
	}

	fn checkpoint(&self, number: u32) -> Checkpoint {
		let header = &self.headers[number as usize];
		Checkpoint {
			genesis: self.genesis(),
			number: number.into(),
			block_hash: header.hash(),
			state_root: *header.state_root(),
			..Default::default()
		}
	}

	fn check(&self, checkpoint: Checkpoint) -> std::result::Result<(), Refusal> {
		check::<TestBlock, _>(self, &self.genesis(), &checkpoint)
	}
}

impl HeaderBackend<TestBlock> for Chain {
	fn header(&self, hash: H256) -> Result<Option<TestHeader>> {
		Ok(self.by_hash.get(&hash).cloned())
	}

	fn info(&self) -> Info<TestBlock> {
		let best = self.headers.last().expect("there is genesis");
		Info {
			best_hash: best.hash(),
			best_number: best.number,
			genesis_hash: self.genesis(),
			finalized_hash: self.headers[self.finalized as usize].hash(),
			finalized_number: self.finalized,
			finalized_state: None,
			number_leaves: 1,
			block_gap: None,
		}
	}

	fn status(&self, hash: H256) -> Result<BlockStatus> {
		let known = self.by_hash.contains_key(&hash);
		Ok(if known { BlockStatus::InChain } else { BlockStatus::Unknown })
	}

	fn number(&self, hash: H256) -> Result<Option<u32>> {
		Ok(self.by_hash.get(&hash).map(|header| header.number))
	}

	fn hash(&self, number: u32) -> Result<Option<H256>> {
		Ok(self.headers.get(number as usize).map(|header| header.hash()))
	}
}

#[test]
fn what_is_final_here_is_signed() {
	let chain = Chain::new(30, 20);
	assert_eq!(chain.check(chain.checkpoint(10)), Ok(()));
	assert_eq!(chain.check(chain.checkpoint(20)), Ok(()));
}

#[test]
fn genesis_refuses_another_chain() {
	let chain = Chain::new(30, 20);
	let elsewhere = Checkpoint { genesis: H256::repeat_byte(1), ..chain.checkpoint(10) };
	assert_eq!(chain.check(elsewhere), Err(Refusal::Genesis));
}

#[test]
fn final_refuses_what_may_still_go_and_another_block() {
	let chain = Chain::new(30, 20);
	assert_eq!(chain.check(chain.checkpoint(21)), Err(Refusal::Final(21)));
	let beyond = Checkpoint { number: u64::MAX, ..chain.checkpoint(10) };
	assert_eq!(chain.check(beyond), Err(Refusal::Final(u64::MAX)));
	let other = Checkpoint { block_hash: H256::repeat_byte(1), ..chain.checkpoint(10) };
	assert_eq!(chain.check(other), Err(Refusal::Final(10)));
	// A block of this chain, but of another height.
	let other = Checkpoint { block_hash: chain.checkpoint(11).block_hash, ..chain.checkpoint(10) };
	assert_eq!(chain.check(other), Err(Refusal::Final(10)));
}

#[test]
fn state_refuses_another_root() {
	let chain = Chain::new(30, 20);
	let other = Checkpoint { state_root: H256::repeat_byte(1), ..chain.checkpoint(10) };
	assert_eq!(chain.check(other), Err(Refusal::State(10)));
}
