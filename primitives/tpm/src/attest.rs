//! `TPMS_ATTEST` (TPM 2.0 Library, Part 2, section 10.12): what a TPM says and signs. The kinds `time`
//! (`TPM2_GetTime`) and `quote` (`TPM2_Quote`) are parsed here, those about objects in [`crate::certify`], every other is
//! refused.
//!
//! # Time, and which clock
//!
//! A time attestation carries two clocks, twice. `clock` can be set forwards by the owner of a TPM (`TPM2_ClockSet`):
//! it must never measure a wait. `time`, in milliseconds since the TPM was powered, cannot be set; it is only found in
//! the *inner* `TPMS_TIME_INFO`. The counters beside it say whether it restarted in between. The outer `clockInfo` and
//! `firmwareVersion` are obfuscated by the TPM for keys outside the endorsement and platform hierarchies, the inner
//! ones are not, so those are what [`TimeAttestation`] shows.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::{
	algorithm::bank_digest_len, name::MAX_NAME_LEN, reader::Reader, AttestationKey, Error, HashAlgorithm, Name,
};

/// `TPM_GENERATED_VALUE` (Part 2, section 6.2): a restricted key signs nothing that begins so unless the TPM made it.
pub const TPM_GENERATED_VALUE: u32 = 0xff54_4347;
/// `TPM_ST_ATTEST_QUOTE` (Part 2, section 6.9).
pub const TPM_ST_ATTEST_QUOTE: u16 = 0x8018;
/// `TPM_ST_ATTEST_TIME` (Part 2, section 6.9).
pub const TPM_ST_ATTEST_TIME: u16 = 0x8019;

/// Longest `extraData` in bytes: the size of a `TPMT_HA` (`TPM2B_DATA`, Part 2, section 10.4.3).
pub const MAX_EXTRA_DATA_LEN: usize = 2 + 64;
/// Length of a `TPMS_CLOCK_INFO`.
const CLOCK_INFO_LEN: usize = 8 + 4 + 4 + 1;
/// Longest time attestation in bytes: magic, type, signer, extra data, clock, firmware; time, clock, firmware.
pub const MAX_TIME_ATTEST_LEN: usize =
	4 + 2 + (2 + MAX_NAME_LEN) + (2 + MAX_EXTRA_DATA_LEN) + CLOCK_INFO_LEN + 8 + (8 + CLOCK_INFO_LEN + 8);

/// Most banks in a PCR selection (`TPML_PCR_SELECTION`, Part 2, section 10.9.7: `HASH_COUNT`, which no TPM has above
/// this).
const MAX_BANKS: u32 = 16;
/// Length of a PCR bitmap: 24 PCRs at least (PC Client Platform TPM Profile), 256 at most.
const BITMAP_LEN: core::ops::RangeInclusive<usize> = 3..=32;
/// Longest digest in bytes.
pub(crate) const MAX_DIGEST_LEN: usize = 64;

/// `TPMS_CLOCK_INFO` (Part 2, section 10.11.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct ClockInfo {
	/// Milliseconds while the TPM was powered, over restarts. The owner can set it forwards: never use it to measure.
	pub clock: u64,
	/// Number of TPM resets since `TPM2_Clear`.
	pub reset_count: u32,
	/// Number of TPM restarts and resumes since the last reset or `TPM2_Clear`.
	pub restart_count: u32,
	/// Whether no greater value of `clock` was ever reported. It says nothing about `time`.
	pub safe: bool,
}

impl ClockInfo {
	fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
		Ok(Self {
			clock: reader.u64()?,
			reset_count: reader.u32()?,
			restart_count: reader.u32()?,
			// `TPMI_YES_NO`: any other value would be a second encoding of "yes".
			safe: match reader.u8()? {
				0 => false,
				1 => true,
				_ => return Err(Error::SafeFlag),
			},
		})
	}
}

/// What every attestation begins with.
pub(crate) struct Header<'a> {
	pub(crate) qualified_signer: Name,
	pub(crate) extra_data: &'a [u8],
	pub(crate) clock_info: ClockInfo,
	pub(crate) firmware_version: u64,
}

impl<'a> Header<'a> {
	pub(crate) fn read(reader: &mut Reader<'a>, kind: u16) -> Result<Self, Error> {
		if reader.u32()? != TPM_GENERATED_VALUE {
			return Err(Error::Magic);
		}
		if reader.u16()? != kind {
			return Err(Error::AttestationType);
		}
		Ok(Self {
			qualified_signer: Name::from_bytes(reader.sized(MAX_NAME_LEN)?)?,
			extra_data: reader.sized(MAX_EXTRA_DATA_LEN)?,
			clock_info: ClockInfo::read(reader)?,
			firmware_version: reader.u64()?,
		})
	}
}

