/** What a run reports, turned into metrics and progress: the one place where they meet. */
import { SCORE_BUCKETS } from '../metrics/buckets.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { outcomes } from '../model/reasons.ts';
import type { Policy } from '../pruning/policy.ts';
import { gateReason } from '../pruning/decide.ts';
import { cascadePaths } from '../scoring/cascade.ts';
import type { BatcherFigures } from '../scoring/encoder/batcher.ts';
import { type Arm, addArm, emptyArms, type Measured } from '../stages/measured.ts';
import { decidedRecords } from '../stages/observation.ts';
import type { RunObserver } from '../stages/start.ts';
import type { Progress } from './progress.ts';

/** Stats of the index are read at most this often: reading them walks over its filters. */
const STATS_MS = 1000;
/** Blocks of a partition whose time is kept. */
const MOST_ENTERED = 1024;
const WARN_MS = 60_000;

/** `whole`: every partition is in this process, so that it sees itself what is under way. */
export function observeRun(metrics: Metrics, progress: Progress, whole = true): RunObserver {
  const enteredMs = new Map<number, { to: bigint; at: number }[]>();
  let decided = 0;
  let sifted = 0;
  const arms = emptyArms();
  let statsAt = 0;
  let warnedMs = -WARN_MS;
  return {
    policy: (current) => metrics.policy(current.name, current.version, thresholds(current)),
    waiting(why) {
      metrics.waited();
      if (performance.now() - warnedMs < WARN_MS) return;
      warnedMs = performance.now();
      progress.warn(why);
    },
    sifted({ partition, to, records, bytes }) {
      if (sifted === 0) metrics.begun();
      metrics.recordBytes('sift', bytes);
      metrics.records('sift', 'passed', '', records);
      progress.sifted(records, bytes);
      sifted += records;
      const queue = enteredMs.get(partition);
      const entry = { to, at: performance.now() };
      // Curate of this partition may be another process's: what nobody takes away must not pile up.
      if (queue && queue.length >= MOST_ENTERED) queue.shift();
      if (queue) queue.push(entry);
      else enteredMs.set(partition, [entry]);
    },
    operators(times) {
      for (const [operator, { seconds, records }] of Object.entries(times))
        metrics.operatorSeconds(operator, seconds, records);
    },
    folded(index, _verdicts, seconds) {
      metrics.stageSeconds('index', seconds);
      if (performance.now() - statsAt < STATS_MS) return;
      statsAt = performance.now();
      metrics.index(index.stats());
    },
    committed(observation, { measured }, seconds) {
      metrics.commit(seconds);
      for (const outcome of outcomes) {
        for (const [reason, count] of Object.entries(observation.decided[outcome]))
          metrics.records('curate', outcome, reason, count);
      }
      metrics.recordBytes('curate', observation.bytes);
      for (const [name, counts] of Object.entries(measured.scores)) {
        const [scorer, axis] = name.split('#');
        metrics.scores(scorer!, axis ?? '', counts.slice(0, SCORE_BUCKETS), counts[SCORE_BUCKETS]!);
      }
      metrics.votes(measured.votes);
      metrics.batch(measured.tokens, measured.seconds);
      for (const [scorer, { records, missed }] of Object.entries(measured.cascade)) {
        for (const [i, path] of cascadePaths.entries()) metrics.cascade(scorer, path, records[i]!);
        metrics.cascadeMissed(scorer, missed);
      }
      addArm(arms.policy, measured.arms.policy);
      addArm(arms.control, measured.arms.control);
      metrics.kept('policy', keptRatio(arms.policy));
      metrics.kept('control', keptRatio(arms.control));
      for (const [scorer, lift] of Object.entries(liftOverRandom(arms))) metrics.lift(scorer, lift);
      const queue = enteredMs.get(observation.partition) ?? [];
      while (queue.length > 0 && queue[0]!.to <= BigInt(observation.next))
        metrics.endToEndSeconds((performance.now() - queue.shift()!.at) / 1000);
      if (queue.length === 0) enteredMs.delete(observation.partition);
      decided += decidedRecords(observation);
      const oldest = queue[0]?.at ?? performance.now();
      if (whole) metrics.lag('sifted', 'all', Math.max(0, sifted - decided), (performance.now() - oldest) / 1000);
      progress.committed(observation);
    },
    encoded(figures) {
      const sum = (of: (one: BatcherFigures) => number) => figures.reduce((all, one) => all + of(one), 0);
      const computed = sum(({ computedTokens }) => computedTokens);
      if (computed > 0) metrics.batchEfficiency(sum(({ usefulTokens }) => usefulTokens) / computed);
    },
    inFlightBytes: (bytes) => metrics.inFlightBytes(bytes),
    skipped({ partition, from, to }) {
      metrics.skipped(Number(to - from));
      progress.warn(`source.skipTo: partition ${partition} is declared lost from ${from} up to ${to}, and passed over`);
    },
    repairing({ stage, partition, from, why }) {
      metrics.repair(stage);
      progress.warn(`repair: ${stage} starts partition ${partition} again at ${from}: ${why}`);
    },
  };
}

const keptRatio = ({ records, kept }: Arm): number => (records === 0 ? 0 : kept / records);

/** Mean score of what is kept minus that of the control sample, for scores that both have. */
function liftOverRandom({ policy, control }: Measured['arms']): Record<string, number> {
  const lift: Record<string, number> = {};
  for (const [name, random] of Object.entries(control.scores)) {
    const kept = policy.scores[name];
    if (kept) lift[name] = kept.sum / kept.count - random.sum / random.count;
  }
  return lift;
}

function thresholds(policy: Policy): Record<string, number> {
  return {
    'dedup.near': policy.dedup.similarity,
    'dedup.history': policy.dedup.votes,
    ...Object.fromEntries(policy.gates.map((gate) => [gateReason(gate), gate.above])),
    ...Object.fromEntries(policy.quality.map(({ scorer, atLeast }) => [`quality.threshold ${scorer}`, atLeast])),
  };
}
