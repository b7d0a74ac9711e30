//! The lottery gives the same bits in the node and in the runtime, which is WebAssembly.

use std::{fs, path::PathBuf, process::Command};

use ep_poet::lottery;
use rand::{rngs::StdRng, Rng, SeedableRng};
use wasmtime::{Engine, Instance, Module, Store, TypedFunc};

/// A module around the very file that the node and the runtime compile.
const AROUND: &str = r#"
	#![no_std]
	#![no_main]
	type Mean = u64;
	type Millis = u64;
	type Weight = u64;
	#[path = "PATH"]
	mod arithmetic;
	#[panic_handler]
	fn panic(_: &core::panic::PanicInfo) -> ! {
		core::arch::wasm32::unreachable()
	}
	#[no_mangle]
	extern "C" fn neg_ln(x: u64) -> u64 {
		arithmetic::neg_ln(x)
	}
	#[no_mangle]
	extern "C" fn wait(x: u64, mean: u64, weight: u64, minimum: u64) -> u64 {
		arithmetic::wait(x, mean, weight, minimum)
	}
"#;

fn compiled() -> Vec<u8> {
	// Asked for when it runs: the program may have been built in another checkout.
	let package = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs this test"));
	let file = package.join("src/lottery/arithmetic.rs");
	let dir = tempfile::tempdir().unwrap();
	let (source, module) = (dir.path().join("lottery.rs"), dir.path().join("lottery.wasm"));
	fs::write(&source, AROUND.replace("PATH", file.to_str().unwrap())).unwrap();
	let output = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()))
		.args(["--edition=2021", "--target=wasm32v1-none", "--crate-type=cdylib", "-O", "-o"])
		.args([&module, &source])
		// Where the toolchain is chosen.
		.current_dir(package)
		.output()
		.expect("rustc runs");
	assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
	fs::read(module).unwrap()
}

#[test]
fn native_and_wasm_draw_the_same_bits() {
	let engine = Engine::default();
	let module = Module::new(&engine, compiled()).unwrap();
	let mut store = Store::new(&engine, ());
	let instance = Instance::new(&mut store, &module, &[]).unwrap();
	let neg_ln: TypedFunc<u64, u64> = instance.get_typed_func(&mut store, "neg_ln").unwrap();
	let wait: TypedFunc<(u64, u64, u64, u64), u64> = instance.get_typed_func(&mut store, "wait").unwrap();

	let mut random = StdRng::seed_from_u64(7);
	// The ends, every power of two and its neighbours, and numbers of all sizes.
	let edges = (0..64).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit, (1 << bit) + 1]).chain([u64::MAX - 1, u64::MAX]);
	let mut sized = move || random.gen::<u64>() >> random.gen_range(0..64);
	let drawn: Vec<u64> = (0..100_000).map(|_| sized()).collect();
	for x in edges.chain(drawn) {
		let (mean, weight, minimum) = (sized(), sized(), sized());
		assert_eq!(neg_ln.call(&mut store, x).unwrap(), lottery::neg_ln(x), "neg_ln({x})");
		assert_eq!(
			wait.call(&mut store, (x, mean, weight, minimum)).unwrap(),
			lottery::wait(x, mean, weight, minimum),
			"wait({x}, {mean}, {weight}, {minimum})"
		);
	}
}
