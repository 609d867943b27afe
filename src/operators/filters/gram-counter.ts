import { type ChunkCache, TOKEN, TOKEN_START, TOKENS, UNITS } from './chunk-cache.ts';
import { largestKept, PositionTable, sameUnits, smallest } from './position-table.ts';

const golden = 0x9e3779b1 | 0;
const secret = Math.trunc(Math.random() * 0x7fffffff) | 1;

/** Different n-grams with one polynomial hash, before the plain way takes over: such texts are made, not written. */
const collisionsAllowed = 4096;

/** Words whose n-grams are counted; of a longer text the first. It bounds the memory that one text can take. */
export const wordsCounted: number = 1 << 21;

/** A repeated n-gram of at least this many units starts with this many units that repeat. */
const window = 16;

/** Hash of the `window` units from `start`, two by two: products that do not wait for one another, as those of a rolling hash do. */
function windowHash(units: Uint16Array, start: number): number {
  return (
    (Math.imul(units[start]! | (units[start + 1]! << 16), 0x9e3779b1) +
      Math.imul(units[start + 2]! | (units[start + 3]! << 16), 0x85ebca6b) +
      Math.imul(units[start + 4]! | (units[start + 5]! << 16), 0xc2b2ae35) +
      Math.imul(units[start + 6]! | (units[start + 7]! << 16), 0x27d4eb2f) +
      Math.imul(units[start + 8]! | (units[start + 9]! << 16), 0x165667b1) +
      Math.imul(units[start + 10]! | (units[start + 11]! << 16), 0x2c1b3c6d) +
      Math.imul(units[start + 12]! | (units[start + 13]! << 16), 0x297a2d39) +
      Math.imul(units[start + 14]! | (units[start + 15]! << 16), 0x1b56c4e9)) |
    0
  );
}

/** Counts the n-grams of one text's words. A hash only proposes: equality is checked on the words themselves. */
export class GramCounter {
  readonly #cache: ChunkCache;
  readonly #table = new PositionTable();
  /** Of every word, in order: number, code points, polynomial hash, base to the power of its units. */
  #words = new Int32Array(smallest);
  #points = new Int32Array(smallest + 1);
  #polynomials = new Int32Array(smallest);
  #powers = new Int32Array(smallest);
  /** The words joined, and where each starts. */
  #joined = new Uint16Array(smallest * 8);
  #starts = new Int32Array(smallest + 1);
  #count = 0;
  /** No more words are counted. */
  full = false;
  #hashes = new Int32Array(smallest);
  #counts = new Int32Array(smallest);
  /** Positions that may start a repeated n-gram. */
  #marks = new Uint8Array(smallest);
  #candidates = new Int32Array(smallest);
  #candidateCount = 0;

  constructor(cache: ChunkCache) {
    this.#cache = cache;
  }

