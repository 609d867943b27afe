import { bmpClasses, classesOf, LETTER, PUNCTUATION, SENTENCE_END, SPACE, SYMBOL } from './character-classes.ts';
import { countEllipses, countUnits, flagsOf, HAS_MERGE } from './chunk-flags.ts';
import { mergeNeighbours } from './merge-neighbours.ts';
import { exceptionSpans, selectSpans, type Span, splitChunk } from './spacy-tokenizer.ts';
import { exceptions } from './spacy-exceptions.ts';
import { hashStart, hashStep, hashUnits, OWN, TextTable, UNITS as WORD_UNITS } from './text-table.ts';

/**
 * What the rules need to know of a chunk (a run without white space), worked out when it is first seen and then read from one
 * record: counts over its tokens, what it means at either end of a line, its tokens, its text. All of a record lies together,
 * because what a known chunk costs is the memory that it touches.
 */
const HASH = 0;
/** UTF-16 units. */
export const UNITS = 1;
/** Code points. */
export const POINTS = 2;
export const FLAGS = 3;
export const TOKENS = 4;
/** Tokens that are not only punctuation, and their code points. */
export const REAL_WORDS = 5;
export const REAL_POINTS = 6;
export const LETTER_WORDS = 7;
export const STOP_WORDS = 8;
export const HASHES = 9;
export const ELLIPSES = 10;
/** Sentences that start in the chunk, times two, plus one when the last has ended; for a line that is inside a sentence … */
export const INSIDE = 11;
/** … and for one whose sentence has just ended. */
export const ENDED = 12;
/** Where the tokens start; behind them lie the chunk's units, two an integer. */
export const TOKEN_START = 13;
/** Integers a token: its word's number, code points, units, polynomial hash, the base to the power of the units. */
export const TOKEN = 5;

/** A word's record: the integers of a token without the first, then its properties. */
const WORD = 8;
const WORD_POINTS = OWN;
const WORD_HASH = OWN + 1;
const WORD_POWER = OWN + 2;
const WORD_BITS = OWN + 3;
const IS_REAL = 1;
const HAS_LETTER = 2;
const IS_END = 4;
const IS_PUNCTUATION = 8;

const base = 0x2c1b3c6d;
const stopWords = ['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with'];

const chunksKept = 1 << 18;
const integersKept = 1 << 23;
const unitsKept = 1 << 22;
const firstSlots = 1 << 15;
const ahead = 512;

const blank: Uint8Array = Uint8Array.from(bmpClasses, (classes) => classes & SPACE);

export class ChunkCache {
  /** The records; `text` is the same memory by units. A record is known by where it starts. */
  data = new Int32Array(1 << 18);
  text = new Uint16Array(this.data.buffer);
  readonly words = new TextTable(WORD, 1 << 13);
  /** Pairs of a hash and the start of a record; 0 is nobody's start. */
  #slots = new Int32Array(firstSlots * 2);
  #count = 0;
  #end = 1;
  readonly #whitespace: boolean;

  constructor(tokens: 'spacy' | 'whitespace') {
    this.#whitespace = tokens === 'whitespace';
  }

