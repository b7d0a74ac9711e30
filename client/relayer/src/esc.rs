//! The Elastos Smart Chain's JSON-RPC, as far as relayers and witnesses need it: eleven methods, over HTTP.
//!
//! Only what its nodes have: legacy transactions, `eth_gasPrice`, the tags `latest` and `pending`. Several nodes may be
//! behind one URL, of which one is behind the others; whoever reads this must not rely on two answers being of one block.

use std::time::Duration;

use async_trait::async_trait;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Bytes, header::CONTENT_TYPE, Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
	client::legacy::{connect::HttpConnector, Client},
	rt::TokioExecutor,
};
use serde_json::{json, Value};
use sp_core::{H160, H256};

use crate::{
	abi,
	machine::{Answer, Contract, Estimate, Log, Receipt},
};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest answer that is read.
const LONGEST: usize = 1 << 22;

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EscError {
	/// Nobody answers, or not in words that are understood.
	#[error("{0}")]
	Down(String),
	/// It answers that it does not.
	#[error("{message}")]
	Said {
		/// The error's number.
		code: i64,
		/// What it says.
		message: String,
		/// What a reverted call gives.
		data: Option<Vec<u8>>,
	},
}

/// Of which state something is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tag {
	/// After the newest block.
	Latest,
	/// If what is pending were mined.
	Pending,
}

/// Which events are asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filter {
	/// The contract that they are of.
	pub address: H160,
	/// Their first topic.
	pub topic: H256,
	/// Their second topic is one of these.
	pub second: Vec<H256>,
	/// The first block to look at.
	pub from: u64,
	/// The last one.
	pub to: u64,
}

/// An event, and where it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Logged {
	/// The block.
	pub block: u64,
	/// Hash of the transaction.
	pub transaction: H256,
	/// The event.
	pub log: Log,
	/// What it says beside its topics.
	pub data: Vec<u8>,
}

/// The chain.
#[async_trait]
pub trait Esc: Send + Sync {
	/// Its id.
	async fn chain_id(&self) -> Result<u64, EscError>;
	/// The newest block.
	async fn head(&self) -> Result<u64, EscError>;
	/// How many transactions of an account are in blocks.
	async fn nonce(&self, account: H160) -> Result<u64, EscError>;
	/// What it has.
	async fn balance(&self, account: H160) -> Result<u128, EscError>;
	/// What the chain asks for a unit of gas.
	async fn gas_price(&self) -> Result<u128, EscError>;
	/// What a contract answers.
	async fn call(&self, to: H160, data: Vec<u8>, tag: Tag) -> Result<Vec<u8>, EscError>;
	/// The gas that a transaction takes.
	async fn estimate(&self, from: H160, to: H160, data: &[u8]) -> Result<u64, EscError>;
	/// What became of a transaction, once it is in a block.
	async fn receipt(&self, hash: H256) -> Result<Option<Receipt>, EscError>;
	/// Events in the chain as it stands.
	async fn logs(&self, filter: &Filter) -> Result<Vec<Logged>, EscError>;
	/// Sends one.
	async fn send(&self, raw: &[u8]) -> Result<(), EscError>;
}

/// Reads the contract.
///
/// # Errors
/// There is no answer; `Ok(None)` if there is one that is not of this contract.
pub async fn read_contract<E: Esc + ?Sized>(esc: &E, at: H160, tag: Tag) -> Result<Option<Contract>, EscError> {
	let ask = |name: &'static str| esc.call(at, abi::ask(name), tag);
	// The set may change between two questions; then they are asked again.
	for _ in 0..3 {
		let signers = abi::answer(&ask("signersId").await?, 0);
		let hash = ask("signersHash").await?;
		let latest = ask("latest").await?;
		let published = ask("published").await?;
		let paused_until = ask("pausedUntil").await?;
		let genesis = ask("genesis").await?;
		let again = abi::answer(&ask("signersId").await?, 0);
		let hash_of = |bytes: &[u8]| abi::word(bytes, 0).map(H256::from_slice);
		let contract = || {
			Some(Contract {
				number: abi::answer(&latest, 0)?,
				signers: signers?,
				signers_hash: hash_of(&hash)?,
				published: !hash_of(&published)?.is_zero(),
				paused_until: abi::answer(&paused_until, 0)?,
				genesis: hash_of(&genesis)?,
			})
		};
		if signers == again {
			return Ok(contract());
		}
	}
	Err(EscError::Down("the contract's signers change with every question".into()))
}