/// A time attestation (`TPMS_TIME_ATTEST_INFO`, Part 2, section 10.12.2).
///
/// Parsing alone proves nothing: see [`verify_time`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeAttestation {
	/// The Qualified Name of the key that signed.
	pub qualified_signer: Name,
	/// The nonce that the caller gave to the TPM.
	pub extra_data: Vec<u8>,
	/// Milliseconds since the TPM was powered.
	pub time: u64,
	/// The inner clock information, whose counters are plain.
	pub clock_info: ClockInfo,
	/// The inner firmware version, vendor specific.
	pub firmware_version: u64,
}

impl TimeAttestation {
	/// Parses a `TPMS_ATTEST` of the kind `time` to its last byte (rules E1-E3, N1, A1, A2, A4).
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse(attest: &[u8]) -> Result<Self, Error> {
		let mut reader = Reader::new(attest);
		let header = Header::read(&mut reader, TPM_ST_ATTEST_TIME)?;
		let time = reader.u64()?;
		let clock_info = ClockInfo::read(&mut reader)?;
		let firmware_version = reader.u64()?;
		reader.finish()?;
		Ok(Self {
			qualified_signer: header.qualified_signer,
			extra_data: header.extra_data.to_vec(),
			time,
			clock_info,
			firmware_version,
		})
	}

	/// Rule N2 *qualified-signer*: the key that signed is a child of the endorsement key named `ek_name`.
	///
	/// # Errors
	/// [`Error::QualifiedSigner`] if it is another key, or the same key under another parent or hierarchy.
	pub fn signed_under_ek(&self, key: &AttestationKey, ek_name: &Name) -> Result<(), Error> {
		signed_under_ek(&self.qualified_signer, key, ek_name)
	}
}

/// One bank of a PCR selection (`TPMS_PCR_SELECTION`, Part 2, section 10.6.2).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct PcrSelection {
	/// The `TPM_ALG_ID` of the bank's hash.
	pub bank: u16,
	/// One bit a PCR, the lowest bit of the first byte being PCR 0.
	pub bitmap: Vec<u8>,
}

impl PcrSelection {
	/// The numbers of the selected PCRs, ascending: the order in which their values are hashed.
	pub fn pcrs(&self) -> impl Iterator<Item = usize> + '_ {
		self.bitmap
			.iter()
			.enumerate()
			.flat_map(|(index, byte)| (0..8).filter(move |bit| byte >> bit & 1 == 1).map(move |bit| index * 8 + bit))
	}

	pub(crate) fn read_list(reader: &mut Reader<'_>) -> Result<Vec<Self>, Error> {
		let count = reader.u32()?;
		if count > MAX_BANKS {
			return Err(Error::PcrSelectionForm);
		}
		let mut list: Vec<Self> = Vec::new();
		for _ in 0..count {
			let bank = reader.u16()?;
			let len = usize::from(reader.u8()?);
			if !BITMAP_LEN.contains(&len) || list.iter().any(|other| other.bank == bank) {
				return Err(Error::PcrSelectionForm);
			}
			list.push(Self { bank, bitmap: reader.take(len)?.to_vec() });
		}
		Ok(list)
	}
}

/// A quote (`TPMS_QUOTE_INFO`, Part 2, section 10.12.4).
///
/// Parsing alone proves nothing: see [`verify_quote`] and [`Self::verify_pcrs`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuoteAttestation {
	/// The Qualified Name of the key that signed.
	pub qualified_signer: Name,
	/// The nonce that the caller gave to the TPM.
	pub extra_data: Vec<u8>,
	/// The clock information. Its counters are plain only for keys in the endorsement or platform hierarchy.
	pub clock_info: ClockInfo,
	/// The firmware version, vendor specific, plain for the same keys.
	pub firmware_version: u64,
	/// Which PCRs were quoted.
	pub pcr_selection: Vec<PcrSelection>,
	/// The digest of their values.
	pub pcr_digest: Vec<u8>,
}

impl QuoteAttestation {
	/// Parses a `TPMS_ATTEST` of the kind `quote` to its last byte (rules E1-E3, N1, A1, A2, A4, Q2).
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse(attest: &[u8]) -> Result<Self, Error> {
		let mut reader = Reader::new(attest);
		let header = Header::read(&mut reader, TPM_ST_ATTEST_QUOTE)?;
		let pcr_selection = PcrSelection::read_list(&mut reader)?;
		let pcr_digest = reader.sized(MAX_DIGEST_LEN)?.to_vec();
		reader.finish()?;
		Ok(Self {
			qualified_signer: header.qualified_signer,
			extra_data: header.extra_data.to_vec(),
			clock_info: header.clock_info,
			firmware_version: header.firmware_version,
			pcr_selection,
			pcr_digest,
		})
	}

