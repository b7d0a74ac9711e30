//! `elapse`: what people type.

#![forbid(unsafe_code)]

mod input;
mod report;
mod tpm;
mod trust;

use std::process::ExitCode;

use clap::Parser;

/// Tools of Elapse, a chain whose nodes are trusted on hardware evidence.
///
/// Exit status: 0 if all is well, 1 if evidence was refused, 2 if a command could not be carried out.
#[derive(Debug, Parser)]
#[command(name = "elapse", version)]
struct Cli {
	#[command(subcommand)]
	command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
	/// Verify and make TPM evidence.
	#[command(subcommand)]
	Tpm(tpm::TpmCommand),
	/// Check how much a node is trusted.
	#[command(subcommand)]
	Trust(trust::TrustCommand),
}

fn main() -> ExitCode {
	let result = match Cli::parse().command {
		Command::Tpm(command) => command.run(),
		Command::Trust(command) => command.run(),
	};
	match result {
		Ok(verdict) => verdict.into(),
		Err(error) => {
			eprintln!("error: {error}");
			ExitCode::from(2)
		}
	}
}
