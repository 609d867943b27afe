/** What a worker measured, in buckets: for metrics only, lost with the process, unlike the totals. */
import { SCORE_BUCKETS } from '../metrics/buckets.ts';
import type { Verdict } from '../model/verdicts.ts';
import type { Scores } from '../scoring/stage0.ts';

/** Votes 0, 1, 2 … */
const VOTE_BUCKETS = 33;

export interface Measured {
  /** `scorer`, or `scorer#axis` → records by bucket, then the sum of the scores. */
  readonly scores: Record<string, number[]>;
  /** Votes → records. */
  readonly votes: number[];
}

export const newMeasured = (): Measured => ({ scores: {}, votes: new Array<number>(VOTE_BUCKETS).fill(0) });

export function measure({ scores, votes }: Measured, scored: Scores, verdict: Verdict | undefined): void {
  if (verdict) votes[verdict.votes]! += 1;
  for (const name in scored) {
    const score = scored[name]!;
    if (typeof score === 'number') add(scores, name, score);
    else for (const axis in score) add(scores, `${name}#${axis}`, score[axis]!);
  }
}

function add(scores: Record<string, number[]>, name: string, score: number): void {
  const buckets = (scores[name] ??= new Array<number>(SCORE_BUCKETS + 1).fill(0));
  // A bucket holds what is at or below its upper limit, as Prometheus has it.
  buckets[Math.max(0, Math.ceil(score * SCORE_BUCKETS) - 1)]! += 1;
  buckets[SCORE_BUCKETS]! += score;
}
