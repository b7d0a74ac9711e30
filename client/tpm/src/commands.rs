//! What `elapse-node tpm provision | show | bench` do. They answer at once while a node uses the chip.

use crate::{
	backend::TpmConfig,
	error::TpmError,
	identity::{Files, Identity, Lock},
	service::TpmHandle,
	status::TpmOptions,
};
use futures::executor::block_on;
use std::{
	fmt,
	path::Path,
	time::{Duration, Instant},
};

/// Make ready the chip of the node with this base path, and return its identity, which is also in the identity file
/// (see [`Files::identity`]) and, if `copy` is given, written there.
///
/// The second time nothing is made. While a node uses the chip its identity is read from the file.
pub fn provision(
	config: TpmConfig,
	base: &Path,
	options: TpmOptions,
	copy: Option<&Path>,
) -> Result<Identity, TpmError> {
	let identity = match TpmHandle::start_with(config, base, options) {
		Ok(handle) => handle.identity(),
		// Provisioned and at work: what was asked for is done.
		Err(in_use @ TpmError::InUse { .. }) => Identity::read(&Files::new(base).identity).map_err(|_| in_use)?,
		Err(error) => return Err(error),
	};
	if let Some(copy) = copy {
		identity.write(copy)?;
	}
	Ok(identity)
}

/// What [`show()`] found.
#[derive(Clone, Debug)]
pub struct Shown {
	/// The identity on file.
	pub identity: Identity,
	/// The process that uses the chip, if one does.
	pub used_by: Option<u32>,
}

impl fmt::Display for Shown {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		writeln!(f, "{}", self.identity)?;
		match self.used_by {
			Some(process) => write!(f, "in use by        process {process}"),
			None => write!(f, "in use by        nobody"),
		}
	}
}

/// Show the identity of the node with this base path, from its file: the chip is not asked.
pub fn show(base: &Path) -> Result<Shown, TpmError> {
	let files = Files::new(base);
	let identity = Identity::read(&files.identity)?;
	Ok(Shown { identity, used_by: Lock::holder(&files.lock) })
}

/// Durations of a number of calls.
#[derive(Clone, Debug)]
pub struct Timings {
	sorted: Vec<Duration>,
}

impl Timings {
	fn new(mut samples: Vec<Duration>) -> Self {
		samples.sort();
		Timings { sorted: samples }
	}

	/// The duration that this share of the calls did not exceed: 0.5 is the median.
	pub fn quantile(&self, share: f64) -> Duration {
		let last = self.sorted.len().saturating_sub(1);
		let index = (last as f64 * share.clamp(0.0, 1.0)).round() as usize;
		self.sorted.get(index).copied().unwrap_or_default()
	}

	/// The mean.
	pub fn mean(&self) -> Duration {
		self.sorted.iter().sum::<Duration>() / u32::try_from(self.sorted.len()).unwrap_or(u32::MAX).max(1)
	}
}

/// What [`bench()`] measured.
#[derive(Clone, Debug)]
pub struct Bench {
	/// The bare `Esys_GetTime`, on the thread that owns the chip.
	pub raw: Timings,
	/// The same through [`TpmHandle::get_time`], as a node calls it: thread, time-out, reset watch, normalisation.
	pub ours: Timings,
}

impl Bench {
	/// What we add to a call, as a share of the bare command, by the medians.
	pub fn share(&self) -> f64 {
		self.ours.quantile(0.5).as_secs_f64() / self.raw.quantile(0.5).as_secs_f64() - 1.0
	}
}

impl fmt::Display for Bench {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		writeln!(f, "TPM2_GetTime, {} calls each    median      mean       p90       p99", self.raw.sorted.len())?;
		for (name, timings) in [("bare command", &self.raw), ("through our service", &self.ours)] {
			write!(f, "{name:<28}")?;
			for value in [timings.quantile(0.5), timings.mean(), timings.quantile(0.9), timings.quantile(0.99)] {
				write!(f, " {:>6.3} ms", value.as_secs_f64() * 1e3)?;
			}
			writeln!(f)?;
		}
		write!(f, "our share                    {:>+5.1} %", self.share() * 100.0)
	}
}

/// Measure `count` calls bare and through our service, alternating in blocks so that the machine's moods fall on both.
///
/// Needs the chip to itself: [`TpmError::InUse`] while a node uses it.
pub fn bench(config: TpmConfig, base: &Path, options: TpmOptions, count: usize) -> Result<Bench, TpmError> {
	const BLOCK: usize = 10;
	let handle = TpmHandle::start_with(config, base, options)?;
	let (mut raw, mut ours) = (Vec::new(), Vec::new());
	while raw.len() < count {
		let block = BLOCK.min(count - raw.len());
		raw.extend(block_on(handle.raw_get_time(block))?);
		for _ in 0..block {
			let begin = Instant::now();
			block_on(handle.get_time(vec![7; 32]))?;
			ours.push(begin.elapsed());
		}
	}
	Ok(Bench { raw: Timings::new(raw), ours: Timings::new(ours) })
}
