//! A network of members in simulated time: every run is the same for the same seed.

pub(crate) mod byzantine;
pub(crate) mod random;
pub(crate) mod scenario;

use std::{
	cmp::{Ordering, Reverse},
	collections::{BTreeMap, BTreeSet, BinaryHeap},
	rc::Rc,
};

use codec::Encode;
use ec_pbft::{Memory, Message, Output, Quorum, Round, Timeout};

use self::{byzantine::Mind, random::Random, scenario::Scenario};

/// Members.
pub(crate) type Id = u16;

/// Verdicts.
pub(crate) type Value = u8;

/// What stands for a signature here. Nobody in the simulation makes one for somebody else, as is checked on arrival.
#[derive(Clone, Copy, PartialEq, Eq, Debug, codec::Encode, codec::Decode)]
pub(crate) struct Seal(u64);

impl Seal {
	pub(crate) fn of(id: Id, message: &Message<Value>) -> Self {
		let fnv = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
		Self((id, message).encode().iter().fold(0xcbf2_9ce4_8422_2325, fnv))
	}
}

/// What goes over the wire.
#[derive(Clone, Debug)]
pub(crate) enum Packet {
	Said(Id, Message<Value>, Seal),
	Quorum(Rc<Quorum<Id, Value, Seal>>),
}

impl Packet {
	pub(crate) fn said(from: Id, message: Message<Value>) -> Self {
		let seal = Seal::of(from, &message);
		Self::Said(from, message, seal)
	}
}

#[derive(Debug)]
enum Event {
	Arrives(Id, Packet),
	/// With the number of restarts of the member when it was started: timers do not outlive a crash.
	RunsOut(Id, u32, Timeout),
	Retransmits(Id),
	Judges(Id, Value),
	Crashes(Id),
	Returns(Id),
}

/// An event with its time, and a number so that events of one time have an order.
#[derive(Debug)]
struct Queued {
	key: Reverse<(u64, u64)>,
	event: Event,
}

impl PartialEq for Queued {
	fn eq(&self, other: &Self) -> bool {
		self.key == other.key
	}
}

impl Eq for Queued {}

impl PartialOrd for Queued {
	fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
		Some(self.cmp(other))
	}
}

impl Ord for Queued {
	fn cmp(&self, other: &Self) -> Ordering {
		self.key.cmp(&other.key)
	}
}

/// An honest member's machine.
#[derive(Debug)]
struct Node {
	/// `None` while it is down.
	round: Option<Round<Id, Value, Seal>>,
	disk: Memory<Id, Value, Seal>,
	judgement: Option<Value>,
	restarts: u32,
	decided: Option<(Value, u32)>,
}

/// How a run ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
	/// All values that anybody decided.
	pub(crate) values: BTreeSet<Value>,
	/// What each honest member decided, if it did: it signs that, and nothing else.
	pub(crate) decided: BTreeMap<Id, Value>,
	/// Whether all honest members decided.
	pub(crate) all_decided: bool,
	/// The highest view that an honest member was in.
	pub(crate) views: u32,
	/// Packets from honest members to single members.
	pub(crate) messages: u64,
	/// When the last member decided, counted from when the network was good and judgements agreed.
	pub(crate) time: u64,
	/// Whoever was reported for equivocating.
	pub(crate) reported: BTreeSet<Id>,
	/// Honest members that contradicted themselves.
	pub(crate) contradictions: u64,
	/// The values that an honest member judged at some time.
	pub(crate) judged: BTreeSet<Value>,
}

impl Outcome {
	/// The values that could be certified: honest members sign what they decided, Byzantine ones sign anything.
	pub(crate) fn certifiable(&self, scenario: &Scenario) -> BTreeSet<Value> {
		let committee = &scenario.committee;
		let votes = |id: &Id| committee.votes_of(id).unwrap_or(0);
		let byzantine: u64 = scenario.byzantine.iter().map(votes).sum();
		let signed = |value: &Value| {
			let deciders = self.decided.iter().filter(|(_, decided)| *decided == value);
			byzantine + deciders.map(|(id, _)| votes(id)).sum::<u64>()
		};
		(1..=3).filter(|value| committee.is_quorum(signed(value))).collect()
	}
}

