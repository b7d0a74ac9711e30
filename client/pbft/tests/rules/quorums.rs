//! Quorums that somebody relays.

use ec_pbft::{Output, Phase};

use super::*;

#[test]
fn a_relayed_quorum_of_commits_decides_in_whatever_view_it_is() {
	for view in [0, 3, 1_000] {
		let mut member = Member::new(0);
		member.goes_to(3);
		let out = member.round.receive_quorum(quorum(view, Phase::Commit, b'x', &[1, 2, 3]));
		assert_eq!(out.last(), Some(&decided(b'x', view)));
	}
}

#[test]
fn a_relayed_quorum_of_prepares_is_committed_in_its_view() {
	let mut member = Member::new(0);
	let out = member.round.receive_quorum(quorum(0, Phase::Prepare, b'x', &[1, 2, 3]));
	assert_eq!(sent(&out), [prepare(0, X), commit(0, X)]);
}

#[test]
fn a_relayed_quorum_of_a_higher_view_is_followed() {
	let mut member = Member::new(0);
	let out = member.round.receive_quorum(quorum(9, Phase::Prepare, b'x', &[1, 2, 3]));
	assert_eq!(sent(&out), [prepare(8, NIL), commit(8, NIL), prepare(9, X), commit(9, X)]);
}

#[test]
fn too_few_votes_are_no_quorum_whoever_relays_them() {
	for phase in [Phase::Prepare, Phase::Commit] {
		let mut member = Member::new(0);
		for forged in [&[1, 2][..], &[], &[1, 2, 7, 8, 9]] {
			let forged = quorum(0, phase, b'x', forged);
			assert!(!member.round.wants(&forged));
			assert_eq!(member.round.receive_quorum(forged), []);
		}
		assert_eq!(member.round.status().prepares, BTreeMap::new());
	}
}

#[test]
fn there_are_no_quorums_of_proposals() {
	let mut member = Member::new(0);
	let forged = quorum(0, Phase::Propose, b'x', &[1, 2, 3]);
	assert_eq!(forged.message(), None);
	assert!(!member.round.wants(&forged));
	assert_eq!(member.round.receive_quorum(forged), []);
}

#[test]
fn strangers_in_a_quorum_are_not_kept() {
	let mut member = Member::new(0);
	member.round.receive_quorum(quorum(0, Phase::Commit, b'x', &[1, 2, 3, 7, 8]));
	let decided = member.round.memory().decided.unwrap();
	assert_eq!(decided.votes.into_keys().collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_quorum_is_not_wanted_when_a_later_one_was_seen() {
	let mut member = Member::new(0);
	member.round.receive_quorum(quorum(5, Phase::Prepare, b'x', &[1, 2, 3]));
	assert!(!member.round.wants(&quorum(5, Phase::Prepare, b'x', &[1, 2, 3])));
	assert!(!member.round.wants(&quorum(4, Phase::Prepare, b'x', &[1, 2, 3])));
	assert!(member.round.wants(&quorum(6, Phase::Prepare, b'x', &[1, 2, 3])));
	assert!(member.round.wants(&quorum(0, Phase::Commit, b'x', &[1, 2, 3])));
}

#[test]
fn a_vote_that_was_shown_to_some_only_cannot_be_hidden_from_the_others() {
	// Member 3 prepared x for those who locked it, and nil for member 0. By itself only nil counts at member 0.
	let mut member = Member::new(0);
	member.hears(3, prepare(0, NIL));
	member.hears_all(&[1, 2], prepare(0, X));
	assert_eq!(member.hears(3, prepare(0, X)).len(), 1, "an equivocation, and no commit");
	assert_eq!(member.round.status().phase, Phase::Propose);
	let out = member.round.receive_quorum(quorum(0, Phase::Prepare, b'x', &[1, 2, 3]));
	assert_eq!(sent(&out), [prepare(0, X), commit(0, X)]);
}

#[test]
fn equivocations_show_in_a_relayed_quorum() {
	let mut member = Member::new(0);
	member.hears(3, prepare(0, NIL));
	let out = member.round.receive_quorum(quorum(0, Phase::Prepare, b'x', &[1, 2, 3]));
	assert!(matches!(&out[0], Output::Equivocation { member: 3, first, second }
		if first.0 == prepare(0, NIL) && second.0 == prepare(0, X)));
}

#[test]
fn a_member_seals_its_own_vote_in_what_it_relays() {
	let mut member = Member::judging(0, b'x');
	member.hears_all(&[1, 2], prepare(0, X));
	member.hears_all(&[1, 2, 3], commit(0, NIL));
	let out = member.round.retransmit();
	let Some(Output::Relay(relayed)) = out.last() else { panic!("the quorum is relayed") };
	assert_eq!(relayed.votes[&0], None);
	let relayed = relayed.clone().sealed(|message| (0, message.clone()));
	assert_eq!(relayed, quorum(0, Phase::Prepare, b'x', &[0, 1, 2]));
}
