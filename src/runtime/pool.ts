/** A pool of worker threads with request and reply, restarted when one dies or is stopped by the watchdog. */
import { Worker } from 'node:worker_threads';
import { FatalError, RiffleError, TransientError } from '../errors.ts';

/** What a worker is doing, in memory that both sides see: the watchdog reads it while the worker cannot answer. */
export interface Activity {
  /** When the current record was begun, ms since the epoch; 0 while idle. */
  readonly sinceMs: number;
  readonly partition: number;
  readonly offset: bigint;
}

export interface WorkerPool {
  readonly size: number;
  /** Sends a request to one worker; rejects with TransientError `worker-died` when it dies before it answers. */
  call<T>(worker: number, request: object, transfer?: readonly ArrayBuffer[]): Promise<T>;
  /** Same, to the worker with the fewest calls open. */
  callAny<T>(request: object, transfer?: readonly ArrayBuffer[]): Promise<T>;
  activity(worker: number): Activity;
  /** Stops a worker that does not come back; its open calls reject, and a new one takes its place. */
  replace(worker: number): Promise<void>;
  close(): Promise<void>;
}

export interface WorkerReply {
  readonly id: number;
  readonly ok?: unknown;
  readonly error?: {
    readonly name: string;
    readonly code: string;
    readonly message: string;
    readonly stack: string | undefined;
  };
}

interface Slot {
  readonly worker: Worker;
  /** It has answered before: its death is the fault of a record, not of the program. */
  proven: boolean;
  readonly shared: SharedArrayBuffer;
  readonly open: Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>;
}

/** What the worker writes: sinceMs, partition, offset; 8 bytes each. */
export const ACTIVITY_BYTES = 24;

export function createPool(entry: URL, size: number, workerData: object): WorkerPool {
  let nextId = 1;
  let closing = false;
  let broken: Error | undefined;
  const slots = Array.from({ length: size }, () => start(new SharedArrayBuffer(ACTIVITY_BYTES)));

  function start(shared: SharedArrayBuffer): Slot {
    const worker = new Worker(entry, { workerData: { ...workerData, activity: shared } });
    const slot: Slot = { worker, proven: false, shared, open: new Map() };
    worker.on('message', (reply: WorkerReply) => {
      slot.proven = true;
      const call = slot.open.get(reply.id);
      slot.open.delete(reply.id);
      if (reply.error) call?.reject(asError(reply.error));
      else call?.resolve(reply.ok as never);
    });
    worker.on('error', (cause) => died(slot, cause));
    worker.on('exit', () => died(slot, undefined));
    return slot;
  }

  function died(slot: Slot, cause: unknown): void {
    const i = slots.indexOf(slot);
    if (i < 0) return;
    const why = cause instanceof Error ? `: ${cause.message}` : '';
    const error = slot.proven
      ? new TransientError(
          'worker-died',
          `worker thread; it ended before it answered${why}; its work is given to a new one`,
          { cause },
        )
      : new FatalError('worker-start', `worker thread; it cannot start${why}; look at the error and report it`, {
          cause,
        });
    if (!slot.proven) broken ??= error;
    if (!closing) slots[i] = slot.proven ? start(slot.shared) : { ...slot, open: new Map() };
    for (const call of slot.open.values()) call.reject(error);
  }

  function call<T>(worker: number, request: object, transfer: readonly ArrayBuffer[] = []): Promise<T> {
    if (broken) return Promise.reject(broken);
    const slot = slots[worker]!;
    const id = nextId++;
    return new Promise<T>((resolve, reject) => {
      slot.open.set(id, { resolve, reject });
      slot.worker.postMessage({ ...request, id }, [...transfer]);
    });
  }

  return {
    size,
    call,
    callAny(request, transfer) {
      let least = 0;
      for (let i = 1; i < size; i++) if (slots[i]!.open.size < slots[least]!.open.size) least = i;
      return call(least, request, transfer);
    },
    activity(worker) {
      const view = new DataView(slots[worker]!.shared);
      return {
        sinceMs: view.getFloat64(0, true),
        partition: view.getFloat64(8, true),
        offset: view.getBigUint64(16, true),
      };
    },
    async replace(worker) {
      await slots[worker]!.worker.terminate();
    },
    async close() {
      closing = true;
      await Promise.all(slots.map((slot) => slot.worker.terminate()));
    },
  };
}

function asError({ name, code, message, stack }: NonNullable<WorkerReply['error']>): Error {
  const error = new RiffleError(code, message);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}
