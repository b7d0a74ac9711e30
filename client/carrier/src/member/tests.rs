//! A committee of four without a network: what one tells, the others hear.

use std::{
	cell::RefCell,
	collections::{BTreeMap, BTreeSet},
	rc::Rc,
};

use ep_tpm::{
	credential::Credential,
	model::Tier,
	policy::{AllowedPcrs, PcrRule, PlatformPolicy},
	Name,
};
use ep_trust::{
	api::{SeatInfo, Until},
	Application, Committee as Seated, Evidence, Quote, Reason, Seat, Verdict,
};
use sp_core::{crypto::VrfSecret, ecdsa, Pair, H256};
use sp_runtime::BoundedVec;

use super::*;

const GENESIS: Hash = Hash::repeat_byte(1);
const ROUND: Round = 3;

fn pair(n: u8) -> sr25519::Pair {
	sr25519::Pair::from_seed(&[n; 32])
}

fn id(n: u8) -> AuthorityId {
	pair(n).public().into()
}

fn anchor_pair(n: u8) -> ecdsa::Pair {
	ecdsa::Pair::from_seed(&[n; 32])
}

fn anchor_of(n: u8) -> H160 {
	anchor::address(&anchor_pair(n).public()).unwrap()
}

fn policy() -> PlatformPolicy {
	let zeros = BoundedVec::truncate_from(vec![0; 32]);
	PlatformPolicy {
		bank: 0x000b,
		bitmap: BoundedVec::truncate_from(vec![1, 0, 0]),
		allowed: AllowedPcrs::Each(BoundedVec::truncate_from(vec![PcrRule::OneOf(BoundedVec::truncate_from(vec![
			zeros,
		]))])),
		min_firmware: 0,
		may_reset: false,
		may_resume: false,
	}
}

fn quote() -> Quote {
	Quote { attest: Default::default(), signature: Default::default(), pcr_values: Default::default() }
}

/// A round in which four sit, all questions are answered, and the committee can speak.
pub(crate) fn info() -> RoundInfo<u64> {
	let credential = Credential { id_object: Default::default(), encrypted_secret: Default::default() };
	let seat = |n: u8| SeatInfo {
		author: id(n),
		anchor: anchor_of(n),
		votes: 10,
		rank: n.into(),
		commitment: [0; 32],
		credential: credential.clone(),
		revealed: true,
	};
	RoundInfo {
		account: 7,
		application: Application {
			evidence: Evidence {
				ek_certificate: Default::default(),
				intermediates: Default::default(),
				ek_public: Default::default(),
				ak_public: Default::default(),
				quote: quote(),
				event_log: [0; 32],
			},
			author: id(9),
			anchor: anchor_of(9),
			anchor_proof: [0; 65],
			policy: 0,
			recent: 1,
			peer: Default::default(),
		},
		ak_name: Name::from_bytes(&[&[0, 0x0b][..], &[5; 32]].concat()).unwrap(),
		tier: Tier::Software,
		applied: 2,
		until: Until { sit: 10, answer: 20, reveal: 30, judge: 50 },
		seed: Some([4; 32]),
		expected: 40,
		seats: (1..=4).map(seat).collect(),
		answer: Some(quote()),
		opened: 40,
		made_up: 0,
		judging: true,
		expired: false,
	}
}

fn verdict(judgement: Judgement) -> Verdict {
	let seats = (1..=4).map(|n| Seat { anchor: anchor_of(n), votes: 10 }).collect();
	let committee = Seated::new(seats, 40).unwrap();
	Verdict {
		genesis: GENESIS,
		round: ROUND,
		subject: [9; 32],
		evidence: H256::zero(),
		judgement,
		committee: committee.root(ROUND),
		expected: 40,
	}
}

/// What happened, for all to see.
#[derive(Default)]
struct Shared {
	told: Vec<(u8, Gossip)>,
	submitted: Vec<(u8, Feeless)>,
	disks: BTreeMap<u8, Record>,
	full: bool,
	timers: BTreeSet<u8>,
}

struct Mock(u8, Rc<RefCell<Shared>>);

