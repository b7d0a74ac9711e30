//! Where the service's chip comes from, the first time and after each loss.

use crate::{
	backend::{Tpm, TpmConfig},
	error::TpmError,
	esapi::EsapiTpm,
	identity::{Files, Lock},
	legacy::node::LegacyNode,
	programs::Programs,
	provision::Mode,
	swtpm::{KillSwitch, State, Swtpm},
};
use std::path::{Path, PathBuf};

/// Where a chip comes from, each time anew.
pub(crate) struct Source {
	pub(crate) config: TpmConfig,
	pub(crate) base: PathBuf,
	programs: Programs,
	kill: KillSwitch,
	// Dropped in this order: it ends before its state and the base path are unlocked.
	pub(crate) swtpm: Option<Swtpm>,
	state: Option<State>,
	pub(crate) lock: Option<Lock>,
}

impl Source {
	/// Nothing is started or locked yet.
	pub(crate) fn new(config: TpmConfig, base: &Path, programs: Programs, kill: KillSwitch) -> Self {
		Source { config, base: base.to_owned(), programs, kill, swtpm: None, state: None, lock: None }
	}

	/// Start it, if it is ours to start, and connect.
	pub(crate) fn open(&mut self, mode: Mode) -> Result<Box<dyn Tpm>, TpmError> {
		let (tcti, issuers) = match &self.config {
			TpmConfig::Legacy { tcti } => return Ok(Box::new(LegacyNode::open(tcti, &self.base, mode)?)),
			TpmConfig::Device { tcti } => (tcti.clone(), Vec::new()),
			TpmConfig::Managed { state_dir } => {
				if self.state.is_none() {
					let (state, made) = State::open(state_dir)?;
					let files = Files::new(&self.base);
					match files.kept()? {
						_ if made => {}
						(None, None) if mode == Mode::Provision => state.manufacture(&self.programs)?,
						(None, None) => return Err(TpmError::NotProvisioned { path: state_dir.clone() }),
						_ => return Err(TpmError::Incomplete { present: files.ak, missing: state_dir.clone() }),
					}
					self.state = Some(state);
				}
				let Some(state) = &self.state else { return Err(TpmError::Stopped) };
				self.swtpm = None;
				let swtpm = self.swtpm.insert(Swtpm::start(state, &self.programs, &self.kill)?);
				(swtpm.tcti(), state.issuer().into_iter().collect())
			}
		};
		Ok(Box::new(EsapiTpm::open_as(&tcti, &self.base, mode, issuers)?))
	}

	/// Is a managed swtpm still there? Of a device, only the chip itself can say.
	pub(crate) fn is_alive(&mut self) -> bool {
		self.swtpm.as_mut().is_none_or(Swtpm::is_alive)
	}
}
