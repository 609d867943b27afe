import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { type Import, importsOf, repository, sourceFiles } from './imports.ts';

/**
 * The layers of docs/architecture.md, from the top; folders of one layer stand side by side. An import goes down, or sideways as listed below.
 * The schemas of the configuration lie beside the code that they are for, and count as `config`.
 */
const layers: readonly (readonly string[])[] = [
  ['main'],
  ['cli'],
  ['stages'],
  ['operators', 'dedup', 'scoring', 'pruning', 'routing', 'schemas'],
  ['runtime'],
  ['log'],
  ['topologies', 'config', 'metrics'],
  ['model'],
  ['errors'],
];

const configSchemas = new Set([
  'src/dedup/options.ts',
  'src/operators/filters/limits.ts',
  'src/operators/filters/signals.ts',
  'src/pruning/policy.ts',
  'src/schemas/options.ts',
]);

/** Within the layer of operators: a policy's numbers come from manifests; output lines are read with the JSON scanner; both write decisions. */
const sideways = new Set(['pruning > scoring', 'routing > operators', 'routing > pruning', 'schemas > operators']);

function folderOf(file: string): string {
  if (configSchemas.has(file)) return 'config';
  const [first, second] = file.split('/');
  return first === 'src' ? second!.replace(/\.ts$/, '') : first!;
}

const levelOf = (folder: string): number => layers.findIndex((layer) => layer.includes(folder));

/** Tools for tests stand beside the layers: they may use any of them, and none may use them. */
const product = sourceFiles('src', 'topologies').filter((file) => !file.startsWith('src/testing/'));
const imports = product.flatMap(importsOf);
const inside = imports.filter(({ to }) => to.endsWith('.ts'));
const show = ({ from, to, typeOnly }: Import) => `${from} -> ${to}${typeOnly ? ' (type)' : ''}`;

test('every folder of src is a layer, and every import is understood', () => {
  assert.deepEqual(
    product.filter((file) => levelOf(folderOf(file)) < 0),
    [],
  );
  assert.ok(inside.length > product.length, `${inside.length} imports in ${product.length} files`);
  assert.deepEqual(inside.filter(({ to }) => !existsSync(path.join(repository, to))).map(show), []);
});

// Types are held to the same rule as code: a type that only fits by looking upwards is in the wrong place.
test('imports go down, or sideways where that is listed', () => {
  const wrong = inside.filter(({ from, to }) => {
    const [above, below] = [folderOf(from), folderOf(to)];
    if (above === below) return false;
    const step = levelOf(below) - levelOf(above);
    return step < 0 || (step === 0 && !sideways.has(`${above} > ${below}`));
  });
  assert.deepEqual(wrong.map(show), []);
});

test('modules do not import each other in a circle', () => {
  const edges = Map.groupBy(
    inside.filter(({ typeOnly }) => !typeOnly),
    ({ from }) => from,
  );
  const done = new Set<string>();
  const circles: string[] = [];
  function walk(file: string, path: readonly string[]): void {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (path.includes(file) || done.has(file)) return;
    for (const { to } of edges.get(file) ?? []) walk(to, [...path, file]);
    done.add(file);
  }
  for (const file of product) walk(file, []);
  assert.deepEqual(circles, []);
});

test('the product does not import its tests, benches or training', () => {
  const wrong = inside.filter(
    ({ to }) => /^(?:test|bench|training|samples|src\/testing)\//.test(to) || to.endsWith('.test.ts'),
  );
  assert.deepEqual(wrong.map(show), []);
});

/** Each of these has one place, so that it can be replaced, or left out, there. */
const homes: Readonly<Record<string, RegExp>> = {
  lmdb: /^src\/log\/embedded\//,
  kafkajs: /^src\/log\/kafka\//,
  '@confluentinc/schemaregistry': /^src\/schemas\//,
  avsc: /^src\/schemas\//,
  'onnxruntime-node': /^src\/scoring\//,
  minhash: /^src\/dedup\//,
  'bloom-filters': /^src\/dedup\//,
  'prom-client': /^src\/(?:metrics|cli)\//,
  hono: /^src\/metrics\//,
  '@hono/node-server': /^src\/metrics\//,
  commander: /^src\/(?:main\.ts|cli\/)/,
  yaml: /^src\/config\//,
};

test('a package is imported in its own place only', () => {
  const wrong = imports.filter(({ from, to }) => homes[to] !== undefined && !homes[to].test(from));
  assert.deepEqual(wrong.map(show), []);
});
