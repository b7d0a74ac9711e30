//! The two digests of a block: what its author fixed before the wait ended, and the seal.
//!
//! The pre-runtime digest ([`PreDigest`]) is part of the pre-seal header. The seal ([`Seal`]) covers everything: its
//! attestation is made over the pre-seal hash, and the author's signature covers that attestation and the TPM's
//! signature, so that nobody but the author can mint a second hash of the same block.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::{sr25519::vrf::VrfSignature, ConstU32};
use sp_crypto_hashing::blake2_256;
use sp_runtime::{traits::Header as HeaderT, BoundedVec, Digest, DigestItem};

use crate::{AuthorityId, AuthoritySignature, Hash, Mean, Millis, Weight, POET_ENGINE_ID};

/// Longest `TPMS_ATTEST` of type time, in bytes.
pub const MAX_ATTEST: u32 = ep_tpm::MAX_TIME_ATTEST_LEN as u32;
/// Longest `TPMT_SIGNATURE`, in bytes.
pub const MAX_SIGNATURE: u32 = ep_tpm::MAX_SIGNATURE_LEN as u32;

/// A `TPM2_GetTime` answer as the chip gave it: the original bytes are what is verified.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct Attestation {
	/// `TPMS_ATTEST`.
	pub attest: BoundedVec<u8, ConstU32<MAX_ATTEST>>,
	/// `TPMT_SIGNATURE`, low-s where it is ECDSA.
	pub signature: BoundedVec<u8, ConstU32<MAX_SIGNATURE>>,
}

impl Attestation {
	/// Bounds the chip's bytes; `None` if either is longer than any chip's may be.
	pub fn new(attest: Vec<u8>, signature: Vec<u8>) -> Option<Self> {
		Some(Self { attest: attest.try_into().ok()?, signature: signature.try_into().ok()? })
	}
}

/// What the author says the chain's state gives it. Checked against the state by the rules that start with *claim*;
/// stated in the block so that the certificate can be read, and largely refused, without any state.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct Claim {
	/// Epoch of this height.
	pub epoch: u64,
	/// Local mean of this height.
	pub mean: Mean,
	/// The author's weight in this epoch.
	pub weight: Weight,
	/// The author's clock rate in parts per million, at least 1,000,000.
	pub rate: u32,
	/// The wait drawn, `d`.
	pub wait: Millis,
}

/// The pre-runtime digest of a block.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct PreDigest {
	/// The member who waited.
	pub author: AuthorityId,
	/// The draw: sr25519 VRF over (epoch randomness, epoch, height).
	pub vrf: VrfSignature,
	/// The block's time, Unix milliseconds. The timestamp inherent must equal it.
	pub timestamp: Millis,
	/// What the author waited by.
	pub claim: Claim,
	/// A1: the attestation made when the wait began.
	pub start: Attestation,
}

/// The seal of a block.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct Seal {
	/// A2: the attestation made over the pre-seal hash when the wait was over.
	pub end: Attestation,
	/// The author's signature over [`seal_message`].
	pub signature: AuthoritySignature,
}

fn hash<T: Encode>(parts: &T) -> [u8; 32] {
	parts.using_encoded(blake2_256)
}

/// Extra data of A1. Binds the wait to the chain, the sealed parent, the height, the author, the mean and the draw: a
/// certificate fits no other parent and no other lottery.
pub fn start_nonce(
	genesis: Hash,
	parent: Hash,
	height: u64,
	author: &AuthorityId,
	mean: Mean,
	vrf: &VrfSignature,
) -> [u8; 32] {
	hash(&(b"elapse/poet/start", genesis, parent, height, author, mean, vrf))
}

/// Extra data of A2. Binds the end of the wait to the finished block.
pub fn seal_nonce(pre_seal: Hash) -> [u8; 32] {
	hash(&(b"elapse/poet/seal", pre_seal))
}

/// What the author signs with its sr25519 key.
pub fn seal_message(genesis: Hash, pre_seal: Hash, end: &Attestation) -> [u8; 32] {
	hash(&(b"elapse/poet/author", genesis, pre_seal, &end.attest, &end.signature))
}

impl From<&PreDigest> for DigestItem {
	fn from(pre: &PreDigest) -> Self {
		DigestItem::PreRuntime(POET_ENGINE_ID, pre.encode())
	}
}

