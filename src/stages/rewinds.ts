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
  /** Acknowledged beyond a hole: answers need not come in order. */
  ahead: readonly Range[];
  rewind: Rewind | undefined;
}

interface Range {
  readonly from: bigint;
  readonly to: bigint;
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
      partitions.set(partition, { at, ahead: [], rewind: known?.rewind });
    },
    end: (partition) => void partitions.delete(partition),
    acknowledged(partition, from, to, nowMs) {
      const progress = partitions.get(partition);
      if (progress === undefined || to <= progress.at) return;
      progress.ahead = [...progress.ahead, { from, to }];
      for (let next; (next = progress.ahead.find((range) => range.from <= progress.at)) !== undefined; ) {
        if (next.to > progress.at) progress.at = next.to;
        progress.ahead = progress.ahead.filter((range) => range.to > progress.at);
      }
      const { rewind } = progress;
      if (rewind !== undefined && progress.at > rewind.from)
        progress.rewind = { from: rewind.from, passedMs: rewind.passedMs ?? nowMs };
    },
    ask(partition, from, nowMs) {
      const progress = partitions.get(partition);
      if (progress === undefined || from >= progress.at || isLate(progress, from, nowMs)) return false;
      partitions.set(partition, { at: from, ahead: [], rewind: { from } });
      return true;
    },
  };
}
