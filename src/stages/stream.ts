/** A stream without an end: any of the stages in one process over the raw topic, until it is told to stop. */
import { setTimeout as sleep } from 'node:timers/promises';
import { TransientError } from '../errors.ts';
import type { Log } from '../log/port.ts';
import { type Policy, policyName } from '../pruning/policy.ts';
import { type Faults, noFaults, type StageContext } from '../runtime/context.ts';
import { createFlow, type Flow } from '../runtime/flow.ts';
import { orAborted } from '../runtime/or-aborted.ts';
import type { WorkerPool } from '../runtime/pool.ts';
import { groups, type TopicNames, topicSpecs } from '../runtime/topics.ts';
import { publishPolicy } from './controller.ts';
import { createPolicies } from './policies.ts';
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
  readonly log: Log & { readonly trim?: () => Promise<unknown> };
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
  /** For people: what goes on, and what somebody should look at. */
  readonly note: (text: string) => void;
  readonly warn: (text: string) => void;
  /** Called once, when every stage is at work: curate has a policy, the controller has published one. Not when it is stopped before. */
  readonly ready: () => void;
}

const PROGRESS_MS = 500;
const REGISTRY_MS = 2000;
/** How long a drain may take; with the index, which saves what it knows. Orchestrators give it a little more. */
const END_MS = 50_000;
const END_INDEX_MS = 170_000;
const CLOSE_MS = 10_000;
/** A trim is a request for each topic: on a broker nothing is won by more of them. */
const TRIM_MS = 15_000;
/** The controller's longest wait for something to count. */
const TURN_MS = 5000;

/** @throws FatalError, TransientError; what was committed stays, and another process goes on from there. */
export async function runStream(stream: Stream): Promise<void> {
  const { log, topics, policy, config, stages } = stream;
  const work = new Set([...stages].filter((stage) => stage !== 'controller'));
  const stop = new AbortController();
  const signal = AbortSignal.any([stream.signal, stop.signal]);
  const endMs = work.has('index') ? END_INDEX_MS : END_MS;
  let running: readonly Promise<unknown>[] = [];
  let pool: WorkerPool | undefined;
  try {
    await log.ensureTopics(topicSpecs(topics, stream.partitions, outputTopics(policy), 'topic'));
    const messages = await messagesOf(stream, signal);
    if (messages === undefined) return;
    const known = Promise.withResolvers<void>();
    const published = Promise.withResolvers<void>();
    // The index and the controller do all their work on the main thread.
    const threads = work.has('sift') || work.has('curate') ? stream.workers : 0;
    const scorers = work.has('curate') ? stream.scorers : undefined;
    pool = startWorkers({ ...stream, scorers, workers: threads }, undefined, topics.raw, messages);
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
    const policies = createPolicies({
      ...stream,
      topic: topics.policy,
      own: policy,
      scorers: config.scoring.scorers,
      signal,
    });
    const started = startStages(context, {
      stages: work,
      input: { kind: 'topic' },
      flow,
      stateDirectory: stream.stateDirectory,
      policies: {
        ...policies,
        async first() {
          // Else it would begin with the one that is about to be replaced.
          if (stages.has('controller')) await orAborted(published.promise, signal);
          const first = await policies.first();
          if (!signal.aborted) known.resolve();
          return first;
        },
      },
      encoders: stream.encoders ?? [],
      observer: stream.observer,
      ended: () => undefined,
      committed: () => undefined,
    });
    running = [
      ...started.running,
      ...(stages.has('controller') ? [control(stream, signal, published.resolve)] : []),
      ...(work.has('sift') ? [followCurate(log, flow, signal)] : []),
    ];
    const begun = [...(work.has('curate') ? [known] : []), ...(stages.has('controller') ? [published] : [])];
    void Promise.all(begun.map(({ promise }) => promise)).then(stream.ready);
    await Promise.race([aborted(signal), ...running]);
    stop.abort('stopped');
    const all = Promise.all(running);
    // Not to be waited for a second time.
    all.catch(() => undefined);
    if (!(await inTime(all, 'what is under way', endMs, stream.warn))) running = [];
  } finally {
    stop.abort('stopped');
    await inTime(Promise.allSettled(running), 'what is under way', endMs, stream.warn);
    await pool?.close();
    await inTime(log.close(), 'the connections', CLOSE_MS, stream.warn);
  }
}