/// What the pool's refusal means. Nodes say it in words.
pub fn answer(error: &EscError) -> Answer {
	let text = error.to_string().to_lowercase();
	let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
	if says(&["already known", "known transaction", "already imported"]) {
		Answer::Taken
	} else if says(&["nonce too low", "nonce is too low", "invalid nonce", "old nonce"]) {
		Answer::Used
	} else if says(&["underpriced", "gas price too low", "fee too low", "minimum", "min gas price"]) {
		Answer::TooCheap
	} else if says(&["frozen", "freeze", "blacklist"]) {
		Answer::Frozen
	} else {
		Answer::Rejected(error.to_string())
	}
}

/// What an estimate says, as far as it is the contract that says it.
///
/// # Errors
/// It is not.
pub fn estimate(result: Result<u64, EscError>) -> Result<Estimate, EscError> {
	match result {
		Ok(gas) => Ok(Estimate::Gas(gas)),
		Err(EscError::Down(why)) => Err(EscError::Down(why)),
		Err(EscError::Said { message, data, .. }) => {
			let rule = data.as_deref().and_then(abi::refusal);
			// Some nodes give the bytes in the message only.
			let named = || {
				abi::REFUSALS.into_iter().find(|name| {
					let selector = hex::encode(abi::selector(&format!("{name}()")));
					message.contains(&selector) || message.contains(&format!("{name}()"))
				})
			};
			Ok(Estimate::Refused(rule.or_else(named).map_or(message.clone(), str::to_owned)))
		}
	}
}

/// A node behind a URL.
pub struct Http {
	client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
	url: Uri,
}

impl Http {
	/// The node at this URL, `http://` or `https://`. Nothing is asked yet.
	///
	/// # Errors
	/// It is no such URL, or this machine has no root certificates.
	pub fn new(url: &str) -> Result<Self, String> {
		let url: Uri = url.parse().map_err(|error| format!("'{url}' is no URL: {error}"))?;
		if !matches!(url.scheme_str(), Some("http" | "https")) {
			return Err(format!("'{url}' does not begin with http:// or https://"));
		}
		let provider = rustls::crypto::ring::default_provider();
		let builder = HttpsConnectorBuilder::new()
			.with_provider_and_native_roots(provider)
			.map_err(|error| format!("this machine's root certificates cannot be read: {error}"))?;
		let connector = builder.https_or_http().enable_http1().build();
		Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), url })
	}

	async fn ask(&self, method: &str, params: Value) -> Result<Value, EscError> {
		let down = |error: &dyn std::fmt::Display| EscError::Down(format!("{method}: {error}"));
		let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
		let request = Request::post(self.url.clone())
			.header(CONTENT_TYPE, "application/json")
			.body(Full::from(body))
			.map_err(|error| down(&error))?;
		let exchange = async {
			let response = self.client.request(request).await.map_err(|error| down(&whole(&error)))?;
			let status = response.status();
			let body = Limited::new(response.into_body(), LONGEST).collect().await;
			Ok((status, body.map_err(|error| down(&error))?.to_bytes()))
		};
		let (status, bytes) = match tokio::time::timeout(PATIENCE, exchange).await {
			Ok(answer) => answer?,
			Err(_) => return Err(down(&format!("no answer in {} seconds", PATIENCE.as_secs()))),
		};
		let mut answer: Value = match serde_json::from_slice(&bytes) {
			Ok(answer) => answer,
			Err(_) => return Err(down(&format!("the answer is no JSON (HTTP {status})"))),
		};
		match answer.get("error").filter(|error| !error.is_null()) {
			Some(error) => Err(EscError::Said {
				code: error["code"].as_i64().unwrap_or_default(),
				message: error["message"].as_str().unwrap_or("an error without words").to_owned(),
				data: revert_data(&error["data"]),
			}),
			None if answer.get("result").is_some() => Ok(answer["result"].take()),
			None => Err(down(&format!("the answer has no result (HTTP {status})"))),
		}
	}

	async fn quantity(&self, method: &str, params: Value) -> Result<u128, EscError> {
		let value = self.ask(method, params).await?;
		read_quantity(&value).ok_or_else(|| EscError::Down(format!("{method}: '{value}' is no number")))
	}
}

