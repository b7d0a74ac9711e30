//! Parsing and verification of TPM 2.0 evidence.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod algorithm;
pub mod attest;
mod error;
mod key;
mod name;
pub mod public;
mod reader;
pub mod signature;

pub use algorithm::{Curve, HashAlgorithm};
pub use attest::{
	verify_quote, verify_time, ClockInfo, PcrSelection, QuoteAttestation, TimeAttestation, MAX_TIME_ATTEST_LEN,
};
pub use error::Error;
pub use key::AttestationKey;
pub use name::{Name, MAX_NAME_LEN, RH_ENDORSEMENT, RH_OWNER};
pub use public::{PublicArea, MAX_AK_PUBLIC_LEN};
pub use signature::{Signature, MAX_SIGNATURE_LEN};
