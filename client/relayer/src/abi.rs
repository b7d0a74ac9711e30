//! The contract's calls and answers, as bytes. Entry points, errors and events are those of `ElapseAnchor.sol`.

use ep_bridge::{Certificate, Certified, Checkpoint, SignerSet};
use ep_trust::eip712::{number, Word};
use sp_core::H256;
use sp_crypto_hashing::keccak_256;

/// `submit` of the contract.
pub const SUBMIT: &str = "submit((bytes32,uint64,uint64,bytes32,bytes32,bytes32,uint64,bytes32,uint64,uint64,bytes32),\
bytes,bytes,bytes)";
/// `publishSigners` of the contract.
pub const PUBLISH: &str = "publishSigners(uint64,uint64,bytes)";
/// The event of a checkpoint that has landed.
pub const LANDED: &str = "CheckpointLanded(uint64,uint64,bytes32,address)";
/// The event of a set whose words are kept as code.
pub const PUBLISHED: &str = "SignersPublished(uint64,address)";

/// The rules by which the contract refuses a submission, as its errors are named.
pub const REFUSALS: [&str; 10] =
	["Paused", "Genesis", "Newer", "Handover", "Leaves", "Set", "Bitmap", "LowS", "Signer", "Quorum"];

/// The first four bytes of a call or an error.
pub fn selector(signature: &str) -> [u8; 4] {
	let hash = keccak_256(signature.as_bytes());
	[hash[0], hash[1], hash[2], hash[3]]
}

/// The first topic of an event.
pub fn topic(signature: &str) -> H256 {
	H256(keccak_256(signature.as_bytes()))
}

/// The rule that an answer of a reverted call names.
pub fn refusal(data: &[u8]) -> Option<&'static str> {
	REFUSALS.into_iter().find(|name| data == selector(&format!("{name}()")))
}

/// A call without arguments.
pub fn ask(name: &str) -> Vec<u8> {
	selector(&format!("{name}()")).to_vec()
}

/// Arguments of varying length, behind `words` that stand before their offsets.
fn dynamic(call: &str, words: &[Word], parts: &[&[u8]]) -> Vec<u8> {
	let mut bytes = selector(call).to_vec();
	bytes.extend(words.iter().flatten());
	let mut offset = (words.len() + parts.len()) * 32;
	for part in parts {
		bytes.extend(number(offset as u64));
		offset += 32 + part.len().next_multiple_of(32);
	}
	for part in parts {
		bytes.extend(number(part.len() as u64));
		bytes.extend(*part);
		bytes.extend(std::iter::repeat_n(0, part.len().next_multiple_of(32) - part.len()));
	}
	bytes
}

fn members(checkpoint: &Checkpoint) -> [Word; 11] {
	[
		checkpoint.genesis.0,
		number(checkpoint.epoch),
		number(checkpoint.number),
		checkpoint.block_hash.0,
		checkpoint.state_root.0,
		checkpoint.history_root.0,
		number(checkpoint.history_leaves),
		checkpoint.trust_root.0,
		number(checkpoint.trust_leaves),
		number(checkpoint.signers),
		checkpoint.next_signers.0,
	]
}

/// `submit`, with the words of the set or without, if the contract has them.
pub fn submit(certified: &Certified, certificate: &Certificate, with_words: bool) -> Vec<u8> {
	let words = if with_words { certified.signers.words() } else { Vec::new() };
	let signatures = certificate.signatures.concat();
	dynamic(SUBMIT, &members(&certified.checkpoint), &[&words, &certificate.bitmap, &signatures])
}

/// `publishSigners`.
pub fn publish(set: &SignerSet) -> Vec<u8> {
	dynamic(PUBLISH, &[number(set.id()), number(set.total())], &[&set.words()])
}

/// The certificate with as few signatures as prove the same: those of the greatest weights, until it is a quorum. Each
/// costs a recovery and 64 bytes.
pub fn trim(certified: &Certified) -> Certificate {
	let Certified { signers, certificate, .. } = certified;
	let places = (0..signers.len()).filter(|place| certificate.has(*place));
	let mut signed: Vec<_> = places.zip(certificate.signatures.iter().copied()).collect();
	let weight = |place: usize| signers.signers().get(place).map_or(0, |signer| signer.weight);
	signed.sort_by_key(|(place, _)| std::cmp::Reverse(weight(*place)));
	let mut votes = 0u64;
	let enough = signed.iter().position(|(place, _)| {
		votes = votes.saturating_add(weight(*place));
		signers.is_quorum(votes)
	});
	signed.truncate(enough.map_or(signed.len(), |last| last + 1));
	Certificate::build(signers.len(), signed)
}

