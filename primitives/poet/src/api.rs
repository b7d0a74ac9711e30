//! What the runtime answers about the lottery.
//!
//! Every call is made at the *parent* and answers for its child: epoch boundaries are already taken into account, so
//! that a caller never needs to know where they lie.

use alloc::vec::Vec;
use codec::{Decode, Encode, MaxEncodedLen};
use ep_tpm::Name;
use scale_info::TypeInfo;
use sp_core::ConstU32;
use sp_runtime::{traits::Block as BlockT, BoundedVec};

use crate::{evidence::Claims, AuthorityId, EquivocationProof, Hash, Interval, Mean, Millis, Weight};

/// Longest `TPMT_PUBLIC` of an attestation key, in bytes.
pub const MAX_PUBLIC: u32 = ep_tpm::MAX_AK_PUBLIC_LEN as u32;
/// An attestation key's `TPMT_PUBLIC`.
pub type AkPublic = BoundedVec<u8, ConstU32<MAX_PUBLIC>>;

/// Longest block interval that may be aimed at: with longer ones sums of waits would outgrow their types.
pub const MAX_TARGET: Millis = 3_600_000;

/// The parameters of the lottery, fixed by the chain specification.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameters {
	/// `T`, the block interval aimed at.
	pub target: Millis,
	/// `m`, the least wait.
	pub minimum_wait: Millis,
	/// What sealing, propagation and import are expected to take; taken off the mean wait.
	pub overhead: Millis,
	/// `T_max`: how long after its wait was over an author may still use its A1.
	pub max_slack: Millis,
	/// Blocks in an epoch.
	pub epoch_length: u32,
}

impl Parameters {
	/// The mean of `d - m` over winners that leads to blocks every `T`; at least 1 ms.
	pub fn mean_excess(&self) -> Millis {
		self.target.saturating_sub(self.minimum_wait).saturating_sub(self.overhead).max(1)
	}

	/// The epoch of `height`; epoch 0 begins with genesis.
	pub fn epoch_of(&self, height: u64) -> u64 {
		height / u64::from(self.epoch_length.max(1))
	}

	/// Whether the numbers can work at all.
	///
	/// # Errors
	/// What cannot work, as a sentence.
	pub fn check(&self) -> Result<(), &'static str> {
		if self.epoch_length == 0 {
			return Err("epoch_length must be at least 1");
		}
		// With a wait of 0 a block would have its parent's time.
		if self.minimum_wait < 2 {
			return Err("minimum_wait must be at least 2 ms");
		}
		if self.target > MAX_TARGET {
			return Err("target must be at most an hour");
		}
		if self.target <= self.minimum_wait.saturating_add(self.overhead) {
			return Err("target must be longer than minimum_wait + overhead");
		}
		if self.max_slack < self.target {
			return Err("max_slack must be at least target");
		}
		Ok(())
	}
}

/// The lottery of one height.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct Lottery {
	/// Genesis hash of the chain.
	pub genesis: Hash,
	/// The height drawn for: the parent's plus one.
	pub height: u64,
	/// Its epoch.
	pub epoch: u64,
	/// The epoch's randomness.
	pub randomness: [u8; 32],
	/// The local mean.
	pub mean: Mean,
	/// The parent's timestamp, Unix milliseconds; 0 where the parent is genesis.
	pub parent_timestamp: Millis,
	/// The chain's parameters.
	pub parameters: Parameters,
}

/// A member as the lottery of one height sees it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct Contestant {
	/// Weight in the height's epoch. Never 0.
	pub weight: Weight,
	/// The attestation key's `TPMT_PUBLIC`.
	pub ak_public: AkPublic,
	/// Name of the endorsement key that the attestation key is a child of.
	pub ek_name: Name,
	/// Clock rate in parts per million, at least 1,000,000.
	pub rate: u32,
	/// The last wait published.
	pub last: Option<Interval>,
}

/// A member and its record, for people.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct MemberInfo {
	/// Its key.
	pub author: AuthorityId,
	/// Weight in the next height's epoch.
	pub weight: Weight,
	/// Clock rate in parts per million.
	pub rate: u32,
	/// Its wins and the waits it claimed.
	pub claims: Claims,
}

sp_api::decl_runtime_apis! {
	/// The lottery, asked at the parent about its child.
	pub trait PoetApi {
		/// The lottery of the child's height.
		fn lottery() -> Lottery;
		/// The member with this key, if it takes part in that lottery.
		fn contestant(author: AuthorityId) -> Option<Contestant>;
		/// At most 256 members, from index `from` on.
		fn members(from: u32) -> Vec<MemberInfo>;
		/// Puts a report of an equivocation into the transaction pool. `None` if the report is not valid.
		fn submit_equivocation_report(proof: EquivocationProof<<Block as BlockT>::Header>) -> Option<()>;
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn parameters_that_cannot_work_are_refused() {
		let good = Parameters { target: 2_000, minimum_wait: 200, overhead: 100, max_slack: 10_000, epoch_length: 60 };
		assert_eq!(good.check(), Ok(()));
		for (bad, word) in [
			(Parameters { epoch_length: 0, ..good }, "epoch_length"),
			(Parameters { minimum_wait: 1, ..good }, "minimum_wait"),
			(Parameters { target: MAX_TARGET + 1, max_slack: Millis::MAX, ..good }, "target must be at most"),
			(Parameters { overhead: 1_800, ..good }, "target must be longer"),
			(Parameters { max_slack: 1_999, ..good }, "max_slack"),
		] {
			assert!(bad.check().is_err_and(|why| why.starts_with(word)), "{bad:?}: {:?}", bad.check());
		}
	}
}
