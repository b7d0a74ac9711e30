// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Checkpoint, HistoryLeaf, Landed} from "./Types.sol";
import {Eip712} from "./lib/Eip712.sol";
import {Merkle} from "./lib/Merkle.sol";
import {Secp256k1} from "./lib/Secp256k1.sol";
import {Words} from "./lib/Words.sol";

/// @title The anchor of Elapse on the Elastos Smart Chain: takes checkpoints that its validators signed, keeps the last
/// 256, and proves what is under them.
/// @notice It holds no money, and nobody owns it. What lands has the signatures of more than two thirds of the weight of
/// the current set, which the set before it named, back to the first.
///
/// # Rules of a checkpoint
/// Refused, in this order and each by the error of its name, cheap ones before any signature is looked at:
/// 1. *paused*: the guardian has stopped submissions, for three days at most.
/// 2. *genesis*: it is of this chain.
/// 3. *newer*: its number is greater than that of the last one that landed.
/// 4. *handover*: the set that signs is the current one, and it names the next. So no handover can be left out.
/// 5. *leaves*: it has no more leaves than the tree of scores has room for.
/// 6. *set*: the words hash to the current set. Their order and sum were fixed when the set was named.
/// 7. *bitmap*: one bit for each signer, none beyond, and as many signatures as bits.
/// 8. *low-s*: a signature has its `s` in the lower half, so it has no twin.
/// 9. *signer*: it is of the signer whose bit it stands for, over this checkpoint, for this contract and chain id
///    (*chain-bound*). So strangers, disorder and one signer counted twice cannot be.
/// 10. *quorum*: the signers have more than two thirds of the whole set's weight.
///
/// # What the guardian can do
/// - *Pause* submissions for three days, then not again for thirty. Everything that landed can be read meanwhile.
/// - *Name another set*, if no checkpoint has landed for thirty days (a pause does not count), after announcing it for
///   fourteen more. Any checkpoint that lands in that time ends it, and nothing can be paused then.
/// Where the guardian is zero, nobody can do either. It cannot land a checkpoint, or change what is kept.
contract ElapseAnchor {
	/// @notice *paused*.
	error Paused();
	/// @notice *genesis*.
	error Genesis();
	/// @notice *newer*.
	error Newer();
	/// @notice *handover*.
	error Handover();
	/// @notice *leaves*.
	error Leaves();
	/// @notice *set*.
	error Set();
	/// @notice *bitmap*.
	error Bitmap();
	/// @notice *low-s*.
	error LowS();
	/// @notice *signer*.
	error Signer();
	/// @notice *quorum*.
	error Quorum();
	/// @notice There is no such checkpoint among those that are kept.
	error NotRetained();
	/// @notice Only the guardian can do this.
	error NotGuardian();
	/// @notice The guardian cannot do this now.
	error TooEarly();

	/// @notice A checkpoint has landed.
	event CheckpointLanded(uint64 indexed number, uint64 indexed signers, bytes32 blockHash, address relayer);
	/// @notice From now on another set signs.
	event SignersChanged(uint64 indexed id, bytes32 hash);
	/// @notice The current set's words are kept as the code of `code`: submissions can leave them out.
	event SignersPublished(uint64 indexed id, address code);
	/// @notice Submissions are stopped.
	event PausedUntil(uint256 time);
	/// @notice If no checkpoint lands until `ready`, the guardian can name a set with this hash.
	event RecoveryProposed(bytes32 hash, uint256 ready);

	/// @dev All that a submission needs to know before it is worth anything.
	/// @param signers Id of the current set.
	/// @param number The last checkpoint that landed.
	/// @param count How many have.
	/// @param alive When the last one did, or this contract or its last recovery was made.
	/// @param pausedUntil When the last pause ends.
	struct Head {
		uint64 signers;
		uint64 number;
		uint48 count;
		uint40 alive;
		uint40 pausedUntil;
	}

	/// @dev The current set's words, as code. Zero if nobody has published them.
	struct Published {
		address code;
		uint96 total;
	}

	/// @dev It holds as long as `count` is that of the head: whatever lands ends it, and pays nothing for that.
	struct Recovery {
		bytes32 hash;
		uint48 count;
		uint40 ready;
	}

	/// @notice How many checkpoints are kept.
	uint256 public constant RETAINED = 256;
	/// @notice Most signers in a set: more would not fit into a contract's code, nor their signatures into a transaction.
	uint256 public constant MAX_SIGNERS = 700;
	/// @notice How long a pause lasts.
	uint256 public constant PAUSE = 3 days;
	/// @notice How long there is none after one.
	uint256 public constant PAUSE_GAP = 30 days;
	/// @notice How long nothing must have landed before a recovery can be announced.
	uint256 public constant SILENCE = 30 days;
	/// @notice How long it is announced.
	uint256 public constant NOTICE = 14 days;

	bytes32 private constant SIGNERS = keccak256("elapse/signers");
	bytes32 private constant CHECKPOINT = keccak256(
		"Checkpoint(bytes32 genesis,uint64 epoch,uint64 number,bytes32 blockHash,bytes32 stateRoot,bytes32 historyRoot,uint64 historyLeaves,bytes32 trustRoot,uint64 trustLeaves,uint64 signers,bytes32 nextSigners)"
	);

	/// @notice Hash of the first block of the chain that is anchored here.
	bytes32 public immutable genesis;
	/// @notice Who can pause and recover; zero for nobody.
	address public immutable guardian;
	/// @notice Hash of the current set: of its id, its weight and its words.
	bytes32 public signersHash;

	Head private _head;
	Published private _published;
	Recovery private _recovery;
	/// @dev The checkpoint that landed as number `i`, counted from 0, stands at `i % RETAINED`.
	Landed[RETAINED] private _ring;

	modifier onlyGuardian() {
		if (msg.sender != guardian) revert NotGuardian();
		_;
	}

	/// @param genesis_ Hash of the chain's first block.
	/// @param id Id of the set that signs first.
	/// @param signers Its words.
	/// @param guardian_ Who can pause and recover; zero for nobody.
	constructor(bytes32 genesis_, uint64 id, bytes memory signers, address guardian_) {
		if (genesis_ == 0) revert Genesis();
		(bool good, uint256 total) = Words.sum(signers, MAX_SIGNERS);
		if (!good) revert Set();
		genesis = genesis_;
		guardian = guardian_;
		_head.alive = uint40(block.timestamp);
		_change(id, _hashOf(id, total, signers));
	}

	/// @notice Lands a checkpoint. Anybody may.
	/// @param signers The current set's words, or nothing if they were published.
	/// @param bitmap Bit `i`, from the lowest of the first byte on, says that signer `i` has signed.
	/// @param signatures In order, 64 bytes each: r, and s with the recovery id as its highest bit (EIP-2098).
	function submit(
		Checkpoint calldata checkpoint_,
		bytes calldata signers,
		bytes calldata bitmap,
		bytes calldata signatures
	) external {
		Head memory head = _head;
		if (block.timestamp < head.pausedUntil) revert Paused();
		if (checkpoint_.genesis != genesis) revert Genesis();
		if (checkpoint_.number <= head.number) revert Newer();
		if (checkpoint_.signers != head.signers || checkpoint_.nextSigners == 0) revert Handover();
		if (checkpoint_.trustLeaves > 1 << Merkle.SCORE_DEPTH) revert Leaves();

		bytes32 current = signersHash;
		(bytes memory words, uint256 total) = _words(head.signers, current, signers);
		bytes32 digest = Eip712.digest(address(this), keccak256(abi.encode(CHECKPOINT, checkpoint_)));
		if (!Words.isQuorum(_votes(words, bitmap, signatures, digest), total)) revert Quorum();

		_ring[head.count % RETAINED] = Landed({
			number: checkpoint_.number,
			epoch: checkpoint_.epoch,
			historyLeaves: checkpoint_.historyLeaves,
			trustLeaves: uint24(checkpoint_.trustLeaves),
			landed: uint40(block.timestamp),
			blockHash: checkpoint_.blockHash,
			stateRoot: checkpoint_.stateRoot,
			historyRoot: checkpoint_.historyRoot,
			trustRoot: checkpoint_.trustRoot
		});
		head.number = checkpoint_.number;
		head.count += 1;
		head.alive = uint40(block.timestamp);
		_head = head;
		emit CheckpointLanded(checkpoint_.number, checkpoint_.signers, checkpoint_.blockHash, msg.sender);
		if (checkpoint_.nextSigners != current) _change(head.signers + 1, checkpoint_.nextSigners);
	}

	/// @notice Keeps the current set's words as code, so that submissions can leave them out: for large sets. Anybody may.
	/// @param id Id of the current set.
	/// @param total Sum of its weights.
	/// @param signers Its words.
	function publishSigners(uint64 id, uint64 total, bytes calldata signers) external {
		(bool good, uint256 sum) = Words.sum(signers, MAX_SIGNERS);
		if (!good || sum != total || _hashOf(id, sum, signers) != signersHash) revert Set();
		// A creation that returns what follows it: a zero byte, so that the code stops when it is called, and the words.
		bytes memory creation = abi.encodePacked(hex"61", uint16(signers.length + 1), hex"80600a3d393df300", signers);
		address code;
		assembly ("memory-safe") {
			code := create(0, add(creation, 32), mload(creation))
		}
		if (code == address(0)) revert Set();
		_published = Published({code: code, total: uint96(sum)});
		emit SignersPublished(id, code);
	}

	/// @notice Stops submissions for three days.
	function pause() external onlyGuardian {
		Head memory head = _head;
		bool again = head.pausedUntil != 0 && block.timestamp < head.pausedUntil + PAUSE_GAP;
		if (again || _isPending(_recovery, head)) revert TooEarly();
		_head.pausedUntil = uint40(block.timestamp + PAUSE);
		emit PausedUntil(block.timestamp + PAUSE);
	}

	/// @notice Announces another set, if nothing has landed for long. Announcing again takes the place of what was
	/// announced, and begins its time anew.
	/// @param hash Hash of the set: with an id one greater than the current one's.
	function proposeRecovery(bytes32 hash) external onlyGuardian {
		Head memory head = _head;
		if (hash == 0) revert Handover();
		uint256 since = head.alive > head.pausedUntil ? head.alive : head.pausedUntil;
		if (block.timestamp < since + SILENCE) revert TooEarly();
		uint256 ready = block.timestamp + NOTICE;
		_recovery = Recovery({hash: hash, count: head.count, ready: uint40(ready)});
		emit RecoveryProposed(hash, ready);
	}

	/// @notice Names the set that was announced, if nothing has landed since.
	function recover() external onlyGuardian {
		Recovery memory recovery_ = _recovery;
		Head memory head = _head;
		if (!_isPending(recovery_, head) || block.timestamp < recovery_.ready) revert TooEarly();
		delete _recovery;
		_head.alive = uint40(block.timestamp);
		_change(head.signers + 1, recovery_.hash);
	}

	/// @notice The checkpoint that landed last; all zero before the first.
	function latest() external view returns (Landed memory) {
		uint256 count = _head.count;
		return _ring[(count + RETAINED - 1) % RETAINED];
	}

	/// @notice A checkpoint that is kept, by the number of its block.
	function checkpoint(uint64 number) external view returns (Landed memory) {
		(bool found, Landed storage kept) = _find(number);
		if (!found) revert NotRetained();
		return kept;
	}

	/// @notice Whether a block is in the history under a checkpoint that is kept.
	/// @param checkpointNumber Number of that checkpoint's block.
	/// @param leaf What is to be proved.
	/// @param leafIndex Its place: the number of its block.
	/// @param items The proof, as the chain's `bridge_historyProof` gives it.
	function verifyHistory(
		uint64 checkpointNumber,
		HistoryLeaf calldata leaf,
		uint64 leafIndex,
		bytes32[] calldata items
	) external view returns (bool) {
		(bool found, Landed storage kept) = _find(checkpointNumber);
		return found && Merkle.provesBlock(kept.historyRoot, kept.historyLeaves, leaf, leafIndex, items);
	}

	/// @notice Id of the set that signs.
	function signersId() external view returns (uint64) {
		return _head.signers;
	}

	/// @notice How many checkpoints have landed.
	function landedCount() external view returns (uint256) {
		return _head.count;
	}

	/// @notice When submissions are taken again, if that is in the future.
	function pausedUntil() external view returns (uint256) {
		return _head.pausedUntil;
	}

	/// @notice Where the current set's words are kept as code; zero if nobody has published them.
	function published() external view returns (address) {
		return _published.code;
	}

	/// @notice The set that the guardian has announced, and when it can name it; zero if there is none.
	function recovery() external view returns (bytes32 hash, uint256 ready) {
		Recovery memory recovery_ = _recovery;
		return _isPending(recovery_, _head) ? (recovery_.hash, recovery_.ready) : (bytes32(0), 0);
	}

	/// @dev From now on another set signs. What was published of the one before is forgotten.
	function _change(uint64 id, bytes32 hash) private {
		_head.signers = id;
		signersHash = hash;
		if (_published.code != address(0)) delete _published;
		emit SignersChanged(id, hash);
	}

	/// @dev The current set's words, from where they are, and the sum of their weights (rule *set*).
	function _words(uint64 id, bytes32 hash, bytes calldata signers)
		private
		view
		returns (bytes memory words, uint256 total)
	{
		if (signers.length != 0) {
			words = signers;
			bool good;
			(good, total) = Words.sum(words, MAX_SIGNERS);
			if (!good || _hashOf(id, total, words) != hash) revert Set();
		} else {
			// They were checked when they were published.
			Published memory published_ = _published;
			if (published_.code == address(0)) revert Set();
			(address code, uint256 length) = (published_.code, published_.code.code.length - 1);
			words = new bytes(length);
			assembly ("memory-safe") {
				extcodecopy(code, add(words, 32), 1, length)
			}
			total = published_.total;
		}
	}

	/// @dev The weight that has signed (rules *bitmap*, *low-s*, *signer*).
	function _votes(bytes memory words, bytes calldata bitmap, bytes calldata signatures, bytes32 digest)
		private
		pure
		returns (uint256 votes)
	{
		uint256 length = words.length / 32;
		if (bitmap.length != (length + 7) / 8) revert Bitmap();
		if (length % 8 != 0 && uint8(bitmap[bitmap.length - 1]) >> (length % 8) != 0) revert Bitmap();
		if (signatures.length != Words.ones(bitmap) * 64) revert Bitmap();

		uint256 from;
		// Nothing below can overflow: at most 700 numbers of 64 bits are added.
		unchecked {
			for (uint256 i; i < bitmap.length; ++i) {
				uint256 bits = uint8(bitmap[i]);
				for (uint256 j = i * 8; bits != 0; (bits >>= 1, ++j)) {
					if (bits & 1 == 0) continue;
					address signer = _signer(digest, signatures, from);
					from += 64;
					(address expected, uint256 more) = Words.get(words, j);
					// No word has the address zero, which stands for a signature that nobody made. It is asked for all
					// the same.
					if (signer == address(0) || signer != expected) revert Signer();
					votes += more;
				}
			}
		}
	}

	/// @dev Who has made the signature in the 64 bytes at `from`, which must be there (rule *low-s*).
	function _signer(bytes32 digest, bytes calldata signatures, uint256 from) private pure returns (address) {
		bytes32 r;
		uint256 vs;
		assembly ("memory-safe") {
			r := calldataload(add(signatures.offset, from))
			vs := calldataload(add(signatures.offset, add(from, 32)))
		}
		uint256 s = vs & type(uint256).max >> 1;
		if (!Secp256k1.isLow(s)) revert LowS();
		return Secp256k1.recover(digest, r, s, vs >> 255);
	}

	/// @dev Among those that are kept, of which numbers ascend.
	function _find(uint64 number) private view returns (bool, Landed storage kept) {
		uint256 to = _head.count;
		uint256 from = to > RETAINED ? to - RETAINED : 0;
		kept = _ring[(to + RETAINED - 1) % RETAINED];
		if (to == 0 || kept.number == number) return (to != 0, kept);
		while (from < to) {
			uint256 middle = (from + to) / 2;
			kept = _ring[middle % RETAINED];
			if (kept.number == number) return (true, kept);
			if (kept.number < number) from = middle + 1;
			else to = middle;
		}
		return (false, kept);
	}

	function _isPending(Recovery memory recovery_, Head memory head) private pure returns (bool) {
		return recovery_.hash != 0 && recovery_.count == head.count;
	}

	function _hashOf(uint64 id, uint256 total, bytes memory words) private pure returns (bytes32) {
		return keccak256(abi.encodePacked(SIGNERS, uint256(id), total, words));
	}
}
