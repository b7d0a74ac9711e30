//! # Trust pallet
//!
//! The members of the network: who they are, what they weigh and when, and which of them vote.
//!
//! ## Overview
//! A member is an account, a key for lottery and seals, and a chip: an attestation key under an endorsement key. Its
//! weight is its share in the lottery of blocks and in finality. For now members are named by genesis, and admitted,
//! re-weighted and removed by [`Config::AdminOrigin`], which vouches for the evidence.
//!
//! The pallet is the register that `pallet_poet` asks ([`ep_poet::Members`]), the manager of sessions
//! (`pallet_session::SessionManager`), and, with [`WeightedGrandpa`], what turns a session's validators into GRANDPA's
//! weighted voters ([`voters`]).
//!
//! ## Scenarios
//! * *A member joins.* In epoch `k` it is admitted. From epoch `k + 2` on it draws the lottery and may be drawn to vote.
//! * *A member leaves.* Its weight is 0 from epoch `k + 2` on; its session keys are free at once, since drawn sessions
//!   have their own copy. Until epoch `k + 2` is over it can still be reported for what it did. Then its record goes, and
//!   its account, keys and chip may join again.
//! * *A member equivocates.* It weighs nothing from epoch `k + 2` on and is marked. It comes back only by being removed
//!   and admitted anew.
//! * *An epoch begins.* Nothing is done for members: weights are read at an epoch. The session after the one that begins
//!   gets its voters: all members with weight while they are few, else [`Config::MaxVoters`] drawn in proportion to
//!   weight.
//!
//! ## Terminology
//! * *weight*: 0 to [`MAX_WEIGHT`].
//! * *slot*: a place in the list of members. The list has no gaps; the last member fills the gap of one who goes.
//! * *leaving*: removed, the record still there.
//!
//! ## Properties
//! 1. *Two epochs ahead*: nothing that happens in epoch `k` changes a weight of epochs `k` or `k + 1`.
//! 2. *One chip, one member*: accounts, author keys, attestation keys and endorsement keys are each unique, those of
//!    members who are leaving included.
//! 3. *The total is the sum*: [`Members::total_weight`](ep_poet::Members::total_weight) is the sum of the members'
//!    weights in every epoch that is not over, without ever adding them up.
//! 4. *Somebody is left*: no call and no report takes the last weight. A chain without weight seals no block, not even
//!    one that would admit somebody. The last member is marked for an equivocation, but keeps its weight.
//! 5. *Constant work*: an epoch change reads a bounded number of members, however many there are; a block removes at
//!    most one record.
//! 6. *Voters*: see the rules in [`voters`].
//! 7. *No time, no weight*: a member with a TPM 1.2, which attests no time, weighs nothing. So it neither authors, votes
//!    nor sits in a committee; it is a member, has duties and a score.
//!
//! How well the draw keeps to weights: a member is tried at random and taken with probability weight / [`MAX_WEIGHT`],
//! [`TRIES_PER_SEAT`] times a seat at most, no member twice. Seats left open then go to those who follow a random place
//! in the list. That happens only if there are few more members than seats or if weights are very low.
//!
//! ## Panics
//! At genesis only: if a member is named twice (by account, author, attestation key or endorsement key), has an
//! attestation key that is none or too high a weight, or if there are more than [`Config::MaxMembers`].

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod impls;
#[cfg(test)]
mod mock;
mod schedule;
#[cfg(test)]
mod tests;
mod types;
pub mod voters;
pub mod weights;

pub use impls::TRIES_PER_SEAT;
pub use pallet::*;
pub use schedule::{Schedule, DELAY};
pub use types::{Member, MemberSpec, Slot};
pub use voters::WeightedGrandpa;
pub use weights::WeightInfo;

/// Where this pallet logs to.
pub const LOG_TARGET: &str = "runtime::trust";

/// The highest weight.
pub const MAX_WEIGHT: ep_poet::Weight = 1_000_000;

#[frame_support::pallet]
pub mod pallet {
	use alloc::vec::Vec;
	use ep_poet::{AuthorityId, Weight as Score};
	use ep_tpm::{chip, Name};
	use frame_support::{pallet_prelude::*, traits::EnsureOrigin};
	use frame_system::pallet_prelude::*;
	use pallet_session::SessionInterface;

