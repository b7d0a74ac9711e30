//! What the lottery needs of whoever keeps the members.

use alloc::vec::Vec;
use ep_tpm::Name;

use crate::{api::AkPublic, AuthorityId, Weight};

/// A member's identity in one epoch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuthorIdentity<AccountId> {
	/// The account that answers for the member.
	pub account: AccountId,
	/// Weight in that epoch; 0 where only the identity was asked for.
	pub weight: Weight,
	/// The attestation key's `TPMT_PUBLIC`.
	pub ak_public: AkPublic,
	/// Name of the endorsement key above it.
	pub ek_name: Name,
}

/// The register of members.
pub trait Members<AccountId> {
	/// The member with this key, if its weight in `epoch` is not 0.
	fn contestant(author: &AuthorityId, epoch: u64) -> Option<AuthorIdentity<AccountId>>;
	/// The member with this key whatever its weight: an equivocation may be reported after the member left the sets.
	fn identity(author: &AuthorityId, epoch: u64) -> Option<AuthorIdentity<AccountId>>;
	/// Keys and weights in `epoch` of at most `limit` members, from index `from` on.
	fn page(from: u32, limit: u32, epoch: u64) -> Vec<(AuthorityId, Weight)>;
	/// Sum of all weights in `epoch`.
	fn total_weight(epoch: u64) -> Weight;
}

/// Told of every proven equivocation.
pub trait OnEquivocation {
	/// `author` is proven to have equivocated. Returns whether anything came of it: `false` where it was known.
	fn on_equivocation(author: &AuthorityId) -> bool;
}

/// Told when a removed member's record is gone, so that its key, its account and its chip may come back.
pub trait OnMemberGone {
	/// `author` is no member any more, and nothing is known of its chip.
	fn on_member_gone(author: &AuthorityId);
}

impl OnMemberGone for () {
	fn on_member_gone(_: &AuthorityId) {}
}

impl<First: OnMemberGone, Second: OnMemberGone> OnMemberGone for (First, Second) {
	fn on_member_gone(author: &AuthorityId) {
		First::on_member_gone(author);
		Second::on_member_gone(author);
	}
}

impl OnEquivocation for () {
	fn on_equivocation(_: &AuthorityId) -> bool {
		true
	}
}
