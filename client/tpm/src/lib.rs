//! The node's TPM.
//!
//! One trait over a chip ([`Tpm`]) and ways to come by one ([`TpmConfig`]): a device that somebody else runs, by
//! TCTI string, be it a TPM 2.0 or a TPM 1.2, or a software TPM (swtpm) that the node makes, starts, owns and stops. A node uses it through a
//! [`TpmHandle`], which owns the chip on a thread of its own:
//!
//! ```no_run
//! use ec_tpm::{TpmConfig, TpmHandle};
//! # async fn wait(base: &std::path::Path, start_nonce: Vec<u8>, seal_nonce: Vec<u8>) -> Result<(), ec_tpm::TpmError> {
//! let tpm = TpmHandle::start(TpmConfig::managed(base), base)?;
//! let start = tpm.get_time(start_nonce).await?;
//! // ... the wait ...
//! let seal = tpm.get_time(seal_nonce).await?;
//! # Ok(()) }
//! ```
//!
//! - [`backend`]: what a node wants from a chip.
//! - [`esapi`]: how it gets that, through tss-esapi.
//! - `probe`, `provision`, `endorsement`: can this chip serve, which keys does it hold, and who certified them.
//! - `activation`: the answer to the challenge that a node must meet to join; `quoting`: PCRs and a quote over them;
//!   `bootlog`: the event log that explains them.
//! - [`identity`]: what is kept on disk.
//! - `swtpm`, `localca`, [`programs`]: the managed software TPM, and who certifies it.
//! - [`service`]: thread and handle; `source`: where a chip comes from; [`status`]: how the chip is.
//! - [`legacy`]: TPM 1.2, which is another language. Such a chip attests what booted and no time, so it never authors.
//! - [`commands`]: `elapse-node tpm ...`.
//! - [`error`]: what can go wrong, and what to do then.
//!
//! tpm2-tss itself writes to stderr when a connection fails; `TSS2_LOG=all+none` in the environment silences it.

#![deny(unsafe_code)]

mod activation;
pub mod backend;
mod bootlog;
pub mod commands;
mod endorsement;
pub mod error;
pub mod esapi;
pub mod identity;
pub mod legacy;
mod localca;
mod probe;
pub mod programs;
mod provision;
mod quoting;
pub mod service;
mod source;
pub mod status;
mod swtpm;

pub use backend::{Attested, Clock, PcrBank, PcrSelection, Quoted, Tpm, TpmConfig};
pub use bootlog::read_event_log;
pub use error::{ErrorKind, TpmError};
pub use esapi::EsapiTpm;
pub use identity::{Files, Identity};
pub use localca::read_certificate;
pub use programs::Programs;
pub use service::TpmHandle;
pub use status::{TpmOptions, TpmStatus};
