import { FatalError } from '../errors.ts';
import type { Verdicts } from './sketch.ts';

/** One shard's answer to a batch. Answers of different `shards` or `configHash` are never mixed. */
export interface ShardVerdicts {
  readonly shard: number;
  readonly shards: number;
  readonly configHash: string;
  readonly count: number;
  /** Generations that were asked, oldest first. */
  readonly generations: Int32Array;
  /** Bit b: this generation knows band b. `count × generations.length`, document by document. */
  readonly bandMasks: Uint32Array;
  /** From shard 0 only. */
  readonly window: WindowVerdicts | undefined;
}

/** Everything but the votes, and what tells which votes count. */
export interface WindowVerdicts {
  readonly verdicts: Verdicts;
  /** Bit b: a document of the window explains band b. */
  readonly bandMasks: Uint32Array;
  /** Generations before this one count; this and later ones hold no document that has left the window. */
  readonly covered: Float64Array;
}

/**
 * Verdicts from the answers of all shards to one batch: each band is known where its key is held, and the votes of a generation are the bands
 * that it knows and that no document of the window explains. `FatalError` when the answers do not belong together or one is missing.
 */
export function mergeVerdicts(answers: readonly ShardVerdicts[]): Verdicts {
  const { verdicts, bandMasks, covered } = checked(answers);
  const { generations, count } = answers[0]!;
  const columns = generations.length;
  for (let i = 0; i < count; i++) {
    for (let g = 0; g < columns && generations[g]! < covered[i]!; g++) {
      let known = 0;
      for (const answer of answers) known |= answer.bandMasks[i * columns + g]!;
      const votes = bitCount(known & ~bandMasks[i]!);
      if (votes === 0 || votes < verdicts.votes[i]!) continue;
      verdicts.votes[i] = votes;
      verdicts.generation[i] = generations[g]!;
    }
  }
  return verdicts;
}

/** What shard 0 alone knows, after a look whether the answers belong together. */
function checked(answers: readonly ShardVerdicts[]): WindowVerdicts {
  const [reference] = answers;
  const shards = new Set(answers.map(({ shard }) => shard));
  const window = answers.find(({ shard }) => shard === 0)?.window;
  if (!reference || !window || shards.size !== reference.shards || answers.length !== shards.size) {
    const got = [...shards].join(', ') || 'none';
    throw new FatalError(
      'shard-missing',
      `verdicts; answers of shards ${got}, of ${reference?.shards ?? 1}; wait for the others`,
    );
  }
  for (const answer of answers) {
    const same =
      answer.configHash === reference.configHash &&
      answer.shards === reference.shards &&
      answer.count === reference.count &&
      answer.generations.join() === reference.generations.join();
    if (!same)
      throw new FatalError(
        'shard-mixed',
        'verdicts; shards of different configurations or batches; restart them from one snapshot',
      );
  }
  return window;
}

/** Bits set in a 32-bit word (Warren: Hacker's Delight, 2nd ed., figure 5-2). */
export function bitCount(word: number): number {
  let x = word - ((word >>> 1) & 0x5555_5555);
  x = (x & 0x3333_3333) + ((x >>> 2) & 0x3333_3333);
  x = (x + (x >>> 4)) & 0x0f0f_0f0f;
  return Math.imul(x, 0x0101_0101) >>> 24;
}
