//! The record of sealed blocks: what keeps a crash from making an honest member equivocate.
//!
//! # Rules
//! * A sealed block is on disk, with everything needed to import it again, before anybody else can see it: the record
//!   is written between A2 and import, and import is what announces it.
//! * Upon a start, the recorded block is imported if the database does not know it. Databases lose their last commits
//!   in a power cut; the announcement may be out already.
//! * No record for a parent means that sealing on that parent is allowed: nothing was announced. A record for it means
//!   that no other block is ever sealed there.
//!
//! # On disk
//! One file: a version byte, the BLAKE2b-256 checksum of the rest, the rest in SCALE. It is written to a temporary file
//! beside it, fsynced, renamed, and the folder is fsynced. So a crash leaves the old record or the new one, never
//! something in between; a record that does not read is the disk's doing. It is then set aside, and
//! [`Record::was_damaged`] tells the worker to wait a while for its own last block to come back from the network.

use std::{
	collections::VecDeque,
	fs::{self, File, OpenOptions},
	io::{self, Read, Write},
	path::{Path, PathBuf},
};

use codec::{Decode, Encode};
use ep_poet::Hash;

use sp_runtime::traits::{BlakeTwo256, Block as BlockT, Hash as _};

/// Version of the format.
const VERSION: u8 = 1;
/// Bytes before the contents.
const PREFIX: usize = 1 + 32;
/// Parents that are remembered. A reorganisation that leads back further than finality allows does not happen; this
/// outlasts many.
const REMEMBERED: usize = 64;
/// No block is near this long: a longer file is not ours.
const MAX_LENGTH: u64 = 64 * 1024 * 1024;

/// Why the record cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
	/// The file system refused to read.
	#[error("cannot read the record of sealed blocks {path}: {source}")]
	Read {
		/// The record.
		path: PathBuf,
		/// The file system's words.
		source: io::Error,
	},
	/// The file system refused to write.
	#[error("cannot write the record of sealed blocks {path}: {source}")]
	Write {
		/// The file in question.
		path: PathBuf,
		/// The file system's words.
		source: io::Error,
	},
}

/// One sealed block, by its hashes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Entry {
	/// Its parent.
	pub parent: Hash,
	/// Its height.
	pub height: u64,
	/// Its hash.
	pub hash: Hash,
}

/// The record, open.
#[derive(Debug)]
pub struct Record<B> {
	path: PathBuf,
	entries: VecDeque<Entry>,
	last: Option<B>,
	damaged: bool,
}

impl<B: BlockT> Record<B> {
	/// Opens the record at `path`; there need not be one. Folders above it are made.
	///
	/// # Errors
	/// The file or its folder cannot be made or read; what is damaged cannot be set aside.
	pub fn open(path: impl Into<PathBuf>) -> Result<Self, RecordError> {
		let path = path.into();
		if let Some(folder) = path.parent() {
			fs::create_dir_all(folder).map_err(|source| RecordError::Write { path: folder.into(), source })?;
		}
		// What a crash left half written was never relied on.
		match fs::remove_file(temporary(&path)) {
			Ok(()) => log::debug!(target: "poet", "removed what a crash left of {}", temporary(&path).display()),
			Err(error) if error.kind() == io::ErrorKind::NotFound => {}
			Err(source) => return Err(RecordError::Write { path: temporary(&path), source }),
		}
		let mut record = Self { entries: VecDeque::new(), last: None, damaged: false, path };
		match read(&record.path) {
			Ok(Some(bytes)) => match decode::<B>(&bytes) {
				Some((entries, last)) => {
					record.entries = entries.into();
					record.last = last;
				}
				None => record.set_aside()?,
			},
			Ok(None) => {}
			Err(source) => return Err(RecordError::Read { path: record.path, source }),
		}
		Ok(record)
	}

	/// Where it is kept.
	pub fn path(&self) -> &Path {
		&self.path
	}

	/// Whether what was found on disk could not be read.
	pub fn was_damaged(&self) -> bool {
		self.damaged
	}

	/// The block that was sealed on `parent`, if any was.
	pub fn sealed_on(&self, parent: &Hash) -> Option<&Entry> {
		self.entries.iter().find(|entry| entry.parent == *parent)
	}

	/// The last block sealed, whole.
	pub fn last(&self) -> Option<(&Entry, &B)> {
		self.entries.back().zip(self.last.as_ref())
	}

