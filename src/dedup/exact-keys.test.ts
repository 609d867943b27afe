import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createExactKeys, emptyTable } from './exact-keys.ts';
import { random } from './sample-texts.ts';

test('answers are those of a map, while nothing is forgotten', () => {
  const key = fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 3 }), fc.boolean());
  fc.assert(
    fc.property(fc.array(key, { maxLength: 60 }), (documents) => {
      const keys = createExactKeys(1024);
      const twin = new Map<string, { copies: number; first: number }>();
      documents.forEach(([low, high, inserted], i) => {
        const known = twin.get(`${low}/${high}`);
        const answer = keys.see(low, high, inserted, i, i, 0);
        assert.equal(answer.copies, (known?.copies ?? 0) + 1);
        if (known) assert.deepEqual([answer.partition, answer.offsetLow], [known.first, known.first]);
        if (!inserted) return;
        if (known) known.copies++;
        else twin.set(`${low}/${high}`, { copies: 1, first: i });
      });
    }),
    { numRuns: 100, seed: 1 },
  );
});

test('growing does not show, and keys not seen for a while are forgotten', () => {
  const keys = createExactKeys(20_000);
  const source = random(1);
  const seen = Array.from({ length: 30_000 }, () => [source.below(2 ** 32), source.below(2 ** 32)] as const);
  seen.forEach(([low, high], i) => {
    assert.equal(keys.see(low, high, true, 0, i, 0).copies, 1);
    // The first key is seen all the time and stays.
    keys.see(...seen[0]!, true, 0, i, 0);
  });
  assert.ok(keys.keys() <= 20_000);
  assert.equal(keys.see(...seen[0]!, false, 0, 0, 0).copies, 30_002);
  assert.equal(keys.see(...seen[0]!, false, 0, 0, 0).offsetLow, 0);
  assert.equal(keys.see(...seen.at(-1), false, 0, 0, 0).copies, 2);
  assert.equal(keys.see(...seen[1]!, false, 0, 0, 0).copies, 1, 'forgotten');
});

test('a count stops at its highest value', () => {
  const keys = createExactKeys(1024);
  const table = { ...emptyTable(4096), keys: 1 };
  table.words.set([7, 8, 0xffff_fffe, 1, 2, 3], 7 * 6);
  keys.restore(table, emptyTable(4096));
  for (let i = 0; i < 3; i++) assert.equal(keys.see(7, 8, true, 0, 0, 0).copies, 0xffff_ffff);
});
