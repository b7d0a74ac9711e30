//! That checkpoints landed, and what relayers get for it.

use codec::Encode;
use ep_bridge::{landing, Certified, Landing};
use ep_trust::anchor;
use frame_support::{
	pallet_prelude::*,
	traits::{
		fungible::{Inspect, InspectHold, MutateHold},
		tokens::{Fortitude, Precision, Preservation, Restriction},
	},
};
use sp_core::{H160, H256};
use sp_runtime::{
	traits::{AccountIdConversion, Zero},
	BoundedVec, Saturating,
};

use crate::*;

/// How many blocks a signature stays in a pool.
const LONGEVITY: u64 = 64;

impl<T: Config> Pallet<T> {
	/// The account that rewards come from. Whoever wants to, funds it.
	pub fn pot() -> T::AccountId {
		T::PotId::get().into_account_truncating()
	}

	/// What is held of the pot for relayers.
	pub fn owed() -> BalanceOf<T> {
		T::Currency::balance_on_hold(&HoldReason::Reward.into(), &Self::pot())
	}

	/// Where the signature of `address` belongs: the certified checkpoint, what was said of it before, the place among its
	/// signers. From cheap to dear.
	///
	/// # Errors
	/// [`Error::NotCertified`], [`Error::NotAnchored`], [`Error::AlreadyLanded`], [`Error::NotASigner`],
	/// [`Error::AlreadySigned`], [`Error::BadSignature`].
	pub fn check_landing(
		landing: &Landing,
		address: &H160,
		signature: &[u8; 65],
	) -> Result<(Certified, Words, usize), Error<T>> {
		let number = u32::try_from(landing.number).map_err(|_| Error::NotCertified)?;
		let said = match Landings::<T>::get(number) {
			None => Words::default(),
			Some(Receipt::Said(said)) => said,
			Some(Receipt::Landed(_)) => return Err(Error::AlreadyLanded),
		};
		let certified = CertifiedCheckpoints::<T>::get(number).ok_or(Error::NotCertified)?;
		// It was signed before there was a contract that it could land on.
		ensure!(!certified.chain.contract.is_zero(), Error::NotAnchored);
		let place = certified.signers.position(address).ok_or(Error::NotASigner)?;
		ensure!(!said.iter().any(|(signed, _)| usize::from(*signed) == place), Error::AlreadySigned);
		let digest = landing.digest(&certified.chain, &certified.checkpoint.genesis);
		ensure!(anchor::recover(signature, &digest) == Some(*address), Error::BadSignature);
		Ok((certified, said, place))
	}

	pub(crate) fn authorize_landing(
		landing: &Landing,
		address: &H160,
		signature: &[u8; 65],
	) -> TransactionValidityWithRefund {
		Self::check_landing(landing, address, signature)
			.map_err(|error| InvalidTransaction::Custom(Self::index_of(&error)))?;
		ValidTransaction::with_tag_prefix("BridgeLanding")
			.priority(TransactionPriority::MAX / 4)
			.and_provides((landing.number, address))
			.longevity(LONGEVITY)
			.propagate(true)
			.build()
			.map(|valid| (valid, Weight::zero()))
	}

	/// A signer says where a checkpoint landed.
	pub(crate) fn do_attest_landing(landing: Landing, address: H160, signature: [u8; 65]) -> DispatchResult {
		let (certified, mut said, place) = Self::check_landing(&landing, &address, &signature)?;
		let number = u32::try_from(landing.number).map_err(|_| Error::<T>::NotCertified)?;
		let word = Self::word_of(&landing);
		// There is room for every signer.
		said.try_push((place as u16, word)).map_err(|_| Error::<T>::NotASigner)?;
		let signers = &certified.signers;
		let weight = |place: u16| signers.signers().get(usize::from(place)).map_or(0, |signer| signer.weight);
		let agreeing = said.iter().filter(|(_, other)| *other == word);
		let votes = agreeing.fold(0u64, |sum, (place, _)| sum.saturating_add(weight(*place)));
		Self::deposit_event(Event::LandingAttested { number, address });
		if signers.is_quorum(votes) {
			Self::land(number, landing);
		} else {
			Landings::<T>::insert(number, Receipt::Said(said));
		}
		Ok(())
	}

