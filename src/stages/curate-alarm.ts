import type { Consumer } from '../log/port.ts';
import type { StageContext } from '../runtime/context.ts';
import { groups } from '../runtime/topics.ts';
import type { Join } from './curate-join.ts';
import { createLossAlarm, type LossAlarm } from './loss-alarm.ts';
import { askFor, type RepairRequest } from './repair.ts';

export interface Joined {
  readonly partition: number;
  readonly join: Join;
}

interface Alarms {
  readonly sifted: LossAlarm;
  readonly stub: LossAlarm;
  readonly verdicts: LossAlarm;
}

/** Beyond every offset. */
const NOWHERE = 2n ** 64n;

/**
 * Curate's alarm for its partitions: everything that sift has committed must be in sifted, and of each record the copy that the index accepted; and
 * everything that the index announced in the verdicts. Asks for what is not.
 * @returns those that can go on: a stub was accepted whose copy is lost, and is decided without it.
 */
export function createCurateAlarm(
  context: StageContext,
  consumer: Consumer,
): <T extends Joined>(assigned: Iterable<T>) => Promise<T[]> {
  const { log, topics, faults } = context;
  const alarmsOf = new WeakMap<Join, Alarms>();
  const endOf = (topic: string, partition: number) => async () => (await consumer.bounds(topic, partition)).end;

  return async (assigned) => {
    if (faults.omit.has('repair')) return [];
    const siftSays = await log.positions(groups.sift, topics.raw);
    const indexSays = await log.positions(groups.index, topics.verdicts);
    const requests: RepairRequest[] = [];
    const freed = [];
    for (const target of assigned) {
      const { partition, join } = target;
      const found = join.wanted();
      const read = join.readPositions();
      const siftSaid = siftSays.get(partition) ?? 0n;
      const indexSaid = indexSays.get(partition) ?? 0n;
      const siftedEnd = endOf(topics.sifted, partition);
      const alarms = alarmsOf.get(join) ?? newAlarms();
      alarmsOf.set(join, alarms);
      // What the index accepted was in sifted before; and other attempts at a record that is covered are there.
      const { stub = NOWHERE } = found;
      if ((await alarms.stub.look(stub, (found.stub ?? 0n) + 1n, read.sifted, siftedEnd)) !== undefined) {
        join.decideAlone(stub);
        freed.push(target);
      }
      const atSifted = await alarms.sifted.look(found.sifted, siftSaid, read.sifted, siftedEnd);
      if (atSifted !== undefined) {
        const why = `sift committed ${siftSaid}, and the sifted log up to ${atSifted} goes on without ${found.sifted}`;
        requests.push({ stage: 'sift', partition, from: found.sifted, why });
      }
      const verdictsEnd = endOf(topics.verdicts, partition);
      const atVerdicts = await alarms.verdicts.look(found.verdicts, indexSaid, read.verdicts, verdictsEnd);
      if (atVerdicts !== undefined) {
        const why = `the index answered up to ${indexSaid}, and the verdict log up to ${atVerdicts} goes on without ${found.verdicts}`;
        requests.push({ stage: 'index', partition, from: found.verdicts, why });
      }
    }
    await askFor(context, requests);
    return freed;
  };
}

const newAlarms = (): Alarms => ({
  sifted: createLossAlarm(),
  stub: createLossAlarm(),
  verdicts: createLossAlarm(),
});
