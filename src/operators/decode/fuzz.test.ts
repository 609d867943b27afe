import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import zlib from 'node:zlib';
import * as fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { RecordError } from '../../errors.ts';
import { shared } from '../../testing/shared.ts';
import { decodeRecord } from './decode.ts';
import { dechunk } from './http-message.ts';
import { readAll, tempFile } from './testing.ts';
import type { InputFile, RawRecord, RecordKind } from './types.ts';

const limits = { maxRecordBytes: 64 * 1024, maxDecodedBytes: 256 * 1024 };
/** Small inputs, small limits: what must hold for any bytes, not a search for one bug. */
const runs = { numRuns: 60 };

/** Reads and decodes everything; the only error that may come out is a record's own. Reading on in the middle gives the same rest. */
async function survive(file: InputFile): Promise<void> {
  const records = await readAll(file, { limits });
  for (const record of records) {
    if (!record.error && !record.skipped) decodes(record);
  }
  const middle = records[records.length >> 1];
  if (middle === undefined) return;
  const rest = await readAll(file, { from: middle.next, limits });
  assert.deepEqual(rest.map(outline), records.slice((records.length >> 1) + 1).map(outline));
}

function outline({ offset, next, error, skipped, bytes }: RawRecord): unknown[] {
  return [offset, next, error?.code, skipped, bytes.length];
}

function decodes(record: Parameters<typeof decodeRecord>[0]): void {
  try {
    decodeRecord(record, limits);
  } catch (error) {
    if (!(error instanceof RecordError) || error.operator !== 'decode') throw error;
  }
}

test('random bytes in a file make records or dead letters, never a crash', async (t) => {
  const starts = [
    '',
    'WARC/1.0\r\n',
    'PAR1',
    '{"text":"',
    '[{"text":',
    '<html>',
    '\x1f\x8b\x08\0',
    '\x28\xb5\x2f\xfd',
    '\x04\x22\x4d\x18',
  ];
  const property = fc.asyncProperty(
    fc.constantFrom(...starts),
    fc.uint8Array({ maxLength: 3000 }),
    async (start, bytes) => {
      await survive(tempFile(t, 'fuzz', Buffer.concat([Buffer.from(start, 'latin1'), bytes])));
    },
  );
  await fc.assert(property, { numRuns: 200 });
});

test('random bytes in a record make a document or a RecordError', () => {
  const kinds: RecordKind[] = ['json', 'warc', 'html', 'text', 'parquet-row'];
  const headers = [
    { 'warc-type': 'response', 'content-type': 'application/http' },
    { 'warc-type': 'resource', 'content-type': 'text/html; charset=shift_jis' },
    {},
  ];
  const encodings = ['gzip', 'deflate', 'br', 'zstd', 'gzip, br', 'compress'];
  const property = fc.property(
    fc.constantFrom(...kinds),
    fc.constantFrom(...headers),
    fc.constantFrom(...encodings),
    fc.uint8Array({ maxLength: 1000 }),
    (kind, fields, encoding, random) => {
      const http = `HTTP/1.1 200 OK\r\nContent-Encoding: ${encoding}\r\nTransfer-Encoding: chunked\r\n\r\n`;
      for (const bytes of [random, Buffer.concat([Buffer.from(http), random])]) {
        decodes({ offset: 0n, next: 1n, kind, bytes, headers: fields });
      }
      dechunk(Buffer.from(random));
    },
  );
  fc.assert(property, { numRuns: 500 });
});

/** A few bytes overwritten, a piece cut out, a piece doubled, the end cut off. */
function mutate(original: Buffer, edits: ReadonlyArray<readonly [number, number, number]>): Buffer {
  let bytes = Buffer.from(original);
  for (const [kind, where, value] of edits) {
    const at = Math.floor(where * bytes.length);
    if (kind === 0) bytes[at] = value;
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + value)]);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at + value), bytes.subarray(at)]);
    else if (value < 64) bytes = bytes.subarray(0, at);
  }
  return bytes;
}

const edits = fc.array(
  fc.tuple(fc.nat({ max: 3 }), fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat({ max: 255 })),
  { minLength: 1, maxLength: 6 },
);

test('mutated real WARC files never crash the reader', async (t) => {
  const folder = shared(t, 'data/web/warc_samples');
  if (folder === undefined) return;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.w(?:arc|et)/.test(name));
  const originals = files.map((name) => readFileSync(path.join(folder, name))).filter((bytes) => bytes.length < 60_000);
  const property = fc.asyncProperty(fc.constantFrom(...originals), edits, async (original, list) => {
    const bytes = mutate(original, list);
    await survive(tempFile(t, 'mutated', bytes));
    if (original[0] === 0x1f)
      await survive(tempFile(t, 'mutated', mutate(zlib.gunzipSync(original, { finishFlush: 2 }), list)));
  });
  await fc.assert(property, runs);
});

test('mutated Parquet, JSON and compressed files never crash their readers', async (t) => {
  const rows = Array.from({ length: 200 }, (_, i) => ({ id: `d${i}`, text: `text ${i} `.repeat(i % 9), count: i }));
  const parquet = Buffer.from(
    parquetWriteBuffer({
      columnData: [
        { name: 'id', data: rows.map((row) => row.id) },
        { name: 'text', data: rows.map((row) => row.text) },
        { name: 'count', data: rows.map((row) => row.count), type: 'INT32' },
      ],
      rowGroupSize: 50,
    }),
  );
  const lines = Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n'));
  const array = Buffer.from(JSON.stringify(rows, null, 1));
  const members = Array.from({ length: 10 }, (_, i) =>
    zlib.gzipSync(lines.subarray((i * lines.length) / 10, ((i + 1) * lines.length) / 10)),
  );
  const frames = [lines, Buffer.from('\n'), lines].map((part) => zlib.zstdCompressSync(part));
  const originals = [
    parquet,
    lines,
    array,
    zlib.gzipSync(lines),
    Buffer.concat(members),
    Buffer.concat(frames),
    zlib.zstdCompressSync(array),
  ];
  const property = fc.asyncProperty(fc.constantFrom(...originals), edits, async (original, list) => {
    await survive(tempFile(t, 'mutated', mutate(original, list)));
  });
  await fc.assert(property, { numRuns: 200 });
});
