//! [`Tpm`] over the ESYS API of tpm2-tss, through tss-esapi: what both backends use.

use crate::{
	activation,
	backend::{Attested, Clock, PcrSelection, Quoted, Tpm},
	error::TpmError,
	identity::{Files, Identity},
	probe,
	provision::{self, Mode},
	quoting,
};
use ep_tpm::{AttestationKey, Credential, TimeAttestation};
use std::{
	fs::OpenOptions,
	io,
	path::{Path, PathBuf},
	str::FromStr,
	time::{Duration, Instant},
};
use tss_esapi::{
	constants::StartupType,
	handles::KeyHandle,
	interface_types::session_handles::AuthSession,
	structures::{Attest, Data, Signature, SignatureScheme},
	traits::Marshall,
	Context, TctiNameConf,
};

/// Qualifying data is at most one TPMU_HA long (tpm2-tss issue 2888).
const MAX_NONCE: usize = 64;

/// A chip with the node's AK loaded.
///
/// When this is dropped the AK is flushed from the chip.
#[derive(Debug)]
pub struct EsapiTpm {
	context: Context,
	ak: KeyHandle,
	key: AttestationKey,
	/// What the AK is called in qualifiedSigner.
	signer: Vec<u8>,
	identity: Identity,
}

impl EsapiTpm {
	/// Connect to the chip at `tcti`, check that it has what a node needs and load the AK kept below `base`, or, the
	/// first time, make it.
	pub fn open(tcti: &str, base: &Path) -> Result<Self, TpmError> {
		Self::open_as(tcti, base, Mode::Provision, Vec::new())
	}

	/// `issuers` are certificates of the EK's chain that are known from elsewhere than the chip.
	pub(crate) fn open_as(tcti: &str, base: &Path, mode: Mode, issuers: Vec<Vec<u8>>) -> Result<Self, TpmError> {
		let files = Files::new(base);
		let mut context = connect(tcti)?;
		probe::commands(&mut context)?;
		let loaded = provision::load(&mut context, &files, mode, issuers)?;
		let key = loaded
			.identity
			.attestation_key()
			.map_err(|why| TpmError::BadAnswer { what: "TPM2_ReadPublic", why: format!("the AK: {why}") })?;
		let signer = loaded
			.identity
			.ek_name()
			.and_then(|ek| key.qualified_name_under_ek(&ek))
			.map_err(|why| TpmError::BadAnswer { what: "TPM2_ReadPublic", why: format!("the EK: {why}") })?;
		let signer = signer.as_bytes().to_vec();
		Ok(EsapiTpm { context, ak: loaded.ak, key, signer, identity: loaded.identity })
	}

	fn get_time_command(&mut self, data: Data) -> Result<(Attest, Signature), TpmError> {
		let ak = self.ak;
		// The first authorisation is the endorsement hierarchy's, the second the key's (Part 3, 18.7): both empty.
		self.context
			.execute_with_sessions((Some(AuthSession::Password), Some(AuthSession::Password), None), |context| {
				context.get_time(ak, data, SignatureScheme::Null)
			})
			.map_err(|e| TpmError::from_tss("TPM2_GetTime", e))
	}

	fn attested(&self, what: &'static str, (attest, signature): (Attest, Signature)) -> Result<Attested, TpmError> {
		// tpm2-tss connects to a swtpm anew for every command, and the port may have passed to another node's.
		if attest.qualified_signer().value() != self.signer {
			return Err(TpmError::Gone { reason: format!("another TPM answered {what} in its place") });
		}
		let attest = attest.marshall().map_err(|e| TpmError::from_tss(what, e))?;
		let signature = signature.marshall().map_err(|e| TpmError::from_tss(what, e))?;
		let signature = self
			.key
			.normalise_signature(&signature)
			.map_err(|why| TpmError::BadAnswer { what, why: why.to_string() })?;
		Ok(Attested { attest, signature })
	}
}

impl Tpm for EsapiTpm {
	fn identity(&self) -> &Identity {
		&self.identity
	}

	fn get_time(&mut self, nonce: &[u8]) -> Result<Attested, TpmError> {
		let answer = self.get_time_command(qualifying(nonce)?)?;
		self.attested("TPM2_GetTime", answer)
	}

