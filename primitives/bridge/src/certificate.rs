//! How signers prove that they signed a checkpoint.
//!
//! # Rules
//! A certificate is good for a checkpoint, a chain and the hash of a set if and only if all of these hold.
//! 1. *set*: the signers that are shown are a set, with the number that the checkpoint names and that hash.
//! 2. *bitmap*: it has a bit for each signer and as many bytes as these need, no bit beyond, and as many bits are set as
//!    there are signatures.
//! 3. *low-s*: `s` of every signature is in the lower half. The other half has a twin of each signature.
//! 4. *signer*: the n-th signature is by the signer of the n-th bit that is set. So nobody is counted twice, nobody signs
//!    who is no signer, and nobody signs for address zero.
//! 5. *quorum*: together they have more than two thirds of the weight.
//!
//! The contract has the same rules under the same names, and four of its own: *chain-bound*, *genesis*, *newer*,
//! *handover*.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use ep_trust::{anchor, Chain};
use scale_info::TypeInfo;
use sp_core::{ConstU32, H256};
use sp_runtime::BoundedVec;

use crate::{Checkpoint, SignerSet, MAX_SIGNERS};

/// A signature as EIP-2098 has it: r, then s, whose highest bit is the recovery id.
pub type CompactSignature = [u8; 64];

/// The highest bit of `s`, which is 0 in the lower half.
const RECOVERY_BIT: u8 = 0x80;

/// Makes r, s and recovery id compact. `None` if they are not in the one form that is accepted.
pub fn compact(signature: &[u8; 65]) -> Option<CompactSignature> {
	if !anchor::is_low(signature) || signature[64] > 1 {
		return None;
	}
	let mut compact = [0; 64];
	compact.copy_from_slice(&signature[..64]);
	if signature[64] == 1 {
		compact[32] |= RECOVERY_BIT;
	}
	Some(compact)
}

/// The same as r, s and recovery id.
pub fn expand(signature: &CompactSignature) -> [u8; 65] {
	let mut expanded = [0; 65];
	expanded[..64].copy_from_slice(signature);
	expanded[64] = signature[32] >> 7;
	expanded[32] &= !RECOVERY_BIT;
	expanded
}

/// Why a certificate proves nothing, by rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
	/// Rule *set*.
	#[error("set: the signers are not those who sign this checkpoint")]
	Set,
	/// Rule *bitmap*.
	#[error("bitmap: the bits are not those of so many signers and signatures")]
	Bitmap,
	/// Rule *low-s*.
	#[error("low-s: a signature is not in the one form that is accepted")]
	LowS,
	/// Rule *signer*.
	#[error("signer: a signature is not by the signer whose place it has")]
	Signer,
	/// Rule *quorum*.
	#[error("quorum: those who signed have no more than two thirds of the weight")]
	Quorum,
}

/// Who signed, and the signatures.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct Certificate {
	/// Bit `i` (the lowest first, in byte `i / 8`) says that signer `i` signed.
	pub bitmap: BoundedVec<u8, ConstU32<{ MAX_SIGNERS.div_ceil(8) }>>,
	/// Their signatures, in the order of the bits.
	pub signatures: BoundedVec<CompactSignature, ConstU32<MAX_SIGNERS>>,
}

impl Certificate {
	/// Of signatures by place in a set of `signers`. What has a place beyond, or one that is taken, is left out.
	pub fn build(signers: usize, signatures: impl IntoIterator<Item = (usize, CompactSignature)>) -> Self {
		let by_place: alloc::collections::BTreeMap<_, _> = signatures.into_iter().collect();
		let mut bitmap = alloc::vec![0u8; signers.div_ceil(8)];
		let mut kept = Vec::new();
		for (place, signature) in by_place.into_iter().filter(|(place, _)| *place < signers) {
			if let Some(byte) = bitmap.get_mut(place / 8) {
				*byte |= 1 << (place % 8);
				kept.push(signature);
			}
		}
		Self { bitmap: BoundedVec::truncate_from(bitmap), signatures: BoundedVec::truncate_from(kept) }
	}

	/// Of signatures in any order, each by whom it is. What is nobody's of the set is left out.
	pub fn collect(set: &SignerSet, digest: &[u8; 32], signatures: impl IntoIterator<Item = [u8; 65]>) -> Self {
		let placed = |signature: [u8; 65]| {
			let place = set.position(&anchor::recover(&signature, digest)?)?;
			Some((place, compact(&signature)?))
		};
		Self::build(set.len(), signatures.into_iter().filter_map(placed))
	}

	/// From the bytes that the contract takes. `None` if that is not signatures of 64 bytes, or too many.
	pub fn from_bytes(bitmap: &[u8], signatures: &[u8]) -> Option<Self> {
		let signatures = signatures.chunks(64).map(|signature| signature.try_into().ok());
		Some(Self {
			bitmap: bitmap.to_vec().try_into().ok()?,
			signatures: signatures.collect::<Option<Vec<CompactSignature>>>()?.try_into().ok()?,
		})
	}

	/// Whether signer `place` signed.
	pub fn has(&self, place: usize) -> bool {
		self.bitmap.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1)
	}

	/// Checks the rules, and gives the weight that signed.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn verify(
		&self,
		checkpoint: &Checkpoint,
		chain: &Chain,
		set: &SignerSet,
		expected: &H256,
	) -> Result<u64, Refusal> {
		if set.check().is_err() || set.id() != checkpoint.signers || set.hash() != *expected {
			return Err(Refusal::Set);
		}
		let bits = self.bitmap.iter().fold(0, |sum, byte| sum + byte.count_ones() as usize);
		let beyond = (set.len()..self.bitmap.len() * 8).any(|place| self.has(place));
		if self.bitmap.len() != set.len().div_ceil(8) || beyond || bits != self.signatures.len() {
			return Err(Refusal::Bitmap);
		}
		let digest = checkpoint.digest(chain);
		let signed = set.signers().iter().enumerate().filter(|(place, _)| self.has(*place));
		let mut votes = 0u64;
		for ((_, signer), signature) in signed.zip(&self.signatures) {
			let signature = expand(signature);
			if !anchor::is_low(&signature) {
				return Err(Refusal::LowS);
			}
			if anchor::recover(&signature, &digest) != Some(signer.address) {
				return Err(Refusal::Signer);
			}
			votes = votes.saturating_add(signer.weight);
		}
		if !set.is_quorum(votes) {
			return Err(Refusal::Quorum);
		}
		Ok(votes)
	}
}

/// A checkpoint with its certificate and all that it takes to bring it to the contract.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct Certified {
	/// The checkpoint.
	pub checkpoint: Checkpoint,
	/// For which contract it was signed.
	pub chain: Chain,
	/// Those who sign it.
	pub signers: SignerSet,
	/// Who of them did.
	pub certificate: Certificate,
}

impl Certified {
	/// Checks it against the hash of its signers, and gives the weight that signed.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn verify(&self, expected: &H256) -> Result<u64, Refusal> {
		self.certificate.verify(&self.checkpoint, &self.chain, &self.signers, expected)
	}

	/// Whether it hands over to another set.
	pub fn hands_over(&self) -> bool {
		self.checkpoint.next_signers != self.signers.hash()
	}
}

#[cfg(test)]
mod tests;
