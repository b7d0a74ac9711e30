//! Rules L1-L7, each with its forger, and what a log may be believed.

mod common;

use ep_tpm::{
	eventlog::{
		DataDigest, SecureBoot, EV_EFI_ACTION, EV_EFI_VARIABLE_DRIVER_CONFIG, EV_IPL, EV_NO_ACTION, EV_SEPARATOR,
		MAX_LOG_LEN,
	},
	Error, EventLog, HashAlgorithm, PcrSelection,
};

const SHA1: u16 = 0x0004;
const SHA256: u16 = 0x000B;
const SM3: u16 = 0x0012;

fn sha256(data: &[u8]) -> Vec<u8> {
	HashAlgorithm::Sha256.digest(&[data])
}

/// A crypto-agile event with every field open.
#[derive(Clone)]
struct Forged {
	pcr: u32,
	kind: u32,
	digests: Vec<(u16, Vec<u8>)>,
	data: Vec<u8>,
}

impl Forged {
	/// An event whose digest is the hash of its data.
	fn of(pcr: u32, kind: u32, data: &[u8]) -> Self {
		Self { pcr, kind, digests: vec![(SHA256, sha256(data))], data: data.to_vec() }
	}

	fn bytes(&self) -> Vec<u8> {
		let mut out = [self.pcr, self.kind, self.digests.len() as u32].map(u32::to_le_bytes).concat();
		for (algorithm, digest) in &self.digests {
			out.extend(algorithm.to_le_bytes());
			out.extend(digest);
		}
		out.extend((self.data.len() as u32).to_le_bytes());
		out.extend(&self.data);
		out
	}
}

/// A `TCG_PCR_EVENT`.
fn sha1_event(pcr: u32, kind: u32, digest: [u8; 20], data: &[u8]) -> Vec<u8> {
	[&pcr.to_le_bytes()[..], &kind.to_le_bytes(), &digest, &(data.len() as u32).to_le_bytes(), data].concat()
}

/// The data of a header with these banks.
fn spec_id(major: u8, banks: &[(u16, u16)], vendor: &[u8]) -> Vec<u8> {
	let mut data = b"Spec ID Event03\0\0\0\0\0".to_vec();
	data.extend([0, major, 0, 2]);
	data.extend((banks.len() as u32).to_le_bytes());
	for (algorithm, len) in banks {
		data.extend(algorithm.to_le_bytes());
		data.extend(len.to_le_bytes());
	}
	data.push(vendor.len() as u8);
	data.extend(vendor);
	data
}

/// A log of one SHA-256 bank.
fn log(events: &[Forged]) -> Vec<u8> {
	let mut out = sha1_event(0, EV_NO_ACTION, [0; 20], &spec_id(2, &[(SHA256, 32)], b""));
	events.iter().for_each(|event| out.extend(event.bytes()));
	out
}

fn refusal(log: &[u8]) -> Option<Error> {
	EventLog::parse(log).err()
}

fn locality(locality: u8) -> Forged {
	Forged::of(0, EV_NO_ACTION, &[b"StartupLocality\0".as_slice(), &[locality]].concat())
}

#[test]
fn the_forgers_untouched_log_adds_up() {
	let events = [Forged::of(0, EV_SEPARATOR, &[0; 4]), Forged::of(7, EV_EFI_ACTION, b"something")];
	let log = log(&events);
	let parsed = EventLog::parse(&log).unwrap();
	assert!(parsed.crypto_agile);
	assert_eq!(parsed.events.len(), 2);
	let pcrs = parsed.replay(SHA256).unwrap();
	assert_eq!(pcrs.value(0), sha256(&[vec![0; 32], sha256(&[0; 4])].concat()));
	assert_eq!(pcrs.value(7), sha256(&[vec![0; 32], sha256(b"something")].concat()));
	assert_eq!((pcrs.value(1), pcrs.value(17)), (vec![0; 32], vec![0xff; 32]));
}

