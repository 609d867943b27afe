import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodeJson } from './json-record.ts';
import { scanObject } from './json-scan.ts';
import { headJson } from '../../model/record.ts';

const decode = (json: string) => decodeJson(Buffer.from(json));
/** The output object without its closing brace, as sift puts it together. */
function head(json: string): string {
  const { splice, ...document } = decode(json);
  if (splice) return Buffer.from(json).toString('utf8', splice.start, splice.end) + splice.tail;
  return headJson({ ...document, id: document.id ?? 'crawl-0@0', text: document.text ?? '' });
}

test('the contract’s keys are read and the line can begin the output as it is', () => {
  const line =
    '{"id":"a","url":"http://x/","text":"é","timestamp":"2026-01-01","source":"s","license":"CC0-1.0","metadata":{"n":1}}';
  assert.deepEqual(decode(line), {
    id: 'a',
    url: 'http://x/',
    text: 'é',
    timestamp: '2026-01-01',
    source: 's',
    license: 'CC0-1.0',
    splice: { start: 0, end: Buffer.byteLength(line) - 1, tail: '' },
  });
  assert.equal(`${head(line)}}`, line);
});

test('foreign keys behind the own ones are spliced into metadata', () => {
  const line = '{"id":"1", "text":"a","date" : "d\\"}","n":[1,{"a":"]"}] }';
  assert.deepEqual(decode(line).splice, { start: 0, end: 21, tail: ',"metadata":{"date":"d\\"}","n":[1,{"a":"]"}]}' });
  assert.equal(`${head(line)}}`, '{"id":"1", "text":"a","metadata":{"date":"d\\"}","n":[1,{"a":"]"}]}}');
});

test('only lines that stay right when reused are spliced', () => {
  assert.deepEqual(decode(' {"text":"a","id":"1"} ').splice, { start: 1, end: 21, tail: '' });
  const not = [
    '{"text":"a"}',
    '{"id":1,"text":"a"}',
    '{"id":"1","extra":1,"text":"a"}',
    '{"id":"1","text":"a","metadata":{},"extra":1}',
    '{"id":"1","text":"a","__proto__":1}',
    '{"id":"1","text":"a","signals":{}}',
    '{"id":"1","text":"a","text":"b"}',
    '{"id":"1","text":"a","te\\u0078t":"b"}',
    '{"id":"1","text":"a","url":null}',
    '{"id":"1","text":"a","metadata":null}',
    '{"id":"1","html":"<p>a"}',
    '{"id":"1","text":"a","html":"<p>a"}',
    '{"id":"1",\n"text":"a"}',
    '{"id":"1",\r"text":"a"}',
    '\ufeff{"id":"1","text":"a"}',
  ];
  for (const line of not) assert.equal(decode(line).splice, undefined, line);
});

test('numbers and unknown keys travel as they are written', () => {
  const dolma =
    '{"id":"a","text":"t","added":"2023","version":9007199254740993,"metadata":{"big":123456789012345678901234567890,"f":1.0e-5}}';
  assert.equal(
    head(dolma),
    '{"id":"a","text":"t","metadata":{"big":123456789012345678901234567890,"f":1.0e-5,"added":"2023","version":9007199254740993}',
  );
  assert.equal(decode('{"id":9007199254740993,"text":"t"}').id, '9007199254740993');
  const datatrove = '{"text":"t","id":"<urn:uuid:1>","media":[],"metadata":{"url":"http://x/"}}';
  assert.equal(head(datatrove), '{"id":"<urn:uuid:1>","text":"t","metadata":{"url":"http://x/","media":[]}');
});

test('Riffle’s own output fed back keeps its signals under metadata.riffle', () => {
  assert.equal(
    head('{"text":"t","signals":{"q":0.5},"decision":{"outcome":"curated"},"position":{"offset":"7"}}'),
    '{"id":"crawl-0@0","text":"t","metadata":{"riffle":{"signals":{"q":0.5},"decision":{"outcome":"curated"},"position":{"offset":"7"}}}',
  );
  // A second time: what was under `riffle` goes one level down.
  assert.equal(
    head('{"text":"t","metadata":{"riffle":{"signals":1}},"signals":2}'),
    '{"id":"crawl-0@0","text":"t","metadata":{"riffle":{"riffle":{"signals":1},"signals":2}}',
  );
  // An unknown key whose name metadata has already: both are kept.
  assert.equal(
    head('{"text":"t","lang":"de","metadata":{"lang":"en"}}'),
    '{"id":"crawl-0@0","text":"t","metadata":{"lang":"en","riffle":{"lang":"de"}}',
  );
});

test('text wins over html, and blank text is none', () => {
  assert.deepEqual(decode('{"text":"a","html":"<p>a"}'), { text: 'a' });
  assert.deepEqual(decode('{"text":" ","html":"<p>a"}'), { html: '<p>a' });
});

test('the head of an output record is always one line of JSON', () => {
  const json = '{\n "text": "a\\nb\\u2028\\ud800",\n "metadata": {\n  "a": [1,\r\n   2]\n }\n}';
  const line = `${head(json)}}`;
  assert.doesNotMatch(line, /[\r\n]/);
  assert.deepEqual(JSON.parse(line), { id: 'crawl-0@0', text: 'a\nb\u2028\ud800', metadata: { a: [1, 2] } });
});

test('property: the scan finds the members that JSON.parse finds', () => {
  const property = fc.property(
    fc.dictionary(fc.string(), fc.jsonValue()),
    fc.constantFrom(undefined, 1, '\t'),
    (object, indent) => {
      const json = JSON.stringify(object, null, indent);
      const { members, open, close } = scanObject(json);
      assert.equal(open, 0);
      assert.equal(close, json.length - 1);
      const found = members.map(({ key, start, end }) => [key, JSON.parse(json.slice(start, end))]);
      const expected: object = JSON.parse(json);
      assert.deepEqual(found, Object.entries(expected));
    },
  );
  fc.assert(property, { numRuns: 300 });
});

test('property: nothing of a document is lost on its way to the output', () => {
  const keys = fc.constantFrom(
    'id',
    'url',
    'timestamp',
    'source',
    'license',
    'extra',
    'signals',
    '__proto__',
    'constructor',
  );
  const property = fc.property(
    fc.dictionary(keys, fc.string()),
    fc.string(),
    fc.dictionary(fc.string(), fc.jsonValue()),
    (strings, text, metadata) => {
      const json = JSON.stringify({ ...strings, text: `x${text}`, metadata });
      const output = JSON.parse(`${head(json)}}`);
      const given = JSON.parse(json);
      for (const key of ['id', 'url', 'timestamp', 'source', 'license', 'text'] as const) {
        if (key in given) assert.equal(output[key], given[key]);
      }
      for (const [key, value] of Object.entries(given.metadata)) {
        if (key !== 'riffle') assert.deepEqual(Object.getOwnPropertyDescriptor(output.metadata, key)?.value, value);
      }
      if (Object.hasOwn(given, 'signals')) assert.equal(output.metadata.riffle.signals, given.signals);
    },
  );
  fc.assert(property, { numRuns: 300 });
});
