import type { LinearManifest } from './manifest-linear.ts';

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

/**
 * Writes into `sums`, over the ids of `ids[from, to)` at their first place in it, the sum of their rows for each column, then for each
 * column the sum over the pairs that they end. Returns the number of different ids.
 *
 * An id counts once a window: otherwise one odd word in a menu that repeats it forty times outweighs all the others.
 */
type WindowSums = (ids: Int32Array, from: number, to: number, sums: Float64Array) => number;

/** Writes into `places` where in `ids[from, to)` each different id comes first, and returns how many there are. */
type FirstPlaces = (ids: Int32Array, from: number, to: number, places: Int32Array) => number;

function createFirstPlaces(vocabulary: number): FirstPlaces {
  // An id was met in this window if it bears its mark: nothing is cleared between windows.
  const seen = new Int32Array(vocabulary);
  let mark = 0;
  return (ids, from, to, places) => {
    mark = (mark + 1) | 0;
    if (mark === 0) {
      seen.fill(0);
      mark = 1;
    }
    let different = 0;
    for (let i = from; i < to; i++) {
      const id = ids[i]!;
      // One for an id that is new: whether it is cannot be guessed, so a branch would be slower.
      const apart = seen[id]! ^ mark;
      seen[id] = mark;
      places[different] = i;
      different += (apart | -apart) >>> 31;
    }
    return different;
  };
}

function sumOneColumn(table: Int8Array, vocabulary: number, bigramRows: number, windowTokens: number): WindowSums {
  const firstPlaces = createFirstPlaces(vocabulary);
  const places = new Int32Array(windowTokens);
  return (ids, from, to, sums) => {
    const different = firstPlaces(ids, from, to, places);
    let unigrams = 0;
    let bigrams = 0;
    for (let k = 0; k < different; k++) unigrams += table[ids[places[k]!]!]!;
    if (bigramRows > 0) {
      for (let k = 1; k < different; k++) {
        const i = places[k]!;
        bigrams += table[vocabulary + bigramRow(ids[i - 1]!, ids[i]!, bigramRows)]!;
      }
    }
    sums[0] = unigrams;
    sums[1] = bigrams;
    return different;
  };
}

/** Rows that fit a lane of `sumFourColumns`: 257 · 255 is the last multiple of 255 below 2^16. */
export const MAX_WINDOW_TOKENS = 257;

/**
 * A row of four int8 is one 32-bit load. Two of its bytes at a time are added in two 16-bit lanes of one integer; for that the bytes are
 * made unsigned by flipping the sign bit (+128), which is taken off the sums.
 */
function sumFourColumns(table: Int8Array, vocabulary: number, bigramRows: number, windowTokens: number): WindowSums {
  const rows = new Int32Array(table.buffer, table.byteOffset, table.length / 4);
  const firstPlaces = createFirstPlaces(vocabulary);
  const places = new Int32Array(windowTokens);
  const lanes = 0x00ff00ff;
  const flip = 0x80808080 | 0;
  return (ids, from, to, sums) => {
    const different = firstPlaces(ids, from, to, places);
    let even = 0;
    let odd = 0;
    for (let k = 0; k < different; k++) {
      const row = rows[ids[places[k]!]!]! ^ flip;
      even = (even + (row & lanes)) | 0;
      odd = (odd + ((row >>> 8) & lanes)) | 0;
    }
    // The first id of a window is the first of its kind and ends no pair.
    const pairs = bigramRows > 0 ? different - 1 : 0;
    let evenPair = 0;
    let oddPair = 0;
    for (let k = 1; k <= pairs; k++) {
      const i = places[k]!;
      const row = rows[vocabulary + bigramRow(ids[i - 1]!, ids[i]!, bigramRows)]! ^ flip;
      evenPair = (evenPair + (row & lanes)) | 0;
      oddPair = (oddPair + ((row >>> 8) & lanes)) | 0;
    }
    const offset = 128 * different;
    const offsetPair = 128 * pairs;
    sums[0] = (even & 0xffff) - offset;
    sums[1] = (odd & 0xffff) - offset;
    sums[2] = (even >>> 16) - offset;
    sums[3] = (odd >>> 16) - offset;
    sums[4] = (evenPair & 0xffff) - offsetPair;
    sums[5] = (oddPair & 0xffff) - offsetPair;
    sums[6] = (evenPair >>> 16) - offsetPair;
    sums[7] = (oddPair >>> 16) - offsetPair;
    return different;
  };
}

/** Writes the greatest logit over all windows of `ids[0, count)` into `logits`, one for each output. `count` is at least 1. */
export type TableScorer = (ids: Int32Array, count: number, logits: Float64Array) => void;

/** A linear table: logit = bias + (unigramScale · ΣU + bigramScale · ΣB) / √m over the m different ids of a window. Holds scratch space. */
export function createTableScorer(
  model: Pick<LinearManifest, 'window' | 'outputs' | 'table'>,
  table: Int8Array,
): TableScorer {
  const { window, outputs } = model;
  const { columns, bigramRows } = model.table;
  const vocabulary = table.length / columns - bigramRows;
  const sumWindow = (columns === 1 ? sumOneColumn : sumFourColumns)(table, vocabulary, bigramRows, window.tokens);
  const sums = new Float64Array(2 * columns);
  const bias = Float64Array.from(outputs, (o) => o.bias);
  const unigramScale = Float64Array.from(outputs, (o) => o.unigramScale);
  const bigramScale = Float64Array.from(outputs, (o) => o.bigramScale);

  return (ids, count, logits) => {
    logits.fill(Number.NEGATIVE_INFINITY);
    for (let from = 0; from < count; from += window.tokens) {
      const to = Math.min(count, from + window.tokens);
      if (from > 0 && to - from < window.minTokens) break;
      const norm = 1 / Math.sqrt(sumWindow(ids, from, to, sums));
      for (let k = 0; k < columns; k++) {
        const logit = bias[k]! + (unigramScale[k]! * sums[k]! + bigramScale[k]! * sums[columns + k]!) * norm;
        // Not `>`: a NaN must come out, not lose every comparison.
        if (!(logit <= logits[k]!)) logits[k] = logit;
      }
    }
  };
}