	/// Takes in a sealed block. When this returns `Ok`, the block is safe on disk; when it returns an error, the record
	/// is as if it had not been called, but the block may be on disk all the same: only the same block may be tried
	/// again on that parent.
	///
	/// # Errors
	/// The file cannot be written.
	pub fn push(&mut self, entry: Entry, block: B) -> Result<(), RecordError> {
		let mut entries = self.entries.clone();
		entries.retain(|known| known.parent != entry.parent);
		entries.push_back(entry);
		while entries.len() > REMEMBERED {
			entries.pop_front();
		}
		let last = Some(block);
		write(&self.path, &encode(&entries, &last))?;
		(self.entries, self.last) = (entries, last);
		Ok(())
	}

	fn set_aside(&mut self) -> Result<(), RecordError> {
		let aside = with_suffix(&self.path, "damaged");
		log::error!(
			target: "poet",
			"the record of sealed blocks {} cannot be read: the disk is failing, or something else wrote to it. It is kept \
			 as {}. Sealing begins after a while, so that what was sealed last can come back from other nodes",
			self.path.display(),
			aside.display(),
		);
		fs::rename(&self.path, &aside).map_err(|source| RecordError::Write { path: aside, source })?;
		self.damaged = true;
		Ok(())
	}
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
	let mut name = path.as_os_str().to_owned();
	name.push(".");
	name.push(suffix);
	name.into()
}

fn temporary(path: &Path) -> PathBuf {
	with_suffix(path, "tmp")
}

fn encode<B: BlockT>(entries: &VecDeque<Entry>, last: &Option<B>) -> Vec<u8> {
	let contents = (entries, last).encode();
	let mut bytes = Vec::with_capacity(PREFIX + contents.len());
	bytes.push(VERSION);
	bytes.extend(BlakeTwo256::hash(&contents).as_bytes());
	bytes.extend(contents);
	bytes
}

fn decode<B: BlockT>(bytes: &[u8]) -> Option<(Vec<Entry>, Option<B>)> {
	let (version, rest) = bytes.split_first()?;
	let (checksum, mut contents) = rest.split_at_checked(PREFIX - 1)?;
	if *version != VERSION || checksum != BlakeTwo256::hash(contents).as_bytes() {
		return None;
	}
	let decoded = Decode::decode(&mut contents).ok()?;
	contents.is_empty().then_some(decoded)
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
	let file = match File::open(path) {
		Ok(file) => file,
		Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
		Err(error) => return Err(error),
	};
	let mut bytes = Vec::new();
	file.take(MAX_LENGTH).read_to_end(&mut bytes)?;
	Ok(Some(bytes))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), RecordError> {
	let temporary = temporary(path);
	let failed = |path: &Path| {
		let path = path.to_path_buf();
		move |source| RecordError::Write { path, source }
	};
	let written = (|| {
		let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&temporary)?;
		file.write_all(bytes)?;
		file.sync_all()
	})();
	if let Err(source) = written {
		// It may have taken the disk's last room.
		let _ = fs::remove_file(&temporary);
		return Err(failed(&temporary)(source));
	}
	fs::rename(&temporary, path).map_err(failed(path))?;
	let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
	File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder))
}

#[cfg(test)]
mod tests {
	use super::*;
	use sp_runtime::{generic, traits::Header as _, OpaqueExtrinsic};

	type Block = generic::Block<generic::Header<u32, BlakeTwo256>, OpaqueExtrinsic>;

	fn block(parent: u8, height: u32) -> (Entry, Block) {
		let header = generic::Header::new(
			height,
			Hash::repeat_byte(1),
			Hash::repeat_byte(2),
			Hash::repeat_byte(parent),
			Default::default(),
		);
		let entry = Entry { parent: Hash::repeat_byte(parent), height: height.into(), hash: header.hash() };
		(entry, Block { header, extrinsics: Vec::new() })
	}

	fn open(path: &Path) -> Record<Block> {
		Record::open(path).expect("the folder is there")
	}

	fn recorded(path: &Path) -> Record<Block> {
		let mut record = open(path);
		let (entry, block) = block(7, 8);
		record.push(entry, block).expect("the disk has room");
		record
	}

	#[test]
	fn nothing_on_disk_allows_sealing() {
		let dir = tempfile::tempdir().expect("a folder");
		let record = open(&dir.path().join("deep/er/sealed"));
		assert!(record.sealed_on(&Hash::repeat_byte(7)).is_none());
		assert!(record.last().is_none() && !record.was_damaged());
	}

