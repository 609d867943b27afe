/** What a worker measured, in buckets: for metrics only, lost with the process, unlike the totals. */
import { SCORE_BUCKETS } from '../metrics/buckets.ts';
import type { Verdict } from '../model/verdicts.ts';
import type { Decision } from '../pruning/decide.ts';
import { isOverCut, SAMPLE } from '../scoring/cascade.ts';
import type { EncoderManifest } from '../scoring/manifest-encoder.ts';
import type { Scores } from '../scoring/stage0.ts';

/** Votes 0, 1, 2 … */
const VOTE_BUCKETS = 33;

export interface Measured {
  /** `scorer`, or `scorer#axis` → records by bucket, then the sum of the scores. */
  readonly scores: Record<string, number[]>;
  /** Votes → records. */
  readonly votes: number[];
  /** What was kept against what a uniform random choice would have kept. */
  readonly arms: { readonly policy: Arm; readonly control: Arm };
  /** By scorer of an encoder. */
  readonly cascade: Record<string, CascadeCounts>;
  /** Time of the whole batch, and the tokens that were scored in it. */
  seconds: number;
  tokens: number;
}

export interface CascadeCounts {
  /** Records by path, in the order of `cascadePaths`. */
  readonly records: number[];
  /** Of the sample, those that the encoder puts over its cut: a cheaper scorer would have let them pass. */
  missed: number;
}

/** Records of one arm, and of each plain score: how many had it, and the sum. */
export interface Arm {
  records: number;
  kept: number;
  readonly scores: Record<string, { count: number; sum: number }>;
}

const newArm = (): Arm => ({ records: 0, kept: 0, scores: {} });

export const emptyArms = (): Measured['arms'] => ({ policy: newArm(), control: newArm() });

export const newMeasured = (): Measured => ({
  scores: {},
  votes: new Array<number>(VOTE_BUCKETS).fill(0),
  arms: emptyArms(),
  cascade: {},
  seconds: 0,
  tokens: 0,
});

/** `policy`: the mean score of what is kept. `control`: that of the random sample, whatever became of it. */
export function measureArms({ arms }: Measured, scored: Scores, { outcome, control }: Decision): void {
  const kept = outcome === 'curated';
  addToArm(arms.policy, kept, kept ? scored : {});
  if (control) addToArm(arms.control, kept, scored);
}

function addToArm(arm: Arm, kept: boolean, scored: Scores): void {
  arm.records++;
  if (kept) arm.kept++;
  for (const name in scored) {
    const score = scored[name];
    if (typeof score !== 'number') continue;
    const mean = (arm.scores[name] ??= { count: 0, sum: 0 });
    mean.count++;
    mean.sum += score;
  }
}

export function addArm(into: Arm, more: Arm): void {
  into.records += more.records;
  into.kept += more.kept;
  for (const [name, { count, sum }] of Object.entries(more.scores)) {
    const mean = (into.scores[name] ??= { count: 0, sum: 0 });
    mean.count += count;
    mean.sum += sum;
  }
}

export function measure({ scores, votes }: Measured, scored: Scores, verdict: Verdict | undefined): void {
  if (verdict) votes[verdict.votes]! += 1;
  for (const name in scored) {
    const score = scored[name]!;
    if (typeof score === 'number') add(scores, name, score);
    else for (const axis in score) add(scores, `${name}#${axis}`, score[axis]!);
  }
}

export function measureCascade({ cascade }: Measured, manifest: EncoderManifest, path: number, scored: Scores): void {
  const counts = (cascade[manifest.name] ??= { records: [0, 0, 0], missed: 0 });
  counts.records[path]! += 1;
  if (path === SAMPLE && isOverCut(manifest, scored)) counts.missed++;
}

function add(scores: Record<string, number[]>, name: string, score: number): void {
  const buckets = (scores[name] ??= new Array<number>(SCORE_BUCKETS + 1).fill(0));
  // A bucket holds what is at or below its upper limit, as Prometheus has it.
  buckets[Math.max(0, Math.ceil(score * SCORE_BUCKETS) - 1)]! += 1;
  buckets[SCORE_BUCKETS]! += score;
}
