//! What a platform may look like: which PCRs are quoted, what they may hold, how old the firmware may be, and how the
//! counters may have moved.
//!
//! A [`PlatformPolicy`] is plain bounded data, so that a pallet can keep it. [`PlatformPolicy::verify`] judges a quote
//! against it, everything from the bytes.
//!
//! # Rules
//!
//! Beside those of a quote (E, N, A, Q, S, and Q3-Q5 against the policy's selection and the prover's values):
//! - G1 *policy-form*: the policy's bank is known, its bitmap selects at least one PCR, there is a rule for each selected
//!   PCR, every list has a value and every value its bank's length (a composite: that of an accepted hash). Checked at
//!   every use, since an empty list would be a policy that nothing meets, and a missing one a policy that all do.
//! - G2 *firmware-floor*: the TPM's firmware version is at least the policy's. Vendors number upwards within a model.
//! - G3 *pcr-allowed*: every selected PCR holds a value of its list.
//! - G4 *composite-allowed*: or, the digest over all of them is in the list.
//! - G5 *counters-forward*: (resetCount, restartCount) is not below that last accepted. TPM2_Clear sets both to zero, but
//!   it also ends every key under the endorsement hierarchy (N2), so under one key they only rise.
//! - G6 *clock-forward*: nor is clock, which Q1 vouches for.
//! - G7 *same-boot*: no reset in between, if the policy says so.
//! - G8 *no-resume*: no restart or resume in between, if the policy says so.
//!
//! Counters, clock and firmware version are plain only for a key in the endorsement hierarchy, so N2 comes before them.
//! The PCR values are the prover's own words until Q5 has held.

use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::{
	algorithm::bank_digest_len,
	attest::{verify_quote, verify_quote_of_any_clock},
	AttestationKey, ClockInfo, Error, HashAlgorithm, Name, PcrSelection, QuoteAttestation,
};

/// Most PCRs that a policy can list one by one: as many as a PC Client TPM has.
pub const MAX_PCRS: u32 = 24;
/// Most values in one list.
pub const MAX_VALUES: u32 = 16;

/// One PCR's value, or a composite digest.
pub type Digest = BoundedVec<u8, ConstU32<64>>;
/// Values of which one must be there.
pub type Digests = BoundedVec<Digest, ConstU32<MAX_VALUES>>;

/// What one PCR may hold.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub enum PcrRule {
	/// Anything: it is quoted so that an event log can be replayed against it.
	Any,
	/// One of these.
	OneOf(Digests),
}

/// What the selected PCRs may hold.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub enum AllowedPcrs {
	/// A rule for each, ascending by PCR.
	Each(BoundedVec<PcrRule, ConstU32<MAX_PCRS>>),
	/// The whole of them, as the quote's digest under the signing hash of the key. List one digest a hash.
	Composite(Digests),
}

/// What is asked of a platform.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct PlatformPolicy {
	/// The `TPM_ALG_ID` of the bank.
	pub bank: u16,
	/// The PCR bitmap, exactly as the TPM writes it: the lowest bit of the first byte is PCR 0.
	pub bitmap: BoundedVec<u8, ConstU32<32>>,
	/// What the PCRs may hold.
	pub allowed: AllowedPcrs,
	/// The lowest firmware version, vendor specific; 0 for any.
	pub min_firmware: u64,
	/// Whether the TPM may have been reset since the last accepted quote.
	pub may_reset: bool,
	/// Whether it may have been restarted or resumed.
	pub may_resume: bool,
}

/// What lies between two quotes of one TPM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Boot {
	/// Nothing: no PCR was set back in between.
	Same,
	/// A restart or resume of the TPM.
	Resumed,
	/// A reset of the TPM, as every reboot is.
	Reset,
}

/// A quote with all that is needed to judge it.
#[derive(Clone, Copy, Debug)]
pub struct PlatformEvidence<'a> {
	/// The key that signed.
	pub key: &'a AttestationKey,
	/// The Name of the endorsement key above it.
	pub ek_name: &'a Name,
	/// The quote (`TPMS_ATTEST`).
	pub attest: &'a [u8],
	/// Its signature (`TPMT_SIGNATURE`, normalised).
	pub signature: &'a [u8],
	/// The nonce that it was asked under.
	pub nonce: &'a [u8],
	/// What the prover says that the PCRs hold, ascending by PCR.
	pub pcr_values: &'a [&'a [u8]],
	/// The clock information of the last quote that was accepted from this key, if there was one.
	pub previous: Option<&'a ClockInfo>,
}

impl ClockInfo {
	/// What lies between `previous` and this, of the same key (rules G5 and G6). Both must be plain: those of a key in the
	/// endorsement hierarchy, and safe.
	///
	/// # Errors
	/// [`Error::CountersWentBack`], [`Error::ClockWentBack`].
	pub fn since(&self, previous: &Self) -> Result<Boot, Error> {
		let counters = |info: &Self| (info.reset_count, info.restart_count);
		if counters(self) < counters(previous) {
			return Err(Error::CountersWentBack);
		}
		if self.clock < previous.clock {
			return Err(Error::ClockWentBack);
		}
		Ok(if self.reset_count > previous.reset_count {
			Boot::Reset
		} else if self.restart_count > previous.restart_count {
			Boot::Resumed
		} else {
			Boot::Same
		})
	}
}

impl PlatformPolicy {
	/// Whether it leaves PCRs open ([`PcrRule::Any`]): what they hold then means something only with the log of how it
	/// came to be.
	pub fn leaves_open(&self) -> bool {
		match &self.allowed {
			AllowedPcrs::Each(rules) => rules.contains(&PcrRule::Any),
			AllowedPcrs::Composite(_) => false,
		}
	}

