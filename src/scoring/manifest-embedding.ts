import { z } from 'zod';
import { calibration, checkOutputs, common, fileName, origin, sha256, wordPiece } from './manifest-fields.ts';

/** A vector for each vocabulary entry; a window is the mean of its tokens' vectors, and every output a linear head on it. */
export const embeddingManifest = z
  .strictObject({
    ...common,
    kind: z.literal('embedding-table'),
    tokenizer: wordPiece,
    /** A row of `dimensions` int8 for each vocabulary entry; a number of the vector is `scale` times that. */
    table: z.strictObject({ file: fileName, sha256, dimensions: z.int().positive(), scale: z.number().positive() }),
    /** Ids that are looked at, without [CLS] and [SEP]. */
    maxTokens: z.int().positive(),
    /** Each window is scored by itself; a last one of fewer than `minTokens` is left out unless it is the only one. */
    window: z.strictObject({ tokens: z.int().positive(), minTokens: z.int().positive(), reduction: z.literal('max') }),
    /** Whether the mean is brought to length 1 before the heads. */
    normalise: z.boolean(),
    /** p = σ(slope · (bias + weights · vector) + intercept). */
    outputs: z
      .array(z.strictObject({ axis: z.string(), bias: z.number(), weights: z.array(z.number()), calibration }))
      .min(1),
    trainingData: origin,
    split: z.string().optional(),
  })
  .refine((m) => m.outputs.every(({ weights }) => weights.length === m.table.dimensions), {
    path: ['outputs'],
    message: 'a weight for every dimension of the table',
  })
  .superRefine(checkOutputs);

export type EmbeddingManifest = z.infer<typeof embeddingManifest>;
