//! Verifications of evidence, each from its bytes to the verdict, as something that can be run many times.
//!
//! Natively this is a library. For `wasm32v1-none` it is a module as the runtime is one: without `std`, its memory handed
//! out by the host. See [`module`].
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod cases;
mod log;
#[cfg(target_arch = "wasm32")]
pub mod module;

use alloc::boxed::Box;

pub use cases::{case, COUNT};

/// The nonce that the fixtures were asked under.
pub const NONCE: &[u8] = b"Elapse fixture 1234567890abcdefgh";

/// One verification.
pub struct Case {
	/// What is verified.
	pub kind: Kind,
	/// By which algorithms.
	pub algorithm: &'static str,
	/// Verifies once more, and says whether the evidence was accepted.
	pub run: Box<dyn Fn() -> bool>,
	/// A quote as its chip made it, for other verifiers.
	pub quote: Option<Quote>,
}

/// What is verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
	/// A quote: attestation key and quote parsed, nonce, rules, signature.
	Quote,
	/// A quote of a TPM 1.2.
	LegacyQuote,
	/// A time attestation, in the same way.
	Time,
	/// An EK certificate with an intermediate and a root: three certificates parsed, two signatures.
	EkCertificate,
	/// A question to a chip, made or made again: MakeCredential.
	Challenge,
	/// A boot event log, parsed, replayed and compared with PCR values.
	EventLog,
}

impl Kind {
	/// In words.
	pub const fn name(self) -> &'static str {
		match self {
			Self::Quote => "quote",
			Self::LegacyQuote => "quote of a TPM 1.2",
			Self::Time => "time attestation",
			Self::EkCertificate => "EK certificate",
			Self::Challenge => "challenge",
			Self::EventLog => "event log",
		}
	}
}

/// The files of a quote.
#[derive(Clone, Copy, Debug)]
pub struct Quote {
	/// `TPMT_PUBLIC` of the attestation key.
	pub ak: &'static [u8],
	/// `TPMS_ATTEST`.
	pub attest: &'static [u8],
	/// `TPMT_SIGNATURE`.
	pub signature: &'static [u8],
	/// The signing hash.
	pub hash: &'static str,
}
