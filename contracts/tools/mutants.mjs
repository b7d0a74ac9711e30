#!/usr/bin/env node
// Breaks the contracts in one place after another, in a copy, and sees whether a test fails. A place where none does is a rule
// that nobody tests. Takes about a minute each: not part of `test.sh`.
//
//   node tools/mutants.mjs [part of a file's name or of what is there]

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** File, what is there, what takes its place; which test in JavaScript knows, if forge's do not. */
const MUTANTS = [
	['ElapseAnchor', 'if (block.timestamp < head.pausedUntil) revert Paused();', ''],
	['ElapseAnchor', 'if (checkpoint_.genesis != genesis) revert Genesis();', ''],
	['ElapseAnchor', 'checkpoint_.number <= head.number', 'checkpoint_.number < head.number'],
	['ElapseAnchor', 'checkpoint_.signers != head.signers || ', ''],
	['ElapseAnchor', ' || checkpoint_.nextSigners == 0', ''],
	['ElapseAnchor', 'if (checkpoint_.trustLeaves > 1 << Merkle.SCORE_DEPTH) revert Leaves();', ''],
	['ElapseAnchor', 'if (!good || _hashOf(id, total, words) != hash) revert Set();', ''],
	['ElapseAnchor', 'if (bitmap.length != (length + 7) / 8) revert Bitmap();', ''],
	[
		'ElapseAnchor',
		'if (length % 8 != 0 && uint8(bitmap[bitmap.length - 1]) >> (length % 8) != 0) revert Bitmap();',
		'',
	],
	['ElapseAnchor', 'if (signatures.length != Words.ones(bitmap) * 64) revert Bitmap();', ''],
	['ElapseAnchor', 'if (!Secp256k1.isLow(s)) revert LowS();', ''],
	['ElapseAnchor', '|| signer != expected', ''],
	[
		'ElapseAnchor',
		'if (!Words.isQuorum(_votes(words, bitmap, signatures, digest), total)) revert Quorum();',
		'_votes(words, bitmap, signatures, digest);',
	],
	['ElapseAnchor', 'if (_published.code != address(0)) delete _published;', ''],
	['ElapseAnchor', '|| sum != total ||', '||'],
	['ElapseAnchor', 'recovery_.hash != 0 && recovery_.count == head.count', 'recovery_.hash != 0'],
	['ElapseAnchor', 'if (block.timestamp < since + SILENCE) revert TooEarly();', ''],
	['ElapseAnchor', 'head.alive > head.pausedUntil ? head.alive : head.pausedUntil', 'head.alive'],
	['ElapseAnchor', '|| block.timestamp < recovery_.ready', ''],
	['ElapseAnchor', 'again || _isPending(_recovery, head)', 'again'],
	['ElapseAnchor', 'if (again || _isPending', 'if (_isPending'],
	['ElapseAnchor', '_head.alive = uint40(block.timestamp);\n\t\t_change(head', '_change(head'],
	['ElapseAnchor', 'head.alive = uint40(block.timestamp);\n\t\t_head = head;', '_head = head;'],
	['ElapseAnchor', 'if (msg.sender != guardian) revert NotGuardian();', ''],
	['lib/Words', 'who <= last || ', ''],
	['lib/Words', 'more == 0 || ', ''],
	['lib/Words', ' || more > type(uint64).max', ''],
	['lib/Words', ' || length > most', ''],
	['lib/Words', 'votes * 3 > total * 2', 'votes * 3 >= total * 2'],
	['lib/Eip712', 'block.chainid', 'uint256(20)'],
	['lib/Eip712', ', verifyingContract)', ', address(0))'],
	['lib/Merkle', 'proof.index >= leaves', 'false'],
	['lib/Merkle', ' || leaves > 1 << SCORE_DEPTH', ''],
	['lib/Merkle', ', uint256(uint160(proof.signer))', ''],
	['lib/Merkle', 'uint256(uint160(proof.signer))', 'uint256(0)'],
	['lib/Merkle', 'index >= leaves || leaf.number != index', 'leaf.number != index'],
	['lib/Merkle', 'index >= leaves || leaf.number != index', 'index >= leaves'],
	['lib/Merkle', 'if (items.length != left + height + (right ? 1 : 0)) return false;', ''],
	['lib/Merkle', 'if (width % 2 == 1) row[pairs] = row[width - 1];', '', 'verdicts'],
	['Verdicts', 'if (verdict.genesis != anchor.genesis()) revert Genesis();', '', 'verdicts'],
	['Verdicts', 'if (verdictOf[verdict.round] != 0) revert Recorded();', '', 'verdicts'],
	['Verdicts', 'conclusion.round != verdict.round || ', '', 'verdicts'],
	['Verdicts', ' || conclusion.committee != verdict.committee', '', 'verdicts'],
	['Verdicts', 'keccak256(pairs) == proof.leaf.committees\n\t\t\t&& ', '', 'verdicts'],
	[
		'Verdicts',
		'\n\t\t\t&& anchor.verifyHistory(proof.checkpoint, proof.leaf, proof.leaf.number, proof.items)',
		'',
		'verdicts',
	],
	['Verdicts', '!good || Merkle.committeeRoot(verdict.round, words) != verdict.committee', '!good', 'verdicts'],
	['Verdicts', '!Secp256k1.isLow(s) || parity > 1', 'parity > 1', 'verdicts'],
	// Without `parity > 1` nothing changes: the precompile knows 27 and 28 alone.
	['Verdicts', 'if (signer <= last) revert Ascending();', '', 'verdicts'],
	['Verdicts', 'if (sitting != signer) revert Seated();', '', 'verdicts'],
	['Verdicts', 'if (!Words.isQuorum(votes, total)) revert Quorum();', '', 'verdicts'],
	['Verdicts', 'if (verdict.expected > total) total = verdict.expected;', '', 'verdicts'],
	['Verdicts', 'if (verdict.expected > total) total', 'total', 'verdicts'],
	['Verdicts', 'verdict.judgement == 0 && ', '', 'verdicts'],
	['EvidenceCheck', 'if (Blake2b.hash256(opened) != verdict.evidence) revert Evidence();', '', 'evidence'],
	['EvidenceCheck', 'if (Blake2b.hash256(encoded) != opening.application) revert Evidence();', '', 'evidence'],
	['EvidenceCheck', 'if (Blake2b.hash256(encoded) != opening.answer) revert Evidence();', '', 'evidence'],
	['EvidenceCheck', 'if (parsed.author != verdict.subject) revert Evidence();', '', 'evidence'],
	[
		'EvidenceCheck',
		'if (verdicts.verdictOf(verdict.round) != verdicts.hashOf(verdict)) revert NotRecorded();',
		'',
		'evidence',
	],
	['EvidenceCheck', 'if (verdict.judgement != 0) revert NotAdmitting();', '', 'evidence'],
	['EvidenceCheck', 'if (finding == Finding.Stands) revert Stands();', '', 'evidence'],
	['EvidenceCheck', 'if (round != verdict.round) revert Superseded();', '', 'evidence'],
	['EvidenceCheck', 'if (!known) revert Unsupported();', '', 'evidence'],
	['EvidenceCheck', 'if (!Probe.isGood()) revert WrongChain();', '', 'evidence'],
	[
		'EvidenceCheck',
		'if (!cursor.isDone()) revert Malformed();\n\t}\n\n\t/// @dev `ep_trust::Quote`',
		'}\n\n\t/// @dev `ep_trust::Quote`',
		'evidence',
	],
	[
		'lib/Quote',
		'return key.attributes & (REQUIRED | DECRYPT) == REQUIRED;',
		'return key.attributes & REQUIRED == REQUIRED;',
		'evidence',
	],
	['lib/Quote', 'cursor.number(4) == MAGIC', 'cursor.number(4) != 0', 'evidence'],
	['lib/Quote', 'cursor.number(2) == QUOTE', 'cursor.number(2) != 0', 'evidence'],
	['lib/Quote', 'known = cursor.isDone() && known;', '', 'evidence'],
	['lib/Quote', 'own = cursor.number(2) == ALG_SHA256 && own;', 'cursor.number(2);', 'evidence'],
	['lib/Reader', 'if (value < 1 << 6) cursor.bad = true;', ''],
	['lib/Reader', 'if (value < 1 << 14) cursor.bad = true;', ''],
	['TrustScores', ' && !evidence.isFrozen(node)', '', 'evidence'],
	['example/TrustGate', 'if (score < least) revert TooLittleTrust();', '', 'gate'],
	[
		'example/TrustGate',
		'if (block.timestamp > scores.anchor().latest().landed + maxAge) revert Stale();',
		'',
		'gate',
	],
	['example/TrustGate', 'if (block.timestamp > until) revert Expired();', '', 'gate'],
	['example/TrustGate', 'signer == address(0) || ', '', 'gate'],
	['example/TrustGate', ' || signer != ecrecover(voucher(node, msg.sender, until), v, r, s)', '', 'gate'],
	['example/TrustGate', 'if (!scores.verify(node, score, proof)) revert NotProved();', '', 'gate'],
];

