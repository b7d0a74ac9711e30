//! Credit: what a member's attestations are worth.
//!
//! A score lies between 0 and [`MAX_SCORE`] and is the member's weight. It rises by steps towards a cap, which its kind
//! of chip sets, and falls by a factor. Only duties move it, so that a chain that stands still sinks nobody.

use ep_poet::AuthorityId;
use sp_runtime::Permill;

/// The highest score.
pub const MAX_SCORE: u64 = 1_000_000;

/// Told of members who failed in a committee: they asked what nobody could answer, or never showed what they had asked.
pub trait OnFault {
	/// `author` sat down and failed.
	fn on_fault(author: &AuthorityId);
}

impl OnFault for () {
	fn on_fault(_: &AuthorityId) {}
}

/// Told of every score, so that it can be shown elsewhere.
pub trait OnScore {
	/// `author` has this score. It may be the one that it had.
	fn on_score(author: &AuthorityId, score: u64);
}

impl OnScore for () {
	fn on_score(_: &AuthorityId, _: u64) {}
}

/// After a duty done: up by `gain` of the cap, at least by 1, never above the cap. A score above its cap, which was
/// lowered, comes down to it.
pub fn risen(score: u64, cap: u64, gain: Permill) -> u64 {
	let cap = cap.min(MAX_SCORE);
	score.saturating_add(gain.mul_ceil(cap).max(1)).min(cap)
}

/// After a duty missed: down by `loss` of itself, at least by 1.
pub fn fallen(score: u64, loss: Permill) -> u64 {
	score.saturating_sub(loss.mul_ceil(score).max(1))
}

#[cfg(test)]
mod tests {
	use super::*;

	const TENTH: Permill = Permill::from_percent(10);

	#[test]
	fn a_score_rises_to_its_cap_in_equal_steps_and_stays() {
		let mut score = 0;
		for step in 1..=10 {
			score = risen(score, 700_000, TENTH);
			assert_eq!(score, step * 70_000);
		}
		assert_eq!(risen(score, 700_000, TENTH), 700_000);
		assert_eq!(risen(0, u64::MAX, Permill::one()), MAX_SCORE);
	}

	#[test]
	fn a_lowered_cap_takes_effect_with_the_next_duty() {
		assert_eq!(risen(900_000, 300_000, TENTH), 300_000);
		assert_eq!(risen(900_000, 0, TENTH), 0);
	}

	#[test]
	fn misses_take_a_share_and_end_at_zero() {
		assert_eq!(fallen(1_000_000, TENTH), 900_000);
		let (mut score, mut misses) = (MAX_SCORE, 0);
		while score > 0 {
			score = fallen(score, TENTH);
			misses += 1;
		}
		assert!((90..130).contains(&misses), "{misses}");
		assert_eq!(fallen(0, TENTH), 0);
	}

	#[test]
	fn no_gain_and_no_loss_still_move_by_one() {
		assert_eq!(risen(5, 10, Permill::zero()), 6);
		assert_eq!(fallen(5, Permill::zero()), 4);
	}
}
