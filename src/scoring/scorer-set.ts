import type { EmbeddingManifest } from './manifest-embedding.ts';
import type { EncoderManifest } from './manifest-encoder.ts';
import type { LinearManifest } from './manifest-linear.ts';

/** A manifest with its table of int8. */
export type LoadedTable =
  | { readonly manifest: LinearManifest; readonly table: Int8Array<SharedArrayBuffer> }
  | { readonly manifest: EmbeddingManifest; readonly table: Int8Array<SharedArrayBuffer> };

/** A graph that is there. */
export interface LoadedGraph {
  readonly path: string;
  readonly precision: EncoderManifest['model']['precision'];
}

/** A manifest, its graphs that are there (the default first), and the bytes of its `vocab.txt` or `tokenizer.json`. */
export interface LoadedEncoder {
  readonly manifest: EncoderManifest;
  readonly graphs: readonly LoadedGraph[];
  readonly tokenizer: Uint8Array<SharedArrayBuffer>;
}

/** What `loadScorers` read. Plain data over SharedArrayBuffers: post it to a worker and no table is copied. */
export interface ScorerSet {
  /** The `vocab.txt` of all tables; empty without a table. */
  readonly vocabulary: Uint8Array<SharedArrayBuffer>;
  readonly scorers: readonly LoadedTable[];
  readonly encoders: readonly LoadedEncoder[];
}
