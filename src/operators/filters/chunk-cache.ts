import { classesOf, LETTER, PUNCTUATION, SENTENCE_END, SYMBOL, TERMINAL } from './character-classes.ts';
import { exceptionSpans, selectSpans, splitChunk } from './spacy-tokenizer.ts';
import { exceptions } from './spacy-exceptions.ts';
import { hashUnits, OWN, TextTable, UnitBuffer } from './text-table.ts';

/**
 * What the rules need to know of a chunk (a run without white space), worked out when it is first seen and then read from
 * one record of sixteen integers, a cache line: tokens, counts over them, and what it means at either end of a line.
 */
export const CHUNK = 16;
/** Code points. */
export const POINTS = OWN;
export const FLAGS = OWN + 1;
export const TOKEN_START = OWN + 2;
export const TOKENS = OWN + 3;
/** Tokens that are not only punctuation, and their code points. */
export const REAL_WORDS = OWN + 4;
export const REAL_POINTS = OWN + 5;
export const LETTER_WORDS = OWN + 6;
export const STOP_WORDS = OWN + 7;
export const HASHES = OWN + 8;
export const ELLIPSES = OWN + 9;
/** Sentences that start in the chunk, times two, plus one when the last has ended; for a line that is inside a sentence … */
export const INSIDE = OWN + 10;
/** … and for one whose sentence has just ended. */
export const ENDED = OWN + 11;

export const STARTS_BULLET = 1;
export const ENDS_ELLIPSIS = 2;
/** Ends in . ? ! " or ' and not in an ellipsis. */
export const ENDS_C4 = 4;
export const ENDS_TERMINAL = 8;
export const HAS_CURLY = 16;
export const HAS_BRACKET = 32;
export const HAS_JAVASCRIPT = 64;
/** Holds tokens that were put together again: its neighbours may have a say. */
export const HAS_MERGE = 128;

/** Phrases reach over chunks: what this chunk may continue, and what it leaves open for the next. */
export const MEETS_IPSUM = 1 << 8;
export const MEETS_OF = 1 << 9;
export const MEETS_USE = 1 << 10;
export const MEETS_POLICY = 1 << 11;
export const MEETS_COOKIES = 1 << 12;
export const LEAVES_LOREM = 1 << 13;
export const LEAVES_TERMS = 1 << 14;
export const LEAVES_POLICY = 1 << 15;
export const LEAVES_USES = 1 << 16;
export const LEAVES_USE = 1 << 17;
export const PHRASES = 0x3ff00;

/** A word's record: code points, polynomial hash and its base to the power of the units, properties. */
export const WORD = 8;
export const WORD_POINTS = OWN;
export const WORD_HASH = OWN + 1;
export const WORD_POWER = OWN + 2;
const WORD_BITS = OWN + 3;
const IS_REAL = 1;
const HAS_LETTER = 2;
const IS_END = 4;
const IS_PUNCTUATION = 8;

const base = 0x2c1b3c6d;
const stopWords = ['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with'];

const chunksKept = 1 << 17;
const unitsKept = 1 << 22;

export class ChunkCache {
  readonly chunks = new TextTable(CHUNK, 1 << 13);
  readonly words = new TextTable(WORD, 1 << 13);
  /** Word numbers of the chunks' tokens, one chunk after the other. */
  tokens = new Int32Array(1 << 14);
  #tokenEnd = 0;
  readonly #buffer = new UnitBuffer();
  readonly #whitespace: boolean;

  constructor(tokens: 'spacy' | 'whitespace') {
    this.#whitespace = tokens === 'whitespace';
  }

  /** Call between texts: numbers stay valid within one. */
  bound(): void {
    const { chunks, words } = this;
    if (
      chunks.count < chunksKept &&
      chunks.poolUnits < unitsKept &&
      words.count < chunksKept &&
      words.poolUnits < unitsKept
    )
      return;
    chunks.clear();
    words.clear();
    if (this.tokens.length > chunksKept * 4) this.tokens = new Int32Array(1 << 14);
    this.#tokenEnd = 0;
  }

  /** Works out a chunk that `chunks.find` did not find at `units[from]`. Returns its number. */
  learn(chunk: string, units: Uint16Array, from: number, hash: number): number {
    const tokens = splitChunk(chunk);
    const id = this.chunks.add(units, from, from + chunk.length, hash);
    this.#fill(id, chunk, mergeWithin(tokens), tokens.length > 1 && exceptionSpans(tokens).length > 0);
    return id;
  }

