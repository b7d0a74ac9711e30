//! `limit_change`: how voters follow the members.

use std::collections::BTreeMap;

use crate::voters::limit_change;

type Set = Vec<(u32, u64)>;

fn total(set: &Set) -> u64 {
	set.iter().map(|voter| voter.1).sum()
}

/// The weight that goes and the weight that comes, together.
fn moved(from: &Set, to: &Set) -> u64 {
	let (from, to): (BTreeMap<_, _>, BTreeMap<_, _>) = (from.iter().copied().collect(), to.iter().copied().collect());
	let of = |set: &BTreeMap<u32, u64>, id| set.get(id).copied().unwrap_or(0);
	let ids: std::collections::BTreeSet<_> = from.keys().chain(to.keys()).collect();
	ids.into_iter().map(|id| of(&from, id).abs_diff(of(&to, id))).sum()
}

fn sorted(mut set: Set) -> Set {
	set.sort();
	set
}

struct Random(u64);

impl Random {
	fn below(&mut self, bound: u64) -> u64 {
		self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
		(self.0 >> 33) % bound
	}

	fn set(&mut self, most: u64) -> Set {
		let mut set = BTreeMap::new();
		for _ in 0..self.below(most + 1) {
			let magnitude = [1, 10, 1_000, 1_000_000][self.below(4) as usize];
			set.insert(self.below(40) as u32, self.below(magnitude + 1));
		}
		set.into_iter().collect()
	}
}

#[test]
fn nothing_changes_where_nothing_has_to() {
	let set: Set = vec![(3, 10), (1, 20)];
	assert_eq!(limit_change(&set, &set, 10), set);
	// The order of the target does not matter.
	assert_eq!(limit_change(&set, &[(1, 20), (3, 10)], 10), set);
}

#[test]
fn a_small_change_is_made_at_once() {
	let set: Set = vec![(1, 100), (2, 100), (3, 100), (4, 100)];
	assert_eq!(limit_change(&set, &[(1, 100), (2, 100), (3, 100)], 10), [(1, 100), (2, 100), (3, 100)]);
	assert_eq!(
		limit_change(&set, &[(1, 90), (2, 110), (3, 100), (4, 100), (5, 30)], 10),
		[(1, 90), (2, 110), (3, 100), (4, 100), (5, 30)]
	);
}

#[test]
fn a_large_change_is_made_by_quarters() {
	let set: Set = vec![(1, 400), (2, 400)];
	// Half of the step of 200 each.
	assert_eq!(limit_change(&set, &[(1, 400), (3, 400)], 10), [(1, 400), (2, 300), (3, 100)]);
	// What one side does not need, the other uses.
	assert_eq!(limit_change(&set, &[(1, 400)], 10), [(1, 400), (2, 200)]);
	assert_eq!(limit_change(&set, &[(1, 400), (2, 400), (3, 900)], 10), [(1, 400), (2, 400), (3, 200)]);
}

#[test]
fn who_leaves_goes_before_who_loses_and_who_arrives_comes_before_who_gains() {
	let set: Set = vec![(1, 400), (2, 100), (3, 300)];
	assert_eq!(limit_change(&set, &[(1, 100), (3, 900), (4, 60)], 10), [(1, 400), (3, 340), (4, 60)]);
}

#[test]
fn no_target_changes_nothing_and_no_set_is_the_target() {
	let set: Set = vec![(1, 4), (2, 0)];
	assert_eq!(limit_change(&set, &[], 10), [(1, 4)]);
	assert_eq!(limit_change(&set, &[(7, 0)], 10), [(1, 4)]);
	assert_eq!(limit_change(&[], &set, 10), [(1, 4)]);
	assert_eq!(limit_change::<u32>(&[], &[], 10), []);
}

#[test]
fn a_full_set_makes_room_before_others_arrive() {
	let mut set: Set = vec![(1, 100), (2, 100)];
	let target: Set = vec![(3, 100), (4, 100)];
	for _ in 0..100 {
		let next = limit_change(&set, &target, 2);
		assert!((1..=2).contains(&next.len()));
		set = next;
	}
	assert_eq!(sorted(set), target);
}

#[test]
fn one_voter_of_weight_one_hands_over() {
	assert_eq!(limit_change(&[(1, 1)], &[(2, 5)], 1), [(2, 1)]);
	assert_eq!(limit_change(&[(1, 1)], &[(2, 5)], 2), [(1, 1), (2, 1)]);
}

#[test]
fn any_step_is_a_quarter_at_most_has_no_zeros_is_not_empty_and_bounded() {
	let mut random = Random(1);
	for _ in 0..20_000 {
		let (current, target) = (random.set(12), random.set(12));
		let max_len = 2 + random.below(12) as usize;
		let next = limit_change(&current, &target, max_len);
		let before: Set = current.iter().filter(|voter| voter.1 > 0).copied().collect();
		assert!(next.iter().all(|voter| voter.1 > 0));
		assert!(next.len() <= max_len.max(before.len()), "{current:?} {target:?} {max_len} {next:?}");
		if before.is_empty() {
			continue;
		}
		assert!(!next.is_empty(), "{current:?} {target:?} {max_len}");
		let allowed = (total(&before) / 4).max(1);
		assert!(moved(&before, &next) <= allowed, "{current:?} {target:?} {max_len} {next:?}");
	}
}

#[test]
fn steps_end_at_the_target() {
	let mut random = Random(2);
	for _ in 0..2_000 {
		let (mut set, target) = (random.set(12), random.set(12));
		let max_len = 1 + random.below(12) as usize;
		let goal: Set = target.iter().filter(|voter| voter.1 > 0).take(max_len).copied().collect();
		if goal.is_empty() {
			continue;
		}
		let mut steps = 0;
		while sorted(set.clone()) != sorted(goal.clone()) {
			set = limit_change(&set, &target, max_len);
			steps += 1;
			assert!(steps < 1_000, "{set:?} does not become {goal:?}");
		}
		assert_eq!(limit_change(&set, &target, max_len), set);
	}
}

#[test]
fn a_set_that_is_drawn_anew_every_session_keeps_its_size() {
	// Fifty seats among very many members: every session's target is all but disjoint from the last one.
	let mut set: Set = (0..50).map(|id| (id, 500_000)).collect();
	for session in 1..200u32 {
		let target: Set = (0..50).map(|n| (session * 50 + n, 500_000)).collect();
		set = limit_change(&set, &target, 50);
		assert!(set.len() >= 25, "session {session}: {}", set.len());
		assert!(total(&set) >= 20_000_000, "session {session}: {}", total(&set));
	}
}
