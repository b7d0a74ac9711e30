//! An Elapse node's `bridge_*`, with checkpoints that tests certify.

use std::sync::Arc;

use ec_anchor::{
	rpc::{
		CheckpointFields, CheckpointView, ContractView, Error, HistoryProofView, LandedView, OpenView, ScoreProofView,
		SignersView, VerdictView,
	},
	BridgeServer,
};
use ec_relayer::testing::Keys;
use ep_bridge::{Certified, SignerSet};
use ep_trust::Chain;
use jsonrpsee::server::{Server, ServerHandle};
use parking_lot::Mutex;

#[derive(Default)]
struct Inner {
	sets: Vec<Keys>,
	certified: Vec<Certified>,
	height: u64,
}

/// The chain, shared.
#[derive(Clone, Default)]
pub(crate) struct Elapse(Arc<Mutex<Inner>>);

impl Elapse {
	/// With a first set.
	pub(crate) fn new(keys: &Keys) -> Self {
		let elapse = Self::default();
		elapse.0.lock().sets.push(keys.clone());
		elapse
	}

	/// Certifies a checkpoint for a contract.
	pub(crate) fn certify(&self, chain: &Chain) -> u64 {
		let mut inner = self.0.lock();
		inner.height += 20;
		let certified = inner.sets.last().unwrap().checkpoint(chain, inner.height, None);
		inner.certified.push(certified);
		inner.height
	}

	/// Certifies one that hands over to so many others.
	pub(crate) fn hand_over(&self, chain: &Chain, signers: u32) -> u64 {
		let mut inner = self.0.lock();
		inner.height += 7;
		let keys = inner.sets.last().unwrap().clone();
		let next = Keys::numbered(keys.set().id() + 1, signers);
		let certified = keys.checkpoint(chain, inner.height, Some(next.set()));
		inner.certified.push(certified);
		inner.sets.push(next);
		inner.height
	}

	/// Heights of all handovers.
	pub(crate) fn handovers(&self) -> Vec<u64> {
		let inner = self.0.lock();
		let all = inner.certified.iter().filter(|certified| certified.hands_over());
		all.map(|certified| certified.checkpoint.number).collect()
	}

	/// All that is certified.
	pub(crate) fn certified(&self) -> Vec<Certified> {
		self.0.lock().certified.clone()
	}

	pub(crate) fn height(&self) -> u64 {
		self.0.lock().height
	}

	/// Serves it over WebSocket. Gives the URL.
	pub(crate) async fn serve(&self) -> (ServerHandle, String) {
		let server = Server::builder().build("127.0.0.1:0").await.unwrap();
		let url = format!("ws://{}", server.local_addr().unwrap());
		(server.start(self.clone().into_rpc()), url)
	}
}

fn view(certified: &Certified) -> CheckpointView {
	let Certified { checkpoint, chain, signers, certificate } = certified;
	CheckpointView {
		checkpoint: CheckpointFields {
			genesis: checkpoint.genesis,
			epoch: checkpoint.epoch,
			number: checkpoint.number,
			block_hash: checkpoint.block_hash,
			state_root: checkpoint.state_root,
			history_root: checkpoint.history_root,
			history_leaves: checkpoint.history_leaves,
			trust_root: checkpoint.trust_root,
			trust_leaves: checkpoint.trust_leaves,
			signers: checkpoint.signers,
			next_signers: checkpoint.next_signers,
		},
		contract: ContractView { chain_id: chain.id, address: chain.contract },
		digest: checkpoint.digest(chain).into(),
		hands_over: certified.hands_over(),
		signers_hash: signers.hash(),
		total: signers.total(),
		votes: signers.total(),
		signers: signers.words().into(),
		bitmap: certificate.bitmap.to_vec().into(),
		signatures: certificate.signatures.concat().into(),
	}
}

fn set_view(set: &SignerSet, handover: Option<u32>) -> SignersView {
	let words = set.words().into();
	SignersView { id: set.id(), hash: set.hash(), total: set.total(), signers: vec![], words, handover }
}

impl BridgeServer for Elapse {
	fn checkpoint(&self, number: Option<u32>) -> Result<CheckpointView, Error> {
		let inner = self.0.lock();
		let mut all = inner.certified.iter();
		match number {
			None => all.next_back().map(view).ok_or(Error::NoCheckpoint),
			Some(number) => {
				let found = all.find(|certified| certified.checkpoint.number == u64::from(number));
				found.map(view).ok_or(Error::NotCertified(number))
			}
		}
	}

	fn signers(&self, id: Option<u64>) -> Result<SignersView, Error> {
		let inner = self.0.lock();
		let id = id.unwrap_or(inner.sets.len() as u64 - 1);
		let keys = inner.sets.get(id as usize).ok_or(Error::NoSet(id))?;
		let mut all = inner.certified.iter();
		let handover = all.find(|certified| certified.hands_over() && certified.signers.id() + 1 == id);
		Ok(set_view(keys.set(), handover.map(|certified| certified.checkpoint.number as u32)))
	}

	fn open(&self) -> Result<Vec<OpenView>, Error> {
		Ok(vec![])
	}

	fn landed(&self) -> Result<Option<LandedView>, Error> {
		Ok(None)
	}

	fn score_proof(&self, author: String, _: Option<u32>) -> Result<ScoreProofView, Error> {
		Err(Error::NotAKey(author))
	}

	fn history_proof(&self, _: u32, _: Option<u32>) -> Result<HistoryProofView, Error> {
		Err(Error::NoHistory("this is a test".into()))
	}

	fn verdict(&self, round: u32) -> Result<VerdictView, Error> {
		Err(Error::NoVerdict(round))
	}
}
