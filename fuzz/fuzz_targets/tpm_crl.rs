//! Revocation lists: no input panics, what is accepted is accepted whole, and none is newer than itself.
#![no_main]

use ep_tpm::certificate::RevocationList;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
	let Ok(list) = RevocationList::parse(data) else { return };
	assert!(RevocationList::parse(&[data, &[0]].concat()).is_err());
	assert!(RevocationList::parse(&data[..data.len() - 1]).is_err());
	assert!(list.check_newer(&list).is_err());
	assert!(!list.is_empty() || !list.revokes(&[1]));
	let _ = list.check_time(1_700_000_000, Some(0));
});
