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
 * @returns a look at them, all together: one question for each topic, however many they are. It calls `freed` with those that can go on: a stub was
 * accepted whose copy is lost, and is decided without it. It resolves with whether anything was not there yet.
 */
export function createCurateAlarm(
  context: StageContext,
  consumer: Consumer,
): <T extends Joined>(assigned: readonly T[], freed: (target: T) => void) => Promise<boolean> {
  const { log, topics, faults } = context;
  const alarmsOf = new WeakMap<Join, Alarms>();
  const endOf = (topic: string, partition: number) => async () => (await consumer.bounds(topic, partition)).end;

  async function look({ partition, join }: Joined, said: Said, freed: () => void): Promise<Found> {
    const found = join.wanted();
    const read = join.readPositions();
    const siftSaid = said.sift.get(partition) ?? 0n;
    const indexSaid = said.index.get(partition) ?? 0n;
    const siftedEnd = endOf(topics.sifted, partition);
    const verdictsEnd = endOf(topics.verdicts, partition);
    const alarms = alarmsOf.get(join) ?? newAlarms();
    alarmsOf.set(join, alarms);
    // What the index accepted was in sifted before; and other attempts at a record that is covered are there.
    const { stub = NOWHERE } = found;
    const [withoutCopy, atSifted, atVerdicts] = await Promise.all([
      alarms.stub.look(stub, (found.stub ?? 0n) + 1n, read.sifted, siftedEnd),
      alarms.sifted.look(found.sifted, siftSaid, read.sifted, siftedEnd),
      alarms.verdicts.look(found.verdicts, indexSaid, read.verdicts, verdictsEnd),
    ]);
    if (withoutCopy !== undefined) {
      join.decideAlone(stub);
      freed();
    }
    const requests: RepairRequest[] = [];
    if (atSifted !== undefined) {
      const why = `sift committed ${siftSaid}, and the sifted log up to ${atSifted} goes on without ${found.sifted}`;
      requests.push({ stage: 'sift', partition, from: found.sifted, why });
    }
    if (atVerdicts !== undefined) {
      const why = `the index answered up to ${indexSaid}, and the verdict log up to ${atVerdicts} goes on without ${found.verdicts}`;
      requests.push({ stage: 'index', partition, from: found.verdicts, why });
    }
    const isBehind = found.stub !== undefined || found.sifted < siftSaid || found.verdicts < indexSaid;
    return { requests, isBehind };
  }

  return async (assigned, freed) => {
    if (faults.omit.has('repair') || assigned.length === 0) return false;
    const [sift, index] = await Promise.all([
      log.positions(groups.sift, topics.raw),
      log.positions(groups.index, topics.verdicts),
    ]);
    const found = await Promise.all(assigned.map((target) => look(target, { sift, index }, () => freed(target))));
    await askFor(
      context,
      found.flatMap(({ requests }) => requests),
    );
    return found.some(({ isBehind }) => isBehind);
  };
}

/** How far the other stages say that they are, by partition. */
interface Said {
  readonly sift: ReadonlyMap<number, bigint>;
  readonly index: ReadonlyMap<number, bigint>;
}

interface Found {
  readonly requests: readonly RepairRequest[];
  readonly isBehind: boolean;
}

const newAlarms = (): Alarms => ({
  sifted: createLossAlarm(),
  stub: createLossAlarm(),
  verdicts: createLossAlarm(),
});
