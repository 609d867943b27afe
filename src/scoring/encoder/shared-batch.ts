import type { Batch, BatchLimits } from './queue.ts';
import type { Row } from './session.ts';

/**
 * Memory that a session's thread and its owner share: a batch lies in it once, and onnxruntime reads and writes it there. Only one of the two touches it at a
 * time: messages say whose turn it is.
 */
export interface SharedBatch {
  /** Rows × width. */
  readonly ids: Int32Array<SharedArrayBuffer>;
  readonly lengths: Int32Array<SharedArrayBuffer>;
  /** Rows × columns. */
  readonly out: Float32Array<SharedArrayBuffer>;
}

/** Rows of a batch at most. */
export const mostRows = ({ budgetTokens, stepTokens }: BatchLimits): number =>
  Math.max(1, Math.floor(budgetTokens / stepTokens));

export function createSharedBatch(limits: BatchLimits, columns: number): SharedBatch {
  const rows = mostRows(limits);
  const numbers = (count: number): SharedArrayBuffer => new SharedArrayBuffer(4 * count);
  return {
    ids: new Int32Array(numbers(Math.max(limits.budgetTokens, limits.maxTokens))),
    lengths: new Int32Array(numbers(rows)),
    out: new Float32Array(numbers(rows * columns)),
  };
}

/** Writes the windows as rows of one width, padded with `pad`. */
export function packBatch({ width, windows }: Batch<Row>, pad: number, { ids, lengths }: SharedBatch): void {
  for (const [row, window] of windows.entries()) {
    const { length } = window.ids;
    const start = row * width;
    ids.set(window.ids, start);
    ids.fill(pad, start + length, start + width);
    lengths[row] = length;
  }
}
