//! The forger's workshop: builders for every structure in which each field can be wrong, software keys that sign
//! anything, and the fixtures of a real TPM.
// Each test file uses its own part of this, and compiles it into itself.
#![allow(dead_code, missing_docs, unreachable_pub)]

pub mod legacy;
pub mod pem;
pub mod skipped;
pub mod x509;

use std::{
	fs,
	path::{Path, PathBuf},
	sync::OnceLock,
};

use ep_tpm::HashAlgorithm;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use rsa::{traits::PublicKeyParts, Pkcs1v15Sign, RsaPrivateKey};

/// The nonce of every fixture, as in `make-fixtures.sh`.
pub const NONCE: &[u8] = b"Elapse fixture 1234567890abcdefgh";

/// The folders of the fixtures, one a key.
pub const FIXTURES: [&str; 8] = ["p256", "p384", "rsa2048", "rsa3072", "p256-sha512", "p384-sha256", "author", "owner"];

/// A fixture, by its path under `tests/fixtures`. Cargo runs tests in the folder of their package: a path compiled in
/// would be another checkout's where two share one target folder.
pub fn fixture(path: &str) -> Vec<u8> {
	let path = Path::new("tests/fixtures").join(path);
	fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// `TPM2B`: two bytes of size and the bytes.
pub fn sized(bytes: &[u8]) -> Vec<u8> {
	let mut out = (bytes.len() as u16).to_be_bytes().to_vec();
	out.extend(bytes);
	out
}

/// Big-endian 16-bit integers.
pub fn words(words: &[u16]) -> Vec<u8> {
	words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, restricted, sign.
pub const AUTHOR_ATTRIBUTES: u32 = 0x0005_0472;

/// fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy, restricted, decrypt.
pub const EK_ATTRIBUTES: u32 = 0x0003_00B2;

/// A `TPMT_PUBLIC` with every field open.
#[derive(Clone)]
pub struct Public {
	pub object_type: u16,
	pub name_hash: u16,
	pub attributes: u32,
	pub policy: Vec<u8>,
	pub symmetric: Vec<u16>,
	pub scheme: Vec<u16>,
	pub key: Key,
}

/// The part that depends on the type.
#[derive(Clone)]
pub enum Key {
	Rsa { bits: u16, exponent: u32, modulus: Vec<u8> },
	Ecc { curve: u16, kdf: Vec<u16>, x: Vec<u8>, y: Vec<u8> },
}

impl Public {
	/// The author's key of [`p256_signer`], correct in every field.
	pub fn p256() -> Self {
		let point = p256_signer().verifying_key().to_encoded_point(false);
		Self::ecc(3, 0x000B, point.x().unwrap(), point.y().unwrap())
	}

	/// The same for [`p384_signer`], with SHA-384.
	pub fn p384() -> Self {
		let point = p384_signer().verifying_key().to_encoded_point(false);
		Self::ecc(4, 0x000C, point.x().unwrap(), point.y().unwrap())
	}

	fn ecc(curve: u16, hash: u16, x: &[u8], y: &[u8]) -> Self {
		Self {
			object_type: 0x0023,
			name_hash: 0x000B,
			attributes: AUTHOR_ATTRIBUTES,
			policy: vec![],
			symmetric: vec![0x0010],
			scheme: vec![0x0018, hash],
			key: Key::Ecc { curve, kdf: vec![0x0010], x: x.to_vec(), y: y.to_vec() },
		}
	}

	/// The same for [`rsa_signer`], with SHA-256.
	pub fn rsa() -> Self {
		Self::rsa_with(2048, 0, rsa_signer().n().to_bytes_be())
	}

	/// An RSA key with this modulus.
	pub fn rsa_with(bits: u16, exponent: u32, modulus: Vec<u8>) -> Self {
		Self {
			object_type: 0x0001,
			name_hash: 0x000B,
			attributes: AUTHOR_ATTRIBUTES,
			policy: vec![],
			symmetric: vec![0x0010],
			scheme: vec![0x0014, 0x000B],
			key: Key::Rsa { bits, exponent, modulus },
		}
	}

	/// The endorsement key with this key's public part, as the default template of the low range has it.
	pub fn into_ek(mut self) -> Self {
		self.attributes = EK_ATTRIBUTES;
		self.policy = vec![0xA5; HashAlgorithm::from_id(self.name_hash).unwrap().digest_len()];
		self.symmetric = vec![0x0006, 128, 0x0043];
		self.scheme = vec![0x0010];
		self
	}

	/// The same key after `change`, marshalled.
	pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Vec<u8> {
		change(&mut self);
		self.bytes()
	}

	/// Marshalled.
	pub fn bytes(&self) -> Vec<u8> {
		let mut out = words(&[self.object_type, self.name_hash]);
		out.extend(self.attributes.to_be_bytes());
		out.extend(sized(&self.policy));
		out.extend(words(&self.symmetric));
		out.extend(words(&self.scheme));
		match &self.key {
			Key::Rsa { bits, exponent, modulus } => {
				out.extend(bits.to_be_bytes());
				out.extend(exponent.to_be_bytes());
				out.extend(sized(modulus));
			}
			Key::Ecc { curve, kdf, x, y } => {
				out.extend(curve.to_be_bytes());
				out.extend(words(kdf));
				out.extend(sized(x));
				out.extend(sized(y));
			}
		}
		out
	}
}

/// A `TPMS_CLOCK_INFO` with an open flag.
#[derive(Clone, Copy)]
pub struct Clock {
	pub clock: u64,
	pub reset_count: u32,
	pub restart_count: u32,
	pub safe: u8,
}

impl Clock {
	fn bytes(&self) -> Vec<u8> {
		let mut out = self.clock.to_be_bytes().to_vec();
		out.extend(self.reset_count.to_be_bytes());
		out.extend(self.restart_count.to_be_bytes());
		out.push(self.safe);
		out
	}
}

/// A `TPMS_ATTEST` with every field open.
#[derive(Clone)]
pub struct Attest {
	pub magic: u32,
	pub kind: u16,
	pub signer: Vec<u8>,
	pub extra: Vec<u8>,
	pub outer: Clock,
	pub firmware: u64,
	pub body: Body,
}

/// The attested part.
#[derive(Clone)]
pub enum Body {
	Time { time: u64, inner: Clock, firmware: u64 },
	Quote { banks: Vec<(u16, Vec<u8>)>, digest: Vec<u8> },
	Certify { name: Vec<u8>, qualified_name: Vec<u8> },
	Creation { name: Vec<u8>, hash: Vec<u8> },
}

impl Attest {
	/// A time attestation, correct in every field. Outer and inner values differ, as for a key outside the endorsement
	/// hierarchy.
	pub fn time() -> Self {
		let outer = Clock { clock: 70_000, reset_count: 0x5555, restart_count: 0x6666, safe: 1 };
		let inner = Clock { clock: 70_000, reset_count: 5, restart_count: 6, safe: 1 };
		Self {
			magic: 0xff54_4347,
			kind: 0x8019,
			signer: [vec![0x00, 0x0B], vec![7; 32]].concat(),
			extra: NONCE.to_vec(),
			outer,
			firmware: 0x7777,
			body: Body::Time { time: 1234, inner, firmware: 7 },
		}
	}

	/// A quote of PCR 0 and 9 (all zeros) of the SHA-256 bank, correct in every field, the digest under SHA-256.
	pub fn quote() -> Self {
		Self {
			kind: 0x8018,
			body: Body::Quote {
				banks: vec![(0x000B, vec![1, 2, 0])],
				digest: HashAlgorithm::Sha256.digest(&[&[0; 64]]),
			},
			..Self::time()
		}
	}

	/// The same attestation after `change`, marshalled.
	pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Vec<u8> {
		change(&mut self);
		self.bytes()
	}

	/// Marshalled.
	pub fn bytes(&self) -> Vec<u8> {
		let mut out = self.magic.to_be_bytes().to_vec();
		out.extend(self.kind.to_be_bytes());
		out.extend(sized(&self.signer));
		out.extend(sized(&self.extra));
		out.extend(self.outer.bytes());
		out.extend(self.firmware.to_be_bytes());
		match &self.body {
			Body::Time { time, inner, firmware } => {
				out.extend(time.to_be_bytes());
				out.extend(inner.bytes());
				out.extend(firmware.to_be_bytes());
			}
			Body::Quote { banks, digest } => {
				out.extend((banks.len() as u32).to_be_bytes());
				for (bank, bitmap) in banks {
					out.extend(bank.to_be_bytes());
					out.push(bitmap.len() as u8);
					out.extend(bitmap);
				}
				out.extend(sized(digest));
			}
			Body::Certify { name, qualified_name: last } | Body::Creation { name, hash: last } => {
				out.extend(sized(name));
				out.extend(sized(last));
			}
		}
		out
	}
}

/// A P-256 key in software.
pub fn p256_signer() -> p256::ecdsa::SigningKey {
	p256::ecdsa::SigningKey::from_slice(&[0x42; 32]).unwrap()
}

/// A P-384 key in software.
pub fn p384_signer() -> p384::ecdsa::SigningKey {
	p384::ecdsa::SigningKey::from_slice(&[0x42; 48]).unwrap()
}

/// An RSA-2048 key in software, always the same.
pub fn rsa_signer() -> &'static RsaPrivateKey {
	static KEY: OnceLock<RsaPrivateKey> = OnceLock::new();
	KEY.get_or_init(|| RsaPrivateKey::new(&mut TestRng(1), 2048).unwrap())
}

/// A generator of test numbers (SplitMix64): repeatable, and worthless for anything else.
pub struct TestRng(pub u64);

impl rsa::rand_core::RngCore for TestRng {
	fn next_u32(&mut self) -> u32 {
		self.next_u64() as u32
	}

	fn next_u64(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
		let mut z = self.0;
		z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
		z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
		z ^ (z >> 31)
	}

	fn fill_bytes(&mut self, dest: &mut [u8]) {
		for chunk in dest.chunks_mut(8) {
			let bytes = self.next_u64().to_le_bytes();
			chunk.copy_from_slice(&bytes[..chunk.len()]);
		}
	}

	fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
		self.fill_bytes(dest);
		Ok(())
	}
}

