//! What the author side of a node is doing, for people: one state, one sentence.
//!
//! The worker sets the state, the RPC and the log show it. A change of state is logged once; a state that lasts is not
//! repeated.

mod stats;

pub use stats::{Stale, Stats};

use std::{
	fmt,
	sync::Arc,
	time::{Duration, SystemTime, UNIX_EPOCH},
};

use ep_poet::{rate::BOUND, AuthorityId, Hash, Millis};
use log::{debug, info, warn};
use parking_lot::RwLock;

/// Unix milliseconds now.
pub(crate) fn unix_millis() -> Millis {
	SystemTime::now()
		.duration_since(UNIX_EPOCH)
		.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(Millis::MAX))
}

/// What the worker is doing, or why it is not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
	/// It has not begun.
	Starting,
	/// It waits for its own last block to come back, after its record was damaged.
	Recovering {
		/// When it goes on, Unix milliseconds.
		until: Millis,
	},
	/// The node is catching up.
	Syncing,
	/// The node has no peers, and others are members.
	Offline,
	/// The keystore has no key of ours.
	NoKey,
	/// None of the keys is a member's.
	NotAMember {
		/// The keys.
		keys: Vec<AuthorityId>,
	},
	/// A key is a member's, but has no weight in this epoch.
	NotInThisEpoch {
		/// The key.
		author: AuthorityId,
		/// The epoch.
		epoch: u64,
	},
	/// The chip's clock is measured to run above the bound.
	RateTooHigh {
		/// The rate, in parts per million.
		rate: u32,
	},
	/// The keystore failed.
	KeyUnusable {
		/// Its words.
		reason: String,
	},
	/// The chain's state cannot be read.
	ChainUnreadable {
		/// The client's words.
		reason: String,
	},
	/// The chip does not answer.
	ChipGone {
		/// The chip's error.
		reason: String,
	},
	/// The wait under way is void; a new one begins.
	WaitSpoiled {
		/// Why.
		reason: String,
	},
	/// The chip is not the one that the chain knows for this member, or went back in its counters.
	WrongChip {
		/// What does not fit.
		reason: String,
	},
	/// The machine's clock is so far behind the chain's that nothing could be released in time.
	ClockBehind {
		/// By how much.
		by: Millis,
	},
	/// The draw is made; the chip's first attestation is being made.
	Beginning {
		/// Height of the block to come.
		height: u64,
	},
	/// A wait is under way.
	Waiting {
		/// The parent's height.
		on: u64,
		/// The parent.
		parent: Hash,
		/// `d`.
		wait: Millis,
		/// `rho * d`.
		needed: Millis,
		/// When it began, Unix milliseconds.
		since: Millis,
		/// When it will be over, Unix milliseconds.
		until: Millis,
	},
	/// The wait is about over, a block is being put together.
	Proposing {
		/// The block's height.
		height: u64,
	},
	/// The block is ready; the chip's second attestation is being made.
	Sealing {
		/// The block's height.
		height: u64,
	},
	/// No block could be put together.
	ProposalFailed {
		/// The block's height.
		height: u64,
		/// Why.
		reason: String,
	},
	/// A block is sealed and cannot be written to the record, hence not published.
	RecordUnwritable {
		/// The file system's words.
		reason: String,
	},
	/// A sealed and recorded block is not taken by the node's own import; it is tried again.
	ImportFailed {
		/// The block's height.
		height: u64,
		/// The block.
		hash: Hash,
		/// Why.
		reason: String,
	},
	/// A block was sealed on the best block before; nothing else will be.
	SealedBefore {
		/// That block's height.
		height: u64,
		/// That block.
		hash: Hash,
	},
}

impl State {
	/// The state's name, as the RPC gives it.
	pub fn name(&self) -> &'static str {
		match self {
			Self::Starting => "starting",
			Self::Recovering { .. } => "recovering",
			Self::Syncing => "syncing",
			Self::Offline => "offline",
			Self::NoKey => "noKey",
			Self::NotAMember { .. } => "notAMember",
			Self::NotInThisEpoch { .. } => "notInThisEpoch",
			Self::RateTooHigh { .. } => "rateTooHigh",
			Self::KeyUnusable { .. } => "keyUnusable",
			Self::ChainUnreadable { .. } => "chainUnreadable",
			Self::ChipGone { .. } => "chipGone",
			Self::WaitSpoiled { .. } => "waitSpoiled",
			Self::WrongChip { .. } => "wrongChip",
			Self::ClockBehind { .. } => "clockBehind",
			Self::Beginning { .. } => "beginning",
			Self::Waiting { .. } => "waiting",
			Self::Proposing { .. } => "proposing",
			Self::Sealing { .. } => "sealing",
			Self::ProposalFailed { .. } => "proposalFailed",
			Self::RecordUnwritable { .. } => "recordUnwritable",
			Self::ImportFailed { .. } => "importFailed",
			Self::SealedBefore { .. } => "sealedBefore",
		}
	}

	/// Whether the node takes part in the lottery of the next height.
	pub fn takes_part(&self) -> bool {
		matches!(self, Self::Beginning { .. } | Self::Waiting { .. } | Self::Proposing { .. } | Self::Sealing { .. })
	}

	/// Whether this is how a healthy member may look.
	fn is_usual(&self) -> bool {
		self.takes_part() || matches!(self, Self::Starting | Self::Syncing | Self::SealedBefore { .. })
	}
}