/// An error with its causes: the outermost of hyper's says nothing.
fn whole(error: &dyn std::error::Error) -> String {
	let mut text = error.to_string();
	let mut cause = error.source();
	while let Some(error) = cause {
		text = format!("{text}: {error}");
		cause = error.source();
	}
	text
}

/// What a reverted call gave, which nodes put in three places.
fn revert_data(data: &Value) -> Option<Vec<u8>> {
	let text = data.as_str().or_else(|| data["data"].as_str()).or_else(|| data["result"].as_str())?;
	hex::decode(text.trim_start_matches("Reverted ").trim_start_matches("0x")).ok()
}

fn read_quantity(value: &Value) -> Option<u128> {
	let digits = value.as_str()?.strip_prefix("0x")?;
	// Amounts beyond are nobody's, but a node may say so.
	if digits.trim_start_matches('0').len() > 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
		return Some(u128::MAX);
	}
	u128::from_str_radix(digits, 16).ok()
}

fn read_hash(value: &Value) -> Option<H256> {
	let bytes = hex::decode(value.as_str()?.strip_prefix("0x")?).ok()?;
	<[u8; 32]>::try_from(bytes).ok().map(H256)
}

fn read_number(value: &Value) -> Option<u64> {
	read_quantity(value).and_then(|number| u64::try_from(number).ok())
}

fn read_log(value: &Value) -> Option<Log> {
	let address = hex::decode(value["address"].as_str()?.strip_prefix("0x")?).ok()?;
	Some(Log {
		index: read_number(&value["logIndex"])?,
		address: H160(address.try_into().ok()?),
		topics: value["topics"].as_array()?.iter().map(read_hash).collect::<Option<_>>()?,
	})
}

fn read_receipt(value: &Value) -> Option<Receipt> {
	Some(Receipt {
		block: read_number(&value["blockNumber"])?,
		good: read_number(&value["status"])? == 1,
		gas: read_number(&value["gasUsed"])?,
		logs: value["logs"].as_array()?.iter().map(read_log).collect::<Option<_>>()?,
	})
}

fn read_logged(value: &Value) -> Option<Logged> {
	Some(Logged {
		block: read_number(&value["blockNumber"])?,
		transaction: read_hash(&value["transactionHash"])?,
		log: read_log(value)?,
		data: hex::decode(value["data"].as_str()?.strip_prefix("0x")?).ok()?,
	})
}

/// What is in the chain, of a list of events. Those that were taken back may be in it, marked, and those of blocks to come.
fn read_logs(value: &Value) -> Option<Vec<Logged>> {
	let stands = |log: &&Value| log["removed"] != true && !log["blockNumber"].is_null();
	value.as_array()?.iter().filter(stands).map(read_logged).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
	format!("0x{}", hex::encode(bytes))
}

fn small(method: &str, number: u128) -> Result<u64, EscError> {
	u64::try_from(number).map_err(|_| EscError::Down(format!("{method}: {number} is too much")))
}

