//! The record of sealed blocks: what keeps a crash from making an honest member equivocate.
//!
//! # Rules
//! * A sealed block is on disk, with everything needed to import it again, before anybody else can see it: the record
//!   is written between A2 and import, and import is what announces it.
//! * Upon a start, recorded blocks that the database does not know are imported, one after the other. Databases lose their
//!   last commits in a power cut, finalised blocks among them; the announcements may be out already.
//! * No record for a parent means that sealing on that parent is allowed: nothing was announced. A record for it means
//!   that no other block is ever sealed there.
//!
//! # On disk
//! One file with the hashes of the last 64 sealed blocks, and beside it one for each of the last few blocks themselves,
//! written before. Each has a version byte, the BLAKE2b-256 checksum of the rest, the rest in SCALE. It is written to a
//! temporary file, fsynced, renamed, and the folder is fsynced. So a crash leaves the old record or the new one, never
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
const VERSION: u8 = 2;
/// Bytes before the contents.
const PREFIX: usize = 1 + 32;
/// Parents that are remembered. A reorganisation that leads back further than finality allows does not happen; this
/// outlasts many.
const REMEMBERED: usize = 64;
/// Blocks that are kept whole. A database that loses more of one author's last blocks than that needs a peer that has them.
const KEPT: usize = 16;
/// Bytes that they take together at most, but for the last one.
const ROOM: u64 = 32 * 1024 * 1024;
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
pub struct Record {
	path: PathBuf,
	entries: VecDeque<Entry>,
	/// Blocks that are kept whole, oldest first, and the bytes that each takes.
	kept: VecDeque<(Hash, u64)>,
	damaged: bool,
}

