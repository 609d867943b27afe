import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { CODEC_NUMBERS, compress, decompress } from './codecs.ts';
import { lz4Size, snappySize, zstdSize } from './decompressed-size.ts';

const { snappy, lz4, zstd } = CODEC_NUMBERS;

/** Snappy's own limit, 2^32 - 1 bytes, in five. */
const FOUR_GIGABYTES = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]);

/** A frame without a size of its own: blocks of up to 4 MB each. */
function lz4Frame(blocks: number, blockBytes: number): Buffer {
  const block = Buffer.alloc(4 + blockBytes);
  block.writeUInt32LE(blockBytes);
  const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]);
  return Buffer.concat([header, ...Array.from({ length: blocks }, () => block), Buffer.alloc(4)]);
}

suite('codecs', () => {
  test('what they say of their size before anything is unpacked is so, or more', async () => {
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 3000 }),
      fc.integer({ min: 0, max: 300_000 }).map((bytes) => new Uint8Array(bytes)),
    );
    await fc.assert(
      fc.asyncProperty(content, async (bytes) => {
        const plain = Buffer.from(bytes);
        assert.equal(snappySize(await compress(snappy, plain)), plain.byteLength);
        assert.equal(zstdSize(await compress(zstd, plain)) ?? plain.byteLength, plain.byteLength);
        const most = lz4Size(await compress(lz4, plain));
        assert.ok(most >= plain.byteLength && most <= plain.byteLength + (4 << 20), `${most} of ${plain.byteLength}`);
        for (const codec of Object.values(CODEC_NUMBERS))
          assert.ok(plain.equals(decompress(codec, await compress(codec, plain))));
      }),
      { numRuns: 50 },
    );
  });

  test('a few bytes that claim gigabytes are refused before anything is allocated', () => {
    const block = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.byteLength]), bytes]);
    const halfOfIt = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x01]);
    const framed = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
    const sized = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x68, 0x70, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    const zstdSized = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    const before = process.memoryUsage().rss;
    for (const [codec, bomb] of [
      [snappy, FOUR_GIGABYTES],
      [snappy, Buffer.concat([framed, block(FOUR_GIGABYTES)])],
      [snappy, Buffer.concat([framed, ...Array.from({ length: 3 }, () => block(halfOfIt))])],
      [lz4, sized],
      [lz4, lz4Frame(200, 20_000)],
      [zstd, zstdSized],
    ] as const)
      assert.throws(() => decompress(codec, bomb), /^RangeError: it grows to \d+ bytes/);
    assert.ok(process.memoryUsage().rss - before < 100 << 20);
  });

  test('what is cut off is an error', async () => {
    for (const codec of [snappy, lz4, zstd]) {
      const whole = await compress(codec, Buffer.from('abc'.repeat(1000)));
      for (let bytes = 0; bytes < Math.min(whole.byteLength, 20); bytes++)
        if (codec !== lz4 || bytes > 0) assert.throws(() => decompress(codec, whole.subarray(0, bytes)));
    }
  });
});
