//! What calls and hooks cost.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// Weights of this pallet's calls and hooks.
pub trait WeightInfo {
	/// A block in which `l` duties lapse and `d` members are drawn.
	fn on_initialize(l: u32, d: u32) -> Weight;
	/// A testimony with a quote against the longest policy, without its authorisation.
	fn attest() -> Weight;
	/// Whether a testimony is the member's own.
	fn authorize_attest() -> Weight;
	/// Parameters.
	fn set_parameters() -> Weight;
}

/// Round estimates, for tests only. A runtime uses generated weights.
impl WeightInfo for () {
	fn on_initialize(l: u32, d: u32) -> Weight {
		let each = RocksDbWeight::get().reads_writes(7, 4);
		RocksDbWeight::get().reads_writes(4, 1).saturating_add(each.saturating_mul(l.saturating_add(d).into()))
	}

	fn attest() -> Weight {
		Weight::from_parts(50_000_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(12, 5))
	}

	fn authorize_attest() -> Weight {
		Weight::from_parts(100_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(2, 0))
	}

	fn set_parameters() -> Weight {
		RocksDbWeight::get().reads_writes(0, 1)
	}
}
