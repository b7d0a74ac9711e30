//! `bridge_*` over JSON-RPC: checkpoints, their signers, and proofs under them.
//!
//! | method | gives |
//! |---|---|
//! | `bridge_checkpoint` | a checkpoint with its certificate, as the contract takes it |
//! | `bridge_open` | checkpoints that wait for signatures, and who has signed |
//! | `bridge_signers` | a set of signers, and the checkpoint that handed over to it |
//! | `bridge_landed` | the newest checkpoint that is known to have landed |
//! | `bridge_scoreProof` | a member's score, proven under a checkpoint |
//! | `bridge_historyProof` | an old block, its scores and its verdicts, proven under a checkpoint |
//! | `bridge_verdict` | the verdict of a round, as the contract takes it |
//!
//! Bytes are hexadecimal. Every proof was verified by this node before it is given; so was every verdict.

use std::{marker::PhantomData, sync::Arc};

use codec::Decode;
use ep_bridge::{
	api::{BridgeApi, OpenCheckpoint, ProvenScore},
	archive, history, Certified, HistoryLeaf, SignerSet,
};
use ep_poet::{AuthorityId, Hash};
use ep_trust::{Committee, Round, SignedVerdict};
use jsonrpsee::{
	proc_macros::rpc,
	types::{ErrorObject, ErrorObjectOwned},
};
use sp_api::{ApiExt, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use sp_core::{
	offchain::{storage::OffchainDb, OffchainDbExt, OffchainStorage, STORAGE_PREFIX},
	H256,
};
use sp_mmr_primitives::MmrApi;
use sp_runtime::traits::{Block as BlockT, Header as _, UniqueSaturatedInto};

#[cfg(test)]
mod tests;
mod views;

pub use views::*;

/// Why a request is not answered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
	/// No checkpoint has a certificate.
	#[error(
		"no checkpoint is certified yet: `bridge_open` says which of them wait for whose signatures. A chain without \
		 signers has none (`bridge_signers`)"
	)]
	NoCheckpoint,
	/// That height has no certificate here.
	#[error(
		"the checkpoint of #{0} is not certified, was superseded by a later one, or is older than what this node has: the \
		 state remembers the last ones, and a node that executed all blocks remembers all"
	)]
	NotCertified(u32),
	/// There is no such set here.
	#[error("set {0} has not signed a checkpoint, or this node was not there when it did")]
	NoSet(u64),
	/// It is no member's key.
	#[error("{0} has no leaf in the tree of scores of #{1}: it is no member, or was not drawn for a duty yet by then")]
	NoLeaf(String, u64),
	/// It is no key.
	#[error("'{0}' is not a member's key for lottery and seals: `trust_nodes` lists them")]
	NotAKey(String),
	/// The state of the checkpoint's block is gone.
	#[error(
		"the state after #{0}, where the proof is, is not here: this node keeps states of the last blocks only, or took its \
		 state from another node. Ask a node started with `--state-pruning archive`, or for a proof under a newer \
		 checkpoint"
	)]
	Pruned(u64),
	/// The block is not before the checkpoint.
	#[error("#{block} is not before the checkpoint of #{checkpoint}: a checkpoint proves the blocks before it")]
	NotBefore {
		/// The block.
		block: u32,
		/// The checkpoint.
		checkpoint: u64,
	},
	/// The history is not here.
	#[error(
		"this node has not the history that the proof takes ({0}): it is kept by nodes that executed all blocks, beside \
		 their state. A node that took its state from another (warp or fast sync) has none of before"
	)]
	NoHistory(String),
	/// The round has no verdict here.
	#[error(
		"this node has none of round {0}: no committee has concluded it (the event `admission.Closed` says how a round ended), \
		 or it was concluded before this node executed blocks. A node that took its state from another (warp or fast sync) \
		 has none of before"
	)]
	NoVerdict(Round),
	/// The verdict was signed for no contract.
	#[error(
		"the verdict of round {0} was signed while the chain knew no contract on the Elastos Smart Chain: it holds here, and \
		 cannot be recorded there"
	)]
	NoContract(Round),
	/// The verdict is of another branch.
	#[error(
		"this node has the verdict of round {round} as #{block} of another branch had it, not as that of this chain has: ask \
		 another node"
	)]
	OtherBranch {
		/// The round.
		round: Round,
		/// The block in which it was concluded there.
		block: u64,
	},
	/// The proof does not hold. This node's database is damaged.
	#[error("this node's own proof does not hold ({0}): its database is damaged")]
	Damaged(String),
	/// The runtime does not answer.
	#[error("the runtime does not answer: {0}")]
	Runtime(String),
}

impl From<Error> for ErrorObjectOwned {
	fn from(error: Error) -> Self {
		// As the SDK numbers its own: a base for each namespace.
		ErrorObject::owned(9_300, error.to_string(), None::<()>)
	}
}

