//! The two keys of a chip, of whichever generation: what registers keep of it, and judge it by.
//!
//! TPM 2.0 and TPM 1.2 have nothing in common on the wire. What is asked of them is the same: who are you ([`Ek`]), does
//! this key live in you ([`Ek::challenge`]), what booted ([`Ak::verify_platform`]). Whoever keeps members asks it here and
//! need not know which of the two it has, but for one difference: a TPM 1.2 attests no time ([`Ak::attests_time`]), so its
//! member never authors.
//!
//! Keys come as bytes, and the bytes tell: a `TPM_PUBKEY` begins with the four bytes of `TPM_ALG_RSA`, a `TPMT_PUBLIC` with
//! the two bytes of an algorithm that is not 0.
//!
//! # Rules
//! - H13 *one-generation* ([`Error::OneGeneration`]): both keys of a chip are of one generation. A challenge of one is
//!   nothing that the other could open; what asks for both is a mistake or a forgery.
//!
//! All others are those of the generation: see the [crate](crate#rules) and [`legacy`].

use crate::{
	legacy, AttestationKey, Challenge, ClockInfo, Credential, EndorsementKey, Error, Name, PlatformEvidence,
	PlatformPolicy, SEED_LEN,
};

/// Whether these bytes are a key of a TPM 1.2, if they are one at all.
pub fn is_legacy(public: &[u8]) -> bool {
	public.starts_with(&[0, 0])
}

/// A quote as it is handed in, whichever chip made it.
#[derive(Clone, Copy, Debug)]
pub struct Quote<'a> {
	/// `TPMS_ATTEST`, or `TPM_QUOTE_INFO`.
	pub attest: &'a [u8],
	/// `TPMT_SIGNATURE`, or the bare signature of a TPM 1.2.
	pub signature: &'a [u8],
	/// The nonce that it was asked under.
	pub nonce: &'a [u8],
	/// What the prover says that the PCRs hold, ascending by PCR.
	pub pcr_values: &'a [&'a [u8]],
}

/// What a good quote says beside its PCRs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
	/// The chip's clock. A TPM 1.2 has none.
	pub clock: Option<ClockInfo>,
	/// The firmware that it runs (`TPMS_ATTEST.firmwareVersion`). A TPM 1.2 does not say.
	pub firmware: Option<u64>,
}

/// An attestation key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ak {
	/// Of a TPM 2.0.
	Tpm20(AttestationKey),
	/// Of a TPM 1.2: an identity key.
	Tpm12(legacy::IdentityKey),
}

impl Ak {
	/// A member's attestation key: a `TPMT_PUBLIC` as [`AttestationKey::parse_author`] takes it, or a `TPM_PUBKEY`.
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse(public: &[u8]) -> Result<Self, Error> {
		if is_legacy(public) {
			legacy::IdentityKey::parse(public).map(Self::Tpm12)
		} else {
			AttestationKey::parse_author(public).map(Self::Tpm20)
		}
	}

	/// Its name.
	pub fn name(&self) -> &Name {
		match self {
			Self::Tpm20(key) => key.name(),
			Self::Tpm12(key) => key.name(),
		}
	}

	/// Whether its chip attests time, without which nobody authors.
	pub fn attests_time(&self) -> bool {
		matches!(self, Self::Tpm20(_))
	}

