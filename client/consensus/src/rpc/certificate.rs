//! A wait certificate, taken apart and judged rule by rule.

use codec::Encode;
use ep_poet::{
	rules, Attestation, AuthorityId, Claim, Contestant, Hash, Interval, Lottery, Mean, Millis, Refusal, Verdict, Weight,
};
use ep_tpm::TimeAttestation;
use serde::{Deserialize, Serialize};
use sp_core::Bytes;
use sp_runtime::traits::{Header as HeaderT, UniqueSaturatedInto};

use super::needed;

/// A block's wait certificate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateView {
	/// The sealed block.
	pub hash: Hash,
	/// Its height.
	pub height: u64,
	/// Its sealed parent.
	pub parent: Hash,
	/// Hash of its header without the seal.
	pub pre_seal: Hash,
	/// The member who waited.
	pub author: AuthorityId,
	/// The block's time.
	pub timestamp: Millis,
	/// The draw.
	pub vrf: VrfView,
	/// What the author says the lottery gave it.
	pub claim: ClaimView,
	/// What the chip had to count, `rho * d`.
	pub needed: Millis,
	/// What it counted; absent if the attestations do not belong together.
	pub counted: Option<Millis>,
	/// A1.
	pub start: AttestationView,
	/// A2.
	pub end: AttestationView,
	/// The author's signature over the seal.
	pub signature: Bytes,
	/// Whether it is valid; absent if some rules could not be looked at and none is broken.
	pub valid: Option<bool>,
	/// The verdict of every rule.
	pub rules: Vec<RuleView>,
}

/// A VRF signature.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VrfView {
	/// Its pre-output.
	pub pre_output: Bytes,
	/// Its proof.
	pub proof: Bytes,
}

/// A claim.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimView {
	/// Epoch of the height.
	pub epoch: u64,
	/// Local mean of the height.
	pub mean: Mean,
	/// The author's weight.
	pub weight: Weight,
	/// The author's clock rate.
	pub rate: u32,
	/// The wait drawn, `d`.
	pub wait: Millis,
}

/// An attestation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttestationView {
	/// `TPMS_ATTEST`.
	pub attest: Bytes,
	/// `TPMT_SIGNATURE`.
	pub signature: Bytes,
	/// What it says; absent if it is no time attestation.
	pub time: Option<TimeView>,
}

/// A time attestation, parsed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimeView {
	/// Qualified name of the key that signed.
	pub qualified_signer: Bytes,
	/// The nonce.
	pub extra_data: Bytes,
	/// The chip's time since power-on. This is what counts.
	pub time: Millis,
	/// The chip's clock, which its owner can set. Nothing rests on it.
	pub clock: u64,
	/// Resets since the chip was cleared.
	pub reset_count: u32,
	/// Restarts since the last reset.
	pub restart_count: u32,
	/// Whether the clock is known not to have gone back.
	pub safe: bool,
	/// The chip's firmware version.
	pub firmware_version: u64,
}

/// What a rule says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
	/// It holds.
	Pass,
	/// It is broken.
	Fail,
	/// It could not be looked at.
	Skipped,
}

/// A rule and its verdict.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleView {
	/// Its number in the list of rules; *member* has none.
	pub number: Option<u8>,
	/// Its name.
	pub rule: String,
	/// What it says.
	pub verdict: Outcome,
	/// Why it is broken or was not looked at.
	pub reason: Option<String>,
}

/// The rules as [`ep_poet::rules`] numbers them.
const RULES: [(Option<u8>, &str); 22] = [
	(Some(1), "digests"),
	(Some(2), "author-signed"),
	(Some(3), "attestations"),
	(Some(4), "start-after-parent"),
	(Some(5), "sealed-this-block"),
	(Some(6), "one-signer"),
	(Some(7), "one-power-cycle"),
	(Some(8), "waited"),
	(None, "member"),
	(Some(9), "claim-epoch"),
	(Some(10), "claim-mean"),
	(Some(11), "claim-weight"),
	(Some(12), "claim-rate"),
	(Some(13), "rate-bound"),
	(Some(14), "draw"),
	(Some(15), "claim-wait"),
	(Some(16), "fresh-start"),
	(Some(17), "chip"),
	(Some(18), "chip-of-member"),
	(Some(19), "one-timer"),
	(Some(20), "counters-forward"),
	(Some(21), "clock"),
];