#[async_trait]
impl Esc for Http {
	async fn chain_id(&self) -> Result<u64, EscError> {
		small("eth_chainId", self.quantity("eth_chainId", json!([])).await?)
	}

	async fn head(&self) -> Result<u64, EscError> {
		small("eth_blockNumber", self.quantity("eth_blockNumber", json!([])).await?)
	}

	async fn nonce(&self, account: H160) -> Result<u64, EscError> {
		let params = json!([hexadecimal(account.as_bytes()), "latest"]);
		small("eth_getTransactionCount", self.quantity("eth_getTransactionCount", params).await?)
	}

	async fn balance(&self, account: H160) -> Result<u128, EscError> {
		self.quantity("eth_getBalance", json!([hexadecimal(account.as_bytes()), "latest"])).await
	}

	async fn gas_price(&self) -> Result<u128, EscError> {
		self.quantity("eth_gasPrice", json!([])).await
	}

	async fn call(&self, to: H160, data: Vec<u8>, tag: Tag) -> Result<Vec<u8>, EscError> {
		let tag = match tag {
			Tag::Latest => "latest",
			Tag::Pending => "pending",
		};
		let call = json!({ "to": hexadecimal(to.as_bytes()), "data": hexadecimal(&data) });
		let value = self.ask("eth_call", json!([call, tag])).await?;
		let bytes = value.as_str().and_then(|text| hex::decode(text.strip_prefix("0x")?).ok());
		bytes.ok_or_else(|| EscError::Down(format!("eth_call: '{value}' is no bytes")))
	}

	async fn estimate(&self, from: H160, to: H160, data: &[u8]) -> Result<u64, EscError> {
		let hexed = [from, to].map(|address| hexadecimal(address.as_bytes()));
		let call = json!({ "from": hexed[0], "to": hexed[1], "data": hexadecimal(data) });
		small("eth_estimateGas", self.quantity("eth_estimateGas", json!([call])).await?)
	}

	async fn receipt(&self, hash: H256) -> Result<Option<Receipt>, EscError> {
		let value = self.ask("eth_getTransactionReceipt", json!([hexadecimal(hash.as_bytes())])).await?;
		// One without a block is of a transaction that waits.
		if value.is_null() || value["blockNumber"].is_null() {
			return Ok(None);
		}
		let receipt = read_receipt(&value);
		receipt.map(Some).ok_or_else(|| EscError::Down(format!("'{value}' is no receipt")))
	}

	async fn logs(&self, filter: &Filter) -> Result<Vec<Logged>, EscError> {
		let second: Vec<_> = filter.second.iter().map(|topic| hexadecimal(topic.as_bytes())).collect();
		let filter = json!({
			"address": hexadecimal(filter.address.as_bytes()),
			"topics": [hexadecimal(filter.topic.as_bytes()), second],
			"fromBlock": format!("{:#x}", filter.from),
			"toBlock": format!("{:#x}", filter.to),
		});
		let value = self.ask("eth_getLogs", json!([filter])).await?;
		read_logs(&value).ok_or_else(|| EscError::Down(format!("eth_getLogs: '{value}' is no list of events")))
	}

