//! The Elapse node: joins runtime, PoET engine, TPM and the SDK's services. What it does is in the parts; here is
//! command line ([`cli`], [`command`]), chain specifications ([`chain_spec`], [`member`]), wiring ([`service`],
//! [`rpc`]) and settings ([`profile`], [`tpm`]).

#![warn(missing_docs)]
// The errors of the SDK's command line and service are large. They are its own, and returned once a run.
#![allow(clippy::result_large_err)]

mod chain_spec;
mod cli;
mod command;
mod member;
mod profile;
mod rpc;
mod service;
mod tpm;

fn main() -> sc_cli::Result<()> {
	command::run()
}
