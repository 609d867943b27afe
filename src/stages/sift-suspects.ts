/** What to do when a worker dies while it sifts: its record gets a second chance, then it is a dead letter; a record that takes too long gets none. */
import { FatalError } from '../errors.ts';
import { IDLE, monotonicMs, READING, SIFTING } from '../runtime/activity.ts';
import type { Poison } from '../runtime/context.ts';
import type { WorkerDied, WorkerPool } from '../runtime/pool.ts';

/** Deaths on the same record before the record is given up. */
const POISON_AFTER = 2;
/** Deaths at one place, in spite of that, before the run is. */
const GIVE_UP_AFTER = 10;
/** Reading and deciding may take this many times the limit of a record. */
const STUCK_AFTER = 6;
const WATCH_MS = 250;
/** The same while no worker has anything to do. */
const IDLE_WATCH_MS = 1000;
/** A turn that comes so late was not kept by work. */
const LATE_TURNS = 8;

/** How long a worker may be at one thing: a record has its limit; a block that stands for longer must be stuck. */
const limitMs = (kind: number, maxRecordSeconds: number): number =>
  1000 * maxRecordSeconds * (kind === SIFTING ? 1 : STUCK_AFTER);

export interface Suspects {
  /** Records to be given up: dead letters from now on. */
  readonly poison: readonly Poison[];
  /** @throws FatalError when workers keep dying at one place. */
  add(death: WorkerDied): void;
}

export function createSuspects(maxRecordSeconds: number, known: readonly Poison[]): Suspects {
  const poison = [...known];
  const deaths = new Map<string, number>();
  return {
    poison,
    add(death) {
      const { kind, sinceMs, partition, offset } = death.activity;
      const reading = kind === READING;
      const key = kind === SIFTING ? `${partition}@${offset}` : reading ? `${partition}` : 'between records';
      const count = (deaths.get(key) ?? 0) + 1;
      deaths.set(key, count);
      const slow = monotonicMs() - sinceMs >= limitMs(kind, maxRecordSeconds);
      if (kind === SIFTING && slow)
        poison.push({
          partition,
          offset,
          code: 'sift.timeout',
          message: `record; not done after ${maxRecordSeconds} s; raise source.maxRecordSeconds if it is worth it`,
        });
      else if (kind === SIFTING && count >= POISON_AFTER)
        poison.push({
          partition,
          offset,
          code: 'sift.crash',
          message: 'record; a worker thread ended twice while working on it; look at the record and report it',
        });
      else if (reading && count >= POISON_AFTER)
        poison.push({
          partition,
          offset,
          rest: true,
          code: slow ? 'sift.timeout' : 'sift.crash',
          message: `rest of the file; ${slow ? 'reading it did not come back' : 'a worker thread ended twice while reading it'}; leave the file out or report it`,
        });
      if (count > GIVE_UP_AFTER)
        throw new FatalError(
          'worker-deaths',
          `worker thread; ${count} in a row ended at the same place (${death.message}); look at the memory of the machine and report it`,
          { cause: death },
        );
    },
  };
}

/** Replaces workers that are at one thing for too long. Returns how to stop watching. */
export function watchWorkers(pool: WorkerPool, maxRecordSeconds: number): () => void {
  let turnMs = performance.now();
  let pardonedUntilMs = 0;
  let timer = setTimeout(turn, WATCH_MS);

  function turn(): void {
    const lateMs = performance.now() - turnMs;
    turnMs = performance.now();
    // The whole process stood still (suspended, or the machine was): the record under way gets its time again.
    if (lateMs > LATE_TURNS * WATCH_MS) pardonedUntilMs = turnMs + limitMs(SIFTING, maxRecordSeconds);
    timer = setTimeout(turn, look() ? WATCH_MS : IDLE_WATCH_MS);
  }

  /** @returns whether any worker has something to do */
  function look(): boolean {
    let isBusy = false;
    for (let worker = 0; worker < pool.size; worker++) {
      const { kind, sinceMs } = pool.activity(worker);
      if (kind === IDLE) continue;
      isBusy = true;
      if (turnMs >= pardonedUntilMs && monotonicMs() - sinceMs > limitMs(kind, maxRecordSeconds))
        void pool.replace(worker);
    }
    return isBusy;
  }
  return () => clearTimeout(timer);
}
