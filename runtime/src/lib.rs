//! The Elapse runtime.
//!
//! # Overview
//! This crate only joins pallets; what they do is documented with them.
//! * [`pallet_poet`] runs the lottery: parameters, randomness, retarget, clock rates, equivocations.
//! * [`pallet_admission`] lets machines in: evidence, committee, questions, verdict.
//! * [`pallet_trust`] keeps the members, their weights over time, and draws GRANDPA's voters among them.
//! * [`pallet_attestation`] examines them without end, and moves their scores.
//! * [`pallet_bridge`] states checkpoints for the Elastos Smart Chain, over the scores and, by `pallet_mmr`, all blocks.
//! * `pallet_session` turns both into epochs: an epoch of the lottery is a session, and `pallet_trust` is its manager.
//! * The rest is the SDK's: timestamp, authorship, balances, fees, GRANDPA, utility, and sudo, whose key is set in the
//!   `development` and `local` presets only.
//!
//! # Where things are
//! * [`configs`]: the pallets' parameters, and why they are what they are.
//! * [`apis`]: the runtime's interface to the node.
//! * [`weights`]: what the calls of this project's pallets cost, generated.
//! * [`genesis_config_presets`]: presets, and the patch that a node makes of its members' identity files.
//!
//! # Order
//! The order of pallets in [`Runtime`] is the order of their inherents and hooks. Timestamp comes before Poet, which
//! compares it with the digest; Poet before Session, which asks it whether the epoch is over; Trust before Session,
//! whose genesis asks it for the first validators; GRANDPA before Session, since GRANDPA's genesis wants to find no
//! voters, and Session's sets them where the specification gives none. Bridge comes last: its first signers are Session's
//! validators, and at the end of a block it looks at what all others have left. The history's leaf of a block is what Bridge
//! found then, so Mmr may add it anywhere in the next block.

#![cfg_attr(not(feature = "std"), no_std)]
#![recursion_limit = "512"]
// The macros of the runtime generate public items that have no documentation of their own.
#![allow(missing_docs, unreachable_pub)]

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

extern crate alloc;

pub mod apis;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarks;
pub mod configs;
pub mod genesis_config_presets;
#[cfg(test)]
mod tests;
pub mod weights;

use alloc::{borrow::Cow, vec::Vec};
use sp_runtime::{
	generic,
	traits::{BlakeTwo256, IdentifyAccount, Verify},
	MultiAddress, MultiSignature,
};
use sp_version::RuntimeVersion;

pub use configs::session::SessionKeys;

/// A height.
pub type BlockNumber = u32;
/// A signature by a user: sr25519, ed25519 or ECDSA.
pub type Signature = MultiSignature;
/// A user, by public key.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// An amount, in the smallest unit of ELT.
pub type Balance = u128;
/// A user's transaction count.
pub type Nonce = u32;
/// A block's hash.
pub type Hash = sp_core::H256;
/// A user, as transactions name it.
pub type Address = MultiAddress<AccountId, ()>;
/// A block's header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;
/// A block as nodes have it: they do not look into its extrinsics, and RPC gives those as hexadecimal bytes.
pub type OpaqueBlock = generic::Block<Header, sp_runtime::OpaqueExtrinsic>;
/// A block with the justification of its finality.
pub type SignedBlock = generic::SignedBlock<Block>;
/// An extrinsic as it comes from the network.
pub type UncheckedExtrinsic = generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// What a transaction's signature is made over.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;

/// What is checked of, and done for, every transaction, in this order.
///
/// `AuthorizeCall` comes first: it gives feeless calls that authorise themselves (reports of equivocations) their
/// origin. `WeightReclaim` comes last, so that it sees what the others did not use.
pub type TxExtension = (
	frame_system::AuthorizeCall<Runtime>,
	frame_system::CheckNonZeroSender<Runtime>,
	frame_system::CheckSpecVersion<Runtime>,
	frame_system::CheckTxVersion<Runtime>,
	frame_system::CheckGenesis<Runtime>,
	frame_system::CheckEra<Runtime>,
	frame_system::CheckNonce<Runtime>,
	frame_system::CheckWeight<Runtime>,
	pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
	frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
	frame_system::WeightReclaim<Runtime>,
);

/// Executes blocks.
pub type Executive =
	frame_executive::Executive<Runtime, Block, frame_system::ChainContext<Runtime>, Runtime, AllPalletsWithSystem>;

/// This runtime's version.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
	spec_name: Cow::Borrowed("elapse"),
	impl_name: Cow::Borrowed("elapse"),
	authoring_version: 1,
	spec_version: 1,
	impl_version: 1,
	apis: apis::RUNTIME_API_VERSIONS,
	transaction_version: 1,
	system_version: 1,
};

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;

	#[runtime::pallet_index(1)]
	pub type Timestamp = pallet_timestamp;

	#[runtime::pallet_index(2)]
	pub type Balances = pallet_balances;

	#[runtime::pallet_index(3)]
	pub type TransactionPayment = pallet_transaction_payment;

	#[runtime::pallet_index(4)]
	pub type Poet = pallet_poet;

	#[runtime::pallet_index(5)]
	pub type Authorship = pallet_authorship;

	#[runtime::pallet_index(6)]
	pub type Trust = pallet_trust;

	#[runtime::pallet_index(7)]
	pub type Grandpa = pallet_grandpa;

	#[runtime::pallet_index(8)]
	pub type Session = pallet_session;

	#[runtime::pallet_index(9)]
	pub type Historical = pallet_session::historical;

	#[runtime::pallet_index(10)]
	pub type Utility = pallet_utility;

	#[runtime::pallet_index(11)]
	pub type Sudo = pallet_sudo;

	#[runtime::pallet_index(12)]
	pub type Admission = pallet_admission;

	#[runtime::pallet_index(13)]
	pub type Attestation = pallet_attestation;

	#[runtime::pallet_index(14)]
	pub type Mmr = pallet_mmr;

	#[runtime::pallet_index(15)]
	pub type Bridge = pallet_bridge;
}
