/**
 * The public door of near-duplicate detection.
 *
 *     text ─▶ fingerprint ─▶ sketch (312 bytes) ─▶ index ─▶ verdict: signals only, a policy drops
 *
 * - The window knows the last documents by name and verifies; the history knows band keys of far more, in Bloom filters, and votes;
 *   exact keys decide alone. Bands that a document of the window explains, and generations that the window covers, have no vote:
 *   where the window can look, it errs less.
 * - A document like an earlier one takes no place in the window: its keys lead to the earlier one. So every copy is compared with the first seen, and
 *   a chain of small edits starts anew when it is no longer like its beginning (a 40-link chain of J = .86 steps: 13 are kept).
 * - The history cannot tell, for a shard does not know the verdict: duplicates enter it too, and such a chain is followed on (1 or 2 kept).
 * - At the full window's load about one key in a hundred is squeezed out of it early; documents have 22.
 */
export { createIndex, loadIndex } from './engine.ts';
export { createFingerprinter } from './fingerprint.ts';
export {
  type GenerationStats,
  type IndexStats,
  type NearDuplicateIndex,
} from './near-duplicate-index.ts';
export {
  configHash,
  configKey,
  type DedupOptions,
  dedupOptionsSchema,
  type FingerprintOptions,
  PUBLISHED_SEED,
  windowDocuments,
} from './options.ts';
export {
  ASKED,
  type Fingerprinter,
  type FingerprintResult,
  INSERTED,
  isDuplicate,
  NO_PARTITION,
  type SketchBatch,
  type SketchLayout,
  sketchLayout,
  type Verdicts,
} from './sketch.ts';
export { mergeVerdicts, type ShardVerdicts } from './verdicts.ts';
export { createWholeIndex, loadWholeIndex, type WholeIndex } from './whole-index.ts';
