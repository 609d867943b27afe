/** Making and reading messages in tests of the log port. */
import assert from 'node:assert/strict';
import { FatalError } from '../../src/errors.ts';
import type { Batch, Consumer, Message, OutMessage } from '../../src/log/port.ts';

export function texts(...values: readonly string[]): OutMessage[] {
  return values.map((value) => ({ value: Buffer.from(value) }));
}

export function textOf(message: Message): string {
  return Buffer.from(message.value).toString('utf8');
}

export function isFenced(error: unknown): boolean {
  return error instanceof FatalError && error.code === 'fenced';
}

/** Polls until the partitions are given; no batch may come before. */
export async function assignedOf(consumer: Consumer): Promise<readonly number[]> {
  for (;;) {
    const { assigned, batches } = await consumer.poll({ maxBytes: 1, waitMs: 100 });
    assert.deepEqual(batches, []);
    if (assigned.length > 0) return assigned;
  }
}

/** Polls until so many messages came, copied, by `topic-partition`. */
export async function readAll(consumer: Consumer, count: number): Promise<Map<string, Message[]>> {
  const all = new Map<string, Message[]>();
  for (let left = count; left > 0; ) {
    const { batches } = await consumer.poll({ maxBytes: 4_000_000, waitMs: 1000 });
    for (const batch of batches) left -= keep(all, batch);
  }
  return all;
}

function keep(all: Map<string, Message[]>, { topic, partition, messages }: Batch): number {
  const name = `${topic}-${partition}`;
  const kept = all.get(name) ?? [];
  for (const message of messages) kept.push({ ...message, value: message.value.slice() });
  all.set(name, kept);
  return messages.length;
}