	use super::{Member, MemberSpec, Schedule, Slot, WeightInfo, DELAY, LOG_TARGET, MAX_WEIGHT};

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config:
		frame_system::Config
		+ pallet_session::Config<ValidatorId = <Self as frame_system::Config>::AccountId>
		+ pallet_session::historical::Config
		+ pallet_grandpa::Config
	{
		/// Who admits, re-weights and removes members.
		type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;
		/// Epoch of the block being executed. It must be the index of the session.
		type CurrentEpoch: Get<u64>;
		/// Randomness of that epoch, for drawing voters.
		type Randomness: Get<[u8; 32]>;
		/// Told when a member is suspended or removed, and when its record is gone.
		type OnMemberGone: ep_poet::OnMemberGone;
		/// Most members, those who are leaving included.
		#[pallet::constant]
		type MaxMembers: Get<u32>;
		/// Most voters in a session.
		#[pallet::constant]
		type MaxVoters: Get<u32>;
		/// Weights of calls and hooks.
		type WeightInfo: WeightInfo;
	}

	/// The members, by their key for lottery and seals.
	#[pallet::storage]
	pub type Members<T: Config> = StorageMap<_, Blake2_128Concat, AuthorityId, Member<T::AccountId>>;

	/// The members' accounts.
	#[pallet::storage]
	pub type Accounts<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, AuthorityId>;

	/// Whose attestation key has this name.
	#[pallet::storage]
	pub type AttestationKeys<T> = StorageMap<_, Blake2_128Concat, Name, AuthorityId>;

	/// Whose endorsement key has this name.
	#[pallet::storage]
	pub type EndorsementKeys<T> = StorageMap<_, Blake2_128Concat, Name, AuthorityId>;

	/// The list of members: their weights by index, without gaps.
	#[pallet::storage]
	pub type Slots<T> = StorageMap<_, Twox64Concat, u32, Slot>;

	/// Length of the list.
	#[pallet::storage]
	pub type MemberCount<T> = StorageValue<_, u32, ValueQuery>;

	/// The sum of all weights over time.
	#[pallet::storage]
	pub type TotalWeight<T> = StorageValue<_, Schedule, ValueQuery>;

	/// Members who are leaving, in the order of their removal.
	#[pallet::storage]
	pub type Leaving<T> = StorageMap<_, Twox64Concat, u32, AuthorityId>;

	/// Which of [`Leaving`] are there: from the first up to before the second.
	#[pallet::storage]
	pub type LeavingRange<T> = StorageValue<_, (u32, u32), ValueQuery>;

	/// The first members.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Accounts and what they bring. Their session keys are in the genesis configuration of sessions.
		pub members: Vec<(T::AccountId, MemberSpec)>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			for (account, spec) in &self.members {
				let admitted = Pallet::<T>::check(account, spec)
					.map(|ak_name| Pallet::<T>::insert(account, spec, ak_name, Schedule::from_genesis(spec.weight)));
				assert!(admitted.is_ok(), "member {account:?} of genesis is refused: {admitted:?}");
			}
			let total = self.members.iter().fold(0, |sum: Score, (_, spec)| sum.saturating_add(spec.weight));
			TotalWeight::<T>::put(Schedule::from_genesis(total));
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A member was admitted.
		MemberAdded {
			/// Its account.
			account: T::AccountId,
			/// Its key for lottery and seals.
			author: AuthorityId,
			/// Its weight.
			weight: Score,
			/// The first epoch in which it counts.
			from: u64,
		},
		/// A member was removed.
		MemberRemoved {
			/// Its account.
			account: T::AccountId,
			/// Its key for lottery and seals.
			author: AuthorityId,
			/// The first epoch without it.
			from: u64,
		},
		/// A member's weight was changed.
		WeightChanged {
			/// Its account.
			account: T::AccountId,
			/// The new weight.
			weight: Score,
			/// The first epoch in which it counts.
			from: u64,
		},
		/// A member is suspended: it equivocated, or forged evidence.
		MemberSuspended {
			/// Its account.
			account: T::AccountId,
			/// The first epoch in which it weighs nothing.
			from: u64,
		},
		/// The record of a member who was removed is gone.
		MemberGone {
			/// Its account.
			account: T::AccountId,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The weight is above [`MAX_WEIGHT`].
		WeightTooHigh,
		/// The member's chip is a TPM 1.2: it attests no time, so it neither authors nor judges, and weighs nothing.
		AttestsNoTime,
		/// The attestation key's public area is not that of an author's attestation key.
		BadAttestationKey,
		/// The account is a member's.
		AccountIsMember,
		/// The key for lottery and seals is a member's.
		AuthorIsMember,
		/// The attestation key is a member's.
		AttestationKeyIsMember,
		/// The endorsement key is a member's: that chip is here.
		EndorsementKeyIsMember,
		/// The account, a key or the chip is that of a member who was removed and whose record is not gone yet.
		StillLeaving,
		/// There are [`Config::MaxMembers`] members.
		TooManyMembers,
		/// The account is no member's.
		NotAMember,
		/// The member was removed already.
		AlreadyRemoved,
		/// The member is proven to have cheated: it can only be removed.
		Suspended,
		/// Nobody would have any weight left.
		LastWeight,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			Self::forget_one();
			<T as Config>::WeightInfo::on_initialize()
		}

