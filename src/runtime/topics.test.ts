import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicNames, topicSpecs } from './topics.ts';

const names = topicNames('crawl');
const specs = topicSpecs(names, 8, ['curated.main', 'dead-letter']);
const named = (name: string) => specs.find((spec) => spec.name === name)!;

test('topics are <app>.<topic>', () => {
  assert.deepEqual(specs.map(({ name }) => name).sort(), [
    'crawl.curated.main',
    'crawl.dead-letter',
    'crawl.observations',
    'crawl.policy',
    'crawl.raw',
    'crawl.repairs',
    'crawl.sifted',
    'crawl.sketches',
    'crawl.verdicts',
  ]);
});

test('raw, sifted and verdicts have the same partitions; sketches have one total order', () => {
  for (const name of [names.raw, names.sifted, names.verdicts]) assert.equal(named(name).partitions, 8);
  assert.equal(named(names.sketches).partitions, 1);
});

test('every stage is known as a reader before it starts, so that nothing is trimmed behind its back; repairs are read from the end', () => {
  const readers = Object.fromEntries(
    specs.filter(({ kind }) => kind === 'blocks').map(({ name, groups }) => [name, groups]),
  );
  assert.deepEqual(readers, {
    'crawl.raw': ['sift'],
    'crawl.sifted': ['curate'],
    'crawl.sketches': ['index'],
    'crawl.verdicts': ['curate'],
    'crawl.observations': ['controller'],
    'crawl.repairs': [],
  });
});

test('outputs hold one record a message, the policy its last version', () => {
  assert.equal(named('crawl.curated.main').kind, 'records');
  assert.equal(named('crawl.policy').kind, 'compacted');
});
