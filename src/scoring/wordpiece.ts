import { ALONE, codePointClass, DROP, SPACE, WORD } from './characters.ts';
import { ID_BITS, type Vocabulary } from './vocabulary.ts';

/** Longer words become one unknown token, as in BERT. */
const MAX_WORD_CHARS = 100;
/** Longer runs are tokenized again each time they are met. */
const MAX_CACHED_BYTES = 64;
/** Runs with non-ASCII bytes are normalised in pieces of this size, so a run of any length needs constant memory. */
const SEGMENT_BYTES = 1024;

const isSpace = (b: number): boolean => b === 32 || b === 9 || b === 10 || b === 13;
const isWordByte = (b: number): boolean => (b >= 48 && b <= 57) || (b >= 65 && b <= 90) || (b >= 97 && b <= 122);
const isControl = (b: number): boolean => (b < 32 && !isSpace(b)) || b === 127;

/**
 * The byte as it counts inside a run, or 0 where a run ends: at a space or ASCII punctuation. Letters are lower-cased; a NUL becomes
 * the control code 1, which is removed just the same.
 */
const runByte = new Uint8Array(256);
for (let b = 0; b < 256; b++) {
  const inRun = isWordByte(b) || isControl(b) || b >= 128;
  runByte[b] = !inRun ? 0 : b === 0 ? 1 : b >= 65 && b <= 90 ? b + 32 : b;
}

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
 * A cache slot is half a cache line of eight 32-bit words: the last eight bytes of the run in two (LOW, HIGH), its length and, in the low
 * byte, the number of its ids (SHAPE), the one id or the place of the ids (IDS), its annotation (NOTE), its hash (HASH), and the place of
 * its key (KEY).
 */
const SLOT_WORDS = 8;
const LOW = 0;
const HIGH = 1;
const SHAPE = 2;
const IDS = 3;
const NOTE = 4;
const HASH = 5;
const KEY = 6;

/**
 * BERT's uncased WordPiece over bytes: clean, isolate Han, strip accents, lower-case, split at spaces and punctuation, then greedy
 * longest match (Devlin et al. 2019; Schuster and Nakajima 2012). The ids equal those of the `tokenizers` package.
 *
 * Words repeat, so a run of bytes between spaces and ASCII punctuation is looked up in a cache (open addressing in typed arrays)
 * that maps its lower-cased bytes to ids; only a miss pays for Unicode and matching. Runs of up to eight bytes are their own key. A full
 * cache is emptied, so memory is constant: about 8 MB at the default of 2^17 slots.
 */
