import type { RecordError } from '../../errors.ts';
import type { Splice } from './splice.ts';

/** One file to read. It is one source partition; its path is the partition's name. */
export interface InputFile {
  readonly path: string;
  readonly sizeBytes: number;
}

export type InputFormat = 'jsonl' | 'json' | 'warc' | 'parquet' | 'html' | 'text';

export type RecordKind = 'json' | 'warc' | 'html' | 'text' | 'parquet-row';

/** WARC records that carry no document: counted by type, never decided. */
export type SkippedType = 'request' | 'warcinfo' | 'metadata' | 'revisit' | 'other';

/**
 * One record as it lies in its file.
 *
 * `offset` is where it starts: a byte of the decoded (decompressed) stream, or a row number in Parquet. Offsets strictly increase.
 * `next` is where to resume for the record behind it.
 * `bytes` is a view of the read buffer; it stays valid as long as it is held, and holds its whole buffer (about 1 MiB) alive.
 */
export interface RawRecord {
  readonly offset: bigint;
  readonly next: bigint;
  readonly kind: RecordKind;
  readonly bytes: Uint8Array;
  /** WARC header fields; names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Present: this record is a dead letter. `bytes` has its beginning (at most 256 KiB). */
  readonly error?: RecordError;
  /** Present: a dead letter that was put back. The position of the original, as JSON. */
  readonly retryOf?: string;
  /** Present: it came as a message; what its dead letter tells of it. */
  readonly message?: MessageOrigin;
  /** Present: this record carries no document. */
  readonly skipped?: SkippedType;
}

export interface MessageOrigin {
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly timestampMs: number;
  /** Of the value, before anything of it was cut off. */
  readonly valueBytes?: number;
}

/** Consecutive records that cover the range `[from, to)` of their file; blank lines and padding lie between them. */
export interface RawBatch {
  readonly format: InputFormat | undefined;
  readonly from: bigint;
  readonly to: bigint;
  /** True when `bytes` of every record lies at (file, `offset`, `bytes.length`), so that it can be read again in place. */
  readonly addressable: boolean;
  readonly records: readonly RawRecord[];
}

export interface DecodeLimits {
  /** A record over this is a dead letter (`decode.tooLarge`). */
  readonly maxRecordBytes: number;
  /** Limit for what a compressed HTTP body may unpack to (`decode.bomb`). */
  readonly maxDecodedBytes: number;
}

export const defaultDecodeLimits: DecodeLimits = {
  maxRecordBytes: 16 * 1024 * 1024,
  maxDecodedBytes: 32 * 1024 * 1024,
};

/** How much of a refused record is kept for its dead letter, at most. */
export const deadLetterBytes = 256 * 1024;

/** The same under small limits: so much of a record that is too large has been seen for certain when it is found to be. */
export const keptBytes = (limits: DecodeLimits): number => Math.min(deadLetterBytes, limits.maxRecordBytes);

/** One document, before extraction. Exactly one of `text` and `html` is present. */
export interface DecodedDocument {
  readonly id?: string;
  readonly url?: string;
  readonly text?: string;
  readonly html?: string;
  readonly timestamp?: string;
  readonly source?: string;
  readonly license?: string;
  /** JSON object text: the input's metadata with unknown keys added, numbers as they were written. */
  readonly metadataJson?: string;
  readonly contentType?: string;
  readonly httpStatus?: number;
  /**
   * Present for a plain JSON record: its bytes `[start, end)` followed by `tail` are the output object without its closing brace, so that nothing
   * is serialised again. `metadataJson` is absent then.
   */
  readonly splice?: Splice;
}

/** A readable record that is no document for us: an outcome (`rejected`), not an error. */
export interface DecodeRejection {
  readonly rejected: 'decode.httpStatus' | 'decode.contentType';
  readonly value: string | number;
  readonly limit: string;
  readonly id?: string;
  readonly url?: string;
  readonly timestamp?: string;
}