/// The network.
#[derive(Debug)]
pub(crate) struct World<'a> {
	scenario: &'a Scenario,
	/// The honest members, and whether they are in the half.
	honest: Vec<(Id, bool)>,
	random: Random,
	mind: Mind,
	now: u64,
	events: BinaryHeap<Queued>,
	count: u64,
	nodes: BTreeMap<Id, Node>,
	outcome: Outcome,
	/// What honest members ever sent, to see that nobody contradicts itself.
	sent: BTreeMap<(Id, u32, ec_pbft::Phase), Message<Value>>,
}

impl<'a> World<'a> {
	/// Runs a scenario to its end.
	pub(crate) fn run(scenario: &'a Scenario) -> Outcome {
		Self::new(scenario).finish()
	}

	fn new(scenario: &'a Scenario) -> Self {
		let mut random = Random::new(scenario.seed);
		Self {
			scenario,
			honest: scenario.honest().map(|id| (id, scenario.half.contains(&id))).collect(),
			mind: Mind::new(scenario, &mut random),
			random,
			now: 0,
			events: BinaryHeap::new(),
			count: 0,
			nodes: BTreeMap::new(),
			outcome: Outcome::default(),
			sent: BTreeMap::new(),
		}
	}

	fn at(&mut self, time: u64, event: Event) {
		self.events.push(Queued { key: Reverse((time, self.count)), event });
		self.count += 1;
	}

	fn finish(mut self) -> Outcome {
		let scenario = self.scenario;
		for id in scenario.honest() {
			let (round, out) = Round::new(scenario.committee.clone(), Some(id));
			let node = Node { disk: round.memory(), round: Some(round), judgement: None, restarts: 0, decided: None };
			self.nodes.insert(id, node);
			self.put_out(id, out);
			let first = self.random.below(RETRANSMIT);
			self.at(first, Event::Retransmits(id));
		}
		for (time, id, value) in &scenario.judgements {
			self.at(*time, Event::Judges(*id, *value));
		}
		for (crash, back, id) in &scenario.crashes {
			self.at(*crash, Event::Crashes(*id));
			self.at(*back, Event::Returns(*id));
		}
		while let Some(Queued { key: Reverse((time, _)), event }) = self.events.pop() {
			if time > scenario.end || self.nodes.values().all(|node| node.decided.is_some()) {
				break;
			}
			self.now = time;
			self.happens(event);
		}
		let decided = |(id, node): (&Id, &Node)| Some((*id, node.decided?.0));
		self.outcome.decided = self.nodes.iter().filter_map(decided).collect();
		self.outcome.all_decided = self.nodes.values().all(|node| node.decided.is_some());
		self.outcome.time = self.now.saturating_sub(scenario.healed);
		self.outcome
	}

	fn happens(&mut self, event: Event) {
		let scenario = self.scenario;
		match event {
			Event::Arrives(to, packet) => self.arrives(to, packet),
			Event::RunsOut(id, restarts, timeout) => {
				let Some(node) = self.nodes.get_mut(&id).filter(|node| node.restarts == restarts) else { return };
				let Some(round) = &mut node.round else { return };
				let out = round.timeout(timeout);
				self.put_out(id, out);
			}
			Event::Retransmits(id) => {
				let out = self.nodes[&id].round.as_ref().map(Round::retransmit).unwrap_or_default();
				self.put_out(id, out);
				self.at(self.now + RETRANSMIT, Event::Retransmits(id));
			}
			Event::Judges(id, value) => {
				self.outcome.judged.insert(value);
				let Some(node) = self.nodes.get_mut(&id) else { return };
				node.judgement = Some(value);
				let out = node.round.as_mut().map(|round| round.judged(value)).unwrap_or_default();
				self.put_out(id, out);
			}
			Event::Crashes(id) => {
				let Some(node) = self.nodes.get_mut(&id) else { return };
				node.round = None;
				node.restarts += 1;
			}
			Event::Returns(id) => {
				let Some(node) = self.nodes.get_mut(&id) else { return };
				let committee = scenario.committee.clone();
				let (mut round, mut out) = if scenario.remember {
					Round::restore(committee, Some(id), node.disk.clone())
				} else {
					Round::new(committee, Some(id))
				};
				out.extend(node.judgement.map(|value| round.judged(value)).unwrap_or_default());
				node.round = Some(round);
				self.put_out(id, out);
			}
		}
	}

