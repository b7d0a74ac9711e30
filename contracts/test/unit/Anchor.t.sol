// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {ElapseAnchor} from "../../src/ElapseAnchor.sol";
import {Checkpoint, HistoryLeaf, Landed} from "../../src/Types.sol";

/// Checkpoints: what lands, and what each rule refuses, with its forger.
contract AnchorTest is Base {
	Signers internal set;

	function setUp() public {
		vm.warp(1_800_000_000);
		set = makeSigners(3, 7, 1);
		anchor = new ElapseAnchor(GENESIS, 3, wordsOf(set), GUARDIAN);
	}

	/// A good submission, for forgers to change.
	function good() internal view returns (Checkpoint memory cp, bytes memory bitmap, bytes memory signatures) {
		cp = makeCheckpoint(set, 10);
		(bitmap, signatures) = certify(set, digestOf(cp), quorumOf(set));
	}

	function refused(bytes4 rule, Checkpoint memory cp, bytes memory words, bytes memory bitmap, bytes memory sigs)
		internal
	{
		vm.expectRevert(rule);
		anchor.submit(cp, words, bitmap, sigs);
		same(anchor.landedCount(), 0, "something landed");
	}

	function test_a_checkpoint_of_more_than_two_thirds_lands() public {
		(Checkpoint memory cp, bytes memory bitmap, bytes memory signatures) = good();
		same(anchor.latest().number, 0, "nothing has landed yet");
		anchor.submit(cp, wordsOf(set), bitmap, signatures);
		Landed memory kept = anchor.latest();
		same(kept.number, 10, "number");
		same(kept.epoch, cp.epoch, "epoch");
		same(kept.blockHash, cp.blockHash, "block");
		same(kept.stateRoot, cp.stateRoot, "state");
		same(kept.historyRoot, cp.historyRoot, "history");
		same(kept.historyLeaves, cp.historyLeaves, "history's leaves");
		same(kept.trustRoot, cp.trustRoot, "trust");
		same(kept.trustLeaves, cp.trustLeaves, "trust's leaves");
		same(kept.landed, block.timestamp, "time");
		same(anchor.checkpoint(10).blockHash, cp.blockHash, "by number");
		same(anchor.signersId(), 3, "the same set signs on");
	}

	function test_genesis_refuses_another_chains_checkpoint() public {
		(Checkpoint memory cp,,) = good();
		cp.genesis = keccak256("another chain");
		(bytes memory bitmap, bytes memory signatures) = certify(set, digestOf(cp), quorumOf(set));
		refused(ElapseAnchor.Genesis.selector, cp, wordsOf(set), bitmap, signatures);
	}

	function test_newer_refuses_the_same_and_an_older_number_before_it_looks_at_signatures() public {
		land(set, makeCheckpoint(set, 10));
		vm.expectRevert(ElapseAnchor.Newer.selector);
		anchor.submit(makeCheckpoint(set, 10), wordsOf(set), "", "");
		vm.expectRevert(ElapseAnchor.Newer.selector);
		anchor.submit(makeCheckpoint(set, 9), wordsOf(set), "", "");
		Checkpoint memory cp = makeCheckpoint(set, 9);
		(bytes memory bitmap, bytes memory signatures) = certify(set, digestOf(cp), quorumOf(set));
		vm.expectRevert(ElapseAnchor.Newer.selector);
		anchor.submit(cp, wordsOf(set), bitmap, signatures);
	}

	function test_handover_refuses_a_set_that_was_not_named_and_one_that_was_left_out() public {
		Signers memory forged = makeSigners(4, 7, 66);
		Checkpoint memory cp = makeCheckpoint(forged, 10);
		(bytes memory bitmap, bytes memory signatures) = certify(forged, digestOf(cp), quorumOf(forged));
		// Its own id, before anybody has named it.
		refused(ElapseAnchor.Handover.selector, cp, wordsOf(forged), bitmap, signatures);
		// The current id, with other words.
		cp.signers = 3;
		(bitmap, signatures) = certify(forged, digestOf(cp), quorumOf(forged));
		refused(ElapseAnchor.Set.selector, cp, wordsOf(forged), bitmap, signatures);
		// A set with a later id signs, which the one before has named; that checkpoint has not landed.
		Signers memory second = makeSigners(4, 7, 2);
		Signers memory third = makeSigners(5, 7, 3);
		cp = makeCheckpoint(third, 30);
		(bitmap, signatures) = certify(third, digestOf(cp), quorumOf(third));
		refused(ElapseAnchor.Handover.selector, cp, wordsOf(third), bitmap, signatures);
		// In order they land.
		Checkpoint memory first = makeCheckpoint(set, 10);
		first.nextSigners = hashOf(second);
		land(set, first);
		first = makeCheckpoint(second, 20);
		first.nextSigners = hashOf(third);
		land(second, first);
		anchor.submit(cp, wordsOf(third), bitmap, signatures);
		same(anchor.signersId(), 5, "id");
	}

	function test_handover_refuses_that_nobody_signs_next() public {
		(Checkpoint memory cp,,) = good();
		cp.nextSigners = 0;
		(bytes memory bitmap, bytes memory signatures) = certify(set, digestOf(cp), quorumOf(set));
		refused(ElapseAnchor.Handover.selector, cp, wordsOf(set), bitmap, signatures);
	}

	function test_handover_refuses_the_old_set_after_it() public {
		Signers memory second = makeSigners(4, 7, 2);
		Checkpoint memory cp = makeCheckpoint(set, 10);
		cp.nextSigners = hashOf(second);
		land(set, cp);
		same(anchor.signersId(), 4, "the set has changed");
		cp = makeCheckpoint(set, 11);
		(bytes memory bitmap, bytes memory signatures) = certify(set, digestOf(cp), quorumOf(set));
		vm.expectRevert(ElapseAnchor.Handover.selector);
		anchor.submit(cp, wordsOf(set), bitmap, signatures);
		land(second, makeCheckpoint(second, 11));
	}

	function test_leaves_refuses_more_than_the_tree_has_room_for() public {
		(Checkpoint memory cp,,) = good();
		cp.trustLeaves = (1 << 17) + 1;
		(bytes memory bitmap, bytes memory signatures) = certify(set, digestOf(cp), quorumOf(set));
		refused(ElapseAnchor.Leaves.selector, cp, wordsOf(set), bitmap, signatures);
	}

	function test_set_refuses_other_words() public {
		(Checkpoint memory cp, bytes memory bitmap, bytes memory signatures) = good();
		bytes memory words = wordsOf(set);
		// Somebody weighs more.
		words[31] = bytes1(uint8(words[31]) ^ 1);
		refused(ElapseAnchor.Set.selector, cp, words, bitmap, signatures);
		// Somebody is missing, or half of him.
		words = wordsOf(set);
		assembly ("memory-safe") {
			mstore(words, sub(mload(words), 32))
		}
		refused(ElapseAnchor.Set.selector, cp, words, bitmap, signatures);
		assembly ("memory-safe") {
			mstore(words, add(mload(words), 16))
		}
		refused(ElapseAnchor.Set.selector, cp, words, bitmap, signatures);
		// None, and none were published.
		refused(ElapseAnchor.Set.selector, cp, "", bitmap, signatures);
	}

	function test_set_refuses_disorder_zero_and_weightless_signers_from_the_first() public {
		address a = address(1);
		address b = address(2);
		bytes[6] memory bad = [
			bytes(""),
			abi.encodePacked(word(b, 1), word(a, 1)),
			abi.encodePacked(word(a, 1), word(a, 1)),
			abi.encodePacked(word(address(0), 1), word(a, 1)),
			abi.encodePacked(word(a, 0)),
			abi.encodePacked(word(a, 1 << 64))
		];
		for (uint256 i; i < bad.length; ++i) {
			vm.expectRevert(ElapseAnchor.Set.selector);
			new ElapseAnchor(GENESIS, 0, bad[i], GUARDIAN);
		}
		bytes memory many;
		for (uint160 i = 1; i <= 701; ++i) {
			many = bytes.concat(many, word(address(i), 1));
		}
		vm.expectRevert(ElapseAnchor.Set.selector);
		new ElapseAnchor(GENESIS, 0, many, GUARDIAN);
	}

	function test_bitmap_refuses_another_length_stray_bits_and_a_signature_too_few_or_too_many() public {
		(Checkpoint memory cp, bytes memory bitmap, bytes memory signatures) = good();
		bytes memory words = wordsOf(set);
		refused(ElapseAnchor.Bitmap.selector, cp, words, "", signatures);
		refused(ElapseAnchor.Bitmap.selector, cp, words, bytes.concat(bitmap, hex"00"), signatures);
		bytes memory stray = abi.encodePacked(uint8(bitmap[0]) | 0x80);
		bytes memory more = bytes.concat(signatures, compact(set.keys[0], digestOf(cp)));
		refused(ElapseAnchor.Bitmap.selector, cp, words, stray, more);
		refused(ElapseAnchor.Bitmap.selector, cp, words, bitmap, more);
		refused(ElapseAnchor.Bitmap.selector, cp, words, bitmap, bytes.concat(signatures, hex"00"));
		refused(ElapseAnchor.Bitmap.selector, cp, words, hex"7f", signatures);
	}

	function test_low_s_refuses_the_twin_of_a_good_signature() public {
		(Checkpoint memory cp, bytes memory bitmap, bytes memory signatures) = good();
		(uint8 v, bytes32 r, bytes32 s) = vm.sign(set.keys[0], digestOf(cp));
		uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
		uint256 twin = order - uint256(s);
		// A careless verifier takes it.
		same(
			bytes32(uint256(uint160(ecrecover(digestOf(cp), v == 27 ? 28 : 27, r, bytes32(twin))))),
			bytes32(uint256(uint160(vm.addr(set.keys[0])))),
			"it is a twin"
		);
		// In 64 bytes its s has lost the highest bit, where that is set, or is too great.
		for (uint256 parity; parity < 2; ++parity) {
			bytes memory forged = abi.encodePacked(r, twin & type(uint256).max >> 1 | parity << 255);
			for (uint256 i; i < 64; ++i) {
				signatures[i] = forged[i];
			}
			try anchor.submit(cp, wordsOf(set), bitmap, signatures) {
				revert("it landed");
			} catch (bytes memory why) {
				bytes4 rule = bytes4(why);
				yes(rule == ElapseAnchor.LowS.selector || rule == ElapseAnchor.Signer.selector, "by another rule");
			}
		}
		// The greatest s there is.
		bytes memory highest = abi.encodePacked(r, type(uint256).max);
		for (uint256 i; i < 64; ++i) {
			signatures[i] = highest[i];
		}
		refused(ElapseAnchor.LowS.selector, cp, wordsOf(set), bitmap, signatures);
		// Just above the half.
		highest = abi.encodePacked(r, order / 2 + 1);
		for (uint256 i; i < 64; ++i) {
			signatures[i] = highest[i];
		}
		refused(ElapseAnchor.LowS.selector, cp, wordsOf(set), bitmap, signatures);
	}

	function test_signer_refuses_one_counted_twice_disorder_strangers_and_nobody() public {
		(Checkpoint memory cp, bytes memory bitmap,) = good();
		bytes32 digest = digestOf(cp);
		bytes memory words = wordsOf(set);
		bytes memory twice;
		bytes memory disorder;
		bytes memory nobody;
		uint256 signed;
		for (uint256 mask = quorumOf(set); mask != 0; mask >>= 1) {
			++signed;
		}
		for (uint256 i; i < signed; ++i) {
			twice = bytes.concat(twice, compact(set.keys[0], digest));
			disorder = bytes.concat(disorder, compact(set.keys[signed - 1 - i], digest));
			nobody = bytes.concat(nobody, new bytes(64));
		}
		refused(ElapseAnchor.Signer.selector, cp, words, bitmap, twice);
		refused(ElapseAnchor.Signer.selector, cp, words, bitmap, disorder);
		refused(ElapseAnchor.Signer.selector, cp, words, bitmap, nobody);
		Signers memory strangers = makeSigners(3, 7, 66);
		(, bytes memory others) = certify(strangers, digest, quorumOf(strangers));
		(bytes memory all,) = certify(strangers, digest, quorumOf(strangers));
		refused(ElapseAnchor.Signer.selector, cp, words, all, others);
	}

	function test_signer_refuses_a_signature_for_anything_else() public {
		(Checkpoint memory cp, bytes memory bitmap, bytes memory signatures) = good();
		bytes memory words = wordsOf(set);
		for (uint256 i; i < 7; ++i) {
			Checkpoint memory other = makeCheckpoint(set, 10);
			if (i == 0) other.epoch += 1;
			if (i == 1) other.blockHash = bytes32(uint256(1));
			if (i == 2) other.stateRoot = bytes32(uint256(1));
			if (i == 3) other.historyRoot = bytes32(uint256(1));
			if (i == 4) other.historyLeaves += 1;
			if (i == 5) other.trustRoot = bytes32(uint256(1));
			if (i == 6) other.nextSigners = bytes32(uint256(1));
			refused(ElapseAnchor.Signer.selector, other, words, bitmap, signatures);
		}
		anchor.submit(cp, words, bitmap, signatures);
	}

	function test_chain_bound_refuses_another_chain_id_and_another_contract() public {
		Checkpoint memory cp = makeCheckpoint(set, 10);
		bytes memory words = wordsOf(set);
		(bytes memory bitmap, bytes memory signatures) = certify(set, digestOf(cp, address(anchor), 21), quorumOf(set));
		refused(ElapseAnchor.Signer.selector, cp, words, bitmap, signatures);
		(bitmap, signatures) = certify(set, digestOf(cp, address(this), block.chainid), quorumOf(set));
		refused(ElapseAnchor.Signer.selector, cp, words, bitmap, signatures);
		(bitmap, signatures) = certify(set, digestOf(cp, address(0), 0), quorumOf(set));
		refused(ElapseAnchor.Signer.selector, cp, words, bitmap, signatures);
		// A fork of the layer below with another id takes nothing that was signed for this one.
		(bitmap, signatures) = certify(set, digestOf(cp), quorumOf(set));
		vm.chainId(22);
		refused(ElapseAnchor.Signer.selector, cp, words, bitmap, signatures);
	}

	function test_quorum_refuses_two_thirds_and_takes_one_more() public {
		Signers memory three = makeSigners(0, 3, 9);
		three.weights[0] = three.weights[1] = three.weights[2] = 10;
		anchor = new ElapseAnchor(GENESIS, 0, wordsOf(three), GUARDIAN);
		Checkpoint memory cp = makeCheckpoint(three, 1);
		(bytes memory bitmap, bytes memory signatures) = certify(three, digestOf(cp), 3);
		refused(ElapseAnchor.Quorum.selector, cp, wordsOf(three), bitmap, signatures);
		refused(ElapseAnchor.Quorum.selector, cp, wordsOf(three), hex"00", "");
		// 21 of 31 are more, 20 are not.
		three.weights[0] = 11;
		anchor = new ElapseAnchor(GENESIS, 0, wordsOf(three), GUARDIAN);
		cp = makeCheckpoint(three, 1);
		(bitmap, signatures) = certify(three, digestOf(cp), 6);
		refused(ElapseAnchor.Quorum.selector, cp, wordsOf(three), bitmap, signatures);
		(bitmap, signatures) = certify(three, digestOf(cp), 3);
		anchor.submit(cp, wordsOf(three), bitmap, signatures);
	}

	function test_quorum_is_not_fooled_by_great_weights() public {
		Signers memory great = makeSigners(0, 3, 9);
		great.weights[0] = great.weights[1] = great.weights[2] = type(uint64).max / 3;
		anchor = new ElapseAnchor(GENESIS, 0, wordsOf(great), GUARDIAN);
		Checkpoint memory cp = makeCheckpoint(great, 1);
		(bytes memory bitmap, bytes memory signatures) = certify(great, digestOf(cp), 3);
		refused(ElapseAnchor.Quorum.selector, cp, wordsOf(great), bitmap, signatures);
		(bitmap, signatures) = certify(great, digestOf(cp), 7);
		anchor.submit(cp, wordsOf(great), bitmap, signatures);
	}

	function test_published_signers_may_be_left_out_until_the_set_changes() public {
		vm.expectRevert(ElapseAnchor.Set.selector);
		anchor.publishSigners(4, totalOf(set), wordsOf(set));
		vm.expectRevert(ElapseAnchor.Set.selector);
		anchor.publishSigners(3, totalOf(set) + 1, wordsOf(set));
		vm.expectRevert(ElapseAnchor.Set.selector);
		anchor.publishSigners(3, totalOf(set), wordsOf(makeSigners(3, 7, 66)));
		anchor.publishSigners(3, totalOf(set), wordsOf(set));
		same(keccak256(anchor.published().code), keccak256(bytes.concat(hex"00", wordsOf(set))), "code");

		Checkpoint memory cp = makeCheckpoint(set, 10);
		(bytes memory bitmap, bytes memory signatures) = certify(set, digestOf(cp), quorumOf(set));
		anchor.submit(cp, "", bitmap, signatures);
		cp = makeCheckpoint(set, 11);
		// Too few are too few there, too.
		(bitmap, signatures) = certify(set, digestOf(cp), 1);
		vm.expectRevert(ElapseAnchor.Quorum.selector);
		anchor.submit(cp, "", bitmap, signatures);
		// The words in the submission are as good as ever.
		land(set, cp);

		Signers memory second = makeSigners(4, 9, 2);
		cp = makeCheckpoint(set, 12);
		cp.nextSigners = hashOf(second);
		land(set, cp);
		same(uint160(anchor.published()), 0, "forgotten");
		cp = makeCheckpoint(second, 13);
		(bitmap, signatures) = certify(second, digestOf(cp), quorumOf(second));
		vm.expectRevert(ElapseAnchor.Set.selector);
		anchor.submit(cp, "", bitmap, signatures);
		anchor.submit(cp, wordsOf(second), bitmap, signatures);
	}

	function test_the_last_256_are_kept_and_found_by_number() public {
		for (uint64 i = 1; i <= 300; ++i) {
			land(set, makeCheckpoint(set, i * 3));
		}
		same(anchor.latest().number, 900, "latest");
		for (uint64 i = 45; i <= 300; ++i) {
			same(anchor.checkpoint(i * 3).blockHash, keccak256(abi.encode("block", i * 3)), "kept");
		}
		uint64[5] memory gone = [uint64(0), 3, 44 * 3, 500, 903];
		for (uint256 i; i < gone.length; ++i) {
			vm.expectRevert(ElapseAnchor.NotRetained.selector);
			anchor.checkpoint(gone[i]);
		}
		HistoryLeaf memory leaf;
		no(anchor.verifyHistory(44 * 3, leaf, 0, new bytes32[](0)), "history under what is gone");
	}

	function test_events_say_what_landed_and_who_signs_next() public {
		Signers memory second = makeSigners(4, 7, 2);
		Checkpoint memory cp = makeCheckpoint(set, 10);
		cp.nextSigners = hashOf(second);
		(bytes memory bitmap, bytes memory signatures) = certify(set, digestOf(cp), quorumOf(set));
		bytes memory words = wordsOf(set);
		vm.expectEmit(address(anchor));
		emit ElapseAnchor.CheckpointLanded(10, 3, cp.blockHash, address(this));
		vm.expectEmit(address(anchor));
		emit ElapseAnchor.SignersChanged(4, cp.nextSigners);
		anchor.submit(cp, words, bitmap, signatures);
	}

	function test_no_genesis_is_none() public {
		vm.expectRevert(ElapseAnchor.Genesis.selector);
		new ElapseAnchor(0, 3, wordsOf(set), GUARDIAN);
	}

	function test_it_takes_no_money() public {
		(bool taken,) = address(anchor).call{value: 1}("");
		no(taken, "by nothing");
		(taken,) =
			address(anchor).call{value: 1}(abi.encodeCall(anchor.publishSigners, (3, totalOf(set), wordsOf(set))));
		no(taken, "by a call");
	}
}
