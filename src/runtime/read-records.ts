/** Reading topics of any number of partitions from outside: all that they hold, or single messages at their places. */
import { FatalError } from '../errors.ts';
import type { Consumer, Log, Message } from '../log/port.ts';
import { READER } from './read-topic.ts';

export interface Placed {
  readonly partition: number;
  readonly message: Message;
}

const POLL = { maxBytes: 4 << 20, waitMs: 0 };

/** What the partitions of a topic hold as of now; of a topic that grows meanwhile, the end is where it was at the start. */
export async function* readRecords(
  log: Log,
  topic: string,
  partitions: number,
  only?: number,
): AsyncGenerator<Placed, void> {
  const consumer = await log.consumer(READER, [topic]);
  try {
    const ends = new Map<number, bigint>();
    for (let p = 0; p < partitions; p++) {
      if (only === undefined || only === p) ends.set(p, (await consumer.bounds(topic, p)).end);
      else consumer.pause(topic, p);
    }
    while (ends.size > 0) {
      const { assigned, batches } = await consumer.poll(POLL);
      if (assigned.length === 0 && batches.length === 0) return;
      for (const { partition, messages } of batches) {
        for (const message of messages) {
          const end = ends.get(partition);
          if (end !== undefined && message.offset < end) yield { partition, message };
          else if (ends.delete(partition)) consumer.pause(topic, partition);
        }
      }
    }
  } finally {
    await consumer.close();
  }
}

export interface Finder {
  /** The message at that place; undefined where it was let go, or never was. Its value is valid until the next call. */
  find(partition: number, offset: bigint): Promise<Message | undefined>;
  close(): Promise<void>;
}

/** Further on than this, a partition is read from the place itself and not from where the reader is. */
const NEAR = 1000n;

interface Open {
  readonly consumer: Consumer;
  readonly bounds: Map<number, { start: bigint; end: bigint }>;
  at: { readonly partition: number; next: bigint; waiting: readonly Message[] } | undefined;
}

/** Looks messages up one by one. Going forward in one partition is cheap. */
export function openFinder(log: Log, topic: string, partitions: number): Finder {
  let opened: Promise<Open> | undefined;

  async function open(): Promise<Open> {
    const consumer = await log.consumer(READER, [topic]);
    for (let p = 0; p < partitions; p++) consumer.pause(topic, p);
    await consumer.poll(POLL);
    return { consumer, bounds: new Map(), at: undefined };
  }

  async function close(): Promise<void> {
    await (await opened)?.consumer.close();
    opened = undefined;
  }

  async function look(reader: Open, partition: number, offset: bigint): Promise<Message | undefined> {
    const { consumer, bounds } = reader;
    if (!bounds.has(partition)) bounds.set(partition, await consumer.bounds(topic, partition));
    const { start, end } = bounds.get(partition)!;
    if (offset < start || offset >= end) return undefined;
    const near = reader.at?.partition === partition && offset >= reader.at.next && offset - reader.at.next < NEAR;
    if (!near) {
      if (reader.at) consumer.pause(topic, reader.at.partition);
      consumer.seek({ topic, partition, offset });
      consumer.resume(topic, partition);
      reader.at = { partition, next: offset, waiting: [] };
    }
    const at = reader.at!;
    for (;;) {
      const index = at.waiting.findIndex((message) => message.offset >= offset);
      if (index >= 0) {
        at.waiting = at.waiting.slice(index);
        at.next = offset;
        return at.waiting[0]!.offset === offset ? at.waiting[0] : undefined;
      }
      const { batches } = await consumer.poll(POLL);
      at.waiting = batches.find((batch) => batch.partition === partition)?.messages ?? [];
      if (at.waiting.length === 0) return undefined;
    }
  }

  return {
    close,
    async find(partition, offset) {
      try {
        return await look(await (opened ??= open()), partition, offset);
      } catch (error) {
        // Let go of between the question where the partition starts and the look at it.
        if (!(error instanceof FatalError) || error.code !== 'below-log-start') throw error;
        await close();
        return undefined;
      }
    },
  };
}
