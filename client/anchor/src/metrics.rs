//! Prometheus metrics of a signer.

use substrate_prometheus_endpoint::{register, CounterVec, Gauge, Opts, PrometheusError, Registry, U64};

use crate::LOG_TARGET;

/// The signer's metrics. Cheap to clone; clones count together. Without a registry nothing is counted.
#[derive(Clone, Default)]
pub struct Metrics(Option<Inner>);

#[derive(Clone)]
struct Inner {
	open: Gauge<U64>,
	certified: Gauge<U64>,
	signatures: CounterVec<U64>,
}

impl Metrics {
	/// Registers all of them. What the registry does not take is logged: signing comes first.
	pub fn new(registry: Option<&Registry>) -> Self {
		let inner = registry.map(Inner::register).transpose().unwrap_or_else(|error| {
			log::warn!(target: LOG_TARGET, "signing has no metrics: {error}");
			None
		});
		Self(inner)
	}

	/// So many checkpoints wait for signatures.
	pub(crate) fn waiting(&self, open: usize) {
		if let Some(inner) = &self.0 {
			inner.open.set(open as u64);
		}
	}

	/// The newest checkpoint with a certificate.
	pub(crate) fn certified(&self, number: u64) {
		if let Some(inner) = &self.0 {
			inner.certified.set(number);
		}
	}

	/// This node has handed a signature in, or has not.
	pub(crate) fn signs(&self, handed_in: bool) {
		if let Some(inner) = &self.0 {
			let outcome = if handed_in { "handed in" } else { "failed" };
			inner.signatures.with_label_values(&[outcome]).inc();
		}
	}
}

impl Inner {
	fn register(registry: &Registry) -> Result<Self, PrometheusError> {
		let signatures = Opts::new("anchor_signatures_total", "Attempts to sign a checkpoint, by outcome");
		Ok(Self {
			open: register(Gauge::new("anchor_open", "Checkpoints that wait for signatures")?, registry)?,
			certified: register(
				Gauge::new("anchor_certified", "Height of the newest checkpoint with a certificate")?,
				registry,
			)?,
			signatures: register(CounterVec::new(signatures, &["outcome"])?, registry)?,
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
			metrics.waiting(2);
			metrics.certified(20);
			metrics.signs(true);
			metrics.signs(false);
		}
		let families = registry.gather();
		assert_eq!(families.len(), 3);
		for family in families {
			let values = family.get_metric().iter();
			let sum: f64 = values.map(|metric| metric.get_counter().get_value() + metric.get_gauge().get_value()).sum();
			let expected = match family.get_name() {
				"anchor_open" => 2.0,
				"anchor_certified" => 20.0,
				_ => 4.0,
			};
			assert_eq!(sum, expected, "{}", family.get_name());
		}
		// A second set under the same names is refused, and nothing breaks.
		assert!(Metrics::new(Some(&registry)).0.is_none());
	}
}
