//! A store of manufacturers' certificates in files.
//!
//! Our own format is JSON: PEM has no place for the role of a certificate, which does not follow from the certificate
//! where the issuer of a root is somebody who is not trusted, and no place for a fingerprint that is checked on
//! reading. PEM bundles, DER and folders of them are read too; there a certificate is a root if it is its own issuer.

use std::{
	collections::BTreeSet,
	fs,
	path::{Path, PathBuf},
};

use base64::{engine::general_purpose::STANDARD, Engine};
use ep_tpm::certificate::{describe_name, trim_nv, NotInserted, Role, StoredCertificate, TrustStore};
use serde::{Deserialize, Serialize};

use crate::input::{self, Error};

/// What the file says it is.
const FORMAT: &str = "elapse-tpm-roots-1";

/// The file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreFile {
	format: String,
	certificates: Vec<Entry>,
}

/// One certificate of it. Everything but role and certificate is for people, or to notice damage.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
	role: Role,
	sha256: String,
	subject: String,
	not_after: String,
	/// Base64 of the DER.
	certificate: String,
}

/// A certificate or a file that did not go into a store.
#[derive(Clone, Debug, Serialize)]
pub(super) struct LeftOut {
	/// Where it came from.
	pub(super) path: PathBuf,
	/// What it is, as far as it can be read.
	pub(super) subject: String,
	/// Why.
	pub(super) reason: String,
}

/// A store that is being put together.
#[derive(Debug, Default)]
pub(super) struct Collection {
	/// The store.
	pub(super) store: TrustStore,
	/// What is not in it.
	pub(super) left_out: Vec<LeftOut>,
	/// SHA-256 of certificates that are roots although they name another issuer.
	anchors: BTreeSet<[u8; 32]>,
	/// Those of them that were met.
	met: BTreeSet<[u8; 32]>,
}

impl Collection {
	/// An empty one, in which these certificates will be roots.
	pub(super) fn with_anchors(anchors: &[[u8; 32]]) -> Self {
		Self { anchors: anchors.iter().copied().collect(), ..Self::default() }
	}

	/// Adds everything in a file, or in all files under a folder. Symbolic links to folders are not followed.
	pub(super) fn add(&mut self, path: &Path) -> Result<(), Error> {
		let failed = |source| Error::Read { path: path.to_path_buf(), source };
		if path.as_os_str() == "-" || !fs::metadata(path).map_err(failed)?.is_dir() {
			return self.add_file(path, true);
		}
		let mut entries = fs::read_dir(path).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
		entries.sort_by_key(fs::DirEntry::file_name);
		for entry in entries {
			if entry.file_type().map_err(failed)?.is_dir() {
				self.add(&entry.path())?;
			} else if entry.path().is_file() {
				self.add_file(&entry.path(), false)?;
			}
		}
		Ok(())
	}

	/// `named`: the file was asked for by name, and so must be readable and hold a certificate.
	fn add_file(&mut self, path: &Path, named: bool) -> Result<(), Error> {
		let bytes = input::read(path)?;
		if bytes.trim_ascii_start().first() == Some(&b'{') {
			match self.add_json(path, &bytes) {
				Err(Error::Format { reason, .. }) if !named => self.leave_out(path, "", reason),
				result => return result,
			}
			return Ok(());
		}
		match input::certificates(path) {
			Ok(found) if found.is_empty() && named => {
				Err(Error::Format { path: path.to_path_buf(), reason: "no certificate, PEM or DER".into() })
			}
			Ok(found) => {
				found.into_iter().for_each(|der| self.add_certificate(path, &der, None));
				Ok(())
			}
			Err(Error::Format { reason, .. }) if !named => {
				self.leave_out(path, "", reason);
				Ok(())
			}
			Err(error) => Err(error),
		}
	}

