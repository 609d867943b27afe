import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createEmbeddingScorer } from './embedding.ts';
import type { EmbeddingManifest } from './manifest-embedding.ts';

const ENTRIES = 40;

type Shape = Pick<EmbeddingManifest, 'normalise' | 'outputs' | 'window' | 'table'>;

function scorerOf(shape: Shape, table: Int8Array) {
  const sha256 = '0'.repeat(64);
  return createEmbeddingScorer(
    {
      ...shape,
      name: 'topic/table@1',
      kind: 'embedding-table',
      description: '',
      languages: [],
      tokenizer: { kind: 'wordpiece-uncased', file: 'vocab.txt', sha256, entries: ENTRIES },
      maxTokens: 512,
      thresholds: {},
      licence: '',
      trainingData: '',
      measured: {},
      selfTest: [],
    },
    table,
  );
}

/** The formula of createEmbeddingScorer, a number at a time. */
function slowLogits(
  { normalise, outputs, window, table: { dimensions, scale } }: Shape,
  table: Int8Array,
  ids: number[],
) {
  const logits = outputs.map(() => Number.NEGATIVE_INFINITY);
  for (let from = 0; from < ids.length; from += window.tokens) {
    const part = ids.slice(from, from + window.tokens);
    if (from > 0 && part.length < window.minTokens) break;
    let vector = Array.from({ length: dimensions }, (_, d) => {
      const numbers = part.map((id) => table[id * dimensions + d]! * scale);
      return numbers.reduce((a, b) => a + b) / part.length;
    });
    const length = Math.hypot(...vector);
    if (normalise) vector = vector.map((x) => (length === 0 ? 0 : x / length));
    for (const [k, { bias, weights }] of outputs.entries())
      logits[k] = Math.max(
        logits[k]!,
        weights.reduce((sum, w, d) => sum + w * vector[d]!, bias),
      );
  }
  return logits;
}

test('logits equal those of the plain formula', () => {
  const ids = fc.array(fc.integer({ min: 0, max: ENTRIES - 1 }), { minLength: 1, maxLength: 300, size: 'max' });
  const bytes = fc.infiniteStream(fc.integer({ min: -128, max: 127 }));
  fc.assert(
    fc.property(
      ids,
      fc.boolean(),
      fc.constantFrom(1, 5, 64),
      fc.constantFrom(20, 128),
      bytes,
      (list, normalise, dimensions, tokens, numbers) => {
        const shape: Shape = {
          normalise,
          window: { tokens, minTokens: 16, reduction: 'max' },
          table: { file: '', sha256: '', dimensions, scale: 0.02 },
          outputs: [0.5, -1].map((bias, k) => ({
            axis: `axis${k}`,
            bias,
            weights: Array.from({ length: dimensions }, (_, d) => Math.sin(d + k)),
            calibration: { slope: 1, intercept: 0 },
          })),
        };
        const table = Int8Array.from({ length: ENTRIES * dimensions }, () => numbers.next().value ?? 0);
        const logits = new Float64Array(2);
        scorerOf(shape, table)(Int32Array.from(list), list.length, logits);
        for (const [k, expected] of slowLogits(shape, table, list).entries())
          assert.ok(Math.abs(logits[k]! - expected) < 1e-9, `${logits[k]} is not ${expected}`);
      },
    ),
    { numRuns: 200 },
  );
});

test('vectors that cancel out give the bias', () => {
  const shape: Shape = {
    normalise: true,
    window: { tokens: 128, minTokens: 16, reduction: 'max' },
    table: { file: '', sha256: '', dimensions: 2, scale: 1 },
    outputs: [{ axis: 'score', bias: 0.25, weights: [1, 1], calibration: { slope: 1, intercept: 0 } }],
  };
  const logits = new Float64Array(1);
  scorerOf(shape, Int8Array.of(5, -7, -5, 7))(Int32Array.of(0, 1), 2, logits);
  assert.equal(logits[0], 0.25);
});
