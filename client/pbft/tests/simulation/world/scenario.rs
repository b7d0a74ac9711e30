//! What is simulated: who is who, and what goes wrong until when.

use std::collections::{BTreeMap, BTreeSet};

use ec_pbft::Committee;

use super::{random::Random, Id, Value};

/// How many votes are Byzantine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Share {
	/// None.
	None,
	/// Up to a sixth.
	Sixth,
	/// As many as possible, but less than a third.
	UnderThird,
	/// A third exactly. The committee is of a multiple of three members with equal votes.
	Third,
	/// Between two fifths and a half.
	OverThird,
}

/// What Byzantine members do. They all collude: see everything at once, and reach whom they like when they like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Strategy {
	/// Nothing.
	Silent,
	/// Propose one value to a half and another one to the other half, and vote with each half.
	Split,
	/// Vote with everybody for whatever is proposed, and prepare and commit it in any view at once.
	Anything,
	/// Say whatever comes to mind, of any view, with forged quorums.
	Garbage,
	/// Lead with a value and a quorum that never was, and vote for it.
	FalseProof,
	/// Help a single member to a quorum of prepares and hide those votes from all others.
	Whisper,
	/// Help a single member to a decision for 1, let nobody hear of it, and lead all others to 2. This is not among
	/// those drawn at random, see [`Scenario::turning`].
	Hide,
}

pub(crate) const STRATEGIES: [Strategy; 6] =
	[Strategy::Silent, Strategy::Split, Strategy::Anything, Strategy::Garbage, Strategy::FalseProof, Strategy::Whisper];

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
	pub(crate) committee: Committee<Id>,
	pub(crate) byzantine: BTreeSet<Id>,
	pub(crate) strategy: Strategy,
	/// One of two halves of the honest members. Partitions are between them, and whoever splits plays them off against
	/// each other.
	pub(crate) half: BTreeSet<Id>,
	/// From when on the network is good and judgements agree.
	pub(crate) healed: u64,
	/// Whether the halves do not reach each other before.
	pub(crate) partitioned: bool,
	/// How many in a hundred messages are lost before, and after.
	pub(crate) loss: (u64, u64),
	/// How many in a hundred messages come twice.
	pub(crate) duplicates: u64,
	/// The longest delay before, and after.
	pub(crate) delay: (u64, u64),
	/// When members judge what.
	pub(crate) judgements: Vec<(u64, Id, Value)>,
	/// When members crash, and when they are back.
	pub(crate) crashes: Vec<(u64, u64, Id)>,
	/// Whether members come back from their disk, as they must, or blank.
	pub(crate) remember: bool,
	/// When it is given up.
	pub(crate) end: u64,
	pub(crate) seed: u64,
}

impl Scenario {
	/// A run of a committee of this size. Everything else is random.
	pub(crate) fn random(size: u16, share: Share, seed: u64) -> Self {
		let mut random = Random::new(seed);
		let random = &mut random;
		let equal = share == Share::Third || random.percent(25);
		let size = if share == Share::Third { size.div_ceil(3) * 3 } else { size };
		let members: BTreeMap<Id, u64> =
			(0..size).map(|id| (id, if equal { 1 } else { random.between(1, 100) })).collect();
		let sum: u64 = members.values().sum();
		let mut order: Vec<Id> = members.keys().copied().collect();
		random.shuffle(&mut order);

		// Byzantine members in random order, as long as their votes are within the share.
		let (low, high) = match share {
			Share::None => (0, 0),
			Share::Sixth => (0, sum / 6),
			Share::UnderThird => (0, (sum - 1) / 3),
			Share::Third => (0, sum / 3),
			Share::OverThird => (sum * 2 / 5, sum),
		};
		let mut candidates = order.clone();
		random.shuffle(&mut candidates);
		let mut byzantine = BTreeSet::new();
		let mut votes = 0;
		for id in candidates {
			if votes + members[&id] <= high && (share != Share::OverThird || votes <= low) {
				votes += members[&id];
				byzantine.insert(id);
			}
		}
		// Seats that nobody took: as many as leave the honest members a quorum.
		let spare = ((sum - votes) * 3 - 1) / 2;
		let empty = if share == Share::None { random.below(spare.saturating_sub(sum) + 1) } else { 0 };
		let committee = Committee::new(members, order, sum + empty).unwrap();
		let beyond = matches!(share, Share::Third | Share::OverThird);
		Self::among(committee, byzantine, beyond, random)
	}

