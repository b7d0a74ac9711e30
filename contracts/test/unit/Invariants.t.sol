// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {ElapseAnchor} from "../../src/ElapseAnchor.sol";
import {Checkpoint, Landed} from "../../src/Types.sol";

/// Submits good and bad checkpoints at random, changes sets, pauses, recovers, lets time pass; and keeps its own account of
/// what must have landed.
contract Handler is Base {
	Signers internal current;
	/// What must be, by the handler's account.
	uint64 public number;
	uint64 public id;
	uint256 public landed;
	bytes32 public lastBlock;
	/// What must never be.
	bool public broken;
	/// How often each was done.
	uint256 public goodOnes;
	uint256 public badOnes;
	uint256 public handovers;
	uint256 public recoveries;
	uint256 private _seed;
	uint256 private _lastAlive;
	uint256 private _pausedUntil;

	constructor() {
		vm.warp(1_800_000_000);
		current = makeSigners(0, 4, 0);
		anchor = new ElapseAnchor(GENESIS, 0, wordsOf(current), address(this));
		_lastAlive = block.timestamp;
	}

	function target() external view returns (ElapseAnchor) {
		return anchor;
	}

	/// A checkpoint with signatures of whoever is in `mask`; `change` names another set.
	function submit(uint256 mask, uint8 step, bool change, bool inCode) external {
		mask &= (1 << current.keys.length) - 1;
		Checkpoint memory cp = makeCheckpoint(current, number + step);
		Signers memory next = current;
		if (change) {
			next = makeSigners(id + 1, 1 + (mask + step) % 9, ++_seed);
			cp.nextSigners = hashOf(next);
		}
		if (inCode) anchor.publishSigners(id, totalOf(current), wordsOf(current));
		uint256 votes;
		for (uint256 i; i < current.keys.length; ++i) {
			if (mask >> i & 1 == 1) votes += current.weights[i];
		}
		bool good = step > 0 && votes * 3 > uint256(totalOf(current)) * 2 && block.timestamp >= _pausedUntil;
		(bytes memory bitmap, bytes memory signatures) = certify(current, digestOf(cp), mask);
		bytes memory words = inCode ? bytes("") : wordsOf(current);
		try anchor.submit(cp, words, bitmap, signatures) {
			if (!good) broken = true;
			++goodOnes;
			++landed;
			(number, lastBlock, _lastAlive) = (cp.number, cp.blockHash, block.timestamp);
			if (change) {
				++handovers;
				id = next.id;
				current = next;
			}
		} catch {
			if (good) broken = true;
			++badOnes;
		}
	}

	/// As `submit`, with everybody's signatures, so that it lands often.
	function submitByAll(uint8 step, bool change, bool inCode) external {
		this.submit(type(uint256).max, step, change, inCode);
	}

	/// One bit anywhere in a good submission turned over, the padding of the encoding excepted.
	function mutate(uint256 where, uint8 part) external {
		Checkpoint memory cp = makeCheckpoint(current, number + 1);
		bytes[3] memory parts;
		parts[0] = wordsOf(current);
		(parts[1], parts[2]) = certify(current, digestOf(cp), quorumOf(current));
		bytes memory changed = parts[part % 3];
		where %= changed.length * 8;
		changed[where / 8] ^= bytes1(uint8(1 << (where % 8)));
		try anchor.submit(cp, parts[0], parts[1], parts[2]) {
			broken = true;
		} catch {
			++badOnes;
		}
	}

	/// Another set signs what it likes.
	function forge(uint256 seed, uint8 step, bool nextId) external {
		Signers memory forged = makeSigners(nextId ? id + 1 : id, 4, uint256(keccak256(abi.encode(seed))));
		Checkpoint memory cp = makeCheckpoint(forged, number + step);
		(bytes memory bitmap, bytes memory signatures) = certify(forged, digestOf(cp), 15);
		try anchor.submit(cp, wordsOf(forged), bitmap, signatures) {
			broken = true;
		} catch {
			++badOnes;
		}
	}

	function pause() external {
		try anchor.pause() {
			_pausedUntil = block.timestamp + anchor.PAUSE();
		} catch {}
	}

	/// The guardian tries; it must be in time.
	function recover(bool wait) external {
		Signers memory rescue = makeSigners(id + 1, 3, ++_seed);
		uint256 since = _lastAlive > _pausedUntil ? _lastAlive : _pausedUntil;
		if (wait) vm.warp(block.timestamp + 31 days);
		try anchor.proposeRecovery(hashOf(rescue)) {
			if (block.timestamp < since + 30 days) broken = true;
			try anchor.recover() {
				broken = true;
			} catch {}
			if (!wait) return;
			vm.warp(block.timestamp + 14 days);
			anchor.recover();
			++recoveries;
			(id, current, _lastAlive) = (rescue.id, rescue, block.timestamp);
		} catch {
			if (block.timestamp >= since + 30 days) broken = true;
		}
	}

	function pass(uint32 time) external {
		vm.warp(block.timestamp + time % 5 days);
	}
}

contract InvariantsTest is Base {
	Handler internal handler;
	uint64 internal lastId;
	uint64 internal lastNumber;

	function setUp() public {
		handler = new Handler();
		anchor = handler.target();
	}

	function targetContracts() external view returns (address[] memory targets) {
		targets = new address[](1);
		targets[0] = address(handler);
	}

	function invariant_nothing_lands_without_a_quorum_and_everything_with_one() external view {
		no(handler.broken(), "what landed, or did not, is wrong");
		same(anchor.landedCount(), handler.landed(), "landed");
	}

	function invariant_ids_and_numbers_are_those_that_were_signed_and_never_fall() external {
		same(anchor.signersId(), handler.id(), "id");
		Landed memory kept = anchor.latest();
		same(kept.number, handler.number(), "number");
		same(kept.blockHash, handler.lastBlock(), "block");
		yes(anchor.signersId() >= lastId && kept.number >= lastNumber, "never less");
		(lastId, lastNumber) = (anchor.signersId(), kept.number);
	}

	function invariant_what_is_kept_ascends() external view {
		uint64 number = anchor.latest().number;
		if (number != 0) same(anchor.checkpoint(number).blockHash, anchor.latest().blockHash, "found");
	}

	/// It was no idle run; and whatever was done in it, once no pause is on a good one lands, and a bad one does not.
	function afterInvariant() external {
		(uint256 good, uint256 bad) = (handler.goodOnes(), handler.badOnes());
		yes(good + bad > 0, "some were tried");
		if (block.timestamp < anchor.pausedUntil()) vm.warp(anchor.pausedUntil());
		handler.submitByAll(1, false, false);
		same(handler.goodOnes(), good + 1, "a good one");
		handler.mutate(7, 2);
		same(handler.badOnes(), bad + 1, "a bad one");
		no(handler.broken(), "what landed, or did not, is wrong");
	}
}