  /** A chunk whose tokens its neighbours change. Found again by nobody: such chunks are rare. */
  learnVariant(chunk: string, tokens: readonly string[]): number {
    const id = this.chunks.append(this.#buffer.load(chunk), 0, chunk.length, 0);
    this.#fill(id, chunk, tokens, true);
    return id;
  }

  #fill(id: number, chunk: string, tokens: readonly string[], merge: boolean): void {
    const record = id * CHUNK;
    const start = this.#tokenEnd;
    for (const token of tokens) this.#pushToken(this.#word(token));
    const sentences = this.#sentences(start);
    if (this.#whitespace) {
      this.#tokenEnd = start;
      this.#pushToken(this.#word(chunk));
    }
    let real = 0;
    let realPoints = 0;
    let letters = 0;
    let stops = 0;
    let points = 0;
    for (let index = start; index < this.#tokenEnd; index++) {
      const word = this.tokens[index]! * WORD;
      const bits = this.words.records[word + WORD_BITS]!;
      const wordPoints = this.words.records[word + WORD_POINTS]!;
      points += wordPoints;
      if (bits & IS_REAL) {
        real++;
        realPoints += wordPoints;
      }
      if (bits & HAS_LETTER) letters++;
      stops |= bits >> 8;
    }
    const { records } = this.chunks;
    records[record + POINTS] = points;
    records[record + FLAGS] = flagsOf(chunk) | (merge ? HAS_MERGE : 0);
    records[record + TOKEN_START] = start;
    records[record + TOKENS] = this.#tokenEnd - start;
    records[record + REAL_WORDS] = real;
    records[record + REAL_POINTS] = realPoints;
    records[record + LETTER_WORDS] = letters;
    records[record + STOP_WORDS] = stops;
    records[record + HASHES] = countUnits(chunk, 0x23);
    records[record + ELLIPSES] = countEllipses(chunk);
    records[record + INSIDE] = sentences.inside;
    records[record + ENDED] = sentences.ended;
  }

  #pushToken(word: number): void {
    if (this.#tokenEnd === this.tokens.length) {
      const tokens = new Int32Array(this.tokens.length * 2);
      tokens.set(this.tokens);
      this.tokens = tokens;
    }
    this.tokens[this.#tokenEnd++] = word;
  }

  #word(token: string): number {
    const units = this.#buffer.load(token);
    const hash = hashUnits(units, 0, token.length);
    const found = this.words.find(units, 0, token.length, hash);
    if (found >= 0) return found;
    const id = this.words.add(units, 0, token.length, hash);
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
    for (let index = 0; index < token.length; index++) {
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

  #sentences(start: number): { inside: number; ended: number } {
    const run = (ended: boolean): number => {
      let count = 0;
      for (let index = start; index < this.#tokenEnd; index++) {
        const bits = this.words.records[this.tokens[index]! * WORD + WORD_BITS]!;
        if (bits & IS_END) ended = true;
        else if (ended && !(bits & IS_PUNCTUATION)) {
          count++;
          ended = false;
        }
      }
      return count * 2 + (ended ? 1 : 0);
    };
    return { inside: run(false), ended: run(true) };
  }
}

/** Puts exceptions together again that affixes and infixes of this chunk had cut. */
function mergeWithin(tokens: string[]): readonly string[] {
  if (tokens.length === 1) return tokens;
  const spans = exceptionSpans(tokens);
  if (spans.length === 0) return tokens;
  const merged: string[] = [];
  let index = 0;
  for (const span of selectSpans(spans)) {
    while (index < span.start) merged.push(tokens[index++]!);
    const exception = exceptions.get(tokens.slice(span.start, span.end).join(''));
    merged.push(...(exception ?? tokens.slice(span.start, span.end)));
    index = span.end;
  }
  while (index < tokens.length) merged.push(tokens[index++]!);
  return merged;
}

function countUnits(chunk: string, unit: number): number {
  let count = 0;
  for (let index = 0; index < chunk.length; index++) if (chunk.charCodeAt(index) === unit) count++;
  return count;
}

/** "…", and "..." without overlap. */
function countEllipses(chunk: string): number {
  let count = 0;
  let stops = 0;
  for (let index = 0; index < chunk.length; index++) {
    const unit = chunk.charCodeAt(index);
    if (unit === 0x2026) count++;
    stops = unit === 0x2e ? stops + 1 : 0;
    if (stops === 3) {
      count++;
      stops = 0;
    }
  }
  return count;
}

function flagsOf(chunk: string): number {
  let flags = 0;
  const first = chunk.charCodeAt(0);
  if (first === 0x2d || first === 0x2022) flags |= STARTS_BULLET;
  const three = chunk.endsWith('...');
  if (three || chunk.endsWith('…')) flags |= ENDS_ELLIPSIS;
  if (!three && '.?!"\''.includes(chunk.charAt(chunk.length - 1))) flags |= ENDS_C4;
  const last = chunk.charCodeAt(chunk.length - 1);
  const wide = last >= 0xdc00 && last <= 0xdfff && chunk.length > 1;
  if (classesOf(wide ? chunk.codePointAt(chunk.length - 2)! : last) & TERMINAL) flags |= ENDS_TERMINAL;
  if (chunk.includes('{')) flags |= HAS_CURLY;
  if (chunk.includes('[')) flags |= HAS_BRACKET;
  const lower = chunk.toLowerCase();
  if (lower.includes('javascript')) flags |= HAS_JAVASCRIPT;
  if (lower.startsWith('ipsum')) flags |= MEETS_IPSUM;
  if (lower === 'of') flags |= MEETS_OF;
  if (lower.startsWith('use')) flags |= MEETS_USE;
  if (lower.startsWith('policy')) flags |= MEETS_POLICY;
  if (lower.startsWith('cookies')) flags |= MEETS_COOKIES;
  if (lower.endsWith('lorem')) flags |= LEAVES_LOREM;
  if (lower.endsWith('terms')) flags |= LEAVES_TERMS;
  if (lower.endsWith('privacy') || lower.endsWith('cookie')) flags |= LEAVES_POLICY;
  if (lower.endsWith('uses')) flags |= LEAVES_USES;
  if (lower.endsWith('use')) flags |= LEAVES_USE;
  return flags;
}
