//! A signer who signs two checkpoints of one height.
//!
//! A checkpoint follows from its block, and an honest signer signs what it has seen final. So two of one height, by one
//! signer, are proof against that signer, for whatever contract it signed them.
//!
//! # Rules
//! Two statements are an offence if and only if all of these hold.
//! 1. *genesis*: both are of this chain.
//! 2. *height*: both are of one height.
//! 3. *different*: they are not the same checkpoint. The same one for two contracts is honest: contracts change.
//! 4. *signer*: both signatures are in the one form that is accepted, and by one address.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use ep_trust::{anchor, Chain};
use scale_info::TypeInfo;
use sp_core::{H160, H256};

use crate::Checkpoint;

/// A checkpoint that somebody signed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct Statement {
	/// The checkpoint.
	pub checkpoint: Checkpoint,
	/// For which contract.
	pub chain: Chain,
	/// r, s and recovery id.
	pub signature: [u8; 65],
}

impl Statement {
	/// Who signed it. `None` if nobody did.
	pub fn signer(&self) -> Option<H160> {
		anchor::recover(&self.signature, &self.checkpoint.digest(&self.chain))
	}
}

/// Two statements.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct EquivocationProof {
	/// One.
	pub first: Statement,
	/// The other.
	pub second: Statement,
}

/// Why two statements are no offence, by rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoOffence {
	/// Rule *genesis*.
	#[error("genesis: a checkpoint is of another chain")]
	Genesis,
	/// Rule *height*.
	#[error("height: the checkpoints are of two heights")]
	Height,
	/// Rule *different*.
	#[error("different: the checkpoints are the same")]
	Different,
	/// Rule *signer*.
	#[error("signer: the signatures are not by one signer")]
	Signer,
}

impl EquivocationProof {
	/// Checks the rules, and gives the offender's address.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn check(&self, genesis: &H256) -> Result<H160, NoOffence> {
		let (first, second) = (&self.first.checkpoint, &self.second.checkpoint);
		if first.genesis != *genesis || second.genesis != *genesis {
			return Err(NoOffence::Genesis);
		}
		if first.number != second.number {
			return Err(NoOffence::Height);
		}
		if first == second {
			return Err(NoOffence::Different);
		}
		let signer = self.first.signer().ok_or(NoOffence::Signer)?;
		if self.second.signer() != Some(signer) {
			return Err(NoOffence::Signer);
		}
		Ok(signer)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::checkpoint::others;
	use sp_core::{ecdsa, Pair};

	const GENESIS: H256 = H256::repeat_byte(1);
	const CHAIN: Chain = Chain { id: 20, contract: H160::repeat_byte(7) };

	fn checkpoint() -> Checkpoint {
		Checkpoint { genesis: GENESIS, number: 100, ..Default::default() }
	}

	fn state(n: u8, checkpoint: Checkpoint, chain: Chain) -> Statement {
		let signature = ecdsa::Pair::from_seed(&[n; 32]).sign_prehashed(&checkpoint.digest(&chain)).0;
		Statement { checkpoint, chain, signature }
	}

	fn judge(first: Statement, second: Statement) -> Result<H160, NoOffence> {
		EquivocationProof { first, second }.check(&GENESIS)
	}

	#[test]
	fn two_checkpoints_of_one_height_convict_whoever_signed_both() {
		let own = anchor::address(&ecdsa::Pair::from_seed(&[5; 32]).public()).unwrap();
		let honest = || state(5, checkpoint(), CHAIN);
		let lies = others(&checkpoint()).into_iter();
		for lie in lies.filter(|lie| lie.genesis == GENESIS && lie.number == 100) {
			assert_eq!(judge(honest(), state(5, lie.clone(), CHAIN)), Ok(own));
			assert_eq!(judge(state(5, lie, Chain::default()), honest()), Ok(own));
		}
	}

	#[test]
	fn genesis_refuses_what_was_signed_on_another_chain() {
		let elsewhere = Checkpoint { genesis: H256::repeat_byte(2), ..checkpoint() };
		let (here, there) = (state(5, checkpoint(), CHAIN), state(5, elsewhere, CHAIN));
		assert_eq!(judge(here.clone(), there.clone()), Err(NoOffence::Genesis));
		assert_eq!(judge(there, here), Err(NoOffence::Genesis));
	}

	#[test]
	fn height_refuses_checkpoints_of_two_blocks() {
		let later = Checkpoint { number: 200, ..checkpoint() };
		assert_eq!(judge(state(5, checkpoint(), CHAIN), state(5, later, CHAIN)), Err(NoOffence::Height));
	}

	#[test]
	fn different_refuses_one_checkpoint_for_two_contracts() {
		let twice = judge(state(5, checkpoint(), CHAIN), state(5, checkpoint(), Chain::default()));
		assert_eq!(twice, Err(NoOffence::Different));
		assert_eq!(judge(state(5, checkpoint(), CHAIN), state(5, checkpoint(), CHAIN)), Err(NoOffence::Different));
	}

	#[test]
	fn signer_refuses_a_frame_up() {
		let lie = Checkpoint { block_hash: H256::repeat_byte(9), ..checkpoint() };
		assert_eq!(judge(state(5, checkpoint(), CHAIN), state(6, lie.clone(), CHAIN)), Err(NoOffence::Signer));
		let mut forged = state(5, lie.clone(), CHAIN);
		forged.checkpoint.epoch += 1;
		assert_eq!(judge(state(5, checkpoint(), CHAIN), forged), Err(NoOffence::Signer));
		let nobody = Statement { checkpoint: lie, chain: CHAIN, signature: [0; 65] };
		assert_eq!(judge(nobody.clone(), state(5, checkpoint(), CHAIN)), Err(NoOffence::Signer));
	}
}
