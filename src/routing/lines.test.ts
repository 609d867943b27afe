import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLineBuffers } from './lines.ts';

test('lines come back by topic, in order, each with its length', () => {
  const line = fc.record({
    topic: fc.constantFrom('curated.main', 'curated.en', 'rejected'),
    body: fc.uint8Array({ maxLength: 30_000 }),
    tail: fc.string({ unit: fc.constantFrom('a', '"', 'é', '語', '😀'), maxLength: 20 }).map((text) => `${text}\n`),
  });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), fc.integer({ min: 1, max: 40_000 }), (lines, expectedBytes) => {
      const buffers = createLineBuffers(expectedBytes);
      for (const { topic, body, tail } of lines) buffers.add(topic, body, tail);
      const taken = buffers.take();
      const expected = Map.groupBy(lines, ({ topic }) => topic);
      assert.deepEqual(Object.keys(taken).sort(), [...expected.keys()].sort());
      for (const [topic, own] of expected) {
        const whole = own.map(({ body, tail }) => Buffer.concat([body, Buffer.from(tail)]));
        assert.deepEqual(Buffer.from(taken[topic]!.bytes), Buffer.concat(whole));
        assert.deepEqual(
          [...taken[topic]!.lengths],
          whole.map(({ length }) => length),
        );
      }
    }),
    { numRuns: 40 },
  );
});

test('memory is asked for where it is given', () => {
  const asked: number[] = [];
  const buffers = createLineBuffers(100_000, (bytes) => {
    asked.push(bytes);
    return Buffer.alloc(bytes);
  });
  buffers.add('rejected', new Uint8Array(10), '\n');
  buffers.add('curated.main', new Uint8Array(10), '\n');
  buffers.add('curated.en', new Uint8Array(10), '\n');
  assert.deepEqual(asked, [16384, 100_000, 16384], 'most lines go to the first curated topic');
});
