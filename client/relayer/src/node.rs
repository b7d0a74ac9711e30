//! Where certificates come from: the RPC of a node, or the node itself that this runs in.

use async_trait::async_trait;
use ec_anchor::rpc::{BridgeClient, BridgeServer, CheckpointView, Error as BridgeError, SignersView};
use ep_bridge::{Certificate, Certified, SignerSet};
use ep_trust::Chain;
use jsonrpsee::{
	core::ClientError,
	ws_client::{WsClient, WsClientBuilder},
};
use parking_lot::Mutex;
use std::{sync::Arc, time::Duration};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why there is no certificate.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NodeError {
	/// Nobody answers.
	#[error("{0}")]
	Down(String),
	/// The node says that it has none.
	#[error("{0}")]
	Missing(String),
	/// It has one that cannot be read.
	#[error("the node's certificate cannot be read: {0}")]
	Unreadable(String),
}

/// A source of certificates. What it gives is verified by whoever takes it.
#[async_trait]
pub trait Node: Send + Sync {
	/// The newest certified checkpoint.
	async fn newest(&self) -> Result<Certified, NodeError>;

	/// The one that hands over from set `signers` to the next. `Ok(None)` if that set signs still.
	async fn handover(&self, signers: u64) -> Result<Option<Certified>, NodeError>;
}

/// A certificate of the shape that the RPC has.
fn read(view: &CheckpointView) -> Result<Certified, NodeError> {
	let checkpoint = ep_bridge::Checkpoint::from(view.checkpoint.clone());
	let signers = SignerSet::from_words(checkpoint.signers, &view.signers);
	let signers = signers.map_err(|rule| NodeError::Unreadable(rule.to_string()))?;
	let certificate = Certificate::from_bytes(&view.bitmap, &view.signatures);
	let certificate = certificate.ok_or_else(|| NodeError::Unreadable("its signatures".into()))?;
	let chain = Chain { id: view.contract.chain_id, contract: view.contract.address };
	Ok(Certified { checkpoint, chain, signers, certificate })
}

/// A node elsewhere.
pub struct Remote {
	url: String,
	client: Mutex<Option<Arc<WsClient>>>,
}

impl Remote {
	/// The node with this WebSocket URL. Nothing is asked yet.
	pub fn new(url: &str) -> Self {
		Self { url: url.into(), client: Mutex::new(None) }
	}

	async fn client(&self) -> Result<Arc<WsClient>, NodeError> {
		let known = self.client.lock().clone();
		if let Some(client) = known.filter(|client| client.is_connected()) {
			return Ok(client);
		}
		let built = WsClientBuilder::default().request_timeout(PATIENCE).connection_timeout(PATIENCE).build(&self.url);
		let client = Arc::new(built.await.map_err(|error| NodeError::Down(format!("{}: {error}", self.url)))?);
		*self.client.lock() = Some(client.clone());
		Ok(client)
	}
}

fn said(error: ClientError) -> NodeError {
	match error {
		ClientError::Call(error) => NodeError::Missing(error.message().into()),
		other => NodeError::Down(other.to_string()),
	}
}

#[async_trait]
impl Node for Remote {
	async fn newest(&self) -> Result<Certified, NodeError> {
		read(&self.client().await?.checkpoint(None).await.map_err(said)?)
	}

	async fn handover(&self, signers: u64) -> Result<Option<Certified>, NodeError> {
		let client = self.client().await?;
		let SignersView { handover, .. } = match client.signers(Some(signers.saturating_add(1))).await.map_err(said) {
			Ok(set) => set,
			// There is no next set, or the node does not know it; the newest checkpoint tells which.
			Err(NodeError::Missing(_)) => return Ok(None),
			Err(error) => return Err(error),
		};
		match handover {
			Some(number) => read(&client.checkpoint(Some(number)).await.map_err(said)?).map(Some),
			None => Ok(None),
		}
	}
}

/// The node that this runs in.
pub struct Within<T>(pub T);

fn missing(error: BridgeError) -> NodeError {
	match error {
		BridgeError::Runtime(why) => NodeError::Down(why),
		other => NodeError::Missing(other.to_string()),
	}
}

#[async_trait]
impl<T: BridgeServer + Sync> Node for Within<T> {
	async fn newest(&self) -> Result<Certified, NodeError> {
		read(&self.0.checkpoint(None).map_err(missing)?)
	}

	async fn handover(&self, signers: u64) -> Result<Option<Certified>, NodeError> {
		let SignersView { handover, .. } = match self.0.signers(Some(signers.saturating_add(1))).map_err(missing) {
			Ok(set) => set,
			Err(NodeError::Missing(_)) => return Ok(None),
			Err(error) => return Err(error),
		};
		match handover {
			Some(number) => read(&self.0.checkpoint(Some(number)).map_err(missing)?).map(Some),
			None => Ok(None),
		}
	}
}
