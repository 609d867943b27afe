/**
 * Thirteen signals of edited prose, none of which is the length, over one pass of UTF-8 bytes.
 * They restate what the Gopher, C4 and FineWeb rules look at as numbers (Rae et al. 2021, table A1; Raffel et al. 2020, section 2.2;
 * Penedo et al. 2024, section 3.6), so that a scorer can weigh them instead of counting broken limits.
 *
 * A *word* is a run of bytes that are not space, tab, line feed or carriage return; its *key* is its letters and digits, ASCII
 * lower-cased; a *letter* is an ASCII letter or any byte from 128 up. A *line* has at least one word.
 */
export const proseSignals = [
  /** Share of words with a letter. */
  'alphabeticWords',
  /** How many of Gopher's eight stop words occur, over 8. */
  'stopWordKinds',
  /** Share of lines that end in `.`, `!`, `?`, a quotation mark or an ellipsis. */
  'terminatedLines',
  /** Share of lines of at most 30 bytes. */
  'shortLines',
  /** Line feeds per word. */
  'lineFeeds',
  /** Share of ASCII capitals among letters. */
  'upperCase',
  /** `!` and 0.3 × `?` per ten words. */
  'exclamations',
  /** Share of words that are one of 60 function words. */
  'functionWords',
  /** Words per sentence or line, whichever ends first, at most 60. */
  'sentenceWords',
  /** Share of different keys among the first 100 words. */
  'differentWords',
  /** Entropy of the keys among the first 300 words, over the logarithm of their number. */
  'wordEntropy',
  /** Share of words that are you, your, I, my, we or our. */
  'addressWords',
  /** Commas per word. */
  'commas',
] as const;

export type ProseSignal = (typeof proseSignals)[number];
export const PROSE_SIGNALS = proseSignals.length;

export const functionWords: readonly string[] = (
  'the of and to in a is for that it with as was on are be this by from at or an have not you which but we they his her its had were ' +
  'been their has will would can if so what when there all one more about out up who do no my me your i he she'
).split(' ');
export const stopWords: readonly string[] = ['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with'];
export const addressWords: readonly string[] = ['you', 'your', 'i', 'my', 'we', 'our'];

const SPACE = 1;
const isSpace = new Uint8Array(256);
for (const b of [9, 10, 13, 32]) isSpace[b] = SPACE;

/** A letter or digit as it counts in a key, lower-cased; 0 for any other byte. */
const keyByte = new Uint8Array(256);
/** What a byte adds to the count of letters (low half) and of capitals (high half). */
const letterGain = new Int32Array(256);
for (let b = 0; b < 256; b++) {
  const upper = b >= 65 && b <= 90;
  const letter = upper || (b >= 97 && b <= 122) || b >= 128;
  if (letter || (b >= 48 && b <= 57)) keyByte[b] = upper ? b + 32 : b;
  letterGain[b] = (letter ? 1 : 0) + (upper ? 0x10000 : 0);
}
/** Limit of the two halves. */
export const MAX_PROSE_BYTES = 0xffff;

const HASH_START = 0x811c9dc5 | 0;
const HASH_STEP = 0x01000193;

/** FNV-1a, finished so that its low bits are good for a small table, and never 0. */
function finish(hash: number): number {
  return (hash ^ (hash >>> 15)) | 0 || 1;
}

function hashOf(word: string): number {
  let hash = HASH_START;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), HASH_STEP);
  return finish(hash);
}

/** One slot for each listed word: no two share one, so a look-up is a single comparison (checked when the module is loaded). */
const LISTED_SLOTS = 1 << 14;
const listedHash = new Int32Array(LISTED_SLOTS);
/** 1 function word, 2 address word, 4 and up one bit for each stop word. */
const listedFlags = new Uint16Array(LISTED_SLOTS);
for (const word of new Set([...functionWords, ...stopWords, ...addressWords])) {
  const slot = hashOf(word) & (LISTED_SLOTS - 1);
  if (listedFlags[slot] !== 0) throw new Error(`listed word ${word}; its slot is taken; change LISTED_SLOTS`);
  listedHash[slot] = hashOf(word);
  const stop = stopWords.indexOf(word);
  listedFlags[slot] =
    (functionWords.includes(word) ? 1 : 0) | (addressWords.includes(word) ? 2 : 0) | (stop < 0 ? 0 : 4 << stop);
}

const DIFFERENT_WORDS = 100;
const ENTROPY_WORDS = 300;
const SHORT_LINE_BYTES = 30;
const SENTENCE_WORDS = 60;
const COUNT_SLOTS = 1024;

/** What the n-th occurrence of a key adds to Σ n · ln n. */
const occurrenceGain = Float64Array.from({ length: ENTROPY_WORDS + 1 }, (_, n) =>
  n < 2 ? 0 : n * Math.log(n) - (n - 1) * Math.log(n - 1),
);

/**
 * Writes the signals of `bytes[from, to)`, at most MAX_PROSE_BYTES of them, into `out`, in the order of `proseSignals`.
 * A meter holds scratch space: one for each thread.
 */
