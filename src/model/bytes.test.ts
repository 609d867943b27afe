import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteWriter, viewOf } from './bytes.ts';

test('numbers are little-endian and follow one another', () => {
  const writer = byteWriter(4);
  writer.u8(0xab);
  writer.u32(0x01020304);
  writer.u64(0x0102030405060708n);
  writer.f32(1.5); // 0x3fc00000
  assert.equal(writer.length, 17);
  assert.deepEqual([...writer.take()], [0xab, 4, 3, 2, 1, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0xc0, 0x3f]);
  assert.equal(writer.length, 0);
});

test('any sequence of texts and bytes comes out as written, however small the buffer was', () => {
  const piece = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.uint8Array({ maxLength: 300 }));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.integer({ min: 1, max: 64 }), (pieces, initialBytes) => {
      const writer = byteWriter(initialBytes);
      const expected: Buffer[] = [];
      for (const one of pieces) {
        const bytes = Buffer.from(one as string);
        if (typeof one === 'string') assert.equal(writer.text(one), bytes.length);
        else writer.raw(one);
        expected.push(bytes);
      }
      assert.deepEqual(Buffer.from(writer.take()), Buffer.concat(expected));
    }),
  );
});

test('patches change what was written before, and what was taken is not touched by what follows', () => {
  const writer = byteWriter(8);
  writer.u32(0);
  writer.u64(0n);
  writer.patchU32(0, 7);
  writer.patchU64(4, 9n);
  const first = writer.take();
  writer.u32(0xffffffff);
  writer.u64(1n);
  assert.equal(viewOf(first).getUint32(0, true), 7);
  assert.equal(viewOf(first).getBigUint64(4, true), 9n);
});

test('a view of a part of a buffer begins where the part does', () => {
  assert.equal(viewOf(Uint8Array.of(1, 2, 3, 4, 5, 6).subarray(1)).getUint32(0, true), 0x05040302);
});