	fn arrives(&mut self, to: Id, packet: Packet) {
		let Some(round) = self.nodes.get_mut(&to).and_then(|node| node.round.as_mut()) else { return };
		let out = match packet {
			Packet::Said(from, message, seal) if seal == Seal::of(from, &message) => round.receive(from, message, seal),
			Packet::Quorum(quorum) if round.wants(&*quorum) => {
				let message = quorum.message();
				let good = |(id, seal): (&Id, &Seal)| message.as_ref().is_some_and(|said| Seal::of(*id, said) == *seal);
				assert!(quorum.votes.iter().all(good), "a relayed quorum has only votes that were cast");
				round.receive_quorum((*quorum).clone())
			}
			Packet::Said(..) => panic!("nobody forges seals here"),
			Packet::Quorum(_) => return,
		};
		self.put_out(to, out);
	}

	fn put_out(&mut self, id: Id, out: Vec<Output<Id, Value, Seal>>) {
		let Some(node) = self.nodes.get_mut(&id) else { return };
		// First to disk, then to others.
		let binding = |output: &_| !matches!(output, Output::StartTimer(_) | Output::Equivocation { .. });
		if let Some(round) = node.round.as_ref().filter(|_| out.iter().any(binding)) {
			node.disk = round.memory();
		}
		let restarts = node.restarts;
		for output in out {
			match output {
				Output::Send(message) => {
					let key = (id, message.view(), message.phase());
					let first = self.sent.entry(key).or_insert_with(|| message.clone());
					self.outcome.contradictions += u64::from(*first != message);
					let whispered = self.mind.on_message(id, &message, &mut self.random);
					self.whisper(whispered);
					self.broadcast(id, Packet::said(id, message));
				}
				Output::Relay(quorum) => {
					let quorum = quorum.sealed(|message| Seal::of(id, message));
					self.broadcast(id, Packet::Quorum(Rc::new(quorum)));
				}
				Output::StartTimer(timeout) => {
					let duration = TIMEOUT + STEP * u64::from(timeout.view).min(60);
					self.at(self.now + duration, Event::RunsOut(id, restarts, timeout));
					if timeout.phase == ec_pbft::Phase::Propose {
						self.outcome.views = self.outcome.views.max(timeout.view);
						let leader = *self.scenario.committee.leader(timeout.view);
						let whispered = self.mind.on_view(id, timeout.view, leader, &mut self.random);
						self.whisper(whispered);
					}
				}
				Output::Decided { value, view } => {
					self.outcome.values.insert(value);
					if let Some(node) = self.nodes.get_mut(&id) {
						node.decided = Some((value, view));
					}
				}
				Output::Equivocation { member, first, second } => {
					assert!(first.0 != second.0 && first.0.view() == second.0.view());
					assert_eq!(first.0.phase(), second.0.phase());
					assert_eq!((first.1, second.1), (Seal::of(member, &first.0), Seal::of(member, &second.0)));
					self.outcome.reported.insert(member);
				}
			}
		}
	}

	fn whisper(&mut self, whispered: Vec<byzantine::Whispered>) {
		for (to, packet) in whispered {
			let delay = self.random.between(1, 5);
			self.at(self.now + delay, Event::Arrives(to, packet));
		}
	}

	fn broadcast(&mut self, from: Id, packet: Packet) {
		let scenario = self.scenario;
		let healed = self.now >= scenario.healed;
		let (loss, delay) =
			if healed { (scenario.loss.1, scenario.delay.1) } else { (scenario.loss.0, scenario.delay.0) };
		self.outcome.messages += scenario.committee.members().len() as u64 - 1;
		if !healed && self.mind.gags(from) && self.nodes[&from].decided.is_some() {
			return;
		}
		let half = scenario.half.contains(&from);
		for index in 0..self.honest.len() {
			let (to, in_half) = self.honest[index];
			let apart = scenario.partitioned && !healed && half != in_half;
			if to == from || apart || self.random.percent(loss) {
				continue;
			}
			let copies = if self.random.percent(scenario.duplicates) { 2 } else { 1 };
			for _ in 0..copies {
				let arrival = self.now + self.random.between(1, delay);
				self.at(arrival, Event::Arrives(to, packet.clone()));
			}
		}
	}
}

/// Milliseconds between retransmissions.
const RETRANSMIT: u64 = 1_000;

/// A timer of view 0.
const TIMEOUT: u64 = 600;

/// What every view adds.
const STEP: u64 = 200;
