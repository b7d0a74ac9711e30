// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {ElapseAnchor} from "../../src/ElapseAnchor.sol";
import {Checkpoint} from "../../src/Types.sol";

/// What the guardian can do, and when it cannot.
contract GuardianTest is Base {
	Signers internal set;

	function setUp() public {
		vm.warp(1_800_000_000);
		set = makeSigners(3, 7, 1);
		anchor = new ElapseAnchor(GENESIS, 3, wordsOf(set), GUARDIAN);
	}

	function test_paused_refuses_and_ends_by_itself() public {
		Checkpoint memory cp = makeCheckpoint(set, 10);
		(bytes memory bitmap, bytes memory signatures) = certify(set, digestOf(cp), quorumOf(set));
		bytes memory words = wordsOf(set);
		vm.prank(GUARDIAN);
		anchor.pause();
		vm.expectRevert(ElapseAnchor.Paused.selector);
		anchor.submit(cp, words, bitmap, signatures);
		vm.warp(block.timestamp + 3 days - 1);
		vm.expectRevert(ElapseAnchor.Paused.selector);
		anchor.submit(cp, words, bitmap, signatures);
		vm.warp(block.timestamp + 1);
		anchor.submit(cp, words, bitmap, signatures);
	}

	function test_only_the_guardian_pauses_and_recovers() public {
		vm.expectRevert(ElapseAnchor.NotGuardian.selector);
		anchor.pause();
		vm.expectRevert(ElapseAnchor.NotGuardian.selector);
		anchor.proposeRecovery(bytes32(uint256(1)));
		vm.expectRevert(ElapseAnchor.NotGuardian.selector);
		anchor.recover();
	}

	function test_a_pause_cannot_be_stacked() public {
		vm.prank(GUARDIAN);
		anchor.pause();
		vm.warp(block.timestamp + 1 days);
		vm.prank(GUARDIAN);
		vm.expectRevert(ElapseAnchor.TooEarly.selector);
		anchor.pause();
		vm.warp(block.timestamp + 2 days + 30 days - 1);
		vm.prank(GUARDIAN);
		vm.expectRevert(ElapseAnchor.TooEarly.selector);
		anchor.pause();
		vm.warp(block.timestamp + 1);
		vm.prank(GUARDIAN);
		anchor.pause();
	}

	function test_recovery_needs_silence_and_notice() public {
		Signers memory rescue = makeSigners(4, 3, 77);
		vm.warp(block.timestamp + 30 days - 1);
		vm.prank(GUARDIAN);
		vm.expectRevert(ElapseAnchor.TooEarly.selector);
		anchor.proposeRecovery(hashOf(rescue));
		vm.warp(block.timestamp + 1);
		vm.prank(GUARDIAN);
		vm.expectRevert(ElapseAnchor.Handover.selector);
		anchor.proposeRecovery(0);
		vm.prank(GUARDIAN);
		vm.expectRevert(ElapseAnchor.TooEarly.selector);
		anchor.recover();
		vm.prank(GUARDIAN);
		anchor.proposeRecovery(hashOf(rescue));
		(bytes32 announced, uint256 ready) = anchor.recovery();
		same(announced, hashOf(rescue), "announced");
		same(ready, block.timestamp + 14 days, "ready");
		vm.warp(ready - 1);
		vm.prank(GUARDIAN);
		vm.expectRevert(ElapseAnchor.TooEarly.selector);
		anchor.recover();
		vm.warp(ready);
		vm.prank(GUARDIAN);
		anchor.recover();
		same(anchor.signersId(), 4, "id");
		land(rescue, makeCheckpoint(rescue, 1));
		vm.prank(GUARDIAN);
		vm.expectRevert(ElapseAnchor.TooEarly.selector);
		anchor.recover();
	}

	function test_a_checkpoint_ends_a_recovery() public {
		vm.warp(block.timestamp + 30 days);
		vm.prank(GUARDIAN);
		anchor.proposeRecovery(bytes32(uint256(1)));
		vm.warp(block.timestamp + 13 days);
		land(set, makeCheckpoint(set, 1));
		(bytes32 announced,) = anchor.recovery();
		same(announced, 0, "it is over");
		vm.warp(block.timestamp + 40 days);
		vm.prank(GUARDIAN);
		vm.expectRevert(ElapseAnchor.TooEarly.selector);
		anchor.recover();
	}

	function test_a_recovery_starts_silence_anew() public {
		Signers memory rescue = makeSigners(4, 3, 77);
		vm.warp(block.timestamp + 30 days);
		vm.prank(GUARDIAN);
		anchor.proposeRecovery(hashOf(rescue));
		vm.warp(block.timestamp + 14 days);
		vm.prank(GUARDIAN);
		anchor.recover();
		vm.prank(GUARDIAN);
		vm.expectRevert(ElapseAnchor.TooEarly.selector);
		anchor.proposeRecovery(bytes32(uint256(1)));
	}

	function test_the_guardian_cannot_make_silence_by_a_pause_or_pause_a_recovery() public {
		vm.warp(block.timestamp + 20 days);
		vm.prank(GUARDIAN);
		anchor.pause();
		// Thirty days after the last checkpoint, three of them paused.
		vm.warp(block.timestamp + 30 days);
		vm.prank(GUARDIAN);
		vm.expectRevert(ElapseAnchor.TooEarly.selector);
		anchor.proposeRecovery(bytes32(uint256(1)));
		vm.warp(block.timestamp + 3 days);
		vm.prank(GUARDIAN);
		anchor.proposeRecovery(bytes32(uint256(1)));
		vm.prank(GUARDIAN);
		vm.expectRevert(ElapseAnchor.TooEarly.selector);
		anchor.pause();
		land(set, makeCheckpoint(set, 1));
		vm.prank(GUARDIAN);
		anchor.pause();
	}

	function test_without_a_guardian_nobody_can() public {
		anchor = new ElapseAnchor(GENESIS, 3, wordsOf(set), address(0));
		vm.warp(block.timestamp + 1000 days);
		vm.expectRevert(ElapseAnchor.NotGuardian.selector);
		anchor.proposeRecovery(bytes32(uint256(1)));
	}

	function test_a_checkpoint_starts_silence_anew() public {
		vm.warp(block.timestamp + 29 days);
		land(set, makeCheckpoint(set, 1));
		vm.warp(block.timestamp + 30 days - 1);
		vm.prank(GUARDIAN);
		vm.expectRevert(ElapseAnchor.TooEarly.selector);
		anchor.proposeRecovery(bytes32(uint256(1)));
		vm.warp(block.timestamp + 1);
		vm.prank(GUARDIAN);
		anchor.proposeRecovery(bytes32(uint256(1)));
	}
}