/**
 * What workers need to know to write to topics. Where there is a registry, the schemas of the outputs are registered now: one that does not fit is
 * found before anything is processed, and one that is down is waited for: undefined when the stream is stopped meanwhile.
 */
async function messagesOf({ log, topics, policy, config, stages, warn }: Stream, signal: AbortSignal) {
  const names = outputTopics(policy);
  const limits = await Promise.all(names.map((name) => log.maxValueBytes(topics.output(name))));
  const outputs = new Map(
    names.map((name) => [topics.output(name), name === 'dead-letter' ? 'dead-letter' : 'record'] as const),
  );
  const maxValueBytes = Math.min(...limits.map((limit) => limit ?? Number.POSITIVE_INFINITY));
  const { url } = config.registry;
  if (url !== undefined && stages.has('curate')) {
    const { openRegistry, registryFrom } = await import('../schemas/registry.ts');
    for (;;) {
      try {
        await openRegistry(registryFrom({ ...config.registry, url }, outputs));
        break;
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
        warn(error.message);
        await pause(REGISTRY_MS, signal);
        if (signal.aborted) return undefined;
      }
    }
  }
  // Who writes none of them registers none.
  return { maxValueBytes, outputs: stages.has('curate') ? outputs : new Map(), prefix: topics.output('') };
}

/** Publishes the policy, takes in what curate counted, and lets go of what every stage has passed. */
async function control(stream: Stream, signal: AbortSignal, published: () => void): Promise<void> {
  const { log, topics, policy, config, note, warn } = stream;
  await publishPolicy(log, topics, policy);
  published();
  note(`policy ${policyName(policy)} is published`);
  const consumer = await log.consumer(groups.controller, [topics.observations]);
  let trimmedMs = performance.now();
  try {
    while (!signal.aborted) {
      const { batches } = await consumer.poll({ maxBytes: 1 << 20, waitMs: TURN_MS, signal });
      for (const { topic, partition, messages } of batches)
        await consumer.commit([{ topic, partition, offset: messages.at(-1)!.offset + 1n }]);
      if (config.log.retain || performance.now() - trimmedMs < TRIM_MS) continue;
      trimmedMs = performance.now();
      // What is kept for longer does no harm: the next turn tries again.
      await log.trim?.().catch((error: Error) => warn(`trimming; ${error.message}; trying again later`));
    }
  } finally {
    await consumer.close();
  }
}

/** Curate has other partitions than sift in this process, or works in another one: how far it is, is read from what it committed. */
async function followCurate(log: Log, flow: Flow, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await flow.filled(signal);
    await pause(PROGRESS_MS, signal);
    if (signal.aborted) return;
    // All in one turn: they travel together.
    const look = async (partition: number) => {
      const next = await log.progress(groups.curate, partition);
      if (next !== undefined) flow.decided(partition, next);
    };
    await Promise.all(flow.partitions().map(look));
  }
}

/** The end does not wait for a broker that is away: what was not acknowledged comes again. */
async function inTime(
  ending: Promise<unknown>,
  what: string,
  ms: number,
  warn: (text: string) => void,
): Promise<boolean> {
  const over = new AbortController();
  const late = sleep(ms, 'late', { signal: over.signal }).catch(() => undefined);
  try {
    if ((await Promise.race([ending, late])) !== 'late') return true;
    warn(`${what}; not at an end after ${ms / 1000} s; left as it is, nothing is lost`);
    return false;
  } finally {
    over.abort();
  }
}

/** Shorter when the signal is aborted, which is no failure. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
