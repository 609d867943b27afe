/** What to do when workers die while they decide a stretch: from the first death on each record is named, and one that kills twice is given up. */
import { FatalError } from '../errors.ts';
import { DECIDING } from '../runtime/activity.ts';
import type { WorkerDied } from '../runtime/pool.ts';
import type { Stretch } from './curate-join.ts';

/** Deaths on one record before it is a dead letter. */
const POISON_AFTER = 2;
/** Deaths on one stretch, in spite of that, before the run fails. */
const GIVE_UP_AFTER = 10;

export interface CurateSuspects {
  /** Records to be given up; undefined as long as nobody died: naming each record costs time. */
  readonly poison: readonly bigint[] | undefined;
  /** Deaths that another stretch, or sift, brought about do not count. @throws FatalError when workers keep dying. */
  add(death: WorkerDied): void;
}

export function createCurateSuspects(
  partition: number,
  { next, limit }: Pick<Stretch, 'next' | 'limit'>,
): CurateSuspects {
  const deaths = new Map<bigint, number>();
  const poison: bigint[] = [];
  let count = 0;
  return {
    get poison() {
      return count === 0 ? undefined : poison;
    },
    add(death) {
      const { kind, partition: of, offset } = death.activity;
      if (kind !== DECIDING || of !== partition || offset < next || offset > limit) return;
      // The first one says no more than where the stretch begins.
      if (count++ > 0) deaths.set(offset, (deaths.get(offset) ?? 0) + 1);
      if (deaths.get(offset) === POISON_AFTER && offset < limit) poison.push(offset);
      if (count > GIVE_UP_AFTER)
        throw new FatalError(
          'curate-crash',
          `records ${next} to ${limit} of partition ${partition}; a worker thread ended ${count} times while deciding them; look at the memory of the machine and report it`,
          { cause: death },
        );
    },
  };
}
