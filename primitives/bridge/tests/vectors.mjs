// What another implementation makes of the same things: `npm i ethers@6 && node vectors.mjs > vectors.json`.
import { AbiCoder, concat, hexlify, id, keccak256, Signature, toBeHex, TypedDataEncoder, Wallet, ZeroHash } from 'ethers';

const abi = AbiCoder.defaultAbiCoder();
const b32 = (byte) => '0x' + byte.repeat(32);
const word = (n) => toBeHex(n, 32);

// Signers.
const wordOf = ({ address, weight }) => toBeHex((BigInt(address) << 96n) | BigInt(weight), 32);
const hashOf = (setId, signers) => {
	const total = signers.reduce((sum, signer) => sum + BigInt(signer.weight), 0n);
	const head = abi.encode(['bytes32', 'uint256', 'uint256'], [id('elapse/signers'), setId, total]);
	return { total: total.toString(), words: signers.map(wordOf), hash: keccak256(concat([head, ...signers.map(wordOf)])) };
};
const walletOf = (n) => new Wallet(word(1000 + n));
const byAddress = (a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1);
const setOf = (count, weight) => [...Array(count).keys()]
	.map((n) => ({ wallet: walletOf(n), address: walletOf(n).address.toLowerCase(), weight: weight(n).toString() }))
	.sort(byAddress);
const signers = [
	{ setId: 0, signers: [] },
	{ setId: 0, signers: setOf(1, () => 1n) },
	{ setId: 7, signers: setOf(4, (n) => 250_000n * BigInt(n + 1)) },
	{ setId: '18446744073709551615', signers: setOf(3, (n) => [1n, 2n, 18446744073709551612n][n]) },
].map(({ setId, signers }) => ({
	id: String(setId),
	signers: signers.map(({ address, weight }) => ({ address, weight })),
	...hashOf(setId, signers),
}));

// Checkpoints and certificates.
const types = { Checkpoint: [
	['bytes32', 'genesis'], ['uint64', 'epoch'], ['uint64', 'number'], ['bytes32', 'blockHash'], ['bytes32', 'stateRoot'],
	['bytes32', 'historyRoot'], ['uint64', 'historyLeaves'], ['bytes32', 'trustRoot'], ['uint64', 'trustLeaves'],
	['uint64', 'signers'], ['bytes32', 'nextSigners'],
].map(([type, name]) => ({ name, type })) };
const checkpoints = [];
for (const [chainId, contract, count, chosen] of [
	[0, '0x' + '00'.repeat(20), 1, [0]],
	[20, '0x' + '07'.repeat(20), 4, [0, 2, 3]],
	[21, '0x52908400098527886e0f7030069857d2e4169ee7', 17, [...Array(17).keys()]],
	[20, '0x' + '07'.repeat(20), 9, [1, 2, 3, 4, 5, 6, 8]],
]) {
	const domain = { name: 'Elapse', version: '1', chainId, verifyingContract: contract };
	const set = setOf(count, (n) => 1000n + BigInt(n));
	const max = '18446744073709551615';
	const message = {
		genesis: b32('01'), epoch: count === 17 ? max : 3, number: count === 17 ? max : 1000, blockHash: b32('02'), stateRoot: b32('03'),
		historyRoot: b32('04'), historyLeaves: 1000, trustRoot: b32('05'), trustLeaves: 12, signers: 7, nextSigners: hashOf(8, set).hash,
	};
	const digest = TypedDataEncoder.hash(domain, types, message);
	const bitmap = new Uint8Array(Math.ceil(count / 8));
	const signatures = [];
	for (const index of chosen) {
		bitmap[index >> 3] |= 1 << (index & 7);
		signatures.push(Signature.from(set[index].wallet.signingKey.sign(digest)).compactSerialized);
	}
	checkpoints.push({
		chainId, contract, message: Object.fromEntries(Object.entries(message).map(([k, v]) => [k, String(v)])),
		type: TypedDataEncoder.from(types).encodeType('Checkpoint'), struct: TypedDataEncoder.from(types).hash(message), digest,
		set: { id: '7', signers: set.map(({ address, weight }) => ({ address, weight })), ...hashOf(7, set) },
		votes: chosen.reduce((sum, index) => sum + BigInt(set[index].weight), 0n).toString(),
		bitmap: hexlify(bitmap), signatures, full: chosen.map((index) => set[index].wallet.signingKey.sign(digest).serialized),
	});
}

