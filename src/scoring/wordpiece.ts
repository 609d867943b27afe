import { ALONE, codePointClass, DROP, SPACE, WORD } from './characters.ts';
import {
  AT,
  COUNT,
  CUT,
  HASH,
  HIGH,
  IDS,
  isSpace,
  isWordByte,
  LAST,
  LOW,
  MAX_IDS,
  MAX_RUNS,
  openPiecesKernel,
  PROBE,
  RUN,
  RUN_END,
  runByte,
  SLOT_WORDS,
  SPACE_GAP,
  TEXT_END,
  UNKNOWN,
} from './pieces-kernel.ts';
import { ID_BITS, type Vocabulary } from './vocabulary.ts';

/** Longer words become one unknown token, as in BERT. */
const MAX_WORD_CHARS = 100;
/** Longer runs are tokenized again each time they are met. */
const MAX_CACHED_BYTES = 64;
/** Runs with non-ASCII bytes are normalised in pieces of this size, so a run of any length needs constant memory. */
const SEGMENT_BYTES = 1024;

/**
 * The runs that the tokenizer met: what lies between them is spaces and ASCII punctuation. Other signals are computed from them without
 * reading the text again.
 */
export interface Runs {
  count: number;
  /** Byte at which the tokenizer stopped: the text that the ids cover ends there. */
  end: number;
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** Hash of the run in lower case. */
  readonly hash: Int32Array;
  /** What `annotate` gave for the run in lower case. */
  readonly note: Int32Array;
  /** ASCII capitals in the run. */
  readonly capitals: Int32Array;
}

/** Room for `capacity` runs; the tokenizer stops when it is full. */
export function createRuns(capacity: number): Runs {
  const numbers = (): Int32Array => new Int32Array(capacity);
  return { count: 0, end: 0, from: numbers(), to: numbers(), hash: numbers(), note: numbers(), capitals: numbers() };
}

/** A number about a run, kept in the cache with it. It must not depend on the case of ASCII letters. */
export type Annotate = (bytes: Uint8Array, from: number, to: number) => number;

/** A tokenizer holds a word cache and scratch space: one for each thread. */
export interface WordPiece {
  readonly vocabulary: Vocabulary;
  /**
   * Writes the ids of `bytes` (UTF-8; malformed sequences are ignored) into `ids` from index `at`, without [CLS] and [SEP], and stops
   * after `limit` of them: text behind the limit is not looked at. Returns how many were written. Fills `runs` where it is given.
   */
  encode(bytes: Uint8Array, ids: Int32Array, at: number, limit: number, runs?: Runs): number;
}

/**
 * BERT's uncased WordPiece over bytes: clean, isolate Han, strip accents, lower-case, split at spaces and punctuation, then greedy
 * longest match (Devlin et al. 2019; Schuster and Nakajima 2012). The ids equal those of the `tokenizers` package.
 *
 * Words repeat, so a run of bytes between spaces and ASCII punctuation is looked up in a cache that maps its lower-cased bytes to ids: this a
 * kernel does. Only a miss pays for Unicode and matching, which are done here. Runs of up to eight bytes are their own key. A full cache is
 * emptied, so memory is constant: about 8 MB at the default of 2^17 slots.
 */
