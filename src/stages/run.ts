/** A bounded run: all four stages in one process over a list of input files, until every record is decided. */
import { existsSync } from 'node:fs';
import type { Topology } from '../../topologies/topology.ts';
import type { Config } from '../config/schema.ts';
import type { IndexStats } from '../dedup/dedup.ts';
import { FatalError } from '../errors.ts';
import type { Log } from '../log/port.ts';
import { readTopic } from '../runtime/read-topic.ts';
import { type Policy, policyName } from '../pruning/policy.ts';
import { COMPLETE, type Faults, type StageContext } from '../runtime/context.ts';
import { createFlow } from '../runtime/flow.ts';
import { inputDigest, type RunInput } from '../runtime/state.ts';
import { groups, topicNames, topicSpecs } from '../runtime/topics.ts';
import type { Encoder } from '../scoring/encoder/encoder.ts';
import type { ScorerSet } from '../scoring/stage0.ts';
import { publishPolicy, readPolicy } from './controller.ts';
import { addTotals, decidedRecords, emptyTotals, type Observation, type Totals } from './observation.ts';
import { sourcesOf } from './sources.ts';
import { aborted, outputTopics, type RunObserver, startStages, startWorkers } from './start.ts';

/** A log that can be brought to an end. */
export interface BoundedLog extends Log {
  /** Gives output files their final names. */
  finish(): Promise<void>;
  /** Lets go of what every consumer has passed; a bounded amount of work a call. */
  trim(): Promise<{ readonly more: boolean }>;
}

export interface BoundedRun {
  /** Closed by the run. */
  readonly log: BoundedLog;
  readonly config: Config;
  readonly topology: Topology;
  readonly policy: Policy;
  readonly scorers: ScorerSet | undefined;
  /** Those of `scorers`, started; in the order of `shareEncoders`. Closed by who started them. */
  readonly encoders?: readonly Encoder[];
  readonly inputs: readonly RunInput[];
  /** Where reading ends in each input (`--limit`); read to its end where it is undefined. */
  readonly ends: readonly (bigint | undefined)[];
  readonly stateDirectory: string;
  readonly workers: number;
  readonly faults: Faults;
  /** Aborted by Ctrl-C: drain and stop; the same command continues. */
  readonly signal: AbortSignal;
  readonly observer: RunObserver;
}

export interface RunResult {
  /** False when a signal ended it before everything was decided. */
  readonly complete: boolean;
  /** Over all processes that ever worked on this state. */
  readonly totals: Totals;
  readonly resumed: boolean;
  readonly index: IndexStats | undefined;
  readonly policy: string;
}

/** How far sift may run ahead of curate. */
const IN_FLIGHT_BYTES = 64 << 20;
/** Without any progress for so long, although the input was read to its end, the run fails instead of hanging. */
const STALL_MS = 120_000;

/** @throws FatalError, TransientError; what was committed stays, and the same call continues from there. */
export async function runBounded(run: BoundedRun): Promise<RunResult> {
  const { log } = run;
  const sources = sourcesOf(run.inputs, run.ends, run.stateDirectory);
  const topics = topicNames(run.config.app, run.config.topics);
  const pool = startWorkers(run, sources, topics.raw);
  const stop = new AbortController();
  let stages: readonly Promise<void>[] = [];
  let stopWatching = () => undefined as void;
  try {
    await log.ensureTopics(topicSpecs(topics, sources.length, outputTopics(run.policy), 'files'));
    await publishPolicy(log, topics, run.policy);
    const context: StageContext = {
      ...run,
      topics,
      partitions: sources.length,
      pool,
      signal: AbortSignal.any([run.signal, stop.signal]),
    };
    const progress = await loadProgress(context, sources.length);
    const { totals, resumed, end, stall } = progress;
    const stopTrimming = run.config.log.retain ? () => undefined : startTrimming(log, run.config.log.trimSeconds);
    const started = startStages(context, {
      stages: new Set(['sift', 'index', 'curate']),
      input: { kind: 'files', sizes: sources.map(({ sizeBytes }) => sizeBytes) },
      flow: createFlow(IN_FLIGHT_BYTES),
      stateDirectory: run.stateDirectory,
      policies: { first: () => requirePolicy(readPolicy(log, topics)) },
      encoders: run.encoders ?? [],
      observer: run.observer,
      moved: () => stall.progress(),
      ended: (partition, at) => end.ended(partition, at),
      committed(observation) {
        addTotals(totals, observation);
        end.decided(observation.partition, BigInt(observation.next));
        stall.progress();
      },
    });
    stages = started.running;
    stopWatching = () => {
      stopTrimming();
      stall.stop();
    };
    await Promise.race([end.reached, stall.stalled, aborted(context.signal), Promise.all(stages)]);
    stop.abort(end.isReached() ? COMPLETE : 'stopped');
    await Promise.all(stages);
    run.faults.at('finish');
    const complete = end.isReached();
    if (complete) {
      requireUnchanged(run.inputs);
      await log.finish();
    }
    return { complete, totals, resumed, index: started.index()?.stats(), policy: policyName(run.policy) };
  } finally {
    stop.abort();
    await Promise.allSettled(stages);
    stopWatching();
    await pool.close();
    await log.close();
  }
}

