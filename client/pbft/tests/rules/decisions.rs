//! What decides, and what does not.

use ec_pbft::{Output, Phase};

use super::*;

#[test]
fn a_quorum_of_commits_decides() {
	let mut member = Member::new(0);
	assert_eq!(member.hears_all(&[1, 2], commit(0, X)), []);
	assert_eq!(member.hears(3, commit(0, X)), [decided(b'x', 0)]);
	assert_eq!(member.round.decision(), Some(&b'x'));
}

#[test]
fn commits_for_different_values_decide_nothing() {
	let mut member = Member::new(0);
	member.hears_all(&[1, 2], commit(0, X));
	member.hears(3, commit(0, Y));
	assert_eq!(member.round.decision(), None);
}

#[test]
fn commits_of_different_views_decide_nothing() {
	let mut member = Member::new(0);
	member.hears_all(&[1, 2], commit(0, X));
	member.hears(3, commit(1, X));
	assert_eq!(member.round.decision(), None);
}

#[test]
fn prepares_decide_nothing() {
	let mut member = Member::new(0);
	member.hears_all(&[1, 2, 3], prepare(0, X));
	assert_eq!(member.round.decision(), None);
}

#[test]
fn nil_is_never_decided() {
	let mut member = Member::new(0);
	let out = member.hears_all(&[1, 2, 3], commit(0, NIL));
	assert!(!out.iter().any(|output| matches!(output, Output::Decided { .. })));
}

#[test]
fn the_same_commit_many_times_is_one() {
	let mut member = Member::new(0);
	for _ in 0..10 {
		assert_eq!(member.hears(1, commit(0, X)), []);
	}
	assert_eq!(member.round.status().commits, BTreeMap::from([(X, 1)]));
}

#[test]
fn commits_of_a_view_long_over_decide() {
	let mut late = Member::new(0);
	for view in 1..50 {
		late.hears_all(&[1, 2, 3], prepare(view, NIL));
		late.hears_all(&[1, 2, 3], commit(view, NIL));
	}
	assert_eq!(late.round.status().view, 50);
	assert_eq!(late.hears_all(&[3, 1], commit(0, X)), []);
	assert_eq!(late.hears(2, commit(0, X)), [decided(b'x', 0)]);
}

#[test]
fn commits_of_a_view_to_come_decide() {
	let mut member = Member::new(0);
	let out = member.hears_all(&[1, 2, 3], commit(7, X));
	assert_eq!(out.last(), Some(&decided(b'x', 7)));
}

#[test]
fn a_decided_member_says_nothing_any_more_but_shows_why() {
	let mut member = Member::judging(0, b'x');
	member.hears_all(&[1, 2, 3], commit(0, Y));
	assert_eq!(member.round.judged(b'y'), []);
	assert_eq!(member.hears_all(&[1, 2, 3], prepare(5, X)), []);
	assert_eq!(member.times_out(0, Phase::Propose), []);
	assert_eq!(member.hears_all(&[1, 2, 3], commit(1, X)), [], "nothing is decided twice");
	let [Output::Relay(relayed)] = &member.round.retransmit()[..] else { panic!("one quorum is relayed") };
	let relayed = relayed.clone().sealed(|message| (0, message.clone()));
	assert_eq!(relayed, quorum(0, Phase::Commit, b'y', &[1, 2, 3]));
	assert_eq!(Member::new(2).round.receive_quorum(relayed), [decided(b'y', 0)]);
}

#[test]
fn empty_seats_keep_members_from_deciding_alone() {
	let (round, _) = ec_pbft::Round::new(weighted(&[1, 1, 1, 1], 6), Some(0));
	let mut member = Member { round };
	assert_eq!(member.hears_all(&[1, 2, 3], commit(0, X)), [], "three of six");
}
