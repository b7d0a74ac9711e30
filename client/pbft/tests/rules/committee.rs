//! Which committees there can be, and how votes are counted.

use std::collections::BTreeMap;

use ec_pbft::{Committee, CommitteeError};

use super::weighted;

fn committee(members: &[(u8, u64)], order: &[u8]) -> Result<Committee<u8>, CommitteeError> {
	Committee::new(members.iter().copied().collect(), order.to_vec(), 4)
}

#[test]
fn a_committee_without_members_is_refused() {
	assert_eq!(committee(&[], &[]), Err(CommitteeError::Empty));
}

#[test]
fn a_member_without_votes_is_refused() {
	assert_eq!(committee(&[(0, 1), (1, 0)], &[0, 1]), Err(CommitteeError::NoVotes));
}

#[test]
fn votes_that_do_not_fit_are_refused() {
	assert_eq!(committee(&[(0, u64::MAX), (1, 1)], &[0, 1]), Err(CommitteeError::Overflow));
}

#[test]
fn a_stranger_in_the_order_is_refused() {
	assert_eq!(committee(&[(0, 1), (1, 1)], &[0, 1, 2]), Err(CommitteeError::StrangerLeads));
}

#[test]
fn a_member_twice_in_the_order_is_refused() {
	assert_eq!(committee(&[(0, 1), (1, 1)], &[0, 1, 0]), Err(CommitteeError::LeadsTwice));
}

#[test]
fn a_member_that_is_not_in_the_order_is_refused() {
	assert_eq!(committee(&[(0, 1), (1, 1)], &[0]), Err(CommitteeError::NeverLeads));
}

#[test]
fn errors_tell_what_is_wrong() {
	assert_eq!(CommitteeError::NoVotes.to_string(), "a member has no votes");
}

#[test]
fn a_quorum_is_strictly_more_than_two_thirds() {
	for (total, quorum) in [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (99, 67), (100, 67)] {
		let committee = weighted(&[total], total);
		assert_eq!(committee.quorum(), quorum, "of {total}");
		assert!(committee.is_quorum(quorum) && !committee.is_quorum(quorum - 1), "of {total}");
	}
}

#[test]
fn a_third_is_not_enough_to_have_an_honest_member_in_it() {
	assert!(!weighted(&[9], 9).has_honest(3));
	assert!(weighted(&[9], 9).has_honest(4));
}

#[test]
fn the_largest_total_does_not_overflow() {
	let committee = weighted(&[u64::MAX], 0);
	assert_eq!(committee.quorum(), 12_297_829_382_473_034_411);
	assert!(committee.has_honest(u64::MAX) && !committee.has_honest(u64::MAX / 3));
}

#[test]
fn seats_that_nobody_took_make_a_quorum_larger() {
	let committee = weighted(&[1, 1, 1], 6);
	assert_eq!((committee.total(), committee.quorum()), (6, 5));
}

#[test]
fn members_with_more_votes_than_expected_are_the_total() {
	assert_eq!(weighted(&[3, 3, 3], 4).total(), 9);
}

#[test]
fn leaders_follow_the_order_again_and_again() {
	let members = BTreeMap::from([(0, 1), (1, 1), (2, 1)]);
	let committee = Committee::new(members, vec![2, 0, 1], 3).unwrap();
	let leaders: Vec<_> = (0..7).map(|view| *committee.leader(view)).collect();
	assert_eq!(leaders, [2, 0, 1, 2, 0, 1, 2]);
	assert_eq!(*committee.leader(u32::MAX), 2);
}
