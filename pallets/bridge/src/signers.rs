//! Who signs, and how one set follows another.

use alloc::{collections::BTreeMap, vec::Vec};
use frame_support::pallet_prelude::*;
use pallet_trust::voters::limit_change;
use sp_core::H160;

use crate::*;

impl<T: Config> Pallet<T> {
	/// The session's validators, as many of them as sign.
	fn validators() -> Vec<Validator> {
		let mut validators = T::Register::validators();
		validators.truncate(T::MaxSigners::get() as usize);
		validators
	}

	/// The set of genesis.
	pub(crate) fn first_signers() -> Set {
		Set::new(0, Self::validators()).unwrap_or_else(|error| {
			log::error!(target: LOG_TARGET, "the validators of genesis cannot sign checkpoints: {error}");
			Set::default()
		})
	}

	/// Takes a step towards the validators of a session that has begun, if it has. Gives the number of validators that
	/// were looked at.
	pub(crate) fn follow_session() -> u32 {
		let session = T::CurrentSession::get();
		if LastSession::<T>::get() == session {
			return 0;
		}
		LastSession::<T>::put(session);
		// Property *nothing is skipped*. The next session tries again.
		if Handover::<T>::exists() {
			return 0;
		}
		let wanted = Self::validators();
		let looked_at = wanted.len() as u32;
		let id = CurrentSet::<T>::get();
		let current = Sets::<T>::get(id).unwrap_or_default();
		if let Some(next) = Self::step(id.saturating_add(1), &current, wanted) {
			if let Some(before) = id.checked_sub(1) {
				Sets::<T>::remove(before);
			}
			Sets::<T>::insert(id.saturating_add(1), next);
			if current.signers.is_empty() {
				// Nobody is there to hand over, and nobody to hand over from.
				Self::change_signers();
			} else {
				Handover::<T>::put(Self::height());
			}
		}
		looked_at
	}

	/// The set number `id`, one step from `current` towards `wanted`. `None` if nothing changes.
	fn step(id: u64, current: &Set, wanted: Vec<Validator>) -> Option<Set> {
		let now: Vec<(H160, u64)> =
			current.signers.signers().iter().map(|signer| (signer.address, signer.weight)).collect();
		let target: Vec<(H160, u64)> = wanted.iter().map(|validator| (validator.address, validator.weight)).collect();
		let mut next = limit_change(&now, &target, T::MaxSigners::get() as usize);
		next.sort();
		if next == now {
			return None;
		}
		// An address that went from one member to another is the newer one's.
		let before = now.iter().zip(&current.authors).map(|((address, _), author)| (*address, author.clone()));
		let now = wanted.into_iter().map(|validator| (validator.address, validator.author));
		let authors: BTreeMap<H160, ep_poet::AuthorityId> = before.chain(now).collect();
		let validator = |(address, weight): (H160, u64)| {
			let author = authors.get(&address)?.clone();
			Some(Validator { author, address, weight })
		};
		match Set::new(id, next.into_iter().filter_map(validator).collect()) {
			Ok(set) => Some(set),
			Err(error) => {
				log::error!(target: LOG_TARGET, "the validators are no set of signers: {error}");
				None
			}
		}
	}

	/// The next set signs from now on.
	pub(crate) fn change_signers() {
		let id = CurrentSet::<T>::get().saturating_add(1);
		CurrentSet::<T>::put(id);
		if let Some(set) = Sets::<T>::get(id) {
			Self::deposit_event(Event::SignersChanged { id, hash: set.signers.hash() });
		}
	}

	/// Gives up the signers that there are.
	pub(crate) fn do_reset_signers() -> DispatchResult {
		let current = CurrentSet::<T>::get();
		// In the very block of a handover the next number is taken, and may have been seen.
		let taken = Handover::<T>::get() == Some(Self::height());
		let id = current.saturating_add(if taken { 2 } else { 1 });
		let set = Set::new(id, Self::validators()).map_err(|_| Error::<T>::NoSigners)?;
		ensure!(!set.signers.is_empty(), Error::<T>::NoSigners);
		for number in OpenNumbers::<T>::take() {
			Open::<T>::remove(number);
			Self::deposit_event(Event::Dropped { number });
		}
		Unsealed::<T>::kill();
		Handover::<T>::kill();
		for old in current.saturating_sub(1)..id {
			Sets::<T>::remove(old);
		}
		let hash = set.signers.hash();
		Sets::<T>::insert(id, set);
		CurrentSet::<T>::put(id);
		Self::deposit_event(Event::SignersReset { id, hash });
		Ok(())
	}

	/// The member with this address, if it has it now or signed with it of late.
	pub(crate) fn owner(address: &H160) -> Option<ep_poet::AuthorityId> {
		let current = CurrentSet::<T>::get();
		let sets = [current.checked_add(1), Some(current), current.checked_sub(1)];
		let mut known = sets.into_iter().flatten().filter_map(Sets::<T>::get);
		known.find_map(|set| set.author(address).cloned()).or_else(|| T::Register::owner(address))
	}
}
