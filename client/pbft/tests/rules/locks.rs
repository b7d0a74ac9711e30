//! A value that may be decided somewhere keeps its lock, and no lock stops the round.

use ec_pbft::{Output, Phase};

use super::*;

/// Member 1, locked on x in view 0 and now in view `view`.
fn locked(view: u32) -> Member {
	let mut member = Member::judging(1, b'x');
	member.hears(0, propose(0, b'x', None));
	assert_eq!(sent(&member.hears_all(&[0, 2], prepare(0, X))), [commit(0, X)]);
	member.hears_all(&[0, 2, 3], commit(view - 1, NIL));
	assert_eq!(member.round.status().view, view);
	assert_eq!(member.round.status().lock, Some((b'x', 0)));
	member
}

#[test]
fn a_locked_member_prepares_its_value_again() {
	let mut member = locked(2);
	assert_eq!(sent(&member.hears(2, propose(2, b'x', None))), [prepare(2, X)]);
}

#[test]
fn a_locked_member_does_not_prepare_another_value_because_it_judges_otherwise_now() {
	let mut member = locked(2);
	member.round.judged(b'y');
	assert_eq!(member.hears(2, propose(2, b'y', None)), []);
	assert_eq!(sent(&member.times_out(2, Phase::Propose)), [prepare(2, NIL)]);
}

#[test]
fn a_locked_member_does_not_prepare_another_value_on_the_leaders_word() {
	let mut member = locked(6);
	member.round.judged(b'y');
	assert_eq!(member.hears(2, propose(6, b'y', Some(3))), []);
}

#[test]
fn a_locked_member_does_not_prepare_another_value_when_it_saw_no_quorum_of_it() {
	let mut member = locked(6);
	member.round.judged(b'y');
	member.hears_all(&[0, 2], prepare(3, Y));
	assert_eq!(member.hears(2, propose(6, b'y', Some(3))), []);
	// Any time before the view fails is good enough.
	assert_eq!(sent(&member.hears(3, prepare(3, Y))), [prepare(6, Y)]);
}

#[test]
fn a_locked_member_prepares_another_value_when_it_saw_a_later_quorum_of_it() {
	let mut member = locked(6);
	member.hears_all(&[0, 2, 3], prepare(3, Y));
	assert_eq!(sent(&member.hears(2, propose(6, b'y', Some(3)))), [prepare(6, Y)]);
}

#[test]
fn a_quorum_of_another_view_than_the_proposal_tells_of_does_not_free_a_lock() {
	let mut member = locked(6);
	member.hears_all(&[0, 2, 3], prepare(3, Y));
	assert_eq!(member.hears(2, propose(6, b'y', Some(2))), []);
}

#[test]
fn an_earlier_quorum_does_not_free_a_later_lock() {
	let mut member = Member::judging(1, b'x');
	member.goes_to_view_of_other_leader(4);
	// Locks x in view 4, and only then learns that there was a quorum for y in view 2.
	assert_eq!(sent(&member.hears_all(&[0, 2, 3], prepare(4, X))), [prepare(4, X), commit(4, X)]);
	member.hears_all(&[0, 2, 3], commit(5, NIL));
	assert_eq!(member.round.status().view, 6);
	member.hears_all(&[0, 2, 3], prepare(2, Y));
	member.round.judged(b'y');
	assert_eq!(member.hears(2, propose(6, b'y', Some(2))), []);
	assert_eq!(sent(&member.times_out(6, Phase::Propose)), [prepare(6, NIL)]);
}

#[test]
fn a_later_quorum_of_prepares_moves_the_lock() {
	let mut member = locked(2);
	assert_eq!(sent(&member.hears_all(&[0, 2, 3], prepare(2, Y))), [prepare(2, Y), commit(2, Y)]);
	assert_eq!(member.round.status().lock, Some((b'y', 2)));
}

#[test]
fn a_quorum_seen_after_nil_was_committed_locks_nothing_but_is_proposed() {
	let mut member = Member::judging(1, b'y');
	member.hears_all(&[0, 2], prepare(0, NIL));
	member.times_out(0, Phase::Propose);
	assert_eq!(member.round.status().phase, Phase::Commit);
	// The quorum is of members with other votes: 0 and 2 said something else to others.
	member.round.receive_quorum(quorum(0, Phase::Prepare, b'x', &[0, 2, 3]));
	assert_eq!(member.round.status().lock, None);
	let out = member.hears_all(&[0, 2, 3], commit(0, NIL));
	assert_eq!(sent(&out)[..], [propose(1, b'x', Some(0)), prepare(1, X)]);
	assert!(matches!(out.last(), Some(Output::Send(_))));
	assert!(out.iter().any(|output| matches!(output, Output::Relay(quorum) if quorum.value == b'x')));
}

#[test]
fn a_leader_proposes_the_last_value_that_a_quorum_prepared_whatever_it_judges() {
	let mut member = locked(1 + 4);
	// Entering view 5, which it leads, it proposed at once.
	assert_eq!(member.round.status().proposed, X);
	member.round.judged(b'y');
	member.hears_all(&[0, 2, 3], commit(8, NIL));
	let out = member.round.retransmit();
	assert!(sent(&out).contains(&propose(9, b'x', Some(0))), "{out:?}");
}

#[test]
fn a_proposal_that_is_proven_by_its_own_or_a_later_view_is_ignored() {
	let mut member = Member::judging(1, b'x');
	for proven in [0, 1, u32::MAX] {
		assert_eq!(member.hears(0, propose(0, b'x', Some(proven))), []);
	}
	assert_eq!(member.round.status().proposed, None);
}

#[test]
fn an_unlocked_member_prepares_what_it_judges_whatever_the_leader_says_of_quorums() {
	let mut member = Member::judging(1, b'x');
	member.goes_to_view_of_other_leader(2);
	assert_eq!(sent(&member.hears(2, propose(2, b'x', Some(1)))), [prepare(2, X)]);
}

#[test]
fn judgements_that_turn_after_a_lock_do_not_stop_the_round() {
	// Member 1 is locked on x, and might be the only one who is. All judge y now. Were only y prepared, then member 1
	// would refuse it for ever; were only x prepared by member 1, x would never have a quorum.
	let mut member = Member::judging(3, b'y');
	member.goes_to_view_of_other_leader(1);
	assert_eq!(sent(&member.hears(1, propose(1, b'x', Some(0)))), []);
	let out = member.round.receive_quorum(quorum(0, Phase::Prepare, b'x', &[0, 1, 2]));
	assert_eq!(sent(&out), [prepare(1, X)]);
}

impl Member {
	/// As [`Member::goes_to`], for members who are not 0 and so may be heard as part of the others.
	fn goes_to_view_of_other_leader(&mut self, view: u32) {
		self.hears_all(&[0, 1, 2, 3], commit(view - 1, NIL));
		assert_eq!((self.round.status().view, self.round.status().phase), (view, Phase::Propose));
	}
}
