/** An encoder on a GPU under load: tokens a second, share of the peak, and how busy it is. */
import { execFileSync } from 'node:child_process';
import type { Windows } from '../src/scoring/encoder/batcher.ts';
import { type Encoder, startEncoder } from '../src/scoring/encoder/encoder.ts';
import type { Provider } from '../src/scoring/encoder/providers.ts';
import { ConfigError } from '../src/errors.ts';
import type { BertShape } from '../training/encoder/bert.ts';
import {
  bertBase,
  join,
  loadedEncoder,
  miniLm,
  operationsPerToken,
  windowRules,
  windowsOf,
  writeGraph,
} from './scoring-models.ts';

/** Dense fp16 with fp32 sums, in operations a second, from the vendor's data sheets. */
const peaks: readonly (readonly [name: RegExp, teraflops: number])[] = [
  [/H200|H100.*(SXM|HBM3)|H100$/, 989],
  [/H100.*PCIe/, 756],
  [/A100/, 312],
  [/L40S/, 362],
  [/L4\b/, 121],
  [/A10\b/, 125],
  [/T4/, 65],
  [/4090/, 165],
];

const PEAK_SHARE = 0.35;
const BUSY_SHARE = 0.95;
const DOCUMENTS_A_CALL = 64;

interface Gpu {
  readonly name: string;
  readonly peak: number | undefined;
}

function query(field: string): string | undefined {
  try {
    return execFileSync('nvidia-smi', [`--query-gpu=${field}`, '--format=csv,noheader,nounits'], { encoding: 'utf8' })
      .split('\n')[0]!
      .trim();
  } catch {
    return undefined;
  }
}

function findGpu(): Gpu {
  const name = query('name') ?? 'unknown device';
  const peak = peaks.find(([pattern]) => pattern.test(name))?.[1];
  return { name, peak: peak === undefined ? undefined : peak * 1e12 };
}

interface Load {
  readonly seconds: number;
  readonly usefulTokens: number;
  readonly computedTokens: number;
  readonly batches: number;
  /** Time that sessions spent on batches, all together. */
  readonly busyMs: number;
  /** Samples of `nvidia-smi`, per cent. */
  readonly busy: readonly number[];
}

/** Keeps the encoder full for some seconds, as partitions do: everybody waits for room and hands in the windows of some documents. */
async function load(encoder: Encoder, calls: readonly Windows[], seconds: number): Promise<Load> {
  const busy: number[] = [];
  const sampling = setInterval(() => busy.push(Number(query('utilization.gpu') ?? Number.NaN)), 500);
  let next = 0;
  const feed = async (until: number): Promise<void> => {
    while (performance.now() < until) {
      const windows = calls[next++ % calls.length]!;
      await encoder.room(windows.ids.length);
      await encoder.score(windows);
    }
  };
  const feeders = async (ms: number): Promise<void> => {
    const until = performance.now() + ms;
    await Promise.all(Array.from({ length: 32 }, () => feed(until)));
  };
  // The clocks of a GPU rise when it has worked for a while.
  await feeders(2000);
  busy.length = 0;
  const before = encoder.figures();
  const started = performance.now();
  await feeders(1000 * seconds);
  const after = encoder.figures();
  clearInterval(sampling);
  return {
    seconds: (performance.now() - started) / 1000,
    usefulTokens: after.usefulTokens - before.usefulTokens,
    computedTokens: after.computedTokens - before.computedTokens,
    batches: after.batches - before.batches,
    busyMs: after.busyMs - before.busyMs,
    busy,
  };
}

const shapes: readonly (readonly [name: string, shape: BertShape])[] = [
  ['MiniLM-L6', miniLm],
  ['BERT-base', bertBase],
];

export interface GpuOptions {
  readonly provider: Provider | 'auto';
  readonly seconds: number;
  readonly budgetTokens: number | undefined;
  readonly workers: number | undefined;
}

/** Prints what a GPU does, or why there is none. */
export async function gpu(texts: readonly string[], options: GpuOptions): Promise<void> {
  console.log('encoder on a GPU: fp16, random weights, share of the dense fp16 peak by useful tokens');
  const device = findGpu();
  for (const [name, shape] of shapes) {
    const file = writeGraph(shape, 'fp16');
    for (const tokens of [128, 512] as const) {
      const loaded = loadedEncoder(file, 'fp16', windowRules[tokens]);
      const more = options.budgetTokens === undefined ? {} : { budgetTokens: options.budgetTokens };
      const workers = options.workers === undefined ? {} : { workers: options.workers };
      let encoder: Encoder;
      try {
        encoder = await startEncoder(loaded, { provider: options.provider, ...more, ...workers });
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        console.log(`  skipped: ${error.message}`);
        return;
      }
      if (encoder.provider === 'cpu') {
        console.log(`  skipped: no GPU here, ${encoder.why}`);
        await encoder.close();
        return;
      }
      const all = await windowsOf(texts, loaded);
      const calls = Array.from({ length: Math.ceil(all.length / DOCUMENTS_A_CALL) }, (_, i) =>
        join(all.slice(i * DOCUMENTS_A_CALL, (i + 1) * DOCUMENTS_A_CALL)),
      );
      const full: Windows = { ids: new Int32Array(64 * tokens).fill(2000), lengths: new Int32Array(64).fill(tokens) };
      print(
        device,
        `${name}, windows of ${tokens}`,
        shape,
        tokens,
        encoder,
        await load(encoder, [full], options.seconds),
      );
      print(
        device,
        `${name}, documents as they come`,
        shape,
        tokens,
        encoder,
        await load(encoder, calls, options.seconds),
      );
      await encoder.close();
    }
  }
}

function print(
  { name, peak }: Gpu,
  what: string,
  shape: BertShape,
  tokens: number,
  encoder: Encoder,
  result: Load,
): void {
  const { seconds, usefulTokens, computedTokens, batches, busyMs, busy } = result;
  const operations = (usefulTokens / seconds) * operationsPerToken(shape, tokens);
  const share = peak === undefined ? undefined : operations / peak;
  const promised = shape === bertBase && tokens === 512;
  const busyMean = busy.reduce((sum, one) => sum + one, 0) / busy.length / 100;
  const figures = [
    `${Math.round(usefulTokens / seconds).toLocaleString('en')} tokens/s`,
    `${(operations / 1e12).toFixed(1)} TFLOPS`,
    share === undefined
      ? 'peak not known'
      : `${(100 * share).toFixed(1)} % of peak${promised ? verdict(share, PEAK_SHARE) : ''}`,
    Number.isNaN(busyMean) ? 'no nvidia-smi' : `busy ${(100 * busyMean).toFixed(0)} %${verdict(busyMean, BUSY_SHARE)}`,
    `sessions busy ${((100 * busyMs) / (1000 * seconds * encoder.workers)).toFixed(0)} %`,
    `useful ${((100 * usefulTokens) / computedTokens).toFixed(1)} %`,
    `${Math.round(computedTokens / batches).toLocaleString('en')} tokens a batch`,
  ];
  console.log(
    `  ${name} by ${encoder.provider}, ${encoder.workers} sessions: ${what.padEnd(36)} ${figures.join(', ')}`,
  );
}

const verdict = (value: number, promised: number): string =>
  ` (>= ${100 * promised} % ${value >= promised ? 'holds' : 'MISSED'})`;
