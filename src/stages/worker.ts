/**
 * A worker thread: the CPU of sift and curate. It holds tables, caches and open input files, but no state that matters: the main thread can
 * replace it at any time.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { RiffleError } from '../errors.ts';
import { createReporter, IDLE } from '../runtime/activity.ts';
import { READY } from '../runtime/pool.ts';
import type { SchemaRegistry } from '../schemas/registry.ts';
import { buffersOfAsked } from './curate-doubts.ts';
import type { SiftedPair } from './sift-blocks.ts';
import { createCurateWork } from './worker-curate.ts';
import type { Request, WorkerData } from './worker-requests.ts';
import { createSiftWork } from './worker-sift.ts';

const data = workerData as WorkerData;
const activity = createReporter(data.activity);
const [sift, curate] = await Promise.all([createSiftWork(data, activity), createCurateWork(data, activity)]);

let registry: Promise<SchemaRegistry> | undefined;

/** Opened when it is first needed. @throws TransientError when it cannot be reached: the stream waits. */
function schemas(): Promise<SchemaRegistry> | undefined {
  const { registry: options } = data.config;
  const { url } = options;
  if (url === undefined) return undefined;
  registry ??= import('../schemas/registry.ts').then(({ openRegistry, registryFrom }) =>
    openRegistry(registryFrom({ ...options, url }, data.messages?.outputs ?? new Map())),
  );
  registry.catch(() => {
    registry = undefined;
  });
  return registry;
}

const buffersOf = (pairs: readonly SiftedPair[]): ArrayBuffer[] =>
  pairs.flatMap(({ sifted, sketch }) => [sifted.buffer, sketch.buffer]);

interface Answer {
  readonly ok?: object;
  readonly transfer?: readonly ArrayBuffer[];
}

async function answer(request: Request): Promise<Answer> {
  switch (request.type) {
    case 'open':
      sift.open(request);
      return {};
    case 'close':
      sift.close(request.lane);
      return {};
    case 'pull': {
      const ok = await sift.pull(request.lane);
      activity.report(IDLE);
      return { ok, transfer: buffersOf(ok.pairs) };
    }
    case 'sift': {
      const ok = await sift.siftMessages(request, await schemas());
      activity.report(IDLE);
      return { ok, transfer: buffersOf(ok.pairs) };
    }
    case 'doubts': {
      const ok = await curate.doubts(request);
      activity.report(IDLE);
      return { ok, transfer: buffersOfAsked(ok) };
    }
    case 'curate': {
      const ok = curate.curate(request, await schemas());
      return { ok, transfer: Object.values(ok.outputs).map(({ bytes }) => bytes.buffer) };
    }
  }
}

parentPort!.on('message', (request: Request) => {
  void answer(request)
    .then(({ ok, transfer = [] }) => parentPort!.postMessage({ id: request.id, ok }, [...transfer]))
    .catch((error: unknown) => {
      const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
      const code = error instanceof RiffleError ? error.code : 'worker';
      parentPort!.postMessage({ id: request.id, error: { name, code, message, stack } });
    });
});
parentPort!.postMessage(READY);