#[test]
fn truncated_refuses_every_prefix_that_is_not_a_whole_number_of_events() {
	let events = [Forged::of(0, EV_SEPARATOR, &[0; 4]), Forged::of(7, EV_EFI_ACTION, b"something")];
	let whole = log(&events);
	let boundaries = [log(&[]).len(), log(&events[..1]).len(), whole.len()];
	for len in 0..=whole.len() {
		let expected = if boundaries.contains(&len) { None } else { Some(Error::Truncated) };
		assert_eq!(refusal(&whole[..len]), expected, "cut at {len}");
	}
	// A size that lies makes no room.
	let mut lie = whole;
	let size = lie.len() - 9 - 4;
	lie[size..size + 4].fill(0xff);
	assert_eq!(refusal(&lie), Some(Error::Truncated));
}

#[test]
fn log_header_refuses_other_versions_no_banks_one_twice_wrong_lengths_and_bytes_behind() {
	let header = |data: &[u8]| refusal(&sha1_event(0, EV_NO_ACTION, [0; 20], data));
	assert_eq!(header(&spec_id(2, &[(SHA1, 20), (SHA256, 32), (SM3, 32)], b"vendor")), None);
	for data in [
		spec_id(1, &[(SHA256, 32)], b""),
		spec_id(3, &[(SHA256, 32)], b""),
		spec_id(2, &[], b""),
		spec_id(2, &[(SHA256, 32), (SHA256, 32)], b""),
		spec_id(2, &[(SHA256, 20)], b""),
		spec_id(2, &[(SHA1, 32)], b""),
		spec_id(2, &[(SM3, 0)], b""),
		spec_id(2, &[(SM3, 65)], b""),
		spec_id(2, &(0..17).map(|id| (0x100 + id, 32)).collect::<Vec<_>>(), b""),
		[spec_id(2, &[(SHA256, 32)], b""), vec![0]].concat(),
		spec_id(2, &[(SHA256, 32)], b"vendor")[..36].to_vec(),
		b"Spec ID Event03\0".to_vec(),
	] {
		assert_eq!(header(&data), Some(Error::LogHeader), "{data:?}");
	}
	let elsewhere = sha1_event(1, EV_NO_ACTION, [0; 20], &spec_id(2, &[(SHA256, 32)], b""));
	assert_eq!(refusal(&elsewhere), Some(Error::LogHeader));
}

#[test]
fn log_size_refuses_a_log_that_no_firmware_writes() {
	let empty = log(&[Forged::of(0, EV_SEPARATOR, &[])]).len();
	let of_len = |len: usize| refusal(&log(&[Forged::of(0, EV_SEPARATOR, &vec![0; len - empty])]));
	assert_eq!(of_len(MAX_LOG_LEN), None);
	assert_eq!(of_len(MAX_LOG_LEN + 1), Some(Error::LogSize));
}

#[test]
fn log_pcr_refuses_a_pcr_beyond_23_unless_nothing_is_extended() {
	for pcr in [24, 255, u32::MAX] {
		assert_eq!(refusal(&log(&[Forged::of(pcr, EV_IPL, b"")])), Some(Error::LogPcr));
		assert_eq!(refusal(&log(&[Forged::of(pcr, EV_NO_ACTION, b"")])), None);
		assert_eq!(refusal(&sha1_event(pcr, EV_IPL, [0; 20], b"")), Some(Error::LogPcr), "nor in an old log");
	}
	assert_eq!(refusal(&log(&[Forged::of(23, EV_IPL, b"")])), None);
}

