//! What a member thinks of an applicant.

use ep_tpm::{
	eventlog::EventLog,
	policy::{AllowedPcrs, PcrRule, PlatformPolicy},
};
use ep_trust::{api::RoundInfo, committee::is_quorum, Judgement, Quote, Reason};

/// Members who must be able to reach the applicant's node; all where there are fewer.
pub(crate) const REACHED_BY: usize = 2;

/// What a member has seen for itself, and heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen<'a> {
	/// Members, itself included, who say that they reach the applicant's node.
	pub reached: usize,
	/// The boot event log that it got there.
	pub log: Option<&'a [u8]>,
	/// Whether it may still be reached: the time for judging is not half over.
	pub early: bool,
}

/// The judgement; `None` while it is too early for one.
///
/// The chain has verified certificates, keys, quotes and answers. What is left is what the chain cannot see, and what may
/// have changed since.
pub fn judge<AccountId>(
	info: &RoundInfo<AccountId>,
	policy: Option<&PlatformPolicy>,
	seen: Seen<'_>,
) -> Option<Judgement> {
	if is_quorum(info.made_up, info.expected) {
		// Its node says of what its chip cannot open that it cannot.
		return Some(Judgement::Refuse(Reason::Forged));
	}
	if !is_quorum(info.opened, info.expected) {
		return Some(Judgement::Refuse(Reason::Unanswered));
	}
	let Some(policy) = policy else { return Some(Judgement::Refuse(Reason::Platform)) };
	if seen.reached < REACHED_BY.min(info.seats.len()) {
		return (!seen.early).then_some(Judgement::Refuse(Reason::Unreachable));
	}
	if policy.leaves_open() {
		let quote = info.answer.as_ref().unwrap_or(&info.application.evidence.quote);
		let explains = |log| explains(log, &info.application.evidence.event_log, policy, quote);
		match seen.log.map(explains) {
			Some(Ok(())) => {}
			Some(Err(why)) => {
				log::info!(target: crate::LOG_TARGET, "the applicant's boot event log is no good: {why}");
				return Some(Judgement::Refuse(Reason::EventLog));
			}
			None => return (!seen.early).then_some(Judgement::Refuse(Reason::EventLog)),
		}
	}
	Some(Judgement::Admit)
}

