//! What can go wrong between a block's arrival and its place in the database.
//!
//! One type a stage; every variant names the block. A *refusal* says that the block is bad and is nobody's accident:
//! it carries the rule's own error. Everything else is this node's trouble (its database, its runtime) and says so.

use ep_poet::{Hash, Refusal};

/// The stateless stage: the verifier. The block is bad and the peer that sent it could have known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
	/// A rule that needs no state is broken.
	#[error("refused #{number} {hash:?}: {refusal}")]
	Refused {
		/// The sealed block.
		hash: Hash,
		/// Its height.
		number: u64,
		/// The rule that it breaks.
		refusal: Refusal,
	},
}

/// The stateful stage: the block import. None of these is the block's fault; a bad block is answered with
/// [`ImportResult::KnownBad`](sc_consensus::ImportResult::KnownBad), so that the peer is dropped and sync does not ask
/// for the same block again.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
	/// The database failed.
	#[error("database failed at block {hash:?}: {source}")]
	Database {
		/// The block being imported.
		hash: Hash,
		/// What the database said.
		source: sp_blockchain::Error,
	},
	/// The parent's runtime failed to answer.
	#[error("runtime failed for block {hash:?}: {source}")]
	Runtime {
		/// The block being imported.
		hash: Hash,
		/// What the runtime call said.
		source: sp_api::ApiError,
	},
	/// The inherent data to compare with could not be made.
	#[error("no inherent data for block {hash:?}: {reason}")]
	InherentData {
		/// The block being imported.
		hash: Hash,
		/// What the provider said.
		reason: String,
	},
	/// The block's time is in this node's future. Only met in a synchronisation, where blocks are not held.
	#[error("block {hash:?} is ahead of this machine's clock: {reason}")]
	Early {
		/// The block being imported.
		hash: Hash,
		/// What the check said.
		reason: String,
	},
	/// The parent is in the database but its seal cannot be read again.
	#[error("parent {parent:?} of block {hash:?} is stored but unreadable: {refusal}")]
	Parent {
		/// The block being imported.
		hash: Hash,
		/// Its parent.
		parent: Hash,
		/// Why not.
		refusal: Refusal,
	},
	/// The import below this one (GRANDPA's, the client's) failed.
	#[error("import of block {hash:?} failed: {source}")]
	Inner {
		/// The block being imported.
		hash: Hash,
		/// What it said.
		source: sp_consensus::Error,
	},
}

impl From<ImportError> for sp_consensus::Error {
	fn from(error: ImportError) -> Self {
		Self::Other(Box::new(error))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::mem::size_of;

	#[test]
	fn errors_are_small_enough_to_be_returned_by_value() {
		assert!(size_of::<VerifyError>() <= 128, "{}", size_of::<VerifyError>());
		assert!(size_of::<ImportError>() <= 128, "{}", size_of::<ImportError>());
	}
}
