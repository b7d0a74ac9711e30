//! Rounds: asks both chains, shows the [`Machine`] the answers, and does what it says.

use std::time::Duration;

use sp_core::{ecdsa, H160};

use crate::{
	esc::{answer, estimate, read_contract, Esc, EscError, Tag},
	legacy::address,
	machine::{known_gas, Condition, Draft, Event, Machine, Mined, Record, Step, View},
	metrics::Metrics,
	node::{Node, NodeError},
	policy::Policy,
	status::{Status, StatusHandle},
	store::Store,
	LOG_TARGET,
};

/// How long a round waits for the next: a block of the Elastos Smart Chain.
pub const ROUND: Duration = Duration::from_secs(5);
/// The longest pause while the chain's node does not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// A chain without a block for so long, in seconds, is called stalled.
const STALLED: u64 = 120;

/// Whose account it is.
#[derive(Clone)]
pub enum Purse {
	/// One that can be spent from.
	Key(ecdsa::Pair),
	/// One that is looked at only, in a dry run.
	Address(H160),
}

impl Purse {
	/// The account.
	pub fn address(&self) -> H160 {
		match self {
			Self::Key(pair) => address(pair),
			Self::Address(address) => *address,
		}
	}
}

/// What a relayer is made of.
pub struct RelayerParams<E, N, S> {
	/// The Elastos Smart Chain.
	pub esc: E,
	/// Where certificates come from.
	pub node: N,
	/// Where the record is kept.
	pub store: S,
	/// What is remembered; it says for which contract and account.
	pub record: Record,
	/// What it goes by.
	pub policy: Policy,
	/// The account.
	pub purse: Purse,
	/// Sends nothing, and says what it would send.
	pub dry_run: bool,
	/// The time from round to round, as long as nothing is wrong.
	pub every: Duration,
	/// Where it says what it is doing.
	pub status: StatusHandle,
	/// What it counts with.
	pub metrics: Metrics,
}

/// A relayer.
pub struct Relayer<E, N, S> {
	esc: E,
	node: N,
	store: S,
	machine: Machine,
	purse: Purse,
	dry_run: bool,
	every: Duration,
	handle: StatusHandle,
	metrics: Metrics,
	status: Status,
	/// Since when the chain's node does not answer, and for how many rounds.
	esc_down: Option<(u64, u32)>,
	node_down: Option<u64>,
	/// The newest block, and when it was seen first.
	head: (u64, u64),
	/// What was said last, so that it is not said again.
	said: Vec<String>,
	would: Option<Draft>,
	/// The record differs from what is on disk.
	unsaved: bool,
}

/// A round ends early.
enum Stop {
	Esc(EscError),
	Condition(Condition),
}

impl From<EscError> for Stop {
	fn from(error: EscError) -> Self {
		Self::Esc(error)
	}
}

impl<E: Esc, N: Node, S: Store> Relayer<E, N, S> {
	/// Makes one. It does nothing yet.
	pub fn new(params: RelayerParams<E, N, S>) -> Self {
		let RelayerParams { esc, node, store, record, policy, purse, dry_run, every, status, metrics } = params;
		Self {
			esc,
			node,
			store,
			machine: Machine::new(policy, record),
			purse,
			dry_run,
			every,
			handle: status,
			metrics,
			status: Status::default(),
			esc_down: None,
			node_down: None,
			head: (0, 0),
			said: Vec::new(),
			would: None,
			unsaved: false,
		}
	}

	/// What it remembers.
	pub fn record(&self) -> &Record {
		self.machine.record()
	}

	/// Rounds without end.
	pub async fn run(mut self) {
		loop {
			let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
			let pause = self.round(now.as_secs()).await;
			tokio::time::sleep(pause).await;
		}
	}

