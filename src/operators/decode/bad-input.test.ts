import assert from 'node:assert/strict';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { parquetMetadata } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { RecordError } from '../../errors.ts';
import { decodeRecord, isRejection } from './decode.ts';
import { readAll, tempFile } from './testing.ts';
import { deadLetterBytes, type RawRecord } from './types.ts';

const line = (i: number): string => JSON.stringify({ id: `d${i}`, text: `text number ${i} ${Math.sin(i)}` });
const lines = Array.from({ length: 300 }, (_, i) => line(i)).join('\n');

/** What became of each record: `ok`, a rejection, a skipped type or an error code. */
function outcome(record: RawRecord): string {
  if (record.skipped) return record.skipped;
  try {
    const decoded = decodeRecord(record);
    return isRejection(decoded) ? decoded.rejected : 'ok';
  } catch (error) {
    assert.ok(error instanceof RecordError);
    assert.equal(error.operator, 'decode');
    assert.match(error.message, /;.*;/, 'subject; actual; remedy');
    return error.code;
  }
}

const badJson: ReadonlyArray<readonly [string, string | Buffer, string]> = [
  ['not JSON', '{"text":', 'decode.badJson'],
  ['an array', '["a"]', 'decode.notObject'],
  ['null', 'null', 'decode.notObject'],
  ['no text', '{"id":"a","url":"http://x/"}', 'decode.noText'],
  ['blank text', '{"text":" \\n\\t"}', 'decode.noText'],
  ['text that is a number', '{"text":1}', 'decode.wrongType'],
  ['url that is an object', '{"text":"a","url":{}}', 'decode.wrongType'],
  ['metadata that is a string', '{"text":"a","metadata":"x"}', 'decode.wrongType'],
  ['bytes that are not UTF-8', Buffer.from('{"text":"\xff"}', 'latin1'), 'decode.invalidUtf8'],
  ['a surrogate in UTF-8 (CESU)', Buffer.from('{"text":"\xed\xa0\x80"}', 'latin1'), 'decode.invalidUtf8'],
  ['a raw NUL', '{"text":"a\0b"}', 'decode.badJson'],
  ['an escaped NUL: kept', '{"text":"a\\u0000b"}', 'ok'],
  ['a lone surrogate: kept', '{"text":"a\\ud800b"}', 'ok'],
  ['100,000 open brackets', `{"text":"a","deep":${'['.repeat(100_000)}`, 'decode.badJson'],
  ['100,000 brackets', `{"text":"a","deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'ok'],
];

test('a bad JSON line is one dead letter and its neighbours are read', async (t) => {
  for (const [name, bad, code] of badJson) {
    const file = tempFile(
      t,
      'bad.jsonl',
      Buffer.concat([Buffer.from(`${line(1)}\n`), Buffer.from(bad), Buffer.from(`\n${line(2)}`)]),
    );
    assert.deepEqual((await readAll(file)).map(outcome), ['ok', code, 'ok'], name);
  }
});

test('a truncated file is its good records and one dead letter', async (t) => {
  const rows = Array.from({ length: 300 }, (_, i) => ({ id: `d${i}`, text: `text ${i}` }));
  const array = JSON.stringify(rows);
  for (const share of [0.1, 0.5, 0.9, 0.97]) {
    const cut = (bytes: Buffer): Buffer => bytes.subarray(0, Math.floor(bytes.length * share));
    for (const [name, bytes, least] of [
      ['jsonl', cut(Buffer.from(lines)), share * 0.9],
      ['gzip', cut(zlib.gzipSync(lines)), share * 0.4],
      ['zstd', cut(zlib.zstdCompressSync(lines)), 0],
      ['array', cut(Buffer.from(array)), share * 0.9],
      ['array in gzip', cut(zlib.gzipSync(array)), share * 0.4],
    ] as const) {
      const outcomes = (await readAll(tempFile(t, name, bytes))).map(outcome);
      const tail = outcomes.pop();
      assert.equal(tail, name === 'jsonl' ? 'decode.badJson' : 'decode.truncated', `${name} ${share}`);
      assert.ok(
        outcomes.every((each) => each === 'ok'),
        `${name} ${share}`,
      );
      assert.ok(outcomes.length >= Math.floor(300 * least) - 3, `${name} ${share}: ${outcomes.length} good records`);
    }
  }
});

test('damage in the middle of compressed data is one dead letter, and reading goes on at the next part', async (t) => {
  const ok = Array.from({ length: 300 }, () => 'ok');
  const broken = zlib.gzipSync(lines);
  broken.fill(0xff, 300, 400);
  const damages: ReadonlyArray<readonly [string, Buffer]> = [
    ['garbage', Buffer.from('garbage')],
    ['zeros and garbage', Buffer.from('\0\0garbage')],
    ['a broken header', Buffer.from('\x1f\x8b\x08broken', 'latin1')],
    ['a broken member', broken],
  ];
  for (const [name, damage] of damages) {
    // The last member begins in the middle of a line; what is left of that line belongs to the damage.
    for (const [rest, count] of [
      [lines, 300],
      [lines.slice(5), 299],
    ] as const) {
      const file = tempFile(
        t,
        'x.jsonl.gz',
        Buffer.concat([zlib.gzipSync(`${lines}\n`), damage, zlib.gzipSync(rest), Buffer.alloc(99)]),
      );
      const records = await readAll(file);
      const at = records.findIndex((record) => record.error);
      assert.equal(records[at]?.error?.code, 'decode.truncated', name);
      assert.deepEqual(records.slice(0, 300).map(outcome), ok, name);
      assert.deepEqual(records.slice(at + 1).map(outcome), ok.slice(0, count), name);
      for (const i of [299, at - 1, at, at + 1, at + 200]) {
        const again = await readAll(file, { from: records[i]!.next });
        assert.deepEqual(
          again.map(({ offset, next }) => [offset, next]),
          records.slice(i + 1).map(({ offset, next }) => [offset, next]),
          `${name} ${i}`,
        );
      }
    }
  }
});

test('a broken member in a WARC file costs what is in it', async (t) => {
  const member = (i: number): Buffer => {
    const body = `text ${i} ${Array.from({ length: 200 }, (_, k) => Math.sin(i + k)).join(' ')}`;
    return zlib.gzipSync(
      `WARC/1.0\r\nWARC-Type: resource\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}\r\n\r\n`,
    );
  };
  const members = Array.from({ length: 9 }, (_, i) => member(i));
  for (const bad of [3, 8]) {
    const bytes = members.map((each, i) => (i === bad ? Buffer.from(each).fill(0xff, 100, 200) : each));
    const file = tempFile(t, 'x.warc.gz', Buffer.concat(bytes));
    const records = await readAll(file);
    const expected = Array.from({ length: 9 }, (_, i) => (i === bad ? 'decode.truncated' : 'ok'));
    assert.deepEqual(records.map(outcome), expected);
    for (const [i, record] of records.entries()) {
      assert.deepEqual((await readAll(file, { from: record.next })).map(outcome), expected.slice(i + 1));
    }
  }
});

test('a damaged Parquet file is one dead letter', async (t) => {
  const bytes = Buffer.from(
    parquetWriteBuffer({
      columnData: [{ name: 'text', data: Array.from({ length: 100 }, (_, i) => `text ${i}`) }],
      rowGroupSize: 20,
    }),
  );
  const truncated = await readAll(tempFile(t, 'x.parquet', bytes.subarray(0, -10)));
  assert.deepEqual(truncated.map(outcome), ['decode.truncated']);

  // The second row group's first page header is overwritten: its 20 rows are one dead letter, the others are read.
  const broken = Buffer.from(bytes);
  const page = Number(
    parquetMetadata(new Uint8Array(bytes).buffer).row_groups[1]!.columns[0]!.meta_data!.data_page_offset,
  );
  broken.fill(0xff, page, page + 10);
  const records = await readAll(tempFile(t, 'x.parquet', broken));
  const failed = records.filter((record) => outcome(record) !== 'ok');
  assert.deepEqual(
    failed.map(({ offset, next }) => [offset, next]),
    [[20n, 40n]],
  );
  assert.deepEqual(failed.map(outcome), ['decode.badParquet']);
  assert.equal(
    records.reduce((rows, { offset, next }) => rows + Number(next - offset), 0),
    100,
  );
});

test('a record over the limit is one dead letter with its beginning, in every format', async (t) => {
  const maxRecordBytes = 300_000;
  const big = 'x'.repeat(3_000_000);
  const warc = (id: number, body: string): string =>
    `WARC/1.0\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:${id}>\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}\r\n\r\n`;
  const rows = [{ text: 'a' }, { text: big }, { text: 'b' }];
  const cases: ReadonlyArray<readonly [string, Buffer]> = [
    ['jsonl', Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n'))],
    ['array', Buffer.from(JSON.stringify(rows))],
    [
      'array with quotes and backslashes',
      Buffer.from(JSON.stringify([rows[0], { text: '\\"'.repeat(1_500_000) }, rows[2]])),
    ],
    ['warc', Buffer.from(warc(1, 'a') + warc(2, big) + warc(3, 'b'))],
    ['parquet', Buffer.from(parquetWriteBuffer({ columnData: [{ name: 'text', data: rows.map((row) => row.text) }] }))],
  ];
  for (const [name, bytes] of [
    ...cases,
    ...cases.slice(0, 4).map(([name, bytes]) => [`${name} in gzip`, zlib.gzipSync(bytes)] as const),
  ]) {
    const file = tempFile(t, name, bytes);
    const records = await readAll(file, { limits: { maxRecordBytes } });
    assert.deepEqual(records.map(outcome), ['ok', 'decode.tooLarge', 'ok'], name);
    assert.equal(records[1]!.bytes.length, deadLetterBytes, name);
    const rest = await readAll(file, { from: records[1]!.next, limits: { maxRecordBytes } });
    assert.deepEqual(rest.map(outcome), ['ok'], name);
  }
  for (const name of ['x.html', 'x.txt']) {
    const records = await readAll(tempFile(t, name, `<html>${big}`), { limits: { maxRecordBytes } });
    assert.deepEqual(records.map(outcome), ['decode.tooLarge'], name);
  }
});

test('millions of line breaks are no record', async (t) => {
  const breaks = '\n'.repeat(1_000_000);
  const file = tempFile(t, 'x.jsonl', `${line(1)}${breaks}${line(2)}${breaks}`);
  assert.deepEqual((await readAll(file)).map(outcome), ['ok', 'ok']);
  const warc = 'WARC/1.0\r\nWARC-Type: resource\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\na\r\n\r\n';
  assert.deepEqual((await readAll(tempFile(t, 'x.warc', `${warc}${breaks}${warc}${breaks}`))).map(outcome), [
    'ok',
    'ok',
  ]);
});

test('files that are no input are refused as one dead letter that says what they are', async (t) => {
  const cases: ReadonlyArray<readonly [string, Buffer, RegExp]> = [
    ['x.warc.lz4', Buffer.from([0x04, 0x22, 0x4d, 0x18, 1, 2, 3]), /lz4/],
    ['x.bz2', Buffer.from('BZh91AY&SY'), /bzip2/],
    ['x.xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), /xz/],
    ['x.zip', Buffer.from('PK\x03\x04'), /zip/],
    ['x.pdf', Buffer.from('%PDF-1.7'), /PDF/],
    ['x.png', Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1'), /binary/],
    ['x.jsonl', Buffer.from('\ufeff{"text":"a"}', 'utf16le'), /UTF-16/],
    ['x.gz', zlib.gzipSync(zlib.gzipSync(lines)), /gzip inside gzip/],
    ['x.parquet.gz', zlib.gzipSync(Buffer.from('PAR1....PAR1')), /Parquet inside gzip/],
  ];
  for (const [name, bytes, message] of cases) {
    const records = await readAll(tempFile(t, name, bytes));
    assert.deepEqual(records.map(outcome), ['decode.unsupported'], name);
    assert.match(records[0]!.error!.message, message);
  }
});
