import { open } from 'node:fs/promises';
import zlib from 'node:zlib';
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import type { RecordError } from '../../errors.ts';
import { decodeError } from './reasons.ts';
import { rowJson } from './parquet-row.ts';
import { type DecodeLimits, keptBytes, type InputFile, type RawBatch, type RawRecord } from './types.ts';

/** What a range of rows may unpack to; larger row groups are read in several passes. */
const rangeBytes = 128 * 1024 * 1024;
const batchBytes = 1024 * 1024;
/** A page that claims more is damage. */
const maxPageBytes = 1024 * 1024 * 1024;
const maxGroupRows = 2 ** 27;

interface RowRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The rows of a Parquet file from row `from` on, each as the JSON of its columns. Offsets are row numbers.
 * Rows that cannot be read are one dead letter for their range (a row group, or a part of a big one), and reading goes on behind them;
 * without a readable footer the file is one dead letter.
 */
export async function* readParquet(file: InputFile, from: number, limits: DecodeLimits): AsyncGenerator<RawBatch> {
  const handle = await open(file.path, 'r');
  try {
    const buffer: AsyncBuffer = {
      byteLength: file.sizeBytes,
      async slice(start, end = file.sizeBytes) {
        const length = end - start;
        // Offsets come from the file itself.
        if (start < 0 || length < 0 || end > file.sizeBytes)
          throw new RangeError(`bytes ${start} to ${end} are not in the file`);
        const bytes = new ArrayBuffer(length);
        const { bytesRead } = await handle.read(new Uint8Array(bytes), 0, length, start);
        if (bytesRead < length) throw new RangeError('the file is shorter than it was');
        return bytes;
      },
    };
    let metadata: FileMetaData;
    let ranges: RowRange[];
    try {
      metadata = await parquetMetadataAsync(buffer);
      ranges = rowRanges(metadata);
    } catch (cause) {
      if (from === 0) yield oneRecord(0, 1, await footerError(buffer, file.path, cause));
      return;
    }
    for (const range of ranges) if (range.to > from) yield* readRange(buffer, metadata, range, from, limits);
  } finally {
    await handle.close();
  }
}

/** Row groups, cut where they are too big to hold. Throws for numbers that cannot be. */
function rowRanges(metadata: FileMetaData): RowRange[] {
  const ranges: RowRange[] = [];
  let start = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    if (!(rows >= 0 && rows <= maxGroupRows)) throw new RangeError(`a row group of ${group.num_rows} rows`);
    if (rows === 0) continue;
    const parts = Math.max(1, Math.min(rows, Math.ceil(Number(group.total_byte_size) / rangeBytes)));
    for (let i = 0; i < parts; i++) {
      ranges.push({ from: start + Math.floor((rows * i) / parts), to: start + Math.floor((rows * (i + 1)) / parts) });
    }
    start += rows;
  }
  return ranges;
}

async function* readRange(
  file: AsyncBuffer,
  metadata: FileMetaData,
  range: RowRange,
  from: number,
  limits: DecodeLimits,
): AsyncGenerator<RawBatch> {
  const first = Math.max(range.from, from);
  let rows: Array<Record<string, unknown>>;
  try {
    rows = await parquetReadObjects({ file, metadata, rowStart: first, rowEnd: range.to, compressors });
    if (rows.length !== range.to - first) throw new RangeError(`${rows.length} rows of ${range.to - first}`);
  } catch (cause) {
    const message = `Parquet rows ${first} to ${range.to - 1}; ${actual(cause)}; write the file again`;
    yield oneRecord(first, range.to, decodeError('decode.badParquet', message, cause));
    return;
  }
  let records: RawRecord[] = [];
  let batchFrom = first;
  let bytes = 0;
  for (const [i, row] of rows.entries()) {
    const record = rowRecord(first + i, row, limits);
    records.push(record);
    bytes += record.bytes.length;
    if (bytes >= batchBytes) {
      yield batch(batchFrom, first + i + 1, records);
      records = [];
      batchFrom = first + i + 1;
      bytes = 0;
    }
  }
  if (records.length > 0) yield batch(batchFrom, range.to, records);
}

function rowRecord(row: number, columns: Record<string, unknown>, limits: DecodeLimits): RawRecord {
  const bytes = Buffer.from(rowJson(columns));
  const record = { offset: BigInt(row), next: BigInt(row + 1), kind: 'parquet-row', bytes } as const;
  if (bytes.length <= limits.maxRecordBytes) return record;
  const message = `Parquet row; ${bytes.length} bytes as JSON, the limit is ${limits.maxRecordBytes}; raise source.maxRecordBytes to read it`;
  return {
    ...record,
    bytes: Buffer.from(bytes.subarray(0, keptBytes(limits))),
    error: decodeError('decode.tooLarge', message),
  };
}

function batch(from: number, to: number, records: RawRecord[]): RawBatch {
  return { format: 'parquet', from: BigInt(from), to: BigInt(to), addressable: false, records };
}

function oneRecord(from: number, to: number, error: RecordError): RawBatch {
  const record: RawRecord = {
    offset: BigInt(from),
    next: BigInt(to),
    kind: 'parquet-row',
    bytes: new Uint8Array(0),
    error,
  };
  return batch(from, to, [record]);
}

async function footerError(file: AsyncBuffer, path: string, cause: unknown): Promise<RecordError> {
  const tail = file.byteLength >= 8 ? Buffer.from(await file.slice(file.byteLength - 4)).toString('latin1') : '';
  if (tail !== 'PAR1') {
    return decodeError(
      'decode.truncated',
      `${path}; a Parquet file without its end, which says where everything is; get the file again`,
      cause,
    );
  }
  return decodeError(
    'decode.badParquet',
    `${path}; its Parquet footer cannot be read (${actual(cause)}); write the file again`,
    cause,
  );
}

function actual(cause: unknown): string {
  return cause instanceof Error ? cause.message.slice(0, 200) : 'unknown';
}

type Decompress = (input: Uint8Array, outputLength: number) => Uint8Array;
const bounded =
  (decompress: (input: Uint8Array, options: { maxOutputLength: number }) => Uint8Array): Decompress =>
  (input, outputLength) => {
    if (outputLength > maxPageBytes) throw new RangeError(`a page of ${outputLength} bytes`);
    return decompress(input, { maxOutputLength: Math.max(1, outputLength) });
  };

/** Snappy is hyparquet's own; LZ4 pages are refused with their range. */
const compressors = {
  GZIP: bounded(zlib.gunzipSync),
  BROTLI: bounded(zlib.brotliDecompressSync),
  ZSTD: bounded(zlib.zstdDecompressSync),
};
