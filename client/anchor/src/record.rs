//! What a signer must not forget: which checkpoints it has signed. A file below the node's base path.

use std::{
	fs,
	io::Write,
	path::{Path, PathBuf},
};

use codec::{Decode, DecodeAll, Encode};
use ep_bridge::Checkpoint;
use sp_core::H160;

/// How many signatures are remembered. What is older than so many is not open any more.
const KEPT: usize = 1_024;

/// One that was given: by which key, at which height, of what.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
struct Given {
	address: H160,
	number: u64,
	checkpoint: [u8; 32],
}

/// Signatures that were given, oldest first.
#[derive(Debug)]
pub(crate) struct Record {
	folder: PathBuf,
	given: Vec<Given>,
}

impl Record {
	/// From this folder, which is made if need be.
	///
	/// # Errors
	/// It cannot be read. A damaged record is no missing one: whoever forgot what it signed could sign the opposite.
	pub(crate) fn new(folder: &Path) -> Result<Self, String> {
		fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
		let path = folder.join(NAME);
		let given = match fs::read(&path) {
			Ok(bytes) => Vec::<Given>::decode_all(&mut &bytes[..]).map_err(|_| {
				format!(
					"{} is damaged. If another node has this one's key, stop it; then remove the file, and wait until the \
					 checkpoints that are open now are certified before this node is started again",
					path.display()
				)
			})?,
			Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
			Err(error) => return Err(format!("cannot read {}: {error}", path.display())),
		};
		Ok(Self { folder: folder.to_path_buf(), given })
	}

	/// Rule *one-word*: notes on disk that the key with this address signs a checkpoint. When this returns it may.
	///
	/// # Errors
	/// It has signed another of that height, or the disk does not take it.
	pub(crate) fn give_word(&mut self, address: H160, checkpoint: &Checkpoint) -> Result<(), String> {
		let given = Given { address, number: checkpoint.number, checkpoint: checkpoint.hash_struct() };
		let same_height = self.given.iter().find(|other| other.address == address && other.number == checkpoint.number);
		match same_height {
			Some(other) if *other == given => return Ok(()),
			Some(_) => return Err("one-word: this key has signed another checkpoint of that height".into()),
			None => {}
		}
		let mut all = self.given.clone();
		all.push(given);
		let beyond = all.len().saturating_sub(KEPT);
		all.drain(..beyond);
		self.write(&all)?;
		self.given = all;
		Ok(())
	}

	/// As a whole or not at all.
	fn write(&self, given: &[Given]) -> Result<(), String> {
		let path = self.folder.join(NAME);
		let failed = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
		let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(failed)?;
		file.write_all(&given.encode()).map_err(failed)?;
		file.as_file().sync_all().map_err(failed)?;
		file.persist(&path).map_err(|error| failed(error.error))?;
		// The name, too.
		fs::File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(failed)
	}
}

const NAME: &str = "signed";

#[cfg(test)]
mod tests {
	use super::*;

	const KEY: H160 = H160::repeat_byte(1);

	fn checkpoint(number: u64, epoch: u64) -> Checkpoint {
		Checkpoint { number, epoch, ..Default::default() }
	}

	#[test]
	fn a_word_is_kept_over_a_restart() {
		let folder = tempfile::tempdir().unwrap();
		let mut record = Record::new(folder.path()).unwrap();
		assert_eq!(record.give_word(KEY, &checkpoint(10, 1)), Ok(()));
		for mut record in [record, Record::new(folder.path()).unwrap()] {
			assert_eq!(record.give_word(KEY, &checkpoint(10, 1)), Ok(()));
			assert!(record.give_word(KEY, &checkpoint(10, 2)).unwrap_err().starts_with("one-word"));
			// Another key has a word of its own.
			assert_eq!(record.give_word(H160::repeat_byte(2), &checkpoint(10, 2)), Ok(()));
			assert_eq!(record.give_word(KEY, &checkpoint(20, 2)), Ok(()));
		}
	}

	#[test]
	fn the_oldest_are_forgotten() {
		let folder = tempfile::tempdir().unwrap();
		let mut record = Record::new(folder.path()).unwrap();
		let given = |number| Given { address: KEY, number, checkpoint: checkpoint(number, 1).hash_struct() };
		record.given = (0..KEPT as u64).map(given).collect();
		assert_eq!(record.give_word(KEY, &checkpoint(5_000, 1)), Ok(()));
		assert_eq!((record.given.len(), record.given[0].number), (KEPT, 1));
	}

	#[test]
	fn a_damaged_record_is_no_missing_one() {
		let folder = tempfile::tempdir().unwrap();
		Record::new(folder.path()).unwrap().give_word(KEY, &checkpoint(10, 1)).unwrap();
		fs::write(folder.path().join(NAME), [1, 2, 3]).unwrap();
		assert!(Record::new(folder.path()).unwrap_err().contains("damaged"));
	}

	#[test]
	fn what_is_not_on_disk_was_not_said() {
		let folder = tempfile::tempdir().unwrap();
		let mut record = Record::new(&folder.path().join("anchor")).unwrap();
		fs::remove_dir_all(folder.path().join("anchor")).unwrap();
		assert!(record.give_word(KEY, &checkpoint(10, 1)).unwrap_err().contains("cannot write"));
		assert!(record.given.is_empty());
	}
}
