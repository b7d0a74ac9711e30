//! Signers and checkpoints for tests.

use ep_bridge::{Certificate, Certified, Checkpoint, Signer, SignerSet};
use ep_trust::{anchor, Chain};
use sp_core::{ecdsa, Pair, H160, H256};

use crate::machine::Place;

/// A contract.
pub const CHAIN: Chain = Chain { id: 20, contract: H160::repeat_byte(0xc0) };
/// The chain that is anchored.
pub const GENESIS: H256 = H256::repeat_byte(0x6e);

/// The account number `n`, at the contract.
pub fn place(n: u8) -> Place {
	Place { chain_id: CHAIN.id, contract: CHAIN.contract, account: crate::legacy::address(&key(n)) }
}

/// The key of account number `n`.
pub fn key(n: u8) -> ecdsa::Pair {
	ecdsa::Pair::from_seed(&[n; 32])
}

/// A set of signers, with their keys.
#[derive(Clone)]
pub struct Keys {
	pairs: Vec<ecdsa::Pair>,
	set: SignerSet,
}

impl Keys {
	/// Set number 0, of so many signers of weights 10, 11 and so on.
	pub fn new(count: u32) -> Self {
		Self::numbered(0, count)
	}

	/// Set number `id`.
	pub fn numbered(id: u64, count: u32) -> Self {
		Self::seeded(id, count, id as u32)
	}

	/// Set number `id`, of other keys for another seed.
	pub fn seeded(id: u64, count: u32, seed: u32) -> Self {
		let pair = |n: u32| {
			let mut bytes = [0x51; 32];
			bytes[..4].copy_from_slice(&seed.to_be_bytes());
			bytes[4..8].copy_from_slice(&n.to_be_bytes());
			ecdsa::Pair::from_seed(&bytes)
		};
		let address = |pair: &ecdsa::Pair| anchor::address(&pair.public()).unwrap_or_default();
		let mut pairs: Vec<_> = (0..count).map(pair).collect();
		pairs.sort_by_key(address);
		let weighted = pairs.iter().zip(10..).map(|(pair, weight)| Signer { address: address(pair), weight });
		// Addresses of different keys are different, and weights are small.
		let set = SignerSet::new(id, weighted.collect()).unwrap_or_default();
		Self { pairs, set }
	}

	/// The set.
	pub fn set(&self) -> &SignerSet {
		&self.set
	}

	/// A checkpoint that all of them have signed, for `chain`; `next` signs the next one, if it is not they themselves.
	pub fn checkpoint(&self, chain: &Chain, number: u64, next: Option<&SignerSet>) -> Certified {
		self.of(GENESIS, chain, number, next)
	}

	/// The same for the chain with another genesis.
	pub fn of(&self, genesis: H256, chain: &Chain, number: u64, next: Option<&SignerSet>) -> Certified {
		let checkpoint = Checkpoint {
			genesis,
			epoch: number / 10,
			number,
			block_hash: H256::from_low_u64_be(number + 1_000_000),
			state_root: H256::from_low_u64_be(number + 2_000_000),
			history_root: H256::from_low_u64_be(number + 3_000_000),
			history_leaves: number,
			trust_root: H256::from_low_u64_be(number + 4_000_000),
			trust_leaves: 4,
			signers: self.set.id(),
			next_signers: next.unwrap_or(&self.set).hash(),
		};
		let digest = checkpoint.digest(chain);
		let signatures = self.pairs.iter().map(|pair| pair.sign_prehashed(&digest).0);
		let certificate = Certificate::collect(&self.set, &digest, signatures);
		Certified { checkpoint, chain: *chain, signers: self.set.clone(), certificate }
	}
}
