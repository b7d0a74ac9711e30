//! What the applicant's chip quotes under, and what members sign: hashes that say all that a statement is about.
//!
//! Every hash begins with a text of its own, so that no statement can be taken for another, and names the genesis, so
//! that none holds on another chain.

use codec::Encode;
use ep_poet::{AuthorityId, Hash};

use crate::Round;

fn hash(parts: &impl Encode) -> [u8; 32] {
	sp_crypto_hashing::blake2_256(&parts.encode())
}

/// The nonce of the quote that comes with an application: it binds the chip to the account, to the keys, and to the
/// time of block `recent`.
pub fn application(genesis: &Hash, account: &impl Encode, keys: &impl Encode, recent: &Hash) -> [u8; 32] {
	hash(&("elapse/trust/apply", genesis, account, keys, recent))
}

/// The nonce of the quote that comes with the answer: it binds it to the round, to its seed, and to the questions that
/// were answered.
pub fn answer(genesis: &Hash, round: Round, seed: &[u8; 32], answers: &impl Encode) -> [u8; 32] {
	hash(&("elapse/trust/answer", genesis, round, seed, answers))
}

/// A round's seed, from what its blocks contributed.
pub fn seed(genesis: &Hash, round: Round, contributions: &[[u8; 32]]) -> [u8; 32] {
	hash(&("elapse/trust/seed", genesis, round, contributions))
}

/// The nonce of what a member attests when it was drawn in the block with hash `block`.
pub fn duty(genesis: &Hash, block: &Hash, author: &AuthorityId) -> [u8; 32] {
	hash(&("elapse/attest", genesis, block, author))
}

/// What a key for the Elastos Smart Chain signs to show that `author` holds it.
pub fn anchor(genesis: &Hash, author: &AuthorityId) -> [u8; 32] {
	hash(&("elapse/trust/anchor", genesis, author))
}

/// What a challenger commits to.
pub fn commitment(round: Round, author: &AuthorityId, secret: &[u8; 32]) -> [u8; 32] {
	hash(&("elapse/trust/commitment", round, author, secret))
}

/// What a member signs for a call of its own that costs no fee: `call` is what the call says.
pub fn statement(
	genesis: &Hash,
	author: &AuthorityId,
	what: &'static str,
	round: Round,
	call: &impl Encode,
) -> [u8; 32] {
	hash(&("elapse/trust/statement", genesis, author, what, round, call))
}
