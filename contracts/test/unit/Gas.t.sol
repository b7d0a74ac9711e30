// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {ElapseAnchor} from "../../src/ElapseAnchor.sol";
import {Checkpoint, ScoreProof} from "../../src/Types.sol";
import {Blake2b} from "../../src/lib/Blake2b.sol";
import {Merkle} from "../../src/lib/Merkle.sol";

/// What `.gas-snapshot` is made of: execution alone, from calls that were made before. Whole transactions are measured
/// by `gas.mjs`.
contract GasTest is Base {
	bytes internal call4;
	bytes internal call36;
	bytes internal callPublished36;
	ElapseAnchor internal anchor4;
	ElapseAnchor internal anchor36;

	function setUp() public {
		anchor4 = make(4);
		call4 = callOf(4, false);
		anchor36 = make(36);
		call36 = callOf(36, false);
		callPublished36 = callOf(36, true);
		Signers memory set = makeSigners(0, 36, 1);
		anchor.publishSigners(0, totalOf(set), wordsOf(set));
	}

	function make(uint256 count) internal returns (ElapseAnchor) {
		return anchor = new ElapseAnchor(GENESIS, 0, wordsOf(makeSigners(0, count, 1)), GUARDIAN);
	}

	function callOf(uint256 count, bool published) internal view returns (bytes memory) {
		Signers memory set = makeSigners(0, count, 1);
		Checkpoint memory cp = makeCheckpoint(set, 1);
		(bytes memory bitmap, bytes memory signatures) = certify(set, digestOf(cp), quorumOf(set));
		return abi.encodeCall(anchor.submit, (cp, published ? bytes("") : wordsOf(set), bitmap, signatures));
	}

	function test_submit_4() public {
		(bool landed,) = address(anchor4).call(call4);
		yes(landed, "landed");
	}

	function test_submit_36() public {
		(bool landed,) = address(anchor36).call(call36);
		yes(landed, "landed");
	}

	function test_submit_36_published() public {
		(bool landed,) = address(anchor36).call(callPublished36);
		yes(landed, "landed");
	}

	function test_blake2_of_4096_bytes() public view {
		yes(Blake2b.hash256(new bytes(4096)) != 0, "a digest");
	}
}
