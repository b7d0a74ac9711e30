//! Proof of elapsed time (PoET): the vocabulary and the pure rules.
//!
//! # Overview
//! Every member of the network draws, for every height, a wait that it cannot choose. Whoever's wait is over first
//! seals the block. That the wait really took place is shown by a *wait certificate*: two `TPM2_GetTime` attestations
//! by the author's TPM, one begun after the parent was known (A1, in the pre-runtime digest) and one over the finished
//! block (A2, in the seal). The runtime, the block verifier, the command line and the fuzzers all call this crate; it
//! does no I/O and uses no floating point.
//!
//! # Terminology
//! * *weight*: a member's share in the lottery, its credit score under the cap of its tier.
//! * *mean* `M`: the local mean, in milliseconds times weight. A member of weight `w` waits `M/w` ms on average.
//! * *wait* `d`: `m + M * (-ln u) / w` ms, `u` from the VRF ([`lottery`]).
//! * *rate* `rho`: how fast a chip's clock has been seen to run, at least 1 ([`rate`]).
//! * *interval*: `[A1.time, A2.time]` on one chip in one power cycle ([`interval`]).
//! * *pre-seal hash*: hash of the header without its seal.
//!
//! # Rules
//! They are stated, numbered and enforced in [`rules`]; each has a variant of [`rules::Refusal`] and a test of the
//! same name.
//!
//! # What stays possible
//! A relayed genuine chip is indistinguishable from that chip; whoever alternates a chip's clock rate between blocks
//! keeps what rules *clock* and *rate-bound* leave; the last author of an epoch may withhold its block and thereby
//! choose between two values of the next randomness.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod api;
pub mod digest;
pub mod equivocation;
pub mod evidence;
pub mod fork;
pub mod interval;
pub mod lottery;
pub mod members;
pub mod rate;
pub mod retarget;
pub mod rules;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

#[cfg(feature = "std")]
pub use api::PoetApi;
pub use api::{Contestant, Lottery, MemberInfo, Parameters};
pub use digest::{Attestation, Claim, PreDigest, Seal};
pub use equivocation::EquivocationProof;
pub use interval::Interval;
pub use members::{AuthorIdentity, Members, OnEquivocation, OnMemberGone, OnParent};
pub use rules::{verify_sealed, verify_with_state, Refusal, Verdict};

use sp_runtime::{ConsensusEngineId, KeyTypeId};

/// Engine id of PoET digests.
pub const POET_ENGINE_ID: ConsensusEngineId = *b"poet";

/// Type of the keys that members draw the lottery and sign blocks with.
pub const KEY_TYPE: KeyTypeId = KeyTypeId(*b"poet");

mod app {
	use sp_application_crypto::{app_crypto, sr25519};
	app_crypto!(sr25519, super::KEY_TYPE);
}

/// A member's key pair for lottery and seals (sr25519).
#[cfg(feature = "std")]
pub type AuthorityPair = app::Pair;
/// A member's public key for lottery and seals (sr25519).
pub type AuthorityId = app::Public;
/// A signature by an [`AuthorityId`].
pub type AuthoritySignature = app::Signature;

/// A member's weight in lottery and voting: its score under its tier's cap, at most 1,000,000.
pub type Weight = u64;
/// A local mean `M`, in milliseconds times weight.
pub type Mean = u64;
/// A duration or a point in time, in milliseconds.
pub type Millis = u64;
/// A block hash.
pub type Hash = sp_core::H256;
