import { orAborted } from './or-aborted.ts';

/** Back-pressure through a whole process: how far sift may run ahead of what curate has committed. */
export interface Flow {
  /** Resolves when there is room for another block, or when the signal is aborted: nobody may decide anything any more then. */
  room(signal: AbortSignal): Promise<void>;
  /** A block of a partition that ends at `to` is on its way. */
  entered(partition: number, to: bigint, bytes: number): void;
  /** Everything of the partition below `next` is decided. */
  decided(partition: number, next: bigint): void;
  /** Those with blocks on their way. */
  partitions(): number[];
  readonly inFlightBytes: number;
}

export function createFlow(limitBytes: number): Flow {
  const blocks = new Map<number, { to: bigint; bytes: number }[]>();
  let inFlight = 0;
  let waiting: (() => void)[] = [];
  return {
    async room(signal) {
      while (inFlight >= limitBytes && !signal.aborted)
        await orAborted(new Promise<void>((resolve) => waiting.push(resolve)), signal);
    },
    entered(partition, to, bytes) {
      inFlight += bytes;
      const queue = blocks.get(partition);
      if (queue) queue.push({ to, bytes });
      else blocks.set(partition, [{ to, bytes }]);
    },
    decided(partition, next) {
      const queue = blocks.get(partition);
      if (queue === undefined) return;
      while (queue.length > 0 && queue[0]!.to <= next) inFlight -= queue.shift()!.bytes;
      if (queue.length === 0) blocks.delete(partition);
      if (inFlight < limitBytes && waiting.length > 0) {
        const resume = waiting;
        waiting = [];
        for (const go of resume) go();
      }
    },
    partitions: () => [...blocks.keys()],
    get inFlightBytes() {
      return inFlight;
    },
  };
}
