//! Measured-boot event logs (TCG PC Client Platform Firmware Profile, section 10): what firmware says that it extended
//! into the PCRs.
//!
//! Two forms are parsed: the crypto-agile log (`TCG_PCR_EVENT2` with one digest a bank, behind a `Spec ID Event03`
//! header), and the older one (`TCG_PCR_EVENT`, SHA-1 only). Integers are little-endian. A log that a machine hands over
//! is its own word; only its digests are vouched for, and only once [`PcrBank::check`] has found that they add up to the
//! PCR values of a verified quote. Types and data never are: an event's data is to be believed where its digest is the
//! hash of that data ([`Event::data_digest`]), and its type nowhere.
//!
//! # Rules
//!
//! - E1, E2: every event is there, whole, and nothing follows the last.
//! - L1 *log-header*: the header of a crypto-agile log is of version 2, names 1 to 16 banks, none twice, with the digest
//!   lengths that are known, and ends where it says.
//! - L2 *log-size*: at most [`MAX_LOG_LEN`] bytes.
//! - L3 *log-pcr*: events are extended into PCR 0 to 23. `EV_NO_ACTION`, which is not extended, may name any.
//! - L4 *log-digests*: an event has exactly one digest for each bank of the header.
//! - L5 *log-locality*: at most one `StartupLocality`, before anything else is extended into PCR 0, of locality 0, 3 or
//!   4: it says what PCR 0 began with.
//! - L6 *log-bank*: the bank that is asked for is in the log, and its hash known.
//! - L7 *log-replay*: the events add up to the value of each PCR that is compared.

mod replay;
mod summary;

use alloc::{vec, vec::Vec};

pub use replay::PcrBank;
pub use summary::{CommandLine, SecureBoot, Summary};

use crate::{
	algorithm::{bank_digest, bank_digest_len, TPM_ALG_SHA1},
	Error,
};

/// Longest log that is looked at, in bytes: several times what any firmware reserves.
pub const MAX_LOG_LEN: usize = 1 << 20;
/// Most banks in a header.
const MAX_BANKS: u32 = 16;
/// Longest digest of a bank that is unknown here.
const MAX_DIGEST_LEN: usize = 64;
/// PCRs of a PC Client TPM.
const PCR_COUNT: u32 = 24;

/// `EV_NO_ACTION`: says something, extends nothing.
pub const EV_NO_ACTION: u32 = 0x0000_0003;
/// `EV_SEPARATOR`: the firmware hands over.
pub const EV_SEPARATOR: u32 = 0x0000_0004;
/// `EV_ACTION`.
pub const EV_ACTION: u32 = 0x0000_0005;
/// `EV_S_CRTM_VERSION`.
pub const EV_S_CRTM_VERSION: u32 = 0x0000_0008;
/// `EV_IPL`: what a boot loader measures.
pub const EV_IPL: u32 = 0x0000_000D;
/// `EV_OMIT_BOOT_DEVICE_EVENTS`.
pub const EV_OMIT_BOOT_DEVICE_EVENTS: u32 = 0x0000_0012;
/// `EV_EFI_VARIABLE_DRIVER_CONFIG`: Secure Boot's state and keys.
pub const EV_EFI_VARIABLE_DRIVER_CONFIG: u32 = 0x8000_0001;
/// `EV_EFI_VARIABLE_BOOT`.
pub const EV_EFI_VARIABLE_BOOT: u32 = 0x8000_0002;
/// `EV_EFI_BOOT_SERVICES_APPLICATION`: a program that firmware started.
pub const EV_EFI_BOOT_SERVICES_APPLICATION: u32 = 0x8000_0003;
/// `EV_EFI_GPT_EVENT`.
pub const EV_EFI_GPT_EVENT: u32 = 0x8000_0006;
/// `EV_EFI_ACTION`.
pub const EV_EFI_ACTION: u32 = 0x8000_0007;
/// `EV_EFI_VARIABLE_BOOT2`.
pub const EV_EFI_VARIABLE_BOOT2: u32 = 0x8000_000C;
/// `EV_EFI_HCRTM_EVENT`.
pub const EV_EFI_HCRTM_EVENT: u32 = 0x8000_0010;
/// `EV_EFI_VARIABLE_AUTHORITY`: the certificate that let a program start.
pub const EV_EFI_VARIABLE_AUTHORITY: u32 = 0x8000_00E0;

