/** What a worker thread is doing, in memory that the main thread reads while the worker cannot answer. */

export const IDLE = 0;
/** Looking for the next records of a partition, from `offset` on. */
export const READING = 1;
/** Working on the record at `offset`. */
export const SIFTING = 2;
/** Deciding the records of a partition from `offset` on. */
export const DECIDING = 3;

export interface Activity {
  readonly kind: number;
  /** When it was begun, by `monotonicMs`; for reading, when the thread was last seen alive. */
  readonly sinceMs: number;
  readonly partition: number;
  readonly offset: bigint;
}

/** A clock that all threads share and nobody sets: not that of the wall, which may jump. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

const ACTIVITY_BYTES = 32;

export const newActivity = (): SharedArrayBuffer => new SharedArrayBuffer(ACTIVITY_BYTES);

export function readActivity(shared: SharedArrayBuffer): Activity {
  const view = new DataView(shared);
  return {
    kind: view.getFloat64(0, true),
    sinceMs: view.getFloat64(8, true),
    partition: view.getFloat64(16, true),
    offset: view.getBigUint64(24, true),
  };
}

/** How often a thread that reads shows that it is alive. */
const BEAT_MS = 500;

/** The worker's side. */
export function createReporter(shared: SharedArrayBuffer) {
  const view = new DataView(shared);
  let beats: NodeJS.Timeout | undefined;

  /** Reading waits for disks and unpacks: only a thread that does not come back to its event loop is stuck. */
  function beat(): void {
    const kind = view.getFloat64(0, true);
    if (kind === READING) view.setFloat64(8, monotonicMs(), true);
    if (kind !== IDLE) return;
    clearInterval(beats);
    beats = undefined;
  }

  function report(kind: number, partition = 0, offset = 0n): void {
    if (kind === READING && beats === undefined) {
      beats = setInterval(beat, BEAT_MS);
      beats.unref();
    }
    view.setFloat64(16, partition, true);
    view.setBigUint64(24, offset, true);
    view.setFloat64(8, monotonicMs(), true);
    view.setFloat64(0, kind, true);
  }
  return {
    report,
    /** Runs something else in between, and then goes back to what was reported before. */
    during<T>(kind: number, partition: number, offset: bigint, work: () => T): T {
      const before = readActivity(shared);
      report(kind, partition, offset);
      try {
        return work();
      } finally {
        report(before.kind, before.partition, before.offset);
      }
    },
  };
}
