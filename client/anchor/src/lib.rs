//! A node's part in anchoring the chain on the Elastos Smart Chain.
//!
//! * [`sign`]: whoever is a signer signs every checkpoint whose block it has seen final.
//! * [`rpc`]: anybody asks for checkpoints with their certificates, and for proofs under them.
//!
//! # Rules of a signer
//! A checkpoint that is open in the finalised state is signed if and only if all of these hold.
//! 1. *genesis*: it is of this chain.
//! 2. *final*: its height is finalised here, and its hash is that of the block there.
//! 3. *state*: its state root is the one in that block's header.
//! 4. *one-word*: no other checkpoint of that height was signed by that key. What is signed is on disk before the
//!    signature leaves; a key whose memory cannot be read signs nothing. Two checkpoints of one height would be proof
//!    against the signer.
//!
//! What else a checkpoint says, the finalised state says: the node takes it from there and from nobody.

#![forbid(unsafe_code)]

mod metrics;
mod record;
pub mod rpc;
pub mod sign;

pub use metrics::Metrics;
pub use rpc::{BridgeRpc, BridgeServer};
pub use sign::{sign_checkpoints, SignParams};

/// Where this crate logs to.
pub const LOG_TARGET: &str = "anchor";
