import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { kernelInstance } from '../src/runtime/kernel.ts';
import { build } from './build.ts';

test('kernels that are up to date are not built again', async () => {
  await build();
  assert.equal(await build(), 'up to date');
});

test('the module imports nothing and exports what riffle.ts names', () => {
  const source = readFileSync(path.join(import.meta.dirname, 'assembly/riffle.ts'), 'utf8');
  const named = [...source.matchAll(/export \{([^}]*)\}/g)].flatMap(([, names]) =>
    names!
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  );
  const exported = Object.keys(kernelInstance()).filter((name) => name !== 'memory');
  assert.deepEqual(exported.sort(), named.sort());
});
