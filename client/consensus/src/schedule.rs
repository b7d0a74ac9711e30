//! "What should I do now?", as pure functions.
//!
//! Nothing here does I/O or looks at a clock: [`decide`] is told the time and what is known, and answers. It changes no
//! validity rule, it only settles who bothers to seal. Announced waits, should they come, are one more field of
//! [`Situation`] (when the smallest wait announced by another is overdue) and one more reason to answer
//! [`Decision::WaitUntil`].
//!
//! # Rules
//! * One wait at a time, on the best block. As soon as another block is best, the wait is dropped; a dropped A1 is
//!   never used again, so the waits that a chip publishes never overlap.
//! * Nothing is sealed while the node is catching up or alone, nor twice on one parent.
//! * An A1 that is too old to be valid ([`Plan::stale`]) is replaced by a fresh one on the same parent.
//! * Proposing begins [`Situation::lead`] before the wait is over, so that transactions are fresh and the block is ready
//!   just when it may be sealed.

use std::time::{Duration, Instant};

use ep_poet::{
	rate::{self, chip_wait, ONE},
	rules::earliest_timestamp,
	Hash, Millis,
};

/// A wait under way, in terms of the node's monotonic clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
	/// What is waited on.
	pub parent: Hash,
	/// When the chip should have counted enough.
	pub over: Instant,
	/// From when on A1 is too old to be used.
	pub stale: Instant,
}

/// All that a decision rests on.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
	/// The time.
	pub now: Instant,
	/// The best block.
	pub best: Hash,
	/// Whether anything forbids authoring altogether: the node is catching up, or has no peers.
	pub hindered: bool,
	/// Whether this node sealed a block on the best block already.
	pub sealed_on_best: bool,
	/// Until when no new wait is begun: the chip, the record or the chain's state failed a moment ago.
	pub not_before: Option<Instant>,
	/// The wait under way.
	pub plan: Option<&'a Plan>,
	/// How long before the end of a wait proposing should begin.
	pub lead: Duration,
}

/// Why a wait is dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
	/// Another block is best now.
	Taken,
	/// The node must not author now.
	Hindered,
	/// A block is sealed on this parent already.
	Sealed,
	/// A1 is too old.
	Stale,
}

/// What to do now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
	/// Nothing, until something changes.
	Rest,
	/// Nothing before this instant, unless something changes.
	WaitUntil(Instant),
	/// Forget the wait under way, then ask again.
	Drop(Cause),
	/// Draw, and begin a wait on the best block.
	Begin,
	/// Propose a block for the wait under way, then seal it.
	Propose,
}

/// What to do now.
pub fn decide(situation: &Situation<'_>) -> Decision {
	let Situation { now, best, hindered, sealed_on_best, not_before, plan, lead } = *situation;
	let Some(plan) = plan else {
		return match not_before {
			_ if hindered || sealed_on_best => Decision::Rest,
			Some(instant) if now < instant => Decision::WaitUntil(instant),
			_ => Decision::Begin,
		};
	};
	if plan.parent != best {
		Decision::Drop(Cause::Taken)
	} else if sealed_on_best {
		Decision::Drop(Cause::Sealed)
	} else if hindered {
		Decision::Drop(Cause::Hindered)
	} else if now >= plan.stale {
		Decision::Drop(Cause::Stale)
	} else if now + lead >= plan.over {
		Decision::Propose
	} else {
		Decision::WaitUntil(plan.over - lead)
	}
}

/// A rate above which an author dates its blocks a whole wait after the parent, see [`timestamp`].
///
/// Nine tenths of [`rate::BOUND`]: rule *clock* lets a wait stand against nine tenths of itself, so whoever is dated
/// whole from here on can never be measured above the bound.
const UNEASY: u32 = rate::BOUND / 10 * 9;

/// The timestamp of a block that is expected to be released in `remaining`, at `now` Unix milliseconds.
///
/// A timestamp is fixed before proposing, but it is the *release* that the others see: the expected time of release is
/// what is put in. Were it the time of proposing, a node that proposes slowly would seem to have waited too little for
/// what its chip counted, and its clock rate would rise for no fault of its clock. For the same reason a node whose
/// wall clock is behind the others' (so that `0.9 * d` would be binding block after block) dates its blocks the whole
/// wait after the parent once its rate rises, which brings the rate down again before it reaches the bound.
pub fn timestamp(now: Millis, remaining: Duration, parent_timestamp: Millis, wait: Millis, rate: u32) -> Millis {
	let remaining = u64::try_from(remaining.as_millis()).unwrap_or(Millis::MAX);
	let mut earliest = earliest_timestamp(parent_timestamp, wait);
	if rate > UNEASY {
		earliest = earliest.max(parent_timestamp.saturating_add(chip_wait(wait, rate)));
	}
	now.saturating_add(remaining).max(earliest)
}

