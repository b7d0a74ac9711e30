//! PCR values and a quote over exactly these values.
//!
//! A chip quotes a digest only, and reads values by another command, eight at a time. In between another program may
//! extend a PCR. Hence values are read first, then quoted, and held against the quote by the verifier's own rules; if
//! they do not add up, all of it is done again.

use crate::{
	backend::{Attested, PcrBank, PcrSelection, Quoted},
	error::TpmError,
};
use ep_tpm::{HashAlgorithm, QuoteAttestation};
use std::collections::BTreeMap;
use tss_esapi::{
	interface_types::algorithm::HashingAlgorithm,
	structures::{PcrSelectionList, PcrSlot},
	Context,
};

/// How often is tried. While a machine boots or a package is installed PCRs change for moments only.
const ATTEMPTS: usize = 5;
/// PCRs of a PC Client TPM.
const PCRS: u8 = 24;
/// Most values in an answer to TPM2_PCR_Read (TPML_DIGEST, Part 2, 10.9.4).
const AT_ONCE: usize = 8;

/// The selection in the form that the chip takes.
///
/// # Errors
/// [`TpmError::BadRequest`] for a PCR that no chip has.
pub(crate) fn to_chip(selection: &PcrSelection) -> Result<PcrSelectionList, TpmError> {
	let slots = selection
		.pcrs
		.iter()
		.map(|pcr| match pcr {
			0..PCRS => PcrSlot::try_from(1u32 << pcr).map_err(|e| TpmError::BadRequest { why: e.to_string() }),
			_ => Err(TpmError::BadRequest { why: format!("there is no PCR {pcr}, only 0 to {}", PCRS - 1) }),
		})
		.collect::<Result<Vec<_>, _>>()?;
	PcrSelectionList::builder()
		.with_selection(bank(selection.bank), &slots)
		.build()
		.map_err(|e| TpmError::BadRequest { why: e.to_string() })
}

fn bank(bank: PcrBank) -> HashingAlgorithm {
	match bank {
		PcrBank::Sha1 => HashingAlgorithm::Sha1,
		PcrBank::Sha256 => HashingAlgorithm::Sha256,
		PcrBank::Sha384 => HashingAlgorithm::Sha384,
		PcrBank::Sha512 => HashingAlgorithm::Sha512,
	}
}

/// The selection in the form that the verifier takes: three bytes, as PC Client chips write it.
fn to_verifier(selection: &PcrSelection) -> ep_tpm::PcrSelection {
	let mut bitmap = vec![0; usize::from(PCRS / 8)];
	for pcr in &selection.pcrs {
		if let Some(byte) = bitmap.get_mut(usize::from(pcr / 8)) {
			*byte |= 1 << (pcr % 8);
		}
	}
	ep_tpm::PcrSelection {
		bank: u16::from(tss_esapi::constants::AlgorithmIdentifier::from(bank(selection.bank))),
		bitmap,
	}
}

/// TPM2_PCR_Read until every selected PCR was read; the values ascending by PCR.
pub(crate) fn read(context: &mut Context, selection: &PcrSelection) -> Result<Vec<Vec<u8>>, TpmError> {
	let all: Vec<u8> = (0..PCRS).filter(|pcr| selection.pcrs.contains(pcr)).collect();
	if all.is_empty() {
		return Err(TpmError::BadRequest { why: "no PCR is selected".into() });
	}
	let mut values = BTreeMap::new();
	// Each answer brings one value at least, or ends this.
	while values.len() < all.len() {
		let rest: Vec<u8> = all.iter().filter(|pcr| !values.contains_key(*pcr)).copied().take(AT_ONCE).collect();
		let asked = to_chip(&PcrSelection { bank: selection.bank, pcrs: rest.clone() })?;
		let (_, answered, digests) = context
			.execute_without_session(|context| context.pcr_read(asked))
			.map_err(|e| TpmError::from_tss("TPM2_PCR_Read", e))?;
		let slots: Vec<PcrSlot> = answered.get_selections().iter().flat_map(|part| part.selected()).collect();
		if slots.is_empty() {
			return Err(no_bank(selection.bank));
		}
		let before = values.len();
		for (slot, digest) in slots.iter().zip(digests.value()) {
			let number = u32::from(*slot).trailing_zeros() as u8;
			if rest.contains(&number) {
				values.insert(number, digest.value().to_vec());
			}
		}
		if slots.len() != digests.len() || values.len() == before {
			let why = format!("{} values for {} PCRs", digests.len(), slots.len());
			return Err(TpmError::BadAnswer { what: "TPM2_PCR_Read", why });
		}
	}
	Ok(values.into_values().collect())
}

