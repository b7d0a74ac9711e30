//! Tells the chain which of its checkpoints landed on the Elastos Smart Chain, and who brought them: a duty of whoever signs
//! checkpoints. With more than two thirds of the weight it is known, and the relayer is owed a reward
//! ([`ep_bridge::landing`]).
//!
//! # Rules
//! A signer says of a certified checkpoint where it landed, if and only if each of its nodes of the Elastos Smart Chain
//! shows it, and all of these hold.
//! 1. *same-chain*: the node is of the chain that the checkpoint was signed for.
//! 2. *one-event*: the contract has one event for that height. It takes each height once.
//! 3. *deep*: [`DEPTH`] blocks follow that of the event. Blocks of that chain are not final before.
//! 4. *same-block*: the event is of the block that was certified here, and not of another of that height.
//! 5. *agreement*: where several nodes are asked, all say the same, down to the place in the log. While one of them does not
//!    answer, or does not have the event yet, nothing is said.
//!
//! Which checkpoints there are, the finalised state says, and the best one says which are still awaited.
//!
//! # Attacks
//! * *A node of that chain that lies* about its height or its events: one wrong word of each signer who believes it. It
//!   takes more than two thirds of the weight to make a landing, so a lie matters only where that many ask the same node,
//!   or nodes of one liar. Then it pays who has not brought anything; what is certified it does not touch. Signers should
//!   ask nodes of their own, or several.
//! * *A node that keeps silent* about events: with it, none is attested. That costs rewards, not safety, and the others'
//!   words are enough.
//! * *A reorganisation deeper than [`DEPTH`]*: words for what is no more. A checkpoint that lands again afterwards stays
//!   where it was said to be, and its first relayer is paid.
//! * *Events of another contract*, or of another height: those are not counted.

mod metrics;
mod task;

pub use metrics::Metrics;
pub use task::{attest_landings, Elapse, Within, Witness, WitnessParams};

use std::collections::BTreeMap;

use ep_bridge::{landing::DEPTH, Certified, Landing};
use ep_trust::eip712::{self, Word};
use sp_core::{H160, H256};

use crate::{
	abi,
	esc::{Esc, EscError, Filter, Logged},
};

/// How many blocks to look back: a day and four hours. What landed before, others have said since, or nobody is going to:
/// a node reads the header of every block that it has not indexed yet, so that it costs more the farther one looks.
pub const SPAN: u64 = 20_000;
/// How many of them to ask for at once. The chain's own nodes have no bound, but what stands before public ones has: the
/// lowest in use is this.
const STEP: u64 = 5_000;

/// Why nothing is said of a landing, by rule.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
	/// There is no event, or not yet.
	#[error("it has not landed, as far as can be seen")]
	Nothing,
	/// Rule *deep*.
	#[error("deep: its event is in block {block}, and {head} is the last one")]
	Deep {
		/// The event's block.
		block: u64,
		/// The last block.
		head: u64,
	},
	/// Rule *same-chain*.
	#[error("same-chain: it was signed for chain {expected}, and --esc names a node of chain {found}")]
	SameChain {
		/// The chain that the checkpoint was signed for.
		expected: u64,
		/// The one that the node is of.
		found: u64,
	},
	/// Rule *one-event*.
	#[error("one-event: the contract has {0} events for it")]
	OneEvent(usize),
	/// Rule *same-block*.
	#[error(
		"same-block: {landed:?} landed, and {certified:?} was certified here. Find out whose signatures that took"
	)]
	SameBlock {
		/// Hash of the block that was certified.
		certified: H256,
		/// Hash of the block in the event.
		landed: H256,
	},
	/// The event is none of that contract's.
	#[error("the event cannot be read: transaction {0:?}")]
	Unreadable(H256),
	/// Rule *agreement*.
	#[error("agreement: one node shows {:?}, another {:?}", .0[0], .0[1])]
	Agreement(Box<[Landing; 2]>),
}

impl Refusal {
	/// Whether nothing is wrong, and time may bring the event.
	pub fn passes(&self) -> bool {
		matches!(self, Self::Nothing | Self::Deep { .. })
	}
}

