import { classesOf, LETTER, PUNCTUATION, SENTENCE_END, SYMBOL } from './character-classes.ts';
import { countEllipses, countUnits, flagsOf, HAS_MERGE } from './chunk-flags.ts';
import { tokensOf } from './chunk-tokens.ts';
import { mergeNeighbours } from './merge-neighbours.ts';
import {
  ELLIPSES,
  ENDED,
  FLAGS,
  FROM,
  HASH,
  HASHES,
  INSIDE,
  LETTER_WORDS,
  POINTS,
  REAL_POINTS,
  REAL_WORDS,
  type ScanKernel,
  SLOT,
  TO,
  TOKEN,
  TOKENS,
  TOKENS_AT,
  UNITS,
} from './scan-kernel.ts';
import { hashUnits, OWN, TextTable } from './text-table.ts';

/** A word's record: code points and properties behind what the table keeps. */
const WORD = OWN + 2;
const WORD_POINTS = OWN;
const WORD_BITS = OWN + 1;
const IS_REAL = 1;
const HAS_LETTER = 2;
const IS_END = 4;
const IS_PUNCTUATION = 8;
/** From here up a bit for each stop word, in words and in flags. */
export const STOP_BIT = 24;

const stopWords = ['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with'];

/** Words with their properties, and their units all together. */
const wordsKept = 1 << 18;
const unitsKept = 1 << 22;

/** Where what lies in a chunk's record, in bytes: see kernels/assembly/chunks.ts. */
const RECORD_HASH = 16;
const RECORD_FLAGS = 20;
const RECORD_SENTENCES = 24;
const RECORD_COUNTS = 28;
const RECORD_EXTRA = 36;
const RECORD_TOKENS = 40;
const UNITS_INSIDE = 8;
const TOKENS_INSIDE = 2;
const COUNTS = 8;

/**
 * What the rules need to know of a chunk (a run without white space): counts over its tokens, what it means at either end of a line, its tokens. It is
 * worked out here when the chunk is first met, and kept where the kernel finds it.
 */
export class ChunkCache {
  readonly #kernel: ScanKernel;
  readonly #whitespace: boolean;
  readonly #words = new TextTable(WORD, 1 << 13);
  readonly #mostChunks: number;
  /** Addresses: the records, and what finds no room in them. */
  readonly #slots: number;
  readonly #extra: number;
  readonly #extraEnd: number;
  #extraAt: number;
  #chunks = 0;

  constructor(kernel: ScanKernel, tokens: 'spacy' | 'whitespace') {
    const { CHUNK_EXTRA, CHUNK_EXTRA_BYTES, CHUNK_SLOT_BITS, CHUNK_SLOTS } = kernel.run;
    this.#kernel = kernel;
    this.#whitespace = tokens === 'whitespace';
    this.#mostChunks = 0.75 * 2 ** Number(CHUNK_SLOT_BITS.value);
    this.#slots = Number(CHUNK_SLOTS.value);
    this.#extra = this.#extraAt = Number(CHUNK_EXTRA.value);
    this.#extraEnd = this.#extra + Number(CHUNK_EXTRA_BYTES.value);
  }

  /** Forgets everything when too many words are held. Word numbers stay valid between two calls. */
  bound(): void {
    if (this.#words.count >= wordsKept || this.#words.poolUnits >= unitsKept) this.clear();
  }

  clear(): void {
    this.#words.clear();
    this.#clearChunks();
  }

  #clearChunks(): void {
    const { bytes, state } = this.#kernel;
    bytes.fill(0, this.#slots, this.#extra);
    state[SLOT] = 0;
    this.#chunks = 0;
    this.#extraAt = this.#extra;
  }

  /** Gives the kernel the chunk that it does not know, and keeps it. */
  learn(text: string): void {
    const { state } = this.#kernel;
    const from = state[FROM]!;
    const to = state[TO]!;
    const chunk = text.slice(from, to);
    const { tokens, merged } = tokensOf(chunk);
    this.#give(chunk, from, tokens, merged);
    if (state[SLOT] !== 0) this.#keep();
    const inContext = merged ? mergeNeighbours(text, from, to) : undefined;
    if (inContext) this.#give(chunk, from, inContext, true);
  }

  /** Gives the kernel the known chunk with a merge, as it is between its neighbours. Returns false when they change nothing. */
  relearn(text: string): boolean {
    const { state } = this.#kernel;
    const from = state[FROM]!;
    const to = state[TO]!;
    const tokens = mergeNeighbours(text, from, to);
    if (tokens) this.#give(text.slice(from, to), from, tokens, true);
    return tokens !== undefined;
  }

  /** The tokens, one after another, are the chunk, which lies at unit `from` of the text. */
  #give(chunk: string, from: number, tokens: readonly string[], merged: boolean): void {
    const { given } = this.#kernel;
    let at = from;
    for (let index = 0; index < tokens.length; index++) {
      this.#giveToken(index, this.#word(tokens[index]!, at));
      at += tokens[index]!.length;
    }
    given[INSIDE] = this.#sentences(tokens.length, false);
    given[ENDED] = this.#sentences(tokens.length, true);
    if (this.#whitespace) this.#giveToken(0, this.#word(chunk, from));
    const stops = this.#sumUp(this.#whitespace ? 1 : tokens.length);
    given[FLAGS] = flagsOf(chunk) | (merged ? HAS_MERGE : 0) | stops;
    given[UNITS] = chunk.length;
    given[HASHES] = countUnits(chunk, 0x23);
    given[ELLIPSES] = countEllipses(chunk);
  }

  #giveToken(index: number, word: number): void {
    const { integers, given } = this.#kernel;
    const { records } = this.#words;
    const at = (given[TOKENS_AT]! >>> 2) + index * TOKEN;
    integers[at] = word;
    integers[at + 1] = this.#words.unitsOf(word);
    integers[at + 2] = records[word * WORD + WORD_POINTS]!;
  }

