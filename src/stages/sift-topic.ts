/** Sift over the raw topic: batches of messages go to any worker, and what comes back enters the log in the order of each partition. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, FatalError, TransientError } from '../errors.ts';
import type { Batch } from '../log/port.ts';
import { orAborted } from '../runtime/or-aborted.ts';
import { WorkerDied } from '../runtime/pool.ts';
import { groups } from '../runtime/topics.ts';
import { packMessages, type RawMessages } from './raw-messages.ts';
import { repairEveryMs } from './repair.ts';
import type { SiftParts, SiftSource } from './sift.ts';
import { emptyPair, skipsOf } from './sift-skip.ts';
import { createSuspects } from './sift-suspects.ts';
import type { SiftedMessages, SiftMessages } from './worker-requests.ts';

interface Assigned {
  readonly partition: number;
  /** Where the next block begins. */
  from: bigint;
  /** Batches enter the log one after another. */
  chain: Promise<void>;
  revoked: boolean;
  /** Not read on before curate has come nearer. */
  held: boolean;
}

const POLL_BYTES = 2 << 20;
/** What one partition may have on its way: so many times its share of the room, and never more than half of it. */
const SHARES = 2;
const MOST_OF_ROOM = 0.5;
/** Batches with the workers at once, for each of them. */
const BATCHES_A_WORKER = 2;
/** A registry that is down pauses the stream: the batch is tried again at this pace. */
const PAUSE_MS = 1000;