/// Whether a boot event log is the one of the application, and adds up to what the quote has in the PCRs that the policy
/// leaves open. The others hold what the policy names, whatever led there.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn explains(log: &[u8], hash: &[u8; 32], policy: &PlatformPolicy, quote: &Quote) -> Result<(), String> {
	if sp_crypto_hashing::sha2_256(log) != *hash {
		return Err("it is not the one that the application names".into());
	}
	let AllowedPcrs::Each(rules) = &policy.allowed else { return Ok(()) };
	let log = EventLog::parse(log).map_err(|rule| rule.to_string())?;
	let replayed = log.replay(policy.bank).map_err(|rule| rule.to_string())?;
	let selection = policy.selection();
	for ((pcr, value), rule) in selection.pcrs().zip(&quote.pcr_values).zip(rules) {
		if *rule == PcrRule::Any && replayed.value(pcr) != value[..] {
			return Err(format!("its events do not add up to what PCR {pcr} holds"));
		}
	}
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;
	use ep_tpm::policy::Digest;
	use sp_crypto_hashing::sha2_256;

	/// A crypto-agile log of the SHA-256 bank with one event for each of these PCRs, each of them with `digest`.
	fn log(pcrs: &[u32], digest: [u8; 32]) -> Vec<u8> {
		let mut header = b"Spec ID Event03\0".to_vec();
		header.extend([0; 4]);
		header.extend([0, 2, 0, 2]);
		header.extend(1u32.to_le_bytes());
		header.extend([0x0b, 0, 32, 0, 0]);
		let mut log = [0u32.to_le_bytes(), 3u32.to_le_bytes()].concat();
		log.extend([0; 20]);
		log.extend((header.len() as u32).to_le_bytes());
		log.extend(header);
		for pcr in pcrs {
			log.extend([pcr.to_le_bytes(), 4u32.to_le_bytes(), 1u32.to_le_bytes()].concat());
			log.extend([0x0b, 0]);
			log.extend(digest);
			log.extend(0u32.to_le_bytes());
		}
		log
	}

	/// A PCR that was extended once.
	fn extended(digest: [u8; 32]) -> Vec<u8> {
		sha2_256(&[[0; 32], digest].concat()).to_vec()
	}

	/// PCR 0 may hold anything, PCR 7 zeros.
	fn policy() -> PlatformPolicy {
		let zeros = PcrRule::OneOf(vec![Digest::try_from(vec![0; 32]).unwrap()].try_into().unwrap());
		PlatformPolicy {
			bank: 0x000b,
			bitmap: vec![0x81, 0, 0].try_into().unwrap(),
			allowed: AllowedPcrs::Each(vec![PcrRule::Any, zeros].try_into().unwrap()),
			min_firmware: 0,
			may_reset: true,
			may_resume: true,
		}
	}

	fn quote(first: Vec<u8>) -> Quote {
		let values = [first, vec![0; 32]].map(|value| Digest::try_from(value).unwrap()).to_vec();
		Quote { attest: Default::default(), signature: Default::default(), pcr_values: values.try_into().unwrap() }
	}

	#[test]
	fn a_log_that_adds_up_explains_what_is_left_open_and_no_other_does() {
		let digest = [7; 32];
		let good = log(&[0, 4], digest);
		let told = quote(extended(digest));
		assert_eq!(explains(&good, &sha2_256(&good), &policy(), &told), Ok(()));
		let refused = |log: &[u8], quote: &Quote| explains(log, &sha2_256(log), &policy(), quote).unwrap_err();
		assert!(explains(&good, &[0; 32], &policy(), &told).unwrap_err().contains("not the one"));
		assert!(refused(&log(&[0], [8; 32]), &told).contains("PCR 0"), "another program was started");
		assert!(refused(&log(&[4], digest), &told).contains("PCR 0"), "an event is missing");
		assert!(refused(&log(&[0, 0], digest), &told).contains("PCR 0"), "there is one too many");
		assert!(refused(&good, &quote(vec![0; 32])).contains("PCR 0"));
		assert!(!refused(&good[..good.len() - 1], &told).is_empty(), "it is cut off");
		assert!(!refused(&[], &told).is_empty());
	}

	#[test]
	fn what_the_policy_names_needs_no_explanation() {
		// The log says nothing of PCR 7, and more than the quote has of PCR 0 where that is not left open.
		let zeros = PcrRule::OneOf(vec![Digest::try_from(vec![0; 32]).unwrap()].try_into().unwrap());
		let mut named = policy();
		named.allowed = AllowedPcrs::Each(vec![zeros.clone(), zeros].try_into().unwrap());
		let log = log(&[0, 7], [7; 32]);
		assert_eq!(explains(&log, &sha2_256(&log), &named, &quote(vec![0; 32])), Ok(()));
	}

	/// A round whose questions were answered, with this log's hash in the application.
	fn info(log: &[u8], first: Vec<u8>) -> RoundInfo<u64> {
		let mut info = crate::member::tests::info();
		info.application.evidence.event_log = sha2_256(log);
		info.answer = Some(quote(first));
		info
	}

	#[test]
	fn who_makes_up_answers_has_forged_and_who_has_none_has_not() {
		let info = |opened, made_up| RoundInfo { opened, made_up, ..crate::member::tests::info() };
		let judge = |info| judge(&info, Some(&policy()), Seen { reached: 4, log: None, early: true });
		let expected = info(0, 0).expected;
		assert_eq!(judge(info(0, expected)), Some(Judgement::Refuse(Reason::Forged)));
		assert_eq!(judge(info(0, 0)), Some(Judgement::Refuse(Reason::Unanswered)));
		// Two thirds are not enough to say so: members whose questions are odd may be among them.
		let two_thirds = expected * 2 / 3;
		assert_eq!(judge(info(expected - two_thirds, two_thirds)), Some(Judgement::Refuse(Reason::Unanswered)));
	}

	#[test]
	fn a_member_judges_by_the_log_that_it_got() {
		let (digest, policy) = ([7; 32], policy());
		let good = log(&[0], digest);
		let info = info(&good, extended(digest));
		let judge = |log, early| judge(&info, Some(&policy), Seen { reached: 4, log, early });
		assert_eq!(judge(Some(&good[..]), true), Some(Judgement::Admit));
		let other = log(&[0], [8; 32]);
		assert_eq!(judge(Some(&other[..]), true), Some(Judgement::Refuse(Reason::EventLog)));
		assert_eq!(judge(None, true), None, "it may still come");
		assert_eq!(judge(None, false), Some(Judgement::Refuse(Reason::EventLog)));
	}
}
