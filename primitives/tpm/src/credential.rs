//! `TPM2_MakeCredential` in software (TPM 2.0 Library, Part 1, section 24, annexes B and C): a secret that comes out
//! only in the TPM of one endorsement key, and only while one named object is loaded there.
//!
//! # Protocol
//!
//! For a secret, the Name of an object and an endorsement key with name algorithm `H` and cipher AES-CFB:
//! 1. a *seed* of `H`'s length is shared with the EK. RSA: it is random, and encrypted by OAEP with `H`, MGF1 over `H`
//!    and the label "IDENTITY" (annex B.4, B.10.4). ECC: an ephemeral key `e` is made, and
//!    `seed = KDFe(H, (e·EK).x, "IDENTITY", (e·G).x, EK.x)`; `e·G` is published (annex C.6.4);
//! 2. `encIdentity = AES-CFB(KDFa(H, seed, "STORAGE", name), TPM2B(secret))`;
//! 3. `integrity = HMAC(H, KDFa(H, seed, "INTEGRITY"), encIdentity || name)`.
//!
//! # Determinism
//!
//! Everything random comes from 32 bytes that the caller gives, so that whoever learns them later can compute the same
//! blob, and see whether an applicant was asked an honest question:
//!
//! `random(what, len) = KDFa(SHA-256, seed32, "elapse/tpm/credential/" what, EK name, object name || secret, len)`
//!
//! with `what` one of `seed` and `oaep` (RSA), `ephemeral` (ECC, twice the length of the field, reduced modulo the
//! order: a bias of one in 2^256 or less). A name says its own length, so no two inputs run into each other; KDFa hashes the
//! length too. The secret is among the inputs, so that two secrets under one seed do not share a key stream. A
//! challenge's own secret is `random("secret", 32)`, with an empty secret in its place.
//!
//! # Rules
//!
//! M1-M4 of the [crate documentation](crate#rules).
//!
//! The multiplication by an ephemeral key is constant-time; OAEP's exponentiation is by the public exponent.

use alloc::{vec, vec::Vec};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use p256::elliptic_curve::{ops::Reduce, sec1::ToEncodedPoint};
use rsa::{traits::PublicKeyParts, BigUint, RsaPublicKey};
use scale_info::TypeInfo;

use crate::{
	ek::Encrypter,
	kdf::{cfb_encrypt, hmac, kdfa, kdfe, mgf1, Digest},
	reader::Reader,
	signature::fit,
	EndorsementKey, Error, HashAlgorithm, Name,
};

/// Length of a seed, and of the secret of a [`Challenge`].
pub const SEED_LEN: usize = 32;
/// Longest `TPMS_ID_OBJECT` in bytes: an integrity digest and an encrypted digest, each with its size.
pub const MAX_ID_OBJECT_LEN: u32 = 2 * (2 + 64);
/// Longest `TPMU_ENCRYPTED_SECRET` in bytes: RSA-4096.
pub const MAX_ENCRYPTED_SECRET_LEN: u32 = 512;

/// What tpm2-tools write at the head of a credential file.
const FILE_MAGIC: u32 = 0xBADC_C0DE;
const FILE_VERSION: u32 = 1;

/// The label of the seed, for OAEP and for the key agreement.
const IDENTITY: &str = "IDENTITY";
/// The same with the zero byte that OAEP has there.
const OAEP_LABEL: &[u8] = b"IDENTITY\0";

/// A credential: what `TPM2_ActivateCredential` takes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Credential {
	/// `TPMS_ID_OBJECT` (Part 2, section 12.4.2): the integrity digest as a `TPM2B`, and the encrypted secret.
	pub id_object: BoundedVec<u8, ConstU32<MAX_ID_OBJECT_LEN>>,
	/// `TPMU_ENCRYPTED_SECRET` (Part 2, section 11.4.2): the OAEP ciphertext, or the ephemeral point.
	pub encrypted_secret: BoundedVec<u8, ConstU32<MAX_ENCRYPTED_SECRET_LEN>>,
}

impl Credential {
	/// The file that `tpm2_activatecredential` reads and `tpm2_makecredential` writes: magic, version,
	/// `TPM2B_ID_OBJECT`, `TPM2B_ENCRYPTED_SECRET`.
	pub fn to_file(&self) -> Vec<u8> {
		let mut file = Vec::new();
		file.extend(FILE_MAGIC.to_be_bytes());
		file.extend(FILE_VERSION.to_be_bytes());
		for part in [self.id_object.as_slice(), self.encrypted_secret.as_slice()] {
			// Both are bounded far below 64 KiB.
			file.extend((part.len() as u16).to_be_bytes());
			file.extend(part);
		}
		file
	}

	/// Reads such a file, to its last byte.
	///
	/// # Errors
	/// Rules E1-E3 and M3.
	pub fn from_file(file: &[u8]) -> Result<Self, Error> {
		let mut reader = Reader::new(file);
		if reader.u32()? != FILE_MAGIC || reader.u32()? != FILE_VERSION {
			return Err(Error::CredentialFile);
		}
		let id_object = reader.sized(MAX_ID_OBJECT_LEN as usize)?.to_vec();
		let encrypted_secret = reader.sized(MAX_ENCRYPTED_SECRET_LEN as usize)?.to_vec();
		reader.finish()?;
		Self::new(id_object, encrypted_secret)
	}

