//! Prometheus metrics of the import side.

use ep_poet::{Lottery, Millis, Refusal};
use substrate_prometheus_endpoint::{
	exponential_buckets, register, Counter, CounterVec, Gauge, Histogram, HistogramOpts, Opts, PrometheusError,
	Registry, U64,
};

/// The engine's metrics. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Metrics {
	imported: Counter<U64>,
	refused: CounterVec<U64>,
	held: Gauge<U64>,
	held_total: Counter<U64>,
	parked: Gauge<U64>,
	stale: Counter<U64>,
	equivocations: Counter<U64>,
	wait: Histogram,
	late: Histogram,
	mean: Gauge<U64>,
	online_weight: Gauge<U64>,
}

impl Metrics {
	/// Registers all of them.
	///
	/// # Errors
	/// The registry has metrics of these names.
	pub fn register(registry: &Registry) -> Result<Self, PrometheusError> {
		let seconds = || exponential_buckets(0.05, 1.7, 16);
		Ok(Self {
			imported: register(
				Counter::new("poet_imported_total", "Blocks verified against their parent's state and imported")?,
				registry,
			)?,
			refused: register(
				CounterVec::new(Opts::new("poet_refused_total", "Blocks refused, by the rule they break"), &["rule"])?,
				registry,
			)?,
			held: register(Gauge::new("poet_held", "Blocks from the future that wait until they are due")?, registry)?,
			held_total: register(Counter::new("poet_held_total", "Blocks that came from the future")?, registry)?,
			parked: register(
				Gauge::new("poet_parked", "Surplus blocks of one author on one parent, kept aside")?,
				registry,
			)?,
			stale: register(
				Counter::new("poet_stale_total", "Blocks imported whose parent had another child already")?,
				registry,
			)?,
			equivocations: register(
				Counter::new("poet_equivocations_total", "Authors caught with two blocks or two timers at once")?,
				registry,
			)?,
			wait: register(
				Histogram::with_opts(
					HistogramOpts::new("poet_wait_seconds", "Waits of imported blocks").buckets(seconds()?),
				)?,
				registry,
			)?,
			late: register(
				Histogram::with_opts(
					HistogramOpts::new("poet_late_seconds", "From when a block was due to its arrival here")
						.buckets(seconds()?),
				)?,
				registry,
			)?,
			mean: register(Gauge::new("poet_local_mean", "Local mean M of the last block imported")?, registry)?,
			online_weight: register(
				Gauge::new("poet_online_weight", "Weight that takes part, as the waits show it")?,
				registry,
			)?,
		})
	}

	pub(crate) fn imported(&self, lottery: &Lottery, wait: Millis, lateness: Option<i64>, stale: bool) {
		self.imported.inc();
		self.wait.observe(seconds(wait));
		if let Some(late) = lateness {
			self.late.observe(seconds(u64::try_from(late).unwrap_or(0)));
		}
		if stale {
			self.stale.inc();
		}
		self.mean.set(lottery.mean);
		self.online_weight.set(lottery.mean / lottery.parameters.mean_excess());
	}

	pub(crate) fn refused(&self, refusal: &Refusal) {
		self.refused_by(refusal.rule());
	}

	pub(crate) fn refused_by(&self, rule: &str) {
		self.refused.with_label_values(&[rule]).inc();
	}

	pub(crate) fn came_early(&self) {
		self.held_total.inc();
	}

	pub(crate) fn waiting(&self, held: usize, parked: usize) {
		self.held.set(held as u64);
		self.parked.set(parked as u64);
	}

	pub(crate) fn equivocation(&self) {
		self.equivocations.inc();
	}
}

fn seconds(millis: Millis) -> f64 {
	millis as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_refusal_is_counted_under_its_rule() {
		let registry = Registry::new();
		let metrics = Metrics::register(&registry).unwrap();
		metrics.refused(&Refusal::OneTimer);
		metrics.refused(&Refusal::OneTimer);
		assert_eq!(metrics.refused.with_label_values(&["one-timer"]).get(), 2);
		assert!(Metrics::register(&registry).is_err(), "names are registered once");
	}
}