  #bits(index: number): number {
    const { integers, given } = this.#kernel;
    return this.#words.records[integers[(given[TOKENS_AT]! >>> 2) + index * TOKEN]! * WORD + WORD_BITS]!;
  }

  /** Returns the bits of the stop words among the tokens. */
  #sumUp(count: number): number {
    const { integers, given } = this.#kernel;
    given.fill(0, POINTS, COUNTS);
    given[TOKENS] = count;
    let stops = 0;
    for (let index = 0; index < count; index++) {
      const bits = this.#bits(index);
      const points = integers[(given[TOKENS_AT]! >>> 2) + index * TOKEN + 2]!;
      given[POINTS]! += points;
      if (bits & IS_REAL) {
        given[REAL_WORDS]!++;
        given[REAL_POINTS]! += points;
      }
      if (bits & HAS_LETTER) given[LETTER_WORDS]!++;
      stops |= bits & (-1 << STOP_BIT);
    }
    return stops;
  }

  #sentences(count: number, endedBefore: boolean): number {
    let ended = endedBefore;
    let sentences = 0;
    for (let index = 0; index < count; index++) {
      const bits = this.#bits(index);
      if (bits & IS_END) ended = true;
      else if (ended && !(bits & IS_PUNCTUATION)) {
        sentences++;
        ended = false;
      }
    }
    return sentences * 2 + (ended ? 1 : 0);
  }

  /** Number of the word `token`, which lies at unit `from` of the text. */
  #word(token: string, from: number): number {
    const { text } = this.#kernel;
    const to = from + token.length;
    const hash = hashUnits(text, from, to);
    const found = this.#words.find(text, from, to, hash);
    if (found >= 0) return found;
    const id = this.#words.add(text, from, to, hash);
    const { records } = this.#words;
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
    if (stop >= 0) bits |= 1 << (STOP_BIT + stop);
    records[id * WORD + WORD_POINTS] = points;
    records[id * WORD + WORD_BITS] = bits;
    return id;
  }

  /** Copies the given chunk to a record. When there is no more room, all chunks are forgotten instead. */
  #keep(): void {
    const { state, given, bytes, units, integers, text } = this.#kernel;
    const length = given[UNITS]!;
    const tokens = given[TOKENS]!;
    const rest = length > UNITS_INSIDE ? (2 * (length - UNITS_INSIDE) + 15) & ~15 : 0;
    const extra = rest + (tokens > TOKENS_INSIDE ? 4 * TOKEN * tokens : 0);
    if (this.#chunks >= this.#mostChunks || this.#extraAt + extra > this.#extraEnd) return this.#clearChunks();
    this.#chunks++;
    const record = state[SLOT]!;
    const from = state[FROM]!;
    // Units behind the last one are zeros: in a new record they are, in the extra part an older one may have been.
    for (let at = this.#extraAt; at < this.#extraAt + rest; at += 4) integers[at / 4] = 0;
    for (let i = 0; i < length; i++)
      units[(i < UNITS_INSIDE ? record : this.#extraAt - 2 * UNITS_INSIDE) / 2 + i] = text[from + i]!;
    integers[(record + RECORD_HASH) / 4] = state[HASH]!;
    integers[(record + RECORD_FLAGS) / 4] = given[FLAGS]!;
    units[(record + RECORD_SENTENCES) / 2] = given[INSIDE]!;
    units[(record + RECORD_SENTENCES) / 2 + 1] = given[ENDED]!;
    for (let i = 0; i < COUNTS; i++) bytes[record + RECORD_COUNTS + i] = given[i]!;
    integers[(record + RECORD_EXTRA) / 4] = this.#extraAt;
    const tokensTo = (tokens > TOKENS_INSIDE ? this.#extraAt + rest : record + RECORD_TOKENS) / 4;
    const tokensFrom = given[TOKENS_AT]! >>> 2;
    for (let i = 0; i < TOKEN * tokens; i++) integers[tokensTo + i] = integers[tokensFrom + i]!;
    this.#extraAt += (extra + 15) & ~15;
  }
}
