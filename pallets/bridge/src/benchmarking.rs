//! Benchmarks of every call and hook, each at its worst.
//!
//! They need a keystore (host functions make the keys and signatures), which the benchmark tool registers.

use alloc::{boxed::Box, vec::Vec};
use codec::Encode;
use ep_bridge::{landing, Certificate, Certified, Checkpoint, EquivocationProof, Landing, Statement};
use ep_poet::AuthorityId;
use ep_trust::{anchor, Chain};
use frame_benchmarking::v2::*;
use frame_support::{
	pallet_prelude::{Authorize, TransactionSource},
	traits::{
		fungible::{Inspect, Mutate},
		EnsureOrigin, Get, Hooks,
	},
};
use frame_system::{pallet_prelude::HeaderFor, RawOrigin};
use sp_core::{ecdsa, sr25519, H160, H256};
use sp_runtime::traits::Header as _;

use crate::*;

/// What benchmarks need of a runtime beside this pallet.
pub trait BenchmarkHelper: Config<Currency: Mutate<Self::AccountId>> {
	/// Begins a session whose validators are `count` members with addresses and weights.
	fn begin_session(count: u32);

	/// Makes `author` a member with this address, that is not the only one with weight.
	fn admit(author: &AuthorityId, address: H160);
}

/// The block of benchmarks.
const START: u32 = 500;
/// Everybody's weight.
const WEIGHT: u64 = 1_000;

fn author(n: u8) -> AuthorityId {
	AuthorityId::from(sr25519::Public::from_raw([n; 32]))
}

/// Addresses in order, none of them zero.
fn address_of(n: u32) -> H160 {
	let mut address = H160::repeat_byte(1);
	address.0[16..].copy_from_slice(&n.to_be_bytes());
	address
}

fn begin<T: Config>() {
	frame_system::Pallet::<T>::set_block_number(START.into());
}

/// A set of the most signers. The first of them, if one is given, has this address.
fn full_set<T: Config>(id: u64, first: Option<H160>) -> Set {
	let validator = |n: u32| Validator { author: author(n as u8), address: address_of(n), weight: WEIGHT };
	let mut validators: Vec<_> = (0..T::MaxSigners::get()).map(validator).collect();
	if let (Some(validator), Some(address)) = (validators.first_mut(), first) {
		validator.address = address;
	}
	Set::new(id, validators).expect("they are a set")
}

fn checkpoint<T: Config>(number: u32) -> Checkpoint {
	Checkpoint { genesis: T::GenesisHash::get(), number: number.into(), signers: 1, ..Default::default() }
}

/// Signatures of so many that one more makes a quorum, but not of the one at `place`.
fn almost<T: Config>(place: usize) -> (u64, Vec<(u16, ep_bridge::CompactSignature)>) {
	let enough = T::MaxSigners::get() * 2 / 3;
	let places = (0..T::MaxSigners::get() as u16).filter(|other| usize::from(*other) != place);
	let signatures: Vec<_> = places.take(enough as usize).map(|place| (place, [7; 64])).collect();
	(WEIGHT * signatures.len() as u64, signatures)
}

fn open<T: Config>(number: u32, place: usize) {
	let (votes, signatures) = almost::<T>(place);
	let signatures = signatures.try_into().expect("there is room for all signers");
	let chain = T::Register::contract();
	Open::<T>::insert(
		number,
		Opened { checkpoint: checkpoint::<T>(number), handover: false, chain, votes, signatures },
	);
	OpenNumbers::<T>::try_append(number).expect("there is room");
}

/// As many open checkpoints as there can be, the last of [`START`], all signed by set 1 up to one signature.
fn fill<T: Config>(place: usize) {
	for number in START + 1 - MAX_OPEN..=START {
		open::<T>(number, place);
	}
}

/// As many certified checkpoints as are remembered, all of them handovers of full sets.
fn remember<T: Config>() {
	for number in 1..=RETAINED {
		let mut checkpoint = checkpoint::<T>(number);
		checkpoint.signers = number.into();
		let signers = full_set::<T>(number.into(), None).signers;
		let placed = (0..signers.len()).map(|place| (place, [7; 64]));
		let certificate = Certificate::build(signers.len(), placed);
		let certified = Certified { checkpoint, chain: Chain::default(), signers, certificate };
		CertifiedCheckpoints::<T>::insert(number, certified);
		CertifiedNumbers::<T>::try_append(number).expect("there is room");
		Handovers::<T>::insert(u64::from(number) + 1, number);
	}
}

/// A key in the keystore, and its address.
fn key() -> (ecdsa::Public, H160) {
	let key = sp_io::crypto::ecdsa_generate(anchor::KEY_TYPE, None);
	(key, anchor::address(&key).expect("a key is a point"))
}

fn sign(key: &ecdsa::Public, checkpoint: &Checkpoint, chain: &Chain) -> [u8; 65] {
	let signed = sp_io::crypto::ecdsa_sign_prehashed(anchor::KEY_TYPE, key, &checkpoint.digest(chain));
	signed.expect("the key is in the keystore").0
}

