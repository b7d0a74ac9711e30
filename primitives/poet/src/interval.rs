//! One timer a chip: the published waits of one chip in one power cycle never overlap.
//!
//! `time` restarts at power-on, so intervals are compared only within one (resetCount, restartCount), on one chip, in
//! one chain. An overlap then means that one chip was made to count for two waits at once.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::Millis;

/// A published wait: `[A1.time, A2.time]` in one power cycle of one chip.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct Interval {
	/// `TPMS_CLOCK_INFO.resetCount`.
	pub reset_count: u32,
	/// `TPMS_CLOCK_INFO.restartCount`.
	pub restart_count: u32,
	/// `time` of A1.
	pub start: Millis,
	/// `time` of A2.
	pub end: Millis,
}

/// How an interval stands to an earlier published one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
	/// It begins after the earlier one ended, or in a later power cycle.
	After,
	/// It begins before the earlier one ended, in the same power cycle.
	NotAfter,
	/// Its counters are lower: the chip was cleared or is another one.
	CountersBack,
}

impl Interval {
	/// The power cycle, ordered: restarts (resume) are counted within a reset.
	pub fn cycle(&self) -> (u32, u32) {
		(self.reset_count, self.restart_count)
	}

	/// Milliseconds that the chip counted.
	pub fn length(&self) -> Millis {
		self.end.saturating_sub(self.start)
	}

	/// How this interval stands to the last one published on the same chain.
	pub fn order_after(&self, last: &Interval) -> Order {
		if self.cycle() < last.cycle() {
			Order::CountersBack
		} else if self.cycle() == last.cycle() && self.start < last.end {
			Order::NotAfter
		} else {
			Order::After
		}
	}

	/// Whether two waits of one chip ran at once. Touching ends do not overlap.
	pub fn overlaps(&self, other: &Interval) -> bool {
		self.cycle() == other.cycle() && self.start < other.end && other.start < self.end
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn interval(cycle: (u32, u32), start: u64, end: u64) -> Interval {
		Interval { reset_count: cycle.0, restart_count: cycle.1, start, end }
	}

	#[test]
	fn an_honest_reboot_is_no_overlap() {
		let before = interval((3, 0), 1_000_000, 1_002_000);
		let after = interval((4, 0), 500, 2_500);
		assert_eq!(after.order_after(&before), Order::After);
		assert!(!after.overlaps(&before));
	}

	#[test]
	fn touching_ends_are_in_order() {
		let first = interval((3, 0), 10, 20);
		let second = interval((3, 0), 20, 30);
		assert_eq!(second.order_after(&first), Order::After);
		assert!(!second.overlaps(&first));
	}

	#[test]
	fn one_millisecond_of_overlap_counts() {
		let first = interval((3, 0), 10, 20);
		let second = interval((3, 0), 19, 30);
		assert_eq!(second.order_after(&first), Order::NotAfter);
		assert!(second.overlaps(&first) && first.overlaps(&second));
	}

	#[test]
	fn counters_that_went_back_are_told_apart() {
		let last = interval((3, 1), 10, 20);
		assert_eq!(interval((3, 0), 50, 60).order_after(&last), Order::CountersBack);
		assert_eq!(interval((2, 9), 50, 60).order_after(&last), Order::CountersBack);
		assert_eq!(interval((3, 2), 0, 5).order_after(&last), Order::After);
	}
}
