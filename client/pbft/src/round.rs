//! The state machine of one member.

use crate::{
	memory::Said,
	votes::{Heard, Votes},
	Committee, Memory, Message, Output, Phase, Quorum, Timeout,
};

/// What a member locked.
#[derive(Clone, Debug)]
pub(crate) struct Lock<Value> {
	pub(crate) view: u32,
	pub(crate) value: Value,
}

/// What is put out on an input.
type Outputs<Id, Value, Seal> = Vec<Output<Id, Value, Seal>>;

/// One instance of the protocol at one member, or at an observer, who only learns what is decided.
///
/// Every input returns what to do, in that order. See the [crate's documentation](crate) for the rules.
///
/// * **The caller authenticates.** It calls [`receive`](Self::receive) only for what the named member did sign for this
///   very round, and hands the signature in as the message's `Seal`. Of a [`Quorum`] it verifies every seal.
/// * **The caller writes down before it sends.** When an input put out [`Output::Send`], [`Output::Relay`] or
///   [`Output::Decided`], the [memory](Self::memory) has to be on disk before any of it leaves the machine. After a
///   crash the round is brought back by [`restore`](Self::restore), never by [`new`](Self::new).
#[derive(Clone, Debug)]
pub struct Round<Id: Ord, Value, Seal = ()> {
	pub(crate) committee: Committee<Id>,
	pub(crate) me: Option<Id>,
	pub(crate) judgement: Option<Value>,
	pub(crate) view: u32,
	pub(crate) phase: Phase,
	pub(crate) lock: Option<Lock<Value>>,
	/// The highest quorum of prepares that was seen.
	pub(crate) prepared: Option<Quorum<Id, Value, Option<Seal>>>,
	/// The quorum of commits that was seen.
	pub(crate) decided: Option<Quorum<Id, Value, Option<Seal>>>,
	pub(crate) votes: Votes<Id, Value, Seal>,
	said: Said<Value>,
	/// Whether the timer of the prepares, that of the commits, was started in this view.
	prepare_timer: bool,
	commit_timer: bool,
}

impl<Id: Clone + Ord, Value: Clone + Ord, Seal: Clone> Round<Id, Value, Seal> {
	/// Begins a round that this member has never taken part in. `me` is `None` for an observer, and so is whoever is no
	/// member.
	pub fn new(committee: Committee<Id>, me: Option<Id>) -> (Self, Outputs<Id, Value, Seal>) {
		Self::restore(committee, me, Memory { said: Vec::new(), prepared: None, decided: None })
	}

	/// Brings a round back after a restart. The member goes on where it was and contradicts nothing that it said.
	///
	/// What others said is not remembered: they [retransmit](Self::retransmit) it.
	pub fn restore(
		committee: Committee<Id>,
		me: Option<Id>,
		memory: Memory<Id, Value, Seal>,
	) -> (Self, Outputs<Id, Value, Seal>) {
		let me = me.filter(|me| committee.votes_of(me).is_some());
		let mut round = Self {
			committee,
			me,
			judgement: None,
			view: 0,
			phase: Phase::Propose,
			lock: None,
			prepared: memory.prepared,
			decided: memory.decided,
			votes: Votes::new(),
			said: Said::new(),
			prepare_timer: false,
			commit_timer: false,
		};
		let mut out = Vec::new();
		if let Some(quorum) = &round.decided {
			out.push(Output::Decided { value: quorum.value.clone(), view: quorum.view });
		}
		round.remember(memory.said, &mut out);
		if round.decided.is_none() && round.phase == Phase::Propose {
			round.start_timer(Phase::Propose, &mut out);
		}
		round.proceed(&mut out);
		(round, out)
	}

	/// What has to outlive a crash.
	pub fn memory(&self) -> Memory<Id, Value, Seal> {
		Memory {
			said: self.said.messages().cloned().collect(),
			prepared: self.prepared.clone(),
			decided: self.decided.clone(),
		}
	}

	/// The member itself judges so now. A judgement can come late and can change. What was said before stays said.
	pub fn judged(&mut self, value: Value) -> Outputs<Id, Value, Seal> {
		let mut out = Vec::new();
		self.judgement = Some(value);
		self.proceed(&mut out);
		out
	}

	/// The member `from` said this, as its `seal` proves.
	pub fn receive(&mut self, from: Id, message: Message<Value>, seal: Seal) -> Outputs<Id, Value, Seal> {
		let mut out = Vec::new();
		self.hear(&from, message, seal, &mut out);
		self.proceed(&mut out);
		out
	}

