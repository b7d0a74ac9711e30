//! Relayers, the chain that they pay on, and the chain that they serve; with faults at every question.

use std::{
	future::pending,
	sync::{
		atomic::{AtomicU64, Ordering},
		Arc,
	},
	time::Duration,
};

use async_trait::async_trait;
use ec_relayer::{
	esc::{Esc, EscError, Filter, Logged, Tag},
	machine::{Receipt, Record},
	node::{Node, NodeError},
	policy::{Policy, GWEI},
	store::Store,
	testing::{key, place, Keys, CHAIN},
	Metrics, Purse, Relayer, RelayerParams, Status, StatusHandle,
};
use ep_bridge::Certified;
use futures::FutureExt;
use parking_lot::Mutex;
use sp_core::{H160, H256};

use crate::ledger::{Faults, Ledger, State};

/// Dies at a question, before it was asked or after it was answered: what runs never comes back from it.
#[derive(Clone, Default)]
pub(crate) struct Fuse(Arc<(AtomicU64, AtomicU64)>);

impl Fuse {
	/// At half step `at`, counted from now; 0 for never.
	pub(crate) fn set(&self, at: u64) {
		self.0 .0.store(0, Ordering::SeqCst);
		self.0 .1.store(at, Ordering::SeqCst);
	}

	async fn step(&self) {
		let now = self.0 .0.fetch_add(1, Ordering::SeqCst) + 1;
		if now == self.0 .1.load(Ordering::SeqCst) {
			pending::<()>().await;
		}
	}
}

#[derive(Clone)]
pub(crate) struct SimEsc {
	pub(crate) ledger: Arc<Mutex<Ledger>>,
	fuse: Fuse,
}

impl SimEsc {
	async fn ask<T>(&self, answer: impl FnOnce(&mut Ledger) -> Result<T, EscError>) -> Result<T, EscError> {
		self.fuse.step().await;
		let answer = {
			let mut ledger = self.ledger.lock();
			let Faults { down, lost_answer, .. } = ledger.faults;
			if ledger.down || ledger.chance(down) {
				Err(EscError::Down("connection refused".into()))
			} else {
				let answer = answer(&mut ledger);
				match ledger.chance(lost_answer) {
					true => Err(EscError::Down("no answer in 20 seconds".into())),
					false => answer,
				}
			}
		};
		self.fuse.step().await;
		answer
	}
}

fn said(message: String) -> EscError {
	let data = Some(ec_relayer::abi::selector(&format!("{message}()")).to_vec());
	EscError::Said { code: 3, message, data }
}

#[async_trait]
impl Esc for SimEsc {
	async fn chain_id(&self) -> Result<u64, EscError> {
		self.ask(|_| Ok(CHAIN.id)).await
	}
	async fn head(&self) -> Result<u64, EscError> {
		self.ask(|ledger| Ok(ledger.head())).await
	}
	async fn nonce(&self, account: H160) -> Result<u64, EscError> {
		self.ask(|ledger| Ok(ledger.nonce(account))).await
	}
	async fn balance(&self, account: H160) -> Result<u128, EscError> {
		self.ask(|ledger| Ok(ledger.balance(account))).await
	}
	async fn gas_price(&self) -> Result<u128, EscError> {
		self.ask(|ledger| Ok(ledger.price)).await
	}
	async fn call(&self, to: H160, data: Vec<u8>, tag: Tag) -> Result<Vec<u8>, EscError> {
		assert_eq!(to, CHAIN.contract);
		self.ask(|ledger| Ok(ledger.call(&data, tag == Tag::Pending))).await
	}
	async fn estimate(&self, from: H160, to: H160, data: &[u8]) -> Result<u64, EscError> {
		self.ask(|ledger| ledger.estimate(from, to, data).map_err(said)).await
	}
	async fn receipt(&self, hash: H256) -> Result<Option<Receipt>, EscError> {
		self.ask(|ledger| Ok(ledger.receipt(hash))).await
	}
	async fn logs(&self, filter: &Filter) -> Result<Vec<Logged>, EscError> {
		self.ask(|ledger| Ok(ledger.logs(filter))).await
	}
	async fn send(&self, raw: &[u8]) -> Result<(), EscError> {
		self.ask(|ledger| ledger.submit(raw).map_err(said)).await
	}
}

/// The chain that is anchored, as its nodes know it.
#[derive(Default)]
pub(crate) struct Anchored {
	pub(crate) certified: Vec<Certified>,
	pub(crate) down: bool,
	/// Whether the node remembers handovers.
	pub(crate) forgets: bool,
}

