import type { Annotate, Runs } from './wordpiece.ts';

/**
 * Thirteen signals of edited prose, none of which is the length, from the runs that the tokenizer met and the bytes between them.
 * They restate what the Gopher, C4 and FineWeb rules look at as numbers (Rae et al. 2021, table A1; Raffel et al. 2020, section 2.2;
 * Penedo et al. 2024, section 3.6), so that a scorer can weigh them instead of counting broken limits.
 *
 * A *run* is a series of bytes that are neither ASCII punctuation nor space, tab, line feed or carriage return; a *word* is a series of bytes
 * that are none of those four; two words are the same when their runs are, in ASCII lower case; a *letter* is an ASCII letter or any
 * byte from 128 up; a *line* has at least one word.
 */
export const proseSignals = [
  /** Share of words with a letter. */
  'alphabeticWords',
  /** How many of Gopher's eight stop words occur as the only run of a word, over 8. */
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
  /** Share of words whose only run is one of 60 function words. */
  'functionWords',
  /** Words per sentence or line, whichever ends first, at most 60. */
  'sentenceWords',
  /** Share of different words among the first 100. */
  'differentWords',
  /** Entropy of the first 300 words, over the logarithm of their number. */
  'wordEntropy',
  /** The same of you, your, I, my, we and our. */
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

/** 1 function word, 2 address word, 4 and up one bit for each stop word. */
const LISTED_BITS = 10;
const listed = new Map<number, number>();
for (const word of [...functionWords, ...stopWords, ...addressWords]) {
  const stop = stopWords.indexOf(word);
  const flags =
    (functionWords.includes(word) ? 1 : 0) | (addressWords.includes(word) ? 2 : 0) | (stop < 0 ? 0 : 4 << stop);
  // All are of at most six letters, so their bytes are a number below 2^48.
  listed.set(
    [...Buffer.from(word)].reduce((key, byte) => key * 256 + byte, 0),
    flags,
  );
}
const LONGEST_LISTED = 6;
/** The annotation has room for so many letters. */
const MAX_LETTERS = 0xffff;

/** Letters of a run and its flags as a listed word: what the meter needs from each, kept in the tokenizer's cache. */
export const annotateRun: Annotate = (bytes, from, to) => {
  let letters = 0;
  let key = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]! | 0x20;
    if (byte >= 128 || (byte >= 97 && byte <= 122)) letters++;
    if (i - from < LONGEST_LISTED) key = key * 256 + byte;
  }
  const flags = to - from <= LONGEST_LISTED ? (listed.get(key) ?? 0) : 0;
  return (Math.min(letters, MAX_LETTERS) << LISTED_BITS) | flags;
};

const isSpace = new Uint8Array(256);
for (const b of [9, 10, 13, 32]) isSpace[b] = 1;

const HASH_STEP = 0x01000193;
const DIFFERENT_WORDS = 100;
const ENTROPY_WORDS = 300;
const SHORT_LINE_BYTES = 30;
const SENTENCE_WORDS = 60;
const COUNT_SLOTS = 1024;

/** What the n-th occurrence of a word adds to Σ n · ln n. */
const occurrenceGain = Float64Array.from({ length: ENTROPY_WORDS + 1 }, (_, n) =>
  n < 2 ? 0 : n * Math.log(n) - (n - 1) * Math.log(n - 1),
);

/**
 * Writes the signals of the text that `runs` cover into `out`, in the order of `proseSignals`. The runs come from a tokenizer that was
 * made with `annotateRun`. A meter holds scratch space: one for each thread.
 */
export type ProseMeter = (bytes: Uint8Array, runs: Runs, out: Float64Array) => void;

export function createProseMeter(): ProseMeter {
  // Words are told apart by 32-bit hash: among 300 a collision has a chance of 1e-5 and moves a signal by 1 %.
  const countHash = new Int32Array(COUNT_SLOTS);
  const countOf = new Uint16Array(COUNT_SLOTS);

  return (bytes, runs, out) => {
    const { count, end } = runs;
    countHash.fill(0);
    countOf.fill(0);
    let words = 0;
    let alphabetic = 0;
    let functions = 0;
    let address = 0;
    let stops = 0;
    let lines = 0;
    let shortLines = 0;
    let terminated = 0;
    let lineFeeds = 0;
    let letters = 0;
    let capitals = 0;
    let exclamations = 0;
    let questions = 0;
    let commas = 0;
    let sentences = 0;
    let sentenceWords = 0;
    let different = 0;
    let repeats = 0;
    let lineStart = 0;
    let lineWords = 0;
    let lineEnd = 0;

    // The word that is open: its hash (0 before its first run), its flags and letters.
    let inWord = false;
    let hash = 0;
    let flags = 0;
    let wordLetters = 0;

    let i = 0;
    for (let run = 0; run <= count; run++) {
      // The end of the text ends its line.
      const gapEnd = run < count ? runs.from[run]! : end + 1;
      for (; i < gapEnd; i++) {
        const byte = i < end ? bytes[i]! : 10;
        if (isSpace[byte] === 0) {
          inWord = true;
          if (byte === 44) commas++;
          else if (byte === 33) exclamations++;
          else if (byte === 63) questions++;
          continue;
        }
        if (inWord) {
          words++;
          lineWords++;
          sentenceWords++;
          lineEnd = i;
          letters += wordLetters;
          if (wordLetters > 0) alphabetic++;
          functions += flags & 1;
          address += (flags >> 1) & 1;
          stops |= flags >> 2;
          if (words <= ENTROPY_WORDS) {
            const key = hash | 0 || 1;
            let at = (key ^ (key >>> 11)) & (COUNT_SLOTS - 1);
            while (countHash[at] !== key && countHash[at] !== 0) at = (at + 1) & (COUNT_SLOTS - 1);
            countHash[at] = key;
            const occurrences = countOf[at]! + 1;
            countOf[at] = occurrences;
            repeats += occurrenceGain[occurrences]!;
            if (words <= DIFFERENT_WORDS && occurrences === 1) different++;
          }
          const last = bytes[i - 1]!;
          if (last === 46 || last === 33 || last === 63) {
            sentences++;
            sentenceWords = 0;
          }
          inWord = false;
          hash = 0;
          flags = 0;
          wordLetters = 0;
        }
        if (byte !== 10) continue;
        if (i < end) lineFeeds++;
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
      if (run === count) break;
      const note = runs.note[run]!;
      // A second run makes it another word, and no listed one.
      flags = hash === 0 ? note & ((1 << LISTED_BITS) - 1) : 0;
      hash = (hash === 0 ? runs.hash[run]! : Math.imul(hash, HASH_STEP) ^ runs.hash[run]!) | 0 || 1;
      wordLetters += note >>> LISTED_BITS;
      capitals += runs.capitals[run]!;
      inWord = true;
      i = runs.to[run]!;
    }

    const counted = Math.min(words, ENTROPY_WORDS);
    const w = Math.max(words, 1);
    const l = Math.max(lines, 1);
    out[0] = alphabetic / w;
    out[1] = bitCount(stops) / stopWords.length;
    out[2] = terminated / l;
    out[3] = shortLines / l;
    out[4] = lineFeeds / w;
    out[5] = capitals / Math.max(letters, 1);
    out[6] = ((exclamations + 0.3 * questions) / w) * 10;
    out[7] = functions / w;
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
