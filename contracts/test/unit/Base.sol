// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ElapseAnchor} from "../../src/ElapseAnchor.sol";
import {Checkpoint, HistoryLeaf, ScoreProof} from "../../src/Types.sol";

/// What forge offers to tests, as far as these need it.
interface Vm {
	function addr(uint256 key) external pure returns (address);
	function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
	function prank(address sender) external;
	function warp(uint256 time) external;
	function chainId(uint256 id) external;
	function expectRevert(bytes4 rule) external;
	function expectEmit(address emitter) external;
	function assume(bool condition) external pure;
	function readFile(string calldata path) external view returns (string memory);
	function parseJsonBytes32Array(string calldata json, string calldata key) external pure returns (bytes32[] memory);
}

/// Assertions, as far as these tests need them.
abstract contract Asserts {
	Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

	error NotTrue(string what);
	error NotEqual(bytes32 left, bytes32 right, string what);

	function yes(bool condition, string memory what) internal pure {
		if (!condition) revert NotTrue(what);
	}

	function no(bool condition, string memory what) internal pure {
		if (condition) revert NotTrue(what);
	}

	function same(bytes32 left, bytes32 right, string memory what) internal pure {
		if (left != right) revert NotEqual(left, right, what);
	}

	function same(uint256 left, uint256 right, string memory what) internal pure {
		same(bytes32(left), bytes32(right), what);
	}
}

/// A chain with signers, and its anchor.
abstract contract Base is Asserts {
	/// Keys by ascending addresses, with their weights.
	struct Signers {
		uint64 id;
		uint256[] keys;
		uint64[] weights;
	}

	bytes32 internal constant GENESIS = keccak256("a chain");
	address internal constant GUARDIAN = address(0x6a7d);
	ElapseAnchor internal anchor;

	/// A set of `count` signers with unequal weights, others for each `seed`.
	function makeSigners(uint64 id, uint256 count, uint256 seed) internal pure returns (Signers memory set) {
		set.id = id;
		set.keys = new uint256[](count);
		set.weights = new uint64[](count);
		for (uint256 i; i < count; ++i) {
			set.keys[i] = uint256(keccak256(abi.encode("key", seed, i))) >> 1;
			set.weights[i] = uint64(1000 + (i * 7919) % 997);
		}
		// Insertion sort by address.
		for (uint256 i = 1; i < count; ++i) {
			for (uint256 j = i; j > 0 && vm.addr(set.keys[j - 1]) > vm.addr(set.keys[j]); --j) {
				(set.keys[j - 1], set.keys[j]) = (set.keys[j], set.keys[j - 1]);
			}
		}
	}

	function wordsOf(Signers memory set) internal pure returns (bytes memory words) {
		for (uint256 i; i < set.keys.length; ++i) {
			words = bytes.concat(words, word(vm.addr(set.keys[i]), set.weights[i]));
		}
	}

	function word(address who, uint256 weight) internal pure returns (bytes32) {
		return bytes32(uint256(uint160(who)) << 96 | weight);
	}

	function totalOf(Signers memory set) internal pure returns (uint64 total) {
		for (uint256 i; i < set.weights.length; ++i) {
			total += set.weights[i];
		}
	}

	function hashOf(Signers memory set) internal pure returns (bytes32) {
		bytes memory head = abi.encode(keccak256("elapse/signers"), uint256(set.id), uint256(totalOf(set)));
		return keccak256(bytes.concat(head, wordsOf(set)));
	}

	/// A checkpoint that `set` signs, and after which it still signs.
	function makeCheckpoint(Signers memory set, uint64 number) internal pure returns (Checkpoint memory) {
		return Checkpoint({
			genesis: GENESIS,
			epoch: number / 100,
			number: number,
			blockHash: keccak256(abi.encode("block", number)),
			stateRoot: keccak256(abi.encode("state", number)),
			historyRoot: keccak256(abi.encode("history", number)),
			historyLeaves: number,
			trustRoot: keccak256(abi.encode("trust", number)),
			trustLeaves: 5,
			signers: set.id,
			nextSigners: hashOf(set)
		});
	}

	function digestOf(Checkpoint memory cp, address contract_, uint256 chain) internal pure returns (bytes32) {
		bytes32 domain = keccak256(
			abi.encode(
				keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
				keccak256("Elapse"),
				keccak256("1"),
				chain,
				contract_
			)
		);
		bytes32 type_ = keccak256(
			"Checkpoint(bytes32 genesis,uint64 epoch,uint64 number,bytes32 blockHash,bytes32 stateRoot,bytes32 historyRoot,uint64 historyLeaves,bytes32 trustRoot,uint64 trustLeaves,uint64 signers,bytes32 nextSigners)"
		);
		return keccak256(abi.encodePacked(hex"1901", domain, keccak256(abi.encode(type_, cp))));
	}

	function digestOf(Checkpoint memory cp) internal view returns (bytes32) {
		return digestOf(cp, address(anchor), block.chainid);
	}

	/// A signature in 64 bytes.
	function compact(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
		(uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
		return abi.encodePacked(r, uint256(s) | uint256(v - 27) << 255);
	}

	/// The certificate of those whose bit is set in `mask`.
	function certify(Signers memory set, bytes32 digest, uint256 mask)
		internal
		pure
		returns (bytes memory bitmap, bytes memory signatures)
	{
		bitmap = new bytes((set.keys.length + 7) / 8);
		for (uint256 i; i < set.keys.length; ++i) {
			if (mask >> i & 1 == 0) continue;
			bitmap[i / 8] |= bytes1(uint8(1 << (i % 8)));
			signatures = bytes.concat(signatures, compact(set.keys[i], digest));
		}
	}

	/// The fewest first signers that are a quorum.
	function quorumOf(Signers memory set) internal pure returns (uint256 mask) {
		uint256 votes;
		for (uint256 i; votes * 3 <= uint256(totalOf(set)) * 2; ++i) {
			votes += set.weights[i];
			mask |= 1 << i;
		}
	}

	function land(Signers memory set, Checkpoint memory cp) internal {
		(bytes memory bitmap, bytes memory signatures) = certify(set, digestOf(cp), quorumOf(set));
		anchor.submit(cp, wordsOf(set), bitmap, signatures);
	}
}