#[derive(Clone)]
pub(crate) struct SimNode {
	anchored: Arc<Mutex<Anchored>>,
	fuse: Fuse,
}

#[async_trait]
impl Node for SimNode {
	async fn newest(&self) -> Result<Certified, NodeError> {
		self.fuse.step().await;
		let anchored = self.anchored.lock();
		if anchored.down {
			return Err(NodeError::Down("connection refused".into()));
		}
		anchored.certified.last().cloned().ok_or_else(|| NodeError::Missing("none".into()))
	}

	async fn handover(&self, signers: u64) -> Result<Option<Certified>, NodeError> {
		self.fuse.step().await;
		let anchored = self.anchored.lock();
		if anchored.forgets {
			return Err(NodeError::Missing("this node has none of before".into()));
		}
		let mut all = anchored.certified.iter();
		Ok(all.find(|certified| certified.hands_over() && certified.signers.id() == signers).cloned())
	}
}

/// The disk, which outlives who writes on it.
#[derive(Clone, Default)]
pub(crate) struct Disk(pub(crate) Arc<Mutex<Option<Record>>>, pub(crate) Arc<Mutex<bool>>);

impl Store for Disk {
	fn save(&self, record: &Record) -> Result<(), String> {
		if *self.1.lock() {
			return Err("no space left on device".into());
		}
		// Through its bytes, so that what they do not have is lost.
		let bytes = serde_json::to_vec(record).unwrap();
		*self.0.lock() = Some(serde_json::from_slice(&bytes).unwrap());
		Ok(())
	}
}

pub(crate) struct Runs {
	account: u8,
	relayer: Relayer<SimEsc, SimNode, Disk>,
	pub(crate) disk: Disk,
	pub(crate) status: StatusHandle,
	pub(crate) fuse: Fuse,
	pub(crate) policy: Policy,
	dry_run: bool,
	/// When its next round is.
	due: u64,
	pub(crate) restarts: u64,
}

pub(crate) struct World {
	pub(crate) ledger: Arc<Mutex<Ledger>>,
	pub(crate) anchored: Arc<Mutex<Anchored>>,
	pub(crate) relayers: Vec<Runs>,
	pub(crate) now: u64,
	/// The sets so far; the last one signs.
	pub(crate) sets: Vec<Keys>,
	pub(crate) height: u64,
}

impl World {
	/// With so many relayers, and a first set of so many signers.
	pub(crate) fn new(seed: u64, relayers: u8, signers: u32) -> Self {
		let first = Keys::new(signers);
		let accounts: Vec<H160> = (1..=relayers).map(|n| place(n).account).collect();
		let ledger = Arc::new(Mutex::new(Ledger::new(seed, first.set(), &accounts)));
		let mut world = Self {
			ledger,
			anchored: Arc::default(),
			relayers: vec![],
			now: 1_700_000_000,
			sets: vec![first],
			height: 0,
		};
		for n in 1..=relayers {
			world.start(n, Policy { stagger: u64::from(relayers) - 1, ..Policy::default() }, false);
		}
		world
	}

	/// Starts another relayer, with account `n`.
	pub(crate) fn start(&mut self, n: u8, policy: Policy, dry_run: bool) {
		let (disk, fuse, status) = (Disk::default(), Fuse::default(), StatusHandle::default());
		let relayer = self.relayer(n, &policy, &disk, &fuse, &status, dry_run);
		let due = self.now;
		self.relayers.push(Runs { account: n, relayer, disk, status, fuse, policy, dry_run, due, restarts: 0 });
	}

	fn relayer(
		&self,
		n: u8,
		policy: &Policy,
		disk: &Disk,
		fuse: &Fuse,
		status: &StatusHandle,
		dry_run: bool,
	) -> Relayer<SimEsc, SimNode, Disk> {
		let record = disk.0.lock().clone().unwrap_or_else(|| Record::new(place(n)));
		Relayer::new(RelayerParams {
			esc: SimEsc { ledger: self.ledger.clone(), fuse: fuse.clone() },
			node: SimNode { anchored: self.anchored.clone(), fuse: fuse.clone() },
			store: disk.clone(),
			record,
			policy: policy.clone(),
			purse: if dry_run { Purse::Address(place(n).account) } else { Purse::Key(key(n)) },
			dry_run,
			every: Duration::from_secs(5),
			status: status.clone(),
			metrics: Metrics::default(),
		})
	}

	/// Gives account `n` money.
	pub(crate) fn fund(&mut self, n: u8) {
		self.ledger.lock().set_balance(place(n).account, 1_000_000_000 * GWEI);
	}

