//! Each rule with its forger, and whole rounds.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ep_trust::{anchor, Chain};
use futures::FutureExt;
use parking_lot::Mutex;
use sp_keystore::{testing::MemoryKeystore, Keystore};

use super::*;
use crate::{
	esc::Tag,
	machine::{Log, Receipt},
	testing::{Keys, CHAIN, GENESIS},
};

const HEAD: u64 = 1_000;
const RELAYER: H160 = H160::repeat_byte(0xee);

fn certified(number: u64) -> Certified {
	Keys::new(4).checkpoint(&CHAIN, number, None)
}

/// The event of a checkpoint that landed in the last block that is deep enough.
fn event(certified: &Certified) -> Logged {
	let Certified { checkpoint, chain, .. } = certified;
	let topics = [abi::topic(abi::LANDED).0, eip712::number(checkpoint.number), eip712::number(checkpoint.signers)];
	Logged {
		block: HEAD - DEPTH,
		transaction: H256::repeat_byte(7),
		log: Log { index: 5, address: chain.contract, topics: topics.map(H256).to_vec() },
		data: [checkpoint.block_hash.0, eip712::address(&RELAYER)].concat(),
	}
}

fn sight(events: Vec<Logged>) -> Sight {
	Sight { chain_id: CHAIN.id, head: HEAD, events }
}

fn landing() -> Landing {
	Landing { number: 20, transaction: H256::repeat_byte(7), log: 5, relayer: RELAYER }
}

fn judged(event: Logged) -> Result<Landing, Refusal> {
	judge(&certified(20), &sight(vec![event]))
}

#[test]
fn what_landed_is_told_down_to_its_place_in_the_log() {
	let good = event(&certified(20));
	assert_eq!(judged(good.clone()), Ok(landing()));
	let others = vec![event(&certified(40)), good, event(&certified(60))];
	assert_eq!(judge(&certified(20), &sight(others)), Ok(landing()));
}

#[test]
fn same_chain_refuses_a_node_of_another_chain() {
	let checkpoint = certified(20);
	let other = Sight { chain_id: 21, ..sight(vec![event(&checkpoint)]) };
	assert_eq!(judge(&checkpoint, &other), Err(Refusal::SameChain { expected: 20, found: 21 }));
	// And so where governance has moved on to another chain.
	let moved = Keys::new(4).checkpoint(&Chain { id: 21, ..CHAIN }, 20, None);
	let shown = sight(vec![event(&moved)]);
	assert_eq!(judge(&moved, &shown), Err(Refusal::SameChain { expected: 21, found: 20 }));
}

#[test]
fn one_event_refuses_two_that_cannot_both_be() {
	let checkpoint = certified(20);
	let other = Logged { transaction: H256::repeat_byte(8), ..event(&checkpoint) };
	let shown = sight(vec![event(&checkpoint), other]);
	assert_eq!(judge(&checkpoint, &shown), Err(Refusal::OneEvent(2)));
}

#[test]
fn deep_refuses_what_may_be_taken_back() {
	let shallow = Logged { block: HEAD - DEPTH + 1, ..event(&certified(20)) };
	let refused = Refusal::Deep { block: HEAD - DEPTH + 1, head: HEAD };
	assert!(refused.passes());
	assert_eq!(judged(shallow), Err(refused));
	let endless = Logged { block: u64::MAX, ..event(&certified(20)) };
	assert_eq!(judged(endless), Err(Refusal::Deep { block: u64::MAX, head: HEAD }));
}

#[test]
fn same_block_refuses_a_checkpoint_that_was_not_certified_here() {
	let forged = H256::repeat_byte(0xbd);
	let other = Logged { data: [forged.0, eip712::address(&RELAYER)].concat(), ..event(&certified(20)) };
	let refused = Refusal::SameBlock { certified: certified(20).checkpoint.block_hash, landed: forged };
	assert!(!refused.passes());
	assert_eq!(judged(other), Err(refused));
}

