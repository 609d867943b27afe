import type { Consumer } from '../log/port.ts';
import type { StageContext } from '../runtime/context.ts';
import { groups } from '../runtime/topics.ts';
import { askFor, type RepairRequest } from './repair.ts';

/**
 * The index's alarm: at the end of the sketch log everything that sift has committed must be folded in. What sift says is read before the end of the
 * log is: a position moves only after the acknowledgement, so in a healthy line there is no alarm.
 */
export async function lookForSketches(
  context: StageContext,
  consumer: Consumer,
  { watermarks, position }: { readonly watermarks: ReadonlyMap<number, bigint>; readonly position: bigint },
): Promise<void> {
  const { log, topics } = context;
  const sifted = await log.positions(groups.sift, topics.raw);
  const missing = [...sifted].filter(([partition, said]) => said > (watermarks.get(partition) ?? 0n));
  if (missing.length === 0) return;
  const { end } = await consumer.bounds(topics.sketches, 0);
  if (position < end) return;
  const requests = missing.map(([partition, said]): RepairRequest => {
    const from = watermarks.get(partition) ?? 0n;
    const why = `sift committed ${said}, and the sketch log ends at ${position} without ${from}`;
    return { stage: 'sift', partition, from, why };
  });
  await askFor(context, requests);
}
