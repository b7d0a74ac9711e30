//! Builds the wasm runtime that genesis carries.

fn main() {
	#[cfg(all(feature = "std", not(feature = "metadata-hash")))]
	substrate_wasm_builder::WasmBuilder::build_using_defaults();

	// Lets offline signers check what they sign (RFC 78). It compiles the runtime twice, so only releases turn it on.
	#[cfg(all(feature = "std", feature = "metadata-hash"))]
	substrate_wasm_builder::WasmBuilder::init_with_defaults().enable_metadata_hash("ELT", 18).build();
}
