//! Prometheus metrics of a member's duties.

use ep_trust::Judgement;
use substrate_prometheus_endpoint::{register, Counter, CounterVec, Gauge, Opts, PrometheusError, Registry, U64};

use crate::LOG_TARGET;

/// The carrier's metrics. Cheap to clone; clones count together. Without a registry nothing is counted.
#[derive(Clone, Default)]
pub struct Metrics(Option<Inner>);

#[derive(Clone)]
struct Inner {
	rounds: Gauge<U64>,
	seats: Counter<U64>,
	visits: CounterVec<U64>,
	verdicts: CounterVec<U64>,
	reviews: Counter<U64>,
	testimonies: CounterVec<U64>,
}

impl Metrics {
	/// Registers all of them. What the registry does not take is logged: duties come first.
	pub fn new(registry: Option<&Registry>) -> Self {
		let inner = registry.map(Inner::register).transpose().unwrap_or_else(|error| {
			log::warn!(target: LOG_TARGET, "the carrier has no metrics: {error}");
			None
		});
		Self(inner)
	}

	fn count(&self, what: impl FnOnce(&Inner)) {
		if let Some(inner) = &self.0 {
			what(inner);
		}
	}

	/// So many rounds live.
	pub(crate) fn live(&self, rounds: usize) {
		self.count(|inner| inner.rounds.set(rounds as u64));
	}

	/// This member takes seats.
	pub(crate) fn sits(&self) {
		self.count(|inner| inner.seats.inc());
	}

	/// A visit is over.
	pub(crate) fn visited(&self, reached: bool) {
		let outcome = if reached { "reached" } else { "failed" };
		self.count(|inner| inner.visits.with_label_values(&[outcome]).inc());
	}

	/// This member brings a verdict to the chain.
	pub(crate) fn concludes(&self, judgement: Judgement) {
		let judgement = if judgement == Judgement::Admit { "admit" } else { "refuse" };
		self.count(|inner| inner.verdicts.with_label_values(&[judgement]).inc());
	}

	/// This member has somebody looked at again.
	pub(crate) fn reviews(&self) {
		self.count(|inner| inner.reviews.inc());
	}

	/// This member was drawn, and has handed in its testimony or not.
	pub(crate) fn attests(&self, handed_in: bool) {
		let outcome = if handed_in { "handed in" } else { "failed" };
		self.count(|inner| inner.testimonies.with_label_values(&[outcome]).inc());
	}
}

impl Inner {
	fn register(registry: &Registry) -> Result<Self, PrometheusError> {
		let by =
			|name: &str, help: &str, label: &str| register(CounterVec::new(Opts::new(name, help), &[label])?, registry);
		Ok(Self {
			rounds: register(Gauge::new("carrier_rounds", "Applications under way")?, registry)?,
			seats: register(
				Counter::new("carrier_seats_total", "Committees in which this node took its seats")?,
				registry,
			)?,
			visits: by("carrier_visits_total", "Visits of applicants' nodes, by outcome", "outcome")?,
			verdicts: by("carrier_verdicts_total", "Verdicts brought to the chain, by what they say", "judgement")?,
			reviews: register(
				Counter::new("carrier_reviews_total", "Members whom this node had looked at again")?,
				registry,
			)?,
			testimonies: by("carrier_testimonies_total", "Attempts to do a duty, by outcome", "outcome")?,
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
			metrics.live(2);
			metrics.sits();
			metrics.visited(true);
			metrics.visited(false);
			metrics.concludes(Judgement::Admit);
			metrics.reviews();
			metrics.attests(true);
		}
		let sums: Vec<(String, f64)> = registry
			.gather()
			.iter()
			.map(|family| {
				let values = family.get_metric().iter();
				let sum = values.map(|metric| metric.get_counter().get_value() + metric.get_gauge().get_value()).sum();
				(family.get_name().to_string(), sum)
			})
			.collect();
		assert_eq!(sums.len(), 6);
		for (name, sum) in sums {
			let expected = if name == "carrier_visits_total" { 4.0 } else { 2.0 };
			assert_eq!(sum, expected, "{name}");
		}
		// A second set under the same names is refused, and nothing breaks.
		assert!(Metrics::new(Some(&registry)).0.is_none());
	}
}
