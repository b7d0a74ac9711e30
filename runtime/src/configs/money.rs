//! ELT: units, accounts, fees.

use frame_support::{
	parameter_types,
	traits::{ConstU128, ConstU32, ConstU8, VariantCountOf},
	weights::ConstantMultiplier,
};
use pallet_transaction_payment::{FungibleAdapter, Multiplier, TargetedFeeAdjustment};
use sp_runtime::{traits::Bounded, FixedPointNumber, Perquintill};

use crate::{Balance, Balances, Runtime, RuntimeEvent, RuntimeFreezeReason, RuntimeHoldReason, System};

/// 1 ELT, in its smallest unit.
///
/// Eighteen digits are what the Elastos Smart Chain and its contracts count in: an amount that crosses the bridge is
/// the same number on both sides, and nothing is ever rounded.
pub const ELT: Balance = 1_000_000_000_000_000_000;
/// How many digits an amount has behind the point.
pub const DECIMALS: u32 = ELT.ilog10();
/// 0.001 ELT.
pub const MILLI: Balance = ELT / 1_000;
/// 0.000001 ELT.
pub const MICRO: Balance = MILLI / 1_000;

/// The least balance of an account.
///
/// An account costs every node some 150 bytes for good, so that 1 GB of them costs their makers about 7,000 ELT.
pub const EXISTENTIAL_DEPOSIT: Balance = MILLI;

/// Fee of a picosecond of weight: a second of everybody's compute costs 1 ELT, a transfer about 0.0005 ELT.
pub const FEE_PER_REF_TIME: Balance = MICRO / 1_000_000;

/// Fee of a byte of a transaction: a full block costs about 5 ELT by length, 1.5 ELT by weight.
pub const FEE_PER_BYTE: Balance = MICRO;

impl pallet_balances::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeHoldReason = RuntimeHoldReason;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type Balance = Balance;
	type DustRemoval = ();
	type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
	type AccountStore = System;
	type ReserveIdentifier = [u8; 8];
	type FreezeIdentifier = RuntimeFreezeReason;
	// Locks and reserves are of the past: everything here uses holds and freezes.
	type MaxLocks = ConstU32<0>;
	type MaxReserves = ConstU32<0>;
	type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
	type DoneSlashHandler = ();
	type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
}

parameter_types! {
	/// Fees neither rise nor fall while blocks are a quarter full.
	pub const TargetFullness: Perquintill = Perquintill::from_percent(25);
	/// How fast they follow: they double within about 12,000 blocks that are full.
	pub AdjustmentSpeed: Multiplier = Multiplier::saturating_from_rational(75, 1_000_000);
	/// They fall to a tenth at least, so that an idle chain can still be spammed only for money.
	pub LeastMultiplier: Multiplier = Multiplier::saturating_from_rational(1, 10);
	/// There is no limit above.
	pub MostMultiplier: Multiplier = Bounded::max_value();
}

impl pallet_transaction_payment::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	// Fees are burnt. If a block's author had them, it could fill its own blocks for nothing.
	type OnChargeTransaction = FungibleAdapter<Balances, ()>;
	type OperationalFeeMultiplier = ConstU8<5>;
	type WeightToFee = ConstantMultiplier<Balance, ConstU128<FEE_PER_REF_TIME>>;
	type LengthToFee = ConstantMultiplier<Balance, ConstU128<FEE_PER_BYTE>>;
	type FeeMultiplierUpdate =
		TargetedFeeAdjustment<Runtime, TargetFullness, AdjustmentSpeed, LeastMultiplier, MostMultiplier>;
	type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}