	/// Whether [`receive_quorum`](Self::receive_quorum) would learn anything from this, so that its seals are worth
	/// verifying.
	pub fn wants<Other>(&self, quorum: &Quorum<Id, Value, Other>) -> bool {
		let news = match quorum.phase {
			Phase::Propose => false,
			Phase::Prepare => self.prepared.as_ref().is_none_or(|prepared| quorum.view > prepared.view),
			Phase::Commit => true,
		};
		// Nobody can have more votes here than the sum that was checked for overflow.
		let votes = quorum.votes.keys().filter_map(|id| self.committee.votes_of(id)).sum();
		news && self.decided.is_none() && self.committee.is_quorum(votes)
	}

	/// Somebody relayed votes that are a quorum together. It does not matter who: every vote has its own seal.
	///
	/// Each vote is heard, too. Where a member said something else first, only that counts by itself, but the quorum
	/// counts as a whole: else a member could show its vote to some, another one to the others, and what the first
	/// locked could never be shown to the others.
	pub fn receive_quorum(&mut self, quorum: Quorum<Id, Value, Seal>) -> Outputs<Id, Value, Seal> {
		let mut out = Vec::new();
		let Some(message) = quorum.message().filter(|_| self.wants(&quorum)) else { return out };
		let Quorum { view, phase, value, mut votes } = quorum;
		votes.retain(|id, _| self.committee.votes_of(id).is_some());
		for (id, seal) in &votes {
			self.hear(id, message.clone(), seal.clone(), &mut out);
		}
		let votes = votes.into_iter().map(|(id, seal)| (id, Some(seal))).collect();
		self.saw_quorum(Quorum { view, phase, value, votes }, &mut out);
		self.proceed(&mut out);
		out
	}

	/// A timer that this machine asked for ran out. One of a phase that is over does nothing.
	pub fn timeout(&mut self, timeout: Timeout) -> Outputs<Id, Value, Seal> {
		let mut out = Vec::new();
		let view = self.view;
		if timeout.view != view || self.decided.is_some() || self.me.is_none() {
			return out;
		}
		match timeout.phase {
			Phase::Propose if self.phase == Phase::Propose => {
				self.phase = Phase::Prepare;
				self.say(Message::Prepare { view, value: None }, &mut out);
			}
			Phase::Prepare if self.phase == Phase::Prepare && self.prepare_timer => {
				self.phase = Phase::Commit;
				self.say(Message::Commit { view, value: None }, &mut out);
			}
			Phase::Commit if self.commit_timer => self.enter(view.saturating_add(1), &mut out),
			_ => {}
		}
		self.proceed(&mut out);
		out
	}

	/// All that somebody may still need of this member: to be called from time to time, for messages get lost.
	///
	/// Once decided that is the quorum of commits, from which anybody learns the decision, in whatever view it is.
	/// Before, it is what the member said in the last two views and in that of its lock, and the last quorum of prepares
	/// that it saw, if that is of a lower view.
	pub fn retransmit(&self) -> Outputs<Id, Value, Seal> {
		if self.me.is_none() {
			return Vec::new();
		}
		if let Some(decided) = &self.decided {
			return vec![Output::Relay(decided.clone())];
		}
		let relay = self.prepared.clone().filter(|prepared| prepared.view < self.view).map(Output::Relay);
		self.said.messages().cloned().map(Output::Send).chain(relay).collect()
	}

	/// Takes what was said before a crash as said.
	fn remember(&mut self, said: Vec<Message<Value>>, out: &mut Outputs<Id, Value, Seal>) {
		let Some(me) = self.me.clone() else { return };
		for message in said {
			if !self.said.say(&message) {
				continue;
			}
			if let Message::Commit { view, value: Some(value) } = &message {
				if self.lock.as_ref().is_none_or(|lock| lock.view < *view) {
					self.lock = Some(Lock { view: *view, value: value.clone() });
				}
			}
			self.count(&me, message, None, out);
		}
		self.view = self.said.last_view().unwrap_or(0);
		self.phase = if self.said.has(self.view, Phase::Commit) {
			Phase::Commit
		} else if self.said.has(self.view, Phase::Prepare) {
			Phase::Prepare
		} else {
			Phase::Propose
		};
	}

