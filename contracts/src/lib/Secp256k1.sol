// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Signatures of secp256k1 in the one form that is accepted.
library Secp256k1 {
	/// @dev Half of the order. A signature with a greater `s` has a twin.
	uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

	/// @notice Whether `s` is in its lower half (rule *low-s*).
	function isLow(uint256 s) internal pure returns (bool) {
		return s <= HALF_ORDER;
	}

	/// @notice Who signed `digest`; zero if nobody did.
	/// @param parity The recovery id, 0 or 1.
	function recover(bytes32 digest, bytes32 r, uint256 s, uint256 parity) internal pure returns (address) {
		return ecrecover(digest, uint8(27 + parity), r, bytes32(s));
	}
}