export function createWordPiece(
  vocabulary: Vocabulary,
  { cacheBits = 17, annotate }: { cacheBits?: number; annotate?: Annotate } = {},
): WordPiece {
  const slots = 1 << cacheBits;
  const {
    read,
    state,
    pieceBytes,
    gaps,
    text,
    ids: pieceIds,
    runs: pieceRuns,
    mostRuns,
    slot,
    keys,
    cached,
  } = openPiecesKernel(slots);
  let keysTop = 0;
  let cachedTop = 0;
  let count = 0;

  const { unknown } = vocabulary;
  const found: number[] = [];
  /** The word that is being matched, in UTF-16; of one that is too long only the beginning. */
  const units = new Uint16Array(2 * MAX_WORD_CHARS + 8);
  let size = 0;
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  for (let b = 0; b < 256; b++) {
    if (runByte[b] !== 0) gaps[b] = RUN;
    else gaps[b] = isSpace(b) ? SPACE_GAP : (vocabulary.idOf(String.fromCharCode(b)) ?? unknown);
  }

  /** Greedy longest match of the word in `units`. */
  function matchWord(chars: number): void {
    const first = found.length;
    for (let start = 0; start < size; ) {
      const match = chars > MAX_WORD_CHARS ? -1 : vocabulary.longest(units, start, size);
      if (match < 0) {
        found.length = first;
        found.push(unknown);
        break;
      }
      found.push(match & ((1 << ID_BITS) - 1));
      start += match >>> ID_BITS;
    }
    size = 0;
  }

  /** Tokenizes one run, at least its first `limit` ids. A word may go on from one segment into the next. */
  function matchRun(bytes: Uint8Array, from: number, to: number, limit: number): void {
    let chars = 0;
    for (let a = from; a < to && found.length < limit; ) {
      let b = Math.min(to, a + SEGMENT_BYTES);
      if (b < to) for (let k = 0; k < 3 && (bytes[b]! & 0xc0) === 0x80; k++) b--;
      for (const char of decoder.decode(bytes.subarray(a, b)).normalize('NFD')) {
        const kind = codePointClass(char.codePointAt(0)!);
        if (kind === DROP) continue;
        if (kind !== WORD && chars > 0) {
          matchWord(chars);
          chars = 0;
        }
        if (kind === SPACE) continue;
        // Lower-cased by itself: in context a final sigma would become another letter.
        const lower = char.toLowerCase();
        if (chars++ <= MAX_WORD_CHARS) for (let k = 0; k < lower.length; k++) units[size++] = lower.charCodeAt(k);
        if (kind === ALONE) {
          matchWord(1);
          chars = 0;
        }
      }
      a = b;
    }
    if (chars > 0) matchWord(chars);
  }

  /** Tokenizes a run of only ASCII letters and digits; returns whether it is one. */
  function matchPlain(bytes: Uint8Array, from: number, to: number): boolean {
    for (let i = from; i < to; i++) if (!isWordByte(bytes[i]!)) return false;
    for (let i = from; i < to && size <= MAX_WORD_CHARS; i++) units[size++] = runByte[bytes[i]!]!;
    matchWord(to - from);
    return true;
  }

  /** Keeps what `found` holds for the unknown run that the kernel has described. */
  function remember(note: number, bytes: Uint8Array, from: number, to: number): void {
    const length = to - from;
    if (length > MAX_CACHED_BYTES || found.length > 255) return;
    let at = state[PROBE]!;
    if (count * 5 > slots * 3 || keysTop + length > keys.length || cachedTop + found.length > cached.length) {
      slot.fill(0);
      keysTop = 0;
      cachedTop = 0;
      count = 0;
      at = state[HASH]! & (slots - 1);
    }
    const word = at * SLOT_WORDS;
    slot[word] = state[LOW]!;
    slot[word + 1] = state[HIGH]!;
    slot[word + 2] = (length << 8) | found.length;
    // A single id, which most words are, lies in the slot itself.
    slot[word + 3] = found.length === 1 ? found[0]! : cachedTop;
    slot[word + 4] = note;
    slot[word + 5] = state[HASH]!;
    slot[word + 6] = keysTop;
    for (let i = from; i < to; i++) keys[keysTop++] = runByte[bytes[i]!]!;
    if (found.length !== 1) for (const id of found) cached[cachedTop++] = id;
    count++;
  }

  /** Works out the ids of a run, into `found`, and returns its annotation. */
  function workOut(bytes: Uint8Array, from: number, to: number, limit: number): number {
    found.length = 0;
    if (!matchPlain(bytes, from, to)) matchRun(bytes, from, to, limit);
    return annotate?.(bytes, from, to) ?? 0;
  }

  /** The run behind those of the piece that the kernel has read: it was unknown. */
  function learnRun(bytes: Uint8Array, base: number): void {
    const run = state[COUNT]!;
    const from = base + pieceRuns.from[run]!;
    const to = base + state[RUN_END]!;
    const note = workOut(bytes, from, to, state[MAX_IDS]! - state[IDS]!);
    pieceRuns.note[run] = note;
    state[COUNT] = run + 1;
    const ids = Math.min(found.length, state[MAX_IDS]! - state[IDS]!);
    for (let k = 0; k < ids; k++) pieceIds[state[IDS]! + k] = found[k]!;
    state[IDS]! += ids;
    remember(note, bytes, from, to);
  }

  /** Reads a run at `from` that does not fit in a piece: into `found`, and into place `run` of `runs`. Returns its end. */
  function readLongRun(bytes: Uint8Array, from: number, limit: number, runs: Runs | undefined, run: number): number {
    let to = from;
    let capitals = 0;
    let low = 0;
    let high = 0;
    for (; to < bytes.length && runByte[bytes[to]!] !== 0; to++) {
      const byte = runByte[bytes[to]!]!;
      high = (high << 8) | (low >>> 24);
      low = (low << 8) | byte;
      capitals += (bytes[to]! ^ byte) >> 5;
    }
    // The kernel's hash: two such runs must be told apart, too.
    let hash = Math.imul(low, 0x9e3779b1) ^ Math.imul(high + to - from, 0x85ebca6b);
    for (let k = from; k < to - 8; k++) hash = Math.imul(hash ^ runByte[bytes[k]!]!, 0x01000193);
    const note = workOut(bytes, from, to, limit);
    if (runs === undefined) return to;
    runs.from[run] = from;
    runs.to[run] = to;
    runs.hash[run] = hash ^ (hash >>> 15);
    runs.note[run] = note;
    runs.capitals[run] = capitals;
    return to;
  }

  /** Copies the runs of a piece at `base` behind the `run` that there are. */
  function copyRuns(runs: Runs, run: number, base: number): void {
    const added = state[COUNT]!;
    runs.from.set(pieceRuns.from.subarray(0, added), run);
    runs.to.set(pieceRuns.to.subarray(0, added), run);
    runs.hash.set(pieceRuns.hash.subarray(0, added), run);
    runs.note.set(pieceRuns.note.subarray(0, added), run);
    runs.capitals.set(pieceRuns.capitals.subarray(0, added), run);
    if (base === 0) return;
    for (let i = run; i < run + added; i++) {
      runs.from[i]! += base;
      runs.to[i]! += base;
    }
  }

  /** Reads the piece of `bytes` at `base`, up to so many ids and runs. Returns false when nothing of it is read: one run fills it. */
  function readPiece(bytes: Uint8Array, base: number, maxIds: number, maxRuns: number): boolean {
    const size = Math.min(pieceBytes, bytes.length - base);
    text.set(size === bytes.length ? bytes : bytes.subarray(base, base + size));
    text.fill(32, size, size + 16);
    state[AT] = state[IDS] = state[COUNT] = 0;
    state[TEXT_END] = size;
    state[MAX_IDS] = Math.min(maxIds, pieceBytes);
    state[MAX_RUNS] = Math.min(maxRuns, mostRuns);
    state[LAST] = base + size === bytes.length ? 1 : 0;
    let answer = read();
    for (; answer === UNKNOWN; answer = read()) learnRun(bytes, base);
    return answer !== CUT || state[AT] > 0;
  }

  function encode(bytes: Uint8Array, ids: Int32Array, at: number, limit: number, runs?: Runs): number {
    const end = at + limit;
    const maxRuns = runs?.from.length ?? Number.POSITIVE_INFINITY;
    let out = at;
    let run = 0;
    let base = 0;
    while (base < bytes.length && out < end && run < maxRuns) {
      if (readPiece(bytes, base, end - out, maxRuns - run)) {
        ids.set(pieceIds.subarray(0, state[IDS]), out);
        if (runs !== undefined) copyRuns(runs, run, base);
        out += state[IDS]!;
        run += state[COUNT]!;
        base += state[AT]!;
      } else {
        base = readLongRun(bytes, base, limit, runs, run++);
        for (let k = 0; k < found.length && out < end; k++) ids[out++] = found[k]!;
      }
    }
    if (runs !== undefined) {
      runs.count = run;
      runs.end = base;
    }
    return out - at;
  }

  return { vocabulary, encode };
}
