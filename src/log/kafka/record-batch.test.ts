import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { crc32c } from './crc32c.ts';
import { encodeBatch } from './record-batch.ts';
import { openRecordSet } from './record-set.ts';

/** Hexadecimal digits, with spaces between fields for whoever reads. */
const hex = (fields: string): string => fields.replaceAll(' ', '');

/** One bit at a time. */
function slowCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

const fields = {
  firstTimestamp: 1_700_000_000_000,
  maxTimestamp: '1700000000009',
  producerId: -1,
  producerEpoch: 0,
  firstSequence: 0,
  transactional: false,
};

suite('record batches', () => {
  test('CRC-32C: the vectors of RFC 3720 B.4, and a slow twin', () => {
    const vectors: readonly [Uint8Array, number][] = [
      [Buffer.alloc(32), 0x8a9136aa],
      [Buffer.alloc(32, 0xff), 0x62a8ab43],
      [Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
      [Buffer.from('123456789'), 0xe3069283],
    ];
    for (const [bytes, expected] of vectors) assert.equal(crc32c(bytes), expected);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => assert.equal(crc32c(bytes), slowCrc(bytes))));
  });

  test('what is encoded is decoded, by every codec', async () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    const record = fc.record({
      key: fc.option(fc.string()),
      value: fc.option(bytes),
      headers: fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
      timestampDelta: fc.integer({ min: -(2 ** 31), max: 2 ** 40 }),
    });
    const property = fc.asyncProperty(
      fc.array(record, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 0, max: 4 }),
      async (records, compression) => {
        const numbered = records.map((one, offsetDelta) => ({ ...one, offsetDelta }));
        const batch = await encodeBatch({
          ...fields,
          compression,
          lastOffsetDelta: records.length - 1,
          records: numbered,
        });
        const opened = openRecordSet(batch, 0n, [], 't-0');
        const messages = opened.nextBatch() ?? [];
        assert.equal(opened.end, BigInt(records.length));
        assert.deepEqual(
          messages.map(({ offset, timestampMs, key, value, headers, tombstone }) => [
            Number(offset),
            timestampMs - fields.firstTimestamp,
            key ?? null,
            tombstone === true ? null : [...value],
            { ...headers },
          ]),
          numbered.map(({ offsetDelta, timestampDelta, key, value, headers }) => [
            offsetDelta,
            timestampDelta,
            key,
            value === null ? null : [...value],
            { ...headers },
          ]),
        );
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  test('header fields, by hand', async () => {
    const records = [{ key: null, value: 'ab' }];
    const batch = await encodeBatch({
      ...fields,
      compression: 0,
      producerId: '258',
      producerEpoch: 3,
      firstSequence: 4,
      transactional: true,
      lastOffsetDelta: 0,
      records,
    });
    const header = hex('0000000000000000 0000003a 00000000 02');
    const behindChecksum = hex(
      '0010 00000000 0000018bcfe56800 0000018bcfe56809 0000000000000102 0003 00000004 00000001',
    );
    const record = hex('10 00 00 00 01 04 6162 00');
    assert.equal(batch.subarray(0, 17).toString('hex'), header);
    assert.equal(batch.subarray(21).toString('hex'), behindChecksum + record);
    assert.equal(batch.readUInt32BE(17), slowCrc(batch.subarray(21)));
  });
});
