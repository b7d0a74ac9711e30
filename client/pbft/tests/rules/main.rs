//! Each rule by itself: one member, and what others say to it.

mod committee;
mod decisions;
mod equivocations;
mod locks;
mod phases;
mod quorums;
mod restarts;
mod views;

use std::collections::BTreeMap;

use ec_pbft::{Committee, Message, Output, Phase, Quorum, Round, Timeout};

/// Members are 0, 1, 2, 3 and lead in this order. The member under test is 0 unless a test says otherwise.
type Id = u8;

/// Verdicts.
type Value = u8;

/// A signature: who made it over what.
type Seal = (Id, Message<Value>);

type Outputs = Vec<Output<Id, Value, Seal>>;

const X: Option<u8> = Some(b'x');
const Y: Option<u8> = Some(b'y');
const NIL: Option<u8> = None;

/// Four members with a vote each: three are a quorum, two have an honest member among them.
fn four() -> Committee<Id> {
	weighted(&[1, 1, 1, 1], 4)
}

fn weighted(votes: &[u64], expected: u64) -> Committee<Id> {
	let members: BTreeMap<_, _> = (0..).zip(votes.iter().copied()).collect();
	let order = members.keys().copied().collect();
	Committee::new(members, order, expected).unwrap()
}

fn propose(view: u32, value: Value, proven: Option<u32>) -> Message<Value> {
	Message::Propose { view, value, proven }
}

fn prepare(view: u32, value: Option<Value>) -> Message<Value> {
	Message::Prepare { view, value }
}

fn commit(view: u32, value: Option<Value>) -> Message<Value> {
	Message::Commit { view, value }
}

fn timer(view: u32, phase: Phase) -> Output<Id, Value, Seal> {
	Output::StartTimer(Timeout { view, phase })
}

fn send(message: Message<Value>) -> Output<Id, Value, Seal> {
	Output::Send(message)
}

fn decided(value: Value, view: u32) -> Output<Id, Value, Seal> {
	Output::Decided { value, view }
}

/// The votes of these members as somebody relays them.
fn quorum(view: u32, phase: Phase, value: Value, members: &[Id]) -> Quorum<Id, Value, Seal> {
	let message = match phase {
		Phase::Commit => commit(view, Some(value)),
		_ => prepare(view, Some(value)),
	};
	let votes = members.iter().map(|id| (*id, (*id, message.clone()))).collect();
	Quorum { view, phase, value, votes }
}

/// One member, and the others who talk to it.
struct Member {
	round: Round<Id, Value, Seal>,
}

impl Member {
	fn new(me: Id) -> Self {
		let (round, out) = Round::new(four(), Some(me));
		assert_eq!(out, [timer(0, Phase::Propose)]);
		Self { round }
	}

	/// The member with a judgement.
	fn judging(me: Id, value: Value) -> Self {
		let mut member = Self::new(me);
		member.round.judged(value);
		member
	}

	fn hears(&mut self, from: Id, message: Message<Value>) -> Outputs {
		self.round.receive(from, message.clone(), (from, message))
	}

	fn hears_all(&mut self, from: &[Id], message: Message<Value>) -> Outputs {
		from.iter().flat_map(|from| self.hears(*from, message.clone())).collect()
	}

	fn times_out(&mut self, view: u32, phase: Phase) -> Outputs {
		self.round.timeout(Timeout { view, phase })
	}

	/// Brings the member to a view in which nothing happened yet, and which nobody agreed on before.
	fn goes_to(&mut self, view: u32) {
		self.hears_all(&[1, 2, 3], commit(view - 1, NIL));
		assert_eq!((self.round.status().view, self.round.status().phase), (view, Phase::Propose));
	}
}

/// What is sent, without timers and relays.
fn sent(out: &Outputs) -> Vec<Message<Value>> {
	out.iter()
		.filter_map(|output| match output {
			Output::Send(message) => Some(message.clone()),
			_ => None,
		})
		.collect()
}
