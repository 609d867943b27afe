import type { Consumer } from '../log/port.ts';
import type { StageContext } from '../runtime/context.ts';
import { groups } from '../runtime/topics.ts';
import { createLossAlarm, type LossAlarm } from './loss-alarm.ts';
import { askFor, type RepairRequest } from './repair.ts';

export interface Folded {
  readonly watermarks: ReadonlyMap<number, bigint>;
  /** The next offset of the sketch log. */
  readonly position: bigint;
  /** Partitions whose last block was of another configuration: asked now, sift would only write more of them. */
  readonly foreign: ReadonlySet<number>;
}

/**
 * The index's alarm: everything that sift has committed must be in the sketch log. Asks sift for what is not.
 * @returns a look at it, which resolves with whether anything was not there yet
 */
export function createIndexAlarm(context: StageContext, consumer: Consumer): (folded: Folded) => Promise<boolean> {
  const { log, topics } = context;
  const alarms = new Map<number, LossAlarm>();
  const endOf = async () => (await consumer.bounds(topics.sketches, 0)).end;
  return async ({ watermarks, position, foreign }) => {
    const requests: RepairRequest[] = [];
    let isBehind = false;
    for (const [partition, said] of await log.positions(groups.sift, topics.raw)) {
      if (foreign.has(partition)) continue;
      const from = watermarks.get(partition) ?? 0n;
      isBehind ||= from < said;
      const alarm = alarms.get(partition) ?? createLossAlarm();
      alarms.set(partition, alarm);
      const end = await alarm.look(from, said, position, endOf);
      if (end === undefined) continue;
      const why = `sift committed ${said}, and the sketch log up to ${end} goes on without ${from}`;
      requests.push({ stage: 'sift', partition, from, why });
    }
    await askFor(context, requests);
    return isBehind;
  };
}
