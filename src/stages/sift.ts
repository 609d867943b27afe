/**
 * Sift: raw records in; for each stretch of a source partition one sifted block and one sketch block out. The work is done by lanes in worker
 * threads; here the blocks enter the log in the order that the protocol asks for.
 */
import { FatalError } from '../errors.ts';
import type { Consumer, Producer } from '../log/port.ts';
import { IDLE, READING, SIFTING } from '../runtime/activity.ts';
import type { Poison, StageContext } from '../runtime/context.ts';
import type { Flow } from '../runtime/flow.ts';
import { WorkerDied } from '../runtime/pool.ts';
import { orAborted } from '../runtime/or-aborted.ts';
import { groups } from '../runtime/topics.ts';
import type { SiftedPair } from './sift-blocks.ts';
import type { OpenLane, Pulled } from './worker.ts';

export interface SiftInput {
  /** Bytes of each source partition's file: small ones share a lane. */
  readonly sizes: readonly number[];
}

export interface SiftHooks {
  /** A partition was read to its end: nothing will come at or beyond it. */
  ended(partition: number, end: bigint): void;
  sifted(pair: SiftedPair): void;
  operators(times: Pulled['operators']): void;
}

/** Files up to this size together make one lane. */
const LANE_BYTES = 8 << 20;
const LANE_FILES = 512;
/** Deaths on the same record before the record is given up. */
const POISON_AFTER = 2;
/** Deaths at one place, in spite of that, before the run is. */
const GIVE_UP_AFTER = 10;
/** Reading and deciding may take this many times the limit of a record. */
const STUCK_AFTER = 6;
const WATCH_MS = 250;

