// What the README shows compiles, against the types that the package exports; and it names what there is.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const source = readFileSync(join(root, 'src/verify.ts'), 'utf8') + readFileSync(join(root, 'src/trouble.ts'), 'utf8');

/** What the compiler says of a program that has this package installed. */
function compile(program) {
	const folder = mkdtempSync(join(tmpdir(), 'elapse-readme-'));
	try {
		mkdirSync(join(folder, 'node_modules/@elapse'), { recursive: true });
		symlinkSync(root, join(folder, 'node_modules/@elapse/client'));
		writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
		writeFileSync(join(folder, 'program.ts'), program);
		const options = {
			compilerOptions: {
				target: 'ES2022',
				module: 'NodeNext',
				lib: ['ES2022', 'DOM'],
				types: [],
				strict: true,
				noEmit: true,
			},
		};
		writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ ...options, files: ['program.ts'] }));
		const { status, stdout } = spawnSync(process.execPath, [
			join(root, 'node_modules/typescript/bin/tsc'),
			'-p',
			folder,
		]);
		return { status, said: String(stdout) };
	} finally {
		rmSync(folder, { recursive: true });
	}
}
const [, example] = /```ts\n([^]*?)```/.exec(readme);

test('the example of the README compiles', () => {
	const { status, said } = compile(example);
	assert.equal(status, 0, said);
});

test('a program that does not look whether a verdict is valid does not compile', () => {
	const { status, said } = compile(`${example}\nconsole.log(verdict.score);`);
	assert.notEqual(status, 0);
	assert.match(said, /'score' does not exist/);
});

test('the README has every rule and every kind of trouble, in their order', () => {
	for (const name of ['Rule', 'TroubleKind']) {
		const [, union] = new RegExp(`export type ${name} = ([^;]*);`).exec(source);
		const names = [...union.matchAll(/'(\w+)'/g)].map(([, one]) => one);
		assert.ok(names.length > 5);
		for (const one of names) assert.ok(readme.includes(`\n| *${one}* |`), one);
		if (name !== 'Rule') continue;
		const places = names.map((one) => readme.indexOf(`\n| *${one}* |`));
		assert.deepEqual(
			places,
			places.toSorted((a, b) => a - b),
		);
	}
});
