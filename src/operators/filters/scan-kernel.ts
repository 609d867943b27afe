/** The host's side of kernels/assembly/{scan,chunks,grams}.ts: the memory of one instance, and what its numbers mean. */
import { getRandomValues } from 'node:crypto';
import { growMemory, kernelInstance } from '../../runtime/kernel.ts';
import { kinds } from './unit-kinds.ts';

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly CHUNK_EXTRA: WebAssembly.Global;
  readonly CHUNK_EXTRA_BYTES: WebAssembly.Global;
  readonly CHUNK_KINDS: WebAssembly.Global;
  readonly CHUNK_SLOT_BITS: WebAssembly.Global;
  readonly CHUNK_SLOTS: WebAssembly.Global;
  readonly CHUNK_UNITS: WebAssembly.Global;
  readonly SCAN_GIVEN: WebAssembly.Global;
  readonly SCAN_ROWS: WebAssembly.Global;
  readonly SCAN_STATE: WebAssembly.Global;
  readonly SCAN_SUMS: WebAssembly.Global;
  readonly SCAN_TEXT: WebAssembly.Global;
  readonly UNITS_SECRET: WebAssembly.Global;
  readonly scanLayout: (units: number, givenTokens: number) => number;
  readonly scanBegin: (units: number, countGrams: number) => void;
  readonly scanText: (given: number) => number;
  readonly gramsFull: () => number;
  readonly beginTop: () => void;
  readonly topGram: (n: number) => number;
  readonly findCandidates: () => void;
  readonly repeatedGrams: (n: number) => number;
}

/** What the host says of the chunk of the last answer. */
export const GIVEN = 1;
export const AS_KNOWN = 2;
/** Answers of `scanText`. */
export const UNKNOWN = 1;
export const IN_CONTEXT = 2;
export const ROWS = 3;

/** The state: a chunk (places in the text, hash, address for its record), then what is known of the text so far. */
export const FROM = 0;
export const TO = 1;
export const HASH = 2;
export const SLOT = 3;
export const ROW_COUNT = 4;
export const FLAGS_SEEN = 5;
export const BLANKS = 6;
export const FEEDS = 7;

/** The sums over all chunks; a given chunk begins with the same. */
export const POINTS = 0;
export const TOKENS = 1;
/** Tokens that are not only punctuation, and their code points. */
export const REAL_WORDS = 2;
export const REAL_POINTS = 3;
export const LETTER_WORDS = 4;
export const HASHES = 5;
export const ELLIPSES = 6;
export const UNITS = 7;
/** A given chunk goes on: flags, with a bit from 24 up for each stop word; … */
export const FLAGS = 8;
/** … sentences that start in it, times two, plus one when the last has ended, for a line that is inside a sentence … */
export const INSIDE = 9;
/** … and for one whose sentence has just ended; address of the tokens. */
export const ENDED = 10;
export const TOKENS_AT = 11;
/** Integers a token: number of the word, units, code points. */
export const TOKEN = 3;

/** Kinds of rows, and integers a row. */
export const LINE = 0;
export const EMPTY_LINES = 1;
export const RAW_LINE = 2;
export const PARAGRAPH = 3;
export const ROW = 8;

/** A longer chunk is no text, and is one token: its tokens must not take a hundred times its own memory. */
export const longestSplit: number = 1 << 20;

const smallest = 1 << 16;
/** A longer text leaves no large memory behind. */
const largestKept = 1 << 20;

const address = (global: WebAssembly.Global): number => Number(global.value);

export class ScanKernel {
  run!: Exports;
  /** All of the memory, by units, by integers, by bytes; the next views are parts of it. */
  units!: Uint16Array;
  integers!: Int32Array;
  bytes!: Buffer;
  state!: Int32Array;
  sums!: Int32Array;
  given!: Int32Array;
  rows!: Int32Array;
  /** From the first unit of the text on. */
  text!: Uint16Array;
  #capacity = 0;

  constructor() {
    this.#open();
  }

  /** Begins a text. Returns whether all chunks are forgotten. */
  begin(text: string, countGrams: boolean): boolean {
    const { length } = text;
    const anew = this.#capacity > largestKept && length <= largestKept;
    if (anew) this.#open();
    if (length > this.#capacity) this.#grow(Math.max(length, Math.min(2 * this.#capacity, largestKept)));
    this.bytes.write(text, this.text.byteOffset, 'utf16le');
    this.run.scanBegin(length, countGrams ? 1 : 0);
    return anew;
  }

  #open(): void {
    this.run = kernelInstance<Exports>();
    growMemory(this.run.memory, address(this.run.SCAN_TEXT));
    this.#grow(smallest);
    this.bytes.set(kinds, address(this.run.CHUNK_KINDS));
    getRandomValues(this.bytes.subarray(address(this.run.UNITS_SECRET)).subarray(0, 16));
  }

  #grow(units: number): void {
    const { run } = this;
    this.#capacity = units;
    growMemory(run.memory, run.scanLayout(units, Math.min(units, longestSplit)));
    const { buffer } = run.memory;
    this.units = new Uint16Array(buffer);
    this.integers = new Int32Array(buffer);
    this.bytes = Buffer.from(buffer);
    this.state = new Int32Array(buffer, address(run.SCAN_STATE), 8);
    this.sums = new Int32Array(buffer, address(run.SCAN_SUMS), 8);
    this.given = new Int32Array(buffer, address(run.SCAN_GIVEN), 12);
    this.rows = new Int32Array(buffer, address(run.SCAN_ROWS), ROW << 12);
    this.text = new Uint16Array(buffer, address(run.SCAN_TEXT), units);
  }
}
