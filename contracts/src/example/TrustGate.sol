// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TrustScores} from "../TrustScores.sol";
import {ScoreProof} from "../Types.sol";

/// @title An example: a door that opens to whom a trusted node of Elapse vouches for.
/// @notice A node vouches by a signature of the key that signs for it on this chain. Which key that is, and how much the
/// node is trusted, stands in one leaf of the tree of scores, and is proved each time (`enter`).
contract TrustGate {
	/// @notice The node is trusted less than is asked for here.
	error TooLittleTrust();
	/// @notice The last checkpoint landed too long ago.
	error Stale();
	/// @notice The time for which the node vouched is over.
	error Expired();
	/// @notice Who is said to sign for the node did not vouch for the caller, or nobody signs for it.
	error NotVouchedFor();
	/// @notice The node has not the score that is claimed, or another signs for it.
	error NotProved();

	/// @notice A node vouched for somebody.
	event Entered(address indexed who, bytes32 indexed node, uint64 score);

	/// @notice Whose scores count here.
	TrustScores public immutable scores;
	/// @notice The least score.
	uint64 public immutable least;
	/// @notice How old the last checkpoint may be, in seconds.
	uint256 public immutable maxAge;
	/// @notice Until when somebody is let in.
	mapping(address who => uint256) public admittedUntil;

	constructor(TrustScores scores_, uint64 least_, uint256 maxAge_) {
		(scores, least, maxAge) = (scores_, least_, maxAge_);
	}

	/// @notice Lets the caller in until `until`.
	/// @dev A signature's twin, with the other `s`, is taken as well: what it says is the same, for the same caller and
	/// until the same time, and nothing is counted here, so it opens nothing that the signature itself does not.
	/// @param v The node's signature over `voucher`, with `r` and `s`.
	function enter(bytes32 node, uint64 score, ScoreProof calldata proof, uint256 until, uint8 v, bytes32 r, bytes32 s)
		external
	{
		if (score < least) revert TooLittleTrust();
		if (block.timestamp > until) revert Expired();
		// Zero stands for a node that has no such address, and is what `ecrecover` gives for a signature that nobody made.
		address signer = proof.signer;
		if (signer == address(0) || signer != ecrecover(voucher(node, msg.sender, until), v, r, s)) {
			revert NotVouchedFor();
		}
		if (block.timestamp > scores.anchor().latest().landed + maxAge) revert Stale();
		// Until here `signer` is what the caller says.
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