/// A duration as people read it.
pub(crate) fn seconds(millis: Millis) -> String {
	let duration = Duration::from_millis(millis);
	if millis < 10_000 {
		format!("{:.2} s", duration.as_secs_f64())
	} else {
		format!("{:.0} s", duration.as_secs_f64())
	}
}

impl fmt::Display for State {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Starting => write!(f, "the author is starting"),
			Self::Recovering { .. } => write!(
				f,
				"the record of sealed blocks was damaged; nothing is sealed for a while, so that the last block sealed can \
				 come back from other nodes"
			),
			Self::Syncing => write!(f, "the node is catching up with the chain"),
			Self::Offline => write!(f, "the node has no peers; to author alone, start it with --force-authoring"),
			Self::NoKey => write!(
				f,
				"the keystore has no key of type 'poet'; make one with author_rotateKeys or insert it with author_insertKey"
			),
			Self::NotAMember { keys } => {
				write!(f, "no key of this node is a member's:")?;
				keys.iter().try_for_each(|key| write!(f, " {key}"))
			}
			Self::NotInThisEpoch { author, epoch } => write!(
				f,
				"{author} is a member, but without weight in epoch {epoch}; a change counts from the epoch after the next"
			),
			Self::RateTooHigh { rate } => write!(
				f,
				"the chip's clock was measured at {:.3} of the chain's, above {:.2}; undo TPM2_ClockRateAdjust and see that \
				 this machine's clock is synchronised",
				f64::from(*rate) / 1e6,
				f64::from(BOUND) / 1e6
			),
			Self::KeyUnusable { reason } => write!(f, "the keystore cannot sign: {reason}"),
			Self::ChainUnreadable { reason } => write!(f, "the state of the best block cannot be read: {reason}"),
			Self::ChipGone { reason } => write!(f, "the chip does not answer: {reason}"),
			Self::WaitSpoiled { reason } => write!(f, "the wait is void, a new one begins: {reason}"),
			Self::WrongChip { reason } => write!(f, "the chip is not the one this member was admitted with: {reason}"),
			Self::ClockBehind { by } => {
				write!(f, "this machine's clock is {} behind the chain's; synchronise it", seconds(*by))
			}
			Self::Beginning { height } => write!(f, "beginning the wait for #{height}"),
			Self::Waiting { on, parent, needed, .. } => {
				write!(f, "waiting {} on #{on} ({parent:?})", seconds(*needed))
			}
			Self::Proposing { height } => write!(f, "putting #{height} together"),
			Self::Sealing { height } => write!(f, "sealing #{height}"),
			Self::ProposalFailed { height, reason } => write!(f, "#{height} cannot be put together: {reason}"),
			Self::RecordUnwritable { reason } => {
				write!(f, "a block is sealed but must not be published before it is recorded: {reason}")
			}
			Self::ImportFailed { height, hash, reason } => {
				write!(f, "own block #{height} ({hash:?}) was not imported, and is tried again: {reason}")
			}
			Self::SealedBefore { height, hash } => write!(
				f,
				"#{height} ({hash:?}) was sealed on the best block before; sealing another would be an equivocation"
			),
		}
	}
}

/// A block that this node sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SealedBlock {
	/// Its height.
	pub height: u64,
	/// Its hash.
	pub hash: Hash,
	/// Milliseconds that the chip counted.
	pub counted: Millis,
	/// When, Unix milliseconds.
	pub at: Millis,
}

/// Everything there is to say about the worker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerStatus {
	/// What it is doing.
	pub state: State,
	/// Since when, Unix milliseconds.
	pub since: Millis,
	/// The member it authors for.
	pub author: Option<AuthorityId>,
	/// The last block it sealed.
	pub last_sealed: Option<SealedBlock>,
	/// Blocks sealed since the start.
	pub sealed: u64,
	/// Waits dropped since the start because another block came first.
	pub taken: u64,
	/// How long the chip took for its last attestation.
	pub chip_latency: Option<Duration>,
	/// What the chip's driver says of it.
	pub chip: String,
}

