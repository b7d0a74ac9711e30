//! Runs the module of `verifications` as the node runs its runtime: the same engine with the same settings
//! (`sc-executor-wasmtime`), the same allocator.

use std::{
	error::Error,
	path::{Path, PathBuf},
	process::Command,
};

use sc_allocator::FreeingBumpHeapAllocator;
use wasmtime::{AsContextMut, Caller, Config, Engine, Instance, Linker, Memory, Module, OptLevel, Store, TypedFunc};

type Fallible<T> = Result<T, Box<dyn Error>>;

/// Compiles the package for `wasm32v1-none` with the flags that the SDK's builder gives a runtime.
///
/// # Errors
/// Cargo does not run, or says no.
pub fn compile() -> Fallible<Vec<u8>> {
	let package = Path::new(env!("CARGO_MANIFEST_DIR"));
	let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| package.join("target"), PathBuf::from);
	let output = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
		.args(["rustc", "--package", "elapse-verifications", "--lib", "--crate-type", "cdylib"])
		.args(["--profile", "wasm", "--target", "wasm32v1-none"])
		.env("CARGO_TARGET_DIR", &target)
		.env("RUSTFLAGS", "-C link-arg=--export-table")
		.env_remove("CARGO_ENCODED_RUSTFLAGS")
		.current_dir(package)
		.output()?;
	if !output.status.success() {
		return Err(String::from_utf8_lossy(&output.stderr).into());
	}
	Ok(std::fs::read(target.join("wasm32v1-none/wasm/elapse_verifications.wasm"))?)
}

/// The settings of the SDK's executor: optimised for speed and size, no extension that a runtime may not use.
fn settings() -> Config {
	let mut config = Config::new();
	config
		.cranelift_opt_level(OptLevel::SpeedAndSize)
		.cranelift_nan_canonicalization(false)
		.max_wasm_stack(1024 * 1024)
		.wasm_simd(false)
		.wasm_relaxed_simd(false)
		.wasm_bulk_memory(false)
		.wasm_multi_value(false)
		.wasm_multi_memory(false)
		.wasm_memory64(false)
		.wasm_extended_const(false);
	config
}

/// What the module's memory is handed out from.
struct Heap {
	allocator: FreeingBumpHeapAllocator,
	memory: Option<Memory>,
}

/// The module's memory, for the allocator.
struct Access<C>(C, Memory);

impl<C: AsContextMut> sc_allocator::Memory for Access<C> {
	fn with_access_mut<R>(&mut self, run: impl FnOnce(&mut [u8]) -> R) -> R {
		run(self.1.data_mut(&mut self.0))
	}

	fn with_access<R>(&self, run: impl FnOnce(&[u8]) -> R) -> R {
		run(self.1.data(self.0.as_context()))
	}

	fn grow(&mut self, additional: u32) -> Result<(), ()> {
		self.1.grow(&mut self.0, additional.into()).map(|_| ()).map_err(|_| ())
	}

	fn pages(&self) -> u32 {
		self.1.size(self.0.as_context()) as u32
	}

	fn max_pages(&self) -> Option<u32> {
		None
	}
}

/// Lends the allocator the memory for one call.
fn with_heap<R>(
	mut caller: Caller<'_, Option<Heap>>,
	run: impl FnOnce(
		&mut FreeingBumpHeapAllocator,
		&mut Access<&mut Caller<'_, Option<Heap>>>,
	) -> Result<R, sc_allocator::Error>,
) -> wasmtime::Result<R> {
	let taken = caller.data_mut().take();
	let Some(Heap { mut allocator, memory: Some(memory) }) = taken else {
		return Err(wasmtime::Error::msg("the module asks for memory before it has any"));
	};
	let result = run(&mut allocator, &mut Access(&mut caller, memory));
	*caller.data_mut() = Some(Heap { allocator, memory: Some(memory) });
	result.map_err(wasmtime::Error::new)
}

/// The module, running.
pub struct Host {
	store: Store<Option<Heap>>,
	prepare: TypedFunc<u32, u32>,
	run: TypedFunc<(u32, u32), u32>,
}

impl Host {
	/// Compiles and starts it.
	///
	/// # Errors
	/// The engine's.
	pub fn start() -> Fallible<Self> {
		let engine = Engine::new(&settings())?;
		let module = Module::new(&engine, compile()?)?;
		let mut linker = Linker::new(&engine);
		linker.func_wrap("env", "allocate", |caller: Caller<'_, Option<Heap>>, size: u32| {
			with_heap(caller, |allocator, memory| allocator.allocate(memory, size).map(u32::from))
		})?;
		linker.func_wrap("env", "free", |caller: Caller<'_, Option<Heap>>, pointer: u32| {
			with_heap(caller, |allocator, memory| allocator.deallocate(memory, pointer.into()))
		})?;
		let mut store = Store::new(&engine, None);
		let instance: Instance = linker.instantiate(&mut store, &module)?;
		let base = instance.get_global(&mut store, "__heap_base").ok_or("the module has no heap base")?;
		let base = base.get(&mut store).i32().ok_or("the heap base is no number")?;
		let memory = instance.get_memory(&mut store, "memory");
		*store.data_mut() = Some(Heap { allocator: FreeingBumpHeapAllocator::new(base as u32), memory });
		let prepare = instance.get_typed_func(&mut store, "prepare")?;
		let run = instance.get_typed_func(&mut store, "run")?;
		Ok(Self { store, prepare, run })
	}

	/// The verification at this place, ready to run.
	///
	/// # Errors
	/// The module trapped, or there is none.
	pub fn prepare(&mut self, index: usize) -> Fallible<u32> {
		match self.prepare.call(&mut self.store, index as u32)? {
			0 => Err(format!("case {index} is not in the module").into()),
			case => Ok(case),
		}
	}

	/// Runs a prepared verification so many times. `false` unless all evidence was accepted.
	///
	/// # Errors
	/// The module trapped.
	pub fn run(&mut self, case: u32, iterations: u32) -> Fallible<bool> {
		Ok(self.run.call(&mut self.store, (case, iterations))? == iterations)
	}
}
