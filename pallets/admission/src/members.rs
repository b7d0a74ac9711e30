//! What the pallet keeps of members: their addresses on the Elastos Smart Chain, and what they were admitted on.

use ep_poet::{AuthorityId, OnMemberGone, Weight};
use ep_trust::{
	anchor::{self, OnAnchor as _},
	nonce,
};
use frame_support::ensure;
use sp_core::H160;

use crate::{AnchorOwners, Anchors, Config, Dossiers, Error, GroundsOf, Pallet, Policies, Settings};

impl<T: Config> Pallet<T> {
	/// Whether `author` may have this address.
	pub(crate) fn check_anchor(author: &AuthorityId, anchor: H160) -> Result<(), Error<T>> {
		ensure!(!anchor.is_zero(), Error::BadAnchor);
		ensure!(AnchorOwners::<T>::get(anchor).is_none_or(|owner| owner == *author), Error::BadAnchor);
		Ok(())
	}

	/// Whether whoever holds the key of that address says that it is `author`'s.
	pub(crate) fn check_anchor_proof(author: &AuthorityId, anchor: H160, proof: &[u8; 65]) -> Result<(), Error<T>> {
		let statement = nonce::anchor(&Self::genesis(), author);
		ensure!(anchor::recover(proof, &statement) == Some(anchor), Error::BadAnchor);
		Ok(())
	}

	/// Gives `author` this address.
	pub(crate) fn set_anchor(author: &AuthorityId, anchor: H160) -> Result<(), Error<T>> {
		Self::check_anchor(author, anchor)?;
		if let Some(old) = Anchors::<T>::get(author) {
			AnchorOwners::<T>::remove(old);
		}
		Anchors::<T>::insert(author, anchor);
		AnchorOwners::<T>::insert(anchor, author);
		T::OnAnchor::on_anchor(author, anchor);
		Ok(())
	}

	/// The most that a member may weigh, by the kind of its chip as parameters see it now. `None` if no committee let it
	/// in.
	pub fn cap_of(author: &AuthorityId) -> Option<Weight> {
		let tier = GroundsOf::<T>::get(author)?.tier;
		Some(Settings::<T>::get().map_or(0, |settings| settings.caps.of(tier)))
	}

	/// The policy that a member's platform has to meet. `None` if no committee let it in, or if the policy is gone: until its
	/// days are over there is nothing that it could meet.
	pub fn policy_of(author: &AuthorityId) -> Option<u32> {
		let policy = GroundsOf::<T>::get(author)?.policy;
		Policies::<T>::contains_key(policy).then_some(policy)
	}

	/// Checks that the stored items agree with each other.
	#[cfg(any(test, feature = "try-runtime"))]
	pub(crate) fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		use crate::{AnswersOf, Applications, ByAccount, ByAttestationKey, ByAuthor, Kept, RoundCount, Rounds, Seats};

		let count = RoundCount::<T>::get() as usize;
		ensure!(Rounds::<T>::iter().count() == count, "rounds are counted");
		ensure!(Applications::<T>::iter().count() == count, "every round has its application, and no other");
		ensure!(ByAttestationKey::<T>::iter().count() == count, "every round has its attestation key");
		ensure!(ByAccount::<T>::iter().count() == count, "every round has its account");
		ensure!(ByAuthor::<T>::iter().count() == count, "every round has its key");
		for (round, state) in Rounds::<T>::iter() {
			ensure!(ByAttestationKey::<T>::get(state.ak_name) == Some(round), "the attestation key is in its round");
			ensure!(ByAccount::<T>::get(&state.account) == Some(round), "the account is in its round");
			ensure!(ByAuthor::<T>::get(&state.author) == Some(round), "the key is in its round");
			ensure!(Self::held(&state.account) == state.deposit, "the deposit is held");
			ensure!(!Kept::<T>::contains_key(&state.account), "who applies again was given back what was kept");
			ensure!(AnswersOf::<T>::contains_key(round) == state.answer.is_some(), "an answer is an answer");
			let (mut seated, mut votes, mut revealed) = (0u32, 0u64, 0u32);
			for seating in Seats::<T>::iter_prefix_values(round) {
				seated = seated.saturating_add(1);
				votes = votes.saturating_add(seating.votes);
				revealed = revealed.saturating_add(u32::from(seating.outcome.is_some()));
			}
			ensure!((seated, votes, revealed) == (state.seated, state.votes, state.revealed), "who sits is counted");
		}
		for (round, _, _) in Seats::<T>::iter() {
			ensure!(Rounds::<T>::contains_key(round), "nobody sits in a round that is over");
		}
		for (account, (deposit, _)) in Kept::<T>::iter() {
			ensure!(Self::held(&account) == deposit, "what is kept is held");
		}
		for (author, anchor) in Anchors::<T>::iter() {
			ensure!(AnchorOwners::<T>::get(anchor) == Some(author), "an address has one owner");
		}
		ensure!(Anchors::<T>::iter().count() == AnchorOwners::<T>::iter().count(), "an address has one owner");
		ensure!(GroundsOf::<T>::iter().count() == Dossiers::<T>::iter().count(), "who is in by evidence has grounds");
		Ok(())
	}
}

impl<T: Config> OnMemberGone for Pallet<T> {
	fn on_member_gone(author: &AuthorityId) {
		if let Some(anchor) = Anchors::<T>::take(author) {
			AnchorOwners::<T>::remove(anchor);
		}
		Dossiers::<T>::remove(author);
		GroundsOf::<T>::remove(author);
	}
}
