//! How much of storage a piece of work touches. Tests of several pallets include this file.

use sp_core::Blake2Hasher;
use sp_io::TestExternalities;
use sp_trie::recorder::Recorder;

/// Keys that were read and keys that were written, each of them once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Touched {
	pub(crate) read: usize,
	pub(crate) written: usize,
}

/// What `work` touches of all that `ext` holds by then. What it leaves, stays.
pub(crate) fn touched<R>(ext: &mut TestExternalities, work: impl FnOnce() -> R) -> (R, Touched) {
	// What is not in the trie is not seen to be read.
	ext.commit_all().expect("no transaction is open");
	let recorder = Recorder::<Blake2Hasher>::default();
	let result = ext.execute_with_recorder(recorder.clone(), work);
	let read = recorder.recorded_keys().values().map(|keys| keys.len()).sum();
	let written = ext.overlayed_changes().changes().count();
	(result, Touched { read, written })
}

#[test]
fn keys_are_counted_once_and_keys_that_are_not_there_too() {
	let mut ext = TestExternalities::default();
	ext.execute_with(|| sp_io::storage::set(b"old", b"1"));
	let ((), found) = touched(&mut ext, || {
		for _ in 0..3 {
			sp_io::storage::get(b"old");
			sp_io::storage::get(b"none");
			sp_io::storage::set(b"new", b"2");
		}
		sp_io::storage::get(b"new");
	});
	assert_eq!(found, Touched { read: 2, written: 1 });
	assert_eq!(touched(&mut ext, || ()).1, Touched { read: 0, written: 0 });
}
