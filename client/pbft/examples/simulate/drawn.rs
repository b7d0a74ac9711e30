//! Committees as the chain draws them (`ep_trust::sortition`), over bad networks, with Byzantine members.
//!
//! Every run has a network of its own: weights, lots, who is Byzantine, and what goes wrong. Members sit by lot, lead in the order of their
//! ranks, and need more than two thirds of the votes *expected*. What is promised depends on who was drawn:
//! * *sound*: Byzantine members have less than a third of the votes, honest ones a quorum. All honest members decide.
//! * *short*: Byzantine members have less than a third, but honest ones no quorum: too few seats came. There may be no
//!   decision, and never two.
//! * *lost*: Byzantine members have a third or more. Nothing is promised, and they try for two verdicts. How often such a
//!   committee comes is the example `committees` of `ep-trust`.

use std::collections::{BTreeMap, BTreeSet};

use ec_pbft::Committee;
use ep_trust::{committee::is_quorum, sortition};
use sp_crypto_hashing::blake2_256;

use super::{
	percentile,
	world::{random::Random, scenario::Scenario, Id, World},
	HOPELESS,
};

/// Seats that are expected.
const SIZES: [u64; 6] = [5, 10, 20, 30, 50, 100];

/// Members of a network.
const NETWORK: u16 = 300;

/// Who is Byzantine.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Adversary {
	/// Nobody.
	None,
	/// Members with so many hundredths of all weight, whoever is drawn.
	OfAllWeight(u64),
	/// Of those who were drawn as many as possible, but less than a third of the votes expected.
	OfTheCommittee,
	/// The same, but so that honest members have a quorum, if so many came.
	LeavingAQuorum,
}

const ADVERSARIES: [(&str, Adversary); 5] = [
	("none", Adversary::None),
	("20 % of all weight", Adversary::OfAllWeight(20)),
	("1/3 of all weight", Adversary::OfAllWeight(33)),
	("just under 1/3 of the votes", Adversary::OfTheCommittee),
	("the same, leaving a quorum", Adversary::LeavingAQuorum),
];

/// What a committee is good for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lot {
	Sound,
	Short,
	Lost,
}

struct Drawn {
	committee: Committee<Id>,
	byzantine: BTreeSet<Id>,
	lot: Lot,
}

/// Draws a committee. `None` if nobody sits.
fn draw(seats: u64, adversary: Adversary, random: &mut Random) -> Option<Drawn> {
	let weights: Vec<u64> = (0..NETWORK).map(|_| random.between(1, 100) * 10_000).collect();
	let total: u64 = weights.iter().sum();
	let seed = random.next();
	let mut ranks = BTreeMap::new();
	let mut members = BTreeMap::new();
	for (id, weight) in (0..).zip(&weights) {
		// A lot is the hash of a VRF's output.
		let lot = blake2_256(&[seed.to_le_bytes(), u64::from(id).to_le_bytes()].concat());
		let votes = sortition::seats(&lot, *weight, total, seats);
		if votes > 0 {
			members.insert(id, votes);
			ranks.insert((sortition::rank(&lot, votes), id), id);
		}
	}
	let drawn = matches!(adversary, Adversary::OfTheCommittee | Adversary::LeavingAQuorum);
	let mut candidates: Vec<Id> = if drawn { members.keys().copied().collect() } else { (0..NETWORK).collect() };
	random.shuffle(&mut candidates);
	let committee = Committee::new(members, ranks.into_values().collect(), seats).ok()?;
	let votes_of = |id: &Id| committee.votes_of(id).unwrap_or(0);
	let came: u64 = committee.members().values().sum();
	let under_third = (committee.total() - 1) / 3;
	let most = match adversary {
		Adversary::None => 0,
		Adversary::OfAllWeight(hundredths) => total * hundredths / 100,
		Adversary::OfTheCommittee => under_third,
		Adversary::LeavingAQuorum => under_third.min(came.saturating_sub(committee.quorum())),
	};
	let mut sum = 0;
	let mut byzantine = BTreeSet::new();
	for id in candidates {
		let more = if drawn { votes_of(&id) } else { weights.get(usize::from(id)).copied().unwrap_or(0) };
		if sum + more <= most {
			sum += more;
			byzantine.insert(id);
		}
	}
	byzantine.retain(|id| votes_of(id) > 0);
	let dishonest: u64 = byzantine.iter().map(votes_of).sum();
	let honest = came - dishonest;
	// The chain's rule is what certificates are judged by; that of the protocol has to be the same.
	assert_eq!(committee.is_quorum(honest), is_quorum(honest, committee.total()));
	let lot = match (3 * dishonest < committee.total(), is_quorum(honest, committee.total())) {
		(false, _) => Lot::Lost,
		(true, true) => Lot::Sound,
		(true, false) => Lot::Short,
	};
	Some(Drawn { committee, byzantine, lot })
}

