//! Keys, signatures and the like, in each form in which tools write them.

use std::path::Path;

use ep_tpm::{algorithm, public::strip_tpm2b, HashAlgorithm, PublicArea};
use spki::{
	der::{asn1::UintRef, pem, Decode, Reader, SliceReader},
	SubjectPublicKeyInfoRef,
};

use crate::input::{read, Error};

const OID_RSA: &str = "1.2.840.113549.1.1.1";
const OID_ECC: &str = "1.2.840.10045.2.1";
const OID_P256: &str = "1.2.840.10045.3.1.7";
const OID_P384: &str = "1.3.132.0.34";

/// A public key without the attributes of a TPM object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BareKey {
	/// RSA.
	Rsa {
		/// The modulus, without leading zeros.
		modulus: Vec<u8>,
		/// The exponent, if it fits.
		exponent: u32,
	},
	/// ECC.
	Ecc {
		/// The `TPM_ECC_CURVE`.
		curve: u16,
		/// Coordinate.
		x: Vec<u8>,
		/// Coordinate.
		y: Vec<u8>,
	},
}

/// A public key file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PublicFile {
	/// A `TPMT_PUBLIC`, out of its `TPM2B` if it was in one.
	Area(Vec<u8>),
	/// The key alone.
	Key(BareKey),
}

/// Reads a public key in any of its forms.
pub(super) fn public_file(path: &Path) -> Result<PublicFile, Error> {
	let bytes = read(path)?;
	if let Some(key) = bare_key(&bytes) {
		return Ok(PublicFile::Key(key));
	}
	// A size that is the file's own is the prefix of a TPM2B. No TPMT_PUBLIC begins with its own size: its first two
	// bytes are 1 or 0x23, and it is longer than either.
	Ok(PublicFile::Area(strip_tpm2b(&bytes).unwrap_or(&bytes).to_vec()))
}

/// Reads a public area, where a key alone is not enough.
pub(super) fn public_area(path: &Path) -> Result<Vec<u8>, Error> {
	match public_file(path)? {
		PublicFile::Area(area) => Ok(area),
		PublicFile::Key(_) => Err(Error::Usage(format!(
			"{} holds a key alone; its name needs the whole public area (TPM2B_PUBLIC or TPMT_PUBLIC)",
			path.display()
		))),
	}
}

/// The key in a `SubjectPublicKeyInfo`, PEM or DER.
pub(super) fn bare_key(bytes: &[u8]) -> Option<BareKey> {
	let der = match pem::decode_vec(bytes) {
		Ok(("PUBLIC KEY", der)) => der,
		Ok(_) => return None,
		Err(_) => bytes.to_vec(),
	};
	let info = SubjectPublicKeyInfoRef::from_der(&der).ok()?;
	let key = info.subject_public_key.as_bytes()?;
	match info.algorithm.oid.to_string().as_str() {
		OID_RSA => {
			let (modulus, exponent) = integers(key)?;
			let exponent =
				exponent.iter().try_fold(0_u32, |sum, byte| sum.checked_mul(256)?.checked_add((*byte).into()));
			Some(BareKey::Rsa { modulus, exponent: exponent? })
		}
		OID_ECC => {
			let curve = match info.algorithm.parameters_oid().ok()?.to_string().as_str() {
				OID_P256 => algorithm::TPM_ECC_NIST_P256,
				OID_P384 => algorithm::TPM_ECC_NIST_P384,
				_ => return None,
			};
			let (4, point) = key.split_first()? else { return None };
			let (x, y) = point.split_at_checked(point.len() / 2)?;
			Some(BareKey::Ecc { curve, x: x.to_vec(), y: y.to_vec() })
		}
		_ => None,
	}
}

/// The two integers of a DER sequence: an RSA key, or an ECDSA signature.
fn integers(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
	let mut reader = SliceReader::new(der).ok()?;
	let pair = reader
		.sequence(|sequence| {
			Ok((UintRef::decode(sequence)?.as_bytes().to_vec(), UintRef::decode(sequence)?.as_bytes().to_vec()))
		})
		.ok()?;
	reader.finish(pair).ok()
}

