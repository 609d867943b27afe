/** The public door of near-duplicate detection: options, fingerprints, index, verdicts. */
export { createIndex, loadIndex } from './engine.ts';
export { createFingerprinter } from './fingerprint.ts';
export {
  type GenerationStats,
  type IndexStats,
  type NearDuplicateIndex,
} from './near-duplicate-index.ts';
export {
  configHash,
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
