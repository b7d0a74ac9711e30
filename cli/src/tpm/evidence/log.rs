//! `elapse tpm eventlog`, and the log beside a quote.

use std::path::PathBuf;

use ep_tpm::{
	eventlog::{event_name, DataDigest, Event, PcrBank, SecureBoot},
	Error as Rule, EventLog, PcrSelection,
};
use serde_json::{json, Map, Value};

use super::{
	files::{hash_id, hash_name},
	pcrs::PcrFile,
};
use crate::{
	input::{read, Error},
	report::Report,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
	/// The log, as /sys/kernel/security/tpm0/binary_bios_measurements holds it.
	log: PathBuf,
	/// The bank to replay; without it the log's SHA-256, or else its first.
	#[arg(long, value_name = "HASH")]
	bank: Option<String>,
	/// PCR values that the log must add up to: JSON, or as tpm2-tools write them.
	#[arg(long, value_name = "FILE")]
	pcrs: Option<PathBuf>,
	/// Print JSON.
	#[arg(long)]
	pub(super) json: bool,
}

/// The rules of a log's form.
const FORM: &[Rule] =
	&[Rule::Truncated, Rule::LogHeader, Rule::LogSize, Rule::LogPcr, Rule::LogDigests, Rule::LogLocality];

/// Shows a log, and judges it against PCR values if there are some.
pub(super) fn run(arguments: &Arguments) -> Result<Report, Error> {
	let mut report = Report::default();
	let bytes = read(&arguments.log)?;
	let asked = arguments.bank.as_deref().map(hash_id).transpose()?;
	let pcrs = arguments.pcrs.as_ref().map(|path| read(path)).transpose()?;
	let Some(log) = report.stage("event log", FORM, EventLog::parse(&bytes)) else {
		if pcrs.is_some() {
			report.skip(&[Rule::LogBank, Rule::LogReplay], "the log does not parse");
		}
		return Ok(report);
	};
	let sha256 = ep_tpm::algorithm::TPM_ALG_SHA256;
	let has = |bank: u16| log.banks.iter().any(|other| other.algorithm == bank);
	let first = log.banks.first().map_or(sha256, |bank| bank.algorithm);
	let bank = asked.unwrap_or(if has(sha256) { sha256 } else { first });
	let Some(replayed) = report.stage("event log", &[Rule::LogBank], log.replay(bank)) else { return Ok(report) };
	let index = log.bank_index(bank).unwrap_or_default();
	describe(&mut report, &log, &replayed);
	let events = log.events.iter().map(|event| describe_event(&log, event, index));
	if arguments.json {
		report.fact("events", events.collect::<Vec<_>>());
	} else {
		let text = |name: &Value| name.as_str().unwrap_or_default().to_owned();
		for (number, event) in events.enumerate() {
			let line = format!(
				"PCR {:<4}{:<34}{:<10}{}",
				event["pcr"].to_string(),
				text(&event["type"]),
				text(&event["data"]),
				text(&event["digest"])
			);
			report.fact(&format!("event {number:04}"), line);
		}
	}
	if let Some(pcrs) = pcrs {
		let all = [PcrSelection { bank, bitmap: vec![0xff; 3] }];
		let file = PcrFile::parse(&pcrs, &all)?;
		let selections = file.selection.clone().unwrap_or(all.to_vec());
		compare(&mut report, "PCR file", &log, &selections, &file.values());
	}
	Ok(report)
}

