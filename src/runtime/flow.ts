import { orAborted } from './or-aborted.ts';

/** Back-pressure through a whole process: how far sift may run ahead of what curate has committed. */
export interface Flow {
  /** Resolves when there is room for another block, or when the signal is aborted: nobody may decide anything any more then. */
  room(signal: AbortSignal): Promise<void>;
  /** Resolves when no more than so much of one partition is on its way, or when the signal is aborted. */
  below(partition: number, bytes: number, signal: AbortSignal): Promise<void>;
  /** On their way of one partition. */
  bytesOf(partition: number): number;
  /** Resolves when any block is on its way, or when the signal is aborted. */
  filled(signal: AbortSignal): Promise<void>;
  /** A block of a partition that ends at `to` is on its way. */
  entered(partition: number, to: bigint, bytes: number): void;
  /** Everything of the partition below `next` is decided. */
  decided(partition: number, next: bigint): void;
  /** Sift starts the partition again at `from`: what was on its way from there on is lost, or comes again. */
  rewound(partition: number, from: bigint): void;
  /** Those with blocks on their way. */
  partitions(): number[];
  readonly inFlightBytes: number;
  /** There is no room now. */
  readonly isFull: boolean;
}

export function createFlow(limitBytes: number): Flow {
  const blocks = new Map<number, { to: bigint; bytes: number }[]>();
  const decidedTo = new Map<number, bigint>();
  const bytesOf = new Map<number, number>();
  let inFlight = 0;
  const waiting: (() => void)[] = [];
  const above: (() => void)[] = [];
  const empty: (() => void)[] = [];

  /** Takes the blocks that are over out of the partition's. */
  function release(partition: number, isOver: (to: bigint) => boolean): void {
    const queue = blocks.get(partition);
    if (queue === undefined) return;
    const left = queue.filter(({ to }) => !isOver(to));
    if (left.length === queue.length) return;
    const freed = queue.reduce((sum, { to, bytes }) => (isOver(to) ? sum + bytes : sum), 0);
    inFlight -= freed;
    bytesOf.set(partition, bytesOf.get(partition)! - freed);
    for (const look of above.splice(0)) look();
    if (left.length === 0) blocks.delete(partition);
    else blocks.set(partition, left);
    if (inFlight >= limitBytes) return;
    for (const go of waiting.splice(0)) go();
  }

  return {
    async below(partition, bytes, signal) {
      while ((bytesOf.get(partition) ?? 0) > bytes && !signal.aborted)
        await orAborted(new Promise<void>((resolve) => above.push(resolve)), signal);
    },
    bytesOf: (partition) => bytesOf.get(partition) ?? 0,
    async room(signal) {
      while (inFlight >= limitBytes && !signal.aborted)
        await orAborted(new Promise<void>((resolve) => waiting.push(resolve)), signal);
    },
    async filled(signal) {
      while (blocks.size === 0 && !signal.aborted)
        await orAborted(new Promise<void>((resolve) => empty.push(resolve)), signal);
    },
    entered(partition, to, bytes) {
      // What is sent again may have been decided long ago.
      if (to <= (decidedTo.get(partition) ?? 0n)) return;
      inFlight += bytes;
      bytesOf.set(partition, (bytesOf.get(partition) ?? 0) + bytes);
      const queue = blocks.get(partition);
      if (queue) queue.push({ to, bytes });
      else blocks.set(partition, [{ to, bytes }]);
      for (const go of empty.splice(0)) go();
    },
    decided(partition, next) {
      decidedTo.set(partition, next);
      release(partition, (to) => to <= next);
    },
    rewound: (partition, from) => release(partition, (to) => to > from),
    partitions: () => [...blocks.keys()],
    get inFlightBytes() {
      return inFlight;
    },
    get isFull() {
      return inFlight >= limitBytes;
    },
  };
}
