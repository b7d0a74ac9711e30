//! Crashes: what is remembered binds.

use codec::{Decode, Encode};
use ec_pbft::{Memory, Phase, Round};

use super::*;

/// Crashes the member and brings it back from what was on its disk.
fn restarted(member: Member, me: Id) -> (Member, Outputs) {
	let disk = member.round.memory().encode();
	let (round, out) = Round::restore(four(), Some(me), Memory::decode(&mut &disk[..]).unwrap());
	(Member { round }, out)
}

#[test]
fn a_restarted_member_prepares_nothing_else_in_a_view_in_which_it_prepared() {
	let mut member = Member::judging(1, b'x');
	member.hears(0, propose(0, b'x', None));
	let (mut member, out) = restarted(member, 1);
	assert_eq!(out, []);
	member.round.judged(b'y');
	assert_eq!(member.hears(0, propose(0, b'y', None)), []);
	assert_eq!(member.times_out(0, Phase::Propose), []);
	assert_eq!(sent(&member.round.retransmit()), [prepare(0, X)]);
}

#[test]
fn a_member_that_forgets_contradicts_itself() {
	// The same without what was on disk: this is why it has to be there.
	let mut member = Member::judging(1, b'x');
	assert_eq!(member.hears(0, propose(0, b'x', None)), [send(prepare(0, X))]);
	let mut member = Member::judging(1, b'y');
	assert_eq!(member.hears(0, propose(0, b'y', None)), [send(prepare(0, Y))]);
}

#[test]
fn a_restarted_leader_does_not_propose_twice() {
	let member = Member::judging(0, b'x');
	let (mut member, _) = restarted(member, 0);
	assert_eq!(member.round.judged(b'y'), []);
	assert_eq!(sent(&member.round.retransmit()), [propose(0, b'x', None), prepare(0, X)]);
}

#[test]
fn a_leader_that_crashed_between_proposing_and_preparing_prepares_its_proposal_only() {
	let memory = Memory { said: vec![propose(0, b'x', None)], prepared: None, decided: None };
	let (mut round, out) = Round::<Id, Value, Seal>::restore(four(), Some(0), memory);
	assert_eq!(out, [timer(0, Phase::Propose)]);
	assert_eq!(round.judged(b'y'), []);
	assert_eq!(round.judged(b'x'), [send(prepare(0, X))]);
}

#[test]
fn a_restarted_member_keeps_its_lock() {
	let mut member = Member::judging(1, b'x');
	member.hears(0, propose(0, b'x', None));
	member.hears_all(&[0, 2], prepare(0, X));
	for view in 0..20 {
		member.hears_all(&[0, 2, 3], commit(view, NIL));
	}
	let (mut member, _) = restarted(member, 1);
	assert_eq!(member.round.status().lock, Some((b'x', 0)));
	assert_eq!(member.round.status().view, 19);
	member.round.judged(b'y');
	member.hears_all(&[0, 2, 3], commit(21, NIL));
	assert_eq!(member.hears(2, propose(22, b'y', None)), []);
	assert_eq!(sent(&member.times_out(22, Phase::Propose)), [prepare(22, NIL)]);
}

#[test]
fn a_restarted_member_can_still_prove_its_lock_to_others() {
	let mut member = Member::judging(1, b'x');
	member.hears(0, propose(0, b'x', None));
	member.hears_all(&[0, 2], prepare(0, X));
	let (mut member, _) = restarted(member, 1);
	let out = member.hears_all(&[0, 2, 3], commit(0, NIL));
	assert_eq!(sent(&out), [propose(1, b'x', Some(0)), prepare(1, X)]);
	assert!(out.iter().any(|output| matches!(output, Output::Relay(quorum) if quorum.votes.len() == 3)));
}

#[test]
fn a_lock_without_its_quorum_is_proposed_without_proof() {
	let memory = Memory { said: vec![commit(0, X)], prepared: None, decided: None };
	let (round, _) = Round::<Id, Value, Seal>::restore(four(), Some(1), memory);
	let mut member = Member { round };
	member.round.judged(b'y');
	let out = member.hears_all(&[0, 2, 3], commit(0, NIL));
	assert_eq!(sent(&out), [prepare(0, NIL), propose(1, b'x', None), prepare(1, X)]);
}

