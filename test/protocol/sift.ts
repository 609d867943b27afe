import type { Attempt, SiftedBlock, SketchBlock, World } from './world.ts';
import { append, STOPPED } from './world.ts';

/** A process of a stage: one step at a time, so that anything may happen between two. */
export interface Actor {
  stage: 'sift' | 'index' | 'curate';
  partition: number;
  /** False: nothing to do. Throws STOPPED when the stage stops itself. */
  step(): boolean;
}

/** Sift: raw records to blocks; at-least-once on the wire, its position moves only after both topics acknowledged. */
export function createSift(world: World, partition: number): Actor {
  const { random, rules } = world;
  const configuration = random.integer(0, world.conditions.configurations - 1);
  const generation = world.siftGenerations[partition]!;
  const highWatermark = world.highWatermarks[partition]!;
  let position = world.siftPositions[partition]!;
  let committed = position;
  let queue: (() => void)[] = [];

  function commit(to: number): void {
    const current = world.siftPositions[partition]!;
    if (rules.fence === 'conditional' && rules.siftPosition === 'only forward' && current !== committed) throw STOPPED;
    world.siftPositions[partition] = rules.siftPosition === 'only forward' ? Math.max(current, to) : to;
    committed = to;
  }

  /** The next block: a few records, and as much of the empty offsets after them as this fetch happened to show. */
  function nextBlock(): { from: number; to: number; attempts: Attempt[] } | undefined {
    const left = (world.raw[partition] ?? []).filter((record) => record.offset >= position);
    if (left.length === 0 || (rules.flush === 'full batches only' && left.length < 2)) return undefined;
    const taken = left.slice(0, rules.flush === 'timer' ? random.integer(1, 4) : 2);
    const to = random.integer(taken[taken.length - 1]!.offset + 1, left[taken.length]?.offset ?? highWatermark);
    const attempts = taken.map(({ offset, hash, rejected, watchdog }) =>
      watchdog && random.chance(world.faults ? 0.4 : world.rates.watchdogWhenCalm)
        ? { offset, hash: null, rejected: false }
        : { offset, hash, rejected },
    );
    const from = position;
    position = to;
    return { from, to, attempts };
  }

  function read(): boolean {
    if (world.siftGenerations[partition] !== generation) throw STOPPED;
    if (position < world.rawStarts[partition]!) throw STOPPED;
    const sifted: (() => void)[] = [];
    const sketches: (() => void)[] = [];
    for (let blocks = random.integer(1, 3); blocks > 0; blocks--) {
      const block = nextBlock();
      if (block === undefined) break;
      const jitter = random.integer(0, 3); // clocks of brokers differ
      sifted.push(() => append<SiftedBlock>(world, world.sifted[partition]!, block));
      sketches.push(() => {
        const appendedAt = world.clock - jitter;
        append<SketchBlock>(world, world.sketch, { ...block, partition, configuration, appendedAt });
      });
    }
    if (sifted.length === 0) return false;
    const to = position;
    const last = [() => commit(to)];
    if (rules.siftOrder === 'sifted, sketch, commit') queue = [...sifted, ...sketches, ...last];
    else if (rules.siftOrder === 'sketch, sifted, commit') queue = [...sketches, ...sifted, ...last];
    else queue = [...last, ...sifted, ...sketches];
    return true;
  }

  function step(): boolean {
    const send = queue.shift();
    if (send === undefined) return read();
    send();
    return true;
  }

  return { stage: 'sift', partition, step };
}
