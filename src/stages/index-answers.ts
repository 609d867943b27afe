/** The index's verdicts on their way into the log, and what it tells the others about how far they are acknowledged. */
import type { Consumer } from '../log/port.ts';
import type { SketchBlock } from '../model/sketches.ts';
import type { StageContext } from '../runtime/context.ts';
import type { Rewinds } from './rewinds.ts';

export interface Answers {
  /** Sends the verdicts on a block; waits when too many are on their way. */
  send(block: Pick<SketchBlock, 'partition' | 'from' | 'to'>, value: Uint8Array): Promise<void>;
  /** @throws what an answer failed with. */
  check(): void;
  /** Everything sent so far is acknowledged. */
  settled(): Promise<void>;
  /**
   * Commits for each partition how far verdicts are acknowledged, as a position in the verdict topic: with it curate finds out what its log has lost.
   * It is a source offset, and nobody reads from it. What was folded in before a restart counts: a process may die before it announces anything.
   */
  announce(watermarks: ReadonlyMap<number, bigint>): Promise<void>;
  /** Negative controls only: sends what was held back over a snapshot. */
  release(): void;
}

/** Verdict blocks on their way at once. */
const IN_FLIGHT = 64;

export function createAnswers({ log, topics, faults }: StageContext, consumer: Consumer, rewinds: Rewinds): Answers {
  const producer = log.producer();
  const open = new Set<Promise<void>>();
  const held: (() => void)[] = [];
  const announced = new Map<number, bigint>();
  let failed: Error | undefined;

  function check(): void {
    if (failed) throw failed;
  }

  async function settled(): Promise<void> {
    while (open.size > 0) await Promise.all(open);
    check();
  }

  return {
    check,
    settled,
    async send({ partition, from, to }, value) {
      check();
      const start = () => {
        const done = producer
          .append(topics.verdicts, partition, [{ value }])
          .then(() => {
            rewinds.acknowledged(partition, from, to, performance.now());
            faults.at('index.answered');
          })
          .catch((error: Error) => {
            failed ??= error;
          })
          .finally(() => open.delete(done));
        open.add(done);
      };
      if (faults.omit.has('snapshot-after-ack')) held.push(start);
      else start();
      if (open.size >= IN_FLIGHT) await Promise.race(open);
    },
    async announce(watermarks) {
      const fresh = [...watermarks].filter(([partition, mark]) => mark !== announced.get(partition));
      if (fresh.length === 0) return;
      // Those that are on their way now, not those that follow: there may always be some.
      await Promise.all(open);
      check();
      for (const [partition, mark] of fresh) announced.set(partition, mark);
      await consumer.commit(fresh.map(([partition, offset]) => ({ topic: topics.verdicts, partition, offset })));
    },
    release() {
      for (const start of held.splice(0)) start();
    },
  };
}
