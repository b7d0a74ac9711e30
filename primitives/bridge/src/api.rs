//! What the runtime answers about checkpoints.

use alloc::vec::Vec;
use codec::{Decode, Encode};
use ep_poet::AuthorityId;
use ep_trust::Chain;
use scale_info::TypeInfo;
use sp_core::H160;

use crate::{Certified, Checkpoint, EquivocationProof, Landing, ScoreProof, SignerSet};

/// A checkpoint that waits for signatures.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct OpenCheckpoint {
	/// The checkpoint.
	pub checkpoint: Checkpoint,
	/// For which contract it is to be signed.
	pub chain: Chain,
	/// Who signs it.
	pub signers: SignerSet,
	/// Places of those who have.
	pub signed: Vec<u32>,
	/// Their weight.
	pub votes: u64,
}

impl OpenCheckpoint {
	/// Whether the signer with this address has not signed yet. False for who is none.
	pub fn awaits(&self, address: &H160) -> bool {
		let place = self.signers.position(address);
		place.is_some_and(|place| !self.signed.iter().any(|signed| *signed as usize == place))
	}
}

/// A member's score in the tree, and the proof of it under the state's own root.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct ProvenScore {
	/// The score.
	pub score: u64,
	/// The proof.
	pub proof: ScoreProof,
}

sp_api::decl_runtime_apis! {
	/// Checkpoints and scores, asked about the state after a block.
	pub trait BridgeApi {
		/// Checkpoints that wait for signatures, oldest first.
		fn open() -> Vec<OpenCheckpoint>;
		/// The newest certified checkpoint, or that of a height if the state still has it.
		fn certified(number: Option<u32>) -> Option<Certified>;
		/// The set that signs now, or that of a number if the state still has it.
		fn signers(id: Option<u64>) -> Option<SignerSet>;
		/// The height of the checkpoint that handed over to a set, if the state still has it.
		fn handover(id: u64) -> Option<u32>;
		/// A member's score, proven. `None` if it has no leaf: it is no member, or nobody has examined it yet.
		fn score_proof(author: AuthorityId) -> Option<ProvenScore>;
		/// Puts a signature into the transaction pool. `Err` has the index of the pallet's error, 255 for what it has none
		/// for.
		fn sign(number: u32, address: H160, signature: [u8; 65]) -> Result<(), u8>;
		/// Certified checkpoints, ascending, of which the signer with this address has still to say where they landed.
		fn awaited_landings(address: H160) -> Vec<Certified>;
		/// The newest checkpoint that is known to have landed.
		fn landed() -> Option<Landing>;
		/// Puts what a signer says of a landing into the transaction pool. `Err` as before.
		fn attest_landing(landing: Landing, address: H160, signature: [u8; 65]) -> Result<(), u8>;
		/// Puts a report of an equivocation into the transaction pool. `Err` as before.
		fn report_equivocation(proof: EquivocationProof) -> Result<(), u8>;
	}
}
