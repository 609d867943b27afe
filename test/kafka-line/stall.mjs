/** Loaded into every thread by NODE_OPTIONS: while the file STALL_FILE exists, nothing that curate asks of a worker is answered, as by a scorer that hangs. */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort } from 'node:worker_threads';

if (!isMainThread) {
  const on = parentPort.on.bind(parentPort);
  parentPort.on = (event, listener) => {
    if (event !== 'message') return on(event, listener);
    const later = async (request) => {
      if (request?.type === 'curate') while (existsSync(process.env.STALL_FILE)) await sleep(200);
      listener(request);
    };
    return on(event, (request) => void later(request));
  };
}