const SPEC_ID_AGILE: &[u8; 16] = b"Spec ID Event03\0";
const STARTUP_LOCALITY: &[u8; 16] = b"StartupLocality\0";

/// A bank of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogBank {
	/// The `TPM_ALG_ID` of its hash.
	pub algorithm: u16,
	/// Length of its digests in bytes.
	pub digest_len: usize,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
	/// The PCR that it was extended into.
	pub pcr: u32,
	/// Its type, which nothing vouches for.
	pub kind: u32,
	/// Its digests, in the order of the banks of the log.
	pub digests: Vec<&'a [u8]>,
	/// What it says.
	pub data: &'a [u8],
}

/// Whether the digest of an event is the hash of what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataDigest {
	/// It is.
	Holds,
	/// It is not, though events of this type hash their data.
	Differs,
	/// Events of this type hash something else (a program, a table), or are not extended.
	NotOfData,
}

/// A log, parsed to its last byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventLog<'a> {
	/// Whether it has one digest a bank, or SHA-1 only.
	pub crypto_agile: bool,
	/// Its banks.
	pub banks: Vec<LogBank>,
	/// Its events, in order, without the header.
	pub events: Vec<Event<'a>>,
	/// The locality that the TPM was started from, which PCR 0 begins with.
	pub startup_locality: u8,
}

/// A cursor over little-endian bytes.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
	fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
		let (head, tail) = self.0.split_at_checked(len).ok_or(Error::Truncated)?;
		self.0 = tail;
		Ok(head)
	}

	fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
		let (head, tail) = self.0.split_first_chunk::<N>().ok_or(Error::Truncated)?;
		self.0 = tail;
		Ok(*head)
	}

	fn u16(&mut self) -> Result<u16, Error> {
		self.array().map(u16::from_le_bytes)
	}

	fn u32(&mut self) -> Result<u32, Error> {
		self.array().map(u32::from_le_bytes)
	}

	/// A 32-bit size and so many bytes.
	fn sized(&mut self) -> Result<&'a [u8], Error> {
		let len = usize::try_from(self.u32()?).map_err(|_| Error::Truncated)?;
		self.take(len)
	}

	/// A `TCG_PCR_EVENT`.
	fn sha1_event(&mut self) -> Result<Event<'a>, Error> {
		Ok(Event { pcr: self.u32()?, kind: self.u32()?, digests: vec![self.take(20)?], data: self.sized()? })
	}

	/// A `TCG_PCR_EVENT2` (rule L4).
	fn agile_event(&mut self, banks: &[LogBank]) -> Result<Event<'a>, Error> {
		let (pcr, kind, count) = (self.u32()?, self.u32()?, self.u32()?);
		if usize::try_from(count) != Ok(banks.len()) {
			return Err(Error::LogDigests);
		}
		let mut digests: Vec<&[u8]> = vec![&[]; banks.len()];
		for _ in 0..count {
			let algorithm = self.u16()?;
			let place = banks.iter().zip(&mut digests).find(|(bank, _)| bank.algorithm == algorithm);
			let (bank, digest) = place.ok_or(Error::LogDigests)?;
			// With as many digests as banks, and none twice, there is one for each.
			if !digest.is_empty() {
				return Err(Error::LogDigests);
			}
			*digest = self.take(bank.digest_len)?;
		}
		Ok(Event { pcr, kind, digests, data: self.sized()? })
	}
}

