//! `elapse tpm`: evidence verified, made and looked at.

mod certificates;
mod evidence;

use crate::{input::Error, report::Verdict};

/// What to do with TPM evidence.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum TpmCommand {
	#[command(flatten)]
	Certificates(certificates::Command),
	#[command(flatten)]
	Evidence(evidence::Command),
}

impl TpmCommand {
	/// Does it.
	pub(crate) fn run(self) -> Result<Verdict, Error> {
		match self {
			Self::Certificates(command) => command.run(),
			Self::Evidence(command) => command.run(),
		}
	}
}
