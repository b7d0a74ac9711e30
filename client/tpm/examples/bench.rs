//! Measure a chip: `cargo run --release -p ec-tpm --example bench [calls] [TCTI string]`, by default 2000 calls to a
//! managed software TPM in a temporary folder. Prints how long start and stop take, and what we add to a GetTime.

use ec_tpm::{commands, TpmConfig, TpmHandle, TpmOptions};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
	let mut arguments = std::env::args().skip(1);
	let calls = arguments.next().map_or(Ok(2000), |text| text.parse())?;
	let base = tempfile::tempdir()?;
	let config = match arguments.next() {
		Some(tcti) => TpmConfig::Device { tcti },
		None => TpmConfig::managed(base.path()),
	};
	for what in ["first start (manufacture, keys)", "second start"] {
		let begin = Instant::now();
		let tpm = TpmHandle::start(config.clone(), base.path())?;
		println!("{what:<32} {:>8.1} ms", begin.elapsed().as_secs_f64() * 1e3);
		let begin = Instant::now();
		drop(tpm);
		println!("{:<32} {:>8.1} ms", "stop", begin.elapsed().as_secs_f64() * 1e3);
	}
	println!("{}", commands::bench(config, base.path(), TpmOptions::default(), calls)?);
	Ok(())
}
