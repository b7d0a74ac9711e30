//! What calls and hooks cost.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// Weights of this pallet's calls and hooks.
pub trait WeightInfo {
	/// One member's record removed.
	fn on_initialize() -> Weight;
	/// A member with an RSA-4096 attestation key.
	fn add_member() -> Weight;
	/// A member removed.
	fn remove_member() -> Weight;
	/// A weight changed.
	fn set_weight() -> Weight;
	/// `v` voters drawn among more members than that.
	fn new_session(v: u32) -> Weight;
	/// A session begins with `v` voters, all of them new.
	fn on_new_session(v: u32) -> Weight;
}

/// Round estimates, for tests only. A runtime uses generated weights.
impl WeightInfo for () {
	fn on_initialize() -> Weight {
		Weight::from_parts(50_000_000, 8_192).saturating_add(RocksDbWeight::get().reads_writes(6, 9))
	}

	fn add_member() -> Weight {
		Weight::from_parts(300_000_000, 8_192).saturating_add(RocksDbWeight::get().reads_writes(12, 12))
	}

	fn remove_member() -> Weight {
		Weight::from_parts(100_000_000, 8_192).saturating_add(RocksDbWeight::get().reads_writes(8, 8))
	}

	fn set_weight() -> Weight {
		Weight::from_parts(50_000_000, 8_192).saturating_add(RocksDbWeight::get().reads_writes(4, 2))
	}

	fn new_session(v: u32) -> Weight {
		let each = Weight::from_parts(20_000_000, 8_192).saturating_add(RocksDbWeight::get().reads(18));
		each.saturating_mul(v.into())
	}

	fn on_new_session(v: u32) -> Weight {
		let each = Weight::from_parts(10_000_000, 8_192).saturating_add(RocksDbWeight::get().reads(3));
		each.saturating_mul(v.into()).saturating_add(RocksDbWeight::get().reads_writes(4, 5))
	}
}
