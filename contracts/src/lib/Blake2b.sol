// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title BLAKE2b with a digest of 256 bits (RFC 7693), by the compression function at address 9 (EIP-152).
library Blake2b {
	/// @notice The compression function is missing.
	error NoBlake2();

	/// @dev The initial state: the constants of BLAKE2b, the first with the parameters (32 bytes of digest, no key).
	bytes32 private constant STATE_0 = 0x28c9bdf267e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5;
	bytes32 private constant STATE_1 = 0xd182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b;

	/// @notice The digest of `data`, of less than 16 MiB.
	function hash256(bytes memory data) internal view returns (bytes32 digest) {
		uint256 length = data.length;
		// The last block is filled with zeros; there is one even if there is nothing.
		uint256 fill = length == 0 ? 128 : (128 - length % 128) % 128;
		data = bytes.concat(data, new bytes(fill));
		// What the function takes: rounds (4 bytes), state (64), block (128), bytes so far (16, little-endian), last (1).
		bytes memory input = abi.encodePacked(uint32(12), STATE_0, STATE_1, new bytes(128 + 16 + 1));
		bool done = true;
		assembly ("memory-safe") {
			let state := add(input, 36)
			let chunk := add(state, 64)
			let counter := add(chunk, 128)
			let from := add(data, 32)
			for { let place := 0 } lt(place, mload(data)) { place := add(place, 128) } {
				mstore(chunk, mload(add(from, place)))
				mstore(add(chunk, 32), mload(add(add(from, place), 32)))
				mstore(add(chunk, 64), mload(add(add(from, place), 64)))
				mstore(add(chunk, 96), mload(add(add(from, place), 96)))
				let soFar := add(place, 128)
				if iszero(lt(soFar, length)) {
					soFar := length
					mstore8(add(counter, 16), 1)
				}
				mstore8(counter, soFar)
				mstore8(add(counter, 1), shr(8, soFar))
				mstore8(add(counter, 2), shr(16, soFar))
				done := and(done, staticcall(gas(), 9, add(input, 32), 213, state, 64))
				done := and(done, eq(returndatasize(), 64))
			}
			digest := mload(state)
		}
		if (!done) revert NoBlake2();
	}
}
