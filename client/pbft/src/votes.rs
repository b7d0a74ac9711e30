//! What was heard: one statement a member, view and phase, of a bounded number of views.

use std::collections::{btree_map::Entry, BTreeMap, BTreeSet};

use crate::{Message, Phase, Quorum};

/// Of how many views the statements of one kind are kept for each member: the highest ones.
///
/// The bound is for each member by itself, so that nobody can push out what others said.
pub(crate) const VIEWS_KEPT: usize = 8;

/// Kinds of statements that are bounded by themselves.
///
/// Commits for a value are apart from those for nil. A member that committed to a value and then saw many views fail
/// has its old commit still counted: it may be part of a decision.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
	Propose,
	Prepare,
	CommitNil,
	CommitValue,
}

/// What became of a statement.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Heard<Value, Seal> {
	/// It is counted.
	New,
	/// It was counted before, or is too old to be kept, or contradicts another one and this was told before.
	Nothing,
	/// It contradicts this one, which was first.
	Second(Message<Value>, Option<Seal>),
}

/// A statement.
#[derive(Clone, Debug)]
struct Statement<Value, Seal> {
	message: Message<Value>,
	seal: Option<Seal>,
	contradicted: bool,
}

/// The statements of one phase of one view.
#[derive(Clone, Debug)]
pub(crate) struct Ballot<Id, Value, Seal> {
	statements: BTreeMap<Id, Statement<Value, Seal>>,
	tally: BTreeMap<Option<Value>, u64>,
	total: u64,
}

impl<Id: Clone + Ord, Value: Clone + Ord, Seal: Clone> Ballot<Id, Value, Seal> {
	fn new() -> Self {
		Self { statements: BTreeMap::new(), tally: BTreeMap::new(), total: 0 }
	}

	fn insert(&mut self, id: &Id, votes: u64, message: Message<Value>, seal: Option<Seal>) {
		let sum = self.tally.entry(message.value().cloned()).or_default();
		*sum = sum.saturating_add(votes);
		self.total = self.total.saturating_add(votes);
		self.statements.insert(id.clone(), Statement { message, seal, contradicted: false });
	}

	fn remove(&mut self, id: &Id, votes: u64) {
		let Some(statement) = self.statements.remove(id) else { return };
		self.total = self.total.saturating_sub(votes);
		if let Entry::Occupied(mut sum) = self.tally.entry(statement.message.value().cloned()) {
			*sum.get_mut() = sum.get().saturating_sub(votes);
			if *sum.get() == 0 {
				sum.remove();
			}
		}
	}

	/// The votes of all who said anything.
	pub(crate) fn total(&self) -> u64 {
		self.total
	}

	/// The votes by value.
	pub(crate) fn tally(&self) -> &BTreeMap<Option<Value>, u64> {
		&self.tally
	}

	/// Whether this member said anything.
	pub(crate) fn has(&self, id: &Id) -> bool {
		self.statements.contains_key(id)
	}

	/// What this member said.
	pub(crate) fn message_of(&self, id: &Id) -> Option<&Message<Value>> {
		self.statements.get(id).map(|statement| &statement.message)
	}
}

/// All that was heard.
#[derive(Clone, Debug)]
pub(crate) struct Votes<Id, Value, Seal> {
	ballots: BTreeMap<(u32, Phase), Ballot<Id, Value, Seal>>,
	kept: BTreeMap<(Id, Kind), BTreeSet<u32>>,
	highest: BTreeMap<Id, u32>,
	/// The highest of those.
	top: u32,
}

impl<Id: Clone + Ord, Value: Clone + Ord, Seal: Clone> Votes<Id, Value, Seal> {
	/// Nothing was heard yet.
	pub(crate) fn new() -> Self {
		Self { ballots: BTreeMap::new(), kept: BTreeMap::new(), highest: BTreeMap::new(), top: 0 }
	}

	/// Takes down what the member `id`, who has so many `votes`, said.
	pub(crate) fn hear(
		&mut self,
		id: &Id,
		votes: u64,
		message: Message<Value>,
		seal: Option<Seal>,
	) -> Heard<Value, Seal> {
		let (view, phase) = (message.view(), message.phase());
		if let Some(first) = self.ballots.get_mut(&(view, phase)).and_then(|ballot| ballot.statements.get_mut(id)) {
			if first.message == message || first.contradicted {
				return Heard::Nothing;
			}
			// Told once: a member that contradicts itself all the time is no news.
			first.contradicted = true;
			return Heard::Second(first.message.clone(), first.seal.clone());
		}
		let highest = self.highest.entry(id.clone()).or_default();
		*highest = view.max(*highest);
		self.top = view.max(self.top);
		let kind = match &message {
			Message::Propose { .. } => Kind::Propose,
			Message::Prepare { .. } => Kind::Prepare,
			Message::Commit { value: None, .. } => Kind::CommitNil,
			Message::Commit { value: Some(_), .. } => Kind::CommitValue,
		};
		let kept = self.kept.entry((id.clone(), kind)).or_default();
		kept.insert(view);
		if kept.len() > VIEWS_KEPT {
			match kept.pop_first() {
				Some(lowest) if lowest == view => return Heard::Nothing,
				Some(lowest) => self.forget(lowest, phase, id, votes),
				None => {}
			}
		}
		self.ballots.entry((view, phase)).or_insert_with(Ballot::new).insert(id, votes, message, seal);
		Heard::New
	}

