/**
 * Every metric of the contract (docs/reference/metrics.md), on a registry that the caller owns. Labels are bounded: never an id, a URL
 * or a domain.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { SCORE_BUCKETS } from './buckets.ts';
import { countedHistogram } from './counted-histogram.ts';
import { addProcess } from './process.ts';
import { createLoopDelay } from './loop-delay.ts';
import type { Outcome } from '../model/reasons.ts';

/** What is shown of the near-duplicate index; its `stats()` has more. */
export interface IndexFigures {
  readonly fill: number;
  readonly estimatedFalsePositiveRate: number;
  readonly bytes: number;
  /** One entry a generation. */
  readonly history: readonly unknown[];
}

export interface Metrics {
  records(stage: string, outcome: Outcome | 'passed', reason: string, count: number): void;
  recordBytes(stage: string, bytes: number): void;
  stageSeconds(stage: string, seconds: number): void;
  operatorSeconds(operator: string, seconds: number, records: number): void;
  endToEndSeconds(seconds: number): void;
  /** A transaction that took effect. */
  commit(seconds: number): void;
  /** One that did not, or whose outcome had to be looked up. */
  transaction(result: 'fenced' | 'unknown'): void;
  /** A stage could not go on before something outside answered. */
  waited(): void;
  /** Partitions were given out anew. */
  rebalanced(): void;
  repair(stage: string): void;
  /** Offsets of raw that were declared lost. */
  skipped(offsets: number): void;
  /** `seconds`: age of the oldest of them, where it is known. */
  lag(topic: string, partition: string, records: number, seconds?: number): void;
  inFlightBytes(bytes: number): void;
  /** Records by bucket of `SCORE_BUCKETS` equal ones from 0 to 1. */
  scores(scorer: string, axis: string, counts: readonly number[], sum: number): void;
  /** Records by number of votes, from 0 up. */
  votes(counts: readonly number[]): void;
  index(figures: IndexFigures): void;
  policy(name: string, version: number, thresholds: Readonly<Record<string, number>>): void;
  kept(arm: 'policy' | 'control', ratio: number): void;
  lift(signal: string, lift: number): void;
  /** One batch of curate: tokens scored, seconds of the whole. */
  batch(tokens: number, seconds: number): void;
  /** Useful tokens of all that encoders computed. */
  batchEfficiency(ratio: number): void;
  /** Records of an encoder's languages, by what its cascade did with them. */
  cascade(scorer: string, path: string, records: number): void;
  /** Records of the sample that the encoder puts over its cut. */
  cascadeMissed(scorer: string, records: number): void;
  /** p50, p99 and p99.9 of the main thread's event-loop delay so far, seconds. */
  eventLoopDelay(): { p50: number; p99: number; p999: number };
  /** Forgets the delays so far: those of loading and compiling, before there was anything to serve. */
  begun(): void;
  stop(): void;
}

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const microseconds = [1e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 1e-2, 0.1, 1];

const VOTE_LIMITS = [0, 1, 2, 3, 4, 6, 8, 12, 16, 20, 24];

