import { z } from 'zod';
import { calibration, checkOutputs, common, fileName, sha256, source, wordPiece } from './manifest-fields.ts';
import { PROSE_SIGNALS, proseSignals } from './prose.ts';
import { MAX_WINDOW_TOKENS } from './table.ts';

/** One number that the scorer gives: p = σ(slope · logit + intercept), logit as in `createTableScorer`, prose signals added. */
const output = z.strictObject({
  axis: z.string(),
  bias: z.number(),
  unigramScale: z.number(),
  bigramScale: z.number(),
  calibration,
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

/** A linear model over word pieces and pairs of them, its weights folded into a table. */
export const linearManifest = z
  .strictObject({
    ...common,
    kind: z.literal('linear-table'),
    tokenizer: wordPiece,
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
    trainingData: z.array(source),
    split: z.string(),
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
  .superRefine(checkOutputs);

export type LinearManifest = z.infer<typeof linearManifest>;
