/** What the image is made of: there is no container engine in most places where tests run, so its recipe is read. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { importsOf, repository, sourceFiles } from '../architecture/imports.ts';

const read = (file: string): string => readFileSync(path.join(repository, file), 'utf8');
const recipe = read('Dockerfile');
const copied = [...recipe.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources]) => sources!.split(' '));

test('everything that is copied exists, and is not ignored', () => {
  const kept = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, name]) => name!);
  assert.deepEqual(
    copied.filter((name) => !existsSync(path.join(repository, name))),
    [],
  );
  assert.deepEqual([...new Set(copied)].toSorted(), kept.toSorted());
});

test('everything that the program imports is in the image', () => {
  const { dependencies, optionalDependencies, peerDependencies } = JSON.parse(read('package.json')) as Record<
    string,
    Record<string, string>
  >;
  const installed = new Set(Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }));
  const packageOf = (name: string) => name.split('/', name.startsWith('@') ? 2 : 1).join('/');
  const imports = sourceFiles('src', 'topologies')
    .filter((file) => !file.startsWith('src/testing/'))
    .flatMap(importsOf)
    .filter(({ typeOnly }) => !typeOnly);
  const foreign = imports.filter(
    ({ to }) => !to.endsWith('.ts') && !to.startsWith('node:') && !builtinModules.includes(to),
  );
  assert.ok(foreign.length > 10);
  assert.deepEqual(
    foreign.filter(({ to }) => !installed.has(packageOf(to))),
    [],
  );
  const outside = imports.filter(({ to }) => to.endsWith('.ts') && !copied.includes(to.split('/')[0]!));
  assert.deepEqual(outside, []);
});

test('it runs as nobody in particular, on the Node.js that the project wants, and says how it is', () => {
  const last = recipe.slice(recipe.lastIndexOf('\nFROM '));
  assert.match(last, /^USER 1000:1000$/m);
  assert.match(last, /^HEALTHCHECK .*\n.*\/livez/m);
  for (const [, version] of recipe.matchAll(/^FROM node:(\d+)/gm)) assert.equal(version, '24');
  assert.doesNotMatch(last, /npm (?:ci|install)/);
});
