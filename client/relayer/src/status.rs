//! What the relayer is doing, and what stands in the way: for `relayer_status`, for logs and for the command line.

use std::sync::Arc;

use jsonrpsee::{core::RegisterMethodError, RpcModule};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use sp_core::{H160, H256};

use crate::machine::{ela, gwei, ConditionView, Machine, Severity, Totals, View};

/// A transaction that is not over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
	/// Its place.
	pub nonce: u64,
	/// What it does.
	pub what: String,
	/// Its hash, that of the last attempt unless one is in a block.
	pub hash: H256,
	/// How often it was priced anew.
	pub attempts: usize,
	/// What it pays for a unit of gas, in wei.
	pub gas_price: String,
	/// The block of the first attempt.
	pub since: u64,
	/// The block that it is in.
	pub block: Option<u64>,
	/// How many blocks there have been since, itself counted.
	pub depth: Option<u64>,
}

/// Everything.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
	/// Whether it sends nothing.
	pub dry_run: bool,
	/// Id of the EVM chain.
	pub chain_id: u64,
	/// The contract.
	pub contract: H160,
	/// The account that pays.
	pub account: H160,
	/// When this was written, in seconds since 1970.
	pub time: u64,
	/// The newest block of the Elastos Smart Chain.
	pub head: Option<u64>,
	/// Height of the last checkpoint that landed.
	pub landed: Option<u64>,
	/// The set that the contract knows.
	pub signers: Option<u64>,
	/// Height of the newest certified checkpoint.
	pub newest: Option<u64>,
	/// The set that signed it.
	pub newest_signers: Option<u64>,
	/// What the account has, in wei.
	pub balance: Option<String>,
	/// What the chain asks for a unit of gas, in wei.
	pub gas_price: Option<String>,
	/// What is not over.
	pub waiting: Vec<Waiting>,
	/// Sums of what is.
	pub totals: Totals,
	/// What stands in the way, the worst first.
	pub conditions: Vec<ConditionView>,
}

impl Status {
	/// As the machine knows it. What is not in `view` stays as it was.
	pub fn update(&mut self, machine: &Machine, view: Option<&View>, time: u64, dry_run: bool) {
		let record = machine.record();
		let head = view.map(|view| view.head).or(self.head);
		self.dry_run = dry_run;
		self.time = time;
		(self.chain_id, self.contract, self.account) =
			(record.place.chain_id, record.place.contract, record.place.account);
		if let Some(view) = view {
			self.head = Some(view.head);
			self.landed = Some(view.contract.number);
			self.signers = Some(view.contract.signers);
			let newest = view.newest.as_ref().map(|newest| &newest.checkpoint);
			self.newest = newest.map(|newest| newest.number).or(self.newest);
			self.newest_signers = newest.map(|newest| newest.signers).or(self.newest_signers);
			self.balance = Some(view.balance.to_string());
			self.gas_price = Some(view.gas_price.to_string());
		}
		let waiting = record.slots.iter().filter_map(|slot| {
			let last = slot.attempts.last()?;
			let mined = slot.mined.as_ref();
			Some(Waiting {
				nonce: slot.nonce,
				what: mined.map_or(last.act, |mined| mined.act).to_string(),
				hash: mined.map_or(last.hash, |mined| mined.hash),
				attempts: slot.attempts.len(),
				gas_price: last.gas_price.to_string(),
				since: slot.since,
				block: mined.map(|mined| mined.block),
				depth: mined.and_then(|mined| Some((head?).saturating_sub(mined.block) + 1)),
			})
		});
		self.waiting = waiting.collect();
		self.totals = record.totals.clone();
	}

	/// What stands in the way, the worst first.
	pub fn set_conditions(&mut self, mut conditions: Vec<ConditionView>) {
		conditions.sort_by_key(|condition| std::cmp::Reverse(condition.severity));
		self.conditions = conditions;
	}

	/// Whether somebody has to do something before a checkpoint lands.
	pub fn is_blocked(&self) -> bool {
		self.conditions.first().is_some_and(|condition| condition.severity == Severity::Blocking)
	}
}

fn amount(text: &Option<String>, unit: fn(u128) -> String) -> String {
	text.as_ref().and_then(|text| text.parse().ok()).map_or("unknown".into(), unit)
}

fn height(number: Option<u64>) -> String {
	number.map_or("unknown".into(), |number| format!("#{number}"))
}

impl std::fmt::Display for Status {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		let dry = if self.dry_run { " (dry run: nothing is sent)" } else { "" };
		writeln!(f, "account    {:?} on chain {}{dry}", self.account, self.chain_id)?;
		writeln!(f, "contract   {:?}", self.contract)?;
		writeln!(f, "balance    {}", amount(&self.balance, ela))?;
		writeln!(f, "gas price  {}", amount(&self.gas_price, gwei))?;
		let set = |set: Option<u64>| set.map_or(String::new(), |set| format!(", set {set}"));
		writeln!(f, "landed     {}{}", height(self.landed), set(self.signers))?;
		writeln!(f, "certified  {}{}", height(self.newest), set(self.newest_signers))?;
		for waiting in &self.waiting {
			let state = match (waiting.block, waiting.depth) {
				(Some(block), Some(depth)) => format!("in block {block}, {depth} deep"),
				_ => format!("sent at block {}, {} attempts, not mined", waiting.since, waiting.attempts),
			};
			writeln!(f, "waiting    {} ({:?}): {state}", waiting.what, waiting.hash)?;
		}
		let totals = &self.totals;
		writeln!(
			f,
			"so far     {} checkpoints ({} handovers), {} sets published, {} refused, {} voided; {} paid",
			totals.landed,
			totals.handovers,
			totals.published,
			totals.refused,
			totals.voided,
			ela(totals.paid)
		)?;
		if self.conditions.is_empty() {
			write!(f, "{}", if self.head.is_some() { "all is well" } else { "it has not looked yet" })?;
		}
		for condition in &self.conditions {
			write!(
				f,
				"{:?}: {}: {}\n           {}",
				condition.severity, condition.code, condition.what, condition.advice
			)?;
			if Some(condition) != self.conditions.last() {
				writeln!(f)?;
			}
		}
		Ok(())
	}
}

/// The status, shared.
#[derive(Clone, Default)]
pub struct StatusHandle(Arc<RwLock<Status>>);

impl StatusHandle {
	/// As it is now.
	pub fn read(&self) -> Status {
		self.0.read().clone()
	}

	/// Replaces it.
	pub fn write(&self, status: Status) {
		*self.0.write() = status;
	}

	/// `relayer_status`, without parameters: a [`Status`].
	///
	/// # Errors
	/// None: the module has one method.
	pub fn into_rpc(self) -> Result<RpcModule<()>, RegisterMethodError> {
		let mut module = RpcModule::new(());
		module.register_method("relayer_status", move |_, (), _| serde_json::json!(self.read()))?;
		Ok(module)
	}
}