	fn add_json(&mut self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
		let wrong = |reason: String| Error::Format { path: path.to_path_buf(), reason };
		let file: StoreFile = serde_json::from_slice(bytes).map_err(|error| wrong(format!("no store: {error}")))?;
		if file.format != FORMAT {
			return Err(wrong(format!("of format {:?}, not {FORMAT:?}", file.format)));
		}
		for entry in file.certificates {
			let der = STANDARD
				.decode(&entry.certificate)
				.map_err(|_| wrong(format!("the certificate {} is not base64", entry.sha256)))?;
			if sha256_hex(&der) != entry.sha256.to_lowercase() {
				return Err(wrong(format!("a certificate does not have the fingerprint {}", entry.sha256)));
			}
			self.add_certificate(path, &der, Some(entry.role));
		}
		Ok(())
	}

	fn add_certificate(&mut self, path: &Path, der: &[u8], role: Option<Role>) {
		let fingerprint = sha256(der);
		let role = match self.anchors.contains(&fingerprint) {
			true => {
				self.met.insert(fingerprint);
				Some(Role::Root)
			}
			false => role,
		};
		let stored = match role {
			Some(role) => StoredCertificate::new(role, der),
			None => StoredCertificate::of(der),
		};
		match stored {
			Ok(stored) => match self.store.insert(stored) {
				Ok(()) | Err(NotInserted::Known) => {}
				Err(full) => self.leave_out(path, &subject(der), full.to_string()),
			},
			Err(error) => self.leave_out(path, &subject(der), error.to_string()),
		}
	}

	fn leave_out(&mut self, path: &Path, subject: &str, reason: String) {
		self.left_out.push(LeftOut { path: path.to_path_buf(), subject: subject.into(), reason });
	}

	/// The anchors that were named and never met.
	pub(super) fn missing_anchors(&self) -> Vec<String> {
		self.anchors.difference(&self.met).map(hex::encode).collect()
	}
}

/// The certificates of a store, roots first, each group by fingerprint: one store has one file.
pub(super) fn sorted(store: &TrustStore) -> Vec<&StoredCertificate> {
	let mut certificates: Vec<_> = store.iter().collect();
	certificates.sort_by_key(|stored| (stored.role, stored.fingerprint()));
	certificates
}

/// Writes a store.
pub(super) fn write(store: &TrustStore, path: &Path) -> Result<(), Error> {
	let entry = |stored: &StoredCertificate| {
		let (subject, not_after) = match stored.parse() {
			Ok(parsed) => (describe_name(parsed.subject()), input::describe_time(parsed.not_after())),
			Err(_) => Default::default(),
		};
		let certificate = STANDARD.encode(&stored.certificate);
		Entry { role: stored.role, sha256: hex::encode(stored.fingerprint()), subject, not_after, certificate }
	};
	let file = StoreFile { format: FORMAT.into(), certificates: sorted(store).into_iter().map(entry).collect() };
	let text = serde_json::to_string_pretty(&file)
		.map_err(|error| Error::Format { path: path.to_path_buf(), reason: error.to_string() })?;
	fs::write(path, text + "\n").map_err(|source| Error::Write { path: path.to_path_buf(), source })
}

/// The subject of what may be a certificate.
fn subject(der: &[u8]) -> String {
	match ep_tpm::certificate::Certificate::parse(trim_nv(der).unwrap_or(der)) {
		Ok(parsed) => describe_name(parsed.subject()),
		Err(_) => String::new(),
	}
}

/// The SHA-256 of these bytes.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
	let digest = ep_tpm::HashAlgorithm::Sha256.digest(&[bytes]);
	digest.try_into().unwrap_or_default()
}

fn sha256_hex(bytes: &[u8]) -> String {
	hex::encode(sha256(bytes))
}

/// A SHA-256 as people write it: hexadecimal digits, with or without colons.
pub(super) fn fingerprint(text: &str) -> Result<[u8; 32], String> {
	let digits: String = text.chars().filter(|digit| *digit != ':').collect();
	hex::decode(digits)
		.ok()
		.and_then(|bytes| bytes.try_into().ok())
		.ok_or_else(|| "not a SHA-256: 64 hexadecimal digits, colons allowed".to_string())
}
