// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Asserts} from "./Base.sol";
import {Blake2b} from "../../src/lib/Blake2b.sol";
import {Reader} from "../../src/lib/Reader.sol";

/// What evidence is read with.
contract BytesTest is Asserts {
	using Reader for Reader.Cursor;

	/// Against another implementation, all lengths up to 400: three blocks, and every place in the last.
	function test_blake2_is_that_of_another_implementation() public view {
		bytes32[] memory digests = vm.parseJsonBytes32Array(vm.readFile("test/vectors/blake2.json"), ".digests");
		same(digests.length, 401, "count");
		for (uint256 length; length <= 400; ++length) {
			bytes memory data = new bytes(length);
			for (uint256 i; i < length; ++i) {
				data[i] = bytes1(uint8(i));
			}
			same(Blake2b.hash256(data), digests[length], "digest");
			same(data.length, length, "the data is as it was");
		}
	}

	function testFuzz_a_slice_is_what_it_was(bytes calldata data, uint256 from, uint256 length) public pure {
		from %= data.length + 1;
		length %= data.length - from + 1;
		bytes memory part = Reader.slice(data, from, length);
		same(keccak256(part), keccak256(data[from:from + length]), "slice");
		// What is allocated next begins with zeros, and so does the rest of the last word.
		same(
			keccak256(bytes.concat(part, new bytes(32))),
			keccak256(bytes.concat(data[from:from + length], new bytes(32))),
			"rest"
		);
	}

	function testFuzz_reading_past_the_end_is_remembered(bytes calldata data, uint256 length) public pure {
		Reader.Cursor memory cursor = Reader.over(data);
		bytes memory taken = cursor.take(length);
		if (length <= data.length) {
			same(keccak256(taken), keccak256(data[:length]), "taken");
			yes(cursor.isDone() == (length == data.length), "done if nothing is left");
		} else {
			no(cursor.isDone(), "not done");
			same(taken.length, 0, "nothing");
			same(cursor.number(2), 0, "zero from there on");
			no(cursor.isDone(), "still not done");
		}
	}

	function testFuzz_a_compact_number_has_one_form(uint32 value) public pure {
		value &= (1 << 30) - 1;
		bytes[3] memory forms = [
			abi.encodePacked(uint8(value << 2)),
			abi.encodePacked(uint8(value << 2 | 1), uint8(value >> 6)),
			abi.encodePacked(uint8(value << 2 | 2), uint8(value >> 6), uint8(value >> 14), uint8(value >> 22))
		];
		uint256 right = value < 1 << 6 ? 0 : value < 1 << 14 ? 1 : 2;
		for (uint256 i; i < 3; ++i) {
			Reader.Cursor memory cursor = Reader.over(forms[i]);
			uint256 found = cursor.compact();
			if (i == right) {
				same(found, value, "value");
				yes(cursor.isDone(), "right");
			} else if (i > right) {
				no(cursor.isDone(), "longer than need be");
			}
		}
		Reader.Cursor memory big = Reader.over(hex"0300000040");
		big.compact();
		no(big.isDone(), "too great to be a length");
	}

	function testFuzz_numbers_are_big_endian(uint64 value, uint8 before) public pure {
		Reader.Cursor memory cursor = Reader.over(abi.encodePacked(new bytes(before), value));
		cursor.skip(before);
		same(cursor.number(8), value, "value");
		yes(cursor.isDone(), "done");
	}
}
