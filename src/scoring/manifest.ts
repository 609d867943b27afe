import { z } from 'zod';
import { ConfigError } from '../errors.ts';
import { PROSE_SIGNALS, proseSignals } from './prose.ts';
import { MAX_WINDOW_TOKENS } from './table.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hexadecimal');
const score = z.number().min(0).max(1);
const fileName = z.string().regex(/^[\w.-]+$/, 'a file name without a folder');

/** One number that the scorer gives: p = σ(slope · logit + intercept), logit as in `createTableScorer`, prose signals added. */
const output = z.strictObject({
  axis: z.string(),
  bias: z.number(),
  unigramScale: z.number(),
  bigramScale: z.number(),
  /** Platt scaling, fitted on rows that were not trained on. */
  calibration: z.strictObject({ slope: z.number(), intercept: z.number() }),
});

/** Signals of the text that the first `maxTokens` ids cover. */
const prose = z.strictObject({
  /** What is added to the logit for each signal: weight · clamp((signal − mean) / deviation, ±limit). */
  limit: z.number().positive(),
  signals: z
    .array(
      z.strictObject({
        name: z.enum(proseSignals),
        mean: z.number(),
        deviation: z.number().positive(),
        weight: z.number(),
      }),
    )
    .length(PROSE_SIGNALS)
    .refine(
      (all) => all.every((one, i) => one.name === proseSignals[i]),
      'the signals in the order of scoring/prose.ts',
    ),
});

const source = z.strictObject({
  name: z.string(),
  address: z.string(),
  commit: z.string(),
  licence: z.string(),
  file: z.string(),
  sha256,
});

/** What a scorer is, where it comes from, and how to tell that it still is that: `models/*.json`. */
export const scorerManifest = z
  .strictObject({
    /** `family/name@version`: another number for the same text is another version. */
    name: z.string().regex(/^[a-z]+\/[a-z0-9-]+@\d+$/, 'family/name@version'),
    kind: z.literal('linear-table'),
    description: z.string(),
    languages: z.array(z.string()),
    tokenizer: z.strictObject({
      kind: z.literal('wordpiece-uncased'),
      file: fileName,
      sha256,
      entries: z.int().positive(),
    }),
    /** Rows of `columns` int8 each: one for each vocabulary entry, then `bigramRows` for hashed pairs of ids. */
    table: z.strictObject({
      file: fileName,
      sha256,
      columns: z.union([z.literal(1), z.literal(4)]),
      bigramRows: z.int().nonnegative(),
    }),
    /** Ids that are looked at, without [CLS] and [SEP]. */
    maxTokens: z.int().positive(),
    /** Each window is scored by itself; a last one of fewer than `minTokens` is left out unless it is the only one. */
    window: z.strictObject({ tokens: z.int().positive(), minTokens: z.int().positive(), reduction: z.literal('max') }),
    prose: prose.optional(),
    /** One output of axis `score` is written as a plain number, several as an object. */
    outputs: z.array(output).min(1).max(4),
    thresholds: z.record(z.string(), z.strictObject({ axis: z.string(), value: score, basis: z.string() })),
    /** Percentiles 0 to 100 of the score over `documents` texts: fixed numbers, so that a decision does not depend on history. */
    reference: z
      .strictObject({ basis: z.string(), documents: z.int().positive(), percentiles: z.array(score).length(101) })
      .optional(),
    licence: z.string(),
    trainingData: z.array(source),
    split: z.string(),
    /** Figures measured by `training/evaluate.ts` on rows that were not trained on. */
    measured: z.record(z.string(), z.number()),
    selfTest: z.array(z.strictObject({ text: z.string(), scores: z.array(score) })),
  })
  .refine((m) => m.table.columns === 1 || m.window.tokens <= MAX_WINDOW_TOKENS, {
    path: ['window', 'tokens'],
    message: `at most ${MAX_WINDOW_TOKENS} for a table of four columns`,
  })
  .refine((m) => m.outputs.length === m.table.columns, {
    path: ['outputs'],
    message: 'as many outputs as the table has columns',
  })
  .refine((m) => (m.table.bigramRows & (m.table.bigramRows - 1)) === 0, {
    path: ['table', 'bigramRows'],
    message: 'zero or a power of two',
  })
  .refine((m) => m.selfTest.every((one) => one.scores.length === m.outputs.length), {
    path: ['selfTest'],
    message: 'a score for every output',
  });

export type ScorerManifest = z.infer<typeof scorerManifest>;

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
export function referencePercentile(manifest: ScorerManifest, percent: number): number {
  const value = manifest.reference?.percentiles[percent];
  if (value !== undefined) return value;
  throw new ConfigError(
    'scorer-reference',
    `percentile ${percent} of ${manifest.name}; not in its reference distribution; give a whole number from 0 to 100 for a scorer that has one`,
  );
}

/** The cut called `name` of a manifest, such as `quarantine`. Throws a ConfigError where there is none. */
export function manifestThreshold(manifest: ScorerManifest, name: string): { axis: string; value: number } {
  const threshold = manifest.thresholds[name];
  if (threshold !== undefined) return threshold;
  throw new ConfigError(
    'scorer-threshold',
    `threshold ${name} of ${manifest.name}; not in the manifest; set the value in the policy`,
  );
}
