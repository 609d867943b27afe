import type { Batch } from './queue.ts';

/** Tokens of one window, with those before and after the text. */
export interface Row {
  readonly ids: Int32Array;
}

/** One model on one device, in a thread of its own. It runs one batch at a time. */
export interface Session {
  /** The model's numbers for each window, row-major; they may be overwritten by the next run. Rejects with `SessionDied` when the thread ends. */
  run(batch: Batch<Row>): Promise<Float32Array>;
  /** Whether a window that worked before still does: when it does not, a failed run was not the fault of its windows. */
  works(): Promise<boolean>;
  close(): Promise<void>;
}
