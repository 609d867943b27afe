/** The encoders that a configuration names, started and tested before anything is processed. */
import { ConfigError } from '../errors.ts';
import type { Encoder, EncoderOptions } from '../scoring/encoder/encoder.ts';
import type { EncoderScorer } from '../scoring/encoder/scorer.ts';
import type { Loaded } from './load-topology.ts';

export interface RunningEncoders {
  /** In the order of `shareEncoders`. */
  readonly all: readonly Encoder[];
  /** Each scorer, with where its encoder runs and why there, for people. */
  readonly notes: readonly { readonly name: string; readonly runs: string }[];
  close(): Promise<void>;
}

/** Nothing is loaded where no encoder is configured. @throws ConfigError when one does not start, or a self-test score differs */
export async function startEncoders(
  { scorers, config }: Pick<Loaded, 'scorers' | 'config'>,
  more: EncoderOptions = {},
): Promise<RunningEncoders> {
  const loaded = scorers?.encoders ?? [];
  if (loaded.length === 0) return { all: [], notes: [], close: async () => undefined };
  const [{ startScorer }, { shareEncoders }] = await Promise.all([
    import('../scoring/encoder/scorer.ts'),
    import('../scoring/encoder/share.ts'),
  ]);
  const { provider, deviceId, encoderWorkers } = config.scoring;
  const workers = encoderWorkers === 'auto' ? {} : { workers: encoderWorkers };
  const groups = shareEncoders(loaded);
  const started: EncoderScorer[] = [];
  const close = async () => void (await Promise.all(started.map((scorer) => scorer.close())));
  try {
    for (const group of groups) started.push(await startScorer(group, { provider, deviceId, ...workers, ...more }));
  } catch (error) {
    await close();
    if (error instanceof ConfigError)
      throw new ConfigError(error.code, `scoring.scorers, ${error.message}`, { cause: error });
    throw error;
  }
  return {
    all: started.map(({ encoder }) => encoder),
    notes: groups.flatMap((group, i) => {
      const { precision, provider: place, why } = started[i]!.encoder;
      return group.map(({ manifest }) => ({ name: manifest.name, runs: `${precision} on ${place} (${why})` }));
    }),
    close,
  };
}