  /** Forgets everything when too much is held. Word numbers stay valid between two calls. */
  bound(): void {
    const { words } = this;
    if (this.#count < chunksKept && this.#end < integersKept && words.count < chunksKept && words.poolUnits < unitsKept)
      return;
    words.clear();
    if (this.data.length > integersKept) {
      this.data = new Int32Array(1 << 18);
      this.text = new Uint16Array(this.data.buffer);
    }
    if (this.#slots.length > chunksKept * 4) this.#slots = new Int32Array(firstSlots * 2);
    else this.#slots.fill(0);
    this.#count = 0;
    this.#end = 1;
  }

  /** Of the chunks found by `lookAhead`: end, hash, record (0: not known). */
  readonly ends = new Int32Array(ahead);
  readonly hashes = new Int32Array(ahead);
  readonly found = new Int32Array(ahead);
  /** Keeps loads from being left out as unused. */
  touched = 0;

  /**
   * Looks the next chunks up, a few hundred at once, from `units[from]` where one starts. Returns how many. Lookups wait for
   * memory; those that do not depend on each other wait together, which one lookup after the other would not.
   */
  lookAhead(units: Uint16Array, from: number, end: number): number {
    const { ends, hashes, found, data } = this;
    const slots = this.#slots;
    const mask = slots.length / 2 - 1;
    let count = 0;
    for (let at = from; at < end && count < ahead; ) {
      let unit = units[at]!;
      if (blank[unit] !== 0) {
        at++;
        continue;
      }
      let hash = hashStart;
      do {
        hash = Math.imul(hash ^ unit, hashStep);
        unit = ++at < end ? units[at]! : 0x20;
      } while (blank[unit] === 0);
      ends[count] = at;
      hashes[count++] = hash;
    }
    for (let index = 0; index < count; index++) {
      const slot = (hashes[index]! ^ (hashes[index]! >>> 15)) & mask;
      found[index] = slots[slot * 2] === hashes[index] ? slots[slot * 2 + 1]! : 0;
    }
    let touched = 0;
    for (let index = 0; index < count; index++)
      touched += data[found[index]!]! + data[found[index]! + TOKEN_START + 1]!;
    this.touched = touched | 0;
    return count;
  }

  /** Record of the chunk `units[from, to)`, worked out if need be; `guess` is what `lookAhead` found. */
  record(guess: number, text: string, units: Uint16Array, from: number, to: number, hash: number): number {
    if (guess !== 0 && this.#holds(guess, units, from, to)) return guess;
    const record = this.find(units, from, to, hash);
    return record === 0 ? this.learn(text.slice(from, to), units, from, hash) : record;
  }

  /** Start of the record of the chunk `units[from, to)`, 0 when it is not known. */
  find(units: Uint16Array, from: number, to: number, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length / 2 - 1;
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const record = slots[slot * 2 + 1]!;
      if (record === 0) return 0;
      if (slots[slot * 2] === hash && this.#holds(record, units, from, to)) return record;
    }
  }

  #holds(record: number, units: Uint16Array, from: number, to: number): boolean {
    const { data, text } = this;
    const length = to - from;
    if (data[record + UNITS] !== length) return false;
    const start = (record + TOKEN_START + data[record + TOKENS]! * TOKEN) * 2;
    let index = 0;
    while (index < length && text[start + index] === units[from + index]) index++;
    return index === length;
  }

  /** Works out a chunk that `find` did not find at `units[from]`. Returns the start of its record. */
  learn(chunk: string, units: Uint16Array, from: number, hash: number): number {
    const tokens = splitChunk(chunk);
    const spans = tokens.length > 1 ? exceptionSpans(tokens) : [];
    const merged = spans.length > 0 ? mergeSpans(tokens, spans) : tokens;
    // Most sequences are the tokens of an exception that nothing had cut ("it", "'s"): no merge that a neighbour could block.
    const changed = merged.length !== tokens.length || merged.some((token, index) => token !== tokens[index]);
    const record = this.#record(chunk, units, from, merged, changed);
    const start = (record + TOKEN_START + this.data[record + TOKENS]! * TOKEN) * 2;
    for (let index = 0; index < chunk.length; index++) this.text[start + index] = units[from + index]!;
    this.data[record + HASH] = hash;
    this.#count++;
    if (this.#count * 2 > this.#slots.length / 2) this.#growSlots();
    this.#insert(hash, record);
    return record;
  }

  /** Record of a chunk `text[from, to)` with a merge, seen with its neighbours. Theirs are rare enough to be made anew every time. */
  inContext(record: number, text: string, units: Uint16Array, from: number, to: number): number {
    const tokens = mergeNeighbours(text, from, to);
    if (tokens === undefined) return record;
    this.#count++;
    return this.#record(text.slice(from, to), units, from, tokens, true);
  }

  #insert(hash: number, record: number): void {
    const slots = this.#slots;
    const mask = slots.length / 2 - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    while (slots[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
    slots[slot * 2] = hash;
    slots[slot * 2 + 1] = record;
  }

  #growSlots(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2);
    for (let slot = 0; slot < old.length; slot += 2) if (old[slot + 1] !== 0) this.#insert(old[slot]!, old[slot + 1]!);
  }

  /** The tokens, one after another, are the chunk: their units lie at `units[from]`. */
  #record(chunk: string, units: Uint16Array, from: number, tokens: readonly string[], merge: boolean): number {
    const record = this.#end;
    const count = this.#whitespace ? 1 : tokens.length;
    this.#end += TOKEN_START + Math.max(count, tokens.length) * TOKEN + ((chunk.length + 1) >> 1);
    this.#reserve();
    const { data } = this;
    let at = from;
    for (let index = 0; index < tokens.length; index++) {
      this.#pushToken(record, index, this.#word(tokens[index]!, units, at));
      at += tokens[index]!.length;
    }
    data[record + INSIDE] = this.#sentences(record, tokens.length, false);
    data[record + ENDED] = this.#sentences(record, tokens.length, true);
    if (this.#whitespace) this.#pushToken(record, 0, this.#word(chunk, units, from));
    this.#sumUp(record, count);
    data[record + UNITS] = chunk.length;
    data[record + FLAGS] = flagsOf(chunk) | (merge ? HAS_MERGE : 0);
    data[record + TOKENS] = count;
    data[record + HASHES] = countUnits(chunk, 0x23);
    data[record + ELLIPSES] = countEllipses(chunk);
    return record;
  }

  #reserve(): void {
    if (this.#end <= this.data.length) return;
    let size = this.data.length;
    while (size < this.#end) size *= 2;
    const data = new Int32Array(size);
    data.set(this.data);
    this.data = data;
    this.text = new Uint16Array(data.buffer);
  }

  #pushToken(record: number, index: number, word: number): void {
    const { data } = this;
    const { records } = this.words;
    const at = record + TOKEN_START + index * TOKEN;
    data[at] = word;
    data[at + 1] = records[word * WORD + WORD_POINTS]!;
    data[at + 2] = records[word * WORD + WORD_UNITS]!;
    data[at + 3] = records[word * WORD + WORD_HASH]!;
    data[at + 4] = records[word * WORD + WORD_POWER]!;
  }

  #bits(record: number, index: number): number {
    return this.words.records[this.data[record + TOKEN_START + index * TOKEN]! * WORD + WORD_BITS]!;
  }

  #sumUp(record: number, count: number): void {
    const { data } = this;
    let real = 0;
    let realPoints = 0;
    let letters = 0;
    let stops = 0;
    let points = 0;
    for (let index = 0; index < count; index++) {
      const bits = this.#bits(record, index);
      const wordPoints = data[record + TOKEN_START + index * TOKEN + 1]!;
      points += wordPoints;
      if (bits & IS_REAL) {
        real++;
        realPoints += wordPoints;
      }
      if (bits & HAS_LETTER) letters++;
      stops |= bits >> 8;
    }
    data[record + POINTS] = points;
    data[record + REAL_WORDS] = real;
    data[record + REAL_POINTS] = realPoints;
    data[record + LETTER_WORDS] = letters;
    data[record + STOP_WORDS] = stops;
  }

  #sentences(record: number, count: number, endedBefore: boolean): number {
    let ended = endedBefore;
    let sentences = 0;
    for (let index = 0; index < count; index++) {
      const bits = this.#bits(record, index);
      if (bits & IS_END) ended = true;
      else if (ended && !(bits & IS_PUNCTUATION)) {
        sentences++;
        ended = false;
      }
    }
    return sentences * 2 + (ended ? 1 : 0);
  }

