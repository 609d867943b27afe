/** Looks that a stage takes again and again, beside the loop that reads its log: quickly while something goes on, seldom when nothing does. */
import type { StageContext } from '../runtime/context.ts';
import { repairEveryMs } from './repair.ts';

export interface Looks {
  /** Something has come: the next look is a quick one. */
  stir(): void;
  /** @throws what a look failed with. */
  check(): void;
  /** Resolves when no look is under way any more. @throws as `check` */
  stop(): Promise<void>;
}

/** The longest distance between two looks, in times of the shortest. */
const LONGEST = 8;

/** @param look resolves with whether something goes on; one at a time */
export function keepLooking({ faults, signal }: StageContext, look: () => Promise<boolean>): Looks {
  const shortestMs = repairEveryMs(faults);
  let distanceMs = shortestMs;
  let under: Promise<void> | undefined;
  let failed: Error | undefined;
  let timer: NodeJS.Timeout;
  plan();

  function plan(): void {
    timer = setTimeout(turn, distanceMs);
    timer.unref();
  }

  function turn(): void {
    if (signal.aborted) return;
    under = look()
      .then((isBusy) => {
        distanceMs = isBusy ? shortestMs : Math.min(2 * distanceMs, LONGEST * shortestMs);
        plan();
      })
      .catch((error: Error) => {
        failed = error;
      })
      .finally(() => {
        under = undefined;
      });
  }

  function check(): void {
    if (failed) throw failed;
  }

  return {
    stir() {
      if (distanceMs === shortestMs || under !== undefined || failed !== undefined) return;
      distanceMs = shortestMs;
      clearTimeout(timer);
      plan();
    },
    check,
    async stop() {
      await under;
      clearTimeout(timer);
      check();
    },
  };
}
