//! What a node keeps on disk about its chip, below `<base>/tpm/`:
//!
//! | file            | what                                                                  | secret |
//! |-----------------|-----------------------------------------------------------------------|--------|
//! | `identity.json` | [`Identity`], the public half: what a chain is told about the node     | no     |
//! | `ak.json`       | the attestation key, encrypted by the chip to itself (TPM2B_PRIVATE)   | no use without the chip |
//! | `lock`          | held (flock) by the process that uses the folder; names it             | no     |
//! | `swtpm/`        | the managed software TPM's state, where there is one                   | **yes** |
//!
//! Files are written beside their place, flushed to disk and renamed, so that a crash leaves the old or the new one.

use crate::error::TpmError;
use ep_tpm::{
	certificate::{MAX_CANDIDATES, MAX_CERTIFICATE_LEN},
	chip::{is_legacy, Ak, Ek},
	AttestationKey, Name,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
	fmt,
	fs::{self, File, OpenOptions, TryLockError},
	io::{ErrorKind, Read, Write},
	os::unix::fs::OpenOptionsExt,
	path::{Path, PathBuf},
	thread::sleep,
	time::Duration,
};

/// Bytes as a hex string in JSON.
pub(crate) mod hex_bytes {
	use serde::{de::Error, Deserialize, Deserializer, Serializer};

	pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
		serializer.serialize_str(&hex::encode(bytes))
	}

	pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
		hex::decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
	}

	/// The same for a value that may be absent.
	pub(crate) mod option {
		use serde::{de::Error, Deserialize, Deserializer, Serializer};

		pub(crate) fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
			match bytes {
				Some(bytes) => serializer.serialize_some(&hex::encode(bytes)),
				None => serializer.serialize_none(),
			}
		}

		pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
			Option::<String>::deserialize(deserializer)?
				.map(|text| hex::decode(text).map_err(D::Error::custom))
				.transpose()
		}
	}

	/// The same for a list.
	pub(super) mod list {
		use serde::{de::Error, Deserialize, Deserializer, Serializer};

		pub(crate) fn serialize<S: Serializer>(list: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
			serializer.collect_seq(list.iter().map(hex::encode))
		}

		pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
			let list = Vec::<String>::deserialize(deserializer)?;
			list.into_iter().map(|text| hex::decode(text).map_err(D::Error::custom)).collect()
		}
	}
}

/// The public half of a node's chip: the "identity file".
///
/// Written by `elapse-node tpm provision`, read by `build-spec --member`. Bytes are lower-case hex in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
	/// The attestation key's TPMT_PUBLIC (TPM 2.0 Part 2, 12.2.4); of a TPM 1.2 its TPM_PUBKEY.
	#[serde(with = "hex_bytes")]
	pub ak_public: Vec<u8>,
	/// Its Name: `nameAlg ‖ H(TPMT_PUBLIC)` (Part 1, 16).
	#[serde(with = "hex_bytes")]
	pub ak_name: Vec<u8>,
	/// The endorsement key's, in the same form. The AK is its child.
	#[serde(with = "hex_bytes")]
	pub ek_public: Vec<u8>,
	/// Its Name.
	#[serde(with = "hex_bytes")]
	pub ek_name: Vec<u8>,
	/// The EK certificate in the chip's NV memory (DER, trimmed at its outer length), where there is one.
	#[serde(with = "hex_bytes::option", default)]
	pub ek_certificate: Option<Vec<u8>>,
	/// Certificates (DER) between that one and its maker's root, in no order that counts: those in the chip's NV memory,
	/// and of a managed software TPM that of its local issuer. Often empty, since most makers publish theirs instead. At
	/// most [`MAX_CANDIDATES`], of at most [`MAX_CERTIFICATE_LEN`] bytes each. They prove nothing by themselves: hand
	/// them to `ep_tpm::certificate::verify_ek` as candidates.
	#[serde(with = "hex_bytes::list", default, skip_serializing_if = "Vec::is_empty")]
	pub ek_chain: Vec<Vec<u8>>,
	/// TPM_PT_MANUFACTURER: four letters from the TCG vendor registry ("IFX", "STM", "IBM" ...).
	pub manufacturer: String,
	/// TPM_PT_VENDOR_STRING_1 to 4.
	pub model: String,
	/// TPM_PT_FIRMWARE_VERSION_1 and 2, as `major.minor.build.revision` of 16 bits each.
	pub firmware: String,
	/// TPM_PT_REVISION of the specification, times 100: 138, 159, 164 ... Of a TPM 1.2 it is 116.
	pub revision: u32,
}

