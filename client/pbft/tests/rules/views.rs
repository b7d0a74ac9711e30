//! How views end, and how late members catch up.

use ec_pbft::{Phase, Round};

use super::*;

#[test]
fn a_quorum_of_nil_commits_ends_the_view_at_once() {
	let mut member = Member::new(3);
	member.times_out(0, Phase::Propose);
	member.hears_all(&[0, 1], prepare(0, NIL));
	assert_eq!(member.hears(0, commit(0, NIL)), []);
	assert_eq!(member.hears(1, commit(0, NIL)), [timer(1, Phase::Propose)]);
}

#[test]
fn commits_that_differ_are_waited_on_for_a_timer_and_then_the_next_view_begins() {
	let mut member = Member::judging(1, b'x');
	member.hears(0, propose(0, b'x', None));
	member.hears_all(&[0, 2], prepare(0, X));
	member.hears(0, commit(0, X));
	assert_eq!(member.hears(3, commit(0, NIL)), [timer(0, Phase::Commit)]);
	let out = member.times_out(0, Phase::Commit);
	// It leads the next view, and was locked.
	assert_eq!(sent(&out), [propose(1, b'x', Some(0)), prepare(1, X)]);
	assert_eq!(member.round.status().view, 1);
}

#[test]
fn a_timer_of_a_view_that_is_over_does_nothing() {
	let mut member = Member::new(3);
	member.hears_all(&[0, 1, 2], commit(0, NIL));
	assert_eq!(member.round.status().view, 1);
	for phase in [Phase::Propose, Phase::Prepare, Phase::Commit] {
		assert_eq!(member.times_out(0, phase), []);
	}
}

#[test]
fn whoever_leaves_a_view_says_nil_in_it() {
	let mut member = Member::new(3);
	let out = member.hears_all(&[0, 1, 2], commit(0, NIL));
	assert_eq!(sent(&out), [prepare(0, NIL), commit(0, NIL)]);
}

#[test]
fn more_than_a_third_in_a_higher_view_are_followed() {
	let mut member = Member::new(0);
	assert_eq!(member.hears(1, prepare(7, X)), []);
	let out = member.hears(2, prepare(5, X));
	// It goes where one of the two is for sure, and says nil in the view below for those who are there.
	assert_eq!(out, [send(prepare(4, NIL)), send(commit(4, NIL)), timer(5, Phase::Propose)]);
}

#[test]
fn a_third_in_a_higher_view_is_not_followed() {
	let (mut round, _) = Round::<Id, Value, Seal>::new(weighted(&[2, 1, 1, 2], 6), Some(0));
	for from in [1, 2] {
		assert_eq!(round.receive(from, prepare(9, X), (from, prepare(9, X))), []);
	}
	assert_eq!(round.status().view, 0);
	round.receive(3, commit(1, NIL), (3, commit(1, NIL)));
	assert_eq!(round.status().view, 1);
}

#[test]
fn a_member_cannot_lead_others_to_a_view_in_which_nobody_honest_is() {
	let mut member = Member::new(0);
	for view in [u32::MAX, u32::MAX - 1, 1_000] {
		member.hears(3, prepare(view, X));
		member.hears(3, commit(view, X));
	}
	member.hears(1, commit(2, NIL));
	assert_eq!(member.round.status().view, 2);
}

#[test]
fn votes_of_a_view_count_when_they_come_before_the_member_is_there() {
	let mut member = Member::judging(3, b'x');
	member.hears(1, propose(1, b'x', None));
	member.hears(2, prepare(1, X));
	assert_eq!(member.round.status().view, 1);
	assert_eq!(member.round.status().phase, Phase::Prepare);
	assert_eq!(sent(&member.hears(1, prepare(1, X))), [commit(1, X)]);
}

#[test]
fn the_last_view_of_all_does_not_overflow() {
	let mut member = Member::new(0);
	member.hears_all(&[1, 2, 3], commit(u32::MAX, NIL));
	assert_eq!(member.round.status().view, u32::MAX);
	assert_eq!(member.times_out(u32::MAX, Phase::Commit), []);
	assert_eq!(member.round.status().view, u32::MAX);
}

#[test]
fn retransmission_is_what_was_said_in_the_last_two_views_and_at_the_lock() {
	let mut member = Member::judging(1, b'x');
	member.hears(0, propose(0, b'x', None));
	member.hears_all(&[0, 2], prepare(0, X));
	for view in 0..100 {
		member.hears_all(&[0, 2, 3], commit(view, NIL));
	}
	let out = member.round.retransmit();
	assert_eq!(
		sent(&out),
		[prepare(0, X), commit(0, X), prepare(98, NIL), commit(98, NIL), prepare(99, NIL), commit(99, NIL),]
	);
	assert_eq!(out.len(), 7, "and the quorum of prepares");
	assert_eq!(member.round.memory().said, sent(&out));
}

#[test]
fn an_observer_says_nothing_and_follows() {
	for me in [None, Some(9)] {
		let (round, out) = Round::<Id, Value, Seal>::new(four(), me);
		let mut observer = Member { round };
		assert_eq!(out, []);
		assert_eq!(observer.round.judged(b'x'), []);
		assert_eq!(observer.hears(0, propose(0, b'x', None)), []);
		assert_eq!(observer.hears_all(&[0, 1, 2], prepare(0, X)), []);
		assert_eq!(observer.round.status().phase, Phase::Prepare);
		assert_eq!(observer.times_out(0, Phase::Propose), []);
		assert_eq!(observer.hears_all(&[1, 2], commit(3, NIL)), []);
		assert_eq!(observer.round.status().view, 3);
		assert_eq!(observer.hears_all(&[0, 1, 2], commit(0, X)), [decided(b'x', 0)]);
		assert_eq!(observer.round.retransmit(), []);
	}
}
