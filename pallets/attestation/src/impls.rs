//! What the pallet answers to others.

use alloc::{boxed::Box, vec::Vec};
use ep_poet::{AuthorityId, OnMemberGone};
use ep_trust::{
	api::{DutyInfo, NodeInfo, NODES_PAGE},
	score::OnFault,
	Testimony,
};
use frame_support::traits::Get;
use frame_system::offchain::{CreateAuthorizedTransaction, SubmitTransaction};
use sp_core::sr25519;

use crate::{Call, Config, Duties, Pallet, Platforms, Settings, Standing, Standings};

impl<T: Config> Pallet<T> {
	/// What a member owes.
	pub fn duty_of(author: &AuthorityId) -> Option<DutyInfo> {
		let duty = Duties::<T>::get(author)?;
		let member = pallet_trust::Members::<T>::get(author)?;
		Some(DutyInfo {
			block: duty.block,
			until: duty.until,
			lapses: duty.lapses,
			attempt: duty.attempts,
			policy: T::Platforms::policy(author),
			ak_public: member.ak_public,
			ek_name: member.ek_name,
		})
	}

	/// A member.
	pub fn node(author: &AuthorityId) -> Option<NodeInfo<T::AccountId>> {
		let member = pallet_trust::Members::<T>::get(author)?;
		let standing = Self::standing(author).or_else(|| Standings::<T>::get(author));
		let figures = |standing: Standing| (standing.score, standing.done, standing.missed);
		let (score, done, missed) = standing.map_or_else(Default::default, figures);
		Some(NodeInfo {
			author: author.clone(),
			weight: pallet_trust::Pallet::<T>::weight_of(&member.account, T::CurrentEpoch::get()),
			account: member.account,
			score: if member.suspended { 0 } else { score },
			cap: standing.map_or(0, |standing| Self::cap(author, &standing)),
			done,
			missed,
			suspended: member.suspended,
			leaves: member.leaves,
			stays: T::Platforms::stays(author),
			duty: Self::duty_of(author),
		})
	}

	/// Members from an index in the list on.
	pub fn nodes(from: u32) -> Vec<NodeInfo<T::AccountId>> {
		let end = from.saturating_add(NODES_PAGE).min(pallet_trust::MemberCount::<T>::get());
		let slots = (from..end).filter_map(pallet_trust::Slots::<T>::get);
		slots.filter_map(|slot| Self::node(&slot.author)).collect()
	}

	/// Puts a testimony into the transaction pool.
	///
	/// # Errors
	/// The index of the [`Error`](crate::Error); 255 if the pool does not take it.
	pub fn submit(author: AuthorityId, testimony: Testimony, signature: sr25519::Signature) -> Result<(), u8>
	where
		T: CreateAuthorizedTransaction<Call<T>>,
	{
		Self::check_call(&author, &testimony, &signature).map_err(|error| Self::index_of(&error))?;
		let call = Call::<T>::attest { author, testimony: Box::new(testimony), signature };
		let transaction = T::create_authorized_transaction(call.into());
		SubmitTransaction::<T, Call<T>>::submit_transaction(transaction).map_err(|()| u8::MAX)
	}

	/// Checks that the stored items agree with each other.
	#[cfg(any(test, feature = "try-runtime"))]
	pub(crate) fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		use frame_support::ensure;

		for (author, duty) in Duties::<T>::iter() {
			ensure!(duty.block <= duty.until && duty.until <= duty.lapses, "a duty ends after it began");
			ensure!(crate::Lapsing::<T>::get(duty.lapses).contains(&author), "every duty lapses");
			ensure!(Standings::<T>::contains_key(&author), "who was drawn has a standing");
		}
		for (author, standing) in Standings::<T>::iter() {
			ensure!(pallet_trust::Members::<T>::contains_key(&author), "only members stand");
			ensure!(standing.score <= ep_trust::score::MAX_SCORE, "scores are bounded");
		}
		for (last, lapsing) in crate::Lapsing::<T>::iter() {
			ensure!(last >= Self::height() && !lapsing.is_empty(), "what has lapsed is gone");
		}
		Ok(())
	}
}

/// Who fails in a committee has missed a duty.
impl<T: Config> OnFault for Pallet<T> {
	/// Once in a while only: several rounds may end while a member is down, and that is one outage.
	fn on_fault(author: &AuthorityId) {
		let Some(standing) = Self::standing(author) else { return };
		if Self::rests(standing.failed, &Settings::<T>::get()) {
			return;
		}
		Standings::<T>::insert(author, Standing { failed: Some(Self::height()), ..standing });
		Self::miss(author);
	}
}

impl<T: Config> OnMemberGone for Pallet<T> {
	fn on_member_gone(author: &AuthorityId) {
		Duties::<T>::remove(author);
		Standings::<T>::remove(author);
	}
}