/// What became of all runs of a row.
#[derive(Default)]
struct Row {
	empty: u64,
	sound: u64,
	decided: u64,
	views: Vec<u64>,
	times: Vec<u64>,
	short: u64,
	lost: u64,
	/// Of sound and short committees.
	conflicts: u64,
	/// Of lost ones.
	conflicts_lost: u64,
	/// Promises that were not kept, of whatever kind.
	broken: u64,
}

impl Row {
	fn run(&mut self, seats: u64, adversary: Adversary, seed: u64) {
		let mut random = Random::new(seed);
		let Some(Drawn { committee, byzantine, lot }) = draw(seats, adversary, &mut random) else {
			self.empty += 1;
			return;
		};
		let scenario = Scenario::among(committee, byzantine, lot == Lot::Lost, &mut random);
		let end = if lot == Lot::Sound { scenario.end } else { scenario.healed + HOPELESS };
		let scenario = Scenario { end, ..scenario };
		let outcome = World::run(&scenario);
		let conflict = outcome.values.len() > 1 || outcome.certifiable(&scenario).len() > 1;
		let honest = outcome.contradictions == 0 && outcome.reported.is_subset(&scenario.byzantine);
		let mut kept = honest;
		match lot {
			Lot::Sound => {
				self.sound += 1;
				self.decided += u64::from(outcome.all_decided);
				kept &= outcome.all_decided && !conflict && outcome.values.is_subset(&outcome.judged);
				self.views.push(u64::from(outcome.views) + 1);
				self.times.push(outcome.time);
			}
			Lot::Short => {
				self.short += 1;
				kept &= !conflict;
			}
			Lot::Lost => {
				self.lost += 1;
				self.conflicts_lost += u64::from(conflict);
			}
		}
		if lot != Lot::Lost {
			self.conflicts += u64::from(conflict);
		}
		if !kept {
			self.broken += 1;
			println!("NOT AS PROMISED: {seats} seats, seed {seed}, {:?}: {outcome:?}", scenario.strategy);
		}
	}

	fn print(&mut self, seats: u64, adversary: &str) {
		self.views.sort_unstable();
		self.times.sort_unstable();
		let views = |percent| percentile(&self.views, percent);
		println!(
			"| {seats} | {adversary} | {} | {} | {} | {} / {} / {} | {}.{} | {} | {} | {} | {} |",
			self.empty + self.sound + self.short + self.lost,
			self.sound,
			self.decided,
			views(50),
			views(95),
			views(100),
			percentile(&self.times, 50) / 1_000,
			percentile(&self.times, 50) % 1_000 / 100,
			self.short + self.empty,
			self.conflicts,
			self.lost,
			self.conflicts_lost,
		);
	}
}

/// Makes so many runs, over all rows, and prints a table. Whether all was as promised.
pub(crate) fn simulate(runs: u64, seed: u64) -> bool {
	let mut seeds = Random::new(seed);
	let mut good = true;
	println!(
		"| seats | Byzantine | runs | sound | decided | views: median / p95 / max | seconds, median | short | two verdicts | lost | two verdicts of lost |"
	);
	println!("|---|---|---|---|---|---|---|---|---|---|---|");
	let rows = (SIZES.len() * ADVERSARIES.len()) as u64;
	let mut number = 0;
	for seats in SIZES {
		for (name, adversary) in ADVERSARIES {
			let mut row = Row::default();
			for _ in 0..runs / rows + u64::from(number < runs % rows) {
				row.run(seats, adversary, seeds.next());
			}
			number += 1;
			row.print(seats, name);
			good &= row.broken == 0;
		}
	}
	good
}
