/**
 * Delay of the main thread's event loop. Sampling wakes the thread a hundred times a second, so it goes on only while there is work: Node's own
 * monitor cannot pause, it takes the pause for a delay.
 */
import { createHistogram } from 'node:perf_hooks';

const SAMPLE_MS = 10;
/** Without work for so long, the thread is left alone. */
const IDLE_MS = 5000;

export interface LoopDelay {
  /** There is work: measures from now on, and for a while. */
  work(): void;
  /** Seconds. */
  quantile(q: number): number;
  reset(): void;
  stop(): void;
}

export function createLoopDelay(): LoopDelay {
  const delays = createHistogram();
  let timer: NodeJS.Timeout | undefined;
  let workMs = 0;
  let sampledMs = 0;

  function sample(): void {
    const now = performance.now();
    // The histogram counts from 1 up.
    delays.record(Math.max(1, Math.round(1e6 * (now - sampledMs - SAMPLE_MS))));
    sampledMs = now;
    if (now - workMs > IDLE_MS) stop();
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }

  return {
    work() {
      workMs = performance.now();
      if (timer !== undefined) return;
      sampledMs = workMs;
      timer = setInterval(sample, SAMPLE_MS);
      timer.unref();
    },
    quantile: (q) => delays.percentile(100 * q) / 1e9,
    reset: () => delays.reset(),
    stop,
  };
}
