//! GRANDPA's voters: weighted, and replaced step by step.
//!
//! The stock session handler gives every voter weight 1 and changes the set whenever a session does. [`WeightedGrandpa`]
//! takes its place in a runtime's session keys.
//!
//! # Rules
//! 1. *weighted*: a voter weighs what its member weighs in the session's epoch; one without weight is no voter.
//! 2. *never-empty*: there is always a voter. A set that nobody can ever finalise with again is no set.
//! 3. *a-quarter*: in one session at most a quarter of the total weight changes, what goes and what comes together
//!    ([`limit_change`]). So whoever finalised the last sessions' blocks holds most of the next ones' weight too.
//! 4. *only-changes*: the change is announced if a key or a weight differs, or if voting has stalled.
//! 5. *books*: `CurrentSetId`, `SetIdSession` and `Stalled` of `pallet_grandpa` are kept as the stock handler keeps
//!    them. Justifications, state sync and warp sync count sets by them.
//! 6. *stalled*: after `note_stalled` the session's voters replace the set whole. It is called because more than a third
//!    of the old weight is gone for good; steps of a quarter would hand on to the dead.
//!
//! The list of voters is not the session's list of validators while steps are under way: an index into the one means
//! nothing in the other, so that a disabled validator is not announced to GRANDPA, which does nothing with it anyway.

use alloc::{collections::BTreeMap, vec::Vec};
use core::marker::PhantomData;
use frame_support::traits::{Get, OneSessionHandler};
use pallet_grandpa::{BoundedAuthorityList, CurrentSetId, SetIdSession, Stalled};
use sp_consensus_grandpa::{AuthorityId as GrandpaId, AuthorityList};
use sp_runtime::{traits::Zero, BoundToRuntimeAppPublic};

use crate::{Config, Pallet, LOG_TARGET};

/// The session handler of GRANDPA keys.
pub struct WeightedGrandpa<T>(PhantomData<T>);

impl<T> BoundToRuntimeAppPublic for WeightedGrandpa<T> {
	type Public = GrandpaId;
}

impl<T: Config> WeightedGrandpa<T> {
	/// Rule *weighted*.
	fn weigh<'a>(validators: impl Iterator<Item = (&'a T::AccountId, GrandpaId)>, epoch: u64) -> AuthorityList {
		validators
			.map(|(account, key)| (key, Pallet::<T>::weight_of(account, epoch)))
			.filter(|(_, weight)| *weight > 0)
			.take(T::MaxVoters::get() as usize)
			.collect()
	}
}

impl<T: Config> OneSessionHandler<T::AccountId> for WeightedGrandpa<T> {
	type Key = GrandpaId;

