//! What the relayer may spend, and how long it waits.

/// A thousand million wei: prices of gas are in these.
pub const GWEI: u128 = 1_000_000_000;
/// A whole coin.
pub const ELA: u128 = 1_000_000_000_000_000_000;

/// Rules of spending and waiting. Blocks are those of the Elastos Smart Chain, one every five seconds.
#[derive(Clone, Debug)]
pub struct Policy {
	/// The least that a unit of gas is paid, in wei, whatever the chain asks.
	pub floor: u128,
	/// The most. Nothing is sent while the chain asks more.
	pub ceiling: u128,
	/// How much more than the chain asks is paid, in percent.
	pub premium: u128,
	/// How much more a replacement pays than what it replaces, in percent. Pools refuse less than ten.
	pub bump: u128,
	/// After so many blocks without being mined a transaction is replaced if the chain asks more by now, after four times
	/// as many in any case.
	pub bump_after: u64,
	/// After so many blocks without being mined it is sent again as it is.
	pub resend_after: u64,
	/// So deep an event has to be before it counts.
	pub confirmations: u64,
	/// After so many blocks without being mined, at a price that others are mined for, the account is called frozen.
	pub frozen_after: u64,
	/// How long somebody else's transaction that is pending is waited for, in blocks.
	pub yield_blocks: u64,
	/// Relayers wait up to so many blocks, each another number, so that not all of them pay for one checkpoint.
	pub stagger: u64,
	/// How much more gas a transaction may use than estimated, in percent.
	pub gas_margin: u64,
	/// Most gas that fits into a block.
	pub gas_cap: u64,
	/// Most bytes of a transaction that the chain's pool takes.
	pub size_cap: usize,
	/// The alarm is raised when the balance pays for fewer submissions than these.
	pub alarm_submissions: u128,
	/// Or when it is below this, in wei.
	pub alarm_balance: u128,
	/// How many checkpoints a set of signers is expected to sign, before that is known from the sets before.
	pub checkpoints_per_set: u64,
}

impl Default for Policy {
	fn default() -> Self {
		Self {
			floor: GWEI,
			ceiling: 200 * GWEI,
			premium: 10,
			bump: 13,
			bump_after: 6,
			resend_after: 3,
			confirmations: 10,
			frozen_after: 60,
			yield_blocks: 6,
			stagger: 2,
			gas_margin: 20,
			gas_cap: 8_000_000,
			size_cap: 32 * 1024,
			alarm_submissions: 50,
			alarm_balance: 0,
			checkpoints_per_set: 8,
		}
	}
}

impl Policy {
	/// What is paid while the chain asks `gas_price`, the ceiling not looked at.
	pub fn target(&self, gas_price: u128) -> u128 {
		let more = gas_price.saturating_add(gas_price.saturating_mul(self.premium) / 100);
		more.max(self.floor)
	}

	/// What a first transaction pays. `None` above the ceiling.
	pub fn price(&self, gas_price: u128) -> Option<u128> {
		// The premium is what may be saved.
		if gas_price > self.ceiling {
			return None;
		}
		Some(self.target(gas_price).min(self.ceiling.max(self.floor)))
	}

	/// What the replacement of a transaction pays that paid `last`. `None` if that cannot be below the ceiling.
	pub fn replacement(&self, last: u128, gas_price: u128) -> Option<u128> {
		let more = |percent: u128| last.saturating_add(last.saturating_mul(percent).div_ceil(100)).saturating_add(1);
		let least = more(10);
		(least <= self.ceiling).then(|| more(self.bump).max(self.target(gas_price)).min(self.ceiling))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn policy() -> Policy {
		Policy { floor: 10, ceiling: 1_000, premium: 10, bump: 13, ..Policy::default() }
	}

	#[test]
	fn prices_stay_between_floor_and_ceiling() {
		let prices = [0, 5, 100, 950, 1_000, 1_001].map(|asked| policy().price(asked));
		assert_eq!(prices, [Some(10), Some(10), Some(110), Some(1_000), Some(1_000), None]);
	}

	#[test]
	fn a_replacement_pays_enough_to_be_one() {
		let replacement = |last, asked| policy().replacement(last, asked);
		assert_eq!(replacement(100, 50), Some(114));
		assert_eq!(replacement(100, 500), Some(550));
		assert_eq!(replacement(100, 5_000), Some(1_000), "what can be paid is paid");
		assert_eq!(replacement(900, 50), Some(1_000), "more than ten percent, less than thirteen");
		assert_eq!(replacement(950, 50), None, "less than ten percent is no replacement");
		assert_eq!(replacement(u128::MAX, 0), None);
	}
}
