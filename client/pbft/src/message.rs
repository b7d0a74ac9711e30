//! What members say to each other, and what a [`Round`](crate::Round) tells its caller.

use std::collections::BTreeMap;

use codec::{Decode, Encode};

/// The phases of a view.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub enum Phase {
	/// The leader proposes a value. PBFT: pre-prepare.
	Propose,
	/// Members say that they could live with it.
	Prepare,
	/// Members say that enough others could.
	Commit,
}

/// What a member says. Everything that it says is about one view.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub enum Message<Value> {
	/// The leader of the view proposes a value.
	Propose {
		/// The view.
		view: u32,
		/// The value.
		value: Value,
		/// The view of the last quorum of prepares that the leader saw, which was for this value. `None` if it saw none
		/// and proposes what it judges itself.
		proven: Option<u32>,
	},
	/// The member could live with the value, or with none that was proposed (`None`, called nil).
	Prepare {
		/// The view.
		view: u32,
		/// The value, `None` for nil.
		value: Option<Value>,
	},
	/// The member saw a quorum of prepares of this view for the value, or gave up waiting for one (`None`, called nil).
	Commit {
		/// The view.
		view: u32,
		/// The value, `None` for nil.
		value: Option<Value>,
	},
}

impl<Value> Message<Value> {
	/// The view that it is about.
	pub fn view(&self) -> u32 {
		match self {
			Self::Propose { view, .. } | Self::Prepare { view, .. } | Self::Commit { view, .. } => *view,
		}
	}

	/// The phase that it belongs to.
	pub fn phase(&self) -> Phase {
		match self {
			Self::Propose { .. } => Phase::Propose,
			Self::Prepare { .. } => Phase::Prepare,
			Self::Commit { .. } => Phase::Commit,
		}
	}

	/// The value that it names, `None` for nil.
	pub fn value(&self) -> Option<&Value> {
		match self {
			Self::Propose { value, .. } => Some(value),
			Self::Prepare { value, .. } | Self::Commit { value, .. } => value.as_ref(),
		}
	}
}

/// Votes of one view and phase for one value, that are a quorum together: PBFT's *prepared* and *committed*
/// certificates.
///
/// `Seal` is what proves to others that a member said so, its signature as a rule. The machine only carries it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Quorum<Id: Ord, Value, Seal> {
	/// The view.
	pub view: u32,
	/// [`Phase::Prepare`] or [`Phase::Commit`].
	pub phase: Phase,
	/// The value.
	pub value: Value,
	/// Who voted so, each with its seal.
	pub votes: BTreeMap<Id, Seal>,
}

impl<Id: Clone + Ord, Value: Clone, Seal> Quorum<Id, Value, Seal> {
	/// What each of the members said. There are no quorums of proposals: `None` for [`Phase::Propose`].
	pub fn message(&self) -> Option<Message<Value>> {
		let (view, value) = (self.view, Some(self.value.clone()));
		match self.phase {
			Phase::Propose => None,
			Phase::Prepare => Some(Message::Prepare { view, value }),
			Phase::Commit => Some(Message::Commit { view, value }),
		}
	}
}

impl<Id: Clone + Ord, Value: Clone, Seal> Quorum<Id, Value, Option<Seal>> {
	/// The quorum as it is sent: with `own` for the vote of the member itself, which the machine has no seal of.
	pub fn sealed(self, own: impl Fn(&Message<Value>) -> Seal) -> Quorum<Id, Value, Seal> {
		let message = self.message();
		let Self { view, phase, value, votes } = self;
		let seal = |seal: Option<Seal>| seal.or_else(|| message.as_ref().map(&own));
		let votes = votes.into_iter().filter_map(|(id, vote)| Some((id, seal(vote)?))).collect();
		Quorum { view, phase, value, votes }
	}
}

/// A timer of a round.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub struct Timeout {
	/// The view. Timers of higher views should take longer: at last they are longer than messages take.
	pub view: u32,
	/// What is waited for in that view: a proposal, an agreement of the prepares, an agreement of the commits.
	pub phase: Phase,
}

/// What the caller should do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output<Id: Ord, Value, Seal> {
	/// Sign this and send it to all other members, after [`Round::memory`](crate::Round::memory) is on disk.
	Send(Message<Value>),
	/// Send this to all other members: votes of others, of which they may miss some. [`Quorum::sealed`] completes it.
	Relay(Quorum<Id, Value, Option<Seal>>),
	/// Call [`Round::timeout`](crate::Round::timeout) with this after a while that grows with the view.
	StartTimer(Timeout),
	/// The value is decided. This comes once, and again after a restart.
	Decided {
		/// The value.
		value: Value,
		/// The view whose commits decided. Members can learn it from different views: it is no part of the decision.
		view: u32,
	},
	/// A member said two things of which an honest member says one. The two with their seals convince anybody.
	Equivocation {
		/// Who.
		member: Id,
		/// What it said first, which counts.
		first: (Message<Value>, Seal),
		/// What else it said, which does not.
		second: (Message<Value>, Seal),
	},
}
