import { bmpClasses, SPACE } from './character-classes.ts';
import { type C4Lines, c4Lines } from './c4-lines.ts';
import {
  ChunkCache,
  ELLIPSES,
  ENDED,
  ENDS_TERMINAL,
  FLAGS,
  HAS_MERGE,
  HASHES,
  INSIDE,
  LETTER_WORDS,
  POINTS,
  REAL_POINTS,
  REAL_WORDS,
  STOP_WORDS,
  TOKENS,
} from './chunk-cache.ts';
import { LineJudge } from './line-judge.ts';
import { mergeNeighbours } from './merge-neighbours.ts';
import { GramCounter, SegmentSet } from './repeats.ts';
import { type ProfileName, ratio, type RuleSignals } from './signals.ts';
import { hashStart, hashStep, UnitBuffer } from './text-table.ts';

export interface RuleScannerOptions {
  profiles: readonly ProfileName[];
  /** spaCy 3.8 English tokens, or words between white space. */
  tokens: 'spacy' | 'whitespace';
  /** Other line rules than C4's: for comparisons with peers; signals made so do not carry the profile's name. */
  c4?: C4Lines;
}

export interface RuleScanner {
  /** Measures one text. Linear in its length, whatever it holds; throws nothing. */
  scan(text: string): RuleSignals;
}

/** What a UTF-16 unit is to the scanner. */
const WORD = 0;
const BLANK = 1;
/** Ends a line for Python's `splitlines()`; a carriage return only when no line feed follows. */
const BREAK = 2;
const RETURN = 3;
const FEED = 4;

const kinds: Uint8Array = (() => {
  const table = new Uint8Array(0x10000);
  for (let unit = 0; unit < 0x10000; unit++) if (bmpClasses[unit]! & SPACE) table[unit] = BLANK;
  for (const unit of [0x0b, 0x0c, 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029]) table[unit] = BREAK;
  table[0x0d] = RETURN;
  table[0x0a] = FEED;
  return table;
})();

const SPACE_UNIT = 0x20;

/**
 * Reads texts and measures what the profiles need: one pass over the text, chunk by chunk (runs without white space).
 * A chunk's tokens and counts come from a cache; what is left to do for each is to add a few numbers up. Not re-entrant: one per thread.
 */
export function createRuleScanner(options: RuleScannerOptions): RuleScanner {
  const scanner = new Scanner(options);
  return { scan: (text) => scanner.scan(text) };
}

class Scanner {
  readonly #profiles: ReadonlySet<ProfileName>;
  readonly #cache: ChunkCache;
  readonly #grams: GramCounter;
  readonly #lines = new SegmentSet();
  readonly #paragraphs = new SegmentSet();
  readonly #judge: LineJudge;
  readonly #countGrams: boolean;
  readonly #units = new UnitBuffer();
  readonly #lineUnits = new UnitBuffer();

  #points = 0;
  #newlines = 0;
  #tokens = 0;
  #realWords = 0;
  #realPoints = 0;
  #letterWords = 0;
  #stopWords = 0;
  #hashMarks = 0;
  #ellipses = 0;
  /** Runs between line feeds. */
  #rawLines = 0;
  #rawDuplicates = 0;
  #rawDuplicatePoints = 0;
  /** Those that are not blank. */
  #fullLines = 0;
  #fullTerminated = 0;
  #fullShort = 0;
  #fullDuplicatePoints = 0;
  #paragraphCount = 0;
  #paragraphDuplicates = 0;
  #paragraphDuplicatePoints = 0;

  constructor(options: RuleScannerOptions) {
    this.#profiles = new Set(options.profiles);
    this.#cache = new ChunkCache(options.tokens);
    this.#grams = new GramCounter(this.#cache);
    this.#countGrams = this.#profiles.has('gopher-repetition@datatrove');
    this.#judge = new LineJudge(options.c4 ?? c4Lines, this.#cache, (line) => this.#sentencesOf(line));
  }

