//! What the runtime answers about admission.

use alloc::vec::Vec;
use codec::{Codec, Decode, Encode};
use ep_poet::{api::AkPublic, AuthorityId};
use ep_tpm::{credential::Credential, model::Tier, policy::PlatformPolicy, Name};
use scale_info::TypeInfo;
use sp_core::{sr25519, H160};

use crate::{Application, Chain, Dossier, Judgement, Quote, Round, SeatClaim, Testimony, Verdict, VerdictCertificate};

/// The last block of each phase of a round.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct Until {
	/// Of sitting down.
	pub sit: u32,
	/// Of the answer.
	pub answer: u32,
	/// Of revealing.
	pub reveal: u32,
	/// Of the verdict.
	pub judge: u32,
}

/// A round as it stands.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct RoundInfo<AccountId> {
	/// Who applied.
	pub account: AccountId,
	/// What was handed in.
	pub application: Application,
	/// Name of its attestation key.
	pub ak_name: Name,
	/// The kind of chip.
	pub tier: Tier,
	/// The block it was made in.
	pub applied: u32,
	/// The last block of each phase.
	pub until: Until,
	/// The seed, once its blocks are there.
	pub seed: Option<[u8; 32]>,
	/// Votes that there should be.
	pub expected: u64,
	/// Who sits.
	pub seats: Vec<SeatInfo>,
	/// The quote that came with the answer, once it is there.
	pub answer: Option<Quote>,
	/// Votes of those whose question was answered, as far as they have revealed.
	pub opened: u64,
	/// Votes of those whose question got an answer that was made up.
	pub made_up: u64,
	/// Whether the committee can speak.
	pub judging: bool,
	/// Whether the round can only expire.
	pub expired: bool,
}

/// A member in a round's committee.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct SeatInfo {
	/// The member.
	pub author: AuthorityId,
	/// Address of its anchor key.
	pub anchor: H160,
	/// Its votes.
	pub votes: u64,
	/// Its place among those who lead: the smallest leads first.
	pub rank: u128,
	/// What it committed to.
	pub commitment: [u8; 32],
	/// What it asks.
	pub credential: Credential,
	/// Whether it has revealed.
	pub revealed: bool,
}

/// A call that costs no fee, because it proves by itself that it may be made.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub enum Feeless {
	/// A member takes its seats.
	Sit {
		/// The round.
		round: Round,
		/// The claim.
		claim: SeatClaim,
		/// By the member's key, over [`crate::nonce::statement`] of `sit`.
		signature: sr25519::Signature,
	},
	/// A challenger reveals.
	Reveal {
		/// The round.
		round: Round,
		/// The challenger.
		author: AuthorityId,
		/// What its question derived from.
		secret: [u8; 32],
		/// By the member's key, over [`crate::nonce::statement`] of `reveal`.
		signature: sr25519::Signature,
	},
	/// A verdict.
	Conclude {
		/// The round.
		round: Round,
		/// What it says.
		judgement: Judgement,
		/// Who says so.
		certificate: VerdictCertificate,
	},
	/// A round that cannot go on.
	Expire {
		/// The round.
		round: Round,
	},
	/// A member's evidence is to be looked at again.
	Review {
		/// The member.
		author: AuthorityId,
	},
}

/// What a member owes.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct DutyInfo {
	/// The block in which it was drawn.
	pub block: u32,
	/// The last block in which it is in time.
	pub until: u32,
	/// The last block in which it is taken at all.
	pub lapses: u32,
	/// The number of the attempt to come, from 0 on.
	pub attempt: u8,
	/// The policy that a quote is to meet; without one none is owed.
	pub policy: Option<u32>,
	/// The attestation key that the chain knows as the member's: `TPMT_PUBLIC`, or `TPM_PUBKEY` of a TPM 1.2.
	pub ak_public: AkPublic,
	/// Name of the endorsement key above it.
	pub ek_name: Name,
}

/// A member as the register and its duties show it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct NodeInfo<AccountId> {
	/// Its key for lottery and seals.
	pub author: AuthorityId,
	/// The account that answers for it.
	pub account: AccountId,
	/// Its weight in this epoch.
	pub weight: u64,
	/// Its score, which is its weight two epochs on, if it is above the threshold.
	pub score: u64,
	/// The highest that its score can rise to.
	pub cap: u64,
	/// Duties done, in time or late.
	pub done: u32,
	/// Duties missed since the last one done.
	pub missed: u32,
	/// Whether it is proven to have cheated.
	pub suspended: bool,
	/// The first epoch without it, if it is leaving.
	pub leaves: Option<u64>,
	/// The last block in which it may stay, if its evidence is not good any more.
	pub stays: Option<u32>,
	/// What it owes.
	pub duty: Option<DutyInfo>,
}

/// Most members that [`AttestationApi::nodes`] gives at once.
pub const NODES_PAGE: u32 = 64;

sp_api::decl_runtime_apis! {
	/// Members and their duties, asked about the state after a block.
	pub trait AttestationApi<AccountId> where AccountId: Codec {
		/// What a member owes in the next block.
		fn duty(author: AuthorityId) -> Option<DutyInfo>;
		/// A member.
		fn node(author: AuthorityId) -> Option<NodeInfo<AccountId>>;
		/// Members from an index in the list on, at most [`NODES_PAGE`].
		fn nodes(from: u32) -> Vec<NodeInfo<AccountId>>;
		/// Puts a member's testimony into the transaction pool. `Err` has the index of the pallet's error, 255 for what it
		/// has none for.
		fn attest(author: AuthorityId, testimony: Testimony, signature: sr25519::Signature) -> Result<(), u8>;
	}

	/// Admission, asked about the state after a block.
	pub trait TrustApi<AccountId> where AccountId: Codec {
		/// Live rounds.
		fn rounds() -> Vec<Round>;
		/// One of them.
		fn round(round: Round) -> Option<RoundInfo<AccountId>>;
		/// The round that an account is in.
		fn round_of(account: AccountId) -> Option<Round>;
		/// The verdict that would say `judgement` in a round, and where it is read.
		fn verdict(round: Round, judgement: Judgement) -> Option<(Verdict, Chain)>;
		/// A policy.
		fn policy(policy: u32) -> Option<PlatformPolicy>;
		/// A member's address on the Elastos Smart Chain.
		fn anchor(author: AuthorityId) -> Option<H160>;
		/// What a member was admitted on.
		fn dossier(author: AuthorityId) -> Option<Dossier>;
		/// Members who owe a testimony, and whose evidence has to be looked at again.
		fn due_for_review() -> Vec<AuthorityId>;
		/// Whether an application would be taken, with the session keys and the proof of them encoded: `Err` has the name
		/// of the error. Asking costs no fee.
		fn check_application(
			account: AccountId,
			application: Application,
			keys: Vec<u8>,
			proof: Vec<u8>,
		) -> Result<(), Vec<u8>>;
		/// Whether a call that costs no fee would be taken: `Err` has the index of the pallet's error.
		fn check(call: Feeless) -> Result<(), u8>;
		/// Puts such a call into the transaction pool. `None` if it is not taken.
		fn submit(call: Feeless) -> Option<()>;
	}
}
