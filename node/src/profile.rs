//! Settings that differ from the SDK's defaults, and those for small machines.

use sc_cli::{DatabasePruningMode, OffchainWorkerEnabled, RunCmd, TransactionPoolType};

const MIB: usize = 1024 * 1024;

/// The most that `--iot` allows of what costs memory. Behind each, what it is by default.
const TRIE_CACHE: usize = 16 * MIB; // 1 GiB
const RUNTIME_INSTANCES: usize = 2; // 8
const RUNTIMES: u8 = 1; // 2
const OUT_PEERS: u32 = 6; // 8
const IN_PEERS: u32 = 10; // 32
const LIGHT_PEERS: u32 = 8; // 500
const PARALLEL_DOWNLOADS: u32 = 2; // 5
const RPC_CONNECTIONS: u32 = 16; // 100
const POOL_TRANSACTIONS: usize = 1024; // 8,192
const POOL_KIB: usize = 4096; // 20,480
const BLOCKS_KEPT: u32 = 4096; // all that are finalised

/// Brings `run` within the limits of a small machine.
pub(crate) fn apply_iot(run: &mut RunCmd) {
	fn limit<T: Ord + Copy>(value: &mut T, most: T) {
		*value = (*value).min(most);
	}

	limit(&mut run.import_params.trie_cache_size, TRIE_CACHE);
	limit(&mut run.runtime_params.max_runtime_instances, RUNTIME_INSTANCES);
	limit(&mut run.runtime_params.runtime_cache_size, RUNTIMES);

	limit(&mut run.network_params.out_peers, OUT_PEERS);
	limit(&mut run.network_params.in_peers, IN_PEERS);
	limit(&mut run.network_params.in_peers_light, LIGHT_PEERS);
	limit(&mut run.network_params.max_parallel_downloads, PARALLEL_DOWNLOADS);
	limit(&mut run.rpc_params.rpc_max_connections, RPC_CONNECTIONS);

	limit(&mut run.pool_config.pool_limit, POOL_TRANSACTIONS);
	limit(&mut run.pool_config.pool_kbytes, POOL_KIB);
	// The fork-aware pool keeps a view of its transactions for every fork.
	run.pool_config.pool_type = TransactionPoolType::SingleState;

	// "Finalised blocks for ever" is the default and cannot be told from a wish for it. `archive` can.
	let pruning = &mut run.import_params.pruning_params.blocks_pruning;
	if *pruning == DatabasePruningMode::ArchiveCanonical {
		*pruning = DatabasePruningMode::Custom(BLOCKS_KEPT);
	}
}

/// Lets offchain workers run only with `--offchain-worker always`.
///
/// The SDK's default is to run an authority's. No pallet of this runtime has one, so that would be a call of the runtime
/// at every block and an HTTP client in memory for nothing.
pub(crate) fn rest_offchain(run: &mut RunCmd) {
	let enabled = &mut run.offchain_worker_params.enabled;
	if matches!(enabled, OffchainWorkerEnabled::WhenAuthority) {
		*enabled = OffchainWorkerEnabled::Never;
	}
}

/// Has the node keep what the chain writes beside its state: the history's leaves, 186 bytes a block, and certificates of
/// checkpoints. Without them it could prove nothing of the past.
pub(crate) fn keep_history(run: &mut RunCmd) {
	run.offchain_worker_params.indexing_enabled = true;
}

#[cfg(test)]
mod tests {
	use super::*;
	use clap::Parser;

	fn run(args: &[&str]) -> RunCmd {
		RunCmd::parse_from(["elapse-node"].iter().chain(args))
	}

	#[test]
	fn iot_limits_what_costs_memory() {
		let mut run = run(&[]);
		apply_iot(&mut run);
		assert_eq!(run.import_params.trie_cache_size, TRIE_CACHE);
		assert_eq!(run.import_params.pruning_params.blocks_pruning, DatabasePruningMode::Custom(BLOCKS_KEPT));
	}

	#[test]
	fn history_is_kept() {
		let mut run = run(&[]);
		assert!(!run.offchain_worker_params.indexing_enabled, "the SDK's default is another one now");
		keep_history(&mut run);
		assert!(run.offchain_worker_params.indexing_enabled);
	}

	#[test]
	fn offchain_workers_run_when_asked_for() {
		for (args, enabled) in [(&[][..], false), (&["--offchain-worker", "always"], true)] {
			let mut run = run(args);
			rest_offchain(&mut run);
			let role = sc_service::Role::Authority;
			assert_eq!(run.offchain_worker_params.offchain_worker(&role).unwrap().enabled, enabled);
		}
	}

	#[test]
	fn iot_leaves_what_is_smaller_and_archives_alone() {
		let mut run = run(&["--in-peers", "3", "--blocks-pruning", "archive"]);
		apply_iot(&mut run);
		assert_eq!(run.network_params.in_peers, 3);
		assert_eq!(run.import_params.pruning_params.blocks_pruning, DatabasePruningMode::Archive);
	}
}