#[test]
fn events_of_others_are_none() {
	let good = event(&certified(20));
	let with = |change: fn(&mut Logged)| {
		let mut event = good.clone();
		change(&mut event);
		event
	};
	let others = [
		with(|event| event.log.address = H160::repeat_byte(1)),
		with(|event| event.log.topics[0] = abi::topic(abi::PUBLISHED)),
		with(|event| event.log.topics[1] = H256(eip712::number(21))),
		with(|event| event.log.topics.clear()),
	];
	for other in others {
		assert_eq!(judged(other.clone()), Err(Refusal::Nothing), "{other:?}");
		// Nor do they stand in the way.
		assert_eq!(judge(&certified(20), &sight(vec![other, good.clone()])), Ok(landing()));
	}
	let unreadable = [
		with(|event| event.data.truncate(63)),
		with(|event| event.data.push(0)),
		with(|event| event.data[40] = 1),
		with(|event| event.log.index = 1 << 32),
	];
	for other in unreadable {
		assert_eq!(judged(other), Err(Refusal::Unreadable(landing().transaction)));
	}
}

#[test]
fn agreement_refuses_nodes_that_show_different_things() {
	let checkpoint = certified(20);
	let good = sight(vec![event(&checkpoint)]);
	assert_eq!(decide(&checkpoint, &[good.clone(), good.clone()]), Ok(landing()));
	let stolen = Logged { data: [checkpoint.checkpoint.block_hash.0, [0; 32]].concat(), ..event(&checkpoint) };
	let elsewhere = Logged { transaction: H256::repeat_byte(8), ..event(&checkpoint) };
	let mut later = event(&checkpoint);
	later.log.index += 1;
	for lie in [stolen, elsewhere, later].map(|event| sight(vec![event])) {
		for sights in [[good.clone(), lie.clone()], [lie, good.clone()]] {
			let refused = decide(&checkpoint, &sights).unwrap_err();
			assert!(matches!(refused, Refusal::Agreement(..)), "{refused}");
		}
	}
	// One that is behind is waited for, and what is wrong is said before that.
	let behind = sight(vec![]);
	assert_eq!(decide(&checkpoint, &[good.clone(), behind.clone()]), Err(Refusal::Nothing));
	let other_chain = Sight { chain_id: 21, ..good };
	assert_eq!(decide(&checkpoint, &[behind, other_chain]), Err(Refusal::SameChain { expected: CHAIN.id, found: 21 }));
	assert_eq!(decide(&checkpoint, &[]), Err(Refusal::Nothing), "nobody has seen it");
}

/// A node of the Elastos Smart Chain.
#[derive(Clone)]
struct FakeEsc(Arc<Mutex<Shows>>);

struct Shows {
	sight: Sight,
	down: bool,
	/// What was asked for.
	filters: Vec<Filter>,
}

impl FakeEsc {
	fn new(sight: Sight) -> Self {
		Self(Arc::new(Mutex::new(Shows { sight, down: false, filters: vec![] })))
	}

	fn answer<T>(&self, answer: impl FnOnce(&mut Shows) -> T) -> Result<T, EscError> {
		let mut shows = self.0.lock();
		if shows.down {
			return Err(EscError::Down("connection refused".into()));
		}
		Ok(answer(&mut shows))
	}
}

#[async_trait]
impl Esc for FakeEsc {
	async fn chain_id(&self) -> Result<u64, EscError> {
		self.answer(|shows| shows.sight.chain_id)
	}
	async fn head(&self) -> Result<u64, EscError> {
		self.answer(|shows| shows.sight.head)
	}
	async fn logs(&self, filter: &Filter) -> Result<Vec<Logged>, EscError> {
		self.answer(|shows| {
			shows.filters.push(filter.clone());
			let within = |event: &&Logged| (filter.from..=filter.to).contains(&event.block);
			shows.sight.events.iter().filter(within).cloned().collect()
		})
	}
	async fn nonce(&self, _: H160) -> Result<u64, EscError> {
		unreachable!("witnesses look at events")
	}
	async fn balance(&self, _: H160) -> Result<u128, EscError> {
		unreachable!("witnesses look at events")
	}
	async fn gas_price(&self) -> Result<u128, EscError> {
		unreachable!("witnesses look at events")
	}
	async fn call(&self, _: H160, _: Vec<u8>, _: Tag) -> Result<Vec<u8>, EscError> {
		unreachable!("witnesses look at events")
	}
	async fn estimate(&self, _: H160, _: H160, _: &[u8]) -> Result<u64, EscError> {
		unreachable!("witnesses look at events")
	}
	async fn receipt(&self, _: H256) -> Result<Option<Receipt>, EscError> {
		unreachable!("witnesses look at events")
	}
	async fn send(&self, _: &[u8]) -> Result<(), EscError> {
		unreachable!("witnesses send nothing")
	}
}