	/// It is killed, and started again with what is on its disk.
	pub(crate) fn restart(&mut self, index: usize) {
		let Runs { account, disk, status, fuse, policy, dry_run, .. } = &self.relayers[index];
		let relayer = self.relayer(*account, policy, disk, fuse, status, *dry_run);
		let runs = &mut self.relayers[index];
		(runs.relayer, runs.due) = (relayer, self.now);
		runs.restarts += 1;
		runs.fuse.set(0);
	}

	/// The chain certifies a checkpoint.
	pub(crate) fn certify(&mut self) -> u64 {
		self.height += 20;
		let certified = self.sets.last().unwrap().checkpoint(&CHAIN, self.height, None);
		self.anchored.lock().certified.push(certified);
		self.height
	}

	/// The chain certifies one that hands over to so many others.
	pub(crate) fn hand_over(&mut self, signers: u32) -> u64 {
		self.height += 7;
		let keys = self.sets.last().unwrap();
		let next = Keys::numbered(keys.set().id() + 1, signers);
		let certified = keys.checkpoint(&CHAIN, self.height, Some(next.set()));
		self.anchored.lock().certified.push(certified);
		self.sets.push(next);
		self.height
	}

	/// So many blocks of the Elastos Smart Chain, and the rounds in between.
	pub(crate) fn pass(&mut self, blocks: u64) {
		for _ in 0..blocks {
			self.rounds();
			self.ledger.lock().mine();
			self.now += 5;
		}
	}

	/// Each relayer's round, if it is time. Who dies in it is started again.
	pub(crate) fn rounds(&mut self) {
		for index in 0..self.relayers.len() {
			let runs = &mut self.relayers[index];
			if runs.due > self.now {
				continue;
			}
			match runs.relayer.round(self.now).now_or_never() {
				Some(pause) => runs.due = self.now + pause.min(Duration::from_secs(300)).as_secs(),
				None => self.restart(index),
			}
		}
	}

	/// Whether the contract has all that the chain has certified, deep enough for everybody.
	pub(crate) fn settle(&mut self) {
		for _ in 0..400 {
			self.pass(1);
			let waiting = self.relayers.iter().any(|runs| !runs.relayer.record().slots.is_empty());
			let height = self.ledger.lock().state().landed.last().map_or(0, |landed| landed.0);
			if height == self.height && !waiting {
				return;
			}
		}
		panic!("after 400 blocks, {:?} of #{}:\n{}", self.state().landed.last(), self.height, self.status(0));
	}

	/// Somebody else's view of the chain.
	pub(crate) fn esc(&self) -> SimEsc {
		SimEsc { ledger: self.ledger.clone(), fuse: Fuse::default() }
	}

	pub(crate) fn state(&self) -> State {
		self.ledger.lock().state().clone()
	}

	pub(crate) fn status(&self, index: usize) -> Status {
		self.relayers[index].status.read()
	}

	pub(crate) fn codes(&self, index: usize) -> Vec<String> {
		self.status(index).conditions.into_iter().map(|condition| condition.code).collect()
	}

	pub(crate) fn account(&self, index: usize) -> H160 {
		place(self.relayers[index].account).account
	}

	/// Refused transactions that a relayer has paid for.
	pub(crate) fn refused(&self, index: usize) -> u64 {
		self.state().refused.get(&self.account(index)).copied().unwrap_or_default()
	}

	/// Nothing lost, nothing twice: every handover has landed, in order, no height twice; and each relayer knows to the
	/// last wei what it has paid.
	pub(crate) fn check(&self) {
		let state = self.state();
		let numbers: Vec<u64> = state.landed.iter().map(|landed| landed.0).collect();
		assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
		let anchored = self.anchored.lock();
		let handovers = anchored.certified.iter().filter(|certified| certified.hands_over());
		for handover in handovers {
			assert!(numbers.contains(&handover.checkpoint.number), "a handover is lost: {numbers:?}");
		}
		assert_eq!(numbers.last(), Some(&self.height));
		for (index, runs) in self.relayers.iter().enumerate().filter(|(_, runs)| !runs.dry_run) {
			let (account, record) = (self.account(index), runs.relayer.record());
			let paid = state.paid.get(&account).copied().unwrap_or_default();
			assert_eq!(record.totals.paid, paid, "relayer {index} does not know what it has paid");
			let landed = state.landed.iter().filter(|landed| landed.2 == account).count() as u64;
			assert_eq!(record.totals.landed, landed);
			assert_eq!(record.totals.refused, self.refused(index));
		}
	}
}

/// The price of a plain day.
pub(crate) const PLAIN: u128 = GWEI;
