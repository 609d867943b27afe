/** The members that curate adds to a record's own JSON. */
import { positionJson, type SourcePosition } from '../model/record.ts';
import type { Verdict } from '../model/verdicts.ts';
import type { Decision } from '../pruning/decide.ts';

const round = (x: number): number => Math.round(x * 1e4) / 1e4;

/** The `dedup` signal; `bands` is what votes count from. Similarity and containment have four decimals. */
export function dedupSignal(verdict: Verdict, bands: number, duplicate: SourcePosition | undefined): string {
  const original = duplicate === undefined ? 'null' : positionJson(duplicate);
  return `"dedup":{"votes":${verdict.votes},"bands":${bands},"similarity":${round(verdict.similarity)},"containment":${round(verdict.containment)},"duplicateOf":${original},"exact":${verdict.exactMatch},"generation":${verdict.generation},"copies":${verdict.copies}}`;
}

export function decisionJson(decision: Decision, policy: string): string {
  const { outcome, topic, reason, value, limit, failed, probability, draw } = decision;
  const names = `"outcome":"${outcome}","topic":${JSON.stringify(topic)},"reason":${JSON.stringify(reason)}`;
  const broken = `"value":${JSON.stringify(value)},"limit":${JSON.stringify(limit)},"failed":${failed.length === 0 ? '[]' : JSON.stringify(failed)}`;
  return `{${names},${broken},"policy":${JSON.stringify(policy)},"probability":${probability},"draw":${draw}}`;
}
