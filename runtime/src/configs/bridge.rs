//! What is anchored on the Elastos Smart Chain: checkpoints, the history, the scores.

use alloc::vec::Vec;
use ep_poet::AuthorityId;
use frame_support::{
	parameter_types,
	traits::{ConstU32, Get},
	PalletId,
};
use frame_system::EnsureRoot;
use pallet_bridge::{History, Register, Validator};
use sp_core::{H160, H256};
use sp_runtime::traits::Keccak256;

use super::{
	admission::{GenesisHash, MAX_ROUNDS},
	session::{CurrentEpoch, MAX_VOTERS},
};
use crate::{AccountId, Balances, Bridge, Mmr, Poet, Runtime, RuntimeHoldReason, Trust};

/// Whoever votes on finality signs, if it has an address there.
pub struct Voters;

impl Register for Voters {
	fn validators() -> Vec<Validator> {
		let epoch = Poet::current_epoch();
		let validator = |account: AccountId| {
			let author = pallet_trust::Accounts::<Runtime>::get(&account)?;
			let address = pallet_admission::Anchors::<Runtime>::get(&author)?;
			let weight = Trust::weight_of(&account, epoch);
			(weight > 0).then_some(Validator { author, address, weight })
		};
		let validators = pallet_session::Validators::<Runtime>::get().into_iter();
		validators.take(MAX_VOTERS as usize).filter_map(validator).collect()
	}

	fn address(author: &AuthorityId) -> Option<H160> {
		pallet_admission::Anchors::<Runtime>::get(author)
	}

	fn owner(address: &H160) -> Option<AuthorityId> {
		pallet_admission::AnchorOwners::<Runtime>::get(address)
	}

	fn contract() -> ep_trust::Chain {
		pallet_admission::AnchorChain::<Runtime>::get()
	}
}

/// `pallet_mmr`'s mountain range.
pub struct Mountains;

impl History for Mountains {
	fn root() -> H256 {
		Mmr::mmr_root()
	}

	fn leaves() -> u64 {
		Mmr::mmr_leaves()
	}
}

/// The session, by its number.
pub struct CurrentSession;

impl Get<u32> for CurrentSession {
	fn get() -> u32 {
		pallet_session::CurrentIndex::<Runtime>::get()
	}
}

parameter_types! {
	/// Whose funds relayers are rewarded from.
	pub const PotId: PalletId = PalletId(*b"elapse/a");
}

impl pallet_bridge::Config for Runtime {
	type GovernOrigin = EnsureRoot<AccountId>;
	type Register = Voters;
	type OnEquivocation = Trust;
	type GenesisHash = GenesisHash;
	type CurrentEpoch = CurrentEpoch;
	type CurrentSession = CurrentSession;
	type History = Mountains;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type PotId = PotId;
	type MaxSigners = ConstU32<MAX_VOTERS>;
	// A round that concludes makes room for another, which cannot conclude in the same block.
	type MaxConcluded = ConstU32<MAX_ROUNDS>;
	type WeightInfo = crate::weights::pallet_bridge::WeightInfo<Runtime>;
}

/// A leaf for every block, from genesis on. What the chain does not need itself it has nodes keep beside its state.
impl pallet_mmr::Config for Runtime {
	const INDEXING_PREFIX: &'static [u8] = pallet_mmr::primitives::INDEXING_PREFIX;

	type Hashing = Keccak256;
	type LeafData = Bridge;
	type OnNewRoot = ();
	type BlockHashProvider = pallet_mmr::DefaultBlockHashProvider<Runtime>;
	// By the number of peaks, with a slower database's weights.
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = ();
}
