//! What calls and hooks cost.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// Weights of this pallet's calls and hooks.
pub trait WeightInfo {
	/// The first block of an epoch, its author a member.
	fn on_initialize() -> Weight;
	/// Any block.
	fn on_finalize() -> Weight;
	/// A parent header of `b` bytes.
	fn note_parent(b: u32) -> Weight;
	/// A report that is accepted, without its verification.
	fn report_equivocation() -> Weight;
	/// Verification of a report of two timers, with attestation keys of the slowest kind.
	fn authorize_report_equivocation() -> Weight;
}

/// Round estimates, for tests only. A runtime uses generated weights.
impl WeightInfo for () {
	fn on_initialize() -> Weight {
		Weight::from_parts(1_000_000_000, 8_192).saturating_add(RocksDbWeight::get().reads_writes(9, 7))
	}

	fn on_finalize() -> Weight {
		Weight::from_parts(10_000_000, 1_024).saturating_add(RocksDbWeight::get().reads_writes(3, 4))
	}

	fn note_parent(b: u32) -> Weight {
		Weight::from_parts(50_000_000, 8_192)
			.saturating_add(Weight::from_parts(10_000, 0).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads_writes(5, 3))
	}

	fn report_equivocation() -> Weight {
		Weight::from_parts(100_000_000, 8_192).saturating_add(RocksDbWeight::get().reads_writes(6, 4))
	}

	fn authorize_report_equivocation() -> Weight {
		Weight::from_parts(50_000_000_000, 8_192).saturating_add(RocksDbWeight::get().reads(6))
	}
}
