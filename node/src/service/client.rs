//! The client over its database, made so that a start is quick.

use std::sync::Arc;

use elapse_runtime::OpaqueBlock as Block;
use sc_chain_spec::{BuildGenesisBlock, ChainSpec, GenesisBlockBuilder};
use sc_executor::{HeapAllocStrategy, WasmExecutor, DEFAULT_HEAP_ALLOC_STRATEGY};
use sc_service::{error::Error, Configuration, KeystoreContainer, TaskManager};
use sc_telemetry::TelemetryHandle;

use super::{Backend, Client, HostFunctions};

type Executor = WasmExecutor<HostFunctions>;

/// The client, with what it stands on.
pub(super) fn new_parts(
	config: &Configuration,
	telemetry: Option<TelemetryHandle>,
) -> Result<(Client, Arc<Backend>, KeystoreContainer, TaskManager), Error> {
	let executor = executor(config)?;
	let backend = sc_service::new_db_backend(config.db_config())?;
	let genesis = Genesis {
		spec: config.chain_spec.as_ref(),
		commit_state: !config.no_genesis(),
		backend: backend.clone(),
		executor: executor.clone(),
	};
	sc_service::new_full_parts_with_genesis_builder(config, telemetry, executor, backend, genesis, false)
}

/// What runs the runtime: `sc_service::new_wasm_executor`, and it keeps what it compiled.
///
/// Compiling takes most of a start. The compiled runtime is native code which the node then runs: it is kept below the
/// base path, where the keys are too, for nobody but the operator to write to.
fn executor(config: &Configuration) -> Result<Executor, Error> {
	let settings = &config.executor;
	// The cache wants an absolute path.
	let cache = std::path::absolute(config.base_path.path().join("cache"))?;
	let heap = settings
		.default_heap_pages
		.map_or(DEFAULT_HEAP_ALLOC_STRATEGY, |pages| HeapAllocStrategy::Static { extra_pages: pages as u32 });
	Ok(WasmExecutor::builder()
		.with_execution_method(settings.wasm_method)
		.with_onchain_heap_alloc_strategy(heap)
		.with_offchain_heap_alloc_strategy(heap)
		.with_max_runtime_instances(settings.max_runtime_instances)
		.with_runtime_cache_size(settings.runtime_cache_size)
		.with_cache_path(cache)
		.build())
}

/// Builds the genesis when it is asked for, which is when the database has none.
///
/// The SDK's builder makes its storage at once, at every start; where the specification is not raw, that compiles and
/// runs the specification's runtime.
struct Genesis<'a> {
	spec: &'a dyn ChainSpec,
	commit_state: bool,
	backend: Arc<Backend>,
	executor: Executor,
}

impl BuildGenesisBlock<Block> for Genesis<'_> {
	type BlockImportOperation = <Backend as sc_client_api::Backend<Block>>::BlockImportOperation;

	fn build_genesis_block(self) -> sp_blockchain::Result<(Block, Self::BlockImportOperation)> {
		let storage = self.spec.as_storage_builder();
		GenesisBlockBuilder::new(storage, self.commit_state, self.backend, self.executor)?.build_genesis_block()
	}
}