/// Holds a log against PCR values, bank by bank (rule L7): those that firmware accounts for, PCR 0 to 7 and whatever the
/// log extends. Others are the operating system's.
pub(super) fn compare(
	report: &mut Report,
	subject: &str,
	log: &EventLog<'_>,
	selections: &[PcrSelection],
	values: &[&[u8]],
) {
	let mut values = values.iter();
	let mut compared = Vec::new();
	for selection in selections {
		let values: Vec<&[u8]> = values.by_ref().take(selection.pcrs().count()).copied().collect();
		// A log need not have every bank of the quote.
		let Ok(replayed) = log.replay(selection.bank) else { continue };
		let mut accounted = PcrSelection { bank: selection.bank, bitmap: vec![0; selection.bitmap.len()] };
		let mut kept = Vec::new();
		for (pcr, value) in selection.pcrs().zip(values) {
			if pcr < 8 || replayed.extended.contains_key(&pcr) {
				accounted.bitmap[pcr / 8] |= 1 << (pcr % 8);
				kept.push(value);
			}
		}
		if kept.is_empty() {
			continue;
		}
		compared.push(super::pcrs::selection_text(std::slice::from_ref(&accounted)));
		let differing = replayed.differing(&accounted, &kept);
		let subject = match differing.as_slice() {
			[] => subject.to_owned(),
			pcrs => format!("{subject}, {} PCR {pcrs:?}", hash_name(selection.bank)),
		};
		report.stage(&subject, &[Rule::LogReplay], replayed.check(&accounted, &kept));
	}
	if compared.is_empty() {
		report.skip(&[Rule::LogReplay], "no PCR that the log accounts for is there");
	}
	report.fact("replayedAgainst", compared.join("+"));
}

/// The log of `--eventlog` beside a quote whose values have been verified, or `None`.
pub(super) fn beside_quote(report: &mut Report, bytes: &[u8], quoted: &[PcrSelection], verified: Option<&[&[u8]]>) {
	let Some(log) = report.stage("event log", FORM, EventLog::parse(bytes)) else {
		report.skip(&[Rule::LogReplay], "the log does not parse");
		return;
	};
	let Some(values) = verified else {
		report.skip(&[Rule::LogReplay], "the PCR values are not those of the quote");
		return;
	};
	compare(report, "event log", &log, quoted, values);
	if let Some(Ok(replayed)) = quoted.iter().map(|selection| log.replay(selection.bank)).find(Result::is_ok) {
		describe(report, &log, &replayed);
	}
}

/// What the log tells, in one bank.
fn describe(report: &mut Report, log: &EventLog<'_>, replayed: &PcrBank) {
	report.fact("logFormat", if log.crypto_agile { "crypto-agile" } else { "SHA-1" });
	report.fact("logBanks", log.banks.iter().map(|bank| hash_name(bank.algorithm)).collect::<Vec<_>>());
	report.fact("startupLocality", log.startup_locality);
	report.fact("replayedBank", hash_name(replayed.bank));
	let values: Map<String, Value> =
		replayed.extended.iter().map(|(pcr, value)| (format!("{pcr:02}"), hex::encode(value).into())).collect();
	report.fact("replayed", values);
	let Ok(summary) = log.summary(replayed.bank) else { return };
	report.fact(
		"secureBoot",
		match summary.secure_boot {
			SecureBoot::Enabled => "enabled",
			SecureBoot::Disabled => "disabled",
			SecureBoot::Unknown => "unknown",
		},
	);
	report.fact("bootApplications", summary.boot_applications.iter().map(hex::encode).collect::<Vec<_>>());
	let kernel_lines = summary.command_lines.iter().filter(|line| line.kernel);
	report.fact("kernelCommandLines", kernel_lines.map(|line| line.text.clone()).collect::<Vec<_>>());
	let files: Vec<Value> = summary
		.boot_files
		.iter()
		.map(|(name, digest)| json!({ "name": name, "digest": hex::encode(digest) }))
		.collect();
	report.fact("bootFiles", files);
	report.fact("inconsistentEvents", summary.inconsistent_events);
}

fn describe_event(log: &EventLog<'_>, event: &Event<'_>, index: usize) -> Value {
	let data = match log.banks.get(index).map(|bank| event.data_digest(*bank, index)) {
		Some(DataDigest::Holds) => "holds",
		Some(DataDigest::Differs) => "DIFFERS",
		Some(DataDigest::NotOfData) | None => "-",
	};
	json!({
		"pcr": event.pcr,
		"type": event_name(event.kind).map_or_else(|| format!("{:#010x}", event.kind), str::to_owned),
		"digest": event.digests.get(index).map(hex::encode),
		"data": data,
		"size": event.data.len(),
	})
}
