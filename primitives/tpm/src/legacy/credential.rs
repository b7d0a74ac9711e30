//! The question that `TPM_ActivateIdentity` answers (Part 3, section 15.2), in the types of [`crate::credential`].
//!
//! # Protocol
//!
//! 1. A session key for AES-128 is sealed to the chip: a `TPM_ASYM_CA_CONTENTS` (Part 2, section 12.8), which is that key
//!    as a `TPM_SYMMETRIC_KEY` and the SHA-1 of the identity key's `TPM_PUBKEY`, under RSAES-OAEP with SHA-1 and the label
//!    "TCPA" to the endorsement key. This is the [`Credential::encrypted_secret`], 256 bytes.
//! 2. The secret is encrypted with the session key, as a `TPM_SYM_CA_ATTESTATION` (Part 2, section 12.7) in OFB mode
//!    (`TPM_ES_SYM_OFB`). This is the [`Credential::id_object`]. It never reaches the TPM: its user opens it
//!    ([`open_credential`]) with the session key that the TPM has given out.
//! 3. The TPM gives out the session key if the digest is that of an identity key which is loaded in it.
//!
//! Where TPM 2.0 has an integrity check of the TPM's own, here OAEP protects the first part; the second needs none, since
//! a wrong secret is a wrong answer.
//!
//! # Determinism
//!
//! As for TPM 2.0, everything random comes from 32 bytes that the caller gives:
//!
//! `random(what, len) = KDFa(SHA-256, seed32, "elapse/tpm12/credential/" what, EK name, identity key's name || secret, len)`
//!
//! with `what` one of `session` (16 bytes) and `oaep` (20), and of a challenge's own secret `secret` (32), with an empty
//! secret in its place. The initial vector of OFB is zero: no session key encrypts two secrets.

use aes::{
	cipher::{generic_array::GenericArray, BlockEncrypt, KeyInit},
	Aes128,
};
use alloc::vec::Vec;

use super::{key::EndorsementKey, IdentityKey};
use crate::{credential::SEED_LEN, kdf::kdfa, reader::Reader, Challenge, Credential, Error, HashAlgorithm};

const DOMAIN: &str = "elapse/tpm12/credential/";

/// `TPM_ALG_AES128` (Part 2, section 4.8).
const TPM_ALG_AES128: u32 = 6;
/// `TPM_ES_SYM_OFB` (Part 2, section 5.8.1).
const TPM_ES_SYM_OFB: u16 = 5;
/// `TPM_SS_NONE`.
const TPM_SS_NONE: u16 = 1;
/// Length of an AES block and of the session key, in bytes.
const BLOCK_LEN: usize = 16;
/// Longest secret, in bytes.
const MAX_SECRET_LEN: usize = 32;

impl EndorsementKey {
	/// The credential of `secret` for the identity key `object`, everything random taken from `seed` (see the
	/// [protocol](crate::legacy)). The caller decides whether `seed` is fresh or one to be repeated.
	///
	/// # Errors
	/// [`Error::CredentialSize`] (M1) unless the secret has 1 to 32 bytes.
	pub fn make_credential(
		&self,
		object: &IdentityKey,
		secret: &[u8],
		seed: &[u8; SEED_LEN],
	) -> Result<Credential, Error> {
		if secret.is_empty() || secret.len() > MAX_SECRET_LEN {
			return Err(Error::CredentialSize);
		}
		let session: [u8; BLOCK_LEN] = self.random(seed, "session", object, secret);
		let contents = [symmetric_key(&session).as_slice(), object.digest()].concat();
		let encrypted_secret = self.encrypt(&contents, &self.random(seed, "oaep", object, secret))?;
		Credential::new(sym_attestation(&ofb(&session, secret)), encrypted_secret)
	}

	/// The challenge to the chip of this key: whoever answers with its secret holds the EK and, in the same TPM, `object`
	/// as an identity key.
	///
	/// # Errors
	/// None today; a `Result` as of [`Self::make_credential`].
	pub fn challenge(&self, object: &IdentityKey, seed: &[u8; SEED_LEN]) -> Result<Challenge, Error> {
		let secret: [u8; MAX_SECRET_LEN] = self.random(seed, "secret", object, &[]);
		let credential = self.make_credential(object, &secret, seed)?;
		Ok(Challenge { secret: secret.to_vec(), credential })
	}

