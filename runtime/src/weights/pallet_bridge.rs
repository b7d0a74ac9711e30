//! Placeholder until `scripts/weights.sh pallet_bridge` has run.
#![allow(missing_docs)]
use core::marker::PhantomData;
use frame_support::weights::Weight;
pub struct WeightInfo<T>(PhantomData<T>);
impl<T: frame_system::Config> pallet_bridge::WeightInfo for WeightInfo<T> {
	fn on_initialize(s: u32) -> Weight {
		<() as pallet_bridge::WeightInfo>::on_initialize(s)
	}
	fn on_finalize() -> Weight {
		<() as pallet_bridge::WeightInfo>::on_finalize()
	}
	fn on_parent() -> Weight {
		<() as pallet_bridge::WeightInfo>::on_parent()
	}
	fn sign() -> Weight {
		<() as pallet_bridge::WeightInfo>::sign()
	}
	fn authorize_sign() -> Weight {
		<() as pallet_bridge::WeightInfo>::authorize_sign()
	}
	fn report_equivocation() -> Weight {
		<() as pallet_bridge::WeightInfo>::report_equivocation()
	}
	fn authorize_report_equivocation() -> Weight {
		<() as pallet_bridge::WeightInfo>::authorize_report_equivocation()
	}
	fn set_parameters() -> Weight {
		<() as pallet_bridge::WeightInfo>::set_parameters()
	}
	fn reset_signers() -> Weight {
		<() as pallet_bridge::WeightInfo>::reset_signers()
	}
	fn attest_landing() -> Weight {
		<() as pallet_bridge::WeightInfo>::attest_landing()
	}
	fn authorize_attest_landing() -> Weight {
		<() as pallet_bridge::WeightInfo>::authorize_attest_landing()
	}
	fn claim_rewards() -> Weight {
		<() as pallet_bridge::WeightInfo>::claim_rewards()
	}
	fn set_reward() -> Weight {
		<() as pallet_bridge::WeightInfo>::set_reward()
	}
	fn on_score() -> Weight {
		<() as pallet_bridge::WeightInfo>::on_score()
	}
	fn on_member_gone() -> Weight {
		<() as pallet_bridge::WeightInfo>::on_member_gone()
	}
}
