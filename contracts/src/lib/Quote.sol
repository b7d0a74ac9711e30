// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {RSA} from "@openzeppelin/contracts/utils/cryptography/RSA.sol";
import {Reader} from "./Reader.sol";

/// @title What a TPM quoted, and whether an attestation key has signed it (TPM 2.0 Library, Part 2).
/// @notice Names and rules are those of `ep_tpm`. Keys: RSASSA over RSA-2048, 3072 or 4096 and ECDSA over P-256, both
/// with SHA-256. Others that Elapse lets in (SHA-384, SHA-512, P-384) cannot be judged here.
library Quote {
	using Reader for Reader.Cursor;

	/// @notice An attestation key. For RSA `modulus` is there, for ECDSA the coordinates are.
	struct Key {
		uint32 attributes;
		bytes modulus;
		bytes32 x;
		bytes32 y;
	}

	uint256 private constant ALG_RSA = 0x0001;
	uint256 private constant ALG_SHA256 = 0x000B;
	uint256 private constant ALG_SHA384 = 0x000C;
	uint256 private constant ALG_SHA512 = 0x000D;
	uint256 private constant ALG_NULL = 0x0010;
	uint256 private constant ALG_RSASSA = 0x0014;
	uint256 private constant ALG_ECDSA = 0x0018;
	uint256 private constant ALG_ECC = 0x0023;
	uint256 private constant NIST_P256 = 0x0003;
	/// @dev fixedTPM, fixedParent, sensitiveDataOrigin, restricted, sign; and decrypt, which must be clear.
	uint32 private constant REQUIRED = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 16 | 1 << 18;
	uint32 private constant DECRYPT = 1 << 17;
	/// @dev `TPM_GENERATED_VALUE` and `TPM_ST_ATTEST_QUOTE`.
	uint256 private constant MAGIC = 0xff544347;
	uint256 private constant QUOTE = 0x8018;
	/// @dev 65537.
	bytes private constant EXPONENT = hex"010001";

	/// @notice The key with this public area (`TPMT_PUBLIC`). `known` is false if it cannot be judged here.
	function parseKey(bytes memory area) internal pure returns (bool known, Key memory key) {
		Reader.Cursor memory cursor = Reader.over(area);
		bool rsa = cursor.number(2) == ALG_RSA;
		if (!rsa && uint16(bytes2(area)) != ALG_ECC) return (false, key);
		uint256 nameHash = cursor.number(2);
		known = nameHash == ALG_SHA256 || nameHash == ALG_SHA384 || nameHash == ALG_SHA512;
		key.attributes = uint32(cursor.number(4));
		cursor.skip(cursor.number(2)); // The policy under which the key may be used.
		known = cursor.number(2) == ALG_NULL && known; // No cipher.
		known = cursor.number(2) == (rsa ? ALG_RSASSA : ALG_ECDSA) && known;
		known = cursor.number(2) == ALG_SHA256 && known;
		if (rsa) {
			uint256 bits = cursor.number(2);
			uint256 exponent = cursor.number(4);
			key.modulus = cursor.sized();
			known = known && (bits == 2048 || bits == 3072 || bits == 4096) && key.modulus.length * 8 == bits
				&& (exponent == 0 || exponent == 65537) && key.modulus[0] >= 0x80
				&& uint8(key.modulus[key.modulus.length - 1]) & 1 == 1;
		} else {
			known = cursor.number(2) == NIST_P256 && known;
			known = cursor.number(2) == ALG_NULL && known; // No key derivation.
			known = cursor.number(2) == 32 && known;
			key.x = bytes32(cursor.number(32));
			known = cursor.number(2) == 32 && known;
			key.y = bytes32(cursor.number(32));
		}
		known = cursor.isDone() && known;
	}

	/// @notice Whether the key signs nothing that looks like an attestation but was not made by its TPM (rules K1 to K6).
	function isAttestationKey(Key memory key) internal pure returns (bool) {
		return key.attributes & (REQUIRED | DECRYPT) == REQUIRED;
	}

	/// @notice Whether `attest` begins as a quote does (rules A1, A2, N1), and the nonce in it.
	function parseAttest(bytes memory attest) internal pure returns (bool isQuote, bytes memory nonce) {
		Reader.Cursor memory cursor = Reader.over(attest);
		isQuote = cursor.number(4) == MAGIC;
		isQuote = cursor.number(2) == QUOTE && isQuote;
		cursor.skip(cursor.number(2)); // The qualified name of who signed.
		nonce = cursor.sized();
		isQuote = isQuote && !cursor.bad;
	}

	/// @notice Whether `signature` (`TPMT_SIGNATURE`) is the key's over `message` (rules S1 to S6).
	function isSigned(Key memory key, bytes memory message, bytes memory signature) internal view returns (bool) {
		Reader.Cursor memory cursor = Reader.over(signature);
		bool rsa = key.modulus.length != 0;
		bool own = cursor.number(2) == (rsa ? ALG_RSASSA : ALG_ECDSA);
		own = cursor.number(2) == ALG_SHA256 && own;
		if (rsa) {
			bytes memory proof = cursor.sized();
			return own && cursor.isDone() && RSA.pkcs1Sha256(sha256(message), proof, EXPONENT, key.modulus);
		}
		own = cursor.number(2) == 32 && own;
		bytes32 r = bytes32(cursor.number(32));
		own = cursor.number(2) == 32 && own;
		bytes32 s = bytes32(cursor.number(32));
		return own && cursor.isDone() && P256.verify(sha256(message), r, s, key.x, key.y);
	}
}