fn failed(error: sp_api::ApiError) -> Error {
	Error::Runtime(error.to_string())
}

/// Checkpoints, asked.
#[rpc(server, client)]
pub trait Bridge {
	/// The newest certified checkpoint, or that of a height.
	#[method(name = "bridge_checkpoint")]
	fn checkpoint(&self, number: Option<u32>) -> Result<CheckpointView, Error>;

	/// Checkpoints that wait for signatures, oldest first.
	#[method(name = "bridge_open")]
	fn open(&self) -> Result<Vec<OpenView>, Error>;

	/// The set that signs now, or that of a number.
	#[method(name = "bridge_signers")]
	fn signers(&self, id: Option<u64>) -> Result<SignersView, Error>;

	/// The newest checkpoint that is known to have landed.
	#[method(name = "bridge_landed")]
	fn landed(&self) -> Result<Option<LandedView>, Error>;

	/// A member's score, proven under the newest certified checkpoint or that of a height.
	#[method(name = "bridge_scoreProof")]
	fn score_proof(&self, author: String, checkpoint: Option<u32>) -> Result<ScoreProofView, Error>;

	/// A block, proven under the newest certified checkpoint or that of a height.
	#[method(name = "bridge_historyProof")]
	fn history_proof(&self, block: u32, checkpoint: Option<u32>) -> Result<HistoryProofView, Error>;

	/// The verdict with which a committee concluded a round.
	#[method(name = "bridge_verdict")]
	fn verdict(&self, round: u32) -> Result<VerdictView, Error>;
}

/// What is kept under a key.
fn kept<T: Decode>(offchain: Option<&impl OffchainStorage>, key: &[u8]) -> Option<T> {
	let bytes = offchain?.get(STORAGE_PREFIX, key)?;
	T::decode(&mut &bytes[..]).ok()
}

/// A round's verdict and the block in which it was concluded, if a contract takes it. `concluded` says which rounds that
/// block of this chain concluded.
fn recordable(
	round: Round,
	kept: Option<(u64, SignedVerdict)>,
	concluded: impl FnOnce(u64) -> Vec<(Round, H256)>,
) -> Result<(u64, SignedVerdict), Error> {
	let (block, signed) = kept.ok_or(Error::NoVerdict(round))?;
	if !concluded(block).contains(&(round, signed.verdict.committee)) {
		return Err(Error::OtherBranch { round, block });
	}
	if signed.chain.contract.is_zero() {
		return Err(Error::NoContract(round));
	}
	let SignedVerdict { chain, verdict, seats, certificate } = &signed;
	let committee = Committee::new(seats.clone(), verdict.expected).map_err(|rule| Error::Damaged(rule.to_string()))?;
	if committee.root(round) != verdict.committee {
		return Err(Error::Damaged("the seats are not those of the committee".into()));
	}
	certificate.verify(verdict, chain, &committee).map_err(|rule| Error::Damaged(rule.to_string()))?;
	Ok((block, signed))
}

/// Answers.
pub struct BridgeRpc<B, C, S> {
	client: Arc<C>,
	/// What the chain has nodes keep beside its state.
	offchain: Option<S>,
	marker: PhantomData<fn() -> B>,
}

impl<B, C, S> BridgeRpc<B, C, S> {
	/// From what `client` knows, and what the chain wrote into `offchain`.
	pub fn new(client: Arc<C>, offchain: Option<S>) -> Self {
		Self { client, offchain, marker: PhantomData }
	}
}

impl<B, C, S> BridgeRpc<B, C, S>
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B>,
	C::Api: BridgeApi<B>,
	S: OffchainStorage,
{
	/// What is kept under a key.
	fn kept<T: Decode>(&self, key: &[u8]) -> Option<T> {
		kept(self.offchain.as_ref(), key)
	}

	/// The newest certified checkpoint, or that of a height, from the state or from beside it.
	fn certified(&self, number: Option<u32>) -> Result<Certified, Error> {
		let best = self.client.info().best_hash;
		let found = self.client.runtime_api().certified(best, number).map_err(failed)?;
		let kept = || self.kept::<Certified>(&archive::certified(number?.into()));
		let missing = number.map_or(Error::NoCheckpoint, Error::NotCertified);
		found.or_else(kept).ok_or(missing)
	}

	/// A set, from the state or from what it has signed.
	fn set(&self, id: Option<u64>) -> Result<SignerSet, Error> {
		let best = self.client.info().best_hash;
		let found = self.client.runtime_api().signers(best, id).map_err(failed)?;
		if let Some(set) = found {
			return Ok(set);
		}
		let id = id.unwrap_or_default();
		// It signed the handover to the next.
		let next = self.handover(id.saturating_add(1))?;
		let certified = next.and_then(|number| self.certified(Some(number)).ok());
		certified.map(|certified| certified.signers).filter(|set| set.id() == id).ok_or(Error::NoSet(id))
	}

	/// The height of the checkpoint that handed over to a set.
	fn handover(&self, id: u64) -> Result<Option<u32>, Error> {
		let best = self.client.info().best_hash;
		let found = self.client.runtime_api().handover(best, id).map_err(failed)?;
		let kept = || self.kept::<u64>(&archive::handover(id)).map(UniqueSaturatedInto::unique_saturated_into);
		Ok(found.or_else(kept))
	}

	/// The rounds that concluded in a block.
	fn concluded(&self, block: u32) -> Vec<(Round, H256)> {
		let hash = self.client.hash(block.into()).ok().flatten();
		let header = hash.and_then(|hash| self.client.header(hash).ok().flatten());
		header.and_then(|header| self.kept(&archive::concluded(header.parent_hash()))).unwrap_or_default()
	}
}

