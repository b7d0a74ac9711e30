// The library in a browser, as it is built: modules, without a bundler and without anything of node. Takes a Chromium
// (CHROMIUM, or one on the PATH); without one it is skipped.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { GENESIS, checkpointOf, setOf } from '../../contracts/test/vectors.mjs';
import { world } from '../../contracts/test/world.mjs';
import { answerOf, forward, treeOf } from './world.mjs';

const names = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'].filter(Boolean);
const browser = names.find((name) => spawnSync(name, ['--version']).status === 0);
const TREE = treeOf(20);
const GOOD = answerOf(TREE, 7, 1000);

const PAGE = `<!doctype html>
<script type="importmap">{ "imports": { "@elapse/client": "/dist/index.js", "@noble/hashes/": "/node_modules/@noble/hashes/" } }</script>
<script type="module">
	const report = (what) => fetch('/report', { method: 'POST', body: JSON.stringify(what, (_, v) => (typeof v === 'bigint' ? Number(v) : v)) });
	try {
		const { escReader, provenScore, verifyScore } = await import('@elapse/client');
		const { scores, node, good } = await (await fetch('/case')).json();
		const to = { esc: location.origin + '/esc', scores, node };
		const down = { ...to, esc: escReader(location.origin + '/absent', { tries: 1 }), answer: good };
		await report([
			await provenScore({ ...to, gateway: location.origin + '/gateway' }),
			await verifyScore({ ...to, answer: { ...good, score: 1000000 } }),
			await verifyScore(down).catch(({ name, kind }) => ({ name, kind })),
		]);
	} catch (error) {
		await report({ failed: String(error?.stack ?? error) });
	}
</script>`;

test(
	'the library verifies a score in a browser',
	{ skip: browser ? false : 'there is no Chromium here', timeout: 120_000 },
	async () => {
		const set = setOf(4);
		const on = await world({ set, genesis: GENESIS });
		await on.land(set, checkpointOf(set, 1000, { trustRoot: TREE.root, trustLeaves: 20n }));
		const { url: esc } = on.provider._getConnection();
		let reported;
		const report = new Promise((resolve) => (reported = resolve));
		const server = createServer(async (request, response) => {
			const chunks = [];
			for await (const chunk of request) chunks.push(chunk);
			const body = Buffer.concat(chunks).toString();
			const send = (type, text) => response.writeHead(200, { 'content-type': type }).end(text);
			const json = (value) => send('application/json', JSON.stringify(value));
			const answer = (given) => json({ jsonrpc: '2.0', id: 1, ...(given?.error ? given : { result: given }) });
			const { method, params } = request.method === 'POST' && request.url !== '/report' ? JSON.parse(body) : {};
			if (request.url === '/') return send('text/html', PAGE);
			if (request.url === '/case') return json({ scores: on.scores.target, node: GOOD.node, good: GOOD });
			if (request.url === '/esc') return answer(await forward(esc, method, params));
			if (request.url === '/gateway') return answer(GOOD);
			if (request.url === '/report') return (reported(JSON.parse(body)), json(true));
			if (!/^\/(dist|node_modules\/@noble\/hashes)\/[\w-]+\.js$/.test(request.url))
				return response.writeHead(404).end();
			send('text/javascript', readFileSync(new URL(`..${request.url}`, import.meta.url)));
		});
		await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
		const profile = mkdtempSync(join(tmpdir(), 'elapse-browser-'));
		const flags = [
			'--headless',
			'--no-sandbox',
			'--disable-gpu',
			'--disable-dev-shm-usage',
			'--no-first-run',
			`--user-data-dir=${profile}`,
		];
		// A group of its own: the browser has children.
		const child = spawn(
			browser,
			[...flags, '--remote-debugging-port=0', `http://127.0.0.1:${server.address().port}/`],
			{ stdio: 'ignore', detached: true },
		);
		const ended = new Promise((resolve) => child.once('exit', resolve));
		try {
			const result = await Promise.race([report, ended.then(() => ({ failed: 'the browser ended' }))]);
			assert.equal(result.failed, undefined, result.failed);
			const [good, forged, down] = result;
			assert.deepEqual(
				[good.valid, good.score, good.signer, good.checkpoint],
				[true, GOOD.score, GOOD.signer, 1000],
			);
			assert.deepEqual([forged.valid, forged.rule], [false, 'root']);
			assert.deepEqual(down, { name: 'Trouble', kind: 'unreachable' });
		} finally {
			try {
				process.kill(-child.pid, 'SIGKILL');
			} catch {}
			await ended;
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
			await on.stop();
			rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
		}
	},
);
