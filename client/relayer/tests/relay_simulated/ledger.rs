//! A chain like the Elastos Smart Chain, with a pool, a price, an anchor, and all that may go wrong.

use std::collections::{BTreeMap, BTreeSet};

use alloy_rlp::{Decodable, Header};
use ec_relayer::{
	abi,
	esc::{Filter, Logged},
	legacy::Legacy,
	machine::{Log, Receipt},
	policy::GWEI,
};
use ep_bridge::{Certificate, Certified, Checkpoint, SignerSet};
use ep_trust::{anchor, eip712};
use rand::{rngs::StdRng, Rng, SeedableRng};
use sp_core::{H160, H256};
use sp_crypto_hashing::keccak_256;

use ec_relayer::testing::{CHAIN, GENESIS};

/// A transaction in the pool, its sender recovered from its signature.
#[derive(Clone)]
pub(crate) struct Pooled {
	pub(crate) hash: H256,
	pub(crate) from: H160,
	pub(crate) legacy: Legacy,
}

/// What the chain knows after a block.
#[derive(Clone)]
pub(crate) struct State {
	pub(crate) nonces: BTreeMap<H160, u64>,
	pub(crate) balances: BTreeMap<H160, u128>,
	/// What each account has paid, and for how many transactions that were refused.
	pub(crate) paid: BTreeMap<H160, u128>,
	pub(crate) refused: BTreeMap<H160, u64>,
	/// Every checkpoint that landed: height, set, account.
	pub(crate) landed: Vec<(u64, u64, H160)>,
	pub(crate) signers: u64,
	pub(crate) signers_hash: H256,
	pub(crate) published: bool,
	pub(crate) publications: u64,
	words: BTreeMap<u64, Vec<u8>>,
}

struct Block {
	after: State,
	transactions: Vec<(Pooled, Receipt)>,
}

/// What may go wrong with every question, in thousandths.
#[derive(Clone, Copy, Default)]
pub(crate) struct Faults {
	/// Nobody answers.
	pub(crate) down: u32,
	/// It was done, and the answer is lost.
	pub(crate) lost_answer: u32,
	/// It is taken, and forgotten.
	pub(crate) forgotten: u32,
	/// The answer is of a node that is up to three blocks behind.
	pub(crate) behind: u32,
	/// A transaction waits for another block.
	pub(crate) delayed: u32,
}

pub(crate) struct Ledger {
	blocks: Vec<Block>,
	genesis: State,
	pool: BTreeMap<(H160, u64), Pooled>,
	pub(crate) rng: StdRng,
	pub(crate) faults: Faults,
	/// What the chain asks, and the least that it takes.
	pub(crate) price: u128,
	pub(crate) down: bool,
	pub(crate) stalled: bool,
	pub(crate) frozen: BTreeSet<H160>,
	/// The base of block numbers, so that they are not small.
	first: u64,
}

impl Ledger {
	pub(crate) fn new(seed: u64, signers: &SignerSet, accounts: &[H160]) -> Self {
		let balances = accounts.iter().map(|account| (*account, 1_000_000_000 * GWEI)).collect();
		let genesis = State {
			nonces: BTreeMap::new(),
			balances,
			paid: BTreeMap::new(),
			refused: BTreeMap::new(),
			landed: Vec::new(),
			signers: signers.id(),
			signers_hash: signers.hash(),
			published: false,
			publications: 0,
			words: BTreeMap::new(),
		};
		Self {
			blocks: Vec::new(),
			genesis,
			pool: BTreeMap::new(),
			rng: StdRng::seed_from_u64(seed),
			faults: Faults::default(),
			price: GWEI,
			down: false,
			stalled: false,
			frozen: BTreeSet::new(),
			first: 1_000,
		}
	}

	pub(crate) fn chance(&mut self, thousandths: u32) -> bool {
		self.rng.gen_range(0..1_000) < thousandths
	}

	pub(crate) fn state(&self) -> &State {
		self.blocks.last().map_or(&self.genesis, |block| &block.after)
	}

	/// The state that a question is answered from, and how many blocks that has.
	fn asked(&mut self) -> usize {
		let behind = if self.chance(self.faults.behind) { self.rng.gen_range(1..4) } else { 0 };
		self.blocks.len().saturating_sub(behind)
	}

	fn at(&self, blocks: usize) -> &State {
		blocks.checked_sub(1).map_or(&self.genesis, |last| &self.blocks[last].after)
	}

	pub(crate) fn head(&mut self) -> u64 {
		self.first + self.asked() as u64
	}

	pub(crate) fn nonce(&mut self, account: H160) -> u64 {
		let blocks = self.asked();
		self.at(blocks).nonces.get(&account).copied().unwrap_or_default()
	}

