import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { decodeRecord, isRejection } from './decode.ts';
import { detectFormat, splitPlainLines } from './source.ts';
import { readAll, tempFile } from './testing.ts';
import type { RawRecord } from './types.ts';

const documents = Array.from({ length: 300 }, (_, i) => ({
  id: `d${i}`,
  text: `Text ${i} “é” \n `.repeat((i * 37) % 200 || 1),
}));
const lines = documents.map((document) => JSON.stringify(document)).join('\n');

function decoded(record: RawRecord) {
  const document = decodeRecord(record);
  assert.ok(!isRejection(document));
  return { id: document.id, text: document.text };
}

function parquet(): Buffer {
  const data = [
    { name: 'id', data: documents.map(({ id }) => id) },
    { name: 'text', data: documents.map(({ text }) => text) },
  ];
  return Buffer.from(parquetWriteBuffer({ columnData: data, rowGroupSize: 80 }));
}

const packings: ReadonlyArray<readonly [string, Buffer]> = [
  ['lines.jsonl', Buffer.from(lines)],
  ['lines with blank ones', Buffer.from(`\n\n${lines.replaceAll('\n', '\r\n \n')}\n\n\n`)],
  ['byte order mark', Buffer.from(`\ufeff${lines}`)],
  ['gzip', zlib.gzipSync(lines)],
  [
    'gzip of several members and padding',
    Buffer.concat([zlib.gzipSync(lines.slice(0, 5000)), zlib.gzipSync(lines.slice(5000)), Buffer.alloc(700)]),
  ],
  ['zstd', zlib.zstdCompressSync(lines)],
  [
    'zstd of several frames',
    Buffer.concat([zlib.zstdCompressSync(lines.slice(0, 5000)), zlib.zstdCompressSync(lines.slice(5000))]),
  ],
  ['array.json', Buffer.from(JSON.stringify(documents))],
  ['array over several lines', Buffer.from(`  \n${JSON.stringify(documents, null, 2)}\n`)],
  [
    'documents over several lines',
    Buffer.from(documents.map((document) => JSON.stringify(document, null, 2)).join('\n')),
  ],
  ['array in gzip', zlib.gzipSync(JSON.stringify(documents))],
  ['rows.parquet', parquet()],
];

test('every packing of the same documents gives the same documents', async (t) => {
  for (const [name, bytes] of packings) {
    const records = await readAll(tempFile(t, name, bytes));
    assert.deepEqual(records.map(decoded), documents, name);
  }
});

test('reading on from behind any record gives the rest', async (t) => {
  for (const [name, bytes] of packings) {
    const file = tempFile(t, name, bytes);
    const all = await readAll(file);
    for (let i = 0; i < all.length; i += 41) {
      const rest = await readAll(file, { from: all[i]!.next });
      assert.deepEqual(
        rest.map(({ offset, next }) => [offset, next]),
        all.slice(i + 1).map(({ offset, next }) => [offset, next]),
        name,
      );
      assert.deepEqual(rest.map(decoded), documents.slice(i + 1), name);
    }
    assert.deepEqual(await readAll(file, { from: all[all.length - 1]!.next }), [], name);
  }
});

test('plain records lie in the file where they say', async (t) => {
  for (const [name, bytes] of packings) {
    const file = tempFile(t, name, bytes);
    if ((await detectFormat(file)).container !== 'plain' || name.endsWith('.parquet')) continue;
    const content = readFileSync(file.path);
    for (const { offset, bytes: own } of await readAll(file)) {
      assert.ok(content.subarray(Number(offset), Number(offset) + own.length).equals(own), name);
    }
  }
});

test('ranges of one file of JSON lines give what one reader gives', async (t) => {
  const file = tempFile(t, 'lines.jsonl', lines);
  const all = await readAll(file);
  for (const targetBytes of [1, 10_000, 65_536, 400_000, 1e9]) {
    const ranges = await splitPlainLines(file, targetBytes);
    assert.ok(ranges);
    assert.equal(ranges[0]!.from, 0n);
    assert.equal(ranges[ranges.length - 1]!.to, BigInt(file.sizeBytes));
    const offsets: bigint[] = [];
    for (const [i, { from, to }] of ranges.entries()) {
      if (i > 0) assert.equal(from, ranges[i - 1]!.to);
      if (targetBytes === 1 && i % 50 > 0) continue;
      for (const record of await readAll(file, { from, to })) offsets.push(record.offset);
    }
    if (targetBytes >= 1000)
      assert.deepEqual(
        offsets,
        all.map((record) => record.offset),
      );
  }
  assert.equal(await splitPlainLines(tempFile(t, 'x.gz', zlib.gzipSync(lines)), 1000), undefined);
});

test('the format comes from the content, not from the name', async (t) => {
  const cases: ReadonlyArray<readonly [string, string | Buffer, string | undefined]> = [
    ['data.bin', 'WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 0\r\n\r\n\r\n\r\n', 'warc'],
    ['data.txt', '{"text":"a"}\n{"text":"b"}\n', 'jsonl'],
    ['one-document.txt', '{"text":"a"}', 'jsonl'],
    ['data.txt', '{\n "text":"a"}', 'json'],
    ['data.txt', '[{"text":"a"}]', 'json'],
    ['broken-first-line.jsonl', '{"text":"a\n{"text":"b"}\n', 'jsonl'],
    ['broken-first-line.jsonl', 'oops\n{"text":"b"}\n', 'jsonl'],
    ['data.txt', parquet(), 'parquet'],
    ['data.txt', '<!DOCTYPE html><title>x</title>', 'html'],
    ['data.txt', '<!-- saved -->\n<HTML lang=en>', 'html'],
    ['fragment.html', '<p>x</p>', 'html'],
    ['README.md', '<p align="center">Markdown with markup</p>\n\n# Title', 'text'],
    ['README.md', 'Write `<html>` first.', 'text'],
    ['notes.json.txt', '[1] a footnote', 'text'],
    ['template.md', '{{ title }}', 'text'],
    ['empty.jsonl', '', undefined],
  ];
  for (const [name, content, format] of cases) {
    assert.equal(
      (await detectFormat(tempFile(t, name, content))).format,
      format,
      `${name}: ${String(content).slice(0, 40)}`,
    );
  }
});

test('an empty file has no record', async (t) => {
  for (const bytes of [Buffer.alloc(0), zlib.gzipSync(''), zlib.zstdCompressSync(''), Buffer.from('[]')]) {
    assert.deepEqual(await readAll(tempFile(t, 'empty', bytes)), []);
  }
});

test('text and HTML files are one record each, in any charset', async (t) => {
  const page = '<!doctype html><meta charset="shift_jis"><p>';
  const cases: ReadonlyArray<readonly [Buffer, object]> = [
    [Buffer.from('Grüße'), { text: 'Grüße' }],
    [Buffer.from('\ufeffGrüße', 'utf16le'), { text: 'Grüße' }],
    [Buffer.from('Gr\xfc\xdfe \x80', 'latin1'), { text: 'Grüße €' }],
    // 日本 in Shift_JIS (JIS X 0208 rows 38 and 43).
    [Buffer.concat([Buffer.from(page), Buffer.from([0x93, 0xfa, 0x96, 0x7b])]), { html: `${page}日本` }],
  ];
  for (const [bytes, expected] of cases) {
    const [record, ...more] = await readAll(tempFile(t, 'file', bytes));
    assert.equal(more.length, 0);
    assert.partialDeepStrictEqual(decodeRecord(record!), expected);
  }
});
