//! Relayers on a real EVM with the real contract. Where node, its packages or the compiled contracts are missing, each
//! test says so in a line `skipped: <test>: <reason>`, and passes.

mod chain;
mod evm;
mod program;
mod rounds;

use ec_relayer::testing::Keys;

use self::{chain::Elapse, evm::Evm};

/// Both chains; `None` if this machine has no EVM.
fn chains(test: &str, signers: u32, block_time: Option<u64>) -> Option<(Evm, Elapse)> {
	let keys = Keys::new(signers);
	match Evm::start(keys.set(), block_time) {
		Ok(evm) => Some((evm, Elapse::new(&keys))),
		Err(reason) => {
			println!("skipped: {test}: {reason}");
			None
		}
	}
}