impl rsa::rand_core::CryptoRng for TestRng {}

/// An ECDSA `TPMT_SIGNATURE` of these parts.
pub fn ecdsa_signature(hash: u16, r: &[u8], s: &[u8]) -> Vec<u8> {
	[words(&[0x0018, hash]), sized(r), sized(s)].concat()
}

/// An RSASSA `TPMT_SIGNATURE` of this number.
pub fn rsassa_signature(hash: u16, number: &[u8]) -> Vec<u8> {
	[words(&[0x0014, hash]), sized(number)].concat()
}

/// r and s of [`p256_signer`] over the SHA-256 of the message, with a low s.
pub fn p256_parts(message: &[u8]) -> (Vec<u8>, Vec<u8>) {
	let digest = HashAlgorithm::Sha256.digest(&[message]);
	let signature: p256::ecdsa::Signature = p256_signer().sign_prehash(&digest).unwrap();
	let signature = signature.normalize_s().unwrap_or(signature);
	(signature.r().to_bytes().to_vec(), signature.s().to_bytes().to_vec())
}

/// `TPMT_SIGNATURE` of [`p256_signer`], correct.
pub fn p256_sign(message: &[u8]) -> Vec<u8> {
	let (r, s) = p256_parts(message);
	ecdsa_signature(0x000B, &r, &s)
}