/// How the chip's clock stands to the node's monotonic one.
///
/// A chip's clock may be off by many per cent. A2 asked for a millisecond too early costs another call (200 ms on a
/// discrete chip), one asked for too late costs the race: so the speed is measured, wait by wait.
#[derive(Clone, Debug)]
pub struct ChipClock {
	last: Option<Reading>,
	/// Chip milliseconds in a million of the node's.
	speed: u32,
	measured: bool,
	margin: Duration,
	/// The shortest call so far.
	latency: Option<Duration>,
}

/// What the chip said its time was, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
	/// When it looked at its clock, see [`ChipClock::looked_at`].
	pub at: Instant,
	/// Reset and restart count.
	pub cycle: (u32, u32),
	/// Its time.
	pub time: Millis,
}

impl Default for ChipClock {
	fn default() -> Self {
		Self { last: None, speed: ONE, measured: false, margin: LEAST_MARGIN, latency: None }
	}
}

const LEAST_MARGIN: Duration = Duration::from_millis(1);
const MOST_MARGIN: Duration = Duration::from_millis(50);
/// Shorter distances between readings say little about the speed.
const LEAST_BASE: Duration = Duration::from_millis(500);

impl ChipClock {
	/// When the chip looked at its clock for a call between these two instants. It looks first and signs then, so it is
	/// the end of the call that tells: a call that had to queue for the chip only began later.
	pub fn looked_at(&mut self, asked: Instant, answered: Instant) -> Instant {
		let took = answered.saturating_duration_since(asked);
		let least = self.latency.map_or(took, |least| least.min(took));
		self.latency = Some(least);
		asked + (took - least)
	}

	/// What a call takes at least.
	pub fn latency(&self) -> Duration {
		self.latency.unwrap_or_default()
	}

	/// Takes in a reading.
	pub fn observe(&mut self, reading: Reading) {
		let Some(last) = self.last else {
			self.last = Some(reading);
			return;
		};
		let host = reading.at.saturating_duration_since(last.at);
		if reading.cycle != last.cycle || reading.time < last.time {
			self.last = Some(reading);
			return;
		}
		if host < LEAST_BASE {
			return;
		}
		let chip = u128::from(reading.time - last.time) * 1_000;
		let sample = (chip * u128::from(ONE) / host.as_micros().max(1)).clamp(800_000, 1_250_000) as i64;
		let speed = i64::from(self.speed);
		let next = if self.measured { speed + (sample - speed) / 8 } else { sample };
		self.speed = u32::try_from(next).unwrap_or(ONE);
		self.measured = true;
		self.last = Some(reading);
	}

	/// How long the node has to wait for the chip to count `millis`, and a little for jitter.
	pub fn node_time(&self, millis: Millis) -> Duration {
		let micros = u128::from(millis) * 1_000 * u128::from(ONE) / u128::from(self.speed.max(1));
		Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX)).saturating_add(self.margin)
	}

	/// Told how A2 came out: the chip had counted enough, or too little.
	pub fn learn(&mut self, enough: bool) {
		self.margin = if enough { self.margin * 15 / 16 } else { self.margin * 2 }.clamp(LEAST_MARGIN, MOST_MARGIN);
	}
}

/// How long this node takes to put a block together.
#[derive(Clone, Debug, Default)]
pub struct Pace {
	mean: Duration,
	deviation: Duration,
	recent: [Option<Duration>; 4],
	next: usize,
}

const LEAST_LEAD: Duration = Duration::from_millis(10);

impl Pace {
	/// Takes in how long one block took.
	pub fn observe(&mut self, took: Duration) {
		if self.recent.iter().all(Option::is_none) {
			(self.mean, self.deviation) = (took, took / 2);
		} else {
			let error = took.abs_diff(self.mean);
			self.deviation = (self.deviation * 3 + error) / 4;
			self.mean = (self.mean * 7 + took) / 8;
		}
		if let Some(place) = self.recent.get_mut(self.next) {
			*place = Some(took);
		}
		self.next = (self.next + 1) % self.recent.len();
	}

