//! What the contract lacks.

use ep_bridge::Certified;
use sp_core::H256;

use super::{Act, Condition, Machine, View};
use crate::abi;

/// Something that is to be brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Task {
	/// What it does.
	pub(super) act: Act,
	/// The call.
	pub(super) data: Vec<u8>,
}

/// What a transaction has beside its data, at most.
const ENVELOPE: usize = 160;

impl Machine {
	/// Rule *in-order*: the handover from the contract's set, if there is one; else the newest checkpoint of that set.
	pub(super) fn need(&mut self, view: &View) -> Result<Option<Task>, Condition> {
		let contract = &view.contract;
		if let Some((since, why)) = &view.node_down {
			return Err(Condition::NodeDown { since: *since, why: why.clone() });
		}
		let Some(newest) = &view.newest else { return Err(Condition::NoCertificate) };
		let candidate = match &view.handover {
			Some(handover) if handover.checkpoint.signers == contract.signers && handover.hands_over() => handover,
			_ if newest.checkpoint.signers == contract.signers => newest,
			_ if newest.checkpoint.signers > contract.signers => {
				let why = view.missing.clone().unwrap_or_else(|| "it names none".into());
				return Err(Condition::HandoverMissing { signers: contract.signers, why });
			}
			// The handover itself is the newest: the next set has not signed yet.
			_ if newest.checkpoint.number == contract.number => return Ok(None),
			_ => {
				let (signers, newest) = (contract.signers, newest.checkpoint.signers);
				return Err(Condition::NodeBehind { signers, newest });
			}
		};
		if candidate.checkpoint.number <= contract.number {
			return Ok(None);
		}
		self.check(candidate, view)?;
		if view.contract.paused_until > view.now {
			return Err(Condition::Paused { until: view.contract.paused_until });
		}
		self.task(candidate, view).map(Some)
	}

	/// Rule *own-eyes*: whatever the node gives is verified as the contract will, before anybody pays for it.
	fn check(&mut self, certified: &Certified, view: &View) -> Result<(), Condition> {
		let place = self.record.place.chain();
		if certified.chain != place {
			let chain = certified.chain;
			return Err(match chain.id {
				0 => Condition::NotDeployed,
				chain_id => Condition::OtherContract { chain_id, contract: chain.contract },
			});
		}
		if certified.checkpoint.genesis != view.contract.genesis {
			return Err(Condition::OtherGenesis);
		}
		let expected = view.contract.signers_hash;
		let key = Some((H256(certified.checkpoint.digest(&place)), expected));
		if self.memory.verified == key {
			return Ok(());
		}
		match certified.verify(&expected) {
			Ok(_) => self.memory.verified = key,
			Err(ep_bridge::Refusal::Set) => {
				return Err(Condition::OtherSigners { signers: certified.checkpoint.signers })
			}
			Err(rule) => {
				let (number, rule) = (certified.checkpoint.number, rule.to_string());
				return Err(Condition::BadCertificate { number, rule });
			}
		}
		Ok(())
	}

	/// Rule *layout*: the words of the set go with each submission, or once into the contract's keeping.
	fn task(&self, certified: &Certified, view: &View) -> Result<Task, Condition> {
		let checkpoint = &certified.checkpoint;
		let certificate = abi::trim(certified);
		let with_words = !view.contract.published;
		let data = abi::submit(certified, &certificate, with_words);
		let fits = data.len() + ENVELOPE <= self.policy.size_cap;
		if with_words && (!fits || self.is_publishing_cheaper(certified)) {
			let data = abi::publish(&certified.signers);
			return Ok(Task { act: Act::Publish { signers: checkpoint.signers }, data });
		}
		if !fits {
			return Err(Condition::TooLarge { bytes: data.len() + ENVELOPE });
		}
		let hands_over = certified.hands_over();
		let (number, signers) = (checkpoint.number, checkpoint.signers);
		Ok(Task { act: Act::Submit { number, signers, hands_over, with_words }, data })
	}