/// The chain whose checkpoints land.
#[derive(Clone, Default)]
struct FakeElapse(Arc<Mutex<Chained>>);

#[derive(Default)]
struct Chained {
	height: u32,
	awaited: Vec<Certified>,
	said: Vec<(Landing, H160, [u8; 65])>,
	refuses: bool,
}

impl Elapse for FakeElapse {
	fn height(&self) -> u32 {
		self.0.lock().height
	}
	fn awaited(&self, address: H160) -> Result<Vec<Certified>, String> {
		let chained = self.0.lock();
		let signs = |certified: &&Certified| certified.signers.position(&address).is_some();
		Ok(chained.awaited.iter().filter(signs).cloned().collect())
	}
	fn attest(&self, landing: Landing, address: H160, signature: [u8; 65]) -> Result<(), String> {
		let mut chained = self.0.lock();
		if chained.refuses {
			return Err("the chain does not take it".into());
		}
		chained.said.push((landing, address, signature));
		Ok(())
	}
	fn landed(&self) -> Option<Landing> {
		None
	}
}

/// A signer that looks through these nodes.
struct Scene {
	elapse: FakeElapse,
	witness: Witness<FakeEsc, FakeElapse>,
	address: H160,
	certified: Certified,
}

fn scene(esc: &[FakeEsc]) -> Scene {
	let keystore = MemoryKeystore::new();
	let key = keystore.ecdsa_generate_new(anchor::KEY_TYPE, Some("//Signer")).unwrap();
	let address = anchor::address(&key).unwrap();
	let set = ep_bridge::SignerSet::new(0, vec![ep_bridge::Signer { address, weight: 1 }]).unwrap();
	let certified = Certified { signers: set, ..certified(20) };
	let elapse = FakeElapse::default();
	elapse.0.lock().awaited.push(certified.clone());
	let witness = Witness::new(WitnessParams {
		esc: esc.iter().zip(["one", "two"]).map(|(esc, name)| (name.into(), esc.clone())).collect(),
		elapse: elapse.clone(),
		genesis: GENESIS,
		keystore: Arc::new(keystore),
		metrics: Metrics::default(),
	});
	Scene { elapse, witness, address, certified }
}

impl Scene {
	/// One look, on so many blocks more. Gives how often something was said so far.
	fn round(&mut self, blocks: u32) -> (usize, Duration) {
		self.elapse.0.lock().height += blocks;
		let pause = self.witness.round().now_or_never().expect("these answer at once");
		(self.elapse.0.lock().said.len(), pause)
	}
}

#[test]
fn a_signer_says_what_all_its_nodes_show_and_waits_for_it_to_be_in_a_block() {
	let esc = [FakeEsc::new(sight(vec![])), FakeEsc::new(sight(vec![]))];
	let mut scene = scene(&esc);
	assert_eq!(scene.round(1).0, 0, "it has not landed");
	esc[0].0.lock().sight.events.push(event(&scene.certified));
	assert_eq!(scene.round(1).0, 0, "one node does not have it yet");
	esc[1].0.lock().sight.events.push(event(&scene.certified));
	assert_eq!(scene.round(1).0, 1);
	let (said, address, signature) = scene.elapse.0.lock().said[0];
	assert_eq!((said, address), (landing(), scene.address));
	assert_eq!(anchor::recover(&signature, &said.digest(&CHAIN, &GENESIS)), Some(address));

	assert_eq!(scene.round(7).0, 1, "it waits");
	assert_eq!(scene.round(1).0, 2, "and says it again if it was lost");
	scene.elapse.0.lock().awaited.clear();
	let asked = esc[0].0.lock().filters.len();
	assert_eq!(scene.round(20).0, 2);
	assert_eq!(esc[0].0.lock().filters.len(), asked, "where nothing is awaited, nobody is asked");
}

