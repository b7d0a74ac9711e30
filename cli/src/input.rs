//! Files as people have them: raw, DER, or PEM.

use std::{fs, io, path::PathBuf};

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
	/// What was given makes no sense.
	#[error("{0}")]
	Usage(String),
}

/// The whole of a file; `-` is standard input.
pub(crate) fn read(path: &std::path::Path) -> Result<Vec<u8>, Error> {
	let failed = |source| Error::Read { path: path.to_path_buf(), source };
	if path.as_os_str() == "-" {
		let mut bytes = Vec::new();
		io::Read::read_to_end(&mut io::stdin().lock(), &mut bytes).map_err(failed)?;
		return Ok(bytes);
	}
	fs::read(path).map_err(failed)
}
