// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Typed structured data (EIP-712), as far as checkpoints and verdicts need it.
library Eip712 {
	bytes32 private constant DOMAIN_TYPE =
		keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
	bytes32 private constant NAME = keccak256("Elapse");
	bytes32 private constant VERSION = keccak256("1");

	/// @notice What is signed for a hash of a struct, in the domain of the anchor `verifyingContract` on this chain.
	/// @dev Rule *chain-bound*. The chain's id is asked for each time: after a fork of the Elastos Smart Chain that
	/// changes it, signatures for the one are none for the other.
	function digest(address verifyingContract, bytes32 hashOfStruct) internal view returns (bytes32) {
		bytes32 domain = keccak256(abi.encode(DOMAIN_TYPE, NAME, VERSION, block.chainid, verifyingContract));
		return keccak256(abi.encodePacked(hex"1901", domain, hashOfStruct));
	}
}
