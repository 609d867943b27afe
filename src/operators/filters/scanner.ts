import { type C4Lines, c4Lines } from './c4-lines.ts';
import { ChunkCache, STOP_BIT } from './chunk-cache.ts';
import { LineJudge } from './line-judge.ts';
import { RawLines } from './raw-lines.ts';
import {
  AS_KNOWN,
  BLANKS,
  ELLIPSES,
  EMPTY_LINES,
  FEEDS,
  FLAGS_SEEN,
  GIVEN,
  HASHES,
  IN_CONTEXT,
  LETTER_WORDS,
  LINE,
  POINTS,
  RAW_LINE,
  REAL_POINTS,
  REAL_WORDS,
  ROW,
  ROW_COUNT,
  ROWS,
  ScanKernel,
  TOKENS,
  UNKNOWN,
} from './scan-kernel.ts';
import { type ProfileName, ratio, type RuleSignals } from './signals.ts';

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
 * Reads texts and measures what the profiles need: one pass over the text, chunk by chunk (runs without white space), in a kernel that knows the chunks
 * seen lately; new ones are worked out here. Not re-entrant: one per thread.
 */
export function createRuleScanner(options: RuleScannerOptions): RuleScanner {
  const scanner = new Scanner(options);
  return { scan: (text) => scanner.scan(text) };
}

class Scanner {
  readonly #profiles: ReadonlySet<ProfileName>;
  readonly #kernel = new ScanKernel();
  readonly #cache: ChunkCache;
  readonly #raw = new RawLines();
  readonly #judge: LineJudge;
  readonly #countGrams: boolean;

  constructor(options: RuleScannerOptions) {
    this.#profiles = new Set(options.profiles);
    this.#cache = new ChunkCache(this.#kernel, options.tokens);
    this.#countGrams = this.#profiles.has('gopher-repetition@datatrove');
    this.#judge = new LineJudge(options.c4 ?? c4Lines);
  }

  scan(text: string): RuleSignals {
    this.#raw.begin(text);
    this.#judge.begin();
    this.#cache.bound();
    if (this.#kernel.begin(text, this.#countGrams)) this.#cache.clear();
    this.#read(text);
    return this.#signals();
  }

  #read(text: string): void {
    const { run } = this.#kernel;
    const cache = this.#cache;
    let given = 0;
    for (;;) {
      const answer = run.scanText(given);
      given = 0;
      if (answer === UNKNOWN) {
        // Once no more words are counted, none of their numbers is needed any more.
        if (!this.#countGrams || run.gramsFull() === 1) cache.bound();
        cache.learn(text);
        given = GIVEN;
      } else if (answer === IN_CONTEXT) given = cache.relearn(text) ? GIVEN : AS_KNOWN;
      else {
        this.#readRows(text);
        if (answer !== ROWS) return;
      }
    }
  }

  #readRows(text: string): void {
    const { rows, state, text: units } = this.#kernel;
    const end = state[ROW_COUNT]! * ROW;
    for (let at = 0; at < end; at += ROW) {
      const kind = rows[at]!;
      const from = rows[at + 1]!;
      const to = rows[at + 2]!;
      if (kind === LINE)
        this.#judge.line(text, {
          from,
          to,
          words: rows[at + 3]!,
          flags: rows[at + 4]!,
          longest: rows[at + 5]!,
          sentences: rows[at + 6]!,
          edges: rows[at + 7]!,
        });
      else if (kind === EMPTY_LINES) this.#judge.emptyLines(rows[at + 3]!);
      else if (kind === RAW_LINE)
        this.#raw.line(units, from, to, rows[at + 3]!, rows[at + 4]!, rows[at + 5] === 1, rows[at + 6]!);
      else this.#raw.paragraph(units, from, to, rows[at + 3]!, rows[at + 4]!);
    }
  }

  #signals(): RuleSignals {
    const signals: RuleSignals = {};
    const raw = this.#raw;
    // A text without a word has one paragraph.
    raw.paragraphs = Math.max(1, raw.paragraphs);
    const { run, sums, state } = this.#kernel;
    const newlines = state[FEEDS]!;
    const points = sums[POINTS]! + state[BLANKS]! + newlines;
    const tokens = sums[TOKENS]!;
    if (this.#profiles.has('gopher@datatrove')) {
      signals['gopher@datatrove'] = {
        wordCount: sums[REAL_WORDS]!,
        tokenCount: tokens,
        meanWordLength: ratio(sums[REAL_POINTS]!, sums[REAL_WORDS]!),
        hashRatio: ratio(sums[HASHES]!, tokens),
        ellipsisRatio: ratio(sums[ELLIPSES]!, tokens),
        lineCount: this.#judge.lineCount,
        bulletLineFraction: ratio(this.#judge.bulletLines, this.#judge.lineCount),
        ellipsisLineFraction: ratio(this.#judge.ellipsisLines, this.#judge.lineCount),
        alphaWordFraction: ratio(sums[LETTER_WORDS]!, tokens),
        stopWordCount: bitCount(state[FLAGS_SEEN]! >>> STOP_BIT),
      };
    }
    if (this.#profiles.has('gopher-repetition@datatrove')) {
      run.beginTop();
      const top = [2, 3, 4].map((n) => ratio(run.topGram(n), points));
      run.findCandidates();
      const repeated = [5, 6, 7, 8, 9, 10].map((n) => ratio(run.repeatedGrams(n), points));
      signals['gopher-repetition@datatrove'] = {
        characterCount: points,
        paragraphCount: raw.paragraphs,
        lineCount: raw.lines,
        tokenCount: tokens,
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
        tokenCount: tokens,
        terminatedLineFraction: ratio(raw.fullTerminated, raw.fullLines),
        shortLineFraction: ratio(raw.fullShort, raw.fullLines),
        duplicateLineCharacterFraction: ratio(raw.fullDuplicatePoints, points - newlines),
        newlineRatio: ratio(newlines, tokens),
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
