//! What the methods give.

use ep_bridge::{api::OpenCheckpoint, Certified, Checkpoint, HistoryLeaf, Landing, ScoreProof, SignerSet};
use ep_trust::{Chain, Round, Seat, SignedVerdict, Verdict};
use serde::{Deserialize, Serialize};
use sp_core::{Bytes, H160, H256};

/// A checkpoint, with its certificate as the contract takes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointView {
	/// The members of the typed data that is signed.
	pub checkpoint: CheckpointFields,
	/// The contract that it was signed for.
	pub contract: ContractView,
	/// The digest that was signed.
	pub digest: H256,
	/// Whether it hands over to another set.
	pub hands_over: bool,
	/// The hash of the set that signed it, and its total weight.
	pub signers_hash: H256,
	/// The sum of all weights in it.
	pub total: u64,
	/// The weight that signed.
	pub votes: u64,
	/// The words of the set: `signers` of the contract's `submit`.
	pub signers: Bytes,
	/// Who signed: `bitmap` of `submit`.
	pub bitmap: Bytes,
	/// Their signatures, 64 bytes each (EIP-2098): `signatures` of `submit`.
	pub signatures: Bytes,
}

impl CheckpointView {
	pub(super) fn new(certified: &Certified) -> Self {
		let Certified { checkpoint, chain, signers, certificate } = certified;
		let signed = signers.signers().iter().enumerate().filter(|(place, _)| certificate.has(*place));
		Self {
			checkpoint: CheckpointFields::new(checkpoint),
			contract: ContractView::new(chain),
			digest: H256(checkpoint.digest(chain)),
			hands_over: certified.hands_over(),
			signers_hash: signers.hash(),
			total: signers.total(),
			votes: signed.fold(0, |sum, (_, signer)| sum.saturating_add(signer.weight)),
			signers: signers.words().into(),
			bitmap: certificate.bitmap.to_vec().into(),
			signatures: certificate.signatures.concat().into(),
		}
	}
}

/// The members of a checkpoint, under the names of the typed data.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointFields {
	/// Genesis hash of the chain.
	pub genesis: H256,
	/// The lottery's epoch of the block.
	pub epoch: u64,
	/// The block's height.
	pub number: u64,
	/// Its sealed hash.
	pub block_hash: H256,
	/// The state root in its header.
	pub state_root: H256,
	/// Root of the history before it.
	pub history_root: H256,
	/// How many leaves that has.
	pub history_leaves: u64,
	/// Root of the tree of scores.
	pub trust_root: H256,
	/// How many leaves that has.
	pub trust_leaves: u64,
	/// Number of the set that signs it.
	pub signers: u64,
	/// Hash of the set that signs the next one.
	pub next_signers: H256,
}

impl CheckpointFields {
	pub(super) fn new(checkpoint: &Checkpoint) -> Self {
		Self {
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
		}
	}
}

impl From<CheckpointFields> for Checkpoint {
	fn from(fields: CheckpointFields) -> Self {
		Self {
			genesis: fields.genesis,
			epoch: fields.epoch,
			number: fields.number,
			block_hash: fields.block_hash,
			state_root: fields.state_root,
			history_root: fields.history_root,
			history_leaves: fields.history_leaves,
			trust_root: fields.trust_root,
			trust_leaves: fields.trust_leaves,
			signers: fields.signers,
			next_signers: fields.next_signers,
		}
	}
}

/// A contract, and the chain that it is on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContractView {
	/// The EVM chain's id; 0 until a contract is deployed.
	pub chain_id: u64,
	/// The contract's address; zero until one is deployed.
	pub address: H160,
}

impl ContractView {
	pub(super) fn new(chain: &Chain) -> Self {
		Self { chain_id: chain.id, address: chain.contract }
	}
}

/// A checkpoint that waits for signatures.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenView {
	/// The members of the typed data that is signed.
	pub checkpoint: CheckpointFields,
	/// The contract that it is to be signed for.
	pub contract: ContractView,
	/// The sum of all weights; more than two thirds are needed.
	pub total: u64,
	/// The weight that has signed.
	pub votes: u64,
	/// Who has not.
	pub awaited: Vec<H160>,
}

