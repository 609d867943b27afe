import { ConfigError } from '../../errors.ts';
import type { EncoderManifest } from '../manifest-encoder.ts';

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
  { name, model: { precision } }: Pick<EncoderManifest, 'name' | 'model'>,
  start: (provider: Provider) => Promise<T>,
): Promise<Choice<T>> {
  // What int8 activations are scaled by depends on the whole batch, so that a score would depend on its neighbours; and no GPU has kernels for it.
  const cpuOnly = precision === 'int8';
  if (wanted !== 'auto') {
    if (cpuOnly && wanted !== 'cpu') {
      throw new ConfigError(
        'encoder-provider',
        `provider ${wanted} for ${name}; its int8 model runs on the processor only; give the fp16 model, or provider cpu`,
      );
    }
    return { provider: wanted, why: 'asked for', started: await start(wanted) };
  }
  const failures: string[] = [];
  for (const provider of cpuOnly ? (['cpu'] as const) : byPreference) {
    try {
      const started = await start(provider);
      const why = cpuOnly ? 'the model is int8' : failures.join('; ');
      return { provider, why: why === '' ? 'the first choice works' : why, started };
    } catch (error) {
      if (provider === 'cpu' || !(error instanceof ConfigError)) throw error;
      failures.push(`not ${provider}: ${reasonOf(error)}`);
    }
  }
  throw new RangeError('no provider');
}

/** The middle part of *subject; actual; remedy*. */
const reasonOf = ({ message }: ConfigError): string => message.split('; ')[1] ?? message;
