//! The boot event log: what firmware says that it measured into the PCRs, as the kernel keeps it for a device.

use crate::{backend::TpmConfig, error::TpmError};
use ep_tpm::eventlog::MAX_LOG_LEN;
use std::{
	fs::{canonicalize, File},
	io::{ErrorKind, Read},
	path::{Path, PathBuf},
};

/// Where the kernel shows the logs, in a folder for each chip.
const SECURITYFS: &str = "/sys/kernel/security";
const LOG: &str = "binary_bios_measurements";

impl TpmConfig {
	/// The measured-boot event log of the machine, as `ep_tpm::EventLog::parse` takes it: the kernel's
	/// `binary_bios_measurements` of this device, byte by byte.
	///
	/// `None`, with the reason logged, where there is none: firmware wrote none, or the chip is a software TPM (managed,
	/// or reached by `swtpm:` or `mssim:`), into which no firmware measured anything. The file is read anew each time;
	/// the log ends when the operating system starts, so that it is always the same until the next boot.
	///
	/// # Errors
	/// [`TpmError::NoEventLogPermission`] if this user may not read it, [`TpmError::Io`] if it cannot be read for another
	/// reason or is longer than `ep_tpm::eventlog::MAX_LOG_LEN` (1 MiB), which is several times what firmware reserves.
	pub fn event_log(&self) -> Result<Option<Vec<u8>>, TpmError> {
		let none = |why: &str| {
			log::info!("no boot event log: {why}");
			Ok(None)
		};
		match self {
			TpmConfig::Managed { .. } => none("a software TPM measured nothing"),
			TpmConfig::Device { tcti } | TpmConfig::Legacy { tcti } => match folder(tcti) {
				Some(chip) => read(&Path::new(SECURITYFS).join(chip).join(LOG)),
				None => none(&format!("'{tcti}' is no device of this machine")),
			},
		}
	}
}

/// The kernel's folder for the device behind a TCTI string: `tpm0` for `device:/dev/tpmrm0`.
fn folder(tcti: &str) -> Option<String> {
	let (kind, path) = tcti.split_once(':').unwrap_or((tcti, ""));
	match (kind, path) {
		// The access broker serves the machine's first chip unless it was told otherwise.
		("tabrmd", _) | ("device", "") => Some("tpm0".into()),
		("device", path) => {
			// A udev rule may have given it another name.
			let device = canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
			let name = device.file_name()?.to_str()?;
			let number = name.strip_prefix("tpmrm").or_else(|| name.strip_prefix("tpm"))?;
			(!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then(|| format!("tpm{number}"))
		}
		_ => None,
	}
}

/// A boot event log from a file, as [`TpmConfig::event_log`] reads the kernel's. `None` if there is no such file.
///
/// # Errors
/// As there.
pub fn read_event_log(path: &Path) -> Result<Option<Vec<u8>>, TpmError> {
	read(path)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, TpmError> {
	let wrong = |e: std::io::Error| match e.kind() {
		ErrorKind::PermissionDenied => TpmError::NoEventLogPermission { path: path.to_owned() },
		_ => TpmError::io("read", path, e),
	};
	let file = match File::open(path) {
		Err(e) if e.kind() == ErrorKind::NotFound => {
			log::info!(
				"no boot event log: {} does not exist (firmware wrote none, or securityfs is not mounted)",
				path.display()
			);
			return Ok(None);
		}
		other => other.map_err(wrong)?,
	};
	// The kernel does not say how long it is before it was read.
	let mut log = Vec::new();
	file.take(MAX_LOG_LEN as u64 + 1).read_to_end(&mut log).map_err(wrong)?;
	if log.len() > MAX_LOG_LEN {
		return Err(TpmError::io("read", path, format!("it is longer than {MAX_LOG_LEN} bytes")));
	}
	Ok(Some(log))
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::fs;

	#[test]
	fn the_log_is_that_of_the_device() {
		for (tcti, chip) in [
			("device:/dev/tpmrm0", Some("tpm0")),
			("device:/dev/tpm1", Some("tpm1")),
			("device", Some("tpm0")),
			("tabrmd:bus_name=com.intel.tss2.Tabrmd", Some("tpm0")),
			("device:/dev/tpmrm", None),
			("device:/dev/../etc", None),
			("swtpm:host=127.0.0.1,port=2321", None),
			("mssim", None),
		] {
			assert_eq!(folder(tcti).as_deref(), chip, "{tcti}");
		}
	}

	#[test]
	fn a_software_tpm_has_no_log() {
		let base = Path::new("/base");
		assert_eq!(TpmConfig::managed(base).event_log().unwrap(), None);
		let foreign = TpmConfig::Device { tcti: "swtpm:host=127.0.0.1,port=1".into() };
		assert_eq!(foreign.event_log().unwrap(), None);
	}

	#[test]
	fn a_log_is_read_whole_up_to_its_bound() {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join(LOG);
		assert_eq!(read(&path).unwrap(), None, "absent");
		fs::write(&path, vec![7; MAX_LOG_LEN]).unwrap();
		assert_eq!(read(&path).unwrap().unwrap(), vec![7; MAX_LOG_LEN]);
		fs::write(&path, vec![7; MAX_LOG_LEN + 1]).unwrap();
		assert!(matches!(read(&path), Err(TpmError::Io { .. })));
		assert!(matches!(read(dir.path()), Err(TpmError::Io { .. })), "a folder");
	}

	#[test]
	fn who_may_not_read_it_is_told_how_to_be_let() {
		let error = TpmError::NoEventLogPermission { path: Path::new(SECURITYFS).join("tpm0").join(LOG) };
		let text = error.to_string();
		for remedy in ["chgrp tss /sys/kernel/security/tpm0/binary_bios_measurements", "usermod -aG tss"] {
			assert!(text.contains(remedy), "{text}");
		}
	}
}