	fn quote(&mut self, nonce: &[u8], selection: &PcrSelection) -> Result<Attested, TpmError> {
		let data = qualifying(nonce)?;
		let selection = quoting::to_chip(selection)?;
		let ak = self.ak;
		let answer = self
			.context
			.execute_with_session(Some(AuthSession::Password), |context| {
				context.quote(ak, data, SignatureScheme::Null, selection)
			})
			.map_err(|e| TpmError::from_tss("TPM2_Quote", e))?;
		self.attested("TPM2_Quote", answer)
	}

	fn quote_with_pcrs(&mut self, nonce: &[u8], selection: &PcrSelection) -> Result<Quoted, TpmError> {
		let hash = self.key.hash_algorithm();
		quoting::settle(
			self,
			hash,
			selection,
			|chip| quoting::read(&mut chip.context, selection),
			|chip| chip.quote(nonce, selection),
		)
	}

	fn activate(&mut self, credential: &Credential) -> Result<Vec<u8>, TpmError> {
		activation::activate(&mut self.context, self.ak, &self.identity, credential)
	}

	fn read_clock(&mut self) -> Result<Option<Clock>, TpmError> {
		let attested = self.get_time(b"elapse/clock")?;
		let clock = clock_of(&attested);
		clock
			.map(Some)
			.ok_or_else(|| TpmError::BadAnswer { what: "TPM2_GetTime", why: "not a time attestation".into() })
	}

	fn alive(&mut self) -> Result<(), TpmError> {
		probe::alive(&mut self.context)
	}

	fn shutdown(&mut self) -> Result<(), TpmError> {
		// The AK first: nothing may be sent afterwards.
		let flushed = self.context.flush_context(self.ak.into());
		flushed.map_err(|e| TpmError::from_tss("TPM2_FlushContext", e))?;
		self.context.shutdown(StartupType::Clear).map_err(|e| TpmError::from_tss("TPM2_Shutdown", e))
	}

	fn raw_get_time(&mut self, nonce: &[u8]) -> Result<Duration, TpmError> {
		let data = qualifying(nonce)?;
		let begin = Instant::now();
		self.get_time_command(data)?;
		Ok(begin.elapsed())
	}
}

/// The chip's clock in a time attestation; `None` for a quote, which does not show `time`.
pub(crate) fn clock_of(attested: &Attested) -> Option<Clock> {
	let time = TimeAttestation::parse(&attested.attest).ok()?;
	Some(Clock {
		time: time.time,
		reset_count: time.clock_info.reset_count,
		restart_count: time.clock_info.restart_count,
	})
}

fn qualifying(nonce: &[u8]) -> Result<Data, TpmError> {
	if nonce.len() > MAX_NONCE {
		return Err(TpmError::BadRequest { why: format!("a nonce of {} bytes, at most {MAX_NONCE}", nonce.len()) });
	}
	Data::try_from(nonce).map_err(|e| TpmError::BadRequest { why: e.to_string() })
}

/// Connect, telling apart what the operating system can tell.
fn connect(tcti: &str) -> Result<Context, TpmError> {
	let name = TctiNameConf::from_str(tcti).map_err(|e| TpmError::BadTcti { tcti: tcti.into(), why: e.to_string() })?;
	if matches!(name, TctiNameConf::Device(_)) {
		let path = tcti.strip_prefix("device").unwrap_or_default().trim_start_matches(':');
		can_open(Path::new(if path.is_empty() { "/dev/tpm0" } else { path }))?;
	}
	let hint = match name {
		TctiNameConf::Device(_) => "the device opened but the driver refused: see `dmesg | grep -i tpm`",
		TctiNameConf::Tabrmd(_) => {
			"is the access broker running (`systemctl status tpm2-abrmd`), and its library installed \
			 (`sudo apt-get install tpm2-abrmd libtss2-tcti-tabrmd0`)? The kernel has a broker of its own: \
			 device:/dev/tpmrm0"
		}
		TctiNameConf::Swtpm(_) => {
			"start swtpm there (its control channel is expected one port above), or let the node manage one"
		}
		TctiNameConf::Mssim(_) => "start the simulator there",
	};
	Context::new(name).map_err(|e| match TpmError::from_tss("connecting", e) {
		TpmError::Gone { .. } | TpmError::Refused { .. } => TpmError::NotListening { tcti: tcti.into(), hint },
		other => other,
	})
}

