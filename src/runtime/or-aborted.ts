/**
 * The result of a promise, or undefined as soon as the signal is aborted. Nothing is held afterwards, where a `Promise.race` with a promise
 * that lives as long as the run would keep every result for as long.
 */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const stop = () => resolve(undefined);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
