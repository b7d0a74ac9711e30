// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {ElapseAnchor} from "../../src/ElapseAnchor.sol";
import {Checkpoint} from "../../src/Types.sol";

/// Submissions of any form.
contract FuzzTest is Base {
	Signers internal set;

	function setUp() public {
		set = makeSigners(3, 7, 1);
		anchor = new ElapseAnchor(GENESIS, 3, wordsOf(set), GUARDIAN);
	}

	/// It lands if and only if those who signed have more than two thirds.
	function testFuzz_exactly_a_quorum_lands(uint8 mask, uint64[7] memory weights) public {
		mask &= 0x7f;
		uint256 votes;
		uint256 total;
		for (uint256 i; i < 7; ++i) {
			set.weights[i] = weights[i] = uint64(1 + weights[i] % (type(uint64).max / 8));
			total += weights[i];
			if (mask >> i & 1 == 1) votes += weights[i];
		}
		anchor = new ElapseAnchor(GENESIS, 3, wordsOf(set), GUARDIAN);
		Checkpoint memory cp = makeCheckpoint(set, 10);
		(bytes memory bitmap, bytes memory signatures) = certify(set, digestOf(cp), mask);
		bytes memory words = wordsOf(set);
		if (votes * 3 <= total * 2) vm.expectRevert(ElapseAnchor.Quorum.selector);
		anchor.submit(cp, words, bitmap, signatures);
	}

	/// One bit of words, bitmap or signatures turned over.
	function testFuzz_no_mutation_of_a_certificate_lands(uint256 where, uint8 part) public {
		Checkpoint memory cp = makeCheckpoint(set, 10);
		bytes[3] memory parts;
		parts[0] = wordsOf(set);
		(parts[1], parts[2]) = certify(set, digestOf(cp), quorumOf(set));
		bytes memory changed = parts[part % 3];
		where %= changed.length * 8;
		changed[where / 8] ^= bytes1(uint8(1 << (where % 8)));
		try anchor.submit(cp, parts[0], parts[1], parts[2]) {
			revert("it landed");
		} catch {}
		same(anchor.landedCount(), 0, "nothing landed");
	}

	/// One bit of the checkpoint turned over.
	function testFuzz_no_mutation_of_a_checkpoint_lands(uint256 where) public {
		Checkpoint memory cp = makeCheckpoint(set, 10);
		(bytes memory bitmap, bytes memory signatures) = certify(set, digestOf(cp), quorumOf(set));
		bytes memory words = wordsOf(set);
		bytes memory call = abi.encodeCall(anchor.submit, (cp, words, bitmap, signatures));
		where %= 11 * 256;
		call[4 + where / 8] ^= bytes1(uint8(1 << (where % 8)));
		(bool landed,) = address(anchor).call(call);
		no(landed, "it landed");
		same(anchor.landedCount(), 0, "nothing landed");
	}

	/// Anything at all.
	function testFuzz_noise_does_not_land(Checkpoint calldata cp, bytes calldata a, bytes calldata b, bytes calldata c)
		public
	{
		try anchor.submit(cp, a, b, c) {
			revert("it landed");
		} catch {}
	}

	/// Any set in any form: it is published if and only if it is the current one.
	function testFuzz_only_the_current_set_is_published(uint64 id, uint64 total, bytes calldata words) public {
		vm.assume(keccak256(words) != keccak256(wordsOf(set)));
		vm.expectRevert(ElapseAnchor.Set.selector);
		anchor.publishSigners(id, total, words);
	}
}