/// `TPMT_SIGNATURE` of [`p384_signer`] with SHA-384, correct.
pub fn p384_sign(message: &[u8]) -> Vec<u8> {
	let digest = HashAlgorithm::Sha384.digest(&[message]);
	let signature: p384::ecdsa::Signature = p384_signer().sign_prehash(&digest).unwrap();
	let signature = signature.normalize_s().unwrap_or(signature);
	ecdsa_signature(0x000C, &signature.r().to_bytes(), &signature.s().to_bytes())
}

/// The number of [`rsa_signer`]'s signature, SHA-256.
pub fn rsa_number(message: &[u8]) -> Vec<u8> {
	let digest = HashAlgorithm::Sha256.digest(&[message]);
	rsa_signer().sign(Pkcs1v15Sign::new::<sha2::Sha256>(), &digest).unwrap()
}

/// `TPMT_SIGNATURE` of [`rsa_signer`], correct.
pub fn rsa_sign(message: &[u8]) -> Vec<u8> {
	rsassa_signature(0x000B, &rsa_number(message))
}

/// What is inside a PEM.
pub fn pem(text: &str) -> Vec<u8> {
	pem::blocks(text.as_bytes()).remove(0).1
}

/// The folder of the vectors: that which `ELAPSE_TPM_VECTORS` names, or `tpm` in it. Without it the test that asks is
/// skipped.
pub fn vectors() -> Option<PathBuf> {
	let Some(root) = std::env::var_os("ELAPSE_TPM_VECTORS") else {
		skipped::skipped("ELAPSE_TPM_VECTORS names no folder with evidence from other projects");
		return None;
	};
	let root = PathBuf::from(root);
	let inner = root.join("tpm");
	Some(if inner.is_dir() { inner } else { root })
}
