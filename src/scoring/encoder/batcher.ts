import { TransientError } from '../../errors.ts';
import { type Credit, createCredit } from './credit.ts';
import { type Batch, type BatchLimits, createWindowQueue, type Waiting, widthFor } from './queue.ts';
import type { Row, Session } from './session.ts';
import { EncoderUnavailable, SessionDied } from './unavailable.ts';

/** Stretches of tokens to score: all ids one after another, and how many belong to each. They are read until the call is answered. */
export interface Windows {
  readonly ids: Int32Array;
  readonly lengths: Int32Array;
}

export interface BatcherFigures {
  readonly batches: number;
  readonly windows: number;
  /** Tokens of windows, and those that were computed, padding included. */
  readonly usefulTokens: number;
  readonly computedTokens: number;
  /** Time that sessions spent running batches, of all sessions together. */
  readonly busyMs: number;
  /** Sessions that had to be started again. */
  readonly restarts: number;
  /** Windows that broke every batch that they were in. */
  readonly broken: number;
  readonly waitingTokens: number;
}

export interface Batcher {
  /** Numbers of every window, row-major. A window that breaks the model, or gives NaN, has NaN in its row. */
  score(windows: Windows): Promise<Float32Array>;
  room(tokens: number): Promise<void>;
  figures(): BatcherFigures;
  close(): Promise<void>;
}

