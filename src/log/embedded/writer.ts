import { setImmediate } from 'node:timers';
import { statfs } from 'node:fs/promises';
import { FatalError, RiffleError, TransientError } from '../../errors.ts';
import type { OutMessage } from '../port.ts';
import { type Catalog, loadLength, loadPartition, type Partition, storePartition, type Topic } from './catalog.ts';
import type { Environment } from './environment.ts';
import { compactionKey, messageKey, numberKey, readU64, TAG, u64 } from './layout.ts';
import type { OutputFiles } from './outputs.ts';

/** Limits of one transaction: its copying blocks the event loop for a few milliseconds. */
const GROUP_BYTES = 4 * 2 ** 20;
const GROUP_MESSAGES = 500;
/** Room for copied tree pages, per message, when the file's length is ensured. */
const PAGES_PER_MESSAGE_BYTES = 4 * 16384;

/** One append or commit, as the writer sees it. Offsets and positions are read and written inside the transaction. */
export interface Work<T> {
  readonly bytes: number;
  readonly messages: number;
  /** Throws when this piece of work must not happen (fenced); the others of the same transaction go on. Reads only. */
  check?(): void;
  readonly outputs?: ReadonlyMap<Topic, readonly OutMessage[]>;
  apply(transaction: Transaction): T;
}

export interface Transaction {
  readonly timestampMs: number;
  /** Appends to a partition kept in LMDB. @returns the first offset. */
  append(topic: Topic, partition: Partition, messages: readonly OutMessage[]): bigint;
}

export interface Writer {
  run<T>(work: Work<T>): Promise<T>;
  /** Called after a commit with what became readable. */
  onVisible(listener: (topic: Topic, partition: Partition) => void): () => void;
  /**
   * Whether a committed log state shows writes of other processes that a look with the same `seen` has not covered.
   * @returns the new `seen`, or undefined when there is nothing new.
   */
  foreignSince(state: Buffer, seen: string): string | undefined;
  close(): Promise<void>;
}

