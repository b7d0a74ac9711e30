//! What a committee says of an applicant, and how it proves that it said so.
//!
//! # Rules
//! A certificate is good for a verdict, a chain and a committee if and only if:
//! 1. *low-s*: every signature is in the one form accepted ([`crate::anchor::recover`]);
//! 2. *ascending*: the signers' addresses ascend, so nobody is counted twice;
//! 3. *seated*: every signer sits in the round's committee;
//! 4. *quorum*: together they have more than two thirds of the votes expected, not of those who came.
//!
//! The digest is that of EIP-712 typed data, so a contract checks the same bytes. Its encoding is frozen by a vector that
//! another implementation made.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use ep_poet::Hash;
use scale_info::TypeInfo;
use sp_core::{ConstU32, H160, H256};
use sp_runtime::BoundedVec;

use crate::{
	anchor,
	eip712::{self, number, word, Word},
	Chain, Committee, Round, Seat,
};

/// Most members in a round's committee.
pub const MAX_SEATS: u32 = 128;

/// Why an applicant is refused.
#[derive(
	Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub enum Reason {
	/// Too few questions were answered.
	#[codec(index = 1)]
	Unanswered,
	/// The boot event log is missing, or is not what the quote says.
	#[codec(index = 2)]
	EventLog,
	/// The platform is not as its policy wants it.
	#[codec(index = 3)]
	Platform,
	/// Two members could not reach its node.
	#[codec(index = 4)]
	Unreachable,
	/// Evidence was forged. The deposit is lost.
	#[codec(index = 5)]
	Forged,
}

/// What a committee says.
#[derive(
	Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub enum Judgement {
	/// The applicant becomes a member.
	#[codec(index = 0)]
	Admit,
	/// It does not.
	#[codec(index = 1)]
	Refuse(Reason),
}

impl Judgement {
	/// Its number in typed data: 0 admits, others are reasons.
	pub fn code(&self) -> u8 {
		match self {
			Self::Admit => 0,
			Self::Refuse(Reason::Unanswered) => 1,
			Self::Refuse(Reason::EventLog) => 2,
			Self::Refuse(Reason::Platform) => 3,
			Self::Refuse(Reason::Unreachable) => 4,
			Self::Refuse(Reason::Forged) => 5,
		}
	}
}

/// A verdict, with all that it is about.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct Verdict {
	/// Genesis hash of the chain.
	pub genesis: Hash,
	/// The round.
	pub round: Round,
	/// The applicant's key for lottery and seals.
	pub subject: [u8; 32],
	/// Hash of what was judged: application, questions, answer.
	pub evidence: H256,
	/// What is said.
	pub judgement: Judgement,
	/// [`Committee::root`].
	pub committee: H256,
	/// Votes expected of the committee.
	pub expected: u64,
}

const TYPE: &[u8] = b"Verdict(bytes32 genesis,uint32 round,bytes32 subject,bytes32 evidence,uint8 judgement,bytes32 committee,uint64 expected)";

impl Verdict {
	/// `hashStruct` of EIP-712.
	pub fn hash_struct(&self) -> Word {
		let members = [
			word(&self.genesis.0),
			number(self.round.into()),
			word(&self.subject),
			word(&self.evidence.0),
			number(self.judgement.code().into()),
			word(&self.committee.0),
			number(self.expected),
		];
		eip712::hash_struct(TYPE, &members)
	}

	/// What members sign.
	pub fn digest(&self, chain: &Chain) -> [u8; 32] {
		eip712::digest(chain, &self.hash_struct())
	}
}

/// Why a certificate proves nothing, by rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
	/// Rule *low-s*.
	#[error("low-s: a signature is not in the one form that is accepted")]
	LowS,
	/// Rule *ascending*.
	#[error("ascending: the signers' addresses do not ascend")]
	Ascending,
	/// Rule *seated*.
	#[error("seated: a signer does not sit in this committee")]
	Seated,
	/// Rule *quorum*.
	#[error("quorum: the signers have no more than two thirds of the votes expected")]
	Quorum,
}

/// Signatures of a verdict, by ascending addresses of the signers. Each is r, s and the recovery id.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct VerdictCertificate(pub BoundedVec<[u8; 65], ConstU32<MAX_SEATS>>);

