import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomes, reasonFamily } from './reasons.ts';

test('the family of a reason is what stands before its rule', () => {
  assert.equal(reasonFamily('gopher@datatrove.wordCount'), 'gopher@datatrove');
  assert.equal(reasonFamily('dedup.near'), 'dedup');
  assert.equal(reasonFamily('curated'), 'curated');
});

test('there are four outcomes', () => {
  assert.deepEqual(outcomes, ['curated', 'rejected', 'quarantine', 'dead-letter']);
});