impl<B, C, S> BridgeServer for BridgeRpc<B, C, S>
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B> + Send + Sync + 'static,
	C::Api: BridgeApi<B> + MmrApi<B, H256, u32>,
	S: OffchainStorage + 'static,
{
	fn checkpoint(&self, number: Option<u32>) -> Result<CheckpointView, Error> {
		self.certified(number).map(|certified| CheckpointView::new(&certified))
	}

	fn open(&self) -> Result<Vec<OpenView>, Error> {
		let open: Vec<OpenCheckpoint> = self.client.runtime_api().open(self.client.info().best_hash).map_err(failed)?;
		Ok(open.iter().map(OpenView::new).collect())
	}

	fn signers(&self, id: Option<u64>) -> Result<SignersView, Error> {
		let set = self.set(id)?;
		Ok(SignersView::new(&set, self.handover(set.id())?))
	}

	fn landed(&self) -> Result<Option<LandedView>, Error> {
		let landed = self.client.runtime_api().landed(self.client.info().best_hash).map_err(failed)?;
		Ok(landed.map(LandedView::from))
	}

	fn score_proof(&self, author: String, number: Option<u32>) -> Result<ScoreProofView, Error> {
		use sp_core::crypto::Ss58Codec;
		let key = AuthorityId::from_ss58check(&author).map_err(|_| Error::NotAKey(author.clone()))?;
		let Certified { checkpoint, .. } = self.certified(number)?;
		// The header may be here where the state is not; the runtime's error does not say which is missing.
		let proven = self.client.runtime_api().score_proof(checkpoint.block_hash, key.clone());
		let proven = proven.map_err(|_| Error::Pruned(checkpoint.number))?;
		let ProvenScore { score, proof } = proven.ok_or(Error::NoLeaf(author.clone(), checkpoint.number))?;
		let mut node = [0; 32];
		node.copy_from_slice(key.as_ref());
		proof
			.verify(&node, score, &checkpoint.trust_root, checkpoint.trust_leaves)
			.map_err(|rule| Error::Damaged(rule.to_string()))?;
		Ok(ScoreProofView::new(&checkpoint, author, node, score, &proof))
	}

	fn history_proof(&self, block: u32, number: Option<u32>) -> Result<HistoryProofView, Error> {
		let Certified { checkpoint, .. } = self.certified(number)?;
		if u64::from(block) >= checkpoint.history_leaves {
			return Err(Error::NotBefore { block, checkpoint: checkpoint.number });
		}
		let offchain = self.offchain.clone().ok_or_else(|| Error::NoHistory("no offchain storage".into()))?;
		let mut api = self.client.runtime_api();
		api.register_extension(OffchainDbExt::new(OffchainDb::new(offchain)));
		// Its leaf was added by the next block; the history is that of the checkpoint's.
		let (added_by, at) = (block.saturating_add(1), checkpoint.number.unique_saturated_into());
		let made = api.generate_proof(self.client.info().best_hash, vec![added_by], Some(at)).map_err(failed)?;
		let (leaves, proof) = made.map_err(|error| Error::NoHistory(error.to_string()))?;
		let leaf = leaves.into_iter().next().and_then(|leaf| leaf.into_opaque_leaf().try_decode::<HistoryLeaf>());
		let leaf = leaf.ok_or_else(|| Error::Damaged("the leaf does not decode".into()))?;
		let (root, count) = (&checkpoint.history_root, checkpoint.history_leaves);
		history::verify(&leaf, block.into(), &proof.items, root, count)
			.map_err(|rule| Error::Damaged(rule.to_string()))?;
		// Without what makes it, the hash of the committees is still proven.
		let concluded = Some(self.concluded(block)).filter(|rounds| history::committees(rounds) == leaf.committees);
		Ok(HistoryProofView::new(&checkpoint, block, &leaf, proof.items, concluded))
	}

	fn verdict(&self, round: u32) -> Result<VerdictView, Error> {
		let kept = self.kept(&archive::verdict(round));
		let (block, signed) = recordable(round, kept, |block| self.concluded(block.unique_saturated_into()))?;
		Ok(VerdictView::new(block, &signed))
	}
}
