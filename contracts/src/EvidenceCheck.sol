// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Verdict} from "./Types.sol";
import {Verdicts} from "./Verdicts.sol";
import {Blake2b} from "./lib/Blake2b.sol";
import {Probe} from "./lib/Probe.sol";
import {Quote} from "./lib/Quote.sol";
import {Reader} from "./lib/Reader.sol";

/// @title Judges again, on the Elastos Smart Chain itself, what a committee of Elapse has judged.
/// @notice A verdict that let a node in names, by a hash, the application and the answer that it is about. Whoever has
/// their bytes, which are public on Elapse, can have this contract look at the quotes in them. If one is not what it must
/// have been for the node to be let in, the verdict is proved false, and the node is frozen: it has no score here until
/// a later verdict lets it in anew.
///
/// # What proves a verdict false
/// All of it is what Elapse itself refuses, so that nobody is frozen over evidence that Elapse takes:
/// - *answer*: the verdict rests on no answer;
/// - *key*: the attestation key's attributes let it sign what its TPM has not made, or leave its TPM;
/// - *quote*: what was signed is no quote;
/// - *nonce*: the answer's quote is not under the nonce of its round, seed and answers;
/// - *signature*: it is not signed by the attestation key.
/// What cannot be judged here proves nothing: see `Unsupported`.
///
/// # Attacks
/// - *Other bytes*: they do not hash to what the committee signed (`Evidence`).
/// - *A verdict made up*: it is none of `Verdicts` (`NotRecorded`).
/// - *An old one*, since when the node was let in again: it changes nothing (`Superseded`).
/// - *Too little gas*, so that a signature seems bad: what is left of a call that ran out of gas is a 64th, which does
///   not suffice to write anything down.
/// - *A chain without what it takes*: the constructor tries modexp, BLAKE2b and P-256 on known answers.
contract EvidenceCheck {
	using Reader for Reader.Cursor;

	/// @notice The verdict is not known to `Verdicts`.
	error NotRecorded();
	/// @notice It did not let anybody in.
	error NotAdmitting();
	/// @notice The node was let in by another verdict since.
	error Superseded();
	/// @notice The bytes are not those that the committee judged.
	error Evidence();
	/// @notice The bytes are those, and are not encoded as they must be. Nothing is said about the verdict.
	error Malformed();
	/// @notice The attestation key is of a kind that cannot be judged here: neither RSASSA nor P-256, or without SHA-256.
	error Unsupported();
	/// @notice The verdict is not false for anything that is found here.
	error Stands();
	/// @notice This chain computes something differently.
	error WrongChain();

	/// @notice A verdict is proved false.
	event ProvedFalse(uint32 indexed round, bytes32 indexed subject, Finding finding, address by);

	/// @notice What was found, by the names above.
	enum Finding {
		Stands,
		Answer,
		Key,
		Quote,
		Nonce,
		Signature
	}

	/// @notice What hashes to a verdict's `evidence`: `blake2_256(SCALE(application, seed, answer))`.
	/// @param application BLAKE2b-256 of the application, SCALE-encoded.
	/// @param hasSeed Whether there is a seed.
	/// @param seed The round's seed.
	/// @param hasAnswer Whether there is an answer.
	/// @param answer BLAKE2b-256 of answers and quote, SCALE-encoded as one.
	struct Opening {
		bytes32 application;
		bool hasSeed;
		bytes32 seed;
		bool hasAnswer;
		bytes32 answer;
	}

	/// @notice Bytes, some of which may be too many for one transaction.
	/// @param pieces Contracts whose code, without its first byte, comes first, in order (see `store`).
	/// @param tail What follows.
	struct Bytes {
		address[] pieces;
		bytes tail;
	}

	/// @dev What is looked at of an application.
	struct Application {
		bytes akPublic;
		bytes attest;
		bytes signature;
		bytes32 author;
	}

	/// @notice Where verdicts are known.
	Verdicts public immutable verdicts;
	/// @dev The newest round of a node whose verdict was proved false, plus 1.
	mapping(bytes32 subject => uint256) private _false;

	/// @param verdicts_ Where verdicts are known.
	constructor(Verdicts verdicts_) {
		verdicts = verdicts_;
		if (!Probe.isGood()) revert WrongChain();
	}

	/// @notice Whether a node has no score here, since the verdict that let it in is proved false.
	function isFrozen(bytes32 subject) external view returns (bool) {
		uint256 round = _false[subject];
		if (round == 0) return false;
		(, uint32 admission) = verdicts.admission(subject);
		return uint256(admission) + 1 <= round;
	}

	/// @notice Proves a verdict false by its application, and freezes the node.
	function contestApplication(Verdict calldata verdict, Opening calldata opening, Bytes calldata application)
		external
	{
		_freeze(verdict, checkApplication(verdict, opening, application));
	}

	/// @notice Proves a verdict false by its answer, and freezes the node.
	function contestAnswer(
		Verdict calldata verdict,
		Opening calldata opening,
		Bytes calldata application,
		Bytes calldata answer
	) external {
		_freeze(verdict, checkAnswer(verdict, opening, application, answer));
	}

	/// @notice Keeps bytes as code, for what is longer than a transaction.
	/// @return piece Where: a piece of `Bytes`.
	function store(bytes calldata part) external returns (address piece) {
		bytes memory creation = abi.encodePacked(hex"61", uint16(part.length + 1), hex"80600a3d393df300", part);
		assembly ("memory-safe") {
			piece := create(0, add(creation, 32), mload(creation))
		}
		if (piece == address(0)) revert Malformed();
	}

	/// @notice What an application's quote says of the verdict. To be called without a transaction by who wants to know.
	function checkApplication(Verdict calldata verdict, Opening calldata opening, Bytes calldata application)
		public
		view
		returns (Finding)
	{
		Application memory parsed = _open(verdict, opening, application);
		if (!opening.hasAnswer) return Finding.Answer;
		return _judge(parsed.akPublic, parsed.attest, parsed.signature, "");
	}

	/// @notice What an answer's quote says of the verdict.
	function checkAnswer(
		Verdict calldata verdict,
		Opening calldata opening,
		Bytes calldata application,
		Bytes calldata answer
	) public view returns (Finding) {
		Application memory parsed = _open(verdict, opening, application);
		if (!opening.hasAnswer) return Finding.Answer;
		bytes memory encoded = _join(answer);
		if (Blake2b.hash256(encoded) != opening.answer) revert Evidence();
		// (Answers, Quote): pairs of a member's key and 32 bytes; then the quote.
		Reader.Cursor memory cursor = Reader.over(encoded);
		cursor.skip(cursor.compact() * 64);
		bytes memory answers = Reader.slice(encoded, 0, cursor.offset);
		(bytes memory attest, bytes memory signature) = _quote(cursor);
		if (!cursor.isDone()) revert Malformed();
		// `ep_trust::nonce::answer`: the text comes with its length, 19, as SCALE has it.
		bytes memory under = abi.encodePacked(
			hex"4c", "elapse/trust/answer", verdict.genesis, _littleEndian(verdict.round), opening.seed, answers
		);
		return _judge(parsed.akPublic, attest, signature, abi.encodePacked(Blake2b.hash256(under)));
	}

	function _freeze(Verdict calldata verdict, Finding finding) private {
		if (finding == Finding.Stands) revert Stands();
		(, uint32 round) = verdicts.admission(verdict.subject);
		if (round != verdict.round) revert Superseded();
		_false[verdict.subject] = uint256(round) + 1;
		emit ProvedFalse(round, verdict.subject, finding, msg.sender);
	}

	/// @dev The application that a verdict rests on, which let a node in.
	function _open(Verdict calldata verdict, Opening calldata opening, Bytes calldata application)
		private
		view
		returns (Application memory parsed)
	{
		if (verdicts.verdictOf(verdict.round) != verdicts.hashOf(verdict)) revert NotRecorded();
		if (verdict.judgement != 0) revert NotAdmitting();
		bytes memory encoded = _join(application);
		bytes memory opened = abi.encodePacked(
			opening.application,
			opening.hasSeed ? abi.encodePacked(uint8(1), opening.seed) : abi.encodePacked(uint8(0)),
			opening.hasAnswer ? abi.encodePacked(uint8(1), opening.answer) : abi.encodePacked(uint8(0))
		);
		if (Blake2b.hash256(opened) != verdict.evidence) revert Evidence();
		if (Blake2b.hash256(encoded) != opening.application) revert Evidence();
		parsed = _parse(encoded);
		if (parsed.author != verdict.subject) revert Evidence();
	}

	/// @dev `ep_trust::Application`, to its last byte.
	function _parse(bytes memory encoded) private pure returns (Application memory parsed) {
		Reader.Cursor memory cursor = Reader.over(encoded);
		cursor.skip(cursor.compact()); // The certificate of the endorsement key.
		for (uint256 left = cursor.compact(); left > 0 && !cursor.bad; --left) {
			cursor.skip(cursor.compact()); // A certificate above it.
		}
		cursor.skip(cursor.compact()); // The endorsement key.
		parsed.akPublic = cursor.take(cursor.compact());
		(parsed.attest, parsed.signature) = _quote(cursor);
		cursor.skip(32); // Hash of the boot event log.
		parsed.author = bytes32(cursor.number(32));
		cursor.skip(20 + 65 + 4 + 4); // The address that signs for it here, proof of that, policy, recent block.
		cursor.skip(cursor.compact()); // The node's name on the network.
		if (!cursor.isDone()) revert Malformed();
	}

	/// @dev `ep_trust::Quote`: what was attested, its signature, and the values of the PCRs.
	function _quote(Reader.Cursor memory cursor) private pure returns (bytes memory attest, bytes memory signature) {
		attest = cursor.take(cursor.compact());
		signature = cursor.take(cursor.compact());
		for (uint256 left = cursor.compact(); left > 0 && !cursor.bad; --left) {
			cursor.skip(cursor.compact());
		}
	}

	/// @dev Judges a quote. An empty nonce is not asked for.
	function _judge(bytes memory akPublic, bytes memory attest, bytes memory signature, bytes memory nonce)
		private
		view
		returns (Finding)
	{
		(bool known, Quote.Key memory key) = Quote.parseKey(akPublic);
		if (!known) revert Unsupported();
		if (!Quote.isAttestationKey(key)) return Finding.Key;
		(bool isQuote, bytes memory under) = Quote.parseAttest(attest);
		if (!isQuote) return Finding.Quote;
		if (nonce.length != 0 && keccak256(nonce) != keccak256(under)) return Finding.Nonce;
		return Quote.isSigned(key, attest, signature) ? Finding.Stands : Finding.Signature;
	}

	function _join(Bytes calldata parts) private view returns (bytes memory joined) {
		for (uint256 i; i < parts.pieces.length; ++i) {
			bytes memory code = parts.pieces[i].code;
			if (code.length == 0) revert Evidence();
			joined = bytes.concat(joined, Reader.slice(code, 1, code.length - 1));
		}
		joined = bytes.concat(joined, parts.tail);
	}

	function _littleEndian(uint32 number) private pure returns (bytes4) {
		return bytes4((number << 24) | ((number & 0xff00) << 8) | ((number >> 8) & 0xff00) | (number >> 24));
	}
}
