//! The key derivations and the cipher that a TPM protects credentials with (TPM 2.0 Library, Part 1, sections 11.4.10,
//! 24 and annexes B and C).
//!
//! Every length here is whole bytes. A label ends with one zero byte, which is part of it (Part 1, section 11.4.10.2).

use aes::{
	cipher::{generic_array::GenericArray, BlockEncrypt, KeyInit},
	Aes128, Aes256,
};
use alloc::{vec, vec::Vec};

use crate::{Error, HashAlgorithm};

/// A hash over the concatenation of parts, whichever it is. Never empty.
pub(crate) type Digest<'a> = &'a dyn Fn(&[&[u8]]) -> Vec<u8>;

/// HMAC (FIPS 198-1) of the concatenation of `parts`.
pub(crate) fn hmac(hash: HashAlgorithm, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
	let mut block = if key.len() > hash.block_len() { hash.digest(&[key]) } else { key.to_vec() };
	block.resize(hash.block_len(), 0);
	let pad = |byte: u8| block.iter().map(|key| key ^ byte).collect::<Vec<u8>>();
	let inner_pad = pad(0x36);
	let mut inner = vec![inner_pad.as_slice()];
	inner.extend(parts);
	hash.digest(&[&pad(0x5c), &hash.digest(&inner)])
}

/// `KDFa` (Part 1, section 11.4.10.2): SP 800-108 in counter mode over HMAC. `len` bytes.
pub(crate) fn kdfa(hash: HashAlgorithm, key: &[u8], label: &str, u: &[u8], v: &[u8], len: u16) -> Vec<u8> {
	let bits = (u32::from(len) * 8).to_be_bytes();
	blocks(hash, len, |counter| hmac(hash, key, &[counter, label.as_bytes(), &[0], u, v, &bits]))
}

/// `KDFe` (Part 1, section 11.4.10.3): SP 800-56A over a hash, from the x coordinate `z` of a shared point. `len` bytes.
pub(crate) fn kdfe(hash: HashAlgorithm, z: &[u8], label: &str, u: &[u8], v: &[u8], len: u16) -> Vec<u8> {
	blocks(hash, len, |counter| hash.digest(&[counter, z, label.as_bytes(), &[0], u, v]))
}

/// MGF1 (RFC 8017, section B.2.1), which counts from zero where the TPM's own derivations count from one.
pub(crate) fn mgf1(digest: Digest<'_>, seed: &[u8], len: usize) -> Vec<u8> {
	(0u32..).flat_map(|counter| digest(&[seed, &counter.to_be_bytes()])).take(len).collect()
}

fn blocks(hash: HashAlgorithm, len: u16, block: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
	let count = u32::from(len).div_ceil(hash.digest_len() as u32);
	let mut out: Vec<u8> = (1..=count).flat_map(|counter| block(&counter.to_be_bytes())).collect();
	out.truncate(usize::from(len));
	out
}

/// AES in CFB mode with whole-block feedback, under a zero initial vector (Part 1, section 24.4). `key` is 16 or 32
/// bytes, which rule T9 sees to.
pub(crate) fn cfb_encrypt(key: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
	if let Ok(cipher) = Aes128::new_from_slice(key) {
		return Ok(cfb(|block| cipher.encrypt_block(GenericArray::from_mut_slice(block)), plain));
	}
	let cipher = Aes256::new_from_slice(key).map_err(|_| Error::EkSymmetric)?;
	Ok(cfb(|block| cipher.encrypt_block(GenericArray::from_mut_slice(block)), plain))
}

fn cfb(encrypt: impl Fn(&mut [u8]), plain: &[u8]) -> Vec<u8> {
	let mut out = Vec::with_capacity(plain.len());
	let mut feedback = [0; 16];
	for chunk in plain.chunks(16) {
		encrypt(&mut feedback);
		for (byte, key) in chunk.iter().zip(&mut feedback) {
			*key ^= byte;
			out.push(*key);
		}
	}
	out
}
