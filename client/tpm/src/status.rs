//! How a node's chip is, and the settings of its service.

use crate::{backend::Clock, programs::Programs};
use std::{
	fmt,
	time::{Duration, Instant},
};

/// Settings that have good defaults.
#[derive(Clone, Debug)]
pub struct TpmOptions {
	/// Where swtpm and its tools are.
	pub programs: Programs,
	/// How long [`crate::TpmHandle::start`] waits for the chip. An RSA key may take a discrete chip half a minute.
	pub start_timeout: Duration,
	/// How long a caller waits for an answer.
	pub request_timeout: Duration,
	/// From when on an answer that is due makes the chip [`TpmStatus::Slow`].
	pub slow_after: Duration,
}

impl Default for TpmOptions {
	fn default() -> Self {
		TpmOptions {
			programs: Programs::default(),
			start_timeout: Duration::from_secs(120),
			request_timeout: Duration::from_secs(10),
			slow_after: Duration::from_secs(2),
		}
	}
}

/// How a node's chip is.
#[derive(Clone, Debug)]
pub enum TpmStatus {
	/// It answers.
	Ready {
		/// What a TPM2_GetTime takes, a moving average.
		latency: Duration,
	},
	/// It has been working on a request for longer than [`TpmOptions::slow_after`].
	Slow {
		/// For how long by now.
		waiting: Duration,
	},
	/// It does not answer at all. The service looks for it.
	Gone {
		/// Since when.
		since: Instant,
		/// How the last attempt ended.
		reason: String,
	},
	/// It answers, but was reset, suspended or replaced by its own past since it last attested: what it attested before
	/// cannot be paired with what it attests from now on. Ends with the next attestation.
	Reset {
		/// The last clock seen before.
		before: Clock,
		/// The first one seen after.
		after: Clock,
	},
	/// The service was stopped.
	Stopped,
}

impl fmt::Display for TpmStatus {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			TpmStatus::Ready { latency } => write!(f, "ready, {:.1} ms a call", latency.as_secs_f64() * 1e3),
			TpmStatus::Slow { waiting } => write!(f, "slow, {:.1} s without an answer", waiting.as_secs_f64()),
			TpmStatus::Gone { since, reason } => {
				write!(f, "gone for {:.1} s: {reason}", since.elapsed().as_secs_f64())
			}
			TpmStatus::Reset { before, after } => write!(f, "was reset (its time: {before}; now {after})"),
			TpmStatus::Stopped => write!(f, "stopped"),
		}
	}
}

/// What the chip's thread shows to its handles.
#[derive(Debug, Default)]
pub(crate) struct View {
	pub(crate) latency: Duration,
	pub(crate) busy_since: Option<Instant>,
	pub(crate) gone: Option<(Instant, String)>,
	pub(crate) clock: Option<Clock>,
	pub(crate) reset: Option<(Clock, Clock)>,
	pub(crate) resets: u64,
	pub(crate) process: Option<u32>,
	pub(crate) ended: bool,
}

impl View {
	/// Compare what the chip's clock shows with what it showed last.
	pub(crate) fn observe(&mut self, now: Clock) {
		self.reset = None;
		if let Some(before) = self.clock.replace(now) {
			let same_run = (before.reset_count, before.restart_count) == (now.reset_count, now.restart_count);
			if !same_run || now.time < before.time {
				log::warn!("the TPM was reset: its time was {before} and is {now}");
				self.reset = Some((before, now));
				self.resets += 1;
			}
		}
	}

	/// The status that all of this amounts to.
	pub(crate) fn status(&self, slow_after: Duration) -> TpmStatus {
		if self.ended {
			return TpmStatus::Stopped;
		}
		if let Some((since, reason)) = &self.gone {
			return TpmStatus::Gone { since: *since, reason: reason.clone() };
		}
		match (self.busy_since.map(|since| since.elapsed()), self.reset) {
			(Some(waiting), _) if waiting > slow_after => TpmStatus::Slow { waiting },
			(_, Some((before, after))) => TpmStatus::Reset { before, after },
			_ => TpmStatus::Ready { latency: self.latency },
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn clock(time: u64, reset_count: u32, restart_count: u32) -> Clock {
		Clock { time, reset_count, restart_count }
	}

	#[test]
	fn a_reset_is_a_change_of_counters_or_time_that_goes_back() {
		for (after, reset) in [
			(clock(100, 1, 1), false),
			(clock(101, 1, 1), false),
			(clock(99, 1, 1), true),
			(clock(500, 2, 1), true),
			(clock(500, 1, 2), true),
			(clock(500, 0, 1), true),
		] {
			let mut view = View::default();
			view.observe(clock(100, 1, 1));
			assert!(matches!(view.status(Duration::ZERO), TpmStatus::Ready { .. }), "the first one says nothing");
			view.observe(after);
			assert_eq!(matches!(view.status(Duration::ZERO), TpmStatus::Reset { .. }), reset, "{after}");
			view.observe(after);
			assert!(matches!(view.status(Duration::ZERO), TpmStatus::Ready { .. }));
			assert_eq!(view.resets, u64::from(reset));
		}
	}
}