  /** Number of the word `token`, which lies at `units[from]`. */
  #word(token: string, units: Uint16Array, from: number): number {
    const to = from + token.length;
    const hash = hashUnits(units, from, to);
    const found = this.words.find(units, from, to, hash);
    if (found >= 0) return found;
    const id = this.words.add(units, from, to, hash);
    let points = 0;
    let bits = 0;
    let every = -1;
    for (const character of token) {
      const classes = classesOf(character.codePointAt(0)!);
      points++;
      every &= classes;
      if (!(classes & SYMBOL)) bits |= IS_REAL;
      if (classes & LETTER) bits |= HAS_LETTER;
    }
    if (points === 1 && every & SENTENCE_END) bits |= IS_END;
    if (every & PUNCTUATION) bits |= IS_PUNCTUATION;
    const stop = stopWords.indexOf(token);
    if (stop >= 0) bits |= 1 << (8 + stop);
    let polynomial = 0;
    let power = 1;
    for (let index = from; index < to; index++) {
      polynomial = (Math.imul(polynomial, base) + units[index]! + 1) | 0;
      power = Math.imul(power, base);
    }
    const record = id * WORD;
    const { records } = this.words;
    records[record + WORD_POINTS] = points;
    records[record + WORD_HASH] = polynomial;
    records[record + WORD_POWER] = power;
    records[record + WORD_BITS] = bits;
    return id;
  }
}

/** Puts exceptions together again that affixes and infixes of this chunk had cut. */
function mergeSpans(tokens: readonly string[], spans: readonly Span[]): string[] {
  const merged: string[] = [];
  let index = 0;
  for (const span of selectSpans(spans)) {
    while (index < span.start) merged.push(tokens[index++]!);
    const exception = exceptions.get(tokens.slice(span.start, span.end).join(''));
    for (const token of exception ?? tokens.slice(span.start, span.end)) merged.push(token);
    index = span.end;
  }
  while (index < tokens.length) merged.push(tokens[index++]!);
  return merged;
}
