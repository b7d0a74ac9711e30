//! The relayer's mind: from what it is shown to what is to be done, without any I/O.
//!
//! It remembers little ([`record`]): what was sent, and what became of it. Everything else is read anew each round, so
//! that no reorganisation, restart or rival can leave it with a wrong idea for longer than that. A round is:
//!
//! 1. [`Machine::asks`] names the receipts that it wants; the caller makes a [`View`].
//! 2. [`Machine::look`] settles what was sent, and says what is to be done now: a [`Step`].
//! 3. For a [`Step::Draft`] the caller has the chain estimate it, [`Machine::drafted`] makes a transaction of it, the
//!    caller signs, and [`Machine::signed`] remembers that. **Then the caller writes the record to disk, and only then
//!    sends.** What the pool says goes to [`Machine::answered`].
//!
//! The rules are in the documentation of the crate.

mod condition;
mod need;
pub mod record;
mod settle;
mod view;

pub(crate) use condition::{ela, gwei};
pub use condition::{Condition, ConditionView, Severity};
pub use record::{Act, Attempt, Done, Mined, Place, Record, Slot, Totals};
pub use view::{Contract, Log, Receipt, View};

use sp_core::{H160, H256};

use self::need::Task;
use crate::{
	legacy::{Legacy, Signed},
	policy::Policy,
};

/// What a transaction without data takes.
const PLAIN_GAS: u64 = 21_000;
/// What a submission is taken to use as long as none was seen.
const GUESSED_GAS: u64 = 300_000;
/// The longest pause after submissions that were mined and refused: so many blocks, and as often doubled.
const PAUSE: (u64, u32) = (10, 8);

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
	/// Nothing.
	Rest,
	/// Have it estimated, and go on with [`Machine::drafted`].
	Draft(Draft),
	/// Send these again, in this order.
	Resend(Vec<Signed>),
}

/// A transaction that may be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
	/// Its place.
	pub nonce: u64,
	/// What it does.
	pub act: Act,
	/// Where it goes.
	pub to: H160,
	/// The call.
	pub data: Vec<u8>,
	/// What it pays for a unit of gas.
	pub price: u128,
	/// Whether it takes the place of another.
	pub replaces: bool,
}

/// What the chain says of a draft.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Estimate {
	/// So much gas.
	Gas(u64),
	/// It would be refused: by that rule, or for a reason in words.
	Refused(String),
}

/// What the chain's pool says of a transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
	/// It has it, or had it.
	Taken,
	/// It wants more for it.
	TooCheap,
	/// Its place is used.
	Used,
	/// The account is frozen.
	Frozen,
	/// Something else.
	Rejected(String),
}

/// What happened, for the log and for who counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
	/// A transaction was signed, and is sent.
	Sent(Draft, H256),
	/// It is in a block.
	Mined(u64, Mined),
	/// It is no more.
	Reorganised(u64, Mined),
	/// It is so deep that it counts.
	Final(u64, Mined),
	/// The place was used by somebody else.
	Foreign(u64),
}

/// What may be forgotten at a restart.
#[derive(Clone, Debug, Default)]
struct Memory {
	/// The act that is needed, and since which block.
	needed: Option<(Act, u64)>,
	/// The act that somebody else has pending, and since which block.
	yielding: Option<(Act, u64)>,
	/// The certificate that was verified, by its digest and the hash of its signers.
	verified: Option<(H256, H256)>,
	/// The place that somebody else has used.
	foreign: Option<u64>,
	/// Submissions that were mined and refused: of which height, how often in a row, the block of the last.
	failed: Option<(u64, u32, u64)>,
	/// What the pool said of the last transaction, as far as it matters.
	answer: Option<Answer>,
}

/// The relayer's mind.
pub struct Machine {
	policy: Policy,
	record: Record,
	memory: Memory,
	conditions: Vec<Condition>,
	events: Vec<Event>,
	dirty: bool,
}

impl Machine {
	/// With what is remembered.
	pub fn new(policy: Policy, record: Record) -> Self {
		Self { policy, record, memory: Memory::default(), conditions: vec![], events: vec![], dirty: false }
	}

	/// What is remembered.
	pub fn record(&self) -> &Record {
		&self.record
	}

	/// What it goes by.
	pub fn policy(&self) -> &Policy {
		&self.policy
	}

	/// What stands in the way, as of the last look.
	pub fn conditions(&self) -> &[Condition] {
		&self.conditions
	}

	/// What happened since this was asked last.
	pub fn take_events(&mut self) -> Vec<Event> {
		std::mem::take(&mut self.events)
	}