/// Verdicts, as far as they are in.
struct Sheet(Vec<(&'static str, Outcome, Option<String>)>);

impl Sheet {
	fn has(&self, rule: &str) -> bool {
		self.0.iter().any(|(name, ..)| *name == rule)
	}

	fn pass(&mut self, rules: &[&'static str]) {
		for rule in rules {
			if !self.has(rule) {
				self.0.push((rule, Outcome::Pass, None));
			}
		}
	}

	fn fail(&mut self, refusal: &Refusal) {
		self.0.push((refusal.rule(), Outcome::Fail, Some(refusal.to_string())));
	}

	fn skip(&mut self, rules: &[&'static str], reason: &str) {
		for rule in rules {
			if !self.has(rule) {
				self.0.push((rule, Outcome::Skipped, Some(reason.into())));
			}
		}
	}

	fn note<T>(&mut self, rule: &'static str, result: Result<T, Refusal>) -> Option<T> {
		match result {
			Ok(value) => {
				self.pass(&[rule]);
				Some(value)
			}
			Err(refusal) => {
				self.fail(&refusal);
				None
			}
		}
	}

	/// All rules in their order; those that are not in were skipped for `reason`.
	fn finish(mut self, reason: &str) -> (Option<bool>, Vec<RuleView>) {
		self.skip(&RULES.map(|(_, name)| name), reason);
		let valid = match () {
			() if self.0.iter().any(|(_, outcome, _)| *outcome == Outcome::Fail) => Some(false),
			() if self.0.iter().all(|(_, outcome, _)| *outcome == Outcome::Pass) => Some(true),
			() => None,
		};
		let rules = RULES.iter().flat_map(|(number, rule)| {
			let entry = self.0.iter().find(|(name, ..)| name == rule);
			entry.map(|(_, verdict, reason)| RuleView {
				number: *number,
				rule: String::from(*rule),
				verdict: *verdict,
				reason: reason.clone(),
			})
		});
		(valid, rules.collect())
	}
}

/// Takes `header`'s certificate apart and judges it. `state` gives the lottery and the author's part in it at the
/// parent, or why they cannot be had. An error: there is no certificate to take apart.
pub(super) fn judge<H: HeaderT<Hash = Hash>>(
	header: H,
	genesis: Hash,
	state: impl FnOnce(&AuthorityId) -> Result<(Lottery, Option<Contestant>), String>,
) -> Result<CertificateView, Refusal> {
	let hash = header.hash();
	let unsealed = rules::digests(header)?;
	let mut sheet = Sheet(Vec::new());
	sheet.pass(&["digests"]);
	sheet.note("author-signed", rules::author_signed(&unsealed, genesis));

	let (pre, seal) = (&unsealed.pre_digest, &unsealed.seal);
	let mut view = CertificateView {
		hash,
		height: (*unsealed.header.number()).unique_saturated_into(),
		parent: *unsealed.header.parent_hash(),
		pre_seal: unsealed.pre_seal,
		author: pre.author.clone(),
		timestamp: pre.timestamp,
		vrf: VrfView { pre_output: Bytes(pre.vrf.pre_output.encode()), proof: Bytes(pre.vrf.proof.encode()) },
		claim: claim_view(&pre.claim),
		needed: needed(&pre.claim),
		counted: None,
		start: attestation_view(&pre.start),
		end: attestation_view(&seal.end),
		signature: Bytes(seal.signature.encode()),
		valid: None,
		rules: Vec::new(),
	};

	let Some((start, end)) = sheet.note("attestations", rules::attestations(&unsealed)) else {
		(view.valid, view.rules) = sheet.finish("it needs two time attestations");
		return Ok(view);
	};
	sheet.note("start-after-parent", rules::start_after_parent(&unsealed, &start, genesis));
	sheet.note("sealed-this-block", rules::sealed_this_block(&unsealed, &end));
	sheet.note("one-signer", rules::one_signer(&start, &end));
	let interval = sheet.note("one-power-cycle", rules::one_power_cycle(&start, &end));
	view.counted = interval.as_ref().map(Interval::length);
	match &interval {
		Some(interval) => {
			sheet.note("waited", rules::waited(interval, pre.claim.wait, pre.claim.rate));
		}
		None => sheet.skip(
			&["waited", "fresh-start", "one-timer", "counters-forward"],
			"the attestations are from different power cycles: there is no interval",
		),
	}

	let reason = match state(&pre.author) {
		Ok((lottery, contestant)) => {
			let interval = interval.unwrap_or(Interval { reset_count: 0, restart_count: 0, start: 0, end: 0 });
			let verdict = Verdict { unsealed, hash, start, end, interval };
			judge_with_state(&mut sheet, &verdict, &lottery, contestant.as_ref());
			String::from("the author is no member: there is nothing to compare with")
		}
		Err(reason) => reason,
	};
	(view.valid, view.rules) = sheet.finish(&reason);
	Ok(view)
}

fn judge_with_state<H: Clone>(
	sheet: &mut Sheet,
	verdict: &Verdict<H>,
	lottery: &Lottery,
	contestant: Option<&Contestant>,
) {
	let pre = &verdict.unsealed.pre_digest;
	sheet.note("clock", rules::clock(pre.timestamp, lottery.parent_timestamp, pre.claim.wait));
	let Some(contestant) = contestant else {
		sheet.fail(&Refusal::Member);
		return;
	};
	sheet.pass(&["member"]);
	judge_claims(sheet, verdict, lottery, contestant);
	match rules::draw(verdict, lottery, contestant) {
		Ok(()) => sheet.pass(&["draw", "claim-wait"]),
		Err(Refusal::Draw) => {
			sheet.fail(&Refusal::Draw);
			sheet.skip(&["claim-wait"], "the draw is not the author's: it gives no wait");
		}
		Err(refusal) => {
			sheet.pass(&["draw"]);
			sheet.fail(&refusal);
		}
	}
	if !sheet.has("fresh-start") {
		let slack = lottery.parameters.max_slack;
		sheet.note("fresh-start", rules::fresh_start(&verdict.interval, pre.claim.wait, pre.claim.rate, slack));
	}
	if !sheet.has("one-timer") {
		match rules::one_timer(&verdict.interval, contestant.last.as_ref()) {
			Ok(()) => sheet.pass(&["one-timer", "counters-forward"]),
			Err(refusal) => {
				sheet.fail(&refusal);
				sheet.pass(&["counters-forward"]);
				sheet.skip(&["one-timer"], "the chip's counters went back: there is no order");
			}
		}
	}
	match rules::chip(verdict, &contestant.ak_public, &contestant.ek_name) {
		Ok(()) => sheet.pass(&["chip", "chip-of-member"]),
		Err(Refusal::ChipOfMember) => {
			sheet.fail(&Refusal::ChipOfMember);
			sheet.skip(&["chip"], "another key signed");
		}
		Err(refusal @ Refusal::BadRecord(_)) => sheet.skip(&["chip", "chip-of-member"], &refusal.to_string()),
		Err(refusal) => {
			sheet.pass(&["chip-of-member"]);
			sheet.fail(&refusal);
		}
	}
}

/// The five rules of [`rules::claims`], which stops at the first broken one: what is broken is put right in a copy, and
/// the rest is looked at.
fn judge_claims<H: Clone>(sheet: &mut Sheet, verdict: &Verdict<H>, lottery: &Lottery, contestant: &Contestant) {
	let mut trial = verdict.clone();
	let names = ["claim-epoch", "claim-mean", "claim-weight", "claim-rate", "rate-bound"];
	for _ in names {
		let Err(refusal) = rules::claims(&trial, lottery, contestant) else { break };
		sheet.fail(&refusal);
		let claim = &mut trial.unsealed.pre_digest.claim;
		match refusal {
			Refusal::ClaimEpoch { actual, .. } => claim.epoch = actual,
			Refusal::ClaimMean { actual, .. } => claim.mean = actual,
			Refusal::ClaimWeight { actual, .. } => claim.weight = actual,
			Refusal::ClaimRate { actual, .. } => claim.rate = actual,
			_ => break,
		}
	}
	sheet.pass(&names);
}

fn claim_view(claim: &Claim) -> ClaimView {
	ClaimView { epoch: claim.epoch, mean: claim.mean, weight: claim.weight, rate: claim.rate, wait: claim.wait }
}

fn attestation_view(attestation: &Attestation) -> AttestationView {
	let time = TimeAttestation::parse(&attestation.attest).ok().map(|parsed| TimeView {
		qualified_signer: Bytes(parsed.qualified_signer.as_bytes().to_vec()),
		extra_data: Bytes(parsed.extra_data.clone()),
		time: parsed.time,
		clock: parsed.clock_info.clock,
		reset_count: parsed.clock_info.reset_count,
		restart_count: parsed.clock_info.restart_count,
		safe: parsed.clock_info.safe,
		firmware_version: parsed.firmware_version,
	});
	AttestationView {
		attest: Bytes(attestation.attest.to_vec()),
		signature: Bytes(attestation.signature.to_vec()),
		time,
	}
}

#[cfg(test)]
mod tests;
