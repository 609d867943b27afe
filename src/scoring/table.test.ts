import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { bigramRow, createTableScorer, MAX_WINDOW_TOKENS } from './table.ts';

const VOCABULARY = 50;

function model(columns: 1 | 4, bigramRows: number, window: number) {
  const outputs = Array.from({ length: columns }, (_, k) => ({
    axis: `axis${k}`,
    bias: 0.5 - k,
    unigramScale: 0.01 * (k + 1),
    bigramScale: bigramRows === 0 ? 0 : 0.02,
    calibration: { slope: 1, intercept: 0 },
  }));
  return {
    outputs,
    table: { file: '', sha256: '', columns, bigramRows },
    window: { tokens: window, minTokens: 16, reduction: 'max' as const },
  };
}

/** The formula of createTableScorer, one window at a time, without tricks. */
function slowLogits(
  { outputs, table: { columns, bigramRows }, window }: ReturnType<typeof model>,
  table: Int8Array,
  ids: number[],
): number[] {
  const logits = outputs.map(() => Number.NEGATIVE_INFINITY);
  for (let from = 0; from < ids.length; from += window.tokens) {
    const part = ids.slice(from, from + window.tokens);
    if (from > 0 && part.length < window.minTokens) break;
    const first = part.flatMap((id, i) => (part.indexOf(id) === i ? [i] : []));
    for (const [k, { bias, unigramScale, bigramScale }] of outputs.entries()) {
      let sum = 0;
      for (const i of first) {
        sum += unigramScale * table[part[i]! * columns + k]!;
        if (i > 0 && bigramRows > 0)
          sum += bigramScale * table[(VOCABULARY + bigramRow(part[i - 1]!, part[i]!, bigramRows)) * columns + k]!;
      }
      logits[k] = Math.max(logits[k]!, bias + sum / Math.sqrt(first.length));
    }
  }
  return logits;
}

test('logits equal those of the plain formula', () => {
  const ids = fc.array(fc.integer({ min: 0, max: VOCABULARY - 1 }), { minLength: 1, maxLength: 400, size: 'max' });
  const columns = fc.constantFrom(1 as const, 4 as const);
  fc.assert(
    fc.property(
      ids,
      columns,
      fc.constantFrom(0, 64),
      fc.constantFrom(20, 128, MAX_WINDOW_TOKENS),
      fc.infiniteStream(fc.integer({ min: -128, max: 127 })),
      (list, width, rows, window, bytes) => {
        const shape = model(width, rows, window);
        const table = Int8Array.from({ length: (VOCABULARY + rows) * width }, () => bytes.next().value ?? 0);
        const logits = new Float64Array(width);
        createTableScorer(shape, table)(Int32Array.from(list), list.length, logits);
        for (const [k, expected] of slowLogits(shape, table, list).entries())
          assert.ok(Math.abs(logits[k]! - expected) < 1e-9);
      },
    ),
    { numRuns: 300 },
  );
});

test('the lanes hold the greatest and the least sums of a full window', () => {
  for (const value of [127, -128]) {
    const shape = model(4, 0, MAX_WINDOW_TOKENS);
    const table = new Int8Array(MAX_WINDOW_TOKENS * 4).fill(value);
    const logits = new Float64Array(4);
    createTableScorer(shape, table)(
      Int32Array.from({ length: MAX_WINDOW_TOKENS }, (_, i) => i),
      MAX_WINDOW_TOKENS,
      logits,
    );
    const expected = shape.outputs.map(
      ({ bias, unigramScale }) => bias + unigramScale * value * Math.sqrt(MAX_WINDOW_TOKENS),
    );
    for (const [k, logit] of expected.entries()) assert.ok(Math.abs(logits[k]! - logit) < 1e-9);
  }
});

test('rows of pairs stay inside the table and depend on the order', () => {
  fc.assert(
    fc.property(fc.nat(30_521), fc.nat(30_521), (a, b) => {
      const row = bigramRow(a, b, 1 << 18);
      assert.ok(row >= 0 && row < 1 << 18);
    }),
  );
  assert.notEqual(bigramRow(1000, 2000, 1 << 18), bigramRow(2000, 1000, 1 << 18));
});
