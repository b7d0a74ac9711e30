//! Which chain to build on and which to finalise: the heaviest that finality allows.
//!
//! # Rules
//! 1. *descends*: the best chain descends from the last finalised block. Finality overrules weight.
//! 2. *tip*: it is the tip that fork choice took last, where that obeys 1. Fork choice is made once, at import, because
//!    it depends on when blocks arrived; asking again must not give another answer.
//! 3. *heaviest leaf*: where the tip died with its fork, it is the heaviest leaf that obeys 1 and was executed, or the
//!    finalised block if there is none. Among leaves of one weight the highest, then the one of the smallest hash.
//! 4. *ancestor*: a finality target is on the best chain.
//!
//! The client's own best block follows fork choice too, except in case 3: there the client falls back to the finalised
//! block. That is why import compares with this answer and not with the client's.

use crate::aux_schema::{self, BlockRecord};
use ep_poet::{AuthorityId, Hash};
use sc_client_api::backend::{AuxStore, Backend};
use sp_blockchain::{Backend as BlockchainBackend, Error, HeaderBackend, Result};
use sp_consensus::{Error as ConsensusError, SelectChain};
use sp_runtime::traits::{Block as BlockT, Header as HeaderT, NumberFor};
use std::{marker::PhantomData, sync::Arc};

/// Chooses by weight. Give the same one to GRANDPA, to the worker and to [`block_import`](crate::block_import).
pub struct PoetSelectChain<B, BE> {
	backend: Arc<BE>,
	_block: PhantomData<fn() -> B>,
}

impl<B, BE> Clone for PoetSelectChain<B, BE> {
	fn clone(&self) -> Self {
		Self { backend: self.backend.clone(), _block: PhantomData }
	}
}

impl<B: BlockT<Hash = Hash>, BE: Backend<B>> PoetSelectChain<B, BE> {
	/// Over the node's database.
	pub fn new(backend: Arc<BE>) -> Self {
		Self { backend, _block: PhantomData }
	}

	/// Hash of the best chain's tip.
	///
	/// # Errors
	/// The database cannot be read.
	pub fn best_hash(&self) -> Result<Hash> {
		// No block may be imported between the look at finality and the look at the leaves.
		let _no_import = self.backend.get_import_lock().read();
		best_hash(self.backend.blockchain(), &*self.backend)
	}

	/// The best chain's tip and its record; `None` where there is none, which is where weight counts from.
	pub(crate) fn best(&self) -> Result<(Hash, Option<BlockRecord>)> {
		let hash = self.best_hash()?;
		Ok((hash, aux_schema::load_record(&*self.backend, &hash)?))
	}

	/// Whether `hash` is the last finalised block or descends from it.
	pub(crate) fn descends_from_finalised(&self, hash: Hash) -> Result<bool> {
		descends_from_finalised(self.backend.blockchain(), hash)
	}

	/// How many other children `parent` has beside `block`, and how many of them are by `author`.
	pub(crate) fn siblings_of(&self, block: Hash, parent: Hash, author: &AuthorityId) -> Result<(usize, usize)> {
		let blockchain = self.backend.blockchain();
		let mut children = blockchain.children(parent)?;
		children.retain(|child| *child != block);
		let mut by_author = 0;
		for child in &children {
			let header = blockchain.expect_header(*child)?;
			by_author += usize::from(is_by(&header, author));
		}
		Ok((children.len(), by_author))
	}
}

fn is_by<H: HeaderT>(header: &H, author: &AuthorityId) -> bool {
	ep_poet::digest::find_pre_digest(header.digest()).is_ok_and(|pre| pre.author == *author)
}

/// Rule *descends*.
fn descends_from_finalised<B, BC>(blockchain: &BC, hash: Hash) -> Result<bool>
where
	B: BlockT<Hash = Hash>,
	BC: BlockchainBackend<B>,
{
	let info = blockchain.info();
	let mut at = blockchain.header_metadata(hash)?;
	while at.number > info.finalized_number {
		at = blockchain.header_metadata(at.parent)?;
	}
	Ok(at.hash == info.finalized_hash)
}

/// Rules *tip* and *heaviest leaf*.
fn best_hash<B, BC, A>(blockchain: &BC, aux: &A) -> Result<Hash>
where
	B: BlockT<Hash = Hash>,
	BC: BlockchainBackend<B>,
	A: AuxStore,
{
	if let Some(tip) = aux_schema::load_tip(aux)? {
		if blockchain.header(tip)?.is_some() && descends_from_finalised(blockchain, tip)? {
			return Ok(tip);
		}
	}
	let mut best = None;
	for leaf in blockchain.leaves()? {
		let Some(record) = aux_schema::load_record(aux, &leaf)?.filter(|record| record.executed) else { continue };
		if !descends_from_finalised(blockchain, leaf)? {
			continue;
		}
		let rank = (record.weight, blockchain.header_metadata(leaf)?.number, std::cmp::Reverse(leaf));
		if best.as_ref().is_none_or(|best| rank > *best) {
			best = Some(rank);
		}
	}
	Ok(best.map_or(blockchain.info().finalized_hash, |(_, _, leaf)| leaf.0))
}

