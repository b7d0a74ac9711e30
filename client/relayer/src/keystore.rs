//! The key that pays on the Elastos Smart Chain, in an encrypted file: Web3 secret storage, version 3, as every Ethereum
//! wallet reads and writes it.
//!
//! Cipher AES-128-CTR under a key that scrypt derives from the passphrase, and a Keccak-256 of the ciphertext under the
//! other half of it, which tells a wrong passphrase from a right one. Files with PBKDF2 are refused: its work is a
//! thousandth of scrypt's for who guesses.

use std::{
	fs,
	io::Write,
	path::{Path, PathBuf},
};

use aes::cipher::{KeyIvInit, StreamCipher};
use rand::RngCore;
use scrypt::{scrypt, Params};
use serde::{Deserialize, Serialize};
use sp_core::{ecdsa, Pair, H160};
use sp_crypto_hashing::keccak_256;
use zeroize::Zeroizing;

use crate::legacy::address;

type Cipher = ctr::Ctr128BE<aes::Aes128>;

/// scrypt's work for new files: 128 MiB, half a second.
const WORK: u8 = 17;
/// The shortest passphrase for a new key. The file is all that stands between a thief and the money.
const MIN_PASSPHRASE: usize = 8;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
	/// The file cannot be read or written.
	#[error("cannot {what} {path}: {error}")]
	File {
		/// What was to be done.
		what: &'static str,
		/// The file.
		path: PathBuf,
		/// Why not.
		error: std::io::Error,
	},
	/// It is no such file.
	#[error("{0} is no key in Web3 secret storage, version 3: {1}")]
	Format(PathBuf, String),
	/// The passphrase is another one.
	#[error("the passphrase is not that of {0}")]
	Passphrase(PathBuf),
	/// The file says that it has another address.
	#[error(
		"{path} says that it is the key of {said:?}, and has the key of {found:?}: it was tampered with or damaged"
	)]
	Address {
		/// The file.
		path: PathBuf,
		/// The address in it.
		said: H160,
		/// That of the key.
		found: H160,
	},
	/// A passphrase that anybody guesses.
	#[error("a passphrase has at least {MIN_PASSPHRASE} characters")]
	Short,
}

#[derive(Serialize, Deserialize)]
struct File {
	#[serde(default, skip_serializing_if = "Option::is_none")]
	address: Option<String>,
	#[serde(alias = "Crypto")]
	crypto: Crypto,
	id: String,
	version: u32,
}

#[derive(Serialize, Deserialize)]
struct Crypto {
	cipher: String,
	cipherparams: CipherParams,
	ciphertext: String,
	kdf: String,
	kdfparams: serde_json::Value,
	mac: String,
}

#[derive(Serialize, Deserialize)]
struct CipherParams {
	iv: String,
}

#[derive(Serialize, Deserialize)]
struct KdfParams {
	dklen: u32,
	n: u64,
	p: u32,
	r: u32,
	salt: String,
}

/// Makes a new key and writes it to `path`, where nothing may be yet. Gives its address.
///
/// # Errors
/// The passphrase is too short, there is a file, or it cannot be written.
pub fn create(path: &Path, passphrase: &str) -> Result<H160, KeyError> {
	if passphrase.chars().count() < MIN_PASSPHRASE {
		return Err(KeyError::Short);
	}
	let mut secret = Zeroizing::new([0u8; 32]);
	let pair = loop {
		rand::rngs::OsRng.fill_bytes(&mut *secret);
		// Not every 32 bytes are a key, but nearly.
		if let Ok(pair) = ecdsa::Pair::from_seed_slice(&*secret) {
			break pair;
		}
	};
	let address = address(&pair);
	let file = encrypt(&secret, passphrase, WORK);
	write_new(path, &file)?;
	Ok(address)
}

fn random<const N: usize>() -> [u8; N] {
	let mut bytes = [0; N];
	rand::rngs::OsRng.fill_bytes(&mut bytes);
	bytes
}

