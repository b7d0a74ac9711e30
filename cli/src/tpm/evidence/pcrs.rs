//! PCR values as files have them, and selections as people type them.

use std::collections::BTreeMap;

use ep_tpm::{algorithm::bank_digest_len, PcrSelection};

use super::files::{hash_id, hash_name};
use crate::input::Error;

/// PCR values, and the selection that the file itself names, if it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PcrFile {
	/// The selection in the file.
	pub(super) selection: Option<Vec<PcrSelection>>,
	/// The values, bank by bank, ascending by PCR.
	pub(super) values: Vec<Vec<u8>>,
}

/// The `serialized` format of tpm2_quote is the memory of two C structures, little-endian: `TPML_PCR_SELECTION` with 16
/// places, then the number of lists and as many `TPML_DIGEST` with 8 places.
mod serialized {
	pub(super) const BANKS: usize = 16;
	pub(super) const BANK_LEN: usize = 8;
	pub(super) const DIGESTS: usize = 8;
	pub(super) const DIGEST_LEN: usize = 2 + 64;
	pub(super) const HEAD_LEN: usize = 4 + BANKS * BANK_LEN + 4;
	pub(super) const LIST_LEN: usize = 4 + DIGESTS * DIGEST_LEN;
}

impl PcrFile {
	/// Reads what `tpm2_quote -o` or `tpm2_pcrread -o` writes (`serialized`, or `values` for the quoted selection), or a
	/// flat JSON object from PCR numbers to hexadecimal.
	pub(super) fn parse(bytes: &[u8], quoted: &[PcrSelection]) -> Result<Self, Error> {
		if let Some(file) = serialized(bytes) {
			return Ok(file);
		}
		if let Ok(object) = serde_json::from_slice::<BTreeMap<usize, String>>(bytes) {
			return json(&object, quoted);
		}
		let mut rest = bytes;
		let mut values = Vec::new();
		for selection in quoted {
			let len = bank_digest_len(selection.bank)
				.ok_or_else(|| Error::Usage(format!("unknown PCR bank {}", hash_name(selection.bank))))?;
			for _ in selection.pcrs() {
				let Some((value, tail)) = rest.split_at_checked(len) else {
					return Err(Error::Usage(format!(
						"the PCR file ends after {} values: neither `serialized` nor the quoted values",
						values.len()
					)));
				};
				values.push(value.to_vec());
				rest = tail;
			}
		}
		if !rest.is_empty() {
			return Err(Error::Usage(format!("the PCR file has {} bytes more than the quoted values", rest.len())));
		}
		Ok(Self { selection: None, values })
	}

	/// The values as slices.
	pub(super) fn values(&self) -> Vec<&[u8]> {
		self.values.iter().map(Vec::as_slice).collect()
	}
}

/// The `serialized` format, or `None`.
pub(super) fn serialized(bytes: &[u8]) -> Option<PcrFile> {
	use serialized::*;
	let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..at + 4)?.first_chunk()?));
	let half = |at: usize| Some(u16::from_le_bytes(*bytes.get(at..at + 2)?.first_chunk()?));
	let banks = word(0)? as usize;
	let lists = word(HEAD_LEN - 4)? as usize;
	if banks > BANKS || bytes.len() != HEAD_LEN.checked_add(lists.checked_mul(LIST_LEN)?)? {
		return None;
	}
	let mut selection = Vec::new();
	for at in (4..).step_by(BANK_LEN).take(banks) {
		let len = usize::from(*bytes.get(at + 2)?);
		let bitmap = bytes.get(at + 3..at + 7)?.get(..len)?;
		selection.push(PcrSelection { bank: half(at)?, bitmap: bitmap.to_vec() });
	}
	let mut values = Vec::new();
	for list in (HEAD_LEN..).step_by(LIST_LEN).take(lists) {
		let count = word(list)? as usize;
		if count > DIGESTS {
			return None;
		}
		for at in (list + 4..).step_by(DIGEST_LEN).take(count) {
			let len = usize::from(half(at)?);
			values.push(bytes.get(at + 2..at + DIGEST_LEN)?.get(..len)?.to_vec());
		}
	}
	Some(PcrFile { selection: Some(selection), values })
}

fn json(object: &BTreeMap<usize, String>, quoted: &[PcrSelection]) -> Result<PcrFile, Error> {
	let [selection] = quoted else {
		return Err(Error::Usage("PCR values as JSON name no bank, and the quote is not of exactly one".into()));
	};
	let mut values = Vec::new();
	for pcr in selection.pcrs() {
		let value = object.get(&pcr).ok_or_else(|| Error::Usage(format!("the PCR file lacks PCR {pcr}")))?;
		values.push(super::files::hexadecimal(&format!("PCR {pcr}"), value)?);
	}
	Ok(PcrFile { selection: None, values })
}

/// A selection as tpm2-tools take it: `sha256:0,7+sha1:16`.
pub(super) fn selection(text: &str) -> Result<Vec<PcrSelection>, Error> {
	let usage = || Error::Usage(format!("{text}: not a selection such as sha256:0,1,7 or sha1:16+sha256:16"));
	text.split('+')
		.map(|bank| {
			let (bank, pcrs) = bank.split_once(':').ok_or_else(usage)?;
			let mut bitmap = vec![0; 3];
			for pcr in pcrs.split(',') {
				let pcr: usize = pcr.trim().parse().map_err(|_| usage())?;
				*bitmap.get_mut(pcr / 8).ok_or_else(usage)? |= 1 << (pcr % 8);
			}
			Ok(PcrSelection { bank: hash_id(bank.trim())?, bitmap })
		})
		.collect()
}

/// A selection for people.
pub(super) fn selection_text(selection: &[PcrSelection]) -> String {
	let bank = |bank: &PcrSelection| {
		let pcrs: Vec<String> = bank.pcrs().map(|pcr| pcr.to_string()).collect();
		format!("{}:{}", hash_name(bank.bank), pcrs.join(","))
	};
	selection.iter().map(bank).collect::<Vec<_>>().join("+")
}
