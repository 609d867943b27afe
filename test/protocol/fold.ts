import type { SketchBlock, Verdict, VerdictBlock } from './world.ts';
import { place } from './world.ts';

/** All that the index knows: a function of the sketch log before `position`, and of nothing else. */
export interface IndexState {
  position: number;
  /** Per source partition: everything below is folded in. */
  watermarks: number[];
  seen: Map<number, Seen>;
  /** Append time of the log, as a running maximum. */
  time: number;
}
interface Seen {
  place: number;
  time: number;
  copies: number;
}

export const freshState = (partitions: number): IndexState => ({
  position: 0,
  watermarks: Array.from({ length: partitions }, () => 0),
  seen: new Map(),
  time: 0,
});

export const copyState = (state: IndexState): IndexState => ({
  ...state,
  watermarks: [...state.watermarks],
  seen: new Map(state.seen),
});

export interface FoldOptions {
  watermark: boolean;
  windowTicks: number;
  /** The block's append time; a clock instead of it is the mistake of rule 7. */
  now: number;
}

/** Folds one sketch block in. Returns its verdicts, 'known' if it brings nothing new, or 'gap' if something is missing. */
export function fold(state: IndexState, block: SketchBlock, options: FoldOptions): VerdictBlock | 'known' | 'gap' {
  const { partition } = block;
  const watermark = state.watermarks[partition]!;
  if (options.watermark && block.from > watermark) return 'gap';
  if (options.watermark && block.to <= watermark) return 'known';
  const from = options.watermark ? watermark : block.from;
  state.time = Math.max(state.time, options.now);
  const verdicts = new Map<number, Verdict>();
  for (const { offset, hash, rejected } of block.attempts) {
    if (offset < from) continue;
    const { configuration } = block;
    if (hash === null) {
      verdicts.set(offset, { hash, firstSeen: null, copies: 0, configuration });
      continue;
    }
    const key = place(configuration, hash);
    const found = state.seen.get(key);
    const first = found !== undefined && state.time - found.time <= options.windowTicks ? found : undefined;
    const copies = (first?.copies ?? 0) + 1;
    if (!rejected) {
      const kept = first ?? { place: place(partition, offset), time: state.time };
      state.seen.set(key, { place: kept.place, time: kept.time, copies });
    }
    verdicts.set(offset, { hash, firstSeen: first?.place ?? null, copies, configuration });
  }
  state.watermarks[partition] = Math.max(watermark, block.to);
  return { from, to: block.to, verdicts };
}
