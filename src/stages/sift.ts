/**
 * Sift: raw records in; for each stretch of a source partition one sifted block and one sketch block out. The work is done in worker threads;
 * here the blocks enter the log in the order that the protocol asks for.
 */
import type { Consumer } from '../log/port.ts';
import type { StageContext } from '../runtime/context.ts';
import type { Flow } from '../runtime/flow.ts';
import { groups } from '../runtime/topics.ts';
import type { SiftedPair } from './sift-blocks.ts';
import { heedRequests, type RepairRequest, repairQuietMs } from './repair.ts';
import { createRewinds, type Rewinds } from './rewinds.ts';
import { siftFiles } from './sift-files.ts';
import { createPublisher, type Publisher } from './sift-publish.ts';
import type { Skipped } from './sift-skip.ts';
import { watchWorkers } from './sift-suspects.ts';
import { siftTopic } from './sift-topic.ts';
import type { Pulled } from './worker-requests.ts';

/** Where raw records come from. `sizes`: bytes of each source partition's file; small ones share a lane. */
export type SiftInput = { readonly kind: 'files'; readonly sizes: readonly number[] } | { readonly kind: 'topic' };

export interface SiftHooks {
  /** Cannot go on before something outside answers. */
  waiting?(why: string): void;
  /** A partition was read to its end: nothing will come at or beyond it. */
  ended(partition: number, end: bigint): void;
  sifted(pair: SiftedPair): void;
  operators(times: Pulled['operators']): void;
  /** The loop has come round. */
  turned?(): void;
  /** It has to wait for curate. */
  rests?(): void;
  /** What its operator declared lost is passed over. */
  skipped?(skipped: Skipped): void;
  /** A partition starts again, because a log has lost what was made of it. */
  repairing?(request: RepairRequest): void;
}

/** What sift reads. */
export interface SiftSource {
  /** Resolves when the signal is aborted: a partition that was read to its end may have to be read again. */
  run(): Promise<void>;
  /** Starts a partition again at `from`. What was sent before may still arrive. */
  rewind(partition: number, from: bigint): void;
}

export async function runSift(context: StageContext, input: SiftInput, flow: Flow, hooks: SiftHooks): Promise<void> {
  const { log, topics, pool, config, faults } = context;
  const consumer = await log.consumer(groups.sift, [topics.raw]);
  const rewinds = createRewinds(repairQuietMs(faults));
  const publisher = createPublisher(context, log.producer(), consumer, rewinds);
  const parts = { context, consumer, publisher, rewinds, flow, hooks };
  const unwatch = watchWorkers(pool, config.source.maxRecordSeconds);
  try {
    const source = input.kind === 'files' ? await siftFiles(parts, input.sizes) : siftTopic(parts);
    await Promise.all([source.run(), restartOnRequest(parts, source)]);
    await publisher.settled();
  } finally {
    unwatch();
    await consumer.close();
  }
}

/** What both kinds of source work with. */
export interface SiftParts {
  readonly context: StageContext;
  readonly consumer: Consumer;
  readonly publisher: Publisher;
  /** Told of every partition that sift has, and where it begins. */
  readonly rewinds: Rewinds;
  readonly flow: Flow;
  readonly hooks: SiftHooks;
}

/** Starts partitions again when index or curate miss what was sent, until the signal is aborted. */
function restartOnRequest({ context, publisher, rewinds, flow, hooks }: SiftParts, source: SiftSource): Promise<void> {
  return heedRequests(context, 'sift', async (requests) => {
    // When everything is read, nobody else would notice that the last blocks could not be sent.
    publisher.check();
    for (const request of requests) {
      const { partition } = request;
      // Curate may have been a zombie when it asked, and raw may be gone below what is decided since.
      const decided = (await context.log.progress(groups.curate, partition)) ?? 0n;
      const from = request.from > decided ? request.from : decided;
      if (!rewinds.ask(partition, from, performance.now())) continue;
      hooks.repairing?.(request);
      flow.rewound(partition, from);
      source.rewind(partition, from);
    }
  });
}
