//! What the module needs of its host, and what it offers. Memory comes from the host, as the runtime's does.

use alloc::boxed::Box;
use core::alloc::{GlobalAlloc, Layout};

use crate::{case, Case};

#[link(wasm_import_module = "env")]
extern "C" {
	fn allocate(size: u32) -> *mut u8;
	fn free(pointer: *mut u8);
}

struct Host;

// SAFETY: the host gives what was not given before, aligned to 8 bytes, which is enough for everything here.
unsafe impl GlobalAlloc for Host {
	unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
		allocate(layout.size() as u32)
	}

	unsafe fn dealloc(&self, pointer: *mut u8, _: Layout) {
		free(pointer)
	}
}

#[global_allocator]
static HOST: Host = Host;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
	core::arch::wasm32::unreachable()
}

/// The verification at this place, null if there is none.
#[no_mangle]
pub extern "C" fn prepare(index: u32) -> *mut Case {
	case(index as usize).map_or(core::ptr::null_mut(), |case| Box::into_raw(Box::new(case)))
}

/// Runs a verification so many times, and says how often the evidence was accepted.
///
/// # Safety
/// `case` is from [`prepare`], and not null.
#[no_mangle]
pub unsafe extern "C" fn run(case: *const Case, iterations: u32) -> u32 {
	// SAFETY: as the caller promises; nothing is ever freed.
	let case = unsafe { &*case };
	(0..iterations).map(|_| u32::from((case.run)())).sum()
}
