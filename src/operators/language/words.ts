import { type LanguageTable, bucketSlot } from './table.ts';

export interface WordCache {
  /** Adds the embeddings of all words and n-grams of `bytes[0, length)` to `sum`; returns how many they were. */
  addAll(bytes: Uint8Array, length: number, sum: Float64Array): number;
}

/** Longest word that is remembered, in bytes; a longer one is computed each time. */
const keyBytes = 24;
const slotBits = 14;
const endOfLine = new TextEncoder().encode('</s>');
const lessThan = 0x3c;
const greaterThan = 0x3e;

/**
 * The sum of a word's own row and the rows of its character n-grams depends on the word alone, so it is kept for words
 * seen lately: a direct-mapped table of 16,384 words in typed arrays (2 MB, never grows). A hit compares the bytes,
 * so the result does not depend on what was seen before.
 */
export function createWordCache(table: LanguageTable): WordCache {
  const { dimensions } = table;
  const width = dimensions + 1; // the sum, and the number of rows in it
  const slots = 2 ** slotBits;
  const keys = new Uint8Array(slots * keyBytes);
  const lengths = new Uint8Array(slots);
  const sums = new Float32Array((slots + 1) * width); // the last one is for words too long to keep
  const compute = createWordSum(table);

  function add(bytes: Uint8Array, from: number, to: number, hash: number, sum: Float64Array): number {
    const length = to - from;
    let slot = slots;
    if (length <= keyBytes) {
      slot = (Math.imul(hash, 0x9e3779b1) >>> (32 - slotBits)) & (slots - 1);
      const key = slot * keyBytes;
      let same = lengths[slot] === length;
      for (let i = 0; same && i < length; i++) same = keys[key + i] === bytes[from + i];
      if (!same) {
        for (let i = 0; i < length; i++) keys[key + i] = bytes[from + i]!;
        lengths[slot] = length;
        compute(bytes, from, to, hash, sums, slot * width);
      }
    } else compute(bytes, from, to, hash, sums, slot * width);
    const at = slot * width;
    for (let d = 0; d < dimensions; d++) sum[d]! += sums[at + d]!;
    return sums[at + dimensions]!;
  }

  return {
    addAll(bytes, length, sum) {
      let count = 0;
      let from = 0;
      let hash = 0x811c9dc5;
      for (let i = 0; i <= length; i++) {
        const byte = i < length ? bytes[i]! : 0x20;
        if (isSpace(byte)) {
          if (i > from) {
            if (isEndOfLine(bytes, from, i)) break;
            count += add(bytes, from, i, hash, sum);
          }
          from = i + 1;
          hash = 0x811c9dc5;
        } else hash = Math.imul(hash ^ ((byte << 24) >> 24), 0x01000193);
      }
      return count + add(endOfLine, 0, endOfLine.length, endOfLineHash, sum);
    },
  };
}

let endOfLineHash = 0x811c9dc5;
for (const byte of endOfLine) endOfLineHash = Math.imul(endOfLineHash ^ byte, 0x01000193);

/** The separators of Dictionary::readWord. */
function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || byte === 0;
}

/** Writes the sum of a word's rows to `sums[at…]`, and their number after it (Dictionary::computeSubwords). */
function createWordSum(table: LanguageTable) {
  const { dimensions, rows, buckets, minLength, maxLength, bucketKeys, bucketRows } = table;
  const bucketMask = bucketKeys.length - 1;
  let framed = new Uint8Array(256);

  return (bytes: Uint8Array, from: number, to: number, hash: number, sums: Float32Array, at: number): void => {
    sums.fill(0, at, at + dimensions + 1);
    const row = wordRow(table, bytes, from, to, hash);
    if (row >= 0) addRow(sums, at, row);
    if (isEndOfLine(bytes, from, to)) return;
    const length = to - from + 2;
    if (framed.length < length) framed = new Uint8Array(2 * length);
    framed[0] = lessThan;
    for (let i = from; i < to; i++) framed[i - from + 1] = bytes[i]!;
    framed[length - 1] = greaterThan;
    for (let start = 0; start < length; start++) {
      if (isContinuation(framed[start]!)) continue;
      let gram = 0x811c9dc5;
      for (let end = start, characters = 1; end < length && characters <= maxLength; characters++) {
        do {
          gram = Math.imul(gram ^ ((framed[end]! << 24) >> 24), 0x01000193);
          end++;
        } while (end < length && isContinuation(framed[end]!));
        if (characters < minLength || (characters === 1 && (start === 0 || end === length))) continue;
        const bucket = (gram >>> 0) % buckets;
        for (let slot = bucketSlot(bucket, bucketMask); bucketKeys[slot] !== -1; slot = (slot + 1) & bucketMask) {
          if (bucketKeys[slot] !== bucket) continue;
          addRow(sums, at, bucketRows[slot]!);
          break;
        }
      }
    }
  };

  function addRow(sums: Float32Array, at: number, row: number): void {
    const base = row * dimensions;
    for (let d = 0; d < dimensions; d++) sums[at + d]! += rows[base + d]!;
    sums[at + dimensions]!++;
  }
}

/** fastText's own word for the end of a line; it has no n-grams, and in a text it ends the line. */
function isEndOfLine(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from === endOfLine.length && endOfLine.every((byte, i) => bytes[from + i] === byte);
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** Row of a known word, or −1. */
function wordRow(table: LanguageTable, bytes: Uint8Array, from: number, to: number, hash: number): number {
  const { wordRows, wordStarts, wordBytes } = table;
  const mask = wordRows.length - 1;
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const row = wordRows[slot]!;
    if (row < 0) return -1;
    const start = wordStarts[row]!;
    if (wordStarts[row + 1]! - start !== to - from) continue;
    let i = from;
    while (i < to && bytes[i] === wordBytes[start + i - from]) i++;
    if (i === to) return row;
  }
}
