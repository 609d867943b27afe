import { type ChunkCache, WORD, WORD_HASH, WORD_POINTS, WORD_POWER } from './chunk-cache.ts';
import { POOL, UNITS } from './text-table.ts';

/**
 * Finds what repeats in one text: n-grams of its words, and whole lines or paragraphs.
 * Tables are open addressing over positions; an entry counts only when it lies above `base`, which moves up with every use,
 * so that nothing is ever cleared. A hash only proposes: equality is checked on the words themselves.
 */
const golden = 0x9e3779b1 | 0;
const secret = Math.trunc(Math.random() * 0x7fffffff) | 1;

const smallest = 1 << 12;
const largestKept = 1 << 20;

class PositionTable {
  slots = new Int32Array(smallest);
  base = 0;
  #last = 0;

  /** Makes room for `count` positions and forgets the ones before. */
  begin(count: number): void {
    let size = smallest;
    while (size < count * 2) size *= 2;
    this.base += this.#last;
    this.#last = count + 1;
    const { length } = this.slots;
    // A text of millions of words leaves no large table behind.
    if (size > length || (length > largestKept && size < length)) {
      this.slots = new Int32Array(size);
      this.base = 0;
    } else if (this.base > 0x7fffffff - count - 1) {
      this.slots.fill(0);
      this.base = 0;
    }
  }
}

/** Different n-grams with one polynomial hash, before the plain way takes over: such texts are made, not written. */
const collisionsAllowed = 4096;

export class GramCounter {
  readonly #table = new PositionTable();
  /** The text's words, in order. */
  words = new Int32Array(1 << 12);
  count = 0;
  #hashes = new Int32Array(1 << 12);
  #counts = new Int32Array(1 << 12);
  /** Code points before each word. */
  #points = new Int32Array((1 << 12) + 1);
  readonly #cache: ChunkCache;

  constructor(cache: ChunkCache) {
    this.#cache = cache;
  }

  begin(): void {
    this.count = 0;
    if (this.words.length > largestKept) this.words = new Int32Array(1 << 12);
  }

  /** Appends the words of a chunk. */
  push(from: number, count: number): void {
    if (this.count + count > this.words.length) {
      const words = new Int32Array(Math.max(this.words.length * 2, this.count + count));
      words.set(this.words);
      this.words = words;
    }
    const { tokens } = this.#cache;
    for (let index = 0; index < count; index++) this.words[this.count + index] = tokens[from + index]!;
    this.count += count;
  }

  /** Call once, when all words are in, before counting n-grams. */
  seal(): void {
    const size = this.words.length;
    if (this.#hashes.length !== size) {
      this.#hashes = new Int32Array(size);
      this.#counts = new Int32Array(size);
      this.#points = new Int32Array(size + 1);
    }
    const { records } = this.#cache.words;
    let points = 0;
    for (let index = 0; index < this.count; index++) {
      this.#points[index] = points;
      points += records[this.words[index]! * WORD + WORD_POINTS]!;
    }
    this.#points[this.count] = points;
  }

  /** Hashes single words for `top`, which extends them by one word a call: 2, 3, 4 in this order. */
  startTop(): void {
    for (let index = 0; index < this.count; index++)
      this.#hashes[index] = Math.imul(this.words[index]! ^ secret, golden);
  }

  /** Code points of the commonest n-gram, spaces between its words included, times its count; of equals the first. */
  top(n: number): number {
    const grams = this.count - n + 1;
    if (grams <= 0) return 0;
    this.#table.begin(grams);
    const { slots, base } = this.#table;
    const mask = slots.length - 1;
    const words = this.words;
    const hashes = this.#hashes;
    const counts = this.#counts;
    let best = 1;
    let bestAt = 0;
    for (let at = 0; at < grams; at++) {
      const hash = (Math.imul(hashes[at]! ^ words[at + n - 1]!, golden) + secret) | 0;
      hashes[at] = hash;
      for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
        const first = slots[slot]! - base - 1;
        if (first < 0) {
          slots[slot] = base + at + 1;
          counts[at] = 1;
          break;
        }
        if (hashes[first] !== hash) continue;
        let index = 0;
        while (index < n && words[first + index] === words[at + index]) index++;
        if (index < n) continue;
        const count = ++counts[first]!;
        if (count > best || (count === best && first < bestAt)) {
          best = count;
          bestAt = first;
        }
        break;
      }
    }
    return (this.#points[bestAt + n]! - this.#points[bestAt]! + n - 1) * best;
  }

  /** Hashes the words joined up to `n` − 1, for `repeated`, which extends them by one word a call: n, n + 1, … */
  startRepeated(n: number): void {
    const { records } = this.#cache.words;
    for (let at = 0; at + n - 1 <= this.count; at++) {
      let hash = 0;
      for (let index = 0; index < n - 1; index++) {
        const word = this.words[at + index]! * WORD;
        hash = (Math.imul(hash, records[word + WORD_POWER]!) + records[word + WORD_HASH]!) | 0;
      }
      this.#hashes[at] = hash;
    }
  }