  begin(): void {
    this.#count = 0;
    this.full = false;
    this.#points[0] = 0;
    this.#starts[0] = 0;
    if (this.#words.length > largestKept) this.#resize(smallest, smallest * 8);
    else if (this.#joined.length > largestKept * 8) this.#resize(this.#words.length, smallest * 8);
  }

  /** Appends the words of a chunk, by its record. */
  push(record: number): void {
    const { data, text } = this.#cache;
    const tokens = data[record + TOKENS]!;
    if (this.full) return;
    if (this.#count + tokens > wordsCounted) {
      this.full = true;
      return;
    }
    const units = data[record + UNITS]!;
    let position = this.#count;
    let start = this.#starts[position]!;
    if (position + tokens > this.#words.length || start + units > this.#joined.length) {
      this.#resize(
        Math.max(this.#words.length * (position + tokens > this.#words.length ? 2 : 1), position + tokens),
        Math.max(this.#joined.length * (start + units > this.#joined.length ? 2 : 1), start + units),
      );
    }
    const end = record + TOKEN_START + tokens * TOKEN;
    const joined = this.#joined;
    for (let index = 0, from = end * 2; index < units; index++) joined[start + index] = text[from + index]!;
    const words = this.#words;
    const allPoints = this.#points;
    const polynomials = this.#polynomials;
    const powers = this.#powers;
    const starts = this.#starts;
    let points = allPoints[position]!;
    for (let at = record + TOKEN_START; at < end; at += TOKEN) {
      words[position] = data[at]!;
      points += data[at + 1]!;
      start += data[at + 2]!;
      polynomials[position] = data[at + 3]!;
      powers[position] = data[at + 4]!;
      position++;
      allPoints[position] = points;
      starts[position] = start;
    }
    this.#count = position;
  }

  #resize(words: number, units: number): void {
    const sized = (old: Int32Array, length: number) => {
      const next = new Int32Array(length);
      next.set(old.subarray(0, Math.min(old.length, length)));
      return next;
    };
    if (words !== this.#words.length) {
      this.#words = sized(this.#words, words);
      this.#points = sized(this.#points, words + 1);
      this.#polynomials = sized(this.#polynomials, words);
      this.#powers = sized(this.#powers, words);
      this.#starts = sized(this.#starts, words + 1);
      this.#hashes = new Int32Array(words);
      this.#counts = new Int32Array(words);
      this.#marks = new Uint8Array(words);
      this.#candidates = new Int32Array(words);
    }
    if (units === this.#joined.length) return;
    const joined = new Uint16Array(units);
    joined.set(this.#joined.subarray(0, Math.min(this.#joined.length, units)));
    this.#joined = joined;
  }

  /**
   * For n = 2, 3, 4: code points of the commonest n-gram, spaces between its words included, times its count; of equals
   * the first.
   */
  top(): [number, number, number] {
    this.#marks.fill(1, 0, this.#count);
    for (let at = 0; at < this.#count; at++) this.#hashes[at] = Math.imul(this.#words[at]! ^ secret, golden);
    return [this.#top(2), this.#top(3), this.#top(4)];
  }

  /** `#hashes` holds those of the (n − 1)-grams, `#marks` which of them repeat: only these can start an n-gram that does. */
  #top(n: number): number {
    const grams = this.#count - n + 1;
    if (grams <= 0) return 0;
    this.#table.begin(grams);
    const { slots, base } = this.#table;
    const mask = slots.length - 1;
    const words = this.#words;
    const hashes = this.#hashes;
    const counts = this.#counts;
    const marks = this.#marks;
    let best = 1;
    let bestAt = 0;
    for (let at = 0; at < grams; at++) {
      if (marks[at] === 0 || marks[at + 1] === 0) {
        marks[at] = 0;
        continue;
      }
      // Position `at` has been read, `at + 1` not yet: the mark may now speak of n-grams.
      marks[at] = 0;
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
        marks[first] = 1;
        marks[at] = 1;
        const count = ++counts[first]!;
        if (count > best || (count === best && first < bestAt)) {
          best = count;
          bestAt = first;
        }
        break;
      }
    }
    // The last (n − 1)-gram starts no n-gram.
    marks[grams] = 0;
    return (this.#points[bestAt + n]! - this.#points[bestAt]! + n - 1) * best;
  }

  /**
   * For n = 5 to 10: code points of n-grams seen before, read from left to right, jumping over each one found.
   * Compared joined without spaces, as the peer does: "a bc" equals "ab c".
   */
  repeated(): number[] {
    this.#findCandidates();
    return [5, 6, 7, 8, 9, 10].map((n) => this.#repeated(n));
  }

  /**
   * Equal n-grams of 16 units or more start with the same 16 units; shorter ones have first five words of fewer than 16.
   * Positions for which neither holds start nothing that repeats: on prose, nine in ten.
   */
  #findCandidates(): void {
    const last = this.#count - 5;
    this.#candidateCount = 0;
    if (last < 0) return;
    const starts = this.#starts;
    const joined = this.#joined;
    const hashes = this.#hashes;
    const marks = this.#marks;
    const end = starts[this.#count]!;
    this.#table.begin(last + 1);
    const { slots, base } = this.#table;
    const mask = slots.length - 1;
    for (let at = 0; at <= last; at++) {
      const start = starts[at]!;
      marks[at] = starts[at + 5]! - start < window ? 1 : 0;
      if (start + window > end) continue;
      const hash = Math.imul(windowHash(joined, start), golden);
      hashes[at] = hash;
      for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
        const first = slots[slot]! - base - 1;
        if (first < 0) {
          slots[slot] = base + at + 1;
          break;
        }
        // Equal hashes are enough: a mark too many costs time and nothing else.
        if (hashes[first] !== hash) continue;
        marks[first] = 1;
        marks[at] = 1;
        break;
      }
    }
    for (let at = 0; at <= last; at++) if (marks[at] === 1) this.#candidates[this.#candidateCount++] = at;
  }

  #repeated(n: number): number {
    const grams = this.#count - n + 1;
    const candidates = this.#candidates;
    const candidateCount = this.#candidateCount;
    if (grams <= 0 || candidateCount === 0) return 0;
    this.#table.begin(this.#count);
    const { slots, base } = this.#table;
    const mask = slots.length - 1;
    const hashes = this.#hashes;
    const points = this.#points;
    let found = 0;
    let collisions = 0;
    let next = 0;
    for (let index = 0; index < candidateCount; index++) {
      const at = candidates[index]!;
      if (at < next) continue;
      if (at >= grams) break;
      const hash = this.#joinedHash(at, n);
      hashes[at] = hash;
      const mixed = Math.imul(hash, golden);
      for (let slot = (mixed ^ (mixed >>> 15)) & mask; ; slot = (slot + 1) & mask) {
        const first = slots[slot]! - base - 1;
        if (first < 0) {
          slots[slot] = base + at + 1;
          break;
        }
        if (hashes[first] !== hash) continue;
        if (this.#joinedEqual(first, at, n)) {
          found += points[at + n]! - points[at]!;
          next = at + n;
          break;
        }
        if (++collisions > collisionsAllowed) return this.#repeatedPlainly(n, grams);
      }
    }
    return found;
  }

  #joinedHash(at: number, n: number): number {
    let hash = 0;
    for (let index = at; index < at + n; index++)
      hash = (Math.imul(hash, this.#powers[index]!) + this.#polynomials[index]!) | 0;
    return hash;
  }

  #joinedEqual(one: number, other: number, n: number): boolean {
    const length = this.#starts[one + n]! - this.#starts[one]!;
    if (this.#starts[other + n]! - this.#starts[other]! !== length) return false;
    return sameUnits(this.#joined, this.#starts[one]!, this.#starts[other]!, length);
  }

  #repeatedPlainly(n: number, grams: number): number {
    const seen = new Set<string>();
    let found = 0;
    for (let at = 0; at < grams; ) {
      const bytes = Buffer.from(
        this.#joined.buffer,
        this.#starts[at]! * 2,
        (this.#starts[at + n]! - this.#starts[at]!) * 2,
      );
      const text = bytes.toString('utf16le');
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