	/// Whether the set will sign so many checkpoints more that keeping its words costs less than sending them each time.
	fn is_publishing_cheaper(&self, certified: &Certified) -> bool {
		let pace = &self.record.pace;
		let remaining = if certified.hands_over() {
			1
		} else {
			let expected = pace.average_x16.map_or(self.policy.checkpoints_per_set, |average| average / 16);
			let count = if pace.signers == certified.checkpoint.signers { pace.count } else { 0 };
			expected.saturating_sub(count).max(1)
		};
		let saved = words_gas(certified).saving.saturating_mul(remaining);
		// A quarter more, since the future is not known.
		saved > words_gas(certified).publication / 4 * 5
	}
}

struct WordsGas {
	/// What a submission without words costs less than one with.
	saving: u64,
	/// What publishing costs.
	publication: u64,
}

/// What the words of a set cost, as calldata and as code, by the prices of the EVM.
fn words_gas(certified: &Certified) -> WordsGas {
	let words = certified.signers.words();
	let (bytes, count) = (words.len() as u64, certified.signers.len() as u64);
	let data = abi::calldata_gas(&words);
	WordsGas {
		// Each is checked (about 160 gas), where reading them as code costs one cold access and 3 gas a word.
		saving: (data + 160 * count).saturating_sub(2_600 + 3 * count),
		// The transaction, a creation, 200 gas a byte of code, two slots of storage, the event.
		publication: 21_000 + 32_000 + data + 200 * bytes + 160 * count + 24_000,
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		machine::{Contract, Record},
		policy::Policy,
		testing::{place, Keys, CHAIN, GENESIS},
	};

	fn machine(policy: Policy) -> Machine {
		Machine::new(policy, Record::new(place(1)))
	}

	/// The contract knows the first set, and the node has these.
	fn view(keys: &Keys, newest: Certified, handover: Option<Certified>) -> View {
		let contract = Contract { genesis: GENESIS, signers_hash: keys.set().hash(), ..Default::default() };
		View { contract: contract.clone(), pending: contract, newest: Some(newest), handover, ..Default::default() }
	}

	fn needed(machine: &mut Machine, view: &View) -> Result<Option<Act>, Condition> {
		machine.need(view).map(|task| task.map(|task| task.act))
	}

	fn submit(number: u64, signers: u64, hands_over: bool) -> Act {
		Act::Submit { number, signers, hands_over, with_words: true }
	}

	#[test]
	fn the_newest_checkpoint_is_needed_unless_it_has_landed() {
		let keys = Keys::new(4);
		let mut view = view(&keys, keys.checkpoint(&CHAIN, 40, None), None);
		let mut machine = machine(Policy::default());
		assert_eq!(needed(&mut machine, &view), Ok(Some(submit(40, 0, false))));
		view.contract.number = 40;
		assert_eq!(needed(&mut machine, &view), Ok(None));
		view.newest = None;
		assert_eq!(needed(&mut machine, &view), Err(Condition::NoCertificate));
	}

	#[test]
	fn in_order_brings_the_handover_first_and_never_goes_on_without_it() {
		let (first, second) = (Keys::new(4), Keys::numbered(1, 5));
		let handover = first.checkpoint(&CHAIN, 40, Some(second.set()));
		let newest = second.checkpoint(&CHAIN, 60, None);
		let mut machine = machine(Policy::default());
		let mut shown = view(&first, newest.clone(), Some(handover.clone()));
		assert_eq!(needed(&mut machine, &shown), Ok(Some(submit(40, 0, true))));
		shown.handover = None;
		shown.missing = Some("pruned".into());
		let missing = Condition::HandoverMissing { signers: 0, why: "pruned".into() };
		assert_eq!(needed(&mut machine, &shown), Err(missing));
		// An ordinary one in the place of the handover is none.
		shown.handover = Some(first.checkpoint(&CHAIN, 40, None));
		assert!(matches!(needed(&mut machine, &shown), Err(Condition::HandoverMissing { .. })));
		// Afterwards the newest is.
		let mut shown = view(&second, newest, None);
		(shown.contract.signers, shown.contract.number) = (1, 40);
		assert_eq!(needed(&mut machine, &shown), Ok(Some(submit(60, 1, false))));
		// Before that, when the handover is all there is, nothing is.
		shown.newest = Some(handover);
		assert_eq!(needed(&mut machine, &shown), Ok(None));
		// And a node that knows less than the contract is of no use.
		shown.contract.number = 50;
		shown.contract.signers = 2;
		assert_eq!(needed(&mut machine, &shown), Err(Condition::NodeBehind { signers: 2, newest: 0 }));
	}

	#[test]
	fn own_eyes_sends_nothing_that_the_contract_would_refuse() {
		let keys = Keys::new(4);
		let good = keys.checkpoint(&CHAIN, 40, None);
		let mut machine = machine(Policy::default());
		let mut of = |certified: Certified| needed(&mut machine, &view(&keys, certified, None));
		let nowhere = ep_trust::Chain::default();
		assert_eq!(of(keys.checkpoint(&nowhere, 40, None)), Err(Condition::NotDeployed));
		let elsewhere = ep_trust::Chain { id: 21, ..CHAIN };
		let other = Condition::OtherContract { chain_id: 21, contract: CHAIN.contract };
		assert_eq!(of(keys.checkpoint(&elsewhere, 40, None)), Err(other));
		let mut genesis = good.clone();
		genesis.checkpoint.genesis = H256::repeat_byte(9);
		assert_eq!(of(genesis), Err(Condition::OtherGenesis));
		let strangers = Keys::seeded(0, 4, 77).checkpoint(&CHAIN, 40, None);
		assert_eq!(of(strangers), Err(Condition::OtherSigners { signers: 0 }));
		let mut forged = good.clone();
		forged.checkpoint.number = 41;
		assert!(matches!(of(forged), Err(Condition::BadCertificate { number: 41, rule }) if rule.contains("signer")));
		let mut few = good.clone();
		few.certificate = ep_bridge::Certificate::build(4, [(0, good.certificate.signatures[0])]);
		assert!(matches!(of(few), Err(Condition::BadCertificate { rule, .. }) if rule.contains("quorum")));
		assert_eq!(of(good), Ok(Some(submit(40, 0, false))));
	}

	#[test]
	fn a_paused_contract_is_waited_for() {
		let keys = Keys::new(4);
		let mut view = view(&keys, keys.checkpoint(&CHAIN, 40, None), None);
		(view.now, view.contract.paused_until) = (100, 101);
		let mut machine = machine(Policy::default());
		assert_eq!(needed(&mut machine, &view), Err(Condition::Paused { until: 101 }));
		view.now = 101;
		assert!(matches!(needed(&mut machine, &view), Ok(Some(_))));
	}

	#[test]
	fn layout_publishes_large_sets_that_sign_often_and_never_small_ones() {
		let large = Keys::new(100);
		let certified = large.checkpoint(&CHAIN, 40, None);
		let mut view = view(&large, certified.clone(), None);
		let act = |policy: Policy, view: &View| needed(&mut machine(policy), view);
		let often = Policy { checkpoints_per_set: 40, ..Policy::default() };
		assert_eq!(act(often.clone(), &view), Ok(Some(Act::Publish { signers: 0 })));
		assert_eq!(act(Policy { checkpoints_per_set: 3, ..often.clone() }, &view), Ok(Some(submit(40, 0, false))));
		// Its last checkpoint is not worth it.
		view.handover = Some(large.checkpoint(&CHAIN, 40, Some(Keys::numbered(1, 4).set())));
		assert_eq!(act(often.clone(), &view), Ok(Some(submit(40, 0, true))));
		// Unless it does not fit otherwise.
		let tight = Policy { size_cap: 6_000, ..often.clone() };
		assert_eq!(act(tight.clone(), &view), Ok(Some(Act::Publish { signers: 0 })));
		view.contract.published = true;
		let kept = Act::Submit { number: 40, signers: 0, hands_over: true, with_words: false };
		assert_eq!(act(tight.clone(), &view), Ok(Some(kept)));
		let tiny = Policy { size_cap: 2_000, ..often.clone() };
		assert!(matches!(act(tiny, &view), Err(Condition::TooLarge { bytes }) if bytes > 2_000));
		let small = Keys::new(2);
		let shown = super::tests::view(&small, small.checkpoint(&CHAIN, 40, None), None);
		assert_eq!(act(Policy { checkpoints_per_set: 10, ..often }, &shown), Ok(Some(submit(40, 0, false))));
	}
}
