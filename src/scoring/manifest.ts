import { z } from 'zod';
import { ConfigError } from '../errors.ts';
import { embeddingManifest } from './manifest-embedding.ts';
import { encoderManifest } from './manifest-encoder.ts';
import { linearManifest } from './manifest-linear.ts';

/** What a scorer is, where it comes from, and how to tell that it still is that: `models/*.json`. */
export const scorerManifest = z.discriminatedUnion('kind', [linearManifest, embeddingManifest, encoderManifest]);

export type ScorerManifest = z.infer<typeof scorerManifest>;
/** Scorers that need no session: they run on every document. */
export type TableManifest = Exclude<ScorerManifest, { kind: 'onnx-encoder' }>;

/** Checks a parsed manifest; `origin` names it in the error. Throws a ConfigError. */
export function parseManifest(value: unknown, origin: string): ScorerManifest {
  const result = scorerManifest.safeParse(value);
  if (result.success) return result.data;
  throw new ConfigError(
    'scorer-manifest',
    `scorer manifest ${origin}; ${z.prettifyError(result.error)}; restore the file or train again`,
  );
}

/** The score that `percent` of the reference texts stay below. Throws a ConfigError for a scorer without a reference. */
export function referencePercentile(
  { name, reference }: Pick<ScorerManifest, 'name' | 'reference'>,
  percent: number,
): number {
  const value = reference?.percentiles[percent];
  if (value !== undefined) return value;
  throw new ConfigError(
    'scorer-reference',
    `percentile ${percent} of ${name}; not in its reference distribution; give a whole number from 0 to 100 for a scorer that has one`,
  );
}

/** The cut called `name` of a manifest, such as `quarantine`. Throws a ConfigError where there is none. */
export function manifestThreshold(
  manifest: Pick<ScorerManifest, 'name' | 'thresholds'>,
  name: string,
): { axis: string; value: number } {
  const threshold = manifest.thresholds[name];
  if (threshold !== undefined) return threshold;
  throw new ConfigError(
    'scorer-threshold',
    `threshold ${name} of ${manifest.name}; not in the manifest; set the value in the policy`,
  );
}
