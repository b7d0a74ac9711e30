//! What a node is asked.

use std::{sync::Arc, time::Duration};

use codec::{Decode, Encode};
use elapse_runtime::{Header, RuntimeEvent, UncheckedExtrinsic};
use jsonrpsee::{
	core::{
		client::{ClientT, Error as ClientError},
		params::ArrayParams,
		traits::ToRpcParams,
	},
	rpc_params,
	ws_client::{WsClient, WsClientBuilder},
};
use serde_json::Value;
use sp_core::{Bytes, H256};
use sp_crypto_hashing::twox_128;
use tokio::sync::Mutex;

use crate::{Error, Result};

const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(10);

/// A block, by height and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockId {
	/// Its height.
	pub number: u32,
	/// Its hash.
	pub hash: H256,
}

impl std::fmt::Display for BlockId {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		write!(f, "#{} ({})", self.number, self.hash)
	}
}

/// A client of one node, which connects when it is first used, and again when the node was away.
#[derive(Clone, Debug)]
pub struct Rpc {
	node: String,
	url: String,
	client: Arc<Mutex<Option<Arc<WsClient>>>>,
}

impl Rpc {
	/// For the node of this name, which listens on this port.
	pub fn new(node: &str, port: u16) -> Self {
		Rpc { node: node.into(), url: format!("ws://127.0.0.1:{port}"), client: Default::default() }
	}

	/// Where it listens.
	pub fn url(&self) -> &str {
		&self.url
	}

	async fn client(&self) -> std::result::Result<Arc<WsClient>, ClientError> {
		let mut client = self.client.lock().await;
		if let Some(client) = client.as_ref().filter(|client| client.is_connected()) {
			return Ok(client.clone());
		}
		let builder = WsClientBuilder::default().connection_timeout(CONNECT).request_timeout(ANSWER);
		let new = Arc::new(builder.build(&self.url).await?);
		*client = Some(new.clone());
		Ok(new)
	}

	/// Ask for anything.
	pub async fn ask(&self, method: &str, params: ArrayParams) -> Result<Value> {
		let failed = |error: &dyn std::fmt::Display| Error::Rpc {
			node: self.node.clone(),
			method: method.into(),
			why: error.to_string(),
		};
		let client = self.client().await.map_err(|e| failed(&e))?;
		client.request(method, params).await.map_err(|e| failed(&e))
	}

	fn unreadable(&self, method: &str, why: impl Into<String>) -> Error {
		Error::Answer { node: self.node.clone(), method: method.into(), why: why.into() }
	}

	fn parse<T: std::str::FromStr>(&self, method: &str, value: &Value) -> Result<T> {
		let text = value.as_str().ok_or_else(|| self.unreadable(method, format!("{value} is not a text")))?;
		text.parse().map_err(|_| self.unreadable(method, format!("'{text}'")))
	}

	/// The height in the header of this block, or of the best one.
	pub async fn height(&self, hash: Option<H256>) -> Result<u32> {
		let method = "chain_getHeader";
		let header = self.ask(method, rpc_params![hash]).await?;
		let text = header["number"].as_str().ok_or_else(|| self.unreadable(method, header.to_string()))?;
		u32::from_str_radix(text.trim_start_matches("0x"), 16).map_err(|_| self.unreadable(method, text))
	}

	/// The best block.
	pub async fn best(&self) -> Result<BlockId> {
		let method = "chain_getBlockHash";
		let hash = self.parse(method, &self.ask(method, rpc_params![]).await?)?;
		Ok(BlockId { number: self.height(Some(hash)).await?, hash })
	}

	/// The last finalised block.
	pub async fn finalized(&self) -> Result<BlockId> {
		let method = "chain_getFinalizedHead";
		let hash = self.parse(method, &self.ask(method, rpc_params![]).await?)?;
		Ok(BlockId { number: self.height(Some(hash)).await?, hash })
	}

	/// The block of this height on the best chain, if there is one.
	pub async fn block_hash(&self, number: u32) -> Result<Option<H256>> {
		let method = "chain_getBlockHash";
		match self.ask(method, rpc_params![number]).await? {
			Value::Null => Ok(None),
			hash => self.parse(method, &hash).map(Some),
		}
	}

	/// A block's header, sealed.
	pub async fn header(&self, hash: H256) -> Result<Header> {
		let method = "chain_getHeader";
		let header = self.ask(method, rpc_params![hash]).await?;
		serde_json::from_value(header).map_err(|e| self.unreadable(method, e.to_string()))
	}

