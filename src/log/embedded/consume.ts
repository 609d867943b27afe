import { getLastVersion } from 'lmdb';
import { FatalError } from '../../errors.ts';
import type { Batch, Consumer, Message, PollOptions, Polled, Position } from '../port.ts';
import { type Catalog, type Partition, partitionOf, readCommitted, readRange, type Topic } from './catalog.ts';
import type { Environment } from './environment.ts';
import { messageKey, numberKey, readU64, TAG } from './layout.ts';
import type { OutputFiles } from './outputs.ts';
import type { Writer } from './writer.ts';

/** How often a consumer looks for what other processes appended; its own process tells it at once. */
const LOOK_MS = 20;
/** A partition gets at least this much of a poll before the next one's turn. */
const FAIR_BYTES = 64 * 1024;
/** Small messages cost by their number: more than these would hold the event loop for too long. */
const MESSAGES_A_POLL = 2_000;

interface Cursor {
  readonly topic: Topic;
  readonly partition: Partition;
  position: bigint;
  paused: boolean;
  /** Waits in `ready`. */
  queued: boolean;
}

export interface ConsumerParts {
  readonly environment: Environment;
  readonly catalog: Catalog;
  readonly writer: Writer;
  readonly files: OutputFiles;
  readonly group: number;
  readonly topics: readonly Topic[];
  /** Which partition numbers this process reads; all when undefined. */
  readonly partitions: readonly number[] | undefined;
  readonly commit: (positions: readonly Position[]) => Promise<void>;
}

/**
 * A consumer of every partition at once. `ready` holds the partitions with something to read, in turn, so that a poll costs what it
 * returns, however many partitions there are.
 */
