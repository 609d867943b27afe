/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), eight bytes a step (slicing by 8: Kounavis and Berry 2005). Every record batch carries one. */
const POLYNOMIAL = 0x82f63b78;

/** Row k: what a byte contributes when k bytes follow it in the step. */
const rows: readonly Int32Array[] = (() => {
  const table = Array.from({ length: 8 }, () => new Int32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    table[0]![byte] = crc;
  }
  for (let k = 1; k < 8; k++)
    for (let byte = 0; byte < 256; byte++) {
      const before = table[k - 1]![byte]!;
      table[k]![byte] = (before >>> 8) ^ table[0]![before & 255]!;
    }
  return table;
})();
const [r0, r1, r2, r3, r4, r5, r6, r7] = rows as unknown as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

/** Unsigned, 32 bits. */
export function crc32c(bytes: Uint8Array): number {
  let crc = -1;
  let at = 0;
  for (const last = bytes.length - 8; at <= last; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      r7[crc & 255]! ^
      r6[(crc >>> 8) & 255]! ^
      r5[(crc >>> 16) & 255]! ^
      r4[crc >>> 24]! ^
      r3[bytes[at + 4]!]! ^
      r2[bytes[at + 5]!]! ^
      r1[bytes[at + 6]!]! ^
      r0[bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at++) crc = r0[(crc ^ bytes[at]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