impl<'a> EventLog<'a> {
	/// Parses a log, of either form, to its last byte (rules E1, L1-L5). It borrows from the input.
	///
	/// # Errors
	/// The rule that is broken.
	pub fn parse(log: &'a [u8]) -> Result<Self, Error> {
		if log.len() > MAX_LOG_LEN {
			return Err(Error::LogSize);
		}
		let mut cursor = Cursor(log);
		let first = cursor.sha1_event()?;
		let crypto_agile = first.kind == EV_NO_ACTION && first.data.starts_with(SPEC_ID_AGILE);
		let mut parsed = Self { crypto_agile, banks: Vec::new(), events: Vec::new(), startup_locality: 0 };
		if crypto_agile {
			parsed.banks = header(&first)?;
		} else {
			parsed.banks = vec![LogBank { algorithm: TPM_ALG_SHA1, digest_len: 20 }];
			parsed.events.push(first);
		}
		while !cursor.0.is_empty() {
			let event = if crypto_agile { cursor.agile_event(&parsed.banks)? } else { cursor.sha1_event()? };
			parsed.events.push(event);
		}
		if parsed.extended().any(|event| event.pcr >= PCR_COUNT) {
			return Err(Error::LogPcr);
		}
		parsed.startup_locality = parsed.locality()?;
		Ok(parsed)
	}

	/// The events that were extended, in order.
	pub fn extended(&self) -> impl Iterator<Item = &Event<'a>> {
		self.events.iter().filter(|event| event.kind != EV_NO_ACTION)
	}

	/// The place of a bank among the digests of each event (rule L6).
	///
	/// # Errors
	/// [`Error::LogBank`].
	pub fn bank_index(&self, bank: u16) -> Result<usize, Error> {
		let index = self.banks.iter().position(|other| other.algorithm == bank);
		index.filter(|_| bank_digest_len(bank).is_some()).ok_or(Error::LogBank)
	}

	/// Rule L5.
	fn locality(&self) -> Result<u8, Error> {
		let mut found = None;
		let mut pcr0_extended = false;
		for event in &self.events {
			if event.kind != EV_NO_ACTION {
				pcr0_extended |= event.pcr == 0;
				continue;
			}
			if let Some(rest) = event.data.strip_prefix(STARTUP_LOCALITY.as_slice()) {
				let ([locality @ (0 | 3 | 4)], 0, None, false) = (rest, event.pcr, found, pcr0_extended) else {
					return Err(Error::LogLocality);
				};
				found = Some(*locality);
			}
		}
		Ok(found.unwrap_or(0))
	}
}

/// The banks of a `TCG_EfiSpecIDEvent` (rule L1).
fn header(event: &Event<'_>) -> Result<Vec<LogBank>, Error> {
	let read = || {
		let mut cursor = Cursor(event.data);
		cursor.take(SPEC_ID_AGILE.len() + 4)?;
		let [_minor, major, _errata, _uintn] = cursor.array()?;
		let count = cursor.u32()?;
		if event.pcr != 0 || major != 2 || !(1..=MAX_BANKS).contains(&count) {
			return Err(Error::LogHeader);
		}
		let mut banks: Vec<LogBank> = Vec::new();
		for _ in 0..count {
			let bank = LogBank { algorithm: cursor.u16()?, digest_len: usize::from(cursor.u16()?) };
			let fits = match bank_digest_len(bank.algorithm) {
				Some(len) => bank.digest_len == len,
				None => (1..=MAX_DIGEST_LEN).contains(&bank.digest_len),
			};
			if !fits || banks.iter().any(|other| other.algorithm == bank.algorithm) {
				return Err(Error::LogHeader);
			}
			banks.push(bank);
		}
		let [vendor_len] = cursor.array()?;
		cursor.take(usize::from(vendor_len))?;
		if !cursor.0.is_empty() {
			return Err(Error::LogHeader);
		}
		Ok(banks)
	};
	// A header that ends too early is a bad header, whatever follows it in the log.
	read().map_err(|_: Error| Error::LogHeader)
}

