//! What became of what was sent.

use sp_core::H256;

use super::{Act, Event, Machine, Mined, Receipt, Slot, View};
use crate::abi::{topic, LANDED, PUBLISHED};

impl Machine {
	/// Looks at the receipts.
	pub(super) fn settle(&mut self, view: &View) {
		self.observe_pace(view);
		self.forget_undone(view);
		let (mut dirty, mut events, mut failed) = (false, Vec::new(), None);
		let contract = self.record.place.contract;
		let confirmations = self.policy.confirmations;
		let mut over = Vec::new();
		for slot in &mut self.record.slots {
			let before = slot.mined.clone();
			slot.mined = find(slot, view, contract);
			dirty |= before != slot.mined;
			match (&before, &slot.mined) {
				(Some(before), None) => {
					events.push(Event::Reorganised(slot.nonce, before.clone()));
					// It may be lost with its block.
					slot.attempts.iter_mut().for_each(|attempt| attempt.sent = None);
				}
				(before, Some(mined)) if before.as_ref() != Some(mined) => {
					events.push(Event::Mined(slot.nonce, mined.clone()));
					if let (Act::Submit { number, .. }, false) = (mined.act, mined.good) {
						failed = Some((number, mined.block));
					}
				}
				_ => {}
			}
			if let Some(mined) = &slot.mined {
				slot.unclear_since = None;
				// The event is where it is now, by transaction and place: wherever it was before does not count.
				if view.head >= mined.block + confirmations {
					events.push(Event::Final(slot.nonce, mined.clone()));
					over.push((slot.nonce, mined.clone()));
				}
			} else if slot.nonce < view.nonce {
				let since = *slot.unclear_since.get_or_insert(view.head);
				dirty |= since == view.head;
				if view.head >= since + confirmations {
					self.memory.foreign = Some(slot.nonce);
					events.push(Event::Foreign(slot.nonce));
				}
			} else {
				slot.unclear_since = None;
			}
		}
		for (nonce, mined) in over {
			self.record.finish(nonce, mined);
			self.record.slots.retain(|slot| slot.nonce != nonce);
		}
		let foreign = |slot: &Slot| {
			let since = slot.unclear_since;
			slot.mined.is_none() && since.is_some_and(|since| view.head >= since + confirmations)
		};
		self.record.slots.retain(|slot| !foreign(slot));
		if let Some((number, block)) = failed {
			let times = match self.memory.failed {
				Some((before, times, _)) if before == number => times + 1,
				_ => 0,
			};
			self.memory.failed = Some((number, times, block));
		}
		self.dirty |= dirty | !events.is_empty();
		self.events.extend(events);
	}

	/// What was over and is undone, by a reorganisation deeper than anybody waits for, is needed again.
	fn forget_undone(&mut self, view: &View) {
		let before = self.record.done.len();
		let from = before.saturating_sub(3);
		let mut index = 0;
		let mut undone = Vec::new();
		self.record.done.retain(|done| {
			index += 1;
			let gone = index > from && !view.receipts.contains_key(&done.mined.hash) && view.nonce <= done.nonce;
			if gone {
				undone.push(Event::Reorganised(done.nonce, done.mined.clone()));
			}
			!gone
		});
		self.dirty |= !undone.is_empty();
		self.events.extend(undone);
	}

	/// Counts how many checkpoints a set signs that land, whoever brings them.
	fn observe_pace(&mut self, view: &View) {
		let pace = &mut self.record.pace;
		let contract = &view.contract;
		if contract.number > pace.number {
			pace.count += 1;
			pace.number = contract.number;
		}
		if contract.signers > pace.signers {
			let observed = pace.count * 16;
			pace.average_x16 = Some(pace.average_x16.map_or(observed, |average| (average * 3 + observed) / 4));
			pace.count = 0;
			pace.signers = contract.signers;
		}
	}
}

/// The attempt of a slot that is in a block.
fn find(slot: &Slot, view: &View, contract: sp_core::H160) -> Option<Mined> {
	slot.attempts.iter().find_map(|attempt| {
		let receipt = view.receipts.get(&attempt.hash)?;
		let log_index = event(&attempt.act, receipt, contract);
		Some(Mined {
			hash: attempt.hash,
			act: attempt.act,
			block: receipt.block,
			log_index,
			good: receipt.good && (log_index.is_some() || attempt.act == Act::Void),
			paid: attempt.gas_price.saturating_mul(receipt.gas.into()),
			gas: receipt.gas,
		})
	})
}

/// The place of the event that says that it is done.
fn event(act: &Act, receipt: &Receipt, contract: sp_core::H160) -> Option<u64> {
	let (name, of) = match act {
		Act::Submit { number, .. } => (LANDED, *number),
		Act::Publish { signers } => (PUBLISHED, *signers),
		Act::Void => return None,
	};
	let topics = [topic(name), H256::from_low_u64_be(of)];
	let log = receipt.logs.iter().find(|log| log.address == contract && log.topics.starts_with(&topics));
	log.map(|log| log.index)
}
