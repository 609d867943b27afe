import {
  bmpClasses,
  classesOf,
  LETTER,
  PUNCTUATION,
  SENTENCE_END,
  SPACE,
  SYMBOL,
  TERMINAL,
} from './character-classes.ts';
import { type C4Lines, c4Lines, citation, policyPhrases } from './c4-lines.ts';
import {
  type C4Signals,
  type FineWebSignals,
  type GopherRepetitionSignals,
  type GopherSignals,
  ratio,
  type RuleSignals,
} from './signals.ts';
import { tokenize } from './spacy-text.ts';

/**
 * The rules as one would write them first: strings, arrays and sets, one profile after the other, no state.
 * It is the oracle of the scanner's tests and the baseline of its benchmark; the product never runs it.
 */
export type TokenKind = 'spacy' | 'whitespace';

const length = (text: string): number => {
  let count = 0;
  for (const _ of text) count++;
  return count;
};
const isSpace = (character: string): boolean => (bmpClasses[character.charCodeAt(0)]! & SPACE) !== 0;
const codes = (text: string): number[] => Array.from(text, (character) => classesOf(character.codePointAt(0)!));

export function splitWhitespace(text: string): string[] {
  const words: string[] = [];
  let word = '';
  for (const character of text) {
    if (!isSpace(character)) word += character;
    else if (word !== '') {
      words.push(word);
      word = '';
    }
  }
  if (word !== '') words.push(word);
  return words;
}

export function strip(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isSpace(text[from]!)) from++;
  while (to > from && isSpace(text[to - 1]!)) to--;
  return text.slice(from, to);
}

const lineBreak = new RegExp(`\r\n|[${String.fromCharCode(10, 11, 12, 13, 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029)}]`);

/** Python's `str.splitlines()`. */
export function splitLines(text: string): string[] {
  const lines = text.split(lineBreak);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

export function words(text: string, tokens: TokenKind): string[] {
  return tokens === 'whitespace' ? splitWhitespace(text) : tokenize(text).filter((token) => !isSpace(token[0]!));
}

const stopWords = new Set(['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with']);
const countOf = (text: string, part: string): number => text.split(part).length - 1;
const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);

export function gopher(text: string, all: string[]): GopherSignals {
  const real = all.filter((word) => codes(word).some((bits) => !(bits & SYMBOL)));
  const lines = splitLines(text).map(strip);
  const ellipses = countOf(text, '...') + countOf(text, '…');
  return {
    wordCount: real.length,
    tokenCount: all.length,
    meanWordLength: ratio(sum(real.map(length)), real.length),
    hashRatio: ratio(countOf(text, '#'), all.length),
    ellipsisRatio: ratio(ellipses, all.length),
    lineCount: lines.length,
    bulletLineFraction: ratio(
      lines.filter((line) => line.startsWith('•') || line.startsWith('-')).length,
      lines.length,
    ),
    ellipsisLineFraction: ratio(
      lines.filter((line) => line.endsWith('...') || line.endsWith('…')).length,
      lines.length,
    ),
    alphaWordFraction: ratio(all.filter((word) => codes(word).some((bits) => bits & LETTER)).length, all.length),
    stopWordCount: new Set(all.filter((word) => stopWords.has(word))).size,
  };
}

/** How many elements repeat an earlier one, and the characters in them. */
function duplicates(elements: string[]): { elements: number; characters: number } {
  const seen = new Set<string>();
  const found = { elements: 0, characters: 0 };
  for (const element of elements) {
    if (seen.has(element)) {
      found.elements++;
      found.characters += length(element);
    } else seen.add(element);
  }
  return found;
}