interface Waiting {
  readonly work: Work<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * The only writer of this process. Whatever waits is joined in one transaction (group commit): each piece is checked by itself, and all
 * that pass become visible together, then durable together. The transaction is exclusive over all processes, output files included: they
 * are written and synced while it is open, so a fenced process cannot overwrite another's lines.
 */
export function createWriter(environment: Environment, catalog: Catalog, files: OutputFiles): Writer {
  const { root, meta, messages } = environment;
  const waiting: Waiting[] = [];
  const listeners = new Set<(topic: Topic, partition: Partition) => void>();
  const identity = BigInt(Math.floor(Math.random() * 2 ** 52));
  let sequence = 0n;
  /** How often another process was found to have written in between. */
  let foreign = 0;
  let state: Buffer = Buffer.alloc(24);
  let timestampMs = 0;
  let running = false;
  let failed = false;
  const unflushed = new Set<Promise<unknown>>();

  function beginTransaction(bytes: number, count: number): void {
    environment.ensureLength(2 * bytes + (count + 64) * PAGES_PER_MESSAGE_BYTES);
    const stored = meta.get(numberKey(TAG.state));
    if (stored !== undefined && !stored.equals(state)) {
      catalog.forget();
      foreign++;
    }
    const storedMs = stored === undefined ? 0 : Number(readU64(stored, 0));
    const storedSequence = stored === undefined ? 0n : readU64(stored, 16);
    timestampMs = Math.max(storedMs, Date.now());
    sequence = storedSequence + 1n;
  }

  function endTransaction(touched: ReadonlySet<Topic>): Buffer {
    const next = Buffer.alloc(24);
    next.writeBigUInt64BE(BigInt(timestampMs), 0);
    next.writeBigUInt64BE(identity, 8);
    next.writeBigUInt64BE(sequence, 16);
    meta.putSync(numberKey(TAG.state), next);
    for (const topic of touched) meta.putSync(numberKey(TAG.change, topic.id), u64(sequence));
    return next;
  }

  function append(topic: Topic, partition: Partition, list: readonly OutMessage[], changed: Set<Partition>): bigint {
    loadPartition(environment, topic, partition);
    const first = partition.end;
    for (const message of list) {
      if (topic.kind === 'compacted') dropEarlier(topic, partition, message);
      messages.putSync(messageKey(topic.id, partition.number, partition.end), asStored(topic, message), timestampMs);
      partition.end += 1n;
    }
    changed.add(partition);
    return first;
  }

  function dropEarlier(topic: Topic, partition: Partition, message: OutMessage): void {
    const key = compactionKey(topic.id, partition.number, message.key ?? '');
    const earlier = meta.get(key);
    if (earlier !== undefined) messages.removeSync(messageKey(topic.id, partition.number, readU64(earlier)));
    meta.putSync(key, u64(partition.end));
  }

  /** One transaction over `group`. Resolves when it is visible; the results are told when it is durable. */
  async function commitGroup(group: readonly Waiting[]): Promise<void> {
    const bytes = group.reduce((sum, { work }) => sum + work.bytes, 0);
    const count = group.reduce((sum, { work }) => sum + work.messages, 0);
    const changed = new Map<Topic, Set<Partition>>();
    const passed: Waiting[] = [];
    const refused: { one: Waiting; reason: unknown }[] = [];
    let results: unknown[] = [];
    let nextState: Buffer = state;
    const lengths = new Map<Topic, bigint>();
    const check = (): void => {
      beginTransaction(bytes, count);
      for (const one of group) {
        try {
          one.work.check?.();
          passed.push(one);
        } catch (reason) {
          refused.push({ one, reason });
        }
      }
    };
    const transaction: Transaction = {
      get timestampMs() {
        return timestampMs;
      },
      append(topic, partition, list) {
        let partitions = changed.get(topic);
        if (partitions === undefined) changed.set(topic, (partitions = new Set()));
        return append(topic, partition, list, partitions);
      },
    };
    const apply = (): void => {
      results = passed.map(({ work }) => work.apply(transaction));
      for (const [topic, partitions] of changed) {
        for (const partition of partitions) storePartition(environment, topic, partition);
      }
      for (const [topic, length] of lengths) meta.putSync(numberKey(TAG.output, topic.id), u64(length));
      nextState = endTransaction(new Set([...changed.keys(), ...lengths.keys()]));
    };
    const writeFiles = async (): Promise<void> => {
      const lines = new Map<Topic, OutMessage[]>();
      for (const { work } of passed) {
        for (const [topic, list] of work.outputs ?? []) {
          const all = lines.get(topic);
          if (all === undefined) lines.set(topic, [...list]);
          else for (const message of list) all.push(message);
        }
      }
      await Promise.all(
        [...lines].map(async ([topic, list]) => {
          lengths.set(topic, await files.append(topic, loadLength(environment, topic), list));
        }),
      );
    };
    const hasOutputs = group.some(({ work }) => work.outputs !== undefined);
    try {
      await root.childTransaction(() => {
        check();
        if (!hasOutputs) return apply();
        return writeFiles().then(apply);
      });
    } catch (cause) {
      failed = true;
      // The failed transaction also rejects a promise of the library that nobody else holds.
      root.committed.then(undefined, () => undefined);
      catalog.forget();
      const error = await explain(cause, bytes);
      for (const one of group) one.reject(error);
      return;
    }
    failed = false;
    state = nextState;
    for (const [topic, length] of lengths) topic.lengthBytes = length;
    publish(changed, lengths);
    for (const { one, reason } of refused) one.reject(reason);
    const flushed = root.flushed.then(() => {
      for (let i = 0; i < passed.length; i++) passed[i]!.resolve(results[i]);
    });
    unflushed.add(flushed);
    void flushed.finally(() => unflushed.delete(flushed));
  }

  function publish(changed: ReadonlyMap<Topic, ReadonlySet<Partition>>, lengths: ReadonlyMap<Topic, bigint>): void {
    for (const [topic, length] of lengths) {
      const partition = topic.partitions[0]!;
      partition.visibleEnd = length;
      for (const listener of listeners) listener(topic, partition);
    }
    for (const [topic, partitions] of changed) {
      for (const partition of partitions) {
        partition.visibleEnd = partition.end;
        for (const listener of listeners) listener(topic, partition);
      }
    }
  }

  async function explain(cause: unknown, bytes: number): Promise<Error> {
    if (cause instanceof RiffleError) return cause;
    const detail = await commitError(cause);
    const code = typeof detail === 'object' && detail !== null && 'code' in detail ? detail.code : undefined;
    const message = detail instanceof Error ? detail.message : String(detail);
    const { bavail, bsize } = await statfs(environment.directory);
    const full =
      code === 'ENOSPC' ||
      code === 'EDQUOT' ||
      code === 28 ||
      message.includes('MDB_MAP_FULL') ||
      message.includes('No space');
    // LMDB calls a short write an input/output error; with no room left, that is what it was.
    if (full || (message.includes('Input/output') && bavail * bsize < 2 * bytes + 2 ** 20)) {
      return new TransientError(
        'disk-full',
        `${environment.directory}; no space left (${message}), nothing was written; make room, then it goes on`,
        { cause },
      );
    }
    return new FatalError(
      'log-write',
      `${environment.directory}; ${message}; nothing of this transaction was written; look at the disk`,
      { cause },
    );
  }

  async function drain(): Promise<void> {
    try {
      while (waiting.length > 0) {
        let bytes = 0;
        let count = 0;
        let size = 0;
        while (size < waiting.length && (size === 0 || (bytes < GROUP_BYTES && count < GROUP_MESSAGES))) {
          bytes += waiting[size]!.work.bytes;
          count += waiting[size]!.work.messages;
          size++;
        }
        await commitGroup(waiting.splice(0, size));
      }
    } finally {
      running = false;
    }
  }

  return {
    run<T>(work: Work<T>): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        waiting.push({ work, resolve: resolve as (value: unknown) => void, reject });
        if (running) return;
        running = true;
        setImmediate(() => void drain());
      });
    },
    onVisible(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    foreignSince(committed, seen) {
      const own = committed.readBigUInt64BE(8) === identity;
      const mark = own ? String(foreign) : committed.toString('hex');
      return mark === seen ? undefined : mark;
    },
    async close() {
      while (running || unflushed.size > 0) await new Promise((resolve) => setImmediate(resolve));
      // After a failed commit the library would wait for ever for its flush; an empty transaction settles it.
      if (failed) await root.transaction(() => undefined).catch(() => undefined);
    },
  };
}

async function commitError(cause: unknown): Promise<unknown> {
  if (typeof cause !== 'object' || cause === null || !('commitError' in cause)) return cause;
  return Promise.resolve(cause.commitError).catch((reason: unknown) => reason);
}

/** A compacted topic's messages carry their key: length u32, key, value. */
function asStored(topic: Topic, message: OutMessage): Buffer {
  const { value } = message;
  if (topic.kind !== 'compacted') return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const key = Buffer.from(message.key ?? '', 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(key.length);
  return Buffer.concat([length, key, value]);
}