impl Identity {
	/// Read and check an identity file.
	pub fn read(path: &Path) -> Result<Self, TpmError> {
		let identity: Identity = read_json(path)?;
		identity.check().map_err(|why| TpmError::Damaged { path: path.to_owned(), why })?;
		Ok(identity)
	}

	/// Write it as JSON, atomically.
	pub fn write(&self, path: &Path) -> Result<(), TpmError> {
		write_json(path, self, 0o644)
	}

	/// The AK, of a chip of either generation, in the form that verifies.
	///
	/// # Errors
	/// The rule that it breaks.
	pub fn ak(&self) -> Result<Ak, ep_tpm::Error> {
		Ak::parse(&self.ak_public)
	}

	/// The AK of a TPM 2.0, in the form that verifies attestations of time.
	///
	/// # Errors
	/// The rule that it breaks, as a key of a TPM 1.2 does.
	pub fn attestation_key(&self) -> Result<AttestationKey, ep_tpm::Error> {
		AttestationKey::parse_author(&self.ak_public)
	}

	/// The EK's Name in the form that `AttestationKey::qualified_name_under_ek` takes.
	pub fn ek_name(&self) -> Result<Name, ep_tpm::Error> {
		Name::from_bytes(&self.ek_name)
	}

	/// Names are the hashes of the public areas, and the AK is one that a chain takes.
	fn check(&self) -> Result<(), String> {
		let key = self.ak().map_err(|e| format!("the attestation key: {e}"))?;
		if key.name().as_bytes() != self.ak_name {
			return Err("the attestation key's name is not that of its public area".into());
		}
		// A TPM 2.0's is looked at by whoever admits it: any template will do here.
		let ek = match is_legacy(&self.ek_public) {
			true => Ek::parse(&self.ek_public).map(|ek| *ek.name()),
			false => Name::of_public(&self.ek_public),
		};
		let ek = ek.map_err(|e| format!("the endorsement key: {e}"))?;
		if ek.as_bytes() != self.ek_name {
			return Err("the endorsement key's name is not that of its public area".into());
		}
		if self.ek_chain.len() > MAX_CANDIDATES {
			return Err(format!("{} certificates in ek_chain, at most {MAX_CANDIDATES}", self.ek_chain.len()));
		}
		if self.ek_chain.iter().any(|der| der.len() > MAX_CERTIFICATE_LEN) {
			return Err(format!("a certificate in ek_chain is longer than {MAX_CERTIFICATE_LEN} bytes"));
		}
		Ok(())
	}
}

impl fmt::Display for Identity {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		writeln!(f, "chip             {} {}, firmware {}", self.manufacturer, self.model, self.firmware)?;
		match is_legacy(&self.ak_public) {
			true => writeln!(f, "specification    TPM 1.2 revision {}", self.revision)?,
			false => {
				writeln!(f, "specification    TPM 2.0 revision {}.{:02}", self.revision / 100, self.revision % 100)?
			}
		}
		match &self.ek_certificate {
			Some(der) => {
				writeln!(f, "EK certificate   {} bytes, SHA-256 {}", der.len(), hex::encode(Sha256::digest(der)))?
			}
			None => writeln!(f, "EK certificate   none")?,
		}
		for der in &self.ek_chain {
			writeln!(f, "EK chain         {} bytes, SHA-256 {}", der.len(), hex::encode(Sha256::digest(der)))?;
		}
		writeln!(f, "EK name          {}", hex::encode(&self.ek_name))?;
		write!(f, "AK name          {}", hex::encode(&self.ak_name))
	}
}

