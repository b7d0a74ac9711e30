//! The record on disk: one JSON file for each account and contract, written as a whole or not at all.

use std::{
	fs,
	io::Write,
	path::{Path, PathBuf},
};

use crate::machine::{Place, Record};

/// Where the record is kept.
pub trait Store: Send + Sync {
	/// Writes it. When this returns, it is on disk.
	///
	/// # Errors
	/// It is not.
	fn save(&self, record: &Record) -> Result<(), String>;
}

/// A folder that one relayer alone works in.
#[derive(Debug)]
pub struct Folder {
	path: PathBuf,
	file: PathBuf,
	/// Unlocked when it is dropped.
	_lock: fs::File,
}

impl Folder {
	/// Takes a folder, which is made if need be, and gives what is remembered in it.
	///
	/// # Errors
	/// Another relayer works there, or the record cannot be read. A damaged record is no missing one: who began anew could
	/// send again what is on its way.
	pub fn open(path: &Path, place: Place) -> Result<(Self, Record), String> {
		let failed =
			|what: &str, path: &Path, error: std::io::Error| format!("cannot {what} {}: {error}", path.display());
		fs::create_dir_all(path).map_err(|error| failed("make", path, error))?;
		let name = format!("{}-{:x}-{:x}", place.chain_id, place.contract, place.account);
		let lock_path = path.join(format!("{name}.lock"));
		let lock = fs::File::create(&lock_path).map_err(|error| failed("write", &lock_path, error))?;
		lock.try_lock().map_err(|error| match error {
			fs::TryLockError::WouldBlock => {
				format!("another relayer with this key works in {}: two would pay for each other", path.display())
			}
			fs::TryLockError::Error(error) => failed("lock", &lock_path, error),
		})?;
		let file = path.join(format!("{name}.json"));
		let record = match fs::read(&file) {
			Ok(bytes) => read(&bytes, place).map_err(|why| {
				format!(
					"{} is damaged ({why}). Move it away if the account has nothing pending: `elapse-relayer` begins anew then",
					file.display()
				)
			})?,
			Err(error) if error.kind() == std::io::ErrorKind::NotFound => Record::new(place),
			Err(error) => return Err(failed("read", &file, error)),
		};
		Ok((Self { path: path.to_owned(), file, _lock: lock }, record))
	}
}

fn read(bytes: &[u8], place: Place) -> Result<Record, String> {
	let record: Record = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
	if record.version != Record::VERSION {
		return Err(format!("its version is {}", record.version));
	}
	if record.place != place {
		return Err("it is of another account or contract".into());
	}
	Ok(record)
}

impl Store for Folder {
	fn save(&self, record: &Record) -> Result<(), String> {
		let failed = |error: std::io::Error| format!("cannot write {}: {error}", self.file.display());
		let bytes = serde_json::to_vec_pretty(record).map_err(|error| error.to_string())?;
		let mut file = tempfile::NamedTempFile::new_in(&self.path).map_err(failed)?;
		file.write_all(&bytes).map_err(failed)?;
		file.as_file().sync_all().map_err(failed)?;
		file.persist(&self.file).map_err(|error| failed(error.error))?;
		// The name, too.
		fs::File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(failed)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::testing::place;

	#[test]
	fn what_is_written_is_read_and_belongs_to_one_account() {
		let folder = tempfile::tempdir().unwrap();
		let (store, mut record) = Folder::open(folder.path(), place(1)).unwrap();
		record.totals.paid = u128::MAX;
		record.pace.number = 7;
		store.save(&record).unwrap();
		drop(store);
		assert_eq!(Folder::open(folder.path(), place(1)).unwrap().1, record);
		assert_eq!(Folder::open(folder.path(), place(2)).unwrap().1, Record::new(place(2)));
	}

	#[test]
	fn one_relayer_alone_works_in_a_folder() {
		let folder = tempfile::tempdir().unwrap();
		let first = Folder::open(folder.path(), place(1)).unwrap();
		assert!(Folder::open(folder.path(), place(1)).unwrap_err().contains("another relayer"));
		assert!(Folder::open(folder.path(), place(2)).is_ok());
		drop(first);
		assert!(Folder::open(folder.path(), place(1)).is_ok());
	}

	#[test]
	fn a_damaged_record_is_no_missing_one() {
		let folder = tempfile::tempdir().unwrap();
		let (store, record) = Folder::open(folder.path(), place(1)).unwrap();
		store.save(&record).unwrap();
		let file = store.file.clone();
		drop(store);
		let good = fs::read_to_string(&file).unwrap();
		for bad in [&good[..good.len() / 2], &good.replace("\"version\": 1", "\"version\": 2"), ""] {
			fs::write(&file, bad).unwrap();
			assert!(Folder::open(folder.path(), place(1)).unwrap_err().contains("damaged"));
		}
	}
}
