//! The Elapse node: joins runtime, PoET engine, TPM and the SDK's services. What it does is in the parts; here are the
//! command line ([`cli`], [`command`]), chain specifications ([`chain_spec`], [`member`]), wiring ([`service`],
//! [`rpc`]) and settings ([`profile`], [`memory`], [`tpm`]).

// The errors of the SDK's command line and service are large. They are its own, and returned once a run.
#![allow(clippy::result_large_err)]

mod chain_spec;
mod cli;
mod command;
mod member;
mod memory;
mod profile;
mod rpc;
mod service;
mod tpm;

use std::process::ExitCode;

fn main() -> ExitCode {
	match command::run() {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => {
			eprintln!("Error: {}", message(&error));
			ExitCode::FAILURE
		}
	}
}

/// What is wrong, without the names of the layers that it came through.
fn message(error: &sc_cli::Error) -> String {
	match error {
		sc_cli::Error::Input(text) | sc_cli::Error::Service(sc_service::error::Error::Other(text)) => text.clone(),
		other => other.to_string(),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn an_error_is_a_sentence() {
		let text = "port 1 is in use".to_string();
		assert_eq!(message(&sc_cli::Error::Input(text.clone())), text);
		assert_eq!(message(&sc_cli::Error::Service(sc_service::error::Error::Other(text.clone()))), text);
	}
}
