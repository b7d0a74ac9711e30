//! `TPM_QUOTE_INFO` (Part 2, section 11.3) and `TPM_PCR_COMPOSITE` (section 8.2): what `TPM_Quote` signs.
//!
//! `TPM_Quote2` has a form of its own, which many chips lack. It says nothing that is used here, so there is one form.

use alloc::vec::Vec;

use super::{sha1, IdentityKey, DIGEST_LEN};
use crate::{
	algorithm::TPM_ALG_SHA1, policy::each_allowed, reader::Reader, AllowedPcrs, Error, PcrSelection, PlatformPolicy,
};

/// `TPM_STRUCT_VER`, which never left 1.1.0.0 (Part 2, section 5.1).
const VERSION: [u8; 4] = [1, 1, 0, 0];
const FIXED: &[u8; 4] = b"QUOT";

/// Length of a `TPM_QUOTE_INFO`.
pub const QUOTE_INFO_LEN: usize = 4 + 4 + 2 * DIGEST_LEN;

/// Length of a PCR bitmap: 24 PCRs. A chip takes the length that it is asked with.
const BITMAP_LEN: usize = 3;
/// Bytes of the bitmap that select PCRs which only a reboot sets back: 0 to 15.
const STATIC_BYTES: usize = 2;

/// A quote (`TPM_QUOTE_INFO`).
///
/// Parsing alone proves nothing: see [`verify_quote`] and [`Self::verify_pcrs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuoteInfo {
	/// SHA-1 of the `TPM_PCR_COMPOSITE`: selection and values.
	pub composite_hash: [u8; DIGEST_LEN],
	/// What the caller gave to the TPM: here always the SHA-1 of the nonce.
	pub external_data: [u8; DIGEST_LEN],
}

impl QuoteInfo {
	/// Parses a `TPM_QUOTE_INFO` to its last byte (rules E1, E2, H6, H7). A chip returns none: whoever quotes writes it
	/// from the answer ([`Self::of`]).
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse(quote_info: &[u8]) -> Result<Self, Error> {
		let mut reader = Reader::new(quote_info);
		if reader.array()? != VERSION {
			return Err(Error::LegacyQuoteVersion);
		}
		if reader.array()? != *FIXED {
			return Err(Error::LegacyQuoteFixed);
		}
		let parsed = Self { composite_hash: reader.array()?, external_data: reader.array()? };
		reader.finish()?;
		Ok(parsed)
	}

	/// The quote over a `TPM_PCR_COMPOSITE` under a nonce, for who asks a chip: its
	/// [`externalData`](Self::external_data) is what the chip must be given.
	pub fn of(pcr_composite: &[u8], nonce: &[u8]) -> Self {
		Self { composite_hash: sha1(&[pcr_composite]), external_data: sha1(&[nonce]) }
	}

	/// The `TPM_QUOTE_INFO`.
	pub fn to_bytes(&self) -> [u8; QUOTE_INFO_LEN] {
		let mut bytes = [0; QUOTE_INFO_LEN];
		let parts = VERSION.iter().chain(FIXED).chain(&self.composite_hash).chain(&self.external_data);
		bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
		bytes
	}

	/// Checks that the quote is about exactly the PCRs of `policy`, and that these hold `values`, ascending by PCR (rules
	/// Q3-Q5). The selection is under the digest too, so a quote over other PCRs is refused as one of other values is.
	///
	/// # Errors
	/// The rule that is broken.
	pub fn verify_pcrs(&self, policy: &PcrSelection, values: &[&[u8]]) -> Result<(), Error> {
		if sha1(&[&composite(policy, values)?]) != self.composite_hash {
			return Err(Error::PcrDigest);
		}
		Ok(())
	}
}

/// The `TPM_PCR_COMPOSITE` of these values, ascending by PCR, 20 bytes each.
///
/// # Errors
/// [`Error::PcrSelection`] (Q3) unless the selection is of the SHA-1 bank and three bytes long, [`Error::PcrValues`] (Q4)
/// unless there are as many values as it has PCRs.
pub fn composite(selection: &PcrSelection, values: &[&[u8]]) -> Result<Vec<u8>, Error> {
	if selection.bank != TPM_ALG_SHA1 || selection.bitmap.len() != BITMAP_LEN {
		return Err(Error::PcrSelection);
	}
	if values.len() != selection.pcrs().count() || values.iter().any(|value| value.len() != DIGEST_LEN) {
		return Err(Error::PcrValues);
	}
	let mut bytes = (BITMAP_LEN as u16).to_be_bytes().to_vec();
	bytes.extend(&selection.bitmap);
	// 24 values at most.
	bytes.extend(((values.len() * DIGEST_LEN) as u32).to_be_bytes());
	values.iter().for_each(|value| bytes.extend(*value));
	Ok(bytes)
}

