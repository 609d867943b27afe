/** How far curate reads ahead in one topic of a partition while what it holds of it waits for a decision. */
import type { Consumer } from '../log/port.ts';
import type { Join } from './curate-join.ts';

/** Held of all partitions together. Verdicts have a budget of their own: full of documents, curate would never see what lets them go. */
const BUDGET_BYTES = { sifted: 96 << 20, verdicts: 32 << 20 };
/** A partition may hold this much, however many there are: a block or two. More helps none, and hundreds of partitions hold it all at once while the index is away. */
const LEAST_BYTES = 1 << 20;

export interface Pace {
  /** To be called after something was added to the join, or let go. `partitions`: how many share the budget. */
  look(join: Join, partitions: number): void;
}

/** @param topics names of the two topics */
export function createPace(
  consumer: Pick<Consumer, 'pause' | 'resume'>,
  topics: { readonly sifted: string; readonly verdicts: string },
  partition: number,
): Pace {
  const paused = { sifted: false, verdicts: false };
  return {
    look(join, partitions) {
      const held = join.held();
      for (const side of ['sifted', 'verdicts'] as const) {
        const budget = Math.max(LEAST_BYTES, BUDGET_BYTES[side] / partitions);
        // One that waits for just this topic reads on, whatever it holds: the block it needs may be the next one.
        const full = held[side].bytes > budget && !held[side].starved;
        if (full === paused[side]) continue;
        paused[side] = full;
        if (full) consumer.pause(topics[side], partition);
        else consumer.resume(topics[side], partition);
      }
    },
  };
}
