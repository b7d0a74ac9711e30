// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {RSA} from "@openzeppelin/contracts/utils/cryptography/RSA.sol";
import {Blake2b} from "./Blake2b.sol";

/// @title Known answers: whether this chain computes what a judgement of evidence rests on.
/// @dev Used while a contract is made, so nothing of it stays on chain. Each pair has a right answer and a wrong one: a
/// chain that says yes to everything is found out, too.
library Probe {
	/// @dev SHA-256 of a quote that a TPM made; its key's modulus, and the signature. `primitives/tpm/tests/fixtures/rsa2048`.
	bytes32 private constant QUOTE = 0x87c62e25e4722a16a7d45f362fd698ff4cdf21427600189d5100f2d71630f2e5;
	bytes private constant MODULUS = hex"9cbf2efaac902d26e81464551407700f66b69212535804128742d6b06c00799c2505a2fee230b8e9faf8c96836e61494"
		hex"aa1ff77dc8bd6cdd1d2a5ee8fee133bc736a8b2f806885c4444a47da66b7e06d3fd3fdad132fe7a79565c87bed8c621b"
		hex"3a3e32c8128e63cfdd9393a488fc7e7640223a1dc9463655b9e63452fbf1d4c500af7d77ed53f8a76c97b9c708594054"
		hex"edd524d02f47e5854debb31953689c0ea6b47e57ba8de6bcdb5f77eb2a3e12526a72967c3f8892caf8ab8cb845e91237"
		hex"1b75f917c100f3455acd499be203459303a001331f845bcc0f1df205c2830ca419b3aab017dd6251be2d36b4daeb7477"
		hex"c04f7f7c6dc84f39ad3148ba77249e9d";
	bytes private constant SIGNATURE = hex"9565b2f97907d87f8e768b45371eb089639293ba7bb39a338a565c48eff38c0f4b8e52be4c4ffd1475d64348636a606c"
		hex"84b94157aaf0f53e6c36925a9ba690fc88374ec451fad7ea6c7c5624d524737ae91adb261750ae1b62191ca95fbf9ab6"
		hex"eeb05f14ad952a59a4b4da85fbd9326806d872f03923e0f28aae7e1d1a05dcaac16bee35733c2d659261c11af4229ec6"
		hex"8d6d103f46cdfd6269414b6ce02aed21d55b74f90248147d454c88140a10c8aa751d49cbefa2f9bf11fd2bbdbe055490"
		hex"44a628dca2a68a5ea21b966fafe3ef1d4f19ecac4151f812be8004cbaa3aa9b009da81822a96afb75d8ab567f5e9bca4"
		hex"b4210506faf0283ad70d74614ff75940";
	/// @dev Of Project Wycheproof (ecdsa_secp256r1_sha256_p1363, r = 5, s = 1).
	bytes32 private constant P256_DIGEST = 0xbb5a52f42f9c9261ed4361f59422a1e30036e7c32b270c8807a419feca605023;
	bytes32 private constant P256_X = 0xa71af64de5126a4a4e02b7922d66ce9415ce88a4c9d25514d91082c8725ac957;
	bytes32 private constant P256_Y = 0x5d47723c8fbe580bb369fec9c2665d8e30a435b9932645482e7c9f11e872296b;
	/// @dev BLAKE2b-256 of "abc".
	bytes32 private constant BLAKE_ABC = 0xbddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319;

	/// @notice Whether all answers are as they must be.
	function isGood() internal view returns (bool) {
		bytes32 other = QUOTE ^ bytes32(uint256(1));
		return Blake2b.hash256("abc") == BLAKE_ABC && RSA.pkcs1Sha256(QUOTE, SIGNATURE, hex"010001", MODULUS)
			&& !RSA.pkcs1Sha256(other, SIGNATURE, hex"010001", MODULUS)
			&& P256.verify(P256_DIGEST, bytes32(uint256(5)), bytes32(uint256(1)), P256_X, P256_Y)
			&& !P256.verify(P256_DIGEST, bytes32(uint256(5)), bytes32(uint256(2)), P256_X, P256_Y);
	}
}
