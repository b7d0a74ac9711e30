//! Whole committees over bad networks, with Byzantine members.

mod world;

use world::{
	scenario::{Scenario, Share, Strategy},
	World,
};

/// Runs a random scenario.
fn all_is_well(size: u16, share: Share, seed: u64) {
	is_well(&Scenario::random(size, share, seed), &format!("size {size}, {share:?} Byzantine, seed {seed}"));
}

/// Runs a scenario and demands all that is promised below a third.
fn is_well(scenario: &Scenario, name: &str) {
	let outcome = World::run(scenario);
	let run = format!("{name}, {:?}: {outcome:?}", scenario.strategy);
	assert!(outcome.values.len() <= 1, "two values are decided: {run}");
	assert!(outcome.certifiable(scenario).len() <= 1, "two verdicts can be certified: {run}");
	assert_eq!(outcome.contradictions, 0, "an honest member contradicts itself: {run}");
	assert!(outcome.reported.is_subset(&scenario.byzantine), "an honest member is reported: {run}");
	assert!(outcome.values.is_subset(&outcome.judged), "nobody honest judged what is decided: {run}");
	assert!(outcome.all_decided, "not all honest members decide: {run}");
}

#[test]
fn honest_committees_decide_one_value() {
	for seed in 0..120 {
		all_is_well([1, 2, 4, 5, 7, 10, 16, 25][seed as usize % 8], Share::None, seed);
	}
}

#[test]
fn committees_with_a_sixth_of_byzantine_votes_decide_one_value() {
	for seed in 0..120 {
		all_is_well([6, 7, 10, 16, 25, 31][seed as usize % 6], Share::Sixth, 1_000 + seed);
	}
}

#[test]
fn committees_with_just_under_a_third_of_byzantine_votes_decide_one_value() {
	for seed in 0..250 {
		all_is_well([4, 5, 7, 10, 13, 16, 22, 31][seed as usize % 8], Share::UnderThird, 2_000 + seed);
	}
}

#[test]
fn large_committees_decide_one_value() {
	for seed in 0..6 {
		all_is_well([64, 100][seed as usize % 2], Share::UnderThird, 3_000 + seed);
	}
}

#[test]
fn judgements_that_turn_after_somebody_decided_lead_to_no_second_value() {
	for seed in 0..200 {
		let size = [4, 5, 7, 10, 13][seed as usize % 5];
		is_well(&Scenario::turning(size, 7_000 + seed), &format!("size {size}, seed {seed}"));
	}
}

#[test]
fn with_a_third_of_byzantine_votes_still_no_two_values_are_decided() {
	for seed in 0..50 {
		let outcome = World::run(&Scenario { end: 60_000, ..Scenario::random(6, Share::Third, 4_000 + seed) });
		assert!(outcome.values.len() <= 1, "seed {seed}: {outcome:?}");
	}
}

#[test]
fn with_more_than_a_third_of_byzantine_votes_two_values_are_decided() {
	// So the simulation can see it, and the bound is tight.
	let violated = (0..50).filter(|seed| {
		let scenario = Scenario::random(10, Share::OverThird, 5_000 + seed);
		World::run(&Scenario { end: 60_000, ..scenario }).values.len() > 1
	});
	assert!(violated.count() > 10);
}

#[test]
fn members_that_forget_when_they_crash_contradict_themselves() {
	let forgetful = |seed: u64| {
		let mut scenario = Scenario::random(7, Share::UnderThird, 6_000 + seed);
		scenario.strategy = Strategy::Split;
		let honest: Vec<_> = scenario.honest().collect();
		scenario.crashes = honest.iter().map(|id| (1_500, 1_600, *id)).collect();
		(World::run(&scenario), World::run(&Scenario { remember: false, ..scenario.clone() }))
	};
	let mut contradictions = 0;
	for seed in 0..30 {
		let (remembering, forgetting) = forgetful(seed);
		assert_eq!(remembering.contradictions, 0);
		assert!(remembering.all_decided);
		contradictions += forgetting.contradictions;
	}
	assert!(contradictions > 0);
}
