//! The draw: from a VRF to a wait, in integers.
//!
//! The VRF is taken over (epoch randomness, epoch, *height*), never over a parent hash: an author cannot grind blocks
//! for a shorter wait. Its output gives `u`, uniform in `(0, 1]`, and `d = m + M * (-ln u) / w`. The minimum of
//! exponential waits falls on each member with probability proportional to its weight.
//!
mod arithmetic;

use sp_application_crypto::Wraps;
use sp_core::sr25519::vrf::{VrfPreOutput, VrfSignData, VrfTranscript};

use crate::{api::Lottery, AuthorityId};

pub use arithmetic::{neg_ln, wait, LN_FRACTION_BITS};

const LABEL: &[u8] = b"elapse/poet/draw";
const WAIT_CONTEXT: &[u8] = b"elapse/poet/wait";
const RANDOMNESS_CONTEXT: &[u8] = b"elapse/poet/randomness";

/// What a member's VRF is made over.
pub fn transcript(randomness: &[u8; 32], epoch: u64, height: u64) -> VrfTranscript {
	VrfTranscript::new(
		b"elapse-poet-lottery",
		&[
			(b"domain", LABEL),
			(b"randomness", randomness),
			(b"epoch", &epoch.to_le_bytes()),
			(b"height", &height.to_le_bytes()),
		],
	)
}

/// The same, ready to sign.
pub fn sign_data(lottery: &Lottery) -> VrfSignData {
	transcript(&lottery.randomness, lottery.epoch, lottery.height).into()
}

/// The uniform number that `output` stands for: `u = (result + 1) / 2^64`. `None` if `author` or `output` is no point.
pub fn uniform(lottery: &Lottery, author: &AuthorityId, output: &VrfPreOutput) -> Option<u64> {
	let input = transcript(&lottery.randomness, lottery.epoch, lottery.height);
	author.as_inner_ref().make_bytes::<8>(WAIT_CONTEXT, &input, output).ok().map(u64::from_le_bytes)
}

/// What `output` contributes to the next epoch's randomness. `None` if `author` or `output` is no point.
pub fn contribution(lottery: &Lottery, author: &AuthorityId, output: &VrfPreOutput) -> Option<[u8; 32]> {
	let input = transcript(&lottery.randomness, lottery.epoch, lottery.height);
	author.as_inner_ref().make_bytes::<32>(RANDOMNESS_CONTEXT, &input, output).ok()
}

/// Randomness of the next epoch from this epoch's and the accumulated contributions of its blocks.
pub fn next_randomness(randomness: &[u8; 32], accumulated: &[u8; 32]) -> [u8; 32] {
	sp_crypto_hashing::blake2_256(&codec::Encode::encode(&(b"elapse/poet/epoch", randomness, accumulated)))
}

/// Accumulates one block's contribution.
pub fn accumulate(accumulated: &[u8; 32], contribution: &[u8; 32]) -> [u8; 32] {
	sp_crypto_hashing::blake2_256(&codec::Encode::encode(&(accumulated, contribution)))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn draws_differ_by_epoch_and_height_and_randomness() {
		use sp_core::{crypto::VrfSecret, Pair};
		let pair = sp_core::sr25519::Pair::from_seed(&[1; 32]);
		let id = AuthorityId::from(pair.public());
		let base = crate::testing::lottery();
		let draw = |l: &Lottery| uniform(l, &id, &pair.vrf_sign(&sign_data(l)).pre_output).unwrap();
		let mut other = base.clone();
		other.height += 1;
		assert_ne!(draw(&base), draw(&other));
		let mut other = base.clone();
		other.epoch += 1;
		assert_ne!(draw(&base), draw(&other));
		let mut other = base.clone();
		other.randomness[0] ^= 1;
		assert_ne!(draw(&base), draw(&other));
		assert_eq!(draw(&base), draw(&base));
	}
}
