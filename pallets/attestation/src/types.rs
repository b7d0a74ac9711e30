//! What the pallet stores, and what it asks of others.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use ep_poet::{AuthorityId, Weight};
use ep_tpm::{chip::Ak, Name};
use ep_trust::Quote;
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_runtime::Permill;

/// How often, how long, how much; governed. Periods are in blocks.
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
pub struct Parameters {
	/// Members drawn a block. 0 is a pause.
	pub picks: u32,
	/// How long a member has for its duty.
	pub deadline: u32,
	/// How long a late testimony is taken after that.
	pub grace: u32,
	/// Blocks from one draw of a member to the next, at least.
	pub rest: u32,
	/// What a duty done adds to the score, as a part of the cap.
	pub gain: Permill,
	/// What a duty missed takes from the score.
	pub loss: Permill,
	/// What a duty done late takes from it.
	pub late: Permill,
	/// Who has less weighs nothing.
	pub threshold: Weight,
}

impl Parameters {
	/// Whether the examination is stopped.
	pub fn pause(&self) -> bool {
		self.picks == 0
	}
}

/// What a member owes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Duty {
	/// The block in which it was drawn.
	pub block: u32,
	/// The last block in which it is in time.
	pub until: u32,
	/// The last block in which it is taken at all.
	pub lapses: u32,
	/// Testimonies refused so far.
	pub attempts: u8,
	/// How many of them as forged.
	pub forged: u8,
}

/// What a chip's counters were.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Counters {
	/// Resets, then restarts since the last of them.
	pub boots: (u32, u32),
	/// The highest value of `clock` that was reported as safe.
	pub clock: u64,
}

/// What a member's duties have shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Standing {
	/// Its credit.
	pub score: Weight,
	/// The highest that it can rise to, whatever its kind of chip allows.
	pub cap: Weight,
	/// The weight that the register was given last.
	pub given: Weight,
	/// The block in which it was drawn last.
	pub drawn: Option<u32>,
	/// Duties done.
	pub done: u32,
	/// Duties missed since.
	pub missed: u32,
	/// The block in which a fault in a committee counted last.
	pub failed: Option<u32>,
	/// Its chip, when it last attested.
	pub chip: Option<Counters>,
}

/// What is wrong with a testimony.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub enum Fault {
	/// It is not what that chip attests under that nonce.
	Forged,
	/// The chip's counters went back.
	Cleared,
	/// The platform is not as its policy wants it, or there is no quote, or no such policy any more, or it is now one that
	/// such a chip cannot meet.
	Platform,
}

/// What a broken rule says of who broke it. A quote that is genuine and not what the policy asks for may be an honest
/// one: what booted has changed, or the policy has.
impl From<ep_tpm::Error> for Fault {
	fn from(rule: ep_tpm::Error) -> Self {
		use ep_tpm::Error as Rule;
		match rule {
			Rule::PcrSelection
			| Rule::PcrValues
			| Rule::PcrDigest
			| Rule::PolicyForm
			| Rule::FirmwareFloor
			| Rule::PcrNotAllowed
			| Rule::CompositeNotAllowed
			| Rule::LegacyPolicy
			| Rule::LegacyStaticPcrs => Self::Platform,
			_ => Self::Forged,
		}
	}
}

/// What members were admitted on.
pub trait Platforms {
	/// The highest score of a member, by its kind of chip. `None` if nobody has looked at its evidence.
	fn cap(author: &AuthorityId) -> Option<Weight>;

	/// The policy that a member's platform has to meet. `None` if nobody has looked at it.
	fn policy(author: &AuthorityId) -> Option<u32>;

	/// The last block in which a member may stay, if its evidence is not good any more.
	fn stays(author: &AuthorityId) -> Option<u32>;

	/// A member's chip has attested, and runs this firmware (`TPMS_ATTEST.firmwareVersion`).
	fn attested(author: &AuthorityId, firmware: u64);

	/// Whether a quote under `nonce`, by `key` as a child of the endorsement key `ek_name`, meets a policy.
	///
	/// # Errors
	/// [`Fault::Forged`] or [`Fault::Platform`].
	fn check(policy: u32, key: &Ak, ek_name: &Name, quote: &Quote, nonce: &[u8]) -> Result<(), Fault>;
}
