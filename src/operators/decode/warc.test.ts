import assert from 'node:assert/strict';
import { test } from 'node:test';
import zlib from 'node:zlib';
import * as fc from 'fast-check';
import { readAll, tempFile } from './testing.ts';
import type { RawRecord } from './types.ts';

const record = (
  id: string,
  body: string,
  { type = 'resource', length = String(Buffer.byteLength(body)), eol = '\r\n', version = '1.0' } = {},
): string =>
  [
    `WARC/${version}`,
    `WARC-Type: ${type}`,
    `WARC-Record-ID: <urn:${id}>`,
    'Content-Type: text/plain',
    `Content-Length: ${length}`,
    '',
    body,
    '',
    '',
  ].join(eol);

/** The id of each good record, the type of a skipped one, the code of a bad one. */
const outline = (records: readonly RawRecord[]): string[] =>
  records.map(({ headers, skipped, error }) => error?.code ?? skipped ?? headers?.['warc-record-id'] ?? 'no id');

const read = async (t: Parameters<typeof tempFile>[0], content: string | Buffer): Promise<string[]> =>
  outline(await readAll(tempFile(t, 'x.warc', content)));

test('header variants that crawls have', async (t) => {
  const good = record('b', 'second');
  const variants: ReadonlyArray<readonly [string, string]> = [
    ['LF only', record('a', 'first', { eol: '\n' })],
    ['version 0.18', record('a', 'first', { version: '0.18' })],
    ['version 1.1', record('a', 'first', { version: '1.1' })],
    ['no blank line behind the block', record('a', 'first').trimEnd()],
    ['one line break behind the block', record('a', 'first').slice(0, -2)],
    ['many line breaks behind the block', `${record('a', 'first')}${'\r\n'.repeat(500)}`],
    [
      'names in other cases and folded values',
      record('a', 'first').replace('WARC-Record-ID: ', 'warc-record-id:\r\n '),
    ],
    ['an empty block', record('a', '')],
    ['a block that holds a WARC record', record('a', record('inner', 'text'))],
    [
      'fields named like object members',
      record('a', 'first').replace('Content-Type', '__proto__: x\r\nconstructor: y\r\nContent-Type'),
    ],
  ];
  for (const [name, variant] of variants) assert.deepEqual(await read(t, variant + good), ['<urn:a>', '<urn:b>'], name);
});

test('a wrong length costs one record, wherever it lies', async (t) => {
  const rest = record('b', 'second') + record('c', 'third');
  const long = 'x'.repeat(2_500_000);
  const cases: ReadonlyArray<readonly [string, string]> = [
    ['too short', record('a', 'first, with more text', { length: '5' })],
    // Up to four bytes more are the line breaks behind the block.
    ['too long by a line', record('a', 'first', { length: '10' })],
    ['over the next record', record('a', 'first', { length: '100' })],
    ['over the end of the file', record('a', 'first', { length: '100000' })],
    ['over every limit', record('a', 'first', { length: '99999999999' })],
    ['not a number', record('a', 'first', { length: 'five' })],
    ['negative', record('a', 'first', { length: '-5' })],
    ['missing', record('a', 'first').replace(/Content-Length.*\r\n/, '')],
    ['too short by much', record('a', long, { length: '5' })],
  ];
  for (const [name, bad] of cases) {
    for (const content of [bad + rest, zlib.gzipSync(bad + rest)]) {
      const got = await read(t, content);
      assert.deepEqual(got.slice(1), ['<urn:b>', '<urn:c>'], name);
      assert.match(got[0]!, /^decode\.(?:badLength|tooLarge)$/, name);
    }
  }
  // Without a document nothing is lost: the record stays skipped.
  assert.deepEqual(await read(t, record('a', 'first', { type: 'request', length: '3' }) + rest), [
    'request',
    '<urn:b>',
    '<urn:c>',
  ]);
});

test('garbage before and between records is one dead letter', async (t) => {
  const a = record('a', 'first');
  const b = record('b', 'second');
  assert.deepEqual(await read(t, `WARC/1.0 is no header${'\0'.repeat(100_000)}\r\n${b}`), [
    'decode.badWarc',
    '<urn:b>',
  ]);
  assert.deepEqual(await read(t, `${a}garbage\r\nWARC/9\r\n${b}`), ['decode.badLength', '<urn:b>']);
  assert.deepEqual(await read(t, `${a}WARC/1.0\r\nX: ${'y'.repeat(70_000)}\r\n\r\n${b}`), [
    '<urn:a>',
    'decode.badWarc',
    '<urn:b>',
  ]);
});

test('types without a document are skipped, parts of one are kept', async (t) => {
  const types = ['warcinfo', 'request', 'metadata', 'revisit', 'future-type', 'Response', 'conversion', 'continuation'];
  const content = types.map((type) => record(type, 'x', { type })).join('');
  const skipped = ['warcinfo', 'request', 'metadata', 'revisit', 'other'];
  assert.deepEqual(await read(t, content), skipped.concat('<urn:Response>', '<urn:conversion>', '<urn:continuation>'));
});

test('property: a file cut anywhere gives the good records before the cut and at most one dead letter', async (t) => {
  const parts = Array.from({ length: 12 }, (_, i) => Buffer.from(record(`${i}`, `text ${i} `.repeat(i * 17 + 1))));
  const files = [
    Buffer.concat(parts),
    Buffer.concat(parts.map((part) => zlib.gzipSync(part))),
    zlib.zstdCompressSync(Buffer.concat(parts)),
  ];
  const wholes = await Promise.all(files.map((bytes) => read(t, bytes)));
  const cut = fc.tuple(fc.nat({ max: files.length - 1 }), fc.double({ min: 0.02, max: 0.999, noNaN: true }));
  const property = fc.asyncProperty(cut, async ([which, share]) => {
    const bytes = files[which]!;
    const got = await read(t, bytes.subarray(0, Math.max(16, Math.floor(bytes.length * share))));
    const good = got.at(-1)?.startsWith('decode.') ? got.slice(0, -1) : got;
    assert.deepEqual(good, wholes[which]!.slice(0, good.length));
    if (got.length > good.length) assert.equal(got.at(-1), 'decode.truncated');
    // Uncompressed, every record whose block is complete comes out.
    if (which === 0) {
      let end = 0;
      const complete = parts.filter((part) => (end += part.length) - 4 <= Math.floor(bytes.length * share)).length;
      assert.ok(good.length >= complete, `${good.length} of ${complete}`);
    }
  });
  await fc.assert(property, { numRuns: 150 });
});
