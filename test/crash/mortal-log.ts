import { FatalError } from '../../src/errors.ts';
import type { Log } from '../../src/log/port.ts';

/** What a dead process would say. */
export const KILLED = 'killed';

/**
 * The log as a process sees it that dies at a certain write: that one is not made any more, others under way are made and never acknowledged. Crash
 * points of a run can be named; this finds the places in between.
 */
export function mortalLog<L extends Log>(log: L, writes: number): L {
  let left = writes;
  async function write<T>(make: () => Promise<T>): Promise<T> {
    left--;
    live();
    const made = await make();
    live();
    return made;
  }
  function live(): void {
    if (left < 0) throw new FatalError(KILLED, 'process; killed by the test; start it again');
  }
  return {
    ...log,
    producer() {
      const producer = log.producer();
      return {
        append: (topic, partition, messages) => write(async () => producer.append(topic, partition, messages)),
      };
    },
    async consumer(group, topics) {
      const consumer = await log.consumer(group, topics);
      return { ...consumer, commit: (positions) => write(async () => consumer.commit(positions)) };
    },
    async lease(group, partition) {
      const lease = await write(async () => log.lease(group, partition));
      return { ...lease, commit: (commit) => write(async () => lease.commit(commit)) };
    },
  };
}
