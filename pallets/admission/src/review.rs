//! Members are looked at again when what they were let in by has changed.
//!
//! Every change of the rules (roots, revocation lists, models, policies, caps) counts [`Revision`] up, which is all the
//! work that a change makes. A member whose evidence was last looked at under an older revision is *due*: nodes call
//! `review` for those who are drawn to attest, so that the whole network is through after one turn of duties.

use ep_poet::AuthorityId;
use frame_support::pallet_prelude::*;

use crate::{evidence::CertifiedChip, rounds::LONGEVITY, *};

impl<T: Config> Pallet<T> {
	/// What members are let in by has changed.
	pub(crate) fn rules_changed() {
		Revision::<T>::mutate(|revision| *revision = revision.wrapping_add(1));
	}

	/// Whether a member's evidence has to be looked at.
	pub fn is_due(author: &AuthorityId) -> bool {
		Self::check_due(author).is_ok()
	}

	/// The grounds of a member that is due.
	fn check_due(author: &AuthorityId) -> Result<Grounds, Error<T>> {
		let grounds = GroundsOf::<T>::get(author).ok_or(Error::NotAMember)?;
		let old = grounds.reviewed != Some(Revision::<T>::get());
		let over = match grounds.stays {
			Some(stays) => Self::height() > stays,
			// Its time is over without anybody having changed anything.
			None => Self::policy_in_force(grounds.policy).is_err(),
		};
		ensure!(old || over, Error::NotDue);
		let member = pallet_trust::Members::<T>::get(author).ok_or(Error::NotAMember)?;
		// Who is suspended keeps its mark until governance removes it.
		ensure!(!member.suspended && member.leaves.is_none(), Error::NotAMember);
		Ok(grounds)
	}

	pub(crate) fn authorize_review(author: &AuthorityId) -> TransactionValidityWithRefund {
		let grounds = Self::check_due(author).map_err(|error| InvalidTransaction::Custom(Self::index_of(&error)))?;
		ValidTransaction::with_tag_prefix("Admission")
			.priority(TransactionPriority::MAX / 2)
			.and_provides(("review", author, Revision::<T>::get(), grounds.stays))
			.longevity(LONGEVITY)
			.propagate(true)
			.build()
			.map(|valid| (valid, Weight::zero()))
	}

	pub(crate) fn do_review(author: AuthorityId) -> DispatchResult {
		let mut grounds = Self::check_due(&author)?;
		let now = Self::height();
		grounds.reviewed = Some(Revision::<T>::get());
		let lapse = match Self::look_again(&author, &grounds) {
			Ok(tier) => {
				(grounds.tier, grounds.stays) = (tier, None);
				None
			}
			Err(lapse) => {
				let overlap = Settings::<T>::get().map_or(0, |settings| settings.overlap);
				let member = pallet_trust::Members::<T>::get(&author).ok_or(Error::<T>::NotAMember)?;
				match grounds.stays {
					None => grounds.stays = Some(now.saturating_add(overlap)),
					Some(stays) if now > stays => {
						if let Err(error) = pallet_trust::Pallet::<T>::remove(member.account) {
							// The last weight of all: it stays until there is another.
							log::warn!(target: LOG_TARGET, "{author:?} cannot be removed: {error:?}");
							grounds.stays = Some(now.saturating_add(overlap));
						}
					}
					Some(_) => {}
				}
				Some(lapse)
			}
		};
		let stays = grounds.stays;
		GroundsOf::<T>::insert(&author, grounds);
		Self::deposit_event(Event::Reviewed { author, lapse, stays });
		Ok(())
	}

	/// What a member's evidence is worth today. What its platform holds today is for its duties to show.
	fn look_again(author: &AuthorityId, grounds: &Grounds) -> Result<ep_tpm::model::Tier, Lapse> {
		let evidence = Dossiers::<T>::get(author).ok_or(Lapse::Certificate)?.application.evidence;
		let stays = Settings::<T>::get().is_some_and(|settings| settings.expired_stay);
		let ek_at = stays.then_some(grounds.since);
		let CertifiedChip { ek, tier, kind } =
			Self::check_certificate(&evidence, Self::now(), ek_at).map_err(|error| match error {
				Error::ModelNotLetIn | Error::Closed => Lapse::Model,
				_ => Lapse::Certificate,
			})?;
		ensure!(ek.key.kind() == kind, Lapse::Model);
		Denied::<T>::get().check(&ek.tpm, grounds.firmware).map_err(|_| Lapse::Denied)?;
		Self::policy_in_force(grounds.policy).map_err(|_| Lapse::Policy)?;
		Ok(tier)
	}

	/// The last block in which a member may stay, if its evidence is not good any more.
	pub fn stays(author: &AuthorityId) -> Option<u32> {
		GroundsOf::<T>::get(author)?.stays
	}

	/// A member's chip has attested, and runs this firmware.
	pub fn note_firmware(author: &AuthorityId, firmware: u64) {
		let Some(mut grounds) = GroundsOf::<T>::get(author) else { return };
		if grounds.firmware != Some(firmware) {
			// An update may have cured it, or the opposite.
			(grounds.firmware, grounds.reviewed) = (Some(firmware), None);
			GroundsOf::<T>::insert(author, grounds);
		}
	}

	pub(crate) fn do_choose_policy(account: &T::AccountId, number: u32) -> DispatchResult {
		let author = pallet_trust::Accounts::<T>::get(account).ok_or(Error::<T>::NotAMember)?;
		let mut grounds = GroundsOf::<T>::get(&author).ok_or(Error::<T>::NotAMember)?;
		let policy = Self::policy_in_force(number)?;
		ensure!(!policy.leaves_open(), Error::<T>::NeedsCommittee);
		(grounds.policy, grounds.reviewed) = (number, None);
		GroundsOf::<T>::insert(&author, grounds);
		Self::deposit_event(Event::PolicyChosen { author, policy: number });
		Ok(())
	}
}
