import type { World } from './world.ts';
import { STOPPED, Violation } from './world.ts';

/**
 * A message was acknowledged and is gone. Nobody can tell in the middle of a log, where the refill may come later;
 * at its end a stage can: what the stage before it has acknowledged is more than what is there.
 * An alarm without a loss is a violation: it would rewind a healthy line.
 */
function raise(world: World, what: string): void {
  if (world.lost === 0) throw new Violation(`alarm without a lost message: ${what}`);
  world.alarms++;
  if (world.rules.gap === 'stop') throw STOPPED;
}

/** Sift starts again at `offset`. A running sift of the partition stops when it reads on; what it has sent may still arrive. */
export function rewindSift(world: World, partition: number, offset: number, what: string): void {
  raise(world, what);
  // A zombie may ask for what is decided since, and raw trimmed: never below N, read in the same transaction.
  const from = Math.max(offset, world.committed[partition]!.next);
  world.siftPositions[partition] = Math.min(world.siftPositions[partition]!, from);
  world.siftGenerations[partition]!++;
}

/** The index starts again from a snapshot that has folded nothing of the partition at or above `offset`. */
export function issueAgain(world: World, partition: number, offset: number, what: string): void {
  raise(world, what);
  world.issueAgainFrom[partition] = offset;
  world.acknowledged[partition] = offset; // else curate would ask, and stop the index, again and again
  world.indexGeneration++;
}