	/// Judges a quote: rules E, N1, A, Q1, Q2 and S of the quote ([`verify_quote`]), G1, N2, Q3-Q5, G2-G8.
	///
	/// Returns the quote, and what lies between it and the previous one if there was one.
	///
	/// # Errors
	/// The first rule that is broken, in this order.
	pub fn verify(&self, evidence: &PlatformEvidence<'_>) -> Result<(QuoteAttestation, Option<Boot>), Error> {
		let PlatformEvidence { key, attest, signature, nonce, previous, .. } = *evidence;
		let quote = verify_quote(key, attest, signature, nonce)?;
		self.check_quote(&quote, evidence)?;
		let boot = self.check_clock(&quote.clock_info, previous)?;
		Ok((quote, boot))
	}

	/// Judges what a quote says of the platform, and nothing that its clock says: as [`Self::verify`], without Q1 and
	/// G5-G8, for who has the clock from elsewhere. `previous` is not looked at.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn verify_platform(&self, evidence: &PlatformEvidence<'_>) -> Result<QuoteAttestation, Error> {
		let PlatformEvidence { key, attest, signature, nonce, .. } = *evidence;
		let quote = verify_quote_of_any_clock(key, attest, signature, nonce)?;
		self.check_quote(&quote, evidence)?;
		Ok(quote)
	}

	/// Rules G1, N2, Q3-Q5, G2-G4.
	fn check_quote(&self, quote: &QuoteAttestation, evidence: &PlatformEvidence<'_>) -> Result<(), Error> {
		let PlatformEvidence { key, ek_name, pcr_values, .. } = *evidence;
		self.check_form()?;
		quote.signed_under_ek(key, ek_name)?;
		quote.verify_pcrs(key.hash_algorithm(), &[self.selection()], pcr_values)?;
		self.check_firmware(quote)?;
		self.check_values(quote, pcr_values)
	}

	/// The selection that a quote must have.
	pub fn selection(&self) -> PcrSelection {
		PcrSelection { bank: self.bank, bitmap: self.bitmap.to_vec() }
	}

	/// Rule G1 *policy-form*, for those who keep policies.
	///
	/// # Errors
	/// [`Error::PolicyForm`].
	pub fn check_form(&self) -> Result<(), Error> {
		let value_len = bank_digest_len(self.bank).ok_or(Error::PolicyForm)?;
		let pcrs = self.selection().pcrs().count();
		let full = |list: &Digests, fits: &dyn Fn(usize) -> bool| {
			!list.is_empty() && list.iter().all(|value| fits(value.len()))
		};
		let values_fit = match &self.allowed {
			AllowedPcrs::Each(rules) => {
				rules.len() == pcrs
					&& rules.iter().all(|rule| match rule {
						PcrRule::Any => true,
						PcrRule::OneOf(values) => full(values, &|len| len == value_len),
					}) && rules.iter().any(|rule| *rule != PcrRule::Any)
			}
			AllowedPcrs::Composite(digests) => full(digests, &is_hash_len),
		};
		// What no TPM quotes (rule Q2) nobody could meet.
		if pcrs == 0 || self.bitmap.len() < 3 || !values_fit {
			return Err(Error::PolicyForm);
		}
		Ok(())
	}

	/// Rule G2 *firmware-floor*.
	///
	/// # Errors
	/// [`Error::FirmwareFloor`].
	pub fn check_firmware(&self, quote: &QuoteAttestation) -> Result<(), Error> {
		if quote.firmware_version < self.min_firmware {
			return Err(Error::FirmwareFloor);
		}
		Ok(())
	}

	/// Rules G3 *pcr-allowed* and G4 *composite-allowed*. `values` must be those that [`QuoteAttestation::verify_pcrs`] has
	/// held against the quote.
	///
	/// # Errors
	/// [`Error::PcrNotAllowed`], [`Error::CompositeNotAllowed`].
	pub fn check_values(&self, quote: &QuoteAttestation, values: &[&[u8]]) -> Result<(), Error> {
		match &self.allowed {
			AllowedPcrs::Each(rules) => each_allowed(rules, values)?,
			AllowedPcrs::Composite(list) => {
				if !list.iter().any(|allowed| allowed.as_slice() == quote.pcr_digest) {
					return Err(Error::CompositeNotAllowed);
				}
			}
		}
		Ok(())
	}

	/// Rules G5-G8, and nothing without a previous quote.
	///
	/// # Errors
	/// [`Error::CountersWentBack`], [`Error::ClockWentBack`], [`Error::Reset`], [`Error::Restarted`].
	pub fn check_clock(&self, now: &ClockInfo, previous: Option<&ClockInfo>) -> Result<Option<Boot>, Error> {
		let Some(previous) = previous else { return Ok(None) };
		match now.since(previous)? {
			Boot::Reset if !self.may_reset => Err(Error::Reset),
			Boot::Resumed if !self.may_resume => Err(Error::Restarted),
			boot => Ok(Some(boot)),
		}
	}
}

/// Rule G3 *pcr-allowed*, of values that were held against a quote.
pub(crate) fn each_allowed(rules: &[PcrRule], values: &[&[u8]]) -> Result<(), Error> {
	let allowed = |(rule, value): (&PcrRule, &&[u8])| match rule {
		PcrRule::Any => true,
		PcrRule::OneOf(list) => list.iter().any(|allowed| allowed.as_slice() == *value),
	};
	if rules.len() != values.len() || !rules.iter().zip(values).all(allowed) {
		return Err(Error::PcrNotAllowed);
	}
	Ok(())
}

fn is_hash_len(len: usize) -> bool {
	[HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512].iter().any(|hash| hash.digest_len() == len)
}
