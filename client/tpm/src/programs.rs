//! Where the programs of the software TPM are.

use crate::error::TpmError;
use std::{
	env,
	ffi::OsString,
	os::unix::fs::PermissionsExt,
	path::{Path, PathBuf},
	process::Command,
};

const SWTPM: &str = "swtpm swtpm-tools";

/// How the programs of the managed software TPM are found.
#[derive(Clone, Debug, Default)]
pub struct Programs {
	/// Folders to search, separated as in `PATH`. `None`: the environment's `PATH`, then the usual system folders.
	pub search: Option<OsString>,
}

impl Programs {
	/// The software TPM itself.
	pub(crate) fn swtpm(&self) -> Result<PathBuf, TpmError> {
		self.find("swtpm", SWTPM)
	}

	/// Makes its state.
	pub(crate) fn swtpm_setup(&self) -> Result<PathBuf, TpmError> {
		self.find("swtpm_setup", SWTPM)
	}

	/// Makes its certificates, with two programs that it looks for itself.
	pub(crate) fn swtpm_localca(&self) -> Result<PathBuf, TpmError> {
		self.find("swtpm_cert", SWTPM)?;
		self.find("certtool", "gnutls-bin")?;
		self.find("swtpm_localca", SWTPM)
	}

	/// A command that finds its helpers where we found it.
	pub(crate) fn command(&self, program: &Path) -> Command {
		let mut command = Command::new(program);
		command.env("PATH", self.path());
		command
	}

	fn path(&self) -> OsString {
		self.search.clone().unwrap_or_else(|| {
			let mut path = env::var_os("PATH").unwrap_or_default();
			if !path.is_empty() {
				path.push(":");
			}
			path.push("/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin");
			path
		})
	}

	fn find(&self, program: &'static str, package: &'static str) -> Result<PathBuf, TpmError> {
		env::split_paths(&self.path())
			.filter(|dir| dir.is_absolute())
			.map(|dir| dir.join(program))
			.find(|file| file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0))
			.ok_or(TpmError::ProgramMissing { program, package })
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_missing_program_names_its_package() {
		let programs = Programs { search: Some("/nonexistent".into()) };
		let error = programs.swtpm().unwrap_err();
		assert!(error.to_string().contains("apt-get install swtpm swtpm-tools"), "{error}");
	}
}
