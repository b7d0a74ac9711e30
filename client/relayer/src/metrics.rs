//! Prometheus metrics of a relayer.

use substrate_prometheus_endpoint::{
	register, Counter, CounterVec, Gauge, GaugeVec, Opts, PrometheusError, Registry, F64, U64,
};

use crate::{
	machine::{Act, Event, Mined},
	policy::{ELA, GWEI},
	status::Status,
	LOG_TARGET,
};

/// The relayer's metrics. Cheap to clone; clones count together. Without a registry nothing is counted.
#[derive(Clone, Default)]
pub struct Metrics(Option<Inner>);

#[derive(Clone)]
struct Inner {
	landed: Gauge<U64>,
	newest: Gauge<U64>,
	balance: Gauge<F64>,
	gas_price: Gauge<F64>,
	waiting: Gauge<U64>,
	blocked: Gauge<U64>,
	condition: GaugeVec<U64>,
	sent: CounterVec<U64>,
	over: CounterVec<U64>,
	paid: Counter<F64>,
	reorganised: Counter<U64>,
}

impl Metrics {
	/// Registers all of them. What the registry does not take is logged: checkpoints come first.
	pub fn new(registry: Option<&Registry>) -> Self {
		let inner = registry.map(Inner::register).transpose().unwrap_or_else(|error| {
			log::warn!(target: LOG_TARGET, "the relayer has no metrics: {error}");
			None
		});
		Self(inner)
	}

	/// What it is doing.
	pub(crate) fn show(&self, status: &Status) {
		let Some(inner) = &self.0 else { return };
		let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<u128>().ok());
		inner.landed.set(status.landed.unwrap_or_default());
		inner.newest.set(status.newest.unwrap_or_default());
		if let Some(balance) = number(&status.balance) {
			inner.balance.set(balance as f64 / ELA as f64);
		}
		if let Some(price) = number(&status.gas_price) {
			inner.gas_price.set(price as f64 / GWEI as f64);
		}
		inner.waiting.set(status.waiting.len() as u64);
		inner.blocked.set(status.is_blocked().into());
		inner.condition.reset();
		for condition in &status.conditions {
			inner.condition.with_label_values(&[condition.code.as_str()]).set(1);
		}
	}

	/// What happened.
	pub(crate) fn count(&self, event: &Event) {
		let Some(inner) = &self.0 else { return };
		match event {
			Event::Sent(draft, _) => inner.sent.with_label_values(&[kind(&draft.act)]).inc(),
			Event::Final(_, Mined { act, good, paid, .. }) => {
				let outcome = if *good { kind(act) } else { "refused" };
				inner.over.with_label_values(&[outcome]).inc();
				inner.paid.inc_by(*paid as f64 / ELA as f64);
			}
			Event::Reorganised(..) => inner.reorganised.inc(),
			Event::Mined(..) | Event::Foreign(_) => {}
		}
	}
}

fn kind(act: &Act) -> &'static str {
	match act {
		Act::Submit { hands_over: true, .. } => "handover",
		Act::Submit { .. } => "checkpoint",
		Act::Publish { .. } => "signers",
		Act::Void => "void",
	}
}

impl Inner {
	fn register(registry: &Registry) -> Result<Self, PrometheusError> {
		let gauge = |name: &str, help: &str| register(Gauge::<U64>::new(name, help)?, registry);
		let amount = |name: &str, help: &str| register(Gauge::<F64>::new(name, help)?, registry);
		let counters = |name: &str, help: &str, label: &str| {
			register(CounterVec::<U64>::new(Opts::new(name, help), &[label])?, registry)
		};
		Ok(Self {
			landed: gauge("relayer_landed", "Height of the last checkpoint that landed, by whomever")?,
			newest: gauge("relayer_certified", "Height of the newest certified checkpoint")?,
			balance: amount("relayer_balance", "What the account has, in ELA")?,
			gas_price: amount("relayer_gas_price", "What the chain asks for a unit of gas, in gwei")?,
			waiting: gauge("relayer_waiting", "Transactions that are not over")?,
			blocked: gauge("relayer_blocked", "1 if somebody has to do something before a checkpoint lands")?,
			condition: register(
				GaugeVec::<U64>::new(Opts::new("relayer_condition", "1 for what stands in the way"), &["code"])?,
				registry,
			)?,
			sent: counters("relayer_sent_total", "Transactions signed, replacements among them", "kind")?,
			over: counters("relayer_final_total", "Transactions that are over, by what they did", "outcome")?,
			paid: register(Counter::<F64>::new("relayer_paid_total", "What they cost, in ELA")?, registry)?,
			reorganised: register(
				Counter::<U64>::new("relayer_reorganised_total", "Transactions whose block was taken back")?,
				registry,
			)?,
		})
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_registry_takes_them_once() {
		let registry = Registry::new();
		assert!(Metrics::new(Some(&registry)).0.is_some());
		assert!(Metrics::new(Some(&registry)).0.is_none());
	}
}
