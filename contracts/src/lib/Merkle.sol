// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {HistoryLeaf, ScoreProof} from "../Types.sol";

/// @title The three trees whose roots are signed: history, scores, committees. All of them are over Keccak-256.
/// @dev A leaf is hashed from 112 bytes (history), 192 (scores) or 160 (committees), an inner node from 64, so none passes
/// for another. Where a leaf is follows from index and number of leaves alone, never from the proof: nothing can be proved
/// at another place than its own, and every proof has one length.
library Merkle {
	bytes32 internal constant SCORE = keccak256("elapse/score");
	bytes32 internal constant COMMITTEE = keccak256("elapse/committee");
	/// @dev Levels of the tree of scores: room for 131,072 leaves.
	uint256 internal constant SCORE_DEPTH = 17;

	/// @notice Keccak-256 of two nodes.
	function node(bytes32 left, bytes32 right) internal pure returns (bytes32 hash) {
		assembly ("memory-safe") {
			mstore(0, left)
			mstore(32, right)
			hash := keccak256(0, 64)
		}
	}

	/// @notice Whether `proof` leads from a score's leaf to `root`, in a tree with `leaves` leaves.
	/// @dev A leaf is `keccak256(abi.encode(keccak256("elapse/score"), epoch, node, score, index, signer))`: six words, so
	/// whoever proves the score proves with it who signs for the node.
	function provesScore(bytes32 root, uint256 leaves, bytes32 who, uint64 score, ScoreProof calldata proof)
		internal
		pure
		returns (bool)
	{
		if (proof.index >= leaves || leaves > 1 << SCORE_DEPTH) return false;
		uint256 index = proof.index;
		bytes32 hash = keccak256(
			abi.encode(SCORE, uint256(proof.epoch), who, uint256(score), index, uint256(uint160(proof.signer)))
		);
		for (uint256 level; level < SCORE_DEPTH; ++level) {
			bytes32 sibling = proof.siblings[level];
			hash = index & 1 == 0 ? node(hash, sibling) : node(sibling, hash);
			index >>= 1;
		}
		return hash == root;
	}

	/// @notice Whether `items` lead from a block's leaf to `root`, in a Merkle mountain range with `leaves` leaves.
	/// @dev The range has one perfect tree for each bit of `leaves`, larger ones to the left. Its root bags their
	/// roots, the peaks, from the right: `bag = keccak(bag ‖ peak to its left)`. `items` are, as `pallet-mmr` gives
	/// them: the peaks left of the leaf's own, from left to right; the siblings from the leaf to its peak; the bag of
	/// those to the right, if there are any.
	function provesBlock(
		bytes32 root,
		uint256 leaves,
		HistoryLeaf calldata leaf,
		uint256 index,
		bytes32[] calldata items
	) internal pure returns (bool) {
		if (index >= leaves || leaf.number != index) return false;
		// The leaf's tree is that of the highest bit in which `leaves` and `index` differ: all bits above are equal, and
		// `leaves` has it, being greater. Trees to the left are the bits above it, trees to the right those below.
		uint256 height = _highestBit(leaves ^ index);
		uint256 left = _ones(leaves >> (height + 1));
		bool right = leaves & ((1 << height) - 1) != 0;
		if (items.length != left + height + (right ? 1 : 0)) return false;

		bytes32 hash =
			keccak256(abi.encodePacked(leaf.number, leaf.blockHash, leaf.trustRoot, leaf.trustLeaves, leaf.committees));
		for (uint256 level; level < height; ++level) {
			bytes32 sibling = items[left + level];
			// Below its tree's height the bits of the index are those of the place in the tree.
			hash = (index >> level) & 1 == 0 ? node(hash, sibling) : node(sibling, hash);
		}
		if (right) hash = node(items[left + height], hash);
		for (uint256 i = left; i > 0; --i) {
			hash = node(hash, items[i - 1]);
		}
		return hash == root;
	}

	/// @notice Root over a committee's seats: `words` as in `Words`, for one round.
	/// @dev Neighbours are joined level by level; who has none goes up as it is.
	function committeeRoot(uint32 round, bytes memory words) internal pure returns (bytes32) {
		uint256 width = words.length / 32;
		if (width == 0) return 0;
		bytes32[] memory row = new bytes32[](width);
		for (uint256 i; i < width; ++i) {
			uint256 word;
			assembly ("memory-safe") {
				word := mload(add(add(words, 32), shl(5, i)))
			}
			row[i] = keccak256(abi.encode(COMMITTEE, uint256(round), i, word >> 96, uint256(uint96(word))));
		}
		while (width > 1) {
			uint256 pairs = width / 2;
			for (uint256 i; i < pairs; ++i) {
				row[i] = node(row[2 * i], row[2 * i + 1]);
			}
			if (width % 2 == 1) row[pairs] = row[width - 1];
			width = (width + 1) / 2;
		}
		return row[0];
	}

	/// @dev Number of the highest bit of a number that is not zero and below 2^64.
	function _highestBit(uint256 number) private pure returns (uint256 bit) {
		while (number > 1) {
			number >>= 1;
			++bit;
		}
	}

	/// @dev How many bits of a number are set.
	function _ones(uint256 number) private pure returns (uint256 ones) {
		for (; number != 0; number &= number - 1) {
			++ones;
		}
	}
}