const copy = mkdtempSync(join(tmpdir(), 'elapse-mutants-')),
	inside = (path) => join(copy, 'contracts', path);
process.once('exit', () => rmSync(copy, { recursive: true, force: true }));
cpSync(join(root, 'contracts'), join(copy, 'contracts'), {
	recursive: true,
	filter: (path) => !/\/(node_modules|cache|out)$/.test(path),
});
symlinkSync(join(root, 'contracts/node_modules'), inside('node_modules'));
for (const folder of ['primitives', 'benches']) symlinkSync(join(root, folder), join(copy, folder));

const forge = (...rest) =>
	spawnSync(inside('node_modules/.bin/forge'), rest, {
		cwd: inside('.'),
		encoding: 'utf8',
		env: { ...process.env, FOUNDRY_FUZZ_RUNS: '64', FOUNDRY_INVARIANT_RUNS: '2' },
	});
let killed = 0;
const survived = [],
	wanted = MUTANTS.filter(([name, from]) => `${name}: ${from}`.includes(process.argv[2] ?? ''));
for (const [name, from, to, js] of wanted) {
	const file = inside(`src/${name}.sol`),
		source = readFileSync(file, 'utf8'),
		what = `${name}: ${from.replace(/\s+/g, ' ')} -> ${to.replace(/\s+/g, ' ') || 'nothing'}`;
	if (source.split(from).length !== 2) throw new Error(`${what}: is there ${source.split(from).length - 1} times`);
	writeFileSync(
		file,
		source.replace(from, () => to),
	);
	const built = forge('build');
	if (built.status !== 0) throw new Error(`${what}: does not compile\n${built.stdout}${built.stderr}`);
	const dead = js
		? spawnSync(process.execPath, ['--test', inside(`test/${js}.test.mjs`)], { cwd: inside('.') }).status !== 0
		: forge('test', '--no-match-contract', 'GasTest', '--fail-fast').status !== 0;
	writeFileSync(file, source);
	if (dead) killed += 1;
	else survived.push(what);
	console.log(`${dead ? 'killed  ' : 'SURVIVED'} ${what}`);
}
console.log(`${killed} of ${wanted.length} killed`);
for (const what of survived) console.log(`survived: ${what}`);
process.exitCode = survived.length ? 1 : 0;
