/**
 * Everything that the project promises of scoring, in one command, wherever it is run:
 *
 *     npm run bench:scoring [-- [stage0] [batches] [cpu] [gpu] [--provider cuda] [--seconds 10] [--budget 32768] [--workers 2]]
 *
 * What the machine lacks is named and left out.
 */
import { parseArgs } from 'node:util';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { createBatcher, scorePatiently, type Windows } from '../src/scoring/encoder/batcher.ts';
import { type Encoder, startEncoder } from '../src/scoring/encoder/encoder.ts';
import { providers } from '../src/scoring/encoder/providers.ts';
import { createWindowQueue, type Waiting } from '../src/scoring/encoder/queue.ts';
import type { Session } from '../src/scoring/encoder/session.ts';
import { createSharedBatch, packBatch } from '../src/scoring/encoder/shared-batch.ts';
import type { LoadedEncoder } from '../src/scoring/scorer-set.ts';
import { gpu, type GpuOptions } from './scoring-gpu.ts';
import { documents, join, loadedEncoder, miniLm, windowRules, windowsOf, writeGraph } from './scoring-models.ts';
import { run as stage0 } from './scoring-stage0.ts';

const USEFUL_SHARE = 0.95;
const BARE_SHARE = 0.9;
const BUDGET_TOKENS = 32_768;
const ROUNDS = 5;
const WINDOWS_A_ROUND = 24;

const verdict = (value: number, promised: number): string =>
  `>= ${100 * promised} % ${value >= promised ? 'holds' : 'MISSED'}`;

/** Useful tokens among those that are computed when the batcher has its full credit of four budgets waiting; and in the order of arrival. */
function batches(lengths: Int32Array, tokens: number): { batched: number; arrival: number; batchTokens: number } {
  const limits = { budgetTokens: BUDGET_TOKENS, stepTokens: 8, maxTokens: tokens };
  const queue = createWindowQueue<Waiting>(limits);
  let waiting = 0;
  let order = 0;
  let [useful, computed, count] = [0, 0, 0];
  const fill = (): void => {
    for (; waiting < 4 * BUDGET_TOKENS && order < lengths.length; order++) {
      queue.push({ length: lengths[order]!, order });
      waiting += lengths[order]!;
    }
  };
  for (fill(); waiting > 0; fill()) {
    const { width, windows } = queue.take()!;
    const sum = windows.reduce((all, { length }) => all + length, 0);
    waiting -= sum;
    useful += sum;
    computed += width * windows.length;
    count++;
  }
  return { batched: useful / computed, arrival: inOrder(lengths), batchTokens: computed / count };
}

/** Batches filled as windows come, each as wide as its longest. */
function inOrder(lengths: Int32Array): number {
  let computed = 0;
  for (let from = 0; from < lengths.length; ) {
    let width = 0;
    let to = from;
    while (to < lengths.length && Math.max(width, lengths[to]!) * (to + 1 - from) <= BUDGET_TOKENS)
      width = Math.max(width, lengths[to++]!);
    computed += width * (to - from);
    from = to;
  }
  return lengths.reduce((sum, length) => sum + length, 0) / computed;
}

