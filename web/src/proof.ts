// The tree of scores: a binary Merkle tree over Keccak-256, of one depth for ever. The same as `contracts/src/lib/Merkle.sol`
// and `primitives/bridge` have it.

import { type Hex, addressWord, fromHex, join, keccak, keccakOf, toHex, word } from './bytes.js';

/** Levels of the tree. */
export const DEPTH = 17;
const ROOM = 1n << BigInt(DEPTH);
const SCORE = keccakOf('elapse/score');

/** What stands in the tree of one node. */
export interface ScoreLeaf {
	/** The epoch in which the score last changed. */
	readonly epoch: bigint;
	/** The node: its key for lottery and seals. */
	readonly node: Hex;
	readonly score: bigint;
	/** The leaf's place. */
	readonly index: bigint;
	/** The node's address on ESC; zero if it has none. */
	readonly signer: Hex;
}

/** A leaf's hash: of six words, where an inner node is of two, so neither passes for the other. */
export const leafHash = ({ epoch, node, score, index, signer }: ScoreLeaf): Hex =>
	toHex(keccak(join(SCORE, word(epoch), fromHex(node), word(score), word(index), addressWord(signer))));

/** The root that leaf and siblings have. Which side a sibling is on follows from the index alone. */
export function rootOf(leaf: ScoreLeaf, siblings: readonly Hex[]): Hex {
	let hash = fromHex(leafHash(leaf));
	for (const [level, sibling] of siblings.entries()) {
		const right = ((leaf.index >> BigInt(level)) & 1n) === 1n;
		hash = keccak(right ? join(fromHex(sibling), hash) : join(hash, fromHex(sibling)));
	}
	return toHex(hash);
}

/** Which rule refuses a proof under `root` in a tree of so many leaves; nothing if it is right. */
export function refusedBy(
	root: Hex,
	leaves: bigint,
	leaf: ScoreLeaf,
	siblings: readonly Hex[],
): 'index' | 'root' | null {
	// Beyond the leaves, an index has turns that another has, too: once around, or in the empty end.
	if (leaf.index >= leaves || leaves > ROOM) return 'index';
	return siblings.length === DEPTH && rootOf(leaf, siblings) === root ? null : 'root';
}
