//! Quotes, time attestations, event logs and credentials: read as tpm2-tools write them, judged by `ep-tpm`.

mod credential;
mod files;
mod inspect;
mod log;
mod pcrs;
mod platform;
mod quote;
mod rules;
mod time;

use std::path::PathBuf;

use crate::{input::Error, report::Verdict};

/// What to do with evidence.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
	/// Verify a quote (TPM2_Quote), and against what it must say.
	VerifyQuote(Box<quote::Arguments>),
	/// Verify a time attestation (TPM2_GetTime).
	VerifyTime(Box<time::Arguments>),
	/// Replay a measured-boot event log, show what it tells, and hold it against PCR values.
	///
	/// A log alone is a machine's own word: see `verify-quote --eventlog`.
	Eventlog(Box<log::Arguments>),
	/// Encrypt a secret to an endorsement key for one named object, as tpm2_makecredential does.
	MakeCredential(Box<credential::Arguments>),
	/// Recognise a file and show every field of it.
	Inspect {
		/// A public area, attestation, signature, credential, PCR file, name or public key in PEM or DER.
		file: PathBuf,
		/// Print JSON.
		#[arg(long)]
		json: bool,
	},
}

impl Command {
	/// Does it.
	pub(crate) fn run(self) -> Result<Verdict, Error> {
		let (report, json) = match self {
			Self::VerifyQuote(arguments) => (quote::run(&arguments)?, arguments.json),
			Self::VerifyTime(arguments) => (time::run(&arguments)?, arguments.json),
			Self::Eventlog(arguments) => (log::run(&arguments)?, arguments.json),
			Self::MakeCredential(arguments) => (credential::run(&arguments)?, arguments.json),
			Self::Inspect { file, json } => (inspect::run(&file)?, json),
		};
		report.print(json);
		Ok(report.verdict())
	}
}

/// The key that is said to have signed, and how much of it is known.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyArguments {
	/// The attestation key: TPM2B_PUBLIC, TPMT_PUBLIC, or a public key in PEM or DER (see --key-only).
	#[arg(long, value_name = "FILE")]
	pub(crate) ak: PathBuf,
	/// Be content with a PEM or DER key, which says nothing about what the key may do: a key that signs anything can
	/// sign forged attestations.
	#[arg(long)]
	pub(crate) key_only: bool,
	/// The endorsement key above it (TPM2B_PUBLIC or TPMT_PUBLIC): check that the attestation was signed as its child.
	#[arg(long, value_name = "FILE")]
	pub(crate) ek: Option<PathBuf>,
}
