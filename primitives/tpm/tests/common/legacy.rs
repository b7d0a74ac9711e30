//! TPM 1.2: the forger's keys and quotes, and the fixtures of real chips (`scripts/fixture-tpm12.py`).

use super::{fixture, rsa_signer};
use ep_tpm::{legacy::IdentityKey, PcrSelection};
use rsa::{traits::PublicKeyParts, Pkcs1v15Sign};
use sha1::{Digest, Sha1};

/// A file of theirs.
pub fn read(file: &str) -> Vec<u8> {
	fixture(&format!("legacy/{file}"))
}

/// SHA-1.
pub fn sha1(bytes: &[u8]) -> [u8; 20] {
	Sha1::digest(bytes).into()
}

/// A `TPM_PUBKEY` with every field open.
pub struct Pubkey {
	pub algorithm: u32,
	pub enc_scheme: u16,
	pub sig_scheme: u16,
	pub bits: u32,
	pub primes: u32,
	pub exponent: Vec<u8>,
	pub more: Vec<u8>,
	pub modulus: Vec<u8>,
}

impl Pubkey {
	/// An identity key in software, correct in every field.
	pub fn identity() -> Self {
		let modulus = rsa_signer().n().to_bytes_be();
		let (exponent, more) = (vec![], vec![]);
		Self { algorithm: 1, enc_scheme: 1, sig_scheme: 2, bits: 2048, primes: 2, exponent, more, modulus }
	}

	/// An endorsement key with the same modulus.
	pub fn endorsement() -> Self {
		Self { enc_scheme: 3, sig_scheme: 1, ..Self::identity() }
	}

	/// The same key after `change`, marshalled.
	pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Vec<u8> {
		change(&mut self);
		let word = |number: usize| (number as u32).to_be_bytes().to_vec();
		[
			self.algorithm.to_be_bytes().to_vec(),
			self.enc_scheme.to_be_bytes().to_vec(),
			self.sig_scheme.to_be_bytes().to_vec(),
			word(12 + self.exponent.len() + self.more.len()),
			self.bits.to_be_bytes().to_vec(),
			self.primes.to_be_bytes().to_vec(),
			word(self.exponent.len()),
			self.exponent,
			self.more,
			word(self.modulus.len()),
			self.modulus,
		]
		.concat()
	}
}

/// The key of [`sign`].
pub fn key() -> IdentityKey {
	IdentityKey::parse(&Pubkey::identity().with(|_| ())).unwrap()
}

/// The signature of an identity key that is no TPM's.
pub fn sign(info: &[u8]) -> Vec<u8> {
	rsa_signer().sign(Pkcs1v15Sign::new::<Sha1>(), &sha1(info)).unwrap()
}

/// PCRs of the SHA-1 bank.
pub fn selection(bitmap: [u8; 3]) -> PcrSelection {
	PcrSelection { bank: 4, bitmap: bitmap.to_vec() }
}

/// PCRs 0 and 10, as in the fixtures.
pub fn pcrs() -> PcrSelection {
	selection([1, 4, 0])
}
