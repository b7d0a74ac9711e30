//! What the pallet is to others: the register of members, the judge of equivocations, the manager of sessions.

use alloc::{collections::BTreeSet, vec::Vec};
use codec::Encode;
use ep_poet::{AuthorIdentity, AuthorityId, OnEquivocation, OnMemberGone as _, Weight};
use frame_support::{traits::Get, Blake2_256, StorageHasher};
use pallet_session::SessionManager;

use crate::{
	Accounts, Config, Error, Event, Member, MemberCount, Members, Pallet, Slots, TotalWeight, LOG_TARGET, MAX_WEIGHT,
};

/// How often at most a member is tried for each seat of a session.
pub const TRIES_PER_SEAT: u32 = 16;

impl<T: Config> Pallet<T> {
	/// What the member of `account` weighs in `epoch`; 0 if there is none.
	pub fn weight_of(account: &T::AccountId, epoch: u64) -> Weight {
		let index = Accounts::<T>::get(account).and_then(Members::<T>::get).map(|member| member.index);
		index.map_or(0, |index| Self::weight_at(index, epoch))
	}

	/// What a member will weigh in the last epoch that is scheduled; 0 if there is none.
	pub fn scheduled_weight(author: &AuthorityId) -> Weight {
		let epoch = T::CurrentEpoch::get().saturating_add(crate::DELAY);
		Members::<T>::get(author).map_or(0, |member| Self::weight_at(member.index, epoch))
	}

	/// Gives a member a weight for what its duties have shown. False if it stays what it was: the last weight of all does
	/// not go, and who is suspended, leaves, or has a chip that attests no time gets none.
	pub fn reweigh(author: &AuthorityId, weight: Weight) -> bool {
		let Some(member) = Members::<T>::get(author) else { return false };
		if member.suspended || member.leaves.is_some() {
			return false;
		}
		let Ok(from) = Self::change_weight(author, weight.min(MAX_WEIGHT)) else { return false };
		Self::deposit_event(Event::WeightChanged { account: member.account, weight, from });
		true
	}

	/// Suspends a member that is proven to have cheated. False if it is none, or is suspended already.
	pub fn suspend(author: &AuthorityId) -> bool {
		let Some(mut member) = Members::<T>::get(author).filter(|member| !member.suspended) else { return false };
		member.suspended = true;
		let account = member.account.clone();
		Members::<T>::insert(author, member);
		match Self::change_weight(author, 0) {
			Ok(from) => Self::deposit_event(Event::MemberSuspended { account, from }),
			Err(Error::LastWeight) => {
				log::error!(target: LOG_TARGET, "{account:?} cheated, but without it the chain would stop for good");
			}
			Err(error) => log::error!(target: LOG_TARGET, "{account:?} cannot be suspended: {error:?}"),
		}
		T::OnMemberGone::on_member_out(author);
		true
	}

	fn weight_at(index: u32, epoch: u64) -> Weight {
		Slots::<T>::get(index).map_or(0, |slot| slot.weight.at(epoch))
	}

	/// The account of the member at `index`, if it has weight in `epoch`.
	fn with_weight(index: u32, epoch: u64) -> Option<T::AccountId> {
		let slot = Slots::<T>::get(index).filter(|slot| slot.weight.at(epoch) > 0)?;
		Members::<T>::get(slot.author).map(|member| member.account)
	}

	/// The members who vote in `epoch`, drawn with `randomness`.
	pub(crate) fn draw_voters(epoch: u64, randomness: [u8; 32]) -> Vec<T::AccountId> {
		let (count, seats) = (MemberCount::<T>::get(), T::MaxVoters::get());
		if count <= seats {
			return (0..count).filter_map(|index| Self::with_weight(index, epoch)).collect();
		}
		let random = |number: u32| {
			let hash = Blake2_256::hash(&(b"elapse/trust/voters", randomness, epoch, number).encode());
			let (mut index, mut bar) = ([0; 8], [0; 8]);
			index.copy_from_slice(&hash[..8]);
			bar.copy_from_slice(&hash[8..16]);
			// The remainders are off from uniform by less than 2^-32.
			((u64::from_le_bytes(index) % u64::from(count)) as u32, u64::from_le_bytes(bar) % MAX_WEIGHT)
		};
		let mut taken = BTreeSet::new();
		let mut voters = Vec::new();
		for number in 0..seats.saturating_mul(TRIES_PER_SEAT) {
			if voters.len() >= seats as usize {
				return voters;
			}
			let (index, bar) = random(number);
			if !taken.contains(&index) && Self::weight_at(index, epoch) > bar {
				taken.insert(index);
				voters.extend(Self::with_weight(index, epoch));
			}
		}
		let (start, _) = random(u32::MAX);
		for step in 0..seats.saturating_mul(2).min(count) {
			if voters.len() >= seats as usize {
				break;
			}
			let index = (u64::from(start) + u64::from(step)) % u64::from(count);
			let index = index as u32;
			if taken.insert(index) {
				voters.extend(Self::with_weight(index, epoch));
			}
		}
		voters
	}

