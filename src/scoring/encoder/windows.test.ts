import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { cutWindows, windowsOf } from './windows.ts';

const rule = { tokens: 12, head: 1, tail: 1, random: 2, minTokens: 4, reduction: 'max' as const };
const TEXT = 10;

test('a document that fits in as many windows is seen whole', () => {
  assert.deepEqual(windowsOf(0, rule, TEXT, 'a'), []);
  assert.deepEqual(windowsOf(3, rule, TEXT, 'a'), [[0, 3]], 'the only one, however short');
  assert.deepEqual(windowsOf(10, rule, TEXT, 'a'), [[0, 10]]);
  assert.deepEqual(windowsOf(13, rule, TEXT, 'a'), [[0, 10]], 'a rest of three tokens is left out');
  assert.deepEqual(
    windowsOf(34, rule, TEXT, 'a').map(([from, to]) => to - from),
    [10, 10, 10, 4],
  );
});

test('of a longer one the head, the tail, and windows between that its identity draws', () => {
  const drawn = windowsOf(100, rule, TEXT, 'raw-0@1');
  assert.deepEqual(drawn, windowsOf(100, rule, TEXT, 'raw-0@1'));
  assert.deepEqual(
    [drawn[0], drawn[3]],
    [
      [0, 10],
      [90, 100],
    ],
  );
  assert.equal(drawn.length, 4);
  const places = new Set(
    Array.from({ length: 200 }, (_, i) => windowsOf(100, rule, TEXT, `raw-0@${i}`).map(([from]) => from)).flat(),
  );
  assert.deepEqual(
    [...places].sort((a, b) => a - b),
    [0, 10, 20, 30, 40, 50, 60, 70, 80, 90],
  );
});

test('every place in the middle is drawn alike', () => {
  const counts = new Array<number>(8).fill(0);
  const draws = 4000;
  for (let i = 0; i < draws; i++)
    for (const [from] of windowsOf(100, rule, TEXT, `raw-1@${i}`).slice(1, 3)) counts[from / 10 - 1]! += 1;
  // A quarter of the draws each; four deviations of a binomial.
  const deviation = Math.sqrt(draws * 0.25 * 0.75);
  for (const count of counts) assert.ok(Math.abs(count - draws / 4) < 4 * deviation, counts.join(' '));
});

test('windows are in order, apart, inside the document, and no more than the rule has', () => {
  const part = fc.nat(4);
  fc.assert(
    fc.property(fc.nat(500), part, part, part, fc.string(), (count, head, tail, random, identity) => {
      fc.pre(head + tail + random > 0);
      const windows = windowsOf(count, { ...rule, head, tail, random }, TEXT, identity);
      let last = 0;
      for (const [from, to] of windows) {
        assert.ok(from >= last && from < to && to <= count && to - from <= TEXT);
        last = to;
      }
      assert.equal(windows.length > 0, count > 0);
      assert.ok(windows.length <= head + tail + random);
      if (tail > 0 && count > (head + tail + random) * TEXT) assert.equal(last, count);
    }),
    { numRuns: 500 },
  );
});

test('each window is put between the special tokens that there are', () => {
  const ids = Int32Array.from({ length: 34 }, (_, i) => i + 1000);
  const both = cutWindows(ids, rule, { cls: 101, sep: 102, pad: 0 }, 'a');
  assert.deepEqual([...both.lengths], [12, 12, 12, 6]);
  assert.deepEqual([...both.ids.subarray(36)], [101, 1030, 1031, 1032, 1033, 102]);
  const none = cutWindows(ids.subarray(0, 13), rule, { cls: undefined, sep: undefined, pad: 0 }, 'a');
  assert.deepEqual([...none.ids], [...ids.subarray(0, 12)], 'two more tokens of text fit; one is too few for a window');
});