  /**
   * Code points of n-grams seen before, read from left to right, jumping over each one found.
   * Compared joined without spaces, as the peer does: "a bc" equals "ab c".
   */
  repeated(n: number): number {
    const grams = this.count - n + 1;
    if (grams <= 0) return 0;
    this.#extend(n, grams);
    this.#table.begin(grams);
    const { slots, base } = this.#table;
    const mask = slots.length - 1;
    const hashes = this.#hashes;
    const points = this.#points;
    let found = 0;
    let collisions = 0;
    for (let at = 0; at < grams; ) {
      const hash = hashes[at]!;
      const mixed = Math.imul(hash, golden);
      for (let slot = (mixed ^ (mixed >>> 15)) & mask; ; slot = (slot + 1) & mask) {
        const first = slots[slot]! - base - 1;
        if (first < 0) {
          slots[slot] = base + at + 1;
          at++;
          break;
        }
        if (hashes[first] !== hash) continue;
        if (this.#joinedEqual(first, at, n)) {
          found += points[at + n]! - points[at]!;
          at += n;
          break;
        }
        if (++collisions > collisionsAllowed) return this.#repeatedPlainly(n, grams);
      }
    }
    return found;
  }

  #extend(n: number, grams: number): void {
    const { records } = this.#cache.words;
    const words = this.words;
    const hashes = this.#hashes;
    for (let at = 0; at < grams; at++) {
      const word = words[at + n - 1]! * WORD;
      hashes[at] = (Math.imul(hashes[at]!, records[word + WORD_POWER]!) + records[word + WORD_HASH]!) | 0;
    }
  }

  #joinedEqual(one: number, other: number, n: number): boolean {
    let same = 0;
    while (same < n && this.words[one + same] === this.words[other + same]) same++;
    return same === n || this.#joined(one, n) === this.#joined(other, n);
  }

  #joined(at: number, n: number): string {
    const { records, pool } = this.#cache.words;
    let text = '';
    for (let index = at; index < at + n; index++) {
      const word = this.words[index]! * WORD;
      const start = records[word + POOL]!;
      const end = start + records[word + UNITS]!;
      for (let unit = start; unit < end; unit++) text += String.fromCharCode(pool[unit]!);
    }
    return text;
  }

  #repeatedPlainly(n: number, grams: number): number {
    const seen = new Set<string>();
    let found = 0;
    for (let at = 0; at < grams; ) {
      const text = this.#joined(at, n);
      if (seen.has(text)) {
        found += this.#points[at + n]! - this.#points[at]!;
        at += n;
      } else {
        seen.add(text);
        at++;
      }
    }
    return found;
  }
}

function sameUnits(text: Uint16Array, one: number, other: number, length: number): boolean {
  let index = 0;
  while (index < length && text[one + index] === text[other + index]) index++;
  return index === length;
}

/** Ranges of one text, told apart by their units. */
export class SegmentSet {
  #slots = new Int32Array(1 << 10);
  #base = 0;
  #count = 0;
  #starts = new Int32Array(1 << 9);
  #ends = new Int32Array(1 << 9);
  #hashes = new Int32Array(1 << 9);

  begin(): void {
    this.#base += this.#count;
    this.#count = 0;
    if (this.#slots.length > 1 << 16 || this.#base > 0x3fffffff) {
      this.#slots = new Int32Array(1 << 10);
      this.#starts = new Int32Array(1 << 9);
      this.#ends = new Int32Array(1 << 9);
      this.#hashes = new Int32Array(1 << 9);
      this.#base = 0;
    }
  }

  /** Whether `text[from, to)` was added before; adds it if not. `hash` must depend on the units alone. */
  seen(text: Uint16Array, from: number, to: number, hash: number): boolean {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const entry = slots[slot]! - this.#base - 1;
      if (entry < 0) break;
      if (this.#hashes[entry] !== hash) continue;
      const start = this.#starts[entry]!;
      if (this.#ends[entry]! - start === to - from && sameUnits(text, start, from, to - from)) return true;
    }
    const entry = this.#count++;
    slots[slot] = this.#base + entry + 1;
    this.#starts[entry] = from;
    this.#ends[entry] = to;
    this.#hashes[entry] = hash;
    if (this.#count === this.#starts.length) this.#grow();
    return false;
  }

  #grow(): void {
    const size = this.#starts.length * 2;
    const larger = (old: Int32Array) => {
      const next = new Int32Array(size);
      next.set(old);
      return next;
    };
    this.#starts = larger(this.#starts);
    this.#ends = larger(this.#ends);
    this.#hashes = larger(this.#hashes);
    this.#slots = new Int32Array(size * 2);
    this.#base = 0;
    const mask = size * 2 - 1;
    for (let entry = 0; entry < this.#count; entry++) {
      const hash = this.#hashes[entry]!;
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = entry + 1;
    }
  }
}
