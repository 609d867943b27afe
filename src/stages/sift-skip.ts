/** Ranges of the raw topic that its operator gives up (`source.skipTo`). Nothing is ever passed over that was not declared lost. */
import { configKey, type DedupOptions } from '../dedup/options.ts';
import { siftedWriter } from '../model/sifted.ts';
import { writeSketchBlock } from '../model/sketches.ts';
import type { SiftedPair } from './sift-blocks.ts';

export interface Skipped {
  readonly partition: number;
  /** Records in `[from, to)` that are not decided yet will never be. */
  readonly from: bigint;
  readonly to: bigint;
}

/** Of `3@1200`: partition 3 goes on at 1200 wherever it would begin below. */
export function skipsOf(given: readonly string[]): ReadonlyMap<number, bigint> {
  return new Map(
    given.map((one) => {
      const [partition, offset] = one.split('@');
      return [Number(partition), BigInt(offset!)];
    }),
  );
}

/** Covers the range without a record, so that index and curate go on behind it. */
export function emptyPair({ partition, from, to }: Skipped, dedup: DedupOptions): SiftedPair {
  const none = { offsets: new BigUint64Array(0), exact: new BigUint64Array(0), kinds: new Uint8Array(0) };
  return {
    partition,
    from,
    to,
    records: 0,
    bytes: 0,
    sifted: siftedWriter().take(partition, from, to),
    sketch: writeSketchBlock({
      ...none,
      partition,
      from,
      to,
      config: configKey(dedup),
      count: 0,
      stride: 0,
      sketches: new Uint8Array(0),
    }),
  };
}
