import type { Consumer } from '../log/port.ts';
import type { StageContext } from '../runtime/context.ts';
import { groups } from '../runtime/topics.ts';
import type { Join } from './curate-join.ts';
import { askFor, type RepairRequest } from './repair.ts';

export interface Joined {
  readonly partition: number;
  readonly join: Join;
}

/**
 * Curate's alarm for its partitions. At the end of sifted, everything that sift has committed must be there, and of each record the copy that the
 * index accepted; at the end of verdicts, everything that the index announced. What they say is read before the end of a log is: a position moves
 * only after the acknowledgement, so in a healthy line there is no alarm.
 * @returns those that can go on: a stub was accepted whose copy is lost, and is decided without it.
 */
export async function lookForBlocks<T extends Joined>(
  context: StageContext,
  consumer: Consumer,
  assigned: Iterable<T>,
): Promise<T[]> {
  const { log, topics, faults } = context;
  if (faults.omit.has('repair')) return [];
  const sifted = await log.positions(groups.sift, topics.raw);
  const answered = await log.positions(groups.index, topics.verdicts);
  const requests: RepairRequest[] = [];
  const freed: T[] = [];
  for (const target of assigned) {
    const { partition, join } = target;
    const wanted = join.wanted();
    const read = join.readPositions();
    const siftSaid = sifted.get(partition) ?? 0n;
    const indexSaid = answered.get(partition) ?? 0n;
    if (wanted.stub !== undefined || siftSaid > wanted.sifted) {
      const { end } = await consumer.bounds(topics.sifted, partition);
      if (read.sifted >= end && wanted.stub !== undefined) {
        join.decideAlone(wanted.stub);
        freed.push(target);
      }
      if (read.sifted >= end && siftSaid > wanted.sifted) {
        const why = `sift committed ${siftSaid}, and the sifted log ends at ${end} without ${wanted.sifted}`;
        requests.push({ stage: 'sift', partition, from: wanted.sifted, why });
      }
    }
    if (indexSaid > wanted.verdicts) {
      const { end } = await consumer.bounds(topics.verdicts, partition);
      const why = `the index answered up to ${indexSaid}, and the verdict log ends at ${end} without ${wanted.verdicts}`;
      if (read.verdicts >= end) requests.push({ stage: 'index', partition, from: wanted.verdicts, why });
    }
  }
  await askFor(context, requests);
  return freed;
}
