//! Weights over time.

use codec::{Decode, Encode, MaxEncodedLen};
use ep_poet::Weight;
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;

/// Epochs from a change to its effect. What epoch `e` uses is fixed before epoch `e - 1` begins, so nobody who knows
/// the randomness of an epoch can still choose who takes part in it.
pub const DELAY: u64 = 2;

/// Entries that can differ at once: what held in the epoch before, holds now, in the next epoch, and in the one after.
const ENTRIES: u32 = 4;

/// A weight, or a sum of weights, over time. Read at an epoch, so no epoch change has to touch it.
///
/// It remembers what held in the epoch before the last change, and everything after: what began in one epoch (a
/// committee, a wait) may end in the next.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Schedule {
	/// (first epoch, weight from then on), ascending.
	entries: BoundedVec<(u64, Weight), ConstU32<ENTRIES>>,
}

impl Schedule {
	/// `weight` from the first epoch on.
	pub fn from_genesis(weight: Weight) -> Self {
		let mut this = Self::default();
		this.put(0, weight);
		this
	}

	/// The weight in `epoch`.
	pub fn at(&self, epoch: u64) -> Weight {
		self.entries.iter().rev().find(|(from, _)| *from <= epoch).map_or(0, |(_, weight)| *weight)
	}

	/// Changes the weight in epoch `now`, with effect from `now + 2` on. A second change in an epoch replaces the first.
	pub fn set(&mut self, now: u64, weight: Weight) {
		let from = now.saturating_add(DELAY);
		let held = self.entries.iter().filter(|entry| entry.0 <= now).count();
		// The one that holds now, and the one before it.
		let mut past = held.saturating_sub(2);
		self.entries.retain(|entry| {
			let forget = past > 0 || entry.0 >= from;
			past = past.saturating_sub(1);
			!forget
		});
		self.put(from, weight);
	}

	fn put(&mut self, from: u64, weight: Weight) {
		if self.entries.is_full() {
			// Only if epochs went backwards.
			self.entries.remove(0);
		}
		// There is room now.
		let _ = self.entries.try_push((from, weight));
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_change_takes_effect_two_epochs_later() {
		let mut schedule = Schedule::from_genesis(5);
		schedule.set(3, 7);
		assert_eq!([3, 4, 5, 6, 1_000].map(|e| schedule.at(e)), [5, 5, 7, 7, 7]);
	}

	#[test]
	fn a_newcomer_weighs_nothing_before() {
		let mut schedule = Schedule::default();
		schedule.set(0, 7);
		assert_eq!([0, 1, 2].map(|e| schedule.at(e)), [0, 0, 7]);
	}

	#[test]
	fn the_last_change_of_an_epoch_counts() {
		let mut schedule = Schedule::from_genesis(5);
		schedule.set(3, 7);
		schedule.set(3, 9);
		assert_eq!([4, 5].map(|e| schedule.at(e)), [5, 9]);
	}

	#[test]
	fn a_change_in_every_epoch_is_remembered() {
		let mut schedule = Schedule::from_genesis(0);
		for epoch in 0..100 {
			schedule.set(epoch, 1_000 + epoch);
			let expected = |e: u64| if e < DELAY { 0 } else { 1_000 + e - DELAY };
			for e in epoch.saturating_sub(1)..=epoch + DELAY {
				assert_eq!(schedule.at(e), expected(e), "at {e}, asked in {epoch}");
			}
		}
	}

	#[test]
	fn any_changes_read_as_a_full_history_would() {
		// A small generator of pseudo-random numbers, so that a failure can be repeated.
		let mut state = 1u64;
		let mut random = move |below: u64| {
			state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
			(state >> 33) % below
		};
		for _ in 0..200 {
			let (mut schedule, mut history, mut now) = (Schedule::default(), vec![(0, 0)], 0);
			for _ in 0..50 {
				now += random(3);
				let weight = random(100);
				schedule.set(now, weight);
				history.push((now + DELAY, weight));
				for epoch in now.saturating_sub(1)..now + 5 {
					let expected = history.iter().rev().find(|(from, _)| *from <= epoch).unwrap().1;
					assert_eq!(schedule.at(epoch), expected);
				}
			}
		}
	}

	#[test]
	fn epochs_that_go_backwards_do_no_harm() {
		let mut schedule = Schedule::from_genesis(1);
		for epoch in (0..10).rev() {
			schedule.set(epoch, 3);
		}
		assert_eq!(schedule.at(100), 3);
	}
}