		fn integrity_test() {
			let (voters, members) = (T::MaxVoters::get(), T::MaxMembers::get());
			assert!(voters > 0, "there must be a voter");
			assert!(voters <= T::MaxAuthorities::get(), "GRANDPA must have room for all voters");
			assert!(members >= voters, "voters are members");
			assert!(
				u64::from(members).checked_mul(MAX_WEIGHT).is_some_and(|total| total < u64::MAX / 4),
				"the sum of all weights must be a weight"
			);
			let session = <T as Config>::WeightInfo::new_session(voters)
				.saturating_add(<T as Config>::WeightInfo::on_new_session(voters));
			assert!(session.all_lte(T::BlockWeights::get().max_block), "an epoch must be able to begin");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call(weight = <T as Config>::WeightInfo)]
	impl<T: Config> Pallet<T> {
		/// Admits a member. It counts from the epoch after next on.
		///
		/// The origin vouches for the evidence: that the attestation key is a child of that endorsement key, in a genuine
		/// chip, and that the keys are the member's.
		///
		/// # Errors
		/// [`Error::WeightTooHigh`], [`Error::BadAttestationKey`], [`Error::AttestsNoTime`], [`Error::AccountIsMember`],
		/// [`Error::AuthorIsMember`], [`Error::AttestationKeyIsMember`], [`Error::EndorsementKeyIsMember`], [`Error::StillLeaving`],
		/// [`Error::TooManyMembers`]; `DuplicatedKey` of sessions.
		#[pallet::call_index(0)]
		pub fn add_member(
			origin: OriginFor<T>,
			account: T::AccountId,
			spec: MemberSpec,
			session_keys: <T as pallet_session::Config>::Keys,
		) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Self::admit(&account, &spec, session_keys)
		}