impl Record {
	/// Opens the record at `path`; there need not be one. Folders above it are made.
	///
	/// # Errors
	/// The file or its folder cannot be made or read; what is damaged cannot be set aside.
	pub fn open(path: impl Into<PathBuf>) -> Result<Self, RecordError> {
		let path = path.into();
		fs::create_dir_all(folder(&path))
			.map_err(|source| RecordError::Write { path: folder(&path).into(), source })?;
		let mut record = Self { entries: VecDeque::new(), kept: VecDeque::new(), damaged: false, path };
		match read(&record.path) {
			Ok(Some(bytes)) => match decode(&bytes) {
				Some(entries) => record.entries = entries,
				None => record.set_aside()?,
			},
			Ok(None) => {}
			Err(source) => return Err(RecordError::Read { path: record.path, source }),
		}
		record.tidy()?;
		for entry in &record.entries {
			if let Ok(metadata) = fs::metadata(block_path(&record.path, &entry.hash)) {
				record.kept.push_back((entry.hash, metadata.len()));
			}
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

	/// The blocks that were sealed, in that order.
	pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
		self.entries.iter()
	}

	/// A sealed block, whole, if it is one of the last few and the disk still has it.
	pub fn block<B: BlockT<Hash = Hash>>(&self, hash: &Hash) -> Option<B> {
		if !self.kept.iter().any(|(kept, _)| kept == hash) {
			return None;
		}
		let path = block_path(&self.path, hash);
		let block = read(&path).ok().flatten().and_then(|bytes| decode::<B>(&bytes));
		let block = block.filter(|block| block.hash() == *hash);
		if block.is_none() {
			log::error!(target: "poet", "the sealed block {} cannot be read: the disk is failing", path.display());
		}
		block
	}

	/// Takes in a sealed block. When this returns `Ok`, the block is safe on disk; when it returns an error, the record
	/// is as if it had not been called, but the block may be on disk all the same: only the same block may be tried
	/// again on that parent.
	///
	/// # Errors
	/// The files cannot be written.
	pub fn push<B: BlockT<Hash = Hash>>(&mut self, entry: Entry, block: &B) -> Result<(), RecordError> {
		let mut entries = self.entries.clone();
		entries.retain(|known| known.parent != entry.parent);
		entries.push_back(entry);
		while entries.len() > REMEMBERED {
			entries.pop_front();
		}
		let (path, block) = (block_path(&self.path, &entry.hash), encode(block));
		// The folder is synced with the second file: that one says that the first is to be there.
		replace(&path, &block)?;
		if let Err(error) = replace(&self.path, &encode(&entries)).and_then(|()| sync(folder(&self.path))) {
			// It may have taken the disk's last room.
			let _ = fs::remove_file(&path);
			return Err(error);
		}
		self.entries = entries;
		self.kept.retain(|(hash, _)| *hash != entry.hash);
		self.kept.push_back((entry.hash, block.len() as u64));
		self.forget_the_oldest();
		Ok(())
	}

	/// Removes the blocks for which there is no room. One that stays behind is removed at the next start.
	fn forget_the_oldest(&mut self) {
		let full = |kept: &VecDeque<(Hash, u64)>| {
			kept.len() > KEPT || (kept.len() > 1 && kept.iter().map(|(_, length)| length).sum::<u64>() > ROOM)
		};
		while full(&self.kept) {
			let Some((hash, _)) = self.kept.pop_front() else { return };
			let _ = fs::remove_file(block_path(&self.path, &hash));
		}
	}

	/// Removes what a crash left half written, which was never relied on, and blocks that are not in the record.
	fn tidy(&self) -> Result<(), RecordError> {
		let failed = |path: &Path| {
			let path = path.to_path_buf();
			move |source| RecordError::Read { path, source }
		};
		let folder = folder(&self.path);
		let own = with_suffix(&self.path, "");
		let last = self.entries.iter().rev().take(KEPT);
		let wanted: Vec<PathBuf> = last.map(|entry| block_path(&self.path, &entry.hash)).collect();
		for file in fs::read_dir(folder).map_err(failed(folder))? {
			let path = file.map_err(failed(folder))?.path();
			let Some(name) = path.to_str().and_then(|path| path.strip_prefix(own.to_str()?)) else { continue };
			let is_block = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
			if (is_block && !wanted.contains(&path)) || name.ends_with(TEMPORARY) {
				fs::remove_file(&path).map_err(|source| RecordError::Write { path: path.clone(), source })?;
				log::debug!(target: "poet", "removed {}, which is of no use any more", path.display());
			}
		}
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

/// How the names of files end that are being written.
const TEMPORARY: &str = "tmp";

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
	let mut name = path.as_os_str().to_owned();
	name.push(".");
	name.push(suffix);
	name.into()
}

/// Where the block with this hash is kept.
fn block_path(record: &Path, hash: &Hash) -> PathBuf {
	with_suffix(record, &format!("{hash:x}"))
}

fn temporary(path: &Path) -> PathBuf {
	with_suffix(path, TEMPORARY)
}

fn folder(path: &Path) -> &Path {
	path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn encode(contents: &impl Encode) -> Vec<u8> {
	let contents = contents.encode();
	let mut bytes = Vec::with_capacity(PREFIX + contents.len());
	bytes.push(VERSION);
	bytes.extend(BlakeTwo256::hash(&contents).as_bytes());
	bytes.extend(contents);
	bytes
}

fn decode<T: Decode>(bytes: &[u8]) -> Option<T> {
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

/// Puts a file with these bytes in place of what was there, or leaves what was there. That it is the new one after a crash
/// is sure once the folder is synced.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), RecordError> {
	let temporary = temporary(path);
	let written = (|| {
		let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&temporary)?;
		file.write_all(bytes)?;
		file.sync_all()
	})();
	if let Err(source) = written {
		let _ = fs::remove_file(&temporary);
		return Err(RecordError::Write { path: temporary, source });
	}
	fs::rename(&temporary, path).map_err(|source| RecordError::Write { path: path.into(), source })
}

fn sync(folder: &Path) -> Result<(), RecordError> {
	let synced = File::open(folder).and_then(|folder| folder.sync_all());
	synced.map_err(|source| RecordError::Write { path: folder.into(), source })
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

	fn open(path: &Path) -> Record {
		Record::open(path).expect("the folder is there")
	}

	fn push(record: &mut Record, parent: u8, height: u32) -> (Entry, Block) {
		let (entry, block) = block(parent, height);
		record.push(entry, &block).expect("the disk has room");
		(entry, block)
	}

	fn recorded(path: &Path) -> Record {
		let mut record = open(path);
		push(&mut record, 7, 8);
		record
	}

	fn last(record: &Record) -> Option<u64> {
		record.entries().next_back().map(|entry| entry.height)
	}

	#[test]
	fn nothing_on_disk_allows_sealing() {
		let dir = tempfile::tempdir().expect("a folder");
		let record = open(&dir.path().join("deep/er/sealed"));
		assert!(record.sealed_on(&Hash::repeat_byte(7)).is_none());
		assert!(last(&record).is_none() && !record.was_damaged());
	}

	#[test]
	fn a_sealed_block_is_found_after_a_restart() {
		let dir = tempfile::tempdir().expect("a folder");
		let path = dir.path().join("sealed");
		recorded(&path);
		let record = open(&path);
		let (entry, block) = block(7, 8);
		assert_eq!(record.sealed_on(&Hash::repeat_byte(7)), Some(&entry));
		assert_eq!(record.block(&entry.hash), Some(block));
		assert!(record.sealed_on(&Hash::repeat_byte(8)).is_none());
	}

	#[test]
	fn earlier_parents_are_remembered_and_then_forgotten() {
		let dir = tempfile::tempdir().expect("a folder");
		let path = dir.path().join("sealed");
		let mut record = open(&path);
		for parent in 0..=REMEMBERED as u8 {
			push(&mut record, parent, parent.into());
		}
		let record = open(&path);
		assert!(record.sealed_on(&Hash::repeat_byte(0)).is_none());
		for parent in 1..=REMEMBERED as u8 {
			assert!(record.sealed_on(&Hash::repeat_byte(parent)).is_some());
		}
		assert_eq!(last(&record), Some(REMEMBERED as u64));
	}

	/// Files that are there for blocks.
	fn files(path: &Path) -> usize {
		let names = fs::read_dir(folder(path)).expect("the folder is there").flatten().map(|file| file.file_name());
		names.filter(|name| name.len() > 64).count()
	}

	#[test]
	fn the_last_few_blocks_are_kept_whole() {
		let dir = tempfile::tempdir().expect("a folder");
		let path = dir.path().join("sealed");
		let mut record = open(&path);
		let pushed: Vec<_> = (0..KEPT as u8 + 3).map(|parent| push(&mut record, parent, parent.into())).collect();
		for record in [record, open(&path)] {
			assert_eq!(files(&path), KEPT);
			for (entry, block) in &pushed[..3] {
				assert!(record.block::<Block>(&entry.hash).is_none());
				assert_eq!(record.sealed_on(&entry.parent), Some(entry), "{block:?}");
			}
			for (entry, block) in &pushed[3..] {
				assert_eq!(record.block(&entry.hash).as_ref(), Some(block));
			}
		}
	}

	#[test]
	fn long_blocks_are_fewer() {
		let dir = tempfile::tempdir().expect("a folder");
		let path = dir.path().join("sealed");
		let mut record = open(&path);
		for parent in 0..3 {
			push(&mut record, parent, parent.into());
		}
		// As if each of them took more than half of the room.
		record.kept.iter_mut().for_each(|(_, length)| *length = ROOM / 2 + 1);
		record.forget_the_oldest();
		assert_eq!((record.kept.len(), files(&path)), (1, 1));
		record.kept[0].1 = 2 * ROOM;
		record.forget_the_oldest();
		assert_eq!((record.kept.len(), files(&path)), (1, 1));
	}

	#[test]
	fn a_block_without_a_record_is_removed_and_a_record_without_its_block_still_counts() {
		let dir = tempfile::tempdir().expect("a folder");
		let path = dir.path().join("sealed");
		recorded(&path);
		let ((one, _), (other, block)) = (block(7, 8), block(8, 9));
		// The power failed between the two files.
		replace(&block_path(&path, &other.hash), &encode(&block)).expect("the disk has room");
		fs::write(temporary(&block_path(&path, &other.hash)), b"half").expect("the disk has room");
		let record = open(&path);
		assert!(record.sealed_on(&other.parent).is_none() && record.block::<Block>(&other.hash).is_none());
		assert!(!temporary(&block_path(&path, &other.hash)).exists());
		assert_eq!(files(&path), 1);
		// Somebody took the first away, or changed it.
		for damage in [&b"rubbish"[..], &encode(&block)] {
			fs::write(block_path(&path, &one.hash), damage).expect("the disk has room");
			let record = open(&path);
			assert!(record.block::<Block>(&one.hash).is_none() && !record.was_damaged());
			assert_eq!(record.sealed_on(&one.parent), Some(&one));
		}
		fs::remove_file(block_path(&path, &one.hash)).expect("it is there");
		let record = open(&path);
		assert!(record.block::<Block>(&one.hash).is_none());
		assert_eq!(record.sealed_on(&one.parent), Some(&one));
	}

	#[test]
	fn a_crash_before_the_rename_leaves_the_old_record() {
		let dir = tempfile::tempdir().expect("a folder");
		let path = dir.path().join("sealed");
		recorded(&path);
		let (entry, _) = block(8, 9);
		let whole = encode(&VecDeque::from([entry]));
		for length in [0, 1, PREFIX, whole.len() - 1, whole.len()] {
			fs::write(temporary(&path), &whole[..length]).expect("the disk has room");
			let record = open(&path);
			assert!(!record.was_damaged());
			assert_eq!(last(&record), Some(8));
			assert!(!temporary(&path).exists());
		}
	}

	#[test]
	fn a_crash_after_the_rename_leaves_the_new_record() {
		let dir = tempfile::tempdir().expect("a folder");
		let path = dir.path().join("sealed");
		recorded(&path);
		let (entry, _) = block(8, 9);
		fs::write(temporary(&path), encode(&VecDeque::from([entry]))).expect("the disk has room");
		fs::rename(temporary(&path), &path).expect("same folder");
		assert_eq!(last(&open(&path)), Some(9));
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
			assert!(record.was_damaged() && last(&record).is_none());
			assert!(with_suffix(&path, "damaged").exists() && !path.exists());
			assert_eq!(files(&path), 0);
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
		let error = record.push(entry, &next).expect_err("the disk is full");
		assert!(error.to_string().contains("No space left on device"), "{error}");
		assert!(record.sealed_on(&entry.parent).is_none());
		assert_eq!(last(&open(&path)), Some(8));
		// The link is gone with the failed write: there is room now.
		record.push(entry, &next).expect("the disk has room");
		assert_eq!(last(&open(&path)), Some(9));
	}
}
