//! What stands in the way, in words for whoever has to do something about it.

use serde::{Deserialize, Serialize};
use sp_core::H160;

use crate::policy::{ELA, GWEI};

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
	/// It passes by itself.
	Passing,
	/// Checkpoints land, but somebody should look.
	Warning,
	/// No checkpoint lands through this relayer until somebody does something.
	Blocking,
}

/// What stands in the way.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // Each says itself below.
pub enum Condition {
	EscDown { since: u64, why: String },
	EscStalled { seconds: u64 },
	OtherEsc { expected: u64, found: u64 },
	NoContract { contract: H160 },
	NodeDown { since: u64, why: String },
	NoCertificate,
	NotDeployed,
	OtherContract { chain_id: u64, contract: H160 },
	OtherGenesis,
	OtherSigners { signers: u64 },
	HandoverMissing { signers: u64, why: String },
	NodeBehind { signers: u64, newest: u64 },
	BadCertificate { number: u64, rule: String },
	Paused { until: u64 },
	PriceCeiling { asked: u128, ceiling: u128 },
	AtCeiling { nonce: u64, price: u128, ceiling: u128 },
	OutOfFunds { needed: u128, has: u128 },
	FundsLow { has: u128, submissions: u128 },
	Frozen { nonce: u64, blocks: u64 },
	Unclear { nonce: u64 },
	KeyShared { nonce: u64 },
	Inconsistent,
	Yielding { number: u64 },
	Refused { what: String, rule: String },
	Repeated { number: u64 },
	Rejected { why: String },
	TooLarge { bytes: usize },
	TooMuchGas { gas: u64 },
	Disk { why: String },
}

/// The same for a program or a screen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionView {
	/// One word, which does not change.
	pub code: String,
	/// How bad it is.
	pub severity: Severity,
	/// What is the matter.
	pub what: String,
	/// What to do.
	pub advice: String,
}

/// An amount of gas price, for people.
pub(crate) fn gwei(price: u128) -> String {
	decimal(price, GWEI, 9, "gwei")
}

/// An amount of coin, for people.
pub(crate) fn ela(amount: u128) -> String {
	decimal(amount, ELA, 18, "ELA")
}

fn decimal(amount: u128, unit: u128, digits: usize, name: &str) -> String {
	let fraction = format!("{:0digits$}", amount % unit);
	// As many digits as say something.
	let keep = fraction.find(|digit| digit != '0').map_or(0, |first| if amount >= unit { 4 } else { first + 4 });
	let fraction = fraction.get(..keep.min(digits)).unwrap_or_default().trim_end_matches('0');
	let dot = if fraction.is_empty() { "" } else { "." };
	format!("{}{dot}{fraction} {name}", amount / unit)
}

