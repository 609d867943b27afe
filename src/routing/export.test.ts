import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { deadLetterColumns, recordColumns, rowOf } from './export-columns.ts';
import { writeParquet } from './export-files.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'riffle-export-'));
after(() => rmSync(folder, { recursive: true }));

async function convert(lines: readonly string[]) {
  const source = path.join(folder, 'lines.jsonl');
  const target = path.join(folder, 'lines.parquet');
  writeFileSync(source, lines.map((line) => `${line}\n`).join(''));
  writeParquet(source, target, recordColumns);
  const bytes = readFileSync(target);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const rows = await parquetReadObjects({ file, compressors: { ZSTD: (page) => zstdDecompressSync(page) } });
  return { groups: parquetMetadata(file).row_groups.map((group) => Number(group.num_rows)), rows };
}

test('a cell is the member’s own text, its string, or nothing', () => {
  const line =
    '{"id":"a\\"b","text":"é\\n","metadata":{"n": 12345678901234567890},"signals":{},' +
    '"decision":{"outcome":"rejected","topic":"rejected","reason":"r","value":0.10,"limit":"en","failed":["r","s"],"policy":"p@1","probability":0,"draw":null},' +
    '"position":{"topic":"t","partition":"f","offset":"1"}}';
  const row = Object.fromEntries(rowOf(line, recordColumns).map((cell, i) => [recordColumns[i]!.name, cell]));
  assert.deepEqual(row, {
    id: 'a"b',
    url: null,
    text: 'é\n',
    timestamp: null,
    source: null,
    license: null,
    metadata: '{"n": 12345678901234567890}',
    signals: '{}',
    'decision.outcome': 'rejected',
    'decision.topic': 'rejected',
    'decision.reason': 'r',
    'decision.value': '0.10',
    'decision.limit': 'en',
    'decision.failed': ['r', 's'],
    'decision.policy': 'p@1',
    'decision.probability': 0,
    'decision.draw': null,
    position: '{"topic":"t","partition":"f","offset":"1"}',
  });
});

test('a dead letter without a member has no value there', () => {
  const row = rowOf(
    '{"id":"a","error":{"code":"c"},"valueBytes":9007199254740993,"truncated":true}',
    deadLetterColumns,
  );
  const named = new Map(row.map((cell, i) => [deadLetterColumns[i]!.name, cell]));
  assert.equal(named.get('error.code'), 'c');
  assert.equal(named.get('error.message'), null);
  assert.equal(named.get('valueBytes'), 9007199254740993n);
  assert.equal(named.get('truncated'), true);
});

test('row groups of 4,096 rows; every row once and in order', async () => {
  const ids = Array.from({ length: 9000 }, (_, i) => String(i));
  const { groups, rows } = await convert(ids.map((id) => JSON.stringify({ id, text: `text ${id}` })));
  assert.deepEqual(groups, [4096, 4096, 808]);
  assert.deepEqual(
    rows.map(({ id }) => id as string),
    ids,
  );
});

test('a row group closes at 8 MiB; lines longer than a read come through whole', async () => {
  const texts = Array.from({ length: 5 }, (_, i) => String(i).repeat(3 << 20));
  const { groups, rows } = await convert(texts.map((text) => JSON.stringify({ id: text[0], text })));
  assert.deepEqual(groups, [3, 2]);
  assert.ok(rows.every(({ text }, i) => text === texts[i]));
});

test('no lines: a file with columns and no rows', async () => {
  const { groups, rows } = await convert([]);
  assert.deepEqual(groups, []);
  assert.deepEqual(rows, []);
});
