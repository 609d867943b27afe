import { z } from 'zod';

/** Part of a topic's and of a file's name. */
const route = z.string().regex(/^[\w-]{1,64}$/, 'letters, digits, "_" and "-"');

const gate = z.strictObject({
  scorer: z.string().describe('Scorer whose axis is looked at, with its version: `toxicity/base@1`.'),
  axis: z.string().describe('Output of that scorer: `toxic`.'),
  above: z
    .union([z.number().min(0).max(1), z.literal('manifest')])
    .describe('A score above this goes to quarantine; `manifest` takes the cut that the scorer ships.'),
});

const threshold = z.strictObject({
  scorer: z.string().describe('Scorer with a single output: `quality/base@1`.'),
  atLeast: z
    .union([z.number().min(0).max(1), z.templateLiteral(['reference:', z.number().min(0).max(100)])])
    .describe(
      'A score below this is rejected; `reference:40` is that percentile of the distribution shipped with the scorer.',
    ),
});

/**
 * The policy: what curate does with signals. It reaches curate through a topic, which curate follows, and never changes a signal.
 * The published form has numbers only: `manifest` and `reference:` are resolved before it leaves the configuration.
 */
export const policySchema = z.strictObject({
  name: z.string().min(1).describe('Name of the policy.'),
  version: z.int().min(1).describe('Raised with every change; `name@version` is stamped on every decision.'),
  owner: z.string().min(1).describe('Who answers for it.'),
  rationale: z.string().min(1).describe('Why these numbers.'),
  created: z.iso.date().describe('Day of this version.'),
  seed: z
    .string()
    .min(1)
    .describe('Key of the random draws; a draw depends on it and on the position of the record only.'),
  gates: z.array(gate).default([]).describe('Safety gates: a record that breaks one goes to quarantine.'),
  dedup: z
    .strictObject({
      drop: z.boolean().default(true).describe('Reject duplicates; off, they are annotated only.'),
      similarity: z
        .number()
        .min(0)
        .max(1)
        .default(0.695)
        .describe('Window: at or above this estimated Jaccard similarity a record is a near duplicate.'),
      votes: z.int().min(1).max(255).default(4).describe('History: with at least this many bands known it is one.'),
      keepCopies: z.int().min(1).default(1).describe('How many copies of one exact text are kept.'),
    })
    .prefault({})
    .describe('What counts as a duplicate.'),
  quality: z.array(threshold).default([]).describe('Score thresholds: a record below one is rejected.'),
  control: z
    .strictObject({ rate: z.number().min(0).max(1).default(0).describe('Share copied to the control topic, 0 to 1.') })
    .prefault({})
    .describe('Uniform random sample, taken after gates and dedup, before scores: what the others are compared with.'),
  routes: z
    .strictObject({
      languages: z.array(route).default([]).describe('Languages with a route of their own, `curated.<language>`.'),
      other: route.default('main').describe('Route of everything else, `curated.<other>`.'),
    })
    .prefault({})
    .describe('Where curated records go.'),
});

export type PolicyDocument = z.output<typeof policySchema>;

/** A policy as published: every limit is a number. */
export interface Policy extends Omit<PolicyDocument, 'gates' | 'quality'> {
  readonly gates: readonly { readonly scorer: string; readonly axis: string; readonly above: number }[];
  readonly quality: readonly { readonly scorer: string; readonly atLeast: number }[];
}

export const policyName = (policy: Policy): string => `${policy.name}@${policy.version}`;
