//! From a log to the PCR values that it adds up to.

use alloc::{collections::BTreeMap, vec, vec::Vec};

use super::EventLog;
use crate::{algorithm::bank_digest, Error, PcrSelection};

/// PCRs that only a dynamic launch sets to zero; before one they are all ones (PC Client Platform TPM Profile, section
/// 4.6.2).
const DYNAMIC: core::ops::RangeInclusive<usize> = 17..=22;

/// The PCRs of one bank after every event of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PcrBank {
	/// The `TPM_ALG_ID` of its hash.
	pub bank: u16,
	/// The PCRs that the log extends, and their values.
	pub extended: BTreeMap<usize, Vec<u8>>,
	digest_len: usize,
	startup_locality: u8,
}

impl EventLog<'_> {
	/// Extends a bank from its values at power-on by every event, in order (rule L6). PCR 17-22 count as started by a
	/// dynamic launch where the log extends them.
	///
	/// # Errors
	/// [`Error::LogBank`].
	pub fn replay(&self, bank: u16) -> Result<PcrBank, Error> {
		let index = self.bank_index(bank)?;
		let digest_len = self.banks.get(index).map_or(0, |bank| bank.digest_len);
		let mut pcrs = PcrBank { bank, extended: BTreeMap::new(), digest_len, startup_locality: self.startup_locality };
		for event in self.extended() {
			let pcr = usize::try_from(event.pcr).map_err(|_| Error::LogPcr)?;
			let digest = event.digests.get(index).ok_or(Error::LogDigests)?;
			let old = match pcrs.extended.get(&pcr) {
				Some(value) => value.clone(),
				None if DYNAMIC.contains(&pcr) => vec![0; digest_len],
				None => pcrs.initial(pcr),
			};
			let new = bank_digest(bank, &[&old, digest]).ok_or(Error::LogBank)?;
			pcrs.extended.insert(pcr, new);
		}
		Ok(pcrs)
	}
}

impl PcrBank {
	/// The value of a PCR, extended or not.
	pub fn value(&self, pcr: usize) -> Vec<u8> {
		self.extended.get(&pcr).cloned().unwrap_or_else(|| self.initial(pcr))
	}

	/// What a PCR holds before the first event.
	fn initial(&self, pcr: usize) -> Vec<u8> {
		let mut value = vec![if DYNAMIC.contains(&pcr) { 0xff } else { 0 }; self.digest_len];
		// TPM2_Startup from another locality leaves its number in PCR 0 (Part 3, TPM2_Startup).
		if let (0, Some(last)) = (pcr, value.last_mut()) {
			*last = self.startup_locality;
		}
		value
	}

	/// The PCRs of `selection` whose value here is not the one in `values`, which come ascending by PCR. A value that is
	/// missing differs.
	///
	/// An operating system extends PCRs too (IMA into 10, for example), which no firmware log tells of: give only those
	/// that the log should account for.
	pub fn differing(&self, selection: &PcrSelection, values: &[&[u8]]) -> Vec<usize> {
		let given = values.iter().map(Some).chain(core::iter::repeat(None));
		let pcrs = selection.pcrs().zip(given);
		pcrs.filter(|(pcr, value)| *value != Some(&self.value(*pcr).as_slice())).map(|(pcr, _)| pcr).collect()
	}

	/// Rule L7 *log-replay*: the events add up to exactly `values` in the PCRs of `selection`, which is of this bank.
	///
	/// # Errors
	/// [`Error::LogBank`] for a selection of another bank, [`Error::LogReplay`].
	pub fn check(&self, selection: &PcrSelection, values: &[&[u8]]) -> Result<(), Error> {
		if selection.bank != self.bank {
			return Err(Error::LogBank);
		}
		if selection.pcrs().count() != values.len() || !self.differing(selection, values).is_empty() {
			return Err(Error::LogReplay);
		}
		Ok(())
	}
}