	/// Hears somebody else, unless it is a stranger or what it says makes no sense.
	fn hear(&mut self, from: &Id, message: Message<Value>, seal: Seal, out: &mut Outputs<Id, Value, Seal>) {
		// The member heard itself when it spoke. Whatever else comes under its name is somebody's with its key.
		if self.me.as_ref() == Some(from) {
			return;
		}
		if let Message::Propose { view, proven, .. } = &message {
			if self.committee.leader(*view) != from || proven.is_some_and(|proven| proven >= *view) {
				return;
			}
		}
		self.count(from, message, Some(seal), out);
	}

	/// Counts a statement, and looks whether it makes a quorum.
	fn count(&mut self, from: &Id, message: Message<Value>, seal: Option<Seal>, out: &mut Outputs<Id, Value, Seal>) {
		let Some(votes) = self.committee.votes_of(from) else { return };
		let (view, phase, value) = (message.view(), message.phase(), message.value().cloned());
		match self.votes.hear(from, votes, message.clone(), seal.clone()) {
			Heard::Nothing => {}
			Heard::Second(first, first_seal) => {
				if let (Some(first_seal), Some(seal)) = (first_seal, seal) {
					let (first, second) = ((first, first_seal), (message, seal));
					out.push(Output::Equivocation { member: from.clone(), first, second });
				}
			}
			Heard::New => {
				let quorum = self.committee.is_quorum(self.votes.votes_for(view, phase, &value));
				if let Some(value) = value.filter(|_| quorum && phase != Phase::Propose) {
					self.saw_quorum(self.votes.quorum(view, phase, &value), out);
				}
			}
		}
	}

	/// Takes a quorum as seen.
	fn saw_quorum(&mut self, quorum: Quorum<Id, Value, Option<Seal>>, out: &mut Outputs<Id, Value, Seal>) {
		match quorum.phase {
			Phase::Propose => {}
			Phase::Prepare => {
				if self.prepared.as_ref().is_none_or(|prepared| quorum.view > prepared.view) {
					self.prepared = Some(quorum);
				}
			}
			// Of whatever view: a decision does not get old.
			Phase::Commit => {
				if self.decided.is_none() {
					out.push(Output::Decided { value: quorum.value.clone(), view: quorum.view });
					self.decided = Some(quorum);
				}
			}
		}
	}

	/// Says something, unless something was said in that phase of that view.
	fn say(&mut self, message: Message<Value>, out: &mut Outputs<Id, Value, Seal>) {
		let Some(me) = self.me.clone() else { return };
		if message.view().saturating_add(1) < self.view || !self.said.say(&message) {
			return;
		}
		self.said.forget(self.lock.as_ref().map(|lock| lock.view));
		out.push(Output::Send(message.clone()));
		self.count(&me, message, None, out);
	}

	fn start_timer(&mut self, phase: Phase, out: &mut Outputs<Id, Value, Seal>) {
		if self.me.is_some() {
			out.push(Output::StartTimer(Timeout { view: self.view, phase }));
		}
	}

	/// Enters a view. Where the member said nothing in the view below, it says nil: those who are there need the votes
	/// of all honest members to get out.
	fn enter(&mut self, view: u32, out: &mut Outputs<Id, Value, Seal>) {
		if view <= self.view {
			return;
		}
		self.say(Message::Prepare { view: view - 1, value: None }, out);
		self.say(Message::Commit { view: view - 1, value: None }, out);
		self.view = view;
		self.phase = Phase::Propose;
		self.prepare_timer = false;
		self.commit_timer = false;
		self.start_timer(Phase::Propose, out);
	}

	/// Applies the rules until none applies. Every pass moves on by a phase or a view, and views are bounded by what
	/// was heard, so this ends.
	fn proceed(&mut self, out: &mut Outputs<Id, Value, Seal>) {
		while self.decided.is_none() && self.pass(out) {}
	}