		/// Removes a member. It counts until the next epoch is over; then its record goes.
		///
		/// # Errors
		/// [`Error::NotAMember`], [`Error::AlreadyRemoved`], [`Error::LastWeight`].
		#[pallet::call_index(1)]
		pub fn remove_member(origin: OriginFor<T>, account: T::AccountId) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Self::remove(account)
		}

		/// Changes a member's weight from the epoch after next on.
		///
		/// # Errors
		/// [`Error::WeightTooHigh`], [`Error::NotAMember`], [`Error::AlreadyRemoved`], [`Error::Suspended`],
		/// [`Error::AttestsNoTime`], [`Error::LastWeight`].
		#[pallet::call_index(2)]
		pub fn set_weight(origin: OriginFor<T>, account: T::AccountId, weight: Score) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			ensure!(weight <= MAX_WEIGHT, Error::<T>::WeightTooHigh);
			let (author, member) = Self::member_of(&account)?;
			ensure!(member.leaves.is_none(), Error::<T>::AlreadyRemoved);
			ensure!(!member.suspended, Error::<T>::Suspended);
			let from = Self::change_weight(&author, weight)?;
			Self::deposit_event(Event::WeightChanged { account, weight, from });
			Ok(())
		}

		/// The member of the account leaves. It counts until the next epoch is over; then its record goes, and account,
		/// keys and chip may join again.
		///
		/// # Errors
		/// [`Error::NotAMember`], [`Error::AlreadyRemoved`], [`Error::Suspended`], [`Error::LastWeight`].
		#[pallet::call_index(3)]
		#[pallet::weight(<T as Config>::WeightInfo::remove_member())]
		pub fn leave(origin: OriginFor<T>) -> DispatchResult {
			let account = ensure_signed(origin)?;
			// Else it would come back as if nothing had been.
			let (_, member) = Self::member_of(&account)?;
			ensure!(!member.suspended, Error::<T>::Suspended);
			Self::remove(account)
		}
	}

	impl<T: Config> Pallet<T> {
		/// Takes a member out, for whoever may: its weight is 0 from the epoch after next on, and then its record goes.
		///
		/// # Errors
		/// As [`Self::remove_member`], but for the origin.
		pub fn remove(account: T::AccountId) -> DispatchResult {
			let (author, mut member) = Self::member_of(&account)?;
			ensure!(member.leaves.is_none(), Error::<T>::AlreadyRemoved);
			let from = Self::change_weight(&author, 0)?;
			member.leaves = Some(from);
			Members::<T>::insert(&author, member);
			LeavingRange::<T>::mutate(|(_, end)| {
				Leaving::<T>::insert(*end, &author);
				*end = end.wrapping_add(1);
			});
			if let Err(error) = <pallet_session::Pallet<T> as SessionInterface>::purge_keys(&account) {
				// Genesis may name members without session keys.
				log::info!(target: LOG_TARGET, "{account:?} had no session keys: {error:?}");
			}
			<T::OnMemberGone as ep_poet::OnMemberGone>::on_member_out(&author);
			Self::deposit_event(Event::MemberRemoved { account, author, from });
			Ok(())
		}

		fn member_of(account: &T::AccountId) -> Result<(AuthorityId, Member<T::AccountId>), Error<T>> {
			let author = Accounts::<T>::get(account).ok_or(Error::<T>::NotAMember)?;
			let member = Members::<T>::get(&author).ok_or(Error::<T>::NotAMember)?;
			Ok((author, member))
		}

		/// Admits a member, for whoever has judged its evidence. It counts from the epoch after next on.
		///
		/// # Errors
		/// As [`Self::add_member`], but for the origin.
		pub fn admit(
			account: &T::AccountId,
			spec: &MemberSpec,
			session_keys: <T as pallet_session::Config>::Keys,
		) -> DispatchResult {
			let ak_name = Self::check(account, spec)?;
			<pallet_session::Pallet<T> as SessionInterface>::set_keys(account, session_keys)?;
			Self::insert(account, spec, ak_name, Schedule::default());
			let (author, weight) = (spec.author.clone(), spec.weight);
			let from = Self::change_weight(&author, weight)?;
			Self::deposit_event(Event::MemberAdded { account: account.clone(), author, weight, from });
			Ok(())
		}

		/// Whether `spec` may join for `account`, as things are.
		///
		/// # Errors
		/// As [`Self::admit`], but for what sessions say of the keys.
		pub fn check_joining(account: &T::AccountId, spec: &MemberSpec) -> DispatchResult {
			Self::check(account, spec).map(|_| ()).map_err(Into::into)
		}

		/// Whether `spec` may join for `account`. Gives its attestation key's name.
		pub(crate) fn check(account: &T::AccountId, spec: &MemberSpec) -> Result<Name, Error<T>> {
			ensure!(spec.weight <= MAX_WEIGHT, Error::<T>::WeightTooHigh);
			let key = chip::Ak::parse(&spec.ak_public).map_err(|_| Error::<T>::BadAttestationKey)?;
			ensure!(key.attests_time() || spec.weight == 0, Error::<T>::AttestsNoTime);
			let author = Members::<T>::contains_key(&spec.author).then(|| spec.author.clone());
			let taken = [
				(Accounts::<T>::get(account), Error::<T>::AccountIsMember),
				(author, Error::<T>::AuthorIsMember),
				(AttestationKeys::<T>::get(key.name()), Error::<T>::AttestationKeyIsMember),
				(EndorsementKeys::<T>::get(spec.ek_name), Error::<T>::EndorsementKeyIsMember),
			];
			for (holder, error) in taken {
				if let Some(holder) = holder {
					let leaving = Members::<T>::get(&holder).is_some_and(|member| member.leaves.is_some());
					return Err(if leaving { Error::<T>::StillLeaving } else { error });
				}
			}
			ensure!(MemberCount::<T>::get() < T::MaxMembers::get(), Error::<T>::TooManyMembers);
			Ok(*key.name())
		}

		/// Adds a checked member to the list. The total is the caller's business.
		pub(crate) fn insert(account: &T::AccountId, spec: &MemberSpec, ak_name: Name, weight: Schedule) {
			let (author, index) = (&spec.author, MemberCount::<T>::get());
			Accounts::<T>::insert(account, author);
			AttestationKeys::<T>::insert(ak_name, author);
			EndorsementKeys::<T>::insert(spec.ek_name, author);
			Slots::<T>::insert(index, Slot { author: author.clone(), weight });
			MemberCount::<T>::put(index.saturating_add(1));
			let member = Member {
				account: account.clone(),
				ak_public: spec.ak_public.clone(),
				ak_name,
				ek_name: spec.ek_name,
				index,
				suspended: false,
				leaves: None,
			};
			Members::<T>::insert(author, member);
		}

		/// Gives a member `weight` from the next epoch that is still open on, which is returned.
		pub(crate) fn change_weight(author: &AuthorityId, weight: Score) -> Result<u64, Error<T>> {
			let now = T::CurrentEpoch::get();
			let from = now.saturating_add(DELAY);
			let member = Members::<T>::get(author).ok_or(Error::<T>::NotAMember)?;
			ensure!(weight == 0 || !chip::is_legacy(&member.ak_public), Error::<T>::AttestsNoTime);
			let index = member.index;
			let mut slot = Slots::<T>::get(index).ok_or(Error::<T>::NotAMember)?;
			let mut total = TotalWeight::<T>::get();
			let before = total.at(from);
			let after = before.saturating_sub(slot.weight.at(from)).saturating_add(weight);
			ensure!(after > 0 || before == 0, Error::<T>::LastWeight);
			slot.weight.set(now, weight);
			total.set(now, after);
			Slots::<T>::insert(index, slot);
			TotalWeight::<T>::put(total);
			Ok(from)
		}

		/// Forgets the member who was removed first, if its time has come.
		fn forget_one() {
			let (first, end) = LeavingRange::<T>::get();
			if first == end {
				return;
			}
			if let Some((author, member)) =
				Leaving::<T>::get(first).and_then(|author| Members::<T>::get(&author).map(|member| (author, member)))
			{
				if member.leaves.is_none_or(|epoch| T::CurrentEpoch::get() <= epoch) {
					return;
				}
				Self::take_out(&author, &member);
				<T::OnMemberGone as ep_poet::OnMemberGone>::on_member_gone(&author);
				Self::deposit_event(Event::MemberGone { account: member.account });
			}
			Leaving::<T>::remove(first);
			LeavingRange::<T>::put((first.wrapping_add(1), end));
		}

		fn take_out(author: &AuthorityId, member: &Member<T::AccountId>) {
			Members::<T>::remove(author);
			Accounts::<T>::remove(&member.account);
			AttestationKeys::<T>::remove(member.ak_name);
			EndorsementKeys::<T>::remove(member.ek_name);
			let last = MemberCount::<T>::get().saturating_sub(1);
			MemberCount::<T>::put(last);
			if let Some(moved) = Slots::<T>::take(last).filter(|_| last != member.index) {
				Members::<T>::mutate(&moved.author, |moved| {
					if let Some(moved) = moved {
						moved.index = member.index;
					}
				});
				Slots::<T>::insert(member.index, moved);
			}
		}
	}
}
