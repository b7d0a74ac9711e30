//! What a member thinks of an applicant.

use ep_tpm::policy::{AllowedPcrs, PcrRule, PlatformPolicy};
use ep_trust::{api::RoundInfo, committee::is_quorum, Judgement, Reason};

/// Members who must be able to reach the applicant's node; all where there are fewer.
pub(crate) const REACHED_BY: usize = 2;

/// What a member has seen for itself, and heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
	/// Members, itself included, who say that they reach the applicant's node.
	pub reached: usize,
	/// Whether it may still be reached: the time for judging is not half over.
	pub early: bool,
}

/// The judgement; `None` while it is too early for one.
///
/// The chain has verified certificates, keys, quotes and answers. What is left is what the chain cannot see, and what may
/// have changed since.
pub fn judge<AccountId>(info: &RoundInfo<AccountId>, policy: Option<&PlatformPolicy>, seen: Seen) -> Option<Judgement> {
	if !is_quorum(info.opened, info.expected) {
		return Some(Judgement::Refuse(Reason::Unanswered));
	}
	let Some(policy) = policy else { return Some(Judgement::Refuse(Reason::Platform)) };
	if needs_event_log(policy) {
		// Nothing brings a log from the applicant's node to the committee yet, and unseen it is as good as none.
		return Some(Judgement::Refuse(Reason::EventLog));
	}
	if seen.reached < REACHED_BY.min(info.seats.len()) {
		return (!seen.early).then_some(Judgement::Refuse(Reason::Unreachable));
	}
	Some(Judgement::Admit)
}

/// Whether a policy leaves PCRs open: what they hold then means something only with the log of how it came to be.
fn needs_event_log(policy: &PlatformPolicy) -> bool {
	match &policy.allowed {
		AllowedPcrs::Each(rules) => rules.contains(&PcrRule::Any),
		AllowedPcrs::Composite(_) => false,
	}
}
