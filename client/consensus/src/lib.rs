//! The PoET engine of a node.
//!
//! # Overview
//! A block carries a wait certificate: its author's TPM attests when the wait began, after the parent was known, and
//! when it ended, over the finished block. [`ep_poet::rules`] says what makes one valid and is shared with the runtime;
//! this crate brings blocks to those rules and certificates into being.
//!
//! The import side is split by what a check needs:
//! * [`verifier`]: nothing but the header. Rules 1 to 8.
//! * [`block_import`](mod@block_import): the parent's state. Rules 9 to 21, siblings, weight, fork choice. What comes
//!   without its parent's state (warp, gap and state sync) and why that is safe is said there.
//! * [`held`]: blocks that are verified and must wait: those from the future until they are due, surplus siblings until
//!   they matter.
//! * [`equivocation`]: members that seal or wait twice, caught and reported.
//! * [`select_chain`]: the best chain, for the worker and for GRANDPA.
//! * [`aux_schema`]: what is stored beside the blocks. [`metrics`]: what Prometheus is shown.
//!
//! The author side: [`worker`] waits, proposes and seals; [`record`] keeps what was sealed through a crash; [`status`]
//! says what the worker does and why it does not; [`rpc`] shows it.
//!
//! # A block's way in
//! 1. Sync asks [`PoetBlockImport`]'s `check_block`. What waits here counts as imported; a child of it may come in.
//! 2. [`PoetVerifier`] verifies the certificate by itself and notes when the block came.
//! 3. [`PoetBlockImport`] verifies it against the parent's state, and holds, parks, refuses or imports it. The record
//!    with its chain's weight, and the tip if it is the new best, are written in the batch that imports the block.
//! 4. GRANDPA's import below looks for authority set changes; the client executes.
//! 5. [`run_held`] takes held blocks the same way, when they are due.
//!
//! # Attacks, and where they end
//! * *Sealing early, waiting on two parents, borrowing a chip, replaying a certificate*: the rules.
//! * *Dating a block ahead, to begin the next wait early*: it is held, by every node, by its own clock ([`held`]).
//! * *Flooding with blocks from the future*: only members' blocks are held, one an author and parent, 64 in all.
//! * *Forty siblings from one wait*: a chip that has waited once can attest any number of blocks for as long as A1 is
//!   good. Two blocks are imported, the author is reported, the others are parked. Blocks that turn out invalid when
//!   they are executed do not count as imported; each of them costs the peer that sent it the connection.
//! * *Headers too long to report, or to hold in numbers*: *digests* bounds them ([`ep_poet::digest::MAX_HEADER`]).
//! * *Withholding a block and releasing it at equal weight*: the first imported stays, unless both came in time.
//! * *Shouting weights that nobody checked*: only an executed block's mean counts.
//! * *Making us drop honest peers*: nothing that an honest node relays is answered with an error: early blocks, surplus
//!   siblings and their children are taken, and wait.
//! * *Making sync run in circles*: a refused block drops the peer that sent it; see
//!   [`block_import`](mod@block_import).

#![forbid(unsafe_code)]

pub mod aux_schema;
pub mod block_import;
pub mod equivocation;
pub mod error;
pub mod held;
pub mod import_queue;
pub mod link;
pub mod metrics;
pub mod record;
pub mod rpc;
pub mod schedule;
pub mod select_chain;
pub mod status;
pub mod verifier;
pub mod worker;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use block_import::{block_import, block_import_with_link, BlockImportParams, Justified, PoetBlockImport};
pub use held::run_held;
pub use import_queue::{import_queue, ImportQueueParams};
pub use link::PoetLink;
pub use metrics::Metrics;
pub use select_chain::PoetSelectChain;
pub use verifier::{PoetVerifier, INTERMEDIATE_KEY};

/// Target of the engine's log lines.
pub const LOG_TARGET: &str = "poet";
