import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  blocksFor,
  containmentOf,
  equalRowsFor,
  expectedFill,
  falsePositiveRate,
  similarityOf,
  similarityOfVotes,
} from './estimates.ts';
import { createFingerprinter } from './fingerprint.ts';
import { type DedupOptions, dedupOptionsSchema } from './options.ts';
import { random, wordsOf } from './sample-texts.ts';
import { sketchLayout } from './sketch.ts';

const options: DedupOptions = dedupOptionsSchema.parse({});
const layout = sketchLayout(options);
const rows = options.verificationRows;
const fingerprinter = createFingerprinter({ ...options, shingleTokens: 1, minShingles: 1 });

/** Two texts of single-word shingles whose sets have exactly `common` of `common + 2 × own` words in common. */
function pair(common: number, own: number, seed: number): [string, string] {
  const source = random(seed);
  const words = [...new Set(wordsOf(source, common + 2 * own + 50))].slice(0, common + 2 * own);
  const shared = words.slice(0, common);
  return [
    [...shared, ...words.slice(common, common + own)].join(' '),
    [...shared, ...words.slice(common + own)].join(' '),
  ];
}

/** For many pairs of texts: equal 4-bit rows and equal bands of two sets with J = common / (common + 2 × own). */
function experiment(common: number, own: number, runs: number): { equal: number[]; bands: number[] } {
  const equal: number[] = [];
  const bands: number[] = [];
  for (let run = 0; run < runs; run++) {
    const [a, b] = pair(common, own, run).map((text) => {
      const out = new Uint8Array(layout.stride);
      fingerprinter.fingerprint(text, out, 0);
      return out;
    }) as [Uint8Array, Uint8Array];
    let rowsEqual = 0;
    for (let i = layout.rowsAt; i < layout.exactAt; i++) {
      rowsEqual += (a[i]! & 15) === (b[i]! & 15) ? 1 : 0;
      rowsEqual += a[i]! >> 4 === b[i]! >> 4 ? 1 : 0;
    }
    equal.push(rowsEqual);
    const key = (sketch: Uint8Array, band: number) => sketch.subarray(band * 8, band * 8 + 8).join();
    bands.push(
      Array.from({ length: options.bands }, (_, band) => key(a, band) === key(b, band)).filter(Boolean).length,
    );
  }
  return { equal, bands };
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const variance = (values: number[]) =>
  mean(values.map((value) => (value - mean(values)) ** 2)) * (values.length / (values.length - 1));

test('the similarity estimate has the mean and at most the variance of b-bit minwise hashing', () => {
  for (const [common, own] of [
    [600, 100],
    [120, 40],
    [30, 20],
  ] as const) {
    const j = common / (common + 2 * own);
    const { equal } = experiment(common, own, 150);
    // A row agrees with P = J + (1 - J) / 16 (Li and König 2010, theorem 1); rows of independent permutations have P (1 - P) / k.
    const p = j + (1 - j) / 16;
    const independent = (p * (1 - p)) / rows / (1 - 1 / 16) ** 2;
    const estimates = equal.map((count) => (count / rows - 1 / 16) / (1 - 1 / 16));
    const error = 4 * Math.sqrt(independent / equal.length);
    assert.ok(Math.abs(mean(estimates) - j) < error, `J ${j}: mean ${mean(estimates)}`);
    // Variance of a sample variance is about 2 σ⁴ / n; Fast Similarity Sketching is never worse (theorem 1 of its paper), and better on small sets.
    assert.ok(
      variance(estimates) < independent * (1 + 4 * Math.sqrt(2 / equal.length)),
      `J ${j}: variance ${variance(estimates)} of ${independent}`,
    );
  }
});

test('on small sets the sketch errs less than independent permutations', () => {
  // Each of 50 elements is drawn once in rounds 0, 1, …: rows sample without replacement.
  const { equal } = experiment(30, 10, 200);
  const p = 0.6 + 0.4 / 16;
  assert.ok(variance(equal) < 0.9 * rows * p * (1 - p));
});

test('a band agrees with the fifth power of the similarity', () => {
  const { bands } = experiment(600, 75, 150);
  const j = 0.8;
  const expected = options.bands * j ** options.rowsPerBand;
  const sigma = Math.sqrt(options.bands * j ** 5 * (1 - j ** 5));
  assert.ok(Math.abs(mean(bands) - expected) < (4 * sigma) / Math.sqrt(bands.length));
  assert.ok(Math.abs(similarityOfVotes(expected, options.bands, options.rowsPerBand) - j) < 1e-12);
});

test('chance agreement is taken off', () => {
  assert.equal(similarityOf(rows, rows), 1);
  assert.equal(similarityOf(rows / 16, rows), 0);
  assert.equal(similarityOf(0, rows), 0);
  const equal = equalRowsFor(0.695, rows);
  assert.ok(similarityOf(equal, rows) >= 0.695 && similarityOf(equal - 1, rows) < 0.695);
});

test('containment from similarity and sizes', () => {
  // 80 in common of 100 and 200: J = 80 / 220.
  assert.ok(Math.abs(containmentOf(80 / 220, 100, 200) - 0.8) < 1e-12);
  assert.ok(Math.abs(containmentOf(80 / 220, 200, 100) - 0.4) < 1e-12);
  assert.equal(containmentOf(1, 50, 100), 1);
});

test('a filter has whole slices and about the bits asked for', () => {
  assert.equal(blocksFor(1, 12, 64), 64);
  const blocks = blocksFor(22_000_000, 12, 64);
  assert.equal(blocks % 64, 0);
  assert.ok(blocks * 512 >= 22_000_000 * 12 && blocks * 512 < 22_000_000 * 12 + 64 * 512);
});

test('the false positive rate at twelve bits a key allows a vote of four', () => {
  // Without the variance of keys in a block: (1 - e^(-(512 / 12) / 64))^8 = 0.0031.
  const nominal = expectedFill(512 / 12);
  const plain = nominal ** 8;
  assert.ok(Math.abs(plain - 0.0031) < 0.0002);
  const rate = falsePositiveRate(nominal);
  assert.ok(rate > plain && rate < 0.005, String(rate));
  assert.equal(falsePositiveRate(0), 0);
  assert.equal(falsePositiveRate(1), 1);
});

test('a full generation loses fewer than 1 unrelated document in 100,000, four of them too', () => {
  const rate = falsePositiveRate(expectedFill(512 / options.history.bitsPerKey));
  const { bands } = options;
  let atLeast = 0;
  for (let votes = options.history.votes; votes <= bands; votes++) {
    let ways = 1;
    for (let i = 0; i < votes; i++) ways *= (bands - i) / (i + 1);
    atLeast += ways * rate ** votes * (1 - rate) ** (bands - votes);
  }
  assert.ok(4 * atLeast < 1e-5, String(atLeast));
});