	/// Whether the record has changed since this was asked last.
	pub fn take_dirty(&mut self) -> bool {
		std::mem::take(&mut self.dirty)
	}

	/// The receipts to ask for: of all that is not over, and of the last that are, in case the chain is reorganised
	/// deeper than anybody waits.
	pub fn asks(&self) -> Vec<H256> {
		let open = self.record.slots.iter().flat_map(|slot| slot.attempts.iter().map(|attempt| attempt.hash));
		let done = self.record.done.iter().rev().take(3).map(|done| done.mined.hash);
		open.chain(done).collect()
	}

	/// Settles what was sent, and says what to do.
	pub fn look(&mut self, view: &View) -> Step {
		self.conditions.clear();
		self.settle(view);
		let need = self.need(view);
		self.remember_need(&need, view);
		self.alarm(view);
		if self.memory.foreign.is_some_and(|nonce| nonce + 10 > view.nonce) {
			self.conditions.extend(self.memory.foreign.map(|nonce| Condition::KeyShared { nonce }));
		}
		if let Some(slot) = self.record.slots.iter().find(|slot| slot.mined.is_none() && slot.nonce < view.nonce) {
			self.conditions.push(Condition::Unclear { nonce: slot.nonce });
			return Step::Rest;
		}
		// A receipt in a place that the count says is free: two nodes answer, and one is behind.
		let known = self.record.slots.iter().filter(|slot| slot.mined.is_some()).map(|slot| slot.nonce);
		let over = self.record.done.iter().filter(|done| view.receipts.contains_key(&done.mined.hash));
		if known.chain(over.map(|done| done.nonce)).any(|nonce| nonce >= view.nonce) {
			self.conditions.push(Condition::Inconsistent);
			return Step::Rest;
		}
		match self.record.slots.iter().find(|slot| slot.mined.is_none()).cloned() {
			Some(slot) if slot.nonce == view.nonce => self.tend(&slot, need, view),
			// A place before it is free again, since the chain was reorganised very deep.
			Some(_) => self.draft(Act::Void, Vec::new(), view, None),
			None => self.begin(need, view),
		}
	}

	/// Nothing waits: sends what is needed.
	fn begin(&mut self, need: Result<Option<Task>, Condition>, view: &View) -> Step {
		let task = match need {
			Ok(Some(task)) => task,
			Ok(None) => return Step::Rest,
			Err(condition) => {
				self.conditions.push(condition);
				return Step::Rest;
			}
		};
		if self.has_landed(&task.act, view) {
			self.conditions.push(Condition::Inconsistent);
			return Step::Rest;
		}
		if let (Act::Submit { number, .. }, Some((failed, times, block))) = (task.act, self.memory.failed) {
			if number == failed && view.head < block + (PAUSE.0 << times.min(PAUSE.1)) {
				self.conditions.push(Condition::Repeated { number });
				return Step::Rest;
			}
		}
		if self.is_anothers(&task.act, view) || self.is_early(&task.act, view) {
			return Step::Rest;
		}
		self.draft(task.act, task.data, view, None)
	}

	/// By our own receipts that has been done already. The chain says otherwise, so a node behind the URL is behind.
	fn has_landed(&self, act: &Act, view: &View) -> bool {
		let slots = self.record.slots.iter().filter_map(|slot| slot.mined.as_ref());
		let done = self.record.done.iter().map(|done| &done.mined);
		let done = done.filter(|mined| view.receipts.contains_key(&mined.hash));
		let same = |mined: &Mined| match (mined.act, act) {
			(Act::Submit { number: landed, .. }, Act::Submit { number, .. }) => landed >= *number,
			(Act::Publish { signers: published }, Act::Publish { signers }) => published == *signers,
			_ => false,
		};
		slots.chain(done).any(|mined| mined.good && same(mined))
	}

	/// Rule *courtesy*: whether somebody else's transaction that does the same is pending, and not for too long.
	fn is_anothers(&mut self, act: &Act, view: &View) -> bool {
		let (taken, number) = match act {
			Act::Submit { number, signers, .. } => {
				(view.pending.number >= *number || view.pending.signers > *signers, *number)
			}
			Act::Publish { .. } => (view.pending.published, view.pending.number),
			Act::Void => (false, 0),
		};
		if !taken {
			self.memory.yielding = None;
			return false;
		}
		let since = match self.memory.yielding {
			Some((other, since)) if other == *act => since,
			_ => view.head,
		};
		self.memory.yielding = Some((*act, since));
		let yields = view.head < since + self.policy.yield_blocks;
		if yields {
			self.conditions.push(Condition::Yielding { number });
		}
		yields
	}

