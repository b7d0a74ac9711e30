//! What calls and hooks cost.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// Weights of this pallet's calls and hooks.
pub trait WeightInfo {
	/// Any block.
	fn on_initialize() -> Weight;
	/// An application with the longest path that is accepted.
	fn apply() -> Weight;
	/// A seat, without its verification.
	fn sit() -> Weight;
	/// Verification of a claim.
	fn authorize_sit() -> Weight;
	/// An answer to a full committee.
	fn answer() -> Weight;
	/// A question revealed.
	fn reveal() -> Weight;
	/// Verification of one.
	fn authorize_reveal() -> Weight;
	/// The verdict of a full committee, without its verification.
	fn conclude() -> Weight;
	/// Verification of one.
	fn authorize_conclude() -> Weight;
	/// A round with a full committee, taken back.
	fn withdraw() -> Weight;
	/// The same, expired.
	fn expire() -> Weight;
	/// Whether it is.
	fn authorize_expire() -> Weight;
	/// A long list.
	fn submit_list() -> Weight;
	/// A root.
	fn add_root() -> Weight;
	/// A root that goes.
	fn remove_root() -> Weight;
	/// A policy.
	fn set_policy() -> Weight;
	/// Parameters.
	fn set_parameters() -> Weight;
	/// Both lists of models.
	fn set_models() -> Weight;
	/// A member's address, in place of another.
	fn set_anchor_of() -> Weight;
	/// Where verdicts are read.
	fn set_anchor_chain() -> Weight;
	/// A member's evidence, looked at again.
	fn review() -> Weight;
	/// Whether it is due.
	fn authorize_review() -> Weight;
	/// A member's new address.
	fn rotate_anchor() -> Weight;
	/// A member's other policy.
	fn choose_policy() -> Weight;
}

/// Round estimates, for tests only. A runtime uses generated weights.
impl WeightInfo for () {
	fn on_initialize() -> Weight {
		RocksDbWeight::get().reads_writes(1, 1)
	}

	fn apply() -> Weight {
		Weight::from_parts(60_000_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(40, 12))
	}

	fn sit() -> Weight {
		RocksDbWeight::get().reads_writes(16, 3)
	}

	fn authorize_sit() -> Weight {
		Weight::from_parts(1_000_000_000, 0).saturating_add(RocksDbWeight::get().reads(16))
	}

	fn answer() -> Weight {
		Weight::from_parts(20_000_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(140, 3))
	}

	fn reveal() -> Weight {
		RocksDbWeight::get().reads_writes(6, 3)
	}

	fn authorize_reveal() -> Weight {
		Weight::from_parts(20_000_000_000, 0).saturating_add(RocksDbWeight::get().reads(6))
	}

	fn conclude() -> Weight {
		RocksDbWeight::get().reads_writes(160, 160)
	}

	fn authorize_conclude() -> Weight {
		Weight::from_parts(20_000_000_000, 0).saturating_add(RocksDbWeight::get().reads(160))
	}

	fn withdraw() -> Weight {
		RocksDbWeight::get().reads_writes(140, 140)
	}

	fn expire() -> Weight {
		Self::withdraw()
	}

	fn authorize_expire() -> Weight {
		RocksDbWeight::get().reads(1)
	}

	fn submit_list() -> Weight {
		Weight::from_parts(20_000_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(4, 1))
	}

	fn add_root() -> Weight {
		Weight::from_parts(20_000_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(1, 1))
	}

	fn remove_root() -> Weight {
		RocksDbWeight::get().reads_writes(1, 1)
	}

	fn set_policy() -> Weight {
		RocksDbWeight::get().writes(1)
	}

	fn set_parameters() -> Weight {
		RocksDbWeight::get().writes(1)
	}

	fn set_models() -> Weight {
		RocksDbWeight::get().writes(2)
	}

	fn set_anchor_of() -> Weight {
		RocksDbWeight::get().reads_writes(3, 3)
	}

	fn set_anchor_chain() -> Weight {
		RocksDbWeight::get().writes(1)
	}

	fn review() -> Weight {
		Self::apply()
	}

	fn authorize_review() -> Weight {
		RocksDbWeight::get().reads(4)
	}

	fn rotate_anchor() -> Weight {
		Weight::from_parts(100_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(4, 3))
	}

	fn choose_policy() -> Weight {
		RocksDbWeight::get().reads_writes(3, 1)
	}
}
