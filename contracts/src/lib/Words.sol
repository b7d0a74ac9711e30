// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Lists of who may sign, and with how many votes: one word each.
/// @notice A word is `uint256(uint160(address)) << 96 | uint256(votes)`, with the votes in its low 8 bytes and 4 zero
/// bytes between. Signer sets of checkpoints and committees of verdicts are such lists, words concatenated.
library Words {
	/// @notice Whether a list is one, and the sum of its votes.
	/// @dev It is one if it has 1 to `most` whole words, addresses ascend (so none is zero, and none there twice), and
	/// everybody has votes, at most 2^64 - 1.
	function sum(bytes memory words, uint256 most) internal pure returns (bool good, uint256 votes) {
		uint256 length = words.length / 32;
		if (words.length % 32 != 0 || length == 0 || length > most) return (false, 0);
		address last;
		// At most `most` numbers of 64 bits are added.
		unchecked {
			for (uint256 i; i < length; ++i) {
				(address who, uint256 more) = get(words, i);
				if (who <= last || more == 0 || more > type(uint64).max) return (false, 0);
				last = who;
				votes += more;
			}
		}
		return (true, votes);
	}

	/// @notice The address and the votes in word `i`, which must be there.
	function get(bytes memory words, uint256 i) internal pure returns (address who, uint256 votes) {
		assembly ("memory-safe") {
			let word := mload(add(add(words, 32), shl(5, i)))
			who := shr(96, word)
			votes := and(word, 0xffffffffffffffffffffffff)
		}
	}

	/// @notice How many bits of a bitmap are set.
	function ones(bytes calldata bitmap) internal pure returns (uint256 bits) {
		unchecked {
			for (uint256 i; i < bitmap.length; ++i) {
				for (uint256 rest = uint8(bitmap[i]); rest != 0; rest &= rest - 1) {
					++bits;
				}
			}
		}
	}

	/// @notice Whether `votes` are more than two thirds of `total`. No sum of votes comes near 2^256 / 3.
	function isQuorum(uint256 votes, uint256 total) internal pure returns (bool) {
		return votes * 3 > total * 2;
	}
}