/// Encrypts a key.
fn encrypt(secret: &[u8; 32], passphrase: &str, work: u8) -> Vec<u8> {
	let (salt, iv, mut id): ([u8; 32], [u8; 16], [u8; 16]) = (random(), random(), random());
	// As a UUID of version 4 says it.
	(id[6], id[8]) = (id[6] & 0x0f | 0x40, id[8] & 0x3f | 0x80);
	let params = KdfParams { dklen: 32, n: 1 << work, p: 1, r: 8, salt: hex::encode(salt) };
	// These are within scrypt's bounds.
	let derived = derive(&params, passphrase).unwrap_or_default();
	let mut ciphertext = *secret;
	apply(&derived, &iv, &mut ciphertext);
	let address = ecdsa::Pair::from_seed_slice(secret).ok().map(|pair| hex::encode(address(&pair)));
	let id = hex::encode(id);
	let file = File {
		address,
		crypto: Crypto {
			cipher: "aes-128-ctr".into(),
			cipherparams: CipherParams { iv: hex::encode(iv) },
			ciphertext: hex::encode(ciphertext),
			kdf: "scrypt".into(),
			kdfparams: serde_json::json!(params),
			mac: hex::encode(keccak_256(&[&derived[16..], &ciphertext].concat())),
		},
		id: [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-"),
		version: 3,
	};
	serde_json::to_vec_pretty(&file).unwrap_or_default()
}

fn apply(derived: &[u8; 32], iv: &[u8; 16], text: &mut [u8; 32]) {
	let mut key = Zeroizing::new([0; 16]);
	key.copy_from_slice(&derived[..16]);
	Cipher::new((&*key).into(), iv.into()).apply_keystream(text);
}

fn derive(params: &KdfParams, passphrase: &str) -> Result<Zeroizing<[u8; 32]>, String> {
	// Whoever writes the file chooses how much memory reading it takes.
	let work = params.n.checked_ilog2().filter(|work| params.n == 1 << work && (1..=20).contains(work));
	let memory = params.n.saturating_mul(128).saturating_mul(params.r.into());
	let (Some(work), true, true) = (work, memory <= 1 << 30, (1..=64).contains(&params.p)) else {
		return Err(format!("scrypt with n = {}, r = {}, p = {} is refused", params.n, params.r, params.p));
	};
	if params.dklen != 32 {
		return Err(format!("dklen is {}, not 32", params.dklen));
	}
	let salt = hex::decode(&params.salt).map_err(|error| format!("its salt: {error}"))?;
	let scrypt_params = Params::new(work as u8, params.r, params.p).map_err(|error| error.to_string())?;
	let mut derived = Zeroizing::new([0; 32]);
	scrypt(passphrase.as_bytes(), &salt, &scrypt_params, &mut *derived).map_err(|error| error.to_string())?;
	Ok(derived)
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
	let failed = |error| KeyError::File { what: "write", path: path.to_owned(), error };
	let mut options = fs::OpenOptions::new();
	options.write(true).create_new(true);
	#[cfg(unix)]
	std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
	let mut file = options.open(path).map_err(failed)?;
	file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)
}

fn parse(path: &Path) -> Result<File, KeyError> {
	let bytes = fs::read(path).map_err(|error| KeyError::File { what: "read", path: path.to_owned(), error })?;
	let file: File =
		serde_json::from_slice(&bytes).map_err(|error| KeyError::Format(path.to_owned(), error.to_string()))?;
	if file.version != 3 {
		return Err(KeyError::Format(path.to_owned(), format!("version {}", file.version)));
	}
	Ok(file)
}

/// The address that a file names, without the passphrase. It may lie; [`read`] tells.
///
/// # Errors
/// It is no such file, or names none.
pub fn named_address(path: &Path) -> Result<H160, KeyError> {
	let address = parse(path)?.address.as_deref().and_then(read_address);
	address.ok_or_else(|| KeyError::Format(path.to_owned(), "it names no address".into()))
}

fn read_address(text: &str) -> Option<H160> {
	let bytes = hex::decode(text.trim_start_matches("0x")).ok()?;
	<[u8; 20]>::try_from(bytes).ok().map(H160)
}

