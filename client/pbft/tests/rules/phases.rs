//! Propose, prepare, commit.

use ec_pbft::{Phase, Round};

use super::*;

#[test]
fn the_leader_proposes_and_prepares_what_it_judges() {
	let out = Member::new(0).round.judged(b'x');
	assert_eq!(out, [send(propose(0, b'x', None)), send(prepare(0, X))]);
}

#[test]
fn the_leader_proposes_nothing_without_a_judgement() {
	let mut member = Member::new(0);
	assert_eq!(member.times_out(0, Phase::Propose), [send(prepare(0, NIL))]);
	// Too late now: its view has failed already as far as it is concerned.
	assert_eq!(member.round.judged(b'x'), []);
}

#[test]
fn the_leader_proposes_once_a_view() {
	let mut member = Member::judging(0, b'x');
	assert_eq!(member.round.judged(b'y'), []);
}

#[test]
fn a_member_proposes_nothing_in_the_view_of_another() {
	assert_eq!(Member::new(1).round.judged(b'x'), []);
}

#[test]
fn a_member_prepares_a_proposal_that_it_judges_alike() {
	let out = Member::judging(1, b'x').hears(0, propose(0, b'x', None));
	assert_eq!(out, [send(prepare(0, X))]);
}

#[test]
fn a_member_prepares_nothing_that_it_judges_otherwise() {
	let mut member = Member::judging(1, b'y');
	assert_eq!(member.hears(0, propose(0, b'x', None)), []);
	assert_eq!(member.times_out(0, Phase::Propose), [send(prepare(0, NIL))]);
}

#[test]
fn a_member_without_a_judgement_prepares_nil_when_time_is_over() {
	let mut member = Member::new(1);
	assert_eq!(member.hears(0, propose(0, b'x', None)), []);
	assert_eq!(member.times_out(0, Phase::Propose), [send(prepare(0, NIL))]);
}

#[test]
fn a_judgement_that_comes_before_time_is_over_counts() {
	let mut member = Member::new(1);
	member.hears(0, propose(0, b'x', None));
	assert_eq!(member.round.judged(b'y'), []);
	assert_eq!(member.round.judged(b'x'), [send(prepare(0, X))]);
}

#[test]
fn a_member_that_prepared_prepares_nothing_else_when_its_judgement_turns() {
	let mut member = Member::judging(1, b'x');
	member.hears(0, propose(0, b'x', None));
	assert_eq!(member.round.judged(b'y'), []);
	assert_eq!(member.times_out(0, Phase::Propose), []);
}

#[test]
fn a_proposal_of_somebody_who_does_not_lead_is_ignored() {
	let mut member = Member::judging(1, b'x');
	assert_eq!(member.hears(2, propose(0, b'x', None)), []);
	assert_eq!(member.hears(0, propose(0, b'x', None)), [send(prepare(0, X))]);
}

#[test]
fn a_quorum_of_prepares_is_committed() {
	let mut member = Member::judging(1, b'x');
	member.hears(0, propose(0, b'x', None));
	assert_eq!(member.hears(0, prepare(0, X)), []);
	assert_eq!(member.hears(2, prepare(0, X)), [send(commit(0, X))]);
}

#[test]
fn two_thirds_of_the_votes_are_no_quorum_of_prepares() {
	let (mut round, _) = Round::<Id, Value, Seal>::new(weighted(&[1, 1, 1], 3), Some(1));
	round.judged(b'x');
	round.receive(0, propose(0, b'x', None), (0, prepare(0, X)));
	assert_eq!(round.receive(0, prepare(0, X), (0, prepare(0, X))), []);
	assert_eq!(sent(&round.receive(2, prepare(0, X), (2, prepare(0, X)))), [commit(0, X)]);
}

#[test]
fn a_quorum_is_of_votes_and_not_of_members() {
	let (mut round, _) = Round::<Id, Value, Seal>::new(weighted(&[1, 1, 1, 7], 10), Some(0));
	round.judged(b'x');
	assert_eq!(sent(&round.receive(1, prepare(0, X), (1, prepare(0, X)))), []);
	assert_eq!(sent(&round.receive(2, prepare(0, X), (2, prepare(0, X)))), []);
	assert_eq!(sent(&round.receive(3, prepare(0, X), (3, prepare(0, X)))), [commit(0, X)]);
}

#[test]
fn a_member_commits_what_a_quorum_prepared_whatever_it_judges_itself() {
	let mut member = Member::judging(3, b'y');
	assert_eq!(member.hears_all(&[0, 1, 2], prepare(0, X)), [send(prepare(0, X)), send(commit(0, X))]);
}