	/// Applies one rule. `false` if none applies.
	fn pass(&mut self, out: &mut Outputs<Id, Value, Seal>) -> bool {
		let view = self.view;
		if let Some(higher) = self.view_of_others() {
			self.enter(higher, out);
			return true;
		}
		let Some(me) = self.me.clone() else { return false };
		if self.committee.is_quorum(self.votes.votes_for(view, Phase::Commit, &None)) && view < u32::MAX {
			self.enter(view + 1, out);
			return true;
		}
		if self.phase == Phase::Propose {
			if *self.committee.leader(view) == me && !self.said.has(view, Phase::Propose) && self.propose(out) {
				return true;
			}
			if let Some(value) = self.acceptable() {
				self.phase = Phase::Prepare;
				self.say(Message::Prepare { view, value: Some(value) }, out);
				return true;
			}
		}
		if self.phase != Phase::Commit {
			if let Some(value) = self.prepared.as_ref().filter(|prepared| prepared.view == view) {
				let value = value.value.clone();
				self.phase = Phase::Commit;
				self.lock = Some(Lock { view, value: value.clone() });
				// Nobody commits without having prepared: others who saw fewer prepares wait for a quorum that spoke.
				self.say(Message::Prepare { view, value: Some(value.clone()) }, out);
				self.say(Message::Commit { view, value: Some(value) }, out);
				return true;
			}
			if self.committee.is_quorum(self.votes.votes_for(view, Phase::Prepare, &None)) {
				self.phase = Phase::Commit;
				self.say(Message::Prepare { view, value: None }, out);
				self.say(Message::Commit { view, value: None }, out);
				return true;
			}
		}
		if self.phase == Phase::Prepare && !self.prepare_timer && self.heard_quorum(Phase::Prepare) {
			self.prepare_timer = true;
			self.start_timer(Phase::Prepare, out);
		}
		if !self.commit_timer && self.heard_quorum(Phase::Commit) {
			self.commit_timer = true;
			self.start_timer(Phase::Commit, out);
		}
		false
	}

	/// Whether a quorum said anything, be it for different values, in a phase of this view. Then it is time to wait no
	/// longer than a timer for the rest: they may never speak.
	fn heard_quorum(&self, phase: Phase) -> bool {
		self.committee.is_quorum(self.votes.ballot(self.view, phase).map_or(0, |ballot| ballot.total()))
	}

	/// The highest view above this one that an honest member reached for sure: members with more than a third of the
	/// votes were heard there or higher.
	fn view_of_others(&self) -> Option<u32> {
		if !self.votes.any_above(self.view) {
			return None;
		}
		let mut above: Vec<_> = self
			.votes
			.above(self.view)
			.filter_map(|(id, highest)| Some((highest, self.committee.votes_of(id)?)))
			.collect();
		above.sort_unstable_by(|one, other| other.cmp(one));
		let mut sum = 0u64;
		above.into_iter().find_map(|(highest, votes)| {
			sum = sum.saturating_add(votes);
			self.committee.has_honest(sum).then_some(highest)
		})
	}

	/// Proposes, if there is anything to propose: what was prepared by a quorum, else what is locked, else what the
	/// member judges.
	fn propose(&mut self, out: &mut Outputs<Id, Value, Seal>) -> bool {
		let view = self.view;
		let (value, proven) = match (&self.prepared, &self.lock, &self.judgement) {
			// A quorum of this very view needs no proposal any more.
			(Some(prepared), _, _) if prepared.view < view => (prepared.value.clone(), Some(prepared.view)),
			(None, Some(lock), _) => (lock.value.clone(), None),
			(None, None, Some(value)) => (value.clone(), None),
			_ => return false,
		};
		self.say(Message::Propose { view, value, proven }, out);
		if proven.is_some() {
			out.extend(self.prepared.clone().map(Output::Relay));
		}
		true
	}

	/// The proposed value of this view, if the member may prepare it.
	fn acceptable(&self) -> Option<Value> {
		let leader = self.committee.leader(self.view);
		let Message::Propose { value, proven, .. } =
			self.votes.ballot(self.view, Phase::Propose)?.message_of(leader)?
		else {
			return None;
		};
		// The quorum that the leader tells of, if this member saw it, too.
		let proven = proven.filter(|view| self.saw_prepares(*view, value));
		let (free, locked) = match &self.lock {
			None => (true, false),
			Some(lock) => (proven.is_some_and(|view| view >= lock.view), lock.value == *value),
		};
		let wanted = locked || proven.is_some() || self.judgement.as_ref() == Some(value);
		((free || locked) && wanted).then(|| value.clone())
	}

	/// Whether a quorum of prepares for the value in that view was seen.
	fn saw_prepares(&self, view: u32, value: &Value) -> bool {
		self.prepared.as_ref().is_some_and(|prepared| prepared.view == view && prepared.value == *value)
			|| self.committee.is_quorum(self.votes.votes_for(view, Phase::Prepare, &Some(value.clone())))
	}
}
