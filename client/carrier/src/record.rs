//! What a member must not forget of a round: a file each, below the node's base path.

use std::{
	fs,
	io::Write,
	path::{Path, PathBuf},
};

use codec::{Decode, DecodeAll, Encode};
use ec_pbft::Memory;
use ep_poet::AuthorityId;
use ep_trust::{Judgement, Round};

use crate::gossip::Seal;

/// What is remembered.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) struct Record {
	/// The application: another one under the same number, after a fork, is another round.
	pub(crate) application: [u8; 32],
	/// The member.
	pub(crate) author: AuthorityId,
	/// What the question derives from.
	pub(crate) secret: [u8; 32],
	/// What was said and seen.
	pub(crate) memory: Option<Memory<AuthorityId, Judgement, Seal>>,
	/// The verdict that was signed.
	pub(crate) signed: Option<Judgement>,
}

/// Where records are.
#[derive(Clone, Debug)]
pub(crate) struct Records(PathBuf);

impl Records {
	/// In this folder, which is made if need be.
	pub(crate) fn new(folder: &Path) -> Result<Self, String> {
		fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
		Ok(Self(folder.to_path_buf()))
	}

	fn path(&self, round: Round) -> PathBuf {
		self.0.join(format!("round-{round}"))
	}

	/// The record of a round, if there is one of this application and this member.
	///
	/// # Errors
	/// It cannot be read. A damaged record is no missing one: who asked again with another secret could not reveal.
	pub(crate) fn read(
		&self,
		round: Round,
		application: &[u8; 32],
		author: &AuthorityId,
	) -> Result<Option<Record>, String> {
		let path = self.path(round);
		let bytes = match fs::read(&path) {
			Ok(bytes) => bytes,
			Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
			Err(error) => return Err(format!("cannot read {}: {error}", path.display())),
		};
		let record = Record::decode_all(&mut &bytes[..])
			.map_err(|_| format!("{} is damaged: this round goes on without us", path.display()))?;
		Ok(Some(record).filter(|record| record.application == *application && record.author == *author))
	}

	/// Writes a record, as a whole or not at all; when this returns it is on disk.
	pub(crate) fn write(&self, round: Round, record: &Record) -> Result<(), String> {
		let path = self.path(round);
		let failed = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
		let mut file = tempfile::NamedTempFile::new_in(&self.0).map_err(failed)?;
		file.write_all(&record.encode()).map_err(failed)?;
		file.as_file().sync_all().map_err(failed)?;
		file.persist(&path).map_err(|error| failed(error.error))?;
		// The name, too.
		fs::File::open(&self.0).and_then(|folder| folder.sync_all()).map_err(failed)
	}

	/// Forgets all rounds below `first`: they are over.
	pub(crate) fn forget_below(&self, first: Round) {
		let Ok(entries) = fs::read_dir(&self.0) else { return };
		for entry in entries.flatten() {
			let number = entry.file_name().to_str().and_then(|name| name.strip_prefix("round-")?.parse::<Round>().ok());
			if number.is_some_and(|number| number < first) {
				let _ = fs::remove_file(entry.path());
			}
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn record(secret: u8) -> Record {
		let author = sp_core::sr25519::Public::from_raw([1; 32]).into();
		Record { application: [9; 32], author, secret: [secret; 32], memory: None, signed: Some(Judgement::Admit) }
	}

	#[test]
	fn what_is_written_is_read_and_goes_with_its_round() {
		let folder = tempfile::tempdir().unwrap();
		let records = Records::new(folder.path()).unwrap();
		let author = record(1).author;
		assert_eq!(records.read(3, &[9; 32], &author), Ok(None));
		records.write(3, &record(1)).unwrap();
		records.write(3, &record(2)).unwrap();
		assert_eq!(records.read(3, &[9; 32], &author), Ok(Some(record(2))));
		records.forget_below(3);
		assert_eq!(records.read(3, &[9; 32], &author), Ok(Some(record(2))));
		records.forget_below(4);
		assert_eq!(records.read(3, &[9; 32], &author), Ok(None));
	}

	#[test]
	fn the_record_of_another_application_or_member_is_none() {
		let folder = tempfile::tempdir().unwrap();
		let records = Records::new(folder.path()).unwrap();
		records.write(3, &record(1)).unwrap();
		assert_eq!(records.read(3, &[8; 32], &record(1).author), Ok(None));
		let other = sp_core::sr25519::Public::from_raw([2; 32]).into();
		assert_eq!(records.read(3, &[9; 32], &other), Ok(None));
	}

	#[test]
	fn a_damaged_record_is_no_missing_one() {
		let folder = tempfile::tempdir().unwrap();
		let records = Records::new(folder.path()).unwrap();
		records.write(3, &record(1)).unwrap();
		fs::write(folder.path().join("round-3"), [1, 2, 3]).unwrap();
		assert!(records.read(3, &[9; 32], &record(1).author).unwrap_err().contains("damaged"));
	}
}
