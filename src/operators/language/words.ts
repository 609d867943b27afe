import { growMemory, kernelInstance } from '../../runtime/kernel.ts';
import { bucketSlot, fnv1a, type LanguageTable } from './table.ts';

export interface WordCache {
  /** Sum of the embeddings of all words and n-grams of the text added last: 16 numbers. */
  readonly sum: Float64Array;
  /** Adds up those of a text; returns how many they were. */
  addAll(text: string): number;
}

interface LanguageKernel {
  readonly memory: WebAssembly.Memory;
  readonly LANGUAGE_BYTES: WebAssembly.Global;
  readonly LANGUAGE_MEMORY: WebAssembly.Global;
  readonly LANGUAGE_SLOT_BITS: WebAssembly.Global;
  readonly LANGUAGE_STATE: WebAssembly.Global;
  readonly LANGUAGE_SUM: WebAssembly.Global;
  readonly LANGUAGE_TEXT: WebAssembly.Global;
  readonly LANGUAGE_WORDS: WebAssembly.Global;
  readonly addWords: () => number;
}

/** Entries of the state: places in the piece of text in work. */
const AT = 0;
const TEXT_END = 1;
const LAST = 2;
const COUNT = 3;
const FROM = 4;
const HASH = 5;
const STATE = 6;
/** Answers of the kernel. */
const UNKNOWN = 1;
const CUT = 2;
const STOP = 3;

/** Longest word that is remembered, in bytes; a longer one is computed each time. */
const keyBytes = 32;
/** Of a record: its bytes, and where in it length (u32) and sum (f32) lie, in units of four bytes. */
const recordBytes = 128;
const lengthAt = 8;
const sumAt = 15;
const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;
const endOfLine = new TextEncoder().encode('</s>');
const endOfLineHash = fnv1a(endOfLine);
const lessThan = 0x3c;
const greaterThan = 0x3e;

/**
 * The sum of a word's own row and the rows of its character n-grams depends on the word alone, so it is kept for words
 * seen lately, in a table that never grows (16 MB), where a kernel looks them up. A word has two places, so that frequent words seldom
 * drive each other out. A hit compares the bytes, so the result does not depend on what was seen before.
 */
export function createWordCache(table: LanguageTable): WordCache {
  const { dimensions } = table;
  const kernel = kernelInstance<LanguageKernel>();
  growMemory(kernel.memory, Number(kernel.LANGUAGE_MEMORY.value));
  const { buffer } = kernel.memory;
  const pieceBytes = Number(kernel.LANGUAGE_BYTES.value);
  const slotBits = Number(kernel.LANGUAGE_SLOT_BITS.value);
  const wordsAt = Number(kernel.LANGUAGE_WORDS.value);
  const state = new Int32Array(buffer, Number(kernel.LANGUAGE_STATE.value), STATE);
  const sum = new Float64Array(buffer, Number(kernel.LANGUAGE_SUM.value), dimensions);
  const piece = new Uint8Array(buffer, Number(kernel.LANGUAGE_TEXT.value), pieceBytes + 2 * keyBytes);
  const keys = new Uint8Array(buffer, wordsAt, recordBytes << slotBits);
  const lengths = new Int32Array(buffer, wordsAt, (recordBytes / 4) << slotBits);
  const sums = new Float32Array(buffer, wordsAt, (recordBytes / 4) << slotBits);
  const tooLong = new Float32Array(dimensions + 1);
  const compute = createWordSum(table);
  const ending = new Float32Array(dimensions + 1);
  compute(endOfLine, 0, endOfLine.length, endOfLineHash, ending, 0);
  const encoder = new TextEncoder();
  let misses = 0; // its last bit chooses which of two words goes: a stale one does not stay for ever

  function add(from: Float32Array, at: number): void {
    for (let d = 0; d < dimensions; d++) sum[d]! += from[at + d]!;
    state[COUNT]! += from[at + dimensions]!;
  }

  /** Computes the word bytes[from, to), which the cache does not hold, keeps it there and adds it. */
  function learn(bytes: Uint8Array, from: number, to: number, hash: number): void {
    const length = to - from;
    if (length > keyBytes) {
      compute(bytes, from, to, hash, tooLong, 0);
      return add(tooLong, 0);
    }
    const first = Math.imul(hash, 0x9e3779b1) >>> (32 - slotBits);
    const second = Math.imul(hash, 0x85ebca6b) >>> (32 - slotBits);
    const lengthOf = (slot: number) => lengths[slot * (recordBytes / 4) + lengthAt]!;
    const slot = lengthOf(second) === 0 || (lengthOf(first) !== 0 && misses++ & 1) ? second : first;
    const key = slot * recordBytes;
    keys.fill(0, key, key + keyBytes);
    for (let i = 0; i < length; i++) keys[key + i] = bytes[from + i]!;
    lengths[key / 4 + lengthAt] = length;
    compute(bytes, from, to, hash, sums, key / 4 + sumAt);
    add(sums, key / 4 + sumAt);
  }

  /** Adds up the words of the piece of `size` bytes. Returns the kernel's last word. */
  function readPiece(size: number, last: boolean): number {
    piece.fill(32, size, size + 2 * keyBytes);
    state[AT] = 0;
    state[TEXT_END] = size;
    state[LAST] = last ? 1 : 0;
    for (;;) {
      const answer = kernel.addWords();
      if (answer !== UNKNOWN) return answer;
      learn(piece, state[FROM]!, state[AT], state[HASH]!);
    }
  }

  /** The same for a text of any length. */
  function readLong(bytes: Uint8Array): void {
    for (let base = 0; base < bytes.length; ) {
      const size = Math.min(pieceBytes, bytes.length - base);
      piece.set(bytes.subarray(base, base + size));
      const answer = readPiece(size, base + size === bytes.length);
      if (answer === STOP) return;
      if (answer === CUT && state[AT] === 0) {
        let to = base;
        while (to < bytes.length && !isSpace(bytes[to]!)) to++;
        learn(bytes, base, to, fnv1a(bytes.subarray(base, to)));
        base = to;
      } else base += state[AT]!;
    }
  }

  return {
    sum,
    addAll(text) {
      sum.fill(0);
      state[COUNT] = 0;
      if (text.length * 3 <= pieceBytes) readPiece(encoder.encodeInto(text, piece).written, true);
      else readLong(encoder.encode(text));
      // The word that ends every line, behind the others, as fastText adds it.
      add(ending, 0);
      return state[COUNT];
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