/** What was decided came out of the inputs as they were when the run began. @throws FatalError `input-changed` */
function requireUnchanged(inputs: readonly RunInput[]): void {
  for (const { path: file, digest } of inputs) {
    if (existsSync(file) && inputDigest(file) === digest) continue;
    throw new FatalError(
      'input-changed',
      `input ${file}; it changed while it was read; leave inputs alone while a run reads them, and start over with --fresh`,
    );
  }
}

interface RunProgress {
  readonly totals: Totals;
  readonly resumed: boolean;
  readonly end: ReturnType<typeof createEnd>;
  readonly stall: ReturnType<typeof createStall>;
}

async function loadProgress({ log, topics, faults }: StageContext, partitions: number): Promise<RunProgress> {
  const totals = await readObservations(log, topics.observations);
  const end = createEnd(partitions);
  for (let p = 0; p < partitions; p++) {
    const next = await log.progress(groups.curate, p);
    if (next !== undefined) end.decided(p, next);
  }
  return { totals, resumed: decidedRecords(totals) > 0, end, stall: createStall(faults.stallMs ?? STALL_MS, end) };
}

/** Lets blocks go in small steps. A step that fails is tried again: what is kept too long does no harm. */
function startTrimming(log: BoundedLog, everySeconds: number): () => void {
  let running = false;
  let stopped = false;
  async function trim(): Promise<void> {
    if (running) return;
    running = true;
    try {
      while (!stopped && (await log.trim()).more);
    } catch {
      // The next turn tries again.
    } finally {
      running = false;
    }
  }
  const timer = setInterval(() => void trim(), 1000 * everySeconds);
  return () => {
    stopped = true;
    clearInterval(timer);
  };
}

/**
 * Protocol rule 18: the run is over when every source partition was read to its end and N has passed it.
 */
function createEnd(partitions: number) {
  const ends = new Map<number, bigint>();
  const next = new Map<number, bigint>();
  const open = new Set(Array.from({ length: partitions }, (_, p) => p));
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  if (open.size === 0) resolve();
  function look(partition: number): void {
    const end = ends.get(partition);
    if (end === undefined || (next.get(partition) ?? 0n) < end) return;
    open.delete(partition);
    if (open.size === 0) resolve();
  }
  return {
    reached,
    isReached: () => open.size === 0,
    isRead: () => ends.size === partitions,
    missing: () => open.size,
    ended(partition: number, end: bigint): void {
      ends.set(partition, end);
      look(partition);
    },
    decided(partition: number, at: bigint): void {
      next.set(partition, at);
      look(partition);
    },
  };
}

/** Rejects when the input was read to its end and nothing has been decided for `ms`: loud instead of silent. */
function createStall(
  ms: number,
  end: ReturnType<typeof createEnd>,
): { stalled: Promise<never>; progress(): void; stop(): void } {
  const { promise: stalled, reject } = Promise.withResolvers<never>();
  stalled.catch(() => undefined);
  let last = performance.now();
  const timer = setInterval(
    () => {
      if (!end.isRead()) last = performance.now();
      else if (performance.now() - last > ms)
        reject(
          new FatalError(
            'stalled',
            `run; everything is read, but ${end.missing()} source partitions were not decided for ${ms / 1000} s; keep the state, report it, and start over with --fresh`,
          ),
        );
    },
    Math.min(1000, ms),
  );
  return {
    stalled,
    progress: () => {
      last = performance.now();
    },
    stop: () => clearInterval(timer),
  };
}

/** Counts of everything committed on this state before. */
async function readObservations(log: Log, topic: string): Promise<Totals> {
  const totals = emptyTotals();
  for await (const { value } of readTopic(log, topic))
    addTotals(totals, JSON.parse(Buffer.from(value).toString()) as Observation);
  return totals;
}

async function requirePolicy(policy: Promise<Policy | undefined>): Promise<Policy> {
  const found = await policy;
  if (found === undefined)
    throw new FatalError('no-policy', 'policy topic; it is empty; start the controller, which publishes one');
  return found;
}
