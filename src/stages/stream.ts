/** A stream without an end: any of the stages in one process over the raw topic, until it is told to stop. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../log/port.ts';
import { type Policy, policyName } from '../pruning/policy.ts';
import { type Faults, noFaults, type StageContext } from '../runtime/context.ts';
import { createFlow, type Flow } from '../runtime/flow.ts';
import { groups, type TopicNames, topicSpecs } from '../runtime/topics.ts';
import { publishPolicy, readPolicy } from './controller.ts';
import {
  aborted,
  outputTopics,
  type RunObserver,
  type StageName,
  startStages,
  startWorkers,
  type Workers,
} from './start.ts';

export type ProcessStage = StageName | 'controller';

export interface Stream extends Workers {
  /** Closed by the stream. */
  readonly log: Log;
  readonly topics: TopicNames;
  /** Of the raw topic. */
  readonly partitions: number;
  readonly stages: ReadonlySet<ProcessStage>;
  /** What the controller publishes. */
  readonly policy: Policy;
  /** For the snapshots of the index. */
  readonly stateDirectory: string;
  readonly faults?: Faults;
  /** Aborted to drain and stop. */
  readonly signal: AbortSignal;
  readonly observer: RunObserver;
  readonly note: (text: string) => void;
  /** Called once, when every stage has begun. */
  readonly ready: () => void;
}

const POLICY_MS = 1000;
const PROGRESS_MS = 500;

/** @throws FatalError, TransientError; what was committed stays, and another process goes on from there. */
export async function runStream(stream: Stream): Promise<void> {
  const { log, topics, policy, config, stages } = stream;
  const work = new Set([...stages].filter((stage) => stage !== 'controller'));
  // The index and the controller do all their work on the main thread.
  const pool = startWorkers({ ...stream, workers: needsWorkers(work) ? stream.workers : 0 }, undefined, topics.raw);
  const stop = new AbortController();
  const signal = AbortSignal.any([stream.signal, stop.signal]);
  let running: readonly Promise<unknown>[] = [];
  try {
    const specs = topicSpecs(topics, stream.partitions, outputTopics(policy), 'topic');
    await log.ensureTopics(specs);
    if (stages.has('controller')) {
      await publishPolicy(log, topics, policy);
      stream.note(`policy ${policyName(policy)} is published`);
    }
    const context: StageContext = {
      log,
      config,
      topics,
      partitions: stream.partitions,
      pool,
      faults: stream.faults ?? noFaults,
      signal,
    };
    const flow = createFlow(config.source.maxAheadBytes);
    const started = startStages(context, {
      stages: work,
      input: { kind: 'topic' },
      flow,
      stateDirectory: stream.stateDirectory,
      policy: () => awaitPolicy(stream, signal),
      observer: stream.observer,
      ended: () => undefined,
      committed: () => undefined,
    });
    running = [
      ...started.running,
      ...(work.has('sift') && !work.has('curate') ? [followCurate(log, flow, signal)] : []),
    ];
    stream.ready();
    await Promise.race([aborted(signal), ...running]);
    stop.abort('stopped');
    await Promise.all(running);
  } finally {
    stop.abort('stopped');
    await Promise.allSettled(running);
    await pool.close();
    await log.close();
  }
}

const needsWorkers = (stages: ReadonlySet<StageName>): boolean => stages.has('sift') || stages.has('curate');

/** The newest policy on the topic; waits for the controller when there is none yet. */
async function awaitPolicy({ log, topics, note }: Stream, signal: AbortSignal): Promise<Policy> {
  for (let waited = false; ; waited = true) {
    const policy = await readPolicy(log, topics);
    if (policy !== undefined) return policy;
    if (!waited) note(`no policy on ${topics.policy} yet; waiting for the controller`);
    await sleep(POLICY_MS, undefined, { signal });
  }
}

/** Curate works in another process: how far it is, is read from what it committed. */
async function followCurate(log: Log, flow: Flow, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(PROGRESS_MS, undefined, { signal }).catch(() => undefined);
    for (const partition of flow.partitions()) {
      const next = await log.progress(groups.curate, partition);
      if (next !== undefined) flow.decided(partition, next);
    }
  }
}
