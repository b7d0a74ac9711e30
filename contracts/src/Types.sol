// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// What the validators of Elapse sign of their chain.
/// @param genesis Hash of the chain's first block.
/// @param epoch The lottery's epoch of the block.
/// @param number The block.
/// @param blockHash Its hash, sealed.
/// @param stateRoot Root of the state after it, as its header has it.
/// @param historyRoot Root of the Merkle mountain range over all blocks before it.
/// @param historyLeaves Number of leaves of that.
/// @param trustRoot Root of the tree of scores, in the state after the block.
/// @param trustLeaves Number of leaves of that.
/// @param signers Id of the set that signs this checkpoint.
/// @param nextSigners Hash of the set that signs the next one: of the same set, or of the one with the next id.
struct Checkpoint {
	bytes32 genesis;
	uint64 epoch;
	uint64 number;
	bytes32 blockHash;
	bytes32 stateRoot;
	bytes32 historyRoot;
	uint64 historyLeaves;
	bytes32 trustRoot;
	uint64 trustLeaves;
	uint64 signers;
	bytes32 nextSigners;
}

/// What is kept of a checkpoint that has landed. Members as in `Checkpoint`.
/// @param landed When it did, in seconds since 1970. It says nothing of how old the block was by then.
struct Landed {
	uint64 number;
	uint64 epoch;
	uint64 historyLeaves;
	uint24 trustLeaves;
	uint40 landed;
	bytes32 blockHash;
	bytes32 stateRoot;
	bytes32 historyRoot;
	bytes32 trustRoot;
}

/// A leaf of the chain's history: one block.
/// @param number The block.
/// @param blockHash Its hash, sealed.
/// @param trustRoot Root of the tree of scores in its state.
/// @param trustLeaves Number of leaves of that.
/// @param committees Zero, or Keccak-256 of `abi.encode(round, root)` of each round concluded in it, in order.
struct HistoryLeaf {
	uint64 number;
	bytes32 blockHash;
	bytes32 trustRoot;
	uint64 trustLeaves;
	bytes32 committees;
}

/// That a node has a score, beside node and score themselves.
/// @param epoch The epoch in which the score last changed.
/// @param index Place of the leaf.
/// @param signer The address that signs for the node on this chain; zero if it has none.
/// @param siblings From the leaf's neighbour up to the root's child.
struct ScoreProof {
	uint64 epoch;
	uint64 index;
	address signer;
	bytes32[17] siblings;
}

/// What a committee says of an applicant.
/// @param genesis Hash of the chain's first block.
/// @param round The round: applications are counted.
/// @param subject The applicant's key for lottery and seals: the node.
/// @param evidence Hash of what was judged (see `EvidenceCheck`).
/// @param judgement 0 admits, everything else is a reason why not.
/// @param committee Root over the committee's seats.
/// @param expected Votes that the committee should have.
struct Verdict {
	bytes32 genesis;
	uint32 round;
	bytes32 subject;
	bytes32 evidence;
	uint8 judgement;
	bytes32 committee;
	uint64 expected;
}
