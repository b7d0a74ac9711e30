//! `TPM_PUBKEY` (Part 2, section 10.5): identity keys and endorsement keys.

use alloc::vec::Vec;
use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey};
use sha1::Sha1;

use super::{sha1, sha1_bytes, DIGEST_LEN, MODULUS_LEN};
use crate::{
	certificate::{is_roca, CertifiedKey},
	credential::oaep,
	reader::Reader,
	signature::verify_rsassa_digest,
	Error, Name,
};

/// `TPM_ALG_RSA` (Part 2, section 4.8).
const TPM_ALG_RSA: u32 = 1;
/// `TPM_ES_NONE` (Part 2, section 5.8.1).
const TPM_ES_NONE: u16 = 1;
/// `TPM_ES_RSAESOAEP_SHA1_MGF1`.
const TPM_ES_RSAESOAEP_SHA1_MGF1: u16 = 3;
/// `TPM_SS_NONE`.
const TPM_SS_NONE: u16 = 1;
/// `TPM_SS_RSASSAPKCS1v15_SHA1`.
const TPM_SS_RSASSAPKCS1V15_SHA1: u16 = 2;

const KEY_BITS: u32 = 2048;
const PRIMES: u32 = 2;
/// 65537, the default that an empty exponent stands for (Part 2, section 10.1.1).
const EXPONENT: [u8; 3] = [1, 0, 1];
/// Length of `TPM_RSA_KEY_PARMS` with the exponent written out.
const MAX_RSA_PARMS_LEN: u32 = 4 + 4 + 4 + 3;

/// Longest `TPM_PUBKEY` that is accepted, in bytes: a 2048-bit key with its exponent written out.
pub const MAX_PUBKEY_LEN: usize = 4 + 2 + 2 + 4 + MAX_RSA_PARMS_LEN as usize + 4 + MODULUS_LEN;

/// The label of OAEP (Part 1, section 31.1.1), without a zero byte.
const OAEP_LABEL: &[u8] = b"TCPA";

/// A `TPM_PUBKEY`, parsed to its last byte.
struct PublicKey<'a> {
	enc_scheme: u16,
	sig_scheme: u16,
	modulus: &'a [u8],
}

impl<'a> PublicKey<'a> {
	/// Rules E1-E3, H1, H4, K14, P6.
	fn parse(pubkey: &'a [u8]) -> Result<Self, Error> {
		let mut reader = Reader::new(pubkey);
		if reader.u32()? != TPM_ALG_RSA {
			return Err(Error::LegacyAlgorithm);
		}
		let (enc_scheme, sig_scheme) = (reader.u16()?, reader.u16()?);
		let mut parms = Reader::new(reader.sized32(MAX_RSA_PARMS_LEN)?);
		let (bits, primes) = (parms.u32()?, parms.u32()?);
		let exponent = parms.sized32(EXPONENT.len() as u32)?;
		parms.finish()?;
		let modulus = reader.sized32(MODULUS_LEN as u32)?;
		reader.finish()?;
		if bits != KEY_BITS || primes != PRIMES {
			return Err(Error::LegacyKeySize);
		}
		if !exponent.is_empty() && exponent != EXPONENT {
			return Err(Error::RsaExponent);
		}
		let is_2048 = modulus.len() == MODULUS_LEN && modulus.first().is_some_and(|byte| byte & 0x80 != 0);
		if !is_2048 || modulus.last().is_none_or(|byte| byte & 1 == 0) {
			return Err(Error::RsaModulus);
		}
		Ok(Self { enc_scheme, sig_scheme, modulus })
	}

	/// Rule H5.
	fn check_roca(&self) -> Result<(), Error> {
		if is_roca(self.modulus) {
			return Err(Error::LegacyRoca);
		}
		Ok(())
	}

	fn rsa(&self) -> Result<RsaPublicKey, Error> {
		RsaPublicKey::new(BigUint::from_bytes_be(self.modulus), BigUint::from_bytes_be(&EXPONENT))
			.map_err(|_| Error::RsaModulus)
	}
}

/// A key that may be an attestation identity key: whether it is, `TPM_ActivateIdentity` tells (see the
/// [module documentation](super)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityKey {
	name: Name,
	digest: [u8; DIGEST_LEN],
	key: RsaPublicKey,
}

impl IdentityKey {
	/// The key with this `TPM_PUBKEY`, as `TPM_GetPubKey` returns it, or taken out of the `TPM_KEY` of
	/// `TPM_MakeIdentity`. Rules E1-E3, H1, H4, K14, P6, H2, H5.
	///
	/// An exponent of 65537 may be written out or left out: either is what some chip does, and the digest, which a chip
	/// compares, is over the bytes as they are.
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse(pubkey: &[u8]) -> Result<Self, Error> {
		let public = PublicKey::parse(pubkey)?;
		if public.enc_scheme != TPM_ES_NONE || public.sig_scheme != TPM_SS_RSASSAPKCS1V15_SHA1 {
			return Err(Error::LegacyIdentityScheme);
		}
		public.check_roca()?;
		Ok(Self { name: Name::of_legacy(pubkey), digest: sha1(&[pubkey]), key: public.rsa()? })
	}