	/// One round. Gives the time until the next.
	pub async fn round(&mut self, now: u64) -> Duration {
		let mut extra = Vec::new();
		let mut shown = None;
		let result = self.act(now, &mut shown).await;
		if let Some(view) = &shown {
			if view.head != self.head.0 {
				self.head = (view.head, now);
			} else if now.saturating_sub(self.head.1) > STALLED {
				extra.push(Condition::EscStalled { seconds: now - self.head.1 });
			}
		}
		let mut pause = self.every;
		match result {
			Ok(()) => self.esc_down = None,
			Err(Stop::Condition(condition)) => {
				self.esc_down = None;
				extra.push(condition);
			}
			Err(Stop::Esc(error)) => {
				let (since, rounds) = self.esc_down.unwrap_or((now, 0));
				self.esc_down = Some((since, rounds.saturating_add(1)));
				pause = (self.every * 2u32.pow(rounds.min(6))).min(LONGEST_PAUSE);
				extra.push(Condition::EscDown { since, why: error.to_string() });
			}
		}
		// What stood in the way of the last look does not, if there was none.
		let looked = if shown.is_some() { self.machine.conditions() } else { &[] };
		let views = extra.iter().chain(looked).map(Condition::view).collect();
		self.status.update(&self.machine, shown.as_ref(), now, self.dry_run);
		self.status.set_conditions(views);
		self.tell();
		self.handle.write(self.status.clone());
		self.metrics.show(&self.status);
		pause
	}

	/// Asks, looks, does.
	async fn act(&mut self, now: u64, shown: &mut Option<View>) -> Result<(), Stop> {
		let view = shown.insert(self.gather(now).await?);
		let step = self.machine.look(view);
		self.save_if_changed()?;
		match step {
			Step::Rest => Ok(()),
			Step::Resend(_) if self.dry_run => Ok(()),
			Step::Resend(again) => {
				for signed in again {
					self.send(&signed.raw, signed.hash, view.head).await?;
				}
				self.save_if_changed()
			}
			Step::Draft(draft) => self.draft(draft, view).await,
		}
	}

	async fn draft(&mut self, draft: Draft, view: &View) -> Result<(), Stop> {
		let estimated = match known_gas(&draft.act) {
			Some(gas) => Ok(gas),
			None => self.esc.estimate(self.purse.address(), draft.to, &draft.data).await,
		};
		let Some(legacy) = self.machine.drafted(&draft, view, estimate(estimated)?) else { return Ok(()) };
		let pair = match &self.purse {
			Purse::Key(pair) if !self.dry_run => pair,
			_ => {
				if self.would.as_ref() != Some(&draft) {
					log::info!(
						target: LOG_TARGET,
						"⚓ Would send {}: {} bytes, {} gas at {}, nonce {}",
						draft.act, draft.data.len(), legacy.gas, crate::machine::gwei(draft.price), draft.nonce
					);
				}
				self.would = Some(draft);
				return Ok(());
			}
		};
		let signed = legacy.sign(self.machine.record().place.chain_id, pair);
		self.machine.signed(draft, &signed, view);
		// Rule *write-first*. If it cannot be written, it is in memory only, and is sent once it is written.
		self.save_if_changed()?;
		self.send(&signed.raw, signed.hash, view.head).await?;
		self.save_if_changed()
	}

	async fn send(&mut self, raw: &[u8], hash: sp_core::H256, head: u64) -> Result<(), Stop> {
		let said = match self.esc.send(raw).await {
			Ok(()) => crate::machine::Answer::Taken,
			Err(EscError::Down(why)) => return Err(EscError::Down(why).into()),
			Err(error) => answer(&error),
		};
		self.machine.answered(hash, said, head);
		Ok(())
	}

	fn save_if_changed(&mut self) -> Result<(), Stop> {
		self.unsaved |= self.machine.take_dirty();
		for event in self.machine.take_events() {
			self.metrics.count(&event);
			tell(&event);
		}
		if self.unsaved && !self.dry_run {
			let saved = self.store.save(self.machine.record());
			saved.map_err(|why| Stop::Condition(Condition::Disk { why }))?;
			self.unsaved = false;
		}
		Ok(())
	}

