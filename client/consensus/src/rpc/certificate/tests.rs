//! Every rule's verdict, by forging what it forbids.

use ep_poet::{
	rules::Refusal,
	testing::{lottery, Draft, SoftChip, SoftMember},
};

use super::*;

const PARENT: Hash = Hash::repeat_byte(0xaa);

struct Chain {
	lottery: Lottery,
	member: SoftMember,
	contestant: Contestant,
}

impl Chain {
	fn new() -> Self {
		let member = SoftMember::new(1, 1_000);
		Self { lottery: lottery(), contestant: member.contestant(), member }
	}

	fn draft(&self) -> Draft {
		self.member.draft(&self.lottery, PARENT, &self.contestant, 1_000_000)
	}

	fn judge(&self, header: ep_poet::testing::Header) -> CertificateView {
		let state = |author: &AuthorityId| {
			let known = *author == self.member.id();
			Ok((self.lottery.clone(), known.then(|| self.contestant.clone())))
		};
		judge(header, self.lottery.genesis, state).expect("there is a certificate")
	}
}

fn with(view: &CertificateView, outcome: Outcome) -> Vec<&str> {
	view.rules.iter().filter(|rule| rule.verdict == outcome).map(|rule| rule.rule.as_str()).collect()
}

#[test]
fn an_honest_certificate_passes_every_rule() {
	let chain = Chain::new();
	let draft = chain.draft();
	let view = chain.judge(draft.seal(&chain.member));
	assert_eq!(view.valid, Some(true), "{:?}", view.rules);
	assert_eq!(view.rules.len(), 22);
	let numbers: Vec<_> = view.rules.iter().flat_map(|rule| rule.number).collect();
	assert_eq!(numbers, (1..=21).collect::<Vec<_>>());
	assert_eq!(view.counted, Some(view.needed));
	assert_eq!(view.start.time.map(|time| time.time), Some(1_000_000));
	assert_eq!(view.claim.wait, draft.pre_digest.claim.wait);
}

#[test]
fn a_pruned_parent_leaves_the_verdict_open() {
	let chain = Chain::new();
	let header = chain.draft().seal(&chain.member);
	let view = judge(header, chain.lottery.genesis, |_| Err("pruned".into())).expect("there is a certificate");
	assert_eq!(view.valid, None);
	assert_eq!(with(&view, Outcome::Pass).len(), 8);
	assert_eq!(with(&view, Outcome::Skipped).len(), 14);
	assert!(view.rules.iter().all(|rule| rule.verdict == Outcome::Pass || rule.reason.as_deref() == Some("pruned")));
}

#[test]
fn a_non_member_is_named_and_the_rest_skipped() {
	let chain = Chain::new();
	let other = SoftMember::new(2, 1_000);
	let header = other.draft(&chain.lottery, PARENT, &other.contestant(), 1_000_000).seal(&other);
	let view = chain.judge(header);
	assert_eq!(view.valid, Some(false));
	assert_eq!(with(&view, Outcome::Fail), ["member"]);
	assert!(with(&view, Outcome::Skipped).contains(&"draw"));
	assert!(with(&view, Outcome::Pass).contains(&"clock"));
}

#[test]
fn sealed_a_millisecond_early_fails_waited_alone() {
	let chain = Chain::new();
	let mut draft = chain.draft();
	draft.end.time -= 1;
	let view = chain.judge(draft.seal(&chain.member));
	assert_eq!(with(&view, Outcome::Fail), ["waited"]);
	assert!(view.rules.iter().any(|rule| rule.reason.as_deref().is_some_and(|reason| reason.contains("counted"))));
}

#[test]
fn all_broken_claims_are_named_not_only_the_first() {
	let mut chain = Chain::new();
	let header = chain.draft().seal(&chain.member);
	chain.lottery.epoch += 1;
	chain.contestant.weight += 1;
	chain.contestant.rate = 1_200_000;
	let view = chain.judge(header);
	let failed = with(&view, Outcome::Fail);
	for rule in ["claim-epoch", "claim-weight", "claim-rate", "rate-bound", "draw"] {
		assert!(failed.contains(&rule), "{rule} is not in {failed:?}");
	}
	assert!(with(&view, Outcome::Pass).contains(&"claim-mean"));
	assert_eq!(with(&view, Outcome::Skipped), ["claim-wait"]);
}

#[test]
fn a_reset_during_the_wait_leaves_no_interval() {
	let chain = Chain::new();
	let mut draft = chain.draft();
	draft.end.reset_count += 1;
	let view = chain.judge(draft.seal(&chain.member));
	assert_eq!(with(&view, Outcome::Fail), ["one-power-cycle"]);
	assert_eq!(with(&view, Outcome::Skipped), ["waited", "fresh-start", "one-timer", "counters-forward"]);
	assert_eq!(view.counted, None);
}

#[test]
fn order_on_the_chip_is_told_from_counters_that_went_back() {
	let mut chain = Chain::new();
	let header = chain.draft().seal(&chain.member);
	chain.contestant.last = Some(Interval { reset_count: 3, restart_count: 1, start: 0, end: 1_000_001 });
	let view = chain.judge(header.clone());
	assert_eq!(with(&view, Outcome::Fail), ["one-timer"]);
	chain.contestant.last = Some(Interval { reset_count: 4, restart_count: 0, start: 0, end: 5 });
	let view = chain.judge(header);
	assert_eq!(with(&view, Outcome::Fail), ["counters-forward"]);
	assert_eq!(with(&view, Outcome::Skipped), ["one-timer"]);
}

#[test]
fn another_chip_is_told_from_a_bad_signature() {
	let mut chain = Chain::new();
	let header = chain.draft().seal(&chain.member);
	chain.contestant.ek_name = SoftChip::new(9).ek_name();
	let view = chain.judge(header);
	assert_eq!(with(&view, Outcome::Fail), ["chip-of-member"]);
	assert_eq!(with(&view, Outcome::Skipped), ["chip"]);

	let chain = Chain::new();
	let draft = chain.draft();
	let mut end = draft.attest_end(&chain.member.chip);
	end.signature = chain.member.chip.sign(b"something else").try_into().expect("within the bounds");
	let view = chain.judge(draft.seal_with(&chain.member, end));
	assert_eq!(with(&view, Outcome::Fail), ["chip"]);
}

#[test]
fn a_seal_by_a_stranger_fails_author_signed_and_the_rest_is_still_judged() {
	let chain = Chain::new();
	let draft = chain.draft();
	let stranger = SoftMember::new(2, 1);
	let view = chain.judge(draft.seal_with(&stranger, draft.attest_end(&chain.member.chip)));
	assert_eq!(with(&view, Outcome::Fail), ["author-signed"]);
	assert!(with(&view, Outcome::Skipped).is_empty());
}

#[test]
fn a_header_without_a_seal_has_no_certificate() {
	let chain = Chain::new();
	let refusal = judge(chain.draft().pre_seal(), chain.lottery.genesis, |_| Err("not asked".into()));
	assert!(matches!(refusal, Err(Refusal::Digests(_))));
}

#[test]
fn fields_are_camel_case_and_bytes_hexadecimal() {
	let chain = Chain::new();
	let view = chain.judge(chain.draft().seal(&chain.member));
	let json = jsonrpsee::core::to_json_raw_value(&view).expect("it serialises");
	for part in ["\"preSeal\":\"0x", "\"verdict\":\"pass\"", "\"qualifiedSigner\":\"0x", "\"preOutput\":\"0x"] {
		assert!(json.get().contains(part), "{part} is not in {}", json.get());
	}
}