/** Characters of the commonest n-gram times its count; the first of equals. */
function topCharacters(all: string[], n: number): number {
  const counts = new Map<string, number>();
  for (let start = 0; start + n <= all.length; start++) {
    const gram = all.slice(start, start + n).join(' ');
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  let top = '';
  let most = 0;
  for (const [gram, count] of counts) {
    if (count > most) {
      top = gram;
      most = count;
    }
  }
  return length(top) * most;
}

/** Characters of n-grams seen before, read from left to right without overlap; n-grams are compared without their spaces. */
function repeatedCharacters(all: string[], n: number): number {
  const seen = new Set<string>();
  let characters = 0;
  for (let start = 0; start + n <= all.length; ) {
    const gram = all.slice(start, start + n).join('');
    if (seen.has(gram)) {
      characters += length(gram);
      start += n;
    } else {
      seen.add(gram);
      start++;
    }
  }
  return characters;
}

export function gopherRepetition(text: string, all: string[]): GopherRepetitionSignals {
  const characterCount = length(text);
  const paragraphs = strip(text).split(/\n{2,}/);
  const lines = text.split(/\n+/);
  const paragraph = duplicates(paragraphs);
  const line = duplicates(lines);
  return {
    characterCount,
    paragraphCount: paragraphs.length,
    lineCount: lines.length,
    tokenCount: all.length,
    duplicateParagraphFraction: ratio(paragraph.elements, paragraphs.length),
    duplicateParagraphCharacterFraction: ratio(paragraph.characters, characterCount),
    duplicateLineFraction: ratio(line.elements, lines.length),
    duplicateLineCharacterFraction: ratio(line.characters, characterCount),
    top2GramCharacterFraction: ratio(topCharacters(all, 2), characterCount),
    top3GramCharacterFraction: ratio(topCharacters(all, 3), characterCount),
    top4GramCharacterFraction: ratio(topCharacters(all, 4), characterCount),
    duplicate5GramCharacterFraction: ratio(repeatedCharacters(all, 5), characterCount),
    duplicate6GramCharacterFraction: ratio(repeatedCharacters(all, 6), characterCount),
    duplicate7GramCharacterFraction: ratio(repeatedCharacters(all, 7), characterCount),
    duplicate8GramCharacterFraction: ratio(repeatedCharacters(all, 8), characterCount),
    duplicate9GramCharacterFraction: ratio(repeatedCharacters(all, 9), characterCount),
    duplicate10GramCharacterFraction: ratio(repeatedCharacters(all, 10), characterCount),
  };
}

/** Sentences by spaCy's sentencizer: one starts at the first token, that is not punctuation, behind an end mark. */
export function sentenceCount(text: string): number {
  let count = 1;
  let ended = false;
  for (const token of tokenize(text)) {
    const bits = codes(token);
    const isEnd = bits.length === 1 && (bits[0]! & SENTENCE_END) !== 0;
    const isPunctuation = bits.every((bit) => bit & PUNCTUATION);
    if (isEnd) ended = true;
    else if (ended && !isPunctuation) {
      count++;
      ended = false;
    }
  }
  return count;
}

export type LineFate =
  | 'longWord'
  | 'unterminated'
  | 'fewWords'
  | 'loremIpsum'
  | 'javascript'
  | 'curlyBracket'
  | 'policy'
  | 'kept';

/** What becomes of one line, and the line as the peer would keep it. */
export function c4Line(raw: string, rules: C4Lines): { fate: LineFate; line: string } {
  const stripped = strip(raw);
  const lineWords = splitWhitespace(stripped);
  if (lineWords.some((word) => length(word) > rules.maxWordLength)) return { fate: 'longWord', line: stripped };
  const line = stripped.replace(citation, '');
  if (rules.terminated && (!/[.?!"']$/.test(line) || line.endsWith('...'))) return { fate: 'unterminated', line };
  if (lineWords.length < rules.minWords) return { fate: 'fewWords', line };
  const lower = line.toLowerCase();
  if (lower.includes('lorem ipsum')) return { fate: 'loremIpsum', line };
  if (lower.includes('javascript')) return { fate: 'javascript', line };
  if (line.includes('{')) return { fate: 'curlyBracket', line };
  if (policyPhrases.some((phrase) => lower.includes(phrase))) return { fate: 'policy', line };
  return { fate: 'kept', line };
}

export function c4(text: string, rules: C4Lines = c4Lines): C4Signals {
  const lines = splitLines(text).map((line) => c4Line(line, rules));
  const count = (fate: LineFate) => lines.filter((line) => line.fate === fate).length;
  const first = (fate: LineFate) => lines.findIndex((line) => line.fate === fate) + 1;
  const kept = lines.filter((line) => line.fate === 'kept');
  return {
    lineCount: lines.length,
    keptLineCount: kept.length,
    longWordLineCount: count('longWord'),
    unterminatedLineCount: count('unterminated'),
    fewWordsLineCount: count('fewWords'),
    javascriptLineCount: count('javascript'),
    policyLineCount: count('policy'),
    loremIpsumLine: first('loremIpsum'),
    curlyBracketLine: first('curlyBracket'),
    sentenceCount: sum(kept.map((line) => sentenceCount(line.line))),
  };
}

export function fineweb(text: string, all: string[]): FineWebSignals {
  const lines = text.split('\n').filter((line) => strip(line) !== '');
  const terminated = lines.filter((line) => ((codes(line).at(-1) ?? 0) & TERMINAL) !== 0);
  const newlines = countOf(text, '\n');
  return {
    lineCount: lines.length,
    tokenCount: all.length,
    terminatedLineFraction: ratio(terminated.length, lines.length),
    shortLineFraction: ratio(lines.filter((line) => length(line) <= 30).length, lines.length),
    duplicateLineCharacterFraction: ratio(duplicates(lines).characters, length(text) - newlines),
    newlineRatio: ratio(newlines, all.length),
  };
}

/** All four profiles. */
export function naiveSignals(text: string, tokens: TokenKind, rules: C4Lines = c4Lines): Required<RuleSignals> {
  const all = words(text, tokens);
  return {
    'gopher@datatrove': gopher(text, all),
    'gopher-repetition@datatrove': gopherRepetition(text, all),
    'c4@datatrove': c4(text, rules),
    'fineweb@datatrove': fineweb(text, all),
  };
}