impl Default for WorkerStatus {
	fn default() -> Self {
		Self {
			state: State::Starting,
			since: unix_millis(),
			author: None,
			last_sealed: None,
			sealed: 0,
			taken: 0,
			chip_latency: None,
			chip: String::new(),
		}
	}
}

/// The worker's status, shared.
#[derive(Clone, Default, Debug)]
pub struct StatusHandle(Arc<RwLock<WorkerStatus>>);

impl StatusHandle {
	/// The status of a worker that has not begun.
	pub fn new() -> Self {
		Self::default()
	}

	/// The status now.
	pub fn read(&self) -> WorkerStatus {
		self.0.read().clone()
	}

	/// Changes anything but the state.
	pub(crate) fn update(&self, change: impl FnOnce(&mut WorkerStatus)) {
		change(&mut self.0.write());
	}

	/// Sets the state, and says so if it is another one.
	pub(crate) fn set(&self, state: State) {
		let before = {
			let mut status = self.0.write();
			if status.state == state {
				return;
			}
			if status.state.name() != state.name() || state.takes_part() {
				status.since = unix_millis();
			}
			std::mem::replace(&mut status.state, state.clone())
		};
		match (before.is_usual(), state.is_usual()) {
			(_, false) if before.name() != state.name() => warn!(target: "poet", "not authoring: {state}"),
			(_, false) => debug!(target: "poet", "not authoring: {state}"),
			(false, true) if state.takes_part() => info!(target: "poet", "authoring again"),
			_ => debug!(target: "poet", "{state}"),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use sp_core::crypto::UncheckedFrom;

	fn key() -> AuthorityId {
		sp_core::sr25519::Public::unchecked_from([7; 32]).into()
	}

	fn all() -> Vec<State> {
		let (reason, hash, height) = (String::from("because"), Hash::repeat_byte(1), 42);
		vec![
			State::Starting,
			State::Recovering { until: 1 },
			State::Syncing,
			State::Offline,
			State::NoKey,
			State::NotAMember { keys: vec![key()] },
			State::NotInThisEpoch { author: key(), epoch: 3 },
			State::RateTooHigh { rate: 1_190_000 },
			State::KeyUnusable { reason: reason.clone() },
			State::ChainUnreadable { reason: reason.clone() },
			State::ChipGone { reason: reason.clone() },
			State::WaitSpoiled { reason: reason.clone() },
			State::WrongChip { reason: reason.clone() },
			State::ClockBehind { by: 12_345 },
			State::Beginning { height },
			State::Waiting { on: 41, parent: hash, wait: 1_800, needed: 1_900, since: 1, until: 2 },
			State::Proposing { height },
			State::Sealing { height },
			State::ProposalFailed { height, reason: reason.clone() },
			State::RecordUnwritable { reason: reason.clone() },
			State::ImportFailed { height, hash, reason },
			State::SealedBefore { height, hash },
		]
	}

	#[test]
	fn every_state_has_its_own_name_and_a_sentence() {
		let names = all().iter().map(State::name).collect::<std::collections::HashSet<_>>();
		assert_eq!(names.len(), all().len());
		for state in all() {
			let sentence = state.to_string();
			assert!(sentence.len() > 8 && !sentence.contains("{"), "{sentence}");
		}
	}

	#[test]
	fn sentences_name_what_a_person_needs() {
		let sentences = all().iter().map(State::to_string).collect::<Vec<_>>().join("\n");
		for part in
			["waiting 1.90 s on #41", "1.190 of the chain's, above 1.18", "12 s behind", "#42", &key().to_string()]
		{
			assert!(sentences.contains(part), "{part} is not in {sentences}");
		}
	}

	#[test]
	fn since_is_kept_while_the_state_lasts() {
		let status = StatusHandle::new();
		status.set(State::ChipGone { reason: "unplugged".into() });
		status.update(|s| s.since = 5);
		status.set(State::ChipGone { reason: "timed out".into() });
		assert_eq!(status.read().since, 5);
		status.set(State::Syncing);
		assert_ne!(status.read().since, 5);
		assert_eq!(status.read().state, State::Syncing);
	}

	#[test]
	fn only_waiting_and_sealing_take_part() {
		let names = all().iter().filter(|s| s.takes_part()).map(State::name).collect::<Vec<_>>();
		assert_eq!(names, ["beginning", "waiting", "proposing", "sealing"]);
	}
}
