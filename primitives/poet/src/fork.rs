//! Fork choice: the heaviest chain, and what breaks a tie.
//!
//! A chain's weight is the sum of its local means: more weight online raises the mean, so the chain on which more
//! members wait is heavier. Siblings have equal weight. Among them the one with the smaller wait wins, but only if both
//! arrived about when they were due; otherwise the first imported stays, or withholding a block would cost nothing.

use crate::Millis;

/// A chain's weight: the sum of the means of its blocks.
pub type ChainWeight = u128;

/// What fork choice looks at in a tip.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tip {
	/// Weight of the chain that ends here.
	pub weight: ChainWeight,
	/// The tip's own wait `d`.
	pub wait: Millis,
	/// Milliseconds from when the tip was due (its parent's timestamp plus `d`) to its arrival here; `None` if it was not
	/// seen arriving (synced, or loaded from disk).
	pub lateness: Option<i64>,
}

impl Tip {
	fn timely(&self, target: Millis) -> bool {
		self.lateness.is_some_and(|late| late.unsigned_abs() <= target / 8)
	}
}

/// Whether `new` takes the place of `best`.
pub fn prefer(new: &Tip, best: &Tip, target: Millis) -> bool {
	match new.weight.cmp(&best.weight) {
		core::cmp::Ordering::Greater => true,
		core::cmp::Ordering::Less => false,
		core::cmp::Ordering::Equal => new.wait < best.wait && new.timely(target) && best.timely(target),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn tip(weight: u128, wait: u64, lateness: Option<i64>) -> Tip {
		Tip { weight, wait, lateness }
	}

	#[test]
	fn the_heavier_chain_wins_however_late() {
		assert!(prefer(&tip(2, 9, None), &tip(1, 1, Some(0)), 2_000));
		assert!(!prefer(&tip(1, 1, Some(0)), &tip(2, 9, None), 2_000));
	}

	#[test]
	fn at_equal_weight_the_smaller_timely_wait_wins() {
		assert!(prefer(&tip(1, 1, Some(10)), &tip(1, 2, Some(250)), 2_000));
		assert!(!prefer(&tip(1, 2, Some(10)), &tip(1, 2, Some(10)), 2_000));
		assert!(!prefer(&tip(1, 3, Some(10)), &tip(1, 2, Some(10)), 2_000));
	}

	#[test]
	fn a_withheld_block_released_at_equal_weight_loses() {
		assert!(!prefer(&tip(1, 1, Some(251)), &tip(1, 2, Some(0)), 2_000));
		assert!(!prefer(&tip(1, 1, None), &tip(1, 2, Some(0)), 2_000));
		assert!(!prefer(&tip(1, 1, Some(0)), &tip(1, 2, Some(251)), 2_000));
	}
}