impl From<&Seal> for DigestItem {
	fn from(seal: &Seal) -> Self {
		DigestItem::Seal(POET_ENGINE_ID, seal.encode())
	}
}

/// Longest header, sealed, in bytes.
///
/// With the longest attestations (RSA-4096) and a change of 100 voters in it a header has about 7,000. The bound is what
/// keeps an author's headers small enough to be gossiped, carried by the next block, and put side by side in a report.
pub const MAX_HEADER: u32 = 16 * 1024;

/// Why a header's digests cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DigestError {
	/// The header is longer than [`MAX_HEADER`].
	#[error("the header has {0} bytes, more than {MAX_HEADER}")]
	TooLong(u32),
	/// There is no PoET pre-runtime digest.
	#[error("the header has no PoET pre-runtime digest")]
	NoPreDigest,
	/// There is more than one PoET pre-runtime digest.
	#[error("the header has more than one PoET pre-runtime digest")]
	SecondPreDigest,
	/// The pre-runtime digest does not decode, or has bytes behind it.
	#[error("the PoET pre-runtime digest is not in its one encoding")]
	BadPreDigest,
	/// The last digest item is not a PoET seal.
	#[error("the header's last digest item is not a PoET seal")]
	NoSeal,
	/// There is a seal before the last digest item.
	#[error("the header has more than one seal")]
	SecondSeal,
	/// The seal does not decode, or has bytes behind it.
	#[error("the PoET seal is not in its one encoding")]
	BadSeal,
}

/// Decodes to the last byte, and only what encodes to the same bytes again: two encodings of one seal would be two
/// hashes of one block.
fn decode_exactly<T: Decode + Encode>(bytes: &[u8]) -> Option<T> {
	let mut input = bytes;
	let value = T::decode(&mut input).ok()?;
	(input.is_empty() && value.using_encoded(|again| again == bytes)).then_some(value)
}

/// The one PoET pre-runtime digest among `digest`.
///
/// # Errors
/// [`DigestError`]: none, more than one, or one that does not decode to its last byte.
pub fn find_pre_digest(digest: &Digest) -> Result<PreDigest, DigestError> {
	let mut all = digest.logs.iter().filter_map(|item| match item {
		DigestItem::PreRuntime(id, bytes) if *id == POET_ENGINE_ID => Some(bytes),
		_ => None,
	});
	let first = all.next().ok_or(DigestError::NoPreDigest)?;
	if all.next().is_some() {
		return Err(DigestError::SecondPreDigest);
	}
	decode_exactly(first).ok_or(DigestError::BadPreDigest)
}

/// A header taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unsealed<H> {
	/// The header as it was when A2 was made.
	pub header: H,
	/// Its hash: the pre-seal hash.
	pub pre_seal: Hash,
	/// Its pre-runtime digest.
	pub pre_digest: PreDigest,
	/// The seal.
	pub seal: Seal,
	/// The seal as it stood in the header.
	pub seal_item: DigestItem,
}

/// Takes the seal off `header`.
///
/// # Errors
/// The header is too long, has not exactly one pre-runtime digest and one seal, or one of them does not decode.
pub fn unseal<H: HeaderT<Hash = Hash>>(mut header: H) -> Result<Unsealed<H>, DigestError> {
	let length = u32::try_from(header.encoded_size()).unwrap_or(u32::MAX);
	if length > MAX_HEADER {
		return Err(DigestError::TooLong(length));
	}
	let seal_item = match header.digest_mut().pop() {
		Some(item @ DigestItem::Seal(POET_ENGINE_ID, _)) => item,
		_ => return Err(DigestError::NoSeal),
	};
	if header.digest().logs.iter().any(|item| matches!(item, DigestItem::Seal(..))) {
		return Err(DigestError::SecondSeal);
	}
	let seal = match &seal_item {
		DigestItem::Seal(_, bytes) => decode_exactly(bytes).ok_or(DigestError::BadSeal)?,
		_ => return Err(DigestError::NoSeal),
	};
	let pre_digest = find_pre_digest(header.digest())?;
	let pre_seal = header.hash();
	Ok(Unsealed { header, pre_seal, pre_digest, seal, seal_item })
}
