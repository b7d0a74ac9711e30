//! `elapse tpm make-credential`.

use std::{fs, io::Read, path::PathBuf};

use ep_tpm::{EndorsementKey, Error as Rule, Name, SEED_LEN};

use super::{
	files::{file_or_hexadecimal, hexadecimal, public_area},
	rules,
};
use crate::{input::Error, report::Report};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
	/// The endorsement key: TPM2B_PUBLIC or TPMT_PUBLIC.
	#[arg(long, value_name = "FILE")]
	ek: PathBuf,
	/// The Name of the object that must be in the same TPM: hexadecimal, a file with the name as `tpm2_createak -n`
	/// writes it, or the object's public area.
	#[arg(long, value_name = "HEX|FILE")]
	name: String,
	/// The secret: a file, or hexadecimal. At most one digest of the EK's name algorithm.
	#[arg(long, value_name = "FILE|HEX")]
	secret: String,
	/// 32 bytes from which everything random is taken, so that the same credential can be made again. Without it they
	/// come from the system.
	#[arg(long, value_name = "HEX")]
	seed: Option<String>,
	/// Where to write it, for `tpm2_activatecredential -i`.
	#[arg(long, value_name = "FILE")]
	out: PathBuf,
	/// Print JSON.
	#[arg(long)]
	pub(super) json: bool,
}

/// Makes it. Nothing is written unless every rule holds.
pub(super) fn run(arguments: &Arguments) -> Result<Report, Error> {
	let mut report = Report::default();
	let area = public_area(&arguments.ek)?;
	let object = object_name(&arguments.name)?;
	let secret = file_or_hexadecimal("--secret", &arguments.secret)?;
	let seed: [u8; SEED_LEN] = match &arguments.seed {
		Some(text) => hexadecimal("--seed", text)?
			.try_into()
			.map_err(|_| Error::Usage(format!("--seed: not {SEED_LEN} bytes of hexadecimal")))?,
		None => random()?,
	};
	let form: Vec<Rule> = rules::PUBLIC_AREA.iter().chain(rules::EK_TEMPLATE).copied().collect();
	let Some(ek) = report.stage("endorsement key", &form, EndorsementKey::parse(&area)) else { return Ok(report) };
	report.fact("ekName", ek.name().to_string());
	report.fact("objectName", object.to_string());
	let made = ek.make_credential(&object, &secret, &seed);
	let Some(credential) = report.stage("secret", &[Rule::CredentialSize], made) else { return Ok(report) };
	fs::write(&arguments.out, credential.to_file())
		.map_err(|error| Error::Usage(format!("{} cannot be written: {error}", arguments.out.display())))?;
	report.fact("out", arguments.out.display().to_string());
	Ok(report)
}

/// A name, however it was given.
fn object_name(text: &str) -> Result<Name, Error> {
	let bytes = file_or_hexadecimal("--name", text)?;
	let area = ep_tpm::public::strip_tpm2b(&bytes).unwrap_or(&bytes);
	Name::from_bytes(&bytes)
		.or_else(|_| Name::of_public(area))
		.map_err(|_| Error::Usage(format!("--name: {text} is neither a name nor the public area of an object")))
}

/// The system's randomness.
fn random() -> Result<[u8; SEED_LEN], Error> {
	let path = PathBuf::from("/dev/urandom");
	let mut seed = [0; SEED_LEN];
	fs::File::open(&path)
		.and_then(|mut file| file.read_exact(&mut seed))
		.map_err(|source| Error::Read { path, source })?;
	Ok(seed)
}
