import { statfs } from 'node:fs/promises';
import { setImmediate } from 'node:timers';
import { FatalError, RiffleError, TransientError } from '../../errors.ts';
import { type Catalog, loadLength, type Partition, type Topic } from './catalog.ts';
import type { Environment } from './environment.ts';
import type { OutputFiles } from './outputs.ts';
import { createTransaction, type Transaction } from './transaction.ts';

/** Limits of one transaction: its copying blocks the event loop for a few milliseconds. */
const GROUP_BYTES = 4 * 2 ** 20;
const GROUP_MESSAGES = 500;

/** One append or commit, as the writer sees it. Offsets and positions are read and written inside the transaction. */
export interface Work<T> {
  readonly bytes: number;
  readonly messages: number;
  /** Throws when this piece of work must not happen (fenced); the others of the same transaction go on. Reads only. */
  check?(): void;
  /** What is appended to output files: whole lines, with their line feeds. */
  readonly outputs?: ReadonlyMap<Topic, readonly Uint8Array[]>;
  /** Writes; must not throw for a reason of its own, since that would fail the whole transaction. */
  apply(transaction: Transaction): T;
}

export interface Writer {
  /** Resolves with what `apply` returned when it is durable. */
  run<T>(work: Work<T>): Promise<T>;
  /** Calls the listener after each commit with every partition that got longer. @returns a function that ends it. */
  onVisible(listener: (topic: Topic, partition: Partition) => void): () => void;
  foreignSince(state: Buffer, seen: string): string | undefined;
  close(): Promise<void>;
}

/** Work that waits, with its two ends of the promise. */
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
  const { root } = environment;
  const transaction = createTransaction(environment, catalog);
  const waiting: Waiting[] = [];
  const listeners = new Set<(topic: Topic, partition: Partition) => void>();
  const unflushed = new Set<Promise<unknown>>();
  let running = false;
  let failed = false;

  /** Pieces that may happen; the others are rejected, alone. */
  function checked(group: readonly Waiting[]): Waiting[] {
    return group.filter((one) => {
      try {
        one.work.check?.();
        return true;
      } catch (reason) {
        one.reject(reason);
        return false;
      }
    });
  }

  async function writeLines(group: readonly Waiting[]): Promise<Map<Topic, bigint>> {
    const lines = new Map<Topic, Uint8Array[]>();
    for (const { work } of group) {
      for (const [topic, chunks] of work.outputs ?? []) {
        const all = lines.get(topic);
        if (all === undefined) lines.set(topic, [...chunks]);
        else all.push(...chunks);
      }
    }
    const lengths = new Map<Topic, bigint>();
    const write = async (topic: Topic, chunks: readonly Uint8Array[]): Promise<void> => {
      lengths.set(topic, await files.append(topic, loadLength(environment, topic), chunks));
    };
    // All must have ended before the write lock is let go, failed or not.
    const results = await Promise.allSettled([...lines].map(([topic, list]) => write(topic, list)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    return lengths;
  }

  /** One transaction. Comes back when it is visible; its callers are told when it is durable. */
  async function commitGroup(group: readonly Waiting[]): Promise<void> {
    const bytes = sum(group, ({ work }) => work.bytes);
    let passed: readonly Waiting[] = [];
    let results: unknown[] = [];
    const apply = (lengths: ReadonlyMap<Topic, bigint>): void => {
      results = passed.map(({ work }) => work.apply(transaction));
      transaction.end(lengths);
    };
    try {
      // A child transaction: one that throws is undone, where the library would commit the rest of a plain one.
      await root.childTransaction(() => {
        transaction.begin(
          bytes,
          sum(group, ({ work }) => work.messages),
        );
        passed = checked(group);
        const hasLines = passed.some(({ work }) => work.outputs !== undefined);
        return hasLines ? writeLines(passed).then(apply) : apply(new Map());
      });
      failed = false;
    } catch (cause) {
      failed = true;
      transaction.failed();
      // The failed transaction also rejects a promise of the library that nobody else holds.
      root.committed.then(undefined, () => undefined);
      const error = await explain(environment, cause, bytes);
      for (const one of group) one.reject(error);
      return;
    }
    const flushed = root.flushed.then(
      () => passed.forEach(({ resolve }, i) => resolve(results[i])),
      (cause: unknown) => passed.forEach(({ reject }) => reject(unsynced(environment, cause))),
    );
    unflushed.add(flushed);
    void flushed.finally(() => unflushed.delete(flushed));
    for (const [topic, partition] of transaction.committed()) {
      for (const listener of listeners) listener(topic, partition);
    }
  }

  async function drain(): Promise<void> {
    while (waiting.length > 0) await commitGroup(nextGroup(waiting));
    running = false;
  }

  return {
    run<T>(work: Work<T>): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        // `apply` of this work gives the T that its own promise waits for.
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
    foreignSince: (state, seen) => transaction.foreignSince(state, seen),
    async close() {
      while (running || unflushed.size > 0) await new Promise((resolve) => setImmediate(resolve));
      // After a failed commit the library would wait for ever for its flush; an empty transaction settles it.
      if (failed) await root.transaction(() => undefined).catch(() => undefined);
    },
  };
}

/** Takes the first of those that wait off the list, as many as the limits allow and at least one. */
function nextGroup(waiting: Waiting[]): Waiting[] {
  let bytes = 0;
  let messages = 0;
  let size = 0;
  while (size < waiting.length && (size === 0 || (bytes < GROUP_BYTES && messages < GROUP_MESSAGES))) {
    bytes += waiting[size]!.work.bytes;
    messages += waiting[size]!.work.messages;
    size++;
  }
  return waiting.splice(0, size);
}

function sum(group: readonly Waiting[], of: (one: Waiting) => number): number {
  return group.reduce((total, one) => total + of(one), 0);
}

/** What a failed transaction means: the library says "commit failed", with the cause behind a promise. */
async function explain(environment: Environment, cause: unknown, bytes: number): Promise<RiffleError> {
  if (cause instanceof RiffleError) return cause;
  const detail = await commitError(cause);
  const code = typeof detail === 'object' && detail !== null && 'code' in detail ? detail.code : undefined;
  const message = detail instanceof Error ? detail.message : String(detail);
  const room = await statfs(environment.directory).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => Infinity,
  );
  const full = code === 'ENOSPC' || code === 'EDQUOT' || /MDB_MAP_FULL|No space|quota/i.test(message);
  // LMDB calls a short write an input/output error; with no room left, that is what it was.
  if (full || (message.includes('Input/output') && room < 2 * bytes + 2 ** 20)) {
    return new TransientError(
      'disk-full',
      `state folder ${environment.directory}; no space left (${message}), nothing was written; make room, and the same command continues`,
      { cause },
    );
  }
  return new FatalError(
    'log-write',
    `${environment.directory}; ${message}, nothing of this transaction was written; look at the disk`,
    { cause },
  );
}

/** Visible, perhaps not durable: like every rejection that is not a refusal, it leaves the outcome open. */
function unsynced(environment: Environment, cause: unknown): FatalError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new FatalError('log-sync', `${environment.directory}; ${message} while syncing; look at the disk`, { cause });
}

async function commitError(cause: unknown): Promise<unknown> {
  if (typeof cause !== 'object' || cause === null || !('commitError' in cause)) return cause;
  return Promise.resolve(cause.commitError).catch((reason: unknown) => reason);
}