	pub(crate) fn balance(&mut self, account: H160) -> u128 {
		let blocks = self.asked();
		self.at(blocks).balances.get(&account).copied().unwrap_or_default()
	}

	pub(crate) fn receipt(&mut self, hash: H256) -> Option<Receipt> {
		let blocks = self.asked();
		let transactions = self.blocks[..blocks].iter().flat_map(|block| &block.transactions);
		let found = transactions.into_iter().find(|(pooled, _)| pooled.hash == hash);
		found.map(|(_, receipt)| receipt.clone())
	}

	/// Events, as a node finds them.
	pub(crate) fn logs(&mut self, filter: &Filter) -> Vec<Logged> {
		let blocks = self.asked();
		let transactions = self.blocks[..blocks].iter().flat_map(|block| &block.transactions);
		let logged = transactions.flat_map(|(pooled, receipt)| {
			receipt.logs.iter().map(|log| Logged {
				block: receipt.block,
				transaction: pooled.hash,
				log: log.clone(),
				data: data(&pooled.legacy.data, &log.topics, pooled.from),
			})
		});
		let wanted = |Logged { block, log, .. }: &Logged| {
			let Log { address, topics, .. } = log;
			let topics = topics[0] == filter.topic && filter.second.contains(&topics[1]);
			*address == filter.address && topics && (filter.from..=filter.to).contains(block)
		};
		logged.filter(wanted).collect()
	}

	/// The contract's getters.
	pub(crate) fn call(&mut self, data: &[u8], pending: bool) -> Vec<u8> {
		let state = if pending {
			let mut state = self.state().clone();
			for pooled in self.executable(&state) {
				apply(&mut state, &pooled);
			}
			state
		} else {
			let blocks = self.asked();
			self.at(blocks).clone()
		};
		let word = |number: u64| H256::from_low_u64_be(number).0.to_vec();
		let is = |name: &str| data == abi::ask(name);
		let last = state.landed.last().map_or(0, |landed| landed.0);
		match () {
			() if is("signersId") => word(state.signers),
			() if is("signersHash") => state.signers_hash.0.to_vec(),
			() if is("latest") => [word(last), vec![0; 8 * 32]].concat(),
			() if is("published") => word(state.published.into()),
			() if is("pausedUntil") => word(0),
			() if is("genesis") => GENESIS.0.to_vec(),
			() => Vec::new(),
		}
	}

	pub(crate) fn estimate(&mut self, from: H160, to: H160, data: &[u8]) -> Result<u64, String> {
		let blocks = self.asked();
		let mut state = self.at(blocks).clone();
		let legacy = Legacy { nonce: 0, gas_price: 0, gas: 0, to, value: 0, data: data.to_vec() };
		let (gas, result) = execute(&mut state, from, &legacy);
		result.map(|_| gas)
	}

	/// What a pool does with bytes from anywhere.
	pub(crate) fn submit(&mut self, raw: &[u8]) -> Result<(), String> {
		let pooled = decode(raw);
		assert!(raw.len() <= 32 * 1024, "the pool refuses over 32 KB");
		if self.chance(self.faults.forgotten) {
			return Ok(());
		}
		let key = (pooled.from, pooled.legacy.nonce);
		let state = self.state();
		if key.1 < state.nonces.get(&key.0).copied().unwrap_or_default() {
			return Err("nonce too low".into());
		}
		if pooled.legacy.gas_price < GWEI {
			return Err("transaction underpriced".into());
		}
		let cost = pooled.legacy.gas_price * u128::from(pooled.legacy.gas);
		if cost > state.balances.get(&key.0).copied().unwrap_or_default() {
			return Err("insufficient funds for gas * price + value".into());
		}
		if let Some(known) = self.pool.get(&key) {
			if known.hash == pooled.hash {
				return Err("already known".into());
			}
			if pooled.legacy.gas_price * 10 < known.legacy.gas_price * 11 {
				return Err("replacement transaction underpriced".into());
			}
		}
		self.pool.insert(key, pooled);
		Ok(())
	}

	/// What of the pool could be in the next block, in the order of prices.
	fn executable(&self, state: &State) -> Vec<Pooled> {
		let mut nonces = state.nonces.clone();
		let mut chosen = Vec::new();
		let mut left: Vec<&Pooled> = self.pool.values().collect();
		left.sort_by_key(|pooled| (std::cmp::Reverse(pooled.legacy.gas_price), pooled.legacy.nonce));
		loop {
			let fits = |pooled: &&Pooled| {
				let next = nonces.get(&pooled.from).copied().unwrap_or_default();
				pooled.legacy.nonce == next
					&& pooled.legacy.gas_price >= self.price
					&& !self.frozen.contains(&pooled.from)
			};
			let Some(at) = left.iter().position(fits) else { return chosen };
			let pooled = left.remove(at);
			*nonces.entry(pooled.from).or_default() += 1;
			chosen.push(pooled.clone());
		}
	}