	async fn send(&self, raw: &[u8]) -> Result<(), EscError> {
		self.ask("eth_sendRawTransaction", json!([hexadecimal(raw)])).await.map(drop)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn said(message: &str, data: Option<Vec<u8>>) -> EscError {
		EscError::Said { code: -32000, message: message.into(), data }
	}

	#[test]
	fn what_a_pool_says_is_understood() {
		let cases = [
			("already known", Answer::Taken),
			("Known transaction: 0xab", Answer::Taken),
			("nonce too low: next nonce 5, tx nonce 3", Answer::Used),
			("replacement transaction underpriced", Answer::TooCheap),
			("transaction underpriced", Answer::TooCheap),
			("gas price 1 is below the minimum 2", Answer::TooCheap),
			("account is frozen", Answer::Frozen),
			("oversized data", Answer::Rejected("oversized data".into())),
		];
		for (text, expected) in cases {
			assert_eq!(answer(&said(text, None)), expected, "{text}");
		}
	}

	#[test]
	fn a_refusal_by_the_contract_is_told_by_its_rule() {
		let newer = abi::selector("Newer()").to_vec();
		let refused = |error| estimate(Err(error)).unwrap();
		assert_eq!(refused(said("execution reverted", Some(newer.clone()))), Estimate::Refused("Newer".into()));
		let text = format!("execution reverted: custom error 0x{}", hex::encode(newer));
		assert_eq!(refused(said(&text, None)), Estimate::Refused("Newer".into()));
		assert_eq!(refused(said("boom", None)), Estimate::Refused("boom".into()));
		assert!(estimate(Err(EscError::Down("gone".into()))).is_err());
		assert_eq!(estimate(Ok(5)), Ok(Estimate::Gas(5)));
	}

	#[test]
	fn numbers_are_read_and_what_is_none_is_not() {
		let read = |text: &str| read_quantity(&json!(text));
		assert_eq!(read("0x0"), Some(0));
		assert_eq!(read("0x3b9aca00"), Some(1_000_000_000));
		assert_eq!(read(&format!("0x{}", "f".repeat(40))), Some(u128::MAX));
		for text in ["", "0x", "12", "0xg", &format!("0x{}", "z".repeat(40))] {
			assert_eq!(read(text), None, "{text}");
		}
		assert_eq!(read_quantity(&json!(5)), None);
	}

	#[test]
	fn receipts_are_read() {
		let value = json!({
			"blockNumber": "0x10", "status": "0x1", "gasUsed": "0x5208",
			"logs": [{ "logIndex": "0x2", "address": format!("0x{}", "c0".repeat(20)), "topics": [format!("0x{}", "01".repeat(32))] }],
		});
		let receipt = read_receipt(&value).unwrap();
		assert_eq!((receipt.block, receipt.good, receipt.gas), (16, true, 21_000));
		let log = Log { index: 2, address: H160::repeat_byte(0xc0), topics: vec![H256::repeat_byte(1)] };
		assert_eq!(receipt.logs, [log]);
		assert_eq!(read_receipt(&json!({ "blockNumber": "0x10" })), None);
	}

	#[test]
	fn events_are_read_and_those_that_were_taken_back_are_not() {
		let hash = |byte: &str| format!("0x{}", byte.repeat(32));
		let event = json!({
			"address": format!("0x{}", "c0".repeat(20)), "topics": [hash("01"), hash("02")], "data": "0x0a0b",
			"blockNumber": "0x10", "transactionHash": hash("03"), "transactionIndex": "0x0", "blockHash": hash("04"),
			"logIndex": "0x2", "removed": false,
		});
		let topics = vec![H256::repeat_byte(1), H256::repeat_byte(2)];
		let log = Log { index: 2, address: H160::repeat_byte(0xc0), topics };
		let read = Logged { block: 16, transaction: H256::repeat_byte(3), log, data: vec![10, 11] };
		assert_eq!(read_logs(&json!([event])), Some(vec![read]));
		let with = |field: &str, value: Value| {
			let mut event = event.clone();
			event[field] = value;
			read_logs(&json!([event]))
		};
		assert_eq!(with("removed", json!(true)), Some(vec![]));
		assert_eq!(with("blockNumber", Value::Null), Some(vec![]));
		for (field, value) in [("data", json!("0x0")), ("transactionHash", json!("0x03")), ("logIndex", Value::Null)] {
			assert_eq!(with(field, value), None, "{field}");
		}
		assert_eq!(read_logs(&json!({})), None);
	}

	#[test]
	fn what_is_no_url_is_refused() {
		for url in ["ftp://x", "nonsense", "ws://127.0.0.1:1"] {
			assert!(Http::new(url).is_err(), "{url}");
		}
	}
}
