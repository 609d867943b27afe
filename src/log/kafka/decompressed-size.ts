/**
 * How large compressed bytes say that they are, or can be at most, without unpacking them: a few bytes can stand for gigabytes, and decoders that
 * take the whole output in one piece allocate it before they look further.
 */

/** Snappy's block format begins with the length as a varint of at most five bytes. */
export function snappySize(block: Uint8Array): number {
  let size = 0;
  for (let i = 0; i < 5; i++) {
    const byte = block[i];
    if (byte === undefined) break;
    size += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return size;
  }
  throw new RangeError('snappy: its length is cut off');
}

const LZ4_MAGIC = 0x184d2204;
/** Flags of a frame: what else is in it. */
const LZ4_BLOCK_CHECKSUMS = 0x10;
const LZ4_CONTENT_SIZE = 0x08;
const LZ4_CONTENT_CHECKSUM = 0x04;
const LZ4_DICTIONARY = 0x01;
/** A block with this bit is not compressed. */
const LZ4_PLAIN = 0x80000000;
/** A byte of a block can stand for no more (LZ4 block format: a length goes on as long as its bytes are 255). */
const LZ4_GROWTH = 255;

/** At most, of an lz4 frame, by the sizes of its blocks; or what it says itself, where that is more. */
export function lz4Size(bytes: Buffer): number {
  let size = 0;
  for (let at = 0; at < bytes.byteLength; ) {
    if (bytes.readUInt32LE(at) !== LZ4_MAGIC) throw new RangeError('lz4: no frame begins where one should');
    const flags = bytes.readUInt8(at + 4);
    // 4 to 7 in three bits: 64 KB, 256 KB, 1 MB, 4 MB.
    const largest = 2 ** (8 + 2 * ((bytes.readUInt8(at + 5) >> 4) & 7));
    at += 6;
    const said = (flags & LZ4_CONTENT_SIZE) !== 0 ? Number(bytes.readBigUInt64LE(at)) : 0;
    at += ((flags & LZ4_CONTENT_SIZE) !== 0 ? 8 : 0) + ((flags & LZ4_DICTIONARY) !== 0 ? 4 : 0) + 1;
    let frame = 0;
    for (;;) {
      const block = bytes.readUInt32LE(at);
      at += 4;
      if (block === 0) break;
      const length = block % LZ4_PLAIN;
      frame += block >= LZ4_PLAIN ? length : Math.min(largest, LZ4_GROWTH * length);
      at += length + ((flags & LZ4_BLOCK_CHECKSUMS) !== 0 ? 4 : 0);
    }
    if ((flags & LZ4_CONTENT_CHECKSUM) !== 0) at += 4;
    size += Math.max(frame, said);
  }
  return size;
}

const ZSTD_MAGIC = 0xfd2fb528;
/** Where the size of the content stands in a frame's header, by the low bits of its descriptor: behind the number of a dictionary. */
const ZSTD_DICTIONARY_BYTES = [0, 1, 2, 4] as const;

/** As the first zstd frame says (RFC 8878, 3.1.1.1); undefined when it does not. */
export function zstdSize(bytes: Buffer): number | undefined {
  if (bytes.byteLength < 18 || bytes.readUInt32LE(0) !== ZSTD_MAGIC) return undefined;
  const descriptor = bytes.readUInt8(4);
  const single = (descriptor & 0x20) !== 0;
  const at = 5 + (single ? 0 : 1) + ZSTD_DICTIONARY_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3];
  switch (descriptor >> 6) {
    case 0:
      return single ? bytes.readUInt8(at) : undefined;
    case 1:
      return bytes.readUInt16LE(at) + 256;
    case 2:
      return bytes.readUInt32LE(at);
    default:
      return Number(bytes.readBigUInt64LE(at));
  }
}
