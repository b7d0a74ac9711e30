//! Processor time: what a program does, without what it waits for. On a machine that others use too, this and not the
//! clock on the wall is what can be compared.

use std::time::Duration;

/// Of this thread, so far.
pub fn own() -> Duration {
	let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
	// SAFETY: the pointer is to a value of ours that lives through the call.
	let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) } != 0;
	assert!(!failed, "this system does not know how long a thread ran");
	Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Of all processes that this one started and that have ended, so far.
pub fn of_children() -> Duration {
	let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
	// SAFETY: the pointer is to a value of ours that lives through the call.
	let failed = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) } != 0;
	assert!(!failed, "this system does not know how long processes ran");
	// SAFETY: all zeros are a value, and the call has filled it in.
	let usage = unsafe { usage.assume_init() };
	let time = |value: libc::timeval| Duration::new(value.tv_sec as u64, value.tv_usec as u32 * 1_000);
	time(usage.ru_utime) + time(usage.ru_stime)
}