impl VerdictCertificate {
	/// Puts signatures in order. Those that nobody made, and second ones of a signer, are left out.
	pub fn collect(digest: &[u8; 32], signatures: impl IntoIterator<Item = [u8; 65]>) -> Self {
		let mut by_signer = alloc::collections::BTreeMap::new();
		for signature in signatures {
			if let Some(signer) = anchor::recover(&signature, digest) {
				by_signer.entry(signer).or_insert(signature);
			}
		}
		let mut kept = BoundedVec::default();
		for signature in by_signer.into_values() {
			if kept.try_push(signature).is_err() {
				break;
			}
		}
		Self(kept)
	}

	/// Checks the rules, and gives the votes that signed.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn verify(&self, verdict: &Verdict, chain: &Chain, committee: &Committee) -> Result<u64, Refusal> {
		let digest = verdict.digest(chain);
		let (mut last, mut votes) = (H160::zero(), 0u64);
		for signature in &self.0 {
			let signer = anchor::recover(signature, &digest).ok_or(Refusal::LowS)?;
			if signer <= last {
				return Err(Refusal::Ascending);
			}
			last = signer;
			let more = committee.votes_of(&signer);
			if more == 0 {
				return Err(Refusal::Seated);
			}
			votes = votes.saturating_add(more);
		}
		if !committee.is_quorum(votes) {
			return Err(Refusal::Quorum);
		}
		Ok(votes)
	}
}

