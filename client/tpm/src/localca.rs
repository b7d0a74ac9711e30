//! The local certificate authority of a managed software TPM (swtpm_localca): the "maker" that certifies its EK.
//!
//! It is made with the TPM, in the folder `ca` of its state: a root, and an issuer below it that signs EK certificates.
//! It proves nothing to anybody who did not make that TPM himself. A *test network* may trust it all the same, so that
//! software TPMs are admitted by the very rules that real ones are admitted by.

use crate::{backend::TpmConfig, error::TpmError};
use base64::{engine::general_purpose::STANDARD, Engine};
use ep_tpm::certificate::{Certificate, MAX_CERTIFICATE_LEN};
use std::{
	fs::File,
	io::Read,
	path::{Path, PathBuf},
};

/// The key that EK certificates are signed with.
pub(crate) const SIGNING_KEY: &str = "signkey.pem";
/// The certificate of that key.
pub(crate) const ISSUER: &str = "issuercert.pem";
/// Number of the next certificate.
pub(crate) const SERIAL: &str = "certserial";
/// What swtpm_localca calls its root, which cannot be chosen.
const ROOT: &str = "swtpm-localca-rootca-cert.pem";

/// PEM takes four characters for three bytes, and two lines around them.
const MAX_PEM_LEN: u64 = 2 * MAX_CERTIFICATE_LEN as u64;

/// Where the authority of the TPM with this state folder is.
pub(crate) fn folder(state_dir: &Path) -> PathBuf {
	state_dir.join("ca")
}

/// The certificate (DER) of whoever signed the EK certificate, if it is there.
pub(crate) fn issuer(state_dir: &Path) -> Option<Vec<u8>> {
	certificate(&folder(state_dir).join(ISSUER))
}

impl TpmConfig {
	/// The root certificate (DER) of the local authority that certified the managed software TPM in its usual place
	/// below the base path `base` ([`TpmConfig::managed`]). `None` if none was made there yet, or its files are gone.
	///
	/// **For test networks only:** with this in its store of trusted roots, a verifier admits this software TPM, and
	/// every other that the owner of these files cares to certify.
	pub fn managed_root(base: &Path) -> Option<Vec<u8>> {
		match TpmConfig::managed(base) {
			TpmConfig::Managed { state_dir } => certificate(&folder(&state_dir).join(ROOT)),
			TpmConfig::Device { .. } | TpmConfig::Legacy { .. } => None,
		}
	}
}

/// The first certificate in a PEM file; `None`, with a warning, if the file is there and has none.
fn certificate(path: &Path) -> Option<Vec<u8>> {
	let mut text = String::new();
	File::open(path).ok()?.take(MAX_PEM_LEN).read_to_string(&mut text).ok()?;
	let der = from_pem(&text).filter(|der| Certificate::parse(der).is_ok());
	if der.is_none() {
		log::warn!("{} has no certificate that can be read", path.display());
	}
	der
}

/// The certificate (DER) in a file, which has it as DER or as PEM.
///
/// # Errors
/// [`TpmError::Io`] if the file cannot be read, or has no certificate that can be.
pub fn read_certificate(path: &Path) -> Result<Vec<u8>, TpmError> {
	let mut bytes = Vec::new();
	File::open(path)
		.and_then(|file| file.take(MAX_PEM_LEN).read_to_end(&mut bytes))
		.map_err(|e| TpmError::io("read", path, e))?;
	let der = std::str::from_utf8(&bytes).ok().and_then(from_pem).unwrap_or(bytes);
	match Certificate::parse(&der) {
		Ok(_) => Ok(der),
		Err(rule) => Err(TpmError::io("read a certificate in", path, rule)),
	}
}

fn from_pem(text: &str) -> Option<Vec<u8>> {
	let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
	let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
	let body: String = body.split_whitespace().collect();
	STANDARD.decode(body).ok()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn pem_is_read() {
		let pem = |body| format!("said by\n-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
		for (body, bytes) in [("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9v\nYmE=", "fooba")] {
			assert_eq!(from_pem(&pem(body)), Some(bytes.as_bytes().to_vec()));
		}
		assert_eq!(from_pem(&pem("Zm-v")), None);
		assert_eq!(from_pem("Zm9v"), None);
	}

	#[test]
	fn where_there_is_no_authority_there_is_no_root() {
		let base = tempfile::tempdir().unwrap();
		assert_eq!(TpmConfig::managed_root(base.path()), None);
		let ca = base.path().join("tpm/swtpm/ca");
		std::fs::create_dir_all(&ca).unwrap();
		std::fs::write(ca.join(ROOT), "-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n").unwrap();
		assert_eq!(TpmConfig::managed_root(base.path()), None);
	}
}
