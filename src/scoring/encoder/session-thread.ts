import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { ConfigError } from '../../errors.ts';
import type { RunRequest, SessionData, SessionReply, SessionRequest } from './protocol.ts';
import type { Batch } from './queue.ts';
import { newRunning, setBusy, waitAtExit } from './running.ts';
import type { Row, Session } from './session.ts';
import { createSharedBatch, packBatch, type SharedBatch } from './shared-batch.ts';
import { SessionDied } from './unavailable.ts';

/** Tokens of the window that tells whether a session still works. */
const TRIAL_TOKENS = 8;
/** Longer than any run. */
const CLOSE_LIMIT_MS = 30_000;

/**
 * Starts a session in a thread, tries it out and warms it up. Throws a ConfigError when the graph is not what the manifest says, or the provider does not
 * work here, and `SessionDied` when the thread ends.
 */
export async function startSession(
  options: Omit<SessionData, 'shared' | 'running'>,
  entry: URL = new URL('./worker.ts', import.meta.url),
): Promise<Session> {
  const { limits, columns, pad } = options;
  const shared: SharedBatch = createSharedBatch(limits, columns);
  const running = newRunning();
  const worker = new Worker(entry, { workerData: { ...options, shared, running } satisfies SessionData });
  const ended = waitAtExit(running);
  let answer: ((reply: SessionReply) => void) | undefined;
  let fail: ((error: SessionDied) => void) | undefined;
  let dead: SessionDied | undefined;
  const die = (why: string, cause?: unknown): void => {
    dead ??= new SessionDied(why, { cause });
    ended();
    fail?.(dead);
  };
  worker.on('message', (message: SessionReply) => answer?.(message));
  worker.on('error', (cause) => die(`: ${cause instanceof Error ? cause.message : String(cause)}`, cause));
  const exited = new Promise<void>((resolve) => {
    worker.on('exit', (status) => {
      die(` with status ${status}`);
      resolve();
    });
  });

  const next = (): Promise<SessionReply> =>
    new Promise((resolve, reject) => {
      if (dead !== undefined) reject(dead);
      answer = resolve;
      fail = reject;
    });

  async function ask(request: RunRequest): Promise<void> {
    const reply = next();
    setBusy(running);
    worker.postMessage(request satisfies SessionRequest);
    const message = await reply;
    if (message.type === 'failed') throw new Error(message.message);
  }

  /** Asks the thread to end after what it runs. To terminate it in native code would end the process: onnxruntime's binding throws where nobody can catch. */
  async function close(): Promise<void> {
    if (dead === undefined) {
      setBusy(running);
      worker.postMessage('close' satisfies SessionRequest);
    }
    await Promise.race([exited, sleep(CLOSE_LIMIT_MS, undefined, { ref: false })]);
    // A device that hangs keeps its thread, but not the process.
    worker.unref();
  }

  const first = await next();
  if (first.type === 'refused') {
    await close();
    throw new ConfigError(first.code, first.message);
  }
  return {
    async run(batch: Batch<Row>) {
      packBatch(batch, pad, shared);
      const rows = batch.windows.length;
      await ask({ rows, width: batch.width });
      return shared.out.subarray(0, rows * columns);
    },
    async works() {
      const ids = new Int32Array(Math.min(TRIAL_TOKENS, limits.maxTokens)).fill(pad);
      packBatch({ width: ids.length, windows: [{ ids }] }, pad, shared);
      return await ask({ rows: 1, width: ids.length }).then(
        () => true,
        () => false,
      );
    },
    close,
  };
}
