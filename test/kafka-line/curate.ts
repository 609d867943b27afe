/** Curate alone, in this process, over blocks made by hand. */
import assert from 'node:assert/strict';
import { INLINE, INSERTED, siftedWriter } from '../../src/model/sifted.ts';
import { type Verdict, writeVerdictBlock } from '../../src/model/verdicts.ts';
import { createPlainJsonReader } from '../../src/operators/decode/plain-json.ts';
import { type Policy, policySchema } from '../../src/pruning/policy.ts';
import type { KafkaLog } from '../../src/log/kafka/log.ts';
import type { Faults, StageContext } from '../../src/runtime/context.ts';
import type { WorkerPool } from '../../src/runtime/pool.ts';
import type { TopicNames } from '../../src/runtime/topics.ts';
import { runCurate } from '../../src/stages/curate.ts';
import { curateRecords } from '../../src/stages/curate-records.ts';
import type { CurateRequest } from '../../src/stages/worker.ts';

const policy = policySchema.parse({
  name: 't',
  version: 1,
  owner: 'o',
  rationale: 'r',
  created: '2026-01-01',
  seed: 's',
}) as Policy;

/** Records `from` to `to` of partition 0, each with its offset as id. */
export function siftedBlock(from: number, to: number, exactOf: (offset: number) => bigint): Uint8Array {
  const writer = siftedWriter();
  for (let i = from; i < to; i++)
    writer.add({
      offset: BigInt(i),
      exact: exactOf(i),
      kind: INSERTED,
      shape: INLINE,
      head: `{"id":"${i}","text":"x"`,
      sourceStart: 0,
      sourceBytes: 0,
      signals: '',
      language: '',
      retried: false,
      failures: [],
    });
  return writer.take(0, BigInt(from), BigInt(to));
}

export function verdictBlock(from: number, to: number, exactOf: (offset: number) => bigint): Uint8Array {
  const list = Array.from(
    { length: to - from },
    (_, i): Verdict => ({
      offset: BigInt(from + i),
      exact: exactOf(from + i),
      kind: INSERTED,
      votes: 0,
      generation: 0,
      exactMatch: false,
      similarity: 0,
      containment: 0,
      copies: 1,
      duplicateOf: undefined,
    }),
  );
  return writeVerdictBlock({ partition: 0, from: BigInt(from), to: BigInt(to), config: 0n, bands: 24 }, list);
}

/** Decides in this thread, when `gate` lets it. */
export function decider(rawTopic: string, gate: () => Promise<void> = async () => undefined): WorkerPool {
  return {
    async callAny(request: CurateRequest) {
      await gate();
      return curateRecords(request.task, {
        policy: request.policy,
        stage0: undefined,
        plainJson: createPlainJsonReader(),
        scoredLanguages: [],
        rawTopic,
        keepText: 'all',
        nameOf: (partition) => partition,
        readSource: () => assert.fail('no spliced records here'),
      });
    },
    // Curate asks for nothing else.
  } as unknown as WorkerPool;
}

export interface RunningCurate {
  readonly done: Promise<void>;
  /** Commits that took effect, as far as it knows. */
  readonly committed: number;
  /** Messages that it was given, and polls that gave none since the last. */
  readonly seen: { readonly sifted: number; readonly verdicts: number; readonly emptyPolls: number };
  /** Ends it and closes its log; what it failed with stays in `done`. */
  stop(): Promise<void>;
}

export function startCurate(parts: {
  readonly log: KafkaLog;
  readonly topics: TopicNames;
  readonly pool: WorkerPool;
  readonly faults: Faults;
}): RunningCurate {
  const { topics, pool, faults } = parts;
  const controller = new AbortController();
  const seen = { sifted: 0, verdicts: 0, emptyPolls: 0 };
  let committed = 0;
  const log = watched(parts.log, (topic, messages) => {
    if (topic === undefined) seen.emptyPolls++;
    else {
      seen.emptyPolls = 0;
      seen[topic === topics.sifted ? 'sifted' : 'verdicts'] += messages;
    }
  });
  // What curate does not look at is left out.
  const context = { log, topics, pool, faults, signal: controller.signal } as unknown as StageContext;
  const done = runCurate(context, async () => policy, { committed: () => void committed++ });
  done.catch(() => undefined);
  return {
    done,
    seen,
    get committed() {
      return committed;
    },
    async stop() {
      controller.abort();
      await done.catch(() => undefined);
      await parts.log.close();
    },
  };
}

/** The log, with every poll told: the topic and number of each batch, or neither. */
function watched(log: KafkaLog, told: (topic: string | undefined, messages: number) => void): KafkaLog {
  return {
    ...log,
    async consumer(group, topics) {
      const consumer = await log.consumer(group, topics);
      return {
        ...consumer,
        async poll(options) {
          const polled = await consumer.poll(options);
          for (const { topic, messages } of polled.batches) told(topic, messages.length);
          if (polled.batches.length === 0) told(undefined, 0);
          return polled;
        },
      };
    },
  };
}
