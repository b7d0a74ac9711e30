//! Platform policies as JSON.
//!
//! ```json
//! {"bank": "sha256", "pcrs": {"0": ["<hex>", "<hex>"], "7": ["<hex>"], "9": null}, "minFirmware": 0}
//! {"bank": "sha256", "pcrs": [0, 7, 9], "composite": ["<hex of the quoted digest>"]}
//! ```
//! A PCR whose values are `null` is quoted, and may hold anything.

use std::collections::BTreeMap;

use ep_tpm::{AllowedPcrs, PcrRule, PlatformPolicy};
use serde::Deserialize;

use super::files::{hash_id, hexadecimal};
use crate::input::Error;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Json {
	bank: String,
	pcrs: Pcrs,
	#[serde(default)]
	composite: Option<Vec<String>>,
	#[serde(default)]
	min_firmware: u64,
	#[serde(default)]
	may_reset: bool,
	#[serde(default)]
	may_resume: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Pcrs {
	// Keys as text: inside an untagged enum serde does not turn them into numbers.
	Each(BTreeMap<String, Option<Vec<String>>>),
	List(Vec<usize>),
}

/// The policy in this file.
pub(super) fn parse(bytes: &[u8]) -> Result<PlatformPolicy, Error> {
	let usage = |what: String| Error::Usage(format!("policy: {what}"));
	let json: Json = serde_json::from_slice(bytes).map_err(|error| usage(error.to_string()))?;
	let mut rules = BTreeMap::new();
	let numbers: Vec<usize> = match &json.pcrs {
		Pcrs::Each(by_name) => {
			for (pcr, values) in by_name {
				let number: usize = pcr.parse().map_err(|_| usage(format!("no PCR {pcr}")))?;
				if rules.insert(number, values).is_some() {
					return Err(usage(format!("PCR {number} twice")));
				}
			}
			rules.keys().copied().collect()
		}
		Pcrs::List(numbers) => numbers.clone(),
	};
	let mut bitmap = vec![0_u8; 3];
	for pcr in numbers {
		*bitmap.get_mut(pcr / 8).ok_or_else(|| usage(format!("no PCR {pcr}")))? |= 1 << (pcr % 8);
	}
	let digests = |list: &[String]| {
		let values: Vec<_> = list
			.iter()
			.map(|value| hexadecimal("policy", value)?.try_into().map_err(|_| usage("a digest is too long".into())))
			.collect::<Result<_, _>>()?;
		values.try_into().map_err(|_| usage("too many values for one PCR".into()))
	};
	let allowed = match (&json.pcrs, &json.composite) {
		(Pcrs::List(_), Some(list)) => AllowedPcrs::Composite(digests(list)?),
		(Pcrs::Each(_), None) => {
			let rule = |values: &&Option<Vec<String>>| match values {
				None => Ok(PcrRule::Any),
				Some(values) => digests(values).map(PcrRule::OneOf),
			};
			let rules: Vec<_> = rules.values().map(rule).collect::<Result<_, _>>()?;
			AllowedPcrs::Each(rules.try_into().map_err(|_| usage("too many PCRs".into()))?)
		}
		_ => return Err(usage("give values for each PCR, or a list of PCRs and \"composite\"".into())),
	};
	Ok(PlatformPolicy {
		bank: hash_id(&json.bank)?,
		bitmap: bitmap.try_into().map_err(|_| usage("too many PCRs".into()))?,
		allowed,
		min_firmware: json.min_firmware,
		may_reset: json.may_reset,
		may_resume: json.may_resume,
	})
}