/// Decrypts the key in a file.
///
/// # Errors
/// It is no such file, or the passphrase is another one.
pub fn read(path: &Path, passphrase: &str) -> Result<ecdsa::Pair, KeyError> {
	let File { address: said, crypto, .. } = parse(path)?;
	let wrong = |why: &str| KeyError::Format(path.to_owned(), why.into());
	if crypto.cipher != "aes-128-ctr" {
		return Err(wrong(&format!("cipher '{}', not aes-128-ctr", crypto.cipher)));
	}
	if crypto.kdf != "scrypt" {
		return Err(wrong(&format!("key derivation '{}', not scrypt", crypto.kdf)));
	}
	let bytes = |text: &str, what: &str| hex::decode(text).map_err(|error| wrong(&format!("its {what}: {error}")));
	let params: KdfParams =
		serde_json::from_value(crypto.kdfparams).map_err(|error| wrong(&format!("its kdfparams: {error}")))?;
	let iv: [u8; 16] =
		bytes(&crypto.cipherparams.iv, "iv")?.try_into().map_err(|_| wrong("its iv has not 16 bytes"))?;
	let mut text = Zeroizing::new(
		<[u8; 32]>::try_from(bytes(&crypto.ciphertext, "ciphertext")?)
			.map_err(|_| wrong("its ciphertext has not 32 bytes"))?,
	);
	let derived = derive(&params, passphrase).map_err(|why| wrong(&why))?;
	if bytes(&crypto.mac, "mac")? != keccak_256(&[&derived[16..], text.as_slice()].concat()) {
		return Err(KeyError::Passphrase(path.to_owned()));
	}
	apply(&derived, &iv, &mut text);
	let pair = ecdsa::Pair::from_seed_slice(&*text).map_err(|_| wrong("what it holds is no key"))?;
	let found = address(&pair);
	match said.as_deref().and_then(read_address) {
		Some(said) if said != found => Err(KeyError::Address { path: path.to_owned(), said, found }),
		_ => Ok(pair),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	/// Made by another implementation (ethers 6.17), which names its parts a little differently. The key is that of the
	/// standard's own example, whose scrypt parameters are beyond what RFC 7914 allows.
	const EXAMPLE: &str = r#"{
		"address": "008aeeda4d805471df9b2a5b0f38a0c3bcba786b",
		"Crypto": {
			"cipher": "aes-128-ctr",
			"cipherparams": { "iv": "83dbcc02d8ccb40e466191a123791e0e" },
			"ciphertext": "8ebd1d6529dd94bc5349f4c792810fc9a2db712662d3aa9db4e97a01487ce5c1",
			"kdf": "scrypt",
			"kdfparams": { "dklen": 32, "n": 16384, "p": 1, "r": 8,
				"salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19" },
			"mac": "d6c72d672221d637ee56a893b79b17dd8e983d786f11ef020ccf4251cd956c51"
		},
		"id": "3198bc9c-6672-4ab3-9995-4942343ae5b6",
		"version": 3
	}"#;

	fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("key.json");
		fs::write(&path, text).unwrap();
		(folder, path)
	}

	#[test]
	fn what_another_implementation_wrote_is_read() {
		let (_folder, path) = file(EXAMPLE);
		let pair = read(&path, "testpassword").unwrap();
		assert_eq!(hex::encode(pair.to_raw_vec()), "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d");
		assert!(matches!(read(&path, "testpassworD"), Err(KeyError::Passphrase(_))));
		assert_eq!(named_address(&path).unwrap(), address(&pair));
	}

	#[test]
	fn what_is_written_is_read_by_its_passphrase_alone() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("key.json");
		let made = create(&path, "correct horse").unwrap();
		assert_eq!(named_address(&path).unwrap(), made);
		assert_eq!(address(&read(&path, "correct horse").unwrap()), made);
		assert!(matches!(read(&path, "correct horsf"), Err(KeyError::Passphrase(_))));
		assert!(matches!(create(&path, "correct horse"), Err(KeyError::File { .. })), "a key is overwritten");
		#[cfg(unix)]
		{
			use std::os::unix::fs::PermissionsExt;
			assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
		}
	}

	#[test]
	fn a_short_passphrase_is_refused() {
		let folder = tempfile::tempdir().unwrap();
		assert!(matches!(create(&folder.path().join("k"), "1234567"), Err(KeyError::Short)));
	}

	#[test]
	fn another_format_is_refused_and_so_is_work_without_measure() {
		let cases = [
			("\"version\": 3", "\"version\": 4", "version 4"),
			("aes-128-ctr", "aes-128-cbc", "cipher"),
			("\"scrypt\"", "\"pbkdf2\"", "key derivation"),
			("\"n\": 16384", "\"n\": 1073741824", "is refused"),
			("\"n\": 16384", "\"n\": 16383", "is refused"),
			("\"r\": 8", "\"r\": 1000000", "is refused"),
			// The standard's own example.
			("\"n\": 16384, \"p\": 1, \"r\": 8", "\"n\": 262144, \"p\": 8, \"r\": 1", "scrypt"),
			("\"p\": 1", "\"p\": 100000", "is refused"),
			("\"p\": 1", "\"p\": 0", "is refused"),
			("\"dklen\": 32", "\"dklen\": 16", "dklen"),
			("83dbcc", "83dbc", "iv"),
			("8ebd1d", "8ebd", "ciphertext"),
			("\"Crypto\"", "\"Cripto\"", "crypto"),
		];
		for (from, to, why) in cases {
			let (_folder, path) = file(&EXAMPLE.replace(from, to));
			let error = read(&path, "testpassword").err().unwrap().to_string();
			assert!(error.contains(why), "{to}: {error}");
		}
	}

	#[test]
	fn a_file_that_names_another_address_is_refused() {
		let secret = [0x46; 32];
		let text = String::from_utf8(encrypt(&secret, "passphrase", 4)).unwrap();
		let own = hex::encode(address(&ecdsa::Pair::from_seed(&secret)));
		let (_folder, path) = file(&text);
		assert!(read(&path, "passphrase").is_ok());
		let (_folder, path) = file(&text.replace(&own, &"11".repeat(20)));
		assert!(matches!(read(&path, "passphrase"), Err(KeyError::Address { .. })));
	}
}
