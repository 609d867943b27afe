import { createIndex, loadIndex } from './engine.ts';
import {
  type GenerationStats,
  type IndexStats,
  loadKernelIndexes,
  type NearDuplicateIndex,
} from './near-duplicate-index.ts';
import type { DedupOptions } from './options.ts';
import { mergeVerdicts } from './verdicts.ts';

/** An index with all its shards in this process: it can decide. */
export type WholeIndex = Pick<NearDuplicateIndex, 'options' | 'configHash' | 'decide' | 'stats' | 'save'>;

/** An empty index of `options.shards` shards. */
export function createWholeIndex(options: DedupOptions): WholeIndex {
  return together(Array.from({ length: options.shards }, (_, shard) => createIndex(options, shard)));
}

/** The index that `save()` wrote, from pieces of any size; errors are those of `loadIndex`. */
export function loadWholeIndex(options: DedupOptions, pieces: Iterable<Uint8Array>): WholeIndex {
  if (options.shards === 1) return loadIndex(options, pieces);
  return together(
    loadKernelIndexes(
      options,
      pieces,
      Array.from({ length: options.shards }, (_, shard) => shard),
    ),
  );
}

function together(shards: readonly NearDuplicateIndex[]): WholeIndex {
  const [first] = shards;
  if (first === undefined || shards.length === 1) return first!;
  return {
    options: first.options,
    configHash: first.configHash,
    decide: (batch) => mergeVerdicts(shards.map((shard) => shard.decideShard(batch))),
    stats: () => sumStats(shards.map((shard) => shard.stats())),
    // One snapshot after another: each says where it ends.
    *save() {
      for (const shard of shards) yield* shard.save();
    },
  };
}

/** Shards turn to a new generation at the same document, so their generations match one by one. */
function sumStats(shards: readonly IndexStats[]): IndexStats {
  const [first] = shards;
  const history = first!.history.map((_, g) => sumGenerations(shards.map((stats) => stats.history[g]!)));
  return {
    ...first!,
    history,
    bytes: shards.reduce((sum, { bytes }) => sum + bytes, 0),
    fill: Math.max(...history.map(({ fill }) => fill)),
    estimatedFalsePositiveRate: Math.max(...history.map((generation) => generation.estimatedFalsePositiveRate)),
    alarm: history.some(({ alarm }) => alarm),
  };
}

/** Parts of one size: a key meets each with the same chance. */
function sumGenerations(parts: readonly GenerationStats[]): GenerationStats {
  const mean = (of: (part: GenerationStats) => number) => parts.reduce((sum, part) => sum + of(part), 0) / parts.length;
  return {
    ...parts[0]!,
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    fill: mean(({ fill }) => fill),
    estimatedFalsePositiveRate: mean(({ estimatedFalsePositiveRate }) => estimatedFalsePositiveRate),
    alarm: parts.some(({ alarm }) => alarm),
  };
}