impl Event<'_> {
	/// Whether its digest in the bank at `index` ([`EventLog::bank_index`]) is the hash of its data, for types that hash
	/// their data. Firmware is not always right about this, so it is reported and refuses nothing.
	pub fn data_digest(&self, bank: LogBank, index: usize) -> DataDigest {
		let of_data = matches!(
			self.kind,
			EV_SEPARATOR
				| EV_ACTION | EV_S_CRTM_VERSION
				| EV_OMIT_BOOT_DEVICE_EVENTS
				| EV_EFI_VARIABLE_DRIVER_CONFIG
				| EV_EFI_VARIABLE_BOOT
				| EV_EFI_GPT_EVENT
				| EV_EFI_ACTION
				| EV_EFI_VARIABLE_BOOT2
				| EV_EFI_HCRTM_EVENT
				| EV_EFI_VARIABLE_AUTHORITY
		);
		let Some(digest) = self.digests.get(index).filter(|_| of_data) else { return DataDigest::NotOfData };
		let is = |data: &[u8]| bank_digest(bank.algorithm, &[data]).is_some_and(|own| own == *digest);
		// Of a boot variable some firmware hashes the value only, as older editions of the profile had it.
		let value = || summary::Variable::parse(self.data).is_some_and(|variable| is(variable.value));
		if is(self.data) || (self.kind == EV_EFI_VARIABLE_BOOT && value()) {
			DataDigest::Holds
		} else {
			DataDigest::Differs
		}
	}
}

/// The TCG's name of an event type, if it is known here.
pub const fn event_name(kind: u32) -> Option<&'static str> {
	Some(match kind {
		0x0000_0000 => "EV_PREBOOT_CERT",
		0x0000_0001 => "EV_POST_CODE",
		EV_NO_ACTION => "EV_NO_ACTION",
		EV_SEPARATOR => "EV_SEPARATOR",
		EV_ACTION => "EV_ACTION",
		0x0000_0006 => "EV_EVENT_TAG",
		0x0000_0007 => "EV_S_CRTM_CONTENTS",
		EV_S_CRTM_VERSION => "EV_S_CRTM_VERSION",
		0x0000_0009 => "EV_CPU_MICROCODE",
		0x0000_000A => "EV_PLATFORM_CONFIG_FLAGS",
		0x0000_000B => "EV_TABLE_OF_DEVICES",
		0x0000_000C => "EV_COMPACT_HASH",
		EV_IPL => "EV_IPL",
		0x0000_000E => "EV_IPL_PARTITION_DATA",
		0x0000_000F => "EV_NONHOST_CODE",
		0x0000_0010 => "EV_NONHOST_CONFIG",
		0x0000_0011 => "EV_NONHOST_INFO",
		EV_OMIT_BOOT_DEVICE_EVENTS => "EV_OMIT_BOOT_DEVICE_EVENTS",
		0x0000_0013 => "EV_POST_CODE2",
		EV_EFI_VARIABLE_DRIVER_CONFIG => "EV_EFI_VARIABLE_DRIVER_CONFIG",
		EV_EFI_VARIABLE_BOOT => "EV_EFI_VARIABLE_BOOT",
		EV_EFI_BOOT_SERVICES_APPLICATION => "EV_EFI_BOOT_SERVICES_APPLICATION",
		0x8000_0004 => "EV_EFI_BOOT_SERVICES_DRIVER",
		0x8000_0005 => "EV_EFI_RUNTIME_SERVICES_DRIVER",
		EV_EFI_GPT_EVENT => "EV_EFI_GPT_EVENT",
		EV_EFI_ACTION => "EV_EFI_ACTION",
		0x8000_0008 => "EV_EFI_PLATFORM_FIRMWARE_BLOB",
		0x8000_0009 => "EV_EFI_HANDOFF_TABLES",
		0x8000_000A => "EV_EFI_PLATFORM_FIRMWARE_BLOB2",
		0x8000_000B => "EV_EFI_HANDOFF_TABLES2",
		EV_EFI_VARIABLE_BOOT2 => "EV_EFI_VARIABLE_BOOT2",
		EV_EFI_HCRTM_EVENT => "EV_EFI_HCRTM_EVENT",
		EV_EFI_VARIABLE_AUTHORITY => "EV_EFI_VARIABLE_AUTHORITY",
		0x8000_00E1 => "EV_EFI_SPDM_FIRMWARE_BLOB",
		0x8000_00E2 => "EV_EFI_SPDM_FIRMWARE_CONFIG",
		_ => return None,
	})
}