impl BareKey {
	/// A public area around the key, as an attestation key with this hash would have it. What it says about attributes is
	/// invented: the caller must say that they were not checked.
	pub(super) fn as_attestation_key(&self, hash: HashAlgorithm) -> Vec<u8> {
		const ATTRIBUTES: u32 = 0x0005_0072;
		let mut area = Vec::new();
		let (object, scheme) = match self {
			Self::Rsa { .. } => (algorithm::TPM_ALG_RSA, algorithm::TPM_ALG_RSASSA),
			Self::Ecc { .. } => (algorithm::TPM_ALG_ECC, algorithm::TPM_ALG_ECDSA),
		};
		let word = |area: &mut Vec<u8>, word: u16| area.extend(word.to_be_bytes());
		let sized = |area: &mut Vec<u8>, bytes: &[u8]| {
			word(area, bytes.len() as u16);
			area.extend(bytes);
		};
		word(&mut area, object);
		word(&mut area, algorithm::TPM_ALG_SHA256);
		area.extend(ATTRIBUTES.to_be_bytes());
		word(&mut area, 0);
		word(&mut area, algorithm::TPM_ALG_NULL);
		word(&mut area, scheme);
		word(&mut area, hash.id());
		match self {
			Self::Rsa { modulus, exponent } => {
				word(&mut area, modulus.len().saturating_mul(8) as u16);
				area.extend(exponent.to_be_bytes());
				sized(&mut area, modulus);
			}
			Self::Ecc { curve, x, y } => {
				word(&mut area, *curve);
				word(&mut area, algorithm::TPM_ALG_NULL);
				sized(&mut area, x);
				sized(&mut area, y);
			}
		}
		area
	}
}

/// A signature file as a `TPMT_SIGNATURE`: tpm2-tools' `tss` format is one, its `plain` format is PKCS#1 or DER, which
/// names no hash, so that the key's own is assumed.
pub(super) fn signature(bytes: &[u8], area: &PublicArea<'_>) -> Vec<u8> {
	if ep_tpm::Signature::parse(bytes).is_ok() {
		return bytes.to_vec();
	}
	let (is_rsa, hash) = match area.key {
		ep_tpm::public::PublicKey::Rsa { modulus, .. } => (modulus.len() == bytes.len(), area.scheme.hash),
		ep_tpm::public::PublicKey::Ecc { .. } => (false, area.scheme.hash),
	};
	let parts = match integers(bytes) {
		_ if is_rsa => vec![bytes.to_vec()],
		Some((r, s)) => vec![r, s],
		// Left as it is, to be refused by its own rules.
		None => return bytes.to_vec(),
	};
	let scheme = if is_rsa { algorithm::TPM_ALG_RSASSA } else { algorithm::TPM_ALG_ECDSA };
	let mut out = [scheme.to_be_bytes(), hash.unwrap_or(algorithm::TPM_ALG_NULL).to_be_bytes()].concat();
	for part in parts {
		out.extend((part.len() as u16).to_be_bytes());
		out.extend(part);
	}
	out
}

/// Bytes given as hexadecimal, with or without `0x`; empty is `""`.
pub(super) fn hexadecimal(what: &str, text: &str) -> Result<Vec<u8>, Error> {
	hex::decode(text.strip_prefix("0x").unwrap_or(text))
		.map_err(|error| Error::Usage(format!("{what}: not hexadecimal ({error})")))
}

/// Bytes given as the path of a file that exists, or as hexadecimal.
pub(super) fn file_or_hexadecimal(what: &str, text: &str) -> Result<Vec<u8>, Error> {
	let path = Path::new(text);
	if text == "-" || path.exists() {
		return read(path);
	}
	hex::decode(text.strip_prefix("0x").unwrap_or(text))
		.map_err(|_| Error::Usage(format!("{what}: neither a file nor hexadecimal: {text}")))
}

/// The name of a hash, as tpm2-tools write it.
pub(super) fn hash_name(id: u16) -> String {
	match id {
		algorithm::TPM_ALG_SHA1 => "sha1".into(),
		algorithm::TPM_ALG_SHA256 => "sha256".into(),
		algorithm::TPM_ALG_SHA384 => "sha384".into(),
		algorithm::TPM_ALG_SHA512 => "sha512".into(),
		algorithm::TPM_ALG_SM3_256 => "sm3_256".into(),
		other => format!("{other:#06x}"),
	}
}

/// And back.
pub(super) fn hash_id(name: &str) -> Result<u16, Error> {
	match name.to_ascii_lowercase().as_str() {
		"sha1" => Ok(algorithm::TPM_ALG_SHA1),
		"sha256" => Ok(algorithm::TPM_ALG_SHA256),
		"sha384" => Ok(algorithm::TPM_ALG_SHA384),
		"sha512" => Ok(algorithm::TPM_ALG_SHA512),
		"sm3_256" => Ok(algorithm::TPM_ALG_SM3_256),
		_ => Err(Error::Usage(format!("{name}: not the name of a PCR bank"))),
	}
}
