//! Proofs that a member equivocated.
//!
//! Two kinds of pairs of sealed headers by one author prove it:
//! * *two-blocks*: two different **pre-seal** hashes on one parent. Two seals of one pre-seal header are not: a TPM that
//!   was asked twice signs twice.
//! * *two-timers*: waits of one chip in one power cycle that overlap, both attested by the member's key.
//!
//! The same height on different parents proves nothing: honest members do that after a reorganisation. Each header must
//! carry the author's own sr25519 signature, so nobody can frame a member; the overlap must be attested by the
//! member's own chip, so a chain that stores a wrong attestation key harms nobody.

use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;
use sp_runtime::traits::Header as HeaderT;

use crate::{
	rules::{self, Refusal, Verdict},
	AuthorityId, Hash,
};

/// Two sealed headers by one author that cannot both be honest.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct EquivocationProof<H> {
	/// Who signed both.
	pub author: AuthorityId,
	/// One sealed header.
	pub first: H,
	/// The other.
	pub second: H,
}

/// What a proof proves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Offence {
	/// Two blocks on one parent.
	TwoBlocks,
	/// Two waits of one chip at once.
	TwoTimers,
}

/// Why a proof proves nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoOffence {
	/// A header is not a valid sealed header of this chain.
	#[error("a header is not validly sealed: {0}")]
	Header(Refusal),
	/// A header is by somebody else.
	#[error("a header is by another author")]
	OtherAuthor,
	/// The two headers can both be honest.
	#[error("the two headers can both be honest")]
	BothHonest,
	/// The waits overlap but are not attested by the member's chip.
	#[error("the waits are not attested by the member's chip: {0}")]
	OtherChip(Refusal),
}

/// Checks `proof` on the chain `genesis` for a member with attestation key `ak_public` under `ek_name`.
///
/// # Errors
/// Why it proves nothing.
pub fn check<H: HeaderT<Hash = Hash>>(
	proof: &EquivocationProof<H>,
	genesis: Hash,
	ak_public: &[u8],
	ek_name: &ep_tpm::Name,
) -> Result<Offence, NoOffence> {
	let read = |header: &H| {
		let verdict = rules::verify_sealed(header.clone(), genesis).map_err(NoOffence::Header)?;
		if verdict.unsealed.pre_digest.author == proof.author {
			Ok(verdict)
		} else {
			Err(NoOffence::OtherAuthor)
		}
	};
	let (first, second) = (read(&proof.first)?, read(&proof.second)?);
	let offence = offence(&first, &second).ok_or(NoOffence::BothHonest)?;
	if offence == Offence::TwoTimers {
		rules::chip(&first, ak_public, ek_name).map_err(NoOffence::OtherChip)?;
		rules::chip(&second, ak_public, ek_name).map_err(NoOffence::OtherChip)?;
	}
	Ok(offence)
}

/// What two certificates of one author prove together, if their signatures hold.
pub fn offence<H: HeaderT<Hash = Hash>>(first: &Verdict<H>, second: &Verdict<H>) -> Option<Offence> {
	if first.unsealed.pre_seal == second.unsealed.pre_seal {
		return None;
	}
	if first.unsealed.header.parent_hash() == second.unsealed.header.parent_hash() {
		return Some(Offence::TwoBlocks);
	}
	let same_chip = first.start.qualified_signer == second.start.qualified_signer;
	(same_chip && first.interval.overlaps(&second.interval)).then_some(Offence::TwoTimers)
}

#[cfg(test)]
mod tests;
