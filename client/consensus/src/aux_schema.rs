//! What the engine stores about blocks, beside them.
//!
//! One record a block and the hash of the tip that fork choice took last. Both travel in the import's own batch, so a
//! block is never in the database without its weight nor the tip ahead of the blocks. Keys carry the schema's version:
//! a later schema starts from an empty one instead of misreading this one.
//!
//! The number of siblings by one author is not stored: it is read from the children that the database lists anyway,
//! and so it cannot disagree with them after a revert or a crash.
//!
//! Records of blocks below the last finalised one are removed with finality. Its own is kept: whatever competes later
//! descends from it, and weights are compared by their difference to it.

use codec::{Decode, Encode};
use ep_poet::{
	fork::{ChainWeight, Tip},
	Hash, Millis,
};
use sc_client_api::{backend::AuxStore, client::AuxDataOperations, FinalityNotification};
use sp_blockchain::{Backend as BlockchainBackend, Error, HeaderBackend, HeaderMetadata, Result};
use sp_runtime::traits::{Block as BlockT, NumberFor, Zero};
use std::collections::HashSet;

const BLOCK: &[u8] = b"poet/1/block/";
const TIP: &[u8] = b"poet/1/tip";

/// What is stored about one block.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct BlockRecord {
	/// Weight of the chain that ends here, from an offset that all blocks since the last finalised one share.
	pub weight: ChainWeight,
	/// The block's own wait `d`.
	pub wait: Millis,
	/// Milliseconds from when the block was due to its arrival; `None` if it was not seen arriving.
	pub lateness: Option<i64>,
	/// Whether the block was verified against its parent's state. Headers that a state synchronisation fetched first
	/// are not, and are never fallen back on.
	pub executed: bool,
}

impl BlockRecord {
	/// As fork choice looks at it.
	pub fn tip(&self) -> Tip {
		Tip { weight: self.weight, wait: self.wait, lateness: self.lateness }
	}
}

fn block_key(hash: &Hash) -> Vec<u8> {
	[BLOCK, hash.as_bytes()].concat()
}

fn load<T: Decode, A: AuxStore + ?Sized>(aux: &A, key: &[u8]) -> Result<Option<T>> {
	aux.get_aux(key)?
		.map(|bytes| {
			T::decode(&mut &bytes[..])
				.map_err(|e| Error::Backend(format!("the stored PoET record {key:02x?} is damaged: {e}")))
		})
		.transpose()
}

/// The record of block `hash`; `None` for genesis, for blocks of a warp or gap synchronisation and below finality.
///
/// # Errors
/// The database cannot be read, or the record in it is damaged.
pub fn load_record<A: AuxStore + ?Sized>(aux: &A, hash: &Hash) -> Result<Option<BlockRecord>> {
	load(aux, &block_key(hash))
}

/// The tip that fork choice took last.
///
/// # Errors
/// As [`load_record`].
pub fn load_tip<A: AuxStore + ?Sized>(aux: &A) -> Result<Option<Hash>> {
	load(aux, TIP)
}

/// What to write in the batch that imports `hash`; `best` if fork choice takes it for the tip.
pub fn writes(hash: &Hash, record: &BlockRecord, best: bool) -> AuxDataOperations {
	let mut writes = vec![(block_key(hash), Some(record.encode()))];
	if best {
		writes.push((TIP.to_vec(), Some(hash.encode())));
	}
	writes
}

/// What to remove in the batch that finalises a block: records of its ancestors and of the forks that died.
pub fn finality_cleanup<B, C>(client: &C, summary: &FinalityNotification<B>) -> AuxDataOperations
where
	B: BlockT<Hash = Hash>,
	C: HeaderMetadata<B> + ?Sized,
{
	let first = summary.tree_route.first().unwrap_or(&summary.hash);
	let mut gone: HashSet<Hash> = summary.tree_route.iter().copied().collect();
	gone.extend(summary.stale_blocks.iter().map(|block| block.hash));
	match client.header_metadata(*first) {
		Ok(metadata) => {
			gone.insert(metadata.parent);
		}
		Err(e) => log::warn!(target: crate::LOG_TARGET, "no parent of finalised block {first:?}: {e}"),
	}
	gone.remove(&summary.hash);
	gone.iter().map(|hash| (block_key(hash), None)).collect()
}

/// Removes the records of the blocks that reverting by `blocks` takes away; to be called before the blocks go.
///
/// The tip may then name a block that is gone; [`PoetSelectChain`](crate::PoetSelectChain) falls back to the heaviest
/// leaf by itself.
///
/// # Errors
/// The database cannot be read or written, or does not know a block on the way.
pub fn revert<B, C, BC>(client: &C, blockchain: &BC, blocks: NumberFor<B>) -> Result<()>
where
	B: BlockT<Hash = Hash>,
	C: AuxStore + HeaderBackend<B>,
	BC: BlockchainBackend<B>,
{
	let info = client.info();
	let revertible = blocks.min(info.best_number - info.finalized_number);
	if revertible.is_zero() {
		return Ok(());
	}
	let keep = info.best_number - revertible;
	let mut gone = HashSet::new();
	for leaf in blockchain.leaves()? {
		let mut at = blockchain.header_metadata(leaf)?;
		while at.number > keep && gone.insert(at.hash) {
			at = blockchain.header_metadata(at.parent)?;
		}
	}
	let keys: Vec<_> = gone.iter().map(block_key).collect();
	let keys: Vec<_> = keys.iter().map(Vec::as_slice).collect();
	client.insert_aux(&[], keys.iter())
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::testing::{store, Store};

	fn apply(store: &Store, writes: AuxDataOperations) {
		for (key, value) in writes {
			match value {
				Some(value) => store.insert_aux(&[(&key[..], &value[..])], &[]),
				None => store.insert_aux(&[], &[&key[..]]),
			}
			.unwrap();
		}
	}

	const RECORD: BlockRecord = BlockRecord { weight: 7 << 70, wait: 1_234, lateness: Some(-3), executed: true };

	#[test]
	fn a_record_comes_back_as_it_was_written() {
		let store = store();
		let hash = Hash::repeat_byte(1);
		apply(&store, writes(&hash, &RECORD, false));
		assert_eq!(load_record(&store, &hash).unwrap(), Some(RECORD));
		assert_eq!(load_tip(&store).unwrap(), None);
		apply(&store, writes(&hash, &RECORD, true));
		assert_eq!(load_tip(&store).unwrap(), Some(hash));
		assert_eq!(load_record(&store, &Hash::repeat_byte(2)).unwrap(), None);
	}

	#[test]
	fn the_encoding_is_frozen() {
		let expected = [
			[0u8; 8].as_slice(),
			&[0xc0, 1, 0, 0, 0, 0, 0, 0],
			&[0xd2, 4, 0, 0, 0, 0, 0, 0],
			&[1, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
		]
		.concat();
		assert_eq!(RECORD.encode(), expected);
		assert_eq!(block_key(&Hash::zero()), [b"poet/1/block/".as_slice(), &[0; 32]].concat());
	}

	#[test]
	fn a_damaged_record_is_an_error_and_not_an_absent_one() {
		let store = store();
		let hash = Hash::repeat_byte(1);
		apply(&store, vec![(block_key(&hash), Some(vec![1, 2, 3]))]);
		assert!(load_record(&store, &hash).is_err());
	}
}
