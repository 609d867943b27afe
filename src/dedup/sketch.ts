import type { FingerprintOptions } from './options.ts';

/**
 * A sketch is `stride` bytes, little-endian: `bands` keys of 64 bits, verification rows of 4 bits,
 * the exact 64-bit key of the normalised text, and the count of distinct shingles (u32, then 4 zero bytes).
 * A document with fewer than `minShingles` carries zero keys and rows: only its exact key counts.
 */
export interface SketchLayout {
  readonly stride: number;
  readonly rowsAt: number;
  readonly rowBytes: number;
  readonly exactAt: number;
  readonly shinglesAt: number;
}

export function sketchLayout(options: Pick<FingerprintOptions, 'bands' | 'verificationRows'>): SketchLayout {
  const rowsAt = options.bands * 8;
  const rowBytes = options.verificationRows / 2;
  const exactAt = rowsAt + rowBytes;
  return { stride: exactAt + 16, rowsAt, rowBytes, exactAt, shinglesAt: exactAt + 8 };
}

/** What one document added up to. The object is the fingerprinter's own and is overwritten by its next call. */
export interface FingerprintResult {
  /** Distinct shingles; below `minShingles` only the exact key decides. */
  shingles: number;
  /** Exact key of the normalised text, low and high 32 bits. */
  exactLow: number;
  exactHigh: number;
}

export interface Fingerprinter {
  /** Bytes of one sketch. */
  readonly stride: number;
  /**
   * Writes the sketch of `text` (a string, or UTF-8 bytes of any validity) at `out[at .. at + stride)`.
   * Never throws for what the text contains; `RangeError` when `out` is too small.
   */
  readonly fingerprint: (text: string | Uint8Array, out: Uint8Array, at: number) => FingerprintResult;
}

/** Asked only: answered, and leaves no trace. Inserted: answered, then known. */
export { ASKED, INSERTED } from '../model/sifted.ts';

/** Documents in log order. `sketches` holds `count × stride` bytes. */
export interface SketchBatch {
  readonly count: number;
  /** `ASKED` or `INSERTED` for each. */
  readonly kinds: Uint8Array;
  readonly partitions: Uint32Array;
  readonly offsets: BigInt64Array;
  readonly sketches: Uint8Array;
}

/** No document: the partition of a verdict that names none (its offset is -1). */
export const NO_PARTITION = 0xffff_ffff;

/**
 * Signals, one entry a document; whether it is dropped is a policy's decision.
 * The named document is the exact original if there is one, else the most similar one of the window.
 */
export interface Verdicts {
  readonly count: number;
  /** Bands that the history knows and no document of the window explains, in the generation that knows most. */
  readonly votes: Uint8Array;
  /** That generation's number, counted from 0 since the index began; -1 when `votes` is 0. */
  readonly generation: Int32Array;
  /** 1 when a document with the same normalised text came before. */
  readonly exact: Uint8Array;
  /** Estimated Jaccard similarity to the most similar document of the window that shares a band; 0 for none; 1 when exact. */
  readonly similarity: Float32Array;
  /** Estimated share of this document's shingles that the named one has. */
  readonly containment: Float32Array;
  readonly duplicatePartition: Uint32Array;
  readonly duplicateOffset: BigInt64Array;
  /** Documents with this normalised text so far, this one included; stops at 2^32 - 1. */
  readonly copies: Uint32Array;
}

export function newVerdicts(count: number): Verdicts {
  return {
    count,
    votes: new Uint8Array(count),
    generation: new Int32Array(count).fill(-1),
    exact: new Uint8Array(count),
    similarity: new Float32Array(count),
    containment: new Float32Array(count),
    duplicatePartition: new Uint32Array(count).fill(NO_PARTITION),
    duplicateOffset: new BigInt64Array(count).fill(-1n),
    copies: new Uint32Array(count),
  };
}

/** The default rule of a policy: exact, or similar to a document of the window, or enough votes of the history. */
export function isDuplicate(verdicts: Verdicts, i: number, similarity: number, votes: number): boolean {
  return verdicts.exact[i] === 1 || verdicts.similarity[i]! >= similarity || verdicts.votes[i]! >= votes;
}
