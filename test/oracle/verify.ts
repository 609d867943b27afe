/** The oracle: what lies on the topics at the end, held against what was fed and against a fold from scratch of this run's sketch log. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaLog } from '../../src/log/kafka/log.ts';
import type { Message } from '../../src/log/port.ts';
import type { TopicNames } from '../../src/runtime/topics.ts';
import { foldBlocks } from '../crash/fold.ts';

/** A transaction that was answered is closed in every partition a moment later. */
const CLOSING_MS = 5000;

/** All that a `read_committed` reader sees of topics, to their ends as of now. @throws AssertionError when a transaction stays open at an end */
export async function readAll(
  log: KafkaLog,
  topics: readonly string[],
  take: (message: Message, partition: number, topic: string) => void,
): Promise<void> {
  const open = () =>
    log.lag().filter((own) => own.group === 'reader' && topics.includes(own.topic) && own.lag !== own.stableLag);
  let seenMs: number | undefined;
  const consumer = await log.consumer('reader', topics);
  try {
    for (;;) {
      // A reader comes back empty only when every partition has said that there is no more.
      const { assigned, batches } = await consumer.poll({ maxBytes: 8 << 20, waitMs: 0 });
      for (const { topic, partition, messages } of batches)
        for (const message of messages) take(message, partition, topic);
      if (assigned.length > 0 || batches.length > 0) continue;
      const [waiting] = open();
      if (waiting === undefined) break;
      seenMs ??= performance.now();
      assert.ok(
        performance.now() < seenMs + CLOSING_MS,
        `${waiting.topic}-${waiting.partition}: a transaction is open`,
      );
      await sleep(50);
    }
  } finally {
    await consumer.close();
  }
}

/** `partition@offset` of every raw record. */
export async function rawPositions(log: KafkaLog, topics: TopicNames): Promise<Set<string>> {
  const positions = new Set<string>();
  await readAll(log, [topics.raw], ({ offset }, partition) => positions.add(`${partition}@${offset}`));
  return positions;
}

interface Decided {
  readonly position: { readonly partition: number; readonly offset: string };
  readonly signals?: { readonly dedup?: object };
  readonly error?: object;
}

export interface Verdict {
  readonly records: number;
  readonly lost: readonly string[];
  readonly twice: readonly string[];
  readonly differing: readonly string[];
  readonly compared: number;
}

export async function verify(
  log: KafkaLog,
  topics: TopicNames,
  outputs: readonly string[],
  raw: ReadonlySet<string>,
): Promise<Verdict> {
  const seen = new Map<string, number>();
  const signals = new Map<string, object>();
  await readAll(log, outputs.map(topics.output), ({ value }) => {
    const { position, signals: own } = JSON.parse(Buffer.from(value).toString()) as Decided;
    const key = `${position.partition}@${position.offset}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
    if (own?.dedup) signals.set(key, own.dedup);
  });
  const blocks: Uint8Array[] = [];
  await readAll(log, [topics.sketches], ({ value }) => void blocks.push(value.slice()));
  const expected = foldBlocks(blocks, topics.raw, (partition) => partition);
  const differing: string[] = [];
  for (const [key, actual] of signals) {
    try {
      assert.deepEqual(actual, expected.get(key));
    } catch {
      differing.push(`${key}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected.get(key))}`);
    }
  }
  return {
    records: [...seen.values()].reduce((sum, n) => sum + n, 0),
    lost: [...raw].filter((key) => !seen.has(key)),
    twice: [...seen].flatMap(([key, n]) => (n > 1 || !raw.has(key) ? [`${key} (${n} times)`] : [])),
    differing,
    compared: signals.size,
  };
}