impl World for Mock {
	fn seal(&self, author: &AuthorityId, payload: &[u8; 32]) -> Option<Seal> {
		assert_eq!(*author, id(self.0));
		Some(pair(self.0).sign(payload).0)
	}

	fn draw(&self, _: &AuthorityId, seed: &[u8; 32]) -> Option<sr25519::vrf::VrfSignature> {
		Some(pair(self.0).vrf_sign(&ep_trust::sortition::transcript(seed).into()))
	}

	fn sign_for_anchor(&self, address: &H160, digest: &[u8; 32]) -> Option<[u8; 65]> {
		assert_eq!(*address, anchor_of(self.0));
		Some(anchor_pair(self.0).sign_prehashed(digest).0)
	}

	fn digest(&self, _: Round, judgement: Judgement) -> Option<[u8; 32]> {
		Some(verdict(judgement).digest(&Default::default()))
	}

	fn submit(&self, call: Feeless) -> bool {
		self.1.borrow_mut().submitted.push((self.0, call));
		true
	}

	fn would_take(&self, _: Feeless) -> bool {
		true
	}

	fn write(&self, _: Round, record: &Record) -> Result<(), String> {
		if self.1.borrow().full {
			return Err("the disk is full".into());
		}
		self.1.borrow_mut().disks.insert(self.0, record.clone());
		Ok(())
	}

	fn tell(&mut self, message: Gossip) {
		self.1.borrow_mut().told.push((self.0, message));
	}

	fn start_timer(&mut self, _: Round, _: Timeout) {
		self.1.borrow_mut().timers.insert(self.0);
	}
}

/// Of an applicant's node that was reached.
const REPLY: Reply = Reply { seal: [0; 64], log: None };

fn fresh(n: u8) -> Sitting {
	let record = Record { application: [0; 32], author: id(n), secret: [n; 32], memory: None, signed: None };
	Sitting::new(GENESIS, ROUND, id(n), record, false)
}

/// Everybody does what is due, and hears what everybody says, until nobody says anything new.
fn run(sittings: &mut BTreeMap<u8, Sitting>, shared: &Rc<RefCell<Shared>>, info: &RoundInfo<u64>, reaches: &[u8]) {
	let votes = info.seats.iter().map(|seat| (seat.author.clone(), seat.votes)).collect();
	let seated = crate::gossip::Seated { votes, expected: info.expected };
	for _ in 0..10 {
		for (n, sitting) in sittings.iter_mut() {
			let mut world = Mock(*n, shared.clone());
			sitting.step(info, Some(info), Some(&policy()), reaches.contains(n).then_some(&REPLY), 31, &mut world);
		}
		loop {
			let told = std::mem::take(&mut shared.borrow_mut().told);
			if told.is_empty() {
				break;
			}
			for (from, message) in told {
				assert!(message.holds(&GENESIS, &seated), "{from} is not believed: {message:?}");
				for (n, sitting) in sittings.iter_mut().filter(|(n, _)| **n != from) {
					sitting.hear(message.clone(), &mut Mock(*n, shared.clone()));
				}
			}
		}
	}
}

fn concluded(shared: &Rc<RefCell<Shared>>) -> Vec<(u8, Judgement, VerdictCertificate)> {
	let of = |(n, call): &(u8, Feeless)| match call {
		Feeless::Conclude { judgement, certificate, .. } => Some((*n, *judgement, certificate.clone())),
		_ => None,
	};
	shared.borrow().submitted.iter().filter_map(of).collect()
}

#[test]
fn four_who_see_the_same_bring_a_verdict_that_the_chain_takes() {
	let shared = Rc::default();
	let mut sittings = (1..=4).map(|n| (n, fresh(n))).collect();
	run(&mut sittings, &shared, &info(), &[1, 2, 3, 4]);
	let verdicts = concluded(&shared);
	assert!(!verdicts.is_empty());
	let seats = (1..=4).map(|n| Seat { anchor: anchor_of(n), votes: 10 }).collect();
	let committee = Seated::new(seats, 40).unwrap();
	for (_, judgement, certificate) in verdicts {
		assert_eq!(judgement, Judgement::Admit);
		assert!(certificate.verify(&verdict(judgement), &Default::default(), &committee).is_ok());
	}
}

