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

/// Told of the two steps in which members go.
pub trait OnMemberGone {
	/// `author` is suspended or removed. Its record stays for a while, its credit does not.
	fn on_member_out(_author: &AuthorityId) {}
	/// `author` is no member any more, and nothing is known of its chip: its key, its account and its chip may come back.
	fn on_member_gone(author: &AuthorityId);
}

impl OnMemberGone for () {
	fn on_member_gone(_: &AuthorityId) {}
}

impl<First: OnMemberGone, Second: OnMemberGone> OnMemberGone for (First, Second) {
	fn on_member_out(author: &AuthorityId) {
		First::on_member_out(author);
		Second::on_member_out(author);
	}

	fn on_member_gone(author: &AuthorityId) {
		First::on_member_gone(author);
		Second::on_member_gone(author);
	}
}

/// Told of the parent's sealed header, of which no block sees its own.
pub trait OnParent<Header> {
	/// The block being executed has noted its parent, whose header this is. Never genesis.
	fn on_parent(header: &Header);
}

impl<Header> OnParent<Header> for () {
	fn on_parent(_: &Header) {}
}

impl OnEquivocation for () {
	fn on_equivocation(_: &AuthorityId) -> bool {
		true
	}
}
