//! The draw's arithmetic: integers only.
//!
//! Waits decide whether a block is valid, so every node must compute the same bits. [`neg_ln`] is integer arithmetic
//! with a proven bound on its error; the bound only says how far the lottery may be off from the ideal one, not how
//! far two nodes may differ: they never do. `tests/wasm.rs` compiles this file, which therefore needs nothing but
//! three types, to WebAssembly and compares.

use crate::{Mean, Millis, Weight};

/// Fraction bits of [`neg_ln`].
pub const LN_FRACTION_BITS: u32 = 32;

/// Fraction bits of the binary logarithm inside [`neg_ln`].
const LOG2_BITS: u32 = 40;

/// `ln 2 * 2^64`, rounded down.
const LN_2: u128 = 12_786_308_645_202_655_659;

/// `-ln((x + 1) / 2^64)` with [`LN_FRACTION_BITS`] fraction bits, rounded down.
///
/// The result is below the true value by less than `2^-31`, and never above it by more than `2^-50`: the binary
/// logarithm is found bit by bit by squaring a 64-bit mantissa (40 steps, each rounding adds at most `2^-63` to the
/// relative error and each step's share in the result halves), then multiplied by `ln 2`.
pub fn neg_ln(x: u64) -> u64 {
	let y = u128::from(x) + 1;
	let exponent = 127 - y.leading_zeros();
	// The mantissa in [1, 2), 63 fraction bits. `y` has at most 65 bits.
	let mut mantissa = if exponent <= 63 { y << (63 - exponent) } else { y >> (exponent - 63) };
	let mut fraction = 0u128;
	for bit in (0..LOG2_BITS).rev() {
		mantissa = (mantissa * mantissa) >> 63;
		if mantissa >> 64 != 0 {
			mantissa >>= 1;
			fraction |= 1 << bit;
		}
	}
	let log2 = (u128::from(exponent) << LOG2_BITS) | fraction;
	let neg_log2 = (64u128 << LOG2_BITS) - log2;
	((neg_log2 * LN_2) >> (LOG2_BITS + 64 - LN_FRACTION_BITS)) as u64
}

/// The wait that the draw `x` gives a member of `weight` under `mean`, at least `minimum`; saturates.
///
/// A weight of 0 waits forever ([`Millis::MAX`]).
pub fn wait(x: u64, mean: Mean, weight: Weight, minimum: Millis) -> Millis {
	if weight == 0 {
		return Millis::MAX;
	}
	// mean < 2^64 and neg_ln < 2^38: the product fits.
	let excess = ((u128::from(mean) * u128::from(neg_ln(x))) / u128::from(weight)) >> LN_FRACTION_BITS;
	minimum.saturating_add(u64::try_from(excess).unwrap_or(Millis::MAX))
}

#[cfg(test)]
mod tests {
	use super::*;

	/// 50-digit values of `-ln((x + 1) / 2^64) * 2^32`, rounded down, by an arbitrary-precision library.
	const REFERENCE: &str = include_str!("../../tests/neg_ln.txt");

	#[test]
	fn neg_ln_is_within_its_bound_of_a_high_precision_reference() {
		let mut rows = 0;
		for line in REFERENCE.lines().filter(|l| !l.starts_with('#')) {
			let mut words = line.split(' ').map(|w| w.parse::<u64>().unwrap());
			let (x, floor) = (words.next().unwrap(), words.next().unwrap());
			let ours = neg_ln(x);
			assert!(ours <= floor && floor - ours <= 1, "x = {x}: {ours} against {floor}");
			rows += 1;
		}
		assert!(rows > 300);
	}

	#[test]
	fn neg_ln_at_its_ends() {
		assert_eq!(neg_ln(u64::MAX), 0);
		// 64 * ln 2 = 44.3614195558...
		assert_eq!(neg_ln(0) >> 32, 44);
	}

	#[test]
	fn neg_ln_never_rises() {
		let mut last = u64::MAX;
		for i in 0..100_000u64 {
			let now = neg_ln(i * (u64::MAX / 100_000));
			assert!(now <= last);
			last = now;
		}
	}

	#[test]
	fn wait_has_a_floor_and_saturates() {
		assert_eq!(wait(u64::MAX, 1_000, 1, 7), 7);
		assert_eq!(wait(0, u64::MAX, 1, 7), Millis::MAX);
		assert_eq!(wait(5, 1, 0, 7), Millis::MAX);
	}

	#[test]
	fn wait_halves_when_weight_doubles() {
		for x in [0, 1 << 20, 1 << 50, u64::MAX / 3] {
			let one = wait(x, 1 << 40, 1_000, 0);
			let two = wait(x, 1 << 40, 2_000, 0);
			assert!(one / 2 == two || one / 2 == two + 1 || one / 2 + 1 == two);
		}
	}
}
