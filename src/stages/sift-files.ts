/** Sift over input files, read in place: each worker works on a lane of files at a time and says how far it is. */
import { groups } from '../runtime/topics.ts';
import { orAborted } from '../runtime/or-aborted.ts';
import { WorkerDied } from '../runtime/pool.ts';
import type { SiftParts, SiftSource } from './sift.ts';
import { createSuspects } from './sift-suspects.ts';
import type { CloseLane, OpenLane, Pulled, PullLane } from './worker-requests.ts';

/** Files up to this size together make one lane. */
const LANE_BYTES = 8 << 20;
const LANE_FILES = 512;

/** Files that a worker reads one after another. */
interface Lane {
  /** Where each goes on that is not read to its end. */
  readonly positions: Map<number, bigint>;
  /** Those to be started again, as soon as the lane comes to it. */
  readonly rewinds: Map<number, bigint>;
}

/** `sizes`: bytes of each source partition's file. */
export async function siftFiles(
  { context, publisher, rewinds, flow, hooks }: SiftParts,
  sizes: readonly number[],
): Promise<SiftSource> {
  const { log, topics, pool, signal } = context;
  const committed = await log.positions(groups.sift, topics.raw);
  const begin = sizes.map((_, partition) => committed.get(partition) ?? 0n);
  for (const [partition, at] of begin.entries()) rewinds.begin(partition, at);
  const waiting = laneQueue(sizes).map((files) => newLane(files));
  /** By partition, the lane that it is in; none for one that was read to its end. */
  const laneOf = new Map<number, Lane>();
  for (const lane of waiting) for (const partition of lane.positions.keys()) laneOf.set(partition, lane);
  const idle: (() => void)[] = [];
  let laneId = 0;

  function newLane(files: readonly number[]): Lane {
    return { positions: new Map(files.map((partition) => [partition, begin[partition]!])), rewinds: new Map() };
  }

  function rewind(partition: number, from: bigint): void {
    const lane = laneOf.get(partition) ?? newLane([partition]);
    lane.rewinds.set(partition, from);
    if (laneOf.has(partition)) return;
    laneOf.set(partition, lane);
    waiting.push(lane);
    for (const wake of idle.splice(0)) wake();
  }

  async function workLanes(worker: number): Promise<void> {
    while (!signal.aborted) {
      const lane = waiting.shift();
      if (lane !== undefined) await workLane(worker, lane);
      else await orAborted(new Promise<void>((resolve) => idle.push(resolve)), signal);
    }
  }

  /** One lane to its end, whatever happens to the worker on the way: a new one goes on behind the last block that arrived. */
  async function workLane(worker: number, lane: Lane): Promise<void> {
    const suspects = createSuspects(context.config.source.maxRecordSeconds, context.faults.poison);
    const { positions } = lane;
    while (!signal.aborted) {
      for (const [partition, from] of lane.rewinds) positions.set(partition, from);
      lane.rewinds.clear();
      if (positions.size === 0) return;
      const id = laneId++;
      try {
        const partitions = [...positions].map(([partition, from]) => ({ partition, from }));
        const { poison } = suspects;
        await pool.call(worker, { type: 'open', lane: id, partitions, poison } satisfies OpenLane);
        await pullLane(worker, id, lane);
      } catch (error) {
        if (!(error instanceof WorkerDied)) throw error;
        if (!signal.aborted) suspects.add(error);
      }
    }
  }

  /** Until the lane is read to its end, or one of its partitions is to be started again. */
  async function pullLane(worker: number, id: number, { positions, rewinds: again }: Lane): Promise<void> {
    function pull(): Promise<Pulled | undefined> {
      const reply = pool.call<Pulled>(worker, { type: 'pull', lane: id } satisfies PullLane);
      reply.catch(() => undefined);
      return orAborted(reply, signal);
    }
    let next = pull();
    for (;;) {
      const reply = await next;
      if (reply === undefined) return;
      const { pairs, ended, done, operators } = reply;
      // The worker fills the next reply while this one enters the log.
      if (!done) next = pull();
      next.catch(() => undefined);
      for (const pair of pairs) {
        await flow.room(signal);
        if (signal.aborted) return;
        if (again.size > 0) return pool.call(worker, { type: 'close', lane: id } satisfies CloseLane);
        await publisher.publish(pair);
        positions.set(pair.partition, pair.to);
        hooks.sifted(pair);
        flow.entered(pair.partition, pair.to, pair.bytes);
      }
      for (const { partition, end } of ended) {
        positions.delete(partition);
        if (!again.has(partition)) laneOf.delete(partition);
        hooks.ended(partition, end);
      }
      hooks.operators(operators);
      if (done) return;
    }
  }

  return {
    rewind,
    async run() {
      await Promise.all(Array.from({ length: pool.size }, (_, worker) => workLanes(worker)));
    },
  };
}

/** Large files have a lane of their own; small ones travel together. */
function laneQueue(sizes: readonly number[]): number[][] {
  const lanes: number[][] = [];
  let current: number[] = [];
  let bytes = 0;
  for (const [partition, size] of sizes.entries()) {
    if (current.length > 0 && (bytes + size > LANE_BYTES || current.length === LANE_FILES)) {
      lanes.push(current);
      current = [];
      bytes = 0;
    }
    current.push(partition);
    bytes += size;
  }
  if (current.length > 0) lanes.push(current);
  return lanes;
}
