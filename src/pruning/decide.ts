import type { Failure, Outcome } from '../model/reasons.ts';
import type { Verdict } from '../model/verdicts.ts';
import { draw } from './draw.ts';
import type { Policy } from './policy.ts';

/** What a decision rests on: nothing else, so that it can be taken again from a stored record. */
export interface Evidence {
  /** `<topic>-<partition>@<offset>`: what random draws are keyed by. */
  readonly identity: string;
  readonly language: string;
  /** What sift found, in the order decode, language, rules. */
  readonly failures: readonly Failure[];
  readonly verdict: Pick<Verdict, 'exactMatch' | 'similarity' | 'votes' | 'copies'> | undefined;
  /** Scorer → its single score, or its score by axis; a scorer that did not run on this record is missing. */
  readonly scores: Readonly<Record<string, number | Readonly<Record<string, number>>>>;
  /** A dead letter put back: annotated, never dropped as a duplicate (protocol rule 14). */
  readonly retried: boolean;
}

export interface Decision {
  readonly outcome: Outcome;
  readonly topic: string;
  readonly reason: string | null;
  readonly value: number | string | null;
  readonly limit: number | string | null;
  readonly failed: readonly string[];
  /** Chance that this policy keeps a record like this one. */
  readonly probability: number;
  readonly draw: number | null;
  /** Copy it to the control topic too. */
  readonly control: boolean;
}

/** The closed list of reasons that decisions add to those of the operators. */
export const decisionReasons = ['dedup.exact', 'dedup.near', 'dedup.history', 'quality.threshold'] as const;

/** `toxicity/base@1`, `toxic` → `toxicity.toxic`: another version of a scorer keeps its reasons. */
export const gateReason = ({ scorer, axis }: { readonly scorer: string; readonly axis: string }): string =>
  `${scorerFamily(scorer)}.${axis}`;

export const scorerFamily = (scorer: string): string => scorer.split('/', 1)[0]!;

/**
 * Decides one record. Order of the reasons: decode, safety gates, language, rules, dedup, score (contract: records); the first is the
 * record's reason, all of them are in `failed`.
 */
export function decide(policy: Policy, evidence: Evidence): Decision {
  const decode = evidence.failures.filter((f) => isDecode(f.reason));
  const gates = brokenGates(policy, evidence);
  const rules = evidence.failures.filter((f) => !isDecode(f.reason));
  const duplicate = duplicateOf(policy, evidence);
  const early = [...decode, ...gates, ...rules, ...duplicate];
  const failures = [...early, ...lowScores(policy, evidence)];

  const undecided = early.length === 0;
  const number = policy.control.rate > 0 && undecided ? draw(policy.seed, 'control', evidence.identity) : null;
  const control = number !== null && number < policy.control.rate;

  const first = failures[0];
  const failed = failures.map((f) => f.reason);
  if (first === undefined) {
    return {
      outcome: 'curated',
      topic: `curated.${route(policy, evidence.language)}`,
      reason: null,
      value: null,
      limit: null,
      failed,
      probability: 1,
      draw: number,
      control,
    };
  }
  const outcome = gates.includes(first) ? 'quarantine' : 'rejected';
  return {
    outcome,
    topic: outcome,
    reason: first.reason,
    value: first.value,
    limit: first.limit,
    failed,
    probability: 0,
    draw: number,
    control,
  };
}

const isDecode = (reason: string) => reason.startsWith('decode.') || reason.startsWith('extract.');

function brokenGates(policy: Policy, { scores }: Evidence): Failure[] {
  const broken: Failure[] = [];
  for (const gate of policy.gates) {
    const score = scores[gate.scorer];
    const value = typeof score === 'object' ? score[gate.axis] : score;
    if (value !== undefined && value > gate.above) broken.push({ reason: gateReason(gate), value, limit: gate.above });
  }
  return broken;
}

function duplicateOf(policy: Policy, { verdict, retried }: Evidence): Failure[] {
  const { drop, similarity, votes, keepCopies } = policy.dedup;
  if (!drop || retried || verdict === undefined) return [];
  if (verdict.exactMatch)
    return verdict.copies > keepCopies ? [{ reason: 'dedup.exact', value: verdict.copies, limit: keepCopies }] : [];
  // As it is stored, so that a replay decides the same.
  const estimate = round(verdict.similarity);
  if (estimate >= similarity) return [{ reason: 'dedup.near', value: estimate, limit: similarity }];
  if (verdict.votes >= votes) return [{ reason: 'dedup.history', value: verdict.votes, limit: votes }];
  return [];
}

function lowScores(policy: Policy, { scores }: Evidence): Failure[] {
  const low: Failure[] = [];
  for (const rule of policy.quality) {
    const value = scores[rule.scorer];
    if (typeof value === 'number' && value < rule.atLeast)
      low.push({ reason: 'quality.threshold', value, limit: rule.atLeast });
  }
  return low;
}

function route(policy: Policy, language: string): string {
  return policy.routes.languages.includes(language) ? language : policy.routes.other;
}

const round = (x: number) => Math.round(x * 1e4) / 1e4;