/// A verdict with all that it takes to check it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct SignedVerdict {
	/// What it was signed for. Zero while no contract was known: then no contract takes it.
	pub chain: Chain,
	/// What was said.
	pub verdict: Verdict,
	/// The committee, by ascending addresses.
	pub seats: Vec<Seat>,
	/// Its signatures.
	pub certificate: VerdictCertificate,
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::Seat;
	use sp_core::{ecdsa, Pair};

	fn pair(seed: u8) -> ecdsa::Pair {
		ecdsa::Pair::from_seed(&[seed; 32])
	}

	fn address(pair: &ecdsa::Pair) -> H160 {
		anchor::address(&pair.public()).unwrap()
	}

	const CHAIN: Chain = Chain { id: 20, contract: H160::repeat_byte(7) };

	fn setting() -> (Vec<ecdsa::Pair>, Committee, Verdict) {
		let mut pairs: Vec<_> = (1..=4).map(pair).collect();
		pairs.sort_by_key(address);
		let seats = pairs.iter().map(|pair| Seat { anchor: address(pair), votes: 10 }).collect();
		let committee = Committee::new(seats, 40).unwrap();
		let verdict = Verdict {
			genesis: Hash::repeat_byte(1),
			round: 5,
			subject: [2; 32],
			evidence: H256::repeat_byte(3),
			judgement: Judgement::Admit,
			committee: committee.root(5),
			expected: committee.expected(),
		};
		(pairs, committee, verdict)
	}

	fn sign(pairs: &[ecdsa::Pair], verdict: &Verdict, chain: &Chain) -> VerdictCertificate {
		let digest = verdict.digest(chain);
		VerdictCertificate(
			pairs.iter().map(|pair| pair.sign_prehashed(&digest).0).collect::<Vec<_>>().try_into().unwrap(),
		)
	}

	#[test]
	fn more_than_two_thirds_convince() {
		let (pairs, committee, verdict) = setting();
		assert_eq!(sign(&pairs[..3], &verdict, &CHAIN).verify(&verdict, &CHAIN, &committee), Ok(30));
		assert_eq!(sign(&pairs, &verdict, &CHAIN).verify(&verdict, &CHAIN, &committee), Ok(40));
	}

	#[test]
	fn quorum_refuses_two_of_three_an_empty_list_and_those_who_alone_came() {
		let (pairs, committee, verdict) = setting();
		assert_eq!(sign(&pairs[..2], &verdict, &CHAIN).verify(&verdict, &CHAIN, &committee), Err(Refusal::Quorum));
		assert_eq!(sign(&[], &verdict, &CHAIN).verify(&verdict, &CHAIN, &committee), Err(Refusal::Quorum));
		// Two came, of four expected: both agree, and are not enough.
		let few = Committee::new(committee.seats()[..2].to_vec(), 40).unwrap();
		assert_eq!(sign(&pairs[..2], &verdict, &CHAIN).verify(&verdict, &CHAIN, &few), Err(Refusal::Quorum));
		let nobody = Committee::new(vec![], 0).unwrap();
		assert_eq!(sign(&[], &verdict, &CHAIN).verify(&verdict, &CHAIN, &nobody), Err(Refusal::Quorum));
	}

	#[test]
	fn ascending_refuses_a_member_counted_twice_and_disorder() {
		let (mut pairs, committee, verdict) = setting();
		let twice = [pairs[0].clone(), pairs[0].clone(), pairs[0].clone()];
		assert_eq!(sign(&twice, &verdict, &CHAIN).verify(&verdict, &CHAIN, &committee), Err(Refusal::Ascending));
		pairs.reverse();
		assert_eq!(sign(&pairs, &verdict, &CHAIN).verify(&verdict, &CHAIN, &committee), Err(Refusal::Ascending));
	}

	#[test]
	fn seated_refuses_a_stranger() {
		let (mut pairs, committee, verdict) = setting();
		pairs.push(pair(9));
		pairs.sort_by_key(address);
		assert_eq!(sign(&pairs, &verdict, &CHAIN).verify(&verdict, &CHAIN, &committee), Err(Refusal::Seated));
	}

	#[test]
	fn low_s_refuses_the_twin_of_a_good_signature() {
		let (pairs, committee, verdict) = setting();
		let mut certificate = sign(&pairs[..3], &verdict, &CHAIN);
		certificate.0[0] = twin(certificate.0[0]);
		assert_eq!(certificate.verify(&verdict, &CHAIN, &committee), Err(Refusal::LowS));
		certificate.0[0] = [0xff; 65];
		assert_eq!(certificate.verify(&verdict, &CHAIN, &committee), Err(Refusal::LowS));
	}

	/// (r, n - s, the other recovery id): the same signer to a careless verifier.
	fn twin(mut signature: [u8; 65]) -> [u8; 65] {
		const ORDER: [u8; 32] = [
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae,
			0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
		];
		let mut borrow = 0i16;
		for (byte, order) in signature[32..64].iter_mut().zip(ORDER).rev() {
			let difference = i16::from(order) - i16::from(*byte) - borrow;
			borrow = i16::from(difference < 0);
			*byte = difference.rem_euclid(256) as u8;
		}
		signature[64] ^= 1;
		signature
	}

	#[test]
	fn the_twin_would_convince_a_careless_verifier() {
		let (pairs, _, verdict) = setting();
		let digest = verdict.digest(&CHAIN);
		let signature = pairs[0].sign_prehashed(&digest).0;
		let recovered = sp_io::crypto::secp256k1_ecdsa_recover(&twin(signature), &digest).ok();
		assert_eq!(recovered, sp_io::crypto::secp256k1_ecdsa_recover(&signature, &digest).ok());
	}

	#[test]
	fn a_vote_is_worth_nothing_elsewhere() {
		let (pairs, committee, verdict) = setting();
		let certificate = sign(&pairs, &verdict, &CHAIN);
		let others = [
			Verdict { genesis: Hash::repeat_byte(9), ..verdict.clone() },
			Verdict { round: 6, ..verdict.clone() },
			Verdict { subject: [9; 32], ..verdict.clone() },
			Verdict { evidence: H256::repeat_byte(9), ..verdict.clone() },
			Verdict { judgement: Judgement::Refuse(Reason::Forged), ..verdict.clone() },
			Verdict { committee: H256::repeat_byte(9), ..verdict.clone() },
			Verdict { expected: 41, ..verdict.clone() },
		];
		for other in others {
			assert!(certificate.verify(&other, &CHAIN, &committee).is_err(), "{other:?}");
		}
		for chain in [Chain { id: 21, ..CHAIN }, Chain { contract: H160::zero(), ..CHAIN }] {
			assert!(certificate.verify(&verdict, &chain, &committee).is_err(), "{chain:?}");
		}
	}

	#[test]
	fn signatures_are_collected_in_any_order_once_each() {
		let (pairs, committee, verdict) = setting();
		let digest = verdict.digest(&CHAIN);
		let signatures = pairs.iter().rev().chain(&pairs).map(|pair| pair.sign_prehashed(&digest).0);
		let certificate = VerdictCertificate::collect(&digest, signatures.chain([[0xff; 65]]));
		assert_eq!(certificate.verify(&verdict, &CHAIN, &committee), Ok(40));
	}
}
