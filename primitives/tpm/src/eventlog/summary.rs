//! What a log tells, as far as its digests vouch for it.

use alloc::{string::String, vec::Vec};

use super::{DataDigest, Event, EventLog, EV_EFI_ACTION, EV_EFI_VARIABLE_DRIVER_CONFIG, EV_IPL, EV_NO_ACTION};
use crate::{algorithm::bank_digest, Error};

/// `EFI_GLOBAL_VARIABLE`, 8be4df61-93ca-11d2-aa0d-00e098032b8c, as it lies in memory.
const EFI_GLOBAL_VARIABLE: [u8; 16] =
	[0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c];
/// The texts before what GRUB measures into PCR 8.
const COMMAND_LINES: [(&str, CommandLineKind); 2] =
	[("kernel_cmdline: ", CommandLineKind::Kernel), ("grub_cmd: ", CommandLineKind::Loader)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum CommandLineKind {
	Kernel,
	Loader,
}

/// A `UEFI_VARIABLE_DATA`.
pub(super) struct Variable<'a> {
	guid: &'a [u8],
	name: &'a [u8],
	pub(super) value: &'a [u8],
}

impl<'a> Variable<'a> {
	/// Exact, or `None`.
	pub(super) fn parse(data: &'a [u8]) -> Option<Self> {
		let (guid, rest) = data.split_at_checked(16)?;
		let (name_units, rest) = rest.split_first_chunk::<8>()?;
		let (value_len, rest) = rest.split_first_chunk::<8>()?;
		let name_len = usize::try_from(u64::from_le_bytes(*name_units)).ok()?.checked_mul(2)?;
		let (name, value) = rest.split_at_checked(name_len)?;
		(u64::try_from(value.len()) == Ok(u64::from_le_bytes(*value_len))).then_some(Self { guid, name, value })
	}

	fn is(&self, guid: &[u8], name: &str) -> bool {
		self.guid == guid && name.encode_utf16().flat_map(u16::to_le_bytes).eq(self.name.iter().copied())
	}
}

/// Whether firmware checked signatures before it started programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecureBoot {
	/// It did.
	Enabled,
	/// It did not.
	Disabled,
	/// The log does not say so in a way that its digests vouch for.
	Unknown,
}

/// A line that GRUB says it ran, or gave to a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
	/// Whether it is said to be the kernel's.
	pub kernel: bool,
	/// The line. PCR 8 was extended with its hash.
	pub text: String,
}

/// What a log tells of a boot.
///
/// Sound only if the log was replayed against a verified quote, of the bank that it was made for, and as far as the
/// machine's firmware tells the truth. An operating system can extend any of these PCRs afterwards, but not what was
/// extended before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
	/// Secure Boot, from PCR 7 up to the separator.
	///
	/// Known only if exactly one event before the first separator is the variable `SecureBoot` of the EFI global GUID,
	/// with the hash of its data for a digest. The separator is known by its digest, not by its type: else a log could
	/// call the real one something else, and a state that a running system extended later would pass for the firmware's.
	pub secure_boot: SecureBoot,
	/// Every digest in PCR 4 beside separators and actions, in order: boot loaders, kernels with a stub, and whatever
	/// else was started. For PE files they are Authenticode digests.
	pub boot_applications: Vec<Vec<u8>>,
	/// Lines of GRUB in PCR 8 whose hash is their digest.
	pub command_lines: Vec<CommandLine>,
	/// What GRUB says it read, with the digests in PCR 9: the names are unproven.
	pub boot_files: Vec<(String, Vec<u8>)>,
	/// How many events have a digest that is not the hash of their data although their type says so.
	pub inconsistent_events: usize,
}

impl EventLog<'_> {
	/// What the log tells by the digests of one bank (rule L6).
	///
	/// # Errors
	/// [`Error::LogBank`].
	pub fn summary(&self, bank: u16) -> Result<Summary, Error> {
		let index = self.bank_index(bank)?;
		let bank = *self.banks.get(index).ok_or(Error::LogBank)?;
		let hash = |data: &[u8]| bank_digest(bank.algorithm, &[data]).unwrap_or_default();
		let separators = [hash(&[0; 4]), hash(&[0xff; 4])];
		let digest_of = |event: &Event<'_>| event.digests.get(index).map(|digest| digest.to_vec()).unwrap_or_default();
		let of = |pcr: u32| self.extended().filter(move |event| event.pcr == pcr);
		let holds = |event: &Event<'_>| event.data_digest(bank, index) == DataDigest::Holds;

		let boot_applications = of(4)
			.filter(|event| !(event.kind == EV_EFI_ACTION && holds(event)))
			.map(digest_of)
			.filter(|digest| !separators.contains(digest))
			.collect();

		let mut command_lines = Vec::new();
		for event in of(8).filter(|event| event.kind == EV_IPL) {
			let Ok(text) = core::str::from_utf8(event.data) else { continue };
			let text = text.trim_end_matches('\0');
			let line = COMMAND_LINES.iter().find_map(|(prefix, kind)| Some((text.strip_prefix(prefix)?, *kind)));
			if let Some((line, kind)) = line.filter(|(line, _)| hash(line.as_bytes()) == digest_of(event)) {
				command_lines.push(CommandLine { kernel: kind == CommandLineKind::Kernel, text: line.into() });
			}
		}
		let boot_files = of(9)
			.filter(|event| event.kind == EV_IPL)
			.map(|event| {
				let name = String::from_utf8_lossy(event.data).trim_end_matches('\0').into();
				(name, digest_of(event))
			})
			.collect();
		Ok(Summary {
			secure_boot: secure_boot(of(7), &separators, &digest_of, &holds),
			boot_applications,
			command_lines,
			boot_files,
			inconsistent_events: self
				.events
				.iter()
				.filter(|event| event.kind != EV_NO_ACTION && event.data_digest(bank, index) == DataDigest::Differs)
				.count(),
		})
	}
}

fn secure_boot<'log, 'data: 'log>(
	pcr7: impl Iterator<Item = &'log Event<'data>>,
	separators: &[Vec<u8>],
	digest_of: &dyn Fn(&Event<'_>) -> Vec<u8>,
	holds: &dyn Fn(&Event<'_>) -> bool,
) -> SecureBoot {
	let mut found = None;
	for event in pcr7 {
		if separators.contains(&digest_of(event)) {
			return found.unwrap_or(SecureBoot::Unknown);
		}
		let variable = Variable::parse(event.data).filter(|_| event.kind == EV_EFI_VARIABLE_DRIVER_CONFIG);
		let Some(variable) = variable.filter(|variable| variable.is(&EFI_GLOBAL_VARIABLE, "SecureBoot")) else {
			continue;
		};
		if found.is_some() || !holds(event) {
			return SecureBoot::Unknown;
		}
		found = Some(match variable.value {
			[1] => SecureBoot::Enabled,
			// Firmware without Secure Boot measures the variable with no value.
			[0] | [] => SecureBoot::Disabled,
			_ => return SecureBoot::Unknown,
		});
	}
	// Without a separator there is no telling where firmware ended.
	SecureBoot::Unknown
}