impl OpenView {
	pub(super) fn new(open: &OpenCheckpoint) -> Self {
		let awaited = open.signers.signers().iter().map(|signer| signer.address);
		Self {
			checkpoint: CheckpointFields::new(&open.checkpoint),
			contract: ContractView::new(&open.chain),
			total: open.signers.total(),
			votes: open.votes,
			awaited: awaited.filter(|address| open.awaits(address)).collect(),
		}
	}
}

/// A set of signers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignersView {
	/// Its number.
	pub id: u64,
	/// Its hash.
	pub hash: H256,
	/// The sum of all weights.
	pub total: u64,
	/// The signers, by ascending addresses.
	pub signers: Vec<SignerView>,
	/// Their words, as the contract takes them.
	pub words: Bytes,
	/// Height of the checkpoint that handed over to it, once that is certified. The first set has none.
	pub handover: Option<u32>,
}

/// A signer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignerView {
	/// The address of its anchor key.
	pub address: H160,
	/// Its weight.
	pub weight: u64,
}

impl SignersView {
	pub(super) fn new(set: &SignerSet, handover: Option<u32>) -> Self {
		let signers = set.signers().iter();
		Self {
			id: set.id(),
			hash: set.hash(),
			total: set.total(),
			signers: signers.map(|signer| SignerView { address: signer.address, weight: signer.weight }).collect(),
			words: set.words().into(),
			handover,
		}
	}
}

/// Where a checkpoint landed, and who brought it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LandedView {
	/// Height of the checkpoint's block.
	pub number: u64,
	/// Hash of the transaction that brought it.
	pub transaction: H256,
	/// Place of its event in the block's log.
	pub log: u32,
	/// The account that paid for it.
	pub relayer: H160,
}

impl From<Landing> for LandedView {
	fn from(landing: Landing) -> Self {
		let Landing { number, transaction, log, relayer } = landing;
		Self { number, transaction, log, relayer }
	}
}

/// A member's score, proven.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScoreProofView {
	/// Height of the checkpoint that it is proven under.
	pub checkpoint: u64,
	/// The root there.
	pub trust_root: H256,
	/// The number of leaves there.
	pub trust_leaves: u64,
	/// The member's key for lottery and seals, as an address.
	pub author: String,
	/// The same as bytes: `node` of the contract's `verify`.
	pub node: H256,
	/// The score.
	pub score: u64,
	/// The epoch in which it last changed.
	pub epoch: u64,
	/// The leaf's place.
	pub index: u64,
	/// The member's address on the Elastos Smart Chain; zero if it has none.
	pub signer: H160,
	/// The siblings, from the leaf's up.
	pub siblings: Vec<H256>,
}

impl ScoreProofView {
	pub(super) fn new(checkpoint: &Checkpoint, author: String, node: [u8; 32], score: u64, proof: &ScoreProof) -> Self {
		Self {
			checkpoint: checkpoint.number,
			trust_root: checkpoint.trust_root,
			trust_leaves: checkpoint.trust_leaves,
			author,
			node: H256(node),
			score,
			epoch: proof.epoch,
			index: proof.index,
			signer: proof.signer,
			siblings: proof.siblings.to_vec(),
		}
	}
}

/// A block of the past, proven.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryProofView {
	/// Height of the checkpoint that it is proven under.
	pub checkpoint: u64,
	/// The root there.
	pub history_root: H256,
	/// The number of leaves there.
	pub history_leaves: u64,
	/// The block, and what holds of it.
	pub leaf: LeafView,
	/// The leaf's place.
	pub leaf_index: u64,
	/// The items of the proof.
	pub items: Vec<H256>,
	/// The rounds whose verdicts are proven with it; nothing if this node does not know them.
	pub concluded: Option<Vec<ConcludedView>>,
}

