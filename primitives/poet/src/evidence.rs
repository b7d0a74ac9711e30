//! Frequency evidence: does a member win with waits that are too long?
//!
//! A winner's `(d - m) / M` is exponential with mean `1 / N`, whoever wins and whoever is offline. A chip that counts `k`
//! times too fast wins with claims `k` times longer than the others'. The ratio of the mean claims of `a` wins to that
//! of `b` wins of the others is F-distributed with `2a` and `2b` degrees of freedom. This is never a matter of
//! validity: it is computed in state, shown as a metric, and may weigh on a score.

use codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::{Mean, Millis};

/// Fraction bits of a claim `(d - m) / M`. Means are large (weight times milliseconds), so claims are small.
const FRACTION_BITS: u32 = 64;

/// Wins and the waits claimed with them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Claims {
	/// Number of wins.
	pub wins: u64,
	/// Sum of `(d - m) / M`, 64 fraction bits; saturates.
	pub sum: u128,
}

impl Claims {
	/// Takes in one win.
	pub fn push(&mut self, mean: Mean, excess: Millis) {
		self.wins = self.wins.saturating_add(1);
		self.sum = self.sum.saturating_add((u128::from(excess) << FRACTION_BITS) / u128::from(mean.max(1)));
	}

	/// These wins taken out of a total.
	pub fn others(&self, total: &Claims) -> Claims {
		Claims { wins: total.wins.saturating_sub(self.wins), sum: total.sum.saturating_sub(self.sum) }
	}

	/// Mean claim of these wins over the others' mean claim, in parts per million; `None` without wins on both sides.
	pub fn ratio(&self, others: &Claims) -> Option<u64> {
		let own = self.sum.checked_div(u128::from(self.wins))?;
		let rest = others.sum.checked_div(u128::from(others.wins))?;
		own.checked_div(rest / 1_000_000)?.try_into().ok()
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_chip_twice_as_fast_shows_twice_the_claims() {
		let (mut own, mut total) = (Claims::default(), Claims::default());
		for i in 0..1_000u64 {
			total.push(1_500_000_000, 1_000 + i);
			own.push(1_500_000_000, 2 * (1_000 + i));
			total.push(1_500_000_000, 2 * (1_000 + i));
		}
		let ratio = own.ratio(&own.others(&total)).unwrap();
		assert!((1_999_000..=2_001_000).contains(&ratio), "{ratio}");
	}

	#[test]
	fn no_ratio_without_wins_on_both_sides() {
		let mut own = Claims::default();
		assert_eq!(own.ratio(&own), None);
		own.push(1_000, 1);
		assert_eq!(own.ratio(&own.others(&own)), None);
	}
}