	pub(crate) fn new(id_object: Vec<u8>, encrypted_secret: Vec<u8>) -> Result<Self, Error> {
		Ok(Self {
			id_object: id_object.try_into().map_err(|_| Error::OversizedField)?,
			encrypted_secret: encrypted_secret.try_into().map_err(|_| Error::OversizedField)?,
		})
	}
}

/// A question that only one TPM can answer, and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
	/// What the TPM will return.
	pub secret: Vec<u8>,
	/// What it is asked.
	pub credential: Credential,
}

/// Everything random in a credential.
#[derive(Clone, Copy, Debug)]
pub enum Randomness<'a> {
	/// For an RSA key.
	Rsa {
		/// The seed, as long as a digest of the EK's name algorithm.
		seed: &'a [u8],
		/// The seed of OAEP, as long.
		oaep_seed: &'a [u8],
	},
	/// For an ECC key.
	Ecc {
		/// The private ephemeral key, big-endian, as long as the field, neither zero nor the order or above.
		ephemeral: &'a [u8],
	},
}

impl EndorsementKey {
	/// The credential of `secret` for the object named `object`, everything random taken from `seed` (see the
	/// [module documentation](crate::credential)). The caller decides whether `seed` is fresh or one to be repeated.
	///
	/// # Errors
	/// [`Error::CredentialSize`] (M1) unless the secret has 1 to as many bytes as a digest of the EK's name algorithm.
	pub fn make_credential(&self, object: &Name, secret: &[u8], seed: &[u8; SEED_LEN]) -> Result<Credential, Error> {
		let random = |what, len| self.random(seed, what, object, secret, len);
		let len = self.hash_algorithm().digest_len() as u16;
		match self.encrypter() {
			Encrypter::Rsa(_) => {
				let (seed, oaep_seed) = (random("seed", len), random("oaep", len));
				self.make_credential_with(object, secret, Randomness::Rsa { seed: &seed, oaep_seed: &oaep_seed })
			}
			Encrypter::P256(_) => {
				let ephemeral = p256_scalar(&random("ephemeral", 64));
				self.make_credential_with(object, secret, Randomness::Ecc { ephemeral: &ephemeral })
			}
			Encrypter::P384(_) => {
				let ephemeral = p384_scalar(&random("ephemeral", 96));
				self.make_credential_with(object, secret, Randomness::Ecc { ephemeral: &ephemeral })
			}
		}
	}

	/// The credential of `secret` for the object named `object`, with the caller's randomness in its raw form: for
	/// known-answer tests, and for callers with a random source of their own.
	///
	/// # Errors
	/// Rules M1 and M2.
	pub fn make_credential_with(
		&self,
		object: &Name,
		secret: &[u8],
		randomness: Randomness<'_>,
	) -> Result<Credential, Error> {
		let hash = self.hash_algorithm();
		if secret.is_empty() || secret.len() > hash.digest_len() {
			return Err(Error::CredentialSize);
		}
		let (seed, encrypted_secret) = self.share_seed(randomness)?;
		let name = object.as_bytes();
		let key = kdfa(hash, &seed, "STORAGE", name, &[], self.symmetric_len());
		let identity = cfb_encrypt(&key, &sized(secret))?;
		let key = kdfa(hash, &seed, "INTEGRITY", &[], &[], hash.digest_len() as u16);
		let integrity = hmac(hash, &key, &[&identity, name]);
		Credential::new([sized(&integrity), identity].concat(), encrypted_secret)
	}

	/// The challenge to the chip of this key: whoever answers with its secret holds the EK, and the object named
	/// `object` in the same TPM.
	///
	/// # Errors
	/// None today; a `Result` as of [`Self::make_credential`].
	pub fn challenge(&self, object: &Name, seed: &[u8; SEED_LEN]) -> Result<Challenge, Error> {
		let secret = self.random(seed, "secret", object, &[], SEED_LEN as u16);
		let credential = self.make_credential(object, &secret, seed)?;
		Ok(Challenge { secret, credential })
	}

