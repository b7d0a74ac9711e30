//! What a node wants from a chip, whichever it is: [`Tpm`].

use crate::{error::TpmError, identity::Identity};
use ep_tpm::Credential;
use std::{
	fmt,
	path::{Path, PathBuf},
	time::Duration,
};

/// What a chip answers to TPM2_GetTime or TPM2_Quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
	/// The TPMS_ATTEST that was signed, byte by byte (TPM 2.0 Part 2, 10.12.8); of a TPM 1.2 the TPM_QUOTE_INFO.
	pub attest: Vec<u8>,
	/// The TPMT_SIGNATURE over it (Part 2, 11.3.4), normalised: r and s padded to the curve's size, s in its lower
	/// half (`ep_tpm::normalise_signature`). Of a TPM 1.2 the bare RSA signature.
	pub signature: Vec<u8>,
}

/// A quote and the PCR values that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quoted {
	/// The quote.
	pub attested: Attested,
	/// What the selected PCRs held when it was made, ascending by PCR, each as long as a digest of the bank: what
	/// `ep_tpm::PlatformEvidence::pcr_values` takes.
	pub pcr_values: Vec<Vec<u8>>,
}

/// The chip's own time, from the *inner* TPMS_TIME_INFO of a TPM2_GetTime attestation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
	/// Milliseconds since power-on. Cannot be set by anybody (unlike TPMS_CLOCK_INFO.clock, which is not here).
	pub time: u64,
	/// TPM Resets since the chip was last cleared.
	pub reset_count: u32,
	/// TPM Restarts and Resumes (suspend) since the last reset.
	pub restart_count: u32,
}

impl fmt::Display for Clock {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{:.3} s, reset {}, restart {}", self.time as f64 / 1000.0, self.reset_count, self.restart_count)
	}
}

/// The PCRs that a quote covers, in one bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PcrSelection {
	/// The bank.
	pub bank: PcrBank,
	/// PCR numbers, 0..=23.
	pub pcrs: Vec<u8>,
}

/// A PCR bank: the hash its registers are extended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PcrBank {
	/// TPM_ALG_SHA1: the only one of a TPM 1.2.
	Sha1,
	/// TPM_ALG_SHA256.
	Sha256,
	/// TPM_ALG_SHA384.
	Sha384,
	/// TPM_ALG_SHA512.
	Sha512,
}

/// One chip, ready for use. All calls block; [`crate::TpmHandle`] is the way to use one from async code.
pub trait Tpm: Send {
	/// The public half of the chip.
	fn identity(&self) -> &Identity;

	/// TPM2_GetTime with the AK and `nonce` (at most 64 bytes; 32 is what every chip takes) as qualifying data.
	///
	/// # Errors
	/// [`TpmError::NoTime`] from a TPM 1.2, and whatever the chip says.
	fn get_time(&mut self, nonce: &[u8]) -> Result<Attested, TpmError>;

	/// TPM2_Quote over `selection` with the AK and `nonce` as qualifying data.
	fn quote(&mut self, nonce: &[u8], selection: &PcrSelection) -> Result<Attested, TpmError>;

	/// TPM2_PCR_Read and [`Tpm::quote`] over `selection`, so that values and quote belong together: both are done again,
	/// a few times, if a PCR was extended in between.
	///
	/// # Errors
	/// [`TpmError::PcrsChanging`] if they changed each time, [`TpmError::BadRequest`] if the chip has no such PCRs in that
	/// bank or for one that no chip has, and whatever the chip says.
	fn quote_with_pcrs(&mut self, nonce: &[u8], selection: &PcrSelection) -> Result<Quoted, TpmError>;

	/// TPM2_ActivateCredential: the secret in a credential that was made for this chip's EK and this node's AK. Answering
	/// with it shows that both keys are in one chip.
	///
	/// May take a discrete chip half a minute, since it derives its EK for it (see the crate's `activation`).
	///
	/// # Errors
	/// [`TpmError::NotForThisChip`] for every other credential, after which the chip is as it was. [`TpmError::Lockout`],
	/// [`TpmError::AuthRefused`] (the endorsement hierarchy has a password), [`TpmError::OutOfMemory`],
	/// [`TpmError::Gone`] and whatever else the chip says.
	fn activate(&mut self, credential: &Credential) -> Result<Vec<u8>, TpmError>;

	/// The chip's time and counters; `None` from a chip that attests none. tss-esapi 7.7 does not wrap TPM2_ReadClock, so
	/// this is a TPM2_GetTime.
	fn read_clock(&mut self) -> Result<Option<Clock>, TpmError>;

	/// Is anybody there? A command that is cheap for the chip.
	fn alive(&mut self) -> Result<(), TpmError>;

	/// TPM2_Shutdown(CLEAR), so that the chip's next start is an orderly one. Only for a chip that is ours. Nothing may be
	/// asked afterwards.
	fn shutdown(&mut self) -> Result<(), TpmError>;

	/// How long the bare command of [`Self::get_time`] takes, without anything of ours around it. For comparison.
	fn raw_get_time(&mut self, nonce: &[u8]) -> Result<Duration, TpmError>;
}

/// Which chip a node uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TpmConfig {
	/// A chip that somebody else runs, by TCTI string: `device:/dev/tpmrm0`, `swtpm:host=127.0.0.1,port=2321`,
	/// `mssim:..`, `tabrmd:..`.
	Device {
		/// The TCTI string.
		tcti: String,
	},
	/// A TPM 1.2 that somebody else runs: `device:/dev/tpm0`, `swtpm:host=127.0.0.1,port=2321`, `swtpm:path=SOCKET`.
	Legacy {
		/// Where it is, as a TCTI string.
		tcti: String,
	},
	/// A software TPM that the node makes, starts, owns and stops.
	Managed {
		/// Where it keeps its state. Made if it is not there. See [`TpmConfig::managed`].
		state_dir: PathBuf,
	},
}

/// What a TPM 1.2 is told from a TPM 2.0 by, before its TCTI.
const LEGACY_PREFIX: &str = "tpm1.2:";

impl TpmConfig {
	/// The chip that is named: a TCTI string, of a TPM 1.2 with `tpm1.2:` before it.
	pub fn named(name: &str) -> Self {
		match name.strip_prefix(LEGACY_PREFIX) {
			Some(tcti) => TpmConfig::Legacy { tcti: tcti.into() },
			None => TpmConfig::Device { tcti: name.into() },
		}
	}

	/// A managed software TPM in its usual place below the node's base path, `<base>/tpm/swtpm`.
	pub fn managed(base: &Path) -> Self {
		TpmConfig::Managed { state_dir: crate::identity::Files::new(base).dir.join("swtpm") }
	}
}

impl fmt::Display for TpmConfig {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			TpmConfig::Device { tcti } => write!(f, "the TPM at '{tcti}'"),
			TpmConfig::Legacy { tcti } => write!(f, "the TPM 1.2 at '{tcti}'"),
			TpmConfig::Managed { state_dir } => write!(f, "the managed software TPM in {}", state_dir.display()),
		}
	}
}
