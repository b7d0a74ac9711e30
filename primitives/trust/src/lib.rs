//! How a machine becomes a member and stays one: what it hands in, who judges it, what a verdict is, and what it shows
//! again and again afterwards.
//!
//! Pure functions and plain data, shared by `pallet_admission`, the carrier's committee duties in the node, tools and
//! tests. There is no I/O here, and no state.
//!
//! # Protocol
//! A *round* is one application, from [`Application`] to [`Verdict`]:
//! 1. *Apply.* An account hands in the evidence of a chip: the path of its EK certificate, the public areas of EK and
//!    AK, a quote under [`nonce::application`], which contains the hash of a recent block. The chain verifies all of it
//!    and holds a deposit.
//! 2. *Seed.* The VRF outputs of the blocks after that, [`SEED_BLOCKS`] of them and of [`SEED_AUTHORS`] authors at
//!    least, make the round's seed. Nobody knew it when the application was made, so nobody chooses its committee.
//! 3. *Sit.* A member takes its seats by a VRF over the seed ([`sortition`]). With them it commits to 32 secret bytes
//!    and asks the applicant's chip a question that derives from them (`ep_tpm::credential`).
//! 4. *Answer.* The applicant's chip opens the questions, and quotes its platform under [`nonce::answer`].
//! 5. *Reveal.* Each challenger shows its 32 bytes. The chain computes the question and the answer again: a question
//!    that could not be answered counts against who asked it, and so does silence. A chip says so when it cannot open a
//!    question, and its node answers zeros; an answer that is neither right nor zeros was *made up*.
//! 6. *Judge.* The committee agrees on a [`Judgement`] by weighted PBFT, off chain, and signs the [`Verdict`]. Only
//!    after it has agreed: signatures do not say in which view they were given.
//! 7. *Conclude.* Anybody brings the [`VerdictCertificate`] to the chain.
//!
//! # Staying
//! At every block a few members are drawn by the block's VRF output. Each owes a [`Testimony`] within so many blocks:
//! `TPM2_GetTime` and, where it was admitted under a policy, a quote of its platform, both under [`nonce::duty`], which
//! contains the block's hash. It is signed by the member's key together with the number of the attempt, so nobody can
//! use up another's attempts or have it blamed. What it is worth is [`score`]'s to say.
//!
//! # Attacks
//! * *A friendly committee*: the seed is not known before the application is; whoever
//!   gives a committee up waits for the deposit, and a chip that was refused waits for the next round.
//! * *A copied certificate*: EK certificates are public, and anybody can apply with one and a key in software. It is found
//!   out at step 5, keeps the deposit held for a while, and the chip's owner from nothing meanwhile.
//! * *A relayed chip* (cuckoo): a genuine chip elsewhere answers for this machine. Nothing here tells; policies over
//!   measured boot, and the network's view of who answers, make it dearer.
//! * *A challenger who accuses*: what it asked is recomputed from what it committed to. It cannot blame the applicant.
//! * *Testimony in another's name*: refused at the pool, by a look at the duty and one signature. What was refused in one
//!   attempt is none in the next.
//! * *A replayed vote*: the certificate is bound to chain id, contract, genesis, round, subject and evidence.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod api;
pub mod application;
pub mod committee;
pub mod eip712;
pub mod nonce;
pub mod score;
pub mod sortition;
mod verdict;

pub use application::{
	Application, Attested, CertificateBytes, Chain, Challenge, Dossier, Evidence, Quote, Round, SeatClaim, Testimony,
};
pub use committee::{Committee, Seat};
pub use verdict::{Judgement, Reason, Refusal, SignedVerdict, Verdict, VerdictCertificate, MAX_SEATS};

/// Blocks whose VRF outputs make the seed of a round.
pub const SEED_BLOCKS: u32 = 8;
/// Authors of those blocks, at least; all members where there are fewer. More blocks are waited for if need be.
pub const SEED_AUTHORS: u32 = 3;

/// The key with which a member signs for the Elastos Smart Chain: secp256k1, known there by its address.
pub mod anchor {
	use ep_poet::AuthorityId;
	use sp_core::{crypto::KeyTypeId, H160};

	/// The type of these keys in a node's keystore.
	pub const KEY_TYPE: KeyTypeId = KeyTypeId(*b"anch");

	mod app {
		use sp_application_crypto::{app_crypto, ecdsa};

		app_crypto!(ecdsa, super::KEY_TYPE);
	}

	/// A pair of keys.
	#[cfg(feature = "std")]
	pub type Pair = app::Pair;
	/// The public key, compressed.
	pub type Public = app::Public;
	/// A signature: r, s and the recovery id, 0 or 1.
	pub type Signature = app::Signature;

	/// Told of every address that a member gets.
	pub trait OnAnchor {
		/// `author` has this address from now on, and no other.
		fn on_anchor(author: &AuthorityId, address: H160);
	}

	impl OnAnchor for () {
		fn on_anchor(_: &AuthorityId, _: H160) {}
	}

	/// The address of a public key: the last 20 bytes of the Keccak-256 of its coordinates. `None` if it is no point.
	pub fn address(public: &sp_core::ecdsa::Public) -> Option<H160> {
		use k256::elliptic_curve::sec1::ToEncodedPoint;
		let point = k256::PublicKey::from_sec1_bytes(public.as_ref()).ok()?.to_encoded_point(false);
		// The first byte says that both coordinates follow.
		let hash = sp_crypto_hashing::keccak_256(point.as_bytes().get(1..)?);
		Some(H160::from_slice(&hash[12..]))
	}

	/// Half of the order of secp256k1. A signature with a greater `s` has a twin.
	const HALF_ORDER: [u8; 32] = [
		0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57,
		0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
	];

	/// Whether `s` is in its lower half.
	pub fn is_low(signature: &[u8; 65]) -> bool {
		signature[32..64] <= HALF_ORDER[..]
	}

	/// Who signed `digest`. `None` unless it is a signature in the one form that is accepted: s in its lower half,
	/// recovery id 0 or 1, an address that is not zero.
	pub fn recover(signature: &[u8; 65], digest: &[u8; 32]) -> Option<H160> {
		if !is_low(signature) || signature[64] > 1 {
			return None;
		}
		let public = sp_io::crypto::secp256k1_ecdsa_recover(signature, digest).ok()?;
		let hash = sp_crypto_hashing::keccak_256(&public);
		let address = H160::from_slice(&hash[12..]);
		(!address.is_zero()).then_some(address)
	}
}
