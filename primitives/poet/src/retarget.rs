//! Retarget: which local mean keeps blocks coming every `T`.
//!
//! Every block a sliding window of the last [`WINDOW`] (mean, `d - m`) pairs gives `N = sum M / sum (d - m)`, the weight
//! that really takes part: a winner's `d - m` is exponential with mean `M / N`. Then `M = N * (T - m - overhead)`. Only
//! draws enter, no clock does: nobody can move the mean by lying about time. Within one window the mean moves by at
//! most a factor of two.

use codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::ConstU32;
use sp_runtime::BoundedVec;

use crate::{Mean, Millis, Weight};

/// Blocks in the sliding window.
pub const WINDOW: u32 = 64;

/// The last [`WINDOW`] blocks' means and excess waits, always full.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen, Default)]
pub struct Window {
	/// (mean, `d - m`), a ring.
	entries: BoundedVec<(Mean, Millis), ConstU32<WINDOW>>,
	/// Index of the oldest entry.
	oldest: u32,
	sum_mean: u128,
	sum_excess: u128,
}

impl Window {
	/// A window as if `total_weight` had been online for ever, with `mean_excess` = `T - m - overhead`.
	pub fn new(total_weight: Weight, mean_excess: Millis) -> Self {
		let mean = total_weight.max(1).saturating_mul(mean_excess);
		let mut entries = BoundedVec::default();
		for _ in 0..WINDOW {
			// Cannot fail: the bound is WINDOW.
			let _ = entries.try_push((mean, mean_excess));
		}
		Self {
			entries,
			oldest: 0,
			sum_mean: u128::from(mean).saturating_mul(u128::from(WINDOW)),
			sum_excess: u128::from(mean_excess).saturating_mul(u128::from(WINDOW)),
		}
	}

	/// Takes in a block that was drawn under `mean` and whose author's `d - m` was `excess`.
	pub fn push(&mut self, mean: Mean, excess: Millis) {
		if let Some(entry) = self.entries.get_mut(self.oldest as usize) {
			self.sum_mean = self.sum_mean.saturating_sub(u128::from(entry.0)).saturating_add(u128::from(mean));
			self.sum_excess = self.sum_excess.saturating_sub(u128::from(entry.1)).saturating_add(u128::from(excess));
			*entry = (mean, excess);
			self.oldest = (self.oldest + 1) % WINDOW;
		}
	}

	/// `N`, the weight that takes part.
	pub fn online_weight(&self) -> Weight {
		u64::try_from(self.sum_mean / self.sum_excess.max(1)).unwrap_or(Weight::MAX)
	}

	/// The next block's mean; at least 1.
	pub fn mean(&self, mean_excess: Millis) -> Mean {
		let wanted = self.sum_mean.saturating_mul(u128::from(mean_excess)) / self.sum_excess.max(1);
		let before = self.entries.get(self.oldest as usize).map_or(1, |e| e.0.max(1));
		let wanted = u64::try_from(wanted).unwrap_or(Mean::MAX);
		wanted.clamp((before / 2).max(1), before.saturating_mul(2))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_steady_network_keeps_its_mean() {
		let mut window = Window::new(1_000, 1_500);
		for _ in 0..200 {
			let mean = window.mean(1_500);
			assert_eq!(mean, 1_500_000);
			window.push(mean, 1_500);
		}
		assert_eq!(window.online_weight(), 1_000);
	}

	#[test]
	fn half_the_weight_gone_is_made_up_for() {
		let mut window = Window::new(1_000, 1_500);
		for _ in 0..400 {
			let mean = window.mean(1_500);
			window.push(mean, mean / 500);
		}
		assert!((740_000..=751_000).contains(&window.mean(1_500)), "{}", window.mean(1_500));
		assert!((495..=500).contains(&window.online_weight()));
	}

	#[test]
	fn one_window_moves_the_mean_by_two_at_most() {
		let mut window = Window::new(1_000, 1_500);
		let before = window.mean(1_500);
		for _ in 0..WINDOW {
			let mean = window.mean(1_500);
			assert!(mean >= before / 2 && mean <= before * 2);
			window.push(mean, 0);
		}
		let mut window = Window::new(1_000, 1_500);
		for _ in 0..WINDOW {
			let mean = window.mean(1_500);
			assert!(mean >= before / 2);
			window.push(mean, Millis::MAX);
		}
	}

	#[test]
	fn sums_stay_those_of_the_entries() {
		let mut window = Window::new(7, 900);
		for i in 0..1_000u64 {
			window.push(i * 31, i % 97);
			let (m, e) =
				window.entries.iter().fold((0u128, 0u128), |(m, e), x| (m + u128::from(x.0), e + u128::from(x.1)));
			assert_eq!((m, e), (window.sum_mean, window.sum_excess));
		}
	}
}
