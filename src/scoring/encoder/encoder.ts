import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { columnsOf } from '../manifest-encoder.ts';
import type { LoadedEncoder, LoadedGraph } from '../scorer-set.ts';
import { type BatcherFigures, createBatcher, type Windows } from './batcher.ts';
import { graphFor, type Provider, startOnBest } from './providers.ts';
import type { BatchLimits } from './queue.ts';
import type { Session } from './session.ts';
import { startSession } from './session-thread.ts';
import { specialTokens } from './special.ts';

export interface EncoderOptions {
  readonly provider?: Provider | 'auto';
  /** Which of several GPUs of CUDA. */
  readonly deviceId?: number;
  /** Sessions; by default two for a GPU and one a core otherwise. */
  readonly workers?: number;
  /** Tokens of a batch on a GPU, padding included. */
  readonly budgetTokens?: number;
  /** Starts one session; for tests that break it. */
  readonly start?: typeof startSession;
}

export interface Encoder {
  /**
   * Logits of every window: `ids` holds all windows' ids one after another (with those before and after the text), `lengths` their counts.
   * Row-major [windows × columns]. A window that breaks the model has NaN in its row. Rejects with `EncoderUnavailable` while no session works:
   * no record is at fault then, and `room` says when to hand it in again.
   */
  score(windows: Windows): Promise<Float32Array>;
  /** Resolves when so many tokens may be handed in: back-pressure counts tokens. While no session works it waits. */
  room(tokens: number): Promise<void>;
  readonly provider: Provider;
  readonly precision: LoadedGraph['precision'];
  /** Why this provider, for people. */
  readonly why: string;
  readonly workers: number;
  figures(): BatcherFigures;
  /** At any time: what is under way is rejected. */
  close(): Promise<void>;
}

/** A GPU is busy with one session while the other's batch is packed and unpacked. */
const GPU_WORKERS = 2;
const GPU_BUDGET_TOKENS = 32_768;
/** Tensor cores want multiples of eight; each width is warmed up. */
const GPU_STEP_TOKENS = 8;
const GPU_CREDIT_BUDGETS = 4;
/** A few blocks of records, whatever their windows. */
const CPU_CREDIT_TOKENS = 65_536;

/**
 * Starts the sessions of an encoder. On a GPU they take batches of many windows; on the processor one window of its own length, which is the fastest
 * there. Throws a ConfigError when files, graph and manifest do not fit together, or the provider does not work here.
 */
export async function startEncoder(loaded: LoadedEncoder, options: EncoderOptions = {}): Promise<Encoder> {
  const { manifest } = loaded;
  const { provider: wanted = 'auto', deviceId = 0, start = startSession } = options;
  const columns = columnsOf(manifest);
  const { pad } = specialTokens(loaded);
  const { entries } = manifest.tokenizer;
  const startOn = async (provider: Provider): Promise<Session> => {
    const limits = limitsOf(provider, manifest.window.tokens, options);
    const { path } = graphFor(provider, loaded);
    return await start({
      modelFile: path,
      model: manifest.model,
      columns,
      entries,
      pad,
      provider,
      deviceId,
      threads: 1,
      limits,
    });
  };

  const { provider, why, started } = await startOnBest(wanted, startOn);
  const workers = options.workers ?? (provider === 'cpu' ? availableParallelism() : GPU_WORKERS);
  const others = await Promise.allSettled(Array.from({ length: workers - 1 }, () => startOn(provider)));
  const sessions = [started, ...others.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))];
  const failed = others.find((one) => one.status === 'rejected');
  if (failed !== undefined) {
    await Promise.all(sessions.map((session) => session.close()));
    throw failed.reason;
  }
  const limits = limitsOf(provider, manifest.window.tokens, options);
  const batcher = createBatcher({
    sessions,
    restart: () => startOn(provider),
    columns,
    limits,
    creditTokens: provider === 'cpu' ? CPU_CREDIT_TOKENS : GPU_CREDIT_BUDGETS * limits.budgetTokens,
    wait: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
  });
  return { ...batcher, provider, precision: graphFor(provider, loaded).precision, why, workers };
}

function limitsOf(provider: Provider, maxTokens: number, { budgetTokens }: EncoderOptions): BatchLimits {
  if (provider === 'cpu') return { budgetTokens: 1, stepTokens: 1, maxTokens };
  return { budgetTokens: budgetTokens ?? GPU_BUDGET_TOKENS, stepTokens: GPU_STEP_TOKENS, maxTokens };
}