export function siftTopic({ context, consumer, publisher, rewinds, flow, hooks }: SiftParts): SiftSource {
  const { log, pool, signal, topics, config, faults } = context;
  const skips = skipsOf(config.source.skipTo);
  const assigned = new Map<number, Assigned>();
  const open = new Set<Promise<void>>();
  /** Partitions to be started again at the next turn: nothing may move under a poll. */
  const again = new Map<number, bigint>();
  let failed: Error | undefined;

  async function run(): Promise<void> {
    const poll = { maxBytes: POLL_BYTES, waitMs: repairEveryMs(faults), signal };
    while (!signal.aborted) {
      if (flow.isFull) hooks.rests?.();
      await flow.room(signal);
      hooks.turned?.();
      await startAgain();
      const polled = await consumer.poll(poll).catch(finish);
      for (const partition of polled.revoked) {
        const gone = assigned.get(partition);
        if (gone) gone.revoked = true;
        assigned.delete(partition);
        rewinds.end(partition);
      }
      for (const partition of polled.assigned) await assign(partition);
      for (const batch of polled.batches) take(batch);
      while (open.size >= BATCHES_A_WORKER * pool.size && !signal.aborted) await orAborted(Promise.race(open), signal);
      if (failed) throw failed;
    }
    // What is with the workers is read again by whoever comes next.
    if (failed) throw failed;
  }

  /** A damaged batch ends this process: what comes before it is sifted first, so that no more than the batch has to be given up. */
  async function finish(error: unknown): Promise<never> {
    if (error instanceof FatalError && error.code === 'foreign-records') {
      await Promise.all(open);
      await publisher.settled();
    }
    throw error;
  }

  async function startAgain(): Promise<void> {
    const asked = [...again];
    again.clear();
    for (const [partition, from] of asked) {
      const target = assigned.get(partition);
      if (target !== undefined) await begin(target, from, from);
    }
  }

  /**
   * The first block of a partition covers it from 0 on: what the topic let go before anybody read it is no record. Positions that were lost (the
   * group's, after a long stop) are found again by what curate has decided.
   */
  async function assign(partition: number): Promise<void> {
    const committed = await consumer.committed(topics.raw, partition);
    const known = committed ?? (await log.progress(groups.curate, partition));
    const target = { partition, from: known ?? 0n, chain: Promise.resolve(), revoked: false, held: false };
    assigned.set(partition, target);
    rewinds.begin(partition, target.from);
    await begin(target, target.from, known);
  }

  /** Reads on at `known`; where the topic starts when nothing is. What lies between the two was promised, and is gone unless it was declared lost. */
  async function begin(target: Assigned, from: bigint, known: bigint | undefined): Promise<void> {
    const { partition } = target;
    const { start, end } = await consumer.bounds(topics.raw, partition);
    const at = known ?? start;
    const skipTo = skips.get(partition) ?? 0n;
    if (skipTo > at && skipTo > end) throw skipsTooFar(`${partition}@${skipTo}`, `${topics.raw}-${partition}`, end);
    const next = skipTo > at ? skipTo : at;
    if (next < start) throw belowStart(topics.raw, partition, at, start);
    target.from = from;
    consumer.seek({ topic: topics.raw, partition, offset: next });
    if (next === at) return;
    hooks.skipped?.({ partition, from: at, to: next });
    target.from = next;
    const pair = emptyPair({ partition, from, to: next }, config.dedup);
    enter(target, Promise.resolve({ pairs: [pair], operators: {} }));
  }

  function take({ partition, messages }: Batch): void {
    const target = assigned.get(partition);
    const fresh = target && messages.filter(({ offset }) => offset >= target.from);
    if (target === undefined || fresh === undefined || fresh.length === 0) return;
    const packed = packMessages(target.from, fresh);
    target.from = packed.to;
    enter(target, siftMessages(partition, packed));
  }

  /** In the order of the calls, whichever is done first. */
  function enter(target: Assigned, sifted: Promise<SiftedMessages>): void {
    sifted.catch(() => undefined);
    const done = target.chain
      .then(async () => {
        const reply = await orAborted(sifted, signal);
        if (reply !== undefined && !failed && !target.revoked) await publish(target, reply);
      })
      .catch((error: Error) => {
        failed ??= error;
      })
      .finally(() => open.delete(done));
    target.chain = done;
    open.add(done);
  }

  async function publish(target: Assigned, { pairs, operators }: SiftedMessages): Promise<void> {
    for (const pair of pairs) {
      await publisher.publish(pair);
      hooks.sifted(pair);
      flow.entered(pair.partition, pair.to, pair.bytes);
    }
    hold(target);
    hooks.operators(operators);
  }

  /** A partition that runs far ahead, or whose curate stands, must not take the room of all others. */
  function hold(target: Assigned): void {
    const { partition } = target;
    const mostBytes = config.source.maxAheadBytes * Math.min(MOST_OF_ROOM, SHARES / assigned.size);
    if (target.held || assigned.size === 1 || flow.bytesOf(partition) <= mostBytes) return;
    target.held = true;
    consumer.pause(topics.raw, partition);
    void flow.below(partition, mostBytes / 2, signal).then(() => {
      target.held = false;
      if (!target.revoked) consumer.resume(topics.raw, partition);
    });
  }

  /** Whatever happens to the worker on the way. */
  async function siftMessages(partition: number, messages: RawMessages): Promise<SiftedMessages> {
    const suspects = createSuspects(config.source.maxRecordSeconds, faults.poison);
    for (;;) {
      const request: SiftMessages = { type: 'sift', partition, messages, poison: suspects.poison };
      try {
        return await pool.callAny<SiftedMessages>(request);
      } catch (error) {
        if (signal.aborted) throw error;
        if (error instanceof WorkerDied) suspects.add(error);
        else if (error instanceof TransientError) {
          hooks.waiting?.(error.message);
          hooks.turned?.();
          await orAborted(sleep(PAUSE_MS), signal);
        } else throw error;
      }
    }
  }
  return { run, rewind: (partition, from) => void again.set(partition, from) };
}

function belowStart(raw: string, partition: number, from: bigint, start: bigint): FatalError {
  return new FatalError(
    'below-log-start',
    `${raw}-${partition}; it begins at ${start}, and records from ${from} on were not read yet; raise its retention, and go on without them by --set source.skipTo=${partition}@${start}`,
  );
}

function skipsTooFar(given: string, place: string, end: bigint): ConfigError {
  return new ConfigError(
    'skip-too-far',
    `source.skipTo ${given}; ${place} ends at ${end}; name an offset up to there: what has not been written yet cannot be lost`,
  );
}
