import type { ScorerManifest } from './manifest.ts';

/**
 * Row of a pair of ids behind the rows of the vocabulary: a multiplicative mix and the finalizer of MurmurHash's kind.
 * `bigramRows` is a power of two.
 */
export function bigramRow(first: number, second: number, bigramRows: number): number {
  let hash = Math.imul(first, 0x9e3779b1) ^ second;
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 12;
  return hash & (bigramRows - 1);
}

/** Writes the sums over `ids[from, to)` into `sums`: for each column that of the ids, then for each column that of the pairs. */
type WindowSums = (
  table: Int8Array,
  ids: Int32Array,
  from: number,
  to: number,
  vocabulary: number,
  bigramRows: number,
  sums: Float64Array,
) => void;

const sumOneColumn: WindowSums = (table, ids, from, to, vocabulary, bigramRows, sums) => {
  let unigrams = 0;
  let bigrams = 0;
  for (let i = from; i < to; i++) unigrams += table[ids[i]!]!;
  if (bigramRows > 0)
    for (let i = from + 1; i < to; i++) bigrams += table[vocabulary + bigramRow(ids[i - 1]!, ids[i]!, bigramRows)]!;
  sums[0] = unigrams;
  sums[1] = bigrams;
};

/** Integer sums of int8 cannot overflow: windows are far below 2^24 tokens. */
const sumFourColumns: WindowSums = (table, ids, from, to, vocabulary, bigramRows, sums) => {
  let u0 = 0;
  let u1 = 0;
  let u2 = 0;
  let u3 = 0;
  let b0 = 0;
  let b1 = 0;
  let b2 = 0;
  let b3 = 0;
  let previous = 0;
  for (let i = from; i < to; i++) {
    const id = ids[i]!;
    const row = id * 4;
    u0 += table[row]!;
    u1 += table[row + 1]!;
    u2 += table[row + 2]!;
    u3 += table[row + 3]!;
    if (i > from && bigramRows > 0) {
      const pair = (vocabulary + bigramRow(previous, id, bigramRows)) * 4;
      b0 += table[pair]!;
      b1 += table[pair + 1]!;
      b2 += table[pair + 2]!;
      b3 += table[pair + 3]!;
    }
    previous = id;
  }
  sums[0] = u0;
  sums[1] = u1;
  sums[2] = u2;
  sums[3] = u3;
  sums[4] = b0;
  sums[5] = b1;
  sums[6] = b2;
  sums[7] = b3;
};

/** Writes the greatest logit over all windows of `ids[0, count)` into `logits`, one for each output. `count` is at least 1. */
export type TableScorer = (ids: Int32Array, count: number, logits: Float64Array) => void;

export function createTableScorer(
  model: Pick<ScorerManifest, 'window' | 'outputs' | 'table'>,
  table: Int8Array,
): TableScorer {
  const { window, outputs } = model;
  const { columns, bigramRows } = model.table;
  const vocabulary = table.length / columns - bigramRows;
  const sumWindow = columns === 1 ? sumOneColumn : sumFourColumns;
  const sums = new Float64Array(2 * columns);
  const bias = Float64Array.from(outputs, (o) => o.bias);
  const unigramScale = Float64Array.from(outputs, (o) => o.unigramScale);
  const bigramScale = Float64Array.from(outputs, (o) => o.bigramScale);

  return (ids, count, logits) => {
    logits.fill(Number.NEGATIVE_INFINITY);
    for (let from = 0; from < count; from += window.tokens) {
      const to = Math.min(count, from + window.tokens);
      if (from > 0 && to - from < window.minTokens) break;
      sumWindow(table, ids, from, to, vocabulary, bigramRows, sums);
      const unigram = 1 / Math.sqrt(to - from);
      const bigram = 1 / Math.sqrt(Math.max(1, to - from - 1));
      for (let k = 0; k < columns; k++) {
        const logit = bias[k]! + unigramScale[k]! * sums[k]! * unigram + bigramScale[k]! * sums[columns + k]! * bigram;
        // Not `>`: a NaN must come out, not lose every comparison.
        if (!(logit <= logits[k]!)) logits[k] = logit;
      }
    }
  };
}