/// The attestation key as the chip gave it out, with a checksum that tells a damaged file from a cleared chip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AkBlob {
	/// TPMT_PUBLIC.
	#[serde(with = "hex_bytes")]
	pub(crate) public: Vec<u8>,
	/// The contents of TPM2B_PRIVATE: encrypted and authenticated under the EK's seed.
	#[serde(with = "hex_bytes")]
	pub(crate) private: Vec<u8>,
	/// SHA-256 of both.
	#[serde(with = "hex_bytes")]
	sha256: Vec<u8>,
}

impl AkBlob {
	pub(crate) fn new(public: Vec<u8>, private: Vec<u8>) -> Self {
		let sha256 = Self::checksum(&public, &private);
		AkBlob { public, private, sha256 }
	}

	fn checksum(public: &[u8], private: &[u8]) -> Vec<u8> {
		Sha256::new().chain_update(public).chain_update(private).finalize().to_vec()
	}

	/// `None` if there is no such file.
	pub(crate) fn read(path: &Path) -> Result<Option<Self>, TpmError> {
		let blob: AkBlob = match read_json(path) {
			Err(TpmError::NotProvisioned { .. }) => return Ok(None),
			other => other?,
		};
		if blob.sha256 != Self::checksum(&blob.public, &blob.private) {
			return Err(TpmError::Damaged { path: path.to_owned(), why: "its checksum is wrong".into() });
		}
		Ok(Some(blob))
	}

	pub(crate) fn write(&self, path: &Path) -> Result<(), TpmError> {
		write_json(path, self, 0o600)
	}
}

/// The places of a node's files below its base path.
#[derive(Clone, Debug)]
pub struct Files {
	/// `<base>/tpm`.
	pub dir: PathBuf,
	/// The identity file.
	pub identity: PathBuf,
	/// The attestation key.
	pub(crate) ak: PathBuf,
	/// The lock.
	pub(crate) lock: PathBuf,
}

impl Files {
	/// Below this base path. Nothing is made yet.
	pub fn new(base: &Path) -> Self {
		let dir = base.join("tpm");
		Files { identity: dir.join("identity.json"), ak: dir.join("ak.json"), lock: dir.join("lock"), dir }
	}

	/// What is kept of an identity: `None` before the first provisioning.
	///
	/// The AK without the identity is a crash between the two, and harmless: the identity is read from the chip again.
	/// The identity without the AK is a loss, and said to be one: a new key is never made in silence.
	pub(crate) fn kept(&self) -> Result<(Option<Identity>, Option<AkBlob>), TpmError> {
		let identity = match Identity::read(&self.identity) {
			Err(TpmError::NotProvisioned { .. }) => None,
			other => Some(other?),
		};
		let ak = AkBlob::read(&self.ak)?;
		if identity.is_some() && ak.is_none() {
			return Err(TpmError::Incomplete { present: self.identity.clone(), missing: self.ak.clone() });
		}
		Ok((identity, ak))
	}
}

const LOCK_ATTEMPTS: u32 = 5;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// An exclusive hold on a folder, for as long as it lives; the kernel drops it with the process.
#[derive(Debug)]
pub(crate) struct Lock {
	_file: File,
}

impl Lock {
	/// Take it, or say who has it, after some 50 ms at most.
	pub(crate) fn take(lock: &Path, folder: &Path) -> Result<Self, TpmError> {
		let mut file = OpenOptions::new()
			.read(true)
			.write(true)
			.create(true)
			.truncate(false)
			.mode(0o600)
			.open(lock)
			.map_err(|e| TpmError::io("open", lock, e))?;
		// `tpm show` looks at the lock by taking it for a moment: try more than once.
		for attempt in 1.. {
			match file.try_lock() {
				Ok(()) => break,
				Err(TryLockError::WouldBlock) if attempt < LOCK_ATTEMPTS => sleep(LOCK_PAUSE),
				Err(TryLockError::WouldBlock) => {
					return Err(TpmError::InUse { path: folder.to_owned(), holder: read_pid(&mut file) });
				}
				Err(TryLockError::Error(e)) => return Err(TpmError::io("lock", lock, e)),
			}
		}
		file.set_len(0)
			.and_then(|()| file.write_all(format!("{}\n", std::process::id()).as_bytes()))
			.map_err(|e| TpmError::io("write", lock, e))?;
		Ok(Lock { _file: file })
	}