export async function runSift(context: StageContext, input: SiftInput, flow: Flow, hooks: SiftHooks): Promise<void> {
  const { log, topics, pool } = context;
  const { maxRecordSeconds } = context.config.source;
  const producer = log.producer();
  const consumer = await log.consumer(groups.sift, [topics.raw]);
  const publisher = createPublisher(context, producer, consumer);
  const lanes = laneQueue(input.sizes);
  let laneId = 0;

  async function workLanes(worker: number): Promise<void> {
    for (let lane = lanes.shift(); lane !== undefined && !context.signal.aborted; lane = lanes.shift()) {
      const positions = new Map<number, bigint>();
      for (const partition of lane) positions.set(partition, (await consumer.committed(topics.raw, partition)) ?? 0n);
      await workLane(worker, positions);
    }
  }

  /** One lane to its end, whatever happens to the worker on the way: a new one goes on behind the last block that arrived. */
  async function workLane(worker: number, positions: Map<number, bigint>): Promise<void> {
    const poison: Poison[] = [...context.faults.poison];
    const suspects = new Map<string, number>();
    while (positions.size > 0 && !context.signal.aborted) {
      const lane = laneId++;
      try {
        const partitions = [...positions].map(([partition, from]) => ({ partition, from }));
        await pool.call(worker, { type: 'open', lane, partitions, poison } satisfies OpenLane);
        await pullLane(worker, lane, positions);
      } catch (error) {
        if (!(error instanceof WorkerDied)) throw error;
        if (!context.signal.aborted) suspect(error, suspects, poison);
      }
    }
  }

  async function pullLane(worker: number, lane: number, positions: Map<number, bigint>): Promise<void> {
    function pull(): Promise<Pulled | undefined> {
      const reply = pool.call<Pulled>(worker, { type: 'pull', lane });
      reply.catch(() => undefined);
      return orAborted(reply, context.signal);
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
        await flow.room(context.signal);
        if (context.signal.aborted) return;
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

  /** What was being worked on when a worker died gets a second chance, then a dead letter. */
  function suspect(death: WorkerDied, suspects: Map<string, number>, poison: Poison[]): void {
    const { kind, sinceMs, partition, offset } = death.activity;
    const reading = kind === READING;
    const key = kind === SIFTING ? `${partition}@${offset}` : reading ? `${partition}` : 'between records';
    const deaths = (suspects.get(key) ?? 0) + 1;
    suspects.set(key, deaths);
    const slow = Date.now() - sinceMs >= limitMs(kind);
    if (kind === SIFTING && slow)
      poison.push({
        partition,
        offset,
        code: 'sift.timeout',
        message: `record; not done after ${maxRecordSeconds} s; raise source.maxRecordSeconds if it is worth it`,
      });
    else if (kind === SIFTING && deaths >= POISON_AFTER)
      poison.push({
        partition,
        offset,
        code: 'sift.crash',
        message: 'record; a worker thread ended twice while working on it; look at the record and report it',
      });
    else if (reading && deaths >= POISON_AFTER)
      poison.push({
        partition,
        offset,
        rest: true,
        code: slow ? 'sift.timeout' : 'sift.crash',
        message: `rest of the file; ${slow ? 'reading it did not come back' : 'a worker thread ended twice while reading it'}; leave the file out or report it`,
      });
    if (deaths > GIVE_UP_AFTER)
      throw new FatalError(
        'worker-deaths',
        `worker thread; ${deaths} in a row ended at the same place (${death.message}); look at the memory of the machine and report it`,
        { cause: death },
      );
  }

  /** How long a worker may be at one thing: a record has its limit; a block that stands for longer must be stuck. */
  function limitMs(kind: number): number {
    return 1000 * maxRecordSeconds * (kind === SIFTING ? 1 : STUCK_AFTER);
  }

  const watchdog = setInterval(() => {
    for (let worker = 0; worker < pool.size; worker++) {
      const { kind, sinceMs } = pool.activity(worker);
      if (kind !== IDLE && Date.now() - sinceMs > limitMs(kind)) void pool.replace(worker);
    }
  }, WATCH_MS);
  try {
    await Promise.all(Array.from({ length: pool.size }, (_, worker) => workLanes(worker)));
    await publisher.settled();
  } finally {
    clearInterval(watchdog);
    await consumer.close();
  }
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

/**
 * Protocol rule 2: the sifted block is acknowledged before its sketch block is appended, and the position in the source moves only after both
 * are. Blocks overlap in time: the next one is on its way while earlier ones wait for their acknowledgement.
 */
function createPublisher({ topics, faults }: StageContext, producer: Producer, consumer: Consumer) {
  const open = new Set<Promise<void>>();
  const chains = new Map<number, Promise<void>>();
  let failed: Error | undefined;

  /** Resolves when both blocks are acknowledged. */
  async function publishOne(pair: SiftedPair, before: Promise<void>): Promise<void> {
    const appendSifted = () => producer.append(topics.sifted, pair.partition, [{ value: pair.sifted }]);
    const appendSketch = () => producer.append(topics.sketches, 0, [{ value: pair.sketch }]);
    faults.at('sift.start');
    if (faults.omit.has('sifted-before-sketch')) {
      await before;
      await appendSketch();
      faults.at('sift.sketch');
      await appendSifted();
      return;
    }
    const acknowledged = appendSifted();
    acknowledged.catch(() => undefined);
    await before;
    await acknowledged;
    faults.at('sift.sifted');
    await appendSketch();
    faults.at('sift.sketch');
  }

  async function commit(pair: SiftedPair): Promise<void> {
    await consumer.commit([{ topic: topics.raw, partition: pair.partition, offset: pair.to }]);
    faults.at('sift.committed');
  }

  return {
    async publish(pair: SiftedPair): Promise<void> {
      if (failed) throw failed;
      const before = chains.get(pair.partition) ?? Promise.resolve();
      const done = publishOne(pair, before);
      chains.set(pair.partition, done);
      const tracked = done
        .then(() => commit(pair))
        .catch((error: Error) => {
          failed ??= error;
        })
        .finally(() => {
          open.delete(tracked);
          if (chains.get(pair.partition) === done) chains.delete(pair.partition);
        });
      open.add(tracked);
      if (open.size >= 64) await Promise.race(open);
    },
    async settled(): Promise<void> {
      while (open.size > 0) await Promise.all(open);
      if (failed) throw failed;
    },
  };
}
