use crate::{input::Error, report::Verdict};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {}

impl Command {
	pub(crate) fn run(self) -> Result<Verdict, Error> {
		match self {}
	}
}
