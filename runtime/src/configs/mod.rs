//! What the pallets are set to.
//!
//! * [`admission`]: how machines become members.
//! * [`attestation`]: how members stay.
//! * [`bridge`]: what is anchored on the Elastos Smart Chain.
//! * [`system`]: block limits, database weights, timestamp.
//! * [`money`]: ELT, balances, fees.
//! * [`session`]: lottery, members, sessions, finality.
//! * `utility` and `sudo` have nothing to set, and stand here.

pub mod admission;
pub mod attestation;
pub mod bridge;
pub mod money;
pub mod session;
pub mod system;

pub use system::BlockWeights;

use crate::{OriginCaller, Runtime, RuntimeCall, RuntimeEvent};

impl pallet_utility::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type PalletsOrigin = OriginCaller;
	type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
}

/// A chain whose genesis names no sudo key has none for ever: `Sudo::Key` can only be set by its holder.
impl pallet_sudo::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type WeightInfo = pallet_sudo::weights::SubstrateWeight<Runtime>;
}