/// A leaf of the history.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeafView {
	/// The block's height.
	pub number: u64,
	/// Its sealed hash.
	pub block_hash: H256,
	/// Root of the tree of scores after it.
	pub trust_root: H256,
	/// How many leaves that has.
	pub trust_leaves: u64,
	/// Hash of the rounds that were concluded in it; zero if there were none.
	pub committees: H256,
}

impl From<LeafView> for HistoryLeaf {
	fn from(leaf: LeafView) -> Self {
		let LeafView { number, block_hash, trust_root, trust_leaves, committees } = leaf;
		Self { number, block_hash, trust_root, trust_leaves, committees }
	}
}

/// A round that a committee concluded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConcludedView {
	/// The round.
	pub round: Round,
	/// Root of its committee, as in the verdict.
	pub committee: H256,
}

impl HistoryProofView {
	pub(super) fn new(
		checkpoint: &Checkpoint,
		block: u32,
		leaf: &HistoryLeaf,
		items: Vec<H256>,
		concluded: Option<Vec<(Round, H256)>>,
	) -> Self {
		let view = |(round, committee)| ConcludedView { round, committee };
		Self {
			checkpoint: checkpoint.number,
			history_root: checkpoint.history_root,
			history_leaves: checkpoint.history_leaves,
			leaf: LeafView {
				number: leaf.number,
				block_hash: leaf.block_hash,
				trust_root: leaf.trust_root,
				trust_leaves: leaf.trust_leaves,
				committees: leaf.committees,
			},
			leaf_index: block.into(),
			items,
			concluded: concluded.map(|rounds| rounds.into_iter().map(view).collect()),
		}
	}
}

/// A verdict, as the contract takes it. What proves its committee is the history proof of `block`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictView {
	/// The round.
	pub round: Round,
	/// Height of the block in which it was concluded.
	pub block: u64,
	/// The contract whose domain it was signed in: the anchor.
	pub contract: ContractView,
	/// The members of the typed data that is signed.
	pub verdict: VerdictFields,
	/// The words of the committee: `seats` of the contract's `record`.
	pub seats: Bytes,
	/// Its signatures, 65 bytes each, by ascending addresses: `signatures` of `record`.
	pub signatures: Bytes,
}

impl VerdictView {
	pub(super) fn new(block: u64, signed: &SignedVerdict) -> Self {
		let SignedVerdict { chain, verdict, seats, certificate } = signed;
		Self {
			round: verdict.round,
			block,
			contract: ContractView::new(chain),
			verdict: VerdictFields::new(verdict),
			seats: seats.iter().flat_map(Seat::word).collect::<Vec<u8>>().into(),
			signatures: certificate.0.concat().into(),
		}
	}
}

/// The members of a verdict, under the names of the typed data.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictFields {
	/// Genesis hash of the chain.
	pub genesis: H256,
	/// The round.
	pub round: Round,
	/// The applicant's key for lottery and seals.
	pub subject: H256,
	/// Hash of what was judged.
	pub evidence: H256,
	/// 0 admits, others are reasons why not.
	pub judgement: u8,
	/// Root over the committee's seats.
	pub committee: H256,
	/// Votes expected of it.
	pub expected: u64,
}

impl VerdictFields {
	fn new(verdict: &Verdict) -> Self {
		Self {
			genesis: verdict.genesis,
			round: verdict.round,
			subject: H256(verdict.subject),
			evidence: verdict.evidence,
			judgement: verdict.judgement.code(),
			committee: verdict.committee,
			expected: verdict.expected,
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_landing_has_the_names_that_the_reference_has() {
		let landing =
			Landing { number: 20, transaction: H256::repeat_byte(1), log: 3, relayer: H160::repeat_byte(0xab) };
		let view = serde_json::to_value(LandedView::from(landing)).unwrap();
		let expected = serde_json::json!({
			"number": 20,
			"transaction": format!("0x{}", "01".repeat(32)),
			"log": 3,
			"relayer": format!("0x{}", "ab".repeat(20)),
		});
		assert_eq!(view, expected);
		assert_eq!(serde_json::to_value(None::<LandedView>).unwrap(), serde_json::Value::Null);
	}
}
