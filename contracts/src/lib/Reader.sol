// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A strict cursor over encoded bytes: SCALE's compact lengths, and the big-endian fields of a TPM.
/// @notice What is read past the end is zero, and the reader remembers that: whoever reads asks `isDone` at the end.
library Reader {
	/// @param data What is read.
	/// @param offset The next byte.
	/// @param bad Whether something was read that is not there, or has not its one form.
	struct Cursor {
		bytes data;
		uint256 offset;
		bool bad;
	}

	/// @notice A cursor at the first byte.
	function over(bytes memory data) internal pure returns (Cursor memory) {
		return Cursor({data: data, offset: 0, bad: false});
	}

	/// @notice Whether everything was there, and nothing is left.
	function isDone(Cursor memory cursor) internal pure returns (bool) {
		return !cursor.bad && cursor.offset == cursor.data.length;
	}

	/// @notice Passes over bytes.
	function skip(Cursor memory cursor, uint256 length) internal pure {
		if (length > cursor.data.length - cursor.offset) {
			cursor.bad = true;
			cursor.offset = cursor.data.length;
		} else {
			cursor.offset += length;
		}
	}

	/// @notice The next `length` bytes as a number, big-endian; at most 32.
	function number(Cursor memory cursor, uint256 length) internal pure returns (uint256 value) {
		(bytes memory data, uint256 from) = (cursor.data, cursor.offset);
		skip(cursor, length);
		if (cursor.bad || length == 0) return 0;
		assembly ("memory-safe") {
			value := mload(add(add(data, 32), from))
		}
		value >>= 8 * (32 - length);
	}

	/// @notice A copy of the next `length` bytes.
	function take(Cursor memory cursor, uint256 length) internal pure returns (bytes memory taken) {
		uint256 from = cursor.offset;
		skip(cursor, length);
		return cursor.bad ? taken : slice(cursor.data, from, length);
	}

	/// @notice A copy of the contents of a `TPM2B`: two bytes of length, and so many.
	function sized(Cursor memory cursor) internal pure returns (bytes memory) {
		return take(cursor, number(cursor, 2));
	}

	/// @notice A compact number of SCALE below 2^30, in its shortest form.
	function compact(Cursor memory cursor) internal pure returns (uint256 value) {
		uint256 first = number(cursor, 1);
		if (first & 3 == 0) return first >> 2;
		if (first & 3 == 1) {
			value = (number(cursor, 1) << 8 | first) >> 2;
			if (value < 1 << 6) cursor.bad = true;
		} else if (first & 3 == 2) {
			// One after the other: within one expression the order of reading is not defined.
			value = first >> 2;
			value |= number(cursor, 1) << 6;
			value |= number(cursor, 1) << 14;
			value |= number(cursor, 1) << 22;
			if (value < 1 << 14) cursor.bad = true;
		} else {
			cursor.bad = true;
		}
	}

	/// @notice Bytes `from` to `from + length`, which must be there.
	function slice(bytes memory data, uint256 from, uint256 length) internal pure returns (bytes memory part) {
		part = new bytes(length);
		assembly ("memory-safe") {
			let source := add(add(data, 32), from)
			let target := add(part, 32)
			for { let i := 0 } lt(i, length) { i := add(i, 32) } { mstore(add(target, i), mload(add(source, i))) }
			// `new` has rounded up to whole words. What the last of them has beyond the part is cleared again.
			let rest := and(length, 31)
			if rest {
				let last := add(target, sub(length, rest))
				mstore(last, and(mload(last), not(shr(shl(3, rest), not(0)))))
			}
		}
	}
}
