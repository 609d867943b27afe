import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type ByteSource, ByteWindow } from './byte-window.ts';
import { readJsonDocuments } from './json-documents.ts';
import { readLines } from './lines.ts';
import { defaultDecodeLimits, type DecodeLimits, type RawBatch } from './types.ts';
import { readWarc } from './warc.ts';

/** Where a buffer ends must not matter: every reader gives the same records for chunks of a few bytes as for one of everything. */
type Reader = (window: ByteWindow, limits: DecodeLimits) => AsyncGenerator<RawBatch>;

const readers: Record<string, Reader> = {
  lines: (window, limits) => readLines(window, limits, { addressable: true }),
  array: (window, limits) => readJsonDocuments(window, limits, { addressable: true, isArray: true }),
  documents: (window, limits) => readJsonDocuments(window, limits, { addressable: true, isArray: false }),
  warc: (window, limits) => readWarc(window, limits),
};

function memory(bytes: Buffer): ByteSource {
  let position = 0;
  return {
    damage: undefined,
    async readInto(target, at) {
      const count = bytes.copy(target, at, position);
      position += count;
      return count;
    },
    async close() {},
  };
}

async function records(reader: Reader, bytes: Buffer, chunk: number, limits: DecodeLimits): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of reader(new ByteWindow(memory(bytes), 0, chunk), limits)) {
    for (const { offset, next, error, skipped, bytes: own } of batch.records) {
      found.push(`${offset}-${next} ${error?.code ?? skipped ?? 'ok'} ${Buffer.from(own).toString('latin1')}`);
    }
  }
  return found;
}

const warc = (body: string, length: number): string =>
  `WARC/1.0\r\nWARC-Type: resource\r\nContent-Length: ${length}\r\n\r\n${body}\r\n\r\n`;
const value = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.constantFrom('\\"', '"\\\\', '{[', ']}', '\n', '\r\nWARC/1.0\r\nWARC-Type: x', 'x'.repeat(300)),
);
const content: Record<string, (texts: string[]) => string> = {
  lines: (texts) => texts.map((text) => JSON.stringify({ text })).join('\r\n'),
  array: (texts) => JSON.stringify(texts.map((text, i) => (i % 3 ? { text } : [text]))),
  documents: (texts) => texts.map((text) => JSON.stringify({ text }, null, 1)).join('\n'),
  // Every third length is wrong.
  warc: (texts) => texts.map((text, i) => warc(text, Buffer.byteLength(text) + (i % 3 === 2 ? 9 : 0))).join(''),
};

for (const name of Object.keys(readers)) {
  test(`property: ${name} are the same in chunks of any size`, async () => {
    const property = fc.asyncProperty(
      fc.array(value, { maxLength: 8 }),
      fc.integer({ min: 1, max: 200 }),
      fc.constantFrom(150, 1000, defaultDecodeLimits.maxRecordBytes),
      fc.nat({ max: 20 }),
      async (texts, chunk, maxRecordBytes, cut) => {
        const bytes = Buffer.from(content[name]!(texts));
        // Half of them damaged: a few bytes missing in the middle and at the end.
        const middle = bytes.length >> 1;
        const whole = cut > 10 ? Buffer.concat([bytes.subarray(0, middle), bytes.subarray(middle + cut, -cut)]) : bytes;
        const limits = { ...defaultDecodeLimits, maxRecordBytes };
        const expected = await records(readers[name]!, whole, whole.length + 1, limits);
        assert.deepEqual(await records(readers[name]!, whole, chunk, limits), expected);
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });
}
