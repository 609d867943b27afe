import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { headJson, identityOf, positionJson } from './record.ts';

const text = fc.string({ unit: 'binary' });

test('an identity is <topic>-<partition>@<offset>', () => {
  assert.equal(identityOf({ topic: 'crawl.raw', partition: 3, offset: 1842n }), 'crawl.raw-3@1842');
  assert.equal(
    identityOf({ topic: 'text.raw', partition: 'data/a-b.jsonl', offset: 2n ** 60n }),
    'text.raw-data/a-b.jsonl@1152921504606846976',
  );
});

test('a position as JSON, its offset as text: numbers above 2^53 survive', () => {
  assert.deepEqual(JSON.parse(positionJson({ topic: 'crawl.raw', partition: 3, offset: 2n ** 63n })), {
    topic: 'crawl.raw',
    partition: 3,
    offset: '9223372036854775808',
  });
  fc.assert(
    fc.property(text, text, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (topic, partition, offset) => {
      assert.deepEqual(JSON.parse(positionJson({ topic, partition, offset })), {
        topic,
        partition,
        offset: String(offset),
      });
    }),
  );
});

test('a head is the output object without its closing brace; what is absent is left out', () => {
  assert.equal(headJson({ id: 'a', text: 'b' }), '{"id":"a","text":"b"');
  assert.equal(
    headJson({
      id: 'a',
      url: 'u',
      text: '"\n',
      timestamp: 't',
      source: 's',
      license: 'l',
      metadataJson: '{"n":9007199254740993}',
    }),
    String.raw`{"id":"a","url":"u","text":"\"\n","timestamp":"t","source":"s","license":"l","metadata":{"n":9007199254740993}`,
  );
  const optional = fc.option(text, { nil: undefined });
  fc.assert(
    fc.property(
      fc.record({ id: text, url: optional, text, timestamp: optional, source: optional, license: optional }),
      (head) => {
        const present = Object.fromEntries(Object.entries(head).filter(([, value]) => value !== undefined));
        assert.deepEqual(JSON.parse(`${headJson(head)}}`), present);
      },
    ),
  );
});
