import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodeJson } from './json-record.ts';
import { createPlainJsonReader } from './plain-json.ts';

const reader = createPlainJsonReader();

/** What the reader took must be what JSON.parse and `spliceOf` make of it. Returns whether it took it. */
function agrees(bytes: Buffer): boolean {
  const plain = reader.read(bytes);
  if (plain === undefined) return false;
  const read = { splice: plain.splice, text: Buffer.from(plain.text).toString(), url: plain.url() };
  const { splice, text, url } = decodeJson(bytes);
  assert.deepEqual(read, { splice, text, url }, bytes.toString());
  return true;
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({
    unit: fc.constantFrom('a', 'Z', ' ', '\n', '\t', '"', '\\', '/', '\u0000', 'é', '中', '😀', '\u00a0', '\u3000'),
  }),
  fc.string({ minLength: 30, maxLength: 200 }),
);
const key = fc.oneof(
  fc.constantFrom('id', 'url', 'text', 'html', 'timestamp', 'source', 'license', 'metadata', 'signals', 'decision.x'),
  fc.constantFrom(
    '__proto__',
    'ID',
    'texts',
    'tex',
    'sourcf',
    'licensf',
    'timestamq',
    'metadatb',
    'dump',
    'é',
    'a b',
    '',
  ),
);
const value: fc.Arbitrary<unknown> = fc.oneof({ weight: 3, arbitrary: text }, fc.jsonValue({ maxDepth: 4 }));
/** A string as JSON, some characters as escapes that need none. */
const written = (one: string, escape: boolean): string =>
  escape
    ? `"${Array.from({ length: one.length }, (_, i) => `\\u${one.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`
    : JSON.stringify(one);
const blank = fc.constantFrom('', '', '', ' ', '\t', '  ');
const member = fc
  .tuple(key, value, fc.boolean(), blank, blank)
  .map(
    ([k, v, escape, a, b]) =>
      `${a}"${k}"${b}:${a}${typeof v === 'string' ? written(v, escape) : JSON.stringify(v)}${b}`,
  );
const record = fc
  .tuple(text, fc.boolean(), fc.array(member, { maxLength: 5 }), blank)
  .map(
    ([body, escape, members, b]) =>
      `${b}{"id":"1",${b}"text":${written(body, escape)}${['', ...members].join(',')}}${b}`,
  );

test('records are read as JSON.parse reads them', () => {
  let taken = 0;
  let all = 0;
  fc.assert(
    fc.property(record, (json) => {
      all++;
      if (agrees(Buffer.from(json))) taken++;
    }),
    { numRuns: 4000 },
  );
  assert.ok(taken > all / 10, `${taken} of ${all}`);
});

test('what JSON.parse refuses is not taken: one byte changed, left out or put in', () => {
  const byte = fc.constantFrom(
    ...Buffer.from('"\\{}[]:,0189.-+eEtrufalsn /u\u0000\n\r\t\u007f'),
    0x80,
    0xc3,
    0xe2,
    0xff,
  );
  fc.assert(
    fc.property(record, fc.nat(), byte, fc.nat(2), (json, at, changed, kind) => {
      const bytes = [...Buffer.from(json)];
      bytes.splice(at % bytes.length, kind === 2 ? 0 : 1, ...(kind === 1 ? [] : [changed]));
      agrees(Buffer.from(bytes));
    }),
    { numRuns: 6000 },
  );
});

test('values: numbers, words, nesting', () => {
  const right = [
    '0',
    '-0',
    '10',
    '1.5',
    '1e9',
    '1E+9',
    '-1.50e-9',
    'true',
    'false',
    'null',
    '[]',
    '{}',
    '[[],{}]',
    '"\\u0041"',
  ];
  for (const one of right) {
    assert.ok(agrees(Buffer.from(`{"id":"1","text":"a","x":${one}}`)), one);
    assert.ok(agrees(Buffer.from(`{"id":"1","text":"a","metadata":{"x":[${one},{"y":${one} } ]} }`)), one);
  }
  const wrong = [
    ...[
      '',
      '01',
      '-',
      '+1',
      '1.',
      '.5',
      '1e',
      '1e+',
      '0x1',
      '1a',
      'tru',
      'truex',
      'nulL',
      'NaN',
      'Infinity',
      '"',
      '"\\x"',
    ],
    ...[
      '"\\u12g4"',
      '"\\u123"',
      '"\u0001"',
      '"\n"',
      "'a'",
      '[',
      ']',
      '[1',
      '[1,]',
      '[,1]',
      '[1 2]',
      '{',
      '{"a"}',
      '{"a":}',
    ],
    ...['{"a":1,}', '{a:1}', '{"a":1]', '[1}', '1,', '1}', '\u00a01', '//', '\ufeff1'],
  ];
  for (const one of wrong) {
    for (const json of [`{"id":"1","text":"a","x":${one}}`, `{"id":"1","text":"a","metadata":{"x":${one}}}`]) {
      assert.equal(reader.read(Buffer.from(json)), undefined, json);
      assert.throws(() => decodeJson(Buffer.from(json)), json);
    }
  }
  const nested = (depth: number) => Buffer.from(`{"id":"1","text":"a","x":${'['.repeat(depth)}${']'.repeat(depth)}}`);
  assert.ok(agrees(nested(60)));
  assert.equal(reader.read(nested(100_000)), undefined);
});

test('left to JSON.parse: half surrogate pairs, blank texts, keys twice, a record with a line break, no UTF-8', () => {
  for (const json of [
    '{"id":"1","text":"a\\ud800"}',
    '{"id":"1","text":"\\udc00a"}',
    '{"id":"1","text":"a\\ud800\\u0041"}',
    '{"id":"1","text":" \\n\u00a0\u3000"}',
    '{"id":"1","text":""}',
    '{"id":"1","text":"a","text":"b"}',
    '{"id":"1","te\\u0078t":"a"}',
    '{"id":"1",\n"text":"a"}',
    '{"id":"1","text":"a","html":"<p>"}',
    '{"id":1,"text":"a"}',
    '{"text":"a"}',
    '{"id":"1","x":1,"text":"a"}',
    '{"id":"1","text":"a","metadata":{},"x":1}',
    '{"id":"1","text":"a"} {}',
    '{"id":"1","text":"a"}\u0000',
    '\ufeff{"id":"1","text":"a"}',
    '[1]',
    '',
  ])
    assert.equal(reader.read(Buffer.from(json)), undefined, json);
  assert.equal(reader.read(Buffer.from('7b226964223a2231222c2274657874223a2261ff227d', 'hex')), undefined);
});

test('a text in a script without ASCII letters is taken; nothing of the record before is left', () => {
  assert.ok(agrees(Buffer.from(`{"id":"1","text":"${'x'.repeat(500)}"}`)));
  assert.ok(agrees(Buffer.from('{"id":"1","url":"http://x/\\u00e9","text":"中文"}')));
  assert.ok(agrees(Buffer.from('{"id":"1","text":"\\ud83d\\ude00 x"}')));
  assert.equal(reader.read(Buffer.from('{"id":"1","text":"a')), undefined);
});

test('records up to 1 MiB', () => {
  const sized = (bytes: number) => Buffer.from(`{"id":"1","text":"${'é\\n'.repeat(bytes / 4)}"}`);
  assert.ok(agrees(sized(1 << 19)));
  assert.equal(reader.read(sized(1 << 20)), undefined);
});

test('the text of an output object without its closing brace', () => {
  fc.assert(
    fc.property(text, fc.boolean(), (body, escape) => {
      const open = Buffer.from(`{"id":"1","url":"http://x/","text":${written(body, escape)},"metadata":{"a":[1]}`);
      const found = reader.textOf(open);
      if (found !== undefined) assert.equal(Buffer.from(found).toString(), JSON.parse(`${open.toString()}}`).text);
      else assert.ok(!body.isWellFormed() || !/[\x21-\x7f]/.test(body), body);
    }),
    { numRuns: 2000 },
  );
});
