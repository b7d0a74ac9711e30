//! Files as people have them: raw, DER, or PEM.

use std::{
	fs, io,
	path::{Path, PathBuf},
};

use base64::{engine::general_purpose::STANDARD, Engine};

/// Why a command could not be carried out. Refused evidence is no error: see [`crate::report::Verdict`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
	/// A file cannot be read.
	#[error("{path} cannot be read: {source}")]
	Read {
		/// Which.
		path: PathBuf,
		/// Why.
		source: io::Error,
	},
	/// A file cannot be written.
	#[error("{path} cannot be written: {source}")]
	Write {
		/// Which.
		path: PathBuf,
		/// Why.
		source: io::Error,
	},
	/// A file is not what it should be.
	#[error("{path}: {reason}")]
	Format {
		/// Which.
		path: PathBuf,
		/// Why not.
		reason: String,
	},
	/// What was given makes no sense.
	#[error("{0}")]
	Usage(String),
	/// Who was asked does not answer, or not what could be believed.
	#[error("{0}")]
	Remote(String),
}

/// The whole of a file; `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
	let failed = |source| Error::Read { path: path.to_path_buf(), source };
	if path.as_os_str() == "-" {
		let mut bytes = Vec::new();
		io::Read::read_to_end(&mut io::stdin().lock(), &mut bytes).map_err(failed)?;
		return Ok(bytes);
	}
	fs::read(path).map_err(failed)
}

/// The blocks of a PEM text: label and contents. Text around the blocks is comment.
///
/// What cannot be decoded is an error, not a block that is missing.
pub(crate) fn pem_blocks(path: &Path, text: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Error> {
	let wrong = |reason: &str| Error::Format { path: path.to_path_buf(), reason: reason.into() };
	let text = String::from_utf8_lossy(text);
	let mut blocks = Vec::new();
	let mut open: Option<(String, String)> = None;
	for line in text.lines().map(str::trim) {
		let label = |prefix: &str| line.strip_prefix(prefix)?.strip_suffix("-----").map(str::to_string);
		if let Some(label) = label("-----BEGIN ") {
			if open.replace((label, String::new())).is_some() {
				return Err(wrong("a PEM block begins inside another"));
			}
		} else if let Some(end) = label("-----END ") {
			let (begin, base64) = open.take().ok_or_else(|| wrong("a PEM block ends that did not begin"))?;
			if begin != end {
				return Err(wrong("a PEM block ends under another label"));
			}
			let contents = STANDARD.decode(base64).map_err(|_| wrong("a PEM block is not base64"))?;
			blocks.push((begin, contents));
		} else if let Some((_, base64)) = &mut open {
			base64.push_str(line);
		}
	}
	match open {
		Some(_) => Err(wrong("a PEM block does not end")),
		None => Ok(blocks),
	}
}

/// Every DER structure in a file: the PEM blocks with one of these labels, or the whole file if it begins like DER.
/// None if it is neither.
pub(crate) fn der_blocks(path: &Path, bytes: Vec<u8>, labels: &[&str]) -> Result<Vec<Vec<u8>>, Error> {
	const SEQUENCE: u8 = 0x30;
	const STORED_CERT: u8 = 0x10;
	if matches!(bytes.first(), Some(&SEQUENCE | &STORED_CERT)) {
		return Ok(vec![bytes]);
	}
	let blocks = pem_blocks(path, &bytes)?;
	Ok(blocks.into_iter().filter(|(label, _)| labels.contains(&label.as_str())).map(|(_, der)| der).collect())
}

/// The certificates in a file, PEM or DER.
pub(crate) fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, Error> {
	der_blocks(path, read(path)?, &["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"])
}

/// Seconds since 1970: of RFC 3339 (`2026-01-31T12:00:00Z`), or as they are.
pub(crate) fn time(text: &str) -> Result<u64, String> {
	if let Ok(seconds) = text.parse() {
		return Ok(seconds);
	}
	let time = chrono::DateTime::parse_from_rfc3339(text).map_err(|_| {
		"neither a time as in RFC 3339 (2026-01-31T12:00:00Z) nor a number of seconds since 1970".to_string()
	})?;
	u64::try_from(time.timestamp()).map_err(|_| "before 1970".to_string())
}

/// Seconds since 1970 as RFC 3339, for people.
pub(crate) fn describe_time(seconds: i64) -> String {
	match chrono::DateTime::from_timestamp(seconds, 0) {
		Some(time) => time.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
		None => format!("{seconds} s since 1970"),
	}
}