/// What `TPM_Quote` returns beside the signature (`TPM_PCR_COMPOSITE`). The prover's own words until
/// [`QuoteInfo::verify_pcrs`] has held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PcrComposite<'a> {
	/// Which PCRs, as a selection of the SHA-1 bank.
	pub selection: PcrSelection,
	/// What they hold, ascending by PCR.
	pub values: Vec<&'a [u8]>,
}

impl<'a> PcrComposite<'a> {
	/// Parses a `TPM_PCR_COMPOSITE` to its last byte (rules E1, E2, Q2, Q4).
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse(pcr_composite: &'a [u8]) -> Result<Self, Error> {
		let mut reader = Reader::new(pcr_composite);
		if usize::from(reader.u16()?) != BITMAP_LEN {
			return Err(Error::PcrSelectionForm);
		}
		let selection = PcrSelection { bank: TPM_ALG_SHA1, bitmap: reader.take(BITMAP_LEN)?.to_vec() };
		let count = selection.pcrs().count();
		if reader.u32()? as usize != count * DIGEST_LEN {
			return Err(Error::PcrValues);
		}
		let values = (0..count).map(|_| reader.take(DIGEST_LEN)).collect::<Result<_, _>>()?;
		reader.finish()?;
		Ok(Self { selection, values })
	}
}

/// A quote under `nonce`, signed by `key`: rules E1, E2, H6, H7 and A3 over `quote_info`, S3, S4 and S6 over `signature`
/// (256 bytes, bare).
///
/// What is left to the caller: that `key` was activated in a genuine TPM, and [`QuoteInfo::verify_pcrs`].
///
/// # Errors
/// The rule that is broken.
pub fn verify_quote(key: &IdentityKey, quote_info: &[u8], signature: &[u8], nonce: &[u8]) -> Result<QuoteInfo, Error> {
	let parsed = QuoteInfo::parse(quote_info)?;
	if parsed.external_data != sha1(&[nonce]) {
		return Err(Error::Nonce);
	}
	key.verify(quote_info, signature)?;
	Ok(parsed)
}

/// A quote with all that is needed to judge it: [`crate::PlatformEvidence`] without what a TPM 1.2 does not say.
#[derive(Clone, Copy, Debug)]
pub struct PlatformEvidence<'a> {
	/// The key that signed, activated.
	pub key: &'a IdentityKey,
	/// The quote (`TPM_QUOTE_INFO`).
	pub quote_info: &'a [u8],
	/// Its signature, bare.
	pub signature: &'a [u8],
	/// The nonce that it was asked under.
	pub nonce: &'a [u8],
	/// What the prover says that the PCRs hold, ascending by PCR.
	pub pcr_values: &'a [&'a [u8]],
}

/// Judges a quote against a policy: the rules of [`verify_quote`], then G1, H8, H9 of the policy, Q3-Q5, G3.
///
/// # Errors
/// The first rule that is broken, in this order.
pub fn verify_platform(policy: &PlatformPolicy, evidence: &PlatformEvidence<'_>) -> Result<QuoteInfo, Error> {
	let PlatformEvidence { key, quote_info, signature, nonce, pcr_values } = *evidence;
	let quote = verify_quote(key, quote_info, signature, nonce)?;
	let rules = check_policy(policy)?;
	quote.verify_pcrs(&policy.selection(), pcr_values)?;
	each_allowed(rules, pcr_values)?;
	Ok(quote)
}

/// Rules G1, H8 and H9: this policy is one that a TPM 1.2 can meet. Returns its rules, one a selected PCR; for those who
/// keep policies.
///
/// # Errors
/// [`Error::PolicyForm`], [`Error::LegacyPolicy`], [`Error::LegacyStaticPcrs`].
pub fn check_policy(policy: &PlatformPolicy) -> Result<&[crate::PcrRule], Error> {
	policy.check_form()?;
	let tellable = policy.min_firmware == 0 && policy.may_reset && policy.may_resume;
	let rules = match &policy.allowed {
		AllowedPcrs::Each(rules) if policy.bank == TPM_ALG_SHA1 && tellable => rules,
		_ => return Err(Error::LegacyPolicy),
	};
	if policy.bitmap.len() != BITMAP_LEN || policy.bitmap.iter().skip(STATIC_BYTES).any(|byte| *byte != 0) {
		return Err(Error::LegacyStaticPcrs);
	}
	Ok(rules)
}
