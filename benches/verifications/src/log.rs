//! A boot event log as long as a real one: no machine's log is in this repository.

use alloc::vec::Vec;

/// How many events there are, and how many bytes each tells of. Logs of Ubuntu 21.04 and 24.04 in three banks have 106 and
/// 117 events in 38,268 and 45,300 bytes.
const EVENTS: u32 = 110;
const DATA: usize = 250;

const BANKS: [(u16, u16); 3] = [(0x0004, 20), (0x000B, 32), (0x000C, 48)];
const EV_NO_ACTION: u32 = 3;
const EV_IPL: u32 = 13;

/// The log. What is extended are numbers, not hashes: a verifier cannot tell.
pub(crate) fn long() -> Vec<u8> {
	let mut spec = b"Spec ID Event03\0\0\0\0\0\x00\x02\x00\x02".to_vec();
	spec.extend((BANKS.len() as u32).to_le_bytes());
	for (algorithm, len) in BANKS {
		spec.extend(algorithm.to_le_bytes());
		spec.extend(len.to_le_bytes());
	}
	spec.push(0);
	let mut log = [0, EV_NO_ACTION].map(u32::to_le_bytes).concat();
	log.extend([0; 20]);
	log.extend((spec.len() as u32).to_le_bytes());
	log.extend(spec);
	for number in 0..EVENTS {
		log.extend([number % 10, EV_IPL, BANKS.len() as u32].map(u32::to_le_bytes).concat());
		for (algorithm, len) in BANKS {
			log.extend(algorithm.to_le_bytes());
			log.extend((0..len).map(|_| number as u8));
		}
		log.extend((DATA as u32).to_le_bytes());
		log.extend([number as u8; DATA]);
	}
	log
}