	/// The process that holds it, if any does.
	pub(crate) fn holder(lock: &Path) -> Option<u32> {
		let mut file = OpenOptions::new().read(true).write(true).open(lock).ok()?;
		match file.try_lock_shared() {
			Err(TryLockError::WouldBlock) => read_pid(&mut file),
			_ => None,
		}
	}
}

fn read_pid(file: &mut File) -> Option<u32> {
	let mut text = String::new();
	file.read_to_string(&mut text).ok()?;
	text.trim().parse().ok()
}

/// Make a folder that only its owner can read, with its parents.
pub(crate) fn make_private_dir(dir: &Path) -> Result<(), TpmError> {
	use std::os::unix::fs::DirBuilderExt;
	fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| TpmError::io("make the folder", dir, e))
}

/// Make a rename in this folder last over a power cut.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), TpmError> {
	File::open(dir).and_then(|d| d.sync_all()).map_err(|e| TpmError::io("flush", dir, e))
}

pub(crate) fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, TpmError> {
	let bytes = fs::read(path).map_err(|e| match e.kind() {
		ErrorKind::NotFound => TpmError::NotProvisioned { path: path.to_owned() },
		_ => TpmError::io("read", path, e),
	})?;
	serde_json::from_slice(&bytes).map_err(|e| TpmError::Damaged { path: path.to_owned(), why: e.to_string() })
}

pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T, mode: u32) -> Result<(), TpmError> {
	let mut text = serde_json::to_vec_pretty(value).map_err(|e| TpmError::io("write", path, e))?;
	text.push(b'\n');
	let mut name = path.file_name().unwrap_or_default().to_owned();
	name.push(format!(".{}.new", std::process::id()));
	let beside = path.with_file_name(name);
	let written = OpenOptions::new()
		.write(true)
		.create(true)
		.truncate(true)
		.mode(mode)
		.open(&beside)
		.and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
		.and_then(|()| fs::rename(&beside, path));
	if let Err(e) = written {
		let _ = fs::remove_file(&beside);
		return Err(TpmError::io("write", path, e));
	}
	// The folder of a file in the current directory is "".
	match path.parent() {
		Some(dir) if dir != Path::new("") => sync_dir(dir),
		_ => Ok(()),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_changed_key_file_is_refused() {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("ak.json");
		let blob = AkBlob::new(vec![1, 2, 3], vec![4, 5, 6]);
		blob.write(&path).unwrap();
		assert_eq!(AkBlob::read(&path).unwrap(), Some(blob));
		let text = fs::read_to_string(&path).unwrap();
		fs::write(&path, text.replace("040506", "040507")).unwrap();
		assert!(matches!(AkBlob::read(&path), Err(TpmError::Damaged { .. })));
		fs::write(&path, &text[..text.len() / 2]).unwrap();
		assert!(matches!(AkBlob::read(&path), Err(TpmError::Damaged { .. })));
	}

	#[test]
	fn a_lock_is_taken_once_and_names_its_holder() {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("lock");
		let lock = Lock::take(&path, dir.path()).unwrap();
		let error = Lock::take(&path, dir.path()).unwrap_err();
		assert!(matches!(error, TpmError::InUse { holder: Some(pid), .. } if pid == std::process::id()), "{error}");
		assert_eq!(Lock::holder(&path), Some(std::process::id()));
		drop(lock);
		assert_eq!(Lock::holder(&path), None);
		Lock::take(&path, dir.path()).unwrap();
	}
}
