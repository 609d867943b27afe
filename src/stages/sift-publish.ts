import type { Consumer, Producer } from '../log/port.ts';
import type { StageContext } from '../runtime/context.ts';
import type { Rewinds } from './rewinds.ts';
import type { SiftedPair } from './sift-blocks.ts';

export interface Publisher {
  /** Sends a pair on its way, in the order of the calls within a partition. @throws what an earlier pair failed with. */
  publish(pair: SiftedPair): Promise<void>;
  /** @throws what an earlier pair failed with. */
  check(): void;
  /** Everything sent so far is acknowledged and committed. */
  settled(): Promise<void>;
}

/**
 * Protocol rule 2: the sifted block is acknowledged before its sketch block is appended, and the position in the source moves only after both
 * are. Blocks overlap in time: the next one is on its way while earlier ones wait for their acknowledgement.
 */
export function createPublisher(
  { topics, faults }: StageContext,
  producer: Producer,
  consumer: Consumer,
  rewinds: Rewinds,
): Publisher {
  const open = new Set<Promise<void>>();
  const chains = new Map<number, Promise<void>>();
  let failed: Error | undefined;

  /** Resolves when both blocks are acknowledged. */
  async function publishOne(pair: SiftedPair, before: Promise<void>): Promise<void> {
    const appendSifted = () => producer.append(topics.sifted, pair.partition, [{ value: pair.sifted }]);
    const appendSketch = () => producer.append(topics.sketches, 0, [{ value: pair.sketch }]);
    faults.at('sift.start');
    if (faults.omit.has('sifted-before-sketch')) {
      await before;
      await appendSketch();
      faults.at('sift.sketch');
      await appendSifted();
      return;
    }
    const acknowledged = appendSifted();
    acknowledged.catch(() => undefined);
    await before;
    await acknowledged;
    faults.at('sift.sifted');
    await appendSketch();
    faults.at('sift.sketch');
  }

  async function commit(pair: SiftedPair): Promise<void> {
    rewinds.acknowledged(pair.partition, pair.from, pair.to, performance.now());
    await consumer.commit([{ topic: topics.raw, partition: pair.partition, offset: pair.to }]);
    faults.at('sift.committed');
  }

  return {
    async publish(pair: SiftedPair): Promise<void> {
      if (failed) throw failed;
      const before = chains.get(pair.partition) ?? Promise.resolve();
      const done = publishOne(pair, before);
      chains.set(pair.partition, done);
      const tracked = done
        .then(() => commit(pair))
        .catch((error: Error) => {
          failed ??= error;
        })
        .finally(() => {
          open.delete(tracked);
          if (chains.get(pair.partition) === done) chains.delete(pair.partition);
        });
      open.add(tracked);
      if (open.size >= 64) await Promise.race(open);
    },
    check() {
      if (failed) throw failed;
    },
    async settled(): Promise<void> {
      while (open.size > 0) await Promise.all(open);
      if (failed) throw failed;
    },
  };
}
