//! How fast a chip's clock runs.
//!
//! `TPM2_ClockRateAdjust` can make a chip's `time` run up to about 1.2 times too fast or slow. What a member's chip had
//! to count over its last [`WAITS`] published waits, against what the chain's timestamps moved by meanwhile, gives its
//! rate `rho`; a wait must then last `rho * d` on that chip. A slow clock only hurts its owner, so `rho` is at least 1.
//!
//! What the chip *had to* count, `rho * d`, not all that it did count: whoever makes use of a fast clock seals as soon as
//! it may, so the two are the same for it. For an honest chip they are not: a machine that stalls before the second
//! attestation has counted more than it needed, after its timestamp was fixed. Counted in full, one such stall early in
//! its life would put a member above [`BOUND`], and who is above it publishes no wait that could bring it down.
//!
//! The other side is limited too: of a block that came late, twice the wait counts. Otherwise one block after a long
//! outage would pay for a whole window of fast waits.

use codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::ConstU32;
use sp_runtime::BoundedVec;

use crate::Millis;

/// Published waits that the rate is measured over.
pub const WAITS: u32 = 32;
/// A rate of 1, in parts per million.
pub const ONE: u32 = 1_000_000;
/// The highest rate that may author: above it the chip's clock is not one to go by.
pub const BOUND: u32 = 1_180_000;

/// What a member's chip had to count, and what the chain's clock did, over its last published waits.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen, Default)]
pub struct RateWindow {
	/// (TPM milliseconds, chain milliseconds), a ring.
	waits: BoundedVec<(u32, u32), ConstU32<WAITS>>,
	oldest: u32,
}

impl RateWindow {
	/// Takes in a published wait: `d` and the rate in force for it, and the block's timestamp less its parent's.
	pub fn push(&mut self, wait: Millis, rate: u32, chain: Millis) {
		let chip = chip_wait(wait, rate);
		let chain = chain.min(chip.saturating_mul(2));
		let wait = (u32::try_from(chip).unwrap_or(u32::MAX), u32::try_from(chain).unwrap_or(u32::MAX));
		if let Err(wait) = self.waits.try_push(wait) {
			if let Some(oldest) = self.waits.get_mut(self.oldest as usize) {
				*oldest = wait;
			}
			self.oldest = (self.oldest + 1) % WAITS;
		}
	}

	/// `rho` in parts per million, rounded down, at least [`ONE`].
	pub fn rate(&self) -> u32 {
		let (chip, chain) = self.waits.iter().fold((0u64, 0u64), |(a, b), w| (a + u64::from(w.0), b + u64::from(w.1)));
		if chain == 0 {
			return ONE;
		}
		let rate = u128::from(chip) * u128::from(ONE) / u128::from(chain);
		u32::try_from(rate).unwrap_or(u32::MAX).max(ONE)
	}
}

/// The least time that must pass on a chip of rate `rate` for a wait of `wait`: `rho * d`, rounded up; saturates.
pub fn chip_wait(wait: Millis, rate: u32) -> Millis {
	let scaled = (u128::from(wait) * u128::from(rate.max(ONE))).div_ceil(u128::from(ONE));
	u64::try_from(scaled).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_true_clock_has_rate_one() {
		let mut window = RateWindow::default();
		assert_eq!(window.rate(), ONE);
		for _ in 0..100 {
			window.push(2_000, ONE, 2_000);
		}
		assert_eq!(window.rate(), ONE);
	}

	#[test]
	fn a_slow_clock_is_not_favoured() {
		let mut window = RateWindow::default();
		window.push(1_000, ONE, 2_000);
		assert_eq!(window.rate(), ONE);
	}

	#[test]
	fn a_block_after_an_outage_does_not_pay_for_fast_ones() {
		let mut window = RateWindow::default();
		window.push(2_000, ONE, 3_600_000);
		for _ in 1..WAITS {
			window.push(2_000, ONE, 1_700);
		}
		assert!(window.rate() > 1_120_000, "{}", window.rate());
	}

	#[test]
	fn a_fast_clock_is_found_and_forgotten_after_a_window() {
		let mut window = RateWindow::default();
		for _ in 0..WAITS {
			window.push(2_300, ONE, 2_000);
		}
		assert_eq!(window.rate(), 1_150_000);
		assert_eq!(chip_wait(1_000, window.rate()), 1_150);
		for _ in 0..WAITS {
			window.push(2_000, ONE, 2_000);
		}
		assert_eq!(window.rate(), ONE);
	}

	#[test]
	fn a_fast_chip_that_seals_at_once_is_found_whatever_its_rate_was() {
		// A chip 1.1 times too fast, dated as early as its owner's clock shows: the rate settles where it should.
		let mut window = RateWindow::default();
		for _ in 0..10 * WAITS {
			let rate = window.rate();
			window.push(2_000, rate, chip_wait(2_000, rate) * 10 / 11);
		}
		assert!((1_095_000..=1_105_000).contains(&window.rate()), "{}", window.rate());
	}

	#[test]
	fn chip_wait_rounds_up_and_saturates() {
		assert_eq!(chip_wait(1, 1_000_001), 2);
		assert_eq!(chip_wait(Millis::MAX, 1_180_000), Millis::MAX);
		assert_eq!(chip_wait(1_000, 0), 1_000);
	}
}
