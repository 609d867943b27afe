import { type C4Lines, citation, policyPhrases } from './c4-lines.ts';
import {
  ENDS_C4,
  ENDS_ELLIPSIS,
  HAS_BRACKET,
  HAS_CURLY,
  HAS_JAVASCRIPT,
  mayHoldPhrase,
  STARTS_BULLET,
} from './chunk-flags.ts';
import { lineSentences } from './line-sentences.ts';
import type { C4Signals } from './signals.ts';

/** A line that has words. */
export interface Line {
  /** Where its chunks begin and end in the text. */
  from: number;
  to: number;
  /** Chunks. */
  words: number;
  /** All flags of its chunks. */
  flags: number;
  /** What its first chunk says of its beginning, and its last of its end. */
  edges: number;
  /** Code points of its longest chunk. */
  longest: number;
  sentences: number;
}

/** Judges lines (Python's `splitlines()`): Gopher's bullets and ellipses, and what C4 would do with the line. */
export class LineJudge {
  lineCount = 0;
  bulletLines = 0;
  ellipsisLines = 0;
  c4: C4Signals = emptyC4();

  readonly #rules: C4Lines;
  /** Counts the sentences of a line that was changed by taking citations out. */
  readonly #sentencesOf = lineSentences();

  constructor(rules: C4Lines) {
    this.#rules = rules;
  }

  begin(): void {
    this.lineCount = 0;
    this.bulletLines = 0;
    this.ellipsisLines = 0;
    this.c4 = emptyC4();
  }

  line(text: string, line: Line): void {
    this.lineCount++;
    if (line.edges & STARTS_BULLET) this.bulletLines++;
    if (line.edges & ENDS_ELLIPSIS) this.ellipsisLines++;
    if (line.longest > this.#rules.maxWordLength) this.c4.longWordLineCount++;
    else if (line.flags & HAS_BRACKET) this.#judgeCited(text.slice(line.from, line.to), line.words);
    else if (this.#rules.terminated && !(line.edges & ENDS_C4)) this.c4.unterminatedLineCount++;
    else if (line.words < this.#rules.minWords) this.c4.fewWordsLineCount++;
    else {
      const lower = mayHoldPhrase(line.flags) ? text.slice(line.from, line.to).toLowerCase() : '';
      const javascript = (line.flags & HAS_JAVASCRIPT) !== 0;
      this.#judgeContent(lower, javascript, (line.flags & HAS_CURLY) !== 0, line.sentences);
    }
  }

  /** `count` lines with nothing in them. */
  emptyLines(count: number): void {
    this.lineCount += count;
    if (this.#rules.terminated) this.c4.unterminatedLineCount += count;
    else if (this.#rules.minWords > 0) this.c4.fewWordsLineCount += count;
    else {
      this.c4.keptLineCount += count;
      this.c4.sentenceCount += count;
    }
  }

  /** A line with a bracket may hold citations; it is judged without them, its words are counted with them. */
  #judgeCited(stripped: string, words: number): void {
    const line = stripped.replace(citation, '');
    if (this.#rules.terminated && (!'.?!"\''.includes(line.at(-1) ?? ' ') || line.endsWith('...'))) {
      this.c4.unterminatedLineCount++;
    } else if (words < this.#rules.minWords) this.c4.fewWordsLineCount++;
    else {
      const lower = line.toLowerCase();
      this.#judgeContent(lower, lower.includes('javascript'), line.includes('{'), this.#sentencesOf(line));
    }
  }

  /** `lower`: the line in lower case, or nothing when it holds no phrase for certain. */
  #judgeContent(lower: string, javascript: boolean, curly: boolean, sentences: number): void {
    const { c4 } = this;
    if (lower.includes('lorem ipsum')) c4.loremIpsumLine ||= this.lineCount;
    else if (javascript) c4.javascriptLineCount++;
    else if (curly) c4.curlyBracketLine ||= this.lineCount;
    else if (lower !== '' && policyPhrases.some((phrase) => lower.includes(phrase))) c4.policyLineCount++;
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
