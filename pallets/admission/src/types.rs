//! What the pallet stores.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use ep_poet::{AuthorityId, Weight};
use ep_tpm::{credential::Credential, model::Tier, policy::PlatformPolicy, ClockInfo, Name};
use ep_trust::{Chain, MAX_SEATS};
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::H160;

/// Periods, sizes and amounts, governed. Periods are in blocks.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	TypeInfo,
	MaxEncodedLen,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameters<Balance> {
	/// Held while a round lasts.
	pub deposit: Balance,
	/// Seats expected in a committee. While there are no more members, all sit.
	pub seats: u32,
	/// How long members may sit down after the blocks of the seed.
	pub sit: u32,
	/// How long the applicant may answer after that.
	pub answer: u32,
	/// How long challengers may reveal after that.
	pub reveal: u32,
	/// How long the committee may judge after that.
	pub judge: u32,
	/// How long a chip that showed itself and was not let in waits until its next round, and how long the deposit of an
	/// applicant stays held whose chip did not.
	pub cooldown: u32,
	/// How old the block in an application's nonce may be.
	pub recent: u32,
	/// How long a member whose evidence is not good any more may stay: time to update a firmware, or to move to another
	/// policy.
	pub overlap: u32,
	/// Whether a member stays whose EK certificate has expired since it was let in.
	pub expired_stay: bool,
	/// What a new member weighs, but never more than its tier's cap.
	pub first_weight: Weight,
	/// The most that a member of each tier may weigh.
	pub caps: Caps,
}

/// The most that members weigh, by tier. A tier whose cap is 0 is not let in.
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
pub struct Caps {
	/// Chips of their own.
	pub discrete: Weight,
	/// Firmware of a processor.
	pub firmware: Weight,
	/// A hypervisor's.
	pub virtualised: Weight,
	/// TPM 1.2: the most that its score may be. It weighs nothing.
	pub legacy: Weight,
	/// Programs. For tests: whoever runs one can make it say anything.
	pub software: Weight,
}

impl Caps {
	/// The cap of a tier.
	pub fn of(&self, tier: Tier) -> Weight {
		match tier {
			Tier::Discrete => self.discrete,
			Tier::Firmware => self.firmware,
			Tier::Virtual => self.virtualised,
			Tier::Legacy12 => self.legacy,
			Tier::Software => self.software,
		}
	}
}

impl<Balance: Copy> Parameters<Balance> {
	/// What a new member with such a chip weighs. A TPM 1.2 attests no time, so it weighs nothing, and begins with no
	/// score.
	pub fn first_weight_of(&self, tier: Tier) -> Weight {
		match tier {
			Tier::Legacy12 => 0,
			tier => self.first_weight.min(self.caps.of(tier)),
		}
	}

	/// Whether the numbers can work at all.
	///
	/// # Errors
	/// What cannot.
	pub fn check(&self) -> Result<(), &'static str> {
		if self.seats == 0 || self.seats > MAX_SEATS / 2 {
			// Lots fall above the mean half of the time.
			return Err("a committee must be expected to have at least one seat, and at most half of the most");
		}
		if [self.sit, self.answer, self.reveal, self.judge, self.recent].contains(&0) {
			return Err("every period must last a block at least");
		}
		let periods = [self.sit, self.answer, self.reveal, self.judge, self.cooldown, self.recent, self.overlap];
		if periods.iter().any(|period| *period > MAX_PERIOD) {
			return Err("no period may be longer than a million blocks");
		}
		if self.sit.saturating_add(ep_trust::SEED_BLOCKS) >= crate::REMEMBERED {
			return Err("members must sit down before the seed is forgotten");
		}
		if self.first_weight == 0 {
			return Err("a new member must weigh something");
		}
		Ok(())
	}
}

/// Longest period, so that sums of them are heights.
pub const MAX_PERIOD: u32 = 1_000_000;