	/// Rule N2 *qualified-signer*, as [`TimeAttestation::signed_under_ek`].
	///
	/// # Errors
	/// [`Error::QualifiedSigner`].
	pub fn signed_under_ek(&self, key: &AttestationKey, ek_name: &Name) -> Result<(), Error> {
		signed_under_ek(&self.qualified_signer, key, ek_name)
	}

	/// Checks that the quote is about exactly the PCRs of `policy`, in its order, and that these hold `values` (rules
	/// Q3-Q5).
	///
	/// `signing_hash` is the key's own ([`AttestationKey::hash_algorithm`]): a TPM makes the digest with the signing
	/// hash, whatever the bank. `values` come bank by bank, ascending by PCR; each must have its bank's length, since
	/// otherwise bytes could be moved from one value to its neighbour under the same digest.
	///
	/// # Errors
	/// The rule that is broken.
	pub fn verify_pcrs(
		&self,
		signing_hash: HashAlgorithm,
		policy: &[PcrSelection],
		values: &[&[u8]],
	) -> Result<(), Error> {
		if self.pcr_selection != policy {
			return Err(Error::PcrSelection);
		}
		let mut rest = values.iter();
		for selection in policy {
			let len = bank_digest_len(selection.bank).ok_or(Error::PcrValues)?;
			for _ in selection.pcrs() {
				if rest.next().map(|value| value.len()) != Some(len) {
					return Err(Error::PcrValues);
				}
			}
		}
		if rest.next().is_some() {
			return Err(Error::PcrValues);
		}
		if signing_hash.digest(values) != self.pcr_digest {
			return Err(Error::PcrDigest);
		}
		Ok(())
	}
}

pub(crate) fn signed_under_ek(signer: &Name, key: &AttestationKey, ek_name: &Name) -> Result<(), Error> {
	if *signer == key.qualified_name_under_ek(ek_name)? {
		Ok(())
	} else {
		Err(Error::QualifiedSigner)
	}
}

/// A time attestation under `nonce`, signed by `key`: rules E1-E3, N1, A1-A4 over `attest`, S1-S6 over `signature`.
///
/// The cheap checks come first, the signature last. `clock_info.safe` is free: it speaks about `clock`, which is not
/// used. What is left to the caller: that `key` is the right one and lives in a genuine TPM (see
/// [`TimeAttestation::signed_under_ek`]), and what the counters were before.
///
/// # Errors
/// The rule that is broken.
pub fn verify_time(
	key: &AttestationKey,
	attest: &[u8],
	signature: &[u8],
	nonce: &[u8],
) -> Result<TimeAttestation, Error> {
	let parsed = TimeAttestation::parse(attest)?;
	if parsed.extra_data != nonce {
		return Err(Error::Nonce);
	}
	key.verify(attest, signature)?;
	Ok(parsed)
}

/// A quote under `nonce`, signed by `key`: as [`verify_time`], and rules Q1 and Q2.
///
/// What is left to the caller beside what [`verify_time`] leaves: [`QuoteAttestation::verify_pcrs`].
///
/// # Errors
/// The rule that is broken.
pub fn verify_quote(
	key: &AttestationKey,
	attest: &[u8],
	signature: &[u8],
	nonce: &[u8],
) -> Result<QuoteAttestation, Error> {
	let parsed = QuoteAttestation::parse(attest)?;
	if parsed.extra_data == nonce && !parsed.clock_info.safe {
		return Err(Error::ClockNotSafe);
	}
	verify_quote_of_any_clock(key, attest, signature, nonce)
}

/// As [`verify_quote`], without rule Q1: for who looks at the PCRs alone. A chip says for up to 70 minutes after a power
/// cut that its clock is not safe.
///
/// # Errors
/// The rule that is broken.
pub fn verify_quote_of_any_clock(
	key: &AttestationKey,
	attest: &[u8],
	signature: &[u8],
	nonce: &[u8],
) -> Result<QuoteAttestation, Error> {
	let parsed = QuoteAttestation::parse(attest)?;
	if parsed.extra_data != nonce {
		return Err(Error::Nonce);
	}
	key.verify(attest, signature)?;
	Ok(parsed)
}
