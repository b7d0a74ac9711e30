// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ElapseAnchor} from "./ElapseAnchor.sol";
import {HistoryLeaf, Verdict} from "./Types.sol";
import {Eip712} from "./lib/Eip712.sol";
import {Merkle} from "./lib/Merkle.sol";
import {Secp256k1} from "./lib/Secp256k1.sol";
import {Words} from "./lib/Words.sol";

/// @title What committees of Elapse have said of applicants.
/// @notice A verdict is taken with the certificate that its committee signed, once it is proved that this was the
/// committee: that the round was concluded under it in a block of the anchored history.
///
/// # Rules
/// Refused, in this order and each by the error of its name:
/// 1. *genesis*: the verdict is of the anchored chain.
/// 2. *recorded*: its round has none here yet.
/// 3. *concluded*: the pairs hash to the leaf's `committees`, the verdict's round and committee are one of them, and the
///    leaf is in the history under a checkpoint that the anchor keeps.
/// 4. *committee*: the seats have the committee's root.
/// 5. *low-s*, 6. *ascending*, 7. *seated*, 8. *quorum*: as on Elapse (`ep_trust::VerdictCertificate::verify`).
contract Verdicts {
	/// @notice *genesis*.
	error Genesis();
	/// @notice *recorded*.
	error Recorded();
	/// @notice *concluded*.
	error Concluded();
	/// @notice *committee*.
	error Committee();
	/// @notice *low-s*.
	error LowS();
	/// @notice *ascending*.
	error Ascending();
	/// @notice *seated*.
	error Seated();
	/// @notice *quorum*.
	error Quorum();

	/// @notice A verdict is known here.
	event VerdictRecorded(uint32 indexed round, bytes32 indexed subject, uint8 judgement, bytes32 evidence);

	/// @param round A round that was concluded.
	/// @param committee Its committee's root.
	struct Conclusion {
		uint32 round;
		bytes32 committee;
	}

	/// @notice That a round was concluded under a committee.
	/// @param checkpoint Number of the block of a checkpoint that the anchor keeps.
	/// @param leaf The block in which it was concluded.
	/// @param items That the block is in the history: see `ElapseAnchor.verifyHistory`.
	/// @param conclusions All rounds that were concluded in it, in order.
	/// @param which The one in question, counted from 0.
	struct Proof {
		uint64 checkpoint;
		HistoryLeaf leaf;
		bytes32[] items;
		Conclusion[] conclusions;
		uint256 which;
	}

	/// @notice Most seats of a committee.
	uint256 public constant MAX_SEATS = 128;

	bytes32 private constant VERDICT = keccak256(
		"Verdict(bytes32 genesis,uint32 round,bytes32 subject,bytes32 evidence,uint8 judgement,bytes32 committee,uint64 expected)"
	);

	/// @notice Where checkpoints land.
	ElapseAnchor public immutable anchor;
	/// @notice Hash of a round's verdict; zero if it is not known here.
	mapping(uint32 round => bytes32) public verdictOf;
	/// @dev The newest round that let a node in, plus 1.
	mapping(bytes32 subject => uint256) private _admission;

	/// @param anchor_ Where checkpoints land. Verdicts are signed in its domain.
	constructor(ElapseAnchor anchor_) {
		anchor = anchor_;
	}

	/// @notice Takes a verdict. Anybody may bring it.
	/// @param verdict What was said.
	/// @param proof That the committee is the round's.
	/// @param seats The committee: words as in `Words`, 32 bytes each.
	/// @param signatures 65 bytes each, by ascending addresses: r, s and the recovery id, 0 or 1.
	function record(Verdict calldata verdict, Proof calldata proof, bytes calldata seats, bytes calldata signatures)
		external
	{
		if (verdict.genesis != anchor.genesis()) revert Genesis();
		if (verdictOf[verdict.round] != 0) revert Recorded();
		if (!_isConcluded(verdict, proof)) revert Concluded();
		bytes memory words = seats;
		(bool good, uint256 total) = Words.sum(words, MAX_SEATS);
		if (!good || Merkle.committeeRoot(verdict.round, words) != verdict.committee) revert Committee();
		bytes32 hash = hashOf(verdict);
		// Votes that were expected count, and if more came, those.
		if (verdict.expected > total) total = verdict.expected;
		uint256 votes = _votes(words, signatures, Eip712.digest(address(anchor), hash));
		if (!Words.isQuorum(votes, total)) revert Quorum();

		verdictOf[verdict.round] = hash;
		uint256 admitted = uint256(verdict.round) + 1;
		if (verdict.judgement == 0 && admitted > _admission[verdict.subject]) _admission[verdict.subject] = admitted;
		emit VerdictRecorded(verdict.round, verdict.subject, verdict.judgement, verdict.evidence);
	}

	/// @notice The newest round known here in which a node was let in.
	function admission(bytes32 subject) external view returns (bool known, uint32 round) {
		uint256 found = _admission[subject];
		return found == 0 ? (false, 0) : (true, uint32(found - 1));
	}

	/// @notice Hash of a verdict (`hashStruct` of EIP-712).
	function hashOf(Verdict calldata verdict) public pure returns (bytes32) {
		return keccak256(abi.encode(VERDICT, verdict));
	}

	function _isConcluded(Verdict calldata verdict, Proof calldata proof) private view returns (bool) {
		if (proof.which >= proof.conclusions.length) return false;
		Conclusion calldata conclusion = proof.conclusions[proof.which];
		if (conclusion.round != verdict.round || conclusion.committee != verdict.committee) return false;
		bytes memory pairs;
		for (uint256 i; i < proof.conclusions.length; ++i) {
			pairs = bytes.concat(pairs, abi.encode(proof.conclusions[i]));
		}
		return keccak256(pairs) == proof.leaf.committees
			&& anchor.verifyHistory(proof.checkpoint, proof.leaf, proof.leaf.number, proof.items);
	}

	/// @dev Both signers and seats ascend, so one walk over the seats finds every signer.
	function _votes(bytes memory words, bytes calldata signatures, bytes32 digest)
		private
		pure
		returns (uint256 votes)
	{
		if (signatures.length % 65 != 0) revert LowS();
		address last;
		uint256 seat;
		for (uint256 from; from < signatures.length; from += 65) {
			uint256 s = uint256(bytes32(signatures[from + 32:from + 64]));
			uint256 parity = uint8(signatures[from + 64]);
			if (!Secp256k1.isLow(s) || parity > 1) revert LowS();
			address signer = Secp256k1.recover(digest, bytes32(signatures[from:from + 32]), s, parity);
			if (signer == address(0)) revert LowS();
			if (signer <= last) revert Ascending();
			last = signer;
			address sitting;
			uint256 more;
			for (; seat < words.length / 32 && sitting < signer; ++seat) {
				(sitting, more) = Words.get(words, seat);
			}
			if (sitting != signer) revert Seated();
			votes += more;
		}
	}
}