	/// Rule M4 *credential-recomputed*: `credential` is the challenge of `seed`, to the last bit. Returns its secret.
	///
	/// A challenger that reveals its seed has shown that its question could be answered; one whose blob is another has
	/// asked what nobody could answer.
	///
	/// # Errors
	/// [`Error::CredentialRecomputed`].
	pub fn check_challenge(
		&self,
		object: &Name,
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

	fn random(&self, seed: &[u8; SEED_LEN], what: &str, object: &Name, secret: &[u8], len: u16) -> Vec<u8> {
		let label = [DOMAIN, what].concat();
		let v = [object.as_bytes(), secret].concat();
		kdfa(HashAlgorithm::Sha256, seed, &label, self.name().as_bytes(), &v, len)
	}

	/// The seed, and its `TPMU_ENCRYPTED_SECRET`.
	fn share_seed(&self, randomness: Randomness<'_>) -> Result<(Vec<u8>, Vec<u8>), Error> {
		let hash = self.hash_algorithm();
		let (own, ek_x, z) = match (self.encrypter(), randomness) {
			(Encrypter::Rsa(key), Randomness::Rsa { seed, oaep_seed }) => {
				if seed.len() != hash.digest_len() || oaep_seed.len() != hash.digest_len() {
					return Err(Error::RandomnessForm);
				}
				return Ok((seed.to_vec(), oaep(key, &|parts| hash.digest(parts), OAEP_LABEL, seed, oaep_seed)?));
			}
			(Encrypter::P256(key), Randomness::Ecc { ephemeral }) => p256_agree(key, ephemeral)?,
			(Encrypter::P384(key), Randomness::Ecc { ephemeral }) => p384_agree(key, ephemeral)?,
			_ => return Err(Error::RandomnessForm),
		};
		let [own_x, own_y] = own;
		let seed = kdfe(hash, &z, IDENTITY, &own_x, &ek_x, hash.digest_len() as u16);
		Ok((seed, [sized(&own_x), sized(&own_y)].concat()))
	}
}

const DOMAIN: &str = "elapse/tpm/credential/";

/// `TPM2B`. What comes here is bounded far below 64 KiB.
fn sized(bytes: &[u8]) -> Vec<u8> {
	[&(bytes.len() as u16).to_be_bytes(), bytes].concat()
}

/// RSAES-OAEP (RFC 8017, section 7.1.1); `seed` is as long as a digest.
pub(crate) fn oaep(
	key: &RsaPublicKey,
	digest: Digest<'_>,
	label: &[u8],
	message: &[u8],
	seed: &[u8],
) -> Result<Vec<u8>, Error> {
	let mut data = digest(&[label]);
	let (modulus_len, hash_len) = (key.size(), data.len());
	// RSA-2048 has room for a SHA-512 seed; nothing smaller is an endorsement key.
	let padding = modulus_len.checked_sub(2 * hash_len + 2 + message.len()).ok_or(Error::RandomnessForm)?;
	data.extend(vec![0; padding]);
	data.push(1);
	data.extend(message);
	let masked_data = xor(&data, &mgf1(digest, seed, data.len()));
	let masked_seed = xor(seed, &mgf1(digest, &masked_data, hash_len));
	let number = BigUint::from_bytes_be(&[&[0], masked_seed.as_slice(), &masked_data].concat());
	fit(&number.modpow(key.e(), key.n()).to_bytes_be(), modulus_len)
}

fn xor(left: &[u8], right: &[u8]) -> Vec<u8> {
	left.iter().zip(right).map(|(left, right)| left ^ right).collect()
}

/// The ephemeral point, the x coordinate of the EK, and that of the shared point.
type Agreement = ([Vec<u8>; 2], Vec<u8>, Vec<u8>);

macro_rules! one_pass_ecdh {
	($curve:ident, $agree:ident, $scalar:ident) => {
		fn $agree(ek: &$curve::PublicKey, ephemeral: &[u8]) -> Result<Agreement, Error> {
			let coordinates = |point: $curve::EncodedPoint| match (point.x(), point.y()) {
				(Some(x), Some(y)) => Ok([x.to_vec(), y.to_vec()]),
				// The point at infinity, which no product of a point and a number below the prime order is.
				_ => Err(Error::RandomnessForm),
			};
			if ephemeral.len() != $curve::FieldBytes::default().len() {
				return Err(Error::RandomnessForm);
			}
			let secret = $curve::SecretKey::from_slice(ephemeral).map_err(|_| Error::RandomnessForm)?;
			let shared = ek.to_projective() * *secret.to_nonzero_scalar();
			let own = coordinates(secret.public_key().to_encoded_point(false))?;
			let [ek_x, _] = coordinates(ek.to_encoded_point(false))?;
			let [z, _] = coordinates(shared.to_affine().to_encoded_point(false))?;
			Ok((own, ek_x, z))
		}

		/// The number `wide`, twice as long as the field, modulo the order.
		fn $scalar(wide: &[u8]) -> Vec<u8> {
			let reduce = |half: &[u8]| {
				let mut bytes = $curve::FieldBytes::default();
				bytes.iter_mut().zip(half).for_each(|(to, from)| *to = *from);
				<$curve::Scalar as Reduce<_>>::reduce_bytes(&bytes)
			};
			let (high, low) = wide.split_at_checked(wide.len() / 2).unwrap_or((wide, &[]));
			// 2^bits = (2^bits - 1) + 1 modulo the order.
			let shift = reduce(&[0xff; 64]) + $curve::Scalar::ONE;
			(reduce(high) * shift + reduce(low)).to_bytes().to_vec()
		}
	};
}

one_pass_ecdh!(p256, p256_agree, p256_scalar);
one_pass_ecdh!(p384, p384_agree, p384_scalar);
