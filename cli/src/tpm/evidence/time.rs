//! `elapse tpm verify-time`.

use std::path::PathBuf;

use ep_tpm::{Error as Rule, TimeAttestation};
use serde_json::json;

use super::{
	files::hexadecimal,
	quote::{attestation_key, ek_name, held, verify_signature},
	rules, KeyArguments,
};
use crate::{
	input::{read, Error},
	report::Report,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
	#[command(flatten)]
	key: KeyArguments,
	/// The time attestation (TPMS_ATTEST), as `tpm2_gettime --attestation` writes it.
	#[arg(long, value_name = "FILE")]
	attest: PathBuf,
	/// Its signature, as `tpm2_gettime -o` writes it, `tss` or `plain`.
	#[arg(long, value_name = "FILE")]
	signature: PathBuf,
	/// The nonce that it must be under, whole, in hexadecimal.
	#[arg(long, value_name = "HEX")]
	nonce: String,
	/// Print JSON.
	#[arg(long)]
	pub(super) json: bool,
}

/// Judges.
pub(super) fn run(arguments: &Arguments) -> Result<Report, Error> {
	let mut report = Report::default();
	let signature = read(&arguments.signature)?;
	let nonce = hexadecimal("--nonce", &arguments.nonce)?;
	let attest = read(&arguments.attest)?;
	let ek_name = ek_name(&mut report, &arguments.key)?;
	let key = attestation_key(&mut report, &arguments.key, &signature)?;

	let time = report.stage("time attestation", rules::ATTESTATION, TimeAttestation::parse(&attest));
	if let Some(time) = &time {
		report.fact("qualifiedSigner", time.qualified_signer.to_string());
		report.fact("extraData", hex::encode(&time.extra_data));
		report.fact("time", time.time);
		report.fact("clockInfo", json!(time.clock_info));
		report.fact("firmwareVersion", format!("{:#018x}", time.firmware_version));
		report.stage("time attestation", &[Rule::Nonce], held(time.extra_data == nonce, Rule::Nonce));
	} else {
		report.skip(&[Rule::Nonce], "the attestation does not parse");
	}
	verify_signature(&mut report, key.as_ref(), &attest, &signature);
	if let (Some(ek_name), Some(key), Some(time)) = (&ek_name, &key, &time) {
		report.stage("time attestation", &[Rule::QualifiedSigner], time.signed_under_ek(&key.key, ek_name));
	} else if arguments.key.ek.is_some() {
		report.skip(&[Rule::QualifiedSigner], "for want of key or attestation");
	}
	Ok(report)
}