export type ProseMeter = (bytes: Uint8Array, from: number, to: number, out: Float64Array) => void;

export function createProseMeter(): ProseMeter {
  // Keys are told apart by 32-bit hash: among 300 words a collision has a chance of 1e-5 and moves a signal by 1 %.
  const countHash = new Int32Array(COUNT_SLOTS);
  const countOf = new Uint16Array(COUNT_SLOTS);

  return (bytes, from, end, out) => {
    const to = Math.min(end, from + MAX_PROSE_BYTES);
    countHash.fill(0);
    countOf.fill(0);
    let words = 0;
    let alphabetic = 0;
    let listed = 0;
    let address = 0;
    let stops = 0;
    let lines = 0;
    let shortLines = 0;
    let terminated = 0;
    let lineFeeds = 0;
    let letters = 0;
    let exclamations = 0;
    let questions = 0;
    let commas = 0;
    let sentences = 0;
    let sentenceWords = 0;
    let different = 0;
    let repeats = 0;
    let lineStart = from;
    let lineWords = 0;
    let lineEnd = from;

    for (let i = from; i <= to; ) {
      let byte = i < to ? bytes[i]! : 10;
      if (isSpace[byte] === SPACE) {
        if (byte === 10) {
          if (i < to) lineFeeds++;
          if (lineWords > 0) {
            lines++;
            if (i - lineStart <= SHORT_LINE_BYTES) shortLines++;
            if (endsSentence(bytes, lineStart, lineEnd)) terminated++;
            if (sentenceWords > 0) sentences++;
            sentenceWords = 0;
          }
          lineStart = i + 1;
          lineWords = 0;
        }
        i++;
        continue;
      }

      let hash = HASH_START;
      const lettersBefore = letters;
      for (;;) {
        const key = keyByte[byte]!;
        if (key !== 0) {
          hash = Math.imul(hash ^ key, HASH_STEP);
          letters += letterGain[byte]!;
        } else if (byte === 44) commas++;
        else if (byte === 33) exclamations++;
        else if (byte === 63) questions++;
        else if (isSpace[byte] === SPACE) break;
        if (++i === to) break;
        byte = bytes[i]!;
      }
      hash = finish(hash);
      words++;
      lineWords++;
      sentenceWords++;
      lineEnd = i;
      alphabetic += ((letters - lettersBefore) & 0xffff) === 0 ? 0 : 1;

      // Without a branch, which would be guessed wrong at every third word: all ones where the hashes differ.
      const slot = hash & (LISTED_SLOTS - 1);
      const apart = listedHash[slot]! ^ hash;
      const flags = listedFlags[slot]! & ~((apart | -apart) >> 31);
      listed += flags & 1;
      address += (flags >> 1) & 1;
      stops |= flags >> 2;

      if (words <= ENTROPY_WORDS) {
        let count = (hash >>> 10) & (COUNT_SLOTS - 1);
        while (countHash[count] !== hash && countHash[count] !== 0) count = (count + 1) & (COUNT_SLOTS - 1);
        countHash[count] = hash;
        const occurrences = countOf[count]! + 1;
        countOf[count] = occurrences;
        repeats += occurrenceGain[occurrences]!;
        if (words <= DIFFERENT_WORDS && occurrences === 1) different++;
      }

      const last = bytes[i - 1]!;
      if (last === 46 || last === 33 || last === 63) {
        sentences++;
        sentenceWords = 0;
      }
    }

    const counted = Math.min(words, ENTROPY_WORDS);
    const w = Math.max(words, 1);
    const l = Math.max(lines, 1);
    out[0] = alphabetic / w;
    out[1] = bitCount(stops) / stopWords.length;
    out[2] = terminated / l;
    out[3] = shortLines / l;
    out[4] = lineFeeds / w;
    out[5] = (letters >>> 16) / Math.max(letters & 0xffff, 1);
    out[6] = ((exclamations + 0.3 * questions) / w) * 10;
    out[7] = listed / w;
    out[8] = Math.min(SENTENCE_WORDS, words / Math.max(sentences, 1));
    out[9] = different / Math.min(w, DIFFERENT_WORDS);
    // H = ln m − Σ n ln n / m, and at most ln m; a single word has none.
    out[10] = counted < 2 ? 0 : 1 - repeats / (counted * Math.log(counted));
    out[11] = address / w;
    out[12] = commas / w;
  };
}

/** `.`, `!`, `?`, `"`, `'`, or one of ’ ” … in UTF-8. */
function endsSentence(bytes: Uint8Array, from: number, to: number): boolean {
  const last = bytes[to - 1]!;
  if (last === 46 || last === 33 || last === 63 || last === 34 || last === 39) return true;
  if ((last !== 0x99 && last !== 0x9d && last !== 0xa6) || to - from < 3) return false;
  return bytes[to - 2] === 0x80 && bytes[to - 3] === 0xe2;
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