#[test]
fn log_digests_refuses_a_missing_one_one_too_many_an_unknown_one_and_one_twice() {
	let with = |digests: Vec<(u16, Vec<u8>)>| refusal(&log(&[Forged { digests, ..Forged::of(0, EV_IPL, b"") }]));
	let own = || (SHA256, vec![7; 32]);
	assert_eq!(with(vec![own()]), None);
	for digests in [vec![], vec![own(), own()], vec![(SHA1, vec![7; 20])], vec![own(), (SHA1, vec![7; 20])]] {
		assert_eq!(with(digests), Some(Error::LogDigests));
	}
	// With two banks: the same one twice, and then in either order.
	let two = |digests: Vec<(u16, Vec<u8>)>| {
		let mut log = sha1_event(0, EV_NO_ACTION, [0; 20], &spec_id(2, &[(SHA1, 20), (SHA256, 32)], b""));
		log.extend(Forged { digests, ..Forged::of(0, EV_IPL, b"") }.bytes());
		log
	};
	assert_eq!(refusal(&two(vec![own(), own()])), Some(Error::LogDigests));
	let (forwards, backwards) = (two(vec![(SHA1, vec![1; 20]), own()]), two(vec![own(), (SHA1, vec![1; 20])]));
	assert_eq!(EventLog::parse(&forwards).unwrap(), EventLog::parse(&backwards).unwrap());
}

#[test]
fn log_locality_refuses_a_second_one_a_late_one_and_an_unknown_one() {
	let extended = || Forged::of(0, EV_SEPARATOR, &[0; 4]);
	let elsewhere = || Forged::of(1, EV_SEPARATOR, &[0; 4]);
	for (known, number) in [(true, 0), (true, 3), (true, 4), (false, 1), (false, 2), (false, 5), (false, 255)] {
		let expected = if known { None } else { Some(Error::LogLocality) };
		assert_eq!(refusal(&log(&[elsewhere(), locality(number), extended()])), expected, "locality {number}");
	}
	assert_eq!(refusal(&log(&[locality(3), locality(3)])), Some(Error::LogLocality));
	assert_eq!(refusal(&log(&[extended(), locality(3)])), Some(Error::LogLocality));
	assert_eq!(refusal(&log(&[Forged { pcr: 1, ..locality(3) }])), Some(Error::LogLocality));
	let mut longer = locality(3);
	longer.data.push(0);
	assert_eq!(refusal(&log(&[longer])), Some(Error::LogLocality));
}

#[test]
fn the_locality_is_what_pcr_0_begins_with() {
	let log = log(&[locality(3), Forged::of(0, EV_SEPARATOR, &[0; 4])]);
	let pcrs = EventLog::parse(&log).unwrap().replay(SHA256).unwrap();
	let mut start = vec![0; 32];
	start[31] = 3;
	assert_eq!(pcrs.value(0), sha256(&[start, sha256(&[0; 4])].concat()));
	assert_eq!(pcrs.value(1), vec![0; 32]);
}

#[test]
fn log_bank_refuses_a_bank_that_is_not_there_and_a_hash_that_is_unknown() {
	let sha256_only = log(&[]);
	let parsed = EventLog::parse(&sha256_only).unwrap();
	for bank in [SHA1, 0x000C, SM3] {
		assert_eq!(parsed.replay(bank).err(), Some(Error::LogBank));
		assert_eq!(parsed.summary(bank).err(), Some(Error::LogBank));
	}
	let with_sm3 = sha1_event(0, EV_NO_ACTION, [0; 20], &spec_id(2, &[(SM3, 32)], b""));
	assert_eq!(EventLog::parse(&with_sm3).unwrap().replay(SM3).err(), Some(Error::LogBank));
	let selection = PcrSelection { bank: SHA1, bitmap: vec![1, 0, 0] };
	assert_eq!(parsed.replay(SHA256).unwrap().check(&selection, &[&[0; 20]]), Err(Error::LogBank));
}