/// A signature that makes a quorum.
fn signature<T: Config>() -> (H160, [u8; 65]) {
	begin::<T>();
	let (key, address) = key();
	let set = full_set::<T>(1, Some(address));
	let place = set.signers.position(&address).expect("it signs");
	CurrentSet::<T>::put(1);
	Sets::<T>::insert(1, set);
	fill::<T>(place);
	remember::<T>();
	(address, sign(&key, &checkpoint::<T>(START), &T::Register::contract()))
}

/// Two statements of a member who signs no more.
fn offence<T: BenchmarkHelper>() -> Box<EquivocationProof> {
	begin::<T>();
	let (key, address) = key();
	CurrentSet::<T>::put(1);
	for id in 0..3 {
		Sets::<T>::insert(id, full_set::<T>(id, None));
	}
	T::admit(&author(1), address);
	Pallet::<T>::set_score(&author(1), 5);
	let state = |checkpoint: Checkpoint| {
		let chain = Chain::default();
		Statement { signature: sign(&key, &checkpoint, &chain), checkpoint, chain }
	};
	let honest = checkpoint::<T>(START);
	let other = Checkpoint { state_root: H256::repeat_byte(9), ..honest.clone() };
	Box::new(EquivocationProof { first: state(honest), second: state(other) })
}

/// A word that makes a landing known: all that are needed but one were said, and the pot has a reward.
fn word<T: BenchmarkHelper>() -> Result<(Landing, H160, [u8; 65]), BenchmarkError> {
	begin::<T>();
	let (key, address) = key();
	let chain = Chain { id: 20, contract: H160::repeat_byte(7) };
	let signers = full_set::<T>(1, Some(address)).signers;
	let place = signers.position(&address).ok_or("it signs")?;
	let certificate = Certificate::build(signers.len(), (0..signers.len()).map(|place| (place, [7; 64])));
	let checkpoint = checkpoint::<T>(START);
	let landing =
		Landing { number: START.into(), transaction: H256::repeat_byte(1), log: 1, relayer: H160::repeat_byte(2) };
	let (_, signed) = almost::<T>(place);
	let agreed = Pallet::<T>::word_of(&landing);
	let said = signed.into_iter().map(|(place, _)| (place, agreed)).collect::<Vec<_>>();
	Landings::<T>::insert(START, Receipt::Said(said.try_into().map_err(|_| "there is room for all signers")?));
	let digest = landing.digest(&chain, &checkpoint.genesis);
	CertifiedCheckpoints::<T>::insert(START, Certified { checkpoint, chain, signers, certificate });
	CertifiedNumbers::<T>::try_append(START).map_err(|()| "there is room")?;
	let reward = T::Currency::minimum_balance();
	Reward::<T>::put(reward);
	T::Currency::set_balance(&Pallet::<T>::pot(), reward + reward + reward);
	let signature = sp_io::crypto::ecdsa_sign_prehashed(anchor::KEY_TYPE, &key, &digest);
	Ok((landing, address, signature.ok_or("the key is in the keystore")?.0))
}

#[benchmarks(where T: BenchmarkHelper)]
mod benchmarks {
	use super::*;

	/// A session with `s` validators, of whom none signed so far.
	#[benchmark]
	fn on_initialize(s: Linear<0, { T::MaxSigners::get() }>) {
		begin::<T>();
		T::begin_session(s);
		CurrentSet::<T>::put(1);
		Sets::<T>::insert(0, full_set::<T>(0, None));
		Sets::<T>::insert(1, full_set::<T>(1, None));
		LastSession::<T>::put(T::CurrentSession::get() + 1);

		#[block]
		{
			Pallet::<T>::on_initialize(START.into());
		}

		assert_eq!(LastSession::<T>::get(), T::CurrentSession::get());
		assert_eq!(Handover::<T>::get().is_some(), s > 0);
	}

	#[benchmark]
	fn on_finalize() {
		begin::<T>();
		CurrentSet::<T>::put(1);
		Sets::<T>::insert(1, full_set::<T>(1, None));
		Sets::<T>::insert(2, full_set::<T>(2, None));
		Handover::<T>::put(START);
		let concluded: Vec<_> = (0..T::MaxConcluded::get()).map(|round| (round, H256::repeat_byte(1))).collect();
		Concluded::<T>::put(frame_support::BoundedVec::truncate_from(concluded));

		#[block]
		{
			Pallet::<T>::on_finalize(START.into());
		}

		assert!(Unsealed::<T>::exists());
		assert_eq!(CurrentSet::<T>::get(), 2);
	}

	#[benchmark]
	fn on_parent() {
		begin::<T>();
		fill::<T>(0);
		let (number, checkpoint) = (START + 1, checkpoint::<T>(START + 1));
		Unsealed::<T>::put(UnsealedCheckpoint { number, checkpoint, handover: false });
		let root = H256::repeat_byte(1);
		let header = HeaderFor::<T>::new(number.into(), root, root, root, Default::default());

		#[block]
		{
			Pallet::<T>::open(&header);
		}

		assert!(Open::<T>::contains_key(number));
		assert_eq!(OpenNumbers::<T>::get().len() as u32, MAX_OPEN);
	}

