//! Relayers on a real EVM with the real contract. Where node, its packages or the compiled contracts are missing, each
//! test is skipped, and says so, which `scripts/test.sh` counts.

mod chain;
mod evm;
mod program;
mod rounds;
#[path = "../../../../primitives/tpm/tests/common/skipped.rs"]
mod skipped;

use ec_relayer::{
	abi,
	testing::{Keys, GENESIS},
};
use ep_bridge::SignerSet;
use ep_trust::{eip712::number, Chain};
use serde_json::{json, Value};
use sp_core::{H160, H256};

use self::{chain::Elapse, skipped::skipped};

/// An EVM with the contract on it.
struct Evm {
	evm: evm::Evm,
	chain: Chain,
}

impl std::ops::Deref for Evm {
	type Target = evm::Evm;
	fn deref(&self) -> &evm::Evm {
		&self.evm
	}
}

impl Evm {
	/// Starts one with the contract, whose first set this is. Without `block_time` blocks are made by `mine` alone.
	fn start(set: &SignerSet, block_time: Option<u64>) -> Result<Self, String> {
		let evm = evm::Evm::start(block_time)?;
		let words = set.words();
		let head = [GENESIS.0, number(set.id()), number(4 * 32), number(0), number(words.len() as u64)];
		let contract = evm.deploy("ElapseAnchor", &[head.concat(), words].concat());
		if block_time.is_none() {
			evm.anvil("evm_setAutomine", json!([false]));
		}
		Ok(Self { evm, chain: Chain { id: 20, contract } })
	}

	/// A getter's words.
	fn get(&self, name: &str) -> Vec<u8> {
		self.call(H160::zero(), self.chain.contract, &abi::ask(name)).unwrap()
	}

	/// Heights of all checkpoints that have landed, and who brought them.
	fn landed(&self) -> Vec<(u64, H160)> {
		let landed = |log: &Value| {
			let number: H256 = log["topics"][1].as_str().unwrap().parse().unwrap();
			(number.to_low_u64_be(), H160::from_slice(&evm::bytes(&log["data"])[44..64]))
		};
		self.logs(self.chain.contract, abi::topic(abi::LANDED).0).iter().map(landed).collect()
	}
}

/// Both chains; `None` if this machine has no EVM.
fn chains(signers: u32, block_time: Option<u64>) -> Option<(Evm, Elapse)> {
	let keys = Keys::new(signers);
	match Evm::start(keys.set(), block_time) {
		Ok(evm) => Some((evm, Elapse::new(&keys))),
		Err(reason) => {
			skipped(&reason);
			None
		}
	}
}
