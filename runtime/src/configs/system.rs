//! Block limits, database weights, time.

use frame_support::{
	derive_impl,
	dispatch::DispatchClass,
	parameter_types,
	traits::{ConstU16, ConstU32, ConstU64},
	weights::{
		constants::{ParityDbWeight, WEIGHT_REF_TIME_PER_SECOND},
		Weight,
	},
};
use frame_system::{
	limits::{BlockLength as Length, BlockWeights as Weights},
	offchain::{CreateAuthorizedTransaction, CreateBare, CreateTransaction, CreateTransactionBase},
};
use sp_runtime::{generic::Era, Perbill};
use sp_version::RuntimeVersion;

use crate::{
	AccountId, Block, Hash, Nonce, PalletInfo, Poet, Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin, RuntimeTask,
	TxExtension, UncheckedExtrinsic, VERSION,
};

/// Share of a block that ordinary transactions may fill. The rest is for what keeps the chain alive.
pub const NORMAL_RATIO: Perbill = Perbill::from_percent(75);

/// Compute time of a full block on the hardware that weights were measured on.
///
/// It has to be well below the shortest block interval in use, 2 s: a block is executed by its author while its wait
/// ends, and again by everybody who imports it before their own waits for the next height begin to count. 1.5 s of
/// weight leave room for about 2,400 transfers, 1,200 a second at 2 s; weights are worst cases, and a full block of
/// transfers takes a third of that in fact.
pub const MAX_BLOCK_WEIGHT: Weight =
	Weight::from_parts(WEIGHT_REF_TIME_PER_SECOND.saturating_mul(3).saturating_div(2), u64::MAX);

/// Bytes of a full block.
pub const MAX_BLOCK_LENGTH: u32 = 5 * 1024 * 1024;

/// The generic prefix of addresses, which every wallet knows. One of our own has to be registered first.
pub const SS58_PREFIX: u16 = 42;

parameter_types! {
	/// [`MAX_BLOCK_WEIGHT`], by class.
	pub BlockWeights: Weights = Weights::with_sensible_defaults(MAX_BLOCK_WEIGHT, NORMAL_RATIO);
	/// [`MAX_BLOCK_LENGTH`], by class.
	pub BlockLength: Length = Length::builder()
		.max_length(MAX_BLOCK_LENGTH)
		.modify_max_length_for_class(DispatchClass::Normal, |max| *max = NORMAL_RATIO * *max)
		// The seal comes on top of what the runtime sees.
		.max_header_size(ep_poet::digest::MAX_HEADER / 2)
		.build();
	/// This runtime's version.
	pub const Version: RuntimeVersion = VERSION;
	/// Hashes kept in state: how long a mortal transaction may live, over two hours at 2 s.
	pub const BlockHashCount: u32 = 4096;
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
	type Block = Block;
	type BlockWeights = BlockWeights;
	type BlockLength = BlockLength;
	type AccountId = AccountId;
	type Nonce = Nonce;
	type Hash = Hash;
	type BlockHashCount = BlockHashCount;
	// The node's database is ParityDB. With RocksDB's weights a third fewer transactions would fit.
	type DbWeight = ParityDbWeight;
	type Version = Version;
	type AccountData = pallet_balances::AccountData<crate::Balance>;
	type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
	type ExtensionsWeightInfo = frame_system::SubstrateExtensionsWeight<Runtime>;
	type SS58Prefix = ConstU16<SS58_PREFIX>;
	type MaxConsumers = ConstU32<16>;
}

impl pallet_timestamp::Config for Runtime {
	/// Unix milliseconds.
	type Moment = u64;
	/// Compares the timestamp with the one that the author fixed in the block's digest.
	type OnTimestampSet = Poet;
	// The least distance between blocks is the lottery's business: `ts >= parent.ts + 0.9 d`.
	type MinimumPeriod = ConstU64<1>;
	type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl<C> CreateTransactionBase<C> for Runtime
where
	RuntimeCall: From<C>,
{
	type Extrinsic = UncheckedExtrinsic;
	type RuntimeCall = RuntimeCall;
}

impl<C> CreateBare<C> for Runtime
where
	RuntimeCall: From<C>,
{
	fn create_bare(call: RuntimeCall) -> UncheckedExtrinsic {
		UncheckedExtrinsic::new_bare(call)
	}
}

impl<C> CreateTransaction<C> for Runtime
where
	RuntimeCall: From<C>,
{
	type Extension = TxExtension;

	fn create_transaction(call: RuntimeCall, extension: TxExtension) -> UncheckedExtrinsic {
		UncheckedExtrinsic::new_transaction(call, extension)
	}
}

/// Calls that authorise themselves are nobody's: no nonce, no fee, no end of life.
impl<C> CreateAuthorizedTransaction<C> for Runtime
where
	RuntimeCall: From<C>,
{
	fn create_extension() -> TxExtension {
		(
			frame_system::AuthorizeCall::new(),
			frame_system::CheckNonZeroSender::new(),
			frame_system::CheckSpecVersion::new(),
			frame_system::CheckTxVersion::new(),
			frame_system::CheckGenesis::new(),
			frame_system::CheckEra::from(Era::Immortal),
			frame_system::CheckNonce::from(0),
			frame_system::CheckWeight::new(),
			pallet_transaction_payment::ChargeTransactionPayment::from(0),
			frame_metadata_hash_extension::CheckMetadataHash::new(false),
			frame_system::WeightReclaim::new(),
		)
	}
}
