/** Sift over input files, read in place: each worker works on a lane of files at a time and says how far it is. */
import type { Consumer } from '../log/port.ts';
import type { StageContext } from '../runtime/context.ts';
import type { Flow } from '../runtime/flow.ts';
import { orAborted } from '../runtime/or-aborted.ts';
import { WorkerDied } from '../runtime/pool.ts';
import type { SiftHooks } from './sift.ts';
import type { Publisher } from './sift-publish.ts';
import { createSuspects } from './sift-suspects.ts';
import type { OpenLane, Pulled } from './worker.ts';

/** Files up to this size together make one lane. */
const LANE_BYTES = 8 << 20;
const LANE_FILES = 512;

/** `sizes`: bytes of each source partition's file. Resolves when all are read, or the signal is aborted. */
export async function siftFiles(
  context: StageContext,
  sizes: readonly number[],
  consumer: Consumer,
  publisher: Publisher,
  flow: Flow,
  hooks: SiftHooks,
): Promise<void> {
  const { topics, pool, signal } = context;
  const lanes = laneQueue(sizes);
  let laneId = 0;

  async function workLanes(worker: number): Promise<void> {
    for (let lane = lanes.shift(); lane !== undefined && !signal.aborted; lane = lanes.shift()) {
      const positions = new Map<number, bigint>();
      for (const partition of lane) positions.set(partition, (await consumer.committed(topics.raw, partition)) ?? 0n);
      await workLane(worker, positions);
    }
  }

  /** One lane to its end, whatever happens to the worker on the way: a new one goes on behind the last block that arrived. */
  async function workLane(worker: number, positions: Map<number, bigint>): Promise<void> {
    const suspects = createSuspects(context.config.source.maxRecordSeconds, context.faults.poison);
    while (positions.size > 0 && !signal.aborted) {
      const lane = laneId++;
      try {
        const partitions = [...positions].map(([partition, from]) => ({ partition, from }));
        const { poison } = suspects;
        await pool.call(worker, { type: 'open', lane, partitions, poison } satisfies OpenLane);
        await pullLane(worker, lane, positions);
      } catch (error) {
        if (!(error instanceof WorkerDied)) throw error;
        if (!signal.aborted) suspects.add(error);
      }
    }
  }

  async function pullLane(worker: number, lane: number, positions: Map<number, bigint>): Promise<void> {
    function pull(): Promise<Pulled | undefined> {
      const reply = pool.call<Pulled>(worker, { type: 'pull', lane });
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
        await publisher.publish(pair);
        positions.set(pair.partition, pair.to);
        hooks.sifted(pair);
        flow.entered(pair.partition, pair.to, pair.bytes);
      }
      for (const { partition, end } of ended) {
        positions.delete(partition);
        hooks.ended(partition, end);
      }
      hooks.operators(operators);
      if (done) return;
    }
  }

  await Promise.all(Array.from({ length: pool.size }, (_, worker) => workLanes(worker)));
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
