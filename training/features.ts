import { bigramRow } from '../src/scoring/table.ts';
import type { WordPiece } from '../src/scoring/wordpiece.ts';
import type { SparseRows } from './logistic.ts';

export interface FeatureShape {
  readonly bigramRows: number;
  /** Ids of a text that are looked at: one window. */
  readonly maxTokens: number;
  /** Vectors of the vocabulary entries, `dense` numbers each: rare words learn from their neighbours. */
  readonly embedding?: { readonly dense: number; readonly vectors: Float32Array };
  /** One more column for each group, so that what a source is like does not get into its words; the caller drops it. */
  readonly groups: number;
}

/** Value of a group's column: small, so that it is cheap under the penalty to leave the words alone. */
export const GROUP_VALUE = 0.3;

/**
 * Columns: vocabulary entries, hashed pairs, the sum of the entries' vectors, all over √m for m different ids of which only the first
 * place counts; then groups. These are the sums of `scoring/table.ts`, so weights fold into its table.
 */
export function featureRows(
  wordPiece: WordPiece,
  texts: readonly { text: string; group: number }[],
  shape: FeatureShape,
): SparseRows {
  const vocabulary = wordPiece.vocabulary.size;
  const { bigramRows, maxTokens, embedding, groups } = shape;
  const dense = embedding?.dense ?? 0;
  const columns = vocabulary + bigramRows + dense + groups;
  const encoder = new TextEncoder();
  const ids = new Int32Array(maxTokens);
  const start = new Int32Array(texts.length + 1);
  const index = new Growing(Int32Array, texts.length * 64);
  const value = new Growing(Float32Array, texts.length * 64);
  const sum = new Float64Array(dense);
  const firsts = new Map<number, number>();

  for (const [row, { text, group }] of texts.entries()) {
    const count = wordPiece.encode(encoder.encode(text), ids, 0, maxTokens);
    firsts.clear();
    for (let i = 0; i < count; i++) if (!firsts.has(ids[i]!)) firsts.set(ids[i]!, i);
    const norm = 1 / Math.sqrt(Math.max(1, firsts.size));
    sum.fill(0);
    for (const [id, i] of firsts) {
      index.push(id);
      value.push(norm);
      for (let d = 0; d < dense; d++) sum[d]! += embedding!.vectors[id * dense + d]!;
      if (i === 0 || bigramRows === 0) continue;
      index.push(vocabulary + bigramRow(ids[i - 1]!, id, bigramRows));
      value.push(norm);
    }
    for (let d = 0; d < dense; d++) {
      index.push(vocabulary + bigramRows + d);
      value.push(sum[d]! * norm);
    }
    if (group < groups) {
      index.push(vocabulary + bigramRows + dense + group);
      value.push(GROUP_VALUE);
    }
    start[row + 1] = index.length;
  }
  return { rows: texts.length, columns, start, index: index.array(), value: value.array() };
}

/** Adds the part of the weights that lies on the vectors to the vocabulary entries; returns entries and pairs. */
export function foldEmbedding(weights: Float64Array, vocabulary: number, shape: FeatureShape): Float64Array {
  const { bigramRows, embedding } = shape;
  const folded = weights.slice(0, vocabulary + bigramRows);
  if (embedding === undefined) return folded;
  const { dense, vectors } = embedding;
  for (let id = 0; id < vocabulary; id++) {
    for (let d = 0; d < dense; d++) folded[id]! += vectors[id * dense + d]! * weights[vocabulary + bigramRows + d]!;
  }
  return folded;
}

class Growing<T extends Int32Array | Float32Array> {
  #array: T;
  readonly #create: new (
    size: number,
  ) => T;
  length = 0;
  constructor(create: new (size: number) => T, size: number) {
    this.#create = create;
    this.#array = new create(Math.max(16, size));
  }
  push(value: number): void {
    if (this.length === this.#array.length) {
      const larger = new this.#create(this.#array.length * 2);
      larger.set(this.#array);
      this.#array = larger;
    }
    this.#array[this.length++] = value;
  }
  array(): T {
    return this.#array.slice(0, this.length) as T;
  }
}