	/// The signature that makes a quorum; all older checkpoints are dropped, and an old certificate is forgotten.
	#[benchmark]
	fn sign() {
		let (address, signature) = signature::<T>();

		#[extrinsic_call]
		_(RawOrigin::Authorized, START, address, signature);

		assert_eq!(Newest::<T>::get(), Some(START));
		assert!(OpenNumbers::<T>::get().is_empty());
	}

	#[benchmark]
	fn authorize_sign() -> Result<(), BenchmarkError> {
		let (address, signature) = signature::<T>();
		let call = Call::<T>::sign { number: START, address, signature };

		#[block]
		{
			call.authorize(TransactionSource::External).ok_or("the call authorises itself")??;
		}

		Ok(())
	}

	#[benchmark]
	fn report_equivocation() {
		let proof = offence::<T>();

		#[extrinsic_call]
		_(RawOrigin::Authorized, proof);

		assert_eq!(Reported::<T>::get(author(1)), Some(START.into()));
	}

	#[benchmark]
	fn authorize_report_equivocation() -> Result<(), BenchmarkError> {
		let proof = offence::<T>();
		let call = Call::<T>::report_equivocation { proof };

		#[block]
		{
			call.authorize(TransactionSource::External).ok_or("the call authorises itself")??;
		}

		Ok(())
	}

	#[benchmark]
	fn set_parameters() -> Result<(), BenchmarkError> {
		let origin = T::GovernOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		let parameters = Parameters { interval: 7 };

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, parameters);

		assert_eq!(Settings::<T>::get(), parameters);
		Ok(())
	}

	#[benchmark]
	fn reset_signers() -> Result<(), BenchmarkError> {
		let origin = T::GovernOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		begin::<T>();
		T::begin_session(T::MaxSigners::get());
		CurrentSet::<T>::put(1);
		for id in 0..3 {
			Sets::<T>::insert(id, full_set::<T>(id, None));
		}
		fill::<T>(0);
		Handover::<T>::put(START);

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin);

		assert_eq!(CurrentSet::<T>::get(), 3);
		Ok(())
	}

	/// The word that makes a landing known, and a reward is held.
	#[benchmark]
	fn attest_landing() -> Result<(), BenchmarkError> {
		let (landing, address, signature) = word::<T>()?;

		#[extrinsic_call]
		_(RawOrigin::Authorized, landing, address, signature);

		assert_eq!(LastLanded::<T>::get(), Some(landing));
		assert!(Owed::<T>::contains_key(landing.relayer));
		Ok(())
	}

	#[benchmark]
	fn authorize_attest_landing() -> Result<(), BenchmarkError> {
		let (landing, address, signature) = word::<T>()?;
		let call = Call::<T>::attest_landing { landing, address, signature };

		#[block]
		{
			call.authorize(TransactionSource::External).ok_or("the call authorises itself")??;
		}

		Ok(())
	}

	#[benchmark]
	fn claim_rewards() -> Result<(), BenchmarkError> {
		let (landing, address, signature) = word::<T>()?;
		Pallet::<T>::do_attest_landing(landing, address, signature)?;
		let account: T::AccountId = frame_benchmarking::whitelisted_caller();
		let (key, relayer) = key();
		Owed::<T>::insert(relayer, Owed::<T>::take(landing.relayer));
		let statement = landing::claim(&T::Register::contract(), &T::GenesisHash::get(), &account.encode());
		let signed = sp_io::crypto::ecdsa_sign_prehashed(anchor::KEY_TYPE, &key, &statement);
		let proof = signed.ok_or("the key is in the keystore")?.0;

		#[extrinsic_call]
		_(RawOrigin::Signed(account), relayer, proof);

		assert!(!Owed::<T>::contains_key(relayer));
		Ok(())
	}

	#[benchmark]
	fn set_reward() -> Result<(), BenchmarkError> {
		let origin = T::GovernOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		let reward: BalanceOf<T> = 5u32.into();

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, reward);

		assert_eq!(Reward::<T>::get(), reward);
		Ok(())
	}

	/// The score of a member who has one changes.
	#[benchmark]
	fn on_score() {
		(1..=4).for_each(|n| Pallet::<T>::set_score(&author(n), 5));

		#[block]
		{
			Pallet::<T>::set_score(&author(2), 6);
		}

		assert_eq!(Pallet::<T>::proven_score(&author(2)).map(|(score, _)| score), Some(6));
	}

	/// The last of an odd number of leaves fills the gap.
	#[benchmark]
	fn on_member_gone() {
		(1..=5).for_each(|n| Pallet::<T>::set_score(&author(n), 5));

		#[block]
		{
			Pallet::<T>::remove_leaf(&author(2));
		}

		assert_eq!(LeafCount::<T>::get(), 4);
	}
}
