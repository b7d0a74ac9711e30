//! Benchmarks of every call and hook, each at its worst.
//!
//! They need a keystore, which the benchmark tool registers.

use alloc::boxed::Box;
use ep_poet::AuthorityId;
use ep_trust::{nonce, Testimony};
use frame_benchmarking::v2::*;
use frame_support::{
	pallet_prelude::{Authorize, TransactionSource},
	traits::{EnsureOrigin, Get, Hooks},
};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use sp_application_crypto::RuntimeAppPublic;
use sp_core::{sr25519, H256};
use sp_runtime::Permill;

use crate::*;

/// What benchmarks need of a runtime beside this pallet.
pub trait BenchmarkHelper: Config {
	/// As if `author` had sealed the block being executed, with this VRF output.
	fn set_draw(author: AuthorityId, output: [u8; 32]);

	/// Makes `author` a member with a chip of the slowest kind, admitted under the longest policy.
	fn admit(author: &AuthorityId) -> Result<(), BenchmarkError>;

	/// Makes a member that is only there to be drawn.
	fn admit_simply(author: &AuthorityId, n: u8);

	/// What the first one's chip says under a nonce.
	fn testimony(nonce: &[u8]) -> Testimony;
}

/// The block in which duties begin.
const START: u32 = 500;

fn parameters<T: Config>() -> Parameters {
	Parameters {
		picks: T::MaxPicks::get(),
		deadline: 10,
		grace: 10,
		rest: 100,
		gain: Permill::from_percent(1),
		loss: Permill::from_percent(10),
		late: Permill::from_percent(1),
		threshold: 1,
	}
}

fn go_to<T: Config>(block: u32) {
	frame_system::Pallet::<T>::set_block_number(block.into());
}

/// Members that are drawn by name: `n` of them.
fn simple<T: BenchmarkHelper>(n: u32) -> alloc::vec::Vec<AuthorityId> {
	let author = |n: u32| AuthorityId::from(sr25519::Public::from_raw([n as u8; 32]));
	let authors: alloc::vec::Vec<_> = (1..=n).map(author).collect();
	for (author, n) in authors.iter().zip(1..) {
		T::admit_simply(author, n);
	}
	authors
}

/// An output that draws `d` members of `count`, none of them twice and none of the first `l`.
fn output_that_draws<T: Config>(l: u32, d: u32, count: u32) -> [u8; 32] {
	let draws = |output: &[u8; 32]| {
		let mut drawn = alloc::collections::BTreeSet::new();
		(0..d).all(|number| {
			Pallet::<T>::drawn(output, number, count).is_some_and(|index| index >= l && drawn.insert(index))
		})
	};
	let outputs = (0u32..).map(|number| sp_io::hashing::blake2_256(&number.to_le_bytes()));
	outputs.into_iter().find(draws).expect("there is one among so many")
}

/// A member that owes a testimony, and the call with it.
fn call<T: BenchmarkHelper>() -> Result<(AuthorityId, Box<Testimony>, sr25519::Signature), BenchmarkError> {
	let author = AuthorityId::generate_pair(Some(b"//Attestation".to_vec()));
	T::admit(&author)?;
	// Somebody else, so that its weight may go.
	simple::<T>(1);
	go_to::<T>(START);
	Settings::<T>::put(parameters::<T>());
	Pallet::<T>::oblige(author.clone(), &parameters::<T>());
	let hash = H256::repeat_byte(0xb1);
	frame_system::BlockHash::<T>::insert(BlockNumberFor::<T>::from(START), hash);
	go_to::<T>(START + 1);
	let genesis = T::GenesisHash::get();
	let testimony = T::testimony(&nonce::duty(&genesis, &hash, &author));
	let statement = nonce::statement(&genesis, &author, "attest", START, &(hash, 0u8, &testimony));
	let signature = author.sign(&statement).ok_or("the key is in the keystore")?;
	Ok((author, Box::new(testimony), signature.into()))
}

#[benchmarks(where T: BenchmarkHelper)]
mod benchmarks {
	use super::*;

	/// `l` duties lapse, each of which changes a weight; `d` members are drawn, all of them others. One at least: were none
	/// drawn, that would be a pause, in which duties lapse for nothing.
	#[benchmark]
	fn on_initialize(l: Linear<0, { 8 }>, d: Linear<1, { 8 }>) {
		let (l, d) = (l.min(T::MaxPicks::get()), d.min(T::MaxPicks::get()));
		// Those after the first `l` are drawn.
		let others = 2 * T::MaxPicks::get();
		let authors = simple::<T>(l + others);
		Settings::<T>::put(parameters::<T>());
		go_to::<T>(START);
		for author in authors.into_iter().take(l as usize) {
			Pallet::<T>::oblige(author, &parameters::<T>());
		}
		Settings::<T>::put(Parameters { picks: d, ..parameters::<T>() });
		T::set_draw(AuthorityId::from(sr25519::Public::from_raw([0xaa; 32])), output_that_draws::<T>(l, d, l + others));
		let lapsed = START + 21;
		go_to::<T>(lapsed);

		#[block]
		{
			Pallet::<T>::on_initialize(lapsed.into());
		}

		assert!(Lapsing::<T>::get(lapsed - 1).is_empty());
		assert_eq!(Duties::<T>::iter().count(), d as usize);
	}

	/// In time, which raises a weight.
	#[benchmark]
	fn attest() -> Result<(), BenchmarkError> {
		let (author, testimony, signature) = call::<T>()?;

		#[extrinsic_call]
		_(RawOrigin::Authorized, author.clone(), testimony, signature);

		assert!(Standings::<T>::get(&author).is_some_and(|standing| standing.done == 1));
		Ok(())
	}

	#[benchmark]
	fn authorize_attest() -> Result<(), BenchmarkError> {
		let (author, testimony, signature) = call::<T>()?;
		let call = Call::<T>::attest { author, testimony, signature };

		#[block]
		{
			call.authorize(TransactionSource::External).ok_or("the call authorises itself")??;
		}

		Ok(())
	}

	#[benchmark]
	fn set_parameters() -> Result<(), BenchmarkError> {
		let origin = T::GovernOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, parameters::<T>());

		assert_eq!(Settings::<T>::get(), parameters::<T>());
		Ok(())
	}
}