	/// What stands for a landing among the words of signers. That they are for one contract follows from the checkpoint.
	pub(crate) fn word_of(landing: &Landing) -> H256 {
		H256(sp_io::hashing::blake2_256(&landing.encode()))
	}

	/// It is a fact.
	fn land(number: u32, landing: Landing) {
		Landings::<T>::insert(number, Receipt::Landed(landing));
		if LastLanded::<T>::get().is_none_or(|last| last.number < landing.number) {
			LastLanded::<T>::put(landing);
		}
		let reward = Self::reserve_reward(&landing.relayer);
		Self::deposit_event(Event::Landed { number, relayer: landing.relayer, reward });
	}

	/// Holds a reward of the pot for `relayer`, if the pot has it. What it is.
	fn reserve_reward(relayer: &H160) -> BalanceOf<T> {
		let reward = Reward::<T>::get();
		let pot = Self::pot();
		let free = T::Currency::reducible_balance(&pot, Preservation::Preserve, Fortitude::Polite);
		if reward.is_zero() || free < reward {
			return Zero::zero();
		}
		if let Err(error) = T::Currency::hold(&HoldReason::Reward.into(), &pot, reward) {
			log::warn!(target: LOG_TARGET, "no reward can be held of the pot: {error:?}");
			return Zero::zero();
		}
		Owed::<T>::mutate(relayer, |owed| *owed = owed.saturating_add(reward));
		reward
	}

	/// Pays what is owed to the owner of an address to an account that it named.
	pub(crate) fn do_claim(account: T::AccountId, relayer: H160, proof: [u8; 65]) -> DispatchResult {
		let chain = T::Register::contract();
		let statement = landing::claim(&chain, &T::GenesisHash::get(), &account.encode());
		ensure!(anchor::recover(&proof, &statement) == Some(relayer), Error::<T>::BadSignature);
		let amount = Owed::<T>::take(relayer);
		ensure!(!amount.is_zero(), Error::<T>::NothingOwed);
		T::Currency::transfer_on_hold(
			&HoldReason::Reward.into(),
			&Self::pot(),
			&account,
			amount,
			Precision::Exact,
			Restriction::Free,
			Fortitude::Polite,
		)?;
		Self::deposit_event(Event::RewardPaid { relayer, account, amount });
		Ok(())
	}

	/// Heights of certified checkpoints that the owner of this address has still to say of where they landed, ascending.
	pub fn awaited_landings(address: &H160) -> alloc::vec::Vec<Certified> {
		let mut numbers = CertifiedNumbers::<T>::get().into_inner();
		numbers.sort_unstable();
		let awaited = numbers.into_iter().filter_map(|number| {
			let certified = CertifiedCheckpoints::<T>::get(number)?;
			let place = certified.signers.position(address)?;
			let said = match Landings::<T>::get(number) {
				None => false,
				Some(Receipt::Said(said)) => said.iter().any(|(signed, _)| usize::from(*signed) == place),
				Some(Receipt::Landed(_)) => true,
			};
			(!said && !certified.chain.contract.is_zero()).then_some(certified)
		});
		awaited.collect()
	}

	/// Checks that the stored items agree with each other.
	#[cfg(any(test, feature = "try-runtime"))]
	pub(crate) fn try_landings() -> Result<(), sp_runtime::TryRuntimeError> {
		use frame_support::ensure;

		for (number, receipt) in Landings::<T>::iter() {
			let certified = CertifiedCheckpoints::<T>::get(number).ok_or("what landed is remembered")?;
			if let Receipt::Said(said) = receipt {
				let signed = |place: &u16| usize::from(*place) < certified.signers.len();
				ensure!(said.iter().all(|(place, _)| signed(place)), "signers say what landed");
			}
		}
		let owed = Owed::<T>::iter_values().fold(BalanceOf::<T>::zero(), |sum, owed| sum.saturating_add(owed));
		ensure!(owed == Self::owed(), "what is owed is held");
		Ok(())
	}
}

/// What signers said of a landing: their places, and a hash of what each said.
pub type Words = BoundedVec<(u16, H256), ConstU32<{ ep_bridge::MAX_SIGNERS }>>;

/// What is known of where a certified checkpoint landed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub enum Receipt {
	/// What signers said so far; too few of them the same.
	Said(Words),
	/// More than two thirds of the weight said this.
	Landed(Landing),
}