#[test]
fn two_who_reach_the_applicant_convince_two_who_do_not() {
	let shared = Rc::default();
	let mut sittings = (1..=4).map(|n| (n, fresh(n))).collect();
	run(&mut sittings, &shared, &info(), &[2, 4]);
	assert!(concluded(&shared).iter().all(|(_, judgement, _)| *judgement == Judgement::Admit));
	assert!(!concluded(&shared).is_empty());
}

#[test]
fn one_alone_does_not_convince_them_until_it_is_late() {
	let shared = Rc::default();
	let mut sittings = (1..=4).map(|n| (n, fresh(n))).collect();
	run(&mut sittings, &shared, &info(), &[2]);
	assert!(concluded(&shared).is_empty(), "it is too early to say");
	let mut late = info();
	late.until.judge = 32;
	run(&mut sittings, &shared, &late, &[2]);
	let verdicts = concluded(&shared);
	assert!(!verdicts.is_empty());
	assert!(verdicts.iter().all(|(_, judgement, _)| *judgement == Judgement::Refuse(Reason::Unreachable)));
}

#[test]
fn three_of_four_are_enough_and_two_are_not() {
	for (present, enough) in [(vec![1, 2, 4], true), (vec![1, 2], false)] {
		let shared = Rc::default();
		let mut sittings = present.iter().map(|n| (*n, fresh(*n))).collect();
		run(&mut sittings, &shared, &info(), &[1, 2, 3, 4]);
		assert_eq!(!concluded(&shared).is_empty(), enough, "{present:?}");
	}
}

#[test]
fn questions_that_were_not_answered_are_held_against_the_applicant() {
	let shared = Rc::default();
	let mut sittings = (1..=4).map(|n| (n, fresh(n))).collect();
	let mut unanswered = info();
	unanswered.opened = 20;
	run(&mut sittings, &shared, &unanswered, &[1, 2, 3, 4]);
	assert!(concluded(&shared).iter().all(|(_, judgement, _)| *judgement == Judgement::Refuse(Reason::Unanswered)));
	assert!(!concluded(&shared).is_empty());
}

#[test]
fn who_cannot_write_says_nothing_and_its_time_goes_on() {
	let shared: Rc<RefCell<Shared>> = Rc::default();
	shared.borrow_mut().full = true;
	let mut sittings = (1..=4).map(|n| (n, fresh(n))).collect();
	run(&mut sittings, &shared, &info(), &[]);
	assert!(concluded(&shared).is_empty());
	assert!(shared.borrow().disks.is_empty());
	// Else a leader whose disk was full for a moment would never come to the next view.
	assert_eq!(shared.borrow().timers.len(), 4);
}

#[test]
fn a_member_that_was_restarted_goes_on_with_what_it_said() {
	let shared: Rc<RefCell<Shared>> = Rc::default();
	let mut sittings: BTreeMap<u8, Sitting> = (1..=4).map(|n| (n, fresh(n))).collect();
	run(&mut sittings, &shared, &info(), &[1, 2, 3, 4]);
	let record = shared.borrow().disks[&2].clone();
	assert_eq!(record.signed, Some(Judgement::Admit));
	// The others are gone; what it knows is on its disk.
	let mut alone = Sitting::new(GENESIS, ROUND, id(2), record, true);
	let mut world = Mock(2, shared.clone());
	alone.step(&info(), Some(&info()), Some(&policy()), Some(&REPLY), 31, &mut world);
	let told = std::mem::take(&mut shared.borrow_mut().told);
	let verdicts: Vec<_> = told
		.iter()
		.filter_map(|(_, message)| match message {
			Gossip::Signed(Signed { statement: Statement::Verdict(judgement, _), .. }) => Some(*judgement),
			_ => None,
		})
		.collect();
	assert_eq!(verdicts, [Judgement::Admit]);
}

