//! How a round stands, for operators.

use std::collections::BTreeMap;

use crate::{Phase, Round};

/// How a round stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status<Id, Value> {
	/// The view.
	pub view: u32,
	/// The phase that the member is in. An observer is in the one of which it heard last.
	pub phase: Phase,
	/// Who leads the view.
	pub leader: Id,
	/// What the member judges itself.
	pub judgement: Option<Value>,
	/// What is proposed in this view.
	pub proposed: Option<Value>,
	/// What the member is locked on, and since which view.
	pub lock: Option<(Value, u32)>,
	/// The last value that was prepared by a quorum, and in which view.
	pub prepared: Option<(Value, u32)>,
	/// What is decided, and in which view it was.
	pub decided: Option<(Value, u32)>,
	/// The votes that were prepared in this view, by value (`None` is nil).
	pub prepares: BTreeMap<Option<Value>, u64>,
	/// The votes that were committed in this view, by value (`None` is nil).
	pub commits: BTreeMap<Option<Value>, u64>,
	/// How many votes are a quorum.
	pub quorum: u64,
	/// Who said nothing yet in this phase of this view: the leader, or members. Nobody once it is decided.
	pub waits_for: Vec<Id>,
}

impl<Id: Clone + Ord, Value: Clone + Ord, Seal: Clone> Round<Id, Value, Seal> {
	/// How the round stands.
	pub fn status(&self) -> Status<Id, Value> {
		let ballot = |phase| self.votes.ballot(self.view, phase);
		let tally = |phase| ballot(phase).map(|ballot| ballot.tally().clone()).unwrap_or_default();
		let phase = match self.me {
			Some(_) => self.phase,
			None => [Phase::Commit, Phase::Prepare]
				.into_iter()
				.find(|phase| ballot(*phase).is_some())
				.unwrap_or(Phase::Propose),
		};
		let leader = self.committee.leader(self.view);
		let silent = |id: &&Id| !ballot(phase).is_some_and(|ballot| ballot.has(id));
		let waits_for = match phase {
			_ if self.decided.is_some() => Vec::new(),
			Phase::Propose => Some(leader).into_iter().filter(silent).cloned().collect(),
			Phase::Prepare | Phase::Commit => self.committee.members().keys().filter(silent).cloned().collect(),
		};
		Status {
			view: self.view,
			phase,
			leader: leader.clone(),
			judgement: self.judgement.clone(),
			proposed: ballot(Phase::Propose)
				.and_then(|ballot| ballot.message_of(leader))
				.and_then(|message| message.value().cloned()),
			lock: self.lock.as_ref().map(|lock| (lock.value.clone(), lock.view)),
			prepared: self.prepared.as_ref().map(|quorum| (quorum.value.clone(), quorum.view)),
			decided: self.decided.as_ref().map(|quorum| (quorum.value.clone(), quorum.view)),
			prepares: tally(Phase::Prepare),
			commits: tally(Phase::Commit),
			quorum: self.committee.quorum(),
			waits_for,
		}
	}

	/// What is decided, if anything is.
	pub fn decision(&self) -> Option<&Value> {
		self.decided.as_ref().map(|quorum| &quorum.value)
	}
}