	pub(crate) fn mine(&mut self) {
		if self.stalled {
			return;
		}
		let mut state = self.state().clone();
		let mut transactions: Vec<(Pooled, Receipt)> = Vec::new();
		let mut waits = BTreeSet::new();
		let number = self.first + self.blocks.len() as u64 + 1;
		for pooled in self.executable(&state) {
			// Whatever an account sends behind one that waits, waits too.
			if waits.contains(&pooled.from) || self.chance(self.faults.delayed) {
				waits.insert(pooled.from);
				continue;
			}
			let index = transactions.iter().map(|(_, receipt)| receipt.logs.len() as u64).sum::<u64>() + 40;
			let (gas, log) = apply(&mut state, &pooled);
			let logs = log.iter().map(|topics| Log { index, address: CHAIN.contract, topics: topics.clone() });
			let good = log.is_some() || pooled.legacy.data.is_empty();
			transactions.push((pooled, Receipt { block: number, good, gas, logs: logs.collect() }));
		}
		self.blocks.push(Block { after: state, transactions });
		let nonces = &self.blocks.last().unwrap().after.nonces;
		self.pool.retain(|(from, nonce), _| *nonce >= nonces.get(from).copied().unwrap_or_default());
	}

	/// Takes back so many blocks and makes one more in their place. Of what was in them, the pool forgets some.
	pub(crate) fn reorganise(&mut self, depth: usize, forgets: u32) {
		let mut back = Vec::new();
		for _ in 0..depth.min(self.blocks.len()) {
			back.extend(self.blocks.pop().unwrap().transactions);
		}
		for (pooled, _) in back {
			if !self.chance(forgets) {
				self.pool.entry((pooled.from, pooled.legacy.nonce)).or_insert(pooled);
			}
		}
		for _ in 0..=depth {
			self.mine();
		}
	}

	/// The pool loses everything.
	pub(crate) fn forget(&mut self) {
		self.pool.clear();
	}

	/// In the state of now, and at genesis if there is no block yet.
	pub(crate) fn set_balance(&mut self, account: H160, balance: u128) {
		let state = self.blocks.last_mut().map_or(&mut self.genesis, |block| &mut block.after);
		state.balances.insert(account, balance);
	}

	pub(crate) fn is_pool_empty(&self) -> bool {
		self.pool.is_empty()
	}
}

/// Carries a transaction out, and takes what it costs. Gives the gas, and the topics of its event.
fn apply(state: &mut State, pooled: &Pooled) -> (u64, Option<Vec<H256>>) {
	let Pooled { from, legacy, .. } = pooled;
	let (gas, result) = execute(state, *from, legacy);
	assert!(gas <= legacy.gas, "out of gas: {gas} of {}", legacy.gas);
	let cost = u128::from(gas) * legacy.gas_price;
	let balance = state.balances.entry(*from).or_default();
	*balance = balance.checked_sub(cost).expect("pools look at balances");
	*state.paid.entry(*from).or_default() += cost;
	*state.nonces.entry(*from).or_default() += 1;
	if result.is_err() {
		*state.refused.entry(*from).or_default() += 1;
	}
	(gas, result.ok().flatten())
}

type Outcome = Result<Option<Vec<H256>>, String>;

/// The gas that it takes, and what comes of it: nothing but gas unless it is good.
fn execute(state: &mut State, from: H160, legacy: &Legacy) -> (u64, Outcome) {
	let base = 21_000 + abi::calldata_gas(&legacy.data);
	if legacy.to != CHAIN.contract {
		assert!(legacy.data.is_empty() && legacy.to == from, "nothing is sent to strangers");
		return (base, Ok(None));
	}
	let (selector, body) = legacy.data.split_at(4);
	let done = if selector == abi::selector(abi::SUBMIT) {
		submit(state, from, body)
	} else if selector == abi::selector(abi::PUBLISH) {
		publish(state, body)
	} else {
		Err("no such entry point".into())
	};
	match done {
		Ok((gas, topics)) => (base + gas, Ok(Some(topics))),
		Err(rule) => (base + 5_000, Err(rule)),
	}
}

