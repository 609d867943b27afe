/** Sift over the raw topic: batches of messages go to any worker, and what comes back enters the log in the order of each partition. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FatalError, TransientError } from '../errors.ts';
import type { Batch, Consumer } from '../log/port.ts';
import type { StageContext } from '../runtime/context.ts';
import { orAborted } from '../runtime/or-aborted.ts';
import { WorkerDied } from '../runtime/pool.ts';
import { groups } from '../runtime/topics.ts';
import { packMessages, type RawMessages } from './raw-messages.ts';
import type { SiftParts, SiftSource } from './sift.ts';
import { createSuspects } from './sift-suspects.ts';
import type { SiftedMessages, SiftMessages } from './worker.ts';

interface Assigned {
  readonly partition: number;
  /** Where the next block begins. */
  from: bigint;
  /** Batches enter the log one after another. */
  chain: Promise<void>;
  revoked: boolean;
}

const POLL = { maxBytes: 2 << 20, waitMs: 200 };
/** Batches with the workers at once, for each of them. */
const BATCHES_A_WORKER = 2;
/** A registry that is down pauses the stream: the batch is tried again at this pace. */
const PAUSE_MS = 1000;

export function siftTopic({ context, consumer, publisher, rewinds, flow, hooks }: SiftParts): SiftSource {
  const { pool, signal, topics, config, faults } = context;
  const assigned = new Map<number, Assigned>();
  const open = new Set<Promise<void>>();
  /** Partitions to be started again at the next turn: nothing may move under a poll. */
  const again = new Map<number, bigint>();
  let failed: Error | undefined;

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await flow.room(signal);
      startAgain();
      const polled = await consumer.poll({ ...POLL, signal });
      for (const partition of polled.revoked) {
        const gone = assigned.get(partition);
        if (gone) gone.revoked = true;
        assigned.delete(partition);
        rewinds.end(partition);
      }
      for (const partition of polled.assigned) {
        const target = await assign(context, consumer, partition);
        assigned.set(partition, target);
        rewinds.begin(partition, target.from);
      }
      for (const batch of polled.batches) take(batch);
      while (open.size >= BATCHES_A_WORKER * pool.size && !signal.aborted) await orAborted(Promise.race(open), signal);
      if (failed) throw failed;
    }
    // What is with the workers is read again by whoever comes next.
    if (failed) throw failed;
  }

  function startAgain(): void {
    for (const [partition, from] of again) {
      const target = assigned.get(partition);
      if (target === undefined) continue;
      target.from = from;
      consumer.seek({ topic: topics.raw, partition, offset: from });
    }
    again.clear();
  }

  function take({ partition, messages }: Batch): void {
    const target = assigned.get(partition);
    const fresh = target && messages.filter(({ offset }) => offset >= target.from);
    if (target === undefined || fresh === undefined || fresh.length === 0) return;
    const packed = packMessages(target.from, fresh);
    target.from = packed.to;
    const sifted = siftMessages(partition, packed);
    sifted.catch(() => undefined);
    const done = target.chain
      .then(async () => {
        const reply = await orAborted(sifted, signal);
        if (reply !== undefined && !failed && !target.revoked) await publish(reply);
      })
      .catch((error: Error) => {
        failed ??= error;
      })
      .finally(() => open.delete(done));
    target.chain = done;
    open.add(done);
  }

  async function publish({ pairs, operators }: SiftedMessages): Promise<void> {
    for (const pair of pairs) {
      await publisher.publish(pair);
      hooks.sifted(pair);
      flow.entered(pair.partition, pair.to, pair.bytes);
    }
    hooks.operators(operators);
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
          await orAborted(sleep(PAUSE_MS), signal);
        } else throw error;
      }
    }
  }
  return { run, rewind: (partition, from) => void again.set(partition, from) };
}

/**
 * The first block of a partition covers it from 0 on: what the topic let go before anybody read it is no record. Positions that were lost (the
 * group's, after a long stop) are found again by what curate has decided; what lies between that and the start of the topic was promised, and is gone.
 */
async function assign({ log, topics }: StageContext, consumer: Consumer, partition: number): Promise<Assigned> {
  const committed = await consumer.committed(topics.raw, partition);
  const from = committed ?? (await log.progress(groups.curate, partition));
  const { start } = await consumer.bounds(topics.raw, partition);
  if (from !== undefined && from < start)
    throw new FatalError(
      'below-log-start',
      `${topics.raw}-${partition}; it begins at ${start}, and records from ${from} on were not read yet; raise its retention; they are lost to this run`,
    );
  consumer.seek({ topic: topics.raw, partition, offset: from ?? start });
  return { partition, from: from ?? 0n, chain: Promise.resolve(), revoked: false };
}
