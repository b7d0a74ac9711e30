//! What a member is.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use ep_poet::{api::AkPublic, AuthorityId, Weight};
use ep_tpm::Name;
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::Schedule;

/// A member as it is admitted. In a chain specification keys of the TPM are in hexadecimal, the author's is an address.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MemberSpec {
	/// Key for lottery and seals.
	pub author: AuthorityId,
	/// The attestation key's `TPMT_PUBLIC`; of a TPM 1.2 its `TPM_PUBKEY`.
	#[serde(with = "hexadecimal")]
	pub ak_public: AkPublic,
	/// Name of the endorsement key above it.
	pub ek_name: Name,
	/// Share in lottery and voting, at most 1,000,000; 0 of a TPM 1.2, which cannot author.
	pub weight: Weight,
}

/// A member.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Member<AccountId> {
	/// The account that answers for it.
	pub account: AccountId,
	/// The attestation key's `TPMT_PUBLIC`; of a TPM 1.2 its `TPM_PUBKEY`.
	pub ak_public: AkPublic,
	/// The attestation key's name.
	pub ak_name: Name,
	/// Name of the endorsement key above it.
	pub ek_name: Name,
	/// Its place in the list.
	pub index: u32,
	/// Whether it is proven to have equivocated.
	pub suspended: bool,
	/// The first epoch without it, once it is removed.
	pub leaves: Option<u64>,
}

/// A place in the list of members: what drawing by weight needs, and no more.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Slot {
	/// Who stands here.
	pub author: AuthorityId,
	/// Its weight over time.
	pub weight: Schedule,
}

mod hexadecimal {
	use super::*;

	pub(super) fn serialize<S: serde::Serializer>(bytes: &AkPublic, serializer: S) -> Result<S::Ok, S::Error> {
		sp_core::bytes::serialize(bytes, serializer)
	}

	pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<AkPublic, D::Error> {
		let bytes: Vec<u8> = sp_core::bytes::deserialize(deserializer)?;
		bytes.try_into().map_err(|_| serde::de::Error::custom("no attestation key's public area is that long"))
	}
}