/// What an event says beside its topics: of a landing the block's hash, and who brought it.
fn data(call: &[u8], topics: &[H256], from: H160) -> Vec<u8> {
	if topics[0] != abi::topic(abi::LANDED) {
		return Vec::new();
	}
	[abi::word(&call[4..], 3).unwrap(), &eip712::address(&from)].concat()
}

fn part(body: &[u8], word: usize) -> Vec<u8> {
	let at = abi::answer(body, word).unwrap() as usize;
	let length = abi::answer(&body[at..], 0).unwrap() as usize;
	body[at + 32..][..length].to_vec()
}

/// The rules of the contract, in its order.
fn submit(state: &mut State, from: H160, body: &[u8]) -> Result<(u64, Vec<H256>), String> {
	let hash = |index: usize| H256::from_slice(abi::word(body, index).unwrap());
	let number = |index: usize| abi::answer(body, index).unwrap();
	let checkpoint = Checkpoint {
		genesis: hash(0),
		epoch: number(1),
		number: number(2),
		block_hash: hash(3),
		state_root: hash(4),
		history_root: hash(5),
		history_leaves: number(6),
		trust_root: hash(7),
		trust_leaves: number(8),
		signers: number(9),
		next_signers: hash(10),
	};
	if checkpoint.genesis != GENESIS {
		return Err("Genesis".into());
	}
	if checkpoint.number <= state.landed.last().map_or(0, |landed| landed.0) {
		return Err("Newer".into());
	}
	if checkpoint.signers != state.signers {
		return Err("Handover".into());
	}
	let mut words = part(body, 11);
	if words.is_empty() {
		words = state.words.get(&state.signers).filter(|_| state.published).ok_or("Set")?.clone();
	}
	let signers = SignerSet::from_words(checkpoint.signers, &words).map_err(|_| "Set")?;
	let certificate = Certificate::from_bytes(&part(body, 12), &part(body, 13)).ok_or("Bitmap")?;
	let count = certificate.signatures.len() as u64;
	let certified = Certified { checkpoint, chain: CHAIN, signers, certificate };
	certified.verify(&state.signers_hash).map_err(|rule| rule.to_string())?;
	let Checkpoint { number, signers, next_signers, .. } = certified.checkpoint;
	state.landed.push((number, signers, from));
	if next_signers != state.signers_hash {
		state.signers += 1;
		state.signers_hash = next_signers;
		state.published = false;
	}
	let topics = vec![abi::topic(abi::LANDED), H256::from_low_u64_be(number), H256::from_low_u64_be(signers)];
	Ok((60_000 + 5_000 * count, topics))
}

fn publish(state: &mut State, body: &[u8]) -> Result<(u64, Vec<H256>), String> {
	let id = abi::answer(body, 0).unwrap();
	let words = part(body, 2);
	let set = SignerSet::from_words(id, &words).map_err(|_| "Set")?;
	if set.hash() != state.signers_hash || Some(set.total()) != abi::answer(body, 1) {
		return Err("Set".into());
	}
	state.published = true;
	state.publications += 1;
	let gas = 80_000 + 200 * words.len() as u64;
	state.words.insert(id, words);
	Ok((gas, vec![abi::topic(abi::PUBLISHED), H256::from_low_u64_be(id)]))
}

/// Reads a legacy transaction of chain 20, and recovers its sender.
fn decode(raw: &[u8]) -> Pooled {
	let hash = H256(keccak_256(raw));
	let mut rest = raw;
	let header = Header::decode(&mut rest).unwrap();
	assert!(header.list && header.payload_length == rest.len());
	let mut legacy = Legacy { nonce: 0, gas_price: 0, gas: 0, to: H160::zero(), value: 0, data: vec![] };
	legacy.nonce = u64::decode(&mut rest).unwrap();
	legacy.gas_price = u128::decode(&mut rest).unwrap();
	legacy.gas = u64::decode(&mut rest).unwrap();
	legacy.to = H160(<[u8; 20]>::decode(&mut rest).unwrap());
	legacy.value = u128::decode(&mut rest).unwrap();
	legacy.data = Header::decode_bytes(&mut rest, false).unwrap().to_vec();
	let v = u64::decode(&mut rest).unwrap();
	let mut signature = [0; 65];
	for to in [0, 32] {
		let number = Header::decode_bytes(&mut rest, false).unwrap();
		assert_ne!(number.first(), Some(&0), "numbers have no zeros before them");
		signature[to + 32 - number.len()..to + 32].copy_from_slice(number);
	}
	assert!(rest.is_empty());
	signature[64] = u8::try_from(v - 35 - 2 * CHAIN.id).unwrap();
	let from = anchor::recover(&signature, &legacy.digest(CHAIN.id)).expect("it is signed");
	Pooled { hash, from, legacy }
}