/// Rule *ancestor*: the highest block of the best chain that is not above `limit`, if `base` is below it.
fn finality_target<B, BC>(blockchain: &BC, best: Hash, base: Hash, limit: Option<NumberFor<B>>) -> Result<Hash>
where
	B: BlockT<Hash = Hash>,
	BC: BlockchainBackend<B>,
{
	let base_number = blockchain.header_metadata(base)?.number;
	let mut target = blockchain.header_metadata(best)?;
	if let Some(limit) = limit {
		if limit < base_number {
			return Err(Error::Backend(format!(
				"finality target wanted up to #{limit}, below its base #{base_number}"
			)));
		}
		while target.number > limit {
			target = blockchain.header_metadata(target.parent)?;
		}
	}
	let found = target.hash;
	while target.number > base_number {
		target = blockchain.header_metadata(target.parent)?;
	}
	if target.hash == base {
		Ok(found)
	} else {
		Err(Error::Backend(format!("finality target wanted above {base:?}, which is not on the best chain {best:?}")))
	}
}

fn lookup(error: Error) -> ConsensusError {
	ConsensusError::ChainLookup(error.to_string())
}

#[async_trait::async_trait]
impl<B, BE> SelectChain<B> for PoetSelectChain<B, BE>
where
	B: BlockT<Hash = Hash>,
	BE: Backend<B> + 'static,
{
	async fn leaves(&self) -> std::result::Result<Vec<Hash>, ConsensusError> {
		let leaves = self.backend.blockchain().leaves().map_err(lookup)?;
		Ok(leaves.into_iter().filter(|leaf| self.descends_from_finalised(*leaf).unwrap_or(false)).collect())
	}

	async fn best_chain(&self) -> std::result::Result<B::Header, ConsensusError> {
		let best = self.best_hash().map_err(lookup)?;
		self.backend.blockchain().expect_header(best).map_err(lookup)
	}

	async fn finality_target(
		&self,
		base_hash: Hash,
		maybe_max_number: Option<NumberFor<B>>,
	) -> std::result::Result<Hash, ConsensusError> {
		let best = self.best_hash().map_err(lookup)?;
		finality_target(self.backend.blockchain(), best, base_hash, maybe_max_number).map_err(lookup)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::testing::{finalise, grow, put, store, Store};

	fn best(store: &Store) -> Hash {
		best_hash(store, store).unwrap()
	}

	#[test]
	fn an_empty_chain_is_built_on_genesis() {
		let store = store();
		assert_eq!(best(&store), store.info().genesis_hash);
	}

	#[test]
	fn the_tip_of_fork_choice_stays_though_a_longer_chain_exists() {
		let store = store();
		let genesis = store.info().genesis_hash;
		let heavy = grow(&store, genesis, 1, 10, true);
		let light = grow(&store, genesis, 2, 3, false);
		let longer = grow(&store, light, 3, 6, false);
		assert_eq!(best(&store), heavy);
		assert_ne!(best(&store), longer);
	}

	#[test]
	fn after_finality_on_a_side_fork_the_heaviest_leaf_on_it_is_best() {
		let store = store();
		let genesis = store.info().genesis_hash;
		let heavy = grow(&store, genesis, 1, 10, true);
		let side = grow(&store, genesis, 2, 3, false);
		let lighter = grow(&store, side, 3, 5, false);
		let heavier = grow(&store, side, 4, 6, false);
		finalise(&store, side);
		assert_eq!(best(&store), heavier);
		assert_ne!(best(&store), lighter);
		assert!(!descends_from_finalised(&store, heavy).unwrap());
	}

	#[test]
	fn with_nothing_above_it_the_finalised_block_is_best() {
		let store = store();
		let genesis = store.info().genesis_hash;
		grow(&store, genesis, 1, 10, true);
		let side = grow(&store, genesis, 2, 3, false);
		finalise(&store, side);
		assert_eq!(best(&store), side);
	}

	#[test]
	fn headers_that_were_never_executed_are_not_fallen_back_on() {
		let store = store();
		let genesis = store.info().genesis_hash;
		grow(&store, genesis, 1, 10, true);
		let side = grow(&store, genesis, 2, 3, false);
		let header_only = grow(&store, side, 3, 99, false);
		put(&store, header_only, &BlockRecord { weight: 99, wait: 1, lateness: None, executed: false }, false);
		finalise(&store, side);
		assert_eq!(best(&store), side);
	}

	#[test]
	fn a_tip_that_was_reverted_is_forgotten() {
		let store = store();
		let genesis = store.info().genesis_hash;
		let left = grow(&store, genesis, 1, 10, true);
		put(&store, Hash::repeat_byte(9), &BlockRecord { weight: 20, wait: 1, lateness: None, executed: true }, true);
		assert_eq!(best(&store), left);
	}

	#[test]
	fn leaves_of_one_weight_are_told_apart_the_same_way_by_everybody() {
		let store = store();
		let genesis = store.info().genesis_hash;
		let one = grow(&store, genesis, 1, 10, false);
		let other = grow(&store, genesis, 2, 10, false);
		assert_eq!(best(&store), one.min(other));
	}

	#[test]
	fn a_finality_target_is_on_the_best_chain_and_not_above_the_limit() {
		let store = store();
		let genesis = store.info().genesis_hash;
		let one = grow(&store, genesis, 1, 1, true);
		let two = grow(&store, one, 2, 2, true);
		let three = grow(&store, two, 3, 3, true);
		let side = grow(&store, one, 4, 1, false);
		let target = |base, limit| finality_target(&store, three, base, limit);
		assert_eq!(target(genesis, None).unwrap(), three);
		assert_eq!(target(one, Some(2)).unwrap(), two);
		assert_eq!(target(three, None).unwrap(), three);
		assert!(target(side, None).is_err());
		assert!(target(two, Some(1)).is_err());
	}
}
