//! The lottery, its members, sessions and finality.

use alloc::vec::Vec;
use frame_support::traits::{ConstU128, ConstU32, ConstU64, Get, OneSessionHandler};
use frame_system::EnsureRoot;
use pallet_trust::WeightedGrandpa;
use sp_runtime::{
	impl_opaque_keys,
	traits::{ConvertInto, OpaqueKeys},
	BoundToRuntimeAppPublic,
};

use crate::{AccountId, Admission, Attestation, Balances, Bridge, Poet, Runtime, RuntimeEvent, Trust};

/// Members that vote on finality at a time. GRANDPA's justifications, and the proofs of them on the Elastos Smart
/// Chain, are linear in it.
pub const MAX_VOTERS: u32 = 100;

/// Members there may be.
pub const MAX_MEMBERS: u32 = 100_000;

/// Sets of voters whose sessions are remembered: so far back a vote can still be tied to the session that it was cast
/// in. A set lasts a session at least.
pub const MAX_SET_ID_SESSION_ENTRIES: u64 = 512;

/// Binds the name `poet` in [`SessionKeys`] to its type.
///
/// The lottery takes its keys from the members' register, where they are tied to a TPM, and never from here: the key is
/// among the session keys so that nodes make and hold it like any other.
pub struct PoetKey;

impl BoundToRuntimeAppPublic for PoetKey {
	type Public = ep_poet::AuthorityId;
}

impl OneSessionHandler<AccountId> for PoetKey {
	type Key = ep_poet::AuthorityId;

	fn on_genesis_session<'a, I>(_: I)
	where
		I: Iterator<Item = (&'a AccountId, Self::Key)> + 'a,
	{
	}

	fn on_new_session<'a, I>(_: bool, _: I, _: I)
	where
		I: Iterator<Item = (&'a AccountId, Self::Key)> + 'a,
	{
	}

	fn on_disabled(_: u32) {}
}

impl_opaque_keys! {
	/// The keys that a member's node holds.
	pub struct SessionKeys {
		/// Draws the lottery and signs blocks.
		pub poet: PoetKey,
		/// Votes on finality.
		pub grandpa: WeightedGrandpa<Runtime>,
	}
}

impl pallet_poet::Config for Runtime {
	type Members = Trust;
	type OnEquivocation = Trust;
	type OnParent = Bridge;
	type WeightInfo = crate::weights::pallet_poet::WeightInfo<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::benchmarks::Register;
}

/// The lottery's epoch, for the register: an epoch is a session.
pub struct CurrentEpoch;

impl Get<u64> for CurrentEpoch {
	fn get() -> u64 {
		Poet::current_epoch()
	}
}

/// The lottery's randomness, for the draw of voters.
pub struct Randomness;

impl Get<[u8; 32]> for Randomness {
	fn get() -> [u8; 32] {
		Poet::randomness()
	}
}

impl pallet_trust::Config for Runtime {
	type AdminOrigin = EnsureRoot<AccountId>;
	type CurrentEpoch = CurrentEpoch;
	type Randomness = Randomness;
	type OnMemberGone = (Poet, (Admission, (Attestation, Bridge)));
	type MaxMembers = ConstU32<MAX_MEMBERS>;
	type MaxVoters = ConstU32<MAX_VOTERS>;
	type WeightInfo = crate::weights::pallet_trust::WeightInfo<Runtime>;
}

impl pallet_authorship::Config for Runtime {
	type FindAuthor = Poet;
	type EventHandler = ();
}

impl pallet_session::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type ValidatorId = AccountId;
	type ValidatorIdOf = ConvertInto;
	type ShouldEndSession = Poet;
	type NextSessionRotation = Poet;
	type SessionManager = Trust;
	type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
	type Keys = SessionKeys;
	// Members are judged by their register, and what it decides takes effect with the next session.
	type DisablingStrategy = ();
	type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	// Only members have a use for session keys, and who becomes one is decided elsewhere.
	type KeyDeposit = ConstU128<0>;
}

/// Sessions of the past are not kept: nobody proves anything about them yet. `pallet_trust` sets members' keys through
/// an interface that asks for this pallet.
impl pallet_session::historical::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type FullIdentification = ();
	type FullIdentificationOf = ();
}

impl pallet_grandpa::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = ();
	type MaxAuthorities = ConstU32<MAX_VOTERS>;
	type MaxNominators = ConstU32<0>;
	type MaxSetIdSessionEntries = ConstU64<MAX_SET_ID_SESSION_ENTRIES>;
	// Nobody judges a voter who voted twice yet: members have no deposit, so there is nothing to take, and whoever
	// holds the admin's origin can remove one. `Void` cannot be made, so no report can be sent either.
	type KeyOwnerProof = sp_core::Void;
	type EquivocationReportSystem = ();
}