#[test]
fn a_restarted_member_remembers_the_decision() {
	let mut member = Member::judging(1, b'x');
	member.hears_all(&[0, 2, 3], commit(4, Y));
	let (member, out) = restarted(member, 1);
	assert_eq!(out, [decided(b'y', 4)]);
	assert_eq!(member.round.decision(), Some(&b'y'));
	assert!(matches!(member.round.retransmit()[..], [Output::Relay(_)]));
}

#[test]
fn a_memory_that_contradicts_itself_counts_what_is_first() {
	let memory = Memory { said: vec![prepare(0, X), prepare(0, Y), commit(0, NIL)], prepared: None, decided: None };
	let (round, _) = Round::<Id, Value, Seal>::restore(four(), Some(1), memory);
	assert_eq!(round.memory().said, [prepare(0, X), commit(0, NIL)]);
	assert_eq!(round.status().phase, Phase::Commit);
}

/// Lets members 1 and 2 talk until nothing more happens. Timers run out when nobody has anything to say. Member 3 is
/// Byzantine: it votes with whoever votes.
fn talk(one: &mut Member, two: &mut Member) {
	let mut pending: Vec<(Id, Output<Id, Value, Seal>)> = Vec::new();
	pending.extend(one.round.retransmit().into_iter().map(|output| (1, output)));
	pending.push((1, timer(one.round.status().view, one.round.status().phase)));
	pending.push((2, timer(0, Phase::Propose)));
	for _ in 0..1_000 {
		let talks = |(_, output): &(Id, Output<_, _, _>)| !matches!(output, Output::StartTimer(_));
		let Some(next) = pending.iter().position(talks).or((!pending.is_empty()).then_some(0)) else { return };
		let (from, output) = pending.remove(next);
		let (me, other) = if from == 1 { (&mut *one, &mut *two) } else { (&mut *two, &mut *one) };
		match output {
			Output::StartTimer(timeout) => {
				pending.extend(me.round.timeout(timeout).into_iter().map(|output| (from, output)));
			}
			Output::Send(message) => {
				let mut heard = other.hears(from, message.clone());
				if message.phase() != Phase::Propose {
					pending.extend(me.hears(3, message.clone()).into_iter().map(|output| (from, output)));
					heard.extend(other.hears(3, message));
				}
				pending.extend(heard.into_iter().map(|output| (3 - from, output)));
			}
			Output::Relay(relayed) => {
				let relayed = relayed.sealed(|message| (from, message.clone()));
				pending.extend(other.round.receive_quorum(relayed).into_iter().map(|output| (3 - from, output)));
			}
			Output::Decided { .. } | Output::Equivocation { .. } => {}
		}
	}
}

/// What is decided in two halves, with member 3 Byzantine and in both: first by 0 with 1, then by 1 with 2. Member 1
/// crashes in between, and judges otherwise afterwards.
fn two_halves(remembers: bool) -> (Option<Value>, Option<Value>) {
	let mut zero = Member::judging(0, b'x');
	let mut one = Member::judging(1, b'x');
	one.hears(0, propose(0, b'x', None));
	zero.hears_all(&[1, 3], prepare(0, X));
	assert_eq!(sent(&one.hears_all(&[0, 3], prepare(0, X))), [commit(0, X)]);
	zero.hears_all(&[1, 3], commit(0, X));

	let mut one = if remembers { restarted(one, 1).0 } else { Member::new(1) };
	one.round.judged(b'y');
	let mut two = Member::judging(2, b'y');
	talk(&mut one, &mut two);
	assert_eq!(one.round.decision(), two.round.decision());
	(zero.round.decision().copied(), two.round.decision().copied())
}

#[test]
fn with_a_member_that_forgets_two_values_are_decided() {
	assert_eq!(two_halves(false), (X, Y));
}

#[test]
fn with_a_member_that_remembers_one_value_is_decided() {
	assert_eq!(two_halves(true), (X, X));
}