	/// A block's transactions, as they stand in it.
	pub async fn transactions(&self, hash: H256) -> Result<Vec<UncheckedExtrinsic>> {
		let method = "chain_getBlock";
		let mut block = self.ask(method, rpc_params![hash]).await?;
		let transactions = block["block"]["extrinsics"].as_array_mut().map(std::mem::take).unwrap_or_default();
		let decoded = transactions.into_iter().map(|transaction| {
			// Hexadecimal, as every client of a Substrate chain expects it.
			let bytes: Bytes =
				serde_json::from_value(transaction).map_err(|e| self.unreadable(method, e.to_string()))?;
			UncheckedExtrinsic::decode(&mut &bytes.0[..]).map_err(|e| self.unreadable(method, e.to_string()))
		});
		decoded.collect()
	}

	/// What happened in a block.
	pub async fn events(&self, hash: H256) -> Result<Vec<RuntimeEvent>> {
		let key = [twox_128(b"System"), twox_128(b"Events")].concat();
		let events: Option<Vec<frame_system::EventRecord<RuntimeEvent, H256>>> = self.storage(&key, Some(hash)).await?;
		Ok(events.unwrap_or_default().into_iter().map(|record| record.event).collect())
	}

	/// How many peers it has.
	pub async fn peers(&self) -> Result<u64> {
		let health = self.ask("system_health", rpc_params![]).await?;
		health["peers"].as_u64().ok_or_else(|| self.unreadable("system_health", health.to_string()))
	}

	/// What the lottery of the next height looks like from this node, and whether it waits.
	pub async fn lottery(&self) -> Result<Value> {
		self.ask("poet_lottery", rpc_params![]).await
	}

	/// Waits, wins and weights by author, and the stale rate.
	pub async fn stats(&self) -> Result<Value> {
		self.ask("poet_stats", rpc_params![]).await
	}

	/// A block's wait certificate, with the verdict of every rule.
	pub async fn wait_certificate(&self, hash: H256) -> Result<Value> {
		self.ask("poet_waitCertificate", rpc_params![hash]).await
	}

	/// Call the runtime.
	pub async fn call<T: Decode>(&self, function: &str, argument: &impl Encode, at: Option<H256>) -> Result<T> {
		let answer = self.ask("state_call", rpc_params![function, Bytes(argument.encode()), at]).await?;
		let bytes: Bytes = serde_json::from_value(answer).map_err(|e| self.unreadable("state_call", e.to_string()))?;
		T::decode(&mut &bytes[..]).map_err(|e| self.unreadable(function, e.to_string()))
	}

	/// The value of a storage key, if it has one.
	pub async fn storage<T: Decode>(&self, key: &[u8], at: Option<H256>) -> Result<Option<T>> {
		let method = "state_getStorage";
		match self.ask(method, rpc_params![Bytes(key.to_vec()), at]).await? {
			Value::Null => Ok(None),
			answer => {
				let bytes: Bytes =
					serde_json::from_value(answer).map_err(|e| self.unreadable(method, e.to_string()))?;
				T::decode(&mut &bytes[..]).map(Some).map_err(|e| self.unreadable(method, e.to_string()))
			}
		}
	}

	/// The number of GRANDPA's authority set: it grows whenever voters or their weights change.
	pub async fn set_id(&self) -> Result<u64> {
		self.call("GrandpaApi_current_set_id", &(), None).await
	}

	/// Hand in a transaction.
	pub async fn submit(&self, transaction: &impl Encode) -> Result<H256> {
		let method = "author_submitExtrinsic";
		self.parse(method, &self.ask(method, rpc_params![Bytes(transaction.encode())]).await?)
	}

	/// The transactions that wait in its pool.
	pub async fn pending(&self) -> Result<Vec<UncheckedExtrinsic>> {
		let method = "author_pendingExtrinsics";
		let pending = self.ask(method, rpc_params![]).await?;
		let read = |transaction: &Value| {
			let bytes = hex::decode(transaction.as_str()?.trim_start_matches("0x")).ok()?;
			UncheckedExtrinsic::decode(&mut &bytes[..]).ok()
		};
		let all = pending.as_array().and_then(|pending| pending.iter().map(read).collect());
		all.ok_or_else(|| self.unreadable(method, pending.to_string()))
	}
}

/// `rpc_params!` makes these; named here so that the bound is seen to hold.
const _: fn(ArrayParams) = |params| {
	let _ = params.to_rpc_params();
};
