/** Curate alone, in this process, over blocks made by hand. */
import type { KafkaLog } from '../../src/log/kafka/log.ts';
import type { Faults, StageContext } from '../../src/runtime/context.ts';
import type { WorkerPool } from '../../src/runtime/pool.ts';
import type { TopicNames } from '../../src/runtime/topics.ts';
import { runCurate } from '../../src/stages/curate.ts';
import { policy } from '../../src/testing/curate-alone.ts';

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
  const done = runCurate(context, { first: async () => policy }, { committed: () => void committed++ });
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