	/// Asks both chains.
	async fn gather(&mut self, now: u64) -> Result<View, Stop> {
		let place = self.machine.record().place;
		let found = self.esc.chain_id().await?;
		if found != place.chain_id {
			return Err(Stop::Condition(Condition::OtherEsc { expected: place.chain_id, found }));
		}
		let head = self.esc.head().await?;
		let nonce = self.esc.nonce(place.account).await?;
		let balance = self.esc.balance(place.account).await?;
		let gas_price = self.esc.gas_price().await?;
		let Some(contract) = read_contract(&self.esc, place.contract, Tag::Latest).await? else {
			return Err(Stop::Condition(Condition::NoContract { contract: place.contract }));
		};
		// Not every node tells what is pending.
		let pending = read_contract(&self.esc, place.contract, Tag::Pending).await.ok().flatten();
		let mut view = View {
			now,
			head,
			nonce,
			balance,
			gas_price,
			pending: pending.unwrap_or_else(|| contract.clone()),
			contract,
			..View::default()
		};
		self.ask_node(now, &mut view).await;
		// Last, so that they have at least all that the contract has been seen to have.
		for hash in self.machine.asks() {
			if let Some(receipt) = self.esc.receipt(hash).await? {
				view.receipts.insert(hash, receipt);
			}
		}
		Ok(view)
	}

	async fn ask_node(&mut self, now: u64, view: &mut View) {
		let newest = self.node.newest().await;
		let handover = match &newest {
			Ok(_) => self.node.handover(view.contract.signers).await,
			Err(_) => Ok(None),
		};
		let mut down = None;
		match newest {
			Ok(newest) => view.newest = Some(newest),
			Err(NodeError::Missing(_)) => {}
			Err(error) => down = Some(error.to_string()),
		}
		match handover {
			Ok(handover) => view.handover = handover,
			Err(NodeError::Missing(why)) => view.missing = Some(why),
			Err(error) => down = Some(error.to_string()),
		}
		self.node_down = down.as_ref().map(|_| self.node_down.unwrap_or(now));
		view.node_down = self.node_down.zip(down);
	}

	/// Says what stands in the way, once.
	fn tell(&mut self) {
		let codes: Vec<String> = self.status.conditions.iter().map(|condition| condition.code.clone()).collect();
		for condition in self.status.conditions.iter().filter(|condition| !self.said.contains(&condition.code)) {
			let level = match condition.severity {
				crate::machine::Severity::Passing => log::Level::Debug,
				_ => log::Level::Warn,
			};
			log::log!(target: LOG_TARGET, level, "⚓ {}: {}. {}", condition.code, condition.what, condition.advice);
		}
		let gone = self.said.iter().filter(|code| !codes.contains(code));
		for code in gone {
			log::debug!(target: LOG_TARGET, "⚓ {code} is over");
		}
		if !self.said.is_empty() && codes.is_empty() {
			log::info!(target: LOG_TARGET, "⚓ All is well again");
		}
		self.said = codes;
	}
}

/// Says what happened.
fn tell(event: &Event) {
	match event {
		Event::Sent(draft, hash) => {
			let again = if draft.replaces { ", in place of the one before" } else { "" };
			let price = crate::machine::gwei(draft.price);
			log::info!(target: LOG_TARGET, "⚓ Sending {} ({hash:?}) at {price}{again}", draft.act);
		}
		Event::Mined(_, Mined { act, block, good: true, .. }) => {
			log::info!(target: LOG_TARGET, "⚓ In block {block}: {act}");
		}
		Event::Mined(_, Mined { act, block, .. }) => {
			log::info!(target: LOG_TARGET, "⚓ In block {block} and refused, mostly since somebody was faster: {act}");
		}
		Event::Reorganised(_, Mined { act, block, .. }) => {
			log::warn!(target: LOG_TARGET, "⚓ Block {block} was taken back, and with it {act}: it is sent again if need be");
		}
		Event::Final(_, Mined { act, good: true, paid, .. }) => {
			log::info!(target: LOG_TARGET, "⚓ Deep enough: {act}; it cost {}", crate::machine::ela(*paid));
		}
		Event::Final(..) => {}
		Event::Foreign(nonce) => {
			log::warn!(target: LOG_TARGET, "⚓ Somebody else has sent transaction {nonce} of this account");
		}
	}
}
