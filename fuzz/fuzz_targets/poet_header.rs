//! Any bytes as a header: no input panics, and of all headers that hold by themselves none but the honest one does.
#![no_main]

use std::sync::OnceLock;

use codec::{Decode, Encode};
use ep_poet::{
	digest::{find_pre_digest, unseal},
	testing::{lottery, Header, SoftMember},
	verify_sealed, verify_with_state,
};
use libfuzzer_sys::fuzz_target;
use sp_core::H256;

/// The honest header; its VRF proof is random, so only what does not depend on it is compared.
fn honest() -> &'static Header {
	static HONEST: OnceLock<Header> = OnceLock::new();
	HONEST.get_or_init(|| {
		let member = SoftMember::new(1, 1_000);
		member.draft(&lottery(), H256::repeat_byte(0xaa), &member.contestant(), 100_000).seal(&member)
	})
}

fuzz_target!(|data: &[u8]| {
	let mut input = data;
	let Ok(header) = Header::decode(&mut input) else { return };
	let _ = find_pre_digest(&header.digest);
	let _ = unseal(header.clone());
	let Ok(verdict) = verify_sealed(header.clone(), lottery().genesis) else { return };
	let member = SoftMember::new(1, 1_000);
	let _ = verify_with_state(&verdict, &lottery(), Some(&member.contestant()));
	// The author's key signs nothing here: what holds was signed when the corpus was made, and is one of its headers.
	assert_eq!(verdict.unsealed.header.parent_hash, honest().parent_hash);
	assert_eq!(header.encode().len(), data.len() - input.len());
});
