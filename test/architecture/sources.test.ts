/** Rules about source files that no other tool looks at. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { repository, sourceFiles } from './imports.ts';

const all = sourceFiles('src', 'topologies', 'kernels', 'bench', 'training', 'samples', 'test');
const textOf = (file: string) => readFileSync(path.join(repository, file), 'utf8');

test('a file can be read in one sitting: at most 400 lines', () => {
  const long = all.map((file) => `${file}: ${textOf(file).split('\n').length - 1}`);
  assert.deepEqual(
    long.filter((entry) => Number(entry.split(': ')[1]) > 400),
    [],
  );
});

test('the command line and the environment are read in src/main.ts only', () => {
  const readers = sourceFiles('src', 'topologies').filter((file) =>
    /\bprocess\s*\.\s*(?:env|argv)\b/.test(textOf(file)),
  );
  assert.deepEqual(
    readers.filter((file) => file !== 'src/main.ts' && !file.startsWith('src/testing/')),
    [],
  );
});

test('no file is named after nothing in particular', () => {
  const vague = all.filter((file) => /(?:^|\/)(?:utils?|helpers?|common|managers?|misc)(?:\.ts$|\/)/i.test(file));
  assert.deepEqual(vague, []);
});

test('checks are not switched off', () => {
  const off = all.filter((file) => /@ts-(?:ignore|nocheck)|biome-ignore-all/.test(textOf(file)));
  assert.deepEqual(
    off.filter((file) => file !== 'test/architecture/sources.test.ts'),
    [],
  );
});