/// The same open as the TCTI makes, for the sake of errno, which it hides.
fn can_open(device: &Path) -> Result<(), TpmError> {
	let path = PathBuf::from(device);
	match OpenOptions::new().read(true).write(true).open(device) {
		Ok(_) => Ok(()),
		Err(e) => Err(match e.kind() {
			io::ErrorKind::NotFound => TpmError::NoDevice { path },
			io::ErrorKind::PermissionDenied => TpmError::NoPermission { path },
			io::ErrorKind::ResourceBusy => TpmError::DeviceBusy { path },
			// ENXIO, ENODEV: a node without a device behind it
			_ if matches!(e.raw_os_error(), Some(6 | 19)) => TpmError::NoDevice { path },
			_ => TpmError::io("open", path, e),
		}),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		backend::PcrBank,
		swtpm::{KillSwitch, State, Swtpm},
	};
	use std::cell::Cell;
	use tss_esapi::{
		handles::PcrHandle,
		interface_types::algorithm::HashingAlgorithm,
		structures::{Digest, DigestValues},
	};

	#[test]
	fn a_bad_connection_string_says_which_are_good() {
		for tcti in ["", "tpm0", "serial:/dev/ttyS0", "swtpm:port=seven"] {
			let error = connect(tcti).unwrap_err();
			assert!(matches!(error, TpmError::BadTcti { .. }), "{tcti}: {error}");
			assert!(error.to_string().contains("device:/dev/tpmrm0"));
		}
	}

	#[test]
	fn a_missing_device_is_told_from_one_that_refuses() {
		assert!(matches!(connect("device:/nonexistent/tpm"), Err(TpmError::NoDevice { .. })));
		assert!(matches!(connect("swtpm:host=127.0.0.1,port=1"), Err(TpmError::NotListening { .. })));
		assert!(matches!(connect("device:/dev/null"), Err(e) if e.kind() != crate::ErrorKind::Time));
	}

	#[test]
	fn requests_out_of_bounds_are_not_sent() {
		assert!(matches!(qualifying(&[0; 65]), Err(TpmError::BadRequest { .. })));
		let selection = PcrSelection { bank: PcrBank::Sha256, pcrs: vec![0, 24] };
		assert!(matches!(quoting::to_chip(&selection), Err(TpmError::BadRequest { .. })));
	}

	#[test]
	fn a_pcr_that_is_extended_between_reading_and_quoting_is_read_again() {
		let base = tempfile::tempdir().unwrap();
		let programs = crate::Programs::default();
		let (state, _) = State::open(&base.path().join("swtpm")).unwrap();
		state.manufacture(&programs).unwrap();
		let swtpm = Swtpm::start(&state, &programs, &KillSwitch::default()).unwrap();
		std::fs::create_dir(base.path().join("tpm")).unwrap();
		let mut tpm = EsapiTpm::open(&swtpm.tcti(), base.path()).unwrap();
		let selection = PcrSelection { bank: PcrBank::Sha256, pcrs: vec![16, 1] };
		let before = tpm.quote_with_pcrs(&[1; 32], &selection).unwrap().pcr_values;

		let reads = Cell::new(0);
		let hash = tpm.key.hash_algorithm();
		let read_and_extend = |tpm: &mut EsapiTpm| {
			let values = quoting::read(&mut tpm.context, &selection);
			reads.set(reads.get() + 1);
			if reads.get() <= 2 {
				let mut digests = DigestValues::new();
				digests.set(HashingAlgorithm::Sha256, Digest::try_from(vec![7; 32]).unwrap());
				tpm.context
					.execute_with_session(Some(AuthSession::Password), |context| {
						context.pcr_extend(PcrHandle::Pcr16, digests)
					})
					.unwrap();
			}
			values
		};
		let quote = |tpm: &mut EsapiTpm| tpm.quote(&[1; 32], &selection);
		let quoted = quoting::settle(&mut tpm, hash, &selection, read_and_extend, quote).unwrap();
		assert_eq!(reads.get(), 3);
		let extended = |value: &[u8]| ep_tpm::HashAlgorithm::Sha256.digest(&[value, &[7; 32]]);
		assert_eq!(quoted.pcr_values, [before[0].clone(), extended(&extended(&before[1]))]);
	}
}