export function createConsumer(parts: ConsumerParts): Consumer {
  const { environment, writer, files, group } = parts;
  const cursors = new Map<Topic, (Cursor | undefined)[]>();
  const ready: Cursor[] = [];
  let wake: (() => void) | undefined;
  let assigned: readonly number[] | undefined;
  let seen = '';
  let lookedMs = 0;
  let closed = false;

  function cursorOf(name: string, partition: number): Cursor {
    const topic = parts.catalog.topic(name);
    const cursor = cursors.get(topic)?.[partition];
    if (cursor !== undefined) return cursor;
    throw new FatalError(
      'not-assigned',
      `${name}-${partition}; is not read by this consumer; poll first, and ask for assigned partitions only`,
    );
  }

  function enqueue(cursor: Cursor): void {
    if (cursor.queued || cursor.paused || cursor.position === cursor.partition.visibleEnd) return;
    cursor.queued = true;
    ready.push(cursor);
    wake?.();
  }

  const stopListening = writer.onVisible((topic, partition) => {
    const cursor = cursors.get(topic)?.[partition.number];
    if (cursor !== undefined) enqueue(cursor);
  });

  /** First poll: positions as committed, else the log's start. */
  function assign(): readonly number[] {
    const numbers = new Set<number>();
    for (const topic of parts.topics) {
      refreshEnds(topic);
      const list: (Cursor | undefined)[] = topic.partitions.map((partition) => {
        if (parts.partitions !== undefined && !parts.partitions.includes(partition.number)) return undefined;
        numbers.add(partition.number);
        return { topic, partition, position: partition.visibleStart, paused: false, queued: false };
      });
      const from = Buffer.from(numberKey(TAG.position, group, topic.id));
      for (const { key, value } of readRange(
        environment,
        from,
        Buffer.from(numberKey(TAG.position, group, topic.id + 1)),
      )) {
        const cursor = list[Buffer.from(key).readUInt32BE(9)];
        if (cursor !== undefined) cursor.position = readU64(value);
      }
      cursors.set(topic, list);
      for (const cursor of list) if (cursor !== undefined) enqueue(cursor);
    }
    return [...numbers].sort((a, b) => a - b);
  }

  /** Reads what is committed of a topic: other processes append too. */
  function refreshEnds(topic: Topic): void {
    if (topic.kind === 'records') {
      const stored = readCommitted(environment, Buffer.from(numberKey(TAG.output, topic.id)));
      topic.partitions[0]!.visibleEnd = stored === undefined ? 0n : readU64(stored);
      return;
    }
    const from = Buffer.from(numberKey(TAG.partition, topic.id));
    for (const { key, value } of readRange(environment, from, Buffer.from(numberKey(TAG.partition, topic.id + 1)))) {
      const partition = topic.partitions[Buffer.from(key).readUInt32BE(5)];
      if (partition === undefined) continue;
      partition.visibleEnd = readU64(value, 8);
      partition.visibleStart = readU64(value, 0);
    }
  }

  function look(): void {
    const now = performance.now();
    if (now - lookedMs < LOOK_MS) return;
    lookedMs = now;
    const state = readCommitted(environment, numberKey(TAG.state));
    const mark = state === undefined ? undefined : writer.foreignSince(state, seen);
    if (mark === undefined) return;
    seen = mark;
    for (const topic of parts.topics) {
      refreshEnds(topic);
      for (const cursor of cursors.get(topic) ?? []) if (cursor !== undefined) enqueue(cursor);
    }
  }

  async function wait(options: PollOptions): Promise<void> {
    const deadline = performance.now() + options.waitMs;
    while (ready.length === 0 && !closed && options.signal?.aborted !== true) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return;
      await sleep(Math.min(leftMs, LOOK_MS), options.signal);
      look();
    }
  }

  /** Until something is ready, the time is over, or the signal is aborted. */
  function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        wake = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal?.addEventListener('abort', end, { once: true });
      wake = end;
    });
  }

  async function readBatches(maxBytes: number): Promise<Batch[]> {
    const batches: Batch[] = [];
    let left = maxBytes;
    let room = MESSAGES_A_POLL;
    const share = Math.max(FAIR_BYTES, Math.floor(maxBytes / Math.max(1, ready.length)));
    for (let turns = ready.length; turns > 0 && ((left > 0 && room > 0) || batches.length === 0); turns--) {
      const cursor = ready.shift()!;
      cursor.queued = false;
      if (cursor.paused || cursor.position === cursor.partition.visibleEnd) continue;
      const messages = await read(cursor, Math.min(left, share), room);
      if (messages.length > 0) {
        for (const { value } of messages) left -= value.byteLength;
        room -= messages.length;
        batches.push({ topic: cursor.topic.name, partition: cursor.partition.number, messages });
      }
      enqueue(cursor);
    }
    return batches;
  }

  async function read(cursor: Cursor, maxBytes: number, maxMessages: number): Promise<readonly Message[]> {
    const { topic, partition } = cursor;
    if (topic.kind === 'records') {
      const messages = await files.read(topic, cursor.position, partition.visibleEnd, maxBytes, lastTimestampMs());
      const last = messages.at(-1);
      if (last !== undefined) cursor.position = last.offset + BigInt(last.value.byteLength) + 1n;
      return messages;
    }
    const messages: Message[] = [];
    let bytes = 0;
    while (
      cursor.position < partition.visibleEnd &&
      (messages.length === 0 || (bytes < maxBytes && messages.length < maxMessages))
    ) {
      const value = environment.messages.getBinary(messageKey(topic.id, partition.number, cursor.position));
      if (value === undefined) {
        if (topic.kind !== 'compacted') throw missing(cursor);
      } else {
        messages.push(asMessage(topic, cursor.position, value));
        bytes += value.byteLength;
      }
      cursor.position += 1n;
    }
    return messages;
  }

  /** Lines carry no time of their own: the time of the last commit is what the log knows. */
  function lastTimestampMs(): number {
    const state = readCommitted(environment, numberKey(TAG.state));
    return state === undefined ? 0 : Number(readU64(state));
  }

  function missing({ topic, partition, position }: Cursor): FatalError {
    const start = boundsOf(topic, partition).start;
    const at = `${topic.name}-${partition.number}@${position}`;
    if (position < start) {
      return new FatalError(
        'below-log-start',
        `${at}; the log starts at ${start}, what is before was trimmed; reset this group or restore the log`,
      );
    }
    return new FatalError(
      'log-gap',
      `${at}; the message is missing though the log starts at ${start}; restore the log from a copy`,
    );
  }

  function boundsOf(topic: Topic, partition: Partition): { start: bigint; end: bigint } {
    const tag =
      topic.kind === 'records' ? numberKey(TAG.output, topic.id) : numberKey(TAG.partition, topic.id, partition.number);
    const stored = readCommitted(environment, Buffer.from(tag));
    if (stored === undefined) return { start: 0n, end: 0n };
    return topic.kind === 'records'
      ? { start: 0n, end: readU64(stored) }
      : { start: readU64(stored, 0), end: readU64(stored, 8) };
  }

  return {
    async poll(options): Promise<Polled> {
      if (assigned === undefined) {
        assigned = assign();
        return { assigned, revoked: [], batches: [] };
      }
      look();
      if (ready.length === 0) await wait(options);
      return { assigned: [], revoked: [], batches: await readBatches(options.maxBytes) };
    },
    seek({ topic, partition, offset }) {
      const cursor = cursorOf(topic, partition);
      cursor.position = offset;
      enqueue(cursor);
    },
    pause(topic, partition) {
      cursorOf(topic, partition).paused = true;
    },
    resume(topic, partition) {
      const cursor = cursorOf(topic, partition);
      cursor.paused = false;
      enqueue(cursor);
    },
    commit: parts.commit,
    async committed(topic, partition) {
      const key = numberKey(TAG.position, group, parts.catalog.topic(topic).id, partition);
      const stored = readCommitted(environment, Buffer.from(key));
      return stored === undefined ? undefined : readU64(stored);
    },
    async bounds(name, partition) {
      const topic = parts.catalog.topic(name);
      return boundsOf(topic, partitionOf(topic, partition));
    },
    async close() {
      closed = true;
      stopListening();
      wake?.();
    },
  };
}

function asMessage(topic: Topic, offset: bigint, stored: Buffer): Message {
  const timestampMs = getLastVersion();
  if (topic.kind !== 'compacted') return { offset, timestampMs, value: stored };
  const keyBytes = stored.readUInt32BE(0);
  return { offset, timestampMs, key: stored.toString('utf8', 4, 4 + keyBytes), value: stored.subarray(4 + keyBytes) };
}
