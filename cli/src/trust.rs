//! `elapse trust`: how much a node is trusted, checked against the Elastos Smart Chain alone.

mod answer;
mod esc;
mod http;
mod judge;
mod verify;

use crate::{input::Error, report::Verdict};

/// What to do with scores.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum TrustCommand {
	// Its documentation is the struct's, whole.
	Verify(verify::Verify),
}

impl TrustCommand {
	/// Does it.
	pub(crate) fn run(self) -> Result<Verdict, Error> {
		match self {
			Self::Verify(command) => command.run(),
		}
	}
}
