#!/usr/bin/env node
// The command line: `--help` says what it does. On top of the library, without anything of its own but words.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

// What cannot be loaded is no verdict, so it must not end as an import does that fails: with status 1.
const { ESC_CHAIN_ID, MAX_AGE_SECONDS, MAX_LAG_SECONDS, Trouble, escReader, provenScore, verifyScore } =
	await import('../dist/index.js').catch((error) => {
		console.error(`no verdict (bug): the library is not built (npm ci && npm run build): ${error.message}`);
		process.exit(2);
	});

const HELP = `Checks a node's score against the Elastos Smart Chain (ESC), and believes nobody else.

  elapse-verify-score --esc URL[,URL...] --scores ADDRESS --gateway URL --node NODE
  elapse-verify-score --esc URL[,URL...] --scores ADDRESS --answer FILE --node NODE

  --esc URL[,URL]   ESC endpoints: what is trusted. Take several, of people who have nothing to do with each other;
                    they must all answer, and agree. May be given more than once
  --scores ADDRESS  the contract TrustScores
  --gateway URL     any Elapse node, which is not trusted: asked over HTTP for the proof under the checkpoint that
                    landed last
  --answer FILE     or what a node has answered to bridge_scoreProof: the JSON, with or without its JSON-RPC
                    envelope; - for standard input
  --node NODE       the node: 0x and 64 digits, or its SS58 address

  --least N         the least score that is good enough (0)
  --max-age S       how many seconds ago the checkpoint may have landed (${MAX_AGE_SECONDS}, a day), or 'any'
  --max-lag S       how many seconds the newest block of ESC may be from this machine's clock (${MAX_LAG_SECONDS}), or 'any'
  --quorum N        how many ESC endpoints must answer (all); whoever answers must agree
  --chain-id N      the chain that the contract is on (${ESC_CHAIN_ID}: ESC; 21: its test network)
  --json            prints the verdict as JSON, in one line; whole numbers beyond 2^53 are strings
  --help

Exit status: 0 the score is proved; 1 it is not, and the rule says why; 2 nobody can say: ESC or the gateway does not
answer, endpoints contradict each other, or the command is wrong.

  elapse-verify-score --esc https://api.elastos.io/esc --scores 0x... --gateway http://127.0.0.1:9944 \\
      --node 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY --least 500000 && echo trusted
`;

const usage = (message) => new Trouble('usage', `${message} (--help says more)`);

function whole(name, text) {
	if (!/^\d{1,20}$/.test(text)) throw usage(`--${name}: '${text}' is no whole number`);
	return BigInt(text);
}
const seconds = (name, text) => (text === 'any' ? Infinity : Number(whole(name, text)));
/** Options that were not given are left out. */
const given = (options) => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

function read(file) {
	let answer;
	try {
		answer = JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8'));
	} catch (error) {
		throw usage(`--answer: ${file} cannot be read: ${error.message}`);
	}
	return answer?.jsonrpc === undefined ? answer : answer.result;
}

function command() {
	const one = { type: 'string' };
	try {
		return parseArgs({
			options: {
				esc: { type: 'string', multiple: true },
				scores: one,
				gateway: one,
				answer: one,
				node: one,
				least: one,
				'max-age': one,
				'max-lag': one,
				quorum: one,
				'chain-id': one,
				json: { type: 'boolean' },
				help: { type: 'boolean' },
			},
		}).values;
	} catch (error) {
		throw usage(error.message);
	}
}

async function verdict(asked) {
	for (const name of ['esc', 'scores', 'node']) if (asked[name] === undefined) throw usage(`--${name} is missing`);
	if ((asked.gateway === undefined) === (asked.answer === undefined))
		throw usage('either --gateway or --answer is needed');
	const number = (name, how) => (asked[name] === undefined ? undefined : how(name, asked[name]));
	const count = (name, text) => Number(whole(name, text));
	const options = given({
		esc: escReader(
			asked.esc.flatMap((urls) => urls.split(',')).filter((url) => url !== ''),
			given({ quorum: number('quorum', count) }),
		),
		scores: asked.scores,
		node: asked.node,
		least: number('least', whole),
		maxAgeSeconds: number('max-age', seconds),
		maxLagSeconds: number('max-lag', seconds),
		chainId: number('chain-id', count),
	});
	return asked.gateway === undefined
		? verifyScore({ ...options, answer: read(asked.answer) })
		: provenScore({ ...options, gateway: asked.gateway });
}

const plainNumber = (_, value) => {
	if (typeof value !== 'bigint') return value;
	return value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value);
};

function told(result) {
	if (!result.valid) return `not valid, by the rule ${result.rule}: ${result.reason}`;
	const { author, node, score, epoch, signer, checkpoint, landed, ageSeconds, newest } = result;
	return [
		`valid: ${author} has the score ${score}`,
		`  node        ${node}`,
		`  signer      ${signer ?? 'none'}`,
		`  since       epoch ${epoch} of Elapse`,
		`  checkpoint  #${checkpoint}, landed ${new Date(landed * 1000).toISOString()}, ${ageSeconds} s ago` +
			(newest ? ', the newest' : '; newer ones have landed since'),
	].join('\n');
}

// Not `process.exit`, which may cut off what is being printed into a pipe.
let json = process.argv.includes('--json');
try {
	const asked = command();
	json = asked.json === true;
	if (asked.help) process.stdout.write(HELP);
	else {
		const result = await verdict(asked);
		console.log(json ? JSON.stringify(result, plainNumber) : told(result));
		process.exitCode = result.valid ? 0 : 1;
	}
} catch (error) {
	const kind = error instanceof Trouble ? error.kind : 'bug';
	if (json) console.log(JSON.stringify({ trouble: kind, reason: error.message }));
	else console.error(`no verdict (${kind}): ${error instanceof Trouble ? error.message : error.stack}`);
	process.exitCode = 2;
}