	/// Sets the first voters, unless GRANDPA's own genesis configuration did.
	fn on_genesis_session<'a, I>(validators: I)
	where
		I: Iterator<Item = (&'a T::AccountId, GrandpaId)> + 'a,
	{
		let voters = Self::weigh(validators, 0);
		if voters.is_empty() {
			log::warn!(target: LOG_TARGET, "no validator of genesis has weight: nobody can vote");
		}
		pallet_grandpa::Authorities::<T>::mutate(|set| {
			if set.is_empty() {
				*set = BoundedAuthorityList::<T::MaxAuthorities>::force_from(voters, Some("first voters"));
			}
		});
		SetIdSession::<T>::insert(0, 0);
	}

	fn on_new_session<'a, I>(_changed: bool, validators: I, _queued_validators: I)
	where
		I: Iterator<Item = (&'a T::AccountId, GrandpaId)> + 'a,
	{
		let wanted = Self::weigh(validators, T::CurrentEpoch::get());
		let current = pallet_grandpa::Pallet::<T>::grandpa_authorities();
		let stalled = Stalled::<T>::get();
		let next = if stalled.is_some() && !wanted.is_empty() {
			wanted
		} else {
			limit_change(&current, &wanted, T::MaxVoters::get() as usize)
		};

		let mut set_id = CurrentSetId::<T>::get();
		if next != current || stalled.is_some() {
			let scheduled = match stalled {
				Some((further_wait, median)) => {
					pallet_grandpa::Pallet::<T>::schedule_change(next, further_wait, Some(median))
				}
				None => pallet_grandpa::Pallet::<T>::schedule_change(next, Zero::zero(), None),
			};
			// It is refused while another change is pending, which a forced one is for long.
			if scheduled.is_ok() {
				Stalled::<T>::kill();
				set_id = set_id.saturating_add(1);
				CurrentSetId::<T>::put(set_id);
				let kept = T::MaxSetIdSessionEntries::get().max(1);
				if set_id >= kept {
					SetIdSession::<T>::remove(set_id - kept);
				}
			}
		}
		SetIdSession::<T>::insert(set_id, pallet_session::Pallet::<T>::current_index());
	}

	fn on_disabled(_: u32) {}
}

/// One step from the voters `current` towards `target`, at most `max_len` of them.
///
/// At most a quarter of `current`'s weight (at least 1) changes, what goes and what comes together. Who leaves goes
/// before who loses weight, who arrives comes before who gains. Either side has half of the step, and what one does not
/// need the other may use: if leaving alone went first, a set of which most changes would shrink to one voter before the
/// first newcomer came. Repeated, it ends at `target` (its first `max_len` entries with weight).
///
/// The result is empty only if both sets are. Where one voter of weight 1 has to make room for another, that one follows
/// at once.
pub fn limit_change<Id: Clone + Ord>(current: &[(Id, u64)], target: &[(Id, u64)], max_len: usize) -> Vec<(Id, u64)> {
	let max_len = max_len.max(1);
	let target: Vec<_> = target.iter().filter(|voter| voter.1 > 0).take(max_len).cloned().collect();
	let wanted: BTreeMap<_, _> = target.iter().cloned().collect();
	let mut step = Step { set: current.iter().filter(|voter| voter.1 > 0).cloned().collect(), target, wanted, max_len };
	if step.target.is_empty() {
		return step.set;
	}
	if step.set.is_empty() {
		return step.target;
	}
	let total = step.set.iter().fold(0u64, |sum, voter| sum.saturating_add(voter.1));
	let budget = (total / 4).max(1);
	let mut left = budget - step.lower(budget / 2);
	left -= step.raise(left);
	left -= step.lower(left);
	step.raise(left);
	if step.set.is_empty() {
		step.raise(1);
	}
	step.set
}

struct Step<Id> {
	set: Vec<(Id, u64)>,
	target: Vec<(Id, u64)>,
	wanted: BTreeMap<Id, u64>,
	max_len: usize,
}

impl<Id: Clone + Ord> Step<Id> {
	/// Takes off at most `most`, and says how much.
	fn lower(&mut self, most: u64) -> u64 {
		let mut left = most;
		for leaving in [true, false] {
			for (id, weight) in &mut self.set {
				let goal = self.wanted.get(id).copied().unwrap_or(0);
				if leaving == (goal == 0) {
					let less = weight.saturating_sub(goal).min(left);
					*weight -= less;
					left -= less;
				}
			}
		}
		self.set.retain(|voter| voter.1 > 0);
		most - left
	}

	/// Adds at most `most`, and says how much.
	fn raise(&mut self, most: u64) -> u64 {
		let mut left = most;
		let present: BTreeMap<_, _> = self.set.iter().enumerate().map(|(i, voter)| (voter.0.clone(), i)).collect();
		for (id, goal) in self.target.iter().filter(|voter| !present.contains_key(&voter.0)) {
			if left == 0 || self.set.len() >= self.max_len {
				break;
			}
			let weight = (*goal).min(left);
			self.set.push((id.clone(), weight));
			left -= weight;
		}
		for (id, goal) in &self.target {
			if let Some(voter) = present.get(id).and_then(|i| self.set.get_mut(*i)) {
				let more = goal.saturating_sub(voter.1).min(left);
				voter.1 += more;
				left -= more;
			}
		}
		most - left
	}
}
