//! Numbers that look random, the same for the same seed.

/// SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
	pub(crate) fn new(seed: u64) -> Self {
		Self(seed)
	}

	pub(crate) fn next(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut z = self.0;
		z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		z ^ (z >> 31)
	}

	/// Below `bound`, and 0 if that is 0.
	pub(crate) fn below(&mut self, bound: u64) -> u64 {
		self.next() % bound.max(1)
	}

	/// From `low` to `high`, both included.
	pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
		low + self.below(high - low + 1)
	}

	pub(crate) fn percent(&mut self, chance: u64) -> bool {
		self.below(100) < chance
	}

	pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
		&of[self.below(of.len() as u64) as usize]
	}

	pub(crate) fn shuffle<T>(&mut self, of: &mut [T]) {
		for last in (1..of.len()).rev() {
			of.swap(last, self.below(last as u64 + 1) as usize);
		}
	}
}