#[test]
fn nothing_is_revealed_before_the_applicant_has_answered() {
	let shared: Rc<RefCell<Shared>> = Rc::default();
	let mut waiting = info();
	(waiting.answer, waiting.judging) = (None, false);
	waiting.seats.iter_mut().for_each(|seat| seat.revealed = false);
	let mut sitting = fresh(1);
	sitting.step(&waiting, Some(&waiting), Some(&policy()), Some(&REPLY), 15, &mut Mock(1, shared.clone()));
	assert!(shared.borrow().submitted.is_empty());
	let unanswered = waiting.clone();
	waiting.answer = Some(quote());
	sitting.step(&waiting, Some(&unanswered), Some(&policy()), Some(&REPLY), 15, &mut Mock(1, shared.clone()));
	sitting.step(&waiting, None, Some(&policy()), Some(&REPLY), 15, &mut Mock(1, shared.clone()));
	let mut another = waiting.clone();
	another.answer = Some(Quote { signature: BoundedVec::truncate_from(vec![1]), ..quote() });
	sitting.step(&another, Some(&waiting), Some(&policy()), Some(&REPLY), 15, &mut Mock(1, shared.clone()));
	assert!(shared.borrow().submitted.is_empty(), "the answer is not final");
	sitting.step(&waiting, Some(&waiting), Some(&policy()), Some(&REPLY), 15, &mut Mock(1, shared.clone()));
	assert!(matches!(&shared.borrow().submitted[..], [(1, Feeless::Reveal { secret, .. })] if *secret == [1; 32]));
}

#[test]
fn a_round_that_cannot_go_on_is_ended() {
	let shared: Rc<RefCell<Shared>> = Rc::default();
	let mut over = info();
	(over.expired, over.judging) = (true, false);
	fresh(1).step(&over, Some(&over), Some(&policy()), Some(&REPLY), 51, &mut Mock(1, shared.clone()));
	assert!(matches!(&shared.borrow().submitted[..], [(1, Feeless::Expire { round: ROUND })]));
}

#[test]
fn nobody_judges_what_is_not_final() {
	let shared: Rc<RefCell<Shared>> = Rc::default();
	let mut pending = info();
	pending.judging = false;
	let mut sitting = fresh(1);
	sitting.reached.insert(id(2));
	sitting.step(&info(), Some(&pending), Some(&policy()), Some(&REPLY), 31, &mut Mock(1, shared.clone()));
	sitting.step(&info(), None, Some(&policy()), Some(&REPLY), 31, &mut Mock(1, shared.clone()));
	assert!(shared.borrow().disks.is_empty());
	sitting.step(&info(), Some(&info()), Some(&policy()), Some(&REPLY), 31, &mut Mock(1, shared.clone()));
	assert!(!shared.borrow().disks.is_empty());
}

/// The gossip engine delivers a message once, whether or not its hearer has begun.
#[test]
fn what_is_said_before_a_member_begins_is_not_lost() {
	let shared: Rc<RefCell<Shared>> = Rc::default();
	let mut first: BTreeMap<u8, Sitting> = (1..=3).map(|n| (n, fresh(n))).collect();
	let mut last = fresh(4);
	let mut three = info();
	// All four votes are needed.
	three.expected = 59;
	for _ in 0..3 {
		for (n, sitting) in first.iter_mut() {
			sitting.step(&three, Some(&three), Some(&policy()), Some(&REPLY), 31, &mut Mock(*n, shared.clone()));
		}
		let told = std::mem::take(&mut shared.borrow_mut().told);
		for (from, message) in told {
			for (n, sitting) in first.iter_mut().filter(|(n, _)| **n != from) {
				sitting.hear(message.clone(), &mut Mock(*n, shared.clone()));
			}
			last.hear(message, &mut Mock(4, shared.clone()));
		}
	}
	assert!(!last.early.is_empty());
	last.step(&three, Some(&three), Some(&policy()), Some(&REPLY), 31, &mut Mock(4, shared.clone()));
	let said = shared.borrow().told.iter().any(|(n, message)| {
		let statement = Statement::Pbft(ec_pbft::Message::Prepare { view: 0, value: Some(Judgement::Admit) });
		*n == 4 && matches!(message, Gossip::Signed(signed) if signed.statement == statement)
	});
	assert!(said, "it prepares what was proposed before it began");
}
