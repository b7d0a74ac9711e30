//! What is pinned on the Elastos Smart Chain, and how anybody checks it there.
//!
//! Pure functions and plain data, shared by `pallet_bridge`, the node, relayers, clients and tests. The contracts check
//! the same bytes by the same rules. There is no I/O here, and no state.
//!
//! # Protocol
//! 1. *Signers*: the members who vote on finality, by the addresses of their anchor keys, each with a weight
//!    ([`SignerSet`]).
//! 2. *Checkpoint*: every so many blocks, and in every block that changes the signers, the chain states what it is
//!    ([`Checkpoint`]): the block's sealed hash and state root, the root of its history, the root of its members' scores,
//!    and who signs the next checkpoint.
//! 3. *Certificate*: whoever has seen the block final signs the checkpoint as EIP-712 typed data. Signatures of more than
//!    two thirds of the weight are a [`Certificate`].
//! 4. *Anchor*: anybody brings checkpoint and certificate to the contract. It knows the signers by one hash, which the
//!    checkpoint before has set.
//! 5. *Proofs* under a checkpoint: of a member's score ([`ScoreProof`]), and of any block before it, with the scores and
//!    verdicts of then ([`history`]).
//!
//! # Attacks
//! * *A signature for another place*: chain id, contract and genesis are signed.
//! * *One signer counted twice*: the certificate names signers by the places of their bits, and each signature must be by
//!   the one whose place it is.
//! * *An old set*: a set has a number, which is part of its hash and of what it signs.
//! * *A proof for another place*: a leaf of the score tree contains its index, and the tree has one depth; of a history
//!   proof the whole structure derives from index and number of leaves, down to how many hashes it has.
//! * *Two chains*: who signs two checkpoints of one height has proven it against itself ([`EquivocationProof`]).
//!
//! # Not shown
//! A checkpoint is as good as two thirds of the signers' weight. Nothing here makes the contract see what they saw.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod api;
pub mod archive;
mod certificate;
mod checkpoint;
mod equivocation;
pub mod history;
pub mod landing;
mod signers;
pub mod tree;

pub use certificate::{compact, expand, Certificate, Certified, CompactSignature, Refusal};
pub use checkpoint::Checkpoint;
pub use equivocation::{EquivocationProof, NoOffence, Statement};
pub use history::HistoryLeaf;
pub use landing::Landing;
pub use signers::{NoSet, Signer, SignerSet, MAX_SIGNERS};
pub use tree::{ScoreLeaf, ScoreProof};

use sp_core::H256;
use sp_crypto_hashing::keccak_256;

/// The inner node of every tree here: of two hashes, without anything between them.
pub fn inner(left: &H256, right: &H256) -> H256 {
	let mut bytes = [0; 64];
	bytes[..32].copy_from_slice(left.as_bytes());
	bytes[32..].copy_from_slice(right.as_bytes());
	H256(keccak_256(&bytes))
}
