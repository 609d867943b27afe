import { type C4Lines, c4Lines } from './c4-lines.ts';
import {
  ChunkCache,
  ELLIPSES,
  FLAGS,
  HASHES,
  LETTER_WORDS,
  POINTS,
  REAL_POINTS,
  REAL_WORDS,
  STOP_WORDS,
  TOKENS,
} from './chunk-cache.ts';
import { HAS_MERGE } from './chunk-flags.ts';
import { LineJudge } from './line-judge.ts';
import { GramCounter } from './gram-counter.ts';
import { lineSentences } from './line-sentences.ts';
import { RawLines } from './raw-lines.ts';
import { BLANK, FEED, kinds, RETURN, SPACE_UNIT, WORD } from './unit-kinds.ts';
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
  /** Measures one text. Takes time linear in its length, whatever it holds. */
  scan(text: string): RuleSignals;
}

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
  readonly #raw = new RawLines();
  readonly #judge: LineJudge;
  readonly #countGrams: boolean;
  readonly #units = new UnitBuffer();

  #points = 0;
  #newlines = 0;
  #tokens = 0;
  #realWords = 0;
  #realPoints = 0;
  #letterWords = 0;
  #stopWords = 0;
  #hashMarks = 0;
  #ellipses = 0;

  constructor(options: RuleScannerOptions) {
    this.#profiles = new Set(options.profiles);
    this.#cache = new ChunkCache(options.tokens);
    this.#grams = new GramCounter(this.#cache);
    this.#countGrams = this.#profiles.has('gopher-repetition@datatrove');
    this.#judge = new LineJudge(options.c4 ?? c4Lines, this.#cache, lineSentences(this.#cache));
  }

  scan(text: string): RuleSignals {
    this.#begin(text);
    this.#read(text);
    return this.#signals();
  }

  #begin(text: string): void {
    this.#cache.bound();
    this.#grams.begin();
    this.#raw.begin(text);
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
  }

  #read(text: string): void {
    const judge = this.#judge;
    const raw = this.#raw;
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
          // Once no more words are counted, none of their numbers is needed any more.
          if (!this.#countGrams || this.#grams.full) cache.bound();
          ready = cache.lookAhead(units, at, end);
          next = 0;
        }
        const hash = cache.hashes[next]!;
        at = cache.ends[next]!;
        let record = cache.record(cache.found[next++]!, text, units, from, at, hash);
        const joined = chunkEnd === from - 1 && units[chunkEnd] === SPACE_UNIT;
        if (cache.data[record + FLAGS]! & HAS_MERGE) record = cache.inContext(record, text, units, from, at);
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
        if (at > rawStart) raw.line(units, rawStart, at, rawHash, rawPoints, rawFull, chunkEnd === at ? chunkFlags : 0);
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
          raw.paragraph(units, paragraphStart, feed, paragraphHash, paragraphPoints);
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
    if (end > rawStart) raw.line(units, rawStart, end, rawHash, rawPoints, rawFull, chunkEnd === end ? chunkFlags : 0);
    if (paragraphStart >= 0) raw.paragraph(units, paragraphStart, bodyEnd, paragraphHash, paragraphPoints);
    else raw.paragraphs = 1;
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

  #signals(): RuleSignals {
    const signals: RuleSignals = {};
    const raw = this.#raw;
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
        paragraphCount: raw.paragraphs,
        lineCount: raw.lines,
        tokenCount: this.#tokens,
        duplicateParagraphFraction: ratio(raw.duplicateParagraphs, raw.paragraphs),
        duplicateParagraphCharacterFraction: ratio(raw.duplicateParagraphPoints, points),
        duplicateLineFraction: ratio(raw.duplicates, raw.lines),
        duplicateLineCharacterFraction: ratio(raw.duplicatePoints, points),
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
        lineCount: raw.fullLines,
        tokenCount: this.#tokens,
        terminatedLineFraction: ratio(raw.fullTerminated, raw.fullLines),
        shortLineFraction: ratio(raw.fullShort, raw.fullLines),
        duplicateLineCharacterFraction: ratio(raw.fullDuplicatePoints, this.#points - this.#newlines),
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