	/// Judges a quote against a policy by all of its rules, the clock's included: [`PlatformPolicy::verify`], or
	/// [`legacy::verify_platform`]. `previous` is the clock of the last quote that was accepted of this key.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn verify(
		&self,
		policy: &PlatformPolicy,
		ek_name: &Name,
		quote: &Quote<'_>,
		previous: Option<&ClockInfo>,
	) -> Result<Claims, Error> {
		match self {
			Self::Tpm20(key) => {
				let (quote, _) = policy.verify(&evidence(key, ek_name, quote, previous))?;
				Ok(Claims { clock: Some(quote.clock_info), firmware: Some(quote.firmware_version) })
			}
			Self::Tpm12(key) => Self::verify_legacy(key, policy, quote),
		}
	}

	/// Judges what a quote says of the platform, and nothing that its clock says: [`PlatformPolicy::verify_platform`], or
	/// [`legacy::verify_platform`].
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn verify_platform(&self, policy: &PlatformPolicy, ek_name: &Name, quote: &Quote<'_>) -> Result<Claims, Error> {
		match self {
			Self::Tpm20(key) => {
				let quote = policy.verify_platform(&evidence(key, ek_name, quote, None))?;
				Ok(Claims { clock: None, firmware: Some(quote.firmware_version) })
			}
			Self::Tpm12(key) => Self::verify_legacy(key, policy, quote),
		}
	}

	fn verify_legacy(key: &legacy::IdentityKey, policy: &PlatformPolicy, quote: &Quote<'_>) -> Result<Claims, Error> {
		let Quote { attest: quote_info, signature, nonce, pcr_values } = *quote;
		legacy::verify_platform(policy, &legacy::PlatformEvidence { key, quote_info, signature, nonce, pcr_values })?;
		Ok(Claims { clock: None, firmware: None })
	}
}

fn evidence<'a>(
	key: &'a AttestationKey,
	ek_name: &'a Name,
	quote: &Quote<'a>,
	previous: Option<&'a ClockInfo>,
) -> PlatformEvidence<'a> {
	let Quote { attest, signature, nonce, pcr_values } = *quote;
	PlatformEvidence { key, ek_name, attest, signature, nonce, pcr_values, previous }
}

/// An endorsement key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ek {
	/// Of a TPM 2.0.
	Tpm20(EndorsementKey),
	/// Of a TPM 1.2.
	Tpm12(legacy::EndorsementKey),
}

impl Ek {
	/// An endorsement key: a `TPMT_PUBLIC` or a `TPM_PUBKEY`.
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse(public: &[u8]) -> Result<Self, Error> {
		if is_legacy(public) {
			legacy::EndorsementKey::parse(public).map(Self::Tpm12)
		} else {
			EndorsementKey::parse(public).map(Self::Tpm20)
		}
	}

	/// Its name.
	pub fn name(&self) -> &Name {
		match self {
			Self::Tpm20(key) => key.name(),
			Self::Tpm12(key) => key.name(),
		}
	}

	/// The challenge that derives from `seed`: whoever answers with its secret holds this key and, in the same chip, `ak`.
	///
	/// # Errors
	/// [`Error::OneGeneration`] (H13), and what [`EndorsementKey::challenge`] may say.
	pub fn challenge(&self, ak: &Ak, seed: &[u8; SEED_LEN]) -> Result<Challenge, Error> {
		match (self, ak) {
			(Self::Tpm20(ek), Ak::Tpm20(ak)) => ek.challenge(ak.name(), seed),
			(Self::Tpm12(ek), Ak::Tpm12(ak)) => ek.challenge(ak, seed),
			_ => Err(Error::OneGeneration),
		}
	}

	/// Rule M4 *credential-recomputed*: `credential` is the challenge of `seed`, to the last bit. Returns its secret.
	///
	/// # Errors
	/// [`Error::CredentialRecomputed`], and as [`Self::challenge`].
	pub fn check_challenge(
		&self,
		ak: &Ak,
		seed: &[u8; SEED_LEN],
		credential: &Credential,
	) -> Result<alloc::vec::Vec<u8>, Error> {
		match (self, ak) {
			(Self::Tpm20(ek), Ak::Tpm20(ak)) => ek.check_challenge(ak.name(), seed, credential),
			(Self::Tpm12(ek), Ak::Tpm12(ak)) => ek.check_challenge(ak, seed, credential),
			_ => Err(Error::OneGeneration),
		}
	}
}