  scan(text: string): RuleSignals {
    this.#begin();
    this.#read(text);
    return this.#signals();
  }

  #begin(): void {
    this.#cache.bound();
    this.#grams.begin();
    this.#lines.begin();
    this.#paragraphs.begin();
    this.#judge.begin();
    this.#points = 0;
    this.#newlines = 0;
    this.#tokens = 0;
    this.#realWords = 0;
    this.#realPoints = 0;
    this.#letterWords = 0;
    this.#stopWords = 0;
    this.#hashMarks = 0;
    this.#ellipses = 0;
    this.#rawLines = 0;
    this.#rawDuplicates = 0;
    this.#rawDuplicatePoints = 0;
    this.#fullLines = 0;
    this.#fullTerminated = 0;
    this.#fullShort = 0;
    this.#fullDuplicatePoints = 0;
    this.#paragraphCount = 0;
    this.#paragraphDuplicates = 0;
    this.#paragraphDuplicatePoints = 0;
  }

  #read(text: string): void {
    const judge = this.#judge;
    const cache = this.#cache;
    const end = text.length;
    const units = this.#units.load(text);
    let bodyEnd = end;
    while (bodyEnd > 0 && kinds[units[bodyEnd - 1]!] !== WORD) bodyEnd--;
    /** Of the line between line feeds, and of the paragraph: start, hash, code points. */
    let rawStart = 0;
    let rawHash = hashStart;
    let rawPoints = 0;
    let rawFull = false;
    let paragraphStart = -1;
    let paragraphHash = hashStart;
    let paragraphPoints = 0;
    /** Whether `splitlines()` has an unfinished line, and where the last chunk ended. */
    let lineOpen = false;
    let chunkEnd = -1;
    let chunkFlags = 0;
    /** Chunks looked up ahead, and the next of them. */
    let ready = 0;
    let next = 0;
    let at = 0;
    while (at < end) {
      const unit = units[at]!;
      const kind = kinds[unit]!;
      if (kind === WORD) {
        const from = at;
        if (next === ready) {
          ready = cache.lookAhead(units, at, end);
          next = 0;
        }
        const hash = cache.hashes[next]!;
        at = cache.ends[next]!;
        let record = cache.record(cache.found[next++]!, text, units, from, at, hash);
        const joined = chunkEnd === from - 1 && units[chunkEnd] === SPACE_UNIT;
        if (cache.data[record + FLAGS]! & HAS_MERGE) record = this.#merged(record, text, from, at);
        judge.chunk(record, from, at, joined);
        this.#count(record);
        const points = cache.data[record + POINTS]!;
        chunkFlags = cache.data[record + FLAGS]!;
        chunkEnd = at;
        lineOpen = true;
        rawFull = true;
        rawHash = Math.imul(rawHash ^ hash, hashStep);
        rawPoints += points;
        if (paragraphStart < 0) paragraphStart = from;
        paragraphHash = Math.imul(paragraphHash ^ hash, hashStep);
        paragraphPoints += points;
        continue;
      }
      if (kind === FEED) {
        if (lineOpen) judge.endLine(text);
        if (at > rawStart)
          this.#rawLine(units, rawStart, at, rawHash, rawPoints, rawFull, chunkEnd === at ? chunkFlags : 0);
        const feed = at;
        while (at < end && units[at] === 0x0a) at++;
        const feeds = at - feed;
        judge.endEmptyLines(lineOpen ? feeds - 1 : feeds);
        lineOpen = false;
        this.#newlines += feeds;
        rawStart = at;
        rawHash = hashStart;
        rawPoints = 0;
        rawFull = false;
        if (paragraphStart < 0 || at > bodyEnd) continue;
        if (feeds === 1) {
          paragraphHash = Math.imul(paragraphHash ^ 0x0a, hashStep);
          paragraphPoints++;
        } else {
          this.#paragraph(units, paragraphStart, feed, paragraphHash, paragraphPoints);
          paragraphStart = at;
          paragraphHash = hashStart;
          paragraphPoints = 0;
        }
        continue;
      }
      // A blank line is a line as soon as there is anything in it.
      if (kind === BLANK || (kind === RETURN && at + 1 < end && units[at + 1] === 0x0a)) lineOpen = true;
      else {
        if (lineOpen) judge.endLine(text);
        else judge.endEmptyLines(1);
        lineOpen = false;
      }
      rawHash = Math.imul(rawHash ^ unit, hashStep);
      rawPoints++;
      if (paragraphStart >= 0 && at < bodyEnd) {
        paragraphHash = Math.imul(paragraphHash ^ unit, hashStep);
        paragraphPoints++;
      }
      this.#points++;
      at++;
    }
    if (lineOpen) judge.endLine(text);
    if (end > rawStart)
      this.#rawLine(units, rawStart, end, rawHash, rawPoints, rawFull, chunkEnd === end ? chunkFlags : 0);
    this.#emptyRawLines(text);
    if (paragraphStart >= 0) this.#paragraph(units, paragraphStart, bodyEnd, paragraphHash, paragraphPoints);
    else this.#paragraphCount = 1;
    this.#points += this.#newlines;
  }

  #count(record: number): void {
    const records = this.#cache.data;
    const tokens = records[record + TOKENS]!;
    this.#points += records[record + POINTS]!;
    this.#tokens += tokens;
    this.#realWords += records[record + REAL_WORDS]!;
    this.#realPoints += records[record + REAL_POINTS]!;
    this.#letterWords += records[record + LETTER_WORDS]!;
    this.#stopWords |= records[record + STOP_WORDS]!;
    this.#hashMarks += records[record + HASHES]!;
    this.#ellipses += records[record + ELLIPSES]!;
    if (this.#countGrams) this.#grams.push(record);
  }

  /** A chunk whose own tokens were merged, seen with its neighbours. */
  #merged(record: number, text: string, from: number, to: number): number {
    const tokens = mergeNeighbours(text, from, to);
    return tokens === undefined ? record : this.#cache.learnVariant(text.slice(from, to), tokens);
  }

  #rawLine(
    text: Uint16Array,
    from: number,
    to: number,
    hash: number,
    points: number,
    full: boolean,
    endFlags: number,
  ): void {
    this.#rawLines++;
    const duplicate = this.#lines.seen(text, from, to, hash);
    if (duplicate) {
      this.#rawDuplicates++;
      this.#rawDuplicatePoints += points;
    }
    if (!full) return;
    this.#fullLines++;
    if (duplicate) this.#fullDuplicatePoints += points;
    if (endFlags & ENDS_TERMINAL) this.#fullTerminated++;
    if (points <= 30) this.#fullShort++;
  }

  /** A text that starts or ends with line feeds has an empty line there; the second one repeats the first. */
  #emptyRawLines(text: string): void {
    const starts = text.startsWith('\n') || text === '';
    const ends = text.endsWith('\n');
    this.#rawLines += (starts ? 1 : 0) + (ends ? 1 : 0);
    if (starts && ends) this.#rawDuplicates++;
  }

  #paragraph(text: Uint16Array, from: number, to: number, hash: number, points: number): void {
    this.#paragraphCount++;
    if (!this.#paragraphs.seen(text, from, to, hash)) return;
    this.#paragraphDuplicates++;
    this.#paragraphDuplicatePoints += points;
  }

  /** Sentences of a line on its own. */
  #sentencesOf(line: string): number {
    const cache = this.#cache;
    const units = this.#lineUnits.load(line);
    let count = 1;
    let ended = false;
    let chunkEnd = 0;
    for (let at = 0; at < line.length; ) {
      if (kinds[units[at]!] !== WORD) {
        at++;
        continue;
      }
      const from = at;
      let hash = hashStart;
      for (; at < line.length && kinds[units[at]!] === WORD; at++) hash = Math.imul(hash ^ units[at]!, hashStep);
      // Any run of white space but one space, which belongs to the token before, is a token that starts a sentence.
      const gap = from - chunkEnd;
      const blankToken = gap > 1 || (gap === 1 && (chunkEnd === 0 || units[chunkEnd]! !== SPACE_UNIT));
      if (blankToken && ended) {
        count++;
        ended = false;
      }
      let record = cache.find(units, from, at, hash);
      if (record === 0) record = cache.learn(line.slice(from, at), units, from, hash);
      if (cache.data[record + FLAGS]! & HAS_MERGE) record = this.#merged(record, line, from, at);
      const sentences: number = cache.data[record + (ended ? ENDED : INSIDE)]!;
      count += sentences >> 1;
      ended = (sentences & 1) === 1;
      chunkEnd = at;
    }
    const gap = line.length - chunkEnd;
    return ended && (gap > 1 || (gap === 1 && units[chunkEnd]! !== SPACE_UNIT)) ? count + 1 : count;
  }

  #signals(): RuleSignals {
    const signals: RuleSignals = {};
    if (this.#profiles.has('gopher@datatrove')) {
      signals['gopher@datatrove'] = {
        wordCount: this.#realWords,
        tokenCount: this.#tokens,
        meanWordLength: ratio(this.#realPoints, this.#realWords),
        hashRatio: ratio(this.#hashMarks, this.#tokens),
        ellipsisRatio: ratio(this.#ellipses, this.#tokens),
        lineCount: this.#judge.lineCount,
        bulletLineFraction: ratio(this.#judge.bulletLines, this.#judge.lineCount),
        ellipsisLineFraction: ratio(this.#judge.ellipsisLines, this.#judge.lineCount),
        alphaWordFraction: ratio(this.#letterWords, this.#tokens),
        stopWordCount: bitCount(this.#stopWords),
      };
    }
    if (this.#profiles.has('gopher-repetition@datatrove')) {
      const grams = this.#grams;
      const points = this.#points;
      const top = grams.top().map((found) => ratio(found, points));
      const repeated = grams.repeated().map((found) => ratio(found, points));
      signals['gopher-repetition@datatrove'] = {
        characterCount: points,
        paragraphCount: this.#paragraphCount,
        lineCount: this.#rawLines,
        tokenCount: this.#tokens,
        duplicateParagraphFraction: ratio(this.#paragraphDuplicates, this.#paragraphCount),
        duplicateParagraphCharacterFraction: ratio(this.#paragraphDuplicatePoints, points),
        duplicateLineFraction: ratio(this.#rawDuplicates, this.#rawLines),
        duplicateLineCharacterFraction: ratio(this.#rawDuplicatePoints, points),
        top2GramCharacterFraction: top[0]!,
        top3GramCharacterFraction: top[1]!,
        top4GramCharacterFraction: top[2]!,
        duplicate5GramCharacterFraction: repeated[0]!,
        duplicate6GramCharacterFraction: repeated[1]!,
        duplicate7GramCharacterFraction: repeated[2]!,
        duplicate8GramCharacterFraction: repeated[3]!,
        duplicate9GramCharacterFraction: repeated[4]!,
        duplicate10GramCharacterFraction: repeated[5]!,
      };
    }
    if (this.#profiles.has('c4@datatrove')) {
      const { c4 } = this.#judge;
      c4.lineCount = this.#judge.lineCount;
      signals['c4@datatrove'] = c4;
    }
    if (this.#profiles.has('fineweb@datatrove')) {
      signals['fineweb@datatrove'] = {
        lineCount: this.#fullLines,
        tokenCount: this.#tokens,
        terminatedLineFraction: ratio(this.#fullTerminated, this.#fullLines),
        shortLineFraction: ratio(this.#fullShort, this.#fullLines),
        duplicateLineCharacterFraction: ratio(this.#fullDuplicatePoints, this.#points - this.#newlines),
        newlineRatio: ratio(this.#newlines, this.#tokens),
      };
    }
    return signals;
  }
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
