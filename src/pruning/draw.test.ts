import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw } from './draw.ts';

test('a draw is the upper 53 bits of SHA-256 over seed, purpose and identity', () => {
  // Python: int.from_bytes(sha256('\0'.join(…).encode()).digest()[:8], 'big') >> 11, / 2**53
  assert.equal(draw('riffle', 'control', 'crawl.raw-3@1842'), 0.36282867655036366);
  assert.equal(draw('s', 'p', ''), 0.6777168642747525);
});

test('seed, purpose and identity each matter, and none runs into the next', () => {
  const draws = [
    draw('a', 'b', 'c'),
    draw('ab', '', 'c'),
    draw('a', 'bc', ''),
    draw('a', 'b', 'd'),
    draw('b', 'a', 'c'),
  ];
  assert.equal(new Set(draws).size, draws.length);
});

const N = 20_000;
const BINS = 20;
/** Upper 1e-4 quantile of χ² with n degrees of freedom (Wilson and Hilferty 1931); 3.719 is that of the normal distribution. */
const limit = (n: number) => n * (1 - 2 / (9 * n) + 3.719 * Math.sqrt(2 / (9 * n))) ** 3;
const identity = (i: number) => `crawl.raw-data/part-${i % 7}.warc.gz@${i * 977}`;
const bin = (x: number) => Math.floor(x * BINS);

function chiSquare(counts: readonly number[], expected: number): number {
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

test('draws are uniform in [0, 1)', () => {
  for (const seed of ['riffle', 'another seed', '3']) {
    const counts = Array.from({ length: BINS }, () => 0);
    for (let i = 0; i < N; i++) {
      const x = draw(seed, 'control', identity(i));
      assert.ok(x >= 0 && x < 1);
      counts[bin(x)]!++;
    }
    const chi = chiSquare(counts, N / BINS);
    assert.ok(chi < limit(BINS - 1), `seed ${seed}: χ² = ${chi}`);
  }
});

test('two purposes draw independently: one says nothing about the other', () => {
  const counts = Array.from({ length: BINS * BINS }, () => 0);
  for (let i = 0; i < N; i++)
    counts[BINS * bin(draw('riffle', 'control', identity(i))) + bin(draw('riffle', 'selector', identity(i)))]!++;
  const chi = chiSquare(counts, N / BINS ** 2);
  assert.ok(chi < limit(BINS ** 2 - 1), `χ² = ${chi}`);
});
