//! What outlives a crash.

use std::collections::BTreeMap;

use codec::{Decode, Encode};

use crate::{Message, Phase, Quorum};

/// All that a member must not forget: what it said, as far as it still binds, and the quorums that it saw.
///
/// Bounded: it has at most nine messages and two quorums. It is the member's own: never take one from somebody else.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Memory<Id: Ord, Value, Seal> {
	/// What the member said.
	pub said: Vec<Message<Value>>,
	/// The last quorum of prepares that it saw.
	pub prepared: Option<Quorum<Id, Value, Option<Seal>>>,
	/// The quorum of commits that decided.
	pub decided: Option<Quorum<Id, Value, Option<Seal>>>,
}

/// What a member said.
#[derive(Clone, Debug)]
pub(crate) struct Said<Value> {
	messages: BTreeMap<(u32, Phase), Message<Value>>,
}

impl<Value: Clone> Said<Value> {
	/// Nothing was said yet.
	pub(crate) fn new() -> Self {
		Self { messages: BTreeMap::new() }
	}

	/// Takes down that this is being said. `false` if something was said in that phase of that view already: then it
	/// must not be said.
	pub(crate) fn say(&mut self, message: &Message<Value>) -> bool {
		let key = (message.view(), message.phase());
		let silent = !self.has(key.0, key.1);
		if silent {
			self.messages.insert(key, message.clone());
		}
		silent
	}

	/// Whether something was said in that phase of that view.
	pub(crate) fn has(&self, view: u32, phase: Phase) -> bool {
		self.messages.contains_key(&(view, phase))
	}

	/// The highest view in which something was said.
	pub(crate) fn last_view(&self) -> Option<u32> {
		self.messages.keys().next_back().map(|(view, _)| *view)
	}

	/// Forgets all but the two highest views and the view of the lock.
	///
	/// Members of the view below the highest one need votes of that view to leave it (see the crate's documentation
	/// for why nobody is further behind for long), and the lock's view has the commit that may be part of a decision.
	pub(crate) fn forget(&mut self, lock: Option<u32>) {
		let Some(last) = self.last_view() else { return };
		let below = self.messages.range(..(last, Phase::Propose)).next_back().map(|((view, _), _)| *view);
		self.messages.retain(|(view, _), _| *view == last || Some(*view) == below || Some(*view) == lock);
	}

	/// The messages, by view and phase.
	pub(crate) fn messages(&self) -> impl Iterator<Item = &Message<Value>> {
		self.messages.values()
	}
}
