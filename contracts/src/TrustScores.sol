// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ElapseAnchor} from "./ElapseAnchor.sol";
import {EvidenceCheck} from "./EvidenceCheck.sol";
import {Landed, ScoreProof} from "./Types.sol";
import {Merkle} from "./lib/Merkle.sol";

/// @title How much a node of Elapse is trusted.
/// @notice A score is a number from 0 to 1,000,000 that Elapse keeps of each node. It stands in a tree whose root the
/// anchor has. A node that was let in by a verdict proved false here has no score, whatever the tree says. Beside the
/// score stands the address that signs for the node on this chain: where `verify` is true, so is `proof.signer`.
contract TrustScores {
	/// @notice Where checkpoints land.
	ElapseAnchor public immutable anchor;
	/// @notice Where verdicts are contested.
	EvidenceCheck public immutable evidence;

	/// @param evidence_ Where verdicts are contested. Its verdicts' anchor is this one's.
	constructor(EvidenceCheck evidence_) {
		evidence = evidence_;
		anchor = evidence_.verdicts().anchor();
	}

	/// @notice Whether a node has a score, by the checkpoint that landed last. Look at its age too: `anchor.latest()`.
	/// @param node The node: its key for lottery and seals.
	/// @param score What it is to be.
	/// @param proof As the chain's `bridge_scoreProof` gives it.
	function verify(bytes32 node, uint64 score, ScoreProof calldata proof) external view returns (bool) {
		return _verify(anchor.latest(), node, score, proof);
	}

	/// @notice The same by an older checkpoint that is kept: proofs made a moment before the last one landed still hold.
	/// @dev Whether the node is frozen is asked of now, as always.
	/// @param number Number of the checkpoint's block.
	function verifyAt(uint64 number, bytes32 node, uint64 score, ScoreProof calldata proof)
		external
		view
		returns (bool)
	{
		return _verify(anchor.checkpoint(number), node, score, proof);
	}

	function _verify(Landed memory kept, bytes32 node, uint64 score, ScoreProof calldata proof)
		private
		view
		returns (bool)
	{
		return Merkle.provesScore(kept.trustRoot, kept.trustLeaves, node, score, proof) && !evidence.isFrozen(node);
	}
}
