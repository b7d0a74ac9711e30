//! Certificates from other projects, as `expected.json` says each must be judged. They are not part of this repository:
//! `ELAPSE_TPM_VECTORS` names a folder with them. Without it these tests are skipped, and say so.

mod common;

use std::{
	collections::BTreeMap,
	fs,
	path::{Path, PathBuf},
};

use common::pem;
use ep_tpm::certificate::{
	examine_ek, is_roca, trim_nv, verify_ek, Certificate, CertifiedKey, Error, Outcome, Policy, Role,
	StoredCertificate, TrustStore,
};
use serde_json::Value;

/// The folder with the vectors, and what is expected of them.
fn vectors() -> Option<(PathBuf, Vec<Value>)> {
	let root = common::vectors()?;
	let expected = Path::new("tests/expected.json");
	let Value::Array(rows) = serde_json::from_slice(&fs::read(expected).unwrap()).unwrap() else { panic!() };
	Some((root, rows))
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
	row[key].as_str().unwrap_or_else(|| panic!("{key} in {row}"))
}

fn texts<'a>(row: &'a Value, key: &str) -> Vec<&'a str> {
	row[key].as_array().into_iter().flatten().map(|text| text.as_str().unwrap()).collect()
}

fn read(root: &Path, file: &str) -> Vec<u8> {
	let path = root.join(file);
	fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The certificates of a file: those of a PEM bundle, or the one that it is.
fn certificates(bytes: &[u8]) -> Vec<Vec<u8>> {
	let blocks = pem::blocks(bytes);
	if blocks.is_empty() {
		return vec![bytes.to_vec()];
	}
	blocks.into_iter().filter(|(label, _)| label == "CERTIFICATE").map(|(_, der)| der).collect()
}

/// Every file under a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
	let mut found = Vec::new();
	for entry in fs::read_dir(folder).unwrap() {
		let path = entry.unwrap().path();
		if path.is_dir() {
			found.extend(files(&path));
		} else {
			found.push(path);
		}
	}
	found.sort();
	found
}

fn store_of(root: &Path, files: &[&str]) -> TrustStore {
	let mut store = TrustStore::default();
	for file in files {
		for der in certificates(&read(root, file)) {
			if let Ok(certificate) = StoredCertificate::of(&der) {
				let _ = store.insert(certificate);
			}
		}
	}
	store
}

fn check_verify_ek(root: &Path, row: &Value) -> Result<String, String> {
	let bytes = read(root, text(row, "file"));
	let der = certificates(&bytes).remove(0);
	let store = store_of(root, &texts(row, "roots"));
	let given: Vec<Vec<u8>> =
		texts(row, "intermediates").iter().flat_map(|file| certificates(&read(root, file))).collect();
	let given: Vec<&[u8]> = given.iter().map(Vec::as_slice).collect();
	let policy = Policy::at(row["at"].as_u64().unwrap());
	let mut der = der.as_slice();
	if row["trim"] == true {
		assert_eq!(verify_ek(der, &given, &store, &policy), Err(Error::CertificateTrailingBytes));
		der = trim_nv(der).unwrap();
	}
	let (findings, result) = examine_ek(der, &given, &store, &policy);
	assert_eq!(verify_ek(der, &given, &store, &policy), result);
	let failed: Vec<&str> =
		findings.iter().filter(|found| found.outcome == Outcome::Fail).map(|found| found.rule.rule()).collect();
	let expected = texts(row, "rules");
	if failed != expected {
		return Err(format!("refused by {failed:?}, expected {expected:?}"));
	}
	match result {
		Ok(ek) => {
			assert!(failed.is_empty());
			Ok(format!("good: {}, {} over {} certificates", ek.tpm.describe(), ek.key.describe(), ek.path.len()))
		}
		Err(_) => Ok(format!("refused: {}", failed.join(", "))),
	}
}

/// The RSA modulus of a certificate, a certificate request or a public key, whatever else is wrong with it.
fn modulus(bytes: &[u8]) -> Vec<u8> {
	// The first SEQUENCE of two INTEGERs inside a BIT STRING. A strict reader would refuse some of these files.
	let (_, der) = pem::blocks(bytes).remove(0);
	let start = (4..der.len())
		.find(|at| {
			der[*at..].starts_with(&[0x02, 0x82])
				&& der[at - 4..].starts_with(&[0x30, 0x82])
				&& (*at == 4 || der[at - 5] == 0)
		})
		.expect("an RSA key");
	let len = usize::from(u16::from_be_bytes([der[start + 2], der[start + 3]]));
	der[start + 4..start + 4 + len].to_vec()
}

fn check_roca(root: &Path, row: &Value) -> Result<String, String> {
	let found = is_roca(&modulus(&read(root, text(row, "file"))));
	match (found, text(row, "verdict")) {
		(true, "refused") => Ok("refused: roca".into()),
		(false, "good") => Ok("good: no fingerprint".into()),
		(found, expected) => Err(format!("fingerprint: {found}, expected {expected}")),
	}
}

