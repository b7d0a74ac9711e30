//! Gives memory back to the machine.
//!
//! A start compiles the runtime and reads the specification, which takes some 40 MB for a second. glibc keeps such
//! memory for later, and one heap for every few threads besides. A node runs for months: it had better return what it
//! does not use.

use std::time::Duration;

/// After a start, by when the runtime is compiled; then from time to time.
const FIRST: Duration = Duration::from_secs(10);
const PERIOD: Duration = Duration::from_secs(10 * 60);

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
	use std::ffi::c_int;

	extern "C" {
		fn mallopt(parameter: c_int, value: c_int) -> c_int;
		fn malloc_trim(pad: usize) -> c_int;
	}

	/// Parameters of mallopt(3).
	const M_TRIM_THRESHOLD: c_int = -1;
	const M_MMAP_THRESHOLD: c_int = -3;
	const M_ARENA_MAX: c_int = -8;

	pub(super) fn configure(heaps: c_int) {
		for (parameter, value) in [(M_ARENA_MAX, heaps), (M_MMAP_THRESHOLD, 64 << 10), (M_TRIM_THRESHOLD, 128 << 10)] {
			// SAFETY: mallopt takes two numbers, and refuses those that it does not know. No other thread runs yet.
			unsafe { mallopt(parameter, value) };
		}
	}

	pub(super) fn trim() {
		// SAFETY: malloc_trim takes a number, may be called at any time and from any thread (malloc_trim(3)).
		unsafe { malloc_trim(0) };
	}
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod glibc {
	pub(super) fn configure(_: i32) {}
	pub(super) fn trim() {}
}

/// Sets the allocator up. To be called before there are threads.
pub(crate) fn configure(iot: bool) {
	glibc::configure(if iot { 1 } else { 2 });
}

/// Gives back what is not in use, as long as the node runs.
pub(crate) async fn give_back() {
	tokio::time::sleep(FIRST).await;
	loop {
		glibc::trim();
		tokio::time::sleep(PERIOD).await;
	}
}
