//! Who judges, with how many votes, and in which order they lead.

use std::{
	collections::{BTreeMap, BTreeSet},
	error::Error,
	fmt,
};

/// Why there can be no such committee.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommitteeError {
	/// There are no members.
	Empty,
	/// A member has no votes: it would lead views, but nobody could count on it.
	NoVotes,
	/// The votes of all members do not fit into 64 bits.
	Overflow,
	/// The order names somebody who is no member.
	StrangerLeads,
	/// The order names a member twice.
	LeadsTwice,
	/// The order misses a member.
	NeverLeads,
}

impl fmt::Display for CommitteeError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::Empty => "a committee needs a member",
			Self::NoVotes => "a member has no votes",
			Self::Overflow => "the members have more votes than fit into 64 bits",
			Self::StrangerLeads => "the order names somebody who is no member",
			Self::LeadsTwice => "the order names a member twice",
			Self::NeverLeads => "the order misses a member",
		})
	}
}

impl Error for CommitteeError {}

/// The members of a committee.
///
/// All fractions are of the *total*: the votes that were expected, also those of seats that nobody took. Empty seats
/// make a quorum harder to reach. They never make it easier.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Committee<Id> {
	members: BTreeMap<Id, u64>,
	order: Vec<Id>,
	total: u64,
}

impl<Id: Clone + Ord> Committee<Id> {
	/// A committee of `members` with their votes. `order` names every member once, in the order in which they lead.
	///
	/// `expected` is how many votes there should be. Should the members have more than that together, then the sum of
	/// their votes is the total: with less, two quorums would not need a member in common.
	///
	/// # Errors
	/// What is wrong with members, order or votes.
	pub fn new(members: BTreeMap<Id, u64>, order: Vec<Id>, expected: u64) -> Result<Self, CommitteeError> {
		if members.is_empty() {
			return Err(CommitteeError::Empty);
		}
		let mut sum = 0u64;
		for votes in members.values() {
			if *votes == 0 {
				return Err(CommitteeError::NoVotes);
			}
			sum = sum.checked_add(*votes).ok_or(CommitteeError::Overflow)?;
		}
		let mut leading = BTreeSet::new();
		for id in &order {
			if !members.contains_key(id) {
				return Err(CommitteeError::StrangerLeads);
			}
			if !leading.insert(id) {
				return Err(CommitteeError::LeadsTwice);
			}
		}
		if leading.len() != members.len() {
			return Err(CommitteeError::NeverLeads);
		}
		Ok(Self { members, order, total: sum.max(expected) })
	}

	/// The members and their votes.
	pub fn members(&self) -> &BTreeMap<Id, u64> {
		&self.members
	}

	/// The members in the order in which they lead.
	pub fn order(&self) -> &[Id] {
		&self.order
	}

	/// The votes of which quorums are a fraction: those expected, or those of all members should that be more.
	pub fn total(&self) -> u64 {
		self.total
	}

	/// The leader of a view.
	pub fn leader(&self, view: u32) -> &Id {
		// Never empty: a committee has a member, and the order names all of them.
		&self.order[view as usize % self.order.len()]
	}

	/// The votes of a member, none for a stranger.
	pub fn votes_of(&self, id: &Id) -> Option<u64> {
		self.members.get(id).copied()
	}

	/// The fewest votes that are a quorum: strictly more than two thirds of the total.
	pub fn quorum(&self) -> u64 {
		// At most the total, which fits.
		(u128::from(self.total) * 2 / 3 + 1) as u64
	}

	/// Whether so many votes are a quorum. Any two quorums have more than a third of the total in common.
	pub fn is_quorum(&self, votes: u64) -> bool {
		votes >= self.quorum()
	}

	/// Whether so many votes are strictly more than a third of the total, so that an honest member is among them.
	pub fn has_honest(&self, votes: u64) -> bool {
		u128::from(votes) * 3 > u128::from(self.total)
	}
}