	fn forget(&mut self, view: u32, phase: Phase, id: &Id, votes: u64) {
		if let Entry::Occupied(mut ballot) = self.ballots.entry((view, phase)) {
			ballot.get_mut().remove(id, votes);
			if ballot.get().statements.is_empty() {
				ballot.remove();
			}
		}
	}

	/// What was said in a phase of a view, if anything was.
	pub(crate) fn ballot(&self, view: u32, phase: Phase) -> Option<&Ballot<Id, Value, Seal>> {
		self.ballots.get(&(view, phase))
	}

	/// The votes for a value (`None` is nil).
	pub(crate) fn votes_for(&self, view: u32, phase: Phase, value: &Option<Value>) -> u64 {
		self.ballot(view, phase).and_then(|ballot| ballot.tally.get(value).copied()).unwrap_or(0)
	}

	/// Those who voted for a value, with their seals.
	pub(crate) fn quorum(&self, view: u32, phase: Phase, value: &Value) -> Quorum<Id, Value, Option<Seal>> {
		let statements = self.ballot(view, phase).into_iter().flat_map(|ballot| &ballot.statements);
		let votes = statements
			.filter(|(_, statement)| statement.message.value() == Some(value))
			.map(|(id, statement)| (id.clone(), statement.seal.clone()))
			.collect();
		Quorum { view, phase, value: value.clone(), votes }
	}

	/// Members that were heard in higher views than this one, with the highest of each.
	pub(crate) fn above(&self, view: u32) -> impl Iterator<Item = (&Id, u32)> {
		self.highest.iter().map(|(id, highest)| (id, *highest)).filter(move |(_, highest)| *highest > view)
	}

	/// Whether any member was heard in a higher view than this one.
	pub(crate) fn any_above(&self, view: u32) -> bool {
		self.top > view
	}

	/// How many statements are kept.
	#[cfg(test)]
	pub(crate) fn len(&self) -> usize {
		self.ballots.values().map(|ballot| ballot.statements.len()).sum()
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_member_cannot_make_us_keep_more_than_the_bound() {
		let mut votes = Votes::<u8, u32, ()>::new();
		for view in (0..1_000).chain((0..1_000).rev()) {
			for value in [None, Some(view), Some(view + 1)] {
				votes.hear(&1, 5, Message::Prepare { view, value }, Some(()));
				votes.hear(&1, 5, Message::Commit { view, value }, Some(()));
			}
			votes.hear(&1, 5, Message::Propose { view, value: view, proven: None }, Some(()));
		}
		assert!(votes.len() <= 4 * VIEWS_KEPT);
		assert!(votes.ballots.len() <= 4 * VIEWS_KEPT);
		assert_eq!(votes.highest.len(), 1);
	}

	#[test]
	fn what_is_forgotten_is_not_counted_any_more() {
		let mut votes = Votes::<u8, u32, ()>::new();
		for view in 0..=VIEWS_KEPT as u32 {
			votes.hear(&1, 5, Message::Prepare { view, value: Some(7) }, Some(()));
		}
		assert_eq!(votes.votes_for(0, Phase::Prepare, &Some(7)), 0);
		assert!(votes.ballot(0, Phase::Prepare).is_none());
		assert_eq!(votes.votes_for(1, Phase::Prepare, &Some(7)), 5);
		// And does not come back: only higher views push out lower ones.
		assert_eq!(votes.hear(&1, 5, Message::Prepare { view: 0, value: Some(8) }, Some(())), Heard::Nothing);
	}

	#[test]
	fn one_member_does_not_push_out_what_another_said() {
		let mut votes = Votes::<u8, u32, ()>::new();
		votes.hear(&1, 5, Message::Prepare { view: 0, value: Some(7) }, Some(()));
		for view in 0..1_000 {
			votes.hear(&2, 3, Message::Prepare { view, value: Some(7) }, Some(()));
		}
		assert_eq!(votes.votes_for(0, Phase::Prepare, &Some(7)), 5);
	}

	#[test]
	fn a_commit_to_a_value_outlasts_any_number_of_nil_commits() {
		let mut votes = Votes::<u8, u32, ()>::new();
		votes.hear(&1, 5, Message::Commit { view: 0, value: Some(7) }, Some(()));
		for view in 1..1_000 {
			votes.hear(&1, 5, Message::Commit { view, value: None }, Some(()));
		}
		assert_eq!(votes.votes_for(0, Phase::Commit, &Some(7)), 5);
	}
}
