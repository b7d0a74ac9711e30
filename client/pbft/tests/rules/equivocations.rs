//! Members that say two things.

use ec_pbft::Output;

use super::*;

fn equivocation(member: Id, first: Message<Value>, second: Message<Value>) -> Output<Id, Value, Seal> {
	Output::Equivocation { member, first: (first.clone(), (member, first)), second: (second.clone(), (member, second)) }
}

#[test]
fn the_first_vote_counts_and_the_second_is_reported() {
	for vote in [prepare, commit] {
		let mut member = Member::new(0);
		member.hears(3, vote(0, X));
		assert_eq!(member.hears(3, vote(0, Y)), [equivocation(3, vote(0, X), vote(0, Y))]);
		let status = member.round.status();
		let tally = if vote(0, X) == prepare(0, X) { status.prepares } else { status.commits };
		assert_eq!(tally, BTreeMap::from([(X, 1)]));
	}
}

#[test]
fn nil_after_a_value_is_an_equivocation_too() {
	let mut member = Member::new(0);
	member.hears(3, commit(0, X));
	assert_eq!(member.hears(3, commit(0, NIL)), [equivocation(3, commit(0, X), commit(0, NIL))]);
}

#[test]
fn a_second_vote_completes_no_quorum() {
	let mut member = Member::new(0);
	member.hears(3, commit(0, Y));
	member.hears_all(&[1, 2], commit(0, X));
	member.hears(3, commit(0, X));
	assert_eq!(member.round.decision(), None);
}

#[test]
fn the_first_proposal_counts_and_the_second_is_reported() {
	let mut member = Member::judging(1, b'x');
	member.hears(0, propose(0, b'y', None));
	let out = member.hears(0, propose(0, b'x', None));
	assert_eq!(out, [equivocation(0, propose(0, b'y', None), propose(0, b'x', None))]);
	assert_eq!(member.round.status().proposed, Y);
}

#[test]
fn a_proposal_with_another_proof_is_another_proposal() {
	let mut member = Member::new(0);
	member.hears(1, propose(5, b'x', Some(2)));
	let out = member.hears(1, propose(5, b'x', Some(3)));
	assert_eq!(out, [equivocation(1, propose(5, b'x', Some(2)), propose(5, b'x', Some(3)))]);
}

#[test]
fn an_equivocation_is_reported_once() {
	let mut member = Member::new(0);
	member.hears(3, prepare(0, X));
	assert_eq!(member.hears(3, prepare(0, Y)).len(), 1);
	for value in [b'a', b'b', b'c'] {
		assert_eq!(member.hears(3, prepare(0, Some(value))), []);
	}
}

#[test]
fn votes_in_different_views_or_phases_are_no_equivocation() {
	let mut member = Member::new(0);
	member.hears(3, prepare(0, X));
	assert_eq!(member.hears(3, prepare(1, Y)), []);
	assert_eq!(member.hears(3, commit(0, NIL)), []);
}

#[test]
fn equivocations_are_reported_after_the_decision_too() {
	let mut member = Member::new(0);
	member.hears_all(&[1, 2, 3], commit(0, X));
	assert_eq!(member.hears(3, commit(0, Y)), [equivocation(3, commit(0, X), commit(0, Y))]);
}
