//! A TPM 1.2 in software, whose owner makes it say anything: for the tests of this workspace.

use alloc::vec::Vec;
use rsa::{
	rand_core::{CryptoRng, Error as RngError, RngCore},
	traits::PublicKeyParts,
	Pkcs1v15Sign, RsaPrivateKey,
};
use sha1::Sha1;

use crate::{
	algorithm::TPM_ALG_SHA1,
	legacy::{composite, sha1, QuoteInfo, DIGEST_LEN, MODULUS_LEN},
	PcrSelection,
};

/// An identity key that was never in a chip. As bytes it is like any other: only a challenge tells.
#[derive(Clone, Debug)]
pub struct SoftLegacyChip(RsaPrivateKey);

impl SoftLegacyChip {
	/// The chip of this number.
	///
	/// # Panics
	/// If no key can be made.
	pub fn new(number: u64) -> Self {
		Self(RsaPrivateKey::new(&mut Repeatable(number), MODULUS_LEN * 8).expect("a key of 2048 bits can be made"))
	}

	/// Its `TPM_PUBKEY`.
	pub fn ak_public(&self) -> Vec<u8> {
		// TPM_ALG_RSA, TPM_ES_NONE, TPM_SS_RSASSAPKCS1v15_SHA1.
		let mut pubkey = [0, 0, 0, 1, 0, 1, 0, 2].to_vec();
		// Size of the parameters; bits, primes, size of the exponent; size of the modulus.
		for word in [12, 8 * MODULUS_LEN as u32, 2, 0, MODULUS_LEN as u32] {
			pubkey.extend(word.to_be_bytes());
		}
		pubkey.extend(self.0.n().to_bytes_be());
		pubkey
	}

	/// `TPM_QUOTE_INFO` over PCRs that hold `values`, under `nonce`, and its signature.
	///
	/// # Panics
	/// If there are not as many values as the bitmap has PCRs.
	pub fn quote(&self, bitmap: [u8; 3], values: &[[u8; DIGEST_LEN]], nonce: &[u8]) -> (Vec<u8>, Vec<u8>) {
		let selection = PcrSelection { bank: TPM_ALG_SHA1, bitmap: bitmap.to_vec() };
		let values: Vec<&[u8]> = values.iter().map(|value| value.as_slice()).collect();
		let composite = composite(&selection, &values).expect("a value for each PCR");
		let info = QuoteInfo::of(&composite, nonce).to_bytes().to_vec();
		let signature = self.sign(&info);
		(info, signature)
	}

	/// Signs anything, which no chip's identity key does.
	///
	/// # Panics
	/// Never: the key is long enough.
	pub fn sign(&self, message: &[u8]) -> Vec<u8> {
		self.0.sign(Pkcs1v15Sign::new::<Sha1>(), &sha1(&[message])).expect("a digest fits the key")
	}
}

/// SplitMix64: the same key each time, and worth nothing.
struct Repeatable(u64);

impl RngCore for Repeatable {
	fn next_u32(&mut self) -> u32 {
		self.next_u64() as u32
	}

	fn next_u64(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
		mixed ^ mixed >> 31
	}

	fn fill_bytes(&mut self, bytes: &mut [u8]) {
		for chunk in bytes.chunks_mut(8) {
			chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]);
		}
	}

	fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), RngError> {
		self.fill_bytes(bytes);
		Ok(())
	}
}

impl CryptoRng for Repeatable {}