export function createWordPiece(
  vocabulary: Vocabulary,
  { cacheBits = 17, annotate }: { cacheBits?: number; annotate?: Annotate } = {},
): WordPiece {
  const slots = 1 << cacheBits;
  const mask = slots - 1;
  const slot = new Int32Array(slots * SLOT_WORDS);
  const keys = new Uint8Array(slots * 12);
  const cached = new Int32Array(slots * 4);
  let keysTop = 0;
  let cachedTop = 0;
  let count = 0;

  const { unknown } = vocabulary;
  const found: number[] = [];
  /** The word that is being matched, in UTF-16; of one that is too long only the beginning. */
  const units = new Uint16Array(2 * MAX_WORD_CHARS + 8);
  let size = 0;
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const punctuationId = new Int32Array(128).fill(-1);
  for (let b = 33; b < 127; b++) {
    if (runByte[b] === 0) punctuationId[b] = vocabulary.idOf(String.fromCharCode(b)) ?? unknown;
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

  /** Keeps what `found` holds for a run, in the free slot that its probe ended at. */
  function remember(
    at: number,
    low: number,
    high: number,
    hash: number,
    note: number,
    bytes: Uint8Array,
    from: number,
    to: number,
  ): void {
    const length = to - from;
    if (length > MAX_CACHED_BYTES || found.length > 255) return;
    if (count * 5 > slots * 3 || keysTop + length > keys.length || cachedTop + found.length > cached.length) {
      slot.fill(0);
      keysTop = 0;
      cachedTop = 0;
      count = 0;
      at = hash & mask;
    }
    const word = at * SLOT_WORDS;
    slot[word + LOW] = low;
    slot[word + HIGH] = high;
    slot[word + SHAPE] = (length << 8) | found.length;
    // A single id, which most words are, lies in the slot itself.
    slot[word + IDS] = found.length === 1 ? found[0]! : cachedTop;
    slot[word + NOTE] = note;
    slot[word + HASH] = hash;
    slot[word + KEY] = keysTop;
    for (let i = from; i < to; i++) keys[keysTop++] = runByte[bytes[i]!]!;
    if (found.length !== 1) for (const id of found) cached[cachedTop++] = id;
    count++;
  }

  function sameKey(place: number, bytes: Uint8Array, from: number, to: number): boolean {
    let key = place;
    for (let i = from; i < to; i++, key++) if (keys[key] !== runByte[bytes[i]!]) return false;
    return true;
  }

  function encode(bytes: Uint8Array, ids: Int32Array, at: number, limit: number, runs?: Runs): number {
    const { length: byteCount } = bytes;
    const end = at + limit;
    const lastRun = runs?.from.length ?? Number.POSITIVE_INFINITY;
    let run = 0;
    let out = at;
    let i = 0;
    while (i < byteCount && out < end && run < lastRun) {
      let raw = bytes[i]!;
      let byte = runByte[raw]!;
      if (byte === 0) {
        i++;
        const id = punctuationId[raw]!;
        if (id >= 0) ids[out++] = id;
        continue;
      }
      // The run shifts through 64 bits: up to eight bytes are the key itself.
      const from = i;
      let low = 0;
      let high = 0;
      let capitals = 0;
      do {
        high = (high << 8) | (low >>> 24);
        low = (low << 8) | byte;
        capitals += (raw ^ byte) >> 5;
        if (++i === byteCount) break;
        raw = bytes[i]!;
        byte = runByte[raw]!;
      } while (byte !== 0);
      const length = i - from;
      let hash = Math.imul(low, 0x9e3779b1) ^ Math.imul(high + length, 0x85ebca6b);
      for (let k = from; k < i - 8; k++) hash = Math.imul(hash ^ runByte[bytes[k]!]!, 0x01000193);
      hash ^= hash >>> 15;

      let probe = hash & mask;
      let word = probe * SLOT_WORDS;
      let shape = 0;
      if (length <= MAX_CACHED_BYTES) {
        for (;;) {
          shape = slot[word + SHAPE]!;
          if (shape === 0) break;
          if (slot[word + LOW] === low && slot[word + HIGH] === high && shape >>> 8 === length) {
            if (length <= 8 || (slot[word + HASH] === hash && sameKey(slot[word + KEY]!, bytes, from, i))) break;
          }
          probe = (probe + 1) & mask;
          word = probe * SLOT_WORDS;
        }
      }
      let note = 0;
      if (shape !== 0) {
        note = slot[word + NOTE]!;
        const value = slot[word + IDS]!;
        const n = shape & 0xff;
        if (n === 1) ids[out++] = value;
        else for (let k = value, last = value + Math.min(n, end - out); k < last; k++) ids[out++] = cached[k]!;
      } else {
        note = annotate?.(bytes, from, i) ?? 0;
        found.length = 0;
        if (!matchPlain(bytes, from, i)) matchRun(bytes, from, i, limit);
        for (let k = 0; k < found.length && out < end; k++) ids[out++] = found[k]!;
        remember(probe, low, high, hash, note, bytes, from, i);
      }
      if (runs !== undefined) {
        runs.from[run] = from;
        runs.to[run] = i;
        runs.hash[run] = hash;
        runs.note[run] = note;
        runs.capitals[run] = capitals;
      }
      run++;
    }
    if (runs !== undefined) {
      runs.count = run;
      runs.end = i;
    }
    return out - at;
  }

  return { vocabulary, encode };
}
