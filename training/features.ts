import { bigramRow } from '../src/scoring/table.ts';
import type { WordPiece } from '../src/scoring/wordpiece.ts';
import type { SparseRows } from './logistic.ts';

export interface FeatureShape {
  readonly bigramRows: number;
  /** Ids of a text that are looked at: one window. */
  readonly maxTokens: number;
  /** One more column for each group, so that what a source is like does not get into its words; the caller drops it. */
  readonly groups: number;
}

/** Value of a group's column: small, so that it is cheap under the penalty to leave the words alone. */
export const GROUP_VALUE = 0.3;

/**
 * Columns: vocabulary entries and hashed pairs, over √m for m different ids of which only the first place counts; then groups.
 * These are the sums of `scoring/table.ts`, so weights go into its table as they are.
 */
export function featureRows(
  wordPiece: WordPiece,
  texts: readonly { text: string; group: number }[],
  shape: FeatureShape,
): SparseRows {
  const vocabulary = wordPiece.vocabulary.size;
  const { bigramRows, maxTokens, groups } = shape;
  const columns = vocabulary + bigramRows + groups;
  const encoder = new TextEncoder();
  const ids = new Int32Array(maxTokens);
  const start = new Int32Array(texts.length + 1);
  const index = new Growing(Int32Array, texts.length * 64);
  const value = new Growing(Float32Array, texts.length * 64);
  const firsts = new Map<number, number>();

  for (const [row, { text, group }] of texts.entries()) {
    const count = wordPiece.encode(encoder.encode(text), ids, 0, maxTokens);
    firsts.clear();
    for (let i = 0; i < count; i++) if (!firsts.has(ids[i]!)) firsts.set(ids[i]!, i);
    const norm = 1 / Math.sqrt(Math.max(1, firsts.size));
    for (const [id, i] of firsts) {
      index.push(id);
      value.push(norm);
      if (i === 0 || bigramRows === 0) continue;
      index.push(vocabulary + bigramRow(ids[i - 1]!, id, bigramRows));
      value.push(norm);
    }
    if (group < groups) {
      index.push(vocabulary + bigramRows + group);
      value.push(GROUP_VALUE);
    }
    start[row + 1] = index.length;
  }
  return { rows: texts.length, columns, start, index: index.array(), value: value.array() };
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
