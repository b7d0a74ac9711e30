//! Runs the runtime's benchmarks and writes weights from them: the SDK's `benchmark pallet`, without a node around it.
//!
//! `frame-omni-bencher` does the same; it brings RocksDB and host functions of other chains, and takes three times as
//! long to compile.

use clap::Parser;
use frame_benchmarking_cli::PalletCmd;
use sp_runtime::traits::BlakeTwo256;

#[derive(Parser)]
#[command(name = "elapse-bencher", version, about)]
enum Command {
	/// Measures the calls and hooks of pallets.
	Pallet(Box<PalletCmd>),
}

fn main() -> sc_cli::Result<()> {
	env_logger::Builder::from_env(
		env_logger::Env::default().default_filter_or("info,runtime=off,wasmtime_cranelift=off"),
	)
	.init();
	let Command::Pallet(command) = Command::parse();
	// Elapse's runtime calls no host function beyond the SDK's own.
	command.run_with_spec::<BlakeTwo256, ()>(None)
}
