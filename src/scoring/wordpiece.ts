import { codePointClass, ALONE, DROP, SPACE } from './characters.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Longer words become one unknown token, as in BERT. */
const MAX_WORD_CHARS = 100;
/** Longer runs are tokenized again each time they are met. */
const MAX_CACHED_BYTES = 64;
const MAX_CACHED_IDS = 60;
/** Runs with non-ASCII bytes are normalised in pieces of this size, so a run of any length needs constant memory. */
const SEGMENT_BYTES = 1024;

const BYTE_SPACE = 0;
const BYTE_WORD = 1;
const BYTE_PUNCTUATION = 2;
/** A byte of a run that needs Unicode rules; bit 0 is set as in BYTE_WORD, bit 1 marks the slow path. */
const BYTE_UNICODE = 3;

const byteClass = new Uint8Array(256);
const lowerByte = new Uint8Array(256);
for (let b = 0; b < 256; b++) {
  const upper = b >= 65 && b <= 90;
  lowerByte[b] = upper ? b + 32 : b;
  const word = upper || (b >= 97 && b <= 122) || (b >= 48 && b <= 57);
  const space = b === 32 || b === 9 || b === 10 || b === 13;
  const control = b < 32 || b === 127;
  byteClass[b] = space ? BYTE_SPACE : word ? BYTE_WORD : control || b >= 128 ? BYTE_UNICODE : BYTE_PUNCTUATION;
}

/** A tokenizer holds a word cache and scratch space: one for each thread. */
export interface WordPiece {
  readonly vocabulary: Vocabulary;
  /**
   * Writes the ids of `bytes` (UTF-8; malformed sequences are ignored) into `ids` from index `at`, without [CLS] and [SEP], and stops
   * after `limit` of them: text behind the limit is not looked at. Returns how many were written.
   */
  encode(bytes: Uint8Array, ids: Int32Array, at: number, limit: number): number;
}

/**
 * BERT's uncased WordPiece over bytes: clean, isolate Han, strip accents, lower-case, split at spaces and punctuation, then greedy
 * longest match (Devlin et al. 2019; Schuster and Nakajima 2012). The ids equal those of the `tokenizers` package.
 *
 * Words repeat, so a run of bytes between spaces and ASCII punctuation is looked up in a cache (open addressing in typed arrays)
 * that maps its lower-cased bytes to ids; only a miss pays for Unicode and matching. A full cache is emptied, so memory is constant:
 * about 6 MB at the default of 2^17 slots.
 */
