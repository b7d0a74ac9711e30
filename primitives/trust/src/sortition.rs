//! Who sits: seats by lot, in proportion to weight.
//!
//! # Rules
//! 1. *by-vrf*: a member's seats are its VRF over the round's seed. It cannot know them before the seed, nor choose them.
//! 2. *by-weight*: their number is Poisson distributed with mean `expected · weight / total`, by counting how many
//!    exponential gaps fit ([`seats`]). A sum of such numbers is such a number: splitting a weight gains nothing.
//! 3. *all-sit*: while there are no more members than a committee has seats, all sit, and a vote is a unit of weight.
//! 4. *leaders*: views are led in the order of `-ln(u) / votes` ([`rank`]), so whoever has twice the votes leads first
//!    twice as often.
//!
//! The gaps are those of the block lottery ([`ep_poet::lottery::neg_ln`]): integers, the same bits everywhere.

use ep_poet::{lottery::neg_ln, AuthorityId, Weight};
use sp_application_crypto::Wraps;
use sp_core::crypto::VrfPublic;
use sp_core::sr25519::vrf::{VrfPreOutput, VrfSignature, VrfTranscript};

/// Most seats that one member has in a round, as a multiple of the expected seats of all: beyond it lies nothing that
/// happens.
const MOST: u64 = 4;

const SEATS: &[u8] = b"elapse/trust/seats";

/// What a member's VRF is made over.
pub fn transcript(seed: &[u8; 32]) -> VrfTranscript {
	VrfTranscript::new(b"elapse-trust-committee", &[(b"domain", SEATS), (b"seed", seed)])
}

/// Rule *by-vrf*: whether the VRF is `author`'s over this seed.
pub fn verify(author: &AuthorityId, seed: &[u8; 32], vrf: &VrfSignature) -> bool {
	author.as_inner_ref().vrf_verify(&transcript(seed).into(), vrf)
}

/// The 32 bytes that an output stands for. `None` if `author` or `output` is no point.
pub fn lot(author: &AuthorityId, seed: &[u8; 32], output: &VrfPreOutput) -> Option<[u8; 32]> {
	author.as_inner_ref().make_bytes::<32>(SEATS, &transcript(seed), output).ok()
}

fn uniform(lot: &[u8; 32], number: u64) -> u64 {
	let hash = sp_crypto_hashing::blake2_256(&codec::Encode::encode(&(lot, number)));
	let mut bytes = [0; 8];
	bytes.copy_from_slice(&hash[..8]);
	u64::from_le_bytes(bytes)
}

/// Rule *by-weight*: the seats of a member with this lot. 0 if nobody has weight.
pub fn seats(lot: &[u8; 32], weight: Weight, total: Weight, expected: u64) -> u64 {
	if total == 0 {
		return 0;
	}
	// Weights are below 2^48 together and seats below 2^16: nothing overflows.
	let mean = ((u128::from(expected) << 32).saturating_mul(u128::from(weight))) / u128::from(total);
	let (mut sum, mut count) = (0u128, 0u64);
	while count < expected.saturating_mul(MOST) {
		// The first uniform number is the rank's.
		sum = sum.saturating_add(u128::from(neg_ln(uniform(lot, count.saturating_add(1)))));
		if sum > mean {
			break;
		}
		count = count.saturating_add(1);
	}
	count
}

/// Rule *leaders*: who has the smallest leads first.
pub fn rank(lot: &[u8; 32], votes: u64) -> u128 {
	(u128::from(neg_ln(uniform(lot, 0))) << 64) / u128::from(votes.max(1))
}

#[cfg(test)]
mod tests {
	use super::*;

	fn lot_of(number: u64) -> [u8; 32] {
		sp_crypto_hashing::blake2_256(&number.to_le_bytes())
	}

	fn mean_and_variance(weight: u64, total: u64, expected: u64) -> (f64, f64) {
		let runs = 40_000;
		let counts: Vec<f64> = (0..runs).map(|run| seats(&lot_of(run), weight, total, expected) as f64).collect();
		let mean = counts.iter().sum::<f64>() / runs as f64;
		let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / runs as f64;
		(mean, variance)
	}

	#[test]
	fn seats_are_poisson_distributed_with_their_mean() {
		for (weight, total, expected) in
			[(1, 100, 30), (500_000, 2_000_000, 30), (1_000_000, 100_000_000, 100), (1, 2, 4)]
		{
			let wanted = (expected * weight) as f64 / total as f64;
			let (mean, variance) = mean_and_variance(weight, total, expected);
			let error = 5.0 * (wanted / 40_000.0).sqrt();
			assert!((mean - wanted).abs() < error, "mean {mean}, wanted {wanted} ± {error}");
			assert!((variance / wanted - 1.0).abs() < 0.05, "variance {variance}, wanted {wanted}");
		}
	}

	#[test]
	fn splitting_a_weight_gains_nothing() {
		let (whole, _) = mean_and_variance(600_000, 10_000_000, 30);
		let (part, _) = mean_and_variance(200_000, 10_000_000, 30);
		assert!((whole - 3.0 * part).abs() < 0.05, "{whole} against three times {part}");
	}

	#[test]
	fn who_weighs_nothing_has_no_seat() {
		assert!((0..1_000).all(|run| seats(&lot_of(run), 0, 1_000, 100) == 0));
		assert_eq!(seats(&lot_of(1), 5, 0, 100), 0);
	}

	#[test]
	fn the_most_is_bounded_at_the_ends_of_all_numbers() {
		assert!(seats(&lot_of(1), u64::MAX, 1, 10) <= 40);
		assert!(seats(&lot_of(1), u64::MAX, u64::MAX, 10) <= 40);
	}

	#[test]
	fn who_has_three_times_the_votes_leads_three_times_as_often() {
		let runs = 20_000u64;
		let first = (0..runs).filter(|run| rank(&lot_of(*run), 3) < rank(&lot_of(run + 1_000_000), 1)).count();
		let share = first as f64 / runs as f64;
		assert!((share - 0.75).abs() < 0.02, "{share}");
	}
}
