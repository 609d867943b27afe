/** The stages of one process, started together or apart: what a bounded run and a stream have in common. */
import path from 'node:path';
import type { Topology } from '../../topologies/topology.ts';
import type { Config } from '../config/schema.ts';
import type { WholeIndex, Verdicts } from '../dedup/dedup.ts';
import { loadLanguageTable } from '../operators/language/table.ts';
import type { Policy } from '../pruning/policy.ts';
import type { StageContext } from '../runtime/context.ts';
import type { Flow } from '../runtime/flow.ts';
import { createPool, type WorkerPool } from '../runtime/pool.ts';
import { groups } from '../runtime/topics.ts';
import type { BatcherFigures } from '../scoring/encoder/batcher.ts';
import type { Encoder } from '../scoring/encoder/encoder.ts';
import type { ScorerSet } from '../scoring/stage0.ts';
import { runCurate } from './curate.ts';
import type { CurateResult } from './curate-records.ts';
import { runIndex } from './index.ts';
import type { Observation } from './observation.ts';
import type { Policies } from './policies.ts';
import type { RepairRequest } from './repair.ts';
import { runSift, type SiftInput } from './sift.ts';
import type { SiftedPair } from './sift-blocks.ts';
import type { Skipped } from './sift-skip.ts';
import type { SourceFile } from './sources.ts';
import type { Pulled, WorkerData, WorkerMessages } from './worker-requests.ts';

/** Told what happens, for metrics and progress; never asked anything. */
export interface RunObserver {
  sifted?(pair: SiftedPair): void;
  operators?(times: Pulled['operators']): void;
  folded?(index: WholeIndex, verdicts: Verdicts | undefined, seconds: number): void;
  committed?(observation: Observation, result: CurateResult, seconds: number): void;
  /** Encoders have scored something; what each has done so far. */
  encoded?(figures: readonly BatcherFigures[]): void;
  inFlightBytes?(bytes: number): void;
  /** Curate decides by this policy. */
  policy?(policy: Policy): void;
  /** A stage cannot go on before something outside answers. */
  waiting?(why: string): void;
  /** The main loop of a stage has come round; or has to wait for another stage. */
  turned?(stage: StageName): void;
  rests?(stage: StageName): void;
  /** Sift passes over what its operator declared lost. */
  skipped?(skipped: Skipped): void;
  /** A stage starts again, because a log has lost what was acknowledged. */
  repairing?(request: RepairRequest): void;
}

export type StageName = 'sift' | 'index' | 'curate';

export interface StageSetup {
  readonly stages: ReadonlySet<StageName>;
  readonly input: SiftInput;
  readonly flow: Flow;
  readonly stateDirectory: string;
  readonly policies: Policies;
  /** Asked by curate. */
  readonly encoders: readonly Encoder[];
  readonly observer: RunObserver;
  /** A source partition was read to its end. */
  readonly ended: (partition: number, end: bigint) => void;
  readonly committed: (observation: Observation) => void;
  /** Something goes on, or waits for what is outside, though nothing is committed. */
  readonly moved?: () => void;
}

export interface RunningStages {
  /** One a stage; rejects when the stage fails, and resolves when it has stopped. */
  readonly running: readonly Promise<void>[];
  readonly index: () => WholeIndex | undefined;
}

export function startStages(context: StageContext, setup: StageSetup): RunningStages {
  const { log, config } = context;
  const { observer, flow } = setup;
  let live: WholeIndex | undefined;
  const start: Readonly<Record<StageName, () => Promise<void>>> = {
    sift: () =>
      runSift(context, setup.input, flow, {
        ended: setup.ended,
        sifted(pair) {
          observer.sifted?.(pair);
          observer.inFlightBytes?.(flow.inFlightBytes);
        },
        operators: (times) => observer.operators?.(times),
        waiting: (why) => observer.waiting?.(why),
        turned: () => observer.turned?.('sift'),
        rests: () => observer.rests?.('sift'),
        skipped: (skipped) => observer.skipped?.(skipped),
        repairing: (request) => observer.repairing?.(request),
      }),
    index: () =>
      runIndex(
        context,
        {
          directory: path.join(setup.stateDirectory, 'snapshots'),
          everyDocuments: config.index.snapshotDocuments,
          decided: (partition) => log.progress(groups.curate, partition),
        },
        {
          folded(current, verdicts, seconds) {
            live = current;
            observer.folded?.(current, verdicts, seconds);
          },
          waiting: (why) => observer.waiting?.(why),
          turned: () => observer.turned?.('index'),
          repairing: (request) => observer.repairing?.(request),
        },
      ),
    curate: () =>
      runCurate(
        context,
        setup.policies,
        {
          turned: () => observer.turned?.('curate'),
          decidesBy: (policy) => observer.policy?.(policy),
          waiting(why) {
            setup.moved?.();
            observer.waiting?.(why);
          },
          moved() {
            setup.moved?.();
            observer.encoded?.(setup.encoders.map((encoder) => encoder.figures()));
          },
          committed(observation, result, seconds) {
            flow.decided(observation.partition, BigInt(observation.next));
            setup.committed(observation);
            observer.committed?.(observation, result, seconds);
          },
        },
        setup.encoders,
      ),
  };
  return { running: [...setup.stages].map((name) => start[name]()), index: () => live };
}

export interface Workers {
  readonly config: Config;
  readonly topology: Topology;
  readonly scorers: ScorerSet | undefined;
  /** Those of `scorers`, started; in the order of `shareEncoders`. Closed by who started them. */
  readonly encoders?: readonly Encoder[];
  readonly workers: number;
}

/** `files`: the source partitions that are files; undefined when the source is the raw topic. */
export function startWorkers(
  { config, topology, scorers, workers }: Omit<Workers, 'encoders'>,
  files: readonly SourceFile[] | undefined,
  rawTopic: string,
  messages?: WorkerMessages,
): WorkerPool {
  const workerData: Omit<WorkerData, 'activity'> = {
    config,
    topology,
    files,
    rawTopic,
    tables: { language: topology.operators.includes('language') ? loadLanguageTable() : undefined },
    scorers,
    messages,
  };
  return createPool(new URL('./worker.ts', import.meta.url), workers, workerData);
}

/** Every output topic of the policy, so that each exists (and each file is written) even when nothing goes there. */
export function outputTopics({ routes, gates, control }: Policy): string[] {
  return [
    ...routes.languages.map((language) => `curated.${language}`),
    `curated.${routes.other}`,
    'rejected',
    ...(gates.length > 0 ? ['quarantine'] : []),
    ...(control.rate > 0 ? ['control'] : []),
    'dead-letter',
  ];
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
