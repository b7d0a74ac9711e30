//! What Byzantine members say.

use std::collections::BTreeSet;

use ec_pbft::{Message, Phase, Quorum};

use super::{
	random::Random,
	scenario::{Scenario, Strategy},
	Id, Packet, Seal, Value,
};

/// Something that reaches an honest member at once.
pub(crate) type Whispered = (Id, Packet);

/// All Byzantine members: one mind.
#[derive(Debug)]
pub(crate) struct Mind {
	members: Vec<Id>,
	strategy: Strategy,
	half: BTreeSet<Id>,
	honest: Vec<Id>,
	/// Whom votes are whispered to.
	confidant: Option<Id>,
	/// Answers per view that were given, to bound what is said.
	answered: BTreeSet<(u32, Value)>,
}

impl Mind {
	pub(crate) fn new(scenario: &Scenario, random: &mut Random) -> Self {
		let honest: Vec<Id> = scenario.honest().collect();
		Self {
			members: scenario.byzantine.iter().copied().collect(),
			strategy: scenario.strategy,
			half: scenario.half.clone(),
			confidant: (!honest.is_empty()).then(|| *random.pick(&honest)),
			honest,
			answered: BTreeSet::new(),
		}
	}

	/// Whether they let nothing through of what this member says, now that it decided.
	pub(crate) fn gags(&self, member: Id) -> bool {
		self.strategy == Strategy::Hide && self.confidant == Some(member)
	}

	fn value_for(&self, member: Id) -> Value {
		if self.half.contains(&member) {
			1
		} else {
			2
		}
	}

	fn votes(&self, to: Id, view: u32, value: Option<Value>, out: &mut Vec<Whispered>) {
		for from in &self.members {
			for message in [Message::Prepare { view, value }, Message::Commit { view, value }] {
				out.push((to, Packet::said(*from, message)));
			}
		}
	}

	/// An honest member entered a view that `leader` leads.
	pub(crate) fn on_view(&mut self, who: Id, view: u32, leader: Id, random: &mut Random) -> Vec<Whispered> {
		let mut out = Vec::new();
		let leads = self.members.contains(&leader);
		match self.strategy {
			Strategy::Split if leads => {
				let value = self.value_for(who);
				out.push((who, Packet::said(leader, Message::Propose { view, value, proven: None })));
				self.votes(who, view, Some(value), &mut out);
			}
			Strategy::Anything if leads => {
				let value = random.between(1, 3) as Value;
				for to in &self.honest {
					out.push((*to, Packet::said(leader, Message::Propose { view, value, proven: None })));
				}
			}
			Strategy::FalseProof if leads => {
				let proven = view.checked_sub(1 + random.below(3) as u32);
				let value = if random.percent(50) { 9 } else { self.value_for(who) };
				out.push((who, Packet::said(leader, Message::Propose { view, value, proven })));
				self.votes(who, view, Some(value), &mut out);
			}
			Strategy::Whisper if leads => {
				let value = random.between(1, 2) as Value;
				for to in &self.honest {
					out.push((*to, Packet::said(leader, Message::Propose { view, value, proven: None })));
				}
			}
			Strategy::Hide if leads && Some(who) != self.confidant => {
				out.push((who, Packet::said(leader, Message::Propose { view, value: 2, proven: None })));
				self.votes(who, view, Some(2), &mut out);
			}
			Strategy::Garbage => {
				for from in self.members.iter().take(3) {
					for _ in 0..3 {
						out.push((who, garbage(*from, view, random)));
					}
				}
			}
			_ => {}
		}
		out
	}

	/// An honest member said something.
	pub(crate) fn on_message(&mut self, from: Id, message: &Message<Value>, random: &mut Random) -> Vec<Whispered> {
		let mut out = Vec::new();
		let (view, Some(value)) = (message.view(), message.value().copied()) else { return out };
		if message.phase() == Phase::Commit || !self.answered.insert((view, value)) {
			return out;
		}
		match self.strategy {
			Strategy::Split => {
				for to in self.honest.clone() {
					let friend = self.half.contains(&to) == self.half.contains(&from);
					self.votes(to, view, Some(if friend { value } else { 3 - value.min(2) }), &mut out);
				}
			}
			Strategy::Anything => {
				for to in self.honest.clone() {
					self.votes(to, view, Some(value), &mut out);
				}
			}
			Strategy::Whisper => {
				if random.percent(30) {
					self.confidant = Some(*random.pick(&self.honest));
				}
				for to in &self.honest {
					for byzantine in &self.members {
						let value = (Some(*to) == self.confidant).then_some(value);
						out.push((*to, Packet::said(*byzantine, Message::Prepare { view, value })));
						out.push((*to, Packet::said(*byzantine, Message::Commit { view, value: None })));
					}
				}
			}
			Strategy::Hide => {
				for to in &self.honest {
					if (Some(*to) == self.confidant) == (value == 1) {
						self.votes(*to, view, Some(value), &mut out);
					}
				}
			}
			Strategy::Silent | Strategy::Garbage | Strategy::FalseProof => {}
		}
		out
	}
}

/// Anything that a member can sign, or forge.
fn garbage(from: Id, view: u32, random: &mut Random) -> Packet {
	let view = match random.below(4) {
		0 => view,
		1 => view.saturating_add(random.below(20) as u32),
		2 => view.saturating_sub(random.below(20) as u32),
		_ => random.next() as u32,
	};
	let value = random.below(5) as Value;
	let or_nil = (value > 0).then_some(value);
	match random.below(5) {
		0 => Packet::said(from, Message::Propose { view, value, proven: or_nil.map(u32::from) }),
		1 => Packet::said(from, Message::Prepare { view, value: or_nil }),
		2 => Packet::said(from, Message::Commit { view, value: or_nil }),
		// A stranger.
		3 => Packet::said(from.wrapping_add(10_000), Message::Commit { view, value: or_nil }),
		// A quorum that is none: it has votes of strangers, and one of its own.
		_ => {
			let phase = *random.pick(&[Phase::Propose, Phase::Prepare, Phase::Commit]);
			let message = Message::Commit { view, value: Some(value) };
			let mut forged = Quorum { view, phase, value, votes: Default::default() };
			for id in std::iter::once(from).chain(10_000..10_100) {
				forged.votes.insert(id, Seal::of(id, forged.message().as_ref().unwrap_or(&message)));
			}
			Packet::Quorum(forged.into())
		}
	}
}
