export interface Drain {
  readonly signal: AbortSignal;
  readonly received: () => NodeJS.Signals | undefined;
  readonly stop: () => void;
}

/** A terminal signals the whole process group, and npm and shells pass on what they were sent: one Ctrl-C may come twice. */
const ECHO_MS = 500;

/** The first signal drains, a second one ends the process at once: what is committed is safe either way. */
export function drainOnSignal(nowMs: () => number = () => performance.now()): Drain {
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  let receivedMs = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    if (received === undefined) {
      received = signal;
      receivedMs = nowMs();
      controller.abort();
    } else if (signal !== received || nowMs() - receivedMs > ECHO_MS) process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    received: () => received,
    stop() {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