	/// A run of this committee. What goes wrong is random, and if its Byzantine members are `beyond` what agreement
	/// bears, it is what may lead to two values.
	pub(crate) fn among(committee: Committee<Id>, byzantine: BTreeSet<Id>, beyond: bool, random: &mut Random) -> Self {
		let mut honest: Vec<Id> = committee.members().keys().copied().filter(|id| !byzantine.contains(id)).collect();
		random.shuffle(&mut honest);
		let half: BTreeSet<Id> = honest.iter().copied().take(honest.len() / 2).collect();

		let calm = random.percent(25);
		let healed = if calm && !beyond { 0 } else { random.between(2_000, 20_000) };
		let mut judgements = Vec::new();
		let mut crashes = Vec::new();
		for id in &honest {
			// Two camps, or undecided, or turning; at last one judgement.
			let camp = if half.contains(id) { 1 } else { 2 };
			if healed > 0 && (beyond || random.percent(80)) {
				judgements.push((random.below(healed / 4), *id, camp));
				if !beyond {
					for _ in 0..random.below(3) {
						judgements.push((random.below(healed), *id, random.between(1, 3) as Value));
					}
				}
			}
			judgements.push((healed + random.below(300), *id, 1));
			if healed > 0 && !beyond && random.percent(20) {
				let crash = random.below(healed);
				crashes.push((crash, random.between(crash, healed), *id));
			}
		}
		let strategy = if beyond { Strategy::Split } else { *random.pick(&STRATEGIES) };
		Self {
			byzantine,
			strategy,
			half,
			healed,
			partitioned: beyond || random.percent(60),
			loss: (random.below(40), random.below(10)),
			duplicates: random.below(20),
			delay: (random.between(50, 2_000), random.between(20, 150)),
			judgements,
			crashes,
			remember: true,
			end: healed + 3_600_000,
			seed: random.next(),
			committee,
		}
	}

	/// A run in which all judge 1, and 2 soon after: it may be that just one member decided 1 before. Locks have to keep
	/// the others from deciding 2, and have to let them decide at all.
	pub(crate) fn turning(size: u16, seed: u64) -> Self {
		let mut scenario = Self::random(size, Share::UnderThird, seed);
		let mut random = Random::new(scenario.seed ^ 1);
		scenario.strategy = Strategy::Hide;
		scenario.healed = 20_000;
		scenario.partitioned = false;
		scenario.loss = (random.between(5, 40), 0);
		scenario.delay = (random.between(100, 500), 100);
		scenario.crashes = Vec::new();
		scenario.end = scenario.healed + 3_600_000;
		let turn = random.between(300, 1_500);
		// An honest member leads first, then all that are Byzantine.
		let members = scenario.committee.members().clone();
		let mut order: Vec<Id> = scenario.honest().take(1).collect();
		order.extend(&scenario.byzantine);
		order.extend(scenario.honest().skip(1));
		scenario.committee = Committee::new(members, order, scenario.committee.total()).unwrap();
		scenario.judgements = scenario.honest().flat_map(|id| [(0, id, 1), (turn, id, 2)]).collect();
		scenario
	}

	pub(crate) fn honest(&self) -> impl Iterator<Item = Id> + '_ {
		self.committee.members().keys().copied().filter(|id| !self.byzantine.contains(id))
	}
}
