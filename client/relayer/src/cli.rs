//! What whoever runs a relayer says, and what becomes of it.

use std::{
	path::{Path, PathBuf},
	time::Duration,
};

use sp_core::H160;
use zeroize::Zeroizing;

use crate::{
	esc::Http,
	keystore,
	machine::{Place, Record},
	node::Node,
	policy::{Policy, ELA, GWEI},
	store::{Folder, Store},
	Metrics, Purse, Relayer, RelayerParams, StatusHandle,
};

/// Where checkpoints go, and who pays.
#[derive(Clone, Debug)]
pub struct Options {
	/// URL of a node of the Elastos Smart Chain.
	pub esc: String,
	/// The contract.
	pub contract: H160,
	/// Id of its chain.
	pub chain_id: u64,
	/// The key, encrypted.
	pub keystore: PathBuf,
	/// Where its passphrase is. Without one it is asked for on the terminal.
	pub passphrase_file: Option<PathBuf>,
	/// Where the record is kept.
	pub data: PathBuf,
	/// What may be spent.
	pub policy: Policy,
	/// Sends nothing.
	pub dry_run: bool,
	/// The time from round to round.
	pub every: Duration,
}

/// A record that is not written.
struct Nowhere;

impl Store for Nowhere {
	fn save(&self, _: &Record) -> Result<(), String> {
		Err("a dry run writes nothing".into())
	}
}

impl Options {
	/// Opens key and record, and makes the relayer. It does nothing yet.
	///
	/// # Errors
	/// What is missing, and what to do.
	pub fn open<N: Node + 'static>(
		self,
		node: N,
		status: StatusHandle,
		metrics: Metrics,
	) -> Result<Relayer<Http, N, Box<dyn Store>>, String> {
		let esc = Http::new(&self.esc)?;
		if self.policy.ceiling < self.policy.floor {
			return Err("the highest gas price is below the lowest".into());
		}
		let purse = if self.dry_run {
			Purse::Address(keystore::named_address(&self.keystore).map_err(|error| error.to_string())?)
		} else {
			let passphrase = passphrase(self.passphrase_file.as_deref(), "Passphrase of the relayer's key: ")?;
			Purse::Key(keystore::read(&self.keystore, &passphrase).map_err(|error| error.to_string())?)
		};
		let place = Place { chain_id: self.chain_id, contract: self.contract, account: purse.address() };
		let (store, record): (Box<dyn Store>, _) = if self.dry_run {
			(Box::new(Nowhere), Record::new(place))
		} else {
			let (folder, record) = Folder::open(&self.data, place)?;
			(Box::new(folder), record)
		};
		let (policy, dry_run, every) = (self.policy, self.dry_run, self.every);
		Ok(Relayer::new(RelayerParams { esc, node, store, record, policy, purse, dry_run, every, status, metrics }))
	}
}

impl Store for Box<dyn Store> {
	fn save(&self, record: &Record) -> Result<(), String> {
		(**self).save(record)
	}
}

/// The first line of a file, or what is typed on the terminal. Never an argument: those are for everybody to read.
///
/// # Errors
/// There is no such file, or no terminal.
pub fn passphrase(file: Option<&Path>, prompt: &str) -> Result<Zeroizing<String>, String> {
	match file {
		Some(path) => {
			let text = std::fs::read_to_string(path).map(Zeroizing::new);
			let text = text.map_err(|error| format!("cannot read the passphrase in {}: {error}", path.display()))?;
			let line = text.lines().next().unwrap_or_default();
			if line.is_empty() {
				return Err(format!("there is no passphrase in {}", path.display()));
			}
			Ok(Zeroizing::new(line.to_owned()))
		}
		None => rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|error| {
			format!("there is no terminal to type the passphrase on ({error}): put it into a file, and give its name")
		}),
	}
}

/// An address, as 20 bytes in hexadecimal.
///
/// # Errors
/// It is none.
pub fn parse_address(text: &str) -> Result<H160, String> {
	let bytes = hex::decode(text.strip_prefix("0x").unwrap_or(text)).ok();
	let address = bytes.and_then(|bytes| <[u8; 20]>::try_from(bytes).ok()).map(H160);
	address.filter(|address| !address.is_zero()).ok_or_else(|| format!("'{text}' is no address: 0x and 40 digits"))
}

/// A price in gwei, with a fraction or not, as wei.
///
/// # Errors
/// It is none.
pub fn parse_gwei(text: &str) -> Result<u128, String> {
	decimal(text, GWEI, 9).ok_or_else(|| format!("'{text}' is no price in gwei, such as 1.5"))
}

/// An amount of ELA, with a fraction or not, as wei.
///
/// # Errors
/// It is none.
pub fn parse_ela(text: &str) -> Result<u128, String> {
	decimal(text, ELA, 18).ok_or_else(|| format!("'{text}' is no amount of ELA, such as 0.5"))
}

fn decimal(text: &str, unit: u128, digits: usize) -> Option<u128> {
	let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
	let plain = |part: &str| part.bytes().all(|digit| digit.is_ascii_digit());
	if whole.is_empty() || fraction.len() > digits || !plain(whole) || !plain(fraction) {
		return None;
	}
	let fraction: u128 = format!("{fraction:0<digits$}").parse().ok()?;
	whole.parse::<u128>().ok()?.checked_mul(unit)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn amounts_are_read_without_rounding() {
		assert_eq!(parse_gwei("1"), Ok(1_000_000_000));
		assert_eq!(parse_gwei("0.000000001"), Ok(1));
		assert_eq!(parse_ela("12.5"), Ok(12_500_000_000_000_000_000));
		for text in ["", ".5", "1.", "-1", "1e9", "0.0000000001", "1,5", "99999999999999999999999999999999999"] {
			assert_eq!(parse_gwei(text).is_ok(), text == "1.", "{text}");
		}
	}

	#[test]
	fn addresses_are_read() {
		let address = H160::repeat_byte(0xab);
		assert_eq!(parse_address(&format!("0x{}", "Ab".repeat(20))), Ok(address));
		assert_eq!(parse_address(&"ab".repeat(20)), Ok(address));
		for text in ["", "0x", &"ab".repeat(19), &"ab".repeat(21), &"zz".repeat(20), &"00".repeat(20)] {
			assert!(parse_address(text).is_err(), "{text}");
		}
	}

	#[test]
	fn a_passphrase_is_the_first_line_of_its_file() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("passphrase");
		assert!(passphrase(Some(&path), "").unwrap_err().contains("cannot read"));
		std::fs::write(&path, " with spaces \nand more\n").unwrap();
		assert_eq!(&*passphrase(Some(&path), "").unwrap(), " with spaces ");
		std::fs::write(&path, "\n").unwrap();
		assert!(passphrase(Some(&path), "").unwrap_err().contains("no passphrase"));
	}

	#[test]
	fn a_dry_run_needs_no_passphrase_and_writes_nothing() {
		let folder = tempfile::tempdir().unwrap();
		let keystore = folder.path().join("key.json");
		let account = keystore::create(&keystore, "correct horse").unwrap();
		let options = Options {
			esc: "http://127.0.0.1:1".into(),
			contract: crate::testing::CHAIN.contract,
			chain_id: 20,
			keystore,
			passphrase_file: None,
			data: folder.path().join("data"),
			policy: Policy::default(),
			dry_run: true,
			every: crate::runner::ROUND,
		};
		let node = crate::node::Remote::new("ws://127.0.0.1:1");
		let relayer = options.open(node, StatusHandle::default(), Metrics::default()).unwrap();
		assert_eq!(relayer.record().place.account, account);
		assert!(!folder.path().join("data").exists());
	}
}