// The score tree, all of it, level by level.
const inner = (left, right) => keccak256(concat([left, right]));
const DEPTH = 17;
const empty = [ZeroHash];
for (let level = 0; level < DEPTH; level++) empty.push(inner(empty[level], empty[level]));
const scoreLeaf = ({ epoch, node, score, index, signer }) =>
	keccak256(abi.encode(['bytes32', 'uint256', 'bytes32', 'uint256', 'uint256', 'address'], [id('elapse/score'), epoch, node, score, index, signer]));
const trees = [0, 1, 2, 3, 5, 8, 13].map((count) => {
	const leaves = [...Array(count).keys()].map((index) => ({ epoch: 40 + index, node: keccak256(word(index)), score: 1_000_000 - 7 * index, index, signer: walletOf(index).address.toLowerCase() }));
	const levels = [leaves.map(scoreLeaf)];
	for (let level = 0; level < DEPTH; level++) {
		const below = levels[level];
		levels.push([...Array(Math.ceil(below.length / 2)).keys()].map((n) => inner(below[2 * n], below[2 * n + 1] ?? empty[level])));
	}
	const proofs = leaves.map((leaf) => ({
		...leaf, hash: scoreLeaf(leaf),
		siblings: [...Array(DEPTH).keys()].map((level) => levels[level][(leaf.index >> level) ^ 1] ?? empty[level]),
	}));
	return { leaves: count, root: levels[DEPTH][0] ?? empty[DEPTH], proofs };
});

// The history, by the definition of a mountain range: perfect trees over the bits of the number of leaves.
const u64 = (n) => toBeHex(n, 8);
const historyLeaf = (n) => {
	const leaf = { number: n, blockHash: keccak256(word(5000 + n)), trustRoot: keccak256(word(6000 + n)), trustLeaves: 3 * n, committees: ZeroHash };
	if (n % 3 === 1) {
		leaf.concluded = [...Array(n % 4 + 1).keys()].map((k) => ({ round: 10 * n + k, root: keccak256(word(7000 + n + k)) }));
		leaf.committees = keccak256(concat(leaf.concluded.map(({ round, root }) => abi.encode(['uint256', 'bytes32'], [round, root]))));
	}
	leaf.bytes = concat([u64(leaf.number), leaf.blockHash, leaf.trustRoot, u64(leaf.trustLeaves), leaf.committees]);
	return leaf;
};
const leafHashes = [...Array(64).keys()].map((n) => keccak256(historyLeaf(n).bytes));
const tree = (from, size) => (size === 1 ? leafHashes[from] : inner(tree(from, size / 2), tree(from + size / 2, size / 2)));
const bag = (peaks) => peaks.reduceRight((right, left) => (right === undefined ? left : inner(right, left)), undefined);
const mountains = (count) => {
	const found = [];
	for (let size = 64, from = 0; size >= 1; size /= 2) if (count & size) { found.push([from, size]); from += size; }
	return found;
};
const siblings = (index, from, size) => {
	if (size === 1) return [];
	const half = size / 2, right = index >= from + half;
	return [...siblings(index, right ? from + half : from, half), tree(right ? from : from + half, half)];
};
const history = [[0, 1], [0, 2], [1, 2], [2, 3], [0, 3], [4, 7], [6, 7], [3, 7], [7, 8], [0, 11], [8, 11], [10, 11], [20, 31], [30, 31], [5, 42], [41, 42], [33, 42]]
	.map(([index, leaves]) => {
		const all = mountains(leaves), at = all.findIndex(([from, size]) => index >= from && index < from + size);
		const right = bag(all.slice(at + 1).map(([from, size]) => tree(from, size)));
		const items = [...all.slice(0, at).map(([from, size]) => tree(from, size)), ...siblings(index, ...all[at]), ...(right === undefined ? [] : [right])];
		return { index, leaves, root: bag(all.map(([from, size]) => tree(from, size))), leaf: historyLeaf(index), items };
	});

console.log(JSON.stringify({ signers, checkpoints, empty, trees, history }, null, '\t'));
