//! Event logs: no input panics, every byte belongs to exactly one event, none has room for another byte or one less, and
//! what parses can be replayed and summed up in every known bank.
#![no_main]

use ep_tpm::EventLog;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
	let Ok(log) = EventLog::parse(data) else { return };
	assert!(EventLog::parse(&[data, &[0]].concat()).is_err());
	assert!(EventLog::parse(&data[..data.len() - 1]).is_err());

	let digests: usize = log.banks.iter().map(|bank| bank.digest_len).sum();
	let head = if log.crypto_agile { 4 + 4 + 4 + log.banks.len() * 2 + 4 } else { 4 + 4 + 4 };
	let events: usize = log.events.iter().map(|event| head + digests + event.data.len()).sum();
	let header = if log.crypto_agile {
		4 + 4 + 20 + 4 + u32::from_le_bytes(*data[28..].first_chunk().unwrap()) as usize
	} else {
		0
	};
	assert_eq!(header + events, data.len());

	for (index, bank) in log.banks.iter().enumerate() {
		let replayed = log.replay(bank.algorithm);
		assert_eq!(replayed.is_ok(), log.summary(bank.algorithm).is_ok());
		let Ok(replayed) = replayed else { continue };
		for event in log.extended() {
			assert!(event.pcr < 24 && event.digests[index].len() == bank.digest_len);
			event.data_digest(*bank, index);
		}
		for pcr in 0..24 {
			assert_eq!(replayed.value(pcr).len(), bank.digest_len);
		}
	}
});
