//! What calls and hooks cost.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// Weights of this pallet's calls and hooks.
pub trait WeightInfo {
	/// A block that begins a session, of whose validators `s` can sign; any other block with 0.
	fn on_initialize(s: u32) -> Weight;
	/// A block with a handover, and a round concluded.
	fn on_finalize() -> Weight;
	/// Opening a checkpoint where one has to make room.
	fn on_parent() -> Weight;
	/// A signature that makes a quorum of the most signers, without its authorisation.
	fn sign() -> Weight;
	/// Whether a signature is a signer's.
	fn authorize_sign() -> Weight;
	/// A report, without its authorisation.
	fn report_equivocation() -> Weight;
	/// Whether two statements are an offence.
	fn authorize_report_equivocation() -> Weight;
	/// Parameters.
	fn set_parameters() -> Weight;
	/// Giving up the signers.
	fn reset_signers() -> Weight;
	/// The word of a signer that makes a landing known, of the most signers, without its authorisation.
	fn attest_landing() -> Weight;
	/// Whether a word is a signer's.
	fn authorize_attest_landing() -> Weight;
	/// Paying a relayer.
	fn claim_rewards() -> Weight;
	/// The reward.
	fn set_reward() -> Weight;
	/// A leaf of the tree changes. Part of what others' calls and hooks are measured with.
	fn on_score() -> Weight;
	/// A leaf goes, and another takes its place. Part of what others' hooks are measured with.
	fn on_member_gone() -> Weight;
}

/// Round estimates, for tests only. A runtime uses generated weights.
impl WeightInfo for () {
	fn on_initialize(s: u32) -> Weight {
		RocksDbWeight::get().reads_writes(4, 4).saturating_add(RocksDbWeight::get().reads(4).saturating_mul(s.into()))
	}

	fn on_finalize() -> Weight {
		Weight::from_parts(50_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(12, 4))
	}

	fn on_parent() -> Weight {
		RocksDbWeight::get().reads_writes(4, 5)
	}

	fn sign() -> Weight {
		Weight::from_parts(200_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(8, 24))
	}

	fn authorize_sign() -> Weight {
		Weight::from_parts(100_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(3, 0))
	}

	fn report_equivocation() -> Weight {
		Weight::from_parts(200_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(8, 24))
	}

	fn authorize_report_equivocation() -> Weight {
		Weight::from_parts(200_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(6, 0))
	}

	fn set_parameters() -> Weight {
		RocksDbWeight::get().reads_writes(0, 1)
	}

	fn reset_signers() -> Weight {
		RocksDbWeight::get().reads_writes(400, 24)
	}

	fn attest_landing() -> Weight {
		Weight::from_parts(200_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(8, 6))
	}

	fn authorize_attest_landing() -> Weight {
		Weight::from_parts(100_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(3, 0))
	}

	fn claim_rewards() -> Weight {
		Weight::from_parts(200_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(6, 5))
	}

	fn set_reward() -> Weight {
		RocksDbWeight::get().reads_writes(0, 1)
	}

	fn on_score() -> Weight {
		RocksDbWeight::get().reads_writes(20, 20)
	}

	fn on_member_gone() -> Weight {
		RocksDbWeight::get().reads_writes(40, 40)
	}
}