	/// The name under which registers know the key: SHA-256 and its identifier, over the `TPM_PUBKEY`. A TPM 1.2 has no
	/// names of its own. No public area of a TPM 2.0 has the same, since none begins as a `TPM_PUBKEY` does.
	pub fn name(&self) -> &Name {
		&self.name
	}

	/// SHA-1 over the `TPM_PUBKEY`, 20 bytes: what `TPM_ActivateIdentity` compares with `idDigest` (Part 3, section
	/// 15.2, action 4).
	pub fn digest(&self) -> &[u8; DIGEST_LEN] {
		&self.digest
	}

	/// Verifies a signature of this key, 256 bytes, over `message` (rules S3, S4, S6).
	///
	/// # Errors
	/// The rule that is broken.
	pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
		verify_rsassa_digest(&self.key, MODULUS_LEN, Pkcs1v15Sign::new::<Sha1>(), &sha1(&[message]), signature)
	}
}

/// The endorsement key of a TPM 1.2, which decrypts owners' secrets and challenges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndorsementKey {
	name: Name,
	modulus: Vec<u8>,
	key: RsaPublicKey,
}

impl EndorsementKey {
	/// The key with this `TPM_PUBKEY`, as `TPM_ReadPubek` returns it. Rules E1-E3, H1, H4, K14, P6, H3, H5.
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse(pubkey: &[u8]) -> Result<Self, Error> {
		let public = PublicKey::parse(pubkey)?;
		if public.enc_scheme != TPM_ES_RSAESOAEP_SHA1_MGF1 || public.sig_scheme != TPM_SS_NONE {
			return Err(Error::LegacyEkScheme);
		}
		public.check_roca()?;
		Ok(Self { name: Name::of_legacy(&marshal(public.modulus)), modulus: public.modulus.into(), key: public.rsa()? })
	}

	/// The key that a certificate is about: what [`crate::certificate::verify_ek`] has accepted says all that there is to
	/// know about it.
	///
	/// # Errors
	/// Rules H1, H4, K14, P6, H5.
	pub fn of_certified(key: &CertifiedKey) -> Result<Self, Error> {
		match key {
			CertifiedKey::Rsa { modulus, exponent: 65537 } if modulus.len() == MODULUS_LEN => {
				Self::parse(&marshal(modulus))
			}
			CertifiedKey::Rsa { exponent: 65537, .. } => Err(Error::LegacyKeySize),
			CertifiedKey::Rsa { .. } => Err(Error::RsaExponent),
			CertifiedKey::Ecc { .. } => Err(Error::LegacyAlgorithm),
		}
	}

	/// Rule H10 *legacy-same-key*: this is the certified key, and so that of the chip.
	///
	/// # Errors
	/// [`Error::LegacySameKey`].
	pub fn check_certified(&self, certified: &CertifiedKey) -> Result<(), Error> {
		match Self::of_certified(certified) {
			Ok(key) if key == *self => Ok(()),
			_ => Err(Error::LegacySameKey),
		}
	}

	/// The name under which registers know the key: SHA-256 and its identifier, over the `TPM_PUBKEY` with the exponent
	/// left out, however the chip writes it.
	pub fn name(&self) -> &Name {
		&self.name
	}

	/// RSAES-OAEP with SHA-1 and the label "TCPA" to this key, everything random given: 256 bytes. What challenges are
	/// made with, and what `TPM_TakeOwnership` takes secrets in.
	///
	/// # Errors
	/// [`Error::RandomnessForm`] if `message` is longer than the 214 bytes for which there is room.
	pub fn encrypt(&self, message: &[u8], oaep_seed: &[u8; DIGEST_LEN]) -> Result<Vec<u8>, Error> {
		oaep(&self.key, &sha1_bytes, OAEP_LABEL, message, oaep_seed)
	}
}

/// The `TPM_PUBKEY` of an endorsement key with this modulus, the exponent left out.
fn marshal(modulus: &[u8]) -> Vec<u8> {
	let mut pubkey = TPM_ALG_RSA.to_be_bytes().to_vec();
	pubkey.extend(TPM_ES_RSAESOAEP_SHA1_MGF1.to_be_bytes());
	pubkey.extend(TPM_SS_NONE.to_be_bytes());
	// The size of what follows up to the modulus, three words; then the modulus, whose length its caller has looked at.
	for word in [12, KEY_BITS, PRIMES, 0, MODULUS_LEN as u32] {
		pubkey.extend(word.to_be_bytes());
	}
	pubkey.extend(modulus);
	pubkey
}
