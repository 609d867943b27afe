import { bucketSlot, fnv1a, type LanguageTable } from './table.ts';

export interface WordCache {
  /** Adds the embeddings of all words and n-grams of `bytes[0, length)` to `sum`; returns how many they were. */
  addAll(bytes: Uint8Array, length: number, sum: Float64Array): number;
}

/** Longest word that is remembered, in bytes; a longer one is computed each time. */
const keyBytes = 32;
const slotBits = 17;
const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;
const endOfLine = new TextEncoder().encode('</s>');
const endOfLineHash = fnv1a(endOfLine);
const lessThan = 0x3c;
const greaterThan = 0x3e;

/**
 * The sum of a word's own row and the rows of its character n-grams depends on the word alone, so it is kept for words
 * seen lately, in typed arrays that never grow (13 MB). A word has two places, so that frequent words seldom drive each
 * other out. A hit compares the bytes, so the result does not depend on what was seen before.
 */
export function createWordCache(table: LanguageTable): WordCache {
  const { dimensions } = table;
  const width = dimensions + 1; // the sum, and the number of rows in it
  const slots = 1 << slotBits;
  const keys = new Uint8Array(slots * keyBytes);
  const lengths = new Uint8Array(slots);
  const sums = new Float32Array((slots + 1) * width); // the last one is for words too long to keep
  const compute = createWordSum(table);
  let misses = 0; // its last bit chooses which of two words goes: a stale one does not stay for ever

  function holds(slot: number, bytes: Uint8Array, from: number, length: number): boolean {
    if (lengths[slot] !== length) return false;
    const key = slot * keyBytes;
    for (let i = 0; i < length; i++) if (keys[key + i] !== bytes[from + i]) return false;
    return true;
  }

  /** The slot with the sum of the word bytes[from, to), computed if need be. */
  function slotOf(bytes: Uint8Array, from: number, to: number, hash: number): number {
    const length = to - from;
    if (length > keyBytes) {
      compute(bytes, from, to, hash, sums, slots * width);
      return slots;
    }
    const first = Math.imul(hash, 0x9e3779b1) >>> (32 - slotBits);
    if (holds(first, bytes, from, length)) return first;
    const second = Math.imul(hash, 0x85ebca6b) >>> (32 - slotBits);
    if (holds(second, bytes, from, length)) return second;
    const slot = lengths[second] === 0 || (lengths[first] !== 0 && misses++ & 1) ? second : first;
    for (let i = 0; i < length; i++) keys[slot * keyBytes + i] = bytes[from + i]!;
    lengths[slot] = length;
    compute(bytes, from, to, hash, sums, slot * width);
    return slot;
  }

  function add(slot: number, sum: Float64Array): number {
    const at = slot * width;
    for (let d = 0; d < dimensions; d++) sum[d]! += sums[at + d]!;
    return sums[at + dimensions]!;
  }

  return {
    addAll(bytes, length, sum) {
      let count = 0;
      for (let i = 0; i < length; i++) {
        let byte = bytes[i]!;
        if (isSpace(byte)) continue;
        const from = i;
        let hash = offsetBasis;
        do {
          hash = Math.imul(hash ^ ((byte << 24) >> 24), prime);
          byte = ++i < length ? bytes[i]! : 0;
        } while (!isSpace(byte));
        if (hash === endOfLineHash && isEndOfLine(bytes, from, i)) break;
        count += add(slotOf(bytes, from, i, hash), sum);
      }
      return count + add(slotOf(endOfLine, 0, endOfLine.length, endOfLineHash), sum);
    },
  };
}

/** The separators of Dictionary::readWord. */
function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || byte === 0;
}

/** Writes the sum of a word's rows to `sums[at…]`, and their number after it (Dictionary::computeSubwords). */
function createWordSum(table: LanguageTable) {
  const { dimensions, rows, buckets, minLength, maxLength, bucketKeys, bucketRows } = table;
  const bucketMask = bucketKeys.length - 1;
  const surviving = bucketBits(table);
  let framed = new Uint8Array(256);

  return (bytes: Uint8Array, from: number, to: number, hash: number, sums: Float32Array, at: number): void => {
    sums.fill(0, at, at + dimensions + 1);
    const known = wordRow(table, bytes, from, to, hash);
    if (known >= 0) addRow(sums, at, known);
    if (hash === endOfLineHash && isEndOfLine(bytes, from, to)) return;
    const length = to - from + 2;
    if (framed.length < length) framed = new Uint8Array(2 * length);
    framed[0] = lessThan;
    for (let i = from; i < to; i++) framed[i - from + 1] = bytes[i]!;
    framed[length - 1] = greaterThan;
    for (let start = 0; start < length; start++) {
      if (isContinuation(framed[start]!)) continue;
      let gram = offsetBasis;
      for (let end = start, characters = 1; end < length && characters <= maxLength; characters++) {
        do {
          gram = Math.imul(gram ^ ((framed[end]! << 24) >> 24), prime);
          end++;
        } while (end < length && isContinuation(framed[end]!));
        if (characters < minLength) continue;
        const bucket = (gram >>> 0) % buckets;
        if ((surviving[bucket >>> 5]! >>> (bucket & 31)) & 1) addRow(sums, at, rowOf(bucket));
      }
    }
  };

  function rowOf(bucket: number): number {
    let slot = bucketSlot(bucket, bucketMask);
    while (bucketKeys[slot] !== bucket) slot = (slot + 1) & bucketMask;
    return bucketRows[slot]!;
  }

  function addRow(sums: Float32Array, at: number, row: number): void {
    const base = row * dimensions;
    for (let d = 0; d < dimensions; d++) sums[at + d]! += rows[base + d]!;
    sums[at + dimensions]!++;
  }
}

/** One bit a bucket: did it survive pruning? Two in three n-grams did not, and this needs no search to say so. */
function bucketBits({ buckets, bucketKeys }: LanguageTable): Int32Array {
  const bits = new Int32Array(Math.ceil(buckets / 32));
  for (const bucket of bucketKeys) if (bucket >= 0) bits[bucket >>> 5]! |= 1 << (bucket & 31);
  return bits;
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
