import { z } from 'zod';

/** What the manifests of every kind have in common, and how its parts look. */

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hexadecimal');
export const fileName = z.string().regex(/^[\w.-]+$/, 'a file name without a folder');
export const score = z.number().min(0).max(1);

/** Platt scaling, fitted on rows that were not trained on: p = σ(slope · logit + intercept). */
export const calibration = z.strictObject({ slope: z.number(), intercept: z.number() });

/** A `vocab.txt`, split as BERT's uncased models do. */
export const wordPiece = z.strictObject({
  kind: z.literal('wordpiece-uncased'),
  file: fileName,
  sha256,
  entries: z.int().positive(),
});

/** A set of texts that a scorer was trained on. */
export const source = z.strictObject({
  name: z.string(),
  address: z.string(),
  commit: z.string(),
  licence: z.string(),
  file: z.string(),
  sha256,
});

export const common = {
  /** `family/name@version`: another number for the same text is another version. */
  name: z.string().regex(/^[a-z]+\/[a-z0-9-]+@\d+$/, 'family/name@version'),
  description: z.string(),
  languages: z.array(z.string()),
  thresholds: z.record(z.string(), z.strictObject({ axis: z.string(), value: score, basis: z.string() })).default({}),
  /** Percentiles 0 to 100 of the score over `documents` texts: fixed numbers, so that a decision does not depend on history. */
  reference: z
    .strictObject({ basis: z.string(), documents: z.int().positive(), percentiles: z.array(score).length(101) })
    .optional(),
  licence: z.string(),
  /** Figures measured on rows that were not trained on. */
  measured: z.record(z.string(), z.number()).default({}),
  /** Texts with the score of every output, in their order: loading fails when they differ. */
  selfTest: z.array(z.strictObject({ text: z.string(), scores: z.array(score) })),
};

/** Where the model comes from: the sets by name, or a sentence where somebody else trained it. */
export const origin = z.union([z.string(), z.array(source)]);

/** A score for every output, and axes that differ: what the shapes above cannot say. */
export function checkOutputs(
  {
    outputs,
    selfTest,
  }: { outputs: readonly { readonly axis: string }[]; selfTest: readonly { readonly scores: readonly number[] }[] },
  context: z.RefinementCtx,
): void {
  const axes = outputs.map(({ axis }) => axis);
  if (new Set(axes).size < axes.length)
    context.addIssue({ code: 'custom', path: ['outputs'], message: 'axes with different names' });
  if (!selfTest.every(({ scores }) => scores.length === axes.length))
    context.addIssue({ code: 'custom', path: ['selfTest'], message: 'a score for every output' });
}