fn no_bank(bank: PcrBank) -> TpmError {
	TpmError::BadRequest {
		why: format!(
			"this TPM keeps no such PCRs in the bank {bank:?}: `tpm2_getcap pcrs` shows those that are active; choose one \
			 of them"
		),
	}
}

/// Values and the quote over them. `read` and `quote` ask the chip; `hash` is that of the key which signs.
pub(crate) fn settle<C>(
	chip: &mut C,
	hash: HashAlgorithm,
	selection: &PcrSelection,
	read: impl Fn(&mut C) -> Result<Vec<Vec<u8>>, TpmError>,
	quote: impl Fn(&mut C) -> Result<Attested, TpmError>,
) -> Result<Quoted, TpmError> {
	let wanted = [to_verifier(selection)];
	let nonsense = |why: ep_tpm::Error| TpmError::BadAnswer { what: "TPM2_Quote", why: why.to_string() };
	for attempt in 1..=ATTEMPTS {
		let pcr_values = read(chip)?;
		let attested = quote(chip)?;
		let values: Vec<&[u8]> = pcr_values.iter().map(Vec::as_slice).collect();
		let parsed = QuoteAttestation::parse(&attested.attest).map_err(nonsense)?;
		match parsed.verify_pcrs(hash, &wanted, &values) {
			Ok(()) => return Ok(Quoted { attested, pcr_values }),
			Err(ep_tpm::Error::PcrDigest) => log::debug!("PCRs changed during attempt {attempt} to quote them"),
			Err(other) => return Err(nonsense(other)),
		}
	}
	Err(TpmError::PcrsChanging { attempts: ATTEMPTS })
}

#[cfg(test)]
mod tests {
	use super::*;
	use ep_tpm::Name;

	/// A chip whose two PCRs are extended after so many of the next reads.
	struct Chip {
		pcrs: [u8; 2],
		extensions: usize,
		reads: usize,
	}

	fn values(chip: &Chip) -> Vec<Vec<u8>> {
		chip.pcrs.iter().map(|value| vec![*value; 32]).collect()
	}

	/// A quote as a chip writes it, over PCR 1 and 9 of the SHA-256 bank.
	fn quote(chip: &Chip) -> Attested {
		let digest = HashAlgorithm::Sha256.digest(&[&values(chip).concat()]);
		let signer = Name::from_bytes(&[&[0x00, 0x0b][..], &[1; 32]].concat()).unwrap();
		let mut attest = hex::decode("ff5443478018").unwrap();
		attest.extend([0, signer.as_bytes().len() as u8]);
		attest.extend(signer.as_bytes());
		attest.extend([0, 1, 7]);
		attest.extend([0; 16]);
		attest.push(1);
		attest.extend([0; 8]);
		attest.extend([0, 0, 0, 1, 0x00, 0x0b, 3, 0x02, 0x02, 0x00, 0, 32]);
		attest.extend(digest);
		Attested { attest, signature: Vec::new() }
	}

	fn settled(extensions: usize, order: fn(Vec<Vec<u8>>) -> Vec<Vec<u8>>) -> (Result<Quoted, TpmError>, Chip) {
		let mut chip = Chip { pcrs: [3, 4], extensions, reads: 0 };
		let selection = PcrSelection { bank: PcrBank::Sha256, pcrs: vec![9, 1] };
		let read = |chip: &mut Chip| {
			let read = order(values(chip));
			chip.reads += 1;
			if chip.reads <= chip.extensions {
				chip.pcrs[1] += 1;
			}
			Ok(read)
		};
		let result = settle(&mut chip, HashAlgorithm::Sha256, &selection, read, |chip| Ok(quote(chip)));
		(result, chip)
	}

	#[test]
	fn values_that_changed_before_the_quote_are_read_again() {
		for extensions in 0..ATTEMPTS {
			let (quoted, chip) = settled(extensions, |values| values);
			assert_eq!(quoted.unwrap(), Quoted { attested: quote(&chip), pcr_values: values(&chip) });
			assert_eq!(chip.reads, extensions + 1);
		}
	}

	#[test]
	fn values_that_never_settle_are_given_up_in_the_end() {
		let (quoted, chip) = settled(usize::MAX, |values| values);
		assert!(matches!(quoted, Err(TpmError::PcrsChanging { attempts: ATTEMPTS })), "{quoted:?}");
		assert_eq!(chip.reads, ATTEMPTS);
	}

	#[test]
	fn values_in_another_order_or_number_are_never_returned() {
		let (quoted, _) = settled(0, |values| values.into_iter().rev().collect());
		assert!(matches!(quoted, Err(TpmError::PcrsChanging { .. })), "{quoted:?}");
		let (quoted, _) = settled(0, |mut values| values.split_off(1));
		assert!(matches!(quoted, Err(TpmError::BadAnswer { .. })), "{quoted:?}");
	}
}