#[test]
fn nobody_commits_without_having_prepared() {
	// Byzantine members can show a quorum to one member before it prepares. The others may need its vote to go on.
	for value in [X, NIL] {
		let mut member = Member::new(3);
		let out = member.hears_all(&[0, 1, 2], prepare(0, value));
		assert_eq!(sent(&out), [prepare(0, value), commit(0, value)]);
	}
}

#[test]
fn prepares_of_different_views_are_no_quorum() {
	let mut member = Member::judging(1, b'x');
	member.hears(0, propose(0, b'x', None));
	member.hears(0, prepare(0, X));
	assert_eq!(member.hears(2, prepare(1, X)), []);
}

#[test]
fn prepares_that_differ_are_waited_on_for_a_timer_and_then_nil_is_committed() {
	let mut member = Member::judging(1, b'x');
	member.hears(0, propose(0, b'x', None));
	member.hears(0, prepare(0, X));
	assert_eq!(member.hears(2, prepare(0, NIL)), [timer(0, Phase::Prepare)]);
	assert_eq!(member.times_out(0, Phase::Prepare), [send(commit(0, NIL))]);
	assert_eq!(member.hears(3, prepare(0, X)), [], "too late to commit, it said nil");
}

#[test]
fn a_prepare_that_comes_before_that_timer_runs_out_is_still_committed() {
	let mut member = Member::judging(1, b'x');
	member.hears(0, propose(0, b'x', None));
	member.hears(0, prepare(0, X));
	member.hears(2, prepare(0, NIL));
	assert_eq!(member.hears(3, prepare(0, X)), [send(commit(0, X))]);
	assert_eq!(member.times_out(0, Phase::Prepare), []);
}

#[test]
fn a_timer_that_was_not_asked_for_does_nothing() {
	let mut member = Member::judging(1, b'x');
	member.hears(0, propose(0, b'x', None));
	assert_eq!(member.times_out(0, Phase::Prepare), []);
	assert_eq!(member.times_out(0, Phase::Commit), []);
	assert_eq!(member.times_out(7, Phase::Propose), []);
}

#[test]
fn a_quorum_of_nil_is_committed_as_nil_at_once() {
	let mut member = Member::new(1);
	member.hears_all(&[0, 2], prepare(0, NIL));
	assert_eq!(member.hears(3, prepare(0, NIL)), [send(prepare(0, NIL)), send(commit(0, NIL))]);
}

#[test]
fn strangers_are_ignored() {
	let mut member = Member::judging(1, b'x');
	member.hears(0, propose(0, b'x', None));
	assert_eq!(member.hears_all(&[4, 5, 6, 7], prepare(0, X)), []);
	assert_eq!(member.hears_all(&[4, 5, 6, 7], commit(0, X)), []);
	assert_eq!(member.round.status().prepares, BTreeMap::from([(X, 1)]));
}

#[test]
fn what_comes_in_the_members_own_name_is_ignored() {
	let mut member = Member::judging(1, b'x');
	member.hears(0, prepare(0, X));
	assert_eq!(member.hears(1, prepare(0, X)), []);
	assert_eq!(member.round.status().prepares, BTreeMap::from([(X, 1)]));
}

#[test]
fn a_committee_of_one_decides_by_itself() {
	let (mut round, _) = Round::<Id, Value, Seal>::new(weighted(&[5], 5), Some(0));
	let out = round.judged(b'x');
	assert_eq!(sent(&out), [propose(0, b'x', None), prepare(0, X), commit(0, X)]);
	assert_eq!(out.last(), Some(&decided(b'x', 0)));
}

#[test]
fn an_operator_sees_how_it_stands_and_whom_it_waits_for() {
	let mut member = Member::new(1);
	let status = member.round.status();
	assert_eq!((status.view, status.phase, status.leader), (0, Phase::Propose, 0));
	assert_eq!((status.waits_for, status.quorum), (vec![0], 3));

	member.round.judged(b'x');
	member.hears(0, propose(0, b'x', None));
	member.hears(2, prepare(0, NIL));
	let status = member.round.status();
	assert_eq!((status.phase, status.proposed, status.judgement), (Phase::Prepare, X, X));
	assert_eq!(status.prepares, BTreeMap::from([(X, 1), (NIL, 1)]));
	assert_eq!(status.waits_for, [0, 3]);

	member.hears_all(&[0, 3], prepare(0, X));
	let status = member.round.status();
	assert_eq!((status.phase, status.lock, status.prepared), (Phase::Commit, Some((b'x', 0)), Some((b'x', 0))));
	assert_eq!(status.commits, BTreeMap::from([(X, 1)]));
	assert_eq!(status.waits_for, [0, 2, 3]);

	member.hears_all(&[0, 3], commit(0, X));
	let status = member.round.status();
	assert_eq!((status.decided, status.waits_for), (Some((b'x', 0)), vec![]));
}
