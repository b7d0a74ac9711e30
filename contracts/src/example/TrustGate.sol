// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TrustScores} from "../TrustScores.sol";
import {EvidenceCheck} from "../EvidenceCheck.sol";
import {ScoreProof, Verdict} from "../Types.sol";

/// @title An example: a door that opens to whom a trusted node of Elapse vouches for.
/// @notice A node vouches by a signature of the key that signs for it on this chain. Which key that is follows from the
/// application that the verdict rests on by which it was let in (`introduce`, once a node). How much the node is
/// trusted is proved each time (`enter`).
contract TrustGate {
	/// @notice The verdict by which the node was let in last is another.
	error NotItsAdmission();
	/// @notice The node was not introduced.
	error Unknown();
	/// @notice The node is trusted less than is asked for here.
	error TooLittleTrust();
	/// @notice The last checkpoint landed too long ago.
	error Stale();
	/// @notice The time for which the node vouched is over.
	error Expired();
	/// @notice The node did not vouch for the caller.
	error NotVouchedFor();
	/// @notice The node has not the score that is claimed.
	error NotProved();

	/// @notice A node vouched for somebody.
	event Entered(address indexed who, bytes32 indexed node, uint64 score);

	/// @notice Whose scores count here.
	TrustScores public immutable scores;
	/// @notice The least score.
	uint64 public immutable least;
	/// @notice How old the last checkpoint may be, in seconds.
	uint256 public immutable maxAge;
	/// @notice The address that signs for a node.
	mapping(bytes32 node => address) public keyOf;
	/// @notice Until when somebody is let in.
	mapping(address who => uint256) public admittedUntil;

	constructor(TrustScores scores_, uint64 least_, uint256 maxAge_) {
		(scores, least, maxAge) = (scores_, least_, maxAge_);
	}

	/// @notice Takes note of the address that signs for a node, by the verdict that let it in. Anybody may.
	function introduce(
		Verdict calldata verdict,
		EvidenceCheck.Opening calldata opening,
		EvidenceCheck.Bytes calldata application
	) external {
		EvidenceCheck evidence = scores.evidence();
		address key = evidence.anchorOf(verdict, opening, application);
		(, uint32 round) = evidence.verdicts().admission(verdict.subject);
		if (round != verdict.round) revert NotItsAdmission();
		keyOf[verdict.subject] = key;
	}

	/// @notice Lets the caller in until `until`.
	/// @param v The node's signature over `voucher`, with `r` and `s`.
	function enter(bytes32 node, uint64 score, ScoreProof calldata proof, uint256 until, uint8 v, bytes32 r, bytes32 s)
		external
	{
		if (score < least) revert TooLittleTrust();
		if (block.timestamp > until) revert Expired();
		if (block.timestamp > scores.anchor().latest().landed + maxAge) revert Stale();
		address key = keyOf[node];
		if (key == address(0)) revert Unknown();
		if (ecrecover(voucher(node, msg.sender, until), v, r, s) != key) revert NotVouchedFor();
		if (!scores.verify(node, score, proof)) revert NotProved();
		admittedUntil[msg.sender] = until;
		emit Entered(msg.sender, node, score);
	}

	/// @notice What a node signs to vouch for somebody at this door.
	function voucher(bytes32 node, address who, uint256 until) public view returns (bytes32) {
		bytes32 domain = keccak256(
			abi.encode(
				keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
				keccak256("Elapse gate"),
				keccak256("1"),
				block.chainid,
				address(this)
			)
		);
		bytes32 hash =
			keccak256(abi.encode(keccak256("Voucher(bytes32 node,address who,uint256 until)"), node, who, until));
		return keccak256(abi.encodePacked(hex"1901", domain, hash));
	}
}
