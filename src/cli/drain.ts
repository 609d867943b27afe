export interface Drain {
  readonly signal: AbortSignal;
  readonly received: () => NodeJS.Signals | undefined;
  readonly stop: () => void;
}

/** The first signal drains, a second one ends the process at once: what is committed is safe either way. */
export function drainOnSignal(): Drain {
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (received !== undefined) process.exit(signal === 'SIGINT' ? 130 : 143);
    received = signal;
    controller.abort();
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
