//! Benchmarks of every call and hook.

use alloc::{vec, vec::Vec};
use codec::Decode;
use ep_poet::{api::AkPublic, AuthorityId};
use ep_tpm::Name;
use frame_benchmarking::v2::*;
use frame_support::{
	traits::{EnsureOrigin, Get, Hooks, OneSessionHandler},
	StorageHasher,
};
use pallet_session::SessionManager;
use sp_core::{ed25519, sr25519};
use sp_runtime::traits::TrailingZeroInput;

use crate::*;

/// A hash that is different for every number.
fn seed(n: u32) -> [u8; 32] {
	frame_support::Blake2_256::hash(&n.to_le_bytes())
}

/// An RSA-4096 attestation key: the longest. Nobody has the private half, which nothing here needs.
fn ak_public(n: u32) -> AkPublic {
	let mut out = Vec::new();
	for field in [0x0001_u16, 0x000b, 0x0005, 0x0472, 0, 0x0010, 0x0014, 0x000b, 4096, 0, 0, 512] {
		out.extend(field.to_be_bytes());
	}
	let mut modulus = vec![0xff; 512];
	modulus[1..33].copy_from_slice(&seed(n));
	out.extend(modulus);
	out.try_into().expect("within the bound")
}

fn spec(n: u32) -> MemberSpec {
	let ek_name = Name::from_bytes(&[&[0, 0x0b][..], &seed(n)].concat()).expect("34 bytes with SHA-256 are a name");
	let author = AuthorityId::from(sr25519::Public::from_raw(seed(n)));
	MemberSpec { author, ak_public: ak_public(n), ek_name, weight: MAX_WEIGHT / 2 }
}

fn who<T: Config>(n: u32) -> T::AccountId {
	account("member", n, 0)
}

fn admit<T: Config>(n: u32) {
	let MemberSpec { author, ak_public, ek_name, weight } = spec(n);
	Pallet::<T>::admit_for_benchmark(who::<T>(n), author, ak_public, ek_name, weight);
}

fn session_keys<T: Config>() -> Result<<T as pallet_session::Config>::Keys, BenchmarkError> {
	Decode::decode(&mut TrailingZeroInput::zeroes()).map_err(|_| "zeros are session keys".into())
}

fn admin<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
	T::AdminOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn on_initialize() -> Result<(), BenchmarkError> {
		(0..3).for_each(admit::<T>);
		Pallet::<T>::remove_member(admin::<T>()?, who::<T>(0))?;
		// As if it had left long ago.
		let author = spec(0).author;
		let mut member = Members::<T>::get(&author).ok_or("the member is there")?;
		member.leaves = Some(0);
		Members::<T>::insert(&author, member);
		while T::CurrentEpoch::get() == 0 {
			let number = frame_system::Pallet::<T>::block_number();
			frame_system::Pallet::<T>::set_block_number(number + 1u32.into());
		}

		#[block]
		{
			Pallet::<T>::on_initialize(1u32.into());
		}

		assert!(!Members::<T>::contains_key(&author));
		Ok(())
	}

	#[benchmark]
	fn add_member() -> Result<(), BenchmarkError> {
		let (origin, keys) = (admin::<T>()?, session_keys::<T>()?);

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, who::<T>(1), spec(1), keys);

		assert!(Accounts::<T>::contains_key(who::<T>(1)));
		Ok(())
	}

	#[benchmark]
	fn remove_member() -> Result<(), BenchmarkError> {
		admit::<T>(0);
		let (origin, keys) = (admin::<T>()?, session_keys::<T>()?);
		Pallet::<T>::add_member(origin.clone(), who::<T>(1), spec(1), keys)?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, who::<T>(1));

		assert!(Members::<T>::get(spec(1).author).is_some_and(|member| member.leaves.is_some()));
		Ok(())
	}

	#[benchmark]
	fn set_weight() -> Result<(), BenchmarkError> {
		admit::<T>(0);
		let origin = admin::<T>()?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, who::<T>(0), MAX_WEIGHT);

		let epoch = T::CurrentEpoch::get() + DELAY;
		assert_eq!(Pallet::<T>::weight_of(&who::<T>(0), epoch), MAX_WEIGHT);
		Ok(())
	}

	/// The number of seats is the runtime's; what varies is how many of them are filled from how long a list.
	#[benchmark]
	fn new_session(v: Linear<1, { T::MaxVoters::get() }>) {
		(0..v.saturating_mul(2).min(T::MaxMembers::get())).for_each(admit::<T>);

		#[block]
		{
			let drawn = <Pallet<T> as SessionManager<T::AccountId>>::new_session(2);
			assert!(drawn.is_some());
		}
	}

	#[benchmark]
	fn on_new_session(v: Linear<1, { T::MaxVoters::get() }>) {
		let key = |n: u32| sp_consensus_grandpa::AuthorityId::from(ed25519::Public::from_raw(seed(n)));
		(0..v).for_each(admit::<T>);
		let before = (v..v.saturating_mul(2)).map(|n| (key(n), MAX_WEIGHT)).collect();
		pallet_grandpa::Authorities::<T>::put(pallet_grandpa::BoundedAuthorityList::<T::MaxAuthorities>::force_from(
			before, None,
		));
		pallet_grandpa::PendingChange::<T>::kill();
		let validators: Vec<_> = (0..v).map(|n| (who::<T>(n), key(n))).collect();

		#[block]
		{
			let keys = || validators.iter().map(|(account, key)| (account, key.clone()));
			<WeightedGrandpa<T> as OneSessionHandler<T::AccountId>>::on_new_session(true, keys(), keys());
		}

		assert!(pallet_grandpa::PendingChange::<T>::exists());
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
