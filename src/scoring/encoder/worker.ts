/** The thread of one session: onnxruntime blocks the thread that calls it for as long as a run takes. */
import { parentPort, workerData } from 'node:worker_threads';
import type { InferenceSession } from 'onnxruntime-node';
import { ConfigError, RiffleError } from '../../errors.ts';
import { createFeeds, type MakeFeeds } from './feeds.ts';
import { checkGraph, wrong } from './graph.ts';
import type { RunRequest, SessionData, SessionReply, SessionRequest } from './protocol.ts';
import { trialGraph } from './providers.ts';
import { setIdle } from './running.ts';
import { mostRows } from './shared-batch.ts';

/** Some errors of onnxruntime list all that it knows. */
const MESSAGE_CHARACTERS = 300;

type Runtime = typeof import('onnxruntime-node');

const data = workerData as SessionData;
const { model, columns, limits, shared } = data;
const port = parentPort!;

/** Whatever it was asked for is done. */
function reply(message: SessionReply): void {
  setIdle(data.running);
  port.postMessage(message);
}

try {
  const ort = await loadRuntime();
  const session = await open(ort);
  checkGraph(model, columns, session.inputMetadata, session.outputMetadata);
  const run = createRun(ort, session);
  await tryOut(run);
  await warmUp(run);
  let last = Promise.resolve();
  port.on('message', (request: SessionRequest) => {
    if (request === 'close') {
      void last.then(() => session.release()).finally(end);
      return;
    }
    last = run(request).then(
      () => reply({ type: 'done' }),
      (error: unknown) => reply({ type: 'failed', message: messageOf(error) }),
    );
  });
  reply({ type: 'ready' });
} catch (error) {
  const known = error instanceof RiffleError;
  reply({
    type: 'refused',
    code: known ? error.code : 'encoder-start',
    message: known ? error.message : messageOf(error),
  });
  end();
}

function end(): void {
  setIdle(data.running);
  port.close();
}

async function loadRuntime(): Promise<Runtime> {
  try {
    const ort = await import('onnxruntime-node');
    // Errors come as exceptions; the library would print each of them too.
    ort.env.logLevel = 'fatal';
    return ort;
  } catch (cause) {
    throw new ConfigError(
      'encoder-runtime',
      `package onnxruntime-node; ${messageOf(cause)}; install it: npm install onnxruntime-node@1.30.0`,
      { cause },
    );
  }
}

async function open({ InferenceSession }: Runtime): Promise<InferenceSession> {
  const { provider, deviceId, threads, modelFile } = data;
  const options: InferenceSession.SessionOptions = {
    executionProviders: provider === 'cuda' ? [{ name: provider, deviceId }, 'cpu'] : [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    // Shapes vary from batch to batch: a plan for each of them would only pile up.
    enableMemPattern: false,
    logSeverityLevel: 4,
    // A thread that spins while it waits for work takes the core from the thread that has some.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  };
  if (provider !== 'cpu') {
    try {
      await (await InferenceSession.create(trialGraph, options)).release();
    } catch (cause) {
      throw new ConfigError(
        'encoder-provider',
        `provider ${provider}; ${messageOf(cause)}; install what it needs, or choose cpu or auto`,
        { cause },
      );
    }
  }
  try {
    return await InferenceSession.create(modelFile, options);
  } catch (cause) {
    throw wrong(model, messageOf(cause), 'give a whole ONNX file of a released opset', cause);
  }
}

type Run = (request: RunRequest) => Promise<void>;

function createRun({ Tensor }: Runtime, session: InferenceSession): Run {
  const feeds: MakeFeeds = createFeeds(model, shared, Tensor);
  const output = session.outputMetadata.find(({ name }) => name === model.output);
  const flat = output?.isTensor === true && output.shape.length === 1;
  return async ({ rows, width }) => {
    const out = shared.out.subarray(0, rows * columns);
    const dims = flat ? [rows] : [rows, columns];
    const fetches = { [model.output]: new Tensor('float32', out, dims) };
    await session.run(feeds(rows, width), fetches);
  };
}

/** Fills all of `rows` with one id. */
function fill(id: number, rows: number, width: number): RunRequest {
  shared.ids.fill(id, 0, rows * width);
  shared.lengths.fill(width, 0, rows);
  return { rows, width };
}

/** The shortest and the longest window, and the last entry of the vocabulary. Throws a ConfigError for what the graph cannot take. */
async function tryOut(run: Run): Promise<void> {
  const attempt = async (request: RunRequest, remedy: string): Promise<void> => {
    const what = `it does not run on a window of ${request.width} tokens`;
    await run(request).catch((cause: unknown) => {
      throw wrong(model, `${what}: ${messageOf(cause)}`, remedy, cause);
    });
  };
  await attempt(fill(data.pad, 1, 1), 'export for any number of windows and tokens');
  await attempt(fill(data.pad, 1, limits.maxTokens), 'give window.tokens that the model was made for');
  try {
    await run(fill(data.entries - 1, 1, 1));
  } catch (cause) {
    throw new ConfigError(
      'scorer-vocabulary',
      `graph ${model.file}; it does not know token ${data.entries - 1}, the vocabulary's last; give the tokenizer that belongs to it`,
      { cause },
    );
  }
}

/** A device works out how to run a shape when it first meets it; better now than under load. */
async function warmUp(run: Run): Promise<void> {
  const { budgetTokens, stepTokens, maxTokens } = limits;
  if (mostRows(limits) === 1) return;
  for (let width = stepTokens; width < maxTokens + stepTokens; width += stepTokens) {
    const row = Math.min(width, maxTokens);
    await run(fill(data.pad, Math.max(1, Math.floor(budgetTokens / row)), row)).catch((cause: unknown) => {
      throw new ConfigError(
        'encoder-memory',
        `batches of ${budgetTokens} tokens on ${data.provider}; ${messageOf(cause)}; give a smaller budget of tokens`,
        { cause },
      );
    });
  }
}

/** What an error says, without the place in onnxruntime's own source that it begins with. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\/onnxruntime_src\/\S+:\d+ (?:.*? was false\. |.*?\) (?=[A-Z]))/g, ' ')
    .trim()
    .slice(0, MESSAGE_CHARACTERS);
}
