/**
 * Whether a stage that is asked to start again does so (docs/protocol.md, "Repair"). A request is repeated for as long as something is missing, and
 * comes from other processes: it may be late, or ask for what is on its way already. Pure, without a clock of its own.
 */
export interface Rewinds {
  /** The stage has the partition from now on, and its next record is at `at`. */
  begin(partition: number, at: bigint): void;
  /** The stage has lost the partition to another process. */
  end(partition: number): void;
  /** The records in `[from, to)` are acknowledged. */
  acknowledged(partition: number, from: bigint, to: bigint, nowMs: number): void;
  /** True when the stage has to start again at `from`; it counts as begun then. */
  ask(partition: number, from: bigint, nowMs: number): boolean;
}

interface Progress {
  /** Everything from the last start up to here is acknowledged. */
  at: bigint;
  rewind: Rewind | undefined;
}

interface Rewind {
  readonly from: bigint;
  /** When its first record was acknowledged again. */
  passedMs?: number;
}

/** `quietMs`: so long after a rewind, requests for what it has sent again are taken for older than the answer. */
export function createRewinds(quietMs: number): Rewinds {
  const partitions = new Map<number, Progress>();

  function isLate({ rewind }: Progress, from: bigint, nowMs: number): boolean {
    return rewind?.passedMs !== undefined && from >= rewind.from && nowMs < rewind.passedMs + quietMs;
  }

  return {
    begin(partition, at) {
      const known = partitions.get(partition);
      partitions.set(partition, { at, rewind: known?.rewind });
    },
    end: (partition) => void partitions.delete(partition),
    acknowledged(partition, from, to, nowMs) {
      const progress = partitions.get(partition);
      // What was on its way when the stage started again does not count: there is a hole before it.
      if (progress === undefined || from > progress.at || to <= progress.at) return;
      progress.at = to;
      const { rewind } = progress;
      if (rewind !== undefined && to > rewind.from)
        progress.rewind = { from: rewind.from, passedMs: rewind.passedMs ?? nowMs };
    },
    ask(partition, from, nowMs) {
      const progress = partitions.get(partition);
      if (progress === undefined || from >= progress.at || isLate(progress, from, nowMs)) return false;
      partitions.set(partition, { at: from, rewind: { from } });
      return true;
    },
  };
}
