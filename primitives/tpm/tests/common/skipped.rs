//! What a test calls that can look at nothing on this machine, before it returns. Cargo's test runner counts it as passed
//! and keeps what it printed to itself: so a line goes to the file that `ELAPSE_SKIPPED` names, and `scripts/test.sh`
//! counts those lines. Tests of several crates include this file.
#![allow(dead_code, unreachable_pub)]

use std::{env, fs::OpenOptions, io::Write, thread};

/// This test is skipped, for this reason.
///
/// # Panics
/// If that cannot be noted: nobody would know of it.
pub fn skipped(why: &str) {
	// The test runner names a test's thread after the test.
	let line = format!("{}::{}: {why}\n", env!("CARGO_CRATE_NAME"), thread::current().name().unwrap_or("a test"));
	print!("skipped: {line}");
	if let Some(file) = env::var_os("ELAPSE_SKIPPED") {
		// In one piece, since other tests write there too.
		let noted = OpenOptions::new().append(true).create(true).open(&file);
		let noted = noted.and_then(|mut file| file.write_all(line.as_bytes()));
		noted.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
	}
}
