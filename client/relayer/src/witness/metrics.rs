//! Prometheus metrics of a witness.

use substrate_prometheus_endpoint::{register, CounterVec, Gauge, Opts, PrometheusError, Registry, U64};

use crate::LOG_TARGET;

/// The witness's metrics. Cheap to clone; clones count together. Without a registry nothing is counted.
#[derive(Clone, Default)]
pub struct Metrics(Option<Inner>);

#[derive(Clone)]
struct Inner {
	awaited: Gauge<U64>,
	landed: Gauge<U64>,
	blind: Gauge<U64>,
	words: CounterVec<U64>,
}

impl Metrics {
	/// Registers all of them. What the registry does not take is logged: landings come first.
	pub fn new(registry: Option<&Registry>) -> Self {
		let inner = registry.map(Inner::register).transpose().unwrap_or_else(|error| {
			log::warn!(target: LOG_TARGET, "attesting landings has no metrics: {error}");
			None
		});
		Self(inner)
	}

	/// This node has still to say of so many checkpoints where they landed.
	pub(super) fn awaited(&self, checkpoints: usize) {
		if let Some(inner) = &self.0 {
			inner.awaited.set(checkpoints as u64);
		}
	}

	/// The newest checkpoint that is known to have landed.
	pub(super) fn landed(&self, number: u64) {
		if let Some(inner) = &self.0 {
			inner.landed.set(number);
		}
	}

	/// So many nodes of the Elastos Smart Chain do not answer.
	pub(super) fn blind(&self, nodes: usize) {
		if let Some(inner) = &self.0 {
			inner.blind.set(nodes as u64);
		}
	}

	/// This node has said where a checkpoint landed, or was not able to.
	pub(super) fn says(&self, handed_in: bool) {
		if let Some(inner) = &self.0 {
			let outcome = if handed_in { "handed in" } else { "failed" };
			inner.words.with_label_values(&[outcome]).inc();
		}
	}
}

impl Inner {
	fn register(registry: &Registry) -> Result<Self, PrometheusError> {
		let gauge = |name: &str, help: &str| register(Gauge::<U64>::new(name, help)?, registry);
		let words = Opts::new("witness_words_total", "Attempts to say where a checkpoint landed, by outcome");
		Ok(Self {
			awaited: gauge("witness_awaited", "Certified checkpoints that this node has not said to have landed")?,
			landed: gauge("witness_landed", "Height of the newest checkpoint that is known to have landed")?,
			blind: gauge("witness_blind", "Nodes of the Elastos Smart Chain that do not answer")?,
			words: register(CounterVec::new(words, &["outcome"])?, registry)?,
		})
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn what_happens_is_counted_and_without_a_registry_nothing_is() {
		let registry = Registry::new();
		let metrics = Metrics::new(Some(&registry));
		for metrics in [&metrics, &metrics.clone(), &Metrics::new(None)] {
			metrics.awaited(2);
			metrics.landed(20);
			metrics.blind(1);
			metrics.says(true);
			metrics.says(false);
		}
		let mut values = std::collections::BTreeMap::new();
		for family in registry.gather() {
			let all = family.get_metric().iter();
			let sum: f64 = all.map(|metric| metric.get_counter().get_value() + metric.get_gauge().get_value()).sum();
			values.insert(family.get_name().to_owned(), sum as u64);
		}
		let expected =
			[("witness_awaited", 2), ("witness_blind", 1), ("witness_landed", 20), ("witness_words_total", 4)];
		assert_eq!(values, expected.map(|(name, value)| (name.to_owned(), value)).into());
		// A second set under the same names is refused, and nothing breaks.
		assert!(Metrics::new(Some(&registry)).0.is_none());
	}
}