#[test]
fn log_replay_refuses_a_missing_event_another_order_and_other_values() {
	let events = [Forged::of(0, EV_IPL, b"one"), Forged::of(0, EV_IPL, b"two"), Forged::of(7, EV_IPL, b"three")];
	let replay = |events: &[Forged]| EventLog::parse(&log(events)).unwrap().replay(SHA256).unwrap();
	let honest = replay(&events);
	let (pcr0, pcr7, pcr9) = (honest.value(0), honest.value(7), honest.value(9));
	let selection = PcrSelection { bank: SHA256, bitmap: vec![0x81, 2, 0] };
	let values: [&[u8]; 3] = [&pcr0, &pcr7, &pcr9];
	assert_eq!(honest.check(&selection, &values), Ok(()));
	let swapped = [events[1].clone(), events[0].clone(), events[2].clone()];
	let relabelled = [Forged { kind: EV_NO_ACTION, ..events[0].clone() }, events[1].clone(), events[2].clone()];
	for forged in [&events[1..], &events[..2], &swapped, &relabelled] {
		assert_eq!(replay(forged).check(&selection, &values), Err(Error::LogReplay));
	}
	assert_eq!(replay(&events[..2]).differing(&selection, &values), [7]);
	assert_eq!(honest.check(&selection, &values[..2]), Err(Error::LogReplay), "a value short");
	assert_eq!(honest.check(&selection, &[&pcr0, &pcr7, &pcr9, &pcr9]), Err(Error::LogReplay), "one too many");
	// What is not extended, such as the data and the type, is not vouched for.
	let other_data = [
		Forged { data: b"lie".to_vec(), kind: EV_SEPARATOR, ..events[0].clone() },
		events[1].clone(),
		events[2].clone(),
	];
	assert_eq!(replay(&other_data).check(&selection, &values), Ok(()));
}

#[test]
fn an_old_log_is_replayed_with_sha1() {
	let digest = [7; 20];
	let log = [sha1_event(0, EV_IPL, digest, b"one"), sha1_event(0, EV_NO_ACTION, [9; 20], b"")].concat();
	let parsed = EventLog::parse(&log).unwrap();
	assert!(!parsed.crypto_agile);
	// SHA-1 of 20 zeros and 20 sevens.
	let expected = "e03a515b95e9316ca86710b8e404a26352653f8e";
	assert_eq!(hex::encode(parsed.replay(SHA1).unwrap().value(0)), expected);
	assert_eq!(parsed.replay(SHA256).err(), Some(Error::LogBank));
}

#[test]
fn data_is_believed_only_where_its_digest_says_so() {
	let honest = Forged::of(0, EV_SEPARATOR, &[0; 4]);
	let lying = Forged { data: vec![1; 4], ..honest.clone() };
	let other_kind = Forged { kind: EV_IPL, ..honest.clone() };
	let log = log(&[honest, lying, other_kind]);
	let parsed = EventLog::parse(&log).unwrap();
	let found: Vec<_> = parsed.events.iter().map(|event| event.data_digest(parsed.banks[0], 0)).collect();
	assert_eq!(found, [DataDigest::Holds, DataDigest::Differs, DataDigest::NotOfData]);
	assert_eq!(parsed.summary(SHA256).unwrap().inconsistent_events, 1);
}

/// `UEFI_VARIABLE_DATA`.
fn variable(guid: [u8; 16], name: &str, value: &[u8]) -> Vec<u8> {
	let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
	[&guid[..], &(name.len() as u64 / 2).to_le_bytes(), &(value.len() as u64).to_le_bytes(), &name, value].concat()
}

const GLOBAL: [u8; 16] = [0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0, 0xe0, 0x98, 3, 0x2b, 0x8c];

fn state(value: &[u8]) -> Forged {
	Forged::of(7, EV_EFI_VARIABLE_DRIVER_CONFIG, &variable(GLOBAL, "SecureBoot", value))
}

fn separator() -> Forged {
	Forged::of(7, EV_SEPARATOR, &[0; 4])
}

fn secure_boot(events: &[Forged]) -> SecureBoot {
	EventLog::parse(&log(events)).unwrap().summary(SHA256).unwrap().secure_boot
}

#[test]
fn secure_boot_is_read_from_the_firmwares_own_event() {
	assert_eq!(secure_boot(&[state(&[1]), separator()]), SecureBoot::Enabled);
	assert_eq!(secure_boot(&[state(&[0]), separator()]), SecureBoot::Disabled);
	assert_eq!(secure_boot(&[state(&[]), separator()]), SecureBoot::Disabled);
}

