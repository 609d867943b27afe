import { type C4Lines, citation, policyPhrases } from './c4-lines.ts';
import { type ChunkCache, ENDED, FLAGS, INSIDE, POINTS } from './chunk-cache.ts';
import {
  ENDS_C4,
  ENDS_ELLIPSIS,
  HAS_BRACKET,
  HAS_CURLY,
  HAS_JAVASCRIPT,
  LEAVES_LOREM,
  LEAVES_POLICY,
  LEAVES_TERMS,
  LEAVES_USE,
  LEAVES_USES,
  MEETS_COOKIES,
  MEETS_IPSUM,
  MEETS_OF,
  MEETS_POLICY,
  MEETS_USE,
  PHRASES,
  STARTS_BULLET,
} from './chunk-flags.ts';
import type { C4Signals } from './signals.ts';

/** "terms of" and "use of", which only the line as a whole can leave open. */
const TERMS_OF = 1 << 18;
const USE_OF = 1 << 19;

/**
 * Judges lines (Python's `splitlines()`) chunk by chunk: Gopher's bullets and ellipses, and what C4 would do with the line.
 * Phrases such as "terms of use" are found on flags that chunks leave for the next one, so no text is searched.
 */
export class LineJudge {
  lineCount = 0;
  bulletLines = 0;
  ellipsisLines = 0;
  c4: C4Signals = emptyC4();

  readonly #rules: C4Lines;
  readonly #cache: ChunkCache;
  readonly #sentencesOf: (line: string) => number;
  /** Where the line's chunks begin and end. */
  #from = 0;
  #to = 0;
  #words = 0;
  #flags = 0;
  #firstFlags = 0;
  #lastFlags = 0;
  #longest = 0;
  #open = 0;
  #lorem = false;
  #policy = false;
  #sentences = 1;
  #ended = false;

  /** `sentencesOf` counts the sentences of a line that was changed by taking citations out. */
  constructor(rules: C4Lines, cache: ChunkCache, sentencesOf: (line: string) => number) {
    this.#rules = rules;
    this.#cache = cache;
    this.#sentencesOf = sentencesOf;
  }

  begin(): void {
    this.lineCount = 0;
    this.bulletLines = 0;
    this.ellipsisLines = 0;
    this.c4 = emptyC4();
    this.#beginLine();
  }

  #beginLine(): void {
    this.#words = 0;
    this.#flags = 0;
    this.#longest = 0;
    this.#open = 0;
    this.#lorem = false;
    this.#policy = false;
    this.#sentences = 1;
    this.#ended = false;
  }

  /** The next chunk of the line, `[from, to)` of the text. `joined`: a single space stands between it and the one before. */
  chunk(record: number, from: number, to: number, joined: boolean): void {
    const records = this.#cache.data;
    const flags = records[record + FLAGS]!;
    if (this.#words === 0) {
      this.#firstFlags = flags;
      this.#from = from;
    } else if (!joined) {
      // Other white space is a token of its own, and starts the next sentence.
      this.#open = 0;
      if (this.#ended) {
        this.#sentences++;
        this.#ended = false;
      }
    }
    this.#words++;
    this.#to = to;
    this.#flags |= flags;
    this.#lastFlags = flags;
    const points = records[record + POINTS]!;
    if (points > this.#longest) this.#longest = points;
    const sentences = records[record + (this.#ended ? ENDED : INSIDE)]!;
    this.#sentences += sentences >> 1;
    this.#ended = (sentences & 1) === 1;
    if ((flags & PHRASES) !== 0) this.#phrases(flags);
    else this.#open = 0;
  }

  #phrases(flags: number): void {
    const open = this.#open;
    if (open & LEAVES_LOREM && flags & MEETS_IPSUM) this.#lorem = true;
    if (
      (open & TERMS_OF && flags & MEETS_USE) ||
      (open & LEAVES_POLICY && flags & MEETS_POLICY) ||
      (open & (LEAVES_USE | LEAVES_USES | USE_OF) && flags & MEETS_COOKIES)
    ) {
      this.#policy = true;
    }
    let next = flags & (LEAVES_LOREM | LEAVES_TERMS | LEAVES_POLICY | LEAVES_USES | LEAVES_USE);
    if (flags & MEETS_OF) next |= (open & LEAVES_TERMS ? TERMS_OF : 0) | (open & LEAVES_USE ? USE_OF : 0);
    this.#open = next;
  }

  /** The line is complete. */
  endLine(text: string): void {
    this.lineCount++;
    if (this.#words === 0) {
      this.#emptyLines(1);
      return;
    }
    if (this.#firstFlags & STARTS_BULLET) this.bulletLines++;
    if (this.#lastFlags & ENDS_ELLIPSIS) this.ellipsisLines++;
    if (this.#longest > this.#rules.maxWordLength) this.c4.longWordLineCount++;
    else if (this.#flags & HAS_BRACKET) this.#judgeCited(text.slice(this.#from, this.#to));
    else if (this.#rules.terminated && !(this.#lastFlags & ENDS_C4)) this.c4.unterminatedLineCount++;
    else if (this.#words < this.#rules.minWords) this.c4.fewWordsLineCount++;
    else {
      const javascript = (this.#flags & HAS_JAVASCRIPT) !== 0;
      const curly = (this.#flags & HAS_CURLY) !== 0;
      this.#judgeContent(this.#lorem, javascript, curly, this.#policy, this.#sentences);
    }
    this.#beginLine();
  }

  /** `count` lines with nothing in them. */
  endEmptyLines(count: number): void {
    this.lineCount += count;
    this.#emptyLines(count);
  }

  #emptyLines(count: number): void {
    if (this.#rules.terminated) this.c4.unterminatedLineCount += count;
    else if (this.#rules.minWords > 0) this.c4.fewWordsLineCount += count;
    else {
      this.c4.keptLineCount += count;
      this.c4.sentenceCount += count;
    }
  }

  /** A line with a bracket may hold citations; it is judged without them, its words are counted with them. */
  #judgeCited(stripped: string): void {
    const line = stripped.replace(citation, '');
    if (this.#rules.terminated && (!'.?!"\''.includes(line.at(-1) ?? ' ') || line.endsWith('...'))) {
      this.c4.unterminatedLineCount++;
    } else if (this.#words < this.#rules.minWords) this.c4.fewWordsLineCount++;
    else {
      const lower = line.toLowerCase();
      const policy = policyPhrases.some((phrase) => lower.includes(phrase));
      const javascript = lower.includes('javascript');
      this.#judgeContent(
        lower.includes('lorem ipsum'),
        javascript,
        line.includes('{'),
        policy,
        this.#sentencesOf(line),
      );
    }
  }

  #judgeContent(lorem: boolean, javascript: boolean, curly: boolean, policy: boolean, sentences: number): void {
    const { c4 } = this;
    if (lorem) c4.loremIpsumLine ||= this.lineCount;
    else if (javascript) c4.javascriptLineCount++;
    else if (curly) c4.curlyBracketLine ||= this.lineCount;
    else if (policy) c4.policyLineCount++;
    else {
      c4.keptLineCount++;
      c4.sentenceCount += sentences;
    }
  }
}

function emptyC4(): C4Signals {
  return {
    lineCount: 0,
    keptLineCount: 0,
    longWordLineCount: 0,
    unterminatedLineCount: 0,
    fewWordsLineCount: 0,
    javascriptLineCount: 0,
    policyLineCount: 0,
    loremIpsumLine: 0,
    curlyBracketLine: 0,
    sentenceCount: 0,
  };
}