	#[test]
	fn a_sealed_block_is_found_after_a_restart() {
		let dir = tempfile::tempdir().expect("a folder");
		let path = dir.path().join("sealed");
		recorded(&path);
		let record = open(&path);
		let (entry, block) = block(7, 8);
		assert_eq!(record.sealed_on(&Hash::repeat_byte(7)), Some(&entry));
		assert_eq!(record.last(), Some((&entry, &block)));
		assert!(record.sealed_on(&Hash::repeat_byte(8)).is_none());
	}

	#[test]
	fn earlier_parents_are_remembered_and_then_forgotten() {
		let dir = tempfile::tempdir().expect("a folder");
		let path = dir.path().join("sealed");
		let mut record = open(&path);
		for parent in 0..=REMEMBERED as u8 {
			let (entry, block) = block(parent, parent.into());
			record.push(entry, block).expect("the disk has room");
		}
		let record = open(&path);
		assert!(record.sealed_on(&Hash::repeat_byte(0)).is_none());
		for parent in 1..=REMEMBERED as u8 {
			assert!(record.sealed_on(&Hash::repeat_byte(parent)).is_some());
		}
		assert_eq!(record.last().map(|(entry, _)| entry.height), Some(REMEMBERED as u64));
	}

	#[test]
	fn a_crash_before_the_rename_leaves_the_old_record() {
		let dir = tempfile::tempdir().expect("a folder");
		let path = dir.path().join("sealed");
		recorded(&path);
		let (entry, next) = block(8, 9);
		let whole = encode(&VecDeque::from([entry]), &Some(next));
		for length in [0, 1, PREFIX, whole.len() - 1, whole.len()] {
			fs::write(temporary(&path), &whole[..length]).expect("the disk has room");
			let record = open(&path);
			assert!(!record.was_damaged());
			assert_eq!(record.last().map(|(entry, _)| entry.height), Some(8));
			assert!(!temporary(&path).exists());
		}
	}

	#[test]
	fn a_crash_after_the_rename_leaves_the_new_record() {
		let dir = tempfile::tempdir().expect("a folder");
		let path = dir.path().join("sealed");
		recorded(&path);
		let (entry, next) = block(8, 9);
		fs::write(temporary(&path), encode(&VecDeque::from([entry]), &Some(next))).expect("the disk has room");
		fs::rename(temporary(&path), &path).expect("same folder");
		assert_eq!(open(&path).last().map(|(entry, _)| entry.height), Some(9));
	}

	#[test]
	fn a_truncated_record_is_set_aside() {
		let dir = tempfile::tempdir().expect("a folder");
		let path = dir.path().join("sealed");
		recorded(&path);
		let whole = fs::read(&path).expect("just written");
		for length in 0..whole.len() {
			fs::write(&path, &whole[..length]).expect("the disk has room");
			let record = open(&path);
			assert!(record.was_damaged() && record.last().is_none());
			assert!(with_suffix(&path, "damaged").exists() && !path.exists());
		}
	}

	#[test]
	fn any_changed_byte_is_noticed() {
		let dir = tempfile::tempdir().expect("a folder");
		let path = dir.path().join("sealed");
		recorded(&path);
		let whole = fs::read(&path).expect("just written");
		for index in 0..whole.len() {
			let mut changed = whole.clone();
			changed[index] ^= 1;
			fs::write(&path, changed).expect("the disk has room");
			assert!(open(&path).was_damaged());
		}
		let mut longer = whole;
		longer.push(0);
		fs::write(&path, longer).expect("the disk has room");
		assert!(open(&path).was_damaged());
	}

	#[test]
	fn after_damage_it_records_again() {
		let dir = tempfile::tempdir().expect("a folder");
		let path = dir.path().join("sealed");
		fs::write(&path, b"rubbish").expect("the disk has room");
		assert!(recorded(&path).was_damaged());
		assert!(!open(&path).was_damaged());
	}

	#[cfg(target_os = "linux")]
	#[test]
	fn a_full_disk_changes_nothing_and_says_so() {
		let dir = tempfile::tempdir().expect("a folder");
		let path = dir.path().join("sealed");
		let mut record = recorded(&path);
		std::os::unix::fs::symlink("/dev/full", temporary(&path)).expect("a link");
		let (entry, next) = block(8, 9);
		let error = record.push(entry, next.clone()).expect_err("the disk is full");
		assert!(error.to_string().contains("No space left on device"), "{error}");
		assert!(record.sealed_on(&entry.parent).is_none());
		assert_eq!(open(&path).last().map(|(entry, _)| entry.height), Some(8));
		// The link is gone with the failed write: there is room now.
		record.push(entry, next).expect("the disk has room");
		assert_eq!(open(&path).last().map(|(entry, _)| entry.height), Some(9));
	}
}