	/// How long before the end of a wait proposing should begin: as long as it has been taking, and some more; at most
	/// `most`.
	pub fn lead(&self, most: Duration) -> Duration {
		self.mean.saturating_add(self.deviation * 2).max(LEAST_LEAD).min(most)
	}

	/// What the next block takes at least, if it is anything like the last few.
	pub fn least(&self) -> Duration {
		self.recent.iter().flatten().min().copied().unwrap_or_default()
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use ep_poet::rate::{RateWindow, BOUND};

	const SECOND: Duration = Duration::from_secs(1);

	fn best() -> Hash {
		Hash::repeat_byte(1)
	}

	fn situation<'a>(now: Instant, plan: Option<&'a Plan>) -> Situation<'a> {
		Situation {
			now,
			best: best(),
			hindered: false,
			sealed_on_best: false,
			not_before: None,
			plan,
			lead: SECOND / 10,
		}
	}

	fn plan(now: Instant) -> Plan {
		Plan { parent: best(), over: now + 2 * SECOND, stale: now + 10 * SECOND }
	}

	#[test]
	fn a_wait_begins_on_the_best_block() {
		assert_eq!(decide(&situation(Instant::now(), None)), Decision::Begin);
	}

	#[test]
	fn nothing_begins_while_hindered_or_after_sealing() {
		let now = Instant::now();
		assert_eq!(decide(&Situation { hindered: true, ..situation(now, None) }), Decision::Rest);
		assert_eq!(decide(&Situation { sealed_on_best: true, ..situation(now, None) }), Decision::Rest);
	}

	#[test]
	fn after_a_failure_the_next_try_waits() {
		let now = Instant::now();
		let later = Situation { not_before: Some(now + SECOND), ..situation(now, None) };
		assert_eq!(decide(&later), Decision::WaitUntil(now + SECOND));
		assert_eq!(decide(&Situation { now: now + SECOND, ..later }), Decision::Begin);
	}

	#[test]
	fn proposing_begins_a_lead_before_the_end() {
		let now = Instant::now();
		let plan = plan(now);
		let begin = plan.over - SECOND / 10;
		assert_eq!(decide(&situation(now, Some(&plan))), Decision::WaitUntil(begin));
		assert_eq!(decide(&situation(begin - SECOND / 1000, Some(&plan))), Decision::WaitUntil(begin));
		assert_eq!(decide(&situation(begin, Some(&plan))), Decision::Propose);
		assert_eq!(decide(&situation(plan.over + SECOND, Some(&plan))), Decision::Propose);
	}

	#[test]
	fn a_wait_shorter_than_the_lead_proposes_at_once() {
		let now = Instant::now();
		let plan = Plan { over: now, ..plan(now) };
		assert_eq!(decide(&Situation { lead: 5 * SECOND, ..situation(now, Some(&plan)) }), Decision::Propose);
	}

	#[test]
	fn a_new_best_block_drops_the_wait() {
		let now = Instant::now();
		let plan = Plan { parent: Hash::repeat_byte(9), ..plan(now) };
		assert_eq!(decide(&situation(now, Some(&plan))), Decision::Drop(Cause::Taken));
		// Even if it could be sealed just now.
		assert_eq!(decide(&situation(plan.over, Some(&plan))), Decision::Drop(Cause::Taken));
	}

	#[test]
	fn nothing_is_sealed_twice_on_one_parent() {
		let now = Instant::now();
		let plan = plan(now);
		let sealed = Situation { sealed_on_best: true, ..situation(plan.over, Some(&plan)) };
		assert_eq!(decide(&sealed), Decision::Drop(Cause::Sealed));
	}

	#[test]
	fn catching_up_drops_the_wait() {
		let now = Instant::now();
		let plan = plan(now);
		let hindered = Situation { hindered: true, ..situation(plan.over, Some(&plan)) };
		assert_eq!(decide(&hindered), Decision::Drop(Cause::Hindered));
	}

	#[test]
	fn an_old_start_is_replaced_on_the_same_parent() {
		let now = Instant::now();
		let plan = plan(now);
		assert_eq!(decide(&situation(plan.stale, Some(&plan))), Decision::Drop(Cause::Stale));
		assert_eq!(decide(&situation(plan.stale, None)), Decision::Begin);
	}

	#[test]
	fn the_timestamp_is_the_expected_release_and_never_too_early() {
		assert_eq!(timestamp(10_000, SECOND, 8_000, 2_000, ONE), 11_000);
		// A clock that is behind: the earliest allowed.
		assert_eq!(timestamp(7_000, SECOND, 8_000, 2_000, ONE), 9_800);
		// At a raised rate: the whole wait.
		assert_eq!(timestamp(7_000, SECOND, 8_000, 2_000, 1_070_000), 10_140);
		assert_eq!(timestamp(u64::MAX, SECOND, 8_000, 2_000, ONE), u64::MAX);
	}

	#[test]
	fn a_clock_behind_the_others_never_reaches_the_rate_bound() {
		for behind in [0, 100, 300, 500, 1_000, 5_000] {
			let mut window = RateWindow::default();
			// Waits between 200 ms and 3 s, and ever longer ones; the parent was released 50 ms before A1.
			for round in 0..2_000u64 {
				let wait = 200 + round * 733 % 2_800 + round * round;
				let rate = window.rate();
				assert!(rate <= BOUND, "{behind} ms behind: {rate} after {round}");
				let counted = chip_wait(wait, rate);
				let parent = 1_000_000_000;
				let now = parent + 50 - behind;
				let ts = timestamp(now, Duration::from_millis(counted), parent, wait, rate);
				window.push(wait, rate, ts - parent);
			}
		}
	}

	#[test]
	fn a_chips_speed_is_measured() {
		let start = Instant::now();
		let mut clock = ChipClock::default();
		assert_eq!(clock.node_time(1_000), SECOND + LEAST_MARGIN);
		for second in 0..50u32 {
			clock.observe(Reading { at: start + second * SECOND, cycle: (1, 0), time: 5 + 950 * u64::from(second) });
		}
		let waited = clock.node_time(950);
		assert!(waited >= SECOND && waited <= SECOND + 3 * LEAST_MARGIN, "{waited:?}");
	}

	#[test]
	fn a_reset_chip_is_not_mistaken_for_a_slow_one() {
		let start = Instant::now();
		let mut clock = ChipClock::default();
		clock.observe(Reading { at: start, cycle: (1, 0), time: 1_000_000 });
		clock.observe(Reading { at: start + SECOND, cycle: (2, 0), time: 10 });
		clock.observe(Reading { at: start + 2 * SECOND, cycle: (2, 0), time: 1_010 });
		assert_eq!(clock.node_time(1_000), SECOND + LEAST_MARGIN);
	}

	#[test]
	fn a_call_that_queued_for_the_chip_is_not_taken_for_an_early_look() {
		let start = Instant::now();
		let mut clock = ChipClock::default();
		assert_eq!(clock.looked_at(start, start + SECOND / 5), start);
		assert_eq!(clock.looked_at(start, start + SECOND), start + SECOND * 4 / 5);
		assert_eq!(clock.looked_at(start, start + SECOND / 10), start);
		assert_eq!(clock.latency(), SECOND / 10);
	}

	#[test]
	fn the_margin_grows_when_the_chip_had_counted_too_little() {
		let mut clock = ChipClock::default();
		for _ in 0..20 {
			clock.learn(false);
		}
		assert_eq!(clock.node_time(0), MOST_MARGIN);
		for _ in 0..200 {
			clock.learn(true);
		}
		assert_eq!(clock.node_time(0), LEAST_MARGIN);
	}

	#[test]
	fn the_lead_follows_what_blocks_take() {
		let mut pace = Pace::default();
		assert_eq!(pace.lead(SECOND), LEAST_LEAD);
		for _ in 0..50 {
			pace.observe(Duration::from_millis(300));
		}
		let lead = pace.lead(SECOND);
		assert!(lead >= Duration::from_millis(290) && lead <= Duration::from_millis(330), "{lead:?}");
		assert_eq!(pace.least(), Duration::from_millis(300));
		pace.observe(Duration::from_millis(900));
		assert!(pace.lead(SECOND) > lead && pace.lead(lead) == lead);
		for _ in 0..60 {
			pace.observe(Duration::from_millis(5));
		}
		assert!(pace.lead(SECOND) < Duration::from_millis(20));
		assert_eq!(pace.least(), Duration::from_millis(5));
	}
}