/// What one node of the Elastos Smart Chain shows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sight {
	/// Its chain.
	pub chain_id: u64,
	/// Its last block.
	pub head: u64,
	/// Events of landings, of any contract.
	pub events: Vec<Logged>,
}

/// Asks one node about all of these.
///
/// # Errors
/// It does not answer.
pub async fn look<E: Esc + ?Sized>(esc: &E, wanted: &[Certified]) -> Result<Sight, EscError> {
	let chain_id = esc.chain_id().await?;
	// Before the events: they become deeper while they are looked for.
	let head = esc.head().await?;
	let mut sight = Sight { chain_id, head, events: Vec::new() };
	let Some(to) = head.checked_sub(DEPTH) else { return Ok(sight) };
	let mut numbers: BTreeMap<H160, Vec<H256>> = BTreeMap::new();
	for Certified { chain, checkpoint, .. } in wanted.iter().filter(|certified| certified.chain.id == chain_id) {
		numbers.entry(chain.contract).or_default().push(H256(eip712::number(checkpoint.number)));
	}
	for (address, second) in numbers {
		let mut filter =
			Filter { address, topic: abi::topic(abi::LANDED), second, from: head.saturating_sub(SPAN), to };
		while filter.from <= to {
			filter.to = to.min(filter.from + STEP - 1);
			sight.events.extend(esc.logs(&filter).await?);
			filter.from = filter.to + 1;
		}
	}
	Ok(sight)
}

/// Where a checkpoint landed, as one node shows it.
///
/// # Errors
/// The first rule that is broken.
pub fn judge(certified: &Certified, sight: &Sight) -> Result<Landing, Refusal> {
	let Certified { checkpoint, chain, .. } = certified;
	if sight.chain_id != chain.id {
		return Err(Refusal::SameChain { expected: chain.id, found: sight.chain_id });
	}
	let topics = [abi::topic(abi::LANDED), H256(eip712::number(checkpoint.number))];
	let mut events = sight
		.events
		.iter()
		.filter(|event| event.log.address == chain.contract && event.log.topics.starts_with(&topics));
	let event = events.next().ok_or(Refusal::Nothing)?;
	let more = events.count();
	if more > 0 {
		return Err(Refusal::OneEvent(1 + more));
	}
	if event.block.checked_add(DEPTH).is_none_or(|deep| sight.head < deep) {
		return Err(Refusal::Deep { block: event.block, head: sight.head });
	}
	let unreadable = Refusal::Unreadable(event.transaction);
	let (landed, relayer) = read(&event.data).ok_or(unreadable.clone())?;
	if landed != checkpoint.block_hash {
		return Err(Refusal::SameBlock { certified: checkpoint.block_hash, landed });
	}
	let log = u32::try_from(event.log.index).map_err(|_| unreadable)?;
	Ok(Landing { number: checkpoint.number, transaction: event.transaction, log, relayer })
}

/// What the event says beside its topics: the hash of the block, and who brought the checkpoint.
fn read(data: &[u8]) -> Option<(H256, H160)> {
	let [hash, relayer]: [Word; 2] = match data.len() {
		64 => [data[..32].try_into().ok()?, data[32..].try_into().ok()?],
		_ => return None,
	};
	let relayer_of = H160::from_slice(&relayer[12..]);
	(relayer == eip712::address(&relayer_of)).then_some((H256(hash), relayer_of))
}

/// Rule *agreement*: where a checkpoint landed, as all nodes show it.
///
/// # Errors
/// What is wrong, rather than what may pass.
pub fn decide(certified: &Certified, sights: &[Sight]) -> Result<Landing, Refusal> {
	let (mut agreed, mut awaited) = (None, None);
	for sight in sights {
		match (judge(certified, sight), agreed) {
			(Ok(landing), Some(other)) if landing != other => return Err(Refusal::Agreement([other, landing].into())),
			(Ok(landing), _) => agreed = Some(landing),
			(Err(refusal), _) if refusal.passes() => awaited = Some(refusal),
			(Err(refusal), _) => return Err(refusal),
		}
	}
	match awaited {
		Some(refusal) => Err(refusal),
		None => agreed.ok_or(Refusal::Nothing),
	}
}

#[cfg(test)]
mod tests;