#[test]
fn secure_boot_is_unknown_whenever_the_digests_do_not_say() {
	let lying = Forged { data: state(&[1]).data, ..state(&[0]) };
	let other_guid = Forged::of(7, EV_EFI_VARIABLE_DRIVER_CONFIG, &variable([7; 16], "SecureBoot", &[1]));
	let other_name = Forged::of(7, EV_EFI_VARIABLE_DRIVER_CONFIG, &variable(GLOBAL, "SecureBoof", &[1]));
	let other_pcr = Forged { pcr: 6, ..state(&[1]) };
	let other_kind = Forged { kind: EV_IPL, ..state(&[1]) };
	let mut longer = state(&[1]);
	longer.data.push(0);
	for events in [
		vec![],
		vec![separator()],
		vec![state(&[1])],
		vec![separator(), state(&[1])],
		vec![separator(), state(&[1]), separator()],
		vec![lying, separator()],
		vec![other_guid, separator()],
		vec![other_name, separator()],
		vec![other_pcr, separator()],
		vec![other_kind, separator()],
		vec![longer, separator()],
		vec![state(&[2]), separator()],
		vec![state(&[1, 1]), separator()],
		vec![state(&[0]), state(&[1]), separator()],
		vec![state(&[1]), state(&[1]), separator()],
	] {
		assert_eq!(secure_boot(&events), SecureBoot::Unknown);
	}
}

/// The running system extends PCR 7 as firmware would have with Secure Boot, and the log calls what came before by other
/// names. The PCR adds up; the state must not be believed.
#[test]
fn secure_boot_is_not_what_a_running_system_extends_later() {
	let hidden = |event: Forged| Forged { kind: EV_IPL, data: b"nothing to see".to_vec(), ..event };
	let real = [state(&[0]), separator()];
	let forged = [hidden(real[0].clone()), hidden(real[1].clone()), state(&[1]), separator()];
	assert_eq!(secure_boot(&forged), SecureBoot::Unknown);
}

#[test]
fn programs_and_command_lines_are_those_that_were_extended() {
	let app = |digest: u8| Forged { digests: vec![(SHA256, vec![digest; 32])], ..Forged::of(4, 0x8000_0003, b"path") };
	let action = Forged::of(4, EV_EFI_ACTION, b"Calling EFI Application from Boot Option");
	// An event that passes itself off as an action, to keep a program out of the list.
	let hidden = Forged { kind: EV_EFI_ACTION, ..app(9) };
	let line = |prefix: &str, text: &str| Forged {
		digests: vec![(SHA256, sha256(text.as_bytes()))],
		..Forged::of(8, EV_IPL, format!("{prefix}{text}\0").as_bytes())
	};
	let lying = Forged { data: b"kernel_cmdline: quiet\0".to_vec(), ..line("kernel_cmdline: ", "init=/bin/sh") };
	let file = Forged { digests: vec![(SHA256, vec![5; 32])], ..Forged::of(9, EV_IPL, b"/vmlinuz\0") };
	let log = log(&[
		action,
		Forged { pcr: 4, ..separator() },
		app(1),
		hidden,
		app(2),
		line("grub_cmd: ", "set"),
		line("kernel_cmdline: ", "ro quiet"),
		lying,
		file,
	]);
	let summary = EventLog::parse(&log).unwrap().summary(SHA256).unwrap();
	assert_eq!(summary.boot_applications, [vec![1; 32], vec![9; 32], vec![2; 32]]);
	let lines: Vec<_> = summary.command_lines.iter().map(|line| (line.kernel, line.text.as_str())).collect();
	assert_eq!(lines, [(false, "set"), (true, "ro quiet")]);
	assert_eq!(summary.boot_files, [("/vmlinuz".to_owned(), vec![5; 32])]);
}