/// An application under way.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct RoundState<AccountId, Balance> {
	/// Who applied.
	pub account: AccountId,
	/// What it put up.
	pub deposit: Balance,
	/// Its key for lottery and seals.
	pub author: AuthorityId,
	/// Hash of its endorsement key, as certified: the chip.
	pub chip: [u8; 32],
	/// Name of its endorsement key.
	pub ek_name: Name,
	/// Name of its attestation key.
	pub ak_name: Name,
	/// The kind of chip.
	pub tier: Tier,
	/// The clock of its first quote. A TPM 1.2 has none.
	pub clock: Option<ClockInfo>,
	/// The firmware that its chip runs. A TPM 1.2 does not say.
	pub firmware: Option<u64>,
	/// The revision of the rules that its evidence was judged by.
	pub revision: u32,
	/// Hash of the application.
	pub application: [u8; 32],
	/// The nonce of the quote in it.
	pub nonce: [u8; 32],
	/// The block it was made in.
	pub applied: u32,
	/// The epoch whose weights count.
	pub epoch: u64,
	/// Last block of each phase.
	pub until: Deadlines,
	/// The seed, once somebody has sat down.
	pub seed: Option<[u8; 32]>,
	/// Whether all members sit, with a vote for each unit of weight.
	pub all_sit: bool,
	/// Sum of all weights in that epoch.
	pub total: Weight,
	/// Authors that the seed's blocks must have.
	pub authors: u32,
	/// Votes that there should be.
	pub expected: u64,
	/// Members who have sat down.
	pub seated: u32,
	/// Their votes.
	pub votes: u64,
	/// Hash of the answer, once it is there.
	pub answer: Option<[u8; 32]>,
	/// Members who have revealed what they asked.
	pub revealed: u32,
	/// Votes of those whose question was answered.
	pub opened: u64,
	/// Votes of those whose question got an answer that was made up.
	pub made_up: u64,
}

/// The last block of each phase of a round.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct Deadlines {
	/// Of sitting down.
	pub sit: u32,
	/// Of the answer.
	pub answer: u32,
	/// Of revealing.
	pub reveal: u32,
	/// Of the verdict.
	pub judge: u32,
}

impl Deadlines {
	/// All of them, earlier by so many blocks.
	pub(crate) fn come_forward(&mut self, blocks: u32) {
		for deadline in [&mut self.sit, &mut self.answer, &mut self.reveal, &mut self.judge] {
			*deadline = deadline.saturating_sub(blocks);
		}
	}
}

/// A member in the committee of a round.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Seating {
	/// Address of its anchor key.
	pub anchor: H160,
	/// Its votes.
	pub votes: u64,
	/// Its place among those who lead: the smallest leads first.
	pub rank: u128,
	/// What it committed to.
	pub commitment: [u8; 32],
	/// What it asks the chip.
	pub credential: Credential,
	/// What became of the question, once it is revealed.
	pub outcome: Option<Opening>,
}

/// What became of a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub enum Opening {
	/// The applicant answered it.
	Answered,
	/// The applicant did not, though it could have: zeros, or nothing.
	NotAnswered,
	/// Nobody could have answered it.
	Broken,
	/// The applicant gave another answer. No chip does: it opens a question or says that it cannot.
	MadeUp,
}

/// Answers to questions, each with who asked.
pub type Answers = BoundedVec<(AuthorityId, [u8; 32]), ConstU32<MAX_SEATS>>;

/// How a round ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub enum Outcome {
	/// The committee said so.
	Judged(ep_trust::Judgement),
	/// The applicant took it back.
	Withdrawn,
	/// A deadline passed without what had to happen before it.
	Expired,
}

/// What a member did wrong in a round.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub enum Fault {
	/// It asked what nobody could answer.
	BrokenChallenge,
	/// It did not reveal what it asked.
	Silent,
}

/// What one block contributed to seeds.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Contribution {
	/// The block.
	pub block: u32,
	/// Its author.
	pub author: AuthorityId,
	/// Its VRF output.
	pub output: [u8; 32],
}

/// A policy, and the blocks in which it holds.
///
/// Before them nobody is let in under it; after them neither, and members who rest on it have the overlap to move on.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GovernedPolicy {
	/// What is asked of platforms.
	pub platform: PlatformPolicy,
	/// The first block.
	pub from: u32,
	/// The last block.
	pub until: u32,
}

impl GovernedPolicy {
	/// One that holds for ever.
	pub fn always(platform: PlatformPolicy) -> Self {
		Self { platform, from: 0, until: u32::MAX }
	}

	/// Whether it holds in this block.
	pub fn holds(&self, block: u32) -> bool {
		(self.from..=self.until).contains(&block)
	}
}

/// Where verdicts are read beside this chain.
pub type Anchor = Chain;

/// On what grounds a member is in.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Grounds {
	/// The kind of its chip, as it was last looked at.
	pub tier: Tier,
	/// The policy that its platform has to meet.
	pub policy: u32,
	/// When its evidence was judged, in seconds since 1970.
	pub since: u64,
	/// The firmware that its chip runs, as last attested. A TPM 1.2 does not say.
	pub firmware: Option<u64>,
	/// The revision of the rules at which its evidence was last looked at; `None` if it has to be.
	pub reviewed: Option<u32>,
	/// The last block in which it may stay, if its evidence is not good any more.
	pub stays: Option<u32>,
}

/// What is wrong with a member's evidence now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub enum Lapse {
	/// The EK certificate: its maker is not trusted any more, or it was revoked, or has expired.
	Certificate,
	/// The model is not let in any more.
	Model,
	/// The model or its firmware is known to be broken.
	Denied,
	/// The policy is gone, or holds no more.
	Policy,
}