export function createWordPiece(vocabulary: Vocabulary, { cacheBits = 17 } = {}): WordPiece {
  const slots = 1 << cacheBits;
  const mask = slots - 1;
  const slotHash = new Int32Array(slots);
  const slotKey = new Int32Array(slots);
  /** Key length in the low byte, number of ids above it, 0 for an empty slot. */
  const slotShape = new Uint16Array(slots);
  const slotIds = new Int32Array(slots);
  const keys = new Uint8Array(slots * 12);
  const cached = new Int32Array(slots * 4);
  let keysTop = 0;
  let cachedTop = 0;
  let count = 0;

  const { unknown } = vocabulary;
  const punctuationId = new Int32Array(128).fill(unknown);
  for (let b = 33; b < 127; b++) punctuationId[b] = vocabulary.idOf(String.fromCharCode(b)) ?? unknown;
  const found: number[] = [];
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  function matchWord(word: string, chars: number): void {
    const first = found.length;
    if (chars > MAX_WORD_CHARS) {
      found.push(unknown);
      return;
    }
    let start = 0;
    while (start < word.length) {
      let end = word.length;
      let id: number | undefined;
      while (end > start) {
        const piece = word.slice(start, end);
        id = start === 0 ? vocabulary.idOf(piece) : vocabulary.idOfContinuation(piece);
        if (id !== undefined) break;
        end--;
        if ((word.charCodeAt(end) & 0xfc00) === 0xdc00) end--;
      }
      if (id === undefined) {
        found.length = first;
        found.push(unknown);
        return;
      }
      found.push(id);
      start = end;
    }
  }

  /** Tokenizes one run that has bytes beyond plain ASCII words. A word may go on from one segment into the next. */
  function matchRun(bytes: Uint8Array, from: number, to: number, limit: number): void {
    let word = '';
    let chars = 0;
    for (let a = from; a < to && found.length < limit; ) {
      let b = Math.min(to, a + SEGMENT_BYTES);
      if (b < to) for (let k = 0; k < 3 && (bytes[b]! & 0xc0) === 0x80; k++) b--;
      const text = decoder.decode(bytes.subarray(a, b)).normalize('NFD');
      for (const char of text) {
        const kind = codePointClass(char.codePointAt(0)!);
        if (kind === DROP) continue;
        // Lower-cased by itself: in context a final sigma would become another letter.
        const lower = char.toLowerCase();
        if (kind === SPACE || kind === ALONE) {
          if (chars > 0) matchWord(word, chars);
          word = '';
          chars = 0;
          if (kind === ALONE) matchWord(lower, 1);
        } else {
          if (chars <= MAX_WORD_CHARS) word += lower;
          chars++;
        }
      }
      a = b;
    }
    if (chars > 0) matchWord(word, chars);
  }

  function remember(slot: number, hash: number, bytes: Uint8Array, from: number, to: number): void {
    const length = to - from;
    if (length > MAX_CACHED_BYTES || found.length > MAX_CACHED_IDS) return;
    if (count * 5 > slots * 3 || keysTop + length > keys.length || cachedTop + found.length > cached.length) {
      slotShape.fill(0);
      keysTop = 0;
      cachedTop = 0;
      count = 0;
      // The slot found in the full table is not where a probe of the empty one starts.
      slot = hash & mask;
    }
    slotHash[slot] = hash;
    slotKey[slot] = keysTop;
    slotIds[slot] = cachedTop;
    slotShape[slot] = length | (found.length << 8);
    for (let i = from; i < to; i++) keys[keysTop++] = lowerByte[bytes[i]!]!;
    for (const id of found) cached[cachedTop++] = id;
    count++;
  }

  function encode(bytes: Uint8Array, ids: Int32Array, at: number, limit: number): number {
    const size = bytes.length;
    const end = at + limit;
    let out = at;
    let i = 0;
    while (i < size && out < end) {
      let byte = bytes[i]!;
      let kind = byteClass[byte]!;
      if (kind === BYTE_SPACE) {
        i++;
        continue;
      }
      if (kind === BYTE_PUNCTUATION) {
        ids[out++] = punctuationId[byte]!;
        i++;
        continue;
      }
      const from = i;
      let hash = 0x811c9dc5 | 0;
      let kinds = 0;
      do {
        kinds |= kind;
        hash = Math.imul(hash ^ lowerByte[byte]!, 0x01000193);
        if (++i === size) break;
        byte = bytes[i]!;
        kind = byteClass[byte]!;
      } while ((kind & 1) === 1);
      hash ^= hash >>> 15;
      const length = i - from;

      let slot = hash & mask;
      if (length <= MAX_CACHED_BYTES) {
        let shape = slotShape[slot]!;
        while (shape !== 0) {
          if (slotHash[slot] === hash && (shape & 0xff) === length) {
            const key = slotKey[slot]! - from;
            let k = from;
            while (k < i && keys[key + k] === lowerByte[bytes[k]!]) k++;
            if (k === i) break;
          }
          slot = (slot + 1) & mask;
          shape = slotShape[slot]!;
        }
        if (shape !== 0) {
          const first = slotIds[slot]!;
          const last = first + Math.min(shape >> 8, end - out);
          for (let k = first; k < last; k++) ids[out++] = cached[k]!;
          continue;
        }
      }
      found.length = 0;
      if (kinds === BYTE_WORD) matchWord(length > MAX_WORD_CHARS ? '' : asciiLower(bytes, from, i), length);
      else matchRun(bytes, from, i, limit);
      for (let k = 0; k < found.length && out < end; k++) ids[out++] = found[k]!;
      remember(slot, hash, bytes, from, i);
    }
    return out - at;
  }

  return { vocabulary, encode };
}

function asciiLower(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) text += String.fromCharCode(lowerByte[bytes[i]!]!);
  return text;
}