	/// Rule M4 *credential-recomputed*: `credential` is the challenge of `seed`, to the last bit. Returns its secret.
	///
	/// # Errors
	/// [`Error::CredentialRecomputed`].
	pub fn check_challenge(
		&self,
		object: &IdentityKey,
		seed: &[u8; SEED_LEN],
		credential: &Credential,
	) -> Result<Vec<u8>, Error> {
		let challenge = self.challenge(object, seed)?;
		if challenge.credential == *credential {
			Ok(challenge.secret)
		} else {
			Err(Error::CredentialRecomputed)
		}
	}

	fn random<const LEN: usize>(
		&self,
		seed: &[u8; SEED_LEN],
		what: &str,
		object: &IdentityKey,
		secret: &[u8],
	) -> [u8; LEN] {
		let label = [DOMAIN, what].concat();
		let v = [object.name().as_bytes(), secret].concat();
		let derived = kdfa(HashAlgorithm::Sha256, seed, &label, self.name().as_bytes(), &v, LEN as u16);
		let mut out = [0; LEN];
		out.iter_mut().zip(derived).for_each(|(to, from)| *to = from);
		out
	}
}

/// The secret in a credential, with the session key that the TPM has given out for its
/// [`encrypted_secret`](Credential::encrypted_secret): a `TPM_SYMMETRIC_KEY`, as `TPM_ActivateIdentity` returns it.
///
/// # Errors
/// Rules E1-E3, H11 and H12. A secret that is not the challenger's comes out without one: the answer will be refused.
pub fn open_credential(credential: &Credential, symmetric_key: &[u8]) -> Result<Vec<u8>, Error> {
	let mut reader = Reader::new(symmetric_key);
	let kind = (reader.u32()?, reader.u16()?, reader.u16()?);
	if kind != (TPM_ALG_AES128, TPM_ES_SYM_OFB, BLOCK_LEN as u16) {
		return Err(Error::LegacySessionKey);
	}
	let session = reader.array()?;
	reader.finish()?;

	let mut reader = Reader::new(&credential.id_object);
	let len = reader.u32()? as usize;
	let secret_len = credential.id_object.len().checked_sub(sym_attestation(&[]).len());
	if len > MAX_SECRET_LEN || secret_len != Some(len) {
		return Err(Error::LegacySymAttestation);
	}
	let head = reader.take(credential.id_object.len() - 4 - len)?;
	if Some(head) != sym_attestation(&[]).get(4..) {
		return Err(Error::LegacySymAttestation);
	}
	Ok(ofb(&session, reader.take(len)?))
}

/// `TPM_SYMMETRIC_KEY` (Part 2, section 10.4).
fn symmetric_key(session: &[u8; BLOCK_LEN]) -> Vec<u8> {
	let mut key = TPM_ALG_AES128.to_be_bytes().to_vec();
	key.extend(TPM_ES_SYM_OFB.to_be_bytes());
	key.extend((BLOCK_LEN as u16).to_be_bytes());
	key.extend(session);
	key
}

/// `TPM_SYM_CA_ATTESTATION`: the size of what is encrypted, `TPM_KEY_PARMS` with `TPM_SYMMETRIC_KEY_PARMS` (Part 2, section
/// 10.1.2), and what is encrypted.
fn sym_attestation(encrypted: &[u8]) -> Vec<u8> {
	// At most MAX_SECRET_LEN.
	let mut bytes = (encrypted.len() as u32).to_be_bytes().to_vec();
	bytes.extend(TPM_ALG_AES128.to_be_bytes());
	bytes.extend(TPM_ES_SYM_OFB.to_be_bytes());
	bytes.extend(TPM_SS_NONE.to_be_bytes());
	// Size of what follows, bits of the key, bits of a block, bytes of the initial vector.
	for word in [3 * 4 + BLOCK_LEN as u32, 128, 128, BLOCK_LEN as u32] {
		bytes.extend(word.to_be_bytes());
	}
	bytes.extend([0; BLOCK_LEN]);
	bytes.extend(encrypted);
	bytes
}

/// AES-128 in OFB mode (SP 800-38A, section 6.4) under a zero initial vector; either way.
fn ofb(session: &[u8; BLOCK_LEN], data: &[u8]) -> Vec<u8> {
	let cipher = Aes128::new(GenericArray::from_slice(session));
	let mut block = [0; BLOCK_LEN];
	let mut out = Vec::with_capacity(data.len());
	for chunk in data.chunks(BLOCK_LEN) {
		cipher.encrypt_block(GenericArray::from_mut_slice(&mut block));
		out.extend(chunk.iter().zip(&block).map(|(data, key)| data ^ key));
	}
	out
}
