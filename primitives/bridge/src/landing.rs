//! That a checkpoint landed, and whose money it took.
//!
//! Signers look at the contract's events and say what they saw once it is [`DEPTH`] blocks deep: blocks of the Elastos
//! Smart Chain are not final before, and their hashes are not unique, so an event is known by its transaction and its place
//! in the log. More than two thirds of the weight of the set that signed the checkpoint make it a fact here.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use ep_trust::{
	eip712::{self, address, number, word},
	Chain,
};
use scale_info::TypeInfo;
use sp_core::{H160, H256};
use sp_crypto_hashing::keccak_256;

/// How many blocks of the Elastos Smart Chain have to follow that of the event.
pub const DEPTH: u64 = 10;

/// Where a checkpoint landed, and who brought it.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct Landing {
	/// Height of the checkpoint's block.
	pub number: u64,
	/// Hash of the transaction that brought it.
	pub transaction: H256,
	/// Place of the event `CheckpointLanded` in its block's log.
	pub log: u32,
	/// The account that paid for it: `relayer` of the event.
	pub relayer: H160,
}

const LANDING: &[u8] = b"Landing(bytes32 genesis,uint64 number,bytes32 transaction,uint32 log,address relayer)";
const CLAIM: &[u8] = b"Claim(bytes32 genesis,bytes account)";

impl Landing {
	/// What signers sign: EIP-712, in the domain of the contract at `chain`.
	pub fn digest(&self, chain: &Chain, genesis: &H256) -> [u8; 32] {
		let Self { number: height, transaction, log, relayer } = self;
		let members =
			[word(&genesis.0), number(*height), word(&transaction.0), number((*log).into()), address(relayer)];
		eip712::digest(chain, &eip712::hash_struct(LANDING, &members))
	}
}

/// What a relayer's key signs to have its rewards paid to an account (in SCALE) of the chain with this genesis hash.
pub fn claim(chain: &Chain, genesis: &H256, account: &[u8]) -> [u8; 32] {
	eip712::digest(chain, &eip712::hash_struct(CLAIM, &[word(&genesis.0), keccak_256(account)]))
}

#[cfg(test)]
mod tests {
	use super::*;

	const CHAIN: Chain = Chain { id: 20, contract: H160::repeat_byte(7) };
	const GENESIS: H256 = H256::repeat_byte(1);

	#[test]
	fn every_member_is_signed_and_for_which_contract_and_chain() {
		let landing = Landing { number: 5, transaction: H256::repeat_byte(2), log: 3, relayer: H160::repeat_byte(4) };
		let own = landing.digest(&CHAIN, &GENESIS);
		let others = [
			Landing { number: 6, ..landing }.digest(&CHAIN, &GENESIS),
			Landing { transaction: GENESIS, ..landing }.digest(&CHAIN, &GENESIS),
			Landing { log: 4, ..landing }.digest(&CHAIN, &GENESIS),
			Landing { relayer: CHAIN.contract, ..landing }.digest(&CHAIN, &GENESIS),
			landing.digest(&Chain { id: 21, ..CHAIN }, &GENESIS),
			landing.digest(&Chain { contract: H160::zero(), ..CHAIN }, &GENESIS),
			landing.digest(&CHAIN, &H256::zero()),
		];
		assert!(!others.contains(&own));
	}

	#[test]
	fn a_claim_is_for_one_account_of_one_chain_and_is_no_landing() {
		let own = claim(&CHAIN, &GENESIS, &[1; 32]);
		let others = [
			claim(&CHAIN, &GENESIS, &[2; 32]),
			claim(&CHAIN, &GENESIS, &[1; 31]),
			claim(&CHAIN, &H256::zero(), &[1; 32]),
			claim(&Chain { id: 21, ..CHAIN }, &GENESIS, &[1; 32]),
			Landing::default().digest(&CHAIN, &GENESIS),
		];
		assert!(!others.contains(&own));
	}
}