	/// Rule *stagger*: whether it is another relayer's turn first.
	fn is_early(&self, act: &Act, view: &View) -> bool {
		let Some((needed, since)) = self.memory.needed else { return false };
		let key = match act {
			Act::Submit { number, .. } => *number,
			Act::Publish { signers } => *signers,
			Act::Void => return false,
		};
		let bytes = [self.record.place.account.as_bytes(), &key.to_be_bytes()].concat();
		let hash = sp_crypto_hashing::keccak_256(&bytes);
		let turn = u64::from(u16::from_be_bytes([hash[0], hash[1]])) % (self.policy.stagger + 1);
		needed == *act && view.head < since + turn
	}

	/// Since when that is needed.
	fn remember_need(&mut self, need: &Result<Option<Task>, Condition>, view: &View) {
		let act = need.as_ref().ok().and_then(|task| task.as_ref().map(|task| task.act));
		if act != self.memory.needed.map(|(act, _)| act) {
			self.memory.needed = act.map(|act| (act, view.head));
		}
		if act.is_none() {
			self.memory.yielding = None;
		}
	}

	/// A transaction waits to be mined: waits on, sends it again, or replaces it.
	fn tend(&mut self, slot: &Slot, need: Result<Option<Task>, Condition>, view: &View) -> Step {
		let Some(last) = slot.attempts.last() else { return Step::Rest };
		let task = match need {
			Ok(task) => task,
			Err(condition) => {
				self.conditions.push(condition);
				None
			}
		};
		let frozen = self.is_frozen(slot, last, view);
		// After a reorganisation others may wait behind it. A later checkpoint in its place would make those useless, and they
		// would be paid for all the same: they keep their order.
		let alone = self.record.slots.iter().filter(|slot| slot.mined.is_none()).count() == 1;
		let task = task.filter(|_| alone);
		if !self.is_good(&last.act, view) {
			// It would be paid for and refused. What is needed now takes its place, or nothing, which is cheaper.
			let (act, data) = task.map_or((Act::Void, Vec::new()), |task| (task.act, task.data));
			return self.replace(slot, last, act, data, view);
		}
		let waited = view.head.saturating_sub(last.block);
		let dearer = self.policy.target(view.gas_price) > last.gas_price;
		let due = last.too_cheap
			|| (dearer && waited >= self.policy.bump_after)
			|| (!frozen && waited >= self.policy.bump_after * 4);
		if !due {
			return self.resend(view);
		}
		match (task, Legacy::read(&last.raw)) {
			(Some(task), _) => self.replace(slot, last, task.act, task.data, view),
			(None, Ok(same)) => self.replace(slot, last, last.act, same.data, view),
			(None, Err(_)) => self.resend(view),
		}
	}

	/// Whether what a transaction does can still be done.
	fn is_good(&self, act: &Act, view: &View) -> bool {
		let contract = &view.contract;
		match act {
			Act::Submit { number, signers, with_words, .. } => {
				*number > contract.number && *signers == contract.signers && (*with_words || contract.published)
			}
			Act::Publish { signers } => *signers == contract.signers && !contract.published,
			Act::Void => true,
		}
	}

	fn is_frozen(&mut self, slot: &Slot, last: &Attempt, view: &View) -> bool {
		let blocks = view.head.saturating_sub(slot.since);
		let said = self.memory.answer == Some(Answer::Frozen);
		let silent = blocks >= self.policy.frozen_after && last.taken && last.gas_price >= view.gas_price;
		if said || silent {
			self.conditions.push(Condition::Frozen { nonce: slot.nonce, blocks });
		} else if let Some(Answer::Rejected(why)) = &self.memory.answer {
			self.conditions.push(Condition::Rejected { why: why.clone() });
		}
		said || silent
	}

	fn replace(&mut self, slot: &Slot, last: &Attempt, act: Act, data: Vec<u8>, view: &View) -> Step {
		if self.policy.replacement(last.gas_price, view.gas_price).is_none() {
			let (price, ceiling) = (last.gas_price, self.policy.ceiling);
			self.conditions.push(Condition::AtCeiling { nonce: slot.nonce, price, ceiling });
			return self.resend(view);
		}
		self.draft(act, data, view, Some(last.gas_price))
	}

	/// Sends again what waits, in order: a pool may have lost it.
	fn resend(&mut self, view: &View) -> Step {
		let after = self.policy.resend_after;
		let mut again = Vec::new();
		for slot in self.record.slots.iter_mut().filter(|slot| slot.mined.is_none()) {
			let Some(last) = slot.attempts.last_mut() else { continue };
			// Those behind the first may be of a set that is yet to come, but not of a height that is past.
			let past = matches!(last.act, Act::Submit { number, .. } if number <= view.contract.number);
			let due = last.sent.is_none_or(|sent| view.head >= sent + after || view.head < sent);
			if due && !past {
				last.sent = Some(view.head);
				again.push(Signed { hash: last.hash, raw: last.raw.to_vec() });
			}
		}
		if again.is_empty() {
			return Step::Rest;
		}
		self.dirty = true;
		Step::Resend(again)
	}