/// A self-signed certificate whose signature verifies over its original bytes.
fn check_self_signed(root: &Path, row: &Value) -> Result<String, String> {
	let bytes = read(root, text(row, "file"));
	let der = certificates(&bytes).remove(0);
	let certificate = Certificate::parse(&der).map_err(|error| error.to_string())?;
	let key = certificate.public_key().map_err(|error| error.to_string())?;
	certificate.verify_signature(&key).map_err(|error| error.to_string())?;
	Ok(format!("good: {} signed itself", key.describe()))
}

fn check_public_key(root: &Path, row: &Value) -> Result<String, String> {
	let bytes = read(root, text(row, "file"));
	let der = certificates(&bytes).remove(0);
	let certificate = Certificate::parse(&der).map_err(|error| error.to_string())?;
	match CertifiedKey::parse(certificate.public_key_info()) {
		Err(error) if Some(error.rule()) == row["rules"][0].as_str() => Ok(format!("refused: {}", error.rule())),
		other => Err(format!("{other:?}")),
	}
}

/// Every certificate under a folder goes into the store, or is left out for the rule that is expected.
fn check_store(root: &Path, row: &Value) -> Result<String, String> {
	let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
	let mut seen = std::collections::BTreeSet::new();
	for path in files(&root.join(text(row, "file"))) {
		let bytes = fs::read(&path).unwrap();
		let is_der = bytes.starts_with(&[0x30, 0x82]);
		let found = if is_der { vec![bytes] } else { certificates(&bytes) };
		for der in found.into_iter().filter(|der| der.starts_with(&[0x30, 0x82])) {
			let der = trim_nv(&der).map(<[u8]>::to_vec).unwrap_or(der);
			if !seen.insert(der.clone()) {
				continue;
			}
			let place = match StoredCertificate::of(&der) {
				Ok(StoredCertificate { role: Role::Root, .. }) => "root",
				Ok(_) => "intermediate",
				Err(error) => error.rule(),
			};
			*counts.entry(place).or_default() += 1;
			if std::env::var_os("ELAPSE_TPM_VERBOSE").is_some() {
				println!("    {place:20} {}", path.display());
			}
		}
	}
	let found = serde_json::to_value(&counts).unwrap();
	match found == row["counts"] {
		true => Ok(found.to_string()),
		false => Err(format!("{found}, expected {}", row["counts"])),
	}
}

#[test]
fn certificates_of_other_projects_are_judged_as_expected() {
	let Some((root, rows)) = vectors() else { return };
	let mut wrong = 0;
	for row in &rows {
		let result = match text(row, "check") {
			"verify-ek" => check_verify_ek(&root, row),
			"roca" => check_roca(&root, row),
			"self-signed" => check_self_signed(&root, row),
			"public-key" => check_public_key(&root, row),
			"store" => check_store(&root, row),
			other => panic!("unknown check {other}"),
		};
		let (mark, line) = match &result {
			Ok(line) => ("ok   ", line),
			Err(line) => ("WRONG", line),
		};
		wrong += u32::from(result.is_err());
		println!("{mark} {:11} {}\n      {line}", text(row, "check"), text(row, "file"));
	}
	assert_eq!(wrong, 0, "of {} rows", rows.len());
}

/// Every certificate that was issued by another one of the same collection verifies under it: all the algorithms that
/// manufacturers use.
#[test]
fn signatures_of_the_manufacturers_intermediates_verify() {
	let Some((root, _)) = vectors() else { return };
	let mut all = std::collections::BTreeSet::new();
	for folder in ["loicsikidi", "kgoldman", "keylime/keylime/tpm_cert_store"] {
		for path in files(&root.join(folder)) {
			let bytes = fs::read(path).unwrap();
			let found = if bytes.starts_with(&[0x30, 0x82]) { vec![bytes] } else { certificates(&bytes) };
			all.extend(found.into_iter().filter(|der| der.starts_with(&[0x30, 0x82])));
		}
	}
	let parsed: Vec<Certificate<'_>> = all.iter().map(|der| Certificate::parse(der).unwrap()).collect();
	let mut outcomes: BTreeMap<String, u32> = BTreeMap::new();
	for child in &parsed {
		let name = ep_tpm::certificate::name_hash(child.issuer()).unwrap();
		let mut best = "no issuer here".to_string();
		for issuer in &parsed {
			if ep_tpm::certificate::name_hash(issuer.subject()) != Ok(name) {
				continue;
			}
			let Ok(key) = issuer.public_key() else { continue };
			match child.verify_signature(&key) {
				Ok(()) => {
					best = "verified".into();
					break;
				}
				Err(error) => {
					best = error.rule().into();
					if std::env::var_os("ELAPSE_TPM_VERBOSE").is_some() {
						println!("    {best} {}", ep_tpm::certificate::describe_name(child.subject()));
					}
				}
			}
		}
		*outcomes.entry(best).or_default() += 1;
	}
	println!("{} certificates: {outcomes:?}", parsed.len());
	assert!(!outcomes.contains_key("certificate-signature"), "{outcomes:?}");
}