	/// Admits a member for benchmarks, from epoch 0 on.
	#[cfg(feature = "runtime-benchmarks")]
	pub fn admit_for_benchmark(
		account: T::AccountId,
		author: AuthorityId,
		ak_public: ep_poet::api::AkPublic,
		ek_name: ep_tpm::Name,
		weight: Weight,
	) {
		use crate::{MemberSpec, Schedule};
		let spec = MemberSpec { author, ak_public, ek_name, weight };
		let ak_name = Self::check(&account, &spec).expect("a benchmark's member may join");
		Self::insert(&account, &spec, ak_name, Schedule::from_genesis(weight));
		let total = TotalWeight::<T>::get().at(T::CurrentEpoch::get()).saturating_add(weight);
		TotalWeight::<T>::put(Schedule::from_genesis(total));
	}

	/// Checks that the stored items agree with each other.
	#[cfg(any(test, feature = "try-runtime"))]
	pub(crate) fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		use crate::{AttestationKeys, EndorsementKeys, Leaving, LeavingRange, DELAY};
		use frame_support::ensure;

		let (count, now) = (MemberCount::<T>::get(), T::CurrentEpoch::get());
		ensure!(Slots::<T>::iter().count() == count as usize, "the list has no gaps");
		ensure!(Members::<T>::iter().count() == count as usize, "every member is in the list");
		ensure!(Accounts::<T>::iter().count() == count as usize, "every member has an account");
		ensure!(AttestationKeys::<T>::iter().count() == count as usize, "every member has an attestation key");
		ensure!(EndorsementKeys::<T>::iter().count() == count as usize, "every member has an endorsement key");
		let (mut sums, mut leaving) = ([0u64; 3], 0u32);
		for (author, member) in Members::<T>::iter() {
			let slot = Slots::<T>::get(member.index).ok_or("a member stands in its slot")?;
			ensure!(slot.author == author, "a member stands in its slot");
			ensure!(Accounts::<T>::get(&member.account) == Some(author.clone()), "the account is the member's");
			ensure!(AttestationKeys::<T>::get(member.ak_name) == Some(author.clone()), "the AK is the member's");
			ensure!(EndorsementKeys::<T>::get(member.ek_name) == Some(author.clone()), "the EK is the member's");
			for (epoch, sum) in (now..).zip(&mut sums) {
				*sum = sum.saturating_add(slot.weight.at(epoch));
			}
			if let Some(epoch) = member.leaves {
				leaving = leaving.saturating_add(1);
				ensure!(slot.weight.at(epoch) == 0, "who has left weighs nothing");
			}
		}
		let total = TotalWeight::<T>::get();
		for (epoch, sum) in (now..).zip(sums) {
			ensure!(total.at(epoch) == sum, "the total is the sum");
		}
		ensure!(count == 0 || total.at(now + DELAY) > 0, "somebody is left");
		let (first, end) = LeavingRange::<T>::get();
		ensure!(end.wrapping_sub(first) == leaving, "who is leaving stands in the queue");
		ensure!(Leaving::<T>::iter().count() == leaving as usize, "who is leaving stands in the queue");
		Ok(())
	}
}

fn identity<AccountId>(member: Member<AccountId>, weight: Weight) -> AuthorIdentity<AccountId> {
	AuthorIdentity { account: member.account, weight, ak_public: member.ak_public, ek_name: member.ek_name }
}

impl<T: Config> ep_poet::Members<T::AccountId> for Pallet<T> {
	fn contestant(author: &AuthorityId, epoch: u64) -> Option<AuthorIdentity<T::AccountId>> {
		Self::identity(author, epoch).filter(|member| member.weight > 0)
	}

	fn identity(author: &AuthorityId, epoch: u64) -> Option<AuthorIdentity<T::AccountId>> {
		let member = Members::<T>::get(author)?;
		let weight = Self::weight_at(member.index, epoch);
		Some(identity(member, weight))
	}

	fn page(from: u32, limit: u32, epoch: u64) -> Vec<(AuthorityId, Weight)> {
		let end = from.saturating_add(limit).min(MemberCount::<T>::get());
		let slots = (from..end).filter_map(Slots::<T>::get);
		slots.map(|slot| (slot.author, slot.weight.at(epoch))).collect()
	}

	fn total_weight(epoch: u64) -> Weight {
		TotalWeight::<T>::get().at(epoch)
	}
}

impl<T: Config> OnEquivocation for Pallet<T> {
	fn on_equivocation(author: &AuthorityId) -> bool {
		Self::suspend(author)
	}
}

/// A session is an epoch; one is planned at the start of the one before.
impl<T: Config> SessionManager<T::AccountId> for Pallet<T> {
	fn new_session(_: u32) -> Option<Vec<T::AccountId>> {
		let voters = Self::draw_voters(T::CurrentEpoch::get().saturating_add(1), T::Randomness::get());
		if voters.is_empty() {
			log::error!(target: LOG_TARGET, "no member has weight: the validators stay");
			return None;
		}
		Some(voters)
	}

	/// The first members. Both sessions of genesis must have the same validators, and nothing is random yet.
	fn new_session_genesis(_: u32) -> Option<Vec<T::AccountId>> {
		let members = (0..MemberCount::<T>::get()).filter_map(|index| Self::with_weight(index, 0));
		let voters: Vec<_> = members.take(T::MaxVoters::get() as usize).collect();
		(!voters.is_empty()).then_some(voters)
	}

	fn end_session(_: u32) {}

	fn start_session(_: u32) {}
}