	/// At the price of the moment, or as the replacement of one that pays `last`.
	fn draft(&mut self, act: Act, data: Vec<u8>, view: &View, last: Option<u128>) -> Step {
		let price = match last {
			Some(last) => self.policy.replacement(last, view.gas_price),
			None => self.policy.price(view.gas_price),
		};
		let Some(price) = price else {
			self.conditions.push(Condition::PriceCeiling { asked: view.gas_price, ceiling: self.policy.ceiling });
			return Step::Rest;
		};
		let to = if act == Act::Void { self.record.place.account } else { self.record.place.contract };
		Step::Draft(Draft { nonce: view.nonce, act, to, data, price, replaces: last.is_some() })
	}

	/// Makes a transaction of a draft, as far as its estimate and the balance allow it.
	pub fn drafted(&mut self, draft: &Draft, view: &View, estimate: Estimate) -> Option<Legacy> {
		let gas = match estimate {
			Estimate::Gas(gas) if draft.act == Act::Void => gas,
			Estimate::Gas(gas) => gas.saturating_add(gas.saturating_mul(self.policy.gas_margin) / 100),
			// Somebody was faster between two questions. The next round sees it.
			Estimate::Refused(rule) if rule == "Newer" || rule == "Handover" => return None,
			Estimate::Refused(rule) => {
				self.conditions.push(Condition::Refused { what: draft.act.to_string(), rule });
				return None;
			}
		};
		// The margin is what may be saved.
		let least = match gas.checked_mul(100) {
			Some(gas) => gas / (100 + self.policy.gas_margin),
			None => gas,
		};
		if least > self.policy.gas_cap {
			self.conditions.push(Condition::TooMuchGas { gas });
			return None;
		}
		let gas = gas.min(self.policy.gas_cap);
		let needed = u128::from(gas).saturating_mul(draft.price);
		if needed > view.balance {
			self.conditions.retain(|condition| !matches!(condition, Condition::FundsLow { .. }));
			self.conditions.push(Condition::OutOfFunds { needed, has: view.balance });
			return None;
		}
		Some(Legacy {
			nonce: draft.nonce,
			gas_price: draft.price,
			gas,
			to: draft.to,
			value: 0,
			data: draft.data.clone(),
		})
	}

	/// Remembers what was signed. It must be on disk before it is sent.
	pub fn signed(&mut self, draft: Draft, signed: &Signed, view: &View) {
		let slot = self.record.slot(draft.nonce, view.head);
		if let Some(last) = slot.attempts.last_mut() {
			last.raw = Vec::new().into();
		}
		slot.attempts.push(Attempt {
			act: draft.act,
			hash: signed.hash,
			raw: signed.raw.clone().into(),
			gas_price: draft.price,
			block: view.head,
			sent: None,
			taken: false,
			too_cheap: false,
		});
		self.memory.answer = None;
		self.dirty = true;
		self.events.push(Event::Sent(draft, signed.hash));
	}

	/// What the pool said of a transaction.
	pub fn answered(&mut self, hash: H256, answer: Answer, head: u64) {
		let attempts = self.record.slots.iter_mut().flat_map(|slot| slot.attempts.iter_mut());
		let Some(attempt) = attempts.into_iter().find(|attempt| attempt.hash == hash) else { return };
		attempt.sent = Some(head);
		attempt.taken |= answer == Answer::Taken;
		attempt.too_cheap = answer == Answer::TooCheap;
		self.memory.answer = match answer {
			Answer::Taken | Answer::Used | Answer::TooCheap => None,
			other => Some(other),
		};
		self.dirty = true;
	}

	/// Raises the alarm about the balance.
	fn alarm(&mut self, view: &View) {
		let gas = u128::from(self.record.last_gas.unwrap_or(GUESSED_GAS));
		let price = self.policy.target(view.gas_price).min(self.policy.ceiling.max(self.policy.floor));
		let submissions = view.balance / gas.saturating_mul(price).max(1);
		if submissions < self.policy.alarm_submissions || view.balance < self.policy.alarm_balance {
			self.conditions.push(Condition::FundsLow { has: view.balance, submissions });
		}
	}
}

/// What a transaction takes that needs no estimate.
pub fn known_gas(act: &Act) -> Option<u64> {
	(*act == Act::Void).then_some(PLAIN_GAS)
}