export function createMetrics(registry: Registry, version: string): Metrics {
  const registers = [registry];
  const records = new Counter({
    name: 'riffle_records_total',
    help: 'Records that left a stage.',
    labelNames: ['stage', 'outcome', 'reason'],
    registers,
  });
  const bytes = new Counter({
    name: 'riffle_record_bytes_total',
    help: 'Bytes of the records that entered a stage.',
    labelNames: ['stage'],
    registers,
  });
  const stage = new Histogram({
    name: 'riffle_stage_seconds',
    help: 'Time of one block in a stage.',
    labelNames: ['stage'],
    buckets: seconds,
    registers,
  });
  const operator = new Histogram({
    name: 'riffle_operator_seconds',
    help: 'Mean time of one record in an operator, sampled by reply of a worker.',
    labelNames: ['operator'],
    buckets: microseconds,
    registers,
  });
  const endToEnd = new Histogram({
    name: 'riffle_end_to_end_seconds',
    help: 'From the sifted block to its commit.',
    buckets: [...seconds, 30, 60, 300],
    registers,
  });
  const commits = new Histogram({
    name: 'riffle_commit_seconds',
    help: 'Time of a commit.',
    buckets: seconds,
    registers,
  });
  const transactions = new Counter({
    name: 'riffle_transactions_total',
    help: 'Commits by result.',
    labelNames: ['result'],
    registers,
  });
  const waits = new Counter({
    name: 'riffle_waits_total',
    help: 'Times that a stage waited for something outside: a registry that is down, say.',
    registers,
  });
  const rebalances = new Counter({
    name: 'riffle_rebalances_total',
    help: 'Times that partitions were given out anew.',
    registers,
  });
  const repairs = new Counter({
    name: 'riffle_repairs_total',
    help: 'Times that a stage started again because a log had lost what it had acknowledged.',
    labelNames: ['stage'],
    registers,
  });
  const skips = new Counter({
    name: 'riffle_records_skipped_total',
    help: 'Offsets of the raw topic that were passed over, because source.skipTo declares them lost.',
    registers,
  });
  const lagRecords = new Gauge({
    name: 'riffle_consumer_lag_records',
    help: 'Records not yet consumed.',
    labelNames: ['topic', 'partition'],
    registers,
  });
  const lagSeconds = new Gauge({
    name: 'riffle_consumer_lag_seconds',
    help: 'Age of the oldest record not yet consumed.',
    registers,
  });
  const inFlight = new Gauge({
    name: 'riffle_in_flight_bytes',
    help: 'Bytes taken in and not yet decided.',
    registers,
  });
  const scores = countedHistogram(registry, {
    name: 'riffle_score',
    help: 'Scores.',
    buckets: Array.from({ length: SCORE_BUCKETS }, (_, i) => (i + 1) / SCORE_BUCKETS),
  });
  const votes = countedHistogram(registry, {
    name: 'riffle_dedup_votes',
    help: 'Bands of a record that the history knows and the window does not explain.',
    buckets: VOTE_LIMITS,
  });
  const fill = new Gauge({
    name: 'riffle_dedup_index_fill_ratio',
    help: 'Bits set in the fullest generation.',
    registers,
  });
  const falsePositives = new Gauge({
    name: 'riffle_dedup_index_estimated_false_positive_ratio',
    help: 'Chance that an unknown band is taken for known.',
    registers,
  });
  const indexBytes = new Gauge({ name: 'riffle_dedup_index_bytes', help: 'Memory of the index.', registers });
  const generations = new Gauge({
    name: 'riffle_dedup_index_generations',
    help: 'Generations of the history.',
    registers,
  });
  const policyVersion = new Gauge({
    name: 'riffle_policy_version',
    help: 'Version of the policy in force.',
    labelNames: ['policy'],
    registers,
  });
  const threshold = new Gauge({
    name: 'riffle_threshold',
    help: 'Limits of the policy in force.',
    labelNames: ['rule'],
    registers,
  });
  const kept = new Gauge({
    name: 'riffle_kept_ratio',
    help: 'Share kept: of all records, and of those that reached the control sample.',
    labelNames: ['arm'],
    registers,
  });
  const lift = new Gauge({
    name: 'riffle_lift_over_random',
    help: 'Mean score of what is kept minus that of the random control sample.',
    labelNames: ['signal'],
    registers,
  });
  const batchTokens = new Histogram({
    name: 'riffle_batch_tokens',
    help: 'Tokens scored in one batch of curate.',
    buckets: [0, 1e3, 4e3, 16e3, 64e3, 256e3, 1e6],
    registers,
  });
  const batchSeconds = new Histogram({
    name: 'riffle_batch_seconds',
    help: 'Time of one batch of curate in a worker thread.',
    buckets: seconds,
    registers,
  });
  const efficiency = new Gauge({
    name: 'riffle_batch_efficiency_ratio',
    help: 'Useful tokens of all that encoders computed; tables pad nothing.',
    registers,
  });
  efficiency.set(1);
  const cascade = new Counter({
    name: 'riffle_cascade_records_total',
    help: 'Records by what the cascade of an encoder did with them.',
    labelNames: ['scorer', 'path'],
    registers,
  });
  const cascadeMissed = new Counter({
    name: 'riffle_cascade_missed_total',
    help: 'Records of the sample that the encoder puts over its cut.',
    labelNames: ['scorer'],
    registers,
  });
  addProcess(registry);
  new Gauge({ name: 'riffle_build_info', help: 'Version.', labelNames: ['version', 'node'], registers }).set(
    { version, node: process.version },
    1,
  );
  const delay = createLoopDelay();
  delay.work();
  const loopDelay = new Gauge({
    name: 'riffle_event_loop_delay_seconds',
    help: 'Delay of the main thread by quantile.',
    labelNames: ['quantile'],
    registers: [],
    collect() {
      for (const q of ['0.5', '0.99', '0.999']) this.set({ quantile: q }, delay.quantile(Number(q)));
    },
  });
  registry.registerMetric(loopDelay);
  return {
    records(name, outcome, reason, count) {
      delay.work();
      records.inc({ stage: name, outcome, reason }, count);
    },
    recordBytes: (name, count) => bytes.inc({ stage: name }, count),
    stageSeconds(name, took) {
      delay.work();
      stage.observe({ stage: name }, took);
    },
    operatorSeconds: (name, took, count) => count > 0 && operator.observe({ operator: name }, took / count),
    endToEndSeconds: (took) => endToEnd.observe(took),
    commit(took) {
      commits.observe(took);
      transactions.inc({ result: 'committed' });
    },
    transaction: (result) => transactions.inc({ result }),
    waited: () => waits.inc(),
    rebalanced: () => rebalances.inc(),
    skipped: (offsets) => skips.inc(offsets),
    repair: (name) => repairs.inc({ stage: name }),
    lag(topic, partition, count, age) {
      lagRecords.set({ topic, partition }, count);
      if (age !== undefined) lagSeconds.set(age);
    },
    inFlightBytes: (count) => inFlight.set(count),
    scores: (scorer, axis, counts, sum) => scores.add({ scorer, axis }, counts, sum),
    votes(counts) {
      const grouped = new Array<number>(VOTE_LIMITS.length + 1).fill(0);
      let sum = 0;
      for (const [n, records] of counts.entries()) {
        const bucket = VOTE_LIMITS.findIndex((limit) => n <= limit);
        grouped[bucket < 0 ? VOTE_LIMITS.length : bucket]! += records;
        sum += n * records;
      }
      votes.add({}, grouped, sum);
    },
    index(figures) {
      fill.set(figures.fill);
      falsePositives.set(figures.estimatedFalsePositiveRate);
      indexBytes.set(figures.bytes);
      generations.set(figures.history.length);
    },
    policy(name, number, thresholds) {
      policyVersion.reset();
      threshold.reset();
      policyVersion.set({ policy: name }, number);
      for (const [rule, limit] of Object.entries(thresholds)) threshold.set({ rule }, limit);
    },
    kept: (arm, ratio) => kept.set({ arm }, ratio),
    lift: (signal, value) => lift.set({ signal }, value),
    batch(tokens, took) {
      batchTokens.observe(tokens);
      batchSeconds.observe(took);
    },
    batchEfficiency: (ratio) => efficiency.set(ratio),
    cascade: (scorer, path, count) => cascade.inc({ scorer, path }, count),
    cascadeMissed: (scorer, count) => cascadeMissed.inc({ scorer }, count),
    eventLoopDelay: () => ({ p50: delay.quantile(0.5), p99: delay.quantile(0.99), p999: delay.quantile(0.999) }),
    begun: () => delay.reset(),
    stop: () => delay.stop(),
  };
}
