//! What an applicant hands in, and what a challenger answers it with.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use ep_poet::{api::AkPublic, AuthorityId};
use ep_tpm::credential::Credential;
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::{sr25519::vrf::VrfSignature, ConstU32, H160};
use sp_runtime::BoundedVec;

/// Number of a round: applications are counted.
pub type Round = u32;

/// Longest certificate in evidence, in bytes.
pub const MAX_CERTIFICATE: u32 = ep_tpm::certificate::MAX_CERTIFICATE_LEN as u32;
/// Most intermediate certificates that an applicant may bring.
pub const MAX_INTERMEDIATES: u32 = 6;
/// Longest attestation, in bytes.
pub const MAX_ATTEST: u32 = 512;
/// Longest signature over one: RSA-4096 with its header.
pub const MAX_SIGNATURE: u32 = 520;

/// A certificate, DER.
pub type CertificateBytes = BoundedVec<u8, ConstU32<MAX_CERTIFICATE>>;

/// A quote with the values of its PCRs, in ascending order of their numbers.
///
/// Of a TPM 2.0, or of a TPM 1.2 under the same names: `ep_tpm::chip` has what each field holds there.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct Quote {
	/// `TPMS_ATTEST`, or `TPM_QUOTE_INFO`.
	pub attest: BoundedVec<u8, ConstU32<MAX_ATTEST>>,
	/// `TPMT_SIGNATURE`, or the bare signature of a TPM 1.2.
	pub signature: BoundedVec<u8, ConstU32<MAX_SIGNATURE>>,
	/// What the selected PCRs hold.
	pub pcr_values: BoundedVec<ep_tpm::policy::Digest, ConstU32<{ ep_tpm::policy::MAX_PCRS }>>,
}

/// What a TPM attested, and its signature.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct Attested {
	/// `TPMS_ATTEST`.
	pub attest: BoundedVec<u8, ConstU32<MAX_ATTEST>>,
	/// `TPMT_SIGNATURE`.
	pub signature: BoundedVec<u8, ConstU32<MAX_SIGNATURE>>,
}

/// What a member shows when it was drawn, all of it under [`crate::nonce::duty`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct Testimony {
	/// `TPM2_GetTime`; `None` from a TPM 1.2, which has no such thing.
	pub time: Option<Attested>,
	/// The platform, of members who were admitted under a policy.
	pub quote: Option<Quote>,
}

/// What a chip says of itself, and its manufacturer of it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct Evidence {
	/// The EK certificate, trimmed.
	pub ek_certificate: CertificateBytes,
	/// Certificates above it, in any order, beside those that the chain has.
	pub intermediates: BoundedVec<CertificateBytes, ConstU32<MAX_INTERMEDIATES>>,
	/// The endorsement key's `TPMT_PUBLIC`; of a TPM 1.2 its `TPM_PUBKEY`.
	pub ek_public: AkPublic,
	/// The attestation key's, in the same form.
	pub ak_public: AkPublic,
	/// A quote under [`crate::nonce::application`].
	pub quote: Quote,
	/// SHA-256 of the boot event log, which the committee gets from the applicant's node; zero if there is none.
	pub event_log: [u8; 32],
}

/// An application.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct Application {
	/// The chip.
	pub evidence: Evidence,
	/// Key for lottery and seals.
	pub author: AuthorityId,
	/// Address of the key that signs for the Elastos Smart Chain.
	pub anchor: H160,
	/// That key's signature over [`crate::nonce::anchor`]: an address can belong to one member only, and this shows whose
	/// it is.
	pub anchor_proof: [u8; 65],
	/// The policy that its platform is to be judged by.
	pub policy: u32,
	/// A block, not too old, whose hash is in the nonce.
	pub recent: u32,
	/// The node's name on the network, as bytes of its multihash: members try to reach it.
	pub peer: BoundedVec<u8, ConstU32<64>>,
}

/// What a member was admitted on, so that anybody can look again: both quotes with their nonces.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct Dossier {
	/// The application, and the quote in it.
	pub application: Application,
	/// The nonce of that quote: [`crate::nonce::application`] of the account, the keys and the block it names.
	pub nonce: [u8; 32],
	/// The quote over the answers to the committee's questions.
	pub answer: Quote,
	/// Its nonce: [`crate::nonce::answer`].
	pub answer_nonce: [u8; 32],
}

/// A VRF's output and proof as SCALE encodes them: the SDK's own type is none for calls.
pub type EncodedVrf = [u8; 96];

/// A member's claim to seats in a round.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct SeatClaim {
	/// The member.
	pub author: AuthorityId,
	/// Its VRF over [`crate::sortition::transcript`]: output and proof.
	pub vrf: EncodedVrf,
	/// The question.
	pub challenge: Challenge,
}

impl SeatClaim {
	/// The VRF. `None` if these bytes are none.
	pub fn vrf(&self) -> Option<VrfSignature> {
		VrfSignature::decode(&mut &self.vrf[..]).ok()
	}

	/// A VRF as a claim has it.
	pub fn encode_vrf(vrf: &VrfSignature) -> EncodedVrf {
		let mut bytes = [0; 96];
		let encoded = vrf.encode();
		bytes.iter_mut().zip(encoded).for_each(|(to, from)| *to = from);
		bytes
	}
}

/// A question to a chip.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct Challenge {
	/// [`crate::nonce::commitment`] to the 32 bytes that `credential` derives from.
	pub commitment: [u8; 32],
	/// What `TPM2_ActivateCredential` opens, or `TPM_ActivateIdentity`.
	pub credential: Credential,
}

/// Where verdicts are read beside this chain: an EIP-712 domain. Zero until a contract is deployed.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Default,
	Encode,
	Decode,
	DecodeWithMemTracking,
	TypeInfo,
	MaxEncodedLen,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Chain {
	/// The EVM chain's id: 20 for the Elastos Smart Chain.
	pub id: u64,
	/// The contract.
	pub contract: H160,
}