#[test]
fn while_one_node_is_silent_nothing_is_said_and_pauses_grow() {
	let shown = || FakeEsc::new(sight(vec![event(&certified(20))]));
	let esc = [shown(), shown()];
	let mut scene = scene(&esc);
	esc[1].0.lock().down = true;
	for seconds in [15, 30, 60, 120, 240, 300, 300] {
		assert_eq!(scene.round(10), (0, Duration::from_secs(seconds)));
	}
	esc[1].0.lock().down = false;
	assert_eq!(scene.round(1), (1, Duration::from_secs(15)));
}

#[test]
fn what_the_chain_refuses_or_nodes_dispute_is_tried_again() {
	let esc = [FakeEsc::new(sight(vec![event(&certified(20))])), FakeEsc::new(sight(vec![event(&certified(20))]))];
	let mut scene = scene(&esc);
	scene.elapse.0.lock().refuses = true;
	assert_eq!(scene.round(1).0, 0);
	scene.elapse.0.lock().refuses = false;
	esc[0].0.lock().sight.events[0].log.index += 1;
	assert_eq!(scene.round(1).0, 0);
	esc[1].0.lock().sight.events[0].log.index += 1;
	assert_eq!(scene.round(1).0, 1);
}

#[test]
fn who_is_no_signer_says_nothing() {
	let esc = [FakeEsc::new(sight(vec![event(&certified(20))]))];
	let mut scene = scene(&esc);
	scene.elapse.0.lock().awaited = vec![certified(20)];
	assert_eq!(scene.round(1).0, 0);
	assert!(esc[0].0.lock().filters.is_empty());
}

#[test]
fn a_day_is_looked_through_in_steps_and_no_block_is_left_out_or_too_young() {
	let looked = |head: u64, wanted: &[Certified]| {
		let esc = FakeEsc::new(Sight { chain_id: CHAIN.id, head, events: vec![] });
		look(&esc, wanted).now_or_never().unwrap().unwrap();
		let filters = esc.0.lock().filters.clone();
		filters
	};
	let wanted = [certified(20), certified(40)];
	let filters = looked(1_000_000, &wanted);
	let (first, last) = (&filters[0], &filters[filters.len() - 1]);
	assert_eq!((first.from, last.to), (1_000_000 - SPAN, 1_000_000 - DEPTH));
	assert!(filters.windows(2).all(|pair| pair[0].to + 1 == pair[1].from), "{filters:?}");
	assert!(filters.iter().all(|filter| filter.to - filter.from < STEP), "{filters:?}");
	let numbers = [20, 40].map(|number| H256(eip712::number(number)));
	let right = |filter: &Filter| filter.second == numbers && filter.topic == abi::topic(abi::LANDED);
	assert!(filters.iter().all(|filter| right(filter) && filter.address == CHAIN.contract));
	// Young chains, other contracts, other chains.
	assert!(looked(DEPTH - 1, &wanted).is_empty());
	assert_eq!(looked(DEPTH, &wanted).iter().map(|filter| (filter.from, filter.to)).collect::<Vec<_>>(), [(0, 0)]);
	let place = |chain: Chain| Keys::new(4).checkpoint(&chain, 60, None);
	let elsewhere = Chain { contract: H160::repeat_byte(1), ..CHAIN };
	assert_eq!(looked(500, &[certified(20), place(elsewhere)]).len(), 2);
	assert_eq!(looked(500, &[certified(20), place(Chain { id: 21, ..CHAIN })]).len(), 1);
}
