/**
 * A process that exits stops its threads wherever they are, and one that is stopped in onnxruntime's native code takes the process with it: it would end by SIGABRT,
 * whatever status it had. So an exit waits for the runs that are under way.
 */

const IDLE = 0;
const BUSY = 1;
/** Longer than a run; a device that hangs does not keep the process. */
const EXIT_LIMIT_MS = 10_000;

/** Whether the thread of a session has something to do; shared with its owner. It begins busy: it has to load a library and a graph. */
export type Running = Int32Array<SharedArrayBuffer>;

const watched = new Set<Running>();

export const newRunning = (): Running => new Int32Array(new SharedArrayBuffer(4)).fill(BUSY);

/** Called by the owner before it asks for anything: afterwards the thread may be in native code at any moment. */
export function setBusy(running: Running): void {
  Atomics.store(running, 0, BUSY);
}

/** Called by the thread when it is done. */
export function setIdle(running: Running): void {
  Atomics.store(running, 0, IDLE);
  Atomics.notify(running, 0);
}

function waitForAll(): void {
  for (const running of watched) Atomics.wait(running, 0, BUSY, EXIT_LIMIT_MS);
}

/** Called by the owner. Returns how to end it, for a thread that has ended. */
export function waitAtExit(running: Running): () => void {
  if (watched.size === 0) process.on('exit', waitForAll);
  watched.add(running);
  return () => {
    watched.delete(running);
    if (watched.size === 0) process.off('exit', waitForAll);
  };
}
