//! What the pallet stores.

use codec::{Decode, Encode, MaxEncodedLen};
use ep_poet::{evidence::Claims, rate::RateWindow, AuthorityId, Interval, Millis};
use scale_info::TypeInfo;

/// What the chain has seen of one member's chip.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Record {
	/// How fast its clock ran over its last published waits.
	pub rate: RateWindow,
	/// The last wait published, but for one sealed in the newest block.
	pub last: Option<Interval>,
	/// Its wins and the waits it claimed.
	pub claims: Claims,
	/// Epoch in which an equivocation of it was last reported.
	pub reported: Option<u64>,
}

/// What the pre-runtime digest of the block being executed says.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Executing {
	/// The member who waited.
	pub author: AuthorityId,
	/// The block's time.
	pub timestamp: Millis,
	/// What its VRF output contributes to randomness.
	pub contribution: [u8; 32],
}
