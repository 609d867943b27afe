import { constants, crc32, deflateRawSync } from 'node:zlib';

/**
 * Content codings whose bytes are the same on every machine. What zlib and brotli write depends on processor and version: match finding
 * is vectorised differently. Any decoder reads these.
 */

/** gzip (RFC 1952) of one deflate stream without matches, and a header that names no operating system. */
export function gzipBody(body: Buffer): Buffer {
  const head = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  const tail = Buffer.alloc(8);
  tail.writeUInt32LE(crc32(body), 0);
  tail.writeUInt32LE(body.length, 4);
  const deflated = deflateRawSync(body, { strategy: constants.Z_HUFFMAN_ONLY, memLevel: 9 });
  return Buffer.concat([head, deflated, tail]);
}

/** Brotli (RFC 7932, section 9) in uncompressed meta-blocks of at most 64 KiB. */
export function brotliBody(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += 65_536) {
    const block = body.subarray(at, at + 65_536);
    // Lowest bit first: ISLAST 0, MNIBBLES 0 (four nibbles), MLEN - 1, ISUNCOMPRESSED 1; the first block has WBITS 0 (2^16) before it.
    const bits = ((block.length - 1) << 3) | (1 << 19);
    const head = Buffer.alloc(3);
    head.writeUIntLE(at === 0 ? bits << 1 : bits, 0, 3);
    parts.push(head, block);
  }
  // ISLAST 1, ISLASTEMPTY 1; an empty body still needs its window size.
  return Buffer.concat([...parts, Buffer.from([body.length === 0 ? 6 : 3])]);
}
