//! Seeds of `poet_header`: headers sealed honestly, and the same with one thing forged by their own author.
//! `cargo run --release --example seed_poet`

use codec::Encode;
use ep_poet::testing::{lottery, SoftMember};
use sp_core::H256;

fn main() -> std::io::Result<()> {
	let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/poet_header");
	std::fs::create_dir_all(folder)?;
	let member = SoftMember::new(1, 1_000);
	let draft = member.draft(&lottery(), H256::repeat_byte(0xaa), &member.contestant(), 100_000);
	let write = |name: &str, bytes: Vec<u8>| std::fs::write(format!("{folder}/{name}"), bytes);
	write("honest", draft.seal(&member).encode())?;
	write("unsealed", draft.pre_seal().encode())?;
	let mut early = draft.clone();
	early.end.time -= 1;
	write("early", early.seal(&member).encode())?;
	let mut reset = draft;
	reset.end.reset_count += 1;
	write("reset", reset.seal(&member).encode())
}
