//! Brings certified checkpoints to the anchor on the Elastos Smart Chain. Anybody may, and several may race: a task in
//! the node, and a program of its own.
//!
//! * [`machine`]: what to do, by what was seen; no I/O.
//! * [`runner`]: asks both chains, and does it.
//! * [`esc`], [`node`], [`store`], [`keystore`]: the edges.
//! * [`witness`]: a signer's part, which tells the chain what landed; [`claim`]: how a relayer is paid for it.
//!
//! # Rules
//! 1. *in-order*: a handover is brought before anything that comes after it, and none is left out. Of ordinary
//!    checkpoints only the newest is brought; those that it supersedes are not.
//! 2. *own-eyes*: every certificate is verified as the contract will, against the hash of signers that it has, and every
//!    call is estimated, before anything is paid.
//! 3. *write-first*: a transaction is on disk, signed, before it is sent. After a restart it is sent again as it is.
//! 4. *one-place*: at most one place in the account's order is open, and whatever is tried in it, the chain takes one. So
//!    nothing is paid twice, whatever was lost on the way: an answer, a record, a block.
//! 5. *what-stands*: what has landed is read from the contract each round, never remembered. What was brought counts once
//!    its event is ten blocks deep, by transaction and place; until then it is sent again if its block is taken back.
//! 6. *agreement*: while two answers contradict each other (a receipt in a place that is said to be free, a checkpoint
//!    that our receipt says has landed), nothing is sent.
//! 7. *courtesy* and *stagger*: somebody else's submission that is pending is waited for, and relayers begin at different
//!    blocks.
//! 8. *no-waste*: a transaction that has become useless is replaced by what is needed now, or by nothing.
//! 9. *bounded price*: what is paid for gas is between a floor and a ceiling; a transaction that is not mined is replaced
//!    at a higher price.
//! 10. *layout*: the words of the signers go with each submission, or once into the contract's keeping, whichever costs
//!     less, or fits.
//!
//! # Attacks
//! * *A node that lies* about certificates makes it send nothing (*own-eyes*).
//! * *A chain's node that lies* can have it send what is refused, and that it has to be paid for: at most the ceiling for
//!   a place. Choose it well.
//! * *A rival* who always pays more lands every checkpoint. That is what is wanted.
//! * *Whoever reads the disk* has a key encrypted under a passphrase ([`keystore`]), and transactions that are public
//!   anyway.

#![forbid(unsafe_code)]

pub mod abi;
pub mod claim;
pub mod cli;
pub mod esc;
pub mod keystore;
pub mod legacy;
pub mod machine;
pub mod metrics;
pub mod node;
pub mod policy;
pub mod runner;
pub mod status;
pub mod store;
pub mod testing;
pub mod witness;

pub use metrics::Metrics;
pub use runner::{Purse, Relayer, RelayerParams};
pub use status::{Status, StatusHandle};
pub use witness::{attest_landings, WitnessParams};

/// Where this crate logs to.
pub const LOG_TARGET: &str = "relayer";
