//! `elapse tpm verify-ek` and `elapse tpm roots`: certificates of endorsement keys, and whom to trust with them.

mod roots;
mod store;
mod verify_ek;

use crate::{input::Error, report::Verdict};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
	// Its documentation is the struct's, whole.
	VerifyEk(verify_ek::VerifyEk),
	/// Manufacturers' roots.
	#[command(subcommand)]
	Roots(roots::Command),
}

impl Command {
	pub(crate) fn run(self) -> Result<Verdict, Error> {
		match self {
			Self::VerifyEk(command) => command.run(),
			Self::Roots(command) => command.run(),
		}
	}
}
