//! How machines become members.

use frame_support::{parameter_types, traits::ConstU32, PalletId};
use frame_system::EnsureRoot;
use sp_runtime::traits::AccountIdConversion;

use crate::{AccountId, Attestation, Balances, Bridge, Poet, Runtime, RuntimeHoldReason};

/// Applications at a time. Every member works on each of them.
pub const MAX_ROUNDS: u32 = 16;

parameter_types! {
	/// Genesis hash, as the lottery keeps it.
	pub GenesisHash: sp_core::H256 = pallet_poet::Genesis::<Runtime>::get();
	/// Who sealed the block, and what the draw adds to randomness.
	pub Draw: Option<(ep_poet::AuthorityId, [u8; 32])> = Poet::draw();
	/// Where deposits go that are lost. Nobody has its key; governance decides.
	pub Forfeited: AccountId = PalletId(*b"elapse/f").into_account_truncating();
}

impl pallet_admission::Config for Runtime {
	type GovernOrigin = EnsureRoot<AccountId>;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Draw = Draw;
	type GenesisHash = GenesisHash;
	type ForfeitTo = Forfeited;
	type OnFault = Attestation;
	type OnConclude = Bridge;
	type OnAnchor = Bridge;
	type MaxRounds = ConstU32<MAX_ROUNDS>;
	type WeightInfo = crate::weights::pallet_admission::WeightInfo<Runtime>;
}
