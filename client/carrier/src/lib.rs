//! A node's duties in the trusted carrier.
//!
//! * [`worker`]: a member sits in the committees that its lots name, asks the applicants' chips, reveals, judges, agrees
//!   with the others by weighted PBFT ([`ec_pbft`]) and brings the verdict to the chain.
//! * [`duty`]: whenever the chain draws this node's member, its chip attests.
//! * [`visit`]: a member goes to the applicant's node, and the applicant's node receives it.
//! * [`join`]: a machine applies, answers what it is asked, and waits for its verdict.
//!
//! # Rules of a member
//! 1. *own-secret*: what a question derives from is 32 bytes of the system's randomness, on disk before the question is
//!    on chain. Who lost them could not reveal, and would be named for it.
//! 2. *reveal-after-answer*: never before the applicant's answer is final. Who knows the secret can answer in its place, and
//!    before that a reorganisation could let it.
//! 3. *one-word*: what is said in PBFT, and the verdict that is signed, is on disk before it is sent. A node that was
//!    restarted says the same again.
//! 4. *after-decision*: the verdict is signed once the committee has decided, and only as it decided.
//! 5. *what-is-final*: the committee is that of the finalised chain, and so is what the verdict is about.
//! 6. *own-eyes*: a member judges by what it sees itself; of others it takes nothing but, for a node it cannot reach,
//!    the statements of two members that they can.
//!
//! # Gossip
//! One protocol for all rounds. A message is taken if its round lives, its sender sits in it, and its signature holds;
//! everything else is dropped unread ([`gossip`]). Memory is bounded by rounds, seats and PBFT's own bounds.

#![forbid(unsafe_code)]

pub mod duty;
pub mod gossip;
pub mod join;
mod judge;
mod member;
mod metrics;
mod platform;
mod record;
pub mod rpc;
pub mod visit;
pub mod worker;

pub use duty::{do_duties, DutyParams};
pub use judge::{judge, Seen};
pub use metrics::Metrics;
pub use visit::{receive_visitors, BootLog, HostParams};
pub use worker::{start_carrier, CarrierParams};

/// Where this crate logs to.
pub const LOG_TARGET: &str = "carrier";