export interface BatcherOptions {
  /** Running sessions; each is fed by itself. */
  readonly sessions: readonly Session[];
  /** Starts another one in place of one that died. */
  readonly restart: () => Promise<Session>;
  /** Numbers in a row. */
  readonly columns: number;
  readonly limits: BatchLimits;
  readonly creditTokens: number;
  /** Resolves after a time, or at once when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly now?: () => number;
}

interface Request {
  readonly out: Float32Array<ArrayBuffer>;
  readonly tokens: number;
  left: number;
  readonly resolve: (out: Float32Array) => void;
  readonly reject: (error: Error) => void;
}

interface Window extends Row, Waiting {
  readonly request: Request;
  readonly row: number;
}

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 60_000;

/**
 * Fills batches from all who call `score`, and feeds each session as soon as it is free with whatever waits.
 *
 * What fails is told apart by what happens next, not by the words of an error. A run fails and the session still works: its windows are halved
 * until one is left, and that one gets NaN. The session is gone: another is started and the batch is run once more; only when that kills it too are the windows
 * halved. None can be started: everybody who waits gets `EncoderUnavailable`, nobody gets room, and starting is tried again and again.
 */
export function createBatcher(options: BatcherOptions): Batcher {
  const { columns, limits, wait, now = () => performance.now() } = options;
  const queue = createWindowQueue<Window>(limits);
  const credit: Credit = createCredit(options.creditTokens);
  const requests = new Set<Request>();
  const stop = new AbortController();
  const up = new Set(options.sessions);
  let idle: (() => void)[] = [];
  let order = 0;
  let unavailable: EncoderUnavailable | undefined;
  const figures = { batches: 0, windows: 0, usefulTokens: 0, computedTokens: 0, busyMs: 0, restarts: 0, broken: 0 };

  function wake(): void {
    const woken = idle;
    idle = [];
    for (const go of woken) go();
  }

  function finish(request: Request): void {
    requests.delete(request);
    credit.release(request.tokens);
  }

  /** Everything that is under way comes to nothing. */
  function rejectAll(error: Error): void {
    queue.clear();
    for (const request of requests) {
      request.reject(error);
      finish(request);
    }
  }

  function settle({ request, row }: Window, numbers: Float32Array | undefined, at: number): void {
    // The request may have been rejected meanwhile.
    if (!requests.has(request)) return;
    if (numbers === undefined) request.out.fill(Number.NaN, row * columns, (row + 1) * columns);
    else request.out.set(numbers.subarray(at * columns, (at + 1) * columns), row * columns);
    if (--request.left > 0) return;
    finish(request);
    request.resolve(request.out);
  }

  async function runOnce(session: Session, batch: Batch<Window>): Promise<void> {
    const started = now();
    const numbers = await session.run(batch);
    figures.busyMs += now() - started;
    figures.batches++;
    figures.windows += batch.windows.length;
    figures.computedTokens += batch.windows.length * batch.width;
    for (const [i, window] of batch.windows.entries()) {
      figures.usefulTokens += window.length;
      settle(window, numbers, i);
    }
  }

  /** Starts a session in place of a dead one, however often that fails. */
  async function revive(failed: () => void): Promise<Session> {
    for (let delayMs = 0; ; delayMs = Math.min(LONGEST_DELAY_MS, Math.max(FIRST_DELAY_MS, 2 * delayMs))) {
      if (delayMs > 0) await wait(delayMs, stop.signal);
      stop.signal.throwIfAborted();
      try {
        const session = await options.restart();
        if (stop.signal.aborted) await session.close();
        stop.signal.throwIfAborted();
        figures.restarts++;
        up.add(session);
        unavailable = undefined;
        credit.resume();
        return session;
      } catch (cause) {
        stop.signal.throwIfAborted();
        failed();
        if (up.size === 0) pause(cause);
      }
    }
  }

  /** No session is left: everybody who waits is told, and nobody gets room. */
  function pause(cause: unknown): void {
    credit.pause();
    unavailable = new EncoderUnavailable(cause instanceof Error ? cause.message : String(cause), { cause });
    rejectAll(unavailable);
  }

  /** Lets other sessions have a batch. */
  function giveBack({ windows }: Batch<Window>): void {
    queue.putBack(windows.filter(({ request }) => requests.has(request)));
    wake();
  }

  /** Runs a batch, and what is left of it after a failure; returns the session that is there afterwards. */
  async function runAll(first: Session, batch: Batch<Window>, again = false): Promise<Session> {
    let session = first;
    try {
      await runOnce(session, batch);
      return session;
    } catch (error) {
      stop.signal.throwIfAborted();
      const dead = error instanceof SessionDied || !(await session.works().catch(() => false));
      stop.signal.throwIfAborted();
      if (dead) {
        up.delete(session);
        await session.close();
        let given = false;
        session = await revive(() => {
          if (!given) giveBack(batch);
          given = true;
        });
        if (given) return session;
        if (!again) return runAll(session, batch, true);
      }
    }
    const { windows } = batch;
    if (windows.length === 1) {
      figures.broken++;
      settle(windows[0]!, undefined, 0);
      return session;
    }
    const half = windows.length >> 1;
    for (const part of [windows.slice(0, half), windows.slice(half)]) {
      const width = Math.max(...part.map(({ length }) => widthFor(length, limits)));
      session = await runAll(session, { width, windows: part });
    }
    return session;
  }

  async function serve(first: Session): Promise<void> {
    for (let session = first; !stop.signal.aborted; ) {
      const batch = queue.take();
      if (batch === undefined) await new Promise<void>((resolve) => idle.push(resolve));
      else session = await runAll(session, batch);
    }
  }

  /** From now on nobody waits for anything, whoever asks. */
  function end(error: Error): void {
    if (stop.signal.aborted) return;
    stop.abort(error);
    rejectAll(error);
    credit.end();
    wake();
  }

  const serving = options.sessions.map((session) =>
    // After an end this is its reason; otherwise a fault of the batcher itself, which must not leave anybody waiting.
    serve(session).catch((error: unknown) => end(error instanceof Error ? error : new Error(String(error)))),
  );

  return {
    async score({ ids, lengths }) {
      stop.signal.throwIfAborted();
      if (unavailable !== undefined) throw unavailable;
      const total = lengths.reduce((sum, length) => sum + length, 0);
      if (total !== ids.length || lengths.some((length) => length < 1 || length > limits.maxTokens))
        throw new RangeError(
          `windows; ${ids.length} ids for ${lengths.length} windows of ${total}; give each 1 to ${limits.maxTokens}`,
        );
      if (lengths.length === 0) return new Float32Array(0);
      return await new Promise<Float32Array>((resolve, reject) => {
        const out = new Float32Array(lengths.length * columns);
        const request: Request = { out, tokens: total, left: lengths.length, resolve, reject };
        requests.add(request);
        credit.add(total);
        let at = 0;
        for (const [row, length] of lengths.entries()) {
          queue.push({ request, row, length, order: order++, ids: ids.subarray(at, at + length) });
          at += length;
        }
        wake();
      });
    },
    room: (tokens) => credit.room(tokens),
    figures: () => ({ ...figures, waitingTokens: credit.tokens }),
    async close() {
      end(
        new TransientError('encoder-closed', 'encoder; it was closed before it answered; nothing of the batch counts'),
      );
      await Promise.all([...up].map((session) => session.close()));
      await Promise.all(serving);
    },
  };
}

/** Hands windows in when there is room, and again when the device that was lost meanwhile is back. Rejects when the batcher is closed. */
export async function scorePatiently(
  batcher: Pick<Batcher, 'room' | 'score'>,
  windows: Windows,
): Promise<Float32Array> {
  for (;;) {
    await batcher.room(windows.ids.length);
    try {
      return await batcher.score(windows);
    } catch (error) {
      if (!(error instanceof EncoderUnavailable)) throw error;
    }
  }
}