/// What calldata costs, in gas: 16 for a byte, 4 for one that is zero.
pub fn calldata_gas(data: &[u8]) -> u64 {
	data.iter().map(|byte| if *byte == 0 { 4 } else { 16 }).sum()
}

/// The word number `index` of an answer, as a number. `None` if it is not there, or more than 64 bits.
pub fn answer(bytes: &[u8], index: usize) -> Option<u64> {
	let (high, low) = word(bytes, index)?.split_first_chunk::<24>()?;
	(*high == [0; 24]).then(|| low.try_into().map(u64::from_be_bytes).ok())?
}

/// The word number `index` of an answer.
pub fn word(bytes: &[u8], index: usize) -> Option<&[u8]> {
	bytes.get(index.checked_mul(32)?..index.checked_add(1)?.checked_mul(32)?)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::testing::{Keys, CHAIN};

	/// Selectors and topics as `forge inspect ElapseAnchor methodIdentifiers` has them, so that a change of the
	/// contract's entry points shows here.
	#[test]
	fn names_are_those_of_the_contract() {
		let hex = |signature: &str| hex::encode(selector(signature));
		let getters = ["latest", "signersId", "signersHash", "published", "pausedUntil", "genesis"];
		assert_eq!(
			getters.map(|name| hex(&format!("{name}()"))),
			["52bfe789", "26624112", "e810f2a2", "8d4d2b0c", "da748b10", "a7f0b3de"]
		);
		assert_eq!(hex(SUBMIT), "ab919c85");
		assert_eq!(hex(PUBLISH), "97f76513");
	}

	#[test]
	fn a_submission_is_laid_out_as_the_abi_has_it() {
		let keys = Keys::new(3);
		let certified = keys.checkpoint(&CHAIN, 40, None);
		let call = submit(&certified, &certified.certificate, true);
		assert_eq!(call.len(), 4 + 11 * 32 + 3 * 32 + (32 + 96) + (32 + 32) + (32 + 3 * 64));
		let body = &call[4..];
		assert_eq!(answer(body, 2), Some(40));
		let at = |index: usize| answer(body, index).unwrap() as usize;
		let part = |index: usize| &body[at(index) + 32..][..answer(&body[at(index)..], 0).unwrap() as usize];
		assert_eq!(part(11), certified.signers.words());
		assert_eq!(part(12), [0b111]);
		assert_eq!(part(13), certified.certificate.signatures.concat());
		let short = submit(&certified, &certified.certificate, false);
		assert_eq!(short.len(), call.len() - 96);
	}

	#[test]
	fn as_few_signatures_as_are_a_quorum_are_sent() {
		// Weights 10, 11, ... 18: 126, of which 85 are a quorum: 18 + 17 + 16 + 15 + 14 + 13.
		let keys = Keys::new(9);
		let certified = keys.checkpoint(&CHAIN, 40, None);
		let trimmed = trim(&certified);
		assert_eq!(trimmed.signatures.len(), 6);
		let hash = certified.signers.hash();
		assert_eq!(trimmed.verify(&certified.checkpoint, &CHAIN, &certified.signers, &hash), Ok(93));
		// What is no quorum stays what it is.
		let few = Certificate::build(9, [(8, certified.certificate.signatures[8])]);
		assert_eq!(trim(&Certified { certificate: few.clone(), ..certified }), few);
	}

	#[test]
	fn the_contracts_errors_are_told_apart() {
		for name in REFUSALS {
			assert_eq!(refusal(&selector(&format!("{name}()"))), Some(name));
		}
		assert_eq!(refusal(&[]), None);
		assert_eq!(refusal(&selector("Error(string)")), None);
	}

	#[test]
	fn answers_are_bounded() {
		let mut bytes = [0; 64];
		bytes[31] = 7;
		bytes[32] = 1;
		assert_eq!(answer(&bytes, 0), Some(7));
		assert_eq!(answer(&bytes, 1), None, "more than 64 bits");
		assert_eq!(answer(&bytes, 2), None, "not there");
		assert_eq!(word(&bytes, usize::MAX), None);
	}
}
