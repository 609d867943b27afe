import { existsSync } from 'node:fs';
import { platform } from 'node:process';
import { ConfigError } from '../../errors.ts';
import type { LoadedEncoder, LoadedGraph } from '../scorer-set.ts';

/** Where a model runs: onnxruntime's execution providers that Riffle knows how to feed. */
export const providers = ['cpu', 'cuda', 'webgpu'] as const;
export type Provider = (typeof providers)[number];

/** From the fastest; the processor always works. */
const byPreference: readonly Provider[] = ['cuda', 'webgpu', 'cpu'];

/** A graph that gives back what it is given, float32 of one dimension: a provider that cannot load it does not work here, whatever the model. */
export const trialGraph = Buffer.from(
  'CAgSBnJpZmZsZTpJChwKAXgSAXkaCjAuSWRlbnRpdHkiCElkZW50aXR5EgVncmFwaFoQCgF4EgsKCQgBEgUKAxIBbmIQCgF5EgsKCQgBEgUKAxIBbkIECgAQEQ==',
  'base64',
);

export interface Choice<T> {
  readonly provider: Provider;
  /** Why it is this one, for people. */
  readonly why: string;
  readonly started: T;
}

/**
 * Starts on the provider that was asked for or, for `auto`, on the best that works. Throws the ConfigError of the one that was asked for, or of the processor.
 */
export async function startOnBest<T>(
  wanted: Provider | 'auto',
  start: (provider: Provider) => Promise<T>,
  hopeless: (provider: Provider) => string | undefined = withoutDevice,
): Promise<Choice<T>> {
  if (wanted !== 'auto') return { provider: wanted, why: 'asked for', started: await start(wanted) };
  const failures: string[] = [];
  for (const provider of byPreference) {
    const known = hopeless(provider);
    if (known !== undefined) {
      failures.push(`not ${provider}: ${known}`);
      continue;
    }
    try {
      const started = await start(provider);
      return { provider, why: failures.join('; ') || 'the first choice works', started };
    } catch (error) {
      if (provider === 'cpu' || !(error instanceof ConfigError)) throw error;
      failures.push(`not ${provider}: ${reasonOf(error)}`);
    }
  }
  throw new RangeError('no provider');
}

/** The library behind WebGPU complains on standard error where there is no GPU, so it is not asked. */
function withoutDevice(provider: Provider): string | undefined {
  if (provider !== 'webgpu' || platform !== 'linux') return undefined;
  return ['/dev/dri', '/dev/dxg', '/dev/nvidiactl'].some(existsSync) ? undefined : 'no GPU among the devices';
}

/**
 * The graph for a provider: on the processor the manifest's default, on a GPU the one of half precision, at twice the rate. What the activations of an int8 graph are scaled by depends on the whole batch, so that a
 * score would depend on its neighbours; and no GPU has kernels for it. Throws a ConfigError when there is no other.
 */
export function graphFor(provider: Provider, { manifest: { name }, graphs }: LoadedEncoder): LoadedGraph {
  const of = (wanted: LoadedGraph['precision']) => graphs.find(({ precision }) => precision === wanted);
  const graph = provider === 'cpu' ? graphs[0] : (of('fp16') ?? of('fp32'));
  if (graph !== undefined) return graph;
  throw new ConfigError(
    'encoder-provider',
    `provider ${provider} for ${name}; its int8 graph runs on the processor only; add the fp16 one, or choose cpu`,
  );
}

/** The middle part of *subject; actual; remedy*. */
const reasonOf = ({ message }: ConfigError): string => message.split('; ')[1] ?? message;