impl Condition {
	/// For a program or a screen.
	pub fn view(&self) -> ConditionView {
		use Severity::{Blocking, Passing, Warning};
		let (code, severity, what, advice): (&str, Severity, String, String) = match self {
			Self::EscDown { since, why } => (
				"esc-down",
				Blocking,
				format!("the Elastos Smart Chain's node does not answer since {since}: {why}"),
				"Nothing is lost: it goes on by itself when it answers. Look whether the URL of --esc is right and reachable, or \
				 use another node's."
					.into(),
			),
			Self::EscStalled { seconds } => (
				"esc-stalled",
				Blocking,
				format!("the Elastos Smart Chain has made no block for {seconds} seconds, as its node says"),
				"If others see new blocks, the node of --esc does not follow: use another."
					.into(),
			),
			Self::OtherEsc { expected, found } => (
				"other-esc",
				Blocking,
				format!("the node of --esc is of chain {found}, not {expected}"),
				"20 is the main network, 21 the test network. Give the URL that belongs to the contract, or --chain-id."
					.into(),
			),
			Self::NoContract { contract } => (
				"no-contract",
				Blocking,
				format!("there is no anchor at {contract:?}"),
				"Give the address of ElapseAnchor as --contract; it is in the state of the chain too (admission.anchorChain)."
					.into(),
			),
			Self::NodeDown { since, why } => (
				"node-down",
				Blocking,
				format!("the Elapse node does not answer since {since}: {why}"),
				"Nothing is lost: it goes on by itself when it answers. Look whether the node of --node runs.".into(),
			),
			Self::NoCertificate => (
				"no-certificate",
				Passing,
				"no checkpoint has a certificate yet".into(),
				"`bridge_open` of the node says whose signatures are awaited.".into(),
			),
			Self::NotDeployed => (
				"not-deployed",
				Blocking,
				"checkpoints are signed for no contract yet".into(),
				"Governance has to set chain id and address of the contract (admission.setAnchorChain); signers then sign \
				 again by themselves."
					.into(),
			),
			Self::OtherContract { chain_id, contract } => (
				"other-contract",
				Blocking,
				format!("checkpoints are signed for the contract {contract:?} on chain {chain_id}"),
				"Give that one as --contract, or have governance set this one (admission.setAnchorChain).".into(),
			),
			Self::OtherGenesis => (
				"other-genesis",
				Blocking,
				"the contract anchors another chain than the node's".into(),
				"One of --node and --contract is wrong.".into(),
			),
			Self::OtherSigners { signers } => (
				"other-signers",
				Blocking,
				format!("set {signers} of the contract is another one than set {signers} of the node"),
				"The node is on a fork or of another chain, or the contract went through a recovery: compare `bridge_signers` \
				 with `signersHash()`."
					.into(),
			),
			Self::HandoverMissing { signers, why } => (
				"handover-missing",
				Blocking,
				format!("the node does not have the checkpoint that hands over from set {signers}, which comes next: {why}"),
				"Give --node a node that executed all blocks: one that took a state from another has none of before.".into(),
			),
			Self::NodeBehind { signers, newest } => (
				"node-behind",
				Passing,
				format!("the contract knows set {signers}, and the node's newest checkpoint is of set {newest}"),
				"If the node is synchronised, the contract went through a recovery: governance calls bridge.resetSigners."
					.into(),
			),
			Self::BadCertificate { number, rule } => (
				"bad-certificate",
				Blocking,
				format!("the node's certificate of #{number} proves nothing: {rule}"),
				"The node is damaged or lies. Nothing was sent. Use another.".into(),
			),
			Self::Paused { until } => (
				"paused",
				Passing,
				format!("the contract's guardian has stopped submissions until {until} (seconds since 1970)"),
				"It passes after three days at most.".into(),
			),
			Self::PriceCeiling { asked, ceiling } => (
				"price-ceiling",
				Blocking,
				format!("the chain asks {} for gas, and the ceiling is {}", gwei(*asked), gwei(*ceiling)),
				"Wait, or raise --max-gas-price. Superseded checkpoints are left out later, so waiting costs nothing but time."
					.into(),
			),
			Self::AtCeiling { nonce, price, ceiling } => (
				"at-ceiling",
				Blocking,
				format!(
					"transaction {nonce} is not mined for {}, and a replacement would cost more than the ceiling {}",
					gwei(*price),
					gwei(*ceiling)
				),
				"Wait, or raise --max-gas-price.".into(),
			),
			Self::OutOfFunds { needed, has } => (
				"out-of-funds",
				Blocking,
				format!("the next transaction may cost {}, and the account has {}", ela(*needed), ela(*has)),
				"Send coins to the account; it goes on by itself.".into(),
			),
			Self::FundsLow { has, submissions } => (
				"funds-low",
				Warning,
				format!("the account has {}, which pays for about {submissions} submissions", ela(*has)),
				"Send coins to the account.".into(),
			),
			Self::Frozen { nonce, blocks } => (
				"frozen",
				Blocking,
				format!(
					"transaction {nonce} is not mined for {blocks} blocks, at a price that the chain asks: the account seems \
					 to be frozen"
				),
				"The Elastos Smart Chain can freeze accounts, and their transactions are then never mined. Look at the \
				 account in an explorer; use another key (`elapse-relayer key new`) if it stays so. Nothing is lost."
					.into(),
			),
			Self::Unclear { nonce } => (
				"unclear",
				Passing,
				format!("transaction {nonce} seems to be mined, but has no receipt yet"),
				"It passes; if it stays, the nodes behind --esc do not agree: use one of them.".into(),
			),
			Self::KeyShared { nonce } => (
				"key-shared",
				Warning,
				format!("somebody else has sent transaction {nonce} of this account"),
				"Two programs with one key pay for each other's failures: give each relayer a key of its own.".into(),
			),
			Self::Inconsistent => (
				"inconsistent",
				Passing,
				"the nodes behind --esc do not agree about what has landed".into(),
				"Nothing is sent until they do, so that nothing is paid twice. If it stays, use one of them.".into(),
			),
			Self::Yielding { number } => (
				"yielding",
				Passing,
				format!("somebody else's submission of #{number} or a later one is pending"),
				"It is waited for a few blocks.".into(),
			),
			Self::Refused { what, rule } => (
				"refused",
				Blocking,
				format!("the contract would refuse {what}: {rule}"),
				"Nothing was sent. The rule's name is in the contract and in docs/anchor.md.".into(),
			),
			Self::Repeated { number } => (
				"repeated",
				Warning,
				format!("the submission of #{number} was mined and refused, though it is still awaited"),
				"It is tried again after a pause that doubles each time.".into(),
			),
			Self::Rejected { why } => (
				"rejected",
				Warning,
				format!("the chain's pool does not take the transaction: {why}"),
				"It is sent again. If it stays, the reason says what to do.".into(),
			),
			Self::TooLarge { bytes } => (
				"too-large",
				Blocking,
				format!("the submission has {bytes} bytes, more than the chain's pool takes"),
				"The set has more signers than the anchor can carry: governance has to limit it.".into(),
			),
			Self::TooMuchGas { gas } => (
				"too-much-gas",
				Blocking,
				format!("the submission takes {gas} gas, more than a block has"),
				"The set has more signers than the anchor can carry: governance has to limit it.".into(),
			),
			Self::Disk { why } => (
				"disk",
				Blocking,
				format!("what was to be sent cannot be written down first: {why}"),
				"Nothing was sent. Make room on the disk of --data, or mend its permissions.".into(),
			),
		};
		ConditionView { code: code.into(), severity, what, advice }
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn amounts_are_readable() {
		assert_eq!(gwei(GWEI), "1 gwei");
		assert_eq!(gwei(1_130_000_001), "1.13 gwei");
		assert_eq!(ela(0), "0 ELA");
		assert_eq!(ela(12_345_678_900_000_000_000), "12.3456 ELA");
		assert_eq!(ela(1_234_567_000_000_000), "0.001234 ELA");
		assert_eq!(ela(1), "0.000000000000000001 ELA");
	}
}
