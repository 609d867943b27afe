/**
 * Sift: raw records in; for each stretch of a source partition one sifted block and one sketch block out. The work is done in worker threads;
 * here the blocks enter the log in the order that the protocol asks for.
 */
import type { StageContext } from '../runtime/context.ts';
import type { Flow } from '../runtime/flow.ts';
import { groups } from '../runtime/topics.ts';
import type { SiftedPair } from './sift-blocks.ts';
import { siftFiles } from './sift-files.ts';
import { createPublisher } from './sift-publish.ts';
import { watchWorkers } from './sift-suspects.ts';
import { siftTopic } from './sift-topic.ts';
import type { Pulled } from './worker.ts';

/** Where raw records come from. `sizes`: bytes of each source partition's file; small ones share a lane. */
export type SiftInput = { readonly kind: 'files'; readonly sizes: readonly number[] } | { readonly kind: 'topic' };

export interface SiftHooks {
  /** A partition was read to its end: nothing will come at or beyond it. */
  ended(partition: number, end: bigint): void;
  sifted(pair: SiftedPair): void;
  operators(times: Pulled['operators']): void;
}

export async function runSift(context: StageContext, input: SiftInput, flow: Flow, hooks: SiftHooks): Promise<void> {
  const { log, topics, pool, config } = context;
  const consumer = await log.consumer(groups.sift, [topics.raw]);
  const publisher = createPublisher(context, log.producer(), consumer);
  const unwatch = watchWorkers(pool, config.source.maxRecordSeconds);
  try {
    if (input.kind === 'files') await siftFiles(context, input.sizes, consumer, publisher, flow, hooks);
    else await siftTopic(context, consumer, publisher, flow, hooks);
    await publisher.settled();
  } finally {
    unwatch();
    await consumer.close();
  }
}
