/** A pool of worker threads with request and reply, restarted when one dies or is stopped by the watchdog. */
import { Worker } from 'node:worker_threads';
import { FatalError, RiffleError, TransientError } from '../errors.ts';
import { type Activity, newActivity, readActivity } from './activity.ts';

/** A worker thread ended before it answered. */
export class WorkerDied extends TransientError {
  override name = 'WorkerDied';
  /** What it was doing. */
  readonly activity: Activity;
  constructor(activity: Activity, why: string, options?: ErrorOptions) {
    super('worker-died', `worker thread; it ended before it answered${why}; its work is given to a new one`, options);
    this.activity = activity;
  }
}

export interface WorkerPool {
  readonly size: number;
  /** Sends a request to one worker; rejects with WorkerDied when it dies before it answers. */
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
  /** It has said that it is ready: its death is the fault of a record, not of the program. */
  ready: boolean;
  readonly shared: SharedArrayBuffer;
  readonly open: Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>;
}

/** What a worker sends once, before it answers anything. */
export const READY: WorkerReply = { id: 0 };

export function createPool(entry: URL, size: number, workerData: object): WorkerPool {
  let nextId = 1;
  let closing = false;
  let broken: Error | undefined;
  const slots = Array.from({ length: size }, () => start());

  function start(): Slot {
    const shared = newActivity();
    const worker = new Worker(entry, { workerData: { ...workerData, activity: shared } });
    const slot: Slot = { worker, ready: false, shared, open: new Map() };
    worker.on('message', (reply: WorkerReply) => {
      slot.ready = true;
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
    const error = slot.ready
      ? new WorkerDied(readActivity(slot.shared), why, { cause })
      : new FatalError('worker-start', `worker thread; it cannot start${why}; look at the error and report it`, {
          cause,
        });
    if (!slot.ready) broken ??= error;
    if (!closing) slots[i] = slot.ready ? start() : { ...slot, open: new Map() };
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
    activity: (worker) => readActivity(slots[worker]!.shared),
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
  const error = name === 'TransientError' ? new TransientError(code, message) : new RiffleError(code, message);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}
