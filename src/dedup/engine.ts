import { createKernelIndex, loadKernelIndex, type NearDuplicateIndex } from './near-duplicate-index.ts';
import type { DedupOptions } from './options.ts';
import { createReferenceIndex, loadReferenceIndex } from './reference-index.ts';

/** An empty index, or shard number `shard` of one that is divided by `options.shards`. */
export function createIndex(options: DedupOptions, shard = 0): NearDuplicateIndex {
  return options.engine === 'kernel' ? createKernelIndex(options, shard) : createReferenceIndex(options);
}

/**
 * The index that `save()` wrote, from pieces of any size. `ConfigError` when it was made with other options, for another shard or by another
 * version; `FatalError` when it is damaged or cut short.
 */
export function loadIndex(options: DedupOptions, pieces: Iterable<Uint8Array>, shard = 0): NearDuplicateIndex {
  return options.engine === 'kernel' ? loadKernelIndex(options, pieces, shard) : loadReferenceIndex(options, pieces);
}
