/** The oracle: what lies on the topics at the end, held against what was fed and against a fold from scratch of this run's sketch log. */
import assert from 'node:assert/strict';
import type { KafkaLog } from '../../src/log/kafka/log.ts';
import type { Message } from '../../src/log/port.ts';
import type { TopicNames } from '../../src/runtime/topics.ts';
import { foldBlocks } from '../crash/fold.ts';

/** All that a `read_committed` reader sees of a topic. @throws AssertionError when a transaction is open at its end. */
export async function readAll(log: KafkaLog, topic: string, take: (message: Message, partition: number) => void) {
  const consumer = await log.consumer('reader', [topic]);
  try {
    for (;;) {
      const { assigned, batches } = await consumer.poll({ maxBytes: 8 << 20, waitMs: 500 });
      for (const partition of assigned)
        consumer.seek({ topic, partition, offset: (await consumer.bounds(topic, partition)).start });
      for (const { partition, messages } of batches) for (const message of messages) take(message, partition);
      if (assigned.length === 0 && batches.length === 0) break;
    }
    const own = log.lag().filter((lag) => lag.topic === topic && lag.group === 'reader');
    for (const { partition, lag, stableLag } of own)
      assert.equal(lag, stableLag, `${topic}-${partition}: a transaction is open`);
  } finally {
    await consumer.close();
  }
}

/** `partition@offset` of every raw record. */
export async function rawPositions(log: KafkaLog, topics: TopicNames): Promise<Set<string>> {
  const positions = new Set<string>();
  await readAll(log, topics.raw, ({ offset }, partition) => positions.add(`${partition}@${offset}`));
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
  for (const output of outputs)
    await readAll(log, topics.output(output), ({ value }) => {
      const { position, signals: own } = JSON.parse(Buffer.from(value).toString()) as Decided;
      const key = `${position.partition}@${position.offset}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
      if (own?.dedup) signals.set(key, own.dedup);
    });
  const blocks: Uint8Array[] = [];
  await readAll(log, topics.sketches, ({ value }) => void blocks.push(value.slice()));
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