/** CPU microseconds of the process, all threads. */
async function cpuMicros(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** What a user would write without Riffle: one window at a time at its exact length, in this thread. */
async function bareLoop(session: InferenceSession, { ids, lengths }: Windows): Promise<void> {
  let at = 0;
  for (const length of lengths) {
    await session.run({
      input_ids: new Tensor('int32', ids.slice(at, at + length), [1, length]),
      lengths: new Tensor('int32', Int32Array.of(length), [1]),
    });
    at += length;
  }
}

/** The encoder on the processor beside the bare loop, in turns. */
async function onCpu(texts: readonly string[]): Promise<void> {
  const file = writeGraph(miniLm, 'fp32');
  const loaded: LoadedEncoder = loadedEncoder(file, 'fp32', windowRules[128]);
  const { ids, lengths } = join((await windowsOf(texts, loaded)).slice(0, WINDOWS_A_ROUND));
  const chosen = lengths.subarray(0, WINDOWS_A_ROUND);
  const tokens = chosen.reduce((sum, length) => sum + length, 0);
  const windows: Windows = { ids: ids.subarray(0, tokens), lengths: chosen };
  const bare = await InferenceSession.create(file, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  const encoder: Encoder = await startEncoder(loaded, { provider: 'cpu', workers: 1 });
  const pairs: { bare: number; riffle: number }[] = [];
  for (let round = 0; round <= ROUNDS; round++)
    pairs.push({
      bare: await cpuMicros(() => bareLoop(bare, windows)),
      riffle: await cpuMicros(() => encoder.score(windows)),
    });
  await encoder.close();
  await bare.release();
  // The first round is the warm-up. A shared machine disturbs one side of a round as often as the other: the median tells.
  const ratios = pairs.slice(1).map((pair) => pair.bare / pair.riffle);
  const median = ratios.sort((a, b) => a - b)[ROUNDS >> 1]!;
  const best = (of: 'bare' | 'riffle'): string =>
    ((chosen.length / Math.min(...pairs.map((pair) => pair[of]))) * 1e6).toFixed(1);
  console.log(
    `encoder on the processor: MiniLM-L6, fp32, random weights, ${chosen.length} windows of ${Math.round(tokens / chosen.length)} tokens, one thread`,
  );
  console.log(`  bare loop of onnxruntime-node ${best('bare').padStart(8)} windows/CPU-s`);
  console.log(`  Riffle's encoder              ${best('riffle').padStart(8)} windows/CPU-s`);
  console.log(
    `  share of the bare loop, median of ${ROUNDS}: ${(100 * median).toFixed(1)} %  ${verdict(median, BARE_SHARE)}`,
  );
}

/** Tokens a CPU-second of batcher and packing, for sessions that take no time: what the main thread can feed. */
async function feeding(calls: readonly Windows[], tokens: number): Promise<number> {
  const limits = { budgetTokens: BUDGET_TOKENS, stepTokens: 8, maxTokens: tokens };
  const shared = createSharedBatch(limits, 1);
  const session = (): Session => ({
    async run(batch) {
      packBatch(batch, 0, shared);
      await new Promise(setImmediate);
      return shared.out;
    },
    works: () => Promise.resolve(true),
    close: () => Promise.resolve(),
  });
  const batcher = createBatcher({
    sessions: [session(), session()],
    restart: () => Promise.resolve(session()),
    columns: 1,
    limits,
    creditTokens: 4 * BUDGET_TOKENS,
    wait: () => Promise.resolve(),
  });
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const before = batcher.figures().usefulTokens;
    const micros = await cpuMicros(() => Promise.all(calls.map((windows) => scorePatiently(batcher, windows))));
    best = Math.max(best, (batcher.figures().usefulTokens - before) / micros);
  }
  await batcher.close();
  return best * 1e6;
}

async function efficiency(texts: readonly string[], origin: string): Promise<void> {
  console.log(
    `batches of ${BUDGET_TOKENS.toLocaleString('en')} tokens on a GPU, four of them waiting, ${texts.length} documents of ${origin}`,
  );
  for (const tokens of [128, 512] as const) {
    const calls = await windowsOf(texts, loadedEncoder('none', 'fp16', windowRules[tokens]));
    const { lengths } = join(calls);
    const { batched, arrival, batchTokens } = batches(lengths, tokens);
    console.log(
      `  windows of ${tokens}: useful ${(100 * batched).toFixed(1)} %  ${verdict(batched, USEFUL_SHARE)}  (in order of arrival ${(100 * arrival).toFixed(1)} %; ${Math.round(batchTokens).toLocaleString('en')} tokens a batch)`,
    );
    const rate = await feeding(calls, tokens);
    console.log(`    the main thread feeds ${Math.round(rate / 1e6)} M tokens/CPU-s`);
  }
}

const parts = ['stage0', 'batches', 'cpu', 'gpu'] as const;
type Part = (typeof parts)[number];

export async function run(chosen: readonly Part[], options: GpuOptions): Promise<void> {
  // The library would print why there is no GPU, and so does this.
  env.logLevel = 'fatal';
  const { origin, texts } = documents();
  const work: Record<Part, () => Promise<void>> = {
    stage0,
    batches: () => efficiency(texts, origin),
    cpu: () => onCpu(texts),
    gpu: () => gpu(texts, options),
  };
  for (const part of chosen) await work[part]();
  console.log('not measured: quality (npm run eval), the stream around the encoder, several GPUs');
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      provider: { type: 'string', default: 'auto' },
      seconds: { type: 'string', default: '10' },
      budget: { type: 'string' },
      workers: { type: 'string' },
    },
  });
  const chosen = parts.filter((part) => positionals.length === 0 || positionals.includes(part));
  const provider = ([...providers, 'auto'] as const).find((one) => one === values.provider);
  if (provider === undefined || chosen.length < positionals.length)
    throw new RangeError(
      `${process.argv.slice(2).join(' ')}; give some of ${parts.join(', ')}, and cpu, cuda, webgpu or auto`,
    );
  const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
  await run(chosen, {
    provider,
    seconds: Number(values.seconds),
    budgetTokens: number(values.budget),
    workers: number(values.workers),
  });
}
