// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Asserts} from "./Base.sol";
import {HistoryLeaf, ScoreProof} from "../../src/Types.sol";
import {Merkle} from "../../src/lib/Merkle.sol";
import {Words} from "../../src/lib/Words.sol";

/// Proofs of history and of scores, against trees built the slow way.
contract MerkleTest is Asserts {
	function provesBlock(
		bytes32 root,
		uint256 leaves,
		HistoryLeaf calldata leaf,
		uint256 index,
		bytes32[] calldata items
	) external pure returns (bool) {
		return Merkle.provesBlock(root, leaves, leaf, index, items);
	}

	function provesScore(bytes32 root, uint256 leaves, bytes32 node, uint64 score, ScoreProof calldata proof)
		external
		pure
		returns (bool)
	{
		return Merkle.provesScore(root, leaves, node, score, proof);
	}

	function blockLeaf(uint64 number) internal pure returns (HistoryLeaf memory) {
		return HistoryLeaf({
			number: number,
			blockHash: keccak256(abi.encode("block", number)),
			trustRoot: keccak256(abi.encode("trust", number)),
			trustLeaves: number + 1,
			committees: 0
		});
	}

	function hashOf(HistoryLeaf memory leaf) internal pure returns (bytes32) {
		return
			keccak256(abi.encodePacked(leaf.number, leaf.blockHash, leaf.trustRoot, leaf.trustLeaves, leaf.committees));
	}

	/// Root of the perfect tree over blocks `from` to `from + 2^height`.
	function perfect(uint64 from, uint256 height) internal pure returns (bytes32) {
		if (height == 0) return hashOf(blockLeaf(from));
		uint64 half = uint64(1 << (height - 1));
		return keccak256(abi.encode(perfect(from, height - 1), perfect(from + half, height - 1)));
	}

	/// Peaks from left to right, where each begins, and how high it is.
	function peaksOf(uint64 leaves)
		internal
		pure
		returns (bytes32[] memory peaks, uint64[] memory from, uint256[] memory height)
	{
		uint256 count;
		for (uint256 bit; bit < 64; ++bit) {
			if (leaves >> bit & 1 == 1) ++count;
		}
		(peaks, from, height) = (new bytes32[](count), new uint64[](count), new uint256[](count));
		uint64 begin;
		uint256 i;
		for (uint256 bit = 64; bit > 0; --bit) {
			if (leaves >> (bit - 1) & 1 == 0) continue;
			(peaks[i], from[i], height[i]) = (perfect(begin, bit - 1), begin, bit - 1);
			begin += uint64(1 << (bit - 1));
			++i;
		}
	}

	/// Peaks `first` and on as one: from the right, each before what is left of it.
	function bag(bytes32[] memory peaks, uint256 first) internal pure returns (bytes32 hash) {
		hash = peaks[peaks.length - 1];
		for (uint256 i = peaks.length - 1; i > first; --i) {
			hash = keccak256(abi.encode(hash, peaks[i - 1]));
		}
	}

	function proofOf(uint64 leaves, uint64 index) internal pure returns (bytes32 root, bytes32[] memory items) {
		(bytes32[] memory peaks, uint64[] memory from, uint256[] memory height) = peaksOf(leaves);
		root = bag(peaks, 0);
		uint256 own = peaks.length - 1;
		while (from[own] > index) --own;
		bool right = own + 1 < peaks.length;
		items = new bytes32[](own + height[own] + (right ? 1 : 0));
		for (uint256 i; i < own; ++i) {
			items[i] = peaks[i];
		}
		for (uint256 level; level < height[own]; ++level) {
			uint256 sibling = (uint256(index - from[own]) >> level) ^ 1;
			items[own + level] = perfect(from[own] + uint64(sibling << level), level);
		}
		if (right) items[items.length - 1] = bag(peaks, own + 1);
	}

	function test_every_block_of_every_small_history_is_proved() public view {
		for (uint64 leaves = 1; leaves <= 20; ++leaves) {
			for (uint64 index; index < leaves; ++index) {
				(bytes32 root, bytes32[] memory items) = proofOf(leaves, index);
				yes(this.provesBlock(root, leaves, blockLeaf(index), index, items), "it is there");
			}
		}
	}

	/// Aliased: the same items for another index, or another number of leaves.
	function testFuzz_history_refuses_an_aliased_place(uint64 leaves, uint64 index, uint64 other, uint64 more)
		public
		view
	{
		leaves = 1 + leaves % 40;
		index %= leaves;
		(bytes32 root, bytes32[] memory items) = proofOf(leaves, index);
		if (other != index) {
			HistoryLeaf memory leaf = blockLeaf(index);
			no(this.provesBlock(root, leaves, leaf, other, items), "another index");
			leaf.number = other;
			no(this.provesBlock(root, leaves, leaf, other, items), "another index and number");
			no(this.provesBlock(root, leaves, leaf, index, items), "another number");
		}
		other = index % 64;
		for (uint64 near; near < 64; ++near) {
			if (near != index) no(this.provesBlock(root, leaves, blockLeaf(near), near, items), "another block");
		}
		// Another number of leaves proves only if it has this leaf at the same place of a tree of the same form; then it
		// is the same statement, and the number is signed with the root.
		if (more != leaves && more <= index) {
			no(this.provesBlock(root, more, blockLeaf(index), index, items), "past the leaves");
		}
	}

	function testFuzz_history_refuses_an_index_past_the_leaf_count(uint64 leaves, uint64 past) public view {
		leaves = 1 + leaves % 40;
		(bytes32 root, bytes32[] memory items) = proofOf(leaves, leaves - 1);
		vm.assume(past >= leaves);
		HistoryLeaf memory leaf = blockLeaf(leaves - 1);
		leaf.number = past;
		no(this.provesBlock(root, leaves, leaf, past, items), "past");
		no(this.provesBlock(root, 0, blockLeaf(0), 0, new bytes32[](0)), "in an empty history");
	}

	function testFuzz_history_refuses_short_long_and_other_items(uint64 leaves, uint64 index, uint256 which)
		public
		view
	{
		leaves = 1 + leaves % 40;
		index %= leaves;
		(bytes32 root, bytes32[] memory items) = proofOf(leaves, index);
		bytes32[] memory more = new bytes32[](items.length + 1);
		for (uint256 i; i < items.length; ++i) {
			more[i] = items[i];
		}
		no(this.provesBlock(root, leaves, blockLeaf(index), index, more), "one too many");
		if (items.length == 0) return;
		bytes32[] memory less = new bytes32[](items.length - 1);
		for (uint256 i; i < less.length; ++i) {
			less[i] = items[i];
		}
		no(this.provesBlock(root, leaves, blockLeaf(index), index, less), "one too few");
		items[which % items.length] ^= bytes32(uint256(1) << (which % 256));
		no(this.provesBlock(root, leaves, blockLeaf(index), index, items), "another item");
	}

	/// Signers would have to sign such a history; it proves nothing all the same.
	function test_history_refuses_a_leaf_that_says_another_number() public view {
		HistoryLeaf memory leaf = blockLeaf(5);
		no(this.provesBlock(hashOf(leaf), 1, leaf, 0, new bytes32[](0)), "it is not block 0");
		leaf.number = 0;
		yes(this.provesBlock(hashOf(leaf), 1, leaf, 0, new bytes32[](0)), "it is");
	}

	function test_history_refuses_an_inner_node_for_a_leaf() public view {
		// Two leaves; the root itself as the leaf's hash cannot be asked for: a leaf is hashed from 112 bytes.
		(bytes32 root,) = proofOf(2, 0);
		HistoryLeaf memory leaf = blockLeaf(0);
		no(this.provesBlock(root, 1, leaf, 0, new bytes32[](0)), "one leaf");
	}

	/// Scores: a tree of fixed depth, some leaves there and all others empty.
	function scoreTree(uint256 leaves) internal pure returns (bytes32[] memory row) {
		row = new bytes32[](leaves);
		for (uint256 i; i < leaves; ++i) {
			row[i] = scoreLeaf(i);
		}
	}

	function scoreLeaf(uint256 index) internal pure returns (bytes32) {
		return keccak256(
			abi.encode(
				keccak256("elapse/score"),
				uint256(7),
				keccak256(abi.encode(index)),
				1000 + index,
				index,
				signerOf(index)
			)
		);
	}

	/// Every third node has no address.
	function signerOf(uint256 index) internal pure returns (address) {
		return index % 3 == 2 ? address(0) : address(uint160(0x516e << 144 | index));
	}

	function proveScore(uint256 leaves, uint256 index) internal pure returns (bytes32 root, ScoreProof memory proof) {
		bytes32[] memory row = scoreTree(leaves);
		(proof.epoch, proof.index, proof.signer) = (7, uint64(index), signerOf(index));
		bytes32 empty;
		for (uint256 level; level < 17; ++level) {
			uint256 sibling = index ^ 1;
			proof.siblings[level] = sibling < row.length ? row[sibling] : empty;
			bytes32[] memory next = new bytes32[]((row.length + 1) / 2);
			for (uint256 i; i < next.length; ++i) {
				bytes32 right = 2 * i + 1 < row.length ? row[2 * i + 1] : empty;
				next[i] = keccak256(abi.encode(row[2 * i], right));
			}
			empty = keccak256(abi.encode(empty, empty));
			(row, index) = (next, index / 2);
		}
		root = row[0];
	}

	function testFuzz_a_score_is_proved_at_its_own_place_only(uint256 leaves, uint256 index, uint64 other) public view {
		leaves = 1 + leaves % 50;
		index %= leaves;
		bytes32 node = keccak256(abi.encode(index));
		uint64 score = uint64(1000 + index);
		(bytes32 root, ScoreProof memory proof) = proveScore(leaves, index);
		yes(this.provesScore(root, leaves, node, score, proof), "it is there");
		no(this.provesScore(root, leaves, node, score + 1, proof), "another score");
		no(this.provesScore(root, leaves, bytes32(uint256(node) + 1), score, proof), "another node");
		no(this.provesScore(root, index, node, score, proof), "past the leaf count");
		no(this.provesScore(root, (1 << 17) + 1, node, score, proof), "more leaves than there is room for");
		proof.epoch += 1;
		no(this.provesScore(root, leaves, node, score, proof), "another epoch");
		proof.epoch -= 1;
		if (other != index) {
			proof.index = other;
			no(this.provesScore(root, leaves, node, score, proof), "another place");
			// The place comes again 2^17 further on, with the same turns on the way up.
			proof.index = uint64(index + (1 << 17));
			no(this.provesScore(root, leaves, node, score, proof), "an alias");
			proof.index = uint64(index);
		}
		proof.siblings[other % 17] ^= bytes32(uint256(1));
		no(this.provesScore(root, leaves, node, score, proof), "another sibling");
	}

	/// A forger has a node's own proof, and says that another signs for it.
	function testFuzz_a_score_is_proved_with_its_own_signer_only(uint256 leaves, uint256 index, address forger)
		public
		view
	{
		leaves = 1 + leaves % 50;
		index %= leaves;
		bytes32 node = keccak256(abi.encode(index));
		uint64 score = uint64(1000 + index);
		(bytes32 root, ScoreProof memory proof) = proveScore(leaves, index);
		address signer = proof.signer;
		yes(this.provesScore(root, leaves, node, score, proof), "its own");
		vm.assume(forger != signer);
		proof.signer = forger;
		no(this.provesScore(root, leaves, node, score, proof), "a forger's");
		proof.signer = address(uint160(signer) ^ uint160(1 << (index * 3)));
		no(this.provesScore(root, leaves, node, score, proof), "another bit");
		proof.signer = signer == address(0) ? signerOf(0) : address(0);
		no(this.provesScore(root, leaves, node, score, proof), "none for one, or one for none");
	}

	/// A word of which only 20 bytes would be looked at had twins.
	function test_a_signer_is_no_more_than_an_address() public view {
		(bytes32 root, ScoreProof memory proof) = proveScore(3, 1);
		bytes32 node = keccak256(abi.encode(uint256(1)));
		bytes memory call = abi.encodeCall(this.provesScore, (root, 3, node, 1001, proof));
		(bool done,) = address(this).staticcall(call);
		yes(done, "as it is");
		// After the selector: root, leaves, node, score, epoch, index, and the word of the signer.
		call[4 + 6 * 32] = 0x01;
		(done,) = address(this).staticcall(call);
		no(done, "with a bit above the address");
	}

	function test_an_empty_leaf_is_no_score() public view {
		(bytes32 root, ScoreProof memory proof) = proveScore(2, 1);
		(proof.index, proof.siblings[0], proof.siblings[1]) = (2, 0, keccak256(abi.encode(scoreLeaf(0), scoreLeaf(1))));
		no(this.provesScore(root, 3, 0, 0, proof), "nobody");
	}

	function test_committees_of_all_widths_have_roots_of_their_own() public pure {
		bytes memory words;
		bytes32 last;
		for (uint160 i = 1; i <= 20; ++i) {
			words = bytes.concat(words, bytes32(uint256(i) << 96 | 5));
			bytes32 root = Merkle.committeeRoot(9, words);
			yes(root != last && root != Merkle.committeeRoot(10, words), "differs");
			last = root;
		}
		same(Merkle.committeeRoot(9, ""), 0, "nobody");
	}

	/// A bitmap's bits are counted one by one, too.
	function testFuzz_ones_are_counted(bytes calldata bitmap) public pure {
		uint256 count;
		for (uint256 i; i < bitmap.length * 8; ++i) {
			if (uint8(bitmap[i / 8]) >> (i % 8) & 1 == 1) ++count;
		}
		same(Words.ones(bitmap), count, "ones");
	}
}
